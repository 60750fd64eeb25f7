#include "llmsweep/results/power_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "llmsweep/base/error.h"
#include "llmsweep/base/files.h"

namespace llmsweep {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<PowerReading> readings_in(const std::string& text) {
  const std::filesystem::path path =
      std::filesystem::path(testing::TempDir()) / ("power-" + std::to_string(::getpid()) + ".csv");
  write_file_atomically(path, text);
  std::vector<PowerReading> readings;
  try {
    readings = read_power_readings(path);
  } catch (const Error&) {
    std::filesystem::remove(path);
    throw;
  }
  std::filesystem::remove(path);
  return readings;
}

TEST(PowerFile, SumsItsMetersByTheUnitInTheirNames) {
  EXPECT_THAT(readings_in("# rack 4\ntime, a_w,b_kw\r\n1764500000.5,4800,5.1\n\n"
                          "2025-11-30T10:53:22Z,4700,5\n"),
              ElementsAre(PowerReading{seconds(1764500000) + milliseconds(500), 9900},
                          PowerReading{seconds(1764500002), 9700}));
  EXPECT_THAT(readings_in("time,a_w\n"), ElementsAre());
  EXPECT_TRUE(read_power_readings("/nowhere/node_power.csv").empty());
}

TEST(PowerFile, SaysWhichLineIsNone) {
  const auto error_of = [](const std::string& text) {
    try {
      readings_in(text);
      return std::string("none");
    } catch (const Error& error) {
      return std::string(error.what());
    }
  };
  EXPECT_THAT(error_of(""), HasSubstr("has no header"));
  EXPECT_THAT(error_of("watts,time\n"), HasSubstr("first column must be time"));
  EXPECT_THAT(error_of("time,power\n"), HasSubstr("'power' must end in _w or _kw"));
  EXPECT_THAT(error_of("time,a_w\n5\n"), HasSubstr(".csv:2"));
  EXPECT_THAT(error_of("time,a_w\n5,-1\n"), HasSubstr("'-1' is no power"));
  EXPECT_THAT(error_of("time,a_w\n5,nan\n"), HasSubstr("is no power"));
  EXPECT_THAT(error_of("time,a_w\n5,1e300\n"), HasSubstr("is no power"));
  EXPECT_THAT(error_of("time,a_w\n28.11.2026,1\n"), HasSubstr("neither UTC"));
  EXPECT_THAT(error_of("time,a_w\n2026-11-28T10:00:00+01:00,1\n"), HasSubstr("neither UTC"));
  EXPECT_THAT(error_of("time,a_w\n1e300,1\n"), HasSubstr("neither UTC"));
  EXPECT_THAT(error_of("time,a_w\n5,1\n5,2\n"), HasSubstr("not later than the line before"));
}

}  // namespace
}  // namespace llmsweep
