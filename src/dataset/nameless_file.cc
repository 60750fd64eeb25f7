#include "dataset/nameless_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <utility>

#include "llmsweep/base/error.h"

namespace llmsweep {

namespace {

constexpr uint64_t kMostUnpacked = uint64_t{64} << 30;  // more is a bomb, not a dataset

std::string reason_of(int error) {
  return std::generic_category().message(error);
}

}  // namespace

NamelessFile::NamelessFile(std::string dataset) : dataset_(std::move(dataset)) {
  const char* folder = std::getenv("TMPDIR");
  std::string path = folder && *folder ? folder : "/tmp";
  fd_ = ::open(path.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd_ < 0) {  // a file system without such files
    path += "/llmsweep.XXXXXX";
    fd_ = ::mkostemp(path.data(), O_CLOEXEC);
    if (fd_ >= 0) ::unlink(path.c_str());
  }
  if (fd_ < 0) {
    throw Error{{.what = "cannot unpack the dataset: " + reason_of(errno),
                 .where = dataset_,
                 .next = "unpack it yourself, or set TMPDIR to a folder that can be written"}};
  }
}

NamelessFile::~NamelessFile() {
  if (fd_ >= 0) ::close(fd_);
}

void NamelessFile::append(const char* bytes, size_t size) {
  written_ += size;
  if (written_ > kMostUnpacked) {
    throw Error{{.what = "the dataset unpacks to more than 64 GiB",
                 .where = dataset_,
                 .next = "is it the right file?"}};
  }
  while (size > 0) {
    const ssize_t n = ::write(fd_, bytes, size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      throw Error{{.what = "cannot unpack the dataset: " + reason_of(errno),
                   .where = dataset_,
                   .next = "unpack it yourself, or set TMPDIR to a folder with room"}};
    }
    bytes += n;
    size -= static_cast<size_t>(n);
  }
}

int NamelessFile::release() {
  return std::exchange(fd_, -1);
}

size_t read_some(int fd, uint64_t offset, char* into, size_t size, const std::string& dataset) {
  for (;;) {
    const ssize_t n = ::pread(fd, into, size, static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n >= 0) return static_cast<size_t>(n);
    throw Error{{.what = "cannot read the dataset: " + reason_of(errno), .where = dataset}};
  }
}

}  // namespace llmsweep
