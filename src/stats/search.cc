#include "llmsweep/stats/search.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <map>
#include <utility>

#include "llmsweep/model/target.h"
#include "llmsweep/stats/confirm_users.h"
#include "llmsweep/stats/intervals.h"
#include "stats/target_value.h"

namespace llmsweep {
namespace {

constexpr double kLocated = 1.21;         // a bracket that is narrow enough to confirm in
constexpr double kKeptFromAnEnd = 0.2;    // of a bracket, by its logs: where no secant goes
constexpr double kRegressedWithin = 2.5;  // loads beside the crossing by at most this factor
constexpr int kMostStepsOut = 12;

// Concurrency is whole; a rate has three digits, which a reader can take in.
double rounded(double load, LoadKind kind, bool up) {
  constexpr double kSlack = 1e-9;  // of what a division by a power of ten leaves
  const auto whole = [up](double x) { return up ? std::ceil(x - kSlack) : std::floor(x + kSlack); };
  if (kind != LoadKind::kRate) return whole(load);
  const double exponent = 2 - std::floor(std::log10(load));
  if (exponent > 0) {
    const double scale = std::pow(10, exponent);
    return whole(load * scale) / scale;
  }
  const double scale = std::pow(10, -exponent);
  return whole(load / scale) * scale;
}

bool all_finite(const std::vector<double>& values) {
  return std::all_of(values.begin(), values.end(), [](double v) { return std::isfinite(v); });
}

double level_of_a_look(const SearchSpec& spec) {
  return (1 - spec.confidence) / 2 / static_cast<double>(kConfirmLooks.size());
}

// The last load that passed below the first that missed, and that one.
struct TriedBracket {
  std::optional<double> pass, fail;
};

class Search {
 public:
  Search(std::span<const SearchRun> runs, double limit_ms, const SearchSpec& spec)
      : spec_(spec), limit_(std::log(limit_ms)), limit_ms_(limit_ms) {
    for (const SearchRun& run : runs) {
      if (run.outcome == SearchRun::Outcome::kNone) judged_ = false;
      const double value = run.outcome == SearchRun::Outcome::kValue
                               ? std::log(run.value)
                               : std::numeric_limits<double>::infinity();
      if (run.confirming) {
        fresh_[run.load].push_back(value);
      } else {
        located_[run.load] = value;
      }
    }
  }

  SearchState state() {
    if (!judged_) return ended(SearchEnd::kNotJudged);
    if (fresh_.empty()) {
      if (const auto next = next_to_locate()) return step(*next, false);
    }
    tell();
    return confirm();
  }

 private:
  SearchState step(double load, bool confirming) const {
    SearchState state = so_far();
    state.next = SearchStep{{spec_.kind(), load}, confirming};
    return state;
  }
  SearchState ended(SearchEnd end) const {
    SearchState state = so_far();
    state.end = end;
    return state;
  }

  // By what is confirmed where anything is, else by the values.
  SearchState so_far() const {
    SearchState state;
    const TriedBracket by_values = bracket();
    state.pass = by_values.pass;
    state.fail = by_values.fail;
    std::optional<double> pass, fail;
    for (const auto& [load, told] : told_) {
      if (told == Confirmed::kMisses && !fail) fail = load;
      if (told == Confirmed::kPasses && !fail) pass = load;
    }
    if (pass || fail) {
      state.pass = pass;
      state.fail = fail;
    }
    state.runs_pass = fresh_runs(state.pass);
    state.runs_fail = fresh_runs(state.fail);
    return state;
  }

  int fresh_runs(std::optional<double> load) const {
    const auto found = load ? fresh_.find(*load) : fresh_.end();
    return found == fresh_.end() ? 0 : static_cast<int>(found->second.size());
  }

  TriedBracket bracket() const {
    TriedBracket bracket;
    for (const auto& [load, value] : located_) {
      if (value > limit_) {
        bracket.fail = load;
        break;
      }
      bracket.pass = load;
    }
    return bracket;
  }

  bool whole() const { return spec_.kind() != LoadKind::kRate; }

  std::optional<double> next_to_locate() const {
    const auto [pass, fail] = bracket();
    if (!pass && !fail) return spec_.low();
    if (!pass) return std::nullopt;  // the least load misses it
    if (!fail) {
      if (*pass >= spec_.high()) return std::nullopt;
      return std::min(2 * *pass, spec_.high());
    }
    if (*fail <= *pass * kLocated || (whole() && *fail - *pass < 2)) return std::nullopt;
    const double low = std::log(*pass);
    const double wide = std::log(*fail) - low;
    double share = 0.5;
    const double at_pass = located_.at(*pass);
    const double at_fail = located_.at(*fail);
    if (std::isfinite(at_fail) && at_fail > at_pass) {
      share = (limit_ - at_pass) / (at_fail - at_pass);
    }
    share = std::clamp(share, kKeptFromAnEnd, 1 - kKeptFromAnEnd);
    const double load = std::exp(low + share * wide);
    if (!whole()) return rounded(load, spec_.kind(), false);
    return std::clamp(std::round(load), *pass + 1, *fail - 1);
  }

