#include "tokenizer/tiktoken.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <utility>

#include "llmsweep/base/error.h"
#include "llmsweep/base/sha256.h"
#include "llmsweep/base/text.h"
#include "tokenizer/json_parts.h"
#include "tokenizer/native_tokenizer.h"

namespace llmsweep {

namespace {

struct NamedPattern {
  std::string_view name;
  std::string_view pattern;
  std::vector<std::pair<std::string_view, int32_t>> special;
};

constexpr std::string_view kCl100k =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*)"
    R"(|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kQwen =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*)"
    R"(|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kO200k =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+)"
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)?)"
    R"(|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*)"
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)?)"
    R"(|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kKimi =
    R"([\p{Han}]+)"
    R"(|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*)"
    R"([\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?)"
    R"(|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+)"
    R"([\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?)"
    R"(|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

std::vector<NamedPattern> named_patterns() {
  return {
      {"r50k_base", kByteLevelPattern, {{"<|endoftext|>", 50256}}},
      {"p50k_base", kByteLevelPattern, {{"<|endoftext|>", 50256}}},
      {"cl100k_base",
       kCl100k,
       {{"<|endoftext|>", 100257},
        {"<|fim_prefix|>", 100258},
        {"<|fim_middle|>", 100259},
        {"<|fim_suffix|>", 100260},
        {"<|endofprompt|>", 100276}}},
      {"o200k_base", kO200k, {{"<|endoftext|>", 199999}, {"<|endofprompt|>", 200018}}},
      {"o200k_harmony",
       kO200k,
       {{"<|startoftext|>", 199998},
        {"<|endoftext|>", 199999},
        {"<|return|>", 200002},
        {"<|constrain|>", 200003},
        {"<|channel|>", 200005},
        {"<|start|>", 200006},
        {"<|end|>", 200007},
        {"<|message|>", 200008},
        {"<|call|>", 200012},
        {"<|endofprompt|>", 200018}}},
      {"llama3", kCl100k, {}},
      {"qwen",
       kQwen,
       {{"<|endoftext|>", 151643}, {"<|im_start|>", 151644}, {"<|im_end|>", 151645}}},
      {"kimi_k2", kKimi, {}},
  };
}

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

void read_ranks(std::string_view text, const std::string& name, Vocabulary& vocabulary,
                std::vector<std::string>& tokens) {
  std::string bytes;
  for (int64_t line = 1; !text.empty(); ++line) {
    size_t end = std::min(text.find('\n'), text.size());
    std::string_view entry = trim(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (entry.empty()) continue;
    size_t space = std::min(entry.find(' '), entry.size());
    auto rank = parse_int(trim(entry.substr(space)));
    bytes.clear();
    if (!append_base64(entry.substr(0, space), bytes) || bytes.empty() || !rank || *rank < 0 ||
        *rank >= Vocabulary::kMaxId) {
      throw Error{{.what = "expected a token in base64 and its rank",
                   .where = fmt::format("{}:{}", name, line),
                   .next = "this is not a .tiktoken file; get it again"}};
    }
    auto id = static_cast<size_t>(*rank);
    if (id >= tokens.size()) tokens.resize(id + 1);
    tokens[id] = bytes;
    vocabulary.add(bytes, static_cast<int32_t>(id));
  }
}

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

NamedPattern pattern_of(const RankFile& file) {
  auto patterns = named_patterns();
  auto named = std::find_if(patterns.begin(), patterns.end(),
                            [&](const NamedPattern& p) { return p.name == file.pattern; });
  if (named != patterns.end()) return *named;
  if (file.pattern.empty()) {
    throw Error{{.what = "a rank file does not say how text is split: name its pattern",
                 .where = file.name,
                 .next = "write FILE#PATTERN with one of: " + join(tiktoken_patterns(), ", ")}};
  }
  throw Error{{.what = "unknown pattern '" + printable(file.pattern) + "'",
               .where = file.name,
               .next = suggestion(file.pattern, tiktoken_patterns())}};
}

}  // namespace

std::vector<std::string> tiktoken_patterns() {
  std::vector<std::string> names;
  for (const auto& named : named_patterns()) names.emplace_back(named.name);
  return names;
}

std::shared_ptr<const Tokenizer> parse_tiktoken(std::string_view ranks, const std::string& pattern,
                                                std::string name) {
  return parse_rank_file(
      {.ranks = ranks, .pattern = pattern, .added = {}, .name = std::move(name)});
}

std::shared_ptr<const Tokenizer> parse_rank_file(RankFile file) {
  const NamedPattern named = pattern_of(file);
  NativeParts parts;
  std::vector<std::string> tokens;
  parts.model.vocabulary.reserve(size_t{1} << 17, size_t{1} << 20);
  read_ranks(file.ranks, file.name, parts.model.vocabulary, tokens);
  if (tokens.empty()) {
    throw Error{{.what = "the rank file is empty", .where = file.name, .next = "get it again"}};
  }
  make_merges(tokens, parts.model);
  parts.model.ignore_merges = true;
  parts.model.index_bytes();
  auto in_use = std::count_if(tokens.begin(), tokens.end(),
                              [](const std::string& token) { return !token.empty(); });
  parts.added = std::move(file.added);
  for (const auto& [content, id] : named.special) {
    parts.added.push_back({.content = std::string(content), .id = id, .special = true});
  }
  std::vector<Stage> stages;
  stages.emplace_back(SplitStage{.delimiter = Regex(std::string(named.pattern), file.name)});
  parts.pre_tokenizer = PreTokenizer(std::move(stages));
  parts.info.sha256 = sha256_hex(file.ranks);
  parts.info.vocabulary = in_use + static_cast<int64_t>(parts.added.size());
  parts.info.kind = "tiktoken";
  parts.info.path = std::move(file.name);
  if (parts.added.empty()) {
    parts.info.notes.emplace_back("a rank file holds no control tokens: they count as plain text");
  }
  return std::make_shared<NativeTokenizer>(std::move(parts));
}

std::vector<AddedToken> read_added_tokens_decoder(std::string_view config,
                                                  const std::string& name) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  std::vector<AddedToken> tokens;
  if (parser.parse(config.data(), config.size()).get(root) != simdjson::SUCCESS) {
    throw Error{{.what = "not valid JSON",
                 .where = name,
                 .next = "it states the control tokens of the rank file beside it; get it again"}};
  }
  simdjson::dom::object decoder;
  if (root["added_tokens_decoder"].get(decoder) != simdjson::SUCCESS) return tokens;
  for (auto field : decoder) {
    auto id = parse_int(field.key);
    std::string_view content;
    if (!id || *id < 0 || *id >= Vocabulary::kMaxId ||
        field.value["content"].get(content) != simdjson::SUCCESS || content.empty()) {
      continue;
    }
    tokens.push_back(
        {.content = std::string(content), .id = static_cast<int32_t>(*id), .special = true});
  }
  return tokens;
}

}  // namespace llmsweep
