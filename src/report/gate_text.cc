#include "llmsweep/report/gate_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "llmsweep/base/text.h"
#include "report/cells.h"
#include "report/escape.h"
#include "report/gate_lines.h"
#include "report/text_table.h"

namespace llmsweep {
namespace {

constexpr size_t kMessageBytes = 1500;
constexpr const char* kBoundsNote =
    "[low, high]: 95 % bounds each, by Student's t; PASS and FAIL need both on one side of the "
    "limit";
constexpr size_t kTailBytes = 200;  // room for the line that counts what was left out

std::string sgr_of(GateOutcome outcome) {
  switch (outcome) {
    case GateOutcome::kPass:
      return "32";
    case GateOutcome::kFail:
      return "31";
    case GateOutcome::kInconclusive:
    case GateOutcome::kInvalid:
      break;
  }
  return "33";
}

std::string names_line(const GateReport& report) {
  std::string text = printable(report.result_name, 80);
  if (!report.baseline_name.empty()) text += " against " + printable(report.baseline_name, 80);
  if (!report.marks.empty()) text += " (" + join(report.marks, ", ") + ")";
  return text;
}

// At most `max_bytes`, so that the rules have room.
std::string notes_markdown(const GateReport& report, size_t max_bytes) {
  std::string text;
  for (const std::string& note : report.notes) {
    const std::string line = "- **" + report::markdown(note, kMessageBytes) + "**\n";
    if (text.size() + line.size() > max_bytes) break;
    text += line;
  }
  return text.empty() ? text : text + "\n";
}

std::string ascii(std::string text) {
  for (size_t at = 0; (at = text.find("×")) != std::string::npos;) text.replace(at, 2, "x");
  return text;
}

// GitHub's escapes for the data, and for the properties, of a workflow command.
std::string command_data(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '%') {
      escaped += "%25";
    } else if (c == '\r') {
      escaped += "%0D";
    } else if (c == '\n') {
      escaped += "%0A";
    } else {
      escaped += c;
    }
  }
  return escaped;
}
std::string command_property(const std::string& text) {
  std::string escaped;
  for (const char c : command_data(text)) {
    if (c == ':') {
      escaped += "%3A";
    } else if (c == ',') {
      escaped += "%2C";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

std::string annotations_of(const std::vector<const GateLine*>& lines, const char* command) {
  std::string text;
  for (size_t i = 0; i < lines.size(); ++i) {
    const bool last_of_many = i + 1 == kAnnotationsOfAKind && lines.size() > kAnnotationsOfAKind;
    if (last_of_many) {
      return text + fmt::format("::{} title=llmsweep gate::and {} more rules; see the summary\n",
                                command, lines.size() - i);
    }
    const GateLine& line = *lines[i];
    const std::string title = fmt::format("{} {}", name_of(line.outcome), report::rule_title(line));
    text += fmt::format("::{} title={}::{}\n", command, command_property(printable(title, 200)),
                        command_data(printable(report::details_text(line), kMessageBytes)));
  }
  return text;
}

}  // namespace

std::string gate_text(const GateReport& report, const TableStyle& style) {
  std::string text = names_line(report) + "\n";
  for (const std::string& note : report.notes) {
    text += "! " + printable(note, kMessageBytes) + "\n";
  }
  for (const GateLine& line : report.lines) {
    const std::string outcome = fmt::format("{:<12}", name_of(line.outcome));
    const std::string rest = report::rule_title(line) + ": " + report::details_text(line);
    text += report::paint(outcome, sgr_of(line.outcome), style) + " " +
            (style.unicode ? rest : ascii(rest)) + "\n";
  }
  for (const ErrorCount& error : report.failures) text += report::failure_text(error) + "\n";
  const bool any_bounds = std::any_of(report.lines.begin(), report.lines.end(),
                                      [](const GateLine& line) { return line.bounds.has_value(); });
  if (any_bounds) text += report::paint(kBoundsNote, "2", style) + "\n";
  return text + report::paint(report::verdict_text(report), "1", style) + "\n";
}

std::string gate_markdown(const GateReport& report, size_t max_bytes) {
  std::string text = "### " + report::markdown(report::verdict_text(report)) + "\n\n" +
                     report::markdown(names_line(report)) + "\n\n" +
                     notes_markdown(report, max_bytes / 4) +
                     "| outcome | rule | measured | limit | margin | why | what to do |\n" +
                     "|---|---|---:|---:|---:|---|---|\n";
  const std::vector<const GateLine*> lines = report::worst_first(report);
  for (size_t i = 0; i < lines.size(); ++i) {
    const GateLine& line = *lines[i];
    std::string row = "|";
    for (const std::string& cell :
         {std::string(name_of(line.outcome)), report::rule_title(line), report::measured_text(line),
          report::limit_text(line).substr(6),
          line.margin ? fmt::format("{:.1f} %", *line.margin * 100) : std::string(),
          line.why + (line.basis.empty() ? "" : " (" + line.basis + ")"), line.next}) {
      row += " " + report::markdown(cell, kMessageBytes) + " |";
    }
    row += "\n";
    if (text.size() + row.size() + kTailBytes > max_bytes) {
      return text + fmt::format("\nand {} more rules\n", lines.size() - i);
    }
    text += row;
  }
  for (const ErrorCount& error : report.failures) {
    const std::string line =
        "\n" + report::markdown(report::failure_text(error), kMessageBytes) + "\n";
    if (text.size() + line.size() > max_bytes) break;
    text += line;
  }
  return text;
}

std::string gate_annotations(const GateReport& report) {
  std::vector<const GateLine*> errors, warnings;
  for (const GateLine* line : report::worst_first(report)) {
    if (line->outcome == GateOutcome::kPass) continue;
    (line->outcome == GateOutcome::kInconclusive ? warnings : errors).push_back(line);
  }
  return annotations_of(errors, "error") + annotations_of(warnings, "warning");
}

}  // namespace llmsweep
