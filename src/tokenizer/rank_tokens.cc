#include "tokenizer/rank_tokens.h"

#include <algorithm>
#include <array>
#include <utility>

#include "tokenizer/native_tokenizer.h"

namespace llmsweep {

namespace {

// A pair merges at the rank of what it makes: each way to cut a token in two tokens is a merge.
void make_merges(const std::vector<std::string>& tokens, BpeModel& model) {
  model.merges.reserve(tokens.size() * 3);
  for (size_t id = 0; id < tokens.size(); ++id) {
    std::string_view token = tokens[id];
    for (size_t cut = 1; cut < token.size(); ++cut) {
      int32_t left = model.vocabulary.find(token.substr(0, cut));
      if (left < 0) continue;
      int32_t right = model.vocabulary.find(token.substr(cut));
      if (right < 0) continue;
      model.merges.set(left, right,
                       {.rank = static_cast<uint32_t>(id), .id = static_cast<int32_t>(id)});
    }
  }
}

}  // namespace

// Appends what base64 `text` stands for; false where it is not base64.
bool append_base64(std::string_view text, std::string& bytes) {
  static constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  static constexpr auto kValues = [] {
    std::array<int8_t, 256> values{};
    values.fill(-1);
    for (size_t i = 0; i < kDigits.size(); ++i) {
      values[static_cast<unsigned char>(kDigits[i])] = static_cast<int8_t>(i);
    }
    return values;
  }();
  while (!text.empty() && text.back() == '=') text.remove_suffix(1);
  uint32_t bits = 0;
  int held = 0;
  for (char c : text) {
    int8_t value = kValues[static_cast<unsigned char>(c)];
    if (value < 0) return false;
    bits = bits << 6 | static_cast<uint32_t>(value);
    held += 6;
    if (held >= 8) {
      held -= 8;
      bytes += static_cast<char>(bits >> held & 0xFF);
    }
  }
  return held < 6;
}

std::shared_ptr<const Tokenizer> make_rank_tokenizer(RankTokens ranks) {
  NativeParts parts;
  parts.model.vocabulary.reserve(ranks.tokens.size(), ranks.tokens.size() * 8);
  int64_t in_use = 0;
  for (size_t id = 0; id < ranks.tokens.size(); ++id) {
    if (ranks.tokens[id].empty()) continue;
    parts.model.vocabulary.add(ranks.tokens[id], static_cast<int32_t>(id));
    ++in_use;
  }
  make_merges(ranks.tokens, parts.model);
  parts.model.ignore_merges = true;
  parts.model.index_bytes();
  parts.info = std::move(ranks.info);
  if (parts.info.vocabulary == 0) {
    parts.info.vocabulary = in_use + static_cast<int64_t>(ranks.added.size());
  }
  parts.added = std::move(ranks.added);
  parts.controls = std::move(ranks.controls);
  std::vector<Stage> stages;
  stages.emplace_back(SplitStage{.delimiter = Regex(ranks.pattern, parts.info.path)});
  parts.pre_tokenizer = PreTokenizer(std::move(stages));
  return std::make_shared<NativeTokenizer>(std::move(parts));
}

}  // namespace llmsweep
