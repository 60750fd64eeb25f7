#include "simulator/pages.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <set>
#include <utility>

#include "llmsweep/base/text.h"
#include "simulator/wire.h"

namespace llmsweep::sim {
namespace {

struct Sample {
  const char* name;
  const char* type;
  const char* help;
  double value;
};

std::string percent_decoded(std::string_view text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    unsigned value = 0;
    const std::string_view digits = text.substr(i + 1, 2);
    const bool coded =
        text[i] == '%' && digits.size() == 2 &&
        std::from_chars(digits.data(), digits.data() + 2, value, 16).ptr == digits.data() + 2;
    plain += coded ? static_cast<char>(value) : text[i];
    if (coded) i += 2;
  }
  return plain;
}

}  // namespace

SecondsHistogram::SecondsHistogram(std::vector<double> bounds)
    : bounds_(std::move(bounds)), counts_(bounds_.size() + 1) {}

void SecondsHistogram::add(Duration value) {
  const double seconds = to_seconds(value);
  const auto bucket = std::lower_bound(bounds_.begin(), bounds_.end(), seconds);
  ++counts_[static_cast<size_t>(bucket - bounds_.begin())];
  sum_ += seconds;
  ++count_;
}

void SecondsHistogram::append_to(std::string& page, const std::string& name,
                                 const std::string& labels) const {
  page += fmt::format("# HELP {0} Histogram, in seconds.\n# TYPE {0} histogram\n", name);
  int64_t below = 0;
  for (size_t i = 0; i < bounds_.size(); ++i) {
    below += counts_[i];
    page += fmt::format("{}_bucket{{{},le=\"{}\"}} {}\n", name, labels, bounds_[i], below);
  }
  page += fmt::format("{}_bucket{{{},le=\"+Inf\"}} {}\n", name, labels, count_);
  page += fmt::format("{}_count{{{}}} {}\n", name, labels, count_);
  page += fmt::format("{}_sum{{{}}} {}\n", name, labels, sum_);
}

ServerTotals::ServerTotals()
    : ttft({0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5,
            0.75,  1,     2.5,  5,    7.5,  10,   20,   40,  80,   160}),
      gap({0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1,
           2.5, 5, 10}),
      e2e({0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960}),
      queue({0.001, 0.01, 0.1, 0.3, 0.5, 0.8, 1,  1.5, 2,   2.5,
             5,     10,   15,  20,  30,  40,  50, 60,  120, 240}) {}

std::string models_page(const SimulatorProfile& profile, int64_t created) {
  const bool silent = profile.dialect == Dialect::kOpenai || profile.dialect == Dialect::kTgi;
  const std::string context =
      silent ? "" : fmt::format(R"(,"max_model_len":{})", profile.engine.max_model_len);
  const auto entry = [&](const std::string& name) {
    return fmt::format(
        R"({{"id":{},"object":"model","created":{},"owned_by":"llmsweep-simulator"{}}})",
        json_quoted(name), created, context);
  };
  std::string data = entry(profile.model);
  for (const std::string& adapter : profile.adapters) data += ',' + entry(adapter);
  return fmt::format(R"({{"object":"list","data":[{}]}})", data);
}

std::string metrics_page(const SimulatorProfile& profile, const EngineLoad& load,
                         const ServerTotals& totals, int64_t started) {
  const std::string labels = "model_name=" + json_quoted(profile.model);
  const auto number = [](int64_t value) { return static_cast<double>(value); };
  const Sample samples[] = {
      {"vllm:num_requests_running", "gauge", "Requests in the batch.", number(load.running)},
      {"vllm:num_requests_waiting", "gauge", "Requests waiting.", number(load.waiting)},
      {"vllm:kv_cache_usage_perc", "gauge", "KV cache in use, 1 is full.", load.kv_usage},
      {"vllm:gpu_cache_usage_perc", "gauge", "Older name of the same.", load.kv_usage},
      {"vllm:num_preemptions_total", "counter", "Preemptions.", number(load.preemptions)},
      {"vllm:prompt_tokens_total", "counter", "Prompt tokens.", number(totals.prompt_tokens)},
      {"vllm:generation_tokens_total", "counter", "Output tokens.", number(totals.output_tokens)},
      {"vllm:prefix_cache_queries_total", "counter", "Prompt tokens looked up.",
       number(load.cache_queries)},
      {"vllm:prefix_cache_hits_total", "counter", "Prompt tokens found.",
       number(load.cached_tokens)},
      {"vllm:spec_decode_num_draft_tokens_total", "counter", "Draft tokens.",
       number(load.draft_tokens)},
      {"vllm:spec_decode_num_accepted_tokens_total", "counter", "Accepted draft tokens.",
       number(load.accepted_tokens)},
  };
  std::string page =
      fmt::format("# HELP {0} Start of the process, since the epoch.\n# TYPE {0} gauge\n{0} {1}\n",
                  "process_start_time_seconds", started);
  for (const Sample& sample : samples) {
    page += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n{0}{{{3}}} {4}\n", sample.name,
                        sample.help, sample.type, labels, sample.value);
  }
  const char* finished = "vllm:request_success_total";
  page += fmt::format("# HELP {0} Requests that ended.\n# TYPE {0} counter\n", finished);
  for (const auto& [reason, count] :
       {std::pair("stop", totals.stopped), std::pair("length", totals.length),
        std::pair("abort", totals.aborted)}) {
    page += fmt::format("{}{{{},finished_reason=\"{}\"}} {}\n", finished, labels, reason, count);
  }
  totals.ttft.append_to(page, "vllm:time_to_first_token_seconds", labels);
  totals.gap.append_to(page, "vllm:inter_token_latency_seconds", labels);
  totals.e2e.append_to(page, "vllm:e2e_request_latency_seconds", labels);
  totals.queue.append_to(page, "vllm:request_queue_time_seconds", labels);
  return page;
}

std::string named_samples(const std::string& page, std::string_view query) {
  std::set<std::string, std::less<>> names;
  for (const std::string& part : split(query, '&')) {
    const std::string plain = percent_decoded(part);
    constexpr std::string_view kName = "name[]=";
    if (plain.starts_with(kName)) names.insert(plain.substr(kName.size()));
  }
  if (names.empty()) return page;
  std::string kept;
  for (const std::string& line : split(page, '\n')) {
    const std::string_view name = std::string_view(line).substr(0, line.find_first_of("{ "));
    if (names.contains(name)) kept.append(line).append(1, '\n');
  }
  return kept;
}

std::string tokenize_page(const SimulatorProfile& profile, const PromptTokens& prompt) {
  const std::string ids = fmt::format("{}", fmt::join(prompt.ids(), ","));
  if (profile.dialect == Dialect::kLlamacpp) return fmt::format(R"({{"tokens":[{}]}})", ids);
  return fmt::format(R"({{"count":{},"max_model_len":{},"tokens":[{}]}})", prompt.count(),
                     profile.engine.max_model_len, ids);
}

}  // namespace llmsweep::sim
