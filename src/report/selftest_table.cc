#include "llmsweep/report/selftest_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "llmsweep/base/text.h"
#include "llmsweep/stats/validity.h"
#include "report/text_table.h"

namespace llmsweep {
namespace {

using report::Align;
using report::Column;

std::string percent(double share) {
  return format_number(share * 100, share < 0.0995 ? 1 : 0) + " %";
}

std::string streams_text(int streams) {
  return format_number(streams) + (streams == 1 ? " stream" : " streams");
}

std::string load_text(const SelftestStep& step) {
  return fmt::format("{} at {} chunks/s", streams_text(step.load.streams),
                     format_number(step.chunks_per_s));
}

report::Row row_of(const SelftestStep& step) {
  const auto us = [](double value) { return format_number(value, value < 9.95 ? 1 : 0); };
  return {.cells = {format_number(step.load.streams), format_number(step.chunks_per_s),
                    us(step.stamp_error_p50_us), us(step.stamp_error_p99_us),
                    step.receive_stamps ? us(step.receive_delay_p50_us) : std::string("-"),
                    us(step.slot_gap_p50_us), us(step.slot_gap_p99_us), percent(step.busy_fraction),
                    format_number(step.cpu_us_per_chunk, 2), step.trusted ? "yes" : "no"},
          .sgr = step.trusted ? "" : "31"};
}

std::string why_not(const SelftestStep& step) {
  std::string why;
  const auto add = [&](const std::string& text) { why += (why.empty() ? "" : " ") + text; };
  if (step.unaccounted > 0) {
    add(fmt::format("{} chunks are not accounted for.",
                    format_number(static_cast<double>(step.unaccounted))));
  }
  for (const InvalidReason reason : step.limits) add(std::string(sentence(reason)));
  if (why.empty())
    add("Half of the stamps are not within 100 us of the send, or 99 of 100 not within 1 ms.");
  return why;
}

}  // namespace

std::string selftest_verdict(const Selftest& selftest) {
  const SelftestStep* highest = highest_trusted(selftest);
  if (highest == nullptr) {
    return "This machine cannot be trusted at any load that was tried: run it when the machine is "
           "quiet, or elsewhere.";
  }
  const bool all = highest == &selftest.steps.back();
  return fmt::format(
      "This machine can be trusted up to {}{}: half of the stamps are within {} us, "
      "99 of 100 within {} us.",
      load_text(*highest), all ? ", the highest load that was tried" : "",
      format_number(highest->stamp_error_p50_us), format_number(highest->stamp_error_p99_us));
}

std::string selftest_table(const Selftest& selftest, const TableStyle& style) {
  const std::vector<Column> columns = {
      {.title = "streams", .unit = "", .keep = Column::kAlways},
      {.title = "chunks", .unit = "1/s", .keep = Column::kAlways},
      {.title = "stamp error", .unit = "p50 us", .keep = Column::kAlways},
      {.title = "", .unit = "p99 us", .keep = Column::kAlways},
      {.title = "kernel to stamp", .unit = "p50 us", .keep = 1},
      {.title = "slot gap", .unit = "p50 us", .keep = 3},
      {.title = "", .unit = "p99 us", .keep = 3},
      {.title = "busy", .unit = "", .keep = 4},
      {.title = "CPU", .unit = "us/chunk", .keep = 2},
      {.title = "trusted", .unit = "", .align = Align::kLeft, .keep = Column::kAlways}};
  std::vector<report::Row> rows;
  for (const SelftestStep& step : selftest.steps) rows.push_back(row_of(step));
  std::string text =
      fmt::format("self-test of {}, {} cores, {}{}{}\n\n", printable(selftest.host), selftest.cores,
                  printable(selftest.kernel), selftest.tls ? ", TLS" : "",
                  selftest.in_step ? ", all streams in step" : "");
  text += report::render_table(columns, rows, style) + '\n';
  for (const SelftestStep& step : selftest.steps) {
    if (step.trusted) continue;
    text += report::wrap(fmt::format("not at {}: {}", load_text(step), why_not(step)), style.width,
                         "  ") +
            '\n';
  }
  const SelftestCeiling ceiling = ceiling_of(selftest);
  text +=
      report::wrap(fmt::format("Ceiling: {}{} chunks/s.{}", ceiling.at_least ? "at least " : "",
                               format_number(ceiling.chunks_per_s),
                               ceiling.at_least ? " The client had time to spare: the load or the "
                                                  "simulated endpoint was the limit."
                                                : ""),
                   style.width, "  ") +
      '\n';
  return text + report::wrap(selftest_verdict(selftest), style.width, "  ") + '\n';
}

std::string selftest_sentence(const std::optional<Selftest>& last, const PlannedLoad& planned) {
  const std::string plan =
      planned.chunks_per_s > 0
          ? fmt::format("up to {} and at most about {} chunks/s", streams_text(planned.streams),
                        format_number(planned.chunks_per_s))
          : fmt::format("up to {}", streams_text(planned.streams));
  if (!last) {
    return fmt::format("this run plans {}; no self-test of this machine yet (llmsweep selftest)",
                       plan);
  }
  const SelftestStep* highest = highest_trusted(*last);
  if (highest == nullptr) {
    return fmt::format(
        "this run plans {}; the self-test of {} found that this machine cannot be "
        "trusted at any load",
        plan, printable(last->created_at, 40));
  }
  const bool within =
      planned.streams <= highest->load.streams && planned.chunks_per_s <= highest->chunks_per_s;
  return fmt::format(
      "this run plans {}; the self-test of {} trusts this machine up to {}: {}", plan,
      printable(last->created_at, 40), load_text(*highest),
      within ? "within it" : "beyond it, so heed the client's own figures in every level");
}

}  // namespace llmsweep
