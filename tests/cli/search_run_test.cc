// `search` with the real binary and the real simulator.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <nlohmann/json.hpp>
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

// 42 ms a request alone, over 100 where more than two batches of eight wait.
fs::path write_search(const fs::path& folder, const std::string& more = {}) {
  return write_quick_spec(folder, "{requests_per_slot: 3}", 20,
                          "search: {over: concurrency, between: [1, 32]" + more +
                              "}\ntargets: [{metric: e2e, statistic: p50, max: 100ms}]\n");
}

json search_result_in(const fs::path& folder) {
  return json::parse(read_file(folder / "result.json"));
}

std::vector<std::string> loads_of(const json& search) {
  std::vector<std::string> loads;
  for (const json& step : search["path"]) {
    loads.push_back("c" + step["concurrency"].dump() + "#" + step["repeat"].dump());
  }
  return loads;
}

TEST(SearchRun, FindsTheUsersOfASimulatedServerAndConfirmsThem) {
  const fs::path folder = test_folder();
  const ProcessResult run = run_llmsweep({"run", write_search(folder), "--out", folder / "out"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const json result = search_result_in(folder / "out" / "test");
  const json& search = result["search"];
  const std::vector<std::string> loads = loads_of(search);
  ASSERT_GE(loads.size(), 4u) << search.dump();
  EXPECT_EQ(loads[0], "c1#0");
  EXPECT_EQ(loads[1], "c2#0");
  if (search["end"] != "confirmed") GTEST_SKIP() << "busy: " << search.dump() << run.out;
  EXPECT_LT(search["pass"].get<double>(), search["fail"].get<double>());
  int fresh = 0;
  for (const json& step : search["path"]) {
    EXPECT_EQ(step["confirming"].get<bool>(), step["repeat"].get<int>() > 0);
    fresh += step["confirming"] && step["concurrency"] == search["pass"] ? 1 : 0;
  }
  EXPECT_EQ(search["runs_pass"], fresh);
  const json& users = result["users_at_target"][0];
  EXPECT_EQ(users["c_pass"], search["pass"]);
  EXPECT_EQ(users["c_fail"], search["fail"]);
  EXPECT_EQ(users["confirmed"], true);
  EXPECT_GE(search["runs_pass"].get<int>(), 3);
  EXPECT_THAT(run.out, HasSubstr("confirmed by fresh runs"));
  EXPECT_EQ(result["planned_runs"], 0);

  EXPECT_EQ(run_llmsweep({"rebuild", folder / "out" / "test"}).exit_code, 0);
  EXPECT_EQ(search_result_in(folder / "out" / "test")["search"], search);
}

TEST(SearchRun, EndsInOrderWithItsBudgetAndGoesOnWhereItStopped) {
  const fs::path folder = test_folder();
  const fs::path spec = write_search(folder, ", budget: 400ms");
  const fs::path out = folder / "out" / "test";
  const ProcessResult run = run_llmsweep({"run", spec, "--out", folder / "out"});
  ASSERT_EQ(run.exit_code, 13) << run.err;
  EXPECT_THAT(run.err, HasSubstr("would exceed search.budget"));
  const json stopped = search_result_in(out);
  EXPECT_EQ(stopped["stopped_for"], "search.budget");
  if (stopped["search"]["end"] == "not_judged") GTEST_SKIP() << "busy: a run was INVALID";
  EXPECT_EQ(stopped["search"]["end"], "budget");
  const std::vector<std::string> before = loads_of(stopped["search"]);

  const ProcessResult resumed =
      run_llmsweep({"run", spec, "--set", "search.budget=", "--resume", out});
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
  const json whole = search_result_in(out);
  EXPECT_EQ(whole["stopped_for"], "");
  EXPECT_NE(whole["search"]["end"], "budget");
  EXPECT_NE(whole["search"]["end"], "open");
  const std::vector<std::string> after = loads_of(whole["search"]);
  ASSERT_GE(after.size(), before.size());
  EXPECT_TRUE(std::equal(before.begin(), before.end(), after.begin())) << whole["search"].dump();
}

// Each run that ended and counts, in order, as the journal has it.
std::vector<std::string> ended_runs(const fs::path& folder) {
  std::vector<std::string> runs;
  const fs::path journal = folder / "sweep.jsonl";
  const std::string text = fs::exists(journal) ? read_file(journal) : "";
  for (const std::string& line : split(text, '\n')) {
    const json event = json::parse(line, nullptr, false);
    if (event.is_discarded() || !event.contains("level")) continue;
    const std::string id = "c" + event["level"].dump() + "#" + event["repeat"].dump();
    if (event["event"] == "run_ended") runs.push_back(id);
    if (event["event"] == "run_superseded") std::erase(runs, id);
  }
  return runs;
}

// Killed in every run after the one that had ended before: no run is made twice or left out, and
// each load follows from the runs that were kept.
TEST(SearchRun, TakesTheSamePathWhereverItIsKilled) {
  const fs::path folder = test_folder();
  const fs::path spec = write_search(folder);
  const fs::path out = folder / "out" / "test";
  std::vector<std::string> path;
  for (int kills = 0; kills < 4; ++kills) {
    std::vector<std::string> words = {LLMSWEEP_BINARY, "run", spec};
    const std::vector<std::string> where = kills == 0
                                               ? std::vector<std::string>{"--out", folder / "out"}
                                               : std::vector<std::string>{"--resume", out};
    words.insert(words.end(), where.begin(), where.end());
    Process run(words, folder);
    const auto one_more = [&] { return ended_runs(out).size() > path.size(); };
    const bool goes_on = eventually(one_more, 5);
    run.signal(SIGKILL);
    run.wait();
    const std::vector<std::string> now = ended_runs(out);
    const size_t both = std::min(now.size(), path.size());  // one that is INVALID is made again
    EXPECT_TRUE(
        std::equal(path.begin(), path.begin() + static_cast<std::ptrdiff_t>(both), now.begin()));
    path = now;
    if (!goes_on) break;  // it has ended
  }
  ASSERT_FALSE(path.empty());
  const ProcessResult last = run_llmsweep({"run", spec, "--resume", out});
  ASSERT_EQ(last.exit_code, 0) << last.err;
  const json search = search_result_in(out)["search"];
  if (search["end"] == "not_judged") GTEST_SKIP() << "busy: a run was INVALID";
  const std::vector<std::string> loads = loads_of(search);
  ASSERT_GE(loads.size(), path.size());
  EXPECT_TRUE(std::equal(path.begin(), path.end(), loads.begin())) << search.dump();
  EXPECT_EQ(std::set<std::string>(loads.begin(), loads.end()).size(), loads.size());
  EXPECT_NE(search["end"], "open");
  // Told by the runs alone: had nothing been killed, the same runs would have led to the same ones.
  EXPECT_EQ(run_llmsweep({"rebuild", out}).exit_code, 0);
  EXPECT_EQ(search_result_in(out)["search"], search);
}

// Lengths that nobody counted are INVALID where the spec asks for exact ones.
TEST(SearchRun, MakesARunThatCannotBeJudgedAgainAndThenEnds) {
  const fs::path folder = test_folder();
  const fs::path out = folder / "out" / "test";
  const ProcessResult run =
      run_llmsweep({"run", write_search(folder), "--out", folder / "out", "--set",
                    "workload.input_tokens=51", "--set", "workload.input_lengths=exact"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const json search = search_result_in(out)["search"];
  EXPECT_EQ(search["end"], "not_judged");
  EXPECT_EQ(loads_of(search), std::vector<std::string>{"c1#0"});
  const std::string records = read_file(out / "requests.jsonl");
  size_t superseded = 0;
  for (size_t at = 0; (at = records.find("\"superseded\":true", at)) != std::string::npos; ++at) {
    ++superseded;
  }
  EXPECT_GE(superseded, 2u * 3u) << "two runs of three measured requests";
  EXPECT_EQ(run_llmsweep({"verify", out}).exit_code, 0) << run_llmsweep({"verify", out}).out;
  EXPECT_EQ(run_llmsweep({"rebuild", out}).exit_code, 0);
  EXPECT_EQ(search_result_in(out)["search"], search);
}

TEST(SearchRun, CheckSaysHowManyRunsItMayTake) {
  const fs::path folder = test_folder();
  const ProcessResult check = run_llmsweep({"check", write_search(folder)});
  EXPECT_EQ(check.exit_code, 0) << check.err;
  EXPECT_THAT(check.out, HasSubstr("the most concurrency from 1 to 32 that keeps e2e p50 within "
                                   "100ms"));
  EXPECT_THAT(check.out, HasSubstr("to find it"));
  EXPECT_THAT(check.out, HasSubstr("at least"));
}

}  // namespace
}  // namespace llmsweep
