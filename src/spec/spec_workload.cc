#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <limits>

#include "llmsweep/protocol/api.h"
#include "spec/spec_read.h"
#include "spec/spec_values.h"

namespace llmsweep {
namespace {

constexpr int64_t kMaxTokens = 100'000'000;

constexpr const char* kForms =
    "write a number, {min: 1, max: 9}, {mean: 5, stddev: 1}, or [{tokens: 5, weight: 1}, …]";

TokenCount read_weighted(const ConfigNode& node) {
  TokenCount count{.kind = TokenCount::Kind::kWeighted};
  for (const ConfigNode& item : node.items()) {
    const int64_t tokens = item["tokens"].as_int(1, kMaxTokens);
    const double weight = read_number(item["weight"], 1, {0, 1e12});
    if (weight <= 0) item["weight"].fail("must be above 0");
    item.reject_unknown_keys();
    count.weighted.emplace_back(tokens, weight);
  }
  if (count.weighted.empty()) node.fail("must hold at least one length", kForms);
  return count;
}

TokenCount read_range_or_normal(const ConfigNode& node) {
  TokenCount count;
  const ConfigNode min = node["min"];
  const ConfigNode max = node["max"];
  const ConfigNode mean = node["mean"];
  const ConfigNode stddev = node["stddev"];
  node.reject_unknown_keys();
  if ((min.present() || max.present()) == (mean.present() || stddev.present())) {
    node.fail("needs min and max, or mean and stddev", kForms);
  }
  if (min.present() || max.present()) {
    count.kind = TokenCount::Kind::kUniform;
    count.min = min.as_int(1, kMaxTokens);
    count.max = max.as_int(1, kMaxTokens);
    if (count.min > count.max) max.fail("must not be below min");
    return count;
  }
  count.kind = TokenCount::Kind::kNormal;
  count.mean = mean.as_number({1, 1e8});
  count.stddev = stddev.as_number({0, 1e8});
  return count;
}

TokenCount read_tokens(const ConfigNode& node) {
  switch (node.kind()) {
    case ConfigNode::Kind::kList:
      return read_weighted(node);
    case ConfigNode::Kind::kMap:
      return read_range_or_normal(node);
    case ConfigNode::Kind::kScalar:
    case ConfigNode::Kind::kMissing:
    case ConfigNode::Kind::kNull:
      break;
  }
  return {.fixed = node.as_int(1, kMaxTokens)};
}

// Where scripts/fetch-tokenizer puts tokenizers; empty: there is no such place.
std::filesystem::path tokenizer_folder() {
  if (const char* folder = std::getenv("LLMSWEEP_TOKENIZER_DIR")) return folder;
  const char* home = std::getenv("HOME");
  if (home == nullptr) return {};
  return std::filesystem::path(home) / ".cache" / "llmsweep" / "tokenizers";
}

// A rank file's pattern may be named after a '#': "ranks.tiktoken#o200k_base".
std::string read_tokenizer(const ConfigNode& node, SpecPaths paths) {
  std::string text = node.as_string();
  if (text == "server") return text;
  if (const auto folder = tokenizer_folder(); !folder.empty()) paths.add(folder);
  const size_t hash = text.rfind('#');
  const std::string path = paths.find(node, text.substr(0, hash));
  return hash == std::string::npos ? path : path + text.substr(hash);
}

int64_t largest(const TokenCount& count) {
  switch (count.kind) {
    case TokenCount::Kind::kFixed:
      return count.fixed;
    case TokenCount::Kind::kUniform:
      return count.max;
    case TokenCount::Kind::kNormal:
      return static_cast<int64_t>(count.mean);
    case TokenCount::Kind::kWeighted:
      break;
  }
  int64_t most = 0;
  for (const auto& [tokens, weight] : count.weighted) most = std::max(most, tokens);
  return most;
}

}  // namespace

WorkloadSpec read_workload(const ConfigNode& node, const EndpointSpec& endpoint,
                           const SpecPaths& paths) {
  const WorkloadSpec defaults;
  WorkloadSpec workload;
  if (const ConfigNode key = node["dataset"]; key.present()) {
    const std::string text = key.as_string();
    workload.dataset = text == "sample" || text == "random" ? text : paths.find(key);
  }
  if (const ConfigNode key = node["input_tokens"]; key.present()) {
    workload.input_tokens = read_tokens(key);
  }
  workload.input_scope = read_enum(node["input_scope"], defaults.input_scope);
  if (const ConfigNode key = node["output_tokens"]; key.present()) {
    workload.output_tokens = read_tokens(key);
  }
  workload.seed = read_int(node["seed"], defaults.seed, 0, std::numeric_limits<int64_t>::max());
  const ConfigNode tokenizer = node["tokenizer"];
  if (tokenizer.present()) {
    workload.tokenizer = read_tokenizer(tokenizer, paths);
  }
  const ConfigNode prefix = node["prefix_tokens"];
  workload.prefix_tokens = read_int(prefix, defaults.prefix_tokens, 0, kMaxTokens);
  if (workload.prefix_tokens > 0 && workload.input_tokens &&
      workload.prefix_tokens >= largest(*workload.input_tokens)) {
    prefix.fail("must be below input_tokens: the rest of a prompt is its own");
  }
  workload.prefix_groups = read_int(node["prefix_groups"], defaults.prefix_groups, 1, kMaxTokens);
  const ConfigNode prompt_as = node["prompt_as"];
  workload.prompt_as = read_enum(prompt_as, defaults.prompt_as);
  if (workload.prompt_as == PromptAs::kIds) {
    if (!traits_of(endpoint.api).takes_token_ids) {
      prompt_as.fail("token ids can only be sent to completions", "set endpoint.api: completions");
    }
    if (workload.tokenizer.empty()) {
      prompt_as.fail("token ids need a tokenizer", "set workload.tokenizer");
    }
  }
  workload.reuse = read_enum(node["reuse"], defaults.reuse);
  node.reject_unknown_keys();
  return workload;
}

}  // namespace llmsweep
