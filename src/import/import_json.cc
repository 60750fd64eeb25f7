#include "import/import_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "import/import_kind.h"
#include "llmsweep/base/config.h"
#include "llmsweep/base/error.h"
#include "llmsweep/base/files.h"
#include "llmsweep/base/json_error.h"
#include "llmsweep/base/text.h"

namespace llmsweep::foreign {
namespace {

constexpr size_t kMaxBytes = size_t{512} << 20;
constexpr int kMaxDepth = 64;

// The bare word at `rest`'s beginning that Python's json writes and JSON does not have.
std::string_view bare_word(std::string_view rest) {
  for (const std::string_view word : {"-Infinity", "Infinity", "NaN"}) {
    if (rest.starts_with(word)) return word;
  }
  return {};
}

std::string without_bare_words(const std::string& text) {
  std::string clean;
  clean.reserve(text.size());
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted && c == '\\' && i + 1 < text.size()) {
      clean += c;
      clean += text[++i];
      continue;
    }
    if (c == '"') quoted = !quoted;
    const std::string_view word =
        quoted ? std::string_view() : bare_word(std::string_view(text).substr(i));
    if (word.empty()) {
      clean += c;
    } else {
      clean += "null";
      i += word.size() - 1;
    }
  }
  return clean;
}

Json parse(std::string_view text, const std::string& where) {
  const auto guard = [&where](int depth, Json::parse_event_t, Json&) {
    if (depth > kMaxDepth) {
      throw Error({.what = "more than 64 levels of nesting", .where = where});
    }
    return true;
  };
  try {
    return Json::parse(text, guard);
  } catch (const Json::exception& error) {
    throw Error(
        {.what = "not JSON" + json_error_place(error.what()),
         .where = where,
         .next = "is the file whole? A benchmark that was killed may have left half of it"});
  }
}

std::string where_line(const std::string& file, size_t line) {
  return file + ":" + std::to_string(line);
}

bool is_json(std::string_view line) {
  return Json::accept(line);
}

std::vector<Document> parse_lines(const std::string& text, const std::filesystem::path& path) {
  std::vector<Document> documents;
  const std::vector<std::string> lines = split(text, '\n');
  for (size_t i = 0; i < lines.size(); ++i) {
    if (trim(lines[i]).empty()) continue;
    std::string where = where_line(path.string(), i + 1);
    Json value = parse(lines[i], where);
    documents.push_back({std::move(value), std::move(where), path});
  }
  return documents;
}

// Whether the first line that holds anything is a whole document, and another follows.
bool is_json_lines(const std::string& text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == text.npos) return false;
  const size_t end = text.find('\n', begin);
  if (end == text.npos || text.find_first_not_of(" \t\r\n", end) == text.npos) return false;
  return is_json(std::string_view(text).substr(begin, end - begin));
}

// A marker at a line's beginning parts documents, wherever it stands.
std::vector<Document> parse_yaml(const std::string& text, const std::filesystem::path& path) {
  std::vector<std::string> parts(1);
  size_t line = 1;
  std::vector<size_t> first_lines = {1};
  for (const std::string& content : split(text, '\n')) {
    if (content == "---" || content.starts_with("--- ") || content == "---\r") {
      parts.emplace_back();
      first_lines.push_back(line);
    }
    parts.back() += content + "\n";
    ++line;
  }
  std::vector<Document> documents;
  for (size_t i = 0; i < parts.size(); ++i) {
    std::string_view rest = trim(parts[i]);
    if (rest.starts_with("---")) rest = trim(rest.substr(3));
    if (rest.empty() && parts.size() > 1) continue;
    const std::string where =
        parts.size() > 2 ? where_line(path.string(), first_lines[i]) : path.string();
    documents.push_back({Json::parse(ConfigNode::parse(parts[i], where).to_json()), where, path});
  }
  return documents;
}

}  // namespace

std::string read_text(const std::filesystem::path& path) {
  return read_file(path, kMaxBytes);
}

std::vector<Document> read_documents(const std::filesystem::path& path) {
  return parse_documents(read_text(path), path);
}

std::vector<Document> parse_documents(std::string text, const std::filesystem::path& path) {
  if (trim(text).empty()) {
    throw Error({.what = "an empty file",
                 .where = path.string(),
                 .next = "a benchmark that was killed may have left it so"});
  }
  if (syntax_of(text, path) == Syntax::kYaml) return parse_yaml(text, path);
  if (text.find("NaN") != text.npos || text.find("Infinity") != text.npos) {
    text = without_bare_words(text);
  }
  if (is_json_lines(text)) return parse_lines(text, path);
  std::vector<Document> documents;
  documents.push_back({parse(text, path.string()), path.string(), path});
  return documents;
}

const Json* member(const Json& value, const std::string& key) {
  if (!value.is_object()) return nullptr;
  const auto found = value.find(key);
  return found == value.end() || found->is_null() ? nullptr : &*found;
}

const Json* find(const Json& value, std::string_view path) {
  const Json* at = &value;
  while (at != nullptr && !path.empty()) {
    const size_t dot = std::min(path.find('.'), path.size());
    at = member(*at, std::string(path.substr(0, dot)));
    path.remove_prefix(std::min(dot + 1, path.size()));
  }
  return at;
}

std::optional<double> number(const Json* value) {
  if (value == nullptr) return std::nullopt;
  std::optional<double> result;
  if (value->is_number()) result = value->get<double>();
  if (value->is_string()) result = parse_double(trim(value->get_ref<const std::string&>()));
  if (!result || !(std::abs(*result) <= 9e18)) return std::nullopt;
  return result;
}

std::optional<double> number(const Json& value, std::string_view path) {
  return number(find(value, path));
}

std::optional<int> headcount(std::optional<double> found) {
  if (!found || *found < 1 || *found > 1e6) return std::nullopt;
  return static_cast<int>(*found);
}

std::optional<int64_t> count_of(std::optional<double> found) {
  if (!found || *found < 0 || *found > 1e12) return std::nullopt;
  return static_cast<int64_t>(*found);
}

std::string text(const Json& value, std::string_view path) {
  const Json* found = find(value, path);
  return found != nullptr && found->is_string() ? found->get<std::string>() : std::string();
}

std::vector<double> numbers(const Json* value) {
  std::vector<double> list;
  if (value == nullptr || !value->is_array()) return list;
  for (const Json& item : *value) {
    if (const auto item_number = number(&item)) list.push_back(*item_number);
  }
  return list;
}

bool is_true(const Json& value, std::string_view path) {
  const Json* found = find(value, path);
  if (found == nullptr) return false;
  if (found->is_boolean()) return found->get<bool>();
  const std::string word = text(value, path);
  return word == "true" || word == "True" || word == "1";
}

bool has(const Json& value, std::initializer_list<std::string_view> paths) {
  return std::all_of(paths.begin(), paths.end(),
                     [&value](std::string_view path) { return find(value, path) != nullptr; });
}

std::optional<double> search(const Json& value,
                             const std::function<bool(const std::string& key)>& wanted) {
  if (value.is_object()) {
    for (const auto& [key, child] : value.items()) {
      if (wanted(key)) {
        if (const auto found = number(&child)) return found;
      }
      if (const auto found = search(child, wanted)) return found;
    }
  }
  return std::nullopt;
}

}  // namespace llmsweep::foreign
