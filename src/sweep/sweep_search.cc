#include "sweep/running_sweep.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "llmsweep/base/error.h"
#include "llmsweep/model/target.h"
#include "llmsweep/stats/confirm_users.h"
#include "llmsweep/stats/level_figure.h"
#include "llmsweep/stats/search.h"

namespace llmsweep {

void SteppedSweep::Sweep::search(LevelRunner& runner) {
  const Target& target = spec_.targets.front();
  const SearchSpec& search = spec_.load.search;
  while (!over_) {
    const std::vector<SearchRun> runs = search_runs(result().levels, target, search.kind());
    const auto next = search_state(runs, limit_of(target), search).next;
    if (!next) return;
    const int repeat = next->confirming ? 1 + fresh_runs_of(next->point) : 0;
    if (store_.has({next->point, repeat})) return;  // its records are gone
    run_until_judged(runner, {next->point, repeat});
  }
}

int SteppedSweep::Sweep::fresh_runs_of(LoadPoint point) const {
  return static_cast<int>(std::count_if(
      store_.runs().begin(), store_.runs().end(),
      [&](const RunEntry& run) { return run.id.point == point && run.id.repeat > 0; }));
}

void SteppedSweep::Sweep::run_until_judged(LevelRunner& runner, const RunId& id) {
  constexpr int kMostTries = 3;
  for (int tries = 1; !over_; ++tries) {
    run_level(runner, id);
    if (over_ || tries == kMostTries || is_judged(id)) return;
    observer_.note(text_of(id) + " cannot be judged: it is made again");
    set_aside(id);
  }
}

bool SteppedSweep::Sweep::is_judged(const RunId& id) const {
  const LevelStats* level = find_level(outcome_.result, id.point);
  if (level == nullptr) return false;
  const auto runs = search_runs({level, 1}, spec_.targets.front(), id.point.kind);
  for (size_t i = 0; i < runs.size(); ++i) {
    if (level->runs[i].repeat != id.repeat) continue;
    return runs[i].outcome != SearchRun::Outcome::kNone;
  }
  return false;
}

void SteppedSweep::Sweep::set_aside(const RunId& id) {
  try {
    store_.supersede(id);
  } catch (const Error& error) {
    outcome_.storage_error = error.what();
    over_ = true;
    return;
  }
  if (runs_of(id.point) > 0) {
    summarise(id.point);
  } else {
    std::erase_if(result().levels,
                  [&](const LevelStats& level) { return level.point == id.point; });
  }
}

void SteppedSweep::Sweep::refine(LevelRunner& runner) {
  while (!over_ && !spec_.targets.empty()) {
    const auto step = next_refine_step(result().levels, spec_.targets.front());
    if (!step) return;
    if (step->confirming) {
      run_level(runner, {step->point, std::max(runs_of(step->point), spec_.load.repeats)});
      continue;
    }
    spec_.load.concurrency.push_back(step->point.concurrency());
    for (int repeat = 0; repeat < spec_.load.repeats && !over_; ++repeat) {
      run_level(runner, {step->point, repeat});
    }
  }
}

void SteppedSweep::Sweep::add_repeats(LevelRunner& runner) {
  bool added = true;
  int rounds = spec_.load.repeats;
  while (added && !over_) {
    added = false;
    std::vector<LoadPoint> points = options_.repeats_wanted(result());
    if (rounds++ % 2 == 1) std::reverse(points.begin(), points.end());
    for (const LoadPoint point : points) {
      const int had = runs_of(point);
      if (over_ || had == 0 || had >= spec_.load.repeats_max) continue;
      run_level(runner, {point, had});
      added = true;
    }
  }
}

}  // namespace llmsweep
