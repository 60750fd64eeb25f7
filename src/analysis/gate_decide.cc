#include "analysis/gate_decide.h"

#include <fmt/format.h>

#include <algorithm>

#include "analysis/gate_bounds.h"
#include "analysis/pairing.h"
#include "analysis/session.h"
#include "llmsweep/base/text.h"
#include "llmsweep/model/names.h"
#include "llmsweep/stats/level_figure.h"
#include "llmsweep/stats/percentile.h"
#include "llmsweep/stats/validity.h"

namespace llmsweep {
namespace {

std::string levels_list(const SweepResult& result) {
  std::vector<std::string> names;
  for (const LevelStats& level : result.levels) names.push_back(name_of(level.point));
  return names.empty() ? "it has no levels" : "it has " + join(names, ", ");
}

// The rule's text with the one level that a line is about.
std::string text_at(const GateRule& rule, LoadPoint point) {
  const size_t at = rule.text.find('@');
  const size_t end = std::min(rule.text.find_first_of(" <>", at), rule.text.size());
  return rule.text.substr(0, at) + "@" + name_of(point) + rule.text.substr(end);
}

bool is_about_errors(const GateRule& rule) {
  return rule.measure == measure_of("error_rate");
}

// What chunks that stand for tokens make of it is not what it says.
bool counts_tokens(const GateRule& rule) {
  const Quantity& quantity = *rule.measure.quantity;
  return quantity.unit == Unit::kTokensPerSecond || quantity.unit == Unit::kTokensPerSecondPerMs ||
         quantity.unit == Unit::kMoney || quantity.unit == Unit::kJoulesPerToken ||
         quantity.unit == Unit::kTokensPerSecondPerMw || quantity.key == "tpot" ||
         quantity.key == "itl";
}

struct Obstacle {
  std::string_view refusal;  // "is invalid"
  std::string why;
  std::string next;
};
template <class Finding>
Obstacle obstacle_by(std::string_view refusal, Finding finding) {
  return {refusal, std::string(sentence(finding)), std::string(remedy(finding))};
}
// What keeps the level from carrying this rule; nothing where it can.
std::optional<Obstacle> obstacle_of(const LevelStats& level, const GateRule& rule) {
  const RunStats& pooled = level.pooled;
  if (!pooled.valid && pooled.invalid_reasons.empty()) {
    return Obstacle{"is invalid", "the file marks it invalid", "measure the level again"};
  }
  if (const auto doubt = pooled.validity.find(validity_key(rule.measure));
      doubt != pooled.validity.end() && !doubt->second.empty()) {
    return obstacle_by("has no sound figure for it", doubt->second.front());
  }
  for (const InvalidReason reason : pooled.invalid_reasons) {
    if (!pooled.valid && speaks_against(reason, level, rule.measure))
      return obstacle_by("is invalid", reason);
  }
  if (pooled.token_count_estimated && counts_tokens(rule)) {
    return obstacle_by("cannot carry a rule on tokens", Warning::kTokenCountEstimated);
  }
  return std::nullopt;
}

std::string missing_figure_text(const GateRule& rule) {
  const auto& [quantity, statistic] = rule.measure;
  if (quantity->distribution != nullptr) {
    return fmt::format("no {} {} at this level", name_of(statistic), quantity->key);
  }
  return fmt::format("no {} at this level", quantity->key);
}

std::string missing_figure_remedy(const GateRule& rule) {
  const auto& [quantity, statistic] = rule.measure;
  if (quantity->distribution != nullptr && statistic == Statistic::kP99) {
    return fmt::format("p99 needs {} requests a run: raise load.requests_per_slot or min_requests",
                       kSamplesForP99);
  }
  if (!quantity->missing.empty()) return std::string(quantity->missing);
  return "gate on a figure that the result holds";
}

struct Side {
  const SweepResult& result;
  const char* name;  // "the result", "the baseline"
};

// "2 of 3 repeats have no p99 e2e: repeat 3 has 299 of 300 requests (1 is missing), …". The figure
// of the others would be that of the runs that happened to have enough.
std::string lacking_text(const LevelStats& level, const GateRule& rule,
                         const std::vector<int>& lacking) {
  const auto& [quantity, statistic] = rule.measure;
  std::vector<std::string> runs;
  for (const RunStats& run : level.runs) {
    if (std::find(lacking.begin(), lacking.end(), run.repeat) == lacking.end()) continue;
    std::string text = fmt::format("repeat {}", run.repeat + 1);
    if (quantity->distribution != nullptr && statistic == Statistic::kP99) {
      const int64_t count = (run.*quantity->distribution).count.value_or(0);
      const int64_t missing = std::max<int64_t>(0, kSamplesForP99 - count);
      text += fmt::format(" has {} of {} samples, {} {} missing", count, kSamplesForP99, missing,
                          missing == 1 ? "is" : "are");
    }
    runs.push_back(std::move(text));
  }
  std::string figure(quantity->key);
  if (quantity->distribution != nullptr) {
    figure = fmt::format("{} {}", name_of(statistic), quantity->key);
  }
  return fmt::format("{} of {} repeats {} no {}: {}", lacking.size(), level.runs.size(),
                     lacking.size() == 1 ? "has" : "have", figure, join(runs, "; "));
}

std::string how_to_add(LoadPoint point) {
  switch (point.kind) {
    case LoadKind::kConcurrency:
      return fmt::format("add {} to load.concurrency, or ", point.value);
    case LoadKind::kRate:
      return fmt::format("add {} to load.rate, or ", point.value);
    case LoadKind::kUsers:
      return fmt::format("add {} to load.users, or ", point.value);
    case LoadKind::kProfile:
    case LoadKind::kTrace:
      break;
  }
  return {};
}

// The level, or the line that says why there is none to judge by.
struct FoundLevel {
  const LevelStats* level = nullptr;
  GateLine invalid;
};
FoundLevel usable_level(const Side& side, const GateRule& rule, LoadPoint point) {
  const LevelStats* level = find_level(side.result, point);
  if (level == nullptr) {
    return {.invalid =
                invalid_line(rule, fmt::format("{} has no level at {}", side.name, text_of(point)),
                             fmt::format("{}; {}gate on another level", levels_list(side.result),
                                         how_to_add(point)))};
  }
  if (const auto obstacle = obstacle_of(*level, rule)) {
    return {.invalid = invalid_line(
                rule,
                fmt::format("the level of {} {}: {}", side.name, obstacle->refusal, obstacle->why),
                obstacle->next)};
  }
  if (side.result.source == Source::kMeasured && !is_about_errors(rule) &&
      !level->pooled.is_overloaded() && level->pooled.requests.completed < 1) {
    return {.invalid = invalid_line(
                rule, fmt::format("no request of the level completed in {}", side.name),
                "see the errors of the level in the result")};
  }
  const LevelFigure figure = figure_of(*level, rule.measure);
  if (!figure.lacking.empty() && rule.measure.quantity->pooling != Pooling::kRequests) {
    return {.invalid = invalid_line(
                rule,
                fmt::format("in {}, {}", side.name, lacking_text(*level, rule, figure.lacking)),
                missing_figure_remedy(rule))};
  }
  return {.level = level};
}

// Of shares and scores the tolerance is in points.
double limit_of(const GateRule& rule, double target) {
  const Unit unit = rule.measure.quantity->unit;
  const bool points = unit == Unit::kShare || unit == Unit::kScore;
  if (rule.comparator == Comparator::kAtMost) {
    return points ? target + rule.tolerance : target * (1 + rule.tolerance);
  }
  return points ? target - rule.tolerance : target / (1 + rule.tolerance);
}

GateOutcome outcome_of(const Interval& bounds, double limit, Comparator comparator) {
  const bool at_most = comparator == Comparator::kAtMost;
  const double worst = at_most ? bounds.high : bounds.low;
  const double best = at_most ? bounds.low : bounds.high;
  const auto meets = [&](double value) { return at_most ? value <= limit : value >= limit; };
  if (meets(worst)) return GateOutcome::kPass;
  return meets(best) ? GateOutcome::kInconclusive : GateOutcome::kFail;
}

std::optional<double> margin_of(double value, double limit, Comparator comparator) {
  if (limit <= 0) return std::nullopt;
  return comparator == Comparator::kAtMost ? (limit - value) / limit : (value - limit) / limit;
}

std::string advice(const GateLine& line, const Bounds& bounds, const GateRule& rule) {
  if (line.outcome == GateOutcome::kPass) return {};
  if (line.outcome == GateOutcome::kFail) {
    return rule.no_worse ? "'llmsweep compare' shows what else changed, level by level"
                         : "less load or more GPUs at this level, or another target";
  }
  if (bounds.repeats < 2)
    return rule.no_worse ? "measure both with load.repeats: 3 or more"
                         : "measure again with load.repeats: 3 or more";
  const auto repeats = repeats_to_decide(bounds, line.limit);
  if (!repeats) return "too close to the limit to tell: move the target, or state a tolerance";
  return fmt::format("about {} repeats would tell, at the spread measured so far", *repeats);
}

std::string outcome_text(const GateLine& line, Comparator comparator) {
  const char* side = comparator == Comparator::kAtMost ? "below" : "above";
  const char* other = comparator == Comparator::kAtMost ? "above" : "below";
  if (!line.bounds) {  // what was counted has no error
    return fmt::format("the value is {}{} the limit",
                       line.outcome == GateOutcome::kPass ? "not " : "", other);
  }
  switch (line.outcome) {
    case GateOutcome::kPass:
      return fmt::format("the whole interval lies {} the limit", side);
    case GateOutcome::kFail:
      return fmt::format("the whole interval lies {} the limit", other);
    case GateOutcome::kInconclusive:
      return "the limit lies inside the interval";
    case GateOutcome::kInvalid:
      break;
  }
  return {};
}

void fill(GateLine& line, const Bounds& bounds, const GateRule& rule) {
  line.measured = bounds.point;
  if (bounds.interval.low < bounds.interval.high) line.bounds = bounds.interval;
  line.repeats = bounds.repeats;
  line.basis = bounds.basis;
  line.outcome = outcome_of(bounds.interval, line.limit, rule.comparator);
  line.margin = margin_of(bounds.point, line.limit, rule.comparator);
  line.why = outcome_text(line, rule.comparator);
  line.next = advice(line, bounds, rule);
  line.more_repeats_help = line.outcome == GateOutcome::kInconclusive;
}

// Of an overloaded level no latency has a value: it is worse than any.
GateLine overloaded_line(const GateRule& rule, const LevelStats& level) {
  GateLine line = line_of(rule);
  line.outcome = GateOutcome::kFail;
  line.repeats = repeats_of(level);
  line.basis = "the state of the level";
  line.why = "the level is overloaded: its latencies grow with the length of the run";
  line.next = "a lower rate, or more GPUs";
  return line;
}

bool is_overloaded_for(const LevelStats& level, const GateRule& rule) {
  return level.pooled.is_overloaded() && rule.measure.quantity->is_latency();
}

// What may be worse than it looks passes nothing.
void withhold_unsettled(GateLine& line, const GateRule& rule, const LevelStats& level) {
  const bool unsettled = !level.pooled.is_settled() && rule.measure.quantity->is_latency();
  if (!unsettled || line.outcome != GateOutcome::kPass) return;
  line.outcome = GateOutcome::kInconclusive;
  line.why = "the level is unsettled: a longer run might show longer latencies";
  line.next = "measure for longer (load.measure), or at a lower rate";
}

DecidedLine decide_no_worse_level(const GateInput& input, const GateRule& rule, LoadPoint point,
                                  const LevelStats& level) {
  if (input.baselines.empty()) {
    return {.line = invalid_line(rule, "there is no baseline to be no worse than",
                                 "name one with --baseline")};
  }
  bool drain = has_drain(level.pooled);
  std::vector<const LevelStats*> levels;
  for (const SweepResult& baseline : input.baselines) {
    FoundLevel base = usable_level({baseline, "the baseline"}, rule, point);
    if (base.level == nullptr) return {.line = std::move(base.invalid)};
    levels.push_back(base.level);
    drain = drain || has_drain(base.level->pooled);
  }
  for (const LevelStats* base : levels) {
    if (!is_overloaded_for(*base, rule)) continue;
    return {.line = invalid_line(rule, "the level of the baseline is overloaded",
                                 "gate on a rate that the baseline carries")};
  }
  if (is_overloaded_for(level, rule)) return {.line = overloaded_line(rule, level)};
  const double noise = input.policy.assumed_noise;
  const bool share = rule.measure.quantity->unit == Unit::kShare;
  const double target = share ? 0 : 1;  // of the difference, of the ratio
  const double limit = limit_of(rule, target);
  const GateLooks* looks = input.result.looks ? &*input.result.looks : nullptr;
  const int runs = repeats_of(level);
  std::vector<BoundsInput> sessions;
  for (size_t i = 0; i < levels.size(); ++i) {
    const Reading there{drain, input.baselines[i].system.gpus};
    sessions.push_back({*levels[i], rule, there, noise, looks, runs});
  }
  const bool one = input.baselines.size() == 1;
  const bool side_by_side = one && are_paired(input.baselines.front(), input.result) &&
                            have_the_same_repeats(*levels.front(), level);
  const bool paired = side_by_side || (one && same_schedules(*levels.front(), level));
  SessionNoise between{.why = side_by_side ? "" : session_gap(*input.baseline(), input.result)};
  if (!between.why.empty()) between.share = input.policy.session_noise;
  const Reading here{drain, input.result.system.gpus};
  const auto ratio =
      ratio_bounds_of(sessions, {level, rule, here, noise, looks, runs, paired}, between, limit);
  if (!ratio) {
    return {.line = invalid_line(rule, missing_figure_text(rule) + ", here or in the baseline",
                                 missing_figure_remedy(rule))};
  }
  DecidedLine decided{.line = line_of(rule), .p_worse = ratio->p_worse};
  decided.line.target = target;
  decided.line.limit = limit;
  decided.line.unit = share ? "difference" : "ratio";
  decided.line.baseline = ratio->baseline;
  decided.line.candidate = ratio->candidate;
  fill(decided.line, ratio->bounds, rule);
  withhold_unsettled(decided.line, rule, level);
  return decided;
}

DecidedLine decide_required_level(const GateInput& input, const GateRule& rule,
                                  const LevelStats& level) {
  if (is_overloaded_for(level, rule)) return {.line = overloaded_line(rule, level)};
  const Reading reading{has_drain(level.pooled), input.result.system.gpus};
  const GateLooks* looks = input.result.looks ? &*input.result.looks : nullptr;
  const auto bounds =
      bounds_of({level, rule, reading, input.policy.assumed_noise, looks, repeats_of(level)});
  if (!bounds) {
    return {.line = invalid_line(rule, missing_figure_text(rule), missing_figure_remedy(rule))};
  }
  DecidedLine decided{.line = line_of(rule)};
  fill(decided.line, *bounds, rule);
  withhold_unsettled(decided.line, rule, level);
  if (rule.measure == measure_of("throughput") && reading.with_drain) {
    decided.line.basis += "; output throughput, which may have the drain in it";
  }
  return decided;
}

}  // namespace

GateLine line_of(const GateRule& rule) {
  return {.rule = rule.text,
          .name = rule.name,
          .unit = std::string(name_of(rule.measure.quantity->unit)),
          .target = rule.target,
          .limit = limit_of(rule, rule.target)};
}

GateLine invalid_line(const GateRule& rule, std::string why, std::string next) {
  GateLine line = line_of(rule);
  line.outcome = GateOutcome::kInvalid;
  line.why = std::move(why);
  line.next = std::move(next);
  return line;
}

DecidedLine decide_level(const GateInput& input, const GateRule& rule, LoadPoint point) {
  FoundLevel found = usable_level({input.result, "the result"}, rule, point);
  DecidedLine decided;
  if (found.level == nullptr) {
    decided.line = std::move(found.invalid);
  } else if (rule.no_worse) {
    decided = decide_no_worse_level(input, rule, point, *found.level);
  } else {
    decided = decide_required_level(input, rule, *found.level);
  }
  decided.line.point = point;
  decided.line.rule = text_at(rule, point);
  return decided;
}

GateLine decide_quality(const GateInput& input, const GateRule& rule) {
  const auto score_in = [&rule](const SweepResult& result) -> std::optional<double> {
    for (const auto& [benchmark, score] : result.quality) {
      if (benchmark == rule.benchmark) return score;
    }
    return std::nullopt;
  };
  const auto score = score_in(input.result);
  if (!score) {
    std::vector<std::string> names;
    for (const auto& [benchmark, value] : input.result.quality) names.push_back(benchmark);
    return invalid_line(rule, "the result has no such score",
                        names.empty() ? "attach scores with 'llmsweep import --quality'"
                                      : suggestion(rule.benchmark, names));
  }
  double target = rule.target;
  GateLine line = line_of(rule);
  if (rule.no_worse) {
    const auto before = input.baselines.empty() ? std::nullopt : score_in(*input.baseline());
    if (!before) {
      return invalid_line(rule, "no baseline with such a score", "name one with --baseline");
    }
    line.baseline = *before;
    line.candidate = *score;
    target = *before;
  }
  line.target = target;
  line.limit = limit_of(rule, target);
  const Interval point{*score, *score};
  fill(line, {.point = *score, .interval = point, .repeats = 1, .basis = "the score itself"}, rule);
  if (line.outcome == GateOutcome::kFail) line.next = "look at the model's quantisation and set-up";
  return line;
}

}  // namespace llmsweep
