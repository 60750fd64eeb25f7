// Two systems side by side as a user has them: the real binary, real simulators, real kills.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <map>
#include <nlohmann/json.hpp>
#include <regex>
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

constexpr const char* kLoad =
    "{concurrency: [1, 2], requests_per_slot: 4, warmup_per_slot: 0, min_requests: 8}";

constexpr const char* kOneUser = "{concurrency: [1], requests_per_slot: 3, warmup_per_slot: 0}";

std::vector<json> json_lines(const fs::path& path) {
  std::vector<json> lines;
  if (!fs::exists(path)) return lines;
  for (const std::string& line : split(read_file(path), '\n')) {
    const json parsed = json::parse(line, nullptr, false);
    if (!parsed.is_discarded()) lines.push_back(parsed);
  }
  return lines;
}

json json_file(const fs::path& path) {
  return json::parse(read_file(path));
}

// The instants at which each run of a side began, by level and repeat, and its first prompt.
struct Begun {
  int64_t at_ns = 0;
  int64_t first_prompt = 0;
};
std::map<std::pair<int, int>, Begun> begun_runs(const fs::path& side) {
  std::map<std::pair<int, int>, Begun> runs;
  for (const json& line : json_lines(side / "sweep.jsonl")) {
    if (line["event"] != "run_ended") continue;
    runs[{line["level"], line["repeat"]}] = {line["started_ns"], line["first_prompt"]};
  }
  return runs;
}

void expect_pairs(const fs::path& folder, int rounds) {
  const auto of_a = begun_runs(folder / "a"), of_b = begun_runs(folder / "b");
  ASSERT_EQ(of_a.size(), static_cast<size_t>(2 * rounds));
  ASSERT_EQ(of_b.size(), of_a.size());
  std::set<int64_t> prompts;
  for (const auto& [id, a] : of_a) {
    const Begun& b = of_b.at(id);
    EXPECT_EQ(a.first_prompt, b.first_prompt) << "both of a pair have the same prompts";
    prompts.insert(a.first_prompt);
    // Nothing was measured between the two.
    for (const auto* side : {&of_a, &of_b}) {
      for (const auto& [other, begun] : *side) {
        if (other == id) continue;
        EXPECT_FALSE(begun.at_ns > std::min(a.at_ns, b.at_ns) &&
                     begun.at_ns < std::max(a.at_ns, b.at_ns));
      }
    }
  }
  EXPECT_EQ(prompts.size(), of_a.size()) << "each pair has its own";
  const json a = json_file(folder / "a" / "result.json"),
             b = json_file(folder / "b" / "result.json");
  EXPECT_EQ(a["pairing"]["id"], b["pairing"]["id"]);
  EXPECT_EQ(a["pairing"]["side"], "a");
  EXPECT_EQ(b["pairing"]["side"], "b");
  EXPECT_EQ(a["workload"]["prompt_set_sha256"], b["workload"]["prompt_set_sha256"]);
  for (const json& pair : a["pairing"]["order"]) {
    const std::pair<int, int> id = {pair["concurrency"], pair["repeat"]};
    EXPECT_EQ(of_a.at(id).at_ns < of_b.at(id).at_ns, pair["a_first"].get<bool>());
  }
  for (const json* side : {&a, &b}) {
    EXPECT_EQ((*side)["interrupted"], false);
    for (const json& level : (*side)["levels"]) EXPECT_EQ(level["runs"].size(), rounds);
  }
}

