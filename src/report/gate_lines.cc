#include "report/gate_lines.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "llmsweep/base/text.h"
#include "report/compare_rows.h"

namespace llmsweep::report {
namespace {

constexpr size_t kRuleBytes = 400;
constexpr size_t kReasonBytes = 600;

constexpr GateOutcome kWorstFirst[] = {GateOutcome::kFail, GateOutcome::kInvalid,
                                       GateOutcome::kInconclusive, GateOutcome::kPass};

std::string number_text(double value, const std::string& unit) {
  if (unit == "ms" && std::abs(value) >= 100) return format_number(value);
  if (unit == "share") return fmt::format("{:.2f}", value * 100);
  if (unit == "difference") return fmt::format("{:+.2f}", value * 100);
  if (unit.starts_with("users")) return short_number(value);
  if (unit == "ratio" || unit == "score") return fmt::format("{:.3f}", value);
  return format_significant(value, 4);
}

std::string unit_text(const std::string& unit) {
  if (unit == "share") return " %";
  if (unit == "difference") return " points";
  if (unit == "ratio") return "× baseline";
  return " " + unit;
}

}  // namespace

std::string rule_title(const GateLine& line) {
  return printable(line.name.empty() ? line.rule : line.name + " (" + line.rule + ")", kRuleBytes);
}

std::string measured_text(const GateLine& line) {
  if (!line.measured) return "no value";
  std::string text = number_text(*line.measured, line.unit) + unit_text(line.unit);
  if (line.bounds) {
    text += fmt::format(" [{}, {}]", number_text(line.bounds->low, line.unit),
                        number_text(line.bounds->high, line.unit));
  }
  return text;
}

std::string limit_text(const GateLine& line) {
  return "limit " + number_text(line.limit, line.unit) + unit_text(line.unit);
}

std::string margin_text(const GateLine& line) {
  return line.margin ? fmt::format("margin {:.1f} %", *line.margin * 100) : "";
}

std::string details_text(const GateLine& line) {
  std::vector<std::string> values = {measured_text(line)};
  if (line.measured) values.push_back(limit_text(line));
  if (const std::string margin = margin_text(line); !margin.empty()) values.push_back(margin);
  std::string text = join(values, ", ");
  if (!line.basis.empty()) text += " (" + printable(line.basis, kReasonBytes) + ")";
  if (!line.why.empty()) text += "; " + printable(line.why, kReasonBytes);
  if (!line.next.empty()) text += "; " + printable(line.next, kReasonBytes);
  return text;
}

std::string verdict_text(const GateReport& report) {
  std::vector<std::string> counts;
  for (const GateOutcome outcome : kWorstFirst) {
    const auto count =
        std::count_if(report.lines.begin(), report.lines.end(),
                      [outcome](const GateLine& line) { return line.outcome == outcome; });
    if (count > 0) counts.push_back(fmt::format("{} {}", count, name_of(outcome)));
  }
  std::string text = fmt::format("gate {}: {}", name_of(report.outcome), join(counts, ", "));
  if (report.outcome == GateOutcome::kInconclusive) {
    if (report.inconclusive_is == InconclusiveIs::kPass) text += "; counted as a pass, as asked";
    if (report.inconclusive_is == InconclusiveIs::kFail) text += "; counted as a failure, as asked";
  }
  return text;
}

std::vector<const GateLine*> worst_first(const GateReport& report) {
  std::vector<const GateLine*> lines;
  for (const GateOutcome outcome : kWorstFirst) {
    for (const GateLine& line : report.lines) {
      if (line.outcome == outcome) lines.push_back(&line);
    }
  }
  return lines;
}

}  // namespace llmsweep::report
