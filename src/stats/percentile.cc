#include "llmsweep/stats/percentile.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstddef>
#include <numeric>

#include "stats/distributions.h"

namespace llmsweep {
namespace {

// Where type 7 looks: between the 0-based order statistics `below` and `below + 1`.
struct Position {
  int64_t below;
  double share;
};

Position position_of(int64_t samples, double p) {
  const double h = static_cast<double>(samples - 1) * p;
  const double below = std::floor(h);
  return {static_cast<int64_t>(below), h - below};
}

double between(double low, double high, double share) {
  return low + share * (high - low);
}

// Fills the percentiles that `samples` allows; `at` gives the p-quantile.
template <class At>
void fill_percentiles(Distribution& distribution, At at) {
  distribution.p50 = at(0.5);
  distribution.p90 = at(0.9);
  distribution.p95 = at(0.95);
  if (distribution.has(kSamplesForP99)) distribution.p99 = at(0.99);
  if (distribution.has(kSamplesForP999)) distribution.p999 = at(0.999);
}

// Smallest k in [0, samples] whose binomial CDF is at least `level`.
int64_t binomial_quantile(int64_t samples, double p, double level) {
  int64_t low = 0;
  int64_t high = samples;
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    if (binomial_cdf(middle, samples, p) >= level) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

}  // namespace

double percentile(std::span<const double> sorted, double p) {
  assert(!sorted.empty() && p >= 0 && p <= 1);
  const auto [below, share] = position_of(static_cast<int64_t>(sorted.size()), p);
  const auto index = static_cast<size_t>(below);
  if (index + 1 >= sorted.size()) return sorted.back();
  return between(sorted[index], sorted[index + 1], share);
}

double percentile_of(std::vector<double> values, double p) {
  assert(!values.empty() && p >= 0 && p <= 1);
  const auto [below, share] = position_of(static_cast<int64_t>(values.size()), p);
  const auto at = values.begin() + below;
  std::nth_element(values.begin(), at, values.end());
  if (at + 1 == values.end()) return *at;
  return between(*at, *std::min_element(at + 1, values.end()), share);
}

std::optional<Ranks> interval_ranks(int64_t samples, Quantile quantile) {
  const double tail = (1 - quantile.confidence) / 2;
  if (samples < 1) return std::nullopt;
  // P(B ≤ low − 1) ≤ tail and P(B ≥ high) ≤ tail, B the number of values below the quantile. By
  // symmetry the upper tail is a lower one of Binomial(n, 1 − p), without cancellation near 1.
  const auto below = [&](double p) {
    const int64_t k = binomial_quantile(samples, p, tail);
    return binomial_cdf(k, samples, p) <= tail ? k + 1 : k;
  };
  const int64_t low = below(quantile.p);
  const int64_t from_top = below(1 - quantile.p);
  if (low < 1 || from_top < 1) return std::nullopt;
  return Ranks{low, samples + 1 - from_top};
}

std::optional<Interval> percentile_interval(std::span<const double> sorted, Quantile quantile) {
  const auto ranks = interval_ranks(static_cast<int64_t>(sorted.size()), quantile);
  if (!ranks) return std::nullopt;
  return Interval{sorted[static_cast<size_t>(ranks->low - 1)],
                  sorted[static_cast<size_t>(ranks->high - 1)]};
}

int64_t samples_for_interval(Quantile quantile) {
  const double tail = (1 - quantile.confidence) / 2;
  const double outer = std::max(quantile.p, 1 - quantile.p);
  auto samples = static_cast<int64_t>(std::ceil(std::log(tail) / std::log(outer)));
  while (samples > 1 && interval_ranks(samples - 1, quantile)) --samples;
  while (!interval_ranks(samples, quantile)) ++samples;
  return samples;
}

Distribution distribution_of(std::vector<double> sample_ms) {
  Distribution distribution{.count = static_cast<int64_t>(sample_ms.size())};
  if (sample_ms.empty()) return distribution;
  std::sort(sample_ms.begin(), sample_ms.end());
  distribution.mean = std::accumulate(sample_ms.begin(), sample_ms.end(), 0.0) /
                      static_cast<double>(sample_ms.size());
  distribution.min = sample_ms.front();
  distribution.max = sample_ms.back();
  fill_percentiles(distribution, [&](double p) { return percentile(sample_ms, p); });
  distribution.p50_ci95 = percentile_interval(sample_ms, {.p = 0.5});
  return distribution;
}

Distribution distribution_of(const Histogram& histogram) {
  const auto count = static_cast<int64_t>(histogram.count());
  Distribution distribution{.count = count};
  if (histogram.empty()) return distribution;
  const auto buckets = histogram.buckets();
  const auto middle_ms = [&](size_t i) { return to_ms(Histogram::middle_of(buckets[i].first)); };
  std::vector<int64_t> up_to;  // values in buckets[0..i]
  up_to.reserve(buckets.size());
  double sum = 0;
  for (size_t i = 0; i < buckets.size(); ++i) {
    const auto weight = static_cast<int64_t>(buckets[i].second);
    up_to.push_back(weight + (i == 0 ? 0 : up_to.back()));
    sum += middle_ms(i) * static_cast<double>(weight);
  }
  const auto value_of_rank = [&](int64_t rank) {  // 0-based
    const auto at = std::upper_bound(up_to.begin(), up_to.end(), rank);
    return middle_ms(static_cast<size_t>(at - up_to.begin()));
  };
  distribution.mean = sum / static_cast<double>(histogram.count());
  distribution.min = middle_ms(0);
  distribution.max = middle_ms(buckets.size() - 1);
  fill_percentiles(distribution, [&](double p) {
    const auto [below, share] = position_of(count, p);
    const int64_t above = std::min(below + 1, count - 1);
    return between(value_of_rank(below), value_of_rank(above), share);
  });
  return distribution;
}

int64_t samples_needed(Statistic statistic) {
  switch (statistic) {
    case Statistic::kP50:
    case Statistic::kMean:
      return 1;
    case Statistic::kP90:
      return 10;
    case Statistic::kP95:
      return 20;
    case Statistic::kP99:
      return kSamplesForP99;
  }
  return 1;
}

}  // namespace llmsweep
