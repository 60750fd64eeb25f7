#include "tokenizer/small.h"

#include <array>
#include <nlohmann/json.hpp>

#include "tokenizer/byte_alphabet.h"

namespace llmsweep {

std::string small_json(const SmallParts& parts) {
  nlohmann::json vocabulary;
  for (int b = 0; b < 256; ++b) {
    std::string letter;
    append_alphabet_of(std::string(1, static_cast<char>(b)), letter);
    vocabulary[letter] = b;
  }
  nlohmann::json merges = nlohmann::json::array();
  int next = 256;
  for (const auto& merge : parts.merges) {
    size_t space = merge.find(' ');
    std::string left = merge.substr(0, space);
    std::string right = merge.substr(space + 1);
    if (parts.merges_as_pairs) {
      merges.push_back({left, right});
    } else {
      merges.push_back(merge);
    }
    if (!vocabulary.contains(left + right)) vocabulary[left + right] = next++;
  }
  return R"({"version":"1.0","added_tokens":)" + parts.added + R"(,"normalizer":)" +
         parts.normalizer + R"(,"pre_tokenizer":)" + parts.pre_tokenizer +
         R"(,"post_processor":null,"decoder":{"type":"ByteLevel"},"model":{"type":"BPE",)" +
         parts.model_extra + R"("vocab":)" + vocabulary.dump() + R"(,"merges":)" + merges.dump() +
         "}}";
}

std::string pieces(const Tokenizer& tokenizer, const std::vector<int32_t>& ids) {
  std::string text;
  for (int32_t id : ids) text += (text.empty() ? "" : "|") + tokenizer.decode(std::array{id});
  return text;
}

}  // namespace llmsweep