  // ln load where the regression of ln latency on it meets the limit, within the bracket.
  double crossing() const {
    const auto [pass, fail] = bracket();
    const double low = std::log(*pass);
    const double high = std::log(*fail);
    const double middle = (low + high) / 2;
    double n = 0, sx = 0, sy = 0, sxx = 0, sxy = 0;
    for (const auto& [load, value] : located_) {
      const double x = std::log(load) - middle;
      if (!std::isfinite(value) || std::abs(x) > std::log(kRegressedWithin)) continue;
      n += 1, sx += x, sy += value, sxx += x * x, sxy += x * value;
    }
    const double spread = n * sxx - sx * sx;
    if (n < 2 || spread <= 0) return middle;
    const double slope = (n * sxy - sx * sy) / spread;
    if (slope <= 0) return middle;
    const double x = (limit_ - (sy - slope * sx) / n) / slope;
    return std::clamp(middle + x, low, high);
  }

  // What the fresh runs say of each level that has any.
  void tell() {
    std::vector<std::vector<double>> logs;
    std::vector<double> loads;
    for (const auto& [load, values] : fresh_) {
      if (!all_finite(values)) {
        told_[load] = Confirmed::kMisses;  // an overloaded run: it has no median to be weighed
        continue;
      }
      loads.push_back(load);
      logs.push_back(values);
    }
    const auto states = confirmed_by(logs, limit_ms_, 1 - spec_.confidence);
    for (size_t i = 0; i < loads.size(); ++i) told_[loads[i]] = states[i];
  }

  Confirmed told(double load) const {
    const auto found = told_.find(load);
    return found == told_.end() ? Confirmed::kOpen : found->second;
  }
  bool given_up(double load) const {
    return told(load) == Confirmed::kOpen && fresh_runs(load) >= kConfirmLooks.back();
  }

  double further(double load, double factor, bool up) const {
    const double out = rounded(up ? load * factor : load / factor, spec_.kind(), up);
    if (!whole()) return out;
    return up ? std::max(out, load + 1) : std::min(out, load - 1);
  }

  SearchState confirm() {
    const auto [pass, fail] = bracket();
    const double half = std::sqrt(spec_.width);
    // Absent: there is no such end within the loads asked for.
    std::optional<double> low, high;
    if (!pass) {
      high = spec_.low();
    } else if (!fail) {
      low = spec_.high();
    } else {
      const double crossing_load = std::exp(crossing());
      low = std::max(spec_.low(), rounded(crossing_load / half, spec_.kind(), false));
      high = std::min(spec_.high(), rounded(crossing_load * half, spec_.kind(), true));
    }
    for (int steps = 0; steps < kMostStepsOut; ++steps) {
      if (low && told(*low) == Confirmed::kMisses) {
        high = low;
        low = out_of(*low, spec_.width, false);
      } else if (low && given_up(*low)) {
        low = out_of(*low, half, false);
      } else if (high && told(*high) == Confirmed::kPasses) {
        low = high;
        high = out_of(*high, spec_.width, true);
      } else if (high && given_up(*high)) {
        high = out_of(*high, half, true);
      } else {
        return at_ends(low, high);
      }
    }
    return ended(SearchEnd::kUndecided);
  }

  std::optional<double> out_of(double load, double factor, bool up) const {
    if (load == (up ? spec_.high() : spec_.low())) return std::nullopt;
    return std::clamp(further(load, factor, up), spec_.low(), spec_.high());
  }

  SearchState at_ends(std::optional<double> low, std::optional<double> high) const {
    const bool low_told = low && told(*low) == Confirmed::kPasses;
    const bool high_told = high && told(*high) == Confirmed::kMisses;
    if ((!low || low_told) && (!high || high_told)) {
      if (!low && !high) return ended(SearchEnd::kUndecided);
      if (high && passes_above(*high)) return ended(SearchEnd::kNotMonotone);
      if (!low) return ended(*high == spec_.low() ? SearchEnd::kBelow : SearchEnd::kUndecided);
      if (!high) return ended(*low == spec_.high() ? SearchEnd::kBeyond : SearchEnd::kUndecided);
      return ended(SearchEnd::kConfirmed);
    }
    if (!low || low_told) return step(*high, true);
    if (!high || high_told) return step(*low, true);
    return step(fresh_runs(low) <= fresh_runs(high) ? *low : *high, true);
  }

