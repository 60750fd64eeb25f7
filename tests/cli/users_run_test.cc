// Users with sessions, with the real binary and the real simulator.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "cli/process.h"
#include "llmsweep/base/files.h"

namespace llmsweep {
namespace {
namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::HasSubstr;

// Ten tokens in 20 ms; blocks of 16 tokens.
fs::path write_users(const fs::path& folder, const std::string& more, const std::string& sessions,
                     const std::string& load) {
  write_file_atomically(folder / "profile.yaml", "engine:\n  step: {base_ms: 2}\n" + more);
  write_file_atomically(
      folder / "spec.yaml",
      "name: test\nsystem: {gpus: 2}\nendpoint: {simulator: " + (folder / "profile.yaml").string() +
          "}\nworkload: {output_tokens: 10, sessions: " + sessions + "}\nload: " + load +
          "\ntargets: [{metric: e2e, statistic: p50, max: 15s}]\n");
  return folder / "spec.yaml";
}

json level_of(const fs::path& results) {
  return json::parse(read_file(results / "result.json"))["levels"][0];
}

TEST(UsersRun, SendsSessionsAndSaysWhatTheyDid) {
  const fs::path folder = test_folder();
  const fs::path spec = write_users(
      folder, "  prefix_cache: true\n  kv_block_tokens: 16\n",
      "{turns: {min: 1, max: 5}, first_input_tokens: 150, input_tokens: 30, think: {mean: 60ms, "
      "cv: 1}, system_tokens: 40}",
      "{users: 12, warmup: 300ms, measure: 700ms, repeats: 1}");
  const ProcessResult checked = run_llmsweep({"check", spec});
  EXPECT_THAT(checked.out, HasSubstr("plan       test: users 12; 1 repeat\n"
                                     "sessions   1 to 5 turns, 0.0600 s to think before each"));
  const ProcessResult run = run_llmsweep({"run", spec, "--out", folder / "out"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("X(R+Z) = "));
  const fs::path results = folder / "out" / "test";
  const json level = level_of(results);
  EXPECT_EQ(level["load_point"], "u12");
  if (level["valid"].get<bool>()) {
    EXPECT_THAT(run.out, HasSubstr("12 users who think 0.0"));
  }
  const json& sessions = level["sessions"];
  EXPECT_GT(sessions["ended"].get<int>(), 5);
  EXPECT_EQ(sessions["broken"], 0);
  EXPECT_EQ(sessions["turns"].back()["to"], 0);
  const json& prefix = sessions["prefix"];
  const double capture =
      prefix["reported_tokens"].get<double>() / prefix["ideal_tokens"].get<double>();
  EXPECT_LE(capture, 1);
  EXPECT_GT(capture, 0.85) << "a block of 16 tokens of some 250 may be lost";
  EXPECT_EQ(prefix["leaked_tokens"], 0);
  EXPECT_GT(prefix["first_turn_tokens"].get<int>(), 0) << "of the shared message";
  EXPECT_EQ(level["open_loop"], nullptr);
  const ProcessResult verified = run_llmsweep({"verify", results});
  EXPECT_EQ(verified.exit_code, 0) << verified.out << verified.err;
  const ProcessResult rebuilt = run_llmsweep({"rebuild", results});
  EXPECT_EQ(rebuilt.exit_code, 0) << rebuilt.err;
  EXPECT_EQ(level_of(results), level);
  if (!fs::exists("/usr/bin/python3")) GTEST_SKIP() << "needs python3";
  const ProcessResult recomputed =
      Process({"/usr/bin/python3", LLMSWEEP_SOURCE_DIR "/tests/python/recompute.py", results},
              folder)
          .wait();
  EXPECT_EQ(recomputed.exit_code, 0) << recomputed.out << recomputed.err;
  EXPECT_THAT(recomputed.out, HasSubstr("1 runs compared, 0 numbers differ"));
}

// As many sessions are wanted as a run has time for, none of which is planned.
TEST(UsersRun, KeepsUsersBusyWhoDoNotThink) {
  const fs::path folder = test_folder();
  const fs::path spec = write_users(folder, "", "{turns: 1, first_input_tokens: 50}",
                                    "{users: 6, warmup: 200ms, measure: 1s, repeats: 1}");
  const ProcessResult run = run_llmsweep({"run", spec, "--out", folder / "out"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const json level = level_of(folder / "out" / "test");
  const double by_law = level["sessions"]["users_by_law"].get<double>();
  EXPECT_NEAR(by_law, 6, 0.6) << run.out;
  EXPECT_EQ(level["sessions"]["think_mean_s"], 0);
  EXPECT_GT(level["requests"]["completed"].get<int>(), 100);
  EXPECT_EQ(level["sessions"]["prefix"]["reported_tokens"], 0);
}

// Each failed turn ends its session.
TEST(UsersRun, EndsSessionsWhoseTurnsFail) {
  const fs::path folder = test_folder();
  const fs::path spec = write_users(
      folder, "faults: [{kind: status, status: 500, requests: [60, 65, 71, 78, 84, 90, 96]}]\n",
      "{turns: 6, first_input_tokens: 50, input_tokens: 20}",
      "{users: 4, warmup: 100ms, measure: 600ms, repeats: 1, max_error_rate: 1, "
      "max_consecutive_errors: 1000}");
  const ProcessResult run = run_llmsweep({"run", spec, "--out", folder / "out"});
  const fs::path results = folder / "out" / "test";
  const json level = level_of(results);
  const json& sessions = level["sessions"];
  EXPECT_EQ(sessions["broken"], level["requests"]["failed"]);
  EXPECT_GT(sessions["broken"].get<int>(), 3) << run.out;
  EXPECT_GT(sessions["turns_not_sent"].get<int>(), 3);
  const ProcessResult verified = run_llmsweep({"verify", results});
  EXPECT_EQ(verified.exit_code, 0) << verified.out << verified.err;
}

}  // namespace
}  // namespace llmsweep
