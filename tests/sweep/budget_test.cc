#include "sweep/budget.h"

#include <gtest/gtest.h>

namespace llmsweep {
namespace {
using std::chrono::seconds;

SweepSpec spec_with(BudgetSpec budget) {
  SweepSpec spec;
  spec.workload.input_tokens = TokenCount{.fixed = 90};
  spec.workload.output_tokens = TokenCount{.fixed = 10};
  spec.load.concurrency = {1, 4};
  spec.load.requests_per_slot = 1;
  spec.load.warmup_per_slot = 1;
  spec.load.budget = budget;
  return spec;
}

std::vector<RequestRecord> records_of(int count, int64_t tokens) {
  std::vector<RequestRecord> records(static_cast<size_t>(count));
  for (RequestRecord& record : records) {
    record.input_tokens = tokens - 10;
    record.output_tokens = 10;
  }
  return records;
}

TEST(Budget, WithoutOneNothingIsExceeded) {
  const SweepSpec spec = spec_with({});
  const Budget budget(spec, seconds(1), Instant());
  EXPECT_EQ(budget.exceeded_by(at_concurrency(4), Instant() + seconds(1'000'000)), "");
}

TEST(Budget, CountsTokensAndAsksWhatTheNextRunTakes) {
  const SweepSpec spec = spec_with({.tokens = 1000});
  Budget budget(spec, seconds(1), Instant());
  EXPECT_EQ(budget.exceeded_by(at_concurrency(4), Instant()), "");  // 8 requests of 100
  budget.add(at_concurrency(1), records_of(2, 100), seconds(2));
  EXPECT_EQ(budget.exceeded_by(at_concurrency(4), Instant()), "");
  EXPECT_EQ(budget.exceeded_by(at_concurrency(1), Instant()), "");
  budget.add(at_concurrency(1), records_of(3, 100), seconds(2));  // 500: another one of 3 fits
  EXPECT_EQ(budget.exceeded_by(at_concurrency(1), Instant()), "");
  EXPECT_EQ(budget.exceeded_by(at_concurrency(4), Instant()), "load.budget.tokens");
}

TEST(Budget, ALevelTakesAsLongAsTheLastTime) {
  const SweepSpec spec = spec_with({.time = seconds(10)});
  Budget budget(spec, seconds(1), Instant());
  EXPECT_EQ(budget.exceeded_by(at_concurrency(1), Instant() + seconds(5)), "");
  budget.add(at_concurrency(1), {}, seconds(6));
  EXPECT_EQ(budget.exceeded_by(at_concurrency(1), Instant() + seconds(5)), "load.budget.time");
  EXPECT_EQ(budget.exceeded_by(at_concurrency(4), Instant() + seconds(5)), "");
}

}  // namespace
}  // namespace llmsweep
