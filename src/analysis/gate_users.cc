// Users, or requests a second, at a target: does a level that carries them hold the latency?
#include "analysis/gate_decide.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "analysis/compare_users.h"
#include "llmsweep/base/text.h"
#include "llmsweep/model/names.h"
#include "llmsweep/model/target.h"
#include "llmsweep/stats/users_at_target.h"

namespace llmsweep {
namespace {

bool is_per_gpu(const GateRule& rule) {
  return rule.measure == measure_of("users_per_gpu") || rule.measure == measure_of("rate_per_gpu");
}

LoadKind kind_of(const GateRule& rule) {
  return rule.measure.quantity->unit == Unit::kRequestsPerSecond ? LoadKind::kRate
                                                                 : LoadKind::kConcurrency;
}

// What a result says of the load at a target: its bracket.
struct AtTarget {
  UsersKind kind = UsersKind::kNoValidLevel;
  double load = 0;
  std::optional<double> fail;
};

AtTarget at_target(const GateRule& rule, const SweepResult& result) {
  if (kind_of(rule) == LoadKind::kRate) {
    const RateAtTarget rate = rate_of(result, rule.users_target);
    return {rate.kind, rate.rate_rps, rate.r_fail};
  }
  const UsersAtTarget users = users_of(result, rule.users_target);
  return {users.kind, static_cast<double>(users.users), users.c_fail};
}

double per_gpu_or_all(const GateRule& rule, const SweepResult& result, double load) {
  return is_per_gpu(rule) ? load / result.system.gpus : load;
}

constexpr double kRounding = 1e-9;

// The least load of the system that meets the limit; whole users.
double needed_load(const GateRule& rule, const SweepResult& result, double limit) {
  const double load = is_per_gpu(rule) ? limit * result.system.gpus : limit;
  return kind_of(rule) == LoadKind::kConcurrency ? std::ceil(load - kRounding) : load;
}

bool carries(double load, double needed) {
  return load >= needed * (1 - kRounding);
}

std::string number_text(double load) {
  return fmt::format("{:.6g}", load);
}

// "8 users", "6 requests/s".
std::string load_text(const GateRule& rule, double load) {
  return number_text(load) + (kind_of(rule) == LoadKind::kRate ? " requests/s" : " users");
}

GateRule latency_rule(const Target& limit) {
  return {.text = "@",
          .measure = measure_of(limit),
          .comparator = Comparator::kAtMost,
          .target = to_ms(limit.max)};
}

int severity(GateOutcome outcome) {
  return outcome == GateOutcome::kPass ? 0 : outcome == GateOutcome::kInconclusive ? 1 : 2;
}

// Of limits that have to hold together: one that fails decides, then one that cannot be judged.
GateLine decide_limits(const GateInput& input, const Target& target, LoadPoint point) {
  std::optional<GateLine> worst;
  for (const Target& limit : parts_of(target)) {
    GateLine line = decide_level(input, latency_rule(limit), point).line;
    if (line.outcome == GateOutcome::kFail) return line;
    if (!worst || severity(line.outcome) > severity(worst->outcome)) worst = std::move(line);
  }
  return *worst;
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
Evidence evidence(const GateInput& input, const GateRule& rule, double needed) {
  Evidence result;
  const std::vector<LevelStats>& levels = input.result.levels;
  const LoadKind kind =
      kind_of(rule) == LoadKind::kRate ? LoadKind::kRate : at_users(levels, 1).kind;
  for (const LevelStats& level : levels) {
    if (level.point.kind != kind) continue;
    const GateLine line = decide_limits(input, rule.users_target, level.point);
    if (line.outcome == GateOutcome::kInvalid) continue;
    result.judged = true;
    const double load = level.point.value;
    if (line.outcome == GateOutcome::kFail) {
      if (load <= needed * (1 + kRounding)) take(result, line);
      break;
    }
    if (!carries(load, needed)) continue;
    if (line.outcome == GateOutcome::kPass || !result.point.known()) take(result, line);
    if (line.outcome == GateOutcome::kPass) break;
  }
  return result;
}

// Published files may state users without the latencies of every level.
Evidence stated(const AtTarget& stated_load, double needed) {
  Evidence result{.basis = "as the file states", .judged = true};
  if (carries(stated_load.load, needed)) {
    result.outcome = GateOutcome::kPass;
  } else if (stated_load.kind != UsersKind::kBeyondSweep &&
             stated_load.fail.value_or(needed) <= needed) {
    result.outcome = GateOutcome::kFail;
  }
  return result;
}

void explain_bracket(GateLine& line, const Evidence& found, const GateRule& rule,
                     const AtTarget& at) {
  const LoadKind kind = kind_of(rule);
  const std::string failing =
      at.fail ? fmt::format(", where level {} misses the target", value_text({kind, *at.fail}))
              : "";
  line.why = fmt::format("level {} alone would decide otherwise; the file's bracket has {}{}",
                         value_text(found.point), load_text(rule, at.load), failing);
  if (!at.fail) {
    line.next = fmt::format(
        "make the result again with 'llmsweep rebuild': its {} are not those of its levels",
        kind == LoadKind::kRate ? "requests/s" : "users");
    return;
  }
  line.next = "more repeats of that level";
  line.point = {kind, *at.fail};
  line.more_repeats_help = true;
}

void explain(GateLine& line, const Evidence& found, const GateRule& rule, const AtTarget& at,
             double needed) {
  const bool rates = kind_of(rule) == LoadKind::kRate;
  const std::string add =
      fmt::format("add {} to load.{}", number_text(needed), rates ? "rate" : "concurrency");
  if (line.outcome == GateOutcome::kPass) {
    line.why = found.point.known()
                   ? fmt::format("level {} holds the target", value_text(found.point))
                   : std::string("the stated users suffice");
  } else if (line.outcome == GateOutcome::kFail) {
    line.why = found.point.known() ? fmt::format("level {} misses the target, {} are needed",
                                                 value_text(found.point), number_text(needed))
                                   : fmt::format("{} are needed", load_text(rule, needed));
    line.next = "a faster system or a longer target";
  } else if (found.bracket_differs) {
    explain_bracket(line, found, rule, at);
  } else if (found.point.known()) {
    line.why = fmt::format("level {} may or may not hold the target", value_text(found.point));
    line.next = "more repeats of that level";
    line.point = found.point;
    line.more_repeats_help = true;
  } else if (at.kind == UsersKind::kBeyondSweep) {
    line.why = fmt::format("the sweep ends at {}, {} are needed", load_text(rule, at.load),
                           number_text(needed));
    line.next = add;
  } else {
    line.why = load_text(rule, needed) + " lie between the measured levels";
    line.next = add + (rates ? ", or use a search" : ", or set load.refine");
  }
}

// Of several sessions the lower middle one. Nothing where a session carries none.
std::optional<double> middle_load(const GateRule& rule, std::span<const SweepResult> baselines) {
  std::vector<double> loads;
  for (const SweepResult& baseline : baselines) {
    loads.push_back(at_target(rule, baseline).load);
    if (loads.back() <= 0) return std::nullopt;
  }
  const auto middle = loads.begin() + static_cast<std::ptrdiff_t>((loads.size() - 1) / 2);
  std::nth_element(loads.begin(), middle, loads.end());
  return *middle;
}

// With the limits that the result has under the rule's name.
GateLine decide_tier(const GateInput& input, const GateRule& rule) {
  std::vector<Target> targets;
  for (const UsersAtTarget& users : input.result.users_at_target) targets.push_back(users.target);
  for (const RateAtTarget& rate : input.result.rates_at_target) targets.push_back(rate.target);
  std::vector<std::string> names;
  for (const Target& target : targets) {
    if (target.name == rule.tier) {
      GateRule named = rule;
      named.tier.clear();
      named.users_target = target;
      return decide_users(input, named);
    }
    const bool known = std::find(names.begin(), names.end(), target.name) != names.end();
    if (!target.name.empty() && !known) names.push_back(target.name);
  }
  return invalid_line(
      rule, fmt::format("the result has no target called '{}'", printable(rule.tier)),
      names.empty() ? "name one in the spec, {name: gold, all: [...]}, or write the "
                      "limit out: @e2e:p50:15s"
                    : "it has " + printable(join(names, ", ")));
}

}  // namespace

GateLine decide_users(const GateInput& input, const GateRule& rule) {
  if (!rule.tier.empty()) return decide_tier(input, rule);
  const bool per_gpu = is_per_gpu(rule);
  if (per_gpu && input.result.system.gpus < 1) {
    return invalid_line(rule, "the result does not say its GPUs", "state system.gpus");
  }
  const AtTarget at = at_target(rule, input.result);
  GateLine line = line_of(rule);
  if (rule.no_worse) {
    if (input.baselines.empty()) {
      return invalid_line(rule, "there is no baseline to be no worse than",
                          "name one with --baseline");
    }
    const auto before = middle_load(rule, input.baselines);
    if (!before || (per_gpu && input.baseline()->system.gpus < 1)) {
      const bool rates = kind_of(rule) == LoadKind::kRate;
      return invalid_line(rule,
                          rates ? "the baseline carries no rate at the target"
                                : "the baseline serves no user at the target",
                          "choose a target that the baseline meets");
    }
    line.baseline = per_gpu_or_all(rule, *input.baseline(), *before);
    line.target = *line.baseline;
    line.limit = line.target / (1 + rule.tolerance);
  }
  const double needed = needed_load(rule, input.result, line.limit);
  Evidence found = evidence(input, rule, needed);
  const bool undecided = found.outcome == GateOutcome::kInconclusive && !found.point.known();
  if (undecided && input.result.source == Source::kPublished &&
      at.kind != UsersKind::kNoValidLevel) {
    found = stated(at, needed);
  }
  if (!found.judged) {
    return invalid_line(rule, "no valid level has the target's statistic",
                        "measure levels around the target");
  }
  if (contradicts(found.outcome, carries(at.load, needed))) {
    found.outcome = GateOutcome::kInconclusive;
    found.bracket_differs = true;
  }
  line.outcome = found.outcome;
  line.measured = per_gpu_or_all(rule, input.result, at.load);
  if (rule.no_worse) line.candidate = line.measured;
  line.margin = (*line.measured - line.limit) / line.limit;
  line.repeats = found.repeats;
  line.basis = found.basis;
  explain(line, found, rule, at, needed);
  return line;
}

}  // namespace llmsweep