TEST(Versus, MeasuresPairsAndComparesThem) {
  const fs::path folder = test_folder();
  const fs::path spec = write_quick_spec(folder, kLoad, 10);
  write_file_atomically(folder / "slow.yaml",
                        "engine:\n  step: {base_ms: 3, per_prefill_token_us: 1, "
                        "per_sequence_us: 100}\n  max_batch_size: 8\n");
  const std::string slow = "endpoint.simulator=" + (folder / "slow.yaml").string();
  const ProcessResult run = run_llmsweep({"versus", spec, spec, "--set-b", slow, "--set-b",
                                          "name=slow", "--rounds", "3", "--out", folder / "out"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const fs::path results = folder / "out" / "test-versus-slow";
  expect_pairs(results, 3);
  EXPECT_THAT(run.out, HasSubstr("Measured side by side"));
  const json versus = json_file(results / "versus.json");
  EXPECT_EQ(versus["rounds"], 3);
  EXPECT_EQ(versus["id"], json_file(results / "a" / "result.json")["pairing"]["id"]);
  const json& found = versus["comparison"];
  if (!found.contains("sweep") || !found["sweep"].contains("e2e_p50_ms")) {
    GTEST_SKIP() << "busy: a level is INVALID\n" << run.out;
  }
  EXPECT_EQ(found["pairs"]["rounds"], 3);
  EXPECT_GT(found["sweep"]["e2e_p50_ms"]["ratio"], 1.2);
  EXPECT_TRUE(fs::exists(results / "report.html"));

  // The two are ordinary results, which know that they are paired.
  const ProcessResult compared = run_llmsweep({"compare", results / "a", results / "b"});
  EXPECT_EQ(compared.exit_code, 0) << compared.err;
  EXPECT_THAT(compared.out, HasSubstr("Measured side by side"));
  write_file_atomically(folder / "policy.yaml", "rules: [{no_worse: 'e2e:p50@c1 by 3%'}]\n");
  const ProcessResult gated = run_llmsweep(
      {"gate", results / "b", "--policy", folder / "policy.yaml", "--baseline", results / "a"});
  EXPECT_EQ(gated.exit_code, 10) << gated.out << gated.err;
  EXPECT_THAT(gated.out, HasSubstr("3 pairs of runs"));
  EXPECT_EQ(run_llmsweep({"rebuild", results / "b"}).exit_code, 0);
  EXPECT_EQ(json_file(results / "b" / "result.json")["pairing"]["side"], "b");
}

// Two comparisons alike: a file of the one put in the place of the other's is no pair any more.
TEST(Versus, ComparesNoPairsWhereAFileWasSwapped) {
  const fs::path folder = test_folder();
  const fs::path spec = write_quick_spec(folder, kOneUser, 4);
  for (const auto& [out, rounds] : {std::pair{"one", "3"}, std::pair{"two", "1"}}) {
    const ProcessResult run =
        run_llmsweep({"versus", spec, spec, "--rounds", rounds, "--out", folder / out});
    ASSERT_EQ(run.exit_code, 0) << run.err;
  }
  const fs::path one = folder / "one" / "versus-test", two = folder / "two" / "versus-test";
  const auto compared = [&](const fs::path& a, const fs::path& b) {
    const ProcessResult run = run_llmsweep({"compare", a, b});
    EXPECT_EQ(run.exit_code, 0) << run.err;
    return std::regex_replace(run.out, std::regex("\\s+"), " ");
  };
  EXPECT_THAT(compared(one / "a", one / "b"), HasSubstr("Measured side by side"));
  EXPECT_THAT(compared(one / "a", two / "b"), HasSubstr("they are of two comparisons"));

  const fs::path result = one / "b" / "result.json", records = one / "b" / "requests.jsonl";
  fs::copy_file(result, folder / "kept.json");
  fs::copy_file(two / "b" / "result.json", result, fs::copy_options::overwrite_existing);
  EXPECT_THAT(compared(one / "a", one / "b"), HasSubstr("they are of two comparisons"));
  fs::copy_file(folder / "kept.json", result, fs::copy_options::overwrite_existing);

  fs::copy_file(records, folder / "kept.jsonl");
  fs::copy_file(one / "a" / "requests.jsonl", records, fs::copy_options::overwrite_existing);
  const std::string swapped = compared(one / "a", one / "b");
  EXPECT_THAT(swapped, HasSubstr("Not compared in pairs"));
  EXPECT_THAT(swapped, ::testing::AnyOf(HasSubstr("requests.jsonl beside it gives other figures"),
                                        HasSubstr("its records cannot be read")));
  write_file_atomically(folder / "policy.yaml", "rules: [{no_worse: 'e2e:p50@c1 by 90%'}]\n");
  const ProcessResult gated = run_llmsweep(
      {"gate", one / "b", "--policy", folder / "policy.yaml", "--baseline", one / "a"});
  EXPECT_THAT(std::regex_replace(gated.out, std::regex("\\s+"), " "),
              HasSubstr("Not compared in pairs"));
  EXPECT_THAT(gated.out, ::testing::Not(HasSubstr("3 pairs of runs")));

  fs::copy_file(folder / "kept.jsonl", records, fs::copy_options::overwrite_existing);
  EXPECT_THAT(compared(one / "a", one / "b"), HasSubstr("Measured side by side"));
}

// A result is made of other records only where these can be the run's.
TEST(Versus, RebuildsNoResultOfRecordsThatAreOlderThanTheirRun) {
  const fs::path folder = test_folder();
  const fs::path spec = write_quick_spec(folder, kOneUser, 4);
  const ProcessResult run =
      run_llmsweep({"versus", spec, spec, "--rounds", "2", "--out", folder / "out"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const fs::path side = folder / "out" / "versus-test" / "b";
  // The same bytes but for one instant: what only the clock tells.
  std::string records = read_file(side / "requests.jsonl");
  const size_t at = records.find("\"scheduled_ns\":") + 15;
  const size_t digits = records.find_first_not_of("0123456789", at) - at;
  records.replace(at, digits, "1" + std::string(digits - 1, '0'));
  write_file_atomically(side / "requests.jsonl", records);
  const ProcessResult rebuilt = run_llmsweep({"rebuild", side});
  EXPECT_EQ(rebuilt.exit_code, 2) << rebuilt.err;
  EXPECT_THAT(rebuilt.err, HasSubstr("scheduled before the run began"));
}

TEST(Versus, GoesOnAtTheFirstPairThatIsNotWholeWhereverItIsKilled) {
  const fs::path folder = test_folder();
  const fs::path spec = write_quick_spec(folder, kLoad, 20);
  const fs::path results = folder / "out" / "versus-test";
  Process first({LLMSWEEP_BINARY, "versus", spec, spec, "--rounds", "2", "--seed", "5", "--out",
                 folder / "out"},
                folder);
  const auto records = [&] {
    return json_lines(results / "a" / "requests.jsonl").size() +
           json_lines(results / "b" / "requests.jsonl").size();
  };
  // 8 measured requests a run, eight runs, and fillers: in the midst of each of the first six.
  size_t at = 3;
  ASSERT_TRUE(eventually([&] { return records() >= at; }));
  first.signal(SIGKILL);
  EXPECT_EQ(first.wait().exit_code, 128 + SIGKILL);
  for (int kills = 0; kills < 5; ++kills) {
    const size_t before = records();
    Process next({LLMSWEEP_BINARY, "versus", spec, spec, "--resume", results}, folder);
    if (!eventually([&] { return records() >= before + 12; }, 5)) break;  // it has ended
    next.signal(SIGKILL);
    next.wait();
  }
  const ProcessResult last = run_llmsweep({"versus", spec, spec, "--resume", results});
  ASSERT_EQ(last.exit_code, 0) << last.err;
  expect_pairs(results, 2);
  // What was measured of a half pair is kept, and counts in nothing.
  std::map<std::string, int> counted;
  for (const char* side : {"a", "b"}) {
    for (const json& line : json_lines(results / side / "requests.jsonl")) {
      if (line.value("superseded", false) || line["phase"] == "filler") continue;
      ++counted[std::string(side) + line["level"].dump() + "/" + line["repeat"].dump() + "/" +
                line["index"].dump()];
    }
  }
  EXPECT_EQ(counted.size(), 2U * 2 * 2 * 8);
  for (const auto& [id, times] : counted) EXPECT_EQ(times, 1) << id;

  const ProcessResult again = run_llmsweep({"versus", spec, spec, "--resume", results});
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_THAT(again.err, HasSubstr("nothing is left to measure"));
}

TEST(Versus, RefusesWhatCannotBeComparedBeforeAnythingIsSent) {
  const fs::path folder = test_folder();
  const fs::path spec = write_quick_spec(folder, kLoad, 10);
  const ProcessResult unlike = run_llmsweep(
      {"versus", spec, spec, "--set-b", "workload.output_tokens=11", "--out", folder / "out"});
  EXPECT_EQ(unlike.exit_code, 2);
  EXPECT_THAT(unlike.err, HasSubstr("workload.output_tokens"));
  EXPECT_FALSE(fs::exists(folder / "out"));
  const ProcessResult nowhere = run_llmsweep({"versus", spec, spec, "--resume", folder});
  EXPECT_EQ(nowhere.exit_code, 2);
  EXPECT_THAT(nowhere.err, HasSubstr("has no folder a"));
  const ProcessResult replanned =
      run_llmsweep({"versus", spec, spec, "--resume", folder, "--rounds", "9"});
  EXPECT_EQ(replanned.exit_code, 2);
  EXPECT_THAT(replanned.err, HasSubstr("--rounds"));
  // A side that cannot be reached: nothing is left behind.
  const ProcessResult absent =
      run_llmsweep({"versus", spec, spec, "--set-b", "endpoint.simulator=null", "--set-b",
                    "endpoint.url=http://127.0.0.1:9/v1", "--out", folder / "out"});
  EXPECT_EQ(absent.exit_code, 1) << absent.err;
  EXPECT_TRUE(!fs::exists(folder / "out") || fs::is_empty(folder / "out"));
}

}  // namespace
}  // namespace llmsweep
