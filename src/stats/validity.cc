#include "llmsweep/stats/validity.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "llmsweep/model/names.h"
#include "llmsweep/model/quantity.h"
#include "llmsweep/model/target.h"
#include "llmsweep/stats/percentile.h"

namespace llmsweep {
namespace {

template <class Enum>
void add_once(std::vector<Enum>& values, Enum value) {
  const auto at = std::lower_bound(values.begin(), values.end(), value);
  if (at == values.end() || *at != value) values.insert(at, value);
}

// In declaration order, each once.
class Findings {
 public:
  explicit Findings(RunStats& stats) : stats_(stats) {}

  void invalid_if(bool condition, InvalidReason reason) {
    if (condition) add_once(stats_.invalid_reasons, reason);
  }
  void warn_if(bool condition, Warning warning) {
    if (condition) add_once(stats_.warnings, warning);
  }

 private:
  RunStats& stats_;
};

// Whether the client's delay was measured, and by a version that knows the arrivals of tokens.
bool is_accounted(const ClientHealth& client) {
  return client.receive_samples > 0 && client.receive_delay_mean_ms.has_value();
}

// Fills RunStats::validity.
class Figures {
 public:
  Figures(RunStats& stats, const ValidityInput& input) : stats_(stats), input_(input) {}

  void doubt(const Measure& measure, InvalidReason reason) {
    add_once(stats_.validity[validity_key(measure)], reason);
  }
  void doubt_latencies() {
    for (const ClientShare& share : input_.shares) {
      if (share.too_large()) doubt(share.measure, InvalidReason::kClientDelay);
    }
    for (const char* key : {"e2e", "ttft", "ttfo", "tpot"}) {
      const bool judged = std::any_of(
          input_.shares.begin(), input_.shares.end(),
          [key](const ClientShare& share) { return share.measure.quantity->key == key; });
      if (!judged) doubt_by_sample(key, kClientShare, kClientShareMs);
    }
  }
  void doubt_gaps() {
    for (const char* key : {"itl", "icl"}) {
      doubt_by_sample(key, kClientShareOfGaps, kClientShareOfGapsMs);
      const ClientHealth& client = stats_.client;
      const bool many = static_cast<double>(client.gaps_left_out) >
                        kGapsLeftOutLimit * static_cast<double>(client.gaps);
      if (many) doubt_all(key, InvalidReason::kGapsLeftOut);
    }
  }
  // What is made of figures that are in doubt.
  void doubt_derived() {
    copy("e2e", Statistic::kP50, {"output_speed", "throughput_per_latency"});
    copy("tpot", Statistic::kP50, {"decode_speed"});
    copy("e2e", Statistic::kMean,
         {"throughput", "steady_throughput", "output_throughput", "throughput_per_gpu",
          "total_throughput", "request_throughput", "inputs", "input_throughput",
          "throughput_per_latency", "cost", "total_cost", "node_energy", "provisioned_energy",
          "node_tps_per_mw", "provisioned_tps_per_mw"});
    for (const Target& target : input_.goodput) {
      for (const Statistic statistic : all_values<Statistic>()) {
        copy(quantity_of(target.metric).key, statistic, {"goodput", "goodput_rps"});
      }
    }
  }

 private:
  static double delay_ms(const ClientHealth& client, Statistic statistic) {
    switch (statistic) {
      case Statistic::kP50:
        return client.receive_delay_p50_ms;
      case Statistic::kP90:
        return client.receive_delay_p90_ms.value_or(client.receive_delay_p99_ms);
      case Statistic::kP95:
        return client.receive_delay_p95_ms.value_or(client.receive_delay_p99_ms);
      case Statistic::kP99:
        return client.receive_delay_p99_ms;
      case Statistic::kMean:
        return client.receive_delay_mean_ms.value_or(client.receive_delay_p50_ms);
    }
    return 0;
  }

