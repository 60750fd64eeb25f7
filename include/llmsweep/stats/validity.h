// May a run's numbers be believed? Every reason is one enumerator with a sentence and a remedy.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "llmsweep/model/level.h"
#include "llmsweep/model/load_point.h"
#include "llmsweep/model/quantity.h"
#include "llmsweep/model/record.h"
#include "llmsweep/model/spec.h"

namespace llmsweep {

// The limits of docs/metrics.md, "Is the level valid?". The client's share of a figure may be as
// large as a share of it or as a floor, whichever is more (docs/decisions/0009).
constexpr double kClientShare = 0.01;         // of E2E, TTFT, TTFO and TPOT
constexpr double kClientShareMs = 0.05;       // their floor
constexpr double kClientShareOfGaps = 0.05;   // of ITL and ICL
constexpr double kClientShareOfGapsMs = 0.1;  // their floor
constexpr double kGapsLeftOutLimit = 0.01;    // share of the gaps
constexpr double kSlotGapLimit = 0.01;        // of a slot's time
constexpr double kBusyLimit = 0.80;           // share of wall time, invalid above
constexpr double kBusyWarning = 0.30;         // warning above
constexpr double kDelayLimitMs = 1.0;         // of p99 of slot gap and send lateness: this …
constexpr double kDelayLimitOfE2e = 0.01;     // … or this share of the median E2E, if more
constexpr double kConcurrencyTolerance = 0.02;
constexpr double kRateTolerance = 0.02;        // sends in the window against the schedule
constexpr double kTokenTolerance = 0.01;       // output and input tokens against the plan
constexpr double kCachedTokensWarning = 0.01;  // share of the input tokens
constexpr double kPrefixLeakLimit = 0.01;      // of sessions, likewise
constexpr double kLittlesLawWarning = 0.05;
constexpr double kLittlesLawOfUsers = 0.02;  // this, or so many of its own standard deviations:
constexpr double kLawDeviations = 3;
constexpr double kBufferedWarning = 0.05;  // share of the answers
constexpr double kMaxClockBoundMs = 10;    // between the clocks of two clients
constexpr double kCoalescedWarning = 0.5;  // share of the chunks

// What the answers of all phases say, beside the statistics of the measured ones.
struct StreamFindings {
  bool other_model = false;      // one named another model
  bool repaired_chunks = false;  // one had chunks that were no JSON by the standard
  bool slots_held = false;       // slots waited as a Retry-After said
  double cached_share = 0;       // of the input tokens
  double tail_p50_ms = 0;        // from the last chunk with a choice to the end of the transfer
};
StreamFindings stream_findings(std::span<const RequestRecord> records, RetryAfter retry_after);

// A statistic twice: from our stamps, and from when the kernel had the tokens. The difference is
// the client's.
struct ClientShare {
  Measure measure;
  double ours_ms = 0;
  double kernels_ms = 0;

  bool too_large() const;
};
// Of E2E, TTFT, TTFO and TPOT of the completed measured requests, as many of them as have the
// kernel's arrivals of 95 % of the requests. O(n log n).
std::vector<ClientShare> client_shares(std::span<const RequestRecord> records,
                                       LatencyOrigin origin);

struct ValidityInput {
  LoadPoint point;  // whether slot gaps, send lateness and concurrency count
  double max_error_rate = LoadSpec{}.max_error_rate;
  // Whose figures decide whether the level is valid (without any: the median E2E), and must have
  // enough requests.
  std::span<const Target> targets;
  std::span<const Target> goodput = {};
  std::span<const ClientShare> shares = {};  // client_shares() of what is judged
  // What the spec asks for where no tokenizer could count it; absent: prompts of their own length.
  std::optional<double> estimated_input_tokens = {};
  bool generates = true;                     // the API does: answers have a first token
  bool output_is_exact = true;               // the spec's output_lengths
  bool lengths_are_exact = false;            // such lengths have to be what the spec asks for
  std::optional<Duration> measure_for = {};  // load.duration of a closed loop
  bool fillers = true;
  bool interrupted = false;
  bool prompts_reused = false;
  bool receive_stamps_wanted = true;
  bool retry_after_cut = false;  // slots were held for less than the server asked
  bool energy_required = false;  // by the spec's `require`
  bool one_part = false;         // of a run: the requests are those of one of several clients
  bool client_lost = false;      // of a run of several clients: one's part is not whole
  bool clock_unproved = false;   // likewise: one's clock is not known to kMaxClockBoundMs
  bool load_was_whole = true;    // likewise: it was, beside each measured request
  StreamFindings streams;
};

// Fills valid, invalid_reasons, validity and warnings of one run, each at most once, in declaration
// order. Needs at least one completed request; what the targets' statistics need is judge_level's.
void judge_run(RunStats& run, const ValidityInput& input);
// After pool_runs: adds what only the pooled level shows (too few requests for a target's
// statistic, a single repeat, the client's share of a figure that no run has) to `pooled`.
// Idempotent.
void judge_level(LevelStats& level, const ValidityInput& input);

// Whether a reason of the level's is one against this figure of it. A client's delay and gaps left
// out are reasons against the figures that `validity` names (against all where it names none: older
// files); too few requests, against statistics that need more, unless a run has none at all; both
// errors and too few requests, not against the error rate. Any other is a reason against all.
bool speaks_against(InvalidReason reason, const LevelStats& level, const Measure& measure);
// Whether the figure can be judged by: it is sound, and no reason of the level's speaks against it.
bool can_be_judged(const LevelStats& level, const Measure& measure);

std::string_view sentence(InvalidReason reason);  // "The client's event loops were busy over …"
std::string_view remedy(InvalidReason reason);    // "Give the client more threads or …"
std::string_view sentence(Warning warning);
// The metric whose figures the warning says are marked for the client's delay ("Figures of TTFT are
// marked …"); absent: of another kind.
std::optional<Metric> marked_metric(Warning warning);
std::string_view remedy(Warning warning);

}  // namespace llmsweep
