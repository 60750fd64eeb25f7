#include "tokenizer/json_parts.h"

#include <fmt/format.h>

#include <memory>
#include <optional>
#include <utility>

#include "tokenizer/character_map.h"
#include "tokenizer/rank_tokens.h"

namespace llmsweep {

const char* const kByteLevelPattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

namespace {

using simdjson::dom::element;

constexpr std::string_view kSpaceMarkText = "\xE2\x96\x81";  // ▁
constexpr int kDeepest = 16;                                 // sequences within sequences

// {"Regex": "…"} or {"String": "…"}.
std::variant<Regex, std::string> read_pattern(const TokenizerJson& place) {
  if (auto regex = place.find("Regex")) {
    return Regex(std::string(regex->text()), regex->where());
  }
  if (auto literal = place.find("String")) {
    std::string text(literal->text());
    if (text.empty()) literal->fail("an empty pattern");
    return text;
  }
  place.refuse("a pattern that is neither Regex nor String");
}

Delimiter delimiter_of(std::variant<Regex, std::string> pattern) {
  if (auto* regex = std::get_if<Regex>(&pattern)) return std::move(*regex);
  return std::get<std::string>(std::move(pattern));
}

SplitBehavior read_behavior(const TokenizerJson& place, std::string_view otherwise) {
  std::string_view name = place.text_or("behavior", otherwise);
  if (name == "Removed") return SplitBehavior::kRemoved;
  if (name == "Isolated") return SplitBehavior::kIsolated;
  if (name == "MergedWithPrevious") return SplitBehavior::kMergedWithPrevious;
  if (name == "MergedWithNext") return SplitBehavior::kMergedWithNext;
  if (name == "Contiguous") return SplitBehavior::kContiguous;
  place.refuse(fmt::format("the split behavior '{}'", name));
}

void add_byte_level(const TokenizerJson& place, StageList& list) {
  if (list.byte_level) place.refuse("a second ByteLevel pre-tokenizer");
  if (place.flag("add_prefix_space", true)) list.stages.emplace_back(PrefixSpaceStage{});
  if (place.flag("use_regex", true)) {
    list.stages.emplace_back(SplitStage{.delimiter = Regex(kByteLevelPattern, place.where())});
  }
  list.stages.emplace_back(ByteAlphabetStage{});
  list.byte_level = true;
}

MarkBefore read_prepend_scheme(const TokenizerJson& place) {
  const std::string_view scheme = place.text_or("prepend_scheme", "always");
  const bool prefix = place.flag("add_prefix_space", true);
  if (!prefix || scheme == "never") return MarkBefore::kNone;
  if (scheme == "first") return MarkBefore::kFirst;
  if (scheme == "always") return MarkBefore::kAll;
  place.refuse(fmt::format("the prepend_scheme '{}'", scheme));
}

void add_metaspace(const TokenizerJson& place, StageList& list) {
  list.mark = std::string(place.text_or("replacement", kSpaceMarkText));
  list.stages.emplace_back(SpaceMarkStage{.mark = list.mark, .before = read_prepend_scheme(place)});
  if (!place.flag("split", true)) return;
  list.stages.emplace_back(
      SplitStage{.delimiter = list.mark, .behavior = SplitBehavior::kMergedWithNext});
}

void add_stages(const TokenizerJson& place, StageList& list, int depth) {
  if (depth > kDeepest) place.refuse("a pre-tokenizer nested this deep");
  std::string_view type = place.at("type").text();
  auto& stages = list.stages;
  if (type == "Sequence") {
    TokenizerJson items = place.at("pretokenizers");
    size_t index = 0;
    for (element item : items.list()) add_stages(items.item(item, index++), list, depth + 1);
  } else if (type == "Split") {
    stages.emplace_back(SplitStage{.delimiter = delimiter_of(read_pattern(place.at("pattern"))),
                                   .behavior = read_behavior(place, ""),
                                   .invert = place.flag("invert", false)});
  } else if (type == "ByteLevel") {
    add_byte_level(place, list);
  } else if (type == "Metaspace") {
    add_metaspace(place, list);
  } else if (type == "Digits") {
    bool single = place.flag("individual_digits", false);
    stages.emplace_back(
        SplitStage{.delimiter = &is_number,
                   .behavior = single ? SplitBehavior::kIsolated : SplitBehavior::kContiguous});
  } else if (type == "Punctuation") {
    stages.emplace_back(
        SplitStage{.delimiter = &is_punctuation, .behavior = read_behavior(place, "Isolated")});
  } else if (type == "WhitespaceSplit") {
    stages.emplace_back(
        SplitStage{.delimiter = &is_white_space, .behavior = SplitBehavior::kRemoved});
  } else if (type == "Whitespace") {
    stages.emplace_back(
        SplitStage{.delimiter = &is_white_space, .behavior = SplitBehavior::kRemoved});
    stages.emplace_back(
        SplitStage{.delimiter = &is_symbol, .behavior = SplitBehavior::kContiguous});
  } else if (type == "CharDelimiterSplit") {
    stages.emplace_back(SplitStage{.delimiter = std::string(place.at("delimiter").text()),
                                   .behavior = SplitBehavior::kRemoved});
  } else {
    place.refuse(fmt::format("the pre-tokenizer '{}'", type));
  }
}

// The table of SentencePiece's normalization, in base64.
std::shared_ptr<const CharacterMap> read_character_map(const TokenizerJson& place) {
  std::string bytes;
  std::optional<CharacterMap> map;
  if (append_base64(place.text(), bytes)) map = CharacterMap::parse(bytes);
  if (!map) place.refuse("the normalizer 'Precompiled' with a table of another kind");
  return std::make_shared<const CharacterMap>(std::move(*map));
}

void add_steps(const TokenizerJson& place, std::vector<NormalizeStep>& steps, int depth) {
  if (depth > kDeepest) place.refuse("a normalizer nested this deep");
  std::string_view type = place.at("type").text();
  if (type == "Sequence") {
    TokenizerJson items = place.at("normalizers");
    size_t index = 0;
    for (element item : items.list()) add_steps(items.item(item, index++), steps, depth + 1);
  } else if (type == "NFC") {
    steps.emplace_back(NormalForm::kNfc);
  } else if (type == "NFD") {
    steps.emplace_back(NormalForm::kNfd);
  } else if (type == "NFKC") {
    steps.emplace_back(NormalForm::kNfkc);
  } else if (type == "NFKD") {
    steps.emplace_back(NormalForm::kNfkd);
  } else if (type == "Replace") {
    steps.emplace_back(ReplaceText{.pattern = read_pattern(place.at("pattern")),
                                   .content = std::string(place.at("content").text())});
  } else if (type == "Prepend") {
    steps.emplace_back(PrependText{std::string(place.at("prepend").text())});
  } else if (type == "Strip") {
    steps.emplace_back(StripSpace{.left = place.flag("strip_left", true),
                                  .right = place.flag("strip_right", true)});
  } else if (type == "Precompiled") {
    steps.emplace_back(MapGraphemes{read_character_map(place.at("precompiled_charsmap"))});
  } else {
    place.refuse(fmt::format("the normalizer '{}'", type));
  }
}

}  // namespace

Normalizer read_normalizer(const std::optional<TokenizerJson>& place) {
  std::vector<NormalizeStep> steps;
  if (place) add_steps(*place, steps, 0);
  return Normalizer(std::move(steps));
}

TokenTexts read_decoder(const std::optional<TokenizerJson>& place) {
  TokenTexts texts;
  if (!place) return texts;
  std::vector<TokenizerJson> steps;
  if (place->text_or("type", "") == "Sequence") {
    TokenizerJson items = place->at("decoders");
    for (element item : items.list()) steps.push_back(items.item(item, steps.size()));
  } else {
    steps.push_back(*place);
  }
  for (const TokenizerJson& step : steps) {
    const std::string_view type = step.text_or("type", "");
    if (type == "ByteFallback") texts.bytes = true;
    if (type == "Metaspace" && read_prepend_scheme(step) != MarkBefore::kNone) texts.strip_left = 1;
    const auto start = step.find("start");
    int64_t spaces = 0;
    if (type == "Strip" && step.text_or("content", "") == " " && start &&
        start->value().get(spaces) == simdjson::SUCCESS) {
      texts.strip_left = spaces;
    }
  }
  return texts;
}

StageList read_pre_tokenizer(const std::optional<TokenizerJson>& place) {
  StageList list;
  if (place) add_stages(*place, list, 0);
  return list;
}

}  // namespace llmsweep
