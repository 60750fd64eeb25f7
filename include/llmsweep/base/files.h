// Files: whole reads with a limit, writes that are all or nothing, appends that survive a kill.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

namespace llmsweep {

// Throws Error naming the path where it cannot be read or is larger than `limit_bytes`.
std::string read_file(const std::filesystem::path& path, size_t limit_bytes = size_t{1} << 30);

// Writes beside the target, syncs, then renames over it: a reader or a crash sees the old file or
// the new one. Throws MeasurementError (with errno's text) and leaves no fragment.
void write_file_atomically(const std::filesystem::path& path, std::string_view bytes);

// A descriptor opened for appending. One thread an object. Moves, does not copy.
class AppendFile {
 public:
  explicit AppendFile(const std::filesystem::path& path);  // creates; throws Error
  AppendFile(AppendFile&& other) noexcept;
  AppendFile& operator=(AppendFile&& other) noexcept;
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;
  ~AppendFile();

  // One write(2) for the whole of `bytes` where the system allows; throws MeasurementError.
  void append(std::string_view bytes);
  void sync();  // fdatasync; throws MeasurementError
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  int fd_ = -1;
};

// Creates `parent/name`, or `parent/name-2`, `-3`, … where that exists: nothing is overwritten.
// `name` is made safe first: path separators, control characters and leading dots are replaced, so
// that it cannot leave `parent`. Throws Error where the parent cannot be created or written.
std::filesystem::path create_fresh_directory(const std::filesystem::path& parent,
                                             std::string_view name);
std::string safe_file_name(std::string_view name);

}  // namespace llmsweep
