#include "cli/figure_files.h"

#include <fmt/format.h>

#include <filesystem>
#include <string_view>

#include "llmsweep/base/error.h"
#include "llmsweep/base/text.h"

namespace llmsweep {
namespace {

// Empty: nothing against it.
std::string other_suffix(const std::string& path, std::string_view wanted) {
  const std::string suffix = std::filesystem::path(path).extension().string();
  return path == "-" || suffix == wanted ? "" : suffix;
}

}  // namespace

void require_svg(const std::string& path) {
  const std::string suffix = other_suffix(path, ".svg");
  if (suffix.empty()) return;
  throw Error({.what = fmt::format("writes SVG, not '{}'", printable(suffix)),
               .where = "--figure",
               .next = suffix == ".png"
                           ? "write it with llmsweep report --png " + printable(path)
                           : "name it .svg, or make a PNG with llmsweep report --png"});
}

void require_png(const std::string& path) {
  const std::string suffix = other_suffix(path, ".png");
  if (suffix.empty()) return;
  throw Error({.what = fmt::format("writes PNG, not '{}'", printable(suffix)),
               .where = "--png",
               .next = "name it .png"});
}

}  // namespace llmsweep
