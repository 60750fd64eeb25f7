// The tree behind ConfigNode, and the two parsers that fill it. Private to base/config.
#pragma once

#include <deque>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llmsweep/base/config.h"

namespace llmsweep {

inline constexpr size_t kConfigMaxBytes = size_t{4} << 20;
inline constexpr size_t kConfigMaxDepth = 64;
inline constexpr size_t kConfigMaxNodes = 200'000;

struct ConfigTreeNode {
  ConfigNode::Kind kind = ConfigNode::Kind::kNull;
  std::string text;     // of a scalar
  bool quoted = false;  // a quoted scalar is text, never a number
  int line = 0;         // 1-based; 0: not from the file
  std::string origin;   // "--set path=value"; empty: the file
  std::vector<ConfigTreeNode*> items;
  std::vector<std::pair<std::string, ConfigTreeNode*>> members;  // in file order
  std::set<std::string> asked;                                   // keys that a reader knows

  ConfigTreeNode* member(std::string_view key) const {
    for (const auto& [name, node] : members) {
      if (name == key) return node;
    }
    return nullptr;
  }
};

// Owns the nodes; they stay where they are, and live as long as the tree even when replaced.
struct ConfigTree {
  std::string name;
  std::deque<ConfigTreeNode> nodes;
  ConfigTreeNode* root = nullptr;

  ConfigTreeNode* make(ConfigNode::Kind kind) {
    nodes.emplace_back().kind = kind;
    return &nodes.back();
  }
};

// Parses `text` into `tree` and returns its root. `origin` non-empty: the text of a --set.
ConfigTreeNode* parse_config_text(ConfigTree& tree, std::string_view text,
                                  const std::string& origin);

// Numbers of YAML's core schema; a finite one as JSON writes it, else empty.
std::string json_number(std::string_view plain);

}  // namespace llmsweep
