#include "dataset/unpacked_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <cerrno>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "llmsweep/base/error.h"

namespace llmsweep {

namespace {

constexpr size_t kChunk = size_t{256} << 10;
constexpr uint64_t kMostBytes = uint64_t{64} << 30;  // a bomb, not a dataset

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

std::string reason_of(int error) {
  return std::generic_category().message(error);
}

// The compressed bytes, and what becomes of the others.
class Unpacking {
 public:
  Unpacking(int from, int into, const std::string& name) : from_(from), into_(into), name_(name) {}

  size_t read(char* bytes, size_t size) {
    for (;;) {
      const ssize_t n = ::pread(from_, bytes, size, static_cast<off_t>(read_));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) throw Error{{.what = "cannot be read: " + reason_of(errno), .where = name_}};
      read_ += static_cast<uint64_t>(n);
      return static_cast<size_t>(n);
    }
  }

  void write(const char* bytes, size_t size) {
    written_ += size;
    if (written_ > kMostBytes) {
      throw Error{{.what = "the dataset unpacks to more than 64 GiB",
                   .where = name_,
                   .next = "is it the right file?"}};
    }
    while (size > 0) {
      const ssize_t n = ::write(into_, bytes, size);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) {
        throw Error{{.what = "cannot unpack the dataset: " + reason_of(errno),
                     .where = name_,
                     .next = "unpack it yourself, or set TMPDIR to a folder with room"}};
      }
      bytes += n;
      size -= static_cast<size_t>(n);
    }
  }

  [[noreturn]] void fail(std::string_view why) const {
    throw Error{{.what = fmt::format("the compressed dataset is damaged or cut short: {}", why),
                 .where = name_,
                 .next = "get it again and compare its size or hash"}};
  }

 private:
  int from_;
  int into_;
  const std::string& name_;
  uint64_t read_ = 0;
  uint64_t written_ = 0;
};

// A file may be several, one after the other.
void unpack_gzip(Unpacking& unpacking) {
  z_stream stream{};
  constexpr int kGzip = 16 + MAX_WBITS;
  if (::inflateInit2(&stream, kGzip) != Z_OK) unpacking.fail("no memory");
  const std::unique_ptr<z_stream, int (*)(z_stream*)> end(&stream, &::inflateEnd);
  std::vector<char> in(kChunk);
  std::vector<char> out(kChunk);
  int state = Z_OK;
  while (const size_t n = unpacking.read(in.data(), in.size())) {
    stream.next_in = reinterpret_cast<Bytef*>(in.data());
    stream.avail_in = static_cast<uInt>(n);
    for (;;) {
      if (state == Z_STREAM_END) {
        if (stream.avail_in == 0) break;
        ::inflateReset(&stream);
      }
      stream.next_out = reinterpret_cast<Bytef*>(out.data());
      stream.avail_out = static_cast<uInt>(out.size());
      state = ::inflate(&stream, Z_NO_FLUSH);
      if (state != Z_OK && state != Z_STREAM_END && state != Z_BUF_ERROR) {
        unpacking.fail(stream.msg ? stream.msg : "its data are not gzip's");
      }
      unpacking.write(out.data(), out.size() - stream.avail_out);
      const bool wants_more = stream.avail_in == 0 && stream.avail_out > 0;
      if (state != Z_STREAM_END && wants_more) break;
    }
  }
  if (state != Z_STREAM_END) unpacking.fail("it ends too early");
}

void unpack_zstd(Unpacking& unpacking) {
  const std::unique_ptr<ZSTD_DStream, size_t (*)(ZSTD_DStream*)> stream(::ZSTD_createDStream(),
                                                                        &::ZSTD_freeDStream);
  if (!stream) unpacking.fail("no memory");
  std::vector<char> in(kChunk);
  std::vector<char> out(kChunk);
  size_t left = 1;  // 0: at the end of a frame
  while (const size_t n = unpacking.read(in.data(), in.size())) {
    ZSTD_inBuffer source{in.data(), n, 0};
    bool full = false;
    while (source.pos < source.size || full) {
      ZSTD_outBuffer target{out.data(), out.size(), 0};
      left = ::ZSTD_decompressStream(stream.get(), &target, &source);
      if (::ZSTD_isError(left) != 0) unpacking.fail(::ZSTD_getErrorName(left));
      unpacking.write(out.data(), target.pos);
      full = target.pos == target.size && left != 0;
    }
  }
  if (left != 0) unpacking.fail("it ends too early");
}

int nameless_file(const std::string& name) {
  const char* folder = std::getenv("TMPDIR");
  std::string path = folder && *folder ? folder : "/tmp";
  int fd = ::open(path.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd < 0) {  // a file system without such files
    path += "/llmsweep.XXXXXX";
    fd = ::mkostemp(path.data(), O_CLOEXEC);
    if (fd >= 0) ::unlink(path.c_str());
  }
  if (fd < 0) {
    throw Error{{.what = "cannot unpack the dataset: " + reason_of(errno),
                 .where = name,
                 .next = "unpack it yourself, or set TMPDIR to a folder that can be written"}};
  }
  return fd;
}

}  // namespace

int unpack_if_compressed(int fd, const std::string& name) {
  Descriptor from(fd);
  char magic[4] = {};
  const ssize_t n = ::pread(fd, magic, sizeof magic, 0);
  const std::string_view start(magic, n < 0 ? 0 : static_cast<size_t>(n));
  const bool gzip = start.starts_with("\x1f\x8b");
  if (!gzip && start != "\x28\xb5\x2f\xfd") return from.release();
  Descriptor into(nameless_file(name));
  Unpacking unpacking(from.get(), into.get(), name);
  if (gzip) {
    unpack_gzip(unpacking);
  } else {
    unpack_zstd(unpacking);
  }
  return into.release();
}

}  // namespace llmsweep
