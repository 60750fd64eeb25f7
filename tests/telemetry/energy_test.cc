#include "llmsweep/telemetry/energy.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace llmsweep {
namespace {

using std::chrono::milliseconds;

constexpr double kTokensPerSecond = 2000;

ClientCounts tokens_by(double second) {
  const auto tokens = static_cast<int64_t>(std::max(0.0, second) * kTokensPerSecond);
  return {.chunks = tokens, .ended_chunks = tokens, .ended_tokens = tokens};
}

Instant at_second(double second) {
  return from_ns(0) + from_seconds(1000 + second);
}

PageRead gpu_page(PageMoment moment, double asked, double answered, const std::string& samples) {
  return {.url = "http://127.0.0.1:9400/metrics",
          .role = MetricsRole::kGpu,
          .moment = moment,
          .asked = at_second(asked),
          .answered = at_second(answered),
          .error = {},
          .before = tokens_by(asked),
          .after = tokens_by(answered),
          .samples = samples};
}

std::string counter_lines(std::vector<double> joules) {
  std::string lines;
  for (size_t gpu = 0; gpu < joules.size(); ++gpu) {
    lines += fmt::format("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{{gpu=\"{}\"}} {:.0f}\n", gpu,
                         joules[gpu] * 1000);
  }
  return lines;
}

// A minute at 700 W on each of two GPUs, read to 10 ms.
std::vector<PageRead> a_minute() {
  std::vector<PageRead> pages;
  for (int second = 0; second <= 61; ++second) {
    const PageMoment moment = second == 0    ? PageMoment::kStart
                              : second == 61 ? PageMoment::kEnd
                                             : PageMoment::kBetween;
    pages.push_back(gpu_page(moment, second, second + 0.01,
                             counter_lines({700.0 * second, 5000 + 700.0 * second})));
  }
  pages.front().fresh = pages.back().fresh = true;
  return pages;
}

TEST(RunEnergy, IsTheCountersDifferenceOverTheTokensReceived) {
  const std::vector<EnergyReading> readings = run_energy(a_minute(), 2);
  ASSERT_EQ(readings.size(), 1U);
  const EnergyReading& energy = readings[0];
  EXPECT_EQ(energy.basis, EnergyBasis::kGpuCounter);
  EXPECT_EQ(energy.gpus, 2);
  EXPECT_NEAR(energy.joules.value(), 2 * 700 * 61, 1e-6);
  EXPECT_NEAR(energy.window_s.value(), 61, 1e-9);
  EXPECT_NEAR(energy.mean_power_w.value(), 1400, 1e-6);
  EXPECT_NEAR(energy.error_j.value(), 1400 * (0.005 + 0.005), 1e-6);
  EXPECT_NEAR(energy.j_per_output_token.value(), 1400 / kTokensPerSecond, 1e-6);
  EXPECT_EQ(energy.missing, "");
}

TEST(RunEnergy, OfPagesWithoutReadingsIsNone) {
  EXPECT_TRUE(run_energy({}, 2).empty());
  std::vector<PageRead> pages = a_minute();
  for (PageRead& page : pages) page.samples = "vllm:num_requests_running 3\n";
  EXPECT_TRUE(run_energy(pages, 2).empty());
}

TEST(RunEnergy, IsNullWithItsReason) {
  const auto missing = [](const std::vector<PageRead>& pages, int gpus = 2) {
    const std::vector<EnergyReading> readings = run_energy(pages, gpus);
    EXPECT_EQ(readings.size(), 1U);
    EXPECT_EQ(readings.at(0).j_per_output_token, std::nullopt);
    return readings.at(0).missing;
  };
  EXPECT_EQ(missing(a_minute(), 4), "gpus_differ");
  std::vector<PageRead> pages = a_minute();
  pages.back() = gpu_page(PageMoment::kEnd, 30, 30.01, counter_lines({21000, 26000}));
  pages.back().fresh = true;
  EXPECT_EQ(missing(pages), "window_short");
  pages = a_minute();
  pages.back().samples = counter_lines({50000, 26});
  EXPECT_EQ(missing(pages), "counter_reset");
  pages.back().samples = counter_lines({50000});
  EXPECT_EQ(missing(pages), "series_changed");
  pages.back().error = "HTTP 503";
  EXPECT_EQ(missing(pages), "edge_missing");
  pages = a_minute();
  pages.front().fresh = pages.back().fresh = false;  // known to a second at each end
  EXPECT_EQ(missing(pages), "error_too_large");
  pages.erase(pages.begin() + 1, pages.end() - 1);
  EXPECT_EQ(missing(pages), "refresh_unknown");
}

TEST(RunEnergy, IsRefusedWhereTheCounterRunsAtAnotherRateThanPower) {
  std::vector<PageRead> pages = a_minute();
  for (PageRead& page : pages) page.samples += "DCGM_FI_DEV_POWER_USAGE{gpu=\"0\"} 1000\n";
  const std::vector<EnergyReading> readings = run_energy(pages, 2);
  ASSERT_EQ(readings.size(), 2U);
  EXPECT_EQ(readings[0].missing, "counter_disagrees");
  EXPECT_EQ(readings[0].j_per_output_token, std::nullopt);
}

TEST(RunEnergy, OfPowerIsTheTrapezoidAndItsOwnBasis) {
  std::vector<PageRead> pages = a_minute();
  for (PageRead& page : pages) page.samples = "DCGM_FI_DEV_POWER_USAGE{gpu=\"0\"} 500\n";
  std::vector<EnergyReading> readings = run_energy(pages, 1);
  ASSERT_EQ(readings.size(), 1U);
  EXPECT_EQ(readings[0].basis, EnergyBasis::kGpuPowerIntegral);
  EXPECT_NEAR(readings[0].joules.value(), 500 * 61, 1e-6);
  EXPECT_EQ(readings[0].missing, "");
  pages.erase(pages.begin() + 10, pages.begin() + 14);
  readings = run_energy(pages, 1);
  EXPECT_EQ(readings[0].missing, "gap_too_long");
}

// GPUs whose power goes up and down, and a counter that shows what was true when it was refreshed.
class SimulatedGpu {
 public:
  SimulatedGpu(double refresh, std::mt19937& random)
      : refresh_(refresh), phase_(std::uniform_real_distribution<>(0, refresh)(random)) {
    std::uniform_real_distribution<> power(250, 700);
    double joules = 0;
    for (int half = 0; half < 2000; ++half) {
      joules_.push_back(joules);
      joules += power(random) / 2;
    }
  }
  double joules(double second) const {  // from 100 s before the window on
    const double halves = (second + 100) * 2;
    const auto whole = static_cast<size_t>(halves);
    const double part = halves - static_cast<double>(whole);
    return joules_[whole] + part * (joules_[whole + 1] - joules_[whole]);
  }
  double shown(double second) const {
    const double refreshes = std::floor((second + 90 - phase_) / refresh_);
    return joules(refreshes * refresh_ + phase_ - 90);
  }

