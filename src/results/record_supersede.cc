#include "llmsweep/results/record_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "llmsweep/base/error.h"
#include "llmsweep/base/regular_file.h"

namespace llmsweep {
namespace {

// As record_to_jsonl() writes it; inside a text its quotes would be escaped. Both have one length.
constexpr std::string_view kUnmarked = "\"superseded\":false";
constexpr std::string_view kMarked = "\"superseded\":true ";
static_assert(kUnmarked.size() == kMarked.size());

[[noreturn]] void fail(const std::filesystem::path& path) {
  throw MeasurementError(
      {.what = std::string("cannot mark records as superseded: ") + std::strerror(errno),
       .where = path.string(),
       .next = "check the file and its permissions"});
}

}  // namespace

int64_t mark_superseded(const std::filesystem::path& path, ByteRange range) {
  RegularFile file(path);
  file.seek(range.begin);
  LineReader lines([&file](char* into, size_t size) { return file.read(into, size); },
                   path.string());
  const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) fail(path);
  int64_t marked = 0;
  bool good = true;
  try {
    int64_t at = range.begin;
    while (good && at < range.end) {
      const std::optional<std::string_view> line = lines.next();
      if (!line) break;
      const size_t key = line->find(kUnmarked);
      if (key != std::string::npos) {
        good = ::pwrite(fd, kMarked.data(), kMarked.size(), at + static_cast<int64_t>(key)) ==
               static_cast<ssize_t>(kMarked.size());
        ++marked;
      }
      at = range.begin + lines.end();
    }
  } catch (...) {
    ::close(fd);
    throw;
  }
  good = good && ::fdatasync(fd) == 0;
  ::close(fd);
  if (!good) fail(path);
  return marked;
}

}  // namespace llmsweep
