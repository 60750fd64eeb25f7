#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "llmsweep/base/error.h"
#include "llmsweep/results/record_file.h"

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
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Error({.what = "cannot be opened", .where = path.string(), .next = ""});
  file.seekg(range.begin);
  const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) fail(path);
  int64_t marked = 0;
  int64_t at = range.begin;
  bool good = true;
  std::string line;
  while (good && at < range.end && std::getline(file, line)) {
    const size_t key = line.find(kUnmarked);
    if (key != std::string::npos) {
      good = ::pwrite(fd, kMarked.data(), kMarked.size(), at + static_cast<int64_t>(key)) ==
             static_cast<ssize_t>(kMarked.size());
      ++marked;
    }
    at += static_cast<int64_t>(line.size()) + 1;
  }
  good = good && ::fdatasync(fd) == 0;
  ::close(fd);
  if (!good) fail(path);
  return marked;
}

}  // namespace llmsweep
