#include "spec/spec_paths.h"

#include <algorithm>

#include "llmsweep/base/text.h"

namespace llmsweep {
namespace {

constexpr int kParents = 3;

bool is_there(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

// PREFIX/share/llmsweep where the program is PREFIX/bin/llmsweep: an installation can be moved.
std::filesystem::path data_beside_the_program() {
  std::error_code ignored;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", ignored);
  return program.parent_path().parent_path() / "share" / "llmsweep";
}

}  // namespace

SpecPaths::SpecPaths(const std::filesystem::path& folder) {
  folders_.emplace_back();
  folders_.push_back(folder);
  std::error_code error;
  std::filesystem::path parent = std::filesystem::absolute(folder, error).lexically_normal();
  if (!parent.has_filename()) parent = parent.parent_path();
  for (int i = 0; i < kParents && parent.has_relative_path(); ++i) {
    parent = parent.parent_path();
    folders_.push_back(parent);
  }
  folders_.push_back(data_beside_the_program());
  folders_.emplace_back(LLMSWEEP_DATA_DIR);
}

bool SpecPaths::has(const std::filesystem::path& path) const {
  if (folders_.empty()) return true;
  return std::any_of(folders_.begin(), folders_.end(), [&path](const auto& folder) {
    return is_there((folder / path).lexically_normal());  // an absolute path stays what it is
  });
}

std::string SpecPaths::find(const ConfigNode& node) const {
  return find(node, node.as_string());
}

std::string SpecPaths::find(const ConfigNode& node, const std::filesystem::path& path) const {
  if (path.empty()) node.fail("must be a path, not empty text");
  if (folders_.empty()) return path.string();
  if (path.is_absolute()) {
    if (is_there(path)) return path.string();
    node.fail("there is no file '" + printable(path.string()) + "'");
  }
  std::vector<std::string> tried;
  for (const std::filesystem::path& folder : folders_) {
    const std::filesystem::path candidate = (folder / path).lexically_normal();
    if (is_there(candidate)) return candidate.string();
    const std::string shown = folder.empty() ? "the current folder" : printable(folder.string());
    if (std::find(tried.begin(), tried.end(), shown) == tried.end()) tried.push_back(shown);
  }
  node.fail("there is no file '" + printable(path.string()) + "'",
            "looked for it in " + join(tried, ", ") + (advice_.empty() ? "" : "; " + advice_));
}

}  // namespace llmsweep
