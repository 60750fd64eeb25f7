#include "llmsweep/dataset/images.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>

#include "llmsweep/base/base64.h"
#include "llmsweep/base/error.h"
#include "llmsweep/base/files.h"
#include "llmsweep/base/text.h"

namespace llmsweep {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxImageBytes = size_t{32} << 20;

// By its first bytes; empty: none that is known.
std::string_view media_type_of(std::string_view bytes) {
  if (bytes.starts_with("\x89PNG\r\n\x1a\n")) return "image/png";
  if (bytes.starts_with("\xff\xd8\xff")) return "image/jpeg";
  if (bytes.starts_with("GIF8")) return "image/gif";
  if (bytes.starts_with("RIFF") && bytes.substr(0, 12).ends_with("WEBP")) return "image/webp";
  if (bytes.starts_with("BM")) return "image/bmp";
  return {};
}

bool has_suffix_of_an_image(const fs::path& path) {
  constexpr std::array<std::string_view, 6> kSuffixes = {".png",  ".jpg", ".jpeg",
                                                         ".webp", ".gif", ".bmp"};
  std::string suffix = path.extension().string();
  std::transform(suffix.begin(), suffix.end(), suffix.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return std::find(kSuffixes.begin(), kSuffixes.end(), suffix) != kSuffixes.end();
}

std::vector<fs::path> files_in(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    if (has_suffix_of_an_image(entry->path())) files.push_back(entry->path());
  }
  if (files.empty()) {
    throw Error({.what = "the folder holds no image (.png, .jpg, .webp, .gif, .bmp)",
                 .where = folder.string(),
                 .next = "name the files in workload.images.files"});
  }
  std::sort(files.begin(), files.end());
  return files;
}

ImageUrl read_image(const fs::path& path) {
  const std::string bytes = read_file(path, kMaxImageBytes);
  const std::string_view type = media_type_of(bytes);
  if (type.empty()) {
    throw Error({.what = "is no PNG, JPEG, WebP, GIF or BMP by its first bytes",
                 .where = path.string(),
                 .next = "it is sent as it is: give images of these"});
  }
  std::string url = "data:";
  url.append(type).append(";base64,").append(base64_encoded(bytes));
  return std::make_shared<const std::string>(std::move(url));
}

}  // namespace

std::vector<ImageUrl> read_images(const std::vector<std::string>& paths) {
  std::vector<ImageUrl> images;
  for (const std::string& path : paths) {
    std::error_code ignored;
    if (fs::is_directory(path, ignored)) {
      for (const fs::path& file : files_in(path)) images.push_back(read_image(file));
    } else {
      images.push_back(read_image(path));
    }
  }
  return images;
}

}  // namespace llmsweep
