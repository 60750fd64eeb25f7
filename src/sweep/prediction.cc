#include "llmsweep/sweep/prediction.h"

#include <fmt/format.h>

#include <algorithm>

#include "llmsweep/base/text.h"
#include "llmsweep/model/describe.h"
#include "llmsweep/schedule/schedule.h"

namespace llmsweep {

int most_streams(const SweepSpec& spec) {
  int streams = 0;
  for (const LoadPoint point : load_points(spec.load)) {
    streams = std::max(streams, most_in_flight(spec.load, point));
  }
  return streams;
}

std::string plan_text(const SweepSpec& spec) {
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
  const int64_t repeats = spec.load.repeats;
  const double output = mean_tokens(spec.workload.output_tokens);
  const std::string input = spec.workload.input_tokens
                                ? format_number(mean_tokens(*spec.workload.input_tokens))
                                : std::string("their own");
  return fmt::format(
      "plan       {}: {} {}; {} repeat{}\n"
      "requests   {} measured, {} warm-up, fillers besides\n"
      "tokens     {} in, {} out a request; {} out in all\n",
      printable(spec.name), name_of(points.front().kind), levels, repeats, repeats == 1 ? "" : "s",
      format_number(static_cast<double>(measured * repeats)),
      format_number(static_cast<double>(warmup * repeats)), input, format_number(output),
      format_number(static_cast<double>((measured + warmup) * repeats) * output));
}

PlannedLoad planned_load(const SweepSpec& spec, const Preflight& preflight) {
  constexpr Duration kQuickest = std::chrono::microseconds(100);  // a token; below it is noise
  PlannedLoad planned{.streams = most_streams(spec)};
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
  double seconds = 0;  // of one run of each level
  for (const LoadPoint point : load_points(spec.load)) {
    seconds += to_seconds(shortest_run(spec.load, point, request_alone));
  }
  return from_seconds(seconds * spec.load.repeats);
}

SweepCost least_cost(const SweepSpec& spec, Duration time) {
  int64_t requests = 0;
  for (const LoadPoint point : load_points(spec.load)) {
    const PromptDemand demand = prompt_demand(spec.load, point);
    requests += int64_t{demand.measured} + demand.warmup;
  }
  requests *= spec.load.repeats;
  const auto tokens = [requests](double each) {
    return static_cast<int64_t>(static_cast<double>(requests) * each);
  };
  const WorkloadSpec& workload = spec.workload;
  SweepCost cost{.output_tokens = tokens(mean_tokens(workload.output_tokens))};
  if (workload.input_tokens) cost.input_tokens = tokens(mean_tokens(*workload.input_tokens));
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
      "in all     at least {} prompt tokens and {} output tokens\n",
      spec.workload.input_tokens ? count(cost.input_tokens) : std::string("the prompts' own"),
      count(cost.output_tokens));
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
