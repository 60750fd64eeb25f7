#include "analysis/pairing.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "llmsweep/base/text.h"
#include "llmsweep/stats/drift.h"
#include "llmsweep/stats/level_figure.h"

namespace llmsweep {
namespace {

const RunStats* run_of(const LevelStats& level, int repeat) {
  const auto run = std::find_if(level.runs.begin(), level.runs.end(),
                                [repeat](const RunStats& each) { return each.repeat == repeat; });
  return run == level.runs.end() ? nullptr : &*run;
}

std::set<int> sound_pairs(const LevelStats& a, const LevelStats& b) {
  std::set<int> repeats;
  for (const RunStats& run : a.runs) {
    const RunStats* other = run_of(b, run.repeat);
    if (run.valid && other != nullptr && other->valid) repeats.insert(run.repeat);
  }
  return repeats;
}

// The reasons that only a dropped run has go with it.
void keep_runs(LevelStats& level, const std::set<int>& repeats) {
  std::vector<InvalidReason>& reasons = level.pooled.invalid_reasons;
  const auto dropped = std::stable_partition(
      level.runs.begin(), level.runs.end(),
      [&repeats](const RunStats& run) { return repeats.contains(run.repeat); });
  for (auto run = dropped; run != level.runs.end(); ++run) {
    for (const InvalidReason reason : run->invalid_reasons) std::erase(reasons, reason);
  }
  if (dropped != level.runs.end()) level.pooled.valid = reasons.empty();
  level.runs.erase(dropped, level.runs.end());
  std::sort(level.runs.begin(), level.runs.end(),
            [](const RunStats& a, const RunStats& b) { return a.repeat < b.repeat; });
}

// A level whose runs are the geometric means of the pairs, each at the middle of its two instants:
// what both sides shared.
LevelStats shared_by(const LevelStats& a, const LevelStats& b) {
  LevelStats shared{.point = a.point};
  shared.pooled.valid = true;
  for (const RunStats& run : a.runs) {
    const RunStats* other = run_of(b, run.repeat);
    if (other == nullptr || !run.valid || !other->valid) continue;
    if (!run.e2e.p50 || !other->e2e.p50 || !run.started_s || !other->started_s) continue;
    RunStats both{.repeat = run.repeat};
    both.valid = true;
    both.e2e = {.count = 1, .p50 = std::sqrt(*run.e2e.p50 * *other->e2e.p50)};
    both.started_s = (*run.started_s + *other->started_s) / 2;
    shared.runs.push_back(both);
  }
  return shared;
}

// Of two that have a pairing; empty: nothing speaks against it.
std::string why_refused(const SweepResult& a, const SweepResult& b) {
  const Pairing& of_a = *a.pairing;
  const Pairing& of_b = *b.pairing;
  if (of_a.id != of_b.id) {
    return fmt::format("they are of two comparisons, {} and {} (pairing.id)", printable(of_a.id),
                       printable(of_b.id));
  }
  if (of_a.side == of_b.side) {
    return fmt::format("both are side {} of one comparison", printable(of_a.side));
  }
  if (of_a.order != of_b.order) return "they say different orders of the pairs (pairing.order)";
  for (const SweepResult* side : {&a, &b}) {
    if (side->pairing->refused.empty()) continue;
    return fmt::format("'{}': {}", printable(side->name), side->pairing->refused);
  }
  return "";
}

}  // namespace

bool are_paired(const SweepResult& a, const SweepResult& b) {
  return a.pairing && b.pairing && !a.pairing->id.empty() && why_refused(a, b).empty();
}

std::string pairing_refusal(const SweepResult& a, const SweepResult& b) {
  if (!a.pairing || !b.pairing) return "";
  const std::string why = why_refused(a, b);
  if (why.empty()) return "";
  return "Not compared in pairs, though both are sides of 'llmsweep versus': " + why +
         ". What drifted between the sides is in the intervals.";
}

bool have_the_same_repeats(const LevelStats& a, const LevelStats& b) {
  return std::equal(a.runs.begin(), a.runs.end(), b.runs.begin(), b.runs.end(),
                    [](const RunStats& x, const RunStats& y) { return x.repeat == y.repeat; });
}

bool same_schedules(const LevelStats& baseline, const LevelStats& candidate) {
  const auto same = [](const RunStats& a, const RunStats& b) {
    return a.repeat == b.repeat && a.open && b.open && !a.open->schedule_sha256.empty() &&
           a.open->schedule_sha256 == b.open->schedule_sha256;
  };
  return !baseline.runs.empty() && std::equal(baseline.runs.begin(), baseline.runs.end(),
                                              candidate.runs.begin(), candidate.runs.end(), same);
}

PairedResults pairs_of(const SweepResult& baseline, const SweepResult& candidate) {
  PairedResults paired{baseline, candidate, {}};
  std::vector<LevelStats> shared;
  std::set<int> rounds;
  for (LevelStats& level : paired.baseline.levels) {
    const auto other =
        std::find_if(paired.candidate.levels.begin(), paired.candidate.levels.end(),
                     [&level](const LevelStats& each) { return each.point == level.point; });
    if (other == paired.candidate.levels.end()) continue;
    const std::set<int> repeats = sound_pairs(level, *other);
    const size_t all = std::max(level.runs.size(), other->runs.size());
    for (const RunStats& run : level.runs) rounds.insert(run.repeat);
    shared.push_back(shared_by(level, *other));
    paired.pairs.dropped += static_cast<int>(all - repeats.size());
    if (repeats.size() < kFewestPairs) continue;
    keep_runs(level, repeats);
    keep_runs(*other, repeats);
  }
  paired.pairs.rounds = static_cast<int>(rounds.size());
  paired.pairs.drift = drift_of(shared, measure_of("e2e"));
  return paired;
}

}  // namespace llmsweep
