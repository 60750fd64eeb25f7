// Killed and resumed sweeps as a user has them: the real binary, real kills, real files.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "cli/process.h"
#include "cli/quick_sweep.h"
#include "llmsweep/base/files.h"
#include "llmsweep/base/text.h"

namespace llmsweep {
namespace {
namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::HasSubstr;

fs::path resumable_spec(const fs::path& folder, const std::string& load) {
  return write_quick_spec(folder, load, 10);
}

std::vector<json> lines_of(const fs::path& path) {
  std::vector<json> lines;
  if (!fs::exists(path)) return lines;
  for (const std::string& line : split(read_file(path), '\n')) {
    const json parsed = json::parse(line, nullptr, false);
    if (!parsed.is_discarded()) lines.push_back(parsed);
  }
  return lines;
}

// Of the records that count: how many times each (level, repeat, index) is there.
std::map<std::string, int> identities(const fs::path& folder) {
  std::map<std::string, int> seen;
  for (const json& line : lines_of(folder / "requests.jsonl")) {
    if (line["superseded"] == true || line["phase"] == "filler") continue;
    ++seen[line["level"].dump() + "/" + line["repeat"].dump() + "/" + line["index"].dump()];
  }
  return seen;
}

int64_t superseded(const fs::path& folder) {
  int64_t count = 0;
  for (const json& line : lines_of(folder / "requests.jsonl")) count += line["superseded"] == true;
  return count;
}

json result_of(const fs::path& folder) {
  return json::parse(read_file(folder / "result.json"));
}

void expect_complete(const fs::path& folder, int requests_per_level_and_repeat) {
  const json result = result_of(folder);
  EXPECT_EQ(result["interrupted"], false);
  size_t runs = 0;
  for (const json& level : result["levels"]) runs += level["runs"].size();
  EXPECT_EQ(runs, result["planned_runs"]);
  for (const auto& [identity, times] : identities(folder)) EXPECT_EQ(times, 1) << identity;
  EXPECT_EQ(identities(folder).size(), runs * static_cast<size_t>(requests_per_level_and_repeat));
}

TEST(Resume, GoesOnAfterAKillAndKeepsTheRunsThatEnded) {
  const fs::path folder = test_folder();
  const fs::path spec =
      resumable_spec(folder,
                     "{concurrency: [2, 4], requests_per_slot: 6, warmup_per_slot: 0, "
                     "min_requests: 24, repeats: 2}");
  const fs::path results = folder / "out" / "test";
  const auto records = [&] { return lines_of(results / "requests.jsonl").size(); };
  const auto levels = [&] {
    return fs::exists(results / "result.json") ? result_of(results)["levels"].size() : 0;
  };
  const auto ended_runs = [&] {
    const std::vector<json> events = lines_of(results / "sweep.jsonl");
    return std::count_if(events.begin(), events.end(),
                         [](const json& event) { return event["event"] == "run_ended"; });
  };
  // Once more where the kill came too late to hit the second run.
  do {
    fs::remove_all(folder / "out");
    Process process({LLMSWEEP_BINARY, "run", spec, "--out", folder / "out"}, folder);
    std::optional<size_t> of_the_first;
    ASSERT_TRUE(eventually([&] {
      if (levels() > 0 && !of_the_first) of_the_first = records();
      return of_the_first && records() > *of_the_first + 1;
    }));
    process.signal(SIGKILL);
    EXPECT_EQ(process.wait().exit_code, 128 + SIGKILL);
  } while (ended_runs() > 1);
  const json partial = result_of(results);
  EXPECT_EQ(partial["interrupted"], true);
  EXPECT_EQ(partial["planned_runs"], 4);
  ASSERT_GE(partial["levels"].size(), 1u);
  const ProcessResult shown = run_llmsweep({"show", results});
  EXPECT_THAT(shown.out, HasSubstr("of 4 runs"));

  const ProcessResult resumed = run_llmsweep({"run", spec, "--resume", results});
  ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_THAT(resumed.err, HasSubstr("did not come to its end: started again"));
  EXPECT_NE(partial["workload"]["nonce"], "");
  EXPECT_EQ(result_of(results)["workload"]["nonce"], partial["workload"]["nonce"]);
  expect_complete(results, 24);
  EXPECT_GT(superseded(results), 0);
  const json whole = result_of(results);
  EXPECT_EQ(whole["created_at"], partial["created_at"]);
  EXPECT_THAT(whole["provenance"]["notes"].dump(), HasSubstr("resumed "));
  // The run that had ended before the kill is what it was.
  EXPECT_EQ(whole["levels"][0]["runs"][0], partial["levels"][0]["runs"][0]);
}

TEST(Resume, StartsAnInterruptedRunAgain) {
  const fs::path folder = test_folder();
  const fs::path spec =
      resumable_spec(folder,
                     "{concurrency: [4], requests_per_slot: 30, warmup_per_slot: 0, "
                     "repeats: 1}");
  const fs::path results = folder / "out" / "test";
  Process process({LLMSWEEP_BINARY, "run", spec, "--out", folder / "out"}, folder);
  ASSERT_TRUE(eventually([&] { return lines_of(results / "requests.jsonl").size() > 8; }));
  process.signal(SIGINT);
  EXPECT_EQ(process.wait().exit_code, 130);
  EXPECT_EQ(result_of(results)["levels"][0]["valid"], false);
  ASSERT_EQ(run_llmsweep({"run", spec, "--resume", results}).exit_code, 0);
  expect_complete(results, 120);
  EXPECT_GT(superseded(results), 8);
  EXPECT_EQ(result_of(results)["levels"][0]["requests"]["completed"], 120);
}

TEST(Resume, RefusesAnotherSpecAndNamesEveryDifference) {
  const fs::path folder = test_folder();
  const fs::path spec =
      resumable_spec(folder, "{concurrency: [1], requests_per_slot: 2, repeats: 1}");
  ASSERT_EQ(run_llmsweep({"run", spec, "--out", folder / "out"}).exit_code, 0);
  const std::string before = read_file(folder / "out" / "test" / "requests.jsonl");
  const ProcessResult refused =
      run_llmsweep({"run", spec, "--resume", folder / "out" / "test", "--set", "load.repeats=2",
                    "--set", "workload.output_tokens=11"});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, HasSubstr("load.repeats: 1 → 2"));
  EXPECT_THAT(refused.err, HasSubstr("workload.output_tokens: 10 → 11"));
  EXPECT_EQ(read_file(folder / "out" / "test" / "requests.jsonl"), before);
}

TEST(Resume, OfAWholeSweepOnlyJudgesItAgain) {
  const fs::path folder = test_folder();
  const fs::path spec =
      resumable_spec(folder, "{concurrency: [1], requests_per_slot: 6, repeats: 1}");
  ASSERT_EQ(run_llmsweep({"run", spec, "--out", folder / "out"}).exit_code, 0);
  const fs::path results = folder / "out" / "test";
  const json before = result_of(results);
  const ProcessResult again = run_llmsweep(
      {"run", spec, "--resume", results, "--set", "targets=[{metric: e2e, max: 10s}]"});
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_THAT(again.err, HasSubstr("nothing is left to measure"));
  const json after = result_of(results);
  EXPECT_EQ(after["levels"][0]["e2e_ms"], before["levels"][0]["e2e_ms"]);
  EXPECT_EQ(after["users_at_target"].size(), 1u);
}

TEST(Resume, AFolderThatIsBeingWrittenIsLeftAlone) {
  const fs::path folder = test_folder();
  const fs::path spec = resumable_spec(folder, "{concurrency: [4], requests_per_slot: 1000}");
  const fs::path results = folder / "out" / "test";
  Process process({LLMSWEEP_BINARY, "run", spec, "--out", folder / "out"}, folder);
  ASSERT_TRUE(eventually([&] { return lines_of(results / "requests.jsonl").size() > 4; }));
  const ProcessResult refused = run_llmsweep({"run", spec, "--resume", results});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, HasSubstr("another process is writing this sweep"));
  process.signal(SIGKILL);
  process.wait();
}

