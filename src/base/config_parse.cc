#include "base/config_tree.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <fmt/format.h>

#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

#include "llmsweep/base/text.h"

namespace llmsweep {
namespace {

using Kind = ConfigNode::Kind;

// Receives scalars, starts and ends in order; puts them together and keeps the limits.
class TreeBuilder {
 public:
  TreeBuilder(ConfigTree& tree, const std::string& origin) : tree_(tree), origin_(origin) {}

  void key(std::string text, int line) {
    Open& map = open_.back();
    const auto [first, is_new] = map.key_lines.try_emplace(text, line);
    if (!is_new) {
      fail(line, "duplicate key '" + printable(text) + "'",
           fmt::format("it is already on line {}; keep one of them", first->second));
    }
    map.key = std::move(text);
  }

  void scalar(Kind kind, std::string text, bool quoted, int line) {
    if (wants_key()) {
      if (kind == Kind::kNull) fail(line, "a key is missing before ':'", "write 'key: value'");
      return key(std::move(text), line);
    }
    ConfigTreeNode* node = add(kind, line);
    node->text = std::move(text);
    node->quoted = quoted;
  }

  void start(Kind kind, int line) {
    if (wants_key())
      fail(line, "a key must be a word, not a list or a map", "is a bracket not closed?");
    if (open_.size() >= kConfigMaxDepth) {
      fail(line, fmt::format("nested deeper than {} levels", kConfigMaxDepth), "");
    }
    open_.push_back({.node = add(kind, line)});
  }

  void end() { open_.pop_back(); }

  ConfigTreeNode* root() const { return root_; }

  [[noreturn]] void fail(int line, std::string what, std::string next) const {
    throw Error({.what = std::move(what),
                 .where = origin_.empty() ? fmt::format("{}:{}", tree_.name, line) : origin_,
                 .next = std::move(next)});
  }

 private:
  struct Open {
    ConfigTreeNode* node = nullptr;
    std::optional<std::string> key = std::nullopt;  // read, its value not yet
    std::map<std::string, int> key_lines = {};
  };

  bool wants_key() const {
    return !open_.empty() && open_.back().node->kind == Kind::kMap && !open_.back().key;
  }

  ConfigTreeNode* add(Kind kind, int line) {
    if (tree_.nodes.size() >= kConfigMaxNodes) {
      fail(line, fmt::format("more than {} values", kConfigMaxNodes), "");
    }
    ConfigTreeNode* node = tree_.make(kind);
    node->line = origin_.empty() ? line : 0;
    node->origin = origin_;
    if (open_.empty()) {
      root_ = node;
    } else if (Open& parent = open_.back(); parent.node->kind == Kind::kList) {
      parent.node->items.push_back(node);
    } else {
      parent.node->members.emplace_back(std::move(*parent.key), node);
      parent.key.reset();
    }
    return node;
  }

  ConfigTree& tree_;
  const std::string& origin_;
  ConfigTreeNode* root_ = nullptr;
  std::vector<Open> open_;
};

// yaml-cpp's tags: "?" or nothing for a plain node, "!" for a quoted scalar.
class YamlHandler final : public YAML::EventHandler {
 public:
  YamlHandler(TreeBuilder& builder, std::string_view text) : builder_(builder), text_(text) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (seen_++ > 0) {
      builder_.fail(line(mark), "more than one document", "remove the '---' and what follows it");
    }
  }
  void OnDocumentEnd() override {}
  void OnAnchor(const YAML::Mark& mark, const std::string& name) override {
    builder_.fail(line(mark), "anchor '&" + printable(name) + "' is not supported",
                  "write the value out; quote it if it is text that begins with '&'");
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    builder_.fail(line(mark), "aliases are not supported", "write the value out");
  }
  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override {
    builder_.scalar(Kind::kNull, {}, false, line(mark));
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                const std::string& value) override {
    check_tag(mark, tag);
    // yaml-cpp turns the escapes \N and \_ into single bytes.
    if (!is_valid_utf8(value)) {
      builder_.fail(line(mark), "an escape that is not supported", "write the character itself");
    }
    if (tag == "!") require_closed(mark);
    builder_.scalar(Kind::kScalar, value, tag == "!", line(mark));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    check_tag(mark, tag);
    builder_.start(Kind::kList, line(mark));
  }
  void OnSequenceEnd() override { builder_.end(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    check_tag(mark, tag);
    builder_.start(Kind::kMap, line(mark));
  }
  void OnMapEnd() override { builder_.end(); }

 private:
  static int line(const YAML::Mark& mark) { return mark.line + 1; }

  void check_tag(const YAML::Mark& mark, const std::string& tag) const {
    if (!tag.empty() && tag != "?" && tag != "!") {
      builder_.fail(line(mark), "tag '" + printable(tag) + "' is not supported", "remove it");
    }
  }

  // yaml-cpp takes all that follows for the text where its quote is never closed.
  void require_closed(const YAML::Mark& mark) const {
    if (mark.pos < 0 || static_cast<size_t>(mark.pos) >= text_.size()) return;
    size_t at = static_cast<size_t>(mark.pos);
    const char quote = text_[at];
    if (quote != '"' && quote != '\'') return;
    for (++at; at < text_.size(); ++at) {
      const bool two = text_[at] == quote && quote == '\'' && text_.substr(at + 1, 1) == "'";
      if (two || (quote == '"' && text_[at] == '\\')) {
        ++at;
      } else if (text_[at] == quote) {
        return;
      }
    }
    builder_.fail(line(mark), "a text whose quote is never closed",
                  std::string("end it with ") + quote);
  }

  TreeBuilder& builder_;
  std::string_view text_;
  int seen_ = 0;
};

// A byte iterator that counts the lines before the byte last read, so that a SAX event (which comes
// right after its token was read, with at most one byte of look-ahead) knows its line.
struct LineCount {
  const char* begin;
  const char* last;
};

class CountingIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  CountingIterator(const char* at, LineCount* count) : at_(at), count_(count) {}
  reference operator*() const {
    count_->last = at_;
    return *at_;
  }
  CountingIterator& operator++() {
    ++at_;
    return *this;
  }
  CountingIterator operator++(int) {
    CountingIterator before = *this;
    ++at_;
    return before;
  }
  bool operator==(const CountingIterator& other) const { return at_ == other.at_; }
  bool operator!=(const CountingIterator& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  LineCount* count_;
};

class JsonHandler final : public nlohmann::json_sax<nlohmann::json> {
 public:
  JsonHandler(TreeBuilder& builder, LineCount& position)
      : builder_(builder), position_(position), counted_(position.begin) {}

