#include "report/html_parts.h"

#include <fmt/format.h>

#include "llmsweep/base/text.h"
#include "llmsweep/report/table.h"
#include "report/cells.h"
#include "report/compare_rows.h"
#include "report/escape.h"

namespace llmsweep::report {
namespace {

std::string cell(const std::string& text, const std::optional<double>& value,
                 const std::optional<Interval>& interval = std::nullopt) {
  const std::string ci = interval_text(interval);
  return fmt::format("<td data-value=\"{}\">{}{}</td>", value ? fmt::format("{}", *value) : "",
                     markup(text), ci.empty() ? "" : " <span class=\"ci\">" + ci + "</span>");
}

std::string figure_cell(const Figure& figure, Statistic statistic) {
  const bool with_interval =
      figure.quantity.between_runs != nullptr && statistic == Statistic::kP50;
  return cell(figure_text(figure) + (figure.sound ? "" : std::string(" ") + kUnsoundMark) +
                  (figure.with_drain ? " *" : ""),
              figure.value ? figure.value : figure.at_most,
              with_interval ? figure.ci95 : std::nullopt);
}

std::string failed_cell(const RequestCounts& requests) {
  const double all = static_cast<double>(requests.all().value_or(0));
  if (all <= 0 || !requests.failed) return cell("–", std::nullopt);
  const auto failed = static_cast<double>(*requests.failed);
  return cell(format_number(failed) + " of " + format_number(all), failed);
}

std::string level_row(const LevelStats& level, Source source,
                      const std::vector<Measure>& measures) {
  const bool valid = level.pooled.valid;
  std::string row = valid ? "<tr>" : "<tr class=\"invalid\">";
  row += fmt::format("<th scope=\"row\" data-value=\"{0}\">{0}</th>", value_text(level.point));
  for (const Measure& measure : measures) {
    row += figure_cell({level, measure, source}, measure.statistic);
  }
  row += failed_cell(level.pooled.requests);
  row += valid ? "<td>yes</td>" : "<td class=\"no\">NO</td>";
  return row + "</tr>\n";
}

std::string heading(std::string_view title, std::string_view unit = {}) {
  std::string text = fmt::format("<th scope=\"col\">{}", title);
  if (!unit.empty()) text += fmt::format("<span class=\"unit\">{}</span>", unit);
  return text + "</th>";
}

std::string level_headings(const SweepResult& result, const std::vector<Measure>& measures) {
  std::string text = heading(capitalised(load_heading(result)));
  for (const Measure& measure : measures) {
    text += heading(title_of(measure), unit_heading(*measure.quantity));
  }
  return text + heading("Failed", "of measured") + heading("Valid");
}

std::string levels_table(const SweepResult& result, const std::vector<Measure>& measures) {
  std::string text =
      "<div class=\"table-block\"><div class=\"table-tools\"><h3>" + markup(result.name, 120);
  for (const std::string& mark : marks_of(result)) text += " [" + markup(mark) + "]";
  text +=
      "</h3></div>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Levels of " +
      markup(result.name, 120) + "\"><table class=\"data\">\n<thead><tr>";
  text += level_headings(result, measures);
  text += "</tr></thead>\n<tbody>\n";
  for (const LevelStats& level : result.levels) {
    text += level_row(level, result.source, measures);
  }
  text += "</tbody></table></div>\n";
  const std::string note = interval_note(result);
  if (!note.empty()) text += "<p class=\"hint\">" + markup(note, 300) + ".</p>\n";
  if (any_unsound(result)) {
    text += std::string("<p class=\"hint\">") + markup(kUnsoundNote, 300) + ".</p>\n";
  }
  if (any_drain(result)) {
    text += "<p class=\"hint\">* with drain: tokens ÷ wall, ramp and drain included.</p>\n";
  }
  return text + "</div>\n";
}

// "3.2×" sorts as 3.2; a cell without a leading number sorts as text.
std::string compared_cell(const std::string& text, bool left) {
  const std::string shown = markup(text, 500);
  if (left) return "<td class=\"text\">" + shown + "</td>";
  std::string digits;
  for (const char c : text) {
    if ((c >= '0' && c <= '9') || c == '.') {
      digits += c;
    } else if (c != ',') {
      break;
    }
  }
  const std::optional<double> value = parse_double(digits);
  return fmt::format("<td data-value=\"{}\">{}</td>", value ? fmt::format("{}", *value) : "",
                     shown);
}

std::string compared_table(const TextTable& table) {
  std::string text = "<div class=\"table-block\"><div class=\"table-tools\"><h3>" +
                     markup(table.title, 300) +
                     "</h3></div>\n<div class=\"scroll\" tabindex=\"0\" "
                     "role=\"region\" aria-label=\"" +
                     markup(table.title, 300) + "\"><table class=\"data\">\n<thead><tr>";
  for (const Column& column : table.columns) {
    text +=
        fmt::format("<th scope=\"col\"{}>{}", column.align == Align::kLeft ? " class=\"text\"" : "",
                    markup(column.title));
    if (!column.unit.empty()) text += "<span class=\"unit\">" + markup(column.unit) + "</span>";
    text += "</th>";
  }
  text += "</tr></thead>\n<tbody>\n";
  for (const Row& row : table.rows) {
    text += "<tr>";
    for (size_t i = 0; i < row.cells.size(); ++i) {
      text += compared_cell(row.cells[i], table.columns[i].align == Align::kLeft);
    }
    text += "</tr>\n";
  }
  text += "</tbody></table></div>\n";
  if (!table.footer.empty()) text += "<p class=\"hint\">" + markup(table.footer, 500) + "</p>\n";
  return text + "</div>\n";
}

}  // namespace

std::string html_levels(const HtmlInput& input) {
  std::string text;
  for (const SweepResult& result : input.results) {
    const std::vector<Measure> measures =
        input.columns.empty() ? present_measures(result, page_measures()) : input.columns;
    text += result.levels.empty()
                ? "<h3>" + markup(result.name, 120) + "</h3><p>No level was measured.</p>\n"
                : levels_table(result, measures);
  }
  return text;
}

std::string html_comparison(std::span<const Comparison> comparisons) {
  if (comparisons.empty()) return "";
  std::string text = "<section id=\"comparison\">\n<h2>Comparison</h2>\n";
  if (comparisons.size() > 1) text += compared_table(summary_of(comparisons, true));
  for (const Comparison& comparison : comparisons) {
    text += "<h3>" + markup(comparison.candidate_name, 120) + " against " +
            markup(comparison.baseline_name, 120) + "</h3>\n";
    for (const std::string& note : comparison.notes) {
      text += "<p class=\"note\">" + markup(note, 500) + "</p>\n";
    }
    const std::string family = family_text(comparison);
    if (!family.empty()) text += "<p class=\"hint\">" + markup(family, 500) + "</p>\n";
    const std::string same = same_fields(comparison);
    if (!same.empty()) text += "<p class=\"hint\">Same: " + markup(same, 1000) + ".</p>\n";
    // What differs, the users, the throughputs and the latency; the other figures on demand.
    constexpr size_t kAtOnce = 5;
    const std::vector<TextTable> tables = tables_of(comparison, comparison.measures, true);
    for (size_t i = 0; i < tables.size(); ++i) {
      if (i == kAtOnce) text += "<details class=\"more\"><summary>More figures</summary>\n";
      text += compared_table(tables[i]);
    }
    if (tables.size() > kAtOnce) text += "</details>\n";
  }
  return text + "</section>\n";
}

}  // namespace llmsweep::report
