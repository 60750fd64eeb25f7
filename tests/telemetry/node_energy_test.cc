#include "llmsweep/telemetry/node_energy.h"

#include <gtest/gtest.h>

#include <vector>

namespace llmsweep {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A reading every 2 s from 0 to 200 s: 1,000 W until 100 s, then 2,000 W.
std::vector<PowerReading> step_of_power() {
  std::vector<PowerReading> readings;
  for (int second = 0; second <= 200; second += 2) {
    readings.push_back({seconds(second), second <= 100 ? 1000.0 : 2000.0});
  }
  return readings;
}

TEST(NodeEnergy, IsTheTrapezoidInterpolatedAtBothEdges) {
  const EnergyReading energy = node_energy(step_of_power(), seconds(61), seconds(161), 0.01);
  EXPECT_EQ(energy.basis, EnergyBasis::kNode);
  EXPECT_EQ(energy.missing, "");
  EXPECT_DOUBLE_EQ(energy.window_s.value(), 100);
  // 39 s of 1 kW, 2 s between the two, 59 s of 2 kW
  EXPECT_DOUBLE_EQ(energy.joules.value(), 39'000 + 3000 + 118'000);
  EXPECT_DOUBLE_EQ(energy.mean_power_w.value(), 1600);
  EXPECT_DOUBLE_EQ(energy.error_j.value(), 1000 + 1600) << "half of the step, and the meter's";
  const EnergyReading within = node_energy(step_of_power(), seconds(101), seconds(171), {});
  EXPECT_DOUBLE_EQ(within.joules.value(), 1750 + 69 * 2000.0) << "from 1,500 W on";
  EXPECT_FALSE(within.error_j) << "what the meter is off by is not stated";
}

TEST(NodeEnergy, IsNoneOfAWindowThatIsNotCovered) {
  const std::vector<PowerReading> readings = step_of_power();
  EXPECT_EQ(node_energy({}, seconds(10), seconds(80), {}).missing, "edge_missing");
  EXPECT_EQ(node_energy(readings, seconds(120), seconds(201), {}).missing, "edge_missing");
  EXPECT_EQ(node_energy(readings, seconds(-1), seconds(80), {}).missing, "edge_missing");
  EXPECT_EQ(node_energy(readings, seconds(80), seconds(80), {}).missing, "edge_missing");
  EXPECT_EQ(node_energy(readings, seconds(0), seconds(200), {}).missing, "");
}

TEST(NodeEnergy, IsNoneOfAWindowThatIsShortOrHasAHole) {
  std::vector<PowerReading> readings = step_of_power();
  EXPECT_EQ(node_energy(readings, seconds(20), seconds(79), {}).missing, "window_short");
  std::erase_if(readings, [](const PowerReading& reading) {
    return reading.since_epoch > seconds(50) && reading.since_epoch < seconds(61);
  });
  const EnergyReading energy = node_energy(readings, seconds(20), seconds(90), {});
  EXPECT_EQ(energy.missing, "gap_too_long");
  EXPECT_TRUE(energy.joules);
  EXPECT_EQ(node_energy(readings, seconds(55), seconds(130), {}).missing, "gap_too_long")
      << "the hole is at the edge";
  EXPECT_EQ(node_energy(readings, seconds(62), seconds(130), {}).missing, "");
}

TEST(NodeEnergy, OfNoPowerIsNone) {
  const std::vector<PowerReading> off = {{seconds(0), 0},  {seconds(9), 0},  {seconds(18), 0},
                                         {seconds(27), 0}, {seconds(36), 0}, {seconds(45), 0},
                                         {seconds(54), 0}, {seconds(63), 0}};
  EXPECT_EQ(node_energy(off, seconds(1), seconds(62), 0.01).missing, "nothing_used");
}

}  // namespace
}  // namespace llmsweep
