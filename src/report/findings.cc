#include "report/cells.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "llmsweep/base/text.h"
#include "llmsweep/model/names.h"
#include "llmsweep/stats/failures.h"
#include "llmsweep/stats/server_findings.h"
#include "llmsweep/stats/validity.h"

namespace llmsweep::report {
namespace {

bool is_folded(InvalidReason) {
  return false;
}
bool is_folded(Warning warning) {
  return marked_metric(warning).has_value();
}

template <class Kind>
std::set<Kind> kinds_of(const LevelStats& level, std::vector<Kind> RunStats::*member) {
  std::set<Kind> kinds((level.pooled.*member).begin(), (level.pooled.*member).end());
  for (const RunStats& run : level.runs) {
    kinds.insert((run.*member).begin(), (run.*member).end());
  }
  return kinds;
}

template <class Kind>
std::vector<LoadPoint> levels_with(const SweepResult& result, std::vector<Kind> RunStats::*member,
                                   Kind kind) {
  std::vector<LoadPoint> levels;
  for (const LevelStats& level : result.levels) {
    if (kinds_of(level, member).count(kind) > 0) levels.push_back(level.point);
  }
  return levels;
}

template <class Kind>
void collect(const SweepResult& result, std::vector<Kind> RunStats::*member, bool invalid,
             std::vector<Finding>& findings) {
  for (const Kind kind : all_values<Kind>()) {
    if (is_folded(kind)) continue;
    Finding finding{.invalid = invalid,
                    .text = std::string(sentence(kind)),
                    .remedy = std::string(remedy(kind)),
                    .levels = levels_with(result, member, kind)};
    if (!finding.levels.empty()) findings.push_back(std::move(finding));
  }
}

// "E2E", "TTFT and ITL", "E2E, TTFT and ITL".
std::string listed(const std::vector<std::string>& names) {
  if (names.size() < 2) return join(names, "");
  return join({names.begin(), names.end() - 1}, ", ") + " and " + names.back();
}

// The warnings that figures are marked, as one: it names the metrics, and their levels where these
// are not the same.
void add_marks(const SweepResult& result, std::vector<Finding>& findings) {
  std::vector<std::pair<std::vector<LoadPoint>, std::vector<std::string>>> groups;
  std::set<LoadPoint> levels;
  Warning last = {};  // ITL and ICL, whose sentence says more, come after the others
  for (const Warning warning : all_values<Warning>()) {
    if (!is_folded(warning)) continue;
    std::vector<LoadPoint> own = levels_with(result, &RunStats::warnings, warning);
    if (own.empty()) continue;
    levels.insert(own.begin(), own.end());
    auto same = std::find_if(groups.begin(), groups.end(),
                             [&](const auto& group) { return group.first == own; });
    if (same == groups.end()) {
      groups.push_back({std::move(own), {}});
      same = groups.end() - 1;
    }
    same->second.push_back(metric_title(*marked_metric(warning)));
    last = warning;
  }
  if (groups.empty()) return;
  std::vector<std::string> parts;
  for (const auto& [own, metrics] : groups) {
    parts.push_back(listed(metrics) + (groups.size() > 1 ? " (" + levels_text(own) + ")" : ""));
  }
  const std::string_view one = sentence(last);
  findings.push_back(
      {.text = fmt::format("Figures of {}{}", listed(parts), one.substr(one.find(" are marked"))),
       .remedy = std::string(remedy(last)),
       .levels = {levels.begin(), levels.end()}});
}

// One that several levels share stands once.
void add_server_findings(const SweepResult& result, std::vector<Finding>& findings) {
  const auto first = static_cast<std::ptrdiff_t>(findings.size());
  for (const LevelStats& level : result.levels) {
    for (ServerFinding& found : server_findings(level, result.levels)) {
      const auto same =
          std::find_if(findings.begin() + first, findings.end(),
                       [&](const Finding& other) { return other.text == found.text; });
      if (same != findings.end()) {
        same->levels.push_back(level.point);
      } else {
        findings.push_back(
            {.server = true, .text = std::move(found.text), .remedy = {}, .levels = {level.point}});
      }
    }
  }
}

}  // namespace

std::string failure_text(const ErrorCount& error) {
  return fmt::format("{} {} failed: {}", error.count, error.count == 1 ? "request" : "requests",
                     printable(error.text, 500));
}

std::string_view label_of(const Finding& finding) {
  if (finding.failure) return "failed";
  if (finding.server) return "server";
  return finding.invalid ? "INVALID" : "warning";
}

std::vector<Finding> findings_of(const SweepResult& result) {
  std::vector<Finding> findings;
  collect(result, &RunStats::invalid_reasons, true, findings);
  add_marks(result, findings);
  collect(result, &RunStats::warnings, false, findings);
  for (const FailureReason& reason : failures_of(result)) {
    findings.push_back({.invalid = false,
                        .failure = true,
                        .text = failure_text(reason.error),
                        .remedy = {},
                        .levels = reason.levels});
  }
  add_server_findings(result, findings);
  return findings;
}

}  // namespace llmsweep::report
