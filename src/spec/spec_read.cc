#include "spec/spec_read.h"

#include <algorithm>
#include <limits>

#include "spec/spec_values.h"

namespace llmsweep {
namespace {

using namespace std::chrono_literals;

constexpr int64_t kMaxConcurrency = 100'000;
constexpr Duration kMinTarget = 1us;

std::vector<int> read_concurrency(const ConfigNode& node) {
  if (!node.present()) {
    node.fail("is required", "list the levels, as in concurrency: [1, 2, 4, 8]");
  }
  std::vector<int> levels;
  for (const ConfigNode& item : node.items()) {
    const int concurrency = static_cast<int>(item.as_int(1, kMaxConcurrency));
    if (std::find(levels.begin(), levels.end(), concurrency) != levels.end()) {
      item.fail("level " + std::to_string(concurrency) + " is listed twice");
    }
    levels.push_back(concurrency);
  }
  if (levels.empty()) node.fail("must hold at least one level", "as in concurrency: [1, 2, 4, 8]");
  return levels;
}

Target read_target(const ConfigNode& node, bool has_statistic) {
  Target target;
  const ConfigNode metric = node["metric"];
  target.metric = read_enum(metric, Metric::kE2e);
  if (has_statistic) {
    target.statistic = read_enum(node["statistic"], Statistic::kP50);
  } else if (target.metric == Metric::kItl || target.metric == Metric::kIcl) {
    metric.fail("goodput is judged per request: one of e2e, ttft, ttfo, tpot");
  }
  const ConfigNode max = node["max"];
  if (!max.present()) max.fail("is required", "as in max: 15s");
  target.max = max.as_duration(kMinTarget);
  node.reject_unknown_keys();
  return target;
}

std::vector<Target> read_target_list(const ConfigNode& node, bool has_statistic) {
  std::vector<Target> targets;
  if (!node.present()) return targets;
  for (const ConfigNode& item : node.items()) {
    const Target target = read_target(item, has_statistic);
    if (std::find(targets.begin(), targets.end(), target) != targets.end()) {
      item.fail("the same target is listed twice");
    }
    targets.push_back(target);
  }
  return targets;
}

}  // namespace

SystemSpec read_system(const ConfigNode& node) {
  const SystemSpec defaults;
  SystemSpec system;
  system.accelerator = read_text(node["accelerator"]);
  const ConfigNode gpus = node["gpus"];
  if (!gpus.present()) {
    gpus.fail("is required", "how many GPUs the system under test has: what 'per GPU' divides by");
  }
  system.gpus = static_cast<int>(gpus.as_int(1, 1'000'000));
  system.nodes = read_int(node["nodes"], defaults.nodes, 1, 100'000);
  system.precision = read_text(node["precision"]);
  system.engine = read_text(node["engine"]);
  system.engine_version = read_text(node["engine_version"]);
  if (const ConfigNode key = node["tensor_parallel"]; key.present()) {
    system.tensor_parallel = static_cast<int>(key.as_int(1, 1'000'000));
  }
  if (const ConfigNode key = node["mtp"]; key.present()) system.mtp = key.as_bool();
  if (const ConfigNode key = node["max_batch_size"]; key.present()) {
    system.max_batch_size = static_cast<int>(key.as_int(1, 1'000'000));
  }
  system.checkpoint = read_text(node["checkpoint"]);
  if (const ConfigNode key = node["weights_gb"]; key.present()) {
    system.weights_gb = key.as_number({0.001, 1e6});
  }
  node.reject_unknown_keys();
  return system;
}

LoadSpec read_load(const ConfigNode& node) {
  const LoadSpec defaults;
  LoadSpec load;
  load.concurrency = read_concurrency(node["concurrency"]);
  load.requests_per_slot =
      read_int(node["requests_per_slot"], defaults.requests_per_slot, 1, 1'000'000);
  load.min_requests = read_int(node["min_requests"], defaults.min_requests, 0, 100'000'000);
  load.warmup_per_slot = read_int(node["warmup_per_slot"], defaults.warmup_per_slot, 0, 1000);
  load.repeats = read_int(node["repeats"], defaults.repeats, 1, 1000);
  const ConfigNode repeats_max = node["repeats_max"];
  load.repeats_max = read_int(repeats_max, defaults.repeats_max, 0, 1000);
  if (load.repeats_max != 0 && load.repeats_max < load.repeats) {
    repeats_max.fail("must be 0 or at least repeats, which is " + std::to_string(load.repeats));
  }
  load.fillers = read_bool(node["fillers"], defaults.fillers);
  load.grace = read_duration(node["grace"], defaults.grace, 0s);
  load.max_error_rate = read_number(node["max_error_rate"], defaults.max_error_rate, {0, 1});
  load.max_consecutive_errors =
      read_int(node["max_consecutive_errors"], defaults.max_consecutive_errors, 1, 1'000'000);
  load.stop_over_error_rate =
      read_bool(node["stop_over_error_rate"], defaults.stop_over_error_rate);
  load.retry_after = read_enum(node["retry_after"], defaults.retry_after);
  load.retry_after_max = read_duration(node["retry_after_max"], defaults.retry_after_max, 0s);
  load.refine = read_bool(node["refine"], defaults.refine);
  node.reject_unknown_keys();
  return load;
}

ClientSpec read_client(const ConfigNode& node, const EndpointSpec& endpoint) {
  const ClientSpec defaults;
  ClientSpec client;
  const ConfigNode threads = node["threads"];
  if (threads.present() && threads.as_string() != "auto") {
    client.threads = static_cast<int>(threads.as_int(1, 256));
  }
  const ConfigNode transport = node["transport"];
  client.transport = read_enum(transport, defaults.transport);
  bool beyond_sockets = endpoint.use_proxy || endpoint.url.starts_with("https://");
  for (const std::string& url : endpoint.urls) beyond_sockets |= url.starts_with("https://");
  if (client.transport == Transport::kSockets && beyond_sockets) {
    transport.fail("plain sockets speak neither TLS nor to a proxy", "use auto or libcurl");
  }
  client.record_chunks = read_bool(node["record_chunks"], defaults.record_chunks);
  client.receive_stamps = read_bool(node["receive_stamps"], defaults.receive_stamps);
  client.max_response_bytes =
      read_int(node["max_response_bytes"], defaults.max_response_bytes, 1024, int64_t{1} << 40);
  node.reject_unknown_keys();
  return client;
}

std::vector<Target> read_targets(const ConfigNode& node) {
  return read_target_list(node, true);
}

std::vector<Target> read_goodput(const ConfigNode& node) {
  return read_target_list(node, false);
}

SweepSpec read_spec(const ConfigNode& root, const SpecPaths& paths) {
  SweepSpec spec;
  const ConfigNode name = root["name"];
  spec.name = read_text(name);
  if (trim(spec.name).empty()) {
    name.fail(name.present() ? "must not be empty" : "is required",
              "the name of the results' folder and of the curve in figures");
  }
  spec.system = read_system(root["system"]);
  spec.endpoint = read_endpoint(root["endpoint"], paths);
  spec.workload = read_workload(root["workload"], spec.endpoint, paths);
  const ConfigNode load = root["load"];
  spec.load = read_load(load);
  spec.client = read_client(root["client"], spec.endpoint);
  const ConfigNode targets = root["targets"];
  spec.targets = read_targets(targets);
  spec.goodput = read_goodput(root["goodput"]);
  if (spec.load.refine && spec.targets.empty()) {
    load["refine"].fail("needs a target to refine around", "add one under targets");
  }
  root.reject_unknown_keys();
  return spec;
}

}  // namespace llmsweep
