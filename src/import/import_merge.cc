#include "import/import_merge.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>

#include "llmsweep/base/error.h"
#include "llmsweep/base/text.h"
#include "llmsweep/model/describe.h"
#include "llmsweep/model/quantity.h"
#include "llmsweep/results/stated_system.h"
#include "llmsweep/stats/intervals.h"
#include "llmsweep/stats/level_stats.h"

namespace llmsweep::foreign {
namespace {

constexpr double kSameLengths = 0.05;  // mean tokens of files of one sweep

template <class T>
void add_once(std::vector<T>& list, T value) {
  if (std::find(list.begin(), list.end(), value) == list.end()) list.push_back(std::move(value));
}

double mean_or_zero(const std::optional<TokenCount>& count) {
  return count ? mean_tokens(*count) : 0;
}

[[noreturn]] void refuse(const Run& a, const Run& b, const std::string& what) {
  throw Error({.what = fmt::format("{} differs from {}: {}", b.where, a.where, what),
               .where = {},
               .next = "give the files of one sweep; compare sweeps with 'llmsweep compare'"});
}

void check_same_text(const Run& a, const Run& b, const char* what, const std::string& of_a,
                     const std::string& of_b) {
  if (of_a.empty() || of_b.empty() || of_a == of_b) return;
  refuse(a, b, fmt::format("{} {} and {}", what, printable(of_a), printable(of_b)));
}

void check_same_lengths(const Run& a, const Run& b, const char* what, double of_a, double of_b) {
  if (of_a <= 0 || of_b <= 0 || std::abs(of_b / of_a - 1) <= kSameLengths) return;
  refuse(a, b, fmt::format("{:.0f} and {:.0f} {} tokens on average", of_a, of_b, what));
}

void check_one_sweep(const std::vector<Run>& runs) {
  const Run& first = runs.front();
  for (const Run& run : runs) {
    check_same_text(first, run, "the tools are", first.tool, run.tool);
    check_same_text(first, run, "the models are", first.model, run.model);
    check_same_text(first, run, "the accelerators are", first.system.accelerator,
                    run.system.accelerator);
    check_same_text(first, run, "the precisions are", first.system.precision, run.system.precision);
    check_same_text(first, run, "the engines are", first.system.engine, run.system.engine);
    check_same_lengths(first, run, "input", mean_or_zero(first.input_tokens),
                       mean_or_zero(run.input_tokens));
    check_same_lengths(first, run, "output", mean_or_zero(first.output_tokens),
                       mean_or_zero(run.output_tokens));
    if (first.system.gpus > 0 && run.system.gpus > 0 && first.system.gpus != run.system.gpus) {
      refuse(first, run, fmt::format("{} and {} GPUs", first.system.gpus, run.system.gpus));
    }
  }
}

SystemSpec system_of(const std::vector<Run>& runs, const SystemSpec& stated) {
  SystemSpec system;
  for (auto run = runs.rbegin(); run != runs.rend(); ++run) {
    system = stated_over(run->system, system);
  }
  system = stated_over(stated, system);
  if (system.gpus < 1) {
    throw Error({.what = "no file says how many GPUs the system has",
                 .where = runs.front().where,
                 .next = "state it with --gpus N or --system SPEC"});
  }
  return system;
}

bool same_requests(const std::vector<Request>& a, const std::vector<Request>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Request& x, const Request& y) {
    return x.ok == y.ok && x.start_s == y.start_s && x.e2e_ms == y.e2e_ms &&
           x.ttft_ms == y.ttft_ms && x.output_tokens == y.output_tokens;
  });
}

void judge(RunStats& stats) {
  const double all = static_cast<double>(stats.requests.completed + stats.requests.failed);
  if (all > 0 && static_cast<double>(stats.requests.failed) / all > LoadSpec{}.max_error_rate) {
    stats.valid = false;
    add_once(stats.invalid_reasons, InvalidReason::kErrors);
  }
  if (has_drain(stats)) stats.warnings = {Warning::kWithDrain};
}

void fill_headline(RunStats& stats, int gpus) {
  stats.throughput_per_gpu_tps = headline_throughput_tps(stats) / gpus;
  const double e2e = stats.e2e.p50.value_or(0);
  if (e2e > 0) stats.throughput_per_latency = headline_throughput_tps(stats) / e2e;
}

std::vector<double> of_runs(const std::vector<RunStats>& runs,
                            const std::function<std::optional<double>(const RunStats&)>& figure) {
  std::vector<double> values;
  for (const RunStats& run : runs) {
    const auto value = figure(run);
    if (value && *value > 0) values.push_back(*value);
  }
  return values;
}

// Aggregates cannot be pooled: each figure is the geometric mean of the runs'.
Distribution mean_distribution(const std::vector<RunStats>& runs, Distribution RunStats::*member) {
  Distribution pooled;
  for (const RunStats& run : runs) pooled.count += (run.*member).count;
  for (const auto quantile : {&Distribution::p50, &Distribution::p90, &Distribution::p95,
                              &Distribution::p99, &Distribution::p999}) {
    const auto values = of_runs(runs, [&](const RunStats& run) { return run.*member.*quantile; });
    if (values.size() == runs.size()) pooled.*quantile = geometric_mean(values);
  }
  const auto means =
      of_runs(runs, [&](const RunStats& run) { return std::optional((run.*member).mean); });
  if (means.size() == runs.size()) pooled.mean = geometric_mean(means);
  if (!std::all_of(runs.begin(), runs.end(),
                   [member](const RunStats& run) { return (run.*member).knows_range(); })) {
    return pooled;
  }
  pooled.min = (runs.front().*member).min;
  for (const RunStats& run : runs) {
    pooled.max = std::max(pooled.max, (run.*member).max);
    pooled.min = std::min(pooled.min, (run.*member).min);
  }
  return pooled;
}

