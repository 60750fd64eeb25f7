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
  // Said with the folders where a file is in none of them.
  void advise(std::string advice) { advice_ = std::move(advice); }
  void add(std::filesystem::path folder) { folders_.push_back(std::move(folder)); }

  // Whether find() finds it.
  bool has(const std::filesystem::path& path) const;
  // The first file (or folder) that is there; else Error at `node` with what was tried.
  std::string find(const ConfigNode& node) const;
  // The same for a path that is only a part of the node's text.
  std::string find(const ConfigNode& node, const std::filesystem::path& path) const;

 private:
  std::vector<std::filesystem::path> folders_;
  std::string advice_;  // empty: none
};

}  // namespace llmsweep
