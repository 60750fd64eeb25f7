#include "llmsweep/report/markdown.h"

#include <fmt/format.h>

#include <algorithm>

#include "llmsweep/base/text.h"
#include "llmsweep/report/table.h"
#include "report/cells.h"
#include "report/escape.h"

namespace llmsweep {
namespace {

std::string bold_marks(const SweepResult& result) {
  std::string text;
  for (const std::string& mark : marks_of(result)) text += " **[" + mark + "]**";
  return text;
}

std::string levels_markdown(const SweepResult& result, std::span<const Measure> columns) {
  std::vector<Measure> measures(columns.begin(), columns.end());
  if (measures.empty()) measures = report::present_measures(result, markdown_measures());
  std::string head = "| " + report::capitalised(report::load_heading(result)) + " |";
  std::string rule = "|--:|";
  for (const Measure& measure : measures) {
    const bool interval = report::has_interval_column(measure);
    head += " " + report::heading_of(measure) + (interval ? " | 95 % interval, ms |" : " |");
    rule += interval ? "--:|:-:|" : "--:|";
  }
  std::string text = head + " Valid |\n" + rule + ":-:|\n";
  for (const LevelStats& level : result.levels) {
    text += "| " + value_text(level.point) + " |";
    for (const Measure& measure : measures) {
      const report::Figure figure(level, measure, result.source);
      text += " " + report::figure_text(figure) + (figure.sound ? "" : report::kUnsoundMark) +
              (figure.with_drain ? " (with drain)" : "") + " |";
      if (report::has_interval_column(measure)) {
        text += " " + report::interval_text(figure.ci95) + " |";
      }
    }
    text += level.pooled.valid ? " yes |\n" : " **NO** |\n";
  }
  return text;
}

std::string section(const SweepResult& result, std::span<const Measure> columns) {
  std::string text = "### " + report::markdown(result.name) + bold_marks(result) + "\n\n";
  if (!result.model.empty()) text += "- Model: " + report::markdown(result.model) + "\n";
  const std::string system = system_line(result.system);
  const std::string workload = workload_line(result.workload);
  if (!system.empty()) text += "- System: " + report::markdown(system, 1000) + "\n";
  if (!workload.empty()) text += "- Workload: " + report::markdown(workload, 1000) + "\n";
  if (!result.created_at.empty()) {
    text += "- Made: " + report::markdown(result.created_at) +
            (result.tool.empty() ? "" : " by " + report::markdown(result.tool)) + "\n";
  }
  for (const std::string& sentence : users_sentences(result)) {
    text += "- **" + report::markdown(sentence, 1000) + "**\n";
  }
  if (result.levels.empty()) return text + "\nNo level was measured.\n";
  text += "\n" + levels_markdown(result, columns);
  const std::string note = report::interval_note(result);
  if (!note.empty()) text += "\n" + report::markdown(note, 1000) + "\n";
  if (report::any_unsound(result)) {
    text += "\n" + report::markdown(report::kUnsoundNote, 1000) + "\n";
  }
  std::string findings;
  for (const report::Finding& finding : report::findings_of(result)) {
    findings +=
        fmt::format("- **{}** {}: {} {}\n",
                    finding.invalid   ? "INVALID"
                    : finding.failure ? "Failed"
                                      : "Warning",
                    report::levels_text(finding.levels), report::markdown(finding.text, 1000),
                    report::markdown(finding.remedy, 1000));
  }
  return findings.empty() ? text : text + "\n" + findings;
}

}  // namespace

std::string markdown_report(std::span<const SweepResult> results,
                            std::span<const Measure> columns) {
  std::string text;
  for (const SweepResult& result : results)
    text += (text.empty() ? "" : "\n") + section(result, columns);
  return text;
}

}  // namespace llmsweep