RunStats mean_of_runs(const std::vector<RunStats>& runs) {
  RunStats pooled = runs.front();
  for (const Quantity& quantity : quantities()) {
    if (quantity.distribution != nullptr) {
      pooled.*quantity.distribution = mean_distribution(runs, quantity.distribution);
    }
    if (quantity.number == nullptr || quantity.pooling != Pooling::kGeometricMean) continue;
    pooled.*quantity.number = geometric_mean(
        of_runs(runs, [&](const RunStats& run) { return stored_value(run, quantity); }));
  }
  const auto steady =
      of_runs(runs, [](const RunStats& run) { return run.steady_output_throughput_tps; });
  pooled.steady_output_throughput_tps.reset();
  if (steady.size() == runs.size()) pooled.steady_output_throughput_tps = geometric_mean(steady);
  pooled.requests = {};
  pooled.wall_seconds = 0;
  for (const RunStats& run : runs) {
    pooled.valid = pooled.valid && run.valid;
    for (const InvalidReason reason : run.invalid_reasons) add_once(pooled.invalid_reasons, reason);
    pooled.requests.completed += run.requests.completed;
    pooled.requests.failed += run.requests.failed;
    pooled.wall_seconds += run.wall_seconds;
  }
  return pooled;
}

RunStats pool(const std::vector<Run>& runs, const std::vector<RunStats>& stats, int gpus) {
  if (stats.size() == 1) return stats.front();
  std::vector<RequestRecord> records;
  for (const Run& run : runs) {
    const std::vector<RequestRecord> more = records_of(run);
    if (more.empty()) return mean_of_runs(stats);
    records.insert(records.end(), more.begin(), more.end());
  }
  const LevelContext level{
      .point = at_concurrency(runs.front().concurrency), .gpus = gpus, .fillers = false};
  return pool_runs(level, stats, records).pooled;
}

LevelStats level_of(const std::vector<Run>& runs, int gpus) {
  LevelStats level{.point = at_concurrency(runs.front().concurrency)};
  for (const Run& run : runs) {
    RunStats stats = run.stats;
    stats.repeat = static_cast<int>(level.runs.size());
    judge(stats);
    fill_headline(stats, gpus);
    level.runs.push_back(std::move(stats));
  }
  level.pooled = pool(runs, level.runs, gpus);
  judge(level.pooled);
  fill_headline(level.pooled, gpus);
  if (runs.size() == 1)
    level.pooled.warnings.insert(level.pooled.warnings.begin(), Warning::kOneRepeat);
  level.e2e_p50_between_runs_ci95 =
      log_student_interval(of_runs(level.runs, [](const RunStats& run) { return run.e2e.p50; }));
  level.throughput_between_runs_ci95 = log_student_interval(of_runs(
      level.runs, [](const RunStats& run) { return std::optional(headline_throughput_tps(run)); }));
  return level;
}

// A run whose every figure is another's is that run, read twice: from a copy beside it, or named
// twice. As a repeat it would make an interval of no width.
void drop_copies(std::vector<Run>& runs, std::vector<std::string>& notes) {
  std::vector<Run> kept;
  for (Run& run : runs) {
    const bool any = run.stats.requests.completed + run.stats.requests.failed > 0;
    const auto twin = std::find_if(kept.begin(), kept.end(), [&run](const Run& other) {
      return other.concurrency == run.concurrency && other.stats == run.stats &&
             same_requests(other.requests, run.requests);
    });
    if (any && twin != kept.end()) {
      add_once(notes, fmt::format("{} is the same run as {}: it counts once.", printable(run.where),
                                  printable(twin->where)));
    } else {
      kept.push_back(std::move(run));
    }
  }
  runs = std::move(kept);
}

}  // namespace

SweepResult merge(std::vector<Run> runs, const ImportOptions& options) {
  check_one_sweep(runs);
  SweepResult result{.tool = runs.front().tool, .source = Source::kImported};
  result.system = system_of(runs, options.system);
  std::map<int, std::vector<Run>> by_level;
  drop_copies(runs, result.provenance.notes);
  for (Run& run : runs) {
    if (run.concurrency < 1) run.concurrency = options.concurrency.value_or(0);
    if (run.concurrency < 1) {
      throw Error({.what = "the file does not say its concurrency",
                   .where = run.where,
                   .next = "state it with --concurrency N; open-loop runs have none and are not "
                           "imported"});
    }
    recompute(run);
    fill_derived(run);
    result.simulated |= run.simulated;
    if (result.model.empty()) result.model = run.model;
    if (result.created_at.empty()) result.created_at = run.created_at;
    if (result.workload.dataset.empty()) result.workload.dataset = run.dataset;
    if (!result.workload.input_tokens) result.workload.input_tokens = run.input_tokens;
    if (mean_tokens(result.workload.output_tokens) == 0 && run.output_tokens) {
      result.workload.output_tokens = *run.output_tokens;
    }
    add_once(result.provenance.notes,
             fmt::format("Level {} is from {}.", run.concurrency, printable(run.where)));
    by_level[run.concurrency].push_back(std::move(run));
  }
  for (const auto& [concurrency, of_level] : by_level) {
    for (const Run& run : of_level) {
      for (const std::string& note : run.notes) {
        add_once(result.provenance.notes, run.tool + ": " + note);
      }
    }
    result.levels.push_back(level_of(of_level, result.system.gpus));
  }
  return result;
}

}  // namespace llmsweep::foreign
