#include "tokenizer/tekken.h"

#include <fmt/format.h>

#include <utility>

#include "tokenizer/rank_tokens.h"
#include "tokenizer/vocabulary.h"

namespace llmsweep {

namespace {

using simdjson::dom::element;

int64_t whole_at(const TokenizerJson& place, const char* key) {
  const TokenizerJson member = place.at(key);
  int64_t value = 0;
  if (member.value().get(value) != simdjson::SUCCESS || value < 0 || value >= Vocabulary::kMaxId) {
    member.fail("expected a number from 0 to 2^24");
  }
  return value;
}

// Files before version 11 may leave their special tokens out; the texts that prompts must not hold.
std::vector<std::string> controls_of(const TokenizerJson& root) {
  std::vector<std::string> controls;
  const auto place = root.find("special_tokens");
  if (!place) {
    return {"<unk>",
            "<s>",
            "</s>",
            "[INST]",
            "[/INST]",
            "[AVAILABLE_TOOLS]",
            "[/AVAILABLE_TOOLS]",
            "[TOOL_RESULTS]",
            "[/TOOL_RESULTS]",
            "[TOOL_CALLS]",
            "[IMG]",
            "<pad>"};
  }
  size_t index = 0;
  for (element value : place->list()) {
    controls.emplace_back(place->item(value, index++).at("token_str").text());
  }
  return controls;
}

std::vector<std::string> tokens_of(const TokenizerJson& place, int64_t first, int64_t count) {
  std::vector<std::string> tokens(static_cast<size_t>(first + count));
  int64_t read = 0;
  for (element value : place.list()) {
    if (read == count) break;
    const TokenizerJson entry = place.item(value, static_cast<size_t>(read));
    const TokenizerJson bytes = entry.at("token_bytes");
    const int64_t rank = whole_at(entry, "rank");
    if (rank != read) entry.fail("expected the tokens in the order of their ranks");
    std::string& token = tokens[static_cast<size_t>(first + rank)];
    if (!append_base64(bytes.text(), token) || token.empty()) bytes.fail("expected base64");
    ++read;
  }
  if (read < count) place.fail(fmt::format("expected {} tokens, there are {}", count, read));
  return tokens;
}

}  // namespace

bool is_tekken(const TokenizerJson& root) {
  element vocabulary;
  element model;
  return root.value()["vocab"].get(vocabulary) == simdjson::SUCCESS && vocabulary.is_array() &&
         root.value()["model"].get(model) != simdjson::SUCCESS &&
         root.value()["config"].get(model) == simdjson::SUCCESS && model.is_object();
}

std::shared_ptr<const Tokenizer> parse_tekken(const TokenizerJson& root, std::string sha256) {
  const TokenizerJson config = root.at("config");
  const int64_t special = whole_at(config, "default_num_special_tokens");
  const int64_t size = whole_at(config, "default_vocab_size");
  if (size <= special) config.fail("default_vocab_size leaves no tokens");
  RankTokens ranks;
  ranks.tokens = tokens_of(root.at("vocab"), special, size - special);
  ranks.pattern = std::string(config.at("pattern").text());
  ranks.controls = controls_of(root);
  ranks.info.path = root.file();
  ranks.info.sha256 = std::move(sha256);
  ranks.info.kind = "tekken";
  ranks.info.vocabulary = size;
  return make_rank_tokenizer(std::move(ranks));
}

}  // namespace llmsweep
