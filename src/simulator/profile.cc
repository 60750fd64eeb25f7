#include "llmsweep/simulator/profile.h"

#include <fmt/format.h>

#include <cmath>
#include <numeric>

#include "llmsweep/base/config.h"
#include "simulator/profile_names.h"

namespace llmsweep {
namespace sim {

Spellings<Dialect> dialect_names() {
  Spellings<Dialect> names;
  for (Dialect dialect : {Dialect::kVllm, Dialect::kSglang, Dialect::kTrtllm, Dialect::kLlamacpp,
                          Dialect::kTgi, Dialect::kOpenai}) {
    names.emplace_back(name_of(dialect), dialect);
  }
  return names;
}

Spellings<FaultKind> fault_names() {
  Spellings<FaultKind> names;
  for (int kind = 0; kind <= static_cast<int>(FaultKind::kEmptyResult); ++kind) {
    names.emplace_back(name_of(static_cast<FaultKind>(kind)), static_cast<FaultKind>(kind));
  }
  return names;
}

}  // namespace sim

namespace {

constexpr int64_t kMany = int64_t{1} << 40;
constexpr double kMost = 1e15;
constexpr double kMicro = 1e3;  // in ns
constexpr double kMilli = 1e6;

template <class T>
void read_choice(const ConfigNode& node, const sim::Spellings<T>& names, T& value) {
  if (!node.present()) return;
  std::vector<std::string> choices;
  for (const auto& [name, candidate] : names) choices.push_back(name);
  const std::string chosen = node.as_choice(choices);
  for (const auto& [name, candidate] : names) {
    if (name == chosen) value = candidate;
  }
}

void read(const ConfigNode& node, bool& value) {
  if (node.present()) value = node.as_bool();
}
void read(const ConfigNode& node, std::string& value) {
  if (node.present()) value = node.as_string();
}
void read(const ConfigNode& node, Duration& value) {
  if (node.present()) value = node.as_duration(Duration(0));
}
void read(const ConfigNode& node, Cost& value, double unit_ns) {
  if (node.present()) value = Cost(node.as_number({0, kMost}) * unit_ns);
}
void read_count(const ConfigNode& node, int64_t& value, int64_t min) {
  if (node.present()) value = node.as_int(min, kMany);
}
void read_number(const ConfigNode& node, double& value, NumberRange range) {
  if (node.present()) value = node.as_number(range);
}

StepCost read_step(const ConfigNode& node) {
  StepCost step;
  read(node["base_ms"], step.base, kMilli);
  read(node["per_prefill_token_us"], step.per_prefill_token, kMicro);
  read(node["per_sequence_us"], step.per_sequence, kMicro);
  read(node["per_kv_token_ns"], step.per_kv_token, 1);
  node.reject_unknown_keys();
  return step;
}

PrefillPool read_pool(const ConfigNode& node) {
  PrefillPool pool;
  if (node["workers"].present()) {
    pool.workers = static_cast<int>(node["workers"].as_int(1, 100'000));
  }
  read(node["base_ms"], pool.base, kMilli);
  read(node["per_prefill_token_us"], pool.per_prefill_token, kMicro);
  read_number(node["kv_bytes_per_token"], pool.kv_bytes_per_token, {0, kMost});
  read_number(node["link_gbps"], pool.link_gbps, {1e-6, kMost});
  read(node["link_latency_us"], pool.link_latency, kMicro);
  node.reject_unknown_keys();
  return pool;
}

EngineDrift read_drift(const ConfigNode& node) {
  EngineDrift drift;
  read_choice(node["kind"], sim::drift_names(), drift.kind);
  double percent = 0;
  read_number(node["percent"], percent, {0, 90});
  drift.share = percent / 100;
  if (node["period"].present()) {
    drift.period = node["period"].as_duration(std::chrono::milliseconds(1));
  }
  int64_t seed = 1;
  read_count(node["seed"], seed, 0);
  drift.seed = static_cast<uint64_t>(seed);
  node.reject_unknown_keys();
  return drift;
}

EngineFreeze read_freeze(const ConfigNode& node) {
  EngineFreeze freeze;
  freeze.after = node["after"].as_duration(Duration(0));
  freeze.length = node["for"].as_duration(std::chrono::milliseconds(1));
  if (node["every"].present()) {
    freeze.every = node["every"].as_duration(std::chrono::milliseconds(1));
    if (freeze.every <= freeze.length) node["every"].fail("must be above for, or it never ends");
  }
  node.reject_unknown_keys();
  return freeze;
}

std::vector<double> read_tokens_per_step(const ConfigNode& node) {
  std::vector<double> chances;
  for (const ConfigNode& item : node.items()) chances.push_back(item.as_number({0, 1}));
  const double sum = std::accumulate(chances.begin(), chances.end(), 0.0);
  if (chances.empty() || chances.size() > 64 || std::abs(sum - 1) > 1e-6) {
    node.fail(fmt::format("the chances of 1, 2, … tokens sum to {:.6g}", sum),
              "give 1 to 64 numbers that sum to 1");
  }
  return chances;
}

EngineProfile read_engine(const ConfigNode& node) {
  EngineProfile engine;
  if (!node["step"].present()) {
    node["step"].fail("is missing: it says how long a step of the engine takes",
                      "give base_ms, per_prefill_token_us, per_sequence_us, per_kv_token_ns");
  }
  engine.step = read_step(node["step"]);
  const ConfigNode batch = node["max_batch_size"];
  if (batch.present()) engine.max_batch_size = static_cast<int>(batch.as_int(1, 1'000'000));
  read_count(node["max_batched_tokens"], engine.max_batched_tokens, 1);
  if (engine.max_batched_tokens < engine.max_batch_size) {
    node["max_batched_tokens"].fail(
        fmt::format("{} is below max_batch_size {}: sequences would starve",
                    engine.max_batched_tokens, engine.max_batch_size));
  }
  read_count(node["max_model_len"], engine.max_model_len, 2);
  read(node["chunked_prefill"], engine.chunked_prefill);
  read_count(node["kv_capacity_tokens"], engine.kv_capacity_tokens, 0);
  read_count(node["kv_block_tokens"], engine.kv_block_tokens, 1);
  read(node["prefix_cache"], engine.prefix_cache);
  const ConfigNode chances = node["tokens_per_step"];
  if (chances.present()) engine.tokens_per_step = read_tokens_per_step(chances);
  read(node["request_overhead_us"], engine.request_overhead, kMicro);
  read_number(node["step_noise"], engine.step_noise, {0, 1});
  read_number(node["run_noise"], engine.run_noise, {0, 1});
  if (node["drift"].present()) engine.drift = read_drift(node["drift"]);
  if (node["freeze"].present()) engine.freeze = read_freeze(node["freeze"]);
  if (node["prefill_pool"].present()) {
    engine.prefill_pool = read_pool(node["prefill_pool"]);
    if (engine.prefix_cache) {
      node["prefix_cache"].fail("a prefix cache beside a prefill_pool is not modelled",
                                "drop one of the two");
    }
  }
  node.reject_unknown_keys();
  return engine;
}

TokenProfile read_tokens(const ConfigNode& node) {
  TokenProfile tokens;
  read_choice(node["rule"], sim::token_rule_names(), tokens.rule);
  read_count(node["request_overhead"], tokens.request_overhead, 0);
  read_count(node["message_overhead"], tokens.message_overhead, 0);
  read_count(node["image_tokens"], tokens.image_tokens, 0);
  read_number(node["natural_mean"], tokens.natural_mean, {1, kMost});
  read_number(node["natural_stddev"], tokens.natural_stddev, {0, kMost});
  node.reject_unknown_keys();
  return tokens;
}

WireProfile read_wire(const ConfigNode& node, Dialect dialect) {
  WireProfile wire = wire_defaults(dialect);
  if (!node.present()) return wire;
  read_choice(node["headers"], sim::headers_names(), wire.headers);
  read_choice(node["role_chunk"], sim::role_chunk_names(), wire.role_chunk);
  read_choice(node["finish"], sim::finish_names(), wire.finish);
  read_choice(node["finish_form"], sim::finish_form_names(), wire.finish_form);
  read_choice(node["choice_form"], sim::choice_form_names(), wire.choice_form);
  read_choice(node["usage"], sim::usage_names(), wire.usage);
  read(node["usage_always"], wire.usage_always);
  read_count(node["reasoning_tokens"], wire.reasoning_tokens, 0);
  read_count(node["silent_tokens"], wire.silent_tokens, 0);
  read(node["reasoning_field"], wire.reasoning_field);
  read_choice(node["thoughts"], sim::thoughts_names(), wire.thoughts);
  read_choice(node["usage_form"], sim::usage_form_names(), wire.usage_form);
  read(node["usage_alone"], wire.usage_alone);
  read(node["finish_early"], wire.finish_early);
  read(node["one_line_end"], wire.one_line_end);
  read(node["not_json"], wire.not_json);
  read(node["buffered"], wire.buffered);
  read(node["tail"], wire.tail);
  read(node["answer_model"], wire.answer_model);
  read(node["comment_interval"], wire.comment_interval);
  read(node["comment"], wire.comment);
  read(node["crlf"], wire.crlf);
  read(node["data_space"], wire.data_space);
  read(node["space_after_first"], wire.space_after_first);
  read(node["extra_nulls"], wire.extra_nulls);
  read(node["event_name"], wire.event_name);
  read(node["done"], wire.done);
  read(node["done_blank_line"], wire.done_blank_line);
  read(node["data_null"], wire.data_null);
  read(node["close_after"], wire.close_after);
  read_count(node["tokens_per_chunk"], wire.tokens_per_chunk, 1);
  read_count(node["vector_size"], wire.vector_size, 1);
  read(node["tokenize"], wire.tokenize);
  read(node["metrics_block"], wire.metrics_block);
  read_choice(node["text"], sim::text_names(), wire.text);
  read_choice(node["error_style"], sim::error_style_names(), wire.error_style);
  if (node["rejected_fields"].present()) {
    wire.rejected_fields.clear();
    for (const ConfigNode& item : node["rejected_fields"].items()) {
      wire.rejected_fields.push_back(item.as_string());
    }
  }
  node.reject_unknown_keys();
  for (const char* key : {"comment", "event_name", "reasoning_field"}) {
    if (node[key].present() &&
        node[key].as_string().find_first_of("\r\n\"\\") != std::string::npos) {
      node[key].fail("must not hold line ends, quotes or backslashes");
    }
  }
  return wire;
}

Fault read_fault(const ConfigNode& node) {
  Fault fault;
  if (!node["kind"].present()) node["kind"].fail("is missing");
  read_choice(node["kind"], sim::fault_names(), fault.kind);
  read_number(node["probability"], fault.probability, {0, 1});
  if (node["requests"].present()) {
    for (const ConfigNode& item : node["requests"].items()) {
      fault.requests.push_back(item.as_int(1, kMany));
    }
  }
  if (fault.probability == 0 && fault.requests.empty()) {
    node.fail("the fault never happens", "give `probability` or a list of `requests`");
  }
  read_count(node["after_chunks"], fault.after_chunks, 0);
  read(node["duration"], fault.duration);
  const bool lasts = fault.kind == FaultKind::kStall || fault.kind == FaultKind::kSlowHeaders ||
                     fault.kind == FaultKind::kRefuse || fault.kind == FaultKind::kSilentEnd;
  if (lasts && fault.duration == Duration(0)) {
    node["duration"].fail(fmt::format("a fault of kind '{}' needs one", name_of(fault.kind)),
                          "give for instance `duration: 2s`");
  }
  if (node["status"].present()) fault.status = static_cast<int>(node["status"].as_int(400, 599));
  if (node["retry_after_s"].present()) {
    fault.retry_after_s = static_cast<int>(node["retry_after_s"].as_int(0, 86'400));
  }
  node.reject_unknown_keys();
  return fault;
}

}  // namespace

SimulatorProfile parse_profile(const ConfigNode& root) {
  SimulatorProfile profile;
  read(root["name"], profile.name);
  read(root["model"], profile.model);
  if (root["adapters"].present()) {
    for (const ConfigNode& item : root["adapters"].items()) {
      profile.adapters.push_back(item.as_string());
    }
  }
  if (root["seed"].present()) {
    profile.seed = static_cast<uint64_t>(root["seed"].as_int(0, INT64_MAX));
  }
  read_choice(root["dialect"], sim::dialect_names(), profile.dialect);
  if (!root["engine"].present()) root["engine"].fail("is missing");
  profile.engine = read_engine(root["engine"]);
  if (root["tokens"].present()) profile.tokens = read_tokens(root["tokens"]);
  profile.wire = read_wire(root["wire"], profile.dialect);
  if (root["faults"].present()) {
    for (const ConfigNode& item : root["faults"].items()) {
      profile.faults.push_back(read_fault(item));
    }
  }
  root.reject_unknown_keys();
  return profile;
}

SimulatorProfile read_profile(const std::filesystem::path& path) {
  return parse_profile(ConfigNode::parse_file(path));
}

}  // namespace llmsweep
