#include "report/html_parts.h"

#include <fmt/format.h>

#include <algorithm>

#include "llmsweep/base/text.h"
#include "llmsweep/report/table.h"
#include "llmsweep/stats/percentile.h"
#include "report/cells.h"
#include "report/compare_rows.h"
#include "report/escape.h"
#include "report/model_table.h"
#include "report/session_text.h"

namespace llmsweep::report {
namespace {

std::string cell(const std::string& text, const std::optional<double>& value,
                 const std::string& ci = {}) {
  return fmt::format("<td data-value=\"{}\">{}{}</td>", value ? fmt::format("{}", *value) : "",
                     markup(text), ci.empty() ? "" : " <span class=\"ci\">" + ci + "</span>");
}

// "needs 300, had 128"; empty: it is there, or for another reason not.
std::string why_missing(const LevelStats& level, const Measure& measure, const Figure& figure) {
  if (figure.value || figure.at_most || measure.quantity->distribution == nullptr) return "";
  const int64_t needed = measure.statistic == Statistic::kP99 ? kSamplesForP99 : 0;
  const Distribution& pooled = level.pooled.*measure.quantity->distribution;
  if (!pooled.count || *pooled.count == 0 || *pooled.count >= needed) return "";
  return fmt::format("needs {}, had {}", needed, format_number(static_cast<double>(*pooled.count)));
}

std::string figure_cell(const Figure& figure, Statistic statistic, const std::string& missing) {
  if (!missing.empty()) {
    return "<td data-value=\"\">– <span class=\"ci why\">" + missing + "</span></td>";
  }
  const bool with_interval =
      figure.quantity.between_runs != nullptr && statistic == Statistic::kP50;
  return cell(figure_text(figure) + (figure.sound ? "" : std::string(" ") + kUnsoundMark) +
                  (figure.with_drain ? " *" : ""),
              figure.value ? figure.value : figure.at_most,
              with_interval ? interval_text(figure) : std::string());
}

std::string failed_cell(const RequestCounts& requests) {
  const double all = static_cast<double>(requests.all().value_or(0));
  if (all <= 0 || !requests.failed) return cell("–", std::nullopt);
  const auto failed = static_cast<double>(*requests.failed);
  return cell(format_number(failed) + " of " + format_number(all), failed);
}

struct ShownLevel {
  const std::string& name;
  double order = 0;  // by which the page sorts
  const LevelStats& level;
};

std::string level_row(const ShownLevel& shown, Source source, const std::vector<Measure>& measures,
                      bool states) {
  const LevelStats& level = shown.level;
  const bool valid = level.pooled.valid;
  std::string row = valid ? "<tr>" : "<tr class=\"invalid\">";
  row += fmt::format("<th scope=\"row\" data-value=\"{}\">{}</th>", shown.order, shown.name);
  for (const Measure& measure : measures) {
    const Figure figure(level, measure, source);
    row += figure_cell(figure, measure.statistic, why_missing(level, measure, figure));
  }
  row += failed_cell(level.pooled.requests);
  if (states) row += "<td>" + state_text(level) + "</td>";
  row += valid ? "<td>yes</td>" : "<td class=\"no\">NO</td>";
  return row + "</tr>\n";
}

std::string heading(std::string_view title, std::string_view unit = {},
                    const std::string& meaning = {}) {
  std::string text = "<th scope=\"col\"";
  if (!meaning.empty()) text += " title=\"" + markup(meaning, 500) + "\"";
  text += fmt::format(">{}", title);
  if (!unit.empty()) text += fmt::format("<span class=\"unit\">{}</span>", unit);
  return text + "</th>";
}

// A sentence of the table of quantities, of which markup is for another place.
std::string definition_of(const Quantity& quantity) {
  std::string text;
  for (const char c : quantity.meaning) {
    if (c != '`') text += c;
  }
  return text;
}

std::string level_headings(const SweepResult& result, std::string_view first,
                           const std::vector<Measure>& measures) {
  std::string text = heading(capitalised(first));
  for (const Measure& measure : measures) {
    text += heading(title_of(measure), unit_heading(*measure.quantity),
                    definition_of(*measure.quantity));
  }
  text += heading("Failed", "of measured");
  if (have_states(result)) text += heading("State");
  return text + heading("Valid");
}

std::string rows_of(const SweepResult& result, const LevelLines& levels, bool steps,
                    const std::vector<Measure>& measures) {
  const std::string label = (steps ? "Steps of the profile of " : "Levels of ");
  std::string text = "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"" + label +
                     markup(result.name, 120) + "\"><table class=\"data\">\n<thead><tr>";
  text += level_headings(result, levels.heading, measures);
  text += "</tr></thead>\n<tbody>\n";
  for (size_t i = 0; i < levels.lines.size(); ++i) {
    const auto& [name, level] = levels.lines[i];
    const double order = steps ? static_cast<double>(i) : level->point.value;
    text += level_row({name, order, *level}, result.source, measures, have_states(result));
  }
  return text + "</tbody></table></div>\n";
}

// Of users with sessions: their turns, and what is said of each level.
std::string sessions_of(const SweepResult& result) {
  const std::vector<std::vector<std::string>> lines = turn_lines(result);
  std::string text;
  for (size_t i = 0; i < lines.size(); ++i) {
    text += i == 0 ? "<thead><tr>" : "<tr>";
    for (const std::string& cell : lines[i]) {
      text +=
          i == 0 ? "<th scope=\"col\">" + markup(cell) + "</th>" : "<td>" + markup(cell) + "</td>";
    }
    text += i == 0 ? "</tr></thead>\n<tbody>\n" : "</tr>\n";
  }
  if (!text.empty()) {
    text = "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Turns of " +
           markup(result.name, 120) + "\"><table class=\"data turns\">\n" + text +
           "</tbody></table></div>\n";
  }
  for (const std::string& sentence : session_sentences(result)) {
    text += "<p class=\"hint\">" + markup(sentence, 1000) + ".</p>\n";
  }
  return text;
}

// "3.2×" sorts as 3.2; a cell without a leading number sorts as text.
std::string text_cell(const std::string& text, bool left) {
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

// `whose` tells it from the same table of another comparison or result, for those who hear it.
std::string html_table(const TextTable& table, const std::string& whose) {
  std::string text = "<div class=\"table-block\"><div class=\"table-tools\"><h3>" +
                     markup(table.title, 300) +
                     "</h3></div>\n<div class=\"scroll\" tabindex=\"0\" "
                     "role=\"region\" aria-label=\"" +
                     markup(table.title + whose, 600) + "\"><table class=\"data\">\n<thead><tr>";
  for (const Column& column : table.columns) {
    if (column.title.empty() && column.unit.empty()) {
      text += "<td></td>";
      continue;
    }
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
      text += text_cell(row.cells[i], table.columns[i].align == Align::kLeft);
    }
    text += "</tr>\n";
  }
  text += "</tbody></table></div>\n";
  if (!table.footer.empty()) text += "<p class=\"hint\">" + markup(table.footer, 500) + "</p>\n";
  return text + "</div>\n";
}

std::string levels_table(const SweepResult& result, const std::vector<Measure>& measures) {
  std::string text =
      "<div class=\"table-block\"><div class=\"table-tools\"><h3>" + markup(result.name, 120);
  for (const std::string& mark : marks_of(result)) text += " [" + markup(mark) + "]";
  text += "</h3></div>\n" + rows_of(result, lines_of_levels(result), false, measures);
  if (!result.profile.empty()) text += rows_of(result, lines_of_steps(result), true, measures);
  text += sessions_of(result);
  const std::string note = interval_note(result);
  if (!note.empty()) text += "<p class=\"hint\">" + markup(note, 300) + ".</p>\n";
  if (any_unsound(result)) {
    text += std::string("<p class=\"hint\">") + markup(kUnsoundNote, 300) + ".</p>\n";
  }
  const std::string states = state_note(result);
  if (!states.empty()) text += "<p class=\"hint\">" + markup(states, 1000) + ".</p>\n";
  if (any_drain(result)) {
    text += "<p class=\"hint\">* with drain: tokens ÷ wall, ramp and drain included.</p>\n";
  }
  text += "</div>\n";
  const TextTable models = model_table(result);
  return models.rows.empty() ? text : text + html_table(models, ": " + result.name);
}

// Those that a level has, and percentiles that one would have with more requests.
std::vector<Measure> shown_measures(const SweepResult& result) {
  std::vector<Measure> measures = page_measures();
  const std::vector<Measure> present = present_measures(result, measures);
  const auto nowhere = [&](const Measure& measure) {
    if (std::find(present.begin(), present.end(), measure) != present.end()) return false;
    return std::none_of(result.levels.begin(), result.levels.end(), [&](const LevelStats& level) {
      return !why_missing(level, measure, Figure(level, measure)).empty();
    });
  };
  measures.erase(std::remove_if(measures.begin(), measures.end(), nowhere), measures.end());
  return measures;
}

// What the columns of the tables mean, each quantity once.
std::string definitions(const std::vector<Measure>& shown) {
  std::string text;
  std::vector<const Quantity*> seen;
  for (const Measure& measure : shown) {
    const Quantity* quantity = measure.quantity;
    if (std::find(seen.begin(), seen.end(), quantity) != seen.end()) continue;
    seen.push_back(quantity);
    text += "<dt>" + markup(quantity->title) + "</dt><dd>" + markup(definition_of(*quantity), 500) +
            "</dd>\n";
  }
  if (text.empty()) return "";
  return "<h3>What the columns mean</h3>\n<dl class=\"facts definitions\">\n" + text +
         "<dt>p90, p99</dt><dd>Of a hundred requests the slowest ten, and the slowest one, take "
         "longer. A p99 is shown from 300 requests on.</dd>\n</dl>\n";
}

}  // namespace

std::string html_levels(const HtmlInput& input) {
  std::string text;
  std::vector<Measure> shown;
  for (const SweepResult& result : input.results) {
    const std::vector<Measure> measures =
        input.columns.empty() ? shown_measures(result) : input.columns;
    shown.insert(shown.end(), measures.begin(), measures.end());
    text += result.levels.empty()
                ? "<h3>" + markup(result.name, 120) + "</h3><p>No level was measured.</p>\n"
                : levels_table(result, measures);
  }
  return text + definitions(shown);
}

std::string html_comparison(std::span<const Comparison> comparisons) {
  if (comparisons.empty()) return "";
  std::string text = "<section id=\"comparison\">\n<h2>Comparison</h2>\n";
  if (comparisons.size() > 1) text += html_table(summary_of(comparisons, true), "");
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
      text += html_table(tables[i],
                         ": " + comparison.candidate_name + " against " + comparison.baseline_name);
    }
    if (tables.size() > kAtOnce) text += "</details>\n";
  }
  return text + "</section>\n";
}

}  // namespace llmsweep::report