  template <class Visit>
  void for_each_statistic(const char* key, const Visit& visit) const {
    Measure measure = measure_of(key);
    for (const Statistic statistic : all_values<Statistic>()) {
      measure.statistic = statistic;
      const auto figure = value_of(stats_, measure);
      if (figure) visit(measure, *figure);
    }
  }
  // By the delay of all reads at the same statistic: what a late last token, or one end of a gap,
  // may have made of it.
  void doubt_by_sample(const char* key, double limit, double floor_ms) {
    if (!is_accounted(stats_.client)) return;
    const bool per_token = measure_of(key).quantity->key == "tpot";
    const double tokens = per_token ? std::max(1.0, stats_.output_tokens_mean.value_or(0) - 1) : 1;
    for_each_statistic(key, [&](const Measure& measure, double figure_ms) {
      const double late_ms = delay_ms(stats_.client, measure.statistic) / tokens;
      if (late_ms > std::max(floor_ms, limit * figure_ms)) {
        doubt(measure, InvalidReason::kClientDelay);
      }
    });
  }
  void doubt_all(const char* key, InvalidReason reason) {
    for_each_statistic(key, [&](const Measure& measure, double) { doubt(measure, reason); });
  }
  void copy(std::string_view key, Statistic statistic,
            std::initializer_list<const char*> dependants) {
    Measure measure = measure_of(key);
    measure.statistic = statistic;
    const auto found = stats_.validity.find(validity_key(measure));
    if (found == stats_.validity.end()) return;
    const std::vector<InvalidReason> reasons = found->second;
    for (const char* dependant : dependants) {
      const Measure derived = measure_of(dependant);
      if (!value_of(stats_, derived)) continue;
      for (const InvalidReason reason : reasons) doubt(derived, reason);
    }
  }

