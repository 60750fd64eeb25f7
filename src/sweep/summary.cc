#include "sweep/summary.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <string>
#include <utility>

#include "llmsweep/base/error.h"
#include "llmsweep/model/describe.h"
#include "llmsweep/results/record_file.h"
#include "llmsweep/stats/level_stats.h"
#include "llmsweep/stats/users_at_target.h"
#include "llmsweep/stats/validity.h"

namespace llmsweep {
namespace {

bool retry_after_cut(const LoadSpec& load, const std::vector<RequestRecord>& records) {
  const auto limit_ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(load.retry_after_max).count();
  return load.retry_after == RetryAfter::kHold &&
         std::any_of(records.begin(), records.end(), [&](const RequestRecord& record) {
           return record.retry_after_ms.value_or(0) > limit_ms;
         });
}

// A tokenizer counts the prompts; without one they are cut by the bytes that a token has on
// average.
std::optional<double> estimated_input_tokens(const WorkloadSpec& workload) {
  const bool total = workload.input_scope == InputScope::kTotal;
  if (!workload.tokenizer.empty() || !workload.input_tokens || !total) return std::nullopt;
  return mean_tokens(*workload.input_tokens);
}

// The mean over all requests that completed, where it is not what was asked for.
std::optional<double> counted_where_off(const SweepResult& result,
                                        std::optional<double> RunStats::*mean_tokens_of,
                                        std::optional<double> asked) {
  double tokens = 0;
  double requests = 0;
  for (const LevelStats& level : result.levels) {
    const double mean = (level.pooled.*mean_tokens_of).value_or(0);
    if (mean == 0) continue;
    const auto completed = static_cast<double>(level.pooled.requests.completed.value_or(0));
    tokens += completed * mean;
    requests += completed;
  }
  if (!asked || requests == 0) return std::nullopt;
  const double mean = tokens / requests;
  if (std::abs(mean / *asked - 1) <= kTokenTolerance) return std::nullopt;
  return mean;
}

std::optional<double> output_if_about(const WorkloadSpec& workload) {
  if (workload.output_lengths == Lengths::kExact) return std::nullopt;
  return mean_tokens(workload.output_tokens);
}

// Absent where a run was not started on the clock of the first: a sweep resumed after a boot.
std::optional<double> seconds_since(const RunEntry& first, const RunEntry& run) {
  if (first.started_ns <= 0 || run.started_ns < first.started_ns) return std::nullopt;
  return static_cast<double>(run.started_ns - first.started_ns) / 1e9;
}

RunStats summarise_run(const SweepSpec& spec, const RunEntry& run, const LevelContext& level,
                       std::optional<double> started_s, const std::vector<RequestRecord>& records) {
  RunStats stats = run_stats(
      {.records = records, .repeat = run.id.repeat, .level = level, .client = run.client});
  stats.started_s = started_s;
  stats.confirming = spec.load.refine && run.id.repeat >= spec.load.repeats;
  const std::vector<ClientShare> shares = client_shares(records, run.id.point.origin());
  judge_run(stats, {.point = run.id.point,
                    .max_error_rate = spec.load.max_error_rate,
                    .targets = spec.targets,
                    .goodput = spec.goodput,
                    .shares = shares,
                    .estimated_input_tokens = estimated_input_tokens(spec.workload),
                    .output_is_exact = spec.workload.output_lengths == Lengths::kExact,
                    .lengths_are_exact = spec.workload.input_lengths == Lengths::kExact,
                    .fillers = spec.load.fillers,
                    .interrupted = run.interrupted,
                    .prompts_reused = spec.workload.reuse == Reuse::kAllow,
                    .receive_stamps_wanted = spec.client.receive_stamps,
                    .retry_after_cut = retry_after_cut(spec.load, records),
                    .streams = stream_findings(records, spec.load.retry_after)});
  return stats;
}

[[noreturn]] void fail(const std::filesystem::path& requests, const RunEntry& run,
                       const std::string& what) {
  throw Error({.what = text_of(run.id) + ": " + what,
               .where = requests.string(),
               .next = "was it changed after the run? sweep.jsonl beside it says what it held"});
}

}  // namespace

RunRecords records_in(const std::filesystem::path& requests) {
  return [requests](const RunEntry& run) {
    std::vector<RequestRecord> records;
    records.reserve(static_cast<size_t>(run.records));
    RecordReader reader(requests, {.range = run.lines, .superseded = Superseded::kSkip});
    while (std::optional<RequestRecord> record = reader.next()) {
      if (record->run != run.id) {
        fail(requests, run, "a record of another run stands among its lines");
      }
      records.push_back(std::move(*record));
    }
    if (static_cast<int64_t>(records.size()) != run.records) {
      fail(requests, run,
           "has " + std::to_string(records.size()) + " records, " + std::to_string(run.records) +
               " were written");
    }
    std::sort(records.begin(), records.end(),
              [](const RequestRecord& a, const RequestRecord& b) { return a.index < b.index; });
    return records;
  };
}

LevelStats summarise_level(const SweepSpec& spec, LoadPoint point,
                           const std::vector<RunEntry>& runs, const RunRecords& records) {
  const LevelContext context{.point = point,
                             .gpus = spec.system.gpus,
                             .fillers = spec.load.fillers,
                             .goodput = spec.goodput};
  std::vector<RunStats> stats;
  std::vector<RequestRecord> all;
  for (const RunEntry& run : runs) {
    if (run.id.point != point || !run.ended) continue;
    std::vector<RequestRecord> of_run = records(run);
    stats.push_back(summarise_run(spec, run, context, seconds_since(runs.front(), run), of_run));
    std::move(of_run.begin(), of_run.end(), std::back_inserter(all));
  }
  LevelStats level = pool_runs(context, std::move(stats), all);
  const std::vector<ClientShare> shares = client_shares(all, point.origin());
  judge_level(level,
              {.point = point, .targets = spec.targets, .goodput = spec.goodput, .shares = shares});
  return level;
}

void put_level(SweepResult& result, const SweepSpec& spec, LevelStats level) {
  const auto at = std::lower_bound(
      result.levels.begin(), result.levels.end(), level.point,
      [](const LevelStats& present, LoadPoint point) { return present.point < point; });
  if (at != result.levels.end() && at->point == level.point) {
    *at = std::move(level);
  } else {
    result.levels.insert(at, std::move(level));
  }
  result.workload.input_tokens_counted = counted_where_off(result, &RunStats::input_tokens_mean,
                                                           estimated_input_tokens(spec.workload));
  result.workload.output_tokens_counted =
      counted_where_off(result, &RunStats::output_tokens_mean, output_if_about(spec.workload));
  result.users_at_target.clear();
  for (const Target& target : spec.targets) {
    result.users_at_target.push_back(users_at_target(result.levels, target, spec.system.gpus));
  }
}

}  // namespace llmsweep
