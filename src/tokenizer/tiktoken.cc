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
#include "tokenizer/rank_tokens.h"

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
// Qwen 3.5 and 3.6: marks go with letters.
constexpr std::string_view kQwen35 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N})"
    R"(| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
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
      {"llama3",
       kCl100k,
       {{"<|begin_of_text|>", 128000},
        {"<|end_of_text|>", 128001},
        {"<|finetune_right_pad_id|>", 128004},
        {"<|start_header_id|>", 128006},
        {"<|end_header_id|>", 128007},
        {"<|eom_id|>", 128008},
        {"<|eot_id|>", 128009},
        {"<|python_tag|>", 128010}}},
      {"llama4",
       kO200k,
       {{"<|begin_of_text|>", 200000},
        {"<|end_of_text|>", 200001},
        {"<|fim_prefix|>", 200002},
        {"<|fim_middle|>", 200003},
        {"<|fim_suffix|>", 200004},
        {"<|header_start|>", 200005},
        {"<|header_end|>", 200006},
        {"<|eom|>", 200007},
        {"<|eot|>", 200008},
        {"<|step|>", 200009},
        {"<|python_start|>", 200016},
        {"<|python_end|>", 200017},
        {"<|finetune_right_pad|>", 200018},
        {"<|image_start|>", 200080},
        {"<|image_end|>", 200081},
        {"<|image|>", 200090},
        {"<|patch|>", 200092}}},
      {"qwen",
       kQwen,
       {{"<|endoftext|>", 151643}, {"<|im_start|>", 151644}, {"<|im_end|>", 151645}}},
      {"qwen3_5",
       kQwen35,
       {{"<|endoftext|>", 248044},    {"<|im_start|>", 248045},    {"<|im_end|>", 248046},
        {"<|vision_start|>", 248053}, {"<|vision_end|>", 248054},  {"<|vision_pad|>", 248055},
        {"<|image_pad|>", 248056},    {"<|video_pad|>", 248057},   {"<tool_call>", 248058},
        {"</tool_call>", 248059},     {"<|fim_prefix|>", 248060},  {"<|fim_middle|>", 248061},
        {"<|fim_suffix|>", 248062},   {"<|fim_pad|>", 248063},     {"<|repo_name|>", 248064},
        {"<|file_sep|>", 248065},     {"<tool_response>", 248066}, {"</tool_response>", 248067},
        {"<think>", 248068},          {"</think>", 248069}}},
      {"kimi_k2", kKimi, {}},
  };
}

std::vector<std::string> read_ranks(std::string_view text, const std::string& name) {
  std::vector<std::string> tokens;
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
  }
  return tokens;
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
  RankTokens ranks;
  ranks.tokens = read_ranks(file.ranks, file.name);
  if (ranks.tokens.empty()) {
    throw Error{{.what = "the rank file is empty", .where = file.name, .next = "get it again"}};
  }
  ranks.pattern = std::string(named.pattern);
  ranks.added = std::move(file.added);
  for (const auto& [content, id] : named.special) {
    ranks.added.push_back({.content = std::string(content), .id = id, .special = true});
  }
  ranks.info.sha256 = sha256_hex(file.ranks);
  ranks.info.kind = "tiktoken";
  ranks.info.path = std::move(file.name);
  if (ranks.added.empty()) {
    ranks.info.notes.emplace_back("a rank file holds no control tokens: they count as plain text");
  }
  return make_rank_tokenizer(std::move(ranks));
}

bool looks_like_ranks(std::string_view bytes) {
  const std::string_view line = trim(bytes.substr(0, bytes.find('\n')));
  const size_t space = line.find(' ');
  std::string token;
  return space != std::string_view::npos && parse_int(trim(line.substr(space))) &&
         append_base64(line.substr(0, space), token) && !token.empty();
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
