#include "llmsweep/stats/validity.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "llmsweep/model/quantity.h"
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

double delay_limit_ms(const RunStats& run) {
  return std::max(kDelayLimitMs, kDelayLimitOfE2e * run.e2e.p50.value_or(0));
}

bool off_by_more(std::optional<double> share, double tolerance) {
  return share.value_or(0) > tolerance;
}

// They have an E2E and no TTFT.
double buffered_share(const RunStats& run) {
  if (run.e2e.count == 0) return 0;
  return 1 - static_cast<double>(run.ttft.count) / static_cast<double>(run.e2e.count);
}

void find_reasons(RunStats& run, const ValidityInput& input) {
  Findings findings(run);
  const ClientHealth& client = run.client;
  const bool closed = input.point.is_closed();
  const int concurrency = input.point.concurrency();
  const double limit_ms = delay_limit_ms(run);
  findings.invalid_if(client.busy_fraction > kBusyLimit, InvalidReason::kClientBusy);
  findings.invalid_if(client.receive_delay_p99_ms > limit_ms, InvalidReason::kClientDelay);
  findings.invalid_if(!closed && client.send_lateness_p99_ms > limit_ms,
                      InvalidReason::kSendLateness);
  findings.invalid_if(closed && client.slot_gap_p99_ms > limit_ms, InvalidReason::kSlotGap);
  if (concurrency > 0 && run.achieved_concurrency) {
    const double off = std::abs(*run.achieved_concurrency / concurrency - 1);
    findings.invalid_if(off > kConcurrencyTolerance, InvalidReason::kConcurrencyOff);
  }
  findings.invalid_if(off_by_more(run.output_tokens_off, kTokenTolerance),
                      InvalidReason::kOutputTokensOff);
  findings.invalid_if(off_by_more(run.input_tokens_off, kTokenTolerance),
                      InvalidReason::kInputTokensOff);
  const auto measured = static_cast<double>(run.requests.completed + run.requests.failed);
  findings.invalid_if(static_cast<double>(run.requests.failed) > input.max_error_rate * measured,
                      InvalidReason::kErrors);
  findings.invalid_if(run.e2e.count == 0, InvalidReason::kTooFewRequests);
  findings.invalid_if(input.interrupted, InvalidReason::kInterrupted);
}

void find_warnings(RunStats& run, const ValidityInput& input) {
  Findings findings(run);
  const ClientHealth& client = run.client;
  findings.warn_if(kBusyWarning < client.busy_fraction && client.busy_fraction <= kBusyLimit,
                   Warning::kClientBusy);
  findings.warn_if(client.stalls > 0, Warning::kHostStall);
  findings.warn_if(client.reconnects > 0, Warning::kReconnects);
  findings.warn_if(run.token_count_estimated, Warning::kTokenCountEstimated);
  findings.warn_if(run.requests.completed > 0 && run.input_tokens_mean == 0,
                   Warning::kInputUnverified);
  findings.warn_if(run.cached_tokens_mean > kCachedTokensWarning * run.input_tokens_mean ||
                       input.streams.cached_share > kCachedTokensWarning,
                   Warning::kCachedTokens);
  const bool buffered = buffered_share(run) > kBufferedWarning;
  findings.warn_if(buffered, Warning::kBuffered);
  findings.warn_if(!buffered && client.coalesced_fraction >= kCoalescedWarning,
                   Warning::kCoalesced);
  findings.warn_if(input.streams.other_model, Warning::kOtherModel);
  findings.warn_if(input.streams.repaired_chunks, Warning::kRepairedChunks);
  findings.warn_if(input.streams.slots_held, Warning::kSlotsHeld);
  findings.warn_if(input.point.is_closed() && input.streams.tail_p50_ms > delay_limit_ms(run),
                   Warning::kResponseTail);
  findings.warn_if(input.prompts_reused, Warning::kPromptsReused);
  findings.warn_if(off_by_more(run.littles_law_error, kLittlesLawWarning), Warning::kLittlesLaw);
  findings.warn_if(input.receive_stamps_wanted && !client.receive_stamps,
                   Warning::kNoReceiveStamps);
  findings.warn_if(input.retry_after_cut, Warning::kRetryAfterCut);
  findings.warn_if(!input.fillers, Warning::kWithDrain);
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
  find_reasons(run, input);
  find_warnings(run, input);
  run.valid = run.invalid_reasons.empty();
}

void judge_level(LevelStats& level, const ValidityInput& input) {
  RunStats& pooled = level.pooled;
  Findings findings(pooled);
  for (const Target& target : input.targets) {
    const bool enough =
        distribution_of(pooled, target.metric).count >= samples_needed(target.statistic);
    findings.invalid_if(!enough, InvalidReason::kTooFewRequests);
  }
  findings.invalid_if(pooled.e2e.count == 0, InvalidReason::kTooFewRequests);
  findings.warn_if(level.runs.size() < 2, Warning::kOneRepeat);
  pooled.valid = pooled.invalid_reasons.empty();
}

}  // namespace llmsweep
