#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "llmsweep/analysis/gate.h"
#include "llmsweep/base/error.h"
#include "schemas/written_documents.h"

namespace llmsweep {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

template <class Call>
std::string error_of(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

TEST(ParseRequire, ReadsMetricStatisticLevelAndTarget) {
  const GateRule rule = parse_require("  ttft:p99@c8,c16 <= 200ms tolerance 2% ");
  EXPECT_EQ(key_of(rule.measure), "ttft:p99");
  EXPECT_THAT(rule.levels, ElementsAre(at_concurrency(8), at_concurrency(16)));
  EXPECT_THAT(parse_require("e2e:p50@r2.5,u16 <= 15s").levels,
              ElementsAre(at_rate(2.5), with_users(16)));
  EXPECT_DOUBLE_EQ(rule.target, 200);
  EXPECT_DOUBLE_EQ(rule.tolerance, 0.02);
  EXPECT_EQ(rule.text, "ttft:p99@c8,c16 <= 200ms tolerance 2%");
  EXPECT_FALSE(rule.no_worse);
}

TEST(ParseRequire, ReadsEveryOtherFigure) {
  EXPECT_DOUBLE_EQ(parse_require("throughput@all >= 872.5").target, 872.5);
  EXPECT_TRUE(parse_require("throughput@all >= 1").all_levels);
  EXPECT_EQ(parse_require("steady_output_throughput@c1>=1").measure,
            measure_of("steady_throughput"));
  EXPECT_DOUBLE_EQ(parse_require("error_rate@c8 <= 1%").target, 0.01);
  EXPECT_DOUBLE_EQ(parse_require("goodput@c8 >= 0.95").target, 0.95);
  EXPECT_EQ(parse_require("e2e@c1 <= 1s").measure.statistic, Statistic::kP50);
  EXPECT_EQ(parse_require("rate@gold >= 2").tier, "gold");
  EXPECT_EQ(parse_no_worse("users@gold by 5%").tier, "gold");
  const GateRule users = parse_require("users_per_gpu@e2e:p50:15s >= 2");
  EXPECT_EQ(users.tier, "");
  EXPECT_EQ(users.users_target.max, 15s);
  EXPECT_DOUBLE_EQ(users.target, 2);
  const GateRule quality = parse_require("quality:GPQA Diamond >= 0.83");
  EXPECT_EQ(quality.benchmark, "GPQA Diamond");
  EXPECT_DOUBLE_EQ(quality.target, 0.83);
}

TEST(ParseNoWorse, ReadsTheTolerance) {
  const GateRule rule = parse_no_worse("e2e:p50@c8 by 3%");
  EXPECT_TRUE(rule.no_worse);
  EXPECT_DOUBLE_EQ(rule.tolerance, 0.03);
  EXPECT_EQ(parse_no_worse("throughput@c8 by 3%").comparator, Comparator::kAtLeast);
  EXPECT_EQ(parse_no_worse("quality:a by b by 1%").benchmark, "a by b");
}

TEST(ParseRequire, SaysWhatIsWrongAndWhatIsRight) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "a rule is empty"},
      {"e2e:p50@c8", "needs <= or >="},
      {"e2e:p50@c8 < 15s", "needs <= or >="},
      {"e2e:p50@c8 = 15s", "needs <= or >="},
      {"e2e:p50@c8 >= 15s", "a lower e2e is better"},
      {"throughput@c8 <= 15", "a higher throughput is better"},
      {"e2e:p50 <= 15s", "names no level"},
      {"e2e:p50@8 <= 15s", "write @c8"},
      {"e2e:p50@c0 <= 15s", "names no level"},
      {"e2e:p50@r0 <= 15s", "names no level"},
      {"e2e:p50@c1,,c2 <= 15s", "names no level"},
      {"e2e:p50@c99999999999999999999 <= 15s", "names no level"},
      {"e2e:p50@c8 <= 15", "not a duration"},
      {"e2e:p50@c8 <= -15s", "not a duration"},
      {"e2e:p50@c8 <= 0s", "not a duration"},
      {"e2e:p51@c8 <= 15s", "did you mean 'p50'"},
      {"e2d:p50@c8 <= 15s", "did you mean 'e2e'"},
      {"thruoghput@c8 >= 15", "did you mean 'throughput'"},
      {"throughput:p50@c8 >= 15", "nothing is called 'throughput:p50'"},
      {"throughput@c8 >= 15s", "not a positive number"},
      {"throughput@c8 >= nan", "not a positive number"},
      {"error_rate@c8 <= 101%", "not a share"},
      {"users_per_gpu@c8 >= 2", "needs three parts"},
      {"users_per_gpu@e2e:p50:15 >= 2", "must be a duration"},
      {"quality: >= 2%", "names no benchmark"},
      {"e2e:p50@c8 <= 15s tolerance", "not a duration"},
      {"e2e:p50@c8 <= 15s tolerance x", "not a share"},
  };
  for (const auto& [text, wanted] : cases) {
    EXPECT_THAT(error_of([&, text = text] { parse_require(text); }), HasSubstr(wanted)) << text;
  }
  EXPECT_THAT(error_of([] { parse_require(std::string(500, 'x')); }), HasSubstr("longer than"));
  EXPECT_THAT(error_of([] { parse_no_worse("e2e:p50@c8 3%"); }), HasSubstr("'by'"));
  EXPECT_THAT(error_of([] { parse_no_worse("e2e:p50@c8 by -3%"); }), HasSubstr("not a share"));
}

