#include "llmsweep/base/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>

#include "base/config_tree.h"
#include "llmsweep/base/files.h"
#include "llmsweep/base/secrets.h"
#include "llmsweep/base/text.h"

namespace llmsweep {
namespace {

using Kind = ConfigNode::Kind;

std::string describe(const ConfigTreeNode& node) {
  switch (node.kind) {
    case Kind::kMissing:
    case Kind::kNull:
      return "nothing";
    case Kind::kList:
      return "a list";
    case Kind::kMap:
      return "a map";
    case Kind::kScalar:
      return (node.quoted ? "the text '" : "'") + printable(node.text, 60) + "'";
  }
  return {};
}

std::string range_text(const std::string& min, const std::string& max, bool open_end) {
  return open_end ? fmt::format("of at least {}", min) : fmt::format("from {} to {}", min, max);
}

// A secret has no key of its own: its variable has.
std::string advice_for(const std::string& key, const std::vector<std::string>& known) {
  const auto variable = std::find_if(
      known.begin(), known.end(), [](const std::string& name) { return name.ends_with("_env"); });
  if (names_a_secret(key) && variable != known.end()) {
    return "a secret never goes into this file: name the environment variable that holds it in " +
           *variable;
  }
  if (const std::optional<std::string> right = nearest(key, known)) {
    return "did you mean '" + *right + "'?";
  }
  return "the keys here are: " + join(known, ", ");
}

}  // namespace

ConfigNode::ConfigNode(std::shared_ptr<ConfigTree> tree, ConfigTreeNode* node,
                       ConfigTreeNode* parent, std::string path)
    : tree_(std::move(tree)), node_(node), parent_(parent), path_(std::move(path)) {}

ConfigNode ConfigNode::parse(std::string_view text, std::string name) {
  auto tree = std::make_shared<ConfigTree>();
  tree->name = std::move(name);
  tree->root = parse_config_text(*tree, text, {});
  ConfigTreeNode* root = tree->root;
  return {std::move(tree), root, nullptr, {}};
}

ConfigNode ConfigNode::parse_file(const std::filesystem::path& path) {
  return parse(read_file(path, kConfigMaxBytes), path.string());
}

ConfigNode::Kind ConfigNode::kind() const {
  return node_ == nullptr ? Kind::kMissing : node_->kind;
}

const std::string& ConfigNode::file() const {
  return tree_->name;
}

std::string ConfigNode::where() const {
  const ConfigTreeNode* known = node_ != nullptr ? node_ : parent_;
  if (known != nullptr && !known->origin.empty()) return known->origin;
  std::string text = tree_->name;
  if (known != nullptr && known->line > 0) text += fmt::format(":{}", known->line);
  if (!path_.empty()) text += ":" + printable(path_);
  return text;
}

void ConfigNode::fail(std::string what, std::string next) const {
  blame_misspelling();
  // A place inside a --set value is not told apart by the flag alone.
  const ConfigTreeNode* known = node_ != nullptr ? node_ : parent_;
  if (known != nullptr && !known->origin.empty() && !path_.empty()) {
    what = printable(path_) + ": " + what;
  }
  throw Error({.what = std::move(what), .where = where(), .next = std::move(next)});
}

// A key is missed because it was written wrong: that is the error to show.
void ConfigNode::blame_misspelling() const {
  if (node_ != nullptr || parent_ == nullptr || parent_->kind != Kind::kMap) return;
  const size_t dot = path_.rfind('.');
  const std::string missing = dot == std::string::npos ? path_ : path_.substr(dot + 1);
  for (const auto& [key, node] : parent_->members) {
    if (parent_->asked.contains(key) || !nearest(key, {missing})) continue;
    ConfigNode(tree_, node, parent_, path_.substr(0, path_.size() - missing.size()) + key)
        .fail("unknown key '" + printable(key) + "'", "did you mean '" + missing + "'?");
  }
}

ConfigNode ConfigNode::operator[](const std::string& key) const {
  const std::string path = path_.empty() ? key : path_ + "." + key;
  if (!present()) return {tree_, nullptr, node_ != nullptr ? node_ : parent_, path};
  if (kind() != Kind::kMap) fail("must be a map of keys and values, not " + describe(*node_));
  node_->asked.insert(key);
  return {tree_, node_->member(key), node_, path};
}

std::vector<ConfigNode> ConfigNode::items() const {
  if (!present()) fail("a list is missing here");
  if (kind() != Kind::kList) {
    fail("must be a list, not " + describe(*node_), "write it as [a, b, c]");
  }
  std::vector<ConfigNode> nodes;
  nodes.reserve(node_->items.size());
  for (size_t i = 0; i < node_->items.size(); ++i) {
    nodes.push_back({tree_, node_->items[i], node_, fmt::format("{}[{}]", path_, i)});
  }
  return nodes;
}

std::vector<std::pair<std::string, ConfigNode>> ConfigNode::members() const {
  if (!present()) fail("a map is missing here");
  if (kind() != Kind::kMap) fail("must be a map of keys and values, not " + describe(*node_));
  std::vector<std::pair<std::string, ConfigNode>> nodes;
  nodes.reserve(node_->members.size());
  for (const auto& [key, node] : node_->members) {
    node_->asked.insert(key);
    nodes.emplace_back(key,
                       ConfigNode(tree_, node, node_, path_.empty() ? key : path_ + "." + key));
  }
  return nodes;
}

void ConfigNode::reject_unknown_keys() const {
  if (kind() != Kind::kMap) return;
  const std::vector<std::string> known(node_->asked.begin(), node_->asked.end());
  for (const auto& [key, node] : node_->members) {
    if (node_->asked.contains(key)) continue;
    const std::string path = path_.empty() ? key : path_ + "." + key;
    ConfigNode(tree_, node, node_, path)
        .fail("unknown key '" + printable(key) + "'", advice_for(key, known));
  }
}

std::string ConfigNode::as_string() const {
  if (!present()) fail("a value is missing here");
  if (kind() != Kind::kScalar) fail("must be text, not " + describe(*node_));
  return node_->text;
}

bool ConfigNode::as_bool() const {
  const std::string text = as_string();
  if (!node_->quoted) {
    if (text == "true" || text == "True" || text == "TRUE") return true;
    if (text == "false" || text == "False" || text == "FALSE") return false;
  }
  fail("must be true or false, not " + describe(*node_));
}

int64_t ConfigNode::as_int(int64_t min, int64_t max) const {
  const std::string text = as_string();
  const std::optional<int64_t> value = node_->quoted ? std::nullopt : parse_int(text);
  if (!value || *value < min || *value > max) {
    fail(fmt::format("must be a whole number {}, not {}",
                     range_text(fmt::format("{}", min), fmt::format("{}", max),
                                max == std::numeric_limits<int64_t>::max()),
                     describe(*node_)),
         node_->quoted && parse_int(text) ? "remove the quotes" : "");
  }
  return *value;
}

double ConfigNode::as_number(NumberRange range) const {
  const std::string text = as_string();
  const std::optional<double> value = node_->quoted ? std::nullopt : parse_double(text);
  if (!value || !(*value >= range.min) || !(*value <= range.max)) {
    fail(fmt::format("must be a number {}, not {}",
                     range_text(fmt::format("{}", range.min), fmt::format("{}", range.max),
                                range.max >= std::numeric_limits<double>::max()),
                     describe(*node_)),
         node_->quoted && parse_double(text) ? "remove the quotes" : "");
  }
  return *value;
}

Duration ConfigNode::as_duration(Duration min) const {
  const std::string text = as_string();
  const std::optional<Duration> value = parse_duration(text);
  if (!value) {
    fail("must be a duration with a unit, not " + describe(*node_),
         parse_double(text) ? fmt::format("write {}s or {}ms", text, text)
                            : "write it as 15s, 1.5s, 200ms or 2m");
  }
  if (*value < min) {
    fail(fmt::format("must be at least {}, not {}", format_duration(min), describe(*node_)));
  }
  return *value;
}

std::string ConfigNode::as_choice(const std::vector<std::string>& choices) const {
  std::string text = as_string();
  for (const std::string& choice : choices) {
    if (text == choice) return text;
  }
  const std::optional<std::string> right = nearest(text, choices);
  fail("'" + printable(text, 60) + "' is not one of " + join(choices, ", "),
       right ? "did you mean '" + *right + "'?" : "");
}

}  // namespace llmsweep
