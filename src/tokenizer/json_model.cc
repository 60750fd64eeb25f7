#include "tokenizer/json_parts.h"

#include <fmt/format.h>

#include <algorithm>
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
  if (model.flag("byte_fallback", false)) {
    model.refuse("a BPE model with byte_fallback (SentencePiece's, not byte-level)");
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
    if (append_bytes_of(field.key, bytes)) {
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
    bool known = append_bytes_of(left, bytes);
    size_t half = bytes.size();
    known = known && append_bytes_of(right, bytes);
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
  }
}

}  // namespace

ModelPart read_model(const TokenizerJson& place) {
  std::string_view type = place.text_or("type", "BPE");
  if (type != "BPE") place.refuse(fmt::format("the tokenizer model '{}'", type));
  refuse_unknown_options(place);
  ModelPart part;
  read_vocabulary(place.at("vocab"), part);
  read_merges(place.at("merges"), part);
  part.model.ignore_merges = place.flag("ignore_merges", false);
  part.model.fuse_unknown = place.flag("fuse_unk", false);
  part.model.index_bytes();
  if (auto unknown = place.find("unk_token")) {
    std::string bytes;
    if (append_bytes_of(unknown->text(), bytes))
      part.model.unknown = part.model.vocabulary.find(bytes);
    for (const auto& [content, id] : part.outside) {
      if (content == unknown->text()) part.model.unknown = id;
    }
  }
  return part;
}

std::vector<AddedToken> read_added_tokens(const std::optional<TokenizerJson>& place,
                                          const ModelPart& model, std::vector<std::string>& notes) {
  std::vector<AddedToken> tokens;
  if (!place) return tokens;
  int64_t next = model.size;
  int64_t misstated = 0;
  std::string bytes;
  auto id_of = [&](std::string_view content) -> int32_t {
    for (const AddedToken& token : tokens) {
      if (token.content == content) return token.id;
    }
    bytes.clear();
    if (append_bytes_of(content, bytes)) {
      int32_t id = model.model.vocabulary.find(bytes);
      if (id != Vocabulary::kNone) return id;
    }
    for (const auto& [outside, id] : model.outside) {
      if (outside == content) return id;
    }
    return static_cast<int32_t>(next++);
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
