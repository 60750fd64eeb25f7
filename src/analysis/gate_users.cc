// Users at a target: does a level that carries them hold the latency?
#include "analysis/gate_decide.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "analysis/compare_users.h"
#include "llmsweep/model/names.h"

namespace llmsweep {
namespace {

bool is_per_gpu(const GateRule& rule) {
  return rule.measure == measure_of("users_per_gpu");
}

double per_gpu_or_all(const GateRule& rule, const SweepResult& result, double users) {
  return is_per_gpu(rule) ? users / result.system.gpus : users;
}

// The fewest whole users of the system that meet the limit.
int needed_users(const GateRule& rule, const SweepResult& result, double limit) {
  const double users = is_per_gpu(rule) ? limit * result.system.gpus : limit;
  return static_cast<int>(std::ceil(users - 1e-9));
}

GateRule latency_rule(const GateRule& rule) {
  return {.text = "@",
          .measure = measure_of(rule.users_target),
          .comparator = Comparator::kAtMost,
          .target = to_ms(rule.users_target.max)};
}

struct Evidence {
  GateOutcome outcome = GateOutcome::kInconclusive;
  LoadPoint point;  // of the level that decides; not known: none does
  std::string basis;
  int repeats = 0;
  bool judged = false;           // at least one level could be judged
  bool bracket_differs = false;  // of what the levels' intervals say
};

// What a rule says of users must be what the bracket beside it says: a level that holds the target
// above one whose figure misses it is no proof, nor is a stated number that the levels refute.
bool contradicts(GateOutcome outcome, bool bracket_suffices) {
  return (outcome == GateOutcome::kPass && !bracket_suffices) ||
         (outcome == GateOutcome::kFail && bracket_suffices);
}

void take(Evidence& evidence, const GateLine& line) {
  evidence.outcome = line.outcome;
  evidence.point = line.point;
  evidence.basis = line.basis;
  evidence.repeats = line.repeats;
}

// As users_at_target: levels above the lowest failing one do not count, even where they pass.
Evidence evidence(const GateInput& input, const GateRule& rule, int needed) {
  Evidence result;
  const GateRule latency = latency_rule(rule);
  for (const LevelStats& level : input.result.levels) {
    const GateLine line = decide_level(input, latency, level.point).line;
    if (line.outcome == GateOutcome::kInvalid) continue;
    result.judged = true;
    const bool carries = level.point.concurrency() >= needed;
    if (line.outcome == GateOutcome::kFail) {
      if (level.point.concurrency() <= needed) take(result, line);
      break;
    }
    if (!carries) continue;
    if (line.outcome == GateOutcome::kPass || !result.point.known()) take(result, line);
    if (line.outcome == GateOutcome::kPass) break;
  }
  return result;
}

// Published files may state users without the latencies of every level.
Evidence stated(const UsersAtTarget& users, int needed) {
  Evidence result{.basis = "as the file states", .judged = true};
  if (users.users >= needed) {
    result.outcome = GateOutcome::kPass;
  } else if (users.kind != UsersKind::kBeyondSweep && users.c_fail.value_or(needed) <= needed) {
    result.outcome = GateOutcome::kFail;
  }
  return result;
}

void explain_bracket(GateLine& line, const Evidence& found, const UsersAtTarget& users) {
  const std::string failing =
      users.c_fail ? fmt::format(", where level {} misses the target", *users.c_fail) : "";
  line.why = fmt::format("level {} alone would decide otherwise; the file's bracket has {} users{}",
                         value_text(found.point), users.users, failing);
  if (!users.c_fail) {
    line.next =
        "make the result again with 'llmsweep rebuild': its users are not those of its levels";
    return;
  }
  line.next = "more repeats of that level";
  line.point = at_concurrency(*users.c_fail);
  line.more_repeats_help = true;
}

void explain(GateLine& line, const Evidence& found, const UsersAtTarget& users, int needed) {
  if (line.outcome == GateOutcome::kPass) {
    line.why = found.point.known()
                   ? fmt::format("level {} holds the target", value_text(found.point))
                   : std::string("the stated users suffice");
  } else if (line.outcome == GateOutcome::kFail) {
    line.why = found.point.known() ? fmt::format("level {} misses the target, {} are needed",
                                                 value_text(found.point), needed)
                                   : fmt::format("{} users are needed", needed);
    line.next = "a faster system or a longer target";
  } else if (found.bracket_differs) {
    explain_bracket(line, found, users);
  } else if (found.point.known()) {
    line.why = fmt::format("level {} may or may not hold the target", value_text(found.point));
    line.next = "more repeats of that level";
    line.point = found.point;
    line.more_repeats_help = true;
  } else if (users.kind == UsersKind::kBeyondSweep) {
    line.why = fmt::format("the sweep ends at {} users, {} are needed", users.users, needed);
    line.next = fmt::format("add {} to load.concurrency", needed);
  } else {
    line.why = fmt::format("{} users lie between the measured levels", needed);
    line.next = fmt::format("add {} to load.concurrency, or set load.refine", needed);
  }
}

// Of several sessions the lower middle one. Nothing where a session serves none.
std::optional<int> middle_users(std::span<const SweepResult> baselines, const Target& target) {
  std::vector<int> users;
  for (const SweepResult& baseline : baselines) {
    users.push_back(users_of(baseline, target).users);
    if (users.back() < 1) return std::nullopt;
  }
  const auto middle = users.begin() + static_cast<std::ptrdiff_t>((users.size() - 1) / 2);
  std::nth_element(users.begin(), middle, users.end());
  return *middle;
}

}  // namespace

GateLine decide_users(const GateInput& input, const GateRule& rule) {
  const bool per_gpu = is_per_gpu(rule);
  if (per_gpu && input.result.system.gpus < 1) {
    return invalid_line(rule, "the result does not say its GPUs", "state system.gpus");
  }
  const UsersAtTarget users = users_of(input.result, rule.users_target);
  GateLine line = line_of(rule);
  if (rule.no_worse) {
    if (input.baselines.empty()) {
      return invalid_line(rule, "there is no baseline to be no worse than",
                          "name one with --baseline");
    }
    const auto before = middle_users(input.baselines, rule.users_target);
    if (!before || (per_gpu && input.baseline()->system.gpus < 1)) {
      return invalid_line(rule, "the baseline serves no user at the target",
                          "choose a target that the baseline meets");
    }
    line.baseline = per_gpu_or_all(rule, *input.baseline(), *before);
    line.target = *line.baseline;
    line.limit = line.target / (1 + rule.tolerance);
  }
  const int needed = needed_users(rule, input.result, line.limit);
  Evidence found = evidence(input, rule, needed);
  const bool undecided = found.outcome == GateOutcome::kInconclusive && !found.point.known();
  if (undecided && input.result.source == Source::kPublished &&
      users.kind != UsersKind::kNoValidLevel) {
    found = stated(users, needed);
  }
  if (!found.judged) {
    return invalid_line(rule, "no valid level has the target's statistic",
                        "measure levels around the target");
  }
  if (contradicts(found.outcome, users.users >= needed)) {
    found.outcome = GateOutcome::kInconclusive;
    found.bracket_differs = true;
  }
  line.outcome = found.outcome;
  line.measured = per_gpu_or_all(rule, input.result, users.users);
  if (rule.no_worse) line.candidate = line.measured;
  line.margin = (*line.measured - line.limit) / line.limit;
  line.repeats = found.repeats;
  line.basis = found.basis;
  explain(line, found, users, needed);
  return line;
}

}  // namespace llmsweep
