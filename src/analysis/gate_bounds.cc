#include "analysis/gate_bounds.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "analysis/session.h"
#include "llmsweep/base/text.h"
#include "llmsweep/model/quantity.h"
#include "llmsweep/stats/intervals.h"
#include "llmsweep/stats/spending.h"

namespace llmsweep {
namespace {

constexpr double kOneSided = 0.95;
constexpr double kLevel = 0.05;
constexpr int kMostRepeats = 100;

double z95() {
  return normal_quantile(kOneSided);
}

// Of the bounds after this many runs. Files may hold anything: a level is above 0 and at most 5 %.
double level_of_look(const BoundsInput& input) {
  if (input.looks == nullptr) return kLevel;
  const int runs = std::max(2, input.runs_looked_at);
  const std::vector<double>& levels = input.looks->levels;
  const bool planned = !levels.empty() && runs <= input.looks->last;
  if (!planned) return endless_level(std::min(runs, 100'000));
  const int look = std::clamp(runs - input.looks->first, 0, static_cast<int>(levels.size()) - 1);
  return std::clamp(levels[static_cast<size_t>(look)], 1e-9, kLevel);
}

double two_sided(double level) {
  return 1 - 2 * level;
}

// "; looks 3 to 8, 5 % over all"; empty for one look.
std::string looks_text(const GateLooks* looks) {
  if (looks == nullptr || (looks->last <= looks->first && !looks->endless)) return {};
  if (looks->levels.empty()) return "; looked at as often as wanted, e-process, 5 % over all";
  std::string text = fmt::format("; looks {} to {}, 5 % over all", looks->first, looks->last);
  if (looks->endless) text += ", later ones by an e-process, 5 % more";
  return text;
}

// The tail of a run moves more from run to run than its middle.
double noise_factor(const GateRule& rule) {
  if (rule.measure.quantity->distribution == nullptr) return 1;
  switch (rule.measure.statistic) {
    case Statistic::kP50:
    case Statistic::kMean:
      return 1;
    case Statistic::kP90:
      return 2;
    case Statistic::kP95:
      return 3;
    case Statistic::kP99:
      break;
  }
  return 5;
}

std::optional<Interval> within_run(const BoundsInput& input) {
  const auto& [quantity, statistic] = input.rule.measure;
  if (quantity->distribution == nullptr || statistic != Statistic::kP50) return std::nullopt;
  return (input.level.pooled.*quantity->distribution).p50_ci95;
}

Bounds single_bounds(const BoundsInput& input, double point) {
  const double noise = input.assumed_noise * noise_factor(input.rule);
  const double assumed = z95() * std::log1p(noise);
  const auto within = within_run(input);
  double up = assumed, down = assumed;
  if (within && within->low > 0 && within->low <= point && within->high >= point) {
    up = std::hypot(assumed, std::log(within->high / point));
    down = std::hypot(assumed, std::log(point / within->low));
  }
  return {.point = point,
          .interval = {point * std::exp(-down), point * std::exp(up)},
          .repeats = 1,
          .basis = fmt::format("one run: {}an assumed {:g} % of run-to-run noise",
                               within ? "its within-run interval and " : "", noise * 100)};
}

// Wilson (1927), at the one-sided 95 %.
Interval wilson(double share, double samples) {
  const double z = z95(), z2 = z * z;
  const double middle = (share + z2 / (2 * samples)) / (1 + z2 / samples);
  const double half = z / (1 + z2 / samples) *
                      std::sqrt(share * (1 - share) / samples + z2 / (4 * samples * samples));
  return {std::max(0.0, middle - half), std::min(1.0, middle + half)};
}

// Of quantities whose runs are averaged as they are, since they may be 0.
Bounds mean_bounds(const BoundsInput& input, const LevelFigure& figure, bool share) {
  const double level = level_of_look(input);
  const Interval interval = *student_interval(figure.runs, two_sided(level));
  return {.point = *figure.value,
          .interval = {std::max(0.0, interval.low),
                       share ? std::min(1.0, interval.high) : interval.high},
          .repeats = static_cast<int>(figure.runs.size()),
          .level = level,
          .basis = fmt::format("{} runs, t on the {}{}", figure.runs.size(),
                               share ? "shares" : "values", looks_text(input.looks))};
}

Bounds share_bounds(const BoundsInput& input, const LevelFigure& figure) {
  const RequestCounts& requests = input.level.pooled.requests;
  const double samples = static_cast<double>(requests.all().value_or(0));
  const double share = figure.pooled ? *figure.pooled : figure.runs.front();
  return {.point = share,
          .interval = samples > 0 ? wilson(share, samples) : Interval{0, 1},
          .repeats = 1,
          .basis = "one run: Wilson's interval over its requests"};
}

bool is_share(const GateRule& rule) {
  return rule.measure.quantity->unit == Unit::kShare;
}

struct Distances {
  double down, up;
};
bool lower_is_better(const GateRule& rule) {
  return rule.measure.quantity->better == Direction::kLowerIsBetter;
}

Distances distances(const Bounds& bounds, bool logs) {
  if (!logs) {
    return {bounds.point - bounds.interval.low, bounds.interval.high - bounds.point};
  }
  return {std::log(bounds.point / bounds.interval.low),
          std::log(bounds.interval.high / bounds.point)};
}

// The probability of a value this bad or worse at the limit, from a bound that lies z95 away.
double p_from_half_width(double beyond, double half_width) {
  if (half_width <= 0) return beyond > 0 ? 0 : 1;
  const double z = beyond / half_width * z95();
  return 0.5 * std::erfc(z / std::sqrt(2.0));
}

// Of a bound that is one-sided 95 %; shares have none, their noise is not relative.
double session_half_width(const SessionNoise& between, const GateRule& rule) {
  return is_share(rule) ? 0 : z95() * noise_of_two(between.share);
}

std::string session_text(const SessionNoise& between, const GateRule& rule) {
  if (between.share <= 0 || is_share(rule)) return {};
  return fmt::format("; {:g} % of noise between sessions assumed ({})", between.share * 100,
                     between.why);
}

RatioBounds combine(const Bounds& a, const Bounds& b, const GateRule& rule,
                    const SessionNoise& between, double limit) {
  const bool share = is_share(rule);
  const Distances from = distances(a, !share), to = distances(b, !share);
  const double noise = session_half_width(between, rule);
  const double up = std::hypot(to.up, from.down, noise);
  const double down = std::hypot(to.down, from.up, noise);
  const double difference = share ? b.point - a.point : std::log(b.point / a.point);
  RatioBounds result{.baseline = a.point, .candidate = b.point};
  result.bounds.repeats = std::min(a.repeats, b.repeats);
  result.bounds.level = std::min(a.level, b.level);
  result.bounds.basis = (a.repeats > 1 ? b.basis : a.basis) + session_text(between, rule);
  const auto back = [share](double value) { return share ? value : std::exp(value); };
  result.bounds.point = back(difference);
  result.bounds.interval = {back(difference - down), back(difference + up)};
  const double at = share ? limit : std::log(limit);
  result.p_worse = lower_is_better(rule) ? p_from_half_width(difference - at, down)
                                         : p_from_half_width(at - difference, up);
  return result;
}

bool all_positive(const std::vector<double>& values) {
  return std::all_of(values.begin(), values.end(), [](double value) { return value > 0; });
}

MeanKind mean_of(const GateRule& rule) {
  const bool arithmetic = rule.measure.quantity->pooling == Pooling::kMean;
  return arithmetic ? MeanKind::kArithmetic : MeanKind::kGeometric;
}

// Of a difference this far beyond the limit or farther.
double upper_tail(const WelchDifference& test, double beyond) {
  if (test.standard_error <= 0) return beyond > 0 ? 0 : 1;
  return 1 - student_cdf(beyond / test.standard_error, test.degrees);
}

std::optional<RatioBounds> welch_bounds(const LevelFigure& a, const LevelFigure& b,
                                        const BoundsInput& candidate, const SessionNoise& between,
                                        double limit) {
  const GateRule& rule = candidate.rule;
  const double level = level_of_look(candidate);
  if (a.runs.size() < 2 || b.runs.size() < 2) return std::nullopt;
  const bool paired = candidate.paired && a.runs.size() == b.runs.size();
  const auto test = paired ? paired_log_ratio(a.runs, b.runs, mean_of(rule))
                           : log_ratio(a.runs, b.runs, mean_of(rule));
  if (!test) return std::nullopt;
  const double noise = noise_of_two(between.share);
  const Interval interval = noisy_interval(*test, noise, two_sided(level));
  RatioBounds result{.baseline = *a.value, .candidate = *b.value};
  result.bounds = {
      .point = std::exp(test->difference),
      .interval = {std::exp(interval.low), std::exp(interval.high)},
      .repeats = static_cast<int>(std::min(a.runs.size(), b.runs.size())),
      .level = level,
      .basis = (paired ? fmt::format("{} pairs of runs, t on their logs{}", a.runs.size(),
                                     session_text(between, rule))
                       : fmt::format("{} and {} runs, Welch's t on their logs{}", a.runs.size(),
                                     b.runs.size(), session_text(between, rule))) +
               looks_text(candidate.looks)};
  const double beyond = lower_is_better(rule) ? test->difference - std::log(limit)
                                              : std::log(limit) - test->difference;
  result.p_worse = std::max(upper_tail(*test, beyond), upper_tail(test->with_noise(noise), beyond));
  result.p_worse = std::min(1.0, result.p_worse * kLevel / level);  // as if it were one look
  return result;
}

LevelFigure figure_of(const BoundsInput& input) {
  return figure_of(input.level, input.rule.measure, input.reading);
}

// The session is the unit: that the candidate is one of them, drawn like the others, is what "no
// worse" has to be told from.
std::optional<RatioBounds> session_bounds(std::span<const BoundsInput> baselines,
                                          const BoundsInput& candidate, double limit) {
  const bool share = is_share(candidate.rule);
  const auto value_in = [share](const BoundsInput& input) -> std::optional<double> {
    const auto value = figure_of(input).value;
    if (!value || (!share && !(*value > 0))) return std::nullopt;
    return share ? *value : std::log(*value);
  };
  std::vector<double> sessions;
  for (const BoundsInput& baseline : baselines) {
    const auto value = value_in(baseline);
    if (!value) return std::nullopt;
    sessions.push_back(*value);
  }
  const auto here = value_in(candidate);
  if (!here) return std::nullopt;
  const Moments moments = moments_of(sessions);
  const double k = static_cast<double>(sessions.size());
  const WelchDifference test{.difference = *here - moments.mean,
                             .standard_error = std::sqrt(moments.variance * (1 + 1 / k)),
                             .degrees = k - 1};
  const double level = level_of_look(candidate);
  const Interval interval = test.interval(two_sided(level));
  const auto back = [share](double value) { return share ? value : std::exp(value); };
  RatioBounds result{.baseline = back(moments.mean), .candidate = back(*here)};
  result.bounds = {.point = back(test.difference),
                   .interval = {back(interval.low), back(interval.high)},
                   .repeats = repeats_of(candidate.level),
                   .level = level,
                   .basis = fmt::format("against {} sessions, t on their {}{}", sessions.size(),
                                        share ? "values" : "logs", looks_text(candidate.looks))};
  const double at = share ? limit : std::log(limit);
  const double beyond =
      lower_is_better(candidate.rule) ? test.difference - at : at - test.difference;
  result.p_worse = std::min(1.0, upper_tail(test, beyond) * kLevel / level);
  return result;
}

}  // namespace

std::optional<Bounds> bounds_of(const BoundsInput& input) {
  const LevelFigure figure = figure_of(input);
  if (figure.runs.empty() && !figure.pooled) return std::nullopt;
  const Quantity& quantity = *input.rule.measure.quantity;
  if (quantity.pooling == Pooling::kRequests) {
    const double rate = figure.pooled ? *figure.pooled : moments_of(figure.runs).mean;
    return Bounds{.point = rate,
                  .interval = {rate, rate},
                  .repeats = repeats_of(input.level),
                  .basis = "the measured share of all requests"};
  }
  const bool share = is_share(input.rule);
  if (quantity.pooling == Pooling::kMean && figure.runs.size() > 1) {
    return mean_bounds(input, figure, share);
  }
  if (share) return share_bounds(input, figure);
  if (!all_positive(figure.runs)) return std::nullopt;
  if (figure.runs.size() > 1) {
    const double level = level_of_look(input);
    return Bounds{.point = *figure.value,
                  .interval = *log_student_interval(figure.runs, two_sided(level)),
                  .repeats = static_cast<int>(figure.runs.size()),
                  .level = level,
                  .basis = fmt::format("{} runs, t on their logs{}", figure.runs.size(),
                                       looks_text(input.looks))};
  }
  const double point = figure.pooled ? *figure.pooled : figure.runs.front();
  if (!(point > 0)) return std::nullopt;
  return single_bounds(input, point);
}

std::optional<RatioBounds> ratio_bounds_of(std::span<const BoundsInput> baselines,
                                           const BoundsInput& candidate,
                                           const SessionNoise& between, double limit) {
  constexpr size_t kEnoughSessions = 3;
  if (baselines.size() >= kEnoughSessions) return session_bounds(baselines, candidate, limit);
  const BoundsInput& baseline = baselines.back();
  const auto a = bounds_of(baseline), b = bounds_of(candidate);
  if (!a || !b) return std::nullopt;
  if (!is_share(candidate.rule)) {
    if (auto result =
            welch_bounds(figure_of(baseline), figure_of(candidate), candidate, between, limit)) {
      return result;
    }
  }
  return combine(*a, *b, candidate.rule, between, limit);
}

std::optional<int> repeats_to_decide(const Bounds& bounds, double limit) {
  if (bounds.repeats < 2 || bounds.point <= 0 || limit <= 0 || bounds.interval.low <= 0) {
    return std::nullopt;
  }
  const double distance = std::abs(std::log(bounds.point / limit));
  const double n = bounds.repeats;
  const double deviation = std::log(bounds.interval.high / bounds.point) * std::sqrt(n) /
                           student_quantile(1 - bounds.level, n - 1);
  for (int repeats = bounds.repeats + 1; repeats <= kMostRepeats; ++repeats) {
    const double half =
        student_quantile(1 - bounds.level, repeats - 1) * deviation / std::sqrt(repeats);
    if (half <= distance) return repeats;
  }
  return std::nullopt;
}

}  // namespace llmsweep
