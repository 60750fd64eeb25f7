// A client that is too slow says so, with the right reason, of the level or of its figures.
// benchmarks/honesty repeats all of this, and has the healthy one valid at the first attempt.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>

#include <cstdio>
#include <cstdlib>

#include "sweep/slow_client.h"

namespace llmsweep {
namespace {
using testing::Contains;

RunStats shown(const char* what, const SlowLoad& load) {
  const RunStats run = run_judged(load);
  std::printf("%-13s %s\n", what, figures_of(run).c_str());
  return run;
}

// Where other work takes the processors, the healthy client rightly says that it was late. That is
// no excuse where the watchdog, which knows nothing of the client, saw no stall, nor for a client
// that was busy itself.
TEST(SlowClient, AHealthyOneIsValidAtThisLoad) {
  const int attempts = std::getenv("LLMSWEEP_QUIET_MACHINE") == nullptr ? 5 : 1;
  bool excused = true;
  for (int attempt = 0; attempt < attempts; ++attempt) {
    const RunStats run = shown("healthy", {});
    ASSERT_EQ(run.requests.failed, 0);
    ASSERT_EQ(run.requests.completed, 64 * 3);
    if (run.valid) return;
    excused = excused && run.client.stalls > 0 && run.client.busy_fraction < 0.5;
  }
  ASSERT_TRUE(excused && attempts > 1) << "invalid by its own doing";
  GTEST_SKIP() << "busy: the machine stalled in every one of " << attempts << " runs";
}

TEST(SlowClient, ABusyLoopInTheEventPathMakesTheLevelInvalid) {
  const RunStats run =
      shown("busy loop", {.burn = std::chrono::microseconds(150), .of_ttft = true});
  EXPECT_EQ(run.requests.failed, 0);
  EXPECT_FALSE(run.valid);
  EXPECT_THAT(run.invalid_reasons, Contains(InvalidReason::kClientBusy));
  EXPECT_GT(run.client.busy_fraction, 0.8);
  EXPECT_GT(run.client.iteration_p99_ms, 1);
  if (!run.client.receive_stamps) GTEST_SKIP() << "no receive stamps here";
  EXPECT_THAT(run.invalid_reasons, Contains(InvalidReason::kClientDelay));
}

TEST(SlowClient, AProcessorSharedWithBusyThreadsPutsTheFirstTokensInDoubt) {
  cpu_set_t cpus;
  if (sched_getaffinity(0, sizeof(cpus), &cpus) != 0 || CPU_COUNT(&cpus) < 2) {
    GTEST_SKIP() << "needs two processors";
  }
  const RunStats run = shown("shared core", {.burners_beside = 24});
  EXPECT_EQ(run.requests.failed, 0);
  if (!run.client.receive_stamps) GTEST_SKIP() << "no receive stamps here";
  EXPECT_THAT(run.warnings, Contains(Warning::kClientDelayTtft));
}

}  // namespace
}  // namespace llmsweep
