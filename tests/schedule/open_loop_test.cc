#include "schedule/open_loop.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <boost/math/special_functions/gamma.hpp>
#include <cmath>
#include <vector>

#include "llmsweep/base/sha256.h"
#include "llmsweep/model/names.h"
#include "llmsweep/schedule/schedule.h"

namespace llmsweep {
namespace {
using namespace std::chrono_literals;

constexpr ArrivalSpec kPoisson{};
constexpr ArrivalSpec kBursty{.process = ArrivalProcess::kGamma, .cv = 2};
constexpr ArrivalSpec kRegular{.process = ArrivalProcess::kGamma, .cv = 0.25};
constexpr ArrivalSpec kConstant{.process = ArrivalProcess::kConstant};

LoadSpec at(double rate, const ArrivalSpec& arrivals = kPoisson) {
  return {.rate = {rate}, .arrivals = arrivals, .warmup = 30s, .measure = 300s, .drain = 60s};
}

std::vector<double> gaps_of(const ArrivalSpec& arrivals, uint64_t seed, int count) {
  GapSource source(arrivals, seed);
  std::vector<double> gaps;
  for (int i = 0; i < count; ++i) gaps.push_back(source.next());
  return gaps;
}

struct MeanAndCv {
  double mean = 0;
  double cv = 0;
};
MeanAndCv mean_and_cv(const std::vector<double>& values) {
  double sum = 0;
  double squares = 0;
  for (const double value : values) sum += value;
  const double mean = sum / static_cast<double>(values.size());
  for (const double value : values) squares += (value - mean) * (value - mean);
  return {mean, std::sqrt(squares / static_cast<double>(values.size() - 1)) / mean};
}

TEST(GapSource, HasGapsOfMeanOneAndTheStatedDeviation) {
  constexpr int kGaps = 4000;
  constexpr int kSeeds = 200;
  for (const ArrivalSpec& arrivals : {kPoisson, kBursty, kRegular}) {
    double means = 0;
    double cvs = 0;
    for (uint64_t seed = 0; seed < kSeeds; ++seed) {
      const MeanAndCv found = mean_and_cv(gaps_of(arrivals, seed, kGaps));
      means += found.mean / kSeeds;
      cvs += found.cv / kSeeds;
    }
    const double deviation_of_mean = arrivals.cv / std::sqrt(kGaps * kSeeds);
    EXPECT_NEAR(means, 1, 4 * deviation_of_mean) << name_of(arrivals.process);
    // A gamma's kurtosis is 3 + 6 cv²: the deviation's own is about cv · √((2 + 6 cv²) / 4 n). The
    // mean of 4,000 gaps' cv lies about cv · (1 + 5 cv²) / 4 n below it.
    const double own =
        arrivals.cv * std::sqrt((2 + 6 * arrivals.cv * arrivals.cv) / (4.0 * kGaps * kSeeds));
    const double bias = arrivals.cv * (1 + 5 * arrivals.cv * arrivals.cv) / (4.0 * kGaps);
    EXPECT_NEAR(cvs, arrivals.cv, 4 * own + bias) << name_of(arrivals.process);
  }
  EXPECT_EQ(mean_and_cv(gaps_of(kConstant, 1, 100)).cv, 0);
}

// Anderson and Darling's A² of gaps that are to have a law of gamma; for a known law 3.86 is
// exceeded once in a hundred.
double anderson_darling(std::vector<double> gaps, double cv) {
  std::sort(gaps.begin(), gaps.end());
  const double shape = 1 / (cv * cv);
  const auto n = static_cast<double>(gaps.size());
  double sum = 0;
  for (size_t i = 0; i < gaps.size(); ++i) {
    const double below = boost::math::gamma_p(shape, gaps[i] * shape);
    const double above = boost::math::gamma_q(shape, gaps[gaps.size() - 1 - i] * shape);
    sum += (2 * static_cast<double>(i) + 1) * (std::log(below) + std::log(above));
  }
  return -n - sum / n;
}

TEST(GapSource, HasTheLawThatItIsNamedAfter) {
  constexpr int kSeeds = 200;
  for (const ArrivalSpec& arrivals : {kPoisson, kBursty, kRegular}) {
    int rejected = 0;
    for (uint64_t seed = 0; seed < kSeeds; ++seed) {
      rejected += anderson_darling(gaps_of(arrivals, seed, 500), arrivals.cv) > 3.857 ? 1 : 0;
    }
    EXPECT_LE(rejected, 2 + 4 * std::sqrt(2.0)) << "of 200 at 1 %, cv " << arrivals.cv;
  }
  EXPECT_GT(anderson_darling(gaps_of(kBursty, 1, 500), 1), 3.857) << "which tells them apart";
}

TEST(RateCurve, InvertsTheIntegralOfAPiecewiseLinearRate) {
  const std::vector<RateStep> steps = {{10s, 2, 2}, {20s, 2, 10}, {10s, 0, 0}, {5s, 8, 0}};
  RateCurve curve(steps);
  EXPECT_DOUBLE_EQ(curve.arrivals_by(10s), 20);
  EXPECT_DOUBLE_EQ(curve.arrivals_by(20s), 20 + 2 * 10 + 0.5 * 4 * 10);
  EXPECT_DOUBLE_EQ(curve.arrivals_by(30s), 140);
  EXPECT_DOUBLE_EQ(curve.arrivals_by(40s), 140) << "a pause";
  EXPECT_DOUBLE_EQ(curve.arrivals_by(45s), 160);
  for (double arrivals = 0.5; arrivals < 160; arrivals += 0.5) {
    EXPECT_NEAR(curve.arrivals_by(curve.when(arrivals)), arrivals, 1e-6);
  }
}

TEST(RateCurve, GoesOnWithItsLastRate) {
  RateCurve curve({{10s, 1, 4}});
  EXPECT_EQ(curve.when(25 + 8), Duration(12s));
}

TEST(RateCurve, PutsWhatRoundingLeavesOverAtItsEndWhereNothingComesAnyMore) {
  RateCurve curve({{10s, 1, 1}, {10s, 0, 0}});
  EXPECT_EQ(curve.when(10.000'000'001), Duration(20s));
}

TEST(OpenLoop, MeasuresWhatIsScheduledInTheWindowAndNothingElse) {
  for (const ArrivalSpec& arrivals : {kPoisson, kBursty, kConstant}) {
    const Schedule schedule = make_schedule(at(8, arrivals), at_rate(8), 3);
    ASSERT_TRUE(schedule.window);
    EXPECT_EQ(*schedule.window, (OpenWindow{30s, 330s, 390s}));
    Duration before{};
    for (const Arrival& arrival : schedule.arrivals) {
      EXPECT_GE(arrival.at, before);
      before = arrival.at;
      EXPECT_EQ(arrival.phase, arrival.at < 30s    ? Phase::kWarmup
                               : arrival.at < 330s ? Phase::kMeasured
                                                   : Phase::kFiller);
      EXPECT_EQ(arrival.after, kNoArrival);
      EXPECT_EQ(arrival.slot, kFreeSlot);
    }
    EXPECT_GT(before, Duration(380s)) << "arrivals go on to the end of the drain";
    EXPECT_LT(before, Duration(390s));
  }
}

TEST(OpenLoop, ScalesOneSequenceOfGapsToEachRate) {
  const Schedule slow = make_schedule(at(4), at_rate(4), 7);
  const Schedule fast = make_schedule(at(8), at_rate(8), 7);
  ASSERT_GT(fast.arrivals.size(), slow.arrivals.size());
  for (size_t i = 0; i < slow.arrivals.size(); ++i) {
    EXPECT_LE(std::abs((slow.arrivals[i].at - 2 * fast.arrivals[i].at).count()), 2) << i;
  }
}

TEST(OpenLoop, HasTheScheduleOfItsSeedAlone) {
  const auto hash = [](const LoadSpec& load, uint64_t seed) {
    return schedule_sha256(make_schedule(load, at_rate(8), seed));
  };
  EXPECT_EQ(hash(at(8), 7), hash(at(8), 7));
  EXPECT_NE(hash(at(8), 7), hash(at(8), 8));
  EXPECT_NE(hash(at(8), 7), hash(at(8, kBursty), 7));
  EXPECT_NE(schedule_seed(1, 0), schedule_seed(1, 1)) << "repeats differ";
  EXPECT_NE(schedule_seed(1, 0), schedule_seed(2, 0));
  EXPECT_EQ(schedule_sha256({}), sha256_hex(""));
}

TEST(OpenLoop, HasExactlyAsManyArrivalsAsTheRateSaysWhereTheSpecSaysSo) {
  for (ArrivalSpec arrivals : {kPoisson, kBursty, kConstant}) {
    arrivals.count = ArrivalCount::kExact;
    for (const double rate : {0.5, 3.3, 8.0}) {
      const PromptDemand demand =
          prompt_demand(make_schedule(at(rate, arrivals), at_rate(rate), 11));
      EXPECT_EQ(demand.measured, std::lround(300 * rate)) << name_of(arrivals.process);
      EXPECT_GT(demand.warmup, 0u);
      EXPECT_GT(demand.filler, 0u);
    }
  }
}

TEST(OpenLoop, KeepsConstantGapsWhereTheirNumberIsExact) {
  ArrivalSpec arrivals = kConstant;
  arrivals.count = ArrivalCount::kExact;
  const Schedule schedule = make_schedule(at(2, arrivals), at_rate(2), 1);
  std::vector<Duration> measured;
  for (const Arrival& arrival : schedule.arrivals) {
    if (arrival.phase == Phase::kMeasured) measured.push_back(arrival.at);
  }
  for (size_t i = 1; i < measured.size(); ++i) {
    EXPECT_NEAR(to_seconds(measured[i] - measured[i - 1]), 0.5, 1e-8);
  }
  EXPECT_NEAR(to_seconds(measured.front()), 30.25, 1e-8);
}

TEST(OpenLoop, DrawsAsManyArrivalsAsTheRateExpects) {
  constexpr int kSeeds = 200;
  double measured = 0;
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    measured += prompt_demand(make_schedule(at(8), at_rate(8), seed)).measured;
  }
  const double expected = prompt_demand(at(8), at_rate(8)).measured;
  EXPECT_EQ(expected, 2400);
  EXPECT_NEAR(measured / kSeeds, expected, 4 * std::sqrt(expected / kSeeds));
}

TEST(OpenLoop, PlansPromptsInOrderAndTakesSparesForLateFillers) {
  LoadSpec load = at(8);
  load.drain = 600s;
  const Schedule schedule = make_schedule(load, at_rate(8), 5);
  const PromptDemand demand = prompt_demand(schedule);
  uint32_t planned = 0;
  for (const Arrival& arrival : schedule.arrivals) {
    if (arrival.prompt == kSparePrompt) {
      EXPECT_EQ(arrival.phase, Phase::kFiller);
    } else {
      EXPECT_EQ(arrival.prompt, planned++);
    }
  }
  EXPECT_EQ(planned, demand.total());
  EXPECT_GT(schedule.arrivals.size(), planned);
  EXPECT_EQ(demand.filler, demand.measured / 4 + 1);
}

LoadSpec changing() {
  return {.profile = {{60s, 4, 4}, {60s, 4, 20}, {30s, 0, 0}, {60s, 10, 0}},
          .warmup = 30s,
          .drain = 60s};
}
// Expected in each step.
constexpr std::array kOfSteps = {240.0, 720.0, 0.0, 300.0};

TEST(Profile, HasInEachStepAsManyArrivalsAsItsRateExpects) {
  const LoadSpec load = changing();
  const std::vector<LoadPoint> points = load_points(load);
  ASSERT_EQ(points, std::vector{of_profile(6)});
  constexpr int kSeeds = 100;
  std::array<double, kOfSteps.size()> found{};
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    const Schedule schedule = make_schedule(load, points[0], seed);
    ASSERT_EQ(*schedule.window, (OpenWindow{30s, 240s, 300s}));
    for (const Arrival& arrival : schedule.arrivals) {
      if (arrival.phase == Phase::kFiller) ADD_FAILURE() << "it ends with a rate of 0";
      if (arrival.phase != Phase::kMeasured) continue;
      Duration begin = 30s;
      for (size_t i = 0; i < load.profile.size(); ++i) {
        const Duration end = begin + load.profile[i].length;
        found[i] += begin <= arrival.at && arrival.at < end ? 1.0 / kSeeds : 0;
        begin = end;
      }
    }
  }
  for (size_t i = 0; i < found.size(); ++i) {
    EXPECT_NEAR(found[i], kOfSteps[i], 4 * std::sqrt(kOfSteps[i] / kSeeds)) << "step " << i;
  }
}

