// Mistral's tekken.json: tokens by rank with their pattern, behind the special tokens.
#pragma once

#include <memory>
#include <string>

#include "llmsweep/tokenizer/tokenizer.h"
#include "tokenizer/json_reader.h"

namespace llmsweep {

bool is_tekken(const TokenizerJson& root);
// Special tokens are never found in text, as in mistral-common. Throws Error.
std::shared_ptr<const Tokenizer> parse_tekken(const TokenizerJson& root, std::string sha256);

}  // namespace llmsweep
