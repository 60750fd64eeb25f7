// Files: whole reads with a limit, writes that are all or nothing, appends that survive a kill.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace llmsweep {

// Throws Error naming the path where it cannot be read, is larger than `limit_bytes`, or is no
// regular file: a FIFO or a device is refused at once, without waiting for it. What the process was
// started with (/dev/stdin, a shell's <(…)) is read whatever it is.
std::string read_file(const std::filesystem::path& path, size_t limit_bytes = size_t{1} << 30);

// Writes beside the target, syncs, then renames over it: a reader or a crash sees the old file or
// the new one, which keeps the old one's mode. A FIFO that is read, a character device or a
// descriptor that the process was started with (/dev/stdout, /dev/fd/3) is written into and stays
// what it is. Throws MeasurementError (with errno's text) and leaves no fragment; also where the
// path is a symbolic link, a folder, a block device, a socket, or a FIFO that nobody reads.
void write_file_atomically(const std::filesystem::path& path, std::string_view bytes);
// The same piece by piece, for what is too large to hold: `next` gives them, an empty one the end.
// What it throws leaves the old file and no fragment.
using NextPiece = std::function<std::string_view()>;
void write_file_atomically(const std::filesystem::path& path, const NextPiece& next);

// Throws what write_file_atomically() would throw for a reason that is there already; changes
// nothing. For outputs of commands that take long.
void require_writable(const std::filesystem::path& path);

// A descriptor opened for appending. One thread an object. Moves, does not copy.
class AppendFile {
 public:
  // Creates the file where there is none. A FIFO that is read or a character device is written
  // into; a link is not followed. Throws Error, MeasurementError where descriptors ran out.
  explicit AppendFile(const std::filesystem::path& path);
  AppendFile(AppendFile&& other) noexcept;
  AppendFile& operator=(AppendFile&& other) noexcept;
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;
  ~AppendFile();

  // One write(2) for the whole of `bytes` where the system allows; throws MeasurementError.
  void append(std::string_view bytes);
  void sync();  // fdatasync; throws MeasurementError
  const std::filesystem::path& path() const { return path_; }

  int descriptor() const { return fd_; }  // for flock(2)

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
