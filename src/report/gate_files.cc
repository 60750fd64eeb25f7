#include "llmsweep/report/gate_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "report/cells.h"
#include "report/escape.h"
#include "report/gate_lines.h"
#include "report/point_json.h"

namespace llmsweep {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kTextBytes = 4000;

Json or_null(const std::optional<double>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json json_of(const GateLine& line) {
  Json json = {
      {"rule", line.rule},
      {"name", line.name},
      {"outcome", name_of(line.outcome)},
      {"unit", line.unit},
      {"measured", or_null(line.measured)},
      {"baseline", or_null(line.baseline)},
      {"candidate", or_null(line.candidate)},
      {"bounds", line.bounds ? Json::array({line.bounds->low, line.bounds->high}) : Json()},
      {"target", line.target},
      {"limit", line.limit},
      {"margin", or_null(line.margin)},
      {"repeats", line.repeats},
      {"concurrency", nullptr}};
  if (line.point.known()) report::put_point(json, line.point);
  json.update({{"basis", line.basis},
               {"why", line.why},
               {"next", line.next},
               {"more_repeats_help", line.more_repeats_help}});
  return json;
}

// Of the suite: no case of its own, so that the counts stay those of the rules.
std::string suite_body(const GateReport& report) {
  std::string text;
  for (const std::string& note : report.notes) text += report::markup(note, kTextBytes) + "\n";
  for (const ErrorCount& error : report.failures) {
    text += report::markup(report::failure_text(error), kTextBytes) + "\n";
  }
  if (text.empty()) return {};
  return "    <system-err>" + text + "</system-err>\n";
}

// How JUnit counts an outcome.
enum class JunitState { kPassed, kFailure, kError, kSkipped };
JunitState state_of(const GateReport& report, const GateLine& line) {
  switch (line.outcome) {
    case GateOutcome::kPass:
      return JunitState::kPassed;
    case GateOutcome::kFail:
      return JunitState::kFailure;
    case GateOutcome::kInvalid:
      return JunitState::kError;
    case GateOutcome::kInconclusive:
      break;
  }
  return report.inconclusive_is == InconclusiveIs::kPass ? JunitState::kSkipped
                                                         : JunitState::kFailure;
}

std::string case_body(const GateLine& line, JunitState state) {
  const std::string details = report::details_text(line);
  const std::string message = report::markup(line.why.empty() ? details : line.why, kTextBytes);
  const std::string text = report::markup(details, kTextBytes);
  switch (state) {
    case JunitState::kPassed:
      return fmt::format("      <system-out>{}</system-out>\n", text);
    case JunitState::kFailure:
      return fmt::format("      <failure message=\"{}\" type=\"{}\">{}</failure>\n", message,
                         name_of(line.outcome), text);
    case JunitState::kError:
      return fmt::format("      <error message=\"{}\" type=\"{}\">{}</error>\n", message,
                         name_of(line.outcome), text);
    case JunitState::kSkipped:
      break;
  }
  return fmt::format("      <skipped message=\"{}\"/>\n", message);
}

}  // namespace

std::string gate_json(const GateReport& report) {
  Json json = {{"result", report.result_name},
               {"baseline", report.baseline_name.empty() ? Json() : Json(report.baseline_name)},
               {"marks", report.marks},
               {"notes", report.notes},
               {"outcome", name_of(report.outcome)},
               {"exit_code", gate_exit_code(report)},
               {"rules", Json::array()},
               {"failures", Json::array()}};
  for (const GateLine& line : report.lines) json["rules"].push_back(json_of(line));
  for (const ErrorCount& error : report.failures) {
    json["failures"].push_back({{"count", error.count}, {"text", error.text}});
  }
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string gate_junit(const GateReport& report) {
  const auto count = [&report](JunitState state) {
    return std::count_if(report.lines.begin(), report.lines.end(),
                         [&](const GateLine& line) { return state_of(report, line) == state; });
  };
  const std::string counts =
      fmt::format("tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{:.3f}\"",
                  report.lines.size(), count(JunitState::kFailure), count(JunitState::kError),
                  count(JunitState::kSkipped), report.seconds);
  const std::string suite = report::markup(report.result_name);
  std::string text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
  text += fmt::format("<testsuites name=\"llmsweep gate\" {}>\n", counts);
  text += fmt::format("  <testsuite name=\"{}\" {}>\n", suite, counts);
  for (const GateLine& line : report.lines) {
    text += fmt::format("    <testcase name=\"{}\" classname=\"llmsweep.gate\" time=\"{:.3f}\">\n",
                        report::markup(report::rule_title(line), kTextBytes), line.seconds);
    text += case_body(line, state_of(report, line)) + "    </testcase>\n";
  }
  text += suite_body(report);
  return text + "  </testsuite>\n</testsuites>\n";
}

}  // namespace llmsweep
