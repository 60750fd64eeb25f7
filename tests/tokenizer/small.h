// A hand-made tokenizer.json: 256 bytes, a few merges, what else a test asks for.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "llmsweep/tokenizer/tokenizer.h"

namespace llmsweep {

struct SmallParts {
  std::vector<std::string> merges = {"h e", "l l", "ll o", "he llo", "Ġ w", "o r", "Ġw or"};
  bool merges_as_pairs = false;
  std::string normalizer = "null";
  std::string pre_tokenizer = R"({"type":"ByteLevel","add_prefix_space":false})";
  std::string added = "[]";
  std::string model_extra;  // R"("ignore_merges":true,)"
};

// Ids 0 … 255 are the bytes in order; 256 … the merges.
std::string small_json(const SmallParts& parts);
inline std::shared_ptr<const Tokenizer> small_tokenizer(const SmallParts& parts = {}) {
  return parse_tokenizer_json(small_json(parts), "small.json");
}
// The bytes that each id stands for, joined with '|': "he|llo".
std::string pieces(const Tokenizer& tokenizer, const std::vector<int32_t>& ids);

}  // namespace llmsweep
