// Reads the parts of a tokenizer.json. Each throws Error for what it does not know.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tokenizer/added_tokens.h"
#include "tokenizer/bpe.h"
#include "tokenizer/json_reader.h"
#include "tokenizer/normalizer.h"
#include "tokenizer/pre_tokenizer.h"

namespace llmsweep {

// The pattern of GPT-2, which ByteLevel uses.
extern const char* const kByteLevelPattern;

Normalizer read_normalizer(const std::optional<TokenizerJson>& place);

struct StageList {
  std::vector<Stage> stages;
  bool byte_level = false;
};
StageList read_pre_tokenizer(const std::optional<TokenizerJson>& place);

struct ModelPart {
  BpeModel model;
  std::vector<std::pair<std::string, int32_t>> outside;  // tokens not in the byte alphabet
  int64_t size = 0;                                      // of the vocabulary
};
ModelPart read_model(const TokenizerJson& place);

// Ids are those that Hugging Face's library gives: the model's where it has the content, else
// counted on from the last. Says in `notes` where the file states others.
std::vector<AddedToken> read_added_tokens(const std::optional<TokenizerJson>& place,
                                          const ModelPart& model, std::vector<std::string>& notes);

}  // namespace llmsweep
