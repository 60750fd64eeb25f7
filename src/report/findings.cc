#include "report/cells.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "llmsweep/base/text.h"
#include "llmsweep/model/names.h"
#include "llmsweep/stats/failures.h"
#include "llmsweep/stats/validity.h"

namespace llmsweep::report {
namespace {

template <class Kind>
std::set<Kind> kinds_of(const LevelStats& level, std::vector<Kind> RunStats::*member) {
  std::set<Kind> kinds((level.pooled.*member).begin(), (level.pooled.*member).end());
  for (const RunStats& run : level.runs) {
    kinds.insert((run.*member).begin(), (run.*member).end());
  }
  return kinds;
}

template <class Kind>
void collect(const SweepResult& result, std::vector<Kind> RunStats::*member, bool invalid,
             std::vector<Finding>& findings) {
  for (const Kind kind : all_values<Kind>()) {
    Finding finding{.invalid = invalid,
                    .text = std::string(sentence(kind)),
                    .remedy = std::string(remedy(kind))};
    for (const LevelStats& level : result.levels) {
      if (kinds_of(level, member).count(kind) > 0) finding.levels.push_back(level.point);
    }
    if (!finding.levels.empty()) findings.push_back(std::move(finding));
  }
}

}  // namespace

std::string failure_text(const ErrorCount& error) {
  return fmt::format("{} {} failed: {}", error.count, error.count == 1 ? "request" : "requests",
                     printable(error.text, 500));
}

std::string_view label_of(const Finding& finding) {
  if (finding.failure) return "failed";
  return finding.invalid ? "INVALID" : "warning";
}

std::vector<Finding> findings_of(const SweepResult& result) {
  std::vector<Finding> findings;
  collect(result, &RunStats::invalid_reasons, true, findings);
  collect(result, &RunStats::warnings, false, findings);
  for (const FailureReason& reason : failures_of(result)) {
    findings.push_back({.invalid = false,
                        .failure = true,
                        .text = failure_text(reason.error),
                        .remedy = {},
                        .levels = reason.levels});
  }
  return findings;
}

}  // namespace llmsweep::report
