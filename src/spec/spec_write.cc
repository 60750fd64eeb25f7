#include <filesystem>
#include <nlohmann/json.hpp>

#include "llmsweep/base/secrets.h"
#include "llmsweep/base/sha256.h"
#include "llmsweep/base/text.h"
#include "llmsweep/model/names.h"
#include "llmsweep/spec/spec.h"

namespace llmsweep {
namespace {

using Json = nlohmann::ordered_json;

template <class T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json();
}

Json text_or_null(const std::string& text) {
  return text.empty() ? Json() : Json(text);
}

// A key without a value is left out: absent is its default.
Json without_nulls(Json object) {
  for (auto member = object.begin(); member != object.end();) {
    member = member->is_null() ? object.erase(member) : std::next(member);
  }
  return object;
}

Json system_json(const SystemSpec& system) {
  return without_nulls({{"accelerator", system.accelerator},
                        {"gpus", system.gpus},
                        {"nodes", system.nodes},
                        {"precision", system.precision},
                        {"engine", system.engine},
                        {"engine_version", system.engine_version},
                        {"tensor_parallel", or_null(system.tensor_parallel)},
                        {"mtp", or_null(system.mtp)},
                        {"max_batch_size", or_null(system.max_batch_size)},
                        {"checkpoint", system.checkpoint},
                        {"weights_gb", or_null(system.weights_gb)}});
}

Json endpoint_json(const EndpointSpec& endpoint) {
  Json headers = Json::object();
  for (const auto& [name, value] : endpoint.headers) {
    headers[name] = names_a_secret(name) ? std::string(kRedacted) : value;
  }
  Json fields = Json::array();
  for (const RequestField field : endpoint.request_fields) fields.push_back(name_of(field));
  return without_nulls(
      {{"url", endpoint.urls.empty() ? text_or_null(endpoint.url) : Json()},
       {"urls", endpoint.urls.empty() ? Json() : Json(endpoint.urls)},
       {"simulator", text_or_null(endpoint.simulator)},
       {"api", name_of(endpoint.api)},
       {"model", endpoint.model},
       {"api_key_env", text_or_null(endpoint.api_key_env)},
       {"api_key_file", text_or_null(endpoint.api_key_file)},
       {"request_timeout", format_duration(endpoint.request_timeout)},
       {"connect_timeout", format_duration(endpoint.connect_timeout)},
       {"headers", headers},
       {"extra_body", Json::parse(redact_json(endpoint.extra_body), nullptr, false)},
       {"max_tokens_field", endpoint.max_tokens_field},
       {"request_fields", fields},
       {"use_proxy", endpoint.use_proxy},
       {"ca_file", text_or_null(endpoint.ca_file)}});
}

Json tokens_json(const TokenCount& count) {
  switch (count.kind) {
    case TokenCount::Kind::kFixed:
      return count.fixed;
    case TokenCount::Kind::kUniform:
      return {{"min", count.min}, {"max", count.max}};
    case TokenCount::Kind::kNormal:
      return {{"mean", count.mean}, {"stddev", count.stddev}};
    case TokenCount::Kind::kWeighted:
      break;
  }
  Json list = Json::array();
  for (const auto& [tokens, weight] : count.weighted) {
    list.push_back({{"tokens", tokens}, {"weight", weight}});
  }
  return list;
}

Json workload_json(const WorkloadSpec& workload) {
  return without_nulls(
      {{"dataset", workload.dataset},
       {"input_tokens", workload.input_tokens ? tokens_json(*workload.input_tokens) : Json()},
       {"input_scope", name_of(workload.input_scope)},
       {"output_tokens", tokens_json(workload.output_tokens)},
       {"seed", workload.seed},
       {"tokenizer", text_or_null(workload.tokenizer)},
       {"prefix_tokens", workload.prefix_tokens},
       {"prefix_groups", workload.prefix_groups},
       {"prompt_as", name_of(workload.prompt_as)},
       {"reuse", name_of(workload.reuse)}});
}

Json load_json(const LoadSpec& load) {
  return {{"concurrency", load.concurrency},
          {"requests_per_slot", load.requests_per_slot},
          {"min_requests", load.min_requests},
          {"warmup_per_slot", load.warmup_per_slot},
          {"repeats", load.repeats},
          {"repeats_max", load.repeats_max},
          {"fillers", load.fillers},
          {"grace", format_duration(load.grace)},
          {"max_error_rate", load.max_error_rate},
          {"stop_over_error_rate", load.stop_over_error_rate},
          {"max_consecutive_errors", load.max_consecutive_errors},
          {"retry_after", name_of(load.retry_after)},
          {"retry_after_max", format_duration(load.retry_after_max)},
          {"refine", load.refine}};
}

Json client_json(const ClientSpec& client) {
  return {{"threads", client.threads == 0 ? Json("auto") : Json(client.threads)},
          {"transport", name_of(client.transport)},
          {"record_chunks", client.record_chunks},
          {"receive_stamps", client.receive_stamps},
          {"max_response_bytes", client.max_response_bytes}};
}

Json targets_json(const std::vector<Target>& targets, bool has_statistic) {
  Json list = Json::array();
  for (const Target& target : targets) {
    Json entry = {{"metric", name_of(target.metric)}};
    if (has_statistic) entry["statistic"] = name_of(target.statistic);
    entry["max"] = format_duration(target.max);
    list.push_back(std::move(entry));
  }
  return list;
}

Json spec_json(const SweepSpec& spec) {
  return {{"name", spec.name},
          {"system", system_json(spec.system)},
          {"endpoint", endpoint_json(spec.endpoint)},
          {"workload", workload_json(spec.workload)},
          {"load", load_json(spec.load)},
          {"client", client_json(spec.client)},
          {"targets", targets_json(spec.targets, true)},
          {"goodput", targets_json(spec.goodput, false)}};
}

void make_absolute(Json& section, const char* key) {
  if (!section.contains(key)) return;
  const std::string path = section[key];
  if (path == "sample" || path == "random" || path == "server") return;
  section[key] = std::filesystem::absolute(path).lexically_normal().string();
}

// Leaves out what does not change a measurement.
void keep_what_is_measured(Json& spec) {
  for (const char* key : {"name", "targets", "goodput"}) spec.erase(key);
  for (const char* key : {"api_key_env", "api_key_file", "connect_timeout", "ca_file"}) {
    spec["endpoint"].erase(key);
  }
  for (const char* key : {"grace", "max_error_rate", "stop_over_error_rate",
                          "max_consecutive_errors", "repeats_max"}) {
    spec["load"].erase(key);
  }
  if (spec["load"]["retry_after"] == name_of(RetryAfter::kFail)) {
    spec["load"].erase("retry_after_max");
  }
}

// Keys of `spec` that `recorded`, of an earlier version, does not have ask for nothing new where
// they have their default.
void leave_out_later_keys(Json& spec, const Json& recorded) {
  if (!recorded.is_object()) return;
  const Json defaults = spec_json(SweepSpec{});
  for (auto& [section, keys] : spec.items()) {
    const auto known = recorded.find(section);
    if (!keys.is_object() || known == recorded.end() || !known->is_object()) continue;
    for (const auto& [key, value] : defaults[section].items()) {
      if (!known->contains(key) && keys.contains(key) && keys[key] == value) keys.erase(key);
    }
  }
}

// "/load/concurrency/0" as "load.concurrency[0]".
std::string key_of(const std::string& pointer) {
  std::string key;
  for (const std::string& part : split(pointer.substr(1), '/')) {
    if (parse_int(part)) {
      key += "[" + part + "]";
    } else {
      key += key.empty() ? part : "." + part;
    }
  }
  return printable(key);
}

}  // namespace

