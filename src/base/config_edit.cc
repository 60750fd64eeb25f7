// ConfigNode::set and ConfigNode::to_json.
#include "base/config_tree.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "llmsweep/base/text.h"

namespace llmsweep {
namespace {

using Kind = ConfigNode::Kind;

struct Step {
  std::string key;  // empty: `index` into a list
  size_t index = 0;
};

[[noreturn]] void fail_set(const std::string& origin, std::string what, std::string next) {
  throw Error({.what = std::move(what), .where = origin, .next = std::move(next)});
}

// Takes one key off the front of `rest`: up to a dot or bracket, or a quoted one.
std::string take_key(std::string_view& rest) {
  if (rest.starts_with('"')) {
    const size_t end = rest.find('"', 1);
    if (end == std::string_view::npos) return {};
    std::string key(rest.substr(1, end - 1));
    rest.remove_prefix(end + 1);
    return key;
  }
  const size_t end = std::min(rest.find_first_of(".["), rest.size());
  std::string key(rest.substr(0, end));
  rest.remove_prefix(end);
  return key;
}

std::vector<Step> split_path(std::string_view path, const std::string& origin) {
  const auto malformed = [&]() {
    fail_set(origin, "'" + printable(path, 60) + "' is not a key path",
             "write --set key.path=value, as in --set load.repeats=1");
  };
  std::vector<Step> steps;
  std::string_view rest = path;
  while (steps.size() < kConfigMaxDepth) {
    std::string key = take_key(rest);
    if (key.empty()) malformed();
    steps.push_back({.key = std::move(key)});
    while (rest.starts_with('[')) {
      const size_t end = rest.find(']');
      if (end == std::string_view::npos) malformed();
      const std::optional<int64_t> index = parse_int(rest.substr(1, end - 1));
      if (!index || *index < 0) malformed();
      steps.push_back({.key = {}, .index = static_cast<size_t>(*index)});
      rest.remove_prefix(end + 1);
    }
    if (rest.empty()) return steps;
    if (!rest.starts_with('.')) malformed();
    rest.remove_prefix(1);
  }
  malformed();
  return steps;
}

// The slot that `step` names inside `node`, made where it is the next one.
ConfigTreeNode*& slot_of(ConfigTreeNode& node, const Step& step, const std::string& origin) {
  const bool by_key = !step.key.empty();
  if (node.kind == Kind::kNull) node.kind = by_key ? Kind::kMap : Kind::kList;
  if (by_key) {
    if (node.kind != Kind::kMap) {
      fail_set(origin, "'" + printable(step.key, 60) + "' is not inside a map", "");
    }
    for (auto& [key, member] : node.members) {
      if (key == step.key) return member;
    }
    return node.members.emplace_back(step.key, nullptr).second;
  }
  if (node.kind != Kind::kList || step.index > node.items.size()) {
    fail_set(origin, fmt::format("there is no [{}] here", step.index),
             node.kind == Kind::kList ? fmt::format("the list has {} items; [{}] appends",
                                                    node.items.size(), node.items.size())
                                      : "it is not a list");
  }
  if (step.index == node.items.size()) node.items.push_back(nullptr);
  return node.items[step.index];
}

std::string scalar_json(const ConfigTreeNode& node) {
  if (!node.quoted) {
    if (node.text == "true" || node.text == "True" || node.text == "TRUE") return "true";
    if (node.text == "false" || node.text == "False" || node.text == "FALSE") return "false";
    if (std::string number = json_number(node.text); !number.empty()) return number;
  }
  return nlohmann::json(node.text).dump();
}

void append_json(const ConfigTreeNode& node, std::string& out) {
  switch (node.kind) {
    case Kind::kMissing:
    case Kind::kNull:
      out += "null";
      return;
    case Kind::kScalar:
      out += scalar_json(node);
      return;
    case Kind::kList:
      out += '[';
      for (const ConfigTreeNode* item : node.items) {
        if (item != node.items.front()) out += ',';
        append_json(*item, out);
      }
      out += ']';
      return;
    case Kind::kMap:
      out += '{';
      for (const auto& [key, member] : node.members) {
        if (&key != &node.members.front().first) out += ',';
        out += nlohmann::json(key).dump() + ':';
        append_json(*member, out);
      }
      out += '}';
      return;
  }
}

}  // namespace

std::string json_number(std::string_view plain) {
  std::string_view digits = plain;
  const bool negative = digits.starts_with('-');
  if (negative || digits.starts_with('+')) digits.remove_prefix(1);
  if (digits.empty() || digits.find_first_not_of("0123456789.eE+-xoabcdfABCDF") != digits.npos) {
    return {};
  }
  for (const auto& [prefix, base] : {std::pair{"0x", 16}, std::pair{"0o", 8}}) {
    if (plain.size() <= 2 || !plain.starts_with(prefix)) continue;
    uint64_t value = 0;
    const char* end = plain.data() + plain.size();
    const auto [stop, error] = std::from_chars(plain.data() + 2, end, value, base);
    return error == std::errc() && stop == end ? std::to_string(value) : std::string();
  }
  if (digits.front() != '.' && (digits.front() < '0' || digits.front() > '9')) return {};
  const std::optional<double> value = parse_double(digits);
  if (!value) return {};
  const bool whole = digits.find_first_not_of("0123456789") == std::string_view::npos;
  if (whole && digits.size() <= 19 && (digits.size() == 1 || digits.front() != '0')) {
    return (negative ? "-" : "") + std::string(digits);
  }
  return (negative ? "-" : "") + fmt::format("{}", *value);
}

void ConfigNode::set(const std::string& path, const std::string& value) {
  // What may be a credential is not repeated in an error.
  const bool private_value = path.find("headers") != std::string::npos ||
                             path.find("key") != std::string::npos ||
                             value.find('@') != std::string::npos;
  const std::string origin =
      "--set " + printable(path, 100) + "=" + (private_value ? "…" : printable(value, 60));
  const std::vector<Step> steps = split_path(path, origin);
  ConfigTreeNode* fresh = parse_config_text(*tree_, value, origin);
  fresh->origin = origin;
  ConfigTreeNode* node = node_;
  for (size_t i = 0; i < steps.size(); ++i) {
    ConfigTreeNode*& slot = slot_of(*node, steps[i], origin);
    if (i + 1 == steps.size()) {
      slot = fresh;
      return;
    }
    if (slot == nullptr) {
      slot = tree_->make(Kind::kNull);
      slot->origin = origin;
    }
    node = slot;
  }
}

std::string ConfigNode::to_json() const {
  std::string out;
  append_json(node_ == nullptr ? ConfigTreeNode{} : *node_, out);
  return out;
}

}  // namespace llmsweep
