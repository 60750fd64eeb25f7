#include "import/import_judge.h"

#include <fmt/format.h>

#include <algorithm>

#include "llmsweep/base/text.h"
#include "llmsweep/model/quantity.h"
#include "llmsweep/stats/validity.h"

namespace llmsweep::foreign {
namespace {

ValidityInput rules_for(LoadPoint point, const RunStats& stats) {
  return {.point = point, .fillers = !has_drain(stats), .receive_stamps_wanted = false};
}

// The longest request that the file knows of; where it has no maximum, twice its largest figure.
double longest_seconds(const Distribution& e2e) {
  if (e2e.max) return *e2e.max / kSecond;
  double largest = 0;
  for (const auto& figure : {e2e.mean, e2e.p50, e2e.p90, e2e.p95, e2e.p99, e2e.p999}) {
    largest = std::max(largest, figure.value_or(0));
  }
  return 2 * largest / kSecond;
}

// The time's average over the whole run: the file's own, or by Little's law. Failed requests were
// in flight as well, for nobody knows how long.
std::optional<double> mean_in_flight(const Run& run, const RunStats& stats) {
  if (run.mean_in_flight) return run.mean_in_flight;
  const bool whole = run.wall_is_of_requests && stats.requests.failed.value_or(0) == 0;
  if (!whole || !stats.requests.completed || !stats.e2e.mean) return std::nullopt;
  const double wall = stats.wall_seconds.value_or(0);
  if (wall <= 0) return std::nullopt;
  return static_cast<double>(*stats.requests.completed) * *stats.e2e.mean / kSecond / wall;
}

// The most that can have been in flight while requests were issued. The average over the run has
// the drain in it: from the last issue on, at most C − 1 slots were empty, for at most the longest
// request's time.
std::optional<double> held_at_most(const Run& run, const RunStats& stats) {
  if (stats.achieved_concurrency) return stats.achieved_concurrency;
  std::optional<double> most = run.most_in_flight;
  const auto limit = [&most](double value) { most = std::min(most.value_or(value), value); };
  if (const auto all = stats.requests.all()) limit(static_cast<double>(*all));
  const double wall = stats.wall_seconds.value_or(0);
  if (const auto mean = mean_in_flight(run, stats); mean && wall > 0) {
    limit(*mean + (run.concurrency - 1) * longest_seconds(stats.e2e) / wall);
  } else if (mean && run.concurrency == 1) {
    limit(*mean);
  }
  return most;
}

std::string why_not_held(const Run& run, const RunStats& stats, double most) {
  const auto all = stats.requests.all();
  if (all && *all < run.concurrency) {
    return fmt::format("its {} requests were never {} in flight at once", *all, run.concurrency);
  }
  return fmt::format("{} requests in flight of {}{}", format_significant(most), run.concurrency,
                     stats.achieved_concurrency ? " on average" : ", by its own figures at most");
}

}  // namespace

void judge(Run& run, RunStats& stats) {
  const bool any = std::any_of(quantities().begin(), quantities().end(), [&](const Quantity& of) {
    if (of.distribution == nullptr) return false;
    const Distribution& figures = stats.*of.distribution;
    return figures.mean || figures.p50 || figures.p90 || figures.p95 || figures.p99;
  });
  if (!any && stats.requests.completed != 0) {
    run.notes.push_back(printable(run.where) + ": no latency in it is read.");
  }
  const std::vector<InvalidReason> marks = stats.invalid_reasons;
  const auto most = held_at_most(run, stats);
  const bool achieved_by_requests = stats.achieved_concurrency.has_value();
  const auto achieved = achieved_by_requests ? stats.achieved_concurrency : run.mean_in_flight;
  ValidityInput rules = rules_for(at_concurrency(run.concurrency), stats);
  rules.interrupted = run.interrupted;
  if (most && !achieved_by_requests) {
    stats.achieved_concurrency = std::min<double>(*most, run.concurrency);
  }
  judge_run(stats, rules);
  stats.achieved_concurrency = achieved;
  if (most && *most < run.concurrency * (1 - kConcurrencyTolerance)) {
    run.notes.push_back(fmt::format("{}: the concurrency was not held ({}).", printable(run.where),
                                    why_not_held(run, stats, *most)));
  }
  for (const InvalidReason reason : marks) {
    auto& reasons = stats.invalid_reasons;
    if (std::find(reasons.begin(), reasons.end(), reason) == reasons.end()) {
      reasons.push_back(reason);
    }
  }
  std::sort(stats.invalid_reasons.begin(), stats.invalid_reasons.end());
  stats.valid = stats.invalid_reasons.empty() && !run.marked_invalid;
}

void judge(LevelStats& level) {
  const bool valid = level.pooled.valid;
  judge_level(level, rules_for(level.point, level.pooled));
  level.pooled.valid = level.pooled.valid && valid;
}

}  // namespace llmsweep::foreign
