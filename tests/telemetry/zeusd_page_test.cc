#include "llmsweep/telemetry/zeusd_page.h"

#include <gtest/gtest.h>

#include <string>

#include "llmsweep/telemetry/server_metrics.h"

namespace llmsweep {
namespace {

TEST(ZeusdPage, IsReadAsItsDocumentationHasIt) {
  const std::string energy =
      zeusd_page(R"({"0": {"energy_mj": 123456}, "1": {"energy_mj": 789012}})");
  EXPECT_EQ(energy, "zeusd_energy_mj{gpu=\"0\"} 123456\nzeusd_energy_mj{gpu=\"1\"} 789012\n");
  const PageFigures joules = figures_in(energy);
  EXPECT_DOUBLE_EQ(*over_series(ServerFigure::kGpuEnergy, joules.at(ServerFigure::kGpuEnergy)),
                   912.468);
  const std::string power =
      zeusd_page(R"({"timestamp_ms": 1762000000000, "power_mw": {"0": 75000, "1": 120000}})");
  const PageFigures watts = figures_in(power);
  EXPECT_DOUBLE_EQ(*over_series(ServerFigure::kGpuPower, watts.at(ServerFigure::kGpuPower)), 195);
  EXPECT_EQ(keep_known(power).engine, "zeusd");
}

TEST(ZeusdPage, IsNoneOfAnythingElse) {
  for (const char* answer :
       {"", "{", "[]", "{}", "null", "nvml_power_mw 5\n", "{\"error\": \"Token has expired.\"}",
        "{\"0\": 5}", "{\"0\": {\"energy_mj\": \"5\"}}", "{\"0\": {\"power_limit_mw\": 200000}}",
        "{\"power_mw\": 5}", "{\"power_mw\": {\"0\\\"} 7\\nx\": 5}}"}) {
    EXPECT_EQ(zeusd_page(answer), "") << answer;
  }
}

}  // namespace
}  // namespace llmsweep
