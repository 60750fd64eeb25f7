#include "llmsweep/report/progress.h"

#include <fmt/format.h>

#include <algorithm>

#include "llmsweep/base/text.h"
#include "report/cells.h"
#include "report/text_table.h"

namespace llmsweep {
namespace {

// A part of a line; the one with the lowest `keep` gives way first.
struct Part {
  int keep = 0;
  std::string text;
  std::string sgr;
};

int width_of(const std::vector<Part>& parts) {
  int width = -2;
  for (const Part& part : parts) width += 2 + static_cast<int>(display_width(part.text));
  return width;
}

std::string fit_parts(std::vector<Part> parts, const TableStyle& style) {
  while (parts.size() > 1 && width_of(parts) > style.width) {
    parts.erase(std::min_element(parts.begin(), parts.end(),
                                 [](const Part& a, const Part& b) { return a.keep < b.keep; }));
  }
  std::string line;
  for (const Part& part : parts) {
    if (!line.empty()) line += "  ";
    const std::string shown = report::fit(part.text, style.width, style.unicode);
    line += part.sgr.empty() ? shown : report::paint(shown, part.sgr, style);
  }
  return line;
}

std::string clock_text(Duration duration) {
  const int64_t seconds =
      std::max<int64_t>(0, std::chrono::round<std::chrono::seconds>(duration).count());
  const int64_t hours = seconds / 3600;
  if (hours > 0) return fmt::format("{}:{:02}:{:02}", hours, seconds / 60 % 60, seconds % 60);
  return fmt::format("{}:{:02}", seconds / 60, seconds % 60);
}

std::string bar(const LevelProgress& progress, int width, bool unicode) {
  const double share =
      progress.total > 0 ? static_cast<double>(progress.done) / static_cast<double>(progress.total)
                         : 0.0;
  const int full = static_cast<int>(std::clamp(share, 0.0, 1.0) * width);
  std::string text;
  for (int i = 0; i < width; ++i) {
    text += i < full ? (unicode ? "█" : "#") : (unicode ? "░" : "-");
  }
  return unicode ? text : "[" + text + "]";
}

std::string stage_text(LevelStage stage) {
  switch (stage) {
    case LevelStage::kWarmup:
      return "warming up";
    case LevelStage::kMeasuring:
      return "";
    case LevelStage::kStopping:
      return "stopping";
  }
  return "";
}

std::string place_text(const LevelProgress& progress) {
  const RunPosition& at = progress.position;
  if (at.levels == 0) {
    return fmt::format("{}  run {} of the search{}", text_of(at.run.point), at.nth + 1,
                       at.run.repeat > 0 ? ", confirming" : "");
  }
  std::string text = fmt::format("{}  level {}/{}", text_of(at.run.point), at.nth + 1, at.levels);
  if (at.repeats > 1) text += fmt::format("  run {}/{}", at.run.repeat + 1, at.repeats);
  return text;
}

std::string rate_of(const LevelProgress& progress) {
  return progress.position.inputs > 0 ? format_significant(progress.inputs_per_s) + " inputs/s"
                                      : format_significant(progress.output_tps) + " tokens/s";
}

std::string first_line(const LevelProgress& progress, const TableStyle& style) {
  std::vector<Part> parts = {{.keep = 100, .text = place_text(progress), .sgr = "1"}};
  const std::string stage = stage_text(progress.stage);
  if (!stage.empty()) parts.push_back({.keep = 60, .text = stage, .sgr = "36"});
  if (progress.position.simulated)
    parts.push_back({.keep = 90, .text = "SIMULATED", .sgr = "1;33"});
  std::vector<Part> after = {
      {.keep = 80, .text = fmt::format("{}/{}", progress.done, progress.total)}};
  if (progress.level_eta) {
    after.push_back({.keep = 70, .text = "ETA " + clock_text(*progress.level_eta)});
  }
  if (progress.sweep_eta) {
    after.push_back({.keep = 50, .text = "sweep " + clock_text(*progress.sweep_eta)});
  }
  const int taken = width_of(parts) + 2 + width_of(after) + 2 + (style.unicode ? 0 : 2);
  const int room = std::min(40, style.width - taken);
  if (room >= 6)
    parts.push_back({.keep = 40, .text = bar(progress, room, style.unicode), .sgr = "32"});
  parts.insert(parts.end(), after.begin(), after.end());
  return fit_parts(std::move(parts), style);
}

std::string second_line(const LevelProgress& progress, const TableStyle& style) {
  std::vector<Part> parts = {
      {.keep = 70, .text = fmt::format("  {} in flight", progress.in_flight)},
      {.keep = 100, .text = rate_of(progress)},
      {.keep = 90,
       .text = "E2E p50 " + report::ms_text(progress.e2e_p50_ms, style.unicode) + " ms"}};
  const std::string interval = report::interval_text(progress.e2e_p50_ci95);
  if (!interval.empty()) parts.push_back({.keep = 30, .text = interval, .sgr = "2"});
  if (progress.ttft_p50_ms) {
    parts.push_back(
        {.keep = 75,
         .text = "TTFT " + report::ms_text(progress.ttft_p50_ms, style.unicode) + " ms"});
  }
  parts.push_back(
      {.keep = 80,
       .text = fmt::format("{} {}", progress.errors, progress.errors == 1 ? "error" : "errors"),
       .sgr = progress.errors > 0 ? "1;31" : ""});
  parts.push_back({.keep = 60,
                   .text = fmt::format("client {:.0f} % busy", progress.client_busy * 100),
                   .sgr = progress.client_busy > 0.8   ? "1;31"
                          : progress.client_busy > 0.3 ? "33"
                                                       : ""});
  return fit_parts(std::move(parts), style);
}

constexpr Duration kRedrawEvery = std::chrono::milliseconds(100);

// How many rows of a terminal `columns` wide the text takes, its wrapped lines counted.
int rows_of(const std::string& text, int columns) {
  int rows = 0;
  for (const std::string& line : split(text, '\n')) {
    const int width = static_cast<int>(display_width(line));
    rows += std::max(1, (width + columns - 1) / std::max(columns, 1));
  }
  return rows;
}

}  // namespace

std::string progress_text(const LevelProgress& progress, const TableStyle& style) {
  return first_line(progress, style) + "\n" + second_line(progress, style);
}

std::string progress_log_line(const LevelProgress& progress) {
  std::vector<std::string> parts = {
      place_text(progress) + (progress.position.simulated ? " SIMULATED" : ""),
      fmt::format("{}/{} done", progress.done, progress.total),
      fmt::format("{} in flight", progress.in_flight), rate_of(progress)};
  if (progress.ttft_p50_ms)
    parts.push_back("TTFT p50 " + report::ms_text(progress.ttft_p50_ms) + " ms");
  if (progress.e2e_p50_ms)
    parts.push_back("E2E p50 " + report::ms_text(progress.e2e_p50_ms) + " ms");
  parts.push_back(fmt::format("{} errors", progress.errors));
  parts.push_back(fmt::format("client {:.0f} % busy", progress.client_busy * 100));
  if (progress.level_eta) parts.push_back("level ETA " + clock_text(*progress.level_eta));
  if (progress.sweep_eta) parts.push_back("sweep ETA " + clock_text(*progress.sweep_eta));
  const std::string stage = stage_text(progress.stage);
  if (!stage.empty()) parts.insert(parts.begin() + 1, stage);
  return join(parts, ", ");
}

LiveView::LiveView(std::ostream& out, Terminal terminal, Duration log_interval)
    : out_(out), terminal_(terminal), log_interval_(log_interval) {}

LiveView::~LiveView() {
  clear();
}

void LiveView::update(const LevelProgress& progress, Instant now) {
  const Duration pause = terminal_.live ? kRedrawEvery : log_interval_;
  if (drawn_at_ && now - *drawn_at_ < pause) return;
  drawn_at_ = now;
  if (!terminal_.live) {
    out_ << progress_log_line(progress) << '\n' << std::flush;
    return;
  }
  TableStyle style = terminal_.style;
  style.width = std::max(20, style.width - 1);  // a full last column would wrap on some terminals
  TableStyle plain = style;
  plain.color = false;
  const std::string text = progress_text(progress, plain);
  clear();
  shown_ = text;
  shown_colored_ = progress_text(progress, style);
  out_ << shown_colored_ << std::flush;
}

void LiveView::resize(int columns) {
  terminal_.style.width = columns;
}

void LiveView::print(const std::string& text) {
  const std::string shown = shown_;
  const std::string colored = shown_colored_;
  clear();
  out_ << text << '\n' << colored << std::flush;
  shown_ = shown;
  shown_colored_ = colored;
}

void LiveView::clear() {
  if (shown_.empty()) return;
  out_ << '\r';
  const int up = rows_of(shown_, terminal_.style.width) - 1;
  if (up > 0) out_ << fmt::format("\x1b[{}A", up);
  out_ << "\x1b[J" << std::flush;
  shown_.clear();
  shown_colored_.clear();
}

}  // namespace llmsweep
