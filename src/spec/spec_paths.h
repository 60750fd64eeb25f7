// Where the files that a spec names are looked for. Private to spec/.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "llmsweep/base/config.h"

namespace llmsweep {

class SpecPaths {
 public:
  // `folder` is the spec's. The folders tried, in order: the current one, the spec's and up to
  // three above it, the installed data's.
  explicit SpecPaths(const std::filesystem::path& folder);
  // Every path as it stands, whether a file is there or not.
  SpecPaths() = default;

  // Tried after the others.
  void add(std::filesystem::path folder) { folders_.push_back(std::move(folder)); }

  // The first file (or folder) that is there; else Error at `node` with what was tried.
  std::string find(const ConfigNode& node) const;
  // The same for a path that is only a part of the node's text.
  std::string find(const ConfigNode& node, const std::filesystem::path& path) const;

 private:
  std::vector<std::filesystem::path> folders_;
};

}  // namespace llmsweep