TEST(Profile, IsPlannedByItsStepsAndItsEdges) {
  LoadSpec load = changing();
  load.profile.back().to = 10;
  const LoadPoint point = load_points(load)[0];
  const PromptDemand demand = prompt_demand(load, point);
  EXPECT_EQ(demand.warmup, 30 * 4u);
  EXPECT_EQ(demand.measured, 240 + 720 + 600u);
  EXPECT_EQ(demand.filler, 1560 / 4u);
  EXPECT_EQ(shortest_run(load, point, 5s), Duration(30s + 210s + 5s));
  EXPECT_DOUBLE_EQ(peak_rate(load, point), 20);
  EXPECT_DOUBLE_EQ(likely_in_flight(load, point, 5s), 100);
  const Schedule schedule = make_schedule(load, point, 1);
  EXPECT_EQ(schedule.arrivals.back().phase, Phase::kFiller) << "the last rate goes on";
}

TEST(Profile, HasExactlyAsManyArrivalsAsItsRatesSayWhereTheSpecSaysSo) {
  LoadSpec load = changing();
  load.arrivals.count = ArrivalCount::kExact;
  EXPECT_EQ(prompt_demand(make_schedule(load, load_points(load)[0], 3)).measured, 1260u);
}

TEST(Profile, OfOneConstantStepIsTheRateOfThatLevel) {
  LoadSpec load = at(8);
  const Schedule level = make_schedule(load, at_rate(8), 5);
  load.rate.clear();
  load.profile = {{load.measure, 8, 8}};
  const Schedule profile = make_schedule(load, load_points(load)[0], 5);
  ASSERT_EQ(profile.arrivals.size(), level.arrivals.size());
  for (size_t i = 0; i < level.arrivals.size(); ++i) {
    EXPECT_LE(std::abs((profile.arrivals[i].at - level.arrivals[i].at).count()), 2) << i;
  }
}

TEST(OpenLoop, TakesItsWindowsTimeAndAsManySlotsAsTheGuardAllows) {
  EXPECT_EQ(shortest_run(at(8), at_rate(8), 5s), Duration(335s));
  EXPECT_EQ(most_in_flight(at(8), at_rate(8)), 8192);
  EXPECT_DOUBLE_EQ(likely_in_flight(at(8), at_rate(8), 5s), 40);
  EXPECT_DOUBLE_EQ(likely_in_flight({}, at_concurrency(3), 5s), 3);
}

}  // namespace
}  // namespace llmsweep
