// run --gate on the real binary: measured on the embedded simulator and decided at once.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/process.h"
#include "llmsweep/base/files.h"

namespace llmsweep {
namespace {
namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::HasSubstr;

fs::path gated_spec(const fs::path& folder) {
  write_file_atomically(folder / "profile.yaml",
                        "engine: {step: {base_ms: 2, per_sequence_us: 100}, max_batch_size: 8}\n");
  write_file_atomically(
      folder / "spec.yaml",
      "name: test\nsystem: {gpus: 2}\nendpoint: {simulator: " + (folder / "profile.yaml").string() +
          "}\nworkload: {input_tokens: 20, output_tokens: 20}\n"
          "load: {concurrency: [1, 2], requests_per_slot: 8, repeats: 1}\n");
  return folder / "spec.yaml";
}

std::string policy(const fs::path& folder, const std::string& rule, const std::string& more = {}) {
  write_file_atomically(folder / "policy.yaml", "rules:\n  - require: \"" + rule + "\"\n" + more);
  return folder / "policy.yaml";
}

ProcessResult run_gated(const fs::path& folder, std::vector<std::string> more) {
  std::vector<std::string> words = {
      "run",    gated_spec(folder),    "--quiet", "--out", folder / "out",
      "--gate", folder / "policy.yaml"};
  words.insert(words.end(), more.begin(), more.end());
  return run_llmsweep(words);
}

json gated_result(const fs::path& folder) {
  return json::parse(read_file(folder / "out" / "test" / "result.json"));
}

bool has_invalid_level(const fs::path& folder) {
  const json levels = gated_result(folder)["levels"];
  return std::any_of(levels.begin(), levels.end(),
                     [](const json& level) { return level["valid"] == false; });
}

// run --gate in `folder`, from the start again (twice at most) where a busy machine made a level
// INVALID: only one that stays busy leaves nothing to decide on.
ProcessResult run_gated_until_valid(const fs::path& folder, const std::vector<std::string>& more) {
  ProcessResult run = run_gated(folder, more);
  for (int again = 0; again < 2 && has_invalid_level(folder); ++again) {
    fs::remove_all(folder / "out");
    run = run_gated(folder, more);
  }
  return run;
}

size_t runs_of_level(const fs::path& folder, size_t level) {
  return gated_result(folder)["levels"][level]["runs"].size();
}

// One run is decided by an interval that the policy widens: nothing here depends on the machine's
// speed, except that a busy one makes the level INVALID.
TEST(RunGate, EndsWithTheVerdictsExitCode) {
  const struct {
    const char* rule;
    const char* more;
    int exit_code;
    const char* word;
  } cases[] = {
      {"e2e:p50@c1 <= 100s", "", 0, "PASS"},
      {"e2e:p50@c1 <= 1ms", "", 10, "FAIL"},
      {"e2e:p50@c1 <= 100ms", "assumed_noise: 100%\n", 11, "INCONCLUSIVE"},
      {"e2e:p50@c1 <= 100ms", "assumed_noise: 100%\ninconclusive_is: pass\n", 0, "INCONCLUSIVE"},
      {"e2e:p50@c7 <= 100s", "", 12, "no level at concurrency 7"},
  };
  for (const auto& each : cases) {
    const fs::path folder = test_folder();
    policy(folder, each.rule, each.more);
    const ProcessResult run = run_gated_until_valid(folder, {});
    if (has_invalid_level(folder)) {
      std::cout << "GAVE UP: busy: " << each.rule << ": a level was INVALID in three runs\n";
      continue;
    }
    EXPECT_EQ(run.exit_code, each.exit_code) << each.rule << run.out << run.err;
    EXPECT_THAT(run.out, HasSubstr(each.word));
  }
}

TEST(RunGate, AddsRunsWhereARuleIsInconclusiveAndKeepsThem) {
  const fs::path folder = test_folder();
  policy(folder, "e2e:p50@c2 <= 100ms", "assumed_noise: 100%\n");
  const ProcessResult run = run_gated_until_valid(folder, {"--set", "load.repeats_max=5"});
  if (has_invalid_level(folder)) GTEST_SKIP() << "busy: a level was INVALID in three runs";
  EXPECT_EQ(run.exit_code, 0) << run.out << run.err;
  EXPECT_THAT(run.out, HasSubstr("PASS"));
  EXPECT_EQ(runs_of_level(folder, 0), 1u);  // no rule stands on it
  EXPECT_GT(runs_of_level(folder, 1), 1u);
}

TEST(RunGate, WithoutRepeatsMaxAddsNone) {
  const fs::path folder = test_folder();
  policy(folder, "e2e:p50@c2 <= 100ms", "assumed_noise: 100%\n");
  const ProcessResult run = run_gated_until_valid(folder, {});
  if (has_invalid_level(folder)) GTEST_SKIP() << "busy: a level was INVALID in three runs";
  EXPECT_EQ(run.exit_code, 11) << run.out << run.err;
  EXPECT_EQ(runs_of_level(folder, 1), 1u);
}

TEST(RunGate, SaysAndWritesWhatGateSaysOfTheSameResult) {
  const fs::path folder = test_folder();
  const std::string rules =
      policy(folder, "e2e:p50@c1 <= 100s", "  - require: error_rate@c1 <= 1%\n");
  const ProcessResult run =
      run_gated(folder, {"--json", folder / "run.json", "--junit", folder / "run.xml"});
  const ProcessResult gated =
      run_llmsweep({"gate", folder / "out" / "test", "--policy", rules, "--json",
                    folder / "gate.json", "--junit", folder / "gate.xml"});
  EXPECT_EQ(run.exit_code, gated.exit_code) << run.err;
  EXPECT_THAT(run.out, HasSubstr(gated.out));
  EXPECT_EQ(read_file(folder / "run.json"), read_file(folder / "gate.json"));
  EXPECT_EQ(read_file(folder / "run.xml"), read_file(folder / "gate.xml"));
}

TEST(RunGate, RefusesBeforeTheRunWhatCouldNotBeDecidedAfterIt) {
  const fs::path folder = test_folder();
  policy(folder, "e2e:p51@c1 <= 1s");
  EXPECT_EQ(run_gated(folder, {}).exit_code, 2);
  policy(folder, "e2e:p50@c1 <= 1s");
  EXPECT_EQ(run_gated(folder, {"--baseline", folder / "none.json"}).exit_code, 2);
  EXPECT_NE(run_gated(folder, {"--junit", folder / "none" / "gate.xml"}).exit_code, 0);
  EXPECT_FALSE(fs::exists(folder / "out"));
  const ProcessResult run = run_llmsweep({"run", gated_spec(folder), "--junit", folder / "g.xml"});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.err, HasSubstr("--gate"));
}

}  // namespace
}  // namespace llmsweep
