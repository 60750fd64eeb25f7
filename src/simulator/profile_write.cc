#include "llmsweep/simulator/profile.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "llmsweep/base/text.h"
#include "simulator/profile_names.h"

namespace llmsweep {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

// Text as YAML: a JSON string is one.
std::string quoted(const std::string& text) {
  return escape_marks(nlohmann::json(text).dump());
}

std::string list_of(const std::vector<std::string>& items) {
  return "[" + join(items, ", ") + "]";
}

void append(const char* key, const Fields& fields, std::string& yaml) {
  if (fields.empty()) return;
  yaml += fmt::format("{}:\n", key);
  for (const auto& [name, value] : fields) yaml += fmt::format("  {}: {}\n", name, value);
}

Fields engine_fields(const EngineProfile& engine) {
  const StepCost& step = engine.step;
  Fields fields = {
      {"step", fmt::format("{{base_ms: {}, per_prefill_token_us: {}, per_sequence_us: {}, "
                           "per_kv_token_ns: {:.12g}}}",
                           step.base.count() / 1e6, step.per_prefill_token.count() / 1e3,
                           step.per_sequence.count() / 1e3, step.per_kv_token.count())},
      {"max_batch_size", fmt::format("{}", engine.max_batch_size)},
      {"max_batched_tokens", fmt::format("{}", engine.max_batched_tokens)},
      {"max_model_len", fmt::format("{}", engine.max_model_len)},
      {"chunked_prefill", fmt::format("{}", engine.chunked_prefill)},
      {"kv_capacity_tokens", fmt::format("{}", engine.kv_capacity_tokens)},
      {"kv_block_tokens", fmt::format("{}", engine.kv_block_tokens)},
      {"prefix_cache", fmt::format("{}", engine.prefix_cache)},
      {"tokens_per_step", fmt::format("[{}]", fmt::join(engine.tokens_per_step, ", "))},
      {"request_overhead_us", fmt::format("{}", engine.request_overhead.count() / 1e3)},
      {"step_noise", fmt::format("{}", engine.step_noise)}};
  if (engine.run_noise > 0) fields.emplace_back("run_noise", fmt::format("{}", engine.run_noise));
  if (engine.drift.kind != DriftKind::kNone) {
    fields.emplace_back("drift", fmt::format("{{kind: {}, percent: {}, period: {}ns, seed: {}}}",
                                             sim::spelled(sim::drift_names(), engine.drift.kind),
                                             engine.drift.share * 100, engine.drift.period.count(),
                                             engine.drift.seed));
  }
  if (const EngineFreeze& freeze = engine.freeze; freeze.length > Duration(0)) {
    const std::string again =
        freeze.every > Duration(0) ? fmt::format(", every: {}ns", freeze.every.count()) : "";
    fields.emplace_back("freeze", fmt::format("{{after: {}ns, for: {}ns{}}}", freeze.after.count(),
                                              freeze.length.count(), again));
  }
  if (engine.prefill_pool) {
    const PrefillPool& pool = *engine.prefill_pool;
    fields.emplace_back(
        "prefill_pool",
        fmt::format("{{workers: {}, base_ms: {}, per_prefill_token_us: {}, "
                    "kv_bytes_per_token: {}, link_gbps: {}, link_latency_us: {}}}",
                    pool.workers, pool.base.count() / 1e6, pool.per_prefill_token.count() / 1e3,
                    pool.kv_bytes_per_token, pool.link_gbps, pool.link_latency.count() / 1e3));
  }
  return fields;
}

Fields token_fields(const TokenProfile& tokens) {
  return {{"rule", sim::spelled(sim::token_rule_names(), tokens.rule)},
          {"request_overhead", fmt::format("{}", tokens.request_overhead)},
          {"message_overhead", fmt::format("{}", tokens.message_overhead)},
          {"image_tokens", fmt::format("{}", tokens.image_tokens)},
          {"natural_mean", fmt::format("{}", tokens.natural_mean)},
          {"natural_stddev", fmt::format("{}", tokens.natural_stddev)}};
}

Fields wire_fields(const WireProfile& wire) {
  std::vector<std::string> rejected;
  for (const std::string& field : wire.rejected_fields) rejected.push_back(quoted(field));
  return {{"headers", sim::spelled(sim::headers_names(), wire.headers)},
          {"role_chunk", quoted(sim::spelled(sim::role_chunk_names(), wire.role_chunk))},
          {"finish", sim::spelled(sim::finish_names(), wire.finish)},
          {"finish_form", sim::spelled(sim::finish_form_names(), wire.finish_form)},
          {"choice_form", sim::spelled(sim::choice_form_names(), wire.choice_form)},
          {"usage", sim::spelled(sim::usage_names(), wire.usage)},
          {"usage_always", fmt::format("{}", wire.usage_always)},
          {"reasoning_tokens", fmt::format("{}", wire.reasoning_tokens)},
          {"silent_tokens", fmt::format("{}", wire.silent_tokens)},
          {"reasoning_field", quoted(wire.reasoning_field)},
          {"thoughts", sim::spelled(sim::thoughts_names(), wire.thoughts)},
          {"usage_form", sim::spelled(sim::usage_form_names(), wire.usage_form)},
          {"usage_alone", fmt::format("{}", wire.usage_alone)},
          {"finish_early", fmt::format("{}", wire.finish_early)},
          {"one_line_end", fmt::format("{}", wire.one_line_end)},
          {"not_json", fmt::format("{}", wire.not_json)},
          {"buffered", fmt::format("{}", wire.buffered)},
          {"tail", fmt::format("{}ns", wire.tail.count())},
          {"answer_model", quoted(wire.answer_model)},
          {"comment_interval", fmt::format("{}ns", wire.comment_interval.count())},
          {"comment", quoted(wire.comment)},
          {"crlf", fmt::format("{}", wire.crlf)},
          {"data_space", fmt::format("{}", wire.data_space)},
          {"space_after_first", fmt::format("{}", wire.space_after_first)},
          {"extra_nulls", fmt::format("{}", wire.extra_nulls)},
          {"event_name", quoted(wire.event_name)},
          {"done", fmt::format("{}", wire.done)},
          {"done_blank_line", fmt::format("{}", wire.done_blank_line)},
          {"data_null", fmt::format("{}", wire.data_null)},
          {"close_after", fmt::format("{}", wire.close_after)},
          {"tokens_per_chunk", fmt::format("{}", wire.tokens_per_chunk)},
          {"vector_size", fmt::format("{}", wire.vector_size)},
          {"tokenize", fmt::format("{}", wire.tokenize)},
          {"metrics_block", fmt::format("{}ns", wire.metrics_block.count())},
          {"text", sim::spelled(sim::text_names(), wire.text)},
          {"error_style", sim::spelled(sim::error_style_names(), wire.error_style)},
          {"rejected_fields", list_of(rejected)}};
}

std::string fault_line(const Fault& fault) {
  std::string line = fmt::format("  - {{kind: {}", name_of(fault.kind));
  if (fault.probability > 0) line += fmt::format(", probability: {}", fault.probability);
  if (!fault.requests.empty()) {
    line += fmt::format(", requests: [{}]", fmt::join(fault.requests, ", "));
  }
  line += fmt::format(", after_chunks: {}, duration: {}ns, status: {}", fault.after_chunks,
                      fault.duration.count(), fault.status);
  if (fault.retry_after_s) line += fmt::format(", retry_after_s: {}", *fault.retry_after_s);
  return line + "}\n";
}

// Only what the profile changes: a reader sees the difference, and defaults may move.
Fields differences(const Fields& fields, const Fields& defaults) {
  Fields changed;
  for (size_t i = 0; i < fields.size(); ++i) {
    if (i >= defaults.size() || fields[i].second != defaults[i].second)
      changed.push_back(fields[i]);
  }
  return changed;
}

}  // namespace

std::string profile_yaml(const SimulatorProfile& profile, const std::vector<std::string>& comment) {
  std::string yaml;
  for (const std::string& line : comment) yaml += line.empty() ? "#\n" : "# " + line + "\n";
  yaml += fmt::format("name: {}\nmodel: {}\nseed: {}\ndialect: {}\n", quoted(profile.name),
                      quoted(profile.model), profile.seed, name_of(profile.dialect));
  if (!profile.adapters.empty()) {
    std::vector<std::string> names;
    for (const std::string& name : profile.adapters) names.push_back(quoted(name));
    yaml += "adapters: " + list_of(names) + "\n";
  }
  append("engine", engine_fields(profile.engine), yaml);
  append("tokens", differences(token_fields(profile.tokens), token_fields({})), yaml);
  append("wire",
         differences(wire_fields(profile.wire), wire_fields(wire_defaults(profile.dialect))), yaml);
  if (!profile.faults.empty()) yaml += "faults:\n";
  for (const Fault& fault : profile.faults) yaml += fault_line(fault);
  return yaml;
}

}  // namespace llmsweep