  bool null() override { return value(Kind::kNull, {}, false); }
  bool boolean(bool flag) override { return value(Kind::kScalar, flag ? "true" : "false", false); }
  bool number_integer(number_integer_t number) override {
    return value(Kind::kScalar, std::to_string(number), false);
  }
  bool number_unsigned(number_unsigned_t number) override {
    return value(Kind::kScalar, std::to_string(number), false);
  }
  bool number_float(number_float_t, const string_t& text) override {
    return value(Kind::kScalar, text, false);
  }
  bool string(string_t& text) override { return value(Kind::kScalar, text, true); }
  bool binary(binary_t&) override { return false; }
  bool start_object(size_t) override { return start(Kind::kMap); }
  bool key(string_t& text) override {
    builder_.key(text, line());
    return true;
  }
  bool end_object() override { return end(); }
  bool start_array(size_t) override { return start(Kind::kList); }
  bool end_array() override { return end(); }
  bool parse_error(size_t, const std::string&, const nlohmann::detail::exception&) override {
    return false;
  }

  int line() {
    for (; counted_ < position_.last; ++counted_) lines_ += *counted_ == '\n' ? 1 : 0;
    return lines_;
  }

 private:
  bool value(Kind kind, std::string text, bool quoted) {
    builder_.scalar(kind, std::move(text), quoted, line());
    return true;
  }
  bool start(Kind kind) {
    builder_.start(kind, line());
    return true;
  }
  bool end() {
    builder_.end();
    return true;
  }

  TreeBuilder& builder_;
  LineCount& position_;
  const char* counted_;
  int lines_ = 1;
};

// Null where the text is not JSON; it may still be YAML.
ConfigTreeNode* parse_json(ConfigTree& tree, std::string_view text, const std::string& origin,
                           int& last_line) {
  TreeBuilder builder(tree, origin);
  LineCount position{text.data(), text.data()};
  JsonHandler handler(builder, position);
  const bool whole =
      nlohmann::json::sax_parse(CountingIterator(text.data(), &position),
                                CountingIterator(text.data() + text.size(), &position), &handler);
  last_line = handler.line();
  return whole ? builder.root() : nullptr;
}

std::string_view line_of(std::string_view text, int line) {
  for (int i = 1; i < line; ++i) {
    const size_t end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  return text.substr(0, text.find('\n'));
}

std::string hint(std::string_view text, const YAML::ParserException& error) {
  const std::string_view line = line_of(text, error.mark.line + 1);
  const size_t indent = line.find_first_not_of(" \t");
  if (line.substr(0, indent).find('\t') != std::string_view::npos) {
    return "indent with spaces, not tabs";
  }
  if (error.msg.find("unicode") != std::string::npos) {
    return "in YAML write the character itself, or \\U and its eight digits";
  }
  return "check the indentation, brackets and quotes of this line and the one before it";
}

ConfigTreeNode* parse_yaml(ConfigTree& tree, std::string_view text, const std::string& origin) {
  TreeBuilder builder(tree, origin);
  YamlHandler handler(builder, text);
  std::istringstream stream{std::string(text)};
  try {
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(handler)) {
    }
  } catch (const YAML::ParserException& error) {
    builder.fail(error.mark.line + 1, "not valid YAML: " + printable(error.msg), hint(text, error));
  } catch (const YAML::Exception& error) {
    builder.fail(error.mark.line + 1, "not valid YAML: " + printable(error.msg), "");
  }
  if (builder.root() != nullptr) return builder.root();
  return tree.make(Kind::kNull);
}

}  // namespace

ConfigTreeNode* parse_config_text(ConfigTree& tree, std::string_view text,
                                  const std::string& origin) {
  const auto refuse = [&](std::string what, std::string next) {
    throw Error({.what = std::move(what),
                 .where = origin.empty() ? tree.name : origin,
                 .next = std::move(next)});
  };
  if (text.size() > kConfigMaxBytes) {
    refuse(fmt::format("larger than {} MiB", kConfigMaxBytes >> 20), "is it the right file?");
  }
  if (!is_valid_utf8(text) || text.find('\0') != std::string_view::npos) {
    refuse("not UTF-8 text", "is it the right file?");
  }
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos && (text[first] == '{' || text[first] == '[')) {
    int last_line = 0;
    if (ConfigTreeNode* root = parse_json(tree, text, origin, last_line)) return root;
    if (tree.name.ends_with(".json") && origin.empty()) {
      throw Error({.what = "not valid JSON",
                   .where = fmt::format("{}:{}", tree.name, last_line),
                   .next = "check the commas, brackets and quotes here"});
    }
  }
  return parse_yaml(tree, text, origin);
}

}  // namespace llmsweep