  // A load above one that misses keeps the target, by more than the noise of its runs.
  bool passes_above(double miss) const {
    double squares = 0, degrees = 0;
    for (const auto& [load, values] : fresh_) {
      if (!all_finite(values)) continue;
      const Moments moments = moments_of(values);
      squares += moments.variance * static_cast<double>(moments.count - 1);
      degrees += static_cast<double>(moments.count - 1);
    }
    if (degrees < 1) return false;
    const double p = 1 - level_of_a_look(spec_);
    const double half = student_quantile(p, degrees) * std::sqrt(squares / degrees);
    for (const auto& [load, values] : runs_above(miss)) {
      if (!all_finite(values)) continue;
      const double mean = moments_of(values).mean;
      if (mean + half / std::sqrt(values.size()) <= limit_) return true;
    }
    return false;
  }

  std::map<double, std::vector<double>> runs_above(double miss) const {
    std::map<double, std::vector<double>> runs(fresh_.upper_bound(miss), fresh_.end());
    for (auto at = located_.upper_bound(miss); at != located_.end(); ++at) {
      runs[at->first].push_back(at->second);
    }
    return runs;
  }

  const SearchSpec& spec_;
  double limit_;  // its log
  double limit_ms_;
  bool judged_ = true;
  std::map<double, double> located_;             // load: log of the run's figure
  std::map<double, std::vector<double>> fresh_;  // load: logs of its fresh runs
  std::map<double, Confirmed> told_;
};

// Runs of an end until a look can tell it, where it lies √width beside the crossing.
int runs_to_tell(const SearchSpec& spec, double noise, double slope) {
  const double apart = slope * std::log(spec.width) / 2;
  const double p = 1 - level_of_a_look(spec);
  for (const int look : kConfirmLooks) {
    const double half = student_quantile(p, 2.0 * (look - 1)) * noise / std::sqrt(look);
    if (half <= apart) return look;
  }
  return kConfirmLooks.back();
}

SearchRun judge(const RunStats& run, double load, const Target& target) {
  SearchRun judged{.load = load, .confirming = run.confirming};
  const auto value = target_value(run, target);
  const bool told = run.valid && is_sound_at(run, target) && value && *value > 0;
  judged.outcome = told ? SearchRun::Outcome::kValue : SearchRun::Outcome::kNone;
  if (run.valid && !run.is_settled()) judged.outcome = SearchRun::Outcome::kFails;
  judged.value = value.value_or(0);
  return judged;
}

}  // namespace

SearchState search_state(std::span<const SearchRun> runs, double limit, const SearchSpec& spec) {
  return Search(runs, limit, spec).state();
}

std::vector<SearchRun> search_runs(std::span<const LevelStats> levels, const Target& target,
                                   LoadKind kind) {
  std::vector<SearchRun> runs;
  for (const LevelStats& level : levels) {
    if (level.point.kind != kind) continue;
    for (const RunStats& run : level.runs) runs.push_back(judge(run, level.point.value, target));
  }
  return runs;
}

SearchResult describe_search(std::span<const LevelStats> levels, const Target& target,
                             const SearchSpec& spec, bool stopped) {
  const SearchState state =
      search_state(search_runs(levels, target, spec.kind()), limit_of(target), spec);
  SearchResult result{.target = target,
                      .over = *spec.over,
                      .low = spec.low(),
                      .high = spec.high(),
                      .width = spec.width,
                      .alpha = 1 - spec.confidence,
                      .end = state.end,
                      .pass = state.pass,
                      .fail = state.fail,
                      .runs_pass = state.runs_pass,
                      .runs_fail = state.runs_fail};
  if (stopped && result.end == SearchEnd::kOpen) result.end = SearchEnd::kBudget;
  std::vector<std::pair<double, SearchStepTaken>> path;
  for (const LevelStats& level : levels) {
    for (const RunStats& run : level.runs) {
      const SearchRun judged = judge(run, level.point.value, target);
      SearchStepTaken step{level.point, run.repeat, run.confirming};
      const bool has_value = judged.outcome == SearchRun::Outcome::kValue;
      if (has_value) {
        (target.all.empty() ? step.value_ms : step.of_limit) = judged.value;
      }
      if (judged.outcome != SearchRun::Outcome::kNone) {
        step.keeps = has_value && judged.value <= limit_of(target);
      }
      path.emplace_back(run.started_s.value_or(0), step);
    }
  }
  std::stable_sort(path.begin(), path.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  for (auto& [started_s, step] : path) result.path.push_back(step);
  return result;
}

SearchCost expected_search_cost(const SearchSpec& spec, double noise, double slope) {
  constexpr int kSecants = 3;
  SearchCost cost{.confirming = 2 * runs_to_tell(spec, noise, slope)};
  const double middle = std::sqrt(spec.low() * spec.high());
  double load = spec.low();
  for (; load < middle; load *= 2) cost.locating.push_back({spec.kind(), load});
  cost.locating.insert(cost.locating.end(), kSecants,
                       {spec.kind(), rounded(middle, spec.kind(), true)});
  return cost;
}

}  // namespace llmsweep
