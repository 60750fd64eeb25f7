// Two sweeps side by side: may they be compared, and what differs. Data only; report/ renders it.
//
// The rows that are shown, levels × figures and those over the whole sweep, are one family: a
// difference is called better or worse only where it survives Holm's correction over all of them
// and its interval, which is not corrected, does not lie wholly below `min_effect`. A workload that
// differs is refused (Error) unless its field is allowed by name; what a comparison is usually
// about (accelerator, precision, GPUs) is shown.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "llmsweep/model/quantity.h"
#include "llmsweep/model/result.h"
#include "llmsweep/stats/compare_stats.h"
#include "llmsweep/stats/drift.h"

namespace llmsweep {

struct ComparisonOptions {
  std::vector<Target> targets;               // empty: those that either file names
  std::vector<std::string> allow_different;  // of comparable_fields(); a wrong name: Error
  double min_effect = 0.03;
  // Between two sessions of measurement, of each; counts where the results are of two (session_gap
  // in src/analysis/session.h). 0: their repeats tell all.
  double session_noise = 0.01;
  // Compared beside compared_measures(), and the ones that are shown and judged; empty:
  // compare_table_measures().
  std::vector<Measure> measures;
};

// The fields whose difference is refused, as --allow-different takes them: input_tokens,
// output_tokens, prompt_set, seed, streaming, token_counts, simulated, cached_input (over 5 % of
// the input).
const std::vector<std::string>& comparable_fields();

enum class FieldState {
  kSame,
  kDiffers,  // shown
  kUnlike,   // refused, or allowed by the options
  kUnknown,  // one of the files does not say
};

struct FieldReport {
  std::string field;
  std::string baseline;  // "unknown" where the file does not say
  std::string candidate;
  FieldState state = FieldState::kSame;
  bool of_requests = false;  // makes the requests unlike: named at the top where it differs
};

std::string_view name_of(FieldState state);  // same, differs, unlike, unknown
std::string_view name_of(Verdict verdict);   // better, worse, no_difference_shown, no_interval

// candidate ÷ baseline, of the levels' figures (stats/level_figure.h). With at least two runs on
// both sides the interval is Welch's, of two sides of `llmsweep versus` with three pairs Student's
// on the pairs; else there is none. An invalid level on either side has
// ratios and no verdict.
struct Ratio {
  double baseline = 0;
  double candidate = 0;
  double ratio = 0;
  std::optional<Interval> ci95;
  std::optional<Interval> within_sessions;  // without the noise between them; absent: it has none
  std::optional<double> p_adjusted;         // Holm's, over the family; absent: not in it
  // Absent: can_be_judged() in neither or one level, or runs lack it, or it is not in the family.
  std::optional<Verdict> verdict;
  bool sound = true;
  bool complete = true;   // no run of a side lacks it; else no verdict
  bool judgeable = true;  // complete, and can_be_judged() in both levels
  bool judged = false;    // in the family
  int levels = 1;         // that it is over
};

struct ComparedMeasure {
  Measure measure;
  std::optional<Ratio> ratio;  // absent: a side lacks it
};

struct LevelComparison {
  LoadPoint point;
  int baseline_repeats = 0;
  int candidate_repeats = 0;
  bool baseline_valid = true;
  bool candidate_valid = true;
  std::vector<ComparedMeasure> measures;  // compared_measures(), then those of the options
  bool with_drain = false;  // a side has no steady throughput: both sides' drained one is compared
  bool paired = false;      // an open loop's runs, with the same schedules on both sides

