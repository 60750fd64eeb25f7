// Tokens by rank, as tiktoken has them: what merges into which token follows from the ranks.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "llmsweep/tokenizer/tokenizer.h"
#include "tokenizer/added_tokens.h"

namespace llmsweep {

// Appends what base64 `text` stands for; false where it is not base64.
bool append_base64(std::string_view text, std::string& bytes);

struct RankTokens {
  std::vector<std::string> tokens;  // by id, which ascends with the rank; empty: none
  std::string pattern;              // splits the text
  std::vector<AddedToken> added;
  std::vector<std::string> controls;  // never found in text, but no prompt should hold them
  TokenizerInfo info;                 // its vocabulary 0: what is in use
};
std::shared_ptr<const Tokenizer> make_rank_tokenizer(RankTokens ranks);

}  // namespace llmsweep
