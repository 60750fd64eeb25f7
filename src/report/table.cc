#include "llmsweep/report/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "llmsweep/base/text.h"
#include "llmsweep/model/describe.h"
#include "llmsweep/model/names.h"
#include "llmsweep/stats/users_at_target.h"
#include "report/cells.h"
#include "report/cost_words.h"
#include "report/headline.h"
#include "report/model_table.h"
#include "report/session_text.h"
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
  for (const std::string& line :
       {system_line(result.system), workload_line(result.workload), replay_line(result)}) {
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
  for (const Target& target : answered_targets(result)) {
    Measure asked = measure_of(target);
    add(asked);
    for (const Statistic tail : {Statistic::kP90, Statistic::kP99}) {
      asked.statistic = tail;
      add(asked);
    }
  }
  add(measure_of("goodput"));
  if (result.trace) add(measure_of("offered_rate"));  // a level's number does not say it
  if (result.system.gpus == 1) std::erase(measures, measure_of("throughput_per_gpu"));
  return report::present_measures(result, std::move(measures));
}

// What gives way first where the window is narrow.
int keep_of(const Measure& measure) {
  constexpr int kAsked = 60;  // after the intervals, and what says how a median came about
  const bool usual = measure.quantity->shown.terminal > 0 && measure.statistic == Statistic::kP50;
  return usual ? measure.quantity->shown.terminal : kAsked;
}

const char* interval_title(const SweepResult& result) {
  return report::only_ranges(result) ? "range" : "95 % interval";
}

std::vector<Column> level_columns(const SweepResult& result, std::string_view load,
                                  const std::vector<Measure>& measures, bool chosen, bool states) {
  std::vector<Column> columns = {{.title = std::string(load), .keep = Column::kAlways}};
  for (const Measure& measure : measures) {
    const Quantity& quantity = *measure.quantity;
    columns.push_back({.title = report::short_heading(measure),
                       .unit = std::string(report::unit_heading(quantity)),
                       .keep = chosen ? Column::kAlways : keep_of(measure),
                       .terms = report::terms_of(measure)});
    if (report::has_interval_column(measure)) {
      columns.push_back(
          {.title = interval_title(result), .unit = "ms", .keep = quantity.shown.interval});
    }
  }
  if (states) {
    columns.push_back({.title = "state", .align = report::Align::kLeft, .keep = Column::kAlways});
  }
  columns.push_back({.title = "valid", .align = report::Align::kLeft, .keep = Column::kAlways});
  return columns;
}

struct LevelsTable {
  std::vector<Column> columns;
  std::vector<Row> rows;
};
LevelsTable levels_of(const SweepResult& result, const report::LevelLines& levels,
                      const TableStyle& style) {
  const bool chosen = !style.columns.empty();
  const std::vector<Measure> measures = chosen ? style.columns : level_measures(result);
  const bool states = report::have_states(result);
  LevelsTable table{.columns = level_columns(result, levels.heading, measures, chosen, states),
                    .rows = {}};
  for (const auto& [name, of_line] : levels.lines) {
    const LevelStats& level = *of_line;
    Row row{.cells = {name}, .sgr = level.pooled.valid ? "" : "31"};
    for (const Measure& measure : measures) {
      const Figure figure(level, measure, result.source);
      row.cells.push_back(marked_text(figure, style.unicode));
      if (report::has_interval_column(measure)) {
        row.cells.push_back(report::interval_text(figure));
      }
    }
    if (states) row.cells.push_back(report::state_text(level));
    row.cells.emplace_back(level.pooled.valid ? "yes" : "NO");
    table.rows.push_back(std::move(row));
  }
  report::fit_columns(table.columns, table.rows, style);
  return table;
}

// The metrics whose figures are marked, though no column may show them.
std::vector<std::string> marked_terms(const SweepResult& result) {
  std::vector<std::string> terms;
  for (const LevelStats& level : result.levels) {
    for (const auto& [key, reasons] : level.pooled.validity) {
      const Quantity* quantity = find_quantity(key.substr(0, key.find(':')));
      if (quantity != nullptr && !quantity->term.empty()) terms.emplace_back(quantity->term);
    }
  }
  return terms;
}

