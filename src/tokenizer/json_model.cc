#include "tokenizer/json_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "llmsweep/base/error.h"
#include "tokenizer/byte_alphabet.h"

namespace llmsweep {

namespace {

using simdjson::dom::array;
using simdjson::dom::element;

void refuse_unknown_options(const TokenizerJson& model) {
  if (auto dropout = model.find("dropout")) {
    double rate = 0;
    if (dropout->value().get(rate) != simdjson::SUCCESS || rate != 0) {
      dropout->refuse("BPE with dropout");
    }
  }
  for (const char* affix : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    if (!model.text_or(affix, "").empty()) {
      model.refuse(fmt::format("a BPE model with {}", affix));
    }
  }
}

void read_vocabulary(const TokenizerJson& place, ModelPart& part) {
  auto map = place.map();
  size_t n = map.size();
  part.model.vocabulary.reserve(n, n * 8);
  std::string bytes;
  for (auto field : map) {
    int64_t id = 0;
    if (field.value.get(id) != simdjson::SUCCESS || id < 0 || id >= Vocabulary::kMaxId) {
      place.fail(fmt::format("the id of '{}' is not a number from 0 to 2^24", field.key));
    }
    ++part.size;
    bytes.clear();
    if (part.model.by_characters) {
      part.model.vocabulary.add(field.key, static_cast<int32_t>(id));
    } else if (append_bytes_of(field.key, bytes)) {
      part.model.vocabulary.add(bytes, static_cast<int32_t>(id));
    } else {
      part.outside.emplace_back(field.key, static_cast<int32_t>(id));
    }
  }
}

// The two halves of a merge: "a b" or ["a", "b"].
bool read_merge(element merge, std::string_view& left, std::string_view& right) {
  std::string_view both;
  if (merge.get(both) == simdjson::SUCCESS) {
    size_t space = both.find(' ');
    if (space == std::string_view::npos) return false;
    left = both.substr(0, space);
    right = both.substr(space + 1);
    return right.find(' ') == std::string_view::npos;
  }
  array halves;
  if (merge.get(halves) != simdjson::SUCCESS || halves.size() != 2) return false;
  return halves.at(0).get(left) == simdjson::SUCCESS &&
         halves.at(1).get(right) == simdjson::SUCCESS;
}

void read_merges(const TokenizerJson& place, ModelPart& part) {
  auto list = place.list();
  part.model.merges.reserve(list.size());
  const Vocabulary& vocabulary = part.model.vocabulary;
  std::string bytes;
  uint32_t rank = 0;
  for (element merge : list) {
    std::string_view left;
    std::string_view right;
    if (!read_merge(merge, left, right)) {
      place.item(merge, rank).fail("expected a merge of two tokens");
    }
    bytes.clear();
    const bool characters = part.model.by_characters;
    bool known = characters || append_bytes_of(left, bytes);
    if (characters) bytes = left;
    size_t half = bytes.size();
    known = known && (characters || append_bytes_of(right, bytes));
    if (characters) bytes += right;
    std::string_view both = bytes;
    int32_t left_id = known ? vocabulary.find(both.substr(0, half)) : Vocabulary::kNone;
    int32_t right_id = known ? vocabulary.find(both.substr(half)) : Vocabulary::kNone;
    int32_t merged = known ? vocabulary.find(both) : Vocabulary::kNone;
    if (left_id < 0 || right_id < 0 || merged < 0) {
      place.item(merge, rank)
          .fail(fmt::format("the merge of '{}' and '{}' names a token outside the vocabulary", left,
                            right));
    }
    part.model.merges.set(left_id, right_id, {.rank = rank++, .id = merged});
    if (characters) part.model.note_merge(left_id, right_id);
  }
}

struct UnigramPiece {
  std::string_view text;
  double score = 0;
};

// ["▁the", -3.5].
UnigramPiece read_unigram_piece(const TokenizerJson& place, element value, size_t index) {
  UnigramPiece piece;
  array pair;
  if (value.get(pair) != simdjson::SUCCESS || pair.size() != 2 ||
      pair.at(0).get(piece.text) != simdjson::SUCCESS || piece.text.empty() ||
      pair.at(1).get(piece.score) != simdjson::SUCCESS) {
    place.item(value, index).fail("expected a piece and its score");
  }
  return piece;
}

// Every piece can stand in a text, "<s>" and "<0x0A>" too.
ModelPart read_unigram(const TokenizerJson& place) {
  constexpr double kUnknownPenalty = 10;
  const TokenizerJson vocabulary = place.at("vocab");
  const auto list = vocabulary.list();
  int64_t unknown = Vocabulary::kNone;
  if (auto found = place.find("unk_id")) {
    if (found->value().get(unknown) != simdjson::SUCCESS) found->fail("expected a number");
  }
  if (unknown < 0 || unknown >= static_cast<int64_t>(list.size()) ||
      list.size() >= static_cast<size_t>(Vocabulary::kMaxId)) {
    place.refuse("a Unigram model whose unk_id is no token");
  }
  ModelPart part;
  part.model.by_characters = true;
  part.model.unknown = static_cast<int32_t>(unknown);
  part.unigram.emplace(UnigramModel::Sums::kDouble, part.model.unknown);
  double least = 0;
  for (element value : list) {
    const auto id = static_cast<int32_t>(part.size);
    const UnigramPiece piece = read_unigram_piece(vocabulary, value, static_cast<size_t>(id));
    part.model.vocabulary.add(piece.text, id);
    part.unigram->add(piece.text, id, piece.score);
    least = part.size == 0 ? piece.score : std::min(least, piece.score);
    ++part.size;
  }
  part.unigram->finish(least - kUnknownPenalty);
  part.model.index_characters();
  part.model.byte_fallback = place.flag("byte_fallback", false);
  if (part.model.byte_fallback) part.unigram->fall_back_to(part.model.byte_ids);
  return part;
}

}  // namespace

int32_t ModelPart::find(std::string_view content) const {
  std::string bytes;
  if (model.by_characters) return model.vocabulary.find(content);
  if (append_bytes_of(content, bytes)) {
    const int32_t id = model.vocabulary.find(bytes);
    if (id != Vocabulary::kNone) return id;
  }
  const auto found = std::find_if(outside.begin(), outside.end(),
                                  [&](const auto& token) { return token.first == content; });
  return found == outside.end() ? Vocabulary::kNone : found->second;
}

void refuse_other_models(const TokenizerJson& place) {
  std::string_view type = place.text_or("type", "BPE");
  if (type != "BPE" && type != "Unigram")
    place.refuse(fmt::format("the tokenizer model '{}'", type));
}

ModelPart read_model(const TokenizerJson& place, bool byte_level) {
  if (place.text_or("type", "BPE") == "Unigram") {
    if (byte_level) place.refuse("a Unigram model behind a ByteLevel pre-tokenizer");
    return read_unigram(place);
  }
  refuse_unknown_options(place);
  ModelPart part;
  BpeModel& model = part.model;
  model.by_characters = !byte_level;
  model.byte_fallback = place.flag("byte_fallback", false);
  model.ignore_merges = place.flag("ignore_merges", false);
  model.fuse_unknown = place.flag("fuse_unk", false);
  read_vocabulary(place.at("vocab"), part);
  if (auto unknown = place.find("unk_token")) model.unknown = part.find(unknown->text());
  if (model.by_characters) {
    model.index_characters();
  } else {
    model.index_bytes();
    const bool whole = std::find(model.byte_ids.begin(), model.byte_ids.end(), Vocabulary::kNone) ==
                       model.byte_ids.end();
    if (model.byte_fallback && !whole) {
      place.refuse("a byte-level BPE model with byte_fallback that lacks tokens of bytes");
    }
  }
  read_merges(place.at("merges"), part);
  return part;
}

std::vector<AddedToken> read_added_tokens(const std::optional<TokenizerJson>& place,
                                          const ModelPart& model, std::vector<std::string>& notes) {
  std::vector<AddedToken> tokens;
  if (!place) return tokens;
  int64_t next = model.size;
  int64_t misstated = 0;
  std::unordered_map<std::string, int32_t> known;  // Gemma has thousands
  auto id_of = [&](std::string_view content) -> int32_t {
    if (const auto found = known.find(std::string(content)); found != known.end()) {
      return found->second;
    }
    const int32_t id = model.find(content);
    return id != Vocabulary::kNone ? id : static_cast<int32_t>(next++);
  };
  size_t index = 0;
  for (element value : place->list()) {
    TokenizerJson token = place->item(value, index++);
    std::string_view content = token.at("content").text();
    if (content.empty()) continue;
    AddedToken added{.content = std::string(content),
                     .id = id_of(content),
                     .special = token.flag("special", false),
                     .single_word = token.flag("single_word", false),
                     .lstrip = token.flag("lstrip", false),
                     .rstrip = token.flag("rstrip", false)};
    added.normalized = token.flag("normalized", !added.special);
    next = std::max<int64_t>(next, added.id >= model.size ? added.id + 1 : next);
    int64_t stated = added.id;
    auto id = token.find("id");
    bool stated_otherwise =
        id && id->value().get(stated) == simdjson::SUCCESS && stated != added.id;
    misstated += stated_otherwise ? 1 : 0;
    known.emplace(added.content, added.id);
    tokens.push_back(std::move(added));
  }
  if (misstated > 0) {
    notes.push_back(
        fmt::format("{} added tokens have other ids than the file states, as in "
                    "Hugging Face's library",
                    misstated));
  }
  return tokens;
}

}  // namespace llmsweep
