#include "llmsweep/telemetry/energy.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "llmsweep/telemetry/server_metrics.h"

namespace llmsweep {
namespace {

using Figure = ServerFigure;

// A page of a source that came, and the value on it of each GPU's energy and of their power.
struct GpuPage {
  const PageRead* page;
  std::vector<FigureSeries> energy;
  std::optional<double> power;

  Instant at() const { return page->asked + (page->answered - page->asked) / 2; }
  double half_width() const { return to_seconds(page->answered - page->asked) / 2; }
  double tokens() const { return (page->before.tokens() + page->after.tokens()) / 2; }
};

using PagesByUrl = std::map<std::string, std::vector<GpuPage>>;

PagesByUrl gpu_pages(std::span<const PageRead> pages) {
  PagesByUrl by_url;
  for (const PageRead& page : pages) {
    const bool in_window = page.moment == PageMoment::kStart ||
                           page.moment == PageMoment::kBetween || page.moment == PageMoment::kEnd;
    if (!in_window || !page.error.empty()) continue;
    PageFigures figures = figures_in(page.samples);
    GpuPage read{.page = &page, .energy = {}, .power = {}};
    if (figures.contains(Figure::kGpuEnergy)) read.energy = figures[Figure::kGpuEnergy];
    if (figures.contains(Figure::kGpuPower)) {
      read.power = over_series(Figure::kGpuPower, figures[Figure::kGpuPower]);
    }
    if (!read.energy.empty() || read.power) by_url[page.url].push_back(std::move(read));
  }
  return by_url;
}

double sum_of(const std::vector<FigureSeries>& series) {
  return over_series(Figure::kGpuEnergy, series).value_or(0);
}

bool has_edges(const std::vector<GpuPage>& pages) {
  return !pages.empty() && pages.front().page->moment == PageMoment::kStart &&
         pages.back().page->moment == PageMoment::kEnd;
}

// Why the two edges have no difference; empty: they have.
std::string unlike(const std::vector<FigureSeries>& a, const std::vector<FigureSeries>& b) {
  if (a.empty() || a.size() != b.size()) return "series_changed";
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i].series != b[i].series) return "series_changed";
    if (!std::isfinite(a[i].value) || !std::isfinite(b[i].value)) return "not_a_number";
    if (b[i].value < a[i].value) return "counter_reset";
  }
  return {};
}

// Adds what one exporter says of its GPUs; windows of exporters differ by what reading them takes.
class Sum {
 public:
  explicit Sum(EnergyBasis basis) { reading_.basis = basis; }

  void add(const GpuPage& from, const GpuPage& to, double joules, double error) {
    const double window = to_seconds(to.at() - from.at());
    const double tokens = to.tokens() - from.tokens();
    reading_.joules = reading_.joules.value_or(0) + joules;
    reading_.error_j = reading_.error_j.value_or(0) + error;
    if (window > 0) reading_.mean_power_w = reading_.mean_power_w.value_or(0) + joules / window;
    reading_.window_s = std::min(reading_.window_s.value_or(window), window);
    reading_.tokens = std::min(reading_.tokens.value_or(tokens), tokens);
    if (tokens > 0) per_token_ += joules / tokens;
  }
  void fail(std::string why) {
    if (reading_.missing.empty()) reading_.missing = std::move(why);
  }
  EnergyReading take(int gpus_seen, int gpus) {
    reading_.gpus = gpus_seen;
    const double joules = reading_.joules.value_or(0);
    if (gpus > 0 && gpus_seen != gpus) fail("gpus_differ");
    if (reading_.window_s.value_or(0) < kShortestEnergyWindow) fail("window_short");
    if (joules <= 0 || reading_.tokens.value_or(0) <= 0) fail("nothing_used");
    if (reading_.error_j.value_or(0) > kLargestEnergyError * joules) fail("error_too_large");
    if (reading_.missing.empty()) reading_.j_per_output_token = per_token_;
    return std::move(reading_);
  }
  bool failed() const { return !reading_.missing.empty(); }
  std::optional<double> joules() const { return reading_.joules; }

 private:
  EnergyReading reading_;
  double per_token_ = 0;
};

