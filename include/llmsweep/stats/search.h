// The most load that keeps a target: where to measure next, by what has been measured. Pure: the
// sweep runs what it says, and asks again; so it goes on from any prefix of its runs.
//
// 1. Gallop: 1, 2, 4, … (or from `low`), one run a level, until one misses.
// 2. Locate: the secant in (ln load, ln latency) between the last level that passed and the first
//    that missed, kept in the middle 60 % of the bracket, one run each, until it is at most 1.21
//    wide or nothing is left in it. The crossing: the regression of these runs' logs.
// 3. Confirm, with fresh runs only: crossing ÷ √width and crossing · √width, in turns. A level is
//    told as stats/confirm_users.h says, after 3, 4, 6 and 9 runs. An end that turns out on the
//    other side becomes the other end, one still open after nine runs is left for one half a step
//    further out.
//
// Whatever the first two did, an end is said wrongly with at most (1 − confidence) ÷ 2, for medians
// of runs that are log-normal; where latency rises with the load, the bracket holds the truth with
// `confidence`. What the noise is changes how long that takes, not how often it is wrong. Why no
// bisection by values, no stochastic approximation: docs/statistics.md has the table.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "llmsweep/model/level.h"
#include "llmsweep/model/load_point.h"
#include "llmsweep/model/result.h"
#include "llmsweep/model/spec.h"

namespace llmsweep {

// One run of a level, in the order in which they were made.
struct SearchRun {
  enum class Outcome {
    kValue,  // it has the figure
    kFails,  // it misses the target without a value: overloaded, or not settled
    kNone,   // it cannot be judged
  };
  double load = 0;
  bool confirming = false;
  Outcome outcome = Outcome::kValue;
  double value = 0;  // of kValue, above 0: to hold against limit_of() the target (model/target.h)

  bool operator==(const SearchRun&) const = default;
};

struct SearchStep {
  LoadPoint point;
  bool confirming = false;

  bool operator==(const SearchStep&) const = default;
};

// Pass and fail are those of the runs so far: confirmed where `end` says so.
struct SearchState {
  SearchEnd end = SearchEnd::kOpen;
  std::optional<SearchStep> next;  // of kOpen
  std::optional<double> pass, fail;
  int runs_pass = 0;  // fresh ones, of `pass` and of `fail`
  int runs_fail = 0;
};

// `limit`: limit_of() the target.
SearchState search_state(std::span<const SearchRun> runs, double limit, const SearchSpec& spec);

// The runs of the levels of that kind, as the target judges them. Their order means nothing to
// search_state().
std::vector<SearchRun> search_runs(std::span<const LevelStats> levels, const Target& target,
                                   LoadKind kind);

// All that there is to say of a search: `levels` are those of the sweep. `stopped` where it may not
// go on.
SearchResult describe_search(std::span<const LevelStats> levels, const Target& target,
                             const SearchSpec& spec, bool stopped);

// Runs that a search may need, for a plan of its cost: `noise` is the deviation of a run's log
// median, `slope` d ln latency ÷ d ln load at the crossing.
struct SearchCost {
  std::vector<LoadPoint> locating;  // a run each: the loads up to the middle of what is asked for
  int confirming = 0;               // runs beside the last of them
};
SearchCost expected_search_cost(const SearchSpec& spec, double noise, double slope = 0.6);

}  // namespace llmsweep
