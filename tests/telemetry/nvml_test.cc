// The library's part of NVML against one that is built for the tests: opened, called and closed as
// the driver's is.
#include "llmsweep/telemetry/nvml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <deque>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "llmsweep/telemetry/energy.h"
#include "llmsweep/telemetry/server_metrics.h"

namespace llmsweep {
namespace {

using Figure = ServerFigure;
using ::testing::HasSubstr;

constexpr const char* kFakeNvml = LLMSWEEP_FAKE_NVML;

std::optional<double> on_page(const PageFigures& figures, Figure figure) {
  const auto found = figures.find(figure);
  return found == figures.end() ? std::nullopt : over_series(figure, found->second);
}

TEST(Nvml, ReadsWhatEachGpuHas) {
  const Nvml nvml(kFakeNvml);
  ASSERT_EQ(nvml.error(), "");
  const std::string page = nvml.page();
  EXPECT_THAT(page, HasSubstr("nvml_energy_mj{gpu=\"GPU-aaaa\"}"));
  const KeptPage kept = keep_known(page);
  EXPECT_EQ(kept.engine, "nvml");
  EXPECT_EQ(kept.lines, page) << "a line that no figure is made of";
  const PageFigures figures = figures_in(page);
  EXPECT_EQ(figures.at(Figure::kGpuEnergy).size(), 2U);
  EXPECT_DOUBLE_EQ(*on_page(figures, Figure::kGpuPower), 1400);
  EXPECT_DOUBLE_EQ(*on_page(figures, Figure::kGpuClock), (1980 + 1480) / 2.0);
  EXPECT_DOUBLE_EQ(*on_page(figures, Figure::kGpuBusy), 0.8);
  EXPECT_DOUBLE_EQ(*on_page(figures, Figure::kGpuMemory), 2 * 72 * 1024);
  EXPECT_DOUBLE_EQ(*on_page(figures, Figure::kGpuHeldForPower), 0);
  EXPECT_DOUBLE_EQ(*on_page(figures, Figure::kGpuHeldForHeat), 0.5);
  EXPECT_DOUBLE_EQ(*on_page(figures, Figure::kGpuPowerCap), 2.5);
  EXPECT_EQ(figures.at(Figure::kGpuPowerCap).size(), 1U) << "of the one GPU that counts it";
}

TEST(Nvml, SaysWhyThereIsNone) {
  const Nvml missing("/nowhere/libnvidia-ml.so.1");
  EXPECT_THAT(missing.error(), HasSubstr("/nowhere/libnvidia-ml.so.1"));
  EXPECT_EQ(missing.page(), "");
  const Nvml another("libm.so.6");
  EXPECT_THAT(another.error(), HasSubstr("is no NVML"));
  EXPECT_EQ(another.page(), "");
  ::setenv("FAKE_NVML_FAILS", "9", 1);
  const Nvml without_driver(kFakeNvml);
  ::unsetenv("FAKE_NVML_FAILS");
  EXPECT_EQ(without_driver.error(), "NVML does not start: Driver Not Loaded");
  EXPECT_EQ(without_driver.page(), "");
}

// The fake's counter moves every 100 ms: read every 5 ms it is seen to, however late this thread
// is.
TEST(Nvml, ItsRefreshIsDetected) {
  using std::chrono::milliseconds;
  const Nvml nvml(kFakeNvml);
  const SteadyClock clock;
  std::deque<PageRead> pages;
  for (const Instant until = clock.now() + milliseconds(700); clock.now() < until;) {
    PageRead page{.url = "nvml", .error = {}, .samples = {}};
    page.asked = clock.now();
    page.samples = nvml.page();
    page.answered = clock.now();
    pages.push_back(std::move(page));
    std::this_thread::sleep_for(milliseconds(5));
  }
  std::vector<const PageRead*> read;
  for (const PageRead& page : pages) read.push_back(&page);
  const std::optional<double> refresh = refresh_of(read);
  ASSERT_TRUE(refresh);
  EXPECT_GT(*refresh, 0.05);
  EXPECT_LT(*refresh, 0.5);
}

}  // namespace
}  // namespace llmsweep