GatePolicy policy_of(const std::string& yaml) {
  return read_policy(ConfigNode::parse(yaml, "policy.yaml"));
}

TEST(ReadPolicy, ReadsRulesWithNamesAndTolerances) {
  const GatePolicy policy = policy_of(R"(
inconclusive_is: fail
allow_different: [seed]
assumed_noise: 3%
rules:
  - name: chat feels quick
    require: "e2e:p50@c8 <= 15s"
    tolerance: 2%
  - no_worse: e2e:p50@c8 by 3%
)");
  ASSERT_EQ(policy.rules.size(), 2u);
  EXPECT_EQ(policy.rules[0].name, "chat feels quick");
  EXPECT_DOUBLE_EQ(policy.rules[0].tolerance, 0.02);
  EXPECT_EQ(policy.rules[0].text, "e2e:p50@c8 <= 15s tolerance 2%");
  EXPECT_TRUE(policy.rules[1].no_worse);
  EXPECT_EQ(policy.inconclusive_is, InconclusiveIs::kFail);
  EXPECT_THAT(policy.allow_different, ElementsAre("seed"));
  EXPECT_DOUBLE_EQ(policy.assumed_noise, 0.03);
}

TEST(ReadPolicy, NamesTheLineOfWhatIsWrong) {
  const std::pair<const char*, const char*> cases[] = {
      {"rules: []", "at least one rule"},
      {"{}", "needs rules"},
      {"rules:\n  - require: e2e@c8 >= 1s", "policy.yaml:2"},
      {"rules:\n  - require: e2e@c8 <= 1s\n    no_worse: e2e@c8 by 1%", "either"},
      {"rules:\n  - require: e2e@c8 <= 1s\n    tolernace: 1%", "did you mean 'tolerance'"},
      {"rules:\n  - require: e2e@c8 <= 1s tolerance 1%\n    tolerance: 1%", "keep one"},
      {"rules:\n  - require: e2e@c8 <= 1s\nrulez: 1", "rulez"},
      {"rules:\n  - require: e2e@c8 <= 1s\nallow_different: [sede]", "did you mean 'seed'"},
      {"rules:\n  - require: e2e@c8 <= 1s\ninconclusive_is: maybe", "inconclusive_is"},
      {"rules:\n  - require: e2e@c8 <= 1s\nassumed_noise: 0", "without noise"},
  };
  for (const auto& [yaml, wanted] : cases) {
    EXPECT_THAT(error_of([&, yaml = yaml] { policy_of(yaml); }), HasSubstr(wanted)) << yaml;
  }
}

TEST(GateQuantities, AreThoseThatTheDocsList) {
  std::string table = "| name | what | unit | better |\n|---|---|---|---|\n";
  for (const std::string& name : gate_quantities()) {
    const Quantity& quantity = *find_quantity(name);
    const bool latency = quantity.distribution != nullptr;
    table += "| `" + name + "` | " + std::string(quantity.title) +
             (latency ? ", its `p50`, `p90`, `p95`, `p99` or `mean`" : "") + " | " +
             std::string(name_of(quantity.unit)) + " | " +
             (quantity.better == Direction::kLowerIsBetter ? "lower" : "higher") + " |\n";
  }
  expect_written_part("docs/ci.md", "gate quantities", table);
}

}  // namespace
}  // namespace llmsweep
