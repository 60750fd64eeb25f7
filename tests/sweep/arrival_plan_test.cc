#include "sweep/arrival_plan.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>

#include "llmsweep/schedule/schedule.h"
#include "llmsweep/sweep/prediction.h"

namespace llmsweep {
namespace {
using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

SweepSpec spec_of_rates(std::vector<double> rates) {
  SweepSpec spec{.name = "rates"};
  spec.load.rate = std::move(rates);
  spec.load.warmup = 30s;
  spec.load.measure = 300s;
  spec.load.repeats = 3;
  return spec;
}

TEST(ArrivalPlan, CountsWhatTheRunsOfALevelWillSend) {
  const SweepSpec spec = spec_of_rates({4, 0.5});
  std::vector<uint32_t> drawn;
  for (int repeat = 0; repeat < 3; ++repeat) {
    const uint64_t seed = schedule_seed(spec.workload.seed, repeat);
    drawn.push_back(prompt_demand(make_schedule(spec.load, at_rate(4), seed)).measured);
  }
  std::sort(drawn.begin(), drawn.end());
  const std::string text = plan_text(spec);
  EXPECT_THAT(text, HasSubstr(fmt::format("arrivals   request rate 4: 1,200 expected in a run, "
                                          "{},{:03d} to {},{:03d} drawn; 5.5 min a run at least\n",
                                          drawn[0] / 1000, drawn[0] % 1000, drawn[2] / 1000,
                                          drawn[2] % 1000)));
  EXPECT_THAT(text, HasSubstr("request rate 0.5: 150 expected"));
  EXPECT_THAT(arrivals_text(spec_of_rates({4000})), HasSubstr("1,200,000 expected in a run; 5.5"))
      << "too many to draw for a look";
}

TEST(ArrivalPlan, SaysWhereAllRunsTogetherHaveTooFewForATarget) {
  SweepSpec spec = spec_of_rates({0.1, 1});
  spec.load.arrivals.process = ArrivalProcess::kConstant;
  spec.targets = {{.metric = Metric::kE2e, .statistic = Statistic::kP95, .max = 15s},
                  {.metric = Metric::kTtft, .statistic = Statistic::kP99, .max = 2s}};
  const std::string text = arrivals_text(spec);
  EXPECT_THAT(text, HasSubstr("note       request rate 0.1: 90 arrivals in all its runs, p99 of "
                              "ttft needs 300: raise load.measure or load.repeats\n"));
  EXPECT_THAT(text, Not(HasSubstr("note       request rate 1:")));
}

TEST(ArrivalPlan, SaysHowManyArrivalsShowAnOverload) {
  SweepSpec spec = spec_of_rates({4});
  // (3.17 · √(1 + 0.9) · 11)²: lengths of a cv of √0.9.
  spec.workload.output_tokens = {.kind = TokenCount::Kind::kNormal, .mean = 100, .stddev = 94.87};
  EXPECT_NEAR(static_cast<double>(arrivals_to_show(spec, 1.1)), 2310, 2);
  EXPECT_NEAR(static_cast<double>(arrivals_to_show(spec, 1.3)), 358.5, 1.5);
  spec.workload.output_tokens = {.fixed = 100};
  spec.load.arrivals.process = ArrivalProcess::kConstant;
  EXPECT_NEAR(static_cast<double>(arrivals_to_show(spec, 1.1)), 76, 1) << "cs is 0.25 at least";
  EXPECT_THAT(arrivals_text(spec), HasSubstr("four runs of five from 76 arrivals in a run"));
}

TEST(ArrivalPlan, OfAClosedLoopIsEmpty) {
  SweepSpec spec{.name = "closed"};
  spec.load.concurrency = {1, 2};
  EXPECT_EQ(arrivals_text(spec), "");
  spec = spec_of_rates({});
  spec.load.profile = {{60s, 1, 3}};
  EXPECT_THAT(arrivals_text(spec), HasSubstr("rate profile 2: 120 expected in a run"));
  EXPECT_THAT(arrivals_text(spec), Not(HasSubstr("overload")));
}

}  // namespace
}  // namespace llmsweep
