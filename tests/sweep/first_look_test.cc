#include "llmsweep/sweep/first_look.h"

#include <gtest/gtest.h>

#include "llmsweep/sweep/prediction.h"

namespace llmsweep {
namespace {
using std::chrono::milliseconds;

SweepSpec first_spec() {
  SweepSpec spec;
  spec.workload.input_tokens = TokenCount{.fixed = 1024};
  spec.workload.output_tokens = TokenCount{.fixed = 128};
  spec.load.concurrency = {1, 2, 4, 8, 16};
  return spec;
}

Preflight with_time_per_token(Duration time) {
  Preflight preflight;
  preflight.model = "meta-llama/Llama-3.1-8B";
  preflight.first_token_time = time;
  preflight.time_per_token = time;
  return preflight;
}

TEST(FirstLook, NamesTheSweepAfterTheLastPartOfTheModel) {
  SweepSpec spec = first_spec();
  choose_the_rest(spec, with_time_per_token(milliseconds(1)), {});
  EXPECT_EQ(spec.name, "Llama-3.1-8B");
  EXPECT_EQ(spec.endpoint.model, "meta-llama/Llama-3.1-8B");
  Preflight file;
  file.model = "/models/tiny.gguf";
  choose_the_rest(spec, file, {});
  EXPECT_EQ(spec.name, "tiny");
  spec.name = "mine";
  choose_the_rest(spec, file, {.name = true});
  EXPECT_EQ(spec.name, "mine");
}

TEST(FirstLook, AsksForLessOfASlowerServerAndHasTimeForLatencyToGrow) {
  int before = 1000;
  for (const int ms : {1, 2, 5, 10, 30}) {
    SweepSpec spec = first_spec();
    const Preflight preflight = with_time_per_token(milliseconds(ms));
    choose_the_rest(spec, preflight, {});
    const int requests = spec.load.requests_per_slot;
    if (requests > 1) {
      EXPECT_LE(14 * shortest_run_time(spec, request_time_alone(spec, preflight)),
                kFirstTableWithin);
    }
    EXPECT_LE(requests, before) << ms;
    before = requests;
  }
  EXPECT_EQ(before, 1);
}

TEST(FirstLook, CountsTheTimeOfTheWorkloadsOwnPrompt) {
  SweepSpec spec = first_spec();
  Preflight preflight = with_time_per_token(std::chrono::microseconds(500));
  choose_the_rest(spec, preflight, {});
  EXPECT_EQ(spec.load.requests_per_slot, 10);
  preflight.prompt_time = std::chrono::seconds(2);
  choose_the_rest(spec, preflight, {});
  EXPECT_EQ(spec.load.requests_per_slot, 1);
}

TEST(FirstLook, AddsRepeatsWhileTheyEndInTime) {
  ManualClock clock;
  const RepeatsWanted wanted = more_repeats_in_time(clock);
  SweepResult result;
  result.levels = {{.point = at_concurrency(1), .runs = {{}}}, {.point = at_concurrency(2)}};
  clock.advance(std::chrono::seconds(20));
  EXPECT_EQ(wanted(result).size(), 2U);
  result.levels[0].runs = {{}, {}};
  clock.advance(std::chrono::seconds(20));
  EXPECT_TRUE(wanted(result).empty());  // a third would end after 60 s
}

// A hosted endpoint: a first table is not INVALID because answers end before the limit.
TEST(FirstLook, TakesAnswersAsTheyComeWhereTheServerCannotBeToldToGoOn) {
  SweepSpec spec = first_spec();
  Preflight preflight = with_time_per_token(milliseconds(1));
  preflight.fields = {RequestField::kIgnoreEos, RequestField::kIncludeUsage};
  choose_the_rest(spec, preflight, {});
  EXPECT_EQ(spec.workload.output_lengths, Lengths::kExact);
  preflight.fields = {RequestField::kIncludeUsage};
  choose_the_rest(spec, preflight, {});
  EXPECT_EQ(spec.workload.output_lengths, Lengths::kAbout);
}

TEST(FirstLook, LeavesWhatWasSaid) {
  SweepSpec spec = first_spec();
  spec.load.repeats = 7;
  spec.load.requests_per_slot = 1;
  spec.load.min_requests = 5;
  Preflight slow = with_time_per_token(milliseconds(500));
  slow.context_tokens = 512;
  choose_the_rest(spec, slow, {.input_tokens = true, .requests = true, .repeats = true});
  EXPECT_EQ(spec.load.repeats, 7);
  EXPECT_EQ(spec.load.min_requests, 5);
  EXPECT_EQ(spec.workload.input_tokens->fixed, 1024);
}

TEST(FirstLook, GivesRatesWindowsThatEndInTimeAndHaveArrivalsEnough) {
  using std::chrono::seconds;
  SweepSpec spec = first_spec();
  spec.load.concurrency.clear();
  spec.load.rate = {1, 2, 4};
  choose_the_rest(spec, with_time_per_token(milliseconds(5)), {});
  EXPECT_EQ(spec.load.warmup, seconds(2));
  EXPECT_EQ(spec.load.measure, seconds(40)) << "40 arrivals of the slowest";
  spec.load.rate = {20, 40};
  choose_the_rest(spec, with_time_per_token(milliseconds(5)), {});
  EXPECT_GT(spec.load.measure, seconds(15));
  EXPECT_LE(2 * (spec.load.warmup + spec.load.measure), kFirstTableWithin);
  spec.load.measure = seconds(7);
  choose_the_rest(spec, with_time_per_token(milliseconds(5)), {.window = true});
  EXPECT_EQ(spec.load.measure, seconds(7));
}

TEST(FirstLook, FitsTheModelsContext) {
  SweepSpec spec = first_spec();
  Preflight small = with_time_per_token(milliseconds(1));
  small.context_tokens = 512;
  choose_the_rest(spec, small, {});
  EXPECT_EQ(spec.workload.output_tokens.fixed, 128);
  EXPECT_EQ(spec.workload.input_tokens->fixed, 256);
}

TEST(FirstLook, GivesATargetTheRequestsThatItsStatisticNeeds) {
  SweepSpec spec = first_spec();
  spec.targets = {{.metric = Metric::kE2e, .statistic = Statistic::kP99, .max = milliseconds(9)}};
  choose_the_rest(spec, with_time_per_token(milliseconds(1)), {});
  EXPECT_GE(spec.load.min_requests * spec.load.repeats, 100);
}

}  // namespace
}  // namespace llmsweep
