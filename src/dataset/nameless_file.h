// A file without a name, for what a dataset holds in another form: it can be read by position, and
// nothing is left of it however the process ends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace llmsweep {

class NamelessFile {
 public:
  // In $TMPDIR, else /tmp. `dataset` is for errors. Throws Error, as append() does: no room.
  explicit NamelessFile(std::string dataset);
  ~NamelessFile();
  NamelessFile(const NamelessFile&) = delete;
  NamelessFile& operator=(const NamelessFile&) = delete;

  void append(const char* bytes, size_t size);
  int release();  // its descriptor, which is then the caller's

 private:
  std::string dataset_;
  uint64_t written_ = 0;
  int fd_ = -1;
};

// The bytes of a descriptor from its start, which stays as it is; 0: the end. Throws Error.
size_t read_some(int fd, uint64_t offset, char* into, size_t size, const std::string& dataset);

}  // namespace llmsweep
