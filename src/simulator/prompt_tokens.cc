#include "simulator/prompt_tokens.h"

#include <algorithm>
#include <array>

namespace llmsweep::sim {
namespace {

constexpr uint32_t kVocabulary = 100'000;

bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

// FNV-1a.
uint64_t hash_bytes(std::string_view bytes) {
  uint64_t hash = 14695981039346656037U;
  for (char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
  return hash;
}

constexpr std::array<std::string_view, 32> kWordList = {
    " the",   " river",  " turns", " past",   " an",     " old",    " stone", " mill",
    " where", " grain",  " was",   " once",   " ground", " by",     " slow",  " wheels",
    " and",   " people", " came",  " from",   " far",    " towns",  " to",    " trade",
    " cloth", " salt",   " news",  " before", " snow",   " closed", " every", " road"};

constexpr std::array<std::string_view, 8> kWideWordList = {" caf\xC3\xA9",
                                                           " na\xC3\xAFve",
                                                           " \xE6\xB2\xB3\xE6\xB5\x81",
                                                           " \xC3\xBC"
                                                           "ber",
                                                           " \xF0\x9F\x8C\x8A",
                                                           " gar\xC3\xA7on",
                                                           " \xE3\x81\x8B\xE3\x82\x8F",
                                                           " \xD1\x80\xD0\xB5\xD0\xBA\xD0\xB0"};

}  // namespace

uint64_t mix(uint64_t a, uint64_t b) {
  uint64_t z = a + 0x9E3779B97F4A7C15U * (b + 1);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
  return z ^ (z >> 31);
}

PromptTokens::PromptTokens(const TokenProfile& profile, int64_t block_tokens)
    : rule_(profile.rule), block_tokens_(block_tokens), image_tokens_(profile.image_tokens) {}

void PromptTokens::add(uint64_t token) {
  hash_ = mix(hash_, token);
  if (keep_ids_) ids_.push_back(static_cast<uint32_t>(token % kVocabulary));
  if (++count_ % block_tokens_ == 0) block_hashes_.push_back(std::max<uint64_t>(hash_, 1));
}

void PromptTokens::add_text(std::string_view text) {
  if (rule_ == TokenRule::kBytes) {
    for (; !text.empty(); text.remove_prefix(std::min<size_t>(4, text.size()))) {
      add(hash_bytes(text.substr(0, 4)));
    }
    return;
  }
  const char* const end = text.data() + text.size();
  for (const char* at = text.data(); (at = std::find_if_not(at, end, is_space)) != end;) {
    const char* const begin = at;
    at = std::find_if(begin, end, is_space);
    add(hash_bytes({begin, static_cast<size_t>(at - begin)}));
  }
}

void PromptTokens::add_id(uint64_t id) {
  add(id);
}

void PromptTokens::add_overhead(int64_t tokens, std::string_view of) {
  const uint64_t token = hash_bytes(of);
  for (int64_t i = 0; i < tokens; ++i) add(mix(token, static_cast<uint64_t>(i)));
}

void PromptTokens::add_image(std::string_view sha256) {
  images_.emplace_back(sha256);
  add_overhead(image_tokens_, sha256);
}

std::string_view output_word(uint64_t seed, int64_t index, bool wide) {
  const uint64_t draw = mix(seed, static_cast<uint64_t>(index));
  return wide ? kWideWordList[draw % kWideWordList.size()] : kWordList[draw % kWordList.size()];
}

}  // namespace llmsweep::sim