  RunStats& stats_;
  const ValidityInput& input_;
};

// The figures that decide whether the level is valid.
std::vector<Measure> deciding(std::span<const Target> targets) {
  std::vector<Measure> measures;
  for (const Target& target : parts_of(targets)) measures.push_back(measure_of(target));
  if (measures.empty()) measures.push_back(measure_of("e2e"));
  return measures;
}

void take_over_doubts(RunStats& stats, std::span<const Target> targets) {
  Findings findings(stats);
  for (const Measure& measure : deciding(targets)) {
    const auto found = stats.validity.find(validity_key(measure));
    if (found == stats.validity.end()) continue;
    for (const InvalidReason reason : found->second) findings.invalid_if(true, reason);
  }
  for (const Warning warning : all_values<Warning>()) {
    const std::optional<Metric> metric = marked_metric(warning);
    if (!metric) continue;
    const std::string beginning = std::string(name_of(*metric)) + ":";
    for (const auto& [key, reasons] : stats.validity) {
      findings.warn_if(key.starts_with(beginning), warning);
    }
  }
  const bool moved = !stats.validity.empty() || !is_accounted(stats.client);
  findings.warn_if(stats.client.stalls > 0 && moved, Warning::kHostStall);
}

// The wait of slots between requests, in their throughput.
bool slots_wait(const RunStats& run, double limit_ms) {
  const ClientHealth& client = run.client;
  if (client.slot_gap_p99_ms <= limit_ms) return false;
  if (!client.slot_gap_mean_ms) return true;
  const double gap_ms = *client.slot_gap_mean_ms;
  return gap_ms > kSlotGapLimit * (run.e2e.mean.value_or(0) + gap_ms);
}

bool has_input(const RunStats& run) {
  return run.input_tokens_mean.value_or(0) > 0;
}

// Of the mean input, where the spec's lengths were estimates.
double estimate_off(const RunStats& run, const ValidityInput& input) {
  if (!input.estimated_input_tokens || !has_input(run)) return 0;
  return std::abs(*run.input_tokens_mean / *input.estimated_input_tokens - 1);
}

double delay_limit_ms(const RunStats& run) {
  const bool transient = run.is_overloaded() && run.open->transient_e2e;
  const Distribution& e2e = transient ? *run.open->transient_e2e : run.e2e;
  return std::max(kDelayLimitMs, kDelayLimitOfE2e * e2e.p50.value_or(0));
}

bool off_by_more(std::optional<double> share, double tolerance) {
  return share.value_or(0) > tolerance;
}

// They have an E2E and no TTFT.
double buffered_share(const RunStats& run) {
  if (run.e2e.empty() || !run.e2e.count || !run.ttft.count) return 0;
  return 1 - static_cast<double>(*run.ttft.count) / static_cast<double>(*run.e2e.count);
}

// Against the schedule, never against the nominal rate: of 1,000 Poisson arrivals that is off by
// 3 % by itself. At either edge of the window one may be late.
bool rate_is_off(const OpenLoad& open) {
  const auto off = static_cast<double>(std::abs(open.sent - open.scheduled));
  return off > std::max(1.0, kRateTolerance * static_cast<double>(open.scheduled));
}

// In flight when the run was interrupted, or ended as overloaded.
int64_t broken_off(const RunStats& run, const ValidityInput& input) {
  const bool overloaded = run.open && run.open->overload != Overload::kNone;
  const auto cancelled = run.requests.by_outcome.find(Outcome::kCancelled);
  const bool any = cancelled != run.requests.by_outcome.end();
  return any && (overloaded || input.interrupted) ? cancelled->second : 0;
}

void find_reasons(RunStats& run, const ValidityInput& input) {
  Findings findings(run);
  const ClientHealth& client = run.client;
  const bool closed = input.point.kind == LoadKind::kConcurrency;
  const int concurrency = input.point.concurrency();
  const double limit_ms = delay_limit_ms(run);
  findings.invalid_if(client.busy_fraction > kBusyLimit, InvalidReason::kClientBusy);
  // Of older files, by the rule of then.
  findings.invalid_if(!is_accounted(client) && client.receive_delay_p99_ms > limit_ms,
                      InvalidReason::kClientDelay);
  findings.invalid_if(!closed && client.send_lateness_p99_ms > limit_ms,
                      InvalidReason::kSendLateness);
  findings.invalid_if(closed && slots_wait(run, limit_ms), InvalidReason::kSlotGap);
  findings.invalid_if(run.open && rate_is_off(*run.open), InvalidReason::kRateOff);
  if (concurrency > 0 && run.achieved_concurrency) {
    const double off = std::abs(*run.achieved_concurrency / concurrency - 1);
    findings.invalid_if(off > kConcurrencyTolerance && !input.one_part,
                        InvalidReason::kConcurrencyOff);
  }
  findings.invalid_if(input.one_part, InvalidReason::kOnePart);
  findings.invalid_if(input.client_lost, InvalidReason::kClientLost);
  findings.invalid_if(input.clock_unproved, InvalidReason::kClockUnproved);
  findings.invalid_if(!input.load_was_whole,
                      closed ? InvalidReason::kConcurrencyOff : InvalidReason::kRateOff);
  // Slots that found nothing to send before the time was over.
  const bool ran_dry = input.measure_for && run.wall_seconds < (1 - kConcurrencyTolerance) *
                                                                   to_seconds(*input.measure_for);
  findings.invalid_if(ran_dry, InvalidReason::kConcurrencyOff);
  findings.invalid_if(input.output_is_exact && off_by_more(run.output_tokens_off, kTokenTolerance),
                      InvalidReason::kOutputTokensOff);
  findings.invalid_if(off_by_more(run.input_tokens_off, kTokenTolerance),
                      InvalidReason::kInputTokensOff);
  findings.invalid_if(input.lengths_are_exact && estimate_off(run, input) > kTokenTolerance,
                      InvalidReason::kInputTokensOff);
  const bool leaks = run.sessions && run.sessions->prefix;
  findings.invalid_if(leaks && run.sessions->prefix->leak() > kPrefixLeakLimit,
                      InvalidReason::kPrefixLeak);
  // What an interrupt or an overload broke off is no failure of the server.
  const int64_t ours = broken_off(run, input);
  const auto measured = static_cast<double>(run.requests.all().value_or(0) - ours);
  const auto failed = static_cast<double>(run.requests.failed.value_or(0) - ours);
  findings.invalid_if(failed > input.max_error_rate * measured, InvalidReason::kErrors);
  findings.invalid_if(run.e2e.empty() && !run.is_overloaded(), InvalidReason::kTooFewRequests);
  findings.invalid_if(input.energy_required && !run.gpu_j_per_output_token,
                      InvalidReason::kEnergyMissing);
  findings.invalid_if(input.interrupted, InvalidReason::kInterrupted);
}

// Share of the input. Of sessions what their own turns before had put there is expected, and what
// is beyond it has a reason of its own; a trace's prompts share what the trace's do.
double cached_beyond_the_plan(const RunStats& run, const ValidityInput& input) {
  if (run.sessions || input.point.kind == LoadKind::kTrace) return 0;
  const double input_tokens = run.input_tokens_mean.value_or(0);
  const double cached = run.cached_tokens_mean.value_or(0);
  return std::max(input_tokens > 0 ? cached / input_tokens : 0, input.streams.cached_share);
}

// Of users: what a window of that length is off by itself is no sign of anything.
double littles_law_limit(const RunStats& run) {
  if (!run.sessions || !run.sessions->law_noise) return kLittlesLawWarning;
  return std::max(kLittlesLawOfUsers, kLawDeviations * *run.sessions->law_noise);
}

void find_warnings(RunStats& run, const ValidityInput& input) {
  Findings findings(run);
  const ClientHealth& client = run.client;
  findings.warn_if(kBusyWarning < client.busy_fraction && client.busy_fraction <= kBusyLimit,
                   Warning::kClientBusy);
  findings.warn_if(client.reconnects > 0, Warning::kReconnects);
  findings.warn_if(run.token_count_estimated, Warning::kTokenCountEstimated);
  findings.warn_if(run.requests.completed > 0 && !has_input(run), Warning::kInputUnverified);
  findings.warn_if(!input.output_is_exact && off_by_more(run.output_tokens_off, kTokenTolerance),
                   Warning::kOutputOff);
  findings.warn_if(estimate_off(run, input) > kTokenTolerance, Warning::kInputEstimated);
  findings.warn_if(cached_beyond_the_plan(run, input) > kCachedTokensWarning,
                   Warning::kCachedTokens);
  const bool buffered = input.generates && buffered_share(run) > kBufferedWarning;
  findings.warn_if(buffered, Warning::kBuffered);
  findings.warn_if(!buffered && client.coalesced_fraction >= kCoalescedWarning,
                   Warning::kCoalesced);
  findings.warn_if(input.streams.other_model, Warning::kOtherModel);
  findings.warn_if(input.streams.repaired_chunks, Warning::kRepairedChunks);
  findings.warn_if(input.streams.slots_held, Warning::kSlotsHeld);
  findings.warn_if(
      input.point.kind == LoadKind::kConcurrency && input.streams.tail_p50_ms > delay_limit_ms(run),
      Warning::kResponseTail);
  findings.warn_if(input.prompts_reused, Warning::kPromptsReused);
  findings.warn_if(off_by_more(run.littles_law_error, littles_law_limit(run)),
                   Warning::kLittlesLaw);
  findings.warn_if(input.receive_stamps_wanted && !client.receive_stamps,
                   Warning::kNoReceiveStamps);
  findings.warn_if(input.retry_after_cut, Warning::kRetryAfterCut);
  findings.warn_if(!input.fillers, Warning::kWithDrain);
  findings.warn_if(run.telemetry && run.telemetry->foreign && run.telemetry->foreign->found,
                   Warning::kForeignTraffic);
}

bool names(const Validity& validity, InvalidReason reason) {
  return std::any_of(validity.begin(), validity.end(), [reason](const auto& figure) {
    const auto& [key, reasons] = figure;
    return std::find(reasons.begin(), reasons.end(), reason) != reasons.end();
  });
}

bool has_too_few(const LevelStats& level, const Measure& measure) {
  const auto is_empty = [](const RunStats& run) { return run.e2e.empty(); };
  if (is_empty(level.pooled) || std::any_of(level.runs.begin(), level.runs.end(), is_empty)) {
    return true;
  }
  const auto distribution = measure.quantity->distribution;
  return distribution != nullptr &&
         !(level.pooled.*distribution).has(samples_needed(measure.statistic));
}

}  // namespace

StreamFindings stream_findings(std::span<const RequestRecord> records, RetryAfter retry_after) {
  StreamFindings findings;
  double input = 0;
  double cached = 0;
  std::vector<double> tails_ms;
  for (const RequestRecord& record : records) {
    findings.other_model |= !record.other_model.empty();
    findings.repaired_chunks |= record.repaired_chunks > 0;
    findings.slots_held |=
        retry_after == RetryAfter::kHold && record.retry_after_ms.value_or(0) > 0;
    if (record.outcome != Outcome::kOk) continue;
    input += static_cast<double>(record.input_tokens.value_or(0));
    cached += static_cast<double>(record.cached_tokens.value_or(0));
    if (record.last_choice && record.end) {
      tails_ms.push_back(to_ms(*record.end - *record.last_choice));
    }
  }
  if (input > 0) findings.cached_share = cached / input;
  if (!tails_ms.empty()) findings.tail_p50_ms = percentile_of(std::move(tails_ms), 0.5);
  return findings;
}

void judge_run(RunStats& run, const ValidityInput& input) {
  run.invalid_reasons.clear();
  run.warnings.clear();
  run.validity.clear();
  find_reasons(run, input);
  find_warnings(run, input);
  Figures figures(run, input);
  figures.doubt_latencies();
  figures.doubt_gaps();
  figures.doubt_derived();
  take_over_doubts(run, input.targets);
  run.valid = run.invalid_reasons.empty();
}

void judge_level(LevelStats& level, const ValidityInput& input) {
  RunStats& pooled = level.pooled;
  Figures figures(pooled, input);
  for (const ClientShare& share : input.shares) {
    const bool of_a_run =
        std::any_of(level.runs.begin(), level.runs.end(),
                    [&](const RunStats& run) { return value_of(run, share.measure).has_value(); });
    if (!of_a_run && share.too_large()) figures.doubt(share.measure, InvalidReason::kClientDelay);
  }
  figures.doubt_derived();
  take_over_doubts(pooled, input.targets);
  Findings findings(pooled);
  for (const Target& target : parts_of(input.targets)) {
    const bool enough =
        pooled.is_overloaded() ||
        distribution_of(pooled, target.metric).has(samples_needed(target.statistic));
    findings.invalid_if(!enough, InvalidReason::kTooFewRequests);
  }
  findings.invalid_if(pooled.e2e.empty() && !pooled.is_overloaded(),
                      InvalidReason::kTooFewRequests);
  findings.warn_if(level.runs.size() < 2, Warning::kOneRepeat);
  pooled.valid = pooled.invalid_reasons.empty();
}

bool speaks_against(InvalidReason reason, const LevelStats& level, const Measure& measure) {
  const bool of_errors = measure == measure_of("error_rate");
  switch (reason) {
    case InvalidReason::kClientDelay:
    case InvalidReason::kGapsLeftOut:
      return !names(level.pooled.validity, reason) || !is_sound(level.pooled, measure);
    case InvalidReason::kErrors:
      return !of_errors;
    case InvalidReason::kTooFewRequests:
      return !of_errors && has_too_few(level, measure);
    case InvalidReason::kClientBusy:
    case InvalidReason::kSendLateness:
    case InvalidReason::kSlotGap:
    case InvalidReason::kConcurrencyOff:
    case InvalidReason::kRateOff:
    case InvalidReason::kOutputTokensOff:
    case InvalidReason::kInputTokensOff:
    case InvalidReason::kPrefixLeak:
    case InvalidReason::kEnergyMissing:
    case InvalidReason::kInterrupted:
    case InvalidReason::kOnePart:
    case InvalidReason::kClientLost:
    case InvalidReason::kClockUnproved:
      return true;
  }
  assert(false && "every reason speaks against something");
  return true;
}

bool can_be_judged(const LevelStats& level, const Measure& measure) {
  const std::vector<InvalidReason>& reasons = level.pooled.invalid_reasons;
  if (!is_sound(level.pooled, measure)) return false;
  if (level.pooled.valid || reasons.empty()) return level.pooled.valid;
  return std::none_of(reasons.begin(), reasons.end(),
                      [&](InvalidReason reason) { return speaks_against(reason, level, measure); });
}

}  // namespace llmsweep
