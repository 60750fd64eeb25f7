#include "tokenizer/added_tokens.h"

#include <algorithm>
#include <utility>

#include "tokenizer/unicode.h"

namespace llmsweep {

namespace {

// Where the character before `at` begins; at > 0.
size_t previous_character(std::string_view text, size_t at) {
  do {
    --at;
  } while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80);
  return at;
}

size_t strip_left(std::string_view text, size_t at, size_t least) {
  while (at > least) {
    size_t previous = previous_character(text, at);
    if (!is_white_space(character_at(text, previous).code)) break;
    at = previous;
  }
  return std::max(at, least);
}

size_t strip_right(std::string_view text, size_t at) {
  while (at < text.size()) {
    Character c = character_at(text, at);
    if (!is_white_space(c.code)) break;
    at += c.bytes;
  }
  return at;
}

bool touches_word(std::string_view text, size_t begin, size_t end) {
  bool before = begin > 0 && is_word(character_at(text, previous_character(text, begin)).code);
  bool after = end < text.size() && is_word(character_at(text, end).code);
  return before || after;
}

}  // namespace

uint32_t AddedTokenMatcher::child_of(uint32_t node, unsigned char byte) const {
  for (const auto& [value, child] : nodes_[node].children) {
    if (value == byte) return child;
  }
  return 0;
}

void AddedTokenMatcher::add(AddedToken token) {
  const std::string& content = token.content;
  uint32_t node = 0;
  for (char c : content) {
    auto byte = static_cast<unsigned char>(c);
    uint32_t child = child_of(node, byte);
    if (child == 0) {
      child = static_cast<uint32_t>(nodes_.size());
      nodes_[node].children.emplace_back(byte, child);
      nodes_.emplace_back();
    }
    node = child;
  }
  if (nodes_[node].token >= 0) return;
  nodes_[node].token = static_cast<int32_t>(tokens_.size());
  auto first = static_cast<unsigned char>(content[0]);
  byte_begins_[first] = true;
  if (content.size() == 1) {
    one_byte_token_ = true;
  } else {
    pair_begins_[size_t{first} << 8 | static_cast<unsigned char>(content[1])] = true;
  }
  tokens_.push_back(std::move(token));
}

size_t AddedTokenMatcher::skip_to_candidate(std::string_view text, size_t at) const {
  for (; at < text.size(); ++at) {
    auto first = static_cast<unsigned char>(text[at]);
    if (!byte_begins_[first]) continue;
    if (one_byte_token_) return at;
    if (at + 1 < text.size() &&
        pair_begins_[size_t{first} << 8 | static_cast<unsigned char>(text[at + 1])]) {
      return at;
    }
  }
  return text.size();
}

const AddedToken* AddedTokenMatcher::longest_at(std::string_view text, size_t at,
                                                size_t& length) const {
  const AddedToken* found = nullptr;
  uint32_t node = 0;
  for (size_t i = at; i < text.size(); ++i) {
    node = child_of(node, static_cast<unsigned char>(text[i]));
    if (node == 0) break;
    if (nodes_[node].token >= 0) {
      found = &tokens_[static_cast<size_t>(nodes_[node].token)];
      length = i + 1 - at;
    }
  }
  return found;
}

void AddedTokenMatcher::split(std::string_view text, std::vector<Segment>& segments) const {
  size_t done = 0;
  size_t at = 0;
  while (!tokens_.empty() && (at = skip_to_candidate(text, at)) < text.size()) {
    size_t length = 0;
    const AddedToken* token = longest_at(text, at, length);
    if (!token) {
      ++at;
      continue;
    }
    size_t begin = at;
    size_t end = at + length;
    at = end;
    if (token->single_word && touches_word(text, begin, end)) continue;
    if (token->lstrip) begin = strip_left(text, begin, done);
    if (token->rstrip) end = strip_right(text, end);
    if (done < begin) {
      segments.push_back({.text = text.substr(done, begin - done), .id = -1, .end = begin});
    }
    segments.push_back({.text = {}, .id = token->id, .end = end});
    done = end;
    at = std::max(at, end);
  }
  if (done < text.size()) {
    segments.push_back({.text = text.substr(done), .id = -1, .end = text.size()});
  }
}

bool AddedTokenMatcher::found_in(std::string_view text) const {
  if (tokens_.empty()) return false;
  size_t length = 0;
  for (size_t at = skip_to_candidate(text, 0); at < text.size();
       at = skip_to_candidate(text, at + 1)) {
    if (longest_at(text, at, length)) return true;
  }
  return false;
}

}  // namespace llmsweep
