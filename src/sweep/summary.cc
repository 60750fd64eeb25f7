#include "sweep/summary.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "llmsweep/base/error.h"
#include "llmsweep/base/regular_file.h"
#include "llmsweep/model/describe.h"
#include "llmsweep/protocol/api.h"
#include "llmsweep/results/record_file.h"
#include "llmsweep/results/telemetry_file.h"
#include "llmsweep/schedule/schedule.h"
#include "llmsweep/stats/cost.h"
#include "llmsweep/stats/level_stats.h"
#include "llmsweep/stats/search.h"
#include "llmsweep/stats/server_findings.h"
#include "llmsweep/stats/users_at_target.h"
#include "llmsweep/stats/validity.h"
#include "llmsweep/stats/whole_load.h"
#include "llmsweep/telemetry/node_energy.h"
#include "llmsweep/telemetry/run_telemetry.h"
#include "llmsweep/telemetry/scrape_influence.h"

namespace llmsweep {
namespace {

bool retry_after_cut(const LoadSpec& load, std::span<const RequestRecord> records) {
  const auto limit_ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(load.retry_after_max).count();
  return load.retry_after == RetryAfter::kHold &&
         std::any_of(records.begin(), records.end(), [&](const RequestRecord& record) {
           return record.retry_after_ms.value_or(0) > limit_ms;
         });
}

// A tokenizer counts the prompts; without one they are cut by the bytes that a token has on
// average.
std::optional<double> estimated_input_tokens(const SweepSpec& spec) {
  const WorkloadSpec& workload = spec.workload;
  if (spec.load.trace.wanted()) return std::nullopt;  // of all its requests, not of a window's
  const bool total = workload.input_scope == InputScope::kTotal;
  if (!workload.tokenizer.empty() || !workload.input_tokens || !total) return std::nullopt;
  if (workload.sessions.wanted()) return std::nullopt;  // later prompts are longer
  if (workload.images.wanted()) return std::nullopt;    // which the server counts with the text
  return mean_tokens(*workload.input_tokens);
}

// What tables hold the server's count against: an estimate, or what is cut into several texts, to
// each of which a server may add its own.
std::optional<double> asked_input_tokens(const SweepSpec& spec) {
  const WorkloadSpec& workload = spec.workload;
  const bool cut = !counts_exactly(spec.endpoint.api, workload) && !workload.images.wanted();
  if (!cut || !workload.input_tokens) return estimated_input_tokens(spec);
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

std::optional<double> output_if_about(const SweepSpec& spec) {
  const WorkloadSpec& workload = spec.workload;
  const bool exact = workload.output_lengths == Lengths::kExact;
  if (exact || spec.load.trace.wanted()) return std::nullopt;
  const double mean = mean_tokens(workload.output_tokens);
  return mean > 0 ? std::optional(mean) : std::nullopt;
}

// Absent where a run was not started on the clock of the first: a sweep resumed after a boot.
std::optional<double> seconds_since(const RunEntry& first, const RunEntry& run) {
  if (first.started_ns <= 0 || run.started_ns < first.started_ns) return std::nullopt;
  return static_cast<double>(run.started_ns - first.started_ns) / 1e9;
}

std::optional<OpenInput> open_input(const LoadSpec& load, const RunEntry& run) {
  if (!run.open || run.id.point.is_closed()) return std::nullopt;
  return OpenInput{.run = *run.open,
                   .window = open_window(load),
                   .rate_rps = run.id.point.value,
                   .arrival_cv = gap_cv(load.arrivals),
                   .recorded = run.id.point.kind == LoadKind::kTrace,
                   .closed_sessions = load.trace.sessions == TraceSessions::kClosed,
                   .profile = load.profile,
                   .profile_from = load.warmup};
}

std::optional<SessionInput> session_input(const LoadSpec& load, const RunEntry& run) {
  if (!run.open || run.id.point.kind != LoadKind::kUsers) return std::nullopt;
  return SessionInput{.start_ns = run.open->start_ns, .window = open_window(load)};
}

bool requires_energy(const SweepSpec& spec) {
  return std::find(spec.require.begin(), spec.require.end(), Requirement::kEnergy) !=
         spec.require.end();
}

// ---- Several clients.

bool any_lost(const RunEntry& run) {
  return std::any_of(run.clients.begin(), run.clients.end(),
                     [](const ClientOfRun& client) { return !client.lost.empty(); });
}

// Between two clients' clocks, at most; absent: nobody knows.
std::optional<double> clock_bound_ms(const RunEntry& run) {
  std::vector<double> bounds = {0, 0};
  for (const ClientOfRun& client : run.clients) {
    if (!client.clock_bound_ms) return std::nullopt;
    bounds.push_back(*client.clock_bound_ms);
  }
  std::sort(bounds.rbegin(), bounds.rend());  // each against the clock of client 0
  return bounds[0] + bounds[1];
}

bool load_was_whole(const RunEntry& run, std::span<const RequestRecord> records) {
  if (run.clients.size() < 2) return true;
  const Duration uncertain = from_ms(clock_bound_ms(run).value_or(0));
  return run.id.point.is_closed() ? slots_were_busy(records, run.id.point.slots(), uncertain)
                                  : arrivals_were_sent(records, uncertain);
}

void judge(RunStats& stats, const SweepSpec& spec, const RunEntry& run,
           std::span<const RequestRecord> records) {
  std::vector<ClientShare> shares;
  if (!stats.is_overloaded()) shares = client_shares(records, run.id.point.origin());
  judge_run(stats, {.point = run.id.point,
                    .max_error_rate = spec.load.max_error_rate,
                    .targets = spec.targets,
                    .goodput = spec.goodput,
                    .shares = shares,
                    .estimated_input_tokens = estimated_input_tokens(spec),
                    .generates = traits_of(spec.endpoint.api).generates,
                    .output_is_exact = spec.workload.output_lengths == Lengths::kExact,
                    .lengths_are_exact = spec.workload.input_lengths == Lengths::kExact,
                    .measure_for = spec.load.duration,
                    .fillers = spec.load.fillers,
                    .interrupted = run.interrupted,
                    .prompts_reused = spec.workload.reuse == Reuse::kAllow,
                    .receive_stamps_wanted = spec.client.receive_stamps,
                    .retry_after_cut = retry_after_cut(spec.load, records),
                    .energy_required = requires_energy(spec),
                    .one_part = run.clocks && run.clients.empty(),
                    .client_lost = any_lost(run),
                    .clock_unproved =
                        clock_bound_ms(run).value_or(2 * kMaxClockBoundMs) > kMaxClockBoundMs,
                    .load_was_whole = load_was_whole(run, records),
                    .streams = stream_findings(records, spec.load.retry_after)});
}

// Between chunks, of the requests among which the pages of the window were read.
Histogram gaps_beside_warmup(std::span<const RequestRecord> records) {
  Histogram gaps;
  for (const RequestRecord& record : records) {
    if (record.phase != Phase::kWarmup) gaps.merge(record.icl);
  }
  return gaps;
}

// From the first measured request until the last one has ended. The journal has the run's begin by
// both clocks; the kernel slews them alike while it lasts.
void add_node_energy(RunStats& stats, const PowerSpec& power, const RunEntry& run,
                     std::span<const RequestRecord> records, std::span<const PowerReading> meter) {
  const std::optional<Duration> started = parse_utc_timestamp(run.started_at);
  std::optional<Instant> from;
  std::optional<Instant> to;
  for (const RequestRecord& record : records) {
    if (record.phase != Phase::kMeasured || !record.sent || !record.end) continue;
    from = std::min(from.value_or(*record.sent), *record.sent);
    to = std::max(to.value_or(*record.end), *record.end);
  }
  if (!started || run.started_ns <= 0 || !from) return;
  const Duration to_utc = *started - Duration(run.started_ns);
  EnergyReading energy = node_energy(meter, Duration(to_ns(*from)) + to_utc,
                                     Duration(to_ns(*to)) + to_utc, power.node_error);
  if (!stats.telemetry) stats.telemetry.emplace();
  const std::optional<ForeignTraffic>& foreign = stats.telemetry->foreign;
  if (energy.missing.empty() && foreign && foreign->found) energy.missing = "foreign_traffic";
  if (energy.missing.empty() && power.node_source.empty()) energy.missing = "source_not_stated";
  stats.telemetry->energy.push_back(std::move(energy));
}

RunStats summarise_run(const SweepSpec& spec, const RunEntry& run, const LevelContext& level,
                       std::optional<double> started_s, const std::vector<RequestRecord>& records,
                       const RunFiles& files) {
  const std::vector<PageRead> pages = files.pages(run);
  RunStats stats = run_stats({.records = records,
                              .repeat = run.id.repeat,
                              .level = level,
                              .client = run.client,
                              .open = open_input(spec.load, run),
                              .sessions = session_input(spec.load, run)});
  stats.started_s = started_s;
  stats.clients = run.clients;
  const bool confirms = spec.load.refine || spec.load.search.wanted();
  stats.confirming = confirms && run.id.repeat >= spec.load.repeats;
  if (!pages.empty()) {
    stats.telemetry = summarise_telemetry(pages, spec.system.gpus);
    stats.telemetry->influence = scrape_influence(pages, gaps_beside_warmup(records));
  }
  if (std::optional<AnswerTimes> times = answer_times(records)) {
    if (!stats.telemetry) stats.telemetry.emplace();
    stats.telemetry->answers = times;
  }
  if (!files.meter.empty()) add_node_energy(stats, spec.system.power, run, records, files.meter);
  fill_costs(stats, spec.system, spec.endpoint.prices);
  judge(stats, spec, run, records);
  return stats;
}

LevelContext context_of(const SweepSpec& spec, LoadPoint point) {
  return {.point = point,
          .gpus = spec.system.gpus,
          .fillers = spec.load.fillers,
          .goodput = spec.goodput,
          .inputs = inputs_of(spec.endpoint.api, spec.workload)};
}

// ---- The steps of a profile.

// A run whose records are in memory, in one list with those of the others.
struct LoadedRun {
  const RunEntry* entry = nullptr;
  size_t begin = 0;
  size_t end = 0;
};

// Where the whole run was ended, so were the steps that it had not measured yet.
Overload overload_of_step(const OpenRun& run, std::span<const RequestRecord> records) {
  const bool cut = std::any_of(records.begin(), records.end(), [](const RequestRecord& record) {
    return record.phase == Phase::kMeasured && record.outcome == Outcome::kCancelled;
  });
  const bool any = std::any_of(records.begin(), records.end(), [](const RequestRecord& record) {
    return record.phase == Phase::kMeasured;
  });
  return cut || !any ? run.overload : Overload::kNone;
}

// Measured is what is scheduled in the window.
void set_phases(std::span<RequestRecord> records, Instant start, const OpenWindow& window) {
  for (RequestRecord& record : records) {
    const Duration at = record.scheduled - start;
    record.phase = at < window.from ? Phase::kWarmup
                   : at < window.to ? Phase::kMeasured
                                    : Phase::kFiller;
  }
}

struct StepWindow {
  OpenWindow window;
  double rate_rps = 0;  // the mean

  bool is_pause() const { return rate_rps <= 0; }  // nothing comes that could be judged
};

RunStats summarise_step_of_run(const SweepSpec& spec, const RunEntry& run,
                               const LevelContext& level, const StepWindow& step,
                               std::span<RequestRecord> records) {
  OpenInput open = *open_input(spec.load, run);
  const OpenWindow& window = step.window;
  set_phases(records, from_ns(open.run.start_ns), window);
  open.window = window;
  open.rate_rps = step.rate_rps;
  open.begins = window.from;
  open.run.overload = overload_of_step(open.run, records);
  RunStats stats = run_stats({.records = records,
                              .repeat = run.id.repeat,
                              .level = level,
                              .client = run.client,
                              .open = open});
  if (!step.is_pause()) judge(stats, spec, run, records);
  return stats;
}

// Each as a level of its own, of the same name. Leaves `records` with the phases of the last.
std::vector<ProfileStep> summarise_steps(const SweepSpec& spec, const LevelContext& context,
                                         const std::vector<LoadedRun>& runs,
                                         std::span<RequestRecord> records) {
  std::vector<ProfileStep> steps;
  StepWindow step{.window = open_window(spec.load)};
  const Duration begin = step.window.from;
  for (const RateStep& asked : spec.load.profile) {
    step.window.to = step.window.from + asked.length;
    step.rate_rps = arrivals_of(asked) / to_seconds(asked.length);
    std::vector<RunStats> stats;
    for (const LoadedRun& run : runs) {
      stats.push_back(summarise_step_of_run(spec, *run.entry, context, step,
                                            records.subspan(run.begin, run.end - run.begin)));
    }
    LevelStats level = pool_runs(context, std::move(stats), records);
    std::vector<ClientShare> shares;
    if (!level.pooled.is_overloaded()) shares = client_shares(records, context.point.origin());
    const ValidityInput input{.point = context.point, .targets = {}, .shares = shares};
    if (!step.is_pause()) judge_level(level, input);
    steps.push_back({.from_s = to_seconds(step.window.from - begin),
                     .to_s = to_seconds(step.window.to - begin),
                     .rate_from = asked.from,
                     .rate_to = asked.to,
                     .level = std::move(level)});
    step.window.from = step.window.to;
  }
  return steps;
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
      if (to_ns(record->scheduled) < run.started_ns) {
        fail(requests, run, "a record was scheduled before the run began: it is another sweep's");
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

RunPages pages_in(const std::filesystem::path& telemetry) {
  return [telemetry](const RunEntry& run) {
    return there_is(telemetry) ? read_pages(telemetry, run.pages) : std::vector<PageRead>();
  };
}

LevelSummary summarise_level(const SweepSpec& spec, LoadPoint point,
                             const std::vector<RunEntry>& runs, const RunFiles& files) {
  const LevelContext context = context_of(spec, point);
  std::vector<RunStats> stats;
  std::vector<LoadedRun> loaded;
  std::vector<RequestRecord> all;
  for (const RunEntry& run : runs) {
    if (run.id.point != point || !run.ended) continue;
    std::vector<RequestRecord> of_run = files.records(run);
    stats.push_back(
        summarise_run(spec, run, context, seconds_since(runs.front(), run), of_run, files));
    loaded.push_back({&run, all.size(), all.size() + of_run.size()});
    std::move(of_run.begin(), of_run.end(), std::back_inserter(all));
  }
  choose_gpu_energy(stats);
  LevelSummary summary{.level = pool_runs(context, std::move(stats), all)};
  LevelStats& level = summary.level;
  std::vector<ClientShare> shares;
  if (!level.pooled.is_overloaded()) shares = client_shares(all, point.origin());
  judge_level(level,
              {.point = point, .targets = spec.targets, .goodput = spec.goodput, .shares = shares});
  if (point.kind == LoadKind::kProfile)
    summary.profile = summarise_steps(spec, context, loaded, all);
  return summary;
}

void put_level(SweepResult& result, const SweepSpec& spec, LevelSummary summary) {
  LevelStats& level = summary.level;
  result.profile = std::move(summary.profile);
  const auto at = std::lower_bound(
      result.levels.begin(), result.levels.end(), level.point,
      [](const LevelStats& present, LoadPoint point) { return present.point < point; });
  if (at != result.levels.end() && at->point == level.point) {
    *at = std::move(level);
  } else {
    result.levels.insert(at, std::move(level));
  }
  result.workload.input_tokens_counted =
      counted_where_off(result, &RunStats::input_tokens_mean, asked_input_tokens(spec));
  result.workload.output_tokens_counted =
      counted_where_off(result, &RunStats::output_tokens_mean, output_if_about(spec));
  result.users_at_target.clear();
  result.rates_at_target.clear();
  const int gpus = spec.system.gpus;
  const SearchSpec& search = spec.load.search;
  const double alpha = search.wanted() ? 1 - search.confidence : kConfirmError;
  for (const Target& target : spec.targets) {
    // One level, or levels of traffic that is not even: no most that keeps it.
    if (!spec.load.profile.empty() || spec.load.trace.wanted()) break;
    if (spec.load.is_open()) {
      result.rates_at_target.push_back(rate_at_target(result.levels, target, gpus, alpha));
    } else {
      result.users_at_target.push_back(users_at_target(result.levels, target, gpus, alpha));
    }
  }
  result.system.power = spec.system.power;  // which a resume may state otherwise, as the prices
  result.prices.reset();
  if (spec.endpoint.prices.stated()) result.prices = spec.endpoint.prices;
  fill_operating_points(result);
  if (search.wanted()) {
    const bool stopped = !result.stopped_for.empty();
    result.search = describe_search(result.levels, spec.targets.front(), search, stopped);
  }
}

}  // namespace llmsweep
