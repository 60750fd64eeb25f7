#include "llmsweep/base/regular_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/file_kind.h"
#include "llmsweep/base/error.h"
#include "llmsweep/base/open_files.h"

namespace llmsweep {
namespace fs = std::filesystem;
namespace {

constexpr int64_t kLongestSkipped = int64_t{256} << 20;
constexpr const char* kLineTooLong = "the line is longer than 16 MiB";

[[noreturn]] void fail(const fs::path& path, const std::string& what, std::string next = {}) {
  throw Error({.what = what, .where = path.string(), .next = std::move(next)});
}

[[noreturn]] void fail_read(const fs::path& path, int error) {
  fail(path, std::string("cannot be read: ") + std::strerror(error),
       error == EMFILE  ? kRaiseOpenFiles
       : error == ELOOP ? "the link leads back to itself"
                        : "");
}

[[noreturn]] void fail_kind(const fs::path& path, mode_t mode) {
  fail(path, std::string("is ") + kind_of(mode) + ", not a regular file",
       "give a file, or the folder that 'llmsweep run' wrote");
}

int open_at(const fs::path& path, bool inherited_too) {
  const std::optional<int> inherited =
      inherited_too ? inherited_descriptor(path) : std::optional<int>();
  return inherited ? ::fcntl(*inherited, F_DUPFD_CLOEXEC, 3)
                   : ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

}  // namespace

bool there_is(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

void require_own_file(const fs::path& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return;
    fail_read(path, errno);
  }
  if (!S_ISREG(status.st_mode)) {
    fail(path, std::string("is ") + kind_of(status.st_mode) + ", not a file that llmsweep wrote",
         "nothing was changed; move it away first");
  }
  if (::access(path.c_str(), W_OK) != 0) {
    fail(path, std::string("cannot be written: ") + std::strerror(errno),
         "check the folder and its permissions");
  }
}

int64_t size_of_file(const fs::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0) return status.st_size;
  throw MeasurementError({.what = std::string("cannot be looked at: ") + std::strerror(errno),
                          .where = path.string(),
                          .next = "check the folder and its permissions"});
}

void cut_file(const fs::path& path, int64_t bytes) {
  if (::truncate(path.c_str(), bytes) == 0) return;
  throw MeasurementError(
      {.what = std::string("cannot be cut to its whole lines: ") + std::strerror(errno),
       .where = path.string(),
       .next = "check the file and its permissions"});
}

RegularFile::RegularFile(const fs::path& path, Accept accept)
    : path_(path), fd_(open_at(path, accept == Accept::kInherited)) {
  if (fd_ < 0) fail_read(path, errno);
  struct stat status {};
  const bool known = ::fstat(fd_, &status) == 0;
  if (known && S_ISREG(status.st_mode)) {
    size_ = status.st_size;
    return;
  }
  const bool inherited = accept == Accept::kInherited && inherited_descriptor(path).has_value();
  if (known && inherited && !S_ISDIR(status.st_mode)) return;
  ::close(fd_);
  fail_kind(path, status.st_mode);
}

RegularFile::~RegularFile() {
  ::close(fd_);
}

size_t RegularFile::read(char* into, size_t size) {
  size_t done = 0;
  while (done < size) {
    const ssize_t got = ::read(fd_, into + done, size - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail_read(path_, errno);
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  return done;
}

void RegularFile::seek(int64_t offset) {
  if (::lseek(fd_, offset, SEEK_SET) < 0) fail_read(path_, errno);
}

LineReader::LineReader(Read read, std::string name)
    : read_(std::move(read)), name_(std::move(name)) {}

LineReader::LineReader(const fs::path& path)
    : LineReader([file = std::make_shared<RegularFile>(path)](
                     char* into, size_t size) { return file->read(into, size); },
                 path.string()) {}

// More of the file into the buffer; false at its end.
bool LineReader::refill() {
  constexpr size_t kPiece = size_t{256} << 10;
  buffer_.erase(0, begin_);
  begin_ = 0;
  const size_t had = buffer_.size();
  buffer_.resize(had + kPiece);
  failed_ = true;
  const size_t got = read_(buffer_.data() + had, kPiece);
  failed_ = false;
  buffer_.resize(had + got);
  return got > 0;
}

// False: the file ends in it.
bool LineReader::skip_rest_of_line() {
  too_long_ = false;
  const int64_t from = end_;
  while (end_ - from < kLongestSkipped) {
    const size_t newline = buffer_.find('\n', begin_);
    const size_t until = newline == std::string::npos ? buffer_.size() : newline + 1;
    end_ += static_cast<int64_t>(until - begin_);
    begin_ = until;
    if (newline != std::string::npos) return true;
    if (!refill()) return false;
  }
  failed_ = true;
  return false;
}

std::optional<std::string_view> LineReader::next() {
  if (failed_ || (too_long_ && !skip_rest_of_line())) return std::nullopt;
  size_t newline = buffer_.find('\n', begin_);
  while (newline == std::string::npos) {
    const size_t pending = buffer_.size() - begin_;
    if (pending > kMaxLineBytes) break;
    if (!refill()) break;
    newline = buffer_.find('\n', pending);
  }
  whole_ = newline != std::string::npos;
  const size_t stop = whole_ ? newline : buffer_.size();
  const std::string_view line = std::string_view(buffer_).substr(begin_, stop - begin_);
  if (line.empty() && !whole_) return std::nullopt;
  ++number_;
  if (line.size() > kMaxLineBytes) {
    too_long_ = true;
    throw Error({.what = kLineTooLong, .where = where(), .next = "is it the right file?"});
  }
  begin_ = stop + (whole_ ? 1 : 0);
  end_ += static_cast<int64_t>(line.size()) + (whole_ ? 1 : 0);
  return line;
}

int64_t end_of_whole_lines(const fs::path& path) {
  constexpr int64_t kPiece = int64_t{64} << 10;
  RegularFile file(path);
  const int64_t size = size_of_file(path);
  std::string piece;
  for (int64_t end = size; end > 0;) {
    if (size - end > static_cast<int64_t>(kMaxLineBytes)) {
      fail(path, std::string(kLineTooLong) + ", and it has no end",
           "what a kill cuts short is shorter: was the file changed?");
    }
    const int64_t begin = std::max<int64_t>(0, end - kPiece);
    piece.resize(static_cast<size_t>(end - begin));
    file.seek(begin);
    piece.resize(file.read(piece.data(), piece.size()));
    if (const size_t newline = piece.rfind('\n'); newline != std::string::npos) {
      return begin + static_cast<int64_t>(newline) + 1;
    }
    end = begin;
  }
  return 0;
}

}  // namespace llmsweep