 private:
  double refresh_, phase_;
  std::vector<double> joules_;
};

// As the sampler reads: every second, and at the edges for 2 s until the counter moves.
PageRead read_edge(const SimulatedGpu& gpu, PageMoment moment, double second) {
  constexpr double kPage = 0.002, kPause = 0.03;
  double asked = second;
  double shown = gpu.shown(asked + kPage / 2);
  for (double at = second + kPage + kPause; at < second + 2; at += kPage + kPause) {
    const double now = gpu.shown(at + kPage / 2);
    if (now != shown) {
      PageRead page = gpu_page(moment, asked, at + kPage, counter_lines({now}));
      page.fresh = true;
      return page;
    }
    asked = at;
  }
  return gpu_page(moment, asked, asked + kPage, counter_lines({shown}));
}

TEST(RunEnergy, IsWithinItsPrintedErrorAtEveryRefresh) {
  for (const double refresh : {0.1, 1.0, 30.0}) {
    std::mt19937 random(7);
    int within = 0;
    double largest = 0;
    constexpr int kRuns = 200;
    for (int run = 0; run < kRuns; ++run) {
      const SimulatedGpu gpu(refresh, random);
      std::vector<PageRead> pages = {read_edge(gpu, PageMoment::kStart, 0)};
      const double length = 120;
      for (double second = 3; second < length; second += 1) {
        pages.push_back(gpu_page(PageMoment::kBetween, second, second + 0.002,
                                 counter_lines({gpu.shown(second + 0.001)})));
      }
      pages.push_back(read_edge(gpu, PageMoment::kEnd, length));
      const EnergyReading energy = run_energy(pages, 1).at(0);
      const auto middle = [](const PageRead& page) {
        return to_seconds(page.asked - at_second(0)) + to_seconds(page.answered - page.asked) / 2;
      };
      const double truth = gpu.joules(middle(pages.back())) - gpu.joules(middle(pages.front()));
      within += std::abs(*energy.joules - truth) <= *energy.error_j + 0.001 ? 1 : 0;
      largest = std::max(largest, *energy.error_j / *energy.joules);
      // One in 15 edges is seen to move by chance.
      const bool both_moved = pages.front().fresh && pages.back().fresh;
      EXPECT_EQ(energy.missing, both_moved ? "" : "error_too_large") << refresh;
      EXPECT_TRUE(both_moved || refresh > 2) << refresh;
    }
    EXPECT_GE(within, kRuns * 95 / 100) << refresh;
    RecordProperty(fmt::format("within_at_{}", refresh), within);
    if (refresh <= 1) {
      EXPECT_LT(largest, 0.002) << refresh;
    }
  }
}

}  // namespace
}  // namespace llmsweep
