#include "llmsweep/base/files.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <iostream>
#include <optional>
#include <utility>

#include "base/file_kind.h"
#include "llmsweep/base/descriptor.h"
#include "llmsweep/base/error.h"
#include "llmsweep/base/open_files.h"
#include "llmsweep/base/random.h"
#include "llmsweep/base/regular_file.h"

namespace llmsweep {
namespace fs = std::filesystem;
namespace {

// How long a stream that takes no bytes is waited for: a pipe whose reader sleeps.
constexpr int kStreamPatienceMs = 10'000;

std::string reason(int error) {
  return std::strerror(error);
}

[[noreturn]] void refuse_write(const fs::path& path, std::string why, std::string next) {
  throw MeasurementError(
      {.what = "cannot write: " + std::move(why), .where = path.string(), .next = std::move(next)});
}

[[noreturn]] void fail_write(const fs::path& path, int error) {
  const auto next = [error]() -> std::string {
    switch (error) {
      case ENOSPC:
      case EDQUOT:
        return "free space on that disk and run again";
      case EFBIG:
        return "the limit on a file's size is reached (ulimit -f); raise it and run again";
      case EMFILE:
        return kRaiseOpenFiles;
      case ETIMEDOUT:
        return "its reader took nothing for 10 s";
      default:
        return "check the folder and its permissions";
    }
  };
  refuse_write(path, reason(error), next());
}

// Returns 0 or errno.
int write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EAGAIN) {
      pollfd ready{.fd = fd, .events = POLLOUT, .revents = 0};
      if (::poll(&ready, 1, kStreamPatienceMs) == 0) return ETIMEDOUT;
      continue;
    }
    if (written < 0) {
      if (errno == EINTR) continue;
      return errno;
    }
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return 0;
}

struct Found {
  bool exists = false;
  mode_t mode = 0;
};

// What is at `path` itself: a link is not followed. Throws what may not be written over.
Found look_before_writing(const fs::path& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return {};
    fail_write(path, errno);
  }
  const mode_t mode = status.st_mode;
  if (S_ISREG(mode) || is_stream(mode)) return {.exists = true, .mode = mode};
  refuse_write(path, std::string("it is ") + kind_of(mode),
               S_ISDIR(mode)   ? "name a file in it"
               : S_ISLNK(mode) ? "name the file that it leads to"
                               : "name a regular file");
}

// Opens what is there without waiting for a reader.
int open_stream(const fs::path& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY);
  const int error = errno;
  struct stat status {};
  if (fd < 0 && error == ENXIO && ::lstat(path.c_str(), &status) == 0 && S_ISFIFO(status.st_mode)) {
    refuse_write(path, "it is a FIFO that nobody reads", "start its reader first");
  }
  if (fd < 0) fail_write(path, error);
  if (::fstat(fd, &status) != 0 || !is_stream(status.st_mode)) {
    ::close(fd);
    refuse_write(path, "it was replaced meanwhile", "run again");
  }
  return fd;
}

// A file beside `path` that was not there before, and its name.
int create_beside(const fs::path& path, fs::path& temporary) {
  temporary = path.string() + ".tmp-" + draw_id();
  return ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
}

int write_pieces(int fd, const NextPiece& next) {
  for (std::string_view piece = next(); !piece.empty(); piece = next()) {
    if (const int error = write_all(fd, piece); error != 0) return error;
  }
  return 0;
}

void replace_file(const fs::path& path, const Found& old, const NextPiece& next) {
  fs::path temporary;
  int error = 0;
  {
    const Descriptor file(create_beside(path, temporary));
    if (file.get() < 0) fail_write(path, errno);
    try {
      error = write_pieces(file.get(), next);
    } catch (...) {
      ::unlink(temporary.c_str());
      throw;
    }
    if (error == 0 && old.exists && ::fchmod(file.get(), old.mode & 07777) != 0) error = errno;
    if (error == 0 && ::fsync(file.get()) != 0) error = errno;
  }
  if (error == 0 && ::rename(temporary.c_str(), path.c_str()) != 0) error = errno;
  if (error != 0) {
    ::unlink(temporary.c_str());
    fail_write(path, error);
  }
}

}  // namespace

std::string read_file(const fs::path& path, size_t limit_bytes) {
  const auto refuse_size = [&] {
    throw Error({.what = "larger than the limit of " + std::to_string(limit_bytes) + " bytes",
                 .where = path.string(),
                 .next = "is it the right file?"});
  };
  RegularFile file(path, RegularFile::Accept::kInherited);
  if (file.size() > static_cast<int64_t>(limit_bytes)) refuse_size();
  std::string bytes;
  char block[1 << 16];
  while (const size_t got = file.read(block, sizeof block)) {
    if (bytes.size() + got > limit_bytes) refuse_size();
    bytes.append(block, got);
  }
  return bytes;
}

