// Counts and identifies the tokens of a prompt by the profile's rule. See TokenRule.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "llmsweep/simulator/profile.h"

namespace llmsweep::sim {

// 64 well-mixed bits of two values (splitmix64's finaliser).
uint64_t mix(uint64_t a, uint64_t b);

class PromptTokens {
 public:
  explicit PromptTokens(const TokenProfile& profile, int64_t block_tokens = 32);

  void add_text(std::string_view text);
  void add_id(uint64_t id);
  void add_overhead(int64_t tokens, std::string_view of);  // of the chat template
  void add_image(std::string_view sha256);                 // of its bytes

  int64_t count() const { return count_; }
  const std::vector<std::string>& images() const { return images_; }  // SHA-256, in order
  uint64_t hash() const { return hash_; }
  // Of each whole block of `block_tokens`; each depends on all tokens before it.
  const std::vector<uint64_t>& block_hashes() const { return block_hashes_; }
  // The ids of all tokens, as /tokenize lists them; only kept once keep_ids() was called.
  void keep_ids() { keep_ids_ = true; }
  const std::vector<uint32_t>& ids() const { return ids_; }

 private:
  void add(uint64_t token);

  TokenRule rule_;
  int64_t block_tokens_;
  int64_t image_tokens_;
  std::vector<std::string> images_;
  int64_t count_ = 0;
  uint64_t hash_ = 0;
  bool keep_ids_ = false;
  std::vector<uint64_t> block_hashes_;
  std::vector<uint32_t> ids_;
};

// The text of output token `index` of a request: a space and a word, by kWords one token.
// `wide` words have characters of several bytes.
std::string_view output_word(uint64_t seed, int64_t index, bool wide);

}  // namespace llmsweep::sim
