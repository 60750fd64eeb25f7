// The main path as a user runs it: the real binary, the real simulator, real files, real signals.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "cli/endpoint_process.h"
#include "cli/process.h"
#include "cli/quick_sweep.h"
#include "llmsweep/base/files.h"
#include "llmsweep/base/text.h"

namespace llmsweep {
namespace {
namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

// About 55 ms a request alone.
fs::path write_spec(const fs::path& folder, const std::string& load, int output_tokens = 20) {
  return write_quick_spec(folder, load, output_tokens,
                          "targets: [{metric: e2e, statistic: p50, max: 100ms}]\n");
}

struct ReadLines {
  std::vector<json> whole;
  bool last_is_whole = true;
};

ReadLines read_lines(const fs::path& path) {
  ReadLines lines;
  const std::string text = fs::exists(path) ? read_file(path) : "";
  std::vector<std::string> parts = split(text, '\n');
  lines.last_is_whole = parts.back().empty();
  parts.pop_back();
  for (const std::string& part : parts) lines.whole.push_back(json::parse(part));
  return lines;
}

// One published figure, everything else assumed: the sweep is short here, its machinery is whole.
TEST(Run, SweepsTheSimulatedGb300FromItsShippedSpec) {
  const fs::path folder = test_folder();
  const fs::path root = LLMSWEEP_SOURCE_DIR;
  const ProcessResult run =
      run_llmsweep({"run", root / "configs/simulated/deepseek-v4-gb300.yaml", "--out", folder,
                    "--set", "workload.input_tokens=200", "--set", "workload.output_tokens=10",
                    "--set", "load.concurrency=[1, 128]", "--set", "load.requests_per_slot=1",
                    "--set", "load.repeats=1"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const fs::path results = folder / "deepseek-v4-gb300-simulated";
  const json result = json::parse(read_file(results / "result.json"));
  EXPECT_EQ(result["simulated"], true);
  EXPECT_EQ(result["model"], "DeepSeek V4");
  EXPECT_EQ(result["levels"][1]["requests"]["completed"], 128);
  // An instrumented client reads 128 streams as late as it can.
  const ProcessResult verified =
      run_llmsweep({"verify", results, "--tolerance", LLMSWEEP_SANITIZED ? "5s" : "100ms"});
  EXPECT_EQ(verified.exit_code, 0) << verified.out << verified.err;
}

TEST(Run, AllLevelsInvalidIsAnErrorWhereThatIsAskedFor) {
  const fs::path folder = test_folder();
  write_file_atomically(folder / "profile.yaml",
                        "dialect: openai\n"  // which refuses ignore_eos
                        "tokens: {natural_mean: 12, natural_stddev: 1}\n"
                        "engine: {step: {base_ms: 1}, max_batch_size: 8}\n");
  write_file_atomically(
      folder / "spec.yaml",
      "name: test\nsystem: {gpus: 1}\nendpoint: {simulator: " + (folder / "profile.yaml").string() +
          "}\nworkload: {input_tokens: 50, output_tokens: 40}\n"
          "load: {concurrency: [1], requests_per_slot: 4, repeats: 1}\n");
  std::vector<std::string> words = {"run", folder / "spec.yaml", "--out", folder / "out"};
  const ProcessResult lenient = run_llmsweep(words);
  EXPECT_EQ(lenient.exit_code, 0) << lenient.err;
  EXPECT_THAT(lenient.out, HasSubstr("INVALID: the level's figures say nothing of the server"));
  EXPECT_THAT(lenient.err,
              HasSubstr("spec.yaml, once what makes level 1 INVALID is mended (above)\n"));
  words.push_back("--strict");
  const ProcessResult strict = run_llmsweep(words);
  EXPECT_EQ(strict.exit_code, 12) << strict.err;
  EXPECT_THAT(strict.err, HasSubstr("--strict: no level is valid\n"));
}

TEST(Run, MeasuresOnTheSimulatorAndLeavesEveryFile) {
  const fs::path folder = test_folder();
  const fs::path spec =
      write_spec(folder, "{concurrency: [1, 4], requests_per_slot: 3, repeats: 2}");
  const ProcessResult run = run_llmsweep({"run", spec, "--out", folder / "out"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("SIMULATED"));
  EXPECT_THAT(run.out, HasSubstr("at 100 ms p50 E2E: "));
  const fs::path results = folder / "out" / "test";
  EXPECT_TRUE(fs::exists(results / "figure.svg"));
  const json result = json::parse(read_file(results / "result.json"));
  EXPECT_EQ(result["simulated"], true);
  ASSERT_EQ(result["levels"].size(), 2u);
  const bool busy = !result["levels"][0]["valid"] || !result["levels"][1]["valid"];
  EXPECT_THAT(
      run.err,
      HasSubstr("s; next: llmsweep run " + spec.string() +
                (busy ? ", once what makes level"
                      : " --set 'load.concurrency=[8,16]', to find how many do not fit\n")));
  EXPECT_EQ(result["levels"][0]["requests"]["completed"], 6);
  EXPECT_EQ(result["levels"][1]["requests"]["completed"], 24);
  EXPECT_EQ(result["levels"][1]["requests"]["failed"], 0);
  EXPECT_EQ(result["levels"][1]["runs"].size(), 2u);

  // Every measured request is in the file once, with the tokens that were asked for.
  std::set<std::string> seen;
  for (const json& line : read_lines(results / "requests.jsonl").whole) {
    if (line["phase"] != "measured") continue;
    EXPECT_EQ(line["outcome"], "ok");
    EXPECT_EQ(line["output_tokens"], 20);
    EXPECT_TRUE(
        seen.insert(line["level"].dump() + "/" + line["repeat"].dump() + "/" + line["index"].dump())
            .second);
  }
  EXPECT_EQ(seen.size(), 30u);
}

ProcessResult recompute(const fs::path& folder, const fs::path& results) {
  return Process({"/usr/bin/python3", LLMSWEEP_SOURCE_DIR "/tests/python/recompute.py", results},
                 folder)
      .wait();
}

TEST(Run, EveryNumberOfTheResultFollowsFromTheRecords) {
  if (!fs::exists("/usr/bin/python3")) GTEST_SKIP() << "needs python3";
  const fs::path folder = test_folder();
  const fs::path spec =
      write_spec(folder, "{concurrency: [1, 3, 8], requests_per_slot: 4, repeats: 3}");
  ASSERT_EQ(run_llmsweep({"run", spec, "--out", folder / "out"}).exit_code, 0);
  const ProcessResult recomputed = recompute(folder, folder / "out" / "test");
  EXPECT_EQ(recomputed.exit_code, 0) << recomputed.out << recomputed.err;
  EXPECT_THAT(recomputed.out, HasSubstr("9 runs compared, 0 numbers differ"));
}

TEST(Run, MeasuresAConcurrencyForATime) {
  const fs::path folder = test_folder();
  const fs::path spec =
      write_spec(folder, "{concurrency: [1, 4], duration: 1s, warmup_per_slot: 1, repeats: 2}");
  ASSERT_EQ(
      run_llmsweep({"run", spec, "--out", folder / "out", "--set", "client.threads=2"}).exit_code,
      0);
  const ProcessResult planned = run_llmsweep({"check", spec});
  EXPECT_THAT(planned.out, HasSubstr("time       1s of each level are measured\n"
                                     "requests   at least 10 measured, 10 warm-up"));
  const fs::path results = folder / "out" / "test";
  struct Measured {
    int64_t first = std::numeric_limits<int64_t>::max();
    int64_t last = 0;
    int64_t count = 0;
    std::set<int64_t> slots;
  };
  std::map<std::string, Measured> runs;
  for (const json& line : read_lines(results / "requests.jsonl").whole) {
    if (line["phase"] != "measured") continue;
    Measured& run = runs[line["level"].dump() + "/" + line["repeat"].dump()];
    const auto at = line["scheduled_ns"].get<int64_t>();
    run.first = std::min(run.first, at);
    run.last = std::max(run.last, at);
    run.slots.insert(line["slot"].get<int64_t>());
    ++run.count;
  }
  ASSERT_EQ(runs.size(), 4u);
  for (const auto& [name, run] : runs) {
    EXPECT_GT(run.count, 3 * static_cast<int64_t>(run.slots.size())) << name;
    EXPECT_LT(run.last - run.first, 1'500'000'000) << name << ": as late as the first was sent";
    EXPECT_GT(run.last - run.first, 700'000'000) << name << ": to the end of the time";
  }
  const ProcessResult verified = run_llmsweep({"verify", results});
  EXPECT_EQ(verified.exit_code, 0) << verified.out << verified.err;
  const ProcessResult recomputed = recompute(folder, results);
  EXPECT_EQ(recomputed.exit_code, 0) << recomputed.out << recomputed.err;
  EXPECT_THAT(recomputed.out, HasSubstr("4 runs compared, 0 numbers differ"));
  const ProcessResult again =
      run_llmsweep({"run", spec, "--resume", results, "--set", "client.threads=2"});
  EXPECT_THAT(again.err, HasSubstr("nothing is left to measure"));
}

// Many more than are made before the run, which has to go on making them.
TEST(Run, MeasuresForATimeHoweverManyRequestsThatTakes) {
  const fs::path folder = test_folder();
  const fs::path spec =
      write_spec(folder, "{concurrency: 4, duration: 1500ms, warmup_per_slot: 1, repeats: 1}", 2);
  ASSERT_EQ(run_llmsweep({"run", spec, "--out", folder / "out"}).exit_code, 0);
  std::vector<int64_t> starts;
  for (const json& line : read_lines(folder / "out" / "test" / "requests.jsonl").whole) {
    if (line["phase"] == "measured") starts.push_back(line["scheduled_ns"].get<int64_t>());
  }
  ASSERT_GT(starts.size(), 150u);
  const auto [first, last] = std::minmax_element(starts.begin(), starts.end());
  EXPECT_GT(*last - *first, 1'300'000'000);
}

constexpr const char* kRates =
    "{rate: [40, 80, 400], warmup: 0.5s, measure: 1s, drain: 30s, repeats: 2}";

TEST(Run, MeasuresRatesByOneScheduleARepeat) {
  const fs::path folder = test_folder();
  const fs::path spec = write_spec(folder, kRates);
  ASSERT_EQ(run_llmsweep({"run", spec, "--out", folder / "a"}).exit_code, 0);
  ASSERT_EQ(run_llmsweep({"run", spec, "--out", folder / "b", "--set", "load.rate=[80]"}).exit_code,
            0);
  const json result = json::parse(read_file(folder / "a" / "test" / "result.json"));
  const json other = json::parse(read_file(folder / "b" / "test" / "result.json"));
  ASSERT_EQ(result["levels"].size(), 3u);
  const json& level = result["levels"][1];
  EXPECT_EQ(level["concurrency"], nullptr);
  EXPECT_EQ(level["load_point"], "r80");
  const auto schedule = [](const json& of_level, int repeat) {
    return of_level["runs"][repeat]["open_loop"]["schedule_sha256"];
  };
  EXPECT_EQ(schedule(level, 0), schedule(other["levels"][0], 0)) << "whoever serves it";
  EXPECT_EQ(schedule(level, 1), schedule(other["levels"][0], 1));
  EXPECT_NE(schedule(level, 0), schedule(level, 1));
  EXPECT_NE(level["open_loop"]["state"], "overloaded");
  EXPECT_TRUE(level["e2e_ms"]["p50"].is_number());

  const json& beyond = result["levels"][2];
  EXPECT_EQ(beyond["open_loop"]["state"], "overloaded");
  EXPECT_EQ(beyond["e2e_ms"]["p50"], nullptr);
  EXPECT_GT(beyond["growth_rps"], 100);
  EXPECT_LT(beyond["served_rps"], 250);

  const std::vector<json> lines = read_lines(folder / "a" / "test" / "requests.jsonl").whole;
  std::map<std::string, int64_t> measured;
  for (const json& line : lines) {
    EXPECT_EQ(line["level"], nullptr);
    if (line["phase"] == "measured") ++measured[line["load_point"]];
  }
  for (const json& of_level : result["levels"]) {
    EXPECT_EQ(measured[of_level["load_point"]], of_level["open_loop"]["scheduled"]);
  }
  const ProcessResult verified = run_llmsweep({"verify", folder / "a" / "test"});
  EXPECT_EQ(verified.exit_code, 0) << verified.out << verified.err;
}

TEST(Run, EveryNumberOfARateFollowsFromTheRecords) {
  if (!fs::exists("/usr/bin/python3")) GTEST_SKIP() << "needs python3";
  const fs::path folder = test_folder();
  const fs::path spec = write_spec(folder, kRates);
  ASSERT_EQ(run_llmsweep({"run", spec, "--out", folder / "out"}).exit_code, 0);
  const ProcessResult recomputed = recompute(folder, folder / "out" / "test");
  EXPECT_EQ(recomputed.exit_code, 0) << recomputed.out << recomputed.err;
  EXPECT_THAT(recomputed.out, HasSubstr("6 runs compared, 0 numbers differ"));
  const std::string before = read_file(folder / "out" / "test" / "result.json");
  ASSERT_EQ(run_llmsweep({"rebuild", folder / "out" / "test"}).exit_code, 0);
  EXPECT_EQ(json::parse(read_file(folder / "out" / "test" / "result.json"))["levels"],
            json::parse(before)["levels"]);
}

// A burst of twice the capacity between two steps that are carried.
constexpr const char* kChangingRate =
    "{profile: [{for: 1s, rate: 40}, {for: 1s, from: 40, to: 600}, {for: 1s, rate: 0}, "
    "{for: 1s, rate: 60}], warmup: 0.5s, drain: 30s, repeats: 2}";

TEST(Run, MeasuresAProfileStepByStepAndAsAWhole) {
  const fs::path folder = test_folder();
  const fs::path spec = write_spec(folder, kChangingRate);
  ASSERT_EQ(run_llmsweep({"run", spec, "--out", folder / "out"}).exit_code, 0);
  const json result = json::parse(read_file(folder / "out" / "test" / "result.json"));
  ASSERT_EQ(result["levels"].size(), 1u);
  const json& whole = result["levels"][0];
  EXPECT_EQ(whole["load_point"], "p105");
  EXPECT_EQ(result["rates_at_target"], json::array());
  ASSERT_EQ(result["profile"].size(), 4u);
  int64_t scheduled = 0;
  for (const json& step : result["profile"]) {
    EXPECT_EQ(step["level"]["load_point"], "p105");
    ASSERT_EQ(step["level"]["runs"].size(), 2u);
    scheduled += step["level"]["open_loop"]["scheduled"].get<int64_t>();
  }
  EXPECT_EQ(whole["open_loop"]["scheduled"], scheduled) << "each request is of one step";
  const json& ramp = result["profile"][1];
  EXPECT_EQ(ramp["from_s"], 1);
  EXPECT_EQ(ramp["to_s"], 2);
  EXPECT_EQ(ramp["rate_from"], 40);
  EXPECT_EQ(ramp["rate_to"], 600);
  EXPECT_EQ(ramp["level"]["open_loop"]["state"], "overloaded");
  EXPECT_EQ(ramp["level"]["e2e_ms"]["p50"], nullptr);
  const json& pause = result["profile"][2]["level"];
  EXPECT_EQ(pause["requests"]["completed"], 0);
  EXPECT_EQ(pause["valid"], true) << "nothing was to come";
  EXPECT_GT(pause["served_rps"], 0) << "what had piled up";
  EXPECT_TRUE(whole["e2e_ms"]["p50"].is_number());
  const ProcessResult shown = run_llmsweep({"show", folder / "out" / "test"});
  EXPECT_THAT(shown.out, HasSubstr("rate profile"));
  EXPECT_THAT(shown.out, HasSubstr("1–2 s: 40 → 600"));
  const ProcessResult verified = run_llmsweep({"verify", folder / "out" / "test"});
  EXPECT_EQ(verified.exit_code, 0) << verified.out << verified.err;
  const std::string before = read_file(folder / "out" / "test" / "result.json");
  ASSERT_EQ(run_llmsweep({"rebuild", folder / "out" / "test"}).exit_code, 0);
  EXPECT_EQ(json::parse(read_file(folder / "out" / "test" / "result.json"))["profile"],
            json::parse(before)["profile"]);
  const ProcessResult recomputed = recompute(folder, folder / "out" / "test");
  EXPECT_EQ(recomputed.exit_code, 0) << recomputed.out << recomputed.err;
  EXPECT_THAT(recomputed.out, HasSubstr("10 runs compared, 0 numbers differ"));
}

TEST(Run, EndsARateThatFillsItsGuardAsOverloaded) {
  const fs::path folder = test_folder();
  const fs::path spec = write_spec(folder,
                                   "{rate: 400, warmup: 0.2s, measure: 30s, max_in_flight: 50, "
                                   "repeats: 1}");
  const ProcessResult run = run_llmsweep({"run", spec, "--out", folder / "out"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  const json result = json::parse(read_file(folder / "out" / "test" / "result.json"));
  const json& level = result["levels"][0];
  EXPECT_EQ(level["open_loop"]["overload"], "max_in_flight");
  EXPECT_EQ(level["open_loop"]["state"], "overloaded");
  EXPECT_EQ(level["e2e_ms"]["p50"], nullptr);
  for (const json& reason : level["invalid_reasons"]) {
    EXPECT_NE(reason, "errors");
    EXPECT_NE(reason, "too_few_requests");
  }
  EXPECT_EQ(run_llmsweep({"verify", folder / "out" / "test"}).exit_code, 0);
}

// Stopped for 2 s: whatever was due meanwhile is sent late, which the level says, and none is lost.
TEST(Run, ARateWhoseClientStoodStillIsInvalidAndLosesNoArrival) {
  const fs::path folder = test_folder();
  EndpointProcess endpoint(folder / "endpoint", "engine: {step: {base_ms: 1}}\n");
  write_file_atomically(folder / "spec.yaml",
                        "name: test\nsystem: {gpus: 1}\nendpoint: {url: " + endpoint.url() +
                            "}\nworkload: {input_tokens: 20, output_tokens: 5}\n"
                            "load: {rate: 50, warmup: 0.5s, measure: 6s, repeats: 1}\n");
  const fs::path results = folder / "out" / "test";
  Process run({LLMSWEEP_BINARY, "run", folder / "spec.yaml", "--out", folder / "out"}, folder);
  const auto measuring = [&] { return read_lines(results / "requests.jsonl").whole.size() > 60; };
  ASSERT_TRUE(eventually(measuring));
  run.signal(SIGSTOP);
  std::this_thread::sleep_for(std::chrono::seconds(2));
  run.signal(SIGCONT);
  run.wait();
  const json level = json::parse(read_file(results / "result.json"))["levels"][0];
  EXPECT_EQ(level["valid"], false);
  EXPECT_THAT(level["invalid_reasons"].get<std::vector<std::string>>(),
              ::testing::Contains("send_lateness"));
  int64_t measured = 0;
  int64_t late = 0;
  for (const json& line : read_lines(results / "requests.jsonl").whole) {
    if (line["phase"] != "measured") continue;
    ++measured;
    EXPECT_EQ(line["outcome"], "ok");
    late += line["sent_ns"].get<int64_t>() - line["scheduled_ns"].get<int64_t>() > 100'000'000;
  }
  EXPECT_EQ(measured, level["open_loop"]["scheduled"]);
  EXPECT_GT(late, 50) << "of about 95 in 1.9 s";
  EXPECT_GT(level["e2e_ms"]["p95"], 1000) << "and their wait is in the latency";
}

// What the endpoint's own log says of a rate: every arrival came, each at its instant or later, and
// they went on at the same rate until the last measured request had ended, a second after the
// window, or that request would have found an emptying server.
TEST(Run, ARateGoesOnInTheEndpointsLogUntilItsLastMeasuredRequestHasEnded) {
  const fs::path folder = test_folder();
  EndpointProcess endpoint(folder / "endpoint", "engine: {step: {base_ms: 50}}\n");
  write_file_atomically(folder / "spec.yaml",
                        "name: test\nsystem: {gpus: 1}\nendpoint: {url: " + endpoint.url() +
                            "}\nworkload: {input_tokens: 20, output_tokens: 20}\n"
                            "load: {rate: 50, arrivals: {process: constant}, warmup: 0.4s, "
                            "measure: 1s, drain: 30s, repeats: 1}\n");
  const fs::path results = folder / "out" / "test";
  const ProcessResult ran = run_llmsweep({"run", folder / "spec.yaml", "--out", folder / "out"});
  ASSERT_THAT(ran.exit_code, ::testing::AnyOf(0, 5)) << ran.err;
  const json open =
      json::parse(read_file(results / "result.json"))["levels"][0]["runs"][0]["open_loop"];
  std::vector<int64_t> scheduled, sent;
  int64_t last_measured_end = 0;
  for (const json& line : read_lines(results / "requests.jsonl").whole) {
    scheduled.push_back(line["scheduled_ns"]);
    sent.push_back(line["sent_ns"]);
    if (line["phase"] == "measured") {
      last_measured_end = std::max(last_measured_end, line["end_ns"].get<int64_t>());
    }
  }
  std::sort(scheduled.begin(), scheduled.end());
  std::sort(sent.begin(), sent.end());
  std::vector<int64_t> arrived;
  for (const TruthRecord& record : endpoint.truth()) {
    if (to_ns(record.arrival) >= sent.front()) arrived.push_back(to_ns(record.arrival));
  }
  std::sort(arrived.begin(), arrived.end());
  ASSERT_EQ(arrived.size(), sent.size()) << "all that was sent, and nothing else";
  for (size_t i = 0; i < sent.size(); ++i) {
    EXPECT_GE(arrived[i], sent[i]);
    EXPECT_GE(arrived[i], scheduled[i]);
    if (i > 0) {
      EXPECT_EQ(scheduled[i] - scheduled[i - 1], 20'000'000) << "none is left out";
    }
  }
  const int64_t window_end = open["window_to_ns"];
  EXPECT_GT(last_measured_end, window_end + 900'000'000) << "20 steps of 50 ms";
  EXPECT_GT(scheduled.back(), last_measured_end - 20'000'000 - 1) << "the one before is the last";
  const auto after = std::count_if(arrived.begin(), arrived.end(), [&](int64_t at) {
    return at >= window_end && at < last_measured_end;
  });
  EXPECT_GE(after, 44) << "50 a second for a second: none but those on their way are missing";
  const ProcessResult verified = run_llmsweep(
      {"verify", results, "--truth", folder / "endpoint" / "truth.jsonl", "--tolerance", "30s"});
  EXPECT_EQ(verified.exit_code, 0) << verified.out << verified.err;
}

TEST(Run, SeveralEventLoopsGiveTheSameRequestsAndTokens) {
  const fs::path folder = test_folder();
  const fs::path spec =
      write_spec(folder, "{concurrency: [7], requests_per_slot: 3, repeats: 1, fillers: false}");
  std::vector<std::string> lines_of[2];
  for (const int threads : {1, 4}) {
    const fs::path out = folder / std::to_string(threads);
    ASSERT_EQ(run_llmsweep(
                  {"run", spec, "--out", out, "--set", "client.threads=" + std::to_string(threads)})
                  .exit_code,
              0);
    for (const json& line : read_lines(out / "test" / "requests.jsonl").whole) {
      json what;
      for (const char* key :
           {"index", "slot", "phase", "outcome", "input_tokens", "output_tokens"}) {
        what[key] = line[key];
      }
      lines_of[threads == 4].push_back(what.dump());
    }
  }
  for (auto& lines : lines_of) std::sort(lines.begin(), lines.end());
  EXPECT_EQ(lines_of[0].size(), 28u);
  EXPECT_EQ(lines_of[0], lines_of[1]);
}

TEST(Run, RefineBisectsTheBracketOfUsers) {
  const fs::path folder = test_folder();
  const fs::path spec =
      write_spec(folder, "{concurrency: [1, 32], requests_per_slot: 2, repeats: 1, refine: true}");
  const ProcessResult run = run_llmsweep({"run", spec, "--out", folder / "out"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const json result = json::parse(read_file(folder / "out" / "test" / "result.json"));
  const json& users = result["users_at_target"][0];
  if (users["kind"] != "measured" && run.out.find("INVALID") != std::string::npos) {
    GTEST_SKIP() << "busy: a level of the bracket is INVALID\n" << run.out;
  }
  ASSERT_EQ(users["kind"], "measured") << users.dump();
  // Narrow enough, or every level inside was run (and was invalid, on a noisy machine).
  const int pass = users["c_pass"];
  const int fail = users["c_fail"];
  std::set<int> run_levels;
  for (const json& level : result["levels"]) run_levels.insert(level["concurrency"].get<int>());
  for (int c = pass + 1; c < fail && fail > 1.1 * pass; ++c) {
    EXPECT_TRUE(run_levels.contains(c)) << c << " was not tried: " << users.dump();
  }
  EXPECT_GT(result["levels"].size(), 4u);
}

TEST(Run, StopsBeforeMeasuringWhereTheServerCountsOddLengthsOneTooHigh) {
  const fs::path folder = test_folder();
  const fs::path spec = write_spec(folder, "{concurrency: [1], requests_per_slot: 1, repeats: 1}");
  const std::vector<std::string> words = {"run",          spec,    "--out",
                                          folder / "out", "--set", "workload.tokenizer=server"};
  ASSERT_EQ(run_llmsweep(words).exit_code, 0) << "the same server, counting right";
  fs::remove_all(folder / "out");
  write_file_atomically(
      folder / "profile.yaml",
      read_file(folder / "profile.yaml") + "faults:\n  - {kind: odd_usage, probability: 1}\n");
  const ProcessResult run = run_llmsweep(words);
  EXPECT_EQ(run.exit_code, 1) << run.out;
  EXPECT_THAT(run.err, HasSubstr("client and server do not count tokens alike"));
  EXPECT_THAT(run.err, HasSubstr("probe 1: 16 by the tokenizer, 24 by the server; "
                                 "probe 2: 47 by the tokenizer, 54 by the server"));
  EXPECT_THAT(run.err, HasSubstr("the server's own /tokenize"));
  EXPECT_FALSE(fs::exists(folder / "out" / "test")) << "nothing was measured";
}

TEST(Check, IsContentWithAnswersThatAreCountedButHaveNoText) {
  struct Case {
    const char* profile;
    const char* what;  // shows that there was an answer
  };
  for (const auto& [profile, what] :
       {Case{"wire: {silent_tokens: 1}\n", "text"}, Case{"wire: {silent_tokens: 20}\n", "usage"},
        Case{"wire: {silent_tokens: 20}\nfaults:\n  - {kind: missing_usage, probability: 1}\n",
             "finish_reason length"},
        Case{"dialect: llamacpp\nwire: {silent_tokens: 20}\n", "no chunk at all"}}) {
    const fs::path folder = test_folder();
    const fs::path spec =
        write_spec(folder, "{concurrency: [1], requests_per_slot: 1, repeats: 1}", 100);
    write_file_atomically(folder / "profile.yaml", read_file(folder / "profile.yaml") + profile);
    const ProcessResult check = run_llmsweep({"check", spec, "--format", "json"});
    ASSERT_EQ(check.exit_code, 0) << what << check.err;
    // Chunks that a busy machine reads together look as if they had come fast.
    const bool measured = eventually(
        [&] {
          const ProcessResult again = run_llmsweep({"check", spec, "--format", "json"});
          return json::parse(again.out)["request_alone_ms"] > 150;  // a step takes 2.1 ms
        },
        0.2);
    EXPECT_TRUE(measured) << what << check.out;
    const bool said = check.out.find("have no text in their 16 tokens") != std::string::npos;
    EXPECT_EQ(said, std::string(what) != "text") << check.out;
  }
}

TEST(Check, RefusesAnAnswerWithNeitherTextNorCount) {
  const fs::path folder = test_folder();
  const fs::path spec = write_spec(folder, "{concurrency: [1], requests_per_slot: 1, repeats: 1}");
  write_file_atomically(folder / "profile.yaml",
                        read_file(folder / "profile.yaml") +
                            "dialect: sglang\n"
                            "faults:\n  - {kind: early_end, probability: 1, after_chunks: 0}\n");
  const ProcessResult check = run_llmsweep({"check", spec});
  EXPECT_EQ(check.exit_code, 1) << check.out;
  EXPECT_THAT(check.err,
              HasSubstr("no tokens: the stream ended without model output (finish_reason stop)"));
}

TEST(Run, SaysWhichKeysItDoesNotActOn) {
  const fs::path folder = test_folder();
  const fs::path spec = write_spec(folder, "{concurrency: [1], requests_per_slot: 1, repeats: 1}");
  const ProcessResult run =
      run_llmsweep({"run", spec, "--out", folder / "out", "--set", "load.repeats_max=2"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.err, HasSubstr("load.repeats_max adds repeats where --gate"));
}

TEST(Run, NeverOverwritesAnEarlierResult) {
  const fs::path folder = test_folder();
  const fs::path spec = write_spec(folder, "{concurrency: [1], requests_per_slot: 1, repeats: 1}");
  ASSERT_EQ(run_llmsweep({"run", spec, "--out", folder / "out"}).exit_code, 0);
  const std::string first = read_file(folder / "out" / "test" / "result.json");
  const ProcessResult again = run_llmsweep({"run", spec, "--out", folder / "out"});
  EXPECT_EQ(again.exit_code, 0);
  EXPECT_THAT(again.err, HasSubstr("test-2"));
  EXPECT_EQ(read_file(folder / "out" / "test" / "result.json"), first);
  EXPECT_TRUE(fs::exists(folder / "out" / "test-2" / "result.json"));
}

TEST(Run, SetOverridesAKeyAndDryRunSendsNothing) {
  const fs::path folder = test_folder();
  const fs::path spec = write_spec(folder, "{concurrency: [1]}");
  const ProcessResult dry =
      run_llmsweep({"run", spec, "--dry-run", "--out", folder / "out", "--set",
                    "load.concurrency=[3, 5]", "--set", "load.repeats=7"});
  EXPECT_EQ(dry.exit_code, 0) << dry.err;
  EXPECT_THAT(dry.out, HasSubstr("concurrency 3, 5; 7 repeats"));
  EXPECT_FALSE(fs::exists(folder / "out"));
  EXPECT_EQ(run_llmsweep({"run", spec, "--dry-run", "--set", "load.concurency=1"}).exit_code, 2);
}

TEST(Run, KillingItLosesAtMostTheLineThatWasBeingWritten) {
  const fs::path folder = test_folder();
  const fs::path spec =
      write_spec(folder, "{concurrency: [8], requests_per_slot: 1000, repeats: 1}");
  Process process({LLMSWEEP_BINARY, "run", spec, "--out", folder / "out"}, folder);
  const fs::path records = folder / "out" / "test" / "requests.jsonl";
  ASSERT_TRUE(eventually([&] { return read_lines(records).whole.size() > 50; }));
  process.signal(SIGKILL);
  EXPECT_EQ(process.wait().exit_code, 128 + SIGKILL);
  const ReadLines lines = read_lines(records);  // parses every whole line
  EXPECT_GT(lines.whole.size(), 50u);
  std::set<int> indices;
  for (const json& line : lines.whole) EXPECT_TRUE(indices.insert(line["index"].get<int>()).second);
}

TEST(Run, AFullDiskEndsItWithEverythingMeasuredShown) {
  const fs::path folder = test_folder();
  const fs::path disk = folder / "disk";
  fs::create_directories(disk);
  if (std::system(("mount -t tmpfs -o size=64k tmpfs " + disk.string() + " 2>/dev/null").c_str()) !=
      0) {
    GTEST_SKIP() << "may not mount a small tmpfs here";
  }
  const fs::path spec =
      write_spec(folder, "{concurrency: [8], requests_per_slot: 1000, repeats: 1}", 5);
  const ProcessResult run = run_llmsweep({"run", spec, "--out", disk});
  const ReadLines lines = read_lines(disk / "test" / "requests.jsonl");
  const json result = json::parse(read_file(disk / "test" / "result.json"));  // old, and whole
  EXPECT_EQ(std::system(("umount " + disk.string()).c_str()), 0);
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.err, HasSubstr("No space left on device"));
  EXPECT_THAT(run.out, HasSubstr("median E2E"));
  EXPECT_GT(lines.whole.size(), 20u);
  EXPECT_EQ(result["name"], "test");
}

TEST(Run, OneInterruptFinishesWhatIsInFlightAndWritesAResult) {
  const fs::path folder = test_folder();
  const fs::path spec =
      write_spec(folder, "{concurrency: [4], requests_per_slot: 1000, repeats: 1}");
  Process process({LLMSWEEP_BINARY, "run", spec, "--out", folder / "out"}, folder);
  const fs::path results = folder / "out" / "test";
  ASSERT_TRUE(eventually([&] { return read_lines(results / "requests.jsonl").whole.size() > 20; }));
  process.signal(SIGINT);
  const ProcessResult stopped = process.wait();
  EXPECT_EQ(stopped.exit_code, 130);
  EXPECT_THAT(stopped.err, HasSubstr("Ctrl-C again stops at once. To go on: llmsweep run " +
                                     spec.string() + " --resume " + results.string() + "\n"));
  const json result = json::parse(read_file(results / "result.json"));
  EXPECT_EQ(result["interrupted"], true);
  EXPECT_EQ(result["levels"][0]["valid"], false);
  const ReadLines lines = read_lines(results / "requests.jsonl");
  EXPECT_TRUE(lines.last_is_whole);
  int measured = 0;
  for (const json& line : lines.whole) {
    if (line["phase"] == "measured") {
      EXPECT_EQ(line["outcome"], "ok");
      ++measured;
    }
  }
  EXPECT_EQ(result["levels"][0]["requests"]["completed"], measured);
}

TEST(Run, TwoInterruptsStopAtOnce) {
  const fs::path folder = test_folder();
  // One request takes 20 s: nothing could finish by itself.
  const fs::path spec =
      write_spec(folder, "{concurrency: [4], requests_per_slot: 10, warmup_per_slot: 0}", 10'000);
  Process process({LLMSWEEP_BINARY, "run", spec, "--out", folder / "out"}, folder);
  const fs::path results = folder / "out" / "test";
  ASSERT_TRUE(
      eventually([&] { return process.err_so_far().find("4 in flight") < std::string::npos; }));
  process.signal(SIGINT);
  ASSERT_TRUE(eventually([&] { return process.has_taken(SIGINT); }));
  process.signal(SIGINT);
  const ProcessResult ended = process.wait();
  EXPECT_EQ(ended.exit_code, 130) << ended.err;
  for (const json& line : read_lines(results / "requests.jsonl").whole) {
    EXPECT_EQ(line["outcome"], "cancelled");
  }
  EXPECT_EQ(json::parse(read_file(results / "result.json"))["interrupted"], true);
  // Nobody is sent to the server's log for what the user broke off.
  EXPECT_THAT(ended.out, Not(HasSubstr("max_error_rate"))) << ended.out;
}

// A server that keeps prefixes must not be faster for the second run of a spec.
TEST(Run, SendsPromptsOfItsOwnThatComparesAsTheSameWorkload) {
  const fs::path folder = test_folder();
  const EndpointProcess endpoint(
      folder / "endpoint",
      "engine: {step: {base_ms: 2, per_prefill_token_us: 100}, max_batch_size: 8, "
      "prefix_cache: true}\n");
  write_file_atomically(
      folder / "spec.yaml",
      "name: test\nsystem: {gpus: 2}\nendpoint: {url: \"" + endpoint.url() +
          "\"}\nworkload: {input_tokens: 400, output_tokens: 10, tokenizer: "
          "server}\nload: {concurrency: [2], requests_per_slot: 10, repeats: 3}\n");
  json results[2];
  for (json& result : results) {
    const ProcessResult run =
        run_llmsweep({"run", folder / "spec.yaml", "--out", folder / "out", "--format", "json"});
    ASSERT_EQ(run.exit_code, 0) << run.err;
    result = json::parse(run.out);
    EXPECT_EQ(result["simulated"], true);  // by what the server says, though it is named by a URL
    int64_t input = 0;
    int64_t cached = 0;
    const std::string name = &result == results ? "test" : "test-2";
    for (const json& record : read_lines(folder / "out" / name / "requests.jsonl").whole) {
      if (record["input_tokens"].is_number()) input += record["input_tokens"].get<int64_t>();
      if (record["cached_tokens"].is_number()) cached += record["cached_tokens"].get<int64_t>();
    }
    EXPECT_GT(input, 400 * 60);
    // The template's first tokens, which all prompts share, are no whole block.
    EXPECT_LT(static_cast<double>(cached), 0.01 * static_cast<double>(input));
  }
  const json& first = results[0]["workload"];
  const json& second = results[1]["workload"];
  EXPECT_NE(first["nonce"], second["nonce"]);
  EXPECT_EQ(first["prompt_set_sha256"], second["prompt_set_sha256"]);
  const auto ttft = [](const json& result) {
    return result["levels"][0]["ttft_ms"]["p50"].get<double>();
  };
  EXPECT_GT(ttft(results[1]), 0.7 * ttft(results[0]));
  const ProcessResult compare =
      run_llmsweep({"compare", folder / "out" / "test", folder / "out" / "test-2"});
  EXPECT_EQ(compare.exit_code, 0) << compare.out << compare.err;
}

TEST(Run, OfANonceInWordsSendsTheSamePromptsAgain) {
  const fs::path folder = test_folder();
  const fs::path spec =
      write_spec(folder, "{concurrency: [1], requests_per_slot: 2, repeats: 1}", 4);
  const ProcessResult once = run_llmsweep({"prompts", spec, "--set", "workload.nonce=ci"});
  EXPECT_THAT(once.err, Not(HasSubstr("workload.nonce")));
  EXPECT_THAT(run_llmsweep({"prompts", spec}).err,
              HasSubstr("a run's begin with words that it draws (workload.nonce: auto)"));
  EXPECT_THAT(run_llmsweep({"prompts", spec, "--set", "workload.tokenizer=server"}).err,
              HasSubstr("the server's tokenizer, which is not asked here"));
  EXPECT_EQ(run_llmsweep({"prompts", spec, "--set", "workload.nonce=ci"}).out, once.out);
  EXPECT_NE(run_llmsweep({"prompts", spec, "--set", "workload.nonce=cj"}).out, once.out);
  const ProcessResult run = run_llmsweep(
      {"run", spec, "--out", folder / "out", "--set", "workload.nonce=ci", "--format", "json"});
  EXPECT_EQ(json::parse(run.out)["workload"]["nonce"], "ci");
}

}  // namespace
}  // namespace llmsweep