void write_file_atomically(const fs::path& path, const NextPiece& next) {
  if (const std::optional<int> inherited = inherited_descriptor(path)) {
    if (*inherited == STDOUT_FILENO) std::cout.flush();  // what was printed before comes first
    if (const int error = write_pieces(*inherited, next); error != 0) fail_write(path, error);
    return;
  }
  const Found found = look_before_writing(path);
  if (!is_stream(found.mode)) {
    replace_file(path, found, next);
    return;
  }
  const Descriptor stream(open_stream(path));
  if (const int error = write_pieces(stream.get(), next); error != 0) fail_write(path, error);
}

void write_file_atomically(const fs::path& path, std::string_view bytes) {
  write_file_atomically(path, [&bytes] { return std::exchange(bytes, {}); });
}

void require_writable(const fs::path& path) {
  if (inherited_descriptor(path)) return;
  const Found found = look_before_writing(path);
  if (is_stream(found.mode)) {
    if (::access(path.c_str(), W_OK) != 0) fail_write(path, errno);
    return;
  }
  fs::path temporary;
  const Descriptor file(create_beside(path, temporary));
  if (file.get() < 0) fail_write(path, errno);
  ::unlink(temporary.c_str());
}

AppendFile::AppendFile(const fs::path& path) : path_(path) {
  const auto fail = [&](const std::string& why) {
    throw Error({.what = "cannot open for appending: " + why,
                 .where = path.string(),
                 .next = "choose another place"});
  };
  if (const std::optional<int> inherited = inherited_descriptor(path)) {
    fd_ = ::fcntl(*inherited, F_DUPFD_CLOEXEC, 3);
  } else {
    fd_ = ::open(path.c_str(),
                 O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY,
                 0644);
  }
  if (fd_ < 0) {
    if (errno == ENXIO) fail("it is a FIFO that nobody reads");
    struct stat status {};
    const int error = errno;
    throw_if_out_of_files(error, "cannot open for appending", path.string());
    const bool link = error == ELOOP && ::lstat(path.c_str(), &status) == 0;
    fail(link && S_ISLNK(status.st_mode) ? "it is a symbolic link" : reason(error));
  }
  struct stat status {};
  if (::fstat(fd_, &status) != 0 || !(S_ISREG(status.st_mode) || is_stream(status.st_mode))) {
    ::close(std::exchange(fd_, -1));
    fail(std::string("it is ") + kind_of(status.st_mode));
  }
}

AppendFile::AppendFile(AppendFile&& other) noexcept
    : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)) {}

AppendFile& AppendFile::operator=(AppendFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(fd_, other.fd_);
  return *this;
}

AppendFile::~AppendFile() {
  if (fd_ >= 0) ::close(fd_);
}

void AppendFile::append(std::string_view bytes) {
  if (const int error = write_all(fd_, bytes); error != 0) fail_write(path_, error);
}

void AppendFile::sync() {
  if (::fdatasync(fd_) != 0 && errno != EINVAL) fail_write(path_, errno);  // a stream has no disk
}

std::string safe_file_name(std::string_view name) {
  std::string safe;
  for (const char c : name.substr(0, 120)) {
    const auto byte = static_cast<unsigned char>(c);
    const bool bad = byte < 0x20 || byte >= 0x7f || std::strchr("/\\:*?\"<>|", c) != nullptr;
    safe += bad ? '-' : c;
  }
  const size_t start = safe.find_first_not_of('.');
  safe = start == std::string::npos ? std::string() : safe.substr(start);
  return safe.empty() ? "unnamed" : safe;
}

fs::path create_fresh_directory(const fs::path& parent, std::string_view name) {
  std::error_code error;
  fs::create_directories(parent, error);
  if (error) {
    throw Error({.what = "cannot create the folder: " + error.message(),
                 .where = parent.string(),
                 .next = "choose another with --out"});
  }
  const std::string safe = safe_file_name(name);
  for (int suffix = 1; suffix < 100'000; ++suffix) {
    fs::path path = parent / (suffix == 1 ? safe : safe + "-" + std::to_string(suffix));
    if (::mkdir(path.c_str(), 0755) == 0) return path;
    if (errno != EEXIST) {
      throw Error({.what = "cannot create the folder: " + reason(errno),
                   .where = path.string(),
                   .next = "choose another with --out"});
    }
  }
  throw Error({.what = "100,000 folders of that name exist already",
               .where = (parent / safe).string(),
               .next = "choose another with --out"});
}

}  // namespace llmsweep
