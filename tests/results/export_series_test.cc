#include "llmsweep/results/export_series.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace llmsweep {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

// c8 is valid, c16 is not.
SweepResult sweep() {
  const auto run_of = [](double e2e_ms) {
    RunStats run;
    run.requests = {.completed = 400};
    run.e2e = {.count = 400, .mean = e2e_ms, .p50 = e2e_ms, .p90 = e2e_ms * 2, .p99 = e2e_ms * 3};
    run.output_throughput_tps = 90;
    run.steady_output_throughput_tps = 100;
    return run;
  };
  SweepResult result{.name = "h\"200", .created_at = "2026-11-22T04:05:06Z", .model = "org\\m"};
  result.system.gpus = 2;
  for (const int concurrency : {8, 16}) {
    LevelStats level{.point = at_concurrency(concurrency), .pooled = run_of(1000)};
    level.runs = {run_of(990), run_of(1000), run_of(1010)};
    result.levels.push_back(std::move(level));
  }
  result.levels[1].pooled.valid = false;
  result.levels[1].pooled.invalid_reasons = {InvalidReason::kSlotGap};
  return result;
}

TEST(ExportBencher, HasAValueWithItsIntervalForEachLevelAndMeasure) {
  const json bmf = json::parse(export_bencher(sweep()));
  ASSERT_THAT(bmf.size(), 1u);  // none of the level that cannot be trusted
  const json& level = bmf.at("h\"200 c8");
  const json& median = level.at("e2e-p50-ms");
  EXPECT_NEAR(median.at("value").get<double>(), 1000, 1);
  EXPECT_LT(median.at("lower_value"), median.at("value"));
  EXPECT_GT(median.at("upper_value"), median.at("value"));
  EXPECT_NEAR(level.at("throughput-tps").at("value").get<double>(), 100, 1e-9);
  EXPECT_NEAR(level.at("e2e-p99-ms").at("value").get<double>(), 3000, 1);
  EXPECT_FALSE(level.contains("ttft-p50-ms"));  // it has none: absent, not 0
  for (const auto& [slug, metric] : level.items()) {
    EXPECT_EQ(slug.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-"), slug.npos) << slug;
    for (const auto& [key, value] : metric.items()) {
      EXPECT_TRUE(key == "value" || key == "lower_value" || key == "upper_value") << key;
      EXPECT_TRUE(value.is_number());
    }
  }
  EXPECT_THAT(levels_without_points(sweep()), ElementsAre(at_concurrency(16)));
}

TEST(ExportGithubBenchmark, PartsWhatIsBetterSmallerFromWhatIsBetterBigger) {
  const auto names = [](Direction better) {
    std::vector<std::string> list;
    for (const json& entry : json::parse(export_github_benchmark(sweep(), better))) {
      EXPECT_TRUE(entry.at("value").is_number());
      EXPECT_TRUE(entry.at("unit").is_string());
      list.push_back(entry.at("name"));
    }
    return list;
  };
  const auto smaller = names(Direction::kLowerIsBetter);
  const auto bigger = names(Direction::kHigherIsBetter);
  EXPECT_THAT(smaller, ::testing::Contains("h\"200 c8: Median E2E latency"));
  EXPECT_THAT(smaller, Not(::testing::Contains(HasSubstr("throughput"))));
  EXPECT_THAT(bigger, ::testing::Contains("h\"200 c8: Output throughput"));
  EXPECT_THAT(bigger, Not(::testing::Contains(HasSubstr("latency"))));
  EXPECT_THAT(bigger, Not(::testing::Contains(HasSubstr("c16"))));
  SweepResult simulated = sweep();
  simulated.simulated = true;
  EXPECT_THAT(export_github_benchmark(simulated, Direction::kLowerIsBetter),
              AllOf(HasSubstr("c8 (simulated)"), HasSubstr("SIMULATED")));
}

TEST(ExportOpenMetrics, IsInBaseUnitsWithItsInstantAndSaysWhatIsValid) {
  const std::string text = export_openmetrics(sweep());
  const std::string labels = R"(name="h\"200",model="org\\m",level="c8")";
  EXPECT_THAT(text, HasSubstr("# TYPE llmsweep_e2e_seconds gauge\n# UNIT llmsweep_e2e_seconds "
                              "seconds\n# HELP llmsweep_e2e_seconds E2E latency\n"));
  EXPECT_THAT(text, HasSubstr("llmsweep_e2e_seconds{" + labels + ",statistic=\"p99\"} 2.9998"));
  EXPECT_THAT(text, HasSubstr("llmsweep_level_valid{" + labels + "} 1 1795320306\n"));
  EXPECT_THAT(text, HasSubstr("level=\"c16\"} 0 1795320306\n"));
  EXPECT_THAT(text, EndsWith("# EOF\n"));
  SweepResult undated = sweep();
  undated.created_at.clear();
  EXPECT_THAT(export_openmetrics(undated),
              HasSubstr("llmsweep_error_rate_ratio{" + labels + "} 0\n"));
}

// A Python that has prometheus_client (Debian's package is that of the system's own); empty: none.
std::string python_with_prometheus() {
  const char* chosen = std::getenv("LLMSWEEP_PYTHON");
  for (const std::string python : {chosen ? chosen : "python3", "python3", "/usr/bin/python3"}) {
    const std::string probe = python + " -c 'import prometheus_client.openmetrics.parser'";
    if (std::system((probe + " 2>/dev/null").c_str()) == 0) return python;
  }
  return {};
}

TEST(ExportOpenMetrics, IsReadByPrometheusOwnParser) {
  const std::string python = python_with_prometheus();
  if (python.empty()) GTEST_SKIP() << "no python3 with prometheus_client";
  const std::string path = testing::TempDir() + "openmetrics." + std::to_string(::getpid());
  std::ofstream(path) << export_openmetrics(sweep());
  std::ofstream(path + ".py")
      << "import sys\n"
         "from prometheus_client.openmetrics.parser import text_string_to_metric_families\n"
         "families = list(text_string_to_metric_families(open(sys.argv[1]).read()))\n"
         "names = [f.name for f in families]\n"
         "assert len(names) == len(set(names)) == 4, names\n"
         "assert all(f.type == \"gauge\" and f.samples for f in families)\n";
  EXPECT_EQ(std::system(fmt::format("{} '{}.py' '{}'", python, path, path).c_str()), 0);
}

}  // namespace
}  // namespace llmsweep
