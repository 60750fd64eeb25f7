#include "report/session_text.h"

#include <fmt/format.h>

#include <vector>

#include "llmsweep/base/text.h"
#include "report/text_table.h"

namespace llmsweep::report {
namespace {

std::string seconds_text(std::optional<double> seconds) {
  return seconds ? format_significant(*seconds) + " s" : "?";
}

std::string median_s(const Distribution& of_ms) {
  return seconds_text(of_ms.p50 ? std::optional(*of_ms.p50 / 1000) : std::nullopt);
}

std::string count_of(int64_t count, const std::string& noun) {
  return format_number(static_cast<double>(count)) + " " + noun + (count == 1 ? "" : "s");
}

std::string sentences_of(const LevelStats& level, const SessionLoad& load) {
  std::string text =
      fmt::format("{}: {} to think, {} to answer", text_of(level.point),
                  seconds_text(load.think_mean_s), seconds_text(load.response_mean_s));
  if (load.users_by_law) {
    text += fmt::format(", X(R+Z) = {} users", format_significant(*load.users_by_law));
  }
  text += fmt::format("; {} ended", count_of(load.ended, "session"));
  if (load.ended > 0) {
    text += fmt::format(", in {} of which {} waiting and {} for first tokens (medians)",
                        median_s(load.duration), median_s(load.waiting), median_s(load.ttft_sum));
  }
  if (load.broken > 0) {
    text += fmt::format("; {} failed, and {} not sent", count_of(load.broken, "turn"),
                        count_of(load.turns_not_sent, "later turn") +
                            (load.turns_not_sent == 1 ? " was" : " were"));
  }
  if (load.goodput_fraction) {
    text += fmt::format("; in {:.0f} % of the sessions every turn kept the limits of goodput",
                        100 * *load.goodput_fraction);
  }
  if (load.prefix && load.prefix->capture()) {
    text += fmt::format("; {:.0f} % of the tokens cached that a turn before had put there",
                        100 * *load.prefix->capture());
    if (load.prefix->leaked_tokens > 0) {
      text += fmt::format(", and {:.1f} % of the input from elsewhere", 100 * load.prefix->leak());
    }
  }
  return text;
}

std::string turns_text(const TurnFigures& turns, bool unicode) {
  if (turns.to == 0) return fmt::format("from {} on", turns.from);
  if (turns.from == turns.to) return fmt::format("{}", turns.from);
  return fmt::format("{}{}{}", turns.from, unicode ? "–" : "-", turns.to);
}

std::string turn_ms(std::optional<double> ms) {
  return ms ? format_number(*ms, *ms < 100 ? 1 : 0) : "-";
}

std::string requests_of(const Distribution& distribution) {
  return format_number(static_cast<double>(distribution.count.value_or(0)));
}

std::vector<std::string> turn_cells(const LevelStats& level, const TurnFigures& turns,
                                    bool unicode) {
  return {value_text(level.point), turns_text(turns, unicode), requests_of(turns.e2e),
          turn_ms(turns.ttft.p50), turn_ms(turns.ttft.p95),    turn_ms(turns.e2e.p50),
          turn_ms(turns.e2e.p95)};
}

// Of the levels that have sessions: "users", or "trace".
std::string kind_of(const SweepResult& result) {
  for (const LevelStats& level : result.levels) {
    if (level.pooled.sessions) return std::string(name_of(level.point.kind));
  }
  return {};
}

}  // namespace

std::string thinking_text(const SweepResult& result) {
  for (const LevelStats& level : result.levels) {
    const auto& sessions = level.pooled.sessions;
    const bool of_users = level.point.kind == LoadKind::kUsers;
    if (of_users && sessions && sessions->think_mean_s) {
      return " who think " + seconds_text(sessions->think_mean_s);
    }
  }
  return {};
}

std::vector<std::string> session_sentences(const SweepResult& result) {
  std::vector<std::string> sentences;
  for (const LevelStats& level : result.levels) {
    const auto& sessions = level.pooled.sessions;
    if (sessions) sentences.push_back(sentences_of(level, *sessions));
  }
  return sentences;
}

std::vector<std::vector<std::string>> turn_lines(const SweepResult& result) {
  std::vector<std::vector<std::string>> lines = {{kind_of(result), "turn", "requests",
                                                  "TTFT p50, ms", "TTFT p95, ms", "E2E p50, ms",
                                                  "E2E p95, ms"}};
  for (const LevelStats& level : result.levels) {
    if (!level.pooled.sessions) continue;
    for (const TurnFigures& turns : level.pooled.sessions->turns) {
      lines.push_back(turn_cells(level, turns, true));
    }
  }
  return lines.size() > 1 ? lines : std::vector<std::vector<std::string>>();
}

std::string session_text(const SweepResult& result, const TableStyle& style) {
  std::vector<Column> columns = {{.title = kind_of(result), .keep = Column::kAlways},
                                 {.title = "turn", .keep = Column::kAlways},
                                 {.title = "requests", .keep = 10},
                                 {.title = "TTFT p50", .unit = "ms", .keep = Column::kAlways},
                                 {.title = "p95", .unit = "ms", .keep = 20},
                                 {.title = "E2E p50", .unit = "ms", .keep = Column::kAlways},
                                 {.title = "p95", .unit = "ms", .keep = 20}};
  std::vector<Row> rows;
  std::string sentences;
  for (const LevelStats& level : result.levels) {
    const auto& sessions = level.pooled.sessions;
    if (!sessions) continue;
    sentences += wrap(sentences_of(level, *sessions), style.width, "  ");
    for (const TurnFigures& turns : sessions->turns) {
      rows.push_back({.cells = turn_cells(level, turns, style.unicode), .sgr = {}});
    }
  }
  if (sentences.empty()) return {};
  fit_columns(columns, rows, style);
  return "\n" + render_table(std::move(columns), std::move(rows), style) + sentences;
}

}  // namespace llmsweep::report
