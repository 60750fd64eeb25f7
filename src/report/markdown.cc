#include "llmsweep/report/markdown.h"

#include <fmt/format.h>

#include <algorithm>

#include "llmsweep/base/text.h"
#include "llmsweep/report/table.h"
#include "report/cells.h"
#include "report/escape.h"
#include "report/markdown_table.h"
#include "report/model_table.h"
#include "report/session_text.h"
#include "report/text_table.h"

namespace llmsweep {
namespace {

std::string bold_marks(const SweepResult& result) {
  std::string text;
  for (const std::string& mark : marks_of(result)) text += " **[" + mark + "]**";
  return text;
}

std::vector<Measure> measures_of(const SweepResult& result, std::span<const Measure> columns) {
  if (!columns.empty()) return {columns.begin(), columns.end()};
  return report::present_measures(result, markdown_measures());
}

std::string levels_markdown(const SweepResult& result, const report::LevelLines& levels,
                            std::span<const Measure> columns) {
  const std::vector<Measure> measures = measures_of(result, columns);
  std::string head = "| " + report::capitalised(levels.heading) + " |";
  std::string rule = "|--:|";
  const std::string range = report::only_ranges(result) ? " | Range" : " | 95 % interval";
  for (const Measure& measure : measures) {
    const bool interval = report::has_interval_column(measure);
    head += " " + report::heading_of(measure) + (interval ? range + ", ms |" : " |");
    rule += interval ? "--:|:-:|" : "--:|";
  }
  const bool states = report::have_states(result);
  if (states) {
    head += " State |";
    rule += ":-:|";
  }
  std::string text = head + " Valid |\n" + rule + ":-:|\n";
  for (const auto& [name, of_line] : levels.lines) {
    const LevelStats& level = *of_line;
    text += "| " + name + " |";
    for (const Measure& measure : measures) {
      const report::Figure figure(level, measure, result.source);
      text += " " + report::figure_text(figure) + (figure.sound ? "" : report::kUnsoundMark) +
              (figure.with_drain ? " (with drain)" : "") + " |";
      if (report::has_interval_column(measure)) {
        text += " " + report::interval_text(figure) + " |";
      }
    }
    if (states) text += " " + report::state_text(level) + " |";
    text += level.pooled.valid ? " yes |\n" : " **NO** |\n";
  }
  return text;
}

std::string sessions_markdown(const SweepResult& result) {
  std::string text;
  const std::vector<std::vector<std::string>> lines = report::turn_lines(result);
  for (size_t i = 0; i < lines.size(); ++i) {
    text += "| " + join(lines[i], " | ") + " |\n";
    if (i > 0) continue;
    for (size_t column = 0; column < lines[0].size(); ++column) text += "|---:";
    text += "|\n";
  }
  if (!text.empty()) text = "\n" + text + "\n";
  for (const std::string& sentence : report::session_sentences(result)) {
    text += "- " + report::markdown(sentence, 1000) + "\n";
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
  if (result.trace) text += "- Load: " + report::markdown(replay_line(result), 1000) + "\n";
  if (!result.created_at.empty()) {
    text += "- Made: " + report::markdown(result.created_at) +
            (result.tool.empty() ? "" : " by " + report::markdown(result.tool)) + "\n";
  }
  for (const std::string& sentence : users_sentences(result)) {
    text += "- **" + report::markdown(sentence, 1000) + "**\n";
  }
  if (result.levels.empty()) return text + "\nNo level was measured.\n";
  text += "\n" + levels_markdown(result, report::lines_of_levels(result), columns);
  if (!result.profile.empty()) {
    text += "\n" + levels_markdown(result, report::lines_of_steps(result), columns);
  }
  const report::TextTable models = report::model_table(result);
  if (!models.rows.empty()) text += "\n" + report::markdown_table(models);
  text += sessions_markdown(result);
  const std::string note = report::interval_note(result);
  if (!note.empty()) text += "\n" + report::markdown(note, 1000) + "\n";
  if (report::any_unsound(result)) {
    text += "\n" + report::markdown(report::kUnsoundNote, 1000) + "\n";
  }
  const std::string states = report::state_note(result);
  if (!states.empty()) text += "\n" + report::markdown(states, 1000) + "\n";
  std::string findings;
  for (const report::Finding& finding : report::findings_of(result)) {
    findings +=
        fmt::format("- **{}** {}: {} {}\n",
                    finding.invalid   ? "INVALID"
                    : finding.failure ? "Failed"
                    : finding.server  ? "Server"
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
  std::vector<report::Column> shown;
  for (const SweepResult& result : results) {
    text += (text.empty() ? "" : "\n") + section(result, columns);
    if (result.levels.empty()) continue;
    for (const Measure& measure : measures_of(result, columns)) {
      shown.push_back({.title = {}, .terms = report::terms_of(measure)});
    }
  }
  const std::string terms = report::terms_of(shown);
  return terms.empty() ? text : text + "\n" + report::markdown(terms, 1000) + "\n";
}

}  // namespace llmsweep
