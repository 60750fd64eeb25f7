// Rank files, with what lies beside them.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "llmsweep/tokenizer/tokenizer.h"
#include "tokenizer/added_tokens.h"

namespace llmsweep {

struct RankFile {
  std::string_view ranks;
  std::string pattern;            // one of tiktoken_patterns()
  std::vector<AddedToken> added;  // beside the pattern's own; these win
  std::string name;
};
std::shared_ptr<const Tokenizer> parse_rank_file(RankFile file);

// Whether a file begins with a token in base64 and its rank.
bool looks_like_ranks(std::string_view bytes);

// The added tokens that a tokenizer_config.json states under added_tokens_decoder.
std::vector<AddedToken> read_added_tokens_decoder(std::string_view config, const std::string& name);

}  // namespace llmsweep
