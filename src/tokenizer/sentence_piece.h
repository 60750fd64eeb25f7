// SentencePiece's tokenizer.model: a protocol buffer of pieces with scores, of which those of BPE
// and Unigram models are read (docs/decisions/0012).
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "llmsweep/tokenizer/tokenizer.h"

namespace llmsweep {

// Whether the bytes begin as such a file does: with a piece.
bool looks_like_sentence_piece(std::string_view bytes);
// Throws Error that names a kind of model, or of normalization, that is not read.
std::shared_ptr<const Tokenizer> parse_sentence_piece(std::string_view bytes, std::string name);

}  // namespace llmsweep