TEST(Rebuild, MakesTheSameResultFromTheRecords) {
  const fs::path folder = test_folder();
  const fs::path spec =
      resumable_spec(folder, "{concurrency: [1, 3], requests_per_slot: 4, repeats: 2}");
  ASSERT_EQ(run_llmsweep({"run", spec, "--out", folder / "out"}).exit_code, 0);
  const fs::path results = folder / "out" / "test";
  const std::string before = read_file(results / "result.json");
  fs::remove(results / "result.json");
  const ProcessResult rebuilt = run_llmsweep({"rebuild", results});
  ASSERT_EQ(rebuilt.exit_code, 0) << rebuilt.err;
  EXPECT_EQ(read_file(results / "result.json"), before);
}

TEST(Rebuild, NamesRecordsThatAreMissing) {
  const fs::path folder = test_folder();
  const fs::path spec =
      resumable_spec(folder, "{concurrency: [1], requests_per_slot: 3, repeats: 1}");
  ASSERT_EQ(run_llmsweep({"run", spec, "--out", folder / "out"}).exit_code, 0);
  const fs::path requests = folder / "out" / "test" / "requests.jsonl";
  std::string text = read_file(requests);
  text.resize(text.rfind('\n', text.size() - 2) + 1);
  write_file_atomically(requests, text);
  const ProcessResult rebuilt = run_llmsweep({"rebuild", folder / "out" / "test"});
  EXPECT_EQ(rebuilt.exit_code, 2);
  EXPECT_THAT(rebuilt.err, HasSubstr("were written"));
}

TEST(Rebuild, APartialFolderIsReportedAndComparedAsSuch) {
  const fs::path folder = test_folder();
  const fs::path spec =
      resumable_spec(folder,
                     "{concurrency: [2], requests_per_slot: 12, warmup_per_slot: 0, "
                     "repeats: 3}");
  const fs::path results = folder / "out" / "test";
  Process process({LLMSWEEP_BINARY, "run", spec, "--out", folder / "out"}, folder);
  ASSERT_TRUE(eventually([&] { return lines_of(results / "requests.jsonl").size() > 30; }));
  process.signal(SIGKILL);
  process.wait();
  fs::remove(results / "result.json");  // as if the kill had come earlier
  const ProcessResult report = run_llmsweep({"report", results});
  EXPECT_EQ(report.exit_code, 0) << report.err;
  const ProcessResult compared = run_llmsweep({"compare", results, results});
  EXPECT_EQ(compared.exit_code, 0) << compared.err;
  EXPECT_THAT(compared.out, HasSubstr("interrupted"));
  const ProcessResult gated = run_llmsweep({"gate", results, "--require", "e2e:p50@c2 <= 10s"});
  EXPECT_THAT(gated.out, HasSubstr("of 3 runs")) << gated.err;
}

}  // namespace
}  // namespace llmsweep
