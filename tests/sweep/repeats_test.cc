// Runs that are added after the planned ones: whose, how many, and that all are kept.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <map>

#include "llmsweep/base/files.h"
#include "llmsweep/sweep/sweep.h"

namespace llmsweep {
namespace {
namespace fs = std::filesystem;
using ::testing::ElementsAre;

class SilentObserver final : public SweepObserver {
 public:
  void note(const std::string& /*line*/) override {}
  void progress(const LevelProgress& progress, Instant /*now*/) override {
    shown.emplace_back(progress.position.run.repeat, progress.position.repeats);
    if (progress.position.runs_after) {
      runs_after[progress.position.run] = *progress.position.runs_after;
    }
  }
  void run_finished(const LevelStats& /*level*/) override {}

  std::vector<std::pair<int, int>> shown;
  std::map<RunId, Duration> runs_after;
};

fs::path fresh_folder() {
  const fs::path folder =
      fs::temp_directory_path() / ("llmsweep-sweep-" + std::to_string(getpid()));
  return create_fresh_directory(folder, "repeats");
}

SweepSpec quick_spec(const fs::path& folder) {
  write_file_atomically(folder / "profile.yaml", "engine: {step: {base_ms: 1}}\n");
  SweepSpec spec;
  spec.name = "repeats";
  spec.system.gpus = 1;
  spec.endpoint.simulator = (folder / "profile.yaml").string();
  spec.workload.input_tokens = TokenCount{.fixed = 10};
  spec.workload.output_tokens = {.fixed = 3};
  spec.load.concurrency = {1, 2};
  spec.load.requests_per_slot = 2;
  spec.load.repeats = 2;
  return spec;
}

std::vector<size_t> runs_of(const SweepResult& result) {
  std::vector<size_t> runs;
  for (const LevelStats& level : result.levels) runs.push_back(level.runs.size());
  return runs;
}

TEST(Repeats, AreAddedToTheWantedLevelsUpToRepeatsMax) {
  const fs::path folder = fresh_folder();
  SweepSpec spec = quick_spec(folder);
  spec.load.repeats_max = 4;
  SilentObserver observer;
  const Interrupts interrupts{0};
  int asked = 0;
  const RepeatsWanted wanted = [&asked](const SweepResult& result) {
    ++asked;
    EXPECT_EQ(result.levels.size(), 2u);
    return std::vector{at_concurrency(2), at_concurrency(99)};  // 99 is no level of this sweep
  };
  const SweepOutcome outcome =
      run_sweep(spec, folder, interrupts, observer, {.repeats_wanted = wanted});
  EXPECT_THAT(runs_of(outcome.result), ElementsAre(2u, 4u));
  EXPECT_EQ(asked, 3);  // after the planned runs, and after each added one
  const std::vector<RunStats>& runs = outcome.result.levels[1].runs;
  for (size_t i = 0; i < runs.size(); ++i) EXPECT_EQ(runs[i].repeat, static_cast<int>(i));
  EXPECT_EQ(outcome.result.levels[1].pooled.requests.completed, 4 * 2 * 2);
  for (const auto& [repeat, repeats] : observer.shown) EXPECT_LT(repeat, repeats);
  fs::remove_all(folder);
}

TEST(Repeats, EndWhenNoneIsWanted) {
  const fs::path folder = fresh_folder();
  SweepSpec spec = quick_spec(folder);
  spec.load.repeats_max = 9;
  SilentObserver observer;
  const Interrupts interrupts{0};
  const RepeatsWanted wanted = [](const SweepResult& result) {
    const bool more = result.levels[0].runs.size() < 3;
    return more ? std::vector{at_concurrency(1)} : std::vector<LoadPoint>{};
  };
  const SweepOutcome outcome =
      run_sweep(spec, folder, interrupts, observer, {.repeats_wanted = wanted});
  EXPECT_THAT(runs_of(outcome.result), ElementsAre(3u, 2u));
  fs::remove_all(folder);
}

// What a resume may add has been looked at before.
TEST(Repeats, KeepThePlanOfLooksAndGoOnWithoutEndWhereAResumeRaisesThem) {
  const fs::path folder = fresh_folder();
  SweepSpec spec = quick_spec(folder);
  spec.load.concurrency = {1};
  spec.load.repeats_max = 3;
  SilentObserver observer;
  const Interrupts interrupts{0};
  const RepeatsWanted always = [](const SweepResult&) { return std::vector{at_concurrency(1)}; };
  const GateLooks planned{.first = 2, .last = 3, .levels = {0.02, 0.04}};
  const SweepOptions first{.repeats_wanted = always, .looks = planned};
  EXPECT_EQ(run_sweep(spec, folder, interrupts, observer, first).result.looks, planned);
  const SweepResult again = run_sweep(spec, folder, interrupts, observer, first).result;
  EXPECT_EQ(again.looks, planned);
  spec.load.repeats_max = 4;
  const GateLooks more{.first = 2, .last = 4, .levels = {0.01, 0.01, 0.03}};
  const SweepResult raised =
      run_sweep(spec, folder, interrupts, observer, {.repeats_wanted = always, .looks = more})
          .result;
  EXPECT_EQ(raised.levels[0].runs.size(), 4u);
  EXPECT_EQ(raised.looks, (GateLooks{2, 3, {0.02, 0.04}, true}));
  fs::remove_all(folder);
}

TEST(SweepProgress, KnowsTheTimeLeftOnceEveryLevelHasBeenRun) {
  const fs::path folder = fresh_folder();
  SweepSpec spec = quick_spec(folder);
  spec.load.requests_per_slot = 3;
  spec.workload.output_tokens = {.fixed = 80};  // 80 ms a request, or no progress would be shown
  SilentObserver observer;
  const Interrupts interrupts{0};
  run_sweep(spec, folder, interrupts, observer);
  const auto& after = observer.runs_after;
  EXPECT_FALSE(after.contains({at_concurrency(1), 0}));
  EXPECT_FALSE(after.contains({at_concurrency(2), 0})) << "its own next run has no time yet";
  ASSERT_TRUE(after.contains({at_concurrency(2), 1})) << "the second round goes down";
  EXPECT_GT(after.at({at_concurrency(2), 1}), std::chrono::milliseconds(4 * 80 / 2));
  EXPECT_EQ(after.at({at_concurrency(1), 1}), Duration(0));
  fs::remove_all(folder);
}

}  // namespace
}  // namespace llmsweep
