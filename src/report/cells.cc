#include "report/cells.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "llmsweep/base/text.h"
#include "llmsweep/model/names.h"
#include "llmsweep/model/rate_profile.h"
#include "llmsweep/model/target.h"
#include "llmsweep/stats/drift.h"
#include "llmsweep/stats/percentile.h"

namespace llmsweep::report {
namespace {

std::string absent(bool unicode) {
  return unicode ? "–" : "-";
}

}  // namespace

Figure::Figure(const LevelStats& level, const Measure& measure, Source source)
    : LevelFigure(figure_of(level, measure)), quantity(*measure.quantity) {
  with_drain = with_drain && source != Source::kPublished;
  is_range = between_runs && ci95 && runs.size() == 2;
  if (is_range) ci95 = Interval{std::min(runs[0], runs[1]), std::max(runs[0], runs[1])};
}

bool only_ranges(const SweepResult& result) {
  bool any = false;
  for (const LevelStats& level : result.levels) {
    const Figure e2e(level, measure_of("e2e"));
    if (e2e.ci95 && !e2e.is_range) return false;
    any = any || e2e.is_range;
  }
  return any;
}

bool has_interval_column(const Measure& measure) {
  return measure.quantity->shown.interval > 0 && measure.statistic == Statistic::kP50;
}

std::vector<Measure> present_measures(const SweepResult& result, std::vector<Measure> measures) {
  const auto absent_everywhere = [&](const Measure& measure) {
    return std::none_of(result.levels.begin(), result.levels.end(), [&](const LevelStats& level) {
      const LevelFigure figure = figure_of(level, measure);
      return figure.value || figure.at_most;
    });
  };
  measures.erase(std::remove_if(measures.begin(), measures.end(), absent_everywhere),
                 measures.end());
  return measures;
}

std::string_view throughput_key(const SweepResult& result) {
  return result.workload.inputs_per_request ? "input_throughput" : "throughput";
}

LoadKind load_kind(std::span<const SweepResult> results) {
  for (const SweepResult& result : results) {
    if (!result.levels.empty()) return result.levels.front().point.kind;
  }
  return LoadKind::kConcurrency;
}

std::string_view load_heading(const SweepResult& result) {
  return name_of(load_kind({&result, 1}));
}

std::string capitalised(std::string_view text) {
  std::string result(text);
  const bool lower = !text.empty() && text[0] >= 'a' && text[0] <= 'z';
  if (lower) result[0] = static_cast<char>(text[0] - 'a' + 'A');
  return result;
}

bool any_drain(const SweepResult& result) {
  return std::any_of(result.levels.begin(), result.levels.end(), [&](const LevelStats& level) {
    return Figure(level, measure_of("throughput"), result.source).with_drain;
  });
}

bool any_unsound(const SweepResult& result) {
  return std::any_of(result.levels.begin(), result.levels.end(),
                     [](const LevelStats& level) { return !level.pooled.validity.empty(); });
}

std::string interval_note(const SweepResult& result) {
  size_t repeats = 0;
  bool within = false, ranges = false;
  for (const LevelStats& level : result.levels) {
    const Figure e2e(level, measure_of("e2e"));
    if (!e2e.ci95) continue;
    ranges = ranges || e2e.is_range;
    if (e2e.is_range) continue;
    if (e2e.between_runs) repeats = std::max(repeats, level.runs.size());
    within = within || !e2e.between_runs;
  }
  const std::string between = fmt::format("between {} repeats", repeats);
  const std::string inside =
      "within-run (takes requests as independent, says nothing of run-to-run noise)";
  std::string text;
  if (repeats > 0) text = "intervals: 95 %, " + between;
  if (within)
    text += (text.empty() ? "intervals: 95 %, " : "; where a level has one repeat, ") + inside;
  if (!ranges) return text;
  return (text.empty() ? "" : text + "; ") + "A to B: the range of 2 repeats; 3 give an interval";
}

std::string drift_note(const SweepResult& result) {
  const auto drift = drift_of(result.levels, measure_of("e2e"));
  if (!drift) return {};
  const auto percent = [](double ratio) { return fmt::format("{:+.1f}", 100 * (ratio - 1)); };
  std::string text =
      fmt::format("drift of the median E2E from the first run to the last: {} % [{}, {}]",
                  percent(drift->ratio), percent(drift->ci95.low), percent(drift->ci95.high));
  if (!drift->exceeds_the_interval()) return text;
  return "warning: " + text +
         fmt::format(
             ", more than the repeats of a level differ by (±{:.1f} %): the intervals do not "
             "speak of a system that changes; measure when it has settled, or in turns with "
             "what it is compared with",
             100 * std::expm1(drift->half_width));
}

std::string csv_concurrency(LoadPoint point) {
  return point.kind == LoadKind::kConcurrency ? value_text(point) : "";
}

std::string short_number(double value) {
  std::string text = format_significant(value);
  if (text.find('.') == std::string::npos) return text;
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text;
}

std::string target_text(const Target& target) {
  std::vector<std::string> limits;
  for (const Target& part : parts_of(target)) {
    const std::string_view statistic = name_of(part.statistic);
    limits.push_back(part.min_tps ? fmt::format("{} tokens/s {} decode speed",
                                                short_number(*part.min_tps), statistic)
                                  : fmt::format("{} ms {} {}", short_number(to_ms(part.max)),
                                                statistic, metric_title(part.metric)));
  }
  const std::string text = join(limits, " and ");
  return target.name.empty() ? text : fmt::format("{} ({})", printable(target.name), text);
}

std::string condition_text(const Target& target) {
  std::vector<std::string> limits;
  for (const Target& part : parts_of(target)) {
    const std::string_view statistic = name_of(part.statistic);
    limits.push_back(part.min_tps ? fmt::format("decode speed {} ≥ {} tokens/s", statistic,
                                                short_number(*part.min_tps))
                                  : fmt::format("{} {} ≤ {} ms", metric_title(part.metric),
                                                statistic, short_number(to_ms(part.max))));
  }
  const std::string text = join(limits, ", ");
  return target.name.empty() ? text : printable(target.name) + ": " + text;
}

LevelLines lines_of_levels(const SweepResult& result) {
  LevelLines found{.heading = std::string(load_heading(result)), .lines = {}};
  for (const LevelStats& level : result.levels) {
    found.lines.emplace_back(value_text(level.point), &level);
  }
  return found;
}

LevelLines lines_of_steps(const SweepResult& result, bool unicode) {
  LevelLines found{.heading = "step, requests/s", .lines = {}};
  for (const ProfileStep& step : result.profile) {
    std::string rate = step_text({{}, step.rate_from, step.rate_to}, unicode);
    found.lines.emplace_back(
        fmt::format("{:g}{}{:g} s: {}", step.from_s, unicode ? "–" : "-", step.to_s, rate),
        &step.level);
  }
  return found;
}

bool have_states(const SweepResult& result) {
  return std::any_of(result.levels.begin(), result.levels.end(),
                     [](const LevelStats& level) { return level.pooled.open.has_value(); });
}

std::string state_text(const LevelStats& level) {
  return level.pooled.open ? std::string(name_of(level.pooled.open->state)) : "";
}

std::string state_note(const SweepResult& result) {
  const auto levels_in = [&result](LoadState state) {
    std::vector<LoadPoint> points;
    for (const LevelStats& level : result.levels) {
      if (level.pooled.open && level.pooled.open->state == state) points.push_back(level.point);
    }
    return points;
  };
  std::string text;
  if (const auto over = levels_in(LoadState::kOverloaded); !over.empty()) {
    text = "overloaded, " + levels_text(over) +
           ": requests pile up, so that latencies grow with the run and have no value";
  }
  if (const auto open = levels_in(LoadState::kUnsettled); !open.empty()) {
    text += (text.empty() ? "" : "; ") + std::string("unsettled, ") + levels_text(open) +
            ": requests wait, and a longer run might show more; such a level meets no target";
  }
  return text;
}

std::string levels_text(const std::vector<LoadPoint>& levels) {
  std::vector<std::string> values;
  for (const LoadPoint point : levels) values.push_back(value_text(point));
  return fmt::format("{} {}", levels.size() == 1 ? "level" : "levels", join(values, ", "));
}

std::string metric_title(Metric metric) {
  std::string title(name_of(metric));
  for (char& c : title) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return title;
}

std::string ms_text(std::optional<double> ms, bool unicode) {
  if (!ms) return absent(unicode);
  return *ms >= 1000 ? format_number(*ms) : format_significant(*ms);
}

std::string rate_text(std::optional<double> tps, bool unicode) {
  return tps ? format_significant(*tps) : absent(unicode);
}

std::string ratio_text(std::optional<double> value, bool unicode) {
  return value ? format_significant(*value, *value < 0.1 ? 2 : 3) : absent(unicode);
}

std::string figure_text(const Figure& figure, bool unicode) {
  if (figure.at_most) return (unicode ? "≤ " : "<= ") + ms_text(figure.at_most, unicode);
  switch (figure.quantity.unit) {
    case Unit::kMilliseconds:
      return ms_text(figure.value, unicode);
    case Unit::kTokensPerSecondPerMs:
      return ratio_text(figure.value, unicode);
    case Unit::kShare:
      return figure.value ? format_significant(*figure.value * 100) : absent(unicode);
    case Unit::kTokensPerSecond:
    case Unit::kRequestsPerSecond:
    case Unit::kInputsPerSecond:
    case Unit::kRequests:
    case Unit::kTokens:
    case Unit::kSeconds:
    case Unit::kUsers:
    case Unit::kUsersPerGpu:
    case Unit::kScore:
    case Unit::kMoney:
    case Unit::kJoulesPerToken:
    case Unit::kTokensPerSecondPerMw:
      break;
  }
  return rate_text(figure.value, unicode);
}

std::string_view unit_heading(const Quantity& quantity) {
  return quantity.unit == Unit::kShare ? "%" : name_of(quantity.unit);
}

std::string short_heading(const Measure& measure) {
  const bool median = measure.statistic == Statistic::kP50;
  if (measure.quantity->distribution == nullptr || median) {
    return std::string(measure.quantity->short_title);
  }
  return metric_title(*measure.quantity->metric) + " " + std::string(name_of(measure.statistic));
}

std::string heading_of(const Measure& measure) {
  return title_of(measure) + ", " + std::string(unit_heading(*measure.quantity));
}

std::string interval_text(const Figure& figure) {
  if (!figure.is_range) return interval_text(figure.ci95);
  return ms_text(figure.ci95->low) + " to " + ms_text(figure.ci95->high);
}

std::vector<std::string> terms_of(const Measure& measure) {
  std::vector<std::string> terms;
  if (!measure.quantity->term.empty()) terms.emplace_back(measure.quantity->term);
  if (measure.quantity->distribution == nullptr) return terms;
  switch (measure.statistic) {
    case Statistic::kP50:
    case Statistic::kMean:
      break;
    case Statistic::kP90:
    case Statistic::kP95:
    case Statistic::kP99: {
      const std::string_view name = name_of(measure.statistic);
      terms.push_back(fmt::format("{}: {} of 100 took no longer{}", name, name.substr(1),
                                  measure.statistic == Statistic::kP99
                                      ? fmt::format(", from {} requests on", kSamplesForP99)
                                      : std::string()));
      break;
    }
  }
  return terms;
}

std::string interval_text(const std::optional<Interval>& interval) {
  if (!interval || !std::isfinite(interval->low) || !std::isfinite(interval->high)) return "";
  return "[" + ms_text(interval->low) + ", " + ms_text(interval->high) + "]";
}

}  // namespace llmsweep::report
