#include "llmsweep/dataset/unpacked_file.h"

#include <fmt/format.h>
#include <zlib.h>
#include <zstd.h>

#include <memory>
#include <string_view>
#include <vector>

#include "dataset/nameless_file.h"
#include "llmsweep/base/error.h"

namespace llmsweep {

namespace {

constexpr size_t kChunk = size_t{256} << 10;

// The compressed bytes, and what becomes of the others.
class Unpacking {
 public:
  Unpacking(int from, NamelessFile& into, const std::string& name)
      : from_(from), into_(into), name_(name) {}

  size_t read(std::vector<char>& bytes) {
    const size_t n = read_some(from_, read_, bytes.data(), bytes.size(), name_);
    read_ += n;
    return n;
  }
  void write(const char* bytes, size_t size) { into_.append(bytes, size); }
  [[noreturn]] void fail(std::string_view why) const {
    throw Error{{.what = fmt::format("the compressed file is damaged or cut short: {}", why),
                 .where = name_,
                 .next = "get it again and compare its size or hash"}};
  }

 private:
  int from_;
  NamelessFile& into_;
  const std::string& name_;
  uint64_t read_ = 0;
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
  while (const size_t n = unpacking.read(in)) {
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
  while (const size_t n = unpacking.read(in)) {
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

}  // namespace

std::optional<int> unpack_if_compressed(int fd, const std::string& name) {
  char magic[4] = {};
  const std::string_view start(magic, read_some(fd, 0, magic, sizeof magic, name));
  const bool gzip = start.starts_with("\x1f\x8b");
  if (!gzip && start != "\x28\xb5\x2f\xfd") return std::nullopt;
  NamelessFile into(name);
  Unpacking unpacking(fd, into, name);
  if (gzip) {
    unpack_gzip(unpacking);
  } else {
    unpack_zstd(unpacking);
  }
  return into.release();
}

}  // namespace llmsweep
