#include "llmsweep/spec/spec_file.h"

#include <algorithm>
#include <array>

#include "llmsweep/base/text.h"
#include "llmsweep/model/spec_keys.h"
#include "spec/spec_write.h"

namespace llmsweep {
namespace {

constexpr size_t kCommentWidth = 98;

// Whether YAML reads it as text without quotes, and as the same text.
bool is_plain(const std::string& text) {
  constexpr std::array<std::string_view, 8> kWords = {"true", "false", "null", "yes",
                                                      "no",   "on",    "off",  "y"};
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (text.empty() || !letter(text.front()) || text.back() == ':') return false;
  std::string lower = text;
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  if (std::find(kWords.begin(), kWords.end(), lower) != kWords.end()) return false;
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return letter(c) || digit(c) || std::string_view("._/:-").find(c) != std::string_view::npos;
  });
}

// "15s" begins with a digit and is no number all the same.
std::string scalar(const std::string& text) {
  const bool duration = parse_duration(text) && text.find(' ') == std::string::npos;
  return is_plain(text) || duration ? text : escape_marks(SpecJson(text).dump());
}

std::string flow(const SpecJson& value) {
  if (value.is_string()) return scalar(value.get<std::string>());
  if (!value.is_structured()) return value.dump();
  std::vector<std::string> items;
  for (const auto& [key, member] : value.items()) {
    items.push_back(value.is_object() ? scalar(key) + ": " + flow(member) : flow(member));
  }
  return value.is_object() ? "{" + join(items, ", ") + "}" : "[" + join(items, ", ") + "]";
}

std::string comment(const std::string& sentence, const std::string& indent) {
  std::string text;
  std::string line = indent + "#";
  for (const std::string& word : split(sentence, ' ')) {
    if (line.size() + 1 + word.size() > kCommentWidth) {
      text += line + "\n";
      line = indent + "#";
    }
    line += " " + word;
  }
  return text + line + "\n";
}

// The keys of one map that say more than their default, each below what it means.
class YamlWriter {
 public:
  YamlWriter(const SpecJson& values, const SpecJson& defaults, std::string indent)
      : values_(values), defaults_(defaults), indent_(std::move(indent)) {}

  template <class T, class... Kind>
  void operator()(const Key& key, T&, const Kind&...) {
    const auto value = values_.find(key.name);
    if (value == values_.end()) return;
    const auto usual = defaults_.find(key.name);
    if (!is_always_said(key) && usual != defaults_.end() && *usual == *value) return;
    text_ += comment(key.sentence, indent_) + indent_ + key.name + ": " + flow(*value) + "\n";
  }
  template <class T>
  void operator()(const Key& key, T& section, const kind::Section&) {
    static const SpecJson kNone = SpecJson::object();
    const auto values = values_.find(key.name);
    if (values == values_.end()) return;
    const auto defaults = defaults_.find(key.name);
    YamlWriter writer(*values, defaults == defaults_.end() ? kNone : *defaults, indent_ + "  ");
    keys(writer, section);
    if (writer.text_.empty()) return;
    text_ += "\n" + comment(key.sentence, indent_) + indent_ + key.name + ":\n" + writer.text_;
  }

  const std::string& text() const { return text_; }

 private:
  // What a reader changes first.
  static bool is_always_said(const Key& key) {
    constexpr std::array<std::string_view, 4> kNames = {"output_tokens", "requests_per_slot",
                                                        "min_requests", "repeats"};
    return std::find(kNames.begin(), kNames.end(), key.name) != kNames.end();
  }

  const SpecJson& values_;
  const SpecJson& defaults_;
  std::string indent_;
  std::string text_;
};

}  // namespace

std::string spec_to_yaml(const SweepSpec& spec) {
  const SpecJson values = spec_json(spec);
  const SpecJson defaults = spec_json(SweepSpec{});
  YamlWriter writer(values, defaults, "");
  SweepSpec walked = spec;
  keys(writer, walked);
  return "# Keys that are not here have their defaults: docs/spec.md says which.\n" + writer.text();
}

}  // namespace llmsweep
