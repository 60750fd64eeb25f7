#include "llmsweep/sweep/prediction.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "llmsweep/base/text.h"
#include "llmsweep/model/describe.h"
#include "llmsweep/model/names.h"
#include "llmsweep/model/target.h"
#include "llmsweep/protocol/api.h"
#include "llmsweep/schedule/schedule.h"
#include "llmsweep/schedule/sessions.h"
#include "llmsweep/stats/search.h"
#include "sweep/arrival_plan.h"

namespace llmsweep {

int most_streams(const SweepSpec& spec) {
  int streams = 0;
  for (const LoadPoint point : load_points(spec.load)) {
    streams = std::max(streams, most_in_flight(spec.load, point));
  }
  return streams;
}

namespace {

constexpr double kAssumedNoise = 0.02;  // of a run's median, until one is measured

struct PlannedLevel {
  LoadPoint point;
  int runs = 0;
};

// As often as each level will be run; of a search what it needs where the answer lies in the
// middle.
std::vector<PlannedLevel> planned_levels(const SweepSpec& spec) {
  std::vector<PlannedLevel> levels;
  if (!spec.load.search.wanted()) {
    for (const LoadPoint point : load_points(spec.load)) {
      levels.push_back({point, spec.load.repeats});
    }
    return levels;
  }
  const SearchCost cost = expected_search_cost(spec.load.search, kAssumedNoise);
  for (const LoadPoint point : cost.locating) levels.push_back({point, 1});
  levels.push_back({cost.locating.back(), cost.confirming});
  return levels;
}

// "e2e p50 within 15s", "ttft p95 within 2s and decode_speed p95 of 30 tokens/s".
std::string plan_of(const Target& target) {
  std::vector<std::string> limits;
  for (const Target& part : parts_of(target)) {
    limits.push_back(part.min_tps
                         ? fmt::format("{} {} of {} tokens/s", kDecodeSpeed,
                                       name_of(part.statistic), *part.min_tps)
                         : fmt::format("{} {} within {}", name_of(part.metric),
                                       name_of(part.statistic), format_duration(part.max)));
  }
  return join(limits, " and ");
}

std::string search_text(const SweepSpec& spec) {
  const SearchSpec& search = spec.load.search;
  const Target& target = spec.targets.front();
  const SearchCost cost = expected_search_cost(search, kAssumedNoise);
  return fmt::format(
      "plan       {}: the most {} from {} to {} that keeps {}\n"
      "runs       about {} to find it, {} to confirm it (noise of {:g} % assumed)\n",
      printable(spec.name), name_of(search.kind()), value_text({search.kind(), search.low()}),
      value_text({search.kind(), search.high()}), plan_of(target), cost.locating.size(),
      cost.confirming, 100 * kAssumedNoise);
}

// How many requests users send is the endpoint's to say.
std::string users_text(const SweepSpec& spec, const std::string& levels) {
  const SessionSpec& sessions = spec.workload.sessions;
  const int repeats = spec.load.repeats;
  return fmt::format(
      "plan       {}: users {}; {} repeat{}\n"
      "sessions   {} turns, {} s to think before each on average\n"
      "time       {} of each run are measured, after {}\n"
      "tokens     about {} in, {} out a request\n",
      printable(spec.name), levels, repeats, repeats == 1 ? "" : "s", tokens_text(sessions.turns),
      format_significant(to_seconds(mean_time(sessions.think))), format_duration(spec.load.measure),
      format_duration(spec.load.warmup), format_number(mean_prompt_tokens(spec.workload)),
      format_number(mean_tokens(spec.workload.output_tokens)));
}

}  // namespace

std::string plan_text(const SweepSpec& spec) {
  if (spec.load.search.wanted()) return search_text(spec);
  int64_t measured = 0;
  int64_t warmup = 0;
  const std::vector<LoadPoint> points = load_points(spec.load);
  std::string levels;
  for (const LoadPoint point : points) {
    const PromptDemand demand = prompt_demand(spec.load, point);
    measured += demand.measured;
    warmup += demand.warmup;
    levels += fmt::format("{}{}", levels.empty() ? "" : ", ", value_text(point));
  }
  std::string steps;
  for (const RateStep& step : spec.load.profile) {
    steps += fmt::format("{}{} at {}", steps.empty() ? "steps      " : ", ",
                         format_duration(step.length), step_text(step));
  }
  if (!steps.empty()) steps += " requests/s\n";
  if (spec.load.has_users()) return users_text(spec, levels);
  if (spec.load.duration) {
    steps = fmt::format("time       {} of each level are measured\n",
                        format_duration(*spec.load.duration));
  }
  const char* const least = spec.load.duration             ? "at least "
                            : spec.load.trace.turns_wait() ? "about "
                                                           : "";
  const int64_t repeats = spec.load.repeats;
  const double output = mean_tokens(spec.workload.output_tokens);
  const std::string input = spec.workload.input_tokens
                                ? format_number(mean_prompt_tokens(spec.workload))
                                : std::string("their own");
  const int64_t inputs = inputs_of(spec.endpoint.api, spec.workload);
  const std::string tokens =
      inputs > 0
          ? fmt::format("{} in a request, in {} {}", input, inputs,
                        inputs == 1 ? "input" : "inputs")
          : fmt::format("{} in, {} out a request; {}{} out in all", input, format_number(output),
                        least,
                        format_number(static_cast<double>((measured + warmup) * repeats) * output));
  return fmt::format(
      "plan       {}: {} {}; {} repeat{}\n"
      "{}"
      "requests   {}{} measured, {} warm-up, fillers besides\n"
      "tokens     {}\n"
      "{}",
      printable(spec.name), name_of(points.front().kind), levels, repeats, repeats == 1 ? "" : "s",
      steps, least, format_number(static_cast<double>(measured * repeats)),
      format_number(static_cast<double>(warmup * repeats)), tokens, arrivals_text(spec));
}

PlannedLoad planned_load(const SweepSpec& spec, const Preflight& preflight) {
  constexpr Duration kQuickest = std::chrono::microseconds(100);  // a token; below it is noise
  double streams = 0;
  for (const LoadPoint point : load_points(spec.load)) {
    const Duration request = request_time_alone(spec, preflight);
    streams = std::max(streams, likely_in_flight(spec.load, point, request));
  }
  PlannedLoad planned{.streams = std::max(1, static_cast<int>(std::ceil(streams)))};
  if (preflight.time_per_token >= kQuickest) {
    planned.chunks_per_s = planned.streams / to_seconds(preflight.time_per_token);
  }
  return planned;
}

Duration request_time_alone(const SweepSpec& spec, const Preflight& preflight) {
  const double tokens = mean_tokens(spec.workload.output_tokens);
  return preflight.first_token_time + preflight.prompt_time +
         from_seconds(to_seconds(preflight.time_per_token) * std::max(0.0, tokens - 1));
}

Duration shortest_run_time(const SweepSpec& spec, Duration request_alone) {
  double seconds = 0;
  for (const auto& [point, runs] : planned_levels(spec)) {
    seconds += to_seconds(shortest_run(spec.load, point, request_alone)) * runs;
  }
  return from_seconds(seconds);
}

SweepCost least_cost(const SweepSpec& spec, Duration time) {
  int64_t requests = 0;
  for (const auto& [point, runs] : planned_levels(spec)) {
    const PromptDemand demand = prompt_demand(spec.load, point);
    requests += (int64_t{demand.measured} + demand.warmup) * runs;
  }
  const auto tokens = [requests](double each) {
    return static_cast<int64_t>(static_cast<double>(requests) * each);
  };
  const WorkloadSpec& workload = spec.workload;
  SweepCost cost{.output_tokens = tokens(mean_tokens(workload.output_tokens))};
  cost.input_tokens = tokens(mean_prompt_tokens(workload));
  const PriceSpec& prices = spec.endpoint.prices;
  if (prices.million_input_tokens || prices.million_output_tokens) {
    cost.tokens_price =
        (static_cast<double>(cost.input_tokens) * prices.million_input_tokens.value_or(0) +
         static_cast<double>(cost.output_tokens) * prices.million_output_tokens.value_or(0)) /
        1e6;
  }
  if (prices.gpu_hour && spec.system.gpus > 0) {
    cost.gpus_price = *prices.gpu_hour * spec.system.gpus * to_seconds(time) / 3600;
  }
  return cost;
}

std::string cost_text(const SweepSpec& spec, const SweepCost& cost) {
  const auto count = [](int64_t tokens) { return format_number(static_cast<double>(tokens)); };
  std::string text = fmt::format(
      "in all     at least {} prompt tokens{}\n",
      spec.workload.input_tokens ? count(cost.input_tokens) : std::string("the prompts' own"),
      cost.output_tokens > 0 ? fmt::format(" and {} output tokens", count(cost.output_tokens))
                             : std::string());
  const std::string currency = printable(spec.endpoint.prices.currency, 20);
  const auto money = [&](double amount) {
    return format_number(amount, amount < 100 ? 2 : 0) + " " + currency;
  };
  if (cost.tokens_price) {
    text += fmt::format("price      at least {} for the tokens\n", money(*cost.tokens_price));
  }
  if (cost.gpus_price) {
    text += fmt::format("price      at least {} for the GPUs' time\n", money(*cost.gpus_price));
  }
  return text;
}

}  // namespace llmsweep