  const std::optional<Ratio>& ratio_of(const Measure& measure) const;  // absent: not compared
};

enum class RatioKind {
  kExact,
  kAtLeast,    // the candidate went beyond its sweep
  kAtMost,     // the baseline did
  kUndefined,  // both did, or one serves no user at the target
};

struct UsersComparison {
  Target target;
  UsersAtTarget baseline;
  UsersAtTarget candidate;
  RatioKind kind = RatioKind::kUndefined;
  std::optional<double> users_ratio;  // of the whole systems
  std::optional<double> per_gpu_ratio;
};

// The same of requests a second.
struct RateComparison {
  Target target;
  RateAtTarget baseline;
  RateAtTarget candidate;
  RatioKind kind = RatioKind::kUndefined;
  std::optional<double> rate_ratio;  // of the whole systems
  std::optional<double> per_gpu_ratio;
};

// Steady output throughput per GPU where both curves reach this median E2E latency: linear between
// neighbouring valid levels, inside both ranges only.
struct EqualLatency {
  double e2e_p50_ms = 0;
  double baseline_tps_per_gpu = 0;
  double candidate_tps_per_gpu = 0;
  double ratio = 0;
  // By Welch, of each repeat's own curve; absent where one does not reach the latency.
  std::optional<Interval> ci95;
};

struct QualityComparison {
  std::string benchmark;
  std::optional<double> baseline;
  std::optional<double> candidate;
};

std::string_view name_of(RatioKind kind);  // exact, at_least, at_most, undefined

// What a reader should take away; the text is report/'s.
enum class HeadlineKind { kUsersPerGpu, kRatePerGpu, kLatency, kThroughputPerGpu, kWeights };
struct Headline {
  HeadlineKind kind = HeadlineKind::kLatency;
  std::optional<Target> target;  // kUsersPerGpu, kRatePerGpu
  LoadPoint point;               // kLatency, kThroughputPerGpu: of the level, or the lowest
  LoadPoint last;                // the highest of them
  int levels = 1;                // over more than one: `ratio` is the mean over them
  std::optional<Interval> ci95;  // of candidate ÷ baseline
  bool per_gpu = true;           // of these: false where the GPUs of a side are not stated
  double baseline = 0;
  double candidate = 0;
  double ratio = 0;  // candidate ÷ baseline, except latency and weights: baseline ÷ candidate
  RatioKind ratio_kind = RatioKind::kExact;
  std::optional<Verdict> verdict;
};

// The rows that carry a verdict, and how many of them would look different by chance without the
// correction.
struct Family {
  int rows = 0;
  double by_chance() const { return 0.05 * rows; }
};

// Of two sides of `llmsweep versus`.
struct Pairs {
  int rounds = 0;
  int dropped = 0;             // pairs of which a run is not valid, or is missing
  std::optional<Drift> drift;  // of what both sides shared: their median E2E
};

struct Comparison {
  std::string baseline_name;
  std::string candidate_name;
  SystemSpec baseline_system;
  SystemSpec candidate_system;
  std::vector<FieldReport> fields;
  std::vector<std::string> notes;  // what a reader must know before any number
  // What differs between the two sides' servers, by their own figures, a sentence a level: it
  // explains and decides nothing.
  std::vector<std::string> server;
  double min_effect = 0.03;
  // Of the sessions, where they are two: why, and the noise that is in the intervals for it.
  std::string session_gap;
  double session_noise = 0;
  std::optional<Pairs> pairs;  // the intervals are paired ones; absent: Welch's
  std::vector<Measure> measures;
  std::vector<Measure> shown;           // of them: in the family
  std::vector<LevelComparison> levels;  // common ones, ascending
  // Of each measure over the levels that are valid on both sides and have it: the mean of their log
  // ratios. Those with fewer than two such levels are left out.
  std::vector<ComparedMeasure> sweep;
  std::vector<LoadPoint> sweep_levels;  // valid on both sides
  Family family;
  std::vector<LoadPoint> only_baseline;
  std::vector<LoadPoint> only_candidate;
  std::vector<UsersComparison> users;       // none where the levels of both sides are rates
  std::vector<RateComparison> rates;        // none where no level of either side is one
  std::vector<EqualLatency> equal_latency;  // ascending latency
  std::optional<Ratio> weights_gb;
  std::vector<QualityComparison> quality;
  std::vector<Headline> headlines;

  const std::optional<Ratio>& sweep_ratio_of(const Measure& measure) const;
};

// The compatibility report alone; never throws for unlike workloads.
std::vector<FieldReport> compatibility(const SweepResult& baseline, const SweepResult& candidate);

// Whether the two are of one sweep: made at the same second with the same nonce, and a run of each
// is the same. A copy under another name is, and the same sweep with more repeats.
bool same_measurement(const SweepResult& a, const SweepResult& b);

// Error lists every unlike field that is not allowed, with both values and the flag.
Comparison compare(const SweepResult& baseline, const SweepResult& candidate,
                   const ComparisonOptions& options = {});

// candidates[i] against the one baseline.
std::vector<Comparison> compare_all(const SweepResult& baseline,
                                    std::span<const SweepResult> candidates,
                                    const ComparisonOptions& options = {});

}  // namespace llmsweep