std::optional<EnergyReading> by_counter(const PagesByUrl& sources, int gpus) {
  Sum sum(EnergyBasis::kGpuCounter);
  int seen = 0;
  bool any = false;
  for (const auto& [url, pages] : sources) {
    const bool counts = std::any_of(pages.begin(), pages.end(),
                                    [](const GpuPage& page) { return !page.energy.empty(); });
    if (!counts) continue;
    any = true;
    if (!has_edges(pages)) {
      sum.fail("edge_missing");
      continue;
    }
    const GpuPage& from = pages.front();
    const GpuPage& to = pages.back();
    seen += static_cast<int>(to.energy.size());
    if (const std::string why = unlike(from.energy, to.energy); !why.empty()) {
      sum.fail(why);
      continue;
    }
    double late = 0;  // δa + δb
    std::vector<const PageRead*> read;
    for (const GpuPage& page : pages) read.push_back(page.page);
    const std::optional<double> refresh = refresh_of(read);
    for (const GpuPage* edge : {&from, &to}) {
      late += edge->half_width();
      if (edge->page->fresh) continue;
      if (!refresh) sum.fail("refresh_unknown");
      late += refresh.value_or(0);
    }
    const double joules = sum_of(to.energy) - sum_of(from.energy);
    const double window = to_seconds(to.at() - from.at());
    sum.add(from, to, joules, window > 0 ? joules / window * late : joules);
  }
  return any ? std::optional(sum.take(seen, gpus)) : std::nullopt;
}

// The trapezoid; where power was monotonous between two readings, off by half of its change at
// most.
std::optional<EnergyReading> by_power(const PagesByUrl& sources, int gpus) {
  Sum sum(EnergyBasis::kGpuPowerIntegral);
  bool any = false;
  int seen = 0;
  for (const auto& [url, pages] : sources) {
    std::vector<const GpuPage*> read;
    for (const GpuPage& page : pages) {
      if (page.power && std::isfinite(*page.power)) read.push_back(&page);
    }
    if (read.empty()) continue;
    any = true;
    const PageFigures figures = figures_in(read.back()->page->samples);
    seen += static_cast<int>(figures.at(Figure::kGpuPower).size());
    if (read.front()->page->moment != PageMoment::kStart ||
        read.back()->page->moment != PageMoment::kEnd) {
      sum.fail("edge_missing");
      continue;
    }
    double joules = 0;
    double error = 0;
    for (size_t i = 1; i < read.size(); ++i) {
      const double seconds = to_seconds(read[i]->at() - read[i - 1]->at());
      if (seconds > kLongestPowerGap) sum.fail("gap_too_long");
      joules += (*read[i]->power + *read[i - 1]->power) / 2 * seconds;
      error += std::abs(*read[i]->power - *read[i - 1]->power) / 2 * seconds;
    }
    sum.add(*read.front(), *read.back(), joules, error);
  }
  return any ? std::optional(sum.take(seen, gpus)) : std::nullopt;
}

}  // namespace

std::optional<double> refresh_of(std::span<const PageRead* const> pages) {
  std::optional<double> longest;
  std::optional<Instant> moved;
  std::optional<double> last;
  for (const PageRead* page : pages) {
    const PageFigures figures = figures_in(page->samples);
    const auto energy = figures.find(Figure::kGpuEnergy);
    if (energy == figures.end()) continue;
    const double value = sum_of(energy->second);
    if (last && value != *last) {
      const Instant at = page->answered;
      if (moved) longest = std::max(longest.value_or(0), to_seconds(at - *moved));
      moved = at;
    }
    last = value;
  }
  return longest;
}

std::vector<EnergyReading> run_energy(std::span<const PageRead> pages, int gpus) {
  const PagesByUrl sources = gpu_pages(pages);
  std::optional<EnergyReading> counter = by_counter(sources, gpus);
  const std::optional<EnergyReading> power = by_power(sources, gpus);
  std::vector<EnergyReading> readings;
  if (counter && power && counter->joules && power->joules && power->missing != "gap_too_long" &&
      power->missing != "edge_missing" && *power->joules > 0 &&
      std::abs(*counter->joules / *power->joules - 1) > kEnergyDisagrees) {
    counter->j_per_output_token.reset();
    if (counter->missing.empty()) counter->missing = "counter_disagrees";
  }
  if (counter) readings.push_back(*std::move(counter));
  if (power) readings.push_back(*power);
  return readings;
}

}  // namespace llmsweep
