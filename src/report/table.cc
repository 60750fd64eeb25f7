#include "llmsweep/report/table.h"

#include <fmt/format.h>

#include <algorithm>

#include "llmsweep/base/text.h"
#include "llmsweep/model/describe.h"
#include "llmsweep/model/names.h"
#include "report/cells.h"
#include "report/headline.h"
#include "report/text_table.h"

namespace llmsweep {
namespace {

using report::Column;
using report::Figure;
using report::Row;

constexpr int kNarrowest = 60;

std::string marked_text(const Figure& figure, bool unicode) {
  return report::figure_text(figure, unicode) + (figure.sound ? "" : report::kUnsoundMark) +
         (figure.with_drain ? "*" : "");
}

const char* sgr_of(report::Mood mood) {
  switch (mood) {
    case report::Mood::kGood:
      return "32";
    case report::Mood::kNote:
      return "33";
    case report::Mood::kBad:
      return "1;31";
  }
  return "";
}

// Each by itself: a sequence that spans lines colours what a pager puts between them.
std::string painted_lines(const std::string& text, const char* sgr, const TableStyle& style) {
  std::string painted;
  for (const std::string& line : split(text, '\n')) {
    if (!line.empty()) painted += report::paint(line, sgr, style) + "\n";
  }
  return painted;
}

std::string heading(const SweepResult& result, const TableStyle& style) {
  std::string marks;
  for (const std::string& mark : marks_of(result)) marks += " [" + mark + "]";
  const int room = std::max(20, style.width - static_cast<int>(display_width(marks)));
  const std::string name = report::fit(printable(result.name), room, style.unicode);
  std::string text = report::paint(name, "1", style) + report::paint(marks, "1;33", style) + "\n";
  const char* weight = report::nothing_is_valid(result) ? "1;31" : "1";
  for (const std::string& line : report::headlines_of(result)) {
    text += painted_lines(report::wrap(line, style.width, "  "), weight, style);
  }
  if (!result.levels.empty()) {
    const report::ClientSentence trust = report::trust_of(result);
    text += painted_lines(report::wrap(trust.text, style.width, "  "), sgr_of(trust.mood), style);
  }
  for (const std::string& line : {system_line(result.system), workload_line(result.workload)}) {
    if (!line.empty()) text += report::wrap(line, style.width, "  ");
  }
  return text;
}

// What a target asks for by another statistic than the table's, the tails of what it asks for, and
// goodput where the spec states what is good; no figure per GPU where there is one.
std::vector<Measure> level_measures(const SweepResult& result) {
  std::vector<Measure> measures = terminal_measures();
  const auto add = [&measures](const Measure& measure) {
    if (std::find(measures.begin(), measures.end(), measure) != measures.end()) return;
    const auto last = std::find_if(measures.rbegin(), measures.rend(), [&](const Measure& each) {
      return each.quantity == measure.quantity;
    });
    measures.insert(last == measures.rend() ? measures.end() : last.base(), measure);
  };
  for (const UsersAtTarget& users : result.users_at_target) {
    Measure asked = measure_of(users.target);
    add(asked);
    for (const Statistic tail : {Statistic::kP90, Statistic::kP99}) {
      asked.statistic = tail;
      add(asked);
    }
  }
  add(measure_of("goodput"));
  if (result.system.gpus == 1) std::erase(measures, measure_of("throughput_per_gpu"));
  return report::present_measures(result, std::move(measures));
}

// What gives way first where the window is narrow.
int keep_of(const Measure& measure) {
  constexpr int kAsked = 60;  // after the intervals, and what says how a median came about
  const bool usual = measure.quantity->shown.terminal > 0 && measure.statistic == Statistic::kP50;
  return usual ? measure.quantity->shown.terminal : kAsked;
}

std::vector<Column> level_columns(std::string_view load, const std::vector<Measure>& measures,
                                  bool chosen) {
  std::vector<Column> columns = {{.title = std::string(load), .keep = Column::kAlways}};
  for (const Measure& measure : measures) {
    const Quantity& quantity = *measure.quantity;
    columns.push_back({.title = report::short_heading(measure),
                       .unit = std::string(report::unit_heading(quantity)),
                       .keep = chosen ? Column::kAlways : keep_of(measure)});
    if (report::has_interval_column(measure)) {
      columns.push_back({.title = "95 % interval", .unit = "ms", .keep = quantity.shown.interval});
    }
  }
  columns.push_back({.title = "valid", .align = report::Align::kLeft, .keep = Column::kAlways});
  return columns;
}

std::string levels_rendered(const SweepResult& result, const TableStyle& style) {
  const bool chosen = !style.columns.empty();
  const std::vector<Measure> measures = chosen ? style.columns : level_measures(result);
  std::vector<Row> rows;
  for (const LevelStats& level : result.levels) {
    Row row{.cells = {value_text(level.point)}, .sgr = level.pooled.valid ? "" : "31"};
    for (const Measure& measure : measures) {
      const Figure figure(level, measure, result.source);
      row.cells.push_back(marked_text(figure, style.unicode));
      if (report::has_interval_column(measure)) {
        row.cells.push_back(report::interval_text(figure.ci95));
      }
    }
    row.cells.emplace_back(level.pooled.valid ? "yes" : "NO");
    rows.push_back(std::move(row));
  }
  return report::render_table(level_columns(report::load_heading(result), measures, chosen),
                              std::move(rows), style);
}

std::string notes(const SweepResult& result, const TableStyle& style) {
  std::string text;
  const auto& columns = style.columns;
  const bool with_intervals =
      columns.empty() || std::any_of(columns.begin(), columns.end(), report::has_interval_column);
  const std::string interval = report::interval_note(result);
  if (with_intervals && !interval.empty()) text += report::paint(interval, "2", style) + "\n";
  const std::string drift = report::drift_note(result);
  if (!drift.empty()) text += report::wrap(drift, style.width, "  ");
  if (report::any_drain(result)) {
    text += "* with drain: tokens / wall, ramp and drain included\n";
  }
  if (report::any_unsound(result)) text += std::string(report::kUnsoundNote) + "\n";
  for (const report::Finding& finding : report::findings_of(result)) {
    const std::string label(report::label_of(finding));
    const std::string colored = report::paint(label, finding.invalid ? "1;31" : "33", style);
    std::string line = label + " " + report::levels_text(finding.levels) + ": " + finding.text;
    if (!finding.remedy.empty()) line += " " + finding.remedy;
    text += colored + report::wrap(line, style.width, "  ").substr(label.size());
  }
  return text;
}

// "client delay, slot gap": the names of result.json, as words.
std::string reasons_of(const RunStats& stats) {
  std::vector<std::string> names;
  for (const InvalidReason reason : stats.invalid_reasons) {
    std::string name(name_of(reason));
    std::replace(name.begin(), name.end(), '_', ' ');
    names.push_back(std::move(name));
  }
  return join(names, ", ");
}

std::string sentence_of(const UsersAtTarget& users, int gpus) {
  const Target& target = users.target;
  const std::string at =
      fmt::format("at {} ms {} {}: ", format_significant(to_ms(target.max)),
                  name_of(target.statistic), report::metric_title(target.metric));
  const std::string on = gpus > 0 ? fmt::format("{} {}", gpus, gpus == 1 ? "GPU" : "GPUs")
                                  : "the endpoint (GPUs not stated)";
  const std::string per_gpu =
      gpus > 0 ? format_significant(users.users_per_gpu) + " users per GPU" : "";
  const std::string noun = users.users == 1 ? "user" : "users";
  switch (users.kind) {
    case UsersKind::kBelowSweep:
      return at + fmt::format("no measured level meets it on {}", on) +
             (users.c_fail ? fmt::format(" ({} fails)", *users.c_fail) : "");
    case UsersKind::kBeyondSweep:
      return at + fmt::format("at least {} {} on {}", users.users, noun, on) +
             (gpus > 0 ? " = at least " + per_gpu : "") +
             fmt::format(" ({} is the highest level and passes)", users.users);
    case UsersKind::kNoValidLevel:
      return at + fmt::format("no level on {} is valid, so nothing can be said", on);
    case UsersKind::kMeasured:
      break;
  }
  std::string bracket = fmt::format("{} passes", users.c_pass.value_or(users.users));
  if (users.c_fail) bracket += fmt::format(", {} fails", *users.c_fail);
  if (users.c_interpolated) {
    bracket += fmt::format("; about {} interpolated", format_number(*users.c_interpolated, 1));
  }
  if (users.confirmed) {
    bracket += fmt::format("; confirmed by fresh runs, wrong at most {:g} % of the time",
                           100 * users.confirmed_error.value_or(0));
  }
  return at + fmt::format("{} {} on {}", users.users, noun, on) +
         (gpus > 0 ? " = " + per_gpu : "") + " (" + bracket + ")";
}

}  // namespace

std::string system_line(const SystemSpec& system) {
  std::vector<std::string> parts;
  const auto add = [&](const std::string& part) {
    if (!part.empty()) parts.push_back(printable(part));
  };
  add(system.accelerator);
  add(system.precision);
  if (system.gpus > 0) add(fmt::format("{} {}", system.gpus, system.gpus == 1 ? "GPU" : "GPUs"));
  if (system.nodes > 1) add(fmt::format("{} nodes", system.nodes));
  add(std::string(trim(system.engine + " " + system.engine_version)));
  if (system.tensor_parallel) add(fmt::format("TP{}", *system.tensor_parallel));
  if (system.mtp) add(*system.mtp ? "MTP on" : "MTP off");
  if (system.max_batch_size) add(fmt::format("max batch {}", *system.max_batch_size));
  return join(parts, ", ");
}

std::string workload_line(const WorkloadSummary& workload) {
  const bool known =
      workload.output_tokens.kind != TokenCount::Kind::kFixed || workload.output_tokens.fixed > 0;
  std::vector<std::string> parts;
  const std::string input = workload.input_tokens_counted
                                ? "about " + format_number(*workload.input_tokens_counted)
                            : workload.input_tokens ? tokens_text(*workload.input_tokens)
                                                    : "prompts' own length";
  const std::string output = workload.output_tokens_counted
                                 ? "about " + format_number(*workload.output_tokens_counted)
                                 : tokens_text(workload.output_tokens);
  if (known) parts.push_back(input + " in / " + output + " out");
  if (!workload.dataset.empty()) {
    const size_t slash = workload.dataset.find_last_of('/');
    parts.push_back(printable(workload.dataset.substr(slash + 1)));
    const bool seeded = workload.seed != 0 || !workload.prompt_set_sha256.empty();
    if (seeded) parts.push_back(fmt::format("seed {}", workload.seed));
  }
  if (!workload.streaming) parts.emplace_back("not streamed");
  return join(parts, ", ");
}

std::string level_table(const SweepResult& result, const TableStyle& style) {
  TableStyle effective = style;
  effective.width = std::max(style.width, kNarrowest);
  std::string text = heading(result, effective);
  if (result.levels.empty()) return text + "no level was measured\n";
  return text + "\n" + levels_rendered(result, effective) + notes(result, effective);
}

std::string results_table(std::span<const ListedResult> results, const TableStyle& style) {
  std::vector<Column> columns = {{"result", "", report::Align::kLeft, Column::kAlways},
                                 {"made", "", report::Align::kLeft, 60},
                                 {"model", "", report::Align::kLeft, 50},
                                 {"valid", "levels", report::Align::kRight, 80},
                                 {"", "", report::Align::kLeft, 40},
                                 {"found", "", report::Align::kLeft, 90}};
  std::vector<Row> rows;
  for (const ListedResult& listed : results) {
    const SweepResult& result = listed.result;
    const std::string place = printable(listed.place, 60);
    if (!listed.problem.empty()) {
      rows.push_back(
          {.cells = {place, "", "", "", "", printable(listed.problem, 80)}, .sgr = "31"});
      continue;
    }
    const std::vector<std::string> headlines = report::headlines_of(result);
    const auto valid = std::count_if(result.levels.begin(), result.levels.end(),
                                     [](const LevelStats& level) { return level.pooled.valid; });
    rows.push_back(
        {.cells = {place, printable(result.created_at, 20), printable(result.model, 32),
                   fmt::format("{} of {}", valid, result.levels.size()),
                   join(marks_of(result), ", "), headlines.empty() ? "" : headlines.front()}});
  }
  return report::render_table(std::move(columns), std::move(rows), style);
}

std::vector<std::string> users_sentences(const SweepResult& result) {
  std::vector<std::string> sentences;
  for (const UsersAtTarget& users : result.users_at_target) {
    sentences.push_back(sentence_of(users, result.system.gpus));
  }
  return sentences;
}

std::string level_line(const LevelStats& level, const TableStyle& style) {
  const bool u = style.unicode;
  const bool valid = level.pooled.valid;
  const auto text = [&](std::string_view key) { return marked_text({level, measure_of(key)}, u); };
  const std::string mark = valid ? (u ? "✓" : "ok") : (u ? "✗" : "!!");
  std::string line = fmt::format("{} {:>4}", name_of(level.point.kind), value_text(level.point));
  if (!valid) line += "  INVALID: " + reasons_of(level.pooled);
  line += fmt::format("  {:>7} tokens/s", text("throughput"));
  const Figure per_gpu(level, measure_of("throughput_per_gpu"));
  if (per_gpu.value && text("throughput_per_gpu") != text("throughput")) {
    line += fmt::format("  {:>7} per GPU", text("throughput_per_gpu"));
  }
  line += fmt::format("  E2E {:>7} ms", text("e2e"));
  const std::string interval = report::interval_text(Figure(level, measure_of("e2e")).ci95);
  if (!interval.empty()) line += " " + interval;
  line += fmt::format("  TTFT {} ms  TPOT {} ms", text("ttft"), text("tpot"));
  if (level.pooled.requests.failed > 0) {
    line += fmt::format("  {} failed", *level.pooled.requests.failed);
  }
  const std::string shown =
      report::fit(line, style.width - static_cast<int>(display_width(mark)) - 1, u);
  return report::paint(mark, valid ? "32" : "1;31", style) + " " + shown;
}

}  // namespace llmsweep
