#include "tokenizer/sentence_piece.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "llmsweep/base/error.h"
#include "llmsweep/base/sha256.h"
#include "llmsweep/base/text.h"
#include "tokenizer/character_map.h"
#include "tokenizer/native_tokenizer.h"
#include "tokenizer/protobuf.h"

namespace llmsweep {

namespace {

constexpr const char* kPieceMark = "\xE2\x96\x81";  // ▁

constexpr uint64_t kUnigram = 1;
constexpr uint64_t kBpe = 2;

enum class PieceKind { kNormal = 1, kUnknown, kControl, kUserDefined, kUnused, kByte };
struct ScoredPiece {
  std::string_view text;
  float score = 0;
  PieceKind kind = PieceKind::kNormal;
};

// What is read of the file; the defaults are those of its definition.
struct PieceModel {
  std::vector<ScoredPiece> pieces;
  uint64_t model_type = 1;
  bool byte_fallback = false;
  bool space_as_suffix = false;
  std::string_view rule;      // the name of the normalization
  std::string_view char_map;  // and its table
  bool prefix = true;
  bool collapse_spaces = true;
  bool escape_spaces = true;
  bool broken = false;
};

ScoredPiece read_piece(std::string_view bytes, bool& broken) {
  ScoredPiece piece;
  ProtobufReader fields(bytes);
  while (fields.next()) {
    if (fields.field() == 1) piece.text = fields.bytes();
    if (fields.field() == 2) piece.score = fields.as_float();
    if (fields.field() == 3) piece.kind = static_cast<PieceKind>(fields.number());
  }
  broken = broken || fields.broken() || piece.text.empty() || std::isnan(piece.score) ||
           !is_valid_utf8(piece.text);
  return piece;
}

void read_training(std::string_view bytes, PieceModel& model) {
  ProtobufReader fields(bytes);
  while (fields.next()) {
    if (fields.field() == 3) model.model_type = fields.number();
    if (fields.field() == 24) model.space_as_suffix = fields.number() != 0;
    if (fields.field() == 35) model.byte_fallback = fields.number() != 0;
  }
  model.broken = model.broken || fields.broken();
}

void read_normalization(std::string_view bytes, PieceModel& model) {
  ProtobufReader fields(bytes);
  while (fields.next()) {
    if (fields.field() == 1) model.rule = fields.bytes();
    if (fields.field() == 2) model.char_map = fields.bytes();
    if (fields.field() == 3) model.prefix = fields.number() != 0;
    if (fields.field() == 4) model.collapse_spaces = fields.number() != 0;
    if (fields.field() == 5) model.escape_spaces = fields.number() != 0;
  }
  model.broken = model.broken || fields.broken();
}

PieceModel read_piece_model(std::string_view bytes) {
  PieceModel model;
  ProtobufReader fields(bytes);
  while (fields.next()) {
    if (fields.field() == 1) model.pieces.push_back(read_piece(fields.bytes(), model.broken));
    if (fields.field() == 2) read_training(fields.bytes(), model);
    if (fields.field() == 3) read_normalization(fields.bytes(), model);
  }
  model.broken = model.broken || fields.broken() || model.pieces.empty() ||
                 model.pieces.size() >= static_cast<size_t>(Vocabulary::kMaxId);
  return model;
}

void refuse_piece_model(const std::string& what, const std::string& name) {
  throw Error{{.what = "a SentencePiece model " + what + " is not supported",
               .where = name,
               .next = "give the tokenizer.json of the same model, or set workload.tokenizer: "
                       "server to count with the server's own"}};
}

void check_piece_model(const PieceModel& model, const std::string& name) {
  if (model.broken) {
    throw Error{{.what = "the SentencePiece model is damaged or cut short",
                 .where = name,
                 .next = "get the file again, or set workload.tokenizer: server"}};
  }
  constexpr std::array<const char*, 5> kTypes = {"", "Unigram", "BPE", "Word", "Char"};
  if (model.model_type != kUnigram && model.model_type != kBpe) {
    const bool known = model.model_type > 0 && model.model_type < kTypes.size();
    refuse_piece_model(fmt::format("of the kind {}", known ? kTypes[model.model_type] : "unknown"),
                       name);
  }
  if (model.space_as_suffix) refuse_piece_model("that marks the space after a word", name);
  if (!model.escape_spaces) refuse_piece_model("that does not mark spaces", name);
  const bool bpe = model.model_type == kBpe;
  if (bpe && std::any_of(model.pieces.begin(), model.pieces.end(), [](const ScoredPiece& piece) {
        return piece.kind == PieceKind::kUnused;
      })) {
    refuse_piece_model("with unused pieces", name);
  }
}

bool merges_into(const ScoredPiece& piece) {
  return piece.kind == PieceKind::kNormal || piece.kind == PieceKind::kUserDefined;
}

// The best score has rank 0; equal scores have one rank, and then the leftmost pair is first.
std::vector<uint32_t> ranks_of(const std::vector<ScoredPiece>& pieces) {
  std::vector<float> scores;
  for (const ScoredPiece& piece : pieces) scores.push_back(piece.score);
  std::sort(scores.begin(), scores.end(), std::greater<>());
  scores.erase(std::unique(scores.begin(), scores.end()), scores.end());
  std::vector<uint32_t> ranks;
  for (const ScoredPiece& piece : pieces) {
    const auto at = std::lower_bound(scores.begin(), scores.end(), piece.score, std::greater<>());
    ranks.push_back(static_cast<uint32_t>(at - scores.begin()));
  }
  return ranks;
}

// Each way to cut a piece in two pieces is a merge.
void make_piece_merges(const PieceModel& model, BpeModel& bpe) {
  const std::vector<uint32_t> ranks = ranks_of(model.pieces);
  bpe.merges.reserve(model.pieces.size() * 3);
  const auto half = [&](std::string_view text) {
    const int32_t id = bpe.vocabulary.find(text);
    const bool usable = id >= 0 && merges_into(model.pieces[static_cast<size_t>(id)]);
    return usable ? id : Vocabulary::kNone;
  };
  for (size_t i = 0; i < model.pieces.size(); ++i) {
    const std::string_view text = model.pieces[i].text;
    if (!merges_into(model.pieces[i])) continue;
    for (size_t cut = 1; cut < text.size(); ++cut) {
      if ((static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80) continue;
      const int32_t left = half(text.substr(0, cut));
      const int32_t right = left >= 0 ? half(text.substr(cut)) : Vocabulary::kNone;
      if (right < 0) continue;
      bpe.merges.set(left, right, {.rank = ranks[i], .id = static_cast<int32_t>(i)});
      bpe.note_merge(left, right);
    }
  }
}

// What is defined by the user stands before the table.
std::shared_ptr<const CharacterMap> character_map_of(const PieceModel& model,
                                                     const std::string& name) {
  std::optional<CharacterMap> map = CharacterMap::parse(model.char_map);
  if (!map) {
    refuse_piece_model(
        fmt::format("whose normalization '{}' is no table of its kind", printable(model.rule, 40)),
        name);
  }
  for (const ScoredPiece& piece : model.pieces) {
    if (piece.kind == PieceKind::kUserDefined) map->keep(piece.text);
  }
  return std::make_shared<const CharacterMap>(std::move(*map));
}

Normalizer normalizer_of(const PieceModel& model, const std::string& name) {
  std::vector<NormalizeStep> steps;
  if (!model.char_map.empty()) steps.emplace_back(character_map_of(model, name));
  if (model.collapse_spaces) steps.emplace_back(CollapseSpaces{});
  return Normalizer(std::move(steps));
}

Normalizer marks_of(const PieceModel& model) {
  std::vector<NormalizeStep> steps;
  if (model.prefix) steps.emplace_back(PrependText{kPieceMark});
  steps.emplace_back(ReplaceText{.pattern = std::string(" "), .content = kPieceMark});
  // Marks at the end go too, and those that the text itself has.
  if (model.collapse_spaces) steps.emplace_back(StripEnd{kPieceMark});
  return Normalizer(std::move(steps));
}

// The library's own bonus for what is defined by the user: more than any piece that is likely.
double score_of_defined(const ScoredPiece& piece, float most) {
  return static_cast<double>(static_cast<float>(piece.text.size()) * most) - 0.1;
}

UnigramModel unigram_of(const PieceModel& model, const BpeModel& bpe) {
  constexpr float kUnknownPenalty = 10;
  UnigramModel unigram(UnigramModel::Sums::kFloat, bpe.unknown);
  float least = std::numeric_limits<float>::max();
  float most = 0.1F;  // at least: as of the library's version 0.2.3
  for (const ScoredPiece& piece : model.pieces) {
    if (piece.kind != PieceKind::kNormal) continue;
    least = std::min(least, piece.score);
    most = std::max(most, piece.score);
  }
  for (size_t i = 0; i < model.pieces.size(); ++i) {
    const ScoredPiece& piece = model.pieces[i];
    const auto id = static_cast<int32_t>(i);
    if (piece.kind == PieceKind::kNormal) unigram.add(piece.text, id, piece.score);
    if (piece.kind == PieceKind::kUserDefined) {
      unigram.add(piece.text, id, score_of_defined(piece, most));
    }
  }
  unigram.finish(least - kUnknownPenalty);
  if (model.byte_fallback) unigram.fall_back_to(bpe.byte_ids);
  return unigram;
}

}  // namespace

bool looks_like_sentence_piece(std::string_view bytes) {
  ProtobufReader file(bytes);
  if (!bytes.starts_with('\n') || !file.next() || file.field() != 1) return false;
  ProtobufReader piece(file.bytes());
  return piece.next() && piece.field() == 1 && piece.is_bytes() && !piece.bytes().empty();
}

std::shared_ptr<const Tokenizer> parse_sentence_piece(std::string_view bytes, std::string name) {
  const PieceModel model = read_piece_model(bytes);
  check_piece_model(model, name);
  NativeParts parts;
  BpeModel& bpe = parts.model;
  bpe.vocabulary.reserve(model.pieces.size(), bytes.size());
  for (size_t i = 0; i < model.pieces.size(); ++i) {
    const ScoredPiece& piece = model.pieces[i];
    const auto id = static_cast<int32_t>(i);
    bpe.vocabulary.add(piece.text, id);
    if (piece.kind == PieceKind::kUnknown) bpe.unknown = id;
    if (piece.kind == PieceKind::kUserDefined && model.model_type == kBpe) {
      parts.fixed.push_back({.content = std::string(piece.text), .id = id});
    }
    if (piece.kind == PieceKind::kControl || piece.kind == PieceKind::kUnknown) {
      parts.controls.emplace_back(piece.text);
    }
  }
  bpe.fuse_unknown = true;
  bpe.byte_fallback = model.byte_fallback;
  bpe.index_characters();
  if (model.model_type == kBpe) {
    make_piece_merges(model, bpe);
  } else {
    parts.unigram = unigram_of(model, bpe);
  }
  parts.normalizer = normalizer_of(model, name);
  parts.marks = marks_of(model);
  parts.texts.mark = kPieceMark;
  parts.texts.bytes = model.byte_fallback;
  parts.texts.strip_left = model.prefix ? 1 : 0;
  parts.texts.mark_for_nothing = model.prefix && !model.collapse_spaces;
  parts.info.sha256 = sha256_hex(bytes);
  parts.info.vocabulary = static_cast<int64_t>(model.pieces.size());
  parts.info.kind = parts.unigram ? "SentencePiece Unigram" : "SentencePiece BPE";
  parts.info.path = std::move(name);
  return std::make_shared<NativeTokenizer>(std::move(parts));
}

}  // namespace llmsweep
