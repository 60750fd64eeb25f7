// A strict reader of YAML (and JSON, its subset) for files that people write: specs, simulator
// profiles, gate policies. Every error names file:line:key, what is wrong and what would be right.
//
// A ConfigNode is a cheap handle; the tree lives as long as any handle to it. Keys that nobody
// asked for are found by reject_unknown_keys(), with the nearest right key in the message.
// Limits: 4 MiB of text, 64 levels of nesting, no YAML anchors or tags.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llmsweep/base/clock.h"
#include "llmsweep/base/error.h"

namespace llmsweep {

struct ConfigTree;
struct ConfigTreeNode;

struct NumberRange {
  double min;
  double max;
};

class ConfigNode {
 public:
  enum class Kind { kMissing, kNull, kScalar, kList, kMap };

  // `name` is what errors call the text, normally its path.
  static ConfigNode parse(std::string_view text, std::string name);
  static ConfigNode parse_file(const std::filesystem::path& path);

  Kind kind() const;
  bool present() const { return kind() != Kind::kMissing && kind() != Kind::kNull; }
  std::string where() const;  // "spec.yaml:12:load.concurrency"
  const std::string& file() const;

  // A map's member; kMissing where it or the map is absent or null. Marks the key as known.
  // Not a map: Error.
  ConfigNode operator[](const std::string& key) const;
  std::vector<ConfigNode> items() const;                            // of a list; else Error
  std::vector<std::pair<std::string, ConfigNode>> members() const;  // of a map, in file order
  // After all members were asked for: Error for the first key that nobody asked for.
  void reject_unknown_keys() const;

  // Scalars. Missing or wrong: Error. A quoted scalar is text, never a number.
  std::string as_string() const;
  bool as_bool() const;
  int64_t as_int(int64_t min, int64_t max) const;
  double as_number(NumberRange range) const;
  Duration as_duration(Duration min) const;
  // One of `choices`, else Error with the nearest.
  std::string as_choice(const std::vector<std::string>& choices) const;

  // The node as JSON text, numbers and booleans recognised as YAML's core schema does.
  std::string to_json() const;

  // Replaces or adds `path` ("load.concurrency", "load.concurrency[0]", `endpoint.headers."X-Run"`)
  // by the YAML text `value`, as --set does. Maps on the way are created, a list grows by its next
  // index only. An empty value is null: the key's default. Errors about that value name
  // `--set path=value` instead of a line. Handles taken before keep the old value.
  void set(const std::string& path, const std::string& value);

  [[noreturn]] void fail(std::string what, std::string next = {}) const;

 private:
  void blame_misspelling() const;
  ConfigNode(std::shared_ptr<ConfigTree> tree, ConfigTreeNode* node, ConfigTreeNode* parent,
             std::string path);

  std::shared_ptr<ConfigTree> tree_;
  ConfigTreeNode* node_ = nullptr;    // into tree_; null: missing
  ConfigTreeNode* parent_ = nullptr;  // the nearest node that is there; its line stands for ours
  std::string path_;
};

}  // namespace llmsweep
