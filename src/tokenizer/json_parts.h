// Reads the parts of a tokenizer.json. Each throws Error for what it does not know.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tokenizer/added_tokens.h"
#include "tokenizer/bpe.h"
#include "tokenizer/json_reader.h"
#include "tokenizer/native_tokenizer.h"
#include "tokenizer/normalizer.h"
#include "tokenizer/pre_tokenizer.h"

namespace llmsweep {

// The pattern of GPT-2, which ByteLevel uses.
extern const char* const kByteLevelPattern;

Normalizer read_normalizer(const std::optional<TokenizerJson>& place);

struct StageList {
  std::vector<Stage> stages;
  bool byte_level = false;
  std::string mark;  // of a space
};
StageList read_pre_tokenizer(const std::optional<TokenizerJson>& place);

struct ModelPart {
  BpeModel model;
  std::optional<UnigramModel> unigram;                   // then `model` has only its vocabulary
  std::vector<std::pair<std::string, int32_t>> outside;  // tokens not in the byte alphabet
  int64_t size = 0;                                      // of the vocabulary

  int32_t find(std::string_view content) const;  // Vocabulary::kNone where absent
};
// Refuses WordPiece and the like by their name.
void refuse_other_models(const TokenizerJson& place);
// `byte_level`: tokens are written in the byte alphabet, else as characters.
ModelPart read_model(const TokenizerJson& place, bool byte_level);

// How ids become text again where tokens are of characters.
TokenTexts read_decoder(const std::optional<TokenizerJson>& place);

// Ids are those that Hugging Face's library gives: the model's where it has the content, else
// counted on from the last. Says in `notes` where the file states others.
std::vector<AddedToken> read_added_tokens(const std::optional<TokenizerJson>& place,
                                          const ModelPart& model, std::vector<std::string>& notes);

}  // namespace llmsweep
