#include "llmsweep/analysis/gate.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "analysis/gate_decide.h"
#include "analysis/reader_notes.h"
#include "llmsweep/analysis/compare.h"
#include "llmsweep/base/error.h"
#include "llmsweep/base/text.h"
#include "llmsweep/model/describe.h"
#include "llmsweep/stats/failures.h"
#include "llmsweep/stats/intervals.h"

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
  const bool from_baseline = rule.no_worse && input.baseline != nullptr;
  std::vector<LoadPoint> levels;
  for (const LevelStats& level : (from_baseline ? *input.baseline : input.result).levels) {
    levels.push_back(level.point);
  }
  return levels;
}

// Why no-worse rules cannot be decided at all; empty where they can.
std::string unlike_workloads(const GateInput& input) {
  if (input.baseline == nullptr) return {};
  std::vector<std::string> unlike;
  for (const FieldReport& field : compatibility(*input.baseline, input.result)) {
    const auto& allowed = input.policy.allow_different;
    if (field.state == FieldState::kUnlike &&
        std::find(allowed.begin(), allowed.end(), field.field) == allowed.end()) {
      unlike.push_back(fmt::format("{} ({} in the baseline, {} here)", field.field,
                                   printable(field.baseline), printable(field.candidate)));
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

std::vector<std::string> notes_of(const SweepResult& result, const SweepResult* baseline) {
  std::vector<std::string> notes;
  const auto add = [&notes](std::vector<std::string> more) {
    notes.insert(notes.end(), more.begin(), more.end());
  };
  if (baseline != nullptr) {
    add(unlike_notes(compatibility(*baseline, result), "the baseline and the result"));
    add(source_notes(*baseline));
    add(level_notes(*baseline));
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
  if (policy.rules.empty()) {
    throw Error({.what = "there is no rule to decide",
                 .where = "gate",
                 .next = "give --policy, --require or --no-worse"});
  }
  if (baseline != nullptr) refuse_itself(result, *baseline);
  const GateInput input{.result = result, .baseline = baseline, .policy = policy};
  const std::string unlike = unlike_workloads(input);
  std::vector<DecidedLine> decided;
  for (const GateRule& rule : policy.rules) {
    for (DecidedLine& line : decide(input, rule, unlike)) decided.push_back(std::move(line));
  }
  correct_for_hunting(decided);
  GateReport report{.result_name = result.name,
                    .baseline_name = baseline != nullptr ? baseline->name : "",
                    .marks = marks_of(result),
                    .notes = notes_of(result, baseline),
                    .inconclusive_is = policy.inconclusive_is};
  for (DecidedLine& line : decided) report.lines.push_back(std::move(line.line));
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