// What the headline, the columns that are shown and the marks speak of.
std::string terms_line(const SweepResult& result, const std::vector<Column>& shown,
                       const TableStyle& style) {
  std::vector<Column> columns = {{.title = {}, .terms = report::headline_terms(result)}};
  columns.insert(columns.end(), shown.begin(), shown.end());
  columns.push_back({.title = {}, .terms = marked_terms(result)});
  const std::string terms = report::terms_of(columns);
  return terms.empty() ? "" : painted_lines(report::wrap(terms, style.width, "  "), "2", style);
}

std::string notes(const SweepResult& result, bool with_intervals, const TableStyle& style) {
  std::string text;
  const std::string interval = report::interval_note(result);
  if (with_intervals && !interval.empty()) text += report::paint(interval, "2", style) + "\n";
  const std::string drift = report::drift_note(result);
  if (!drift.empty()) text += report::wrap(drift, style.width, "  ");
  if (report::any_drain(result)) {
    text += "* with drain: tokens / wall, ramp and drain included\n";
  }
  if (report::any_unsound(result)) text += std::string(report::kUnsoundNote) + "\n";
  const std::string states = report::state_note(result);
  if (!states.empty()) text += report::wrap(states, style.width, "  ");
  for (const report::Finding& finding : report::findings_of(result)) {
    const std::string label(report::label_of(finding));
    const std::string colored = report::paint(label,
                                              finding.invalid  ? "1;31"
                                              : finding.server ? "2"
                                                               : "33",
                                              style);
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

std::string sentence_of(const UsersAtTarget& users, const SweepResult& result) {
  const int gpus = result.system.gpus;
  const std::string at = "at " + report::target_text(users.target) + ": ";
  const std::string on = gpus > 0 ? fmt::format("{} {}", gpus, gpus == 1 ? "GPU" : "GPUs")
                                  : "the endpoint (GPUs not stated)";
  const std::string per_gpu =
      gpus > 0 ? format_significant(users.users_per_gpu) + " users per GPU" : "";
  const std::string noun = (users.users == 1 ? "user" : "users") + report::thinking_text(result);
  switch (users.kind) {
    case UsersKind::kBelowSweep:
      return at + fmt::format("no measured level meets it on {}", on) +
             (users.c_fail ? fmt::format(" ({} fails)", *users.c_fail) : "");
    case UsersKind::kBeyondSweep:
      return at + fmt::format("at least {} {} on {}", users.users, noun, on) +
             (gpus > 0 ? " = at least " + per_gpu : "") +
             fmt::format(" ({} is the highest valid level, and passes)", users.users);
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

// Why a search has no confirmed bracket; empty: it has, and what is said of users or rates says so.
std::string sentence_of(const SearchResult& search) {
  const auto load = [&](double value) {
    return text_of(LoadPoint{
        search.over == SearchOver::kRate ? LoadKind::kRate : LoadKind::kConcurrency, value});
  };
  switch (search.end) {
    case SearchEnd::kConfirmed:
      return {};
    case SearchEnd::kOpen:
      return "search: it has not ended; --resume goes on";
    case SearchEnd::kBelow:
      return fmt::format(
          "search: even {}, the least that was asked for, misses the target "
          "(confirmed by {} fresh runs)",
          load(search.low), search.runs_fail);
    case SearchEnd::kBeyond:
      return fmt::format(
          "search: {}, the most that was asked for, keeps the target (confirmed by "
          "{} fresh runs); raise search.between",
          load(search.high), search.runs_pass);
    case SearchEnd::kNotMonotone:
      return "search: a load above one that misses the target keeps it; the bracket is that of the "
             "lowest that misses";
    case SearchEnd::kUndecided:
      return "search: not confirmed, since nine runs of a level could not tell it from the target; "
             "longer runs (load.requests_per_slot, load.measure) would";
    case SearchEnd::kNotJudged:
      return "search: it ended at a run that cannot be judged; what its level is said to lack "
             "comes "
             "first";
    case SearchEnd::kBudget:
      return "search: its budget ended it, and nothing is confirmed; --resume goes on";
  }
  return {};
}

std::string sentence_of(const RateAtTarget& rate, int gpus) {
  constexpr double kExample = 100;  // requests/s
  const std::string at = "at " + report::target_text(rate.target) + ": ";
  const std::string on = gpus > 0 ? fmt::format("{} {}", gpus, gpus == 1 ? "GPU" : "GPUs")
                                  : "the endpoint (GPUs not stated)";
  const std::string carried = value_text(at_rate(rate.rate_rps)) + " requests/s on " + on;
  std::string per_gpu;
  if (const auto needed = gpus_for_rate(rate, kExample)) {
    per_gpu =
        fmt::format(" = {} per GPU: {} GPUs for {:.0f} requests/s",
                    format_significant(rate.rate_per_gpu_rps), format_number(*needed), kExample);
  }
  const std::string fails =
      rate.r_fail ? value_text(at_rate(*rate.r_fail)) + " fails" : std::string();
  switch (rate.kind) {
    case UsersKind::kBelowSweep:
      return at + fmt::format("no measured rate meets it on {} ({})", on, fails);
    case UsersKind::kBeyondSweep:
      return at + "at least " + carried + per_gpu +
             fmt::format(" ({} is the highest valid level, and passes)",
                         value_text(at_rate(rate.rate_rps)));
    case UsersKind::kNoValidLevel:
      return at + fmt::format("no rate on {} is valid and settled, so nothing can be said", on);
    case UsersKind::kMeasured:
      break;
  }
  std::string bracket = value_text(at_rate(rate.rate_rps)) + " passes, " + fails;
  if (rate.r_interpolated) {
    bracket += fmt::format("; about {} interpolated", format_significant(*rate.r_interpolated));
  }
  if (rate.confirmed) {
    bracket += fmt::format("; confirmed by fresh runs, wrong at most {:g} % of the time",
                           100 * rate.confirmed_error.value_or(0));
  }
  return at + carried + per_gpu + " (" + bracket + ")";
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
  if (workload.inputs_per_request) {
    const int64_t inputs = *workload.inputs_per_request;
    parts.push_back(
        fmt::format("{} in, in {} input{} a request", input, inputs, inputs == 1 ? "" : "s"));
  } else if (known) {
    parts.push_back(input + " in / " + output + " out");
  }
  if (!workload.dataset.empty()) {
    const size_t slash = workload.dataset.find_last_of('/');
    parts.push_back(printable(workload.dataset.substr(slash + 1)));
    const bool seeded = workload.seed != 0 || !workload.prompt_set_sha256.empty();
    if (seeded) parts.push_back(fmt::format("seed {}", workload.seed));
  }
  if (!workload.streaming && !workload.inputs_per_request) parts.emplace_back("not streamed");
  return join(parts, ", ");
}

std::string replay_line(const SweepResult& result) {
  if (!result.trace) return {};
  const ReplaySummary& trace = *result.trace;
  std::string text =
      fmt::format("replay of {}: {} requests in {}, {} requests/s", printable(trace.file, 60),
                  format_number(static_cast<double>(trace.requests)),
                  format_duration(std::chrono::seconds(std::llround(trace.span_s))),
                  format_significant(trace.rate_rps));
  if (trace.spread_s > 0) text += fmt::format(", spread over {:g} s", trace.spread_s);
  text += trace.ideal_cached_share
              ? fmt::format(", an endless prefix cache would hold {:.1f} % of the input",
                            100 * *trace.ideal_cached_share)
              : std::string(", what prompts share is not told: they share nothing");
  if (trace.session_mode == TraceSessions::kOpen) {
    text += ", sessions open: each turn at its own instant";
  } else if (trace.session_mode) {
    text += ", sessions closed: a turn comes after the answer before it and a time to think, ";
    text += trace.think_source == ThinkSource::kTold
                ? "which the trace tells"
                : "taken from instants, so that the recorded server's answer is in it";
    if (trace.think_cap_s) text += fmt::format(", at most {:g} s", *trace.think_cap_s);
  }
  return text + "; levels are by " + trace.scaled_by;
}

std::string level_table(const SweepResult& result, const TableStyle& style) {
  TableStyle effective = style;
  effective.width = std::max(style.width, kNarrowest);
  std::string text = heading(result, effective);
  if (result.levels.empty()) return text + "no level was measured\n";
  LevelsTable table = levels_of(result, report::lines_of_levels(result), effective);
  const std::string terms = terms_line(result, table.columns, effective);
  const bool with_intervals =
      std::any_of(table.columns.begin(), table.columns.end(),
                  [&](const Column& column) { return column.title == interval_title(result); });
  text += "\n" + report::render_table(std::move(table.columns), std::move(table.rows), effective);
  if (!result.profile.empty()) {
    table = levels_of(result, report::lines_of_steps(result, style.unicode), effective);
    text += "\n" + report::render_table(std::move(table.columns), std::move(table.rows), effective);
  }
  report::TextTable models = report::model_table(result, style.unicode);
  if (!models.rows.empty()) {
    report::fit_columns(models.columns, models.rows, effective);
    text +=
        "\n" + report::render_table(std::move(models.columns), std::move(models.rows), effective);
  }
  text += report::session_text(result, effective);
  return text + notes(result, with_intervals, effective) + terms;
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
    sentences.push_back(sentence_of(users, result));
  }
  if (result.search) {
    const std::string sentence = sentence_of(*result.search);
    if (!sentence.empty()) sentences.push_back(sentence);
  }
  for (const RateAtTarget& rate : result.rates_at_target) {
    sentences.push_back(sentence_of(rate, result.system.gpus));
  }
  for (std::string& sentence : report::cost_sentences(result)) {
    sentences.push_back(std::move(sentence));
  }
  return sentences;
}

std::string users_text(const SweepResult& result, const TableStyle& style) {
  std::string text;
  for (const std::string& sentence : users_sentences(result)) {
    text += (text.empty() ? "\n" : "") + report::wrap(sentence, style.width, "  ");
  }
  return text;
}

std::string level_line(const LevelStats& level, const TableStyle& style) {
  const bool u = style.unicode;
  const bool valid = level.pooled.valid;
  const auto text = [&](std::string_view key) { return marked_text({level, measure_of(key)}, u); };
  const std::string mark = valid ? (u ? "✓" : "ok") : (u ? "✗" : "!!");
  std::string line = fmt::format("{} {:>4}", name_of(level.point.kind), value_text(level.point));
  if (!valid) line += "  INVALID: " + reasons_of(level.pooled);
  if (level.pooled.inputs_per_s) {
    line += fmt::format("  {:>7} inputs/s", text("inputs"));
  } else {
    line += fmt::format("  {:>7} tokens/s", text("throughput"));
  }
  const Figure per_gpu(level, measure_of("throughput_per_gpu"));
  if (per_gpu.value && text("throughput_per_gpu") != text("throughput")) {
    line += fmt::format("  {:>7} per GPU", text("throughput_per_gpu"));
  }
  if (!level.pooled.is_settled()) line += "  " + report::state_text(level);
  line += fmt::format("  E2E {:>7} ms", text("e2e"));
  const std::string interval = report::interval_text(Figure(level, measure_of("e2e")));
  if (!interval.empty()) line += " " + interval;
  if (!level.pooled.inputs_per_s) {
    line += fmt::format("  TTFT {} ms  TPOT {} ms", text("ttft"), text("tpot"));
  }
  if (level.pooled.requests.failed > 0) {
    line += fmt::format("  {} failed", *level.pooled.requests.failed);
  }
  const std::string shown =
      report::fit(line, style.width - static_cast<int>(display_width(mark)) - 1, u);
  return report::paint(mark, valid ? "32" : "1;31", style) + " " + shown;
}

}  // namespace llmsweep
