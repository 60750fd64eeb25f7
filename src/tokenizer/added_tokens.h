// Finds added tokens (such as <|im_end|>) in text: leftmost, then longest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace llmsweep {

struct AddedToken {
  std::string content;
  int32_t id = 0;
  bool special = false;
  bool normalized = false;   // looked for in the normalized text
  bool single_word = false;  // not next to a word character
  bool lstrip = false;       // takes white space before it, or after it, along
  bool rstrip = false;
};

struct Segment {
  std::string_view text;  // empty where `id` is an added token's
  int32_t id = -1;
  size_t end = 0;  // in the text that was split
};

// Immutable once built; any thread.
class AddedTokenMatcher {
 public:
  // Contents must not be empty; the first of two equal ones wins.
  void add(AddedToken token);
  bool empty() const { return tokens_.empty(); }

  // Appends `text` cut into added tokens and the text between them; no segment is empty.
  void split(std::string_view text, std::vector<Segment>& segments) const;
  bool found_in(std::string_view text) const;

 private:
  struct Node {
    int32_t token = -1;  // index into tokens_
    std::vector<std::pair<unsigned char, uint32_t>> children;
  };
  uint32_t child_of(uint32_t node, unsigned char byte) const;
  // The longest token that begins at `at`; null where none does.
  const AddedToken* longest_at(std::string_view text, size_t at, size_t& length) const;
  // Goes on from `at` to the next place where a token may begin.
  size_t skip_to_candidate(std::string_view text, size_t at) const;

  std::vector<AddedToken> tokens_;
  std::vector<Node> nodes_ = std::vector<Node>(1);
  std::vector<bool> pair_begins_ = std::vector<bool>(65536);  // by the first two bytes
  std::vector<bool> byte_begins_ = std::vector<bool>(256);
  bool one_byte_token_ = false;
};

}  // namespace llmsweep