std::string spec_to_json(const SweepSpec& spec) {
  return spec_json(spec).dump(2);
}

std::string spec_hash(const SweepSpec& spec, std::string_view recorded) {
  Json json = spec_json(spec);
  leave_out_later_keys(json, Json::parse(recorded, nullptr, false));
  keep_what_is_measured(json);
  // The same file from another folder.
  make_absolute(json["endpoint"], "simulator");
  make_absolute(json["workload"], "dataset");
  make_absolute(json["workload"], "tokenizer");
  return sha256_hex(json.dump());
}

std::vector<std::string> spec_differences(std::string_view recorded, std::string_view asked) {
  Json sides[2] = {Json::parse(recorded, nullptr, false), Json::parse(asked, nullptr, false)};
  for (Json& side : sides) {
    if (!side.is_object()) return {"the recorded spec cannot be read"};
  }
  leave_out_later_keys(sides[1], sides[0]);
  for (Json& side : sides) {
    keep_what_is_measured(side);
    side = side.flatten();
  }
  std::vector<std::string> differences;
  const auto compare = [&](const std::string& pointer, const Json& first, const Json& second) {
    if (first == second) return;
    differences.push_back(key_of(pointer) + ": " + printable(first.dump(), 80) + " → " +
                          printable(second.dump(), 80));
  };
  for (const auto& [pointer, value] : sides[0].items()) {
    compare(pointer, value, sides[1].value(pointer, Json()));
  }
  for (const auto& [pointer, value] : sides[1].items()) {
    if (!sides[0].contains(pointer)) compare(pointer, Json(), value);
  }
  return differences;
}

}  // namespace llmsweep
