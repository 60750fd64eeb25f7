#include "sweep/arrival_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "llmsweep/base/text.h"
#include "llmsweep/model/describe.h"
#include "llmsweep/model/load_point.h"
#include "llmsweep/model/names.h"
#include "llmsweep/model/target.h"
#include "llmsweep/schedule/schedule.h"
#include "llmsweep/stats/percentile.h"

namespace llmsweep {
namespace {

// More are not drawn for `check` alone: of so many the rate says how many there are.
constexpr double kMostDrawn = 2'000'000;
// The normal quantiles of one run in a hundred, by which a run is called overloaded, and of four in
// five, which shall be.
constexpr double kDeviations = 2.33 + 0.84;
constexpr double kLeastLengthCv = 0.25;  // as the rule has it

double mean_square_of(const TokenCount& count) {
  double squares = 0;
  double weights = 0;
  for (const auto& [tokens, weight] : count.weighted) {
    squares += static_cast<double>(tokens) * static_cast<double>(tokens) * weight;
    weights += weight;
  }
  return weights > 0 ? squares / weights : 0;
}

// Of the output lengths as they are drawn.
double length_cv(const TokenCount& count) {
  const double mean = mean_tokens(count);
  if (mean <= 0) return kLeastLengthCv;
  double deviation = 0;
  switch (count.kind) {
    case TokenCount::Kind::kFixed:
      break;
    case TokenCount::Kind::kUniform:
      deviation = static_cast<double>(count.max - count.min) / std::sqrt(12.0);
      break;
    case TokenCount::Kind::kNormal:
      deviation = count.stddev.value_or(0);
      break;
    case TokenCount::Kind::kWeighted:
      deviation = std::sqrt(std::max(0.0, mean_square_of(count) - mean * mean));
      break;
  }
  return std::max(kLeastLengthCv, deviation / mean);
}

// Measured arrivals of each repeat; none where they would be too many to draw.
std::vector<int64_t> drawn_arrivals(const SweepSpec& spec, LoadPoint point, double expected) {
  LoadSpec load = spec.load;
  load.drain = {};  // what comes after the window is not counted
  std::vector<int64_t> drawn;
  if (expected * load.repeats > kMostDrawn) return drawn;
  for (int repeat = 0; repeat < load.repeats; ++repeat) {
    const Schedule schedule = make_schedule(load, point, schedule_seed(spec.workload.seed, repeat));
    drawn.push_back(prompt_demand(schedule).measured);
  }
  return drawn;
}

std::string count_text(int64_t count) {
  return format_number(static_cast<double>(count));
}

std::string range_text(const std::vector<int64_t>& drawn) {
  if (drawn.empty()) return "";
  const auto [least, most] = std::minmax_element(drawn.begin(), drawn.end());
  if (*least == *most) return fmt::format(", {} drawn", count_text(*least));
  return fmt::format(", {} to {} drawn", count_text(*least), count_text(*most));
}

// Of the target that needs the most; empty where `arrivals` are enough for all.
std::string too_few_text(const SweepSpec& spec, LoadPoint point, int64_t arrivals) {
  const Target* worst = nullptr;
  const std::vector<Target> targets = parts_of(spec.targets);
  for (const Target& target : targets) {
    const int64_t needed = samples_needed(target.statistic);
    if (arrivals >= needed) continue;
    if (worst == nullptr || needed > samples_needed(worst->statistic)) worst = &target;
  }
  if (worst == nullptr) return "";
  return fmt::format(
      "note       {}: {} arrivals in all its runs, {} of {} needs {}: raise load.measure or "
      "load.repeats\n",
      text_of(point), count_text(arrivals), name_of(worst->statistic), name_of(worst->metric),
      samples_needed(worst->statistic));
}

std::string level_text(const SweepSpec& spec, LoadPoint point) {
  const double expected = prompt_demand(spec.load, point).measured;
  const std::vector<int64_t> drawn = drawn_arrivals(spec, point, expected);
  int64_t arrivals = 0;
  for (const int64_t of_run : drawn) arrivals += of_run;
  if (drawn.empty()) arrivals = static_cast<int64_t>(expected * spec.load.repeats);
  return fmt::format("arrivals   {}: {} expected in a run{}; {:.1f} min a run at least\n",
                     text_of(point), format_number(expected), range_text(drawn),
                     to_seconds(shortest_run(spec.load, point, {})) / 60) +
         too_few_text(spec, point, arrivals);
}

}  // namespace

int64_t arrivals_to_show(const SweepSpec& spec, double load) {
  const double gaps = gap_cv(spec.load.arrivals);
  const double lengths = length_cv(spec.workload.output_tokens);
  const double deviation = std::sqrt(gaps * gaps + lengths * lengths);
  return std::llround(std::pow(kDeviations * deviation * load / (load - 1), 2));
}

std::string arrivals_text(const SweepSpec& spec) {
  if (!spec.load.is_open()) return "";
  std::string text;
  for (const LoadPoint point : load_points(spec.load)) text += level_text(spec, point);
  if (!spec.load.profile.empty()) return text;
  return text + fmt::format(
                    "overload   a rate 10 % beyond the capacity shows in four runs of five from {} "
                    "arrivals in a run, 30 % from {}\n",
                    count_text(arrivals_to_show(spec, 1.1)),
                    count_text(arrivals_to_show(spec, 1.3)));
}

}  // namespace llmsweep
