#include "base/file_kind.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <string>
#include <string_view>

namespace llmsweep {
namespace fs = std::filesystem;
namespace {

constexpr int kMostLinks = 16;  // that are followed in search of a descriptor

// The number in "PREFIX<number>".
std::optional<int> number_after(std::string_view text, std::string_view prefix) {
  if (text.substr(0, prefix.size()) != prefix) return std::nullopt;
  text.remove_prefix(prefix.size());
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0) return std::nullopt;
  return number;
}

}  // namespace

const char* kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISFIFO(mode)) return "a FIFO";
  if (S_ISCHR(mode)) return "a character device";
  if (S_ISBLK(mode)) return "a block device";
  if (S_ISSOCK(mode)) return "a socket";
  if (S_ISLNK(mode)) return "a symbolic link";
  return "no regular file";
}

bool is_stream(mode_t mode) {
  return S_ISFIFO(mode) || S_ISCHR(mode);
}

std::optional<int> inherited_descriptor(fs::path path) {
  const std::string own = "/proc/" + std::to_string(::getpid()) + "/fd/";
  for (int i = 0; i < kMostLinks; ++i) {
    const std::string text = path.lexically_normal().string();
    for (const std::string_view folder : {std::string_view("/proc/self/fd/"),
                                          std::string_view("/dev/fd/"), std::string_view(own)}) {
      if (const std::optional<int> fd = number_after(text, folder)) {
        const int flags = ::fcntl(*fd, F_GETFD);
        return flags >= 0 && (flags & FD_CLOEXEC) == 0 ? fd : std::nullopt;
      }
    }
    std::error_code error;
    const fs::path target = fs::read_symlink(path, error);
    if (error) return std::nullopt;
    path = target.is_absolute() ? target : path.parent_path() / target;
  }
  return std::nullopt;
}

}  // namespace llmsweep
