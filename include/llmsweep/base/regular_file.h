// Files that are read piece by piece or line by line, with a limit on the line. What is no regular
// file is refused at once: opening a FIFO would wait for its writer, a device may never end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace llmsweep {

// None throws: what cannot be looked at (a link to itself) is not there, and opening it says why.
bool there_is(const std::filesystem::path& path);
bool is_file(const std::filesystem::path& path);  // a regular one
bool is_folder(const std::filesystem::path& path);

// For a file that is about to be appended to, cut or replaced. Throws Error unless it is absent or
// a regular file that may be written; a link is refused, for what it leads to is another's.
void require_own_file(const std::filesystem::path& path);

// Throws MeasurementError naming the path.
int64_t size_of_file(const std::filesystem::path& path);
void cut_file(const std::filesystem::path& path, int64_t bytes);

// One thread an object.
class RegularFile {
 public:
  // kInherited also takes what the process was started with, whatever it is: /dev/stdin, <(…).
  enum class Accept { kRegular, kInherited };
  explicit RegularFile(const std::filesystem::path& path, Accept accept = Accept::kRegular);
  ~RegularFile();
  RegularFile(const RegularFile&) = delete;
  RegularFile& operator=(const RegularFile&) = delete;

  int64_t size() const { return size_; }  // in bytes when it was opened; of no regular file 0
  // Fewer than `size` only at the end. Throws Error.
  size_t read(char* into, size_t size);
  void seek(int64_t offset);  // from the start

 private:
  std::filesystem::path path_;
  int fd_ = -1;
  int64_t size_ = 0;
};

constexpr size_t kMaxLineBytes = size_t{16} << 20;

// Keeps one line and what was read with it in memory. One thread an object.
class LineReader {
 public:
  // Up to that many bytes; 0: the end.
  using Read = std::function<size_t(char* into, size_t size)>;
  LineReader(Read read, std::string name);
  explicit LineReader(const std::filesystem::path& path);  // of a RegularFile

  // Without its newline, valid until the next call; nothing at the end. A last line that has no
  // newline counts unless it is empty. Throws Error with name:line for one that is longer than 16
  // MiB; the next call goes on after it, or ends where it goes on for 256 MiB more.
  std::optional<std::string_view> next();
  bool whole() const { return whole_; }       // whether the line last returned had its newline
  int64_t number() const { return number_; }  // of that line, from 1
  int64_t end() const { return end_; }        // bytes to its end, newline included
  std::string where() const { return name_ + ":" + std::to_string(number_); }

 private:
  bool refill();
  bool skip_rest_of_line();

  Read read_;
  std::string name_;
  std::string buffer_;  // from begin_ on: read and not yet returned
  size_t begin_ = 0;
  int64_t number_ = 0;
  int64_t end_ = 0;
  bool whole_ = true;
  bool too_long_ = false;  // the line last met: its rest is to be skipped
  bool failed_ = false;    // a read has thrown: nothing follows
};

// Where the last whole line of the file ends, 0 where there is none; reads from the end. Throws
// Error where what follows it is longer than 16 MiB: that is no line that a kill cut short.
int64_t end_of_whole_lines(const std::filesystem::path& path);

}  // namespace llmsweep
