#include "llmsweep/base/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "llmsweep/base/error.h"

namespace llmsweep {
namespace fs = std::filesystem;
namespace {

std::string reason(int error) {
  return std::strerror(error);
}

[[noreturn]] void fail_write(const fs::path& path, int error) {
  throw MeasurementError({.what = "cannot write: " + reason(error),
                          .where = path.string(),
                          .next = error == ENOSPC ? "free space on that disk and run again"
                                                  : "check the folder and its permissions"});
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

// Returns 0 or errno.
int write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return errno;
    }
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return 0;
}

}  // namespace

std::string read_file(const fs::path& path, size_t limit_bytes) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) {
    throw Error({.what = "cannot read: " + reason(errno), .where = path.string(), .next = {}});
  }
  std::string bytes;
  char block[1 << 16];
  while (true) {
    const ssize_t got = ::read(file.get(), block, sizeof block);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      throw Error({.what = "cannot read: " + reason(errno), .where = path.string(), .next = {}});
    }
    if (got == 0) return bytes;
    if (bytes.size() + static_cast<size_t>(got) > limit_bytes) {
      throw Error({.what = "larger than the limit of " + std::to_string(limit_bytes) + " bytes",
                   .where = path.string(),
                   .next = "is it the right file?"});
    }
    bytes.append(block, static_cast<size_t>(got));
  }
}

void write_file_atomically(const fs::path& path, std::string_view bytes) {
  const fs::path temporary = path.string() + ".tmp-" + std::to_string(::getpid());
  int error = 0;
  {
    const Descriptor file(
        ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (file.get() < 0) fail_write(path, errno);
    error = write_all(file.get(), bytes);
    if (error == 0 && ::fsync(file.get()) != 0) error = errno;
  }
  if (error == 0 && ::rename(temporary.c_str(), path.c_str()) != 0) error = errno;
  if (error != 0) {
    ::unlink(temporary.c_str());
    fail_write(path, error);
  }
}

AppendFile::AppendFile(const fs::path& path)
    : path_(path), fd_(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644)) {
  if (fd_ < 0) {
    throw Error({.what = "cannot open for appending: " + reason(errno),
                 .where = path.string(),
                 .next = "choose another folder with --out"});
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
  if (::fdatasync(fd_) != 0) fail_write(path_, errno);
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
