#include "protocol/json_outline.h"

#include <algorithm>
#include <array>

namespace llmsweep {
namespace {

constexpr std::string_view kBlank = " \t\r\n";
constexpr std::string_view kHidden = "\"…\"";
constexpr size_t kLongestKey = 40;

// Behind the quote that ends the text which begins at `at`; npos: none does.
size_t behind_text(std::string_view text, size_t at) {
  for (size_t i = at + 1; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      return i + 1;
    }
  }
  return std::string_view::npos;
}

bool names_a_member(std::string_view quoted, std::string_view rest) {
  const std::string_view name = quoted.substr(1, quoted.size() - 2);
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  const size_t next = rest.find_first_not_of(kBlank);
  return name.size() <= kLongestKey && std::all_of(name.begin(), name.end(), plain) &&
         next != std::string_view::npos && rest[next] == ':';
}

// A word or a number at the start of `text`: its length, and what is shown for it.
std::pair<size_t, std::string_view> scalar_at(std::string_view text) {
  constexpr std::array<std::string_view, 3> kWords = {"true", "false", "null"};
  for (const std::string_view word : kWords) {
    if (text.starts_with(word)) return {word.size(), word};
  }
  if (text.front() != '-' && (text.front() < '0' || text.front() > '9')) return {0, {}};
  return {std::min(text.find_first_not_of("+-.0123456789eE"), text.size()), "0"};
}

}  // namespace

std::string json_outline(std::string_view text, size_t limit) {
  std::string outline;
  bool after_value = false;  // no other value can stand here
  for (size_t at = 0; at < text.size() && outline.size() <= limit;) {
    const char c = text[at];
    if (kBlank.find(c) != std::string_view::npos) {
      if (c == ' ') outline += c;
      ++at;
      continue;
    }
    if (std::string_view("{}[]:,").find(c) != std::string_view::npos) {
      outline += c;
      after_value = c == '}' || c == ']';
      ++at;
      continue;
    }
    if (after_value) return outline + "…";
    after_value = true;
    if (c == '"') {
      const size_t end = behind_text(text, at);
      if (end == std::string_view::npos) return outline + "…";
      const std::string_view quoted = text.substr(at, end - at);
      outline += names_a_member(quoted, text.substr(end)) ? quoted : kHidden;
      at = end;
      continue;
    }
    const auto [length, shown] = scalar_at(text.substr(at));
    if (length == 0) return outline + "…";
    outline += shown;
    at += length;
  }
  return outline;
}

}  // namespace llmsweep
