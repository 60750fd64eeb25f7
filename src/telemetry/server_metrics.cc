#include "llmsweep/telemetry/server_metrics.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "llmsweep/base/text.h"
#include "llmsweep/telemetry/metrics_page.h"

namespace llmsweep {
namespace {

using Figure = ServerFigure;

constexpr double kMillijoule = 1e-3;
constexpr double kMicrojoule = 1e-6;
constexpr double kNanosecond = 1e-9;
constexpr double kPercent = 1e-2;
constexpr double kMilliwatt = 1e-3;
constexpr double kByte = 1.0 / (1 << 20);  // of a MiB

constexpr auto kMetrics = std::to_array<ServerMetric>({
    // vLLM. Older versions called the KV cache after the GPU.
    {"vllm", "vllm:num_requests_running", Figure::kRunning},
    {"vllm", "vllm:num_requests_waiting", Figure::kWaiting},
    {"vllm", "vllm:kv_cache_usage_perc", Figure::kKvUsed},
    {"vllm", "vllm:gpu_cache_usage_perc", Figure::kKvUsed},
    {"vllm", "vllm:cache_config_info", Figure::kKvCapacity, 1, {}, {}, "kv_cache_size_tokens"},
    {"vllm", "vllm:prompt_tokens", Figure::kPromptTokens},
    {"vllm", "vllm:generation_tokens", Figure::kOutputTokens},
    {"vllm", "vllm:request_success", Figure::kFinished, 1, "finished_reason", "!abort|error"},
    {"vllm", "vllm:request_success", Figure::kAborted, 1, "finished_reason", "abort|error"},
    {"vllm", "vllm:num_preemptions", Figure::kPreemptions},
    {"vllm", "vllm:prefix_cache_queries", Figure::kPrefixQueries},
    {"vllm", "vllm:gpu_prefix_cache_queries", Figure::kPrefixQueries},
    {"vllm", "vllm:prefix_cache_hits", Figure::kPrefixHits},
    {"vllm", "vllm:gpu_prefix_cache_hits", Figure::kPrefixHits},
    {"vllm", "vllm:spec_decode_num_drafts", Figure::kDrafts},
    {"vllm", "vllm:spec_decode_num_draft_tokens", Figure::kDraftTokens},
    {"vllm", "vllm:spec_decode_num_accepted_tokens", Figure::kAcceptedTokens},
    {"vllm", "vllm:request_queue_time_seconds_sum", Figure::kQueueSeconds},
    {"vllm", "vllm:request_queue_time_seconds_count", Figure::kQueueCount},
    {"vllm", "vllm:time_to_first_token_seconds_sum", Figure::kTtftSeconds},
    {"vllm", "vllm:time_to_first_token_seconds_count", Figure::kTtftCount},
    {"vllm", "vllm:request_prefill_time_seconds_sum", Figure::kPrefillSeconds},
    {"vllm", "vllm:request_decode_time_seconds_sum", Figure::kDecodeSeconds},
    // SGLang. num_retracted_reqs is the latest batch's, cache_hit_rate none of the KV cache's use.
    {"sglang", "sglang:num_running_reqs", Figure::kRunning},
    {"sglang", "sglang:num_queue_reqs", Figure::kWaiting},
    {"sglang", "sglang:token_usage", Figure::kKvUsed},
    {"sglang", "sglang:max_total_num_tokens", Figure::kKvCapacity},
    {"sglang", "sglang:prompt_tokens", Figure::kPromptTokens},
    {"sglang", "sglang:cached_tokens", Figure::kPrefixHits},
    {"sglang", "sglang:generation_tokens", Figure::kOutputTokens},
    {"sglang", "sglang:num_requests", Figure::kFinished},
    {"sglang", "sglang:num_aborted_requests", Figure::kAborted},
    {"sglang", "sglang:num_retracted_requests", Figure::kPreemptions},
    {"sglang", "sglang:queue_time_seconds_sum", Figure::kQueueSeconds},
    {"sglang", "sglang:queue_time_seconds_count", Figure::kQueueCount},
    {"sglang", "sglang:time_to_first_token_seconds_sum", Figure::kTtftSeconds},
    {"sglang", "sglang:time_to_first_token_seconds_count", Figure::kTtftCount},
    // TensorRT LLM, under /prometheus/metrics.
    {"tensorrt_llm", "trtllm_num_requests_running", Figure::kRunning},
    {"tensorrt_llm", "trtllm_num_requests_waiting", Figure::kWaiting},
    {"tensorrt_llm", "trtllm_kv_cache_utilization", Figure::kKvUsed},
    {"tensorrt_llm", "trtllm_prompt_tokens", Figure::kPromptTokens},
    {"tensorrt_llm", "trtllm_prompt_cached_tokens", Figure::kPrefixHits},
    {"tensorrt_llm", "trtllm_generation_tokens", Figure::kOutputTokens},
    {"tensorrt_llm", "trtllm_num_requests_completed", Figure::kFinished},
    {"tensorrt_llm", "trtllm_request_success", Figure::kFinished},
    {"tensorrt_llm", "trtllm_spec_decode_num_draft_tokens", Figure::kDraftTokens},
    {"tensorrt_llm", "trtllm_spec_decode_num_accepted_tokens", Figure::kAcceptedTokens},
    {"tensorrt_llm", "trtllm_request_queue_time_seconds_sum", Figure::kQueueSeconds},
    {"tensorrt_llm", "trtllm_request_queue_time_seconds_count", Figure::kQueueCount},
    {"tensorrt_llm", "trtllm_time_to_first_token_seconds_sum", Figure::kTtftSeconds},
    {"tensorrt_llm", "trtllm_time_to_first_token_seconds_count", Figure::kTtftCount},
    // llama.cpp, with --metrics. Its prompt tokens are those that were computed.
    {"llama.cpp", "llamacpp:requests_processing", Figure::kRunning},
    {"llama.cpp", "llamacpp:requests_deferred", Figure::kWaiting},
    {"llama.cpp", "llamacpp:kv_cache_usage_ratio", Figure::kKvUsed},
    {"llama.cpp", "llamacpp:prompt_tokens", Figure::kPromptTokens},
    {"llama.cpp", "llamacpp:prompt_tokens_cached", Figure::kPrefixHits},
    {"llama.cpp", "llamacpp:tokens_predicted", Figure::kOutputTokens},
    {"llama.cpp", "llamacpp:spec_decode_num_drafts", Figure::kDrafts},
    {"llama.cpp", "llamacpp:spec_decode_num_draft_tokens", Figure::kDraftTokens},
    {"llama.cpp", "llamacpp:spec_decode_num_accepted_tokens", Figure::kAcceptedTokens},
    {"llama.cpp", "llamacpp:prompt_seconds", Figure::kPrefillSeconds},
    {"llama.cpp", "llamacpp:tokens_predicted_seconds", Figure::kDecodeSeconds},
    // Text Generation Inference counts tokens as requests end.
    {"tgi", "tgi_batch_current_size", Figure::kRunning},
    {"tgi", "tgi_queue_size", Figure::kWaiting},
    {"tgi", "tgi_request_input_length_sum", Figure::kPromptTokens},
    {"tgi", "tgi_request_generated_tokens_sum", Figure::kOutputTokens},
    {"tgi", "tgi_request_success", Figure::kFinished},
    {"tgi", "tgi_request_count", Figure::kFinished},
    {"tgi", "tgi_request_queue_duration_sum", Figure::kQueueSeconds},
    {"tgi", "tgi_request_queue_duration_count", Figure::kQueueCount},
    // NIM has no prefix.
    {"nim", "num_requests_running", Figure::kRunning},
    {"nim", "num_requests_waiting", Figure::kWaiting},
    {"nim", "gpu_cache_usage_perc", Figure::kKvUsed},
    {"nim", "prompt_tokens", Figure::kPromptTokens},
    {"nim", "generation_tokens", Figure::kOutputTokens},
    {"nim", "request_finish", Figure::kFinished},
    {"nim", "time_to_first_token_seconds_sum", Figure::kTtftSeconds},
    {"nim", "time_to_first_token_seconds_count", Figure::kTtftCount},
    // Dynamo's frontend and, on DYN_SYSTEM_PORT, its workers.
    {"dynamo", "dynamo_frontend_active_requests", Figure::kRunning},
    {"dynamo", "dynamo_frontend_inflight_requests", Figure::kRunning},
    {"dynamo", "dynamo_frontend_queued_requests", Figure::kWaiting},
    {"dynamo", "dynamo_component_gpu_cache_usage_percent", Figure::kKvUsed},
    {"dynamo", "dynamo_frontend_input_sequence_tokens_sum", Figure::kPromptTokens},
    {"dynamo", "dynamo_frontend_cached_tokens_sum", Figure::kPrefixHits},
    {"dynamo", "dynamo_frontend_output_tokens", Figure::kOutputTokens},
    {"dynamo", "dynamo_frontend_output_sequence_tokens_sum", Figure::kOutputTokens},
    {"dynamo", "dynamo_frontend_requests", Figure::kFinished, 1, "status", "!error"},
    {"dynamo", "dynamo_frontend_requests", Figure::kAborted, 1, "status", "error"},
    {"dynamo", "dynamo_frontend_time_to_first_token_seconds_sum", Figure::kTtftSeconds},
    {"dynamo", "dynamo_frontend_time_to_first_token_seconds_count", Figure::kTtftCount},
    // NVIDIA's exporter of DCGM.
    {"dcgm", "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", Figure::kGpuEnergy, kMillijoule},
    {"dcgm", "DCGM_FI_DEV_POWER_USAGE", Figure::kGpuPower},
    {"dcgm", "DCGM_FI_DEV_SM_CLOCK", Figure::kGpuClock},
    {"dcgm", "DCGM_FI_DEV_GPU_UTIL", Figure::kGpuBusy, kPercent},
    {"dcgm", "DCGM_FI_PROF_PIPE_TENSOR_ACTIVE", Figure::kGpuTensor},
    {"dcgm", "DCGM_FI_DEV_FB_USED", Figure::kGpuMemory},
    {"dcgm", "DCGM_FI_DEV_POWER_VIOLATION", Figure::kGpuPowerCap, kNanosecond},
    {"dcgm", "DCGM_FI_DEV_THERMAL_VIOLATION", Figure::kGpuThermalCap, kNanosecond},
    // AMD's device metrics exporter. Package power is of MI3xx, average package power of MI2xx.
    {"amd", "gpu_energy_consumed", Figure::kGpuEnergy, kMicrojoule},
    {"amd", "gpu_package_power", Figure::kGpuPower},
    {"amd", "gpu_average_package_power", Figure::kGpuPower},
    {"amd", "gpu_clock", Figure::kGpuClock, 1, "clock_type", "GPU_CLOCK_TYPE_SYSTEM"},
    {"amd", "gpu_gfx_activity", Figure::kGpuBusy, kPercent},
    {"amd", "gpu_used_vram", Figure::kGpuMemory},
    // This machine's NVML (nvml.cc).
    {"nvml", "nvml_energy_mj", Figure::kGpuEnergy, kMillijoule},
    {"nvml", "nvml_power_mw", Figure::kGpuPower, kMilliwatt},
    {"nvml", "nvml_sm_clock_mhz", Figure::kGpuClock},
    {"nvml", "nvml_busy_percent", Figure::kGpuBusy, kPercent},
    {"nvml", "nvml_memory_used_bytes", Figure::kGpuMemory, kByte},
    {"nvml", "nvml_held_for_power", Figure::kGpuHeldForPower},
    {"nvml", "nvml_held_for_heat", Figure::kGpuHeldForHeat},
    {"nvml", "nvml_power_violation_ns", Figure::kGpuPowerCap, kNanosecond},
    {"nvml", "nvml_thermal_violation_ns", Figure::kGpuThermalCap, kNanosecond},
    // Zeus's daemon (zeusd_page.cc).
    {"zeusd", "zeusd_energy_mj", Figure::kGpuEnergy, kMillijoule},
    {"zeusd", "zeusd_power_mw", Figure::kGpuPower, kMilliwatt},
});

// Ray writes vLLM's names so.
constexpr std::string_view kRayPrefix = "ray_vllm_";
// And the instances of one partitioned GPU, which repeat what is the board's.
constexpr std::string_view kRankLabels[] = {"tp_rank", "pp_rank", "moe_ep_rank", "GPU_I_ID",
                                            "GPU_I_PROFILE"};

// Of a page's name: the table's.
std::string plain_name(std::string_view name) {
  std::string plain;
  if (name.starts_with(kRayPrefix)) {
    plain = "vllm:";
    name.remove_prefix(kRayPrefix.size());
  }
  plain += name;
  constexpr std::string_view kTotal = "_total";
  if (plain.ends_with(kTotal)) plain.resize(plain.size() - kTotal.size());
  return plain;
}

using Rows = std::unordered_map<std::string_view, std::vector<size_t>>;

const Rows& rows_by_name() {
  static const Rows rows = [] {
    Rows made;
    for (size_t row = 0; row < kMetrics.size(); ++row) made[kMetrics[row].name].push_back(row);
    return made;
  }();
  return rows;
}

bool matches(const ServerMetric& metric, const MetricSample& sample) {
  if (metric.label.empty()) return true;
  const std::string_view value = sample.label(metric.label);
  const bool excluded = metric.values.starts_with('!');
  const std::vector<std::string> listed = split(metric.values.substr(excluded ? 1 : 0), '|');
  return (std::find(listed.begin(), listed.end(), value) != listed.end()) != excluded;
}

// Calls visit(row) for each row of the table that the sample fills.
template <class Visit>
void for_each_row(const MetricSample& sample, const Visit& visit) {
  const auto found = rows_by_name().find(plain_name(sample.name));
  if (found == rows_by_name().end()) return;
  for (const size_t row : found->second) {
    if (matches(kMetrics[row], sample)) visit(row);
  }
}

// Without the labels that tell ranks apart, which are in `ranks`; a rank that is no number is last.
std::string series_of(const MetricSample& sample, std::vector<int64_t>& ranks) {
  std::string series(sample.name);
  for (const auto& [key, value] : sample.labels) {
    if (std::find(std::begin(kRankLabels), std::end(kRankLabels), key) != std::end(kRankLabels)) {
      ranks.push_back(parse_int(value).value_or(std::numeric_limits<int64_t>::max()));
    } else {
      series.append(1, '\x1f').append(key).append(1, '\x1e').append(value);
    }
  }
  return series;
}

}  // namespace

std::span<const ServerMetric> server_metrics() {
  return kMetrics;
}

KeptPage keep_known(std::string_view page) {
  KeptPage kept;
  MetricsPageReader reader([&kept](const MetricSample& sample) {
    bool known = false;
    for_each_row(sample, [&](size_t row) {
      known = true;
      if (kept.engine.empty()) kept.engine = kMetrics[row].engine;
    });
    if (!known) return;
    kept.lines.append(sample.line).append(1, '\n');
    if (std::find(kept.names.begin(), kept.names.end(), sample.name) == kept.names.end()) {
      kept.names.emplace_back(sample.name);
    }
  });
  reader.feed(page);
  reader.finish();
  kept.samples = reader.samples();
  kept.broken = reader.broken();
  return kept;
}

PageFigures figures_in(std::string_view page) {
  struct Found {
    std::vector<int64_t> ranks;
    double value = 0;
  };
  // By figure, then by the name's place in the table, then by series.
  std::map<ServerFigure, std::map<size_t, std::map<std::string, Found>>> found;
  read_metrics_page(page, [&found](const MetricSample& sample) {
    for_each_row(sample, [&](size_t row) {
      const ServerMetric& metric = kMetrics[row];
      Found here{.value = sample.value};
      if (!metric.value_label.empty()) {
        const std::optional<double> labelled = parse_double(sample.label(metric.value_label));
        if (!labelled) return;
        here.value = *labelled;
      }
      here.value *= metric.scale;
      std::string series = series_of(sample, here.ranks);
      const auto [at, first] = found[metric.figure][row].try_emplace(std::move(series), here);
      if (!first && here.ranks < at->second.ranks) at->second = std::move(here);
    });
  });
  PageFigures figures;
  for (auto& [figure, by_row] : found) {
    for (auto& [series, value] : by_row.begin()->second) {
      figures[figure].push_back({.series = series, .value = value.value});
    }
  }
  return figures;
}

std::optional<double> over_series(ServerFigure figure, std::span<const FigureSeries> series) {
  if (series.empty()) return std::nullopt;
  double sum = 0;
  double most = series.front().value;
  for (const FigureSeries& one : series) {
    sum += one.value;
    most = std::max(most, one.value);
  }
  switch (traits_of(figure).over) {
    case OverSeries::kSum:
      return sum;
    case OverSeries::kMax:
      return most;
    case OverSeries::kMean:
      return sum / static_cast<double>(series.size());
  }
  return std::nullopt;
}

}  // namespace llmsweep
