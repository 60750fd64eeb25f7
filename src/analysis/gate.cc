#include "llmsweep/analysis/gate.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "analysis/gate_decide.h"
#include "analysis/pairing.h"
#include "analysis/reader_notes.h"
#include "analysis/session.h"
#include "analysis/whole_result.h"
#include "llmsweep/analysis/compare.h"
#include "llmsweep/base/error.h"
#include "llmsweep/base/text.h"
#include "llmsweep/model/describe.h"
#include "llmsweep/stats/failures.h"
#include "llmsweep/stats/intervals.h"
#include "llmsweep/stats/level_figure.h"

namespace llmsweep {
namespace {

constexpr size_t kMostWithoutHolm = 3;
constexpr double kAlpha = 0.05;

bool on_levels(const GateRule& rule) {
  return !rule.levels.empty() || rule.all_levels;
}

std::vector<LoadPoint> levels_of(const GateInput& input, const GateRule& rule) {
  if (!rule.all_levels) return rule.levels;
  // A level that the baseline has and the result lacks must not go unnoticed.
  const bool from_baseline = rule.no_worse && !input.baselines.empty();
  std::vector<LoadPoint> levels;
  for (const LevelStats& level : (from_baseline ? *input.baseline() : input.result).levels) {
    levels.push_back(level.point);
  }
  return levels;
}

// Why no-worse rules cannot be decided at all; empty where they can.
std::string unlike_workloads(const GateInput& input) {
  std::vector<std::string> unlike;
  for (const SweepResult& baseline : input.baselines) {
    for (const FieldReport& field : compatibility(baseline, input.result)) {
      const auto& allowed = input.policy.allow_different;
      if (field.state != FieldState::kUnlike ||
          std::find(allowed.begin(), allowed.end(), field.field) != allowed.end()) {
        continue;
      }
      std::string text = fmt::format("{} ({} in the baseline, {} here)", field.field,
                                     printable(field.baseline), printable(field.candidate));
      if (std::find(unlike.begin(), unlike.end(), text) == unlike.end()) {
        unlike.push_back(std::move(text));
      }
    }
  }
  return unlike.empty() ? "" : "the workloads differ: " + join(unlike, ", ");
}

std::vector<DecidedLine> decide(const GateInput& input, const GateRule& rule,
                                const std::string& unlike) {
  std::vector<DecidedLine> lines;
  if (rule.no_worse && !unlike.empty()) {
    return {{.line = invalid_line(rule, unlike,
                                  "measure the same workload, or list the fields under "
                                  "allow_different")}};
  }
  if (rule.measure == measure_of("quality")) return {{.line = decide_quality(input, rule)}};
  if (!on_levels(rule)) return {{.line = decide_users(input, rule)}};
  for (const LoadPoint point : levels_of(input, rule)) {
    lines.push_back(decide_level(input, rule, point));
  }
  if (lines.empty()) {
    lines.push_back({.line = invalid_line(rule, "the result has no levels",
                                          "gate on a result that was measured")});
  }
  return lines;
}

// Many no-worse rules at once find a regression by chance: a FAIL has to survive Holm.
void correct_for_hunting(std::vector<DecidedLine>& lines) {
  std::vector<DecidedLine*> family;
  std::vector<double> p_values;
  for (DecidedLine& decided : lines) {
    if (decided.line.unit != "ratio" || !decided.line.bounds) continue;
    family.push_back(&decided);
    p_values.push_back(decided.p_worse);
  }
  if (family.size() <= kMostWithoutHolm) return;
  const std::vector<double> adjusted = holm_adjusted(p_values);
  for (size_t i = 0; i < family.size(); ++i) {
    GateLine& line = family[i]->line;
    line.basis += fmt::format("; Holm over {} rules", family.size());
    if (line.outcome != GateOutcome::kFail || adjusted[i] <= kAlpha) continue;
    line.outcome = GateOutcome::kInconclusive;
    line.why =
        fmt::format("worse by itself, but one of {} rules may look so by chance", family.size());
    line.next = "more repeats, or name the one to three levels that decide";
    line.more_repeats_help = true;
  }
}

// A result is never worse than itself, however slow it is.
void refuse_itself(const SweepResult& result, const SweepResult& baseline) {
  if (!same_measurement(result, baseline)) return;
  throw Error({.what = fmt::format("the baseline '{}' is the same measurement as the result '{}': "
                                   "they share runs",
                                   printable(baseline.name), printable(result.name)),
               .where = "gate",
               .next = "name an older result with --baseline"});
}

// Each night of several is one, or it measures nothing of what lies between them.
void refuse_one_session(std::span<const SweepResult> baselines) {
  for (size_t i = 0; i < baselines.size(); ++i) {
    for (size_t k = i + 1; k < baselines.size(); ++k) {
      if (!session_gap(baselines[i], baselines[k]).empty() &&
          !same_measurement(baselines[i], baselines[k])) {
        continue;
      }
      throw Error(
          {.what = fmt::format("the baselines '{}' of {} and '{}' of {} are of one session",
                               printable(baselines[i].name), printable(baselines[i].created_at),
                               printable(baselines[k].name), printable(baselines[k].created_at)),
           .where = "gate",
           .next = "give one baseline of each session: measured over an hour apart, after "
                   "another boot or on another host"});
    }
  }
}

std::string names_of(std::span<const SweepResult> baselines) {
  std::vector<std::string> names;
  for (const SweepResult& baseline : baselines) names.push_back(baseline.name);
  return join(names, ", ");
}

std::vector<std::string> notes_of(const SweepResult& result,
                                  std::span<const SweepResult> baselines) {
  std::vector<std::string> notes;
  const auto add = [&notes](const std::vector<std::string>& more) {
    for (const std::string& note : more) {
      if (std::find(notes.begin(), notes.end(), note) == notes.end()) notes.push_back(note);
    }
  };
  for (const SweepResult& baseline : baselines) {
    add(unlike_notes(compatibility(baseline, result), "the baseline and the result"));
    const std::string refusal = pairing_refusal(baseline, result);
    if (baselines.size() == 1 && !refusal.empty()) add({refusal});
    add(source_notes(baseline));
    add(level_notes(baseline));
  }
  add(level_notes(result));
  return notes;
}

GateOutcome worst_of(const std::vector<GateLine>& lines) {
  for (const GateOutcome outcome :
       {GateOutcome::kFail, GateOutcome::kInvalid, GateOutcome::kInconclusive}) {
    for (const GateLine& line : lines) {
      if (line.outcome == outcome) return outcome;
    }
  }
  return GateOutcome::kPass;
}

double measured_seconds(const LevelStats& level) {
  double seconds = 0;
  for (const RunStats& run : level.runs) seconds += run.wall_seconds.value_or(0);
  return level.runs.empty() ? level.pooled.wall_seconds.value_or(0) : seconds;
}

}  // namespace

std::string_view name_of(GateOutcome outcome) {
  switch (outcome) {
    case GateOutcome::kPass:
      return "PASS";
    case GateOutcome::kFail:
      return "FAIL";
    case GateOutcome::kInconclusive:
      return "INCONCLUSIVE";
    case GateOutcome::kInvalid:
      return "INVALID";
  }
  return "INVALID";
}

GateReport gate(const SweepResult& result, const SweepResult* baseline, const GatePolicy& policy) {
  if (baseline == nullptr) return gate(result, std::span<const SweepResult>(), policy);
  return gate(result, std::span(baseline, 1), policy);
}

GateReport gate(const SweepResult& result, std::span<const SweepResult> baselines,
                const GatePolicy& policy) {
  if (policy.rules.empty()) {
    throw Error({.what = "there is no rule to decide",
                 .where = "gate",
                 .next = "give --policy, --require or --no-worse"});
  }
  require_whole(result);
  for (const SweepResult& baseline : baselines) require_whole(baseline);
  for (const SweepResult& baseline : baselines) refuse_itself(result, baseline);
  refuse_one_session(baselines);
  const GateInput input{.result = result, .baselines = baselines, .policy = policy};
  const std::string unlike = unlike_workloads(input);
  std::vector<DecidedLine> decided;
  for (const GateRule& rule : policy.rules) {
    for (DecidedLine& line : decide(input, rule, unlike)) decided.push_back(std::move(line));
  }
  correct_for_hunting(decided);
  GateReport report{.result_name = result.name,
                    .baseline_name = names_of(baselines),
                    .marks = marks_of(result),
                    .notes = notes_of(result, baselines),
                    .inconclusive_is = policy.inconclusive_is};
  for (const LevelStats& level : result.levels) report.seconds += measured_seconds(level);
  for (DecidedLine& line : decided) {
    const LevelStats* level = find_level(result, line.line.point);
    line.line.seconds = level != nullptr ? measured_seconds(*level) : report.seconds;
    report.lines.push_back(std::move(line.line));
  }
  for (const FailureReason& reason : failures_of(result)) report.failures.push_back(reason.error);
  report.outcome = worst_of(report.lines);
  return report;
}

ExitCode gate_exit_code(const GateReport& report) {
  switch (report.outcome) {
    case GateOutcome::kPass:
      return kExitOk;
    case GateOutcome::kFail:
      return kExitGateFail;
    case GateOutcome::kInvalid:
      return kExitGateInvalid;
    case GateOutcome::kInconclusive:
      break;
  }
  switch (report.inconclusive_is) {
    case InconclusiveIs::kPass:
      return kExitOk;
    case InconclusiveIs::kFail:
      return kExitGateFail;
    case InconclusiveIs::kInconclusive:
      break;
  }
  return kExitGateInconclusive;
}

std::vector<LoadPoint> levels_needing_repeats(const GateReport& report) {
  std::set<LoadPoint> levels;
  for (const GateLine& line : report.lines) {
    if (line.more_repeats_help && line.point.known()) levels.insert(line.point);
  }
  return {levels.begin(), levels.end()};
}

}  // namespace llmsweep
