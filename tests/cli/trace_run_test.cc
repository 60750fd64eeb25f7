// Recorded traffic, replayed with the real binary against the real simulator.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "cli/process.h"
#include "llmsweep/base/files.h"
#include "llmsweep/base/random.h"

namespace llmsweep {
namespace {
namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;

// 100 requests in 0.6 s, on a tree of blocks of 32 tokens, 4 at an instant.
std::string tree_trace() {
  Random random(1);
  std::vector<std::vector<int>> paths = {{}};
  std::string text;
  for (int i = 0, id = 0; i < 100; ++i) {
    std::vector<int> path = paths[random.below(paths.size())];
    path.resize(std::min<size_t>(path.size(), 5));
    for (uint64_t more = 1 + random.below(3); more > 0; --more) path.push_back(id++);
    const auto tokens = static_cast<int>(path.size() * 32 - random.below(20));
    text += json{{"timestamp", i / 4 * 25},
                 {"input_length", tokens},
                 {"output_length", 2 + i % 7},
                 {"block_size", 32},
                 {"hash_ids", path}}
                .dump() +
            "\n";
    paths.push_back(path);
  }
  return text;
}

// Of each row, in whole blocks of 16 and never all of it: what the rows before it begin with.
std::vector<int64_t> ideal_cached(const std::string& trace) {
  std::set<std::vector<int>> seen;
  std::vector<int64_t> ideal;
  std::istringstream lines(trace);
  for (std::string line; std::getline(lines, line);) {
    const json row = json::parse(line);
    std::vector<int> path;
    int64_t held = 0;
    for (const int id : row["hash_ids"]) {
      path.push_back(id);
      if (!seen.insert(path).second) held += 32;
    }
    ideal.push_back(std::min(held, row["input_length"].get<int64_t>() - 1) / 16 * 16);
  }
  return ideal;
}

fs::path write_replay(const fs::path& folder, const std::string& trace, const std::string& load) {
  write_file_atomically(folder / "profile.yaml",
                        "engine:\n  step: {base_ms: 1}\n  prefix_cache: true\n"
                        "  kv_block_tokens: 16\n");
  write_file_atomically(
      folder / "spec.yaml",
      fmt::format("name: test\nendpoint: {{simulator: {}}}\nworkload: {{tokenizer: server}}\n"
                  "load:\n  trace: {{file: {}, {}}}\n  {}\n",
                  (folder / "profile.yaml").string(), (folder / "trace.jsonl").string(), trace,
                  load));
  return folder / "spec.yaml";
}

json replay_result(const fs::path& results) {
  return json::parse(read_file(results / "result.json"));
}

std::vector<json> replay_records(const fs::path& results) {
  std::vector<json> records;
  std::istringstream lines(read_file(results / "requests.jsonl"));
  for (std::string line; std::getline(lines, line);) records.push_back(json::parse(line));
  return records;
}

TEST(TraceRun, ReplaysATraceWithThePrefixesThatItsBlocksShare) {
  const fs::path folder = test_folder();
  write_file_atomically(folder / "trace.jsonl", tree_trace());
  const fs::path spec = write_replay(folder, "share: [0.5, 1]",
                                     "warmup: 0s\n  measure: 500ms\n  drain: 5s\n  repeats: 1");
  const ProcessResult run = run_llmsweep({"run", spec, "--out", folder / "out"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out, AllOf(HasSubstr("replay of trace.jsonl: 100 requests in 1s"),
                             HasSubstr("levels are by share"), HasSubstr("offered")));
  const fs::path results = folder / "out" / "test";
  const json result = replay_result(results);
  ASSERT_EQ(result["levels"].size(), 2u);
  EXPECT_EQ(result["levels"][0]["load_point"], "t0.5");
  EXPECT_EQ(result["levels"][1]["load_point"], "t1");
  EXPECT_EQ(result["trace"]["requests"], 100);
  EXPECT_EQ(result["users_at_target"], json::array());

  // What the server's cache had is what the rows before it have shared, to a block of its own a
  // request: the template's tokens shift blocks against those of the trace.
  std::map<int, json> rows;
  const std::vector<int64_t> ideal = ideal_cached(tree_trace());
  int64_t all = 0;
  for (const json& record : replay_records(results)) {
    const bool at_full_scale = record["load_point"] == "t1";
    if (at_full_scale) rows[record["index"]] = record;
    // Of those after the window some are in flight when its last request has ended.
    if (record["phase"] == "filler" && record["outcome"] == "cancelled") continue;
    EXPECT_EQ(record["outcome"], "ok");
    EXPECT_EQ(record["input_tokens"], record["planned_input_tokens"]);
    EXPECT_EQ(record["output_tokens"], record["planned_output_tokens"]);
    if (!at_full_scale) continue;
    const auto beyond =
        record["cached_tokens"].get<int64_t>() - ideal[record["index"].get<size_t>()];
    EXPECT_LE(beyond, 16) << record["index"];
    all += beyond;
  }
  EXPECT_GT(all, -16 * static_cast<int64_t>(rows.size()));

  // Every row at its instant, with its lengths, and none is lost.
  const std::string text = tree_trace();
  const int64_t start = rows.at(0)["scheduled_ns"].get<int64_t>();
  std::istringstream lines(text);
  std::string line;
  for (int i = 0; std::getline(lines, line) && rows.contains(i); ++i) {
    const json row = json::parse(line);
    EXPECT_EQ(rows[i]["scheduled_ns"].get<int64_t>() - start,
              row["timestamp"].get<int64_t>() * 1'000'000);
    EXPECT_EQ(rows[i]["planned_input_tokens"], row["input_length"]);
    EXPECT_EQ(rows[i]["planned_output_tokens"], row["output_length"]);
  }
  EXPECT_GE(rows.size(), 80u) << "those of the window";

  const ProcessResult verified = run_llmsweep({"verify", results, "--tolerance", "30s"});
  EXPECT_EQ(verified.exit_code, 0) << verified.out << verified.err;
  fs::remove(folder / "trace.jsonl");
  const ProcessResult rebuilt = run_llmsweep({"rebuild", results});
  EXPECT_EQ(rebuilt.exit_code, 0) << rebuilt.err;
  EXPECT_EQ(replay_result(results)["levels"], result["levels"]);
  if (!fs::exists("/usr/bin/python3")) GTEST_SKIP() << "needs python3";
  const ProcessResult recomputed =
      Process({"/usr/bin/python3", LLMSWEEP_SOURCE_DIR "/tests/python/recompute.py", results},
              folder)
          .wait();
  EXPECT_EQ(recomputed.exit_code, 0) << recomputed.out << recomputed.err;
  EXPECT_THAT(recomputed.out, HasSubstr("2 runs compared, 0 numbers differ"));
}

// Runs must not find in the cache what runs before them put there.
TEST(TraceRun, RepeatsAndCopiesShareNoBlocks) {
  const fs::path folder = test_folder();
  write_file_atomically(folder / "trace.jsonl", tree_trace());
  const fs::path spec = write_replay(folder, "copies: [1, 2]",
                                     "warmup: 0s\n  measure: 500ms\n  drain: 5s\n  repeats: 2");
  const ProcessResult run = run_llmsweep({"run", spec, "--out", folder / "out"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const json result = replay_result(folder / "out" / "test");
  const double ideal = result["trace"]["ideal_cached_share"].get<double>();
  for (const json& level : result["levels"]) {
    for (const json& of_run : level["runs"]) {
      const double share =
          of_run["cached_tokens_mean"].get<double>() / of_run["input_tokens_mean"].get<double>();
      EXPECT_LT(share, ideal + 0.08) << level["load_point"];
      EXPECT_GT(share, ideal - 0.25);
    }
    EXPECT_EQ(level["runs"][0]["open_loop"]["schedule_sha256"],
              level["runs"][1]["open_loop"]["schedule_sha256"]);
  }
  EXPECT_EQ(result["levels"][1]["runs"][0]["open_loop"]["scheduled"].get<int>() > 100, true);
}

// 30 sessions of 1 to 4 turns, one each 20 ms; turns are recorded 10 ms apart and think 15 ms.
std::string session_trace() {
  std::string text;
  for (int session = 0; session < 30; ++session) {
    for (int turn = 0; turn <= session % 4; ++turn) {
      json row = {{"session_id", "s" + std::to_string(session)},
                  {"input_length", 40 + 20 * turn},
                  {"output_length", 5}};
      row[turn == 0 ? "timestamp" : "delay"] = turn == 0 ? 20 * session : 15;
      text += row.dump() + "\n";
    }
  }
  return text;
}

TEST(TraceRun, ClosedSessionsWaitForTheirAnswersAndThink) {
  const fs::path folder = test_folder();
  write_file_atomically(folder / "trace.jsonl", session_trace());
  const fs::path spec =
      write_replay(folder, "share: 1", "warmup: 50ms\n  measure: 450ms\n  drain: 5s\n  repeats: 1");
  const ProcessResult run = run_llmsweep({"run", spec, "--out", folder / "out"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out,
              AllOf(HasSubstr("sessions closed: a turn comes after the answer before it and a "
                              "time to think"),
                    HasSubstr("0.0150 s to think")));
  const fs::path results = folder / "out" / "test";
  const json result = replay_result(results);
  EXPECT_EQ(result["trace"]["session_mode"], "closed");
  EXPECT_EQ(result["trace"]["think_source"], "told");
  EXPECT_EQ(result["trace"]["think_cap_s"], nullptr);
  if (result["levels"][0]["open_loop"]["state"] == "overloaded")
    GTEST_SKIP() << "busy: " << run.out;
  const json& sessions = result["levels"][0]["sessions"];
  EXPECT_GT(sessions["ended"].get<int>(), 0);
  EXPECT_EQ(sessions["broken"], 0);
  EXPECT_EQ(sessions["users_by_law"], nullptr);
  ASSERT_FALSE(sessions["turns"].empty());
  EXPECT_EQ(sessions["turns"].back()["to"], 0);
  std::map<int, std::map<int, json>> turns;
  for (const json& record : replay_records(results))
    turns[record["session"]][record["turn"]] = record;
  int later = 0;
  for (const auto& [session, of_session] : turns) {
    for (const auto& [turn, record] : of_session) {
      EXPECT_EQ(record["turns_planned"], session % 4 + 1);
      EXPECT_EQ(record["planned_input_tokens"], 40 + 20 * (turn - 1));
      if (turn == 1) continue;
      ++later;
      EXPECT_EQ(record["think_ns"], 15'000'000);
      EXPECT_EQ(record["scheduled_ns"].get<int64_t>(),
                of_session.at(turn - 1)["end_ns"].get<int64_t>() + 15'000'000);
    }
  }
  EXPECT_GT(later, 5);
  const ProcessResult verified = run_llmsweep({"verify", results, "--tolerance", "30s"});
  EXPECT_EQ(verified.exit_code, 0) << verified.out << verified.err;
  const ProcessResult rebuilt = run_llmsweep({"rebuild", results});
  EXPECT_EQ(rebuilt.exit_code, 0) << rebuilt.err;
  EXPECT_EQ(replay_result(results)["levels"], result["levels"]);

  // Open ones are another measurement.
  ASSERT_EQ(
      run_llmsweep({"run", spec, "--out", folder / "out", "--set", "load.trace.sessions=open"})
          .exit_code,
      0);
  const json open = replay_result(folder / "out" / "test-2");
  EXPECT_EQ(open["trace"]["session_mode"], "open");
  EXPECT_EQ(open["levels"][0]["sessions"], nullptr);
  EXPECT_NE(open["levels"][0]["runs"][0]["open_loop"]["schedule_sha256"],
            result["levels"][0]["runs"][0]["open_loop"]["schedule_sha256"]);
  EXPECT_EQ(run_llmsweep({"verify", folder / "out" / "test-2", "--tolerance", "30s"}).exit_code, 0);
  const ProcessResult compared = run_llmsweep({"compare", results, folder / "out" / "test-2"});
  EXPECT_NE(compared.exit_code, 0);
  EXPECT_THAT(compared.out + compared.err, HasSubstr("load.trace.sessions: closed"));

  if (!fs::exists("/usr/bin/python3")) GTEST_SKIP() << "needs python3";
  const ProcessResult recomputed =
      Process({"/usr/bin/python3", LLMSWEEP_SOURCE_DIR "/tests/python/recompute.py", results},
              folder)
          .wait();
  EXPECT_EQ(recomputed.exit_code, 0) << recomputed.out << recomputed.err;
  EXPECT_THAT(recomputed.out, HasSubstr("1 runs compared, 0 numbers differ"));
}

// Each failed turn ends its session.
TEST(TraceRun, AFailedTurnEndsItsSession) {
  const fs::path folder = test_folder();
  write_file_atomically(folder / "trace.jsonl", session_trace());
  const fs::path spec = write_replay(folder, "share: 1",
                                     "warmup: 0s\n  measure: 500ms\n  drain: 5s\n  repeats: 1\n  "
                                     "max_error_rate: 1");
  const std::string profile = read_file(folder / "profile.yaml");
  write_file_atomically(
      folder / "profile.yaml",
      profile +
          "faults: [{kind: status, status: 500, requests: [20, 25, 30, 35, 40, 45, 50, 55]}]\n");
  const ProcessResult run = run_llmsweep({"run", spec, "--out", folder / "out"});
  const fs::path results = folder / "out" / "test";
  ASSERT_TRUE(fs::exists(results / "result.json")) << run.err;
  const json sessions = replay_result(results)["levels"][0]["sessions"];
  EXPECT_GT(sessions["broken"].get<int>(), 0) << run.out;
  EXPECT_GT(sessions["turns_not_sent"].get<int>(), 0);
  const ProcessResult verified = run_llmsweep({"verify", results, "--tolerance", "30s"});
  EXPECT_EQ(verified.exit_code, 0) << verified.out << verified.err;
}

TEST(TraceRun, AnotherTraceIsAnotherMeasurement) {
  const fs::path folder = test_folder();
  write_file_atomically(folder / "trace.jsonl", tree_trace());
  const fs::path spec = write_replay(folder, "share: [0.5]",
                                     "warmup: 0s\n  measure: 500ms\n  drain: 5s\n  repeats: 1");
  ASSERT_EQ(run_llmsweep({"run", spec, "--out", folder / "out"}).exit_code, 0);
  ASSERT_EQ(run_llmsweep({"run", spec, "--out", folder / "out", "--set", "load.trace.spread=40ms"})
                .exit_code,
            0);
  const ProcessResult compared =
      run_llmsweep({"compare", folder / "out" / "test", folder / "out" / "test-2"});
  EXPECT_NE(compared.exit_code, 0);
  EXPECT_THAT(compared.out + compared.err, HasSubstr("load.trace"));

  // A resume does not go on with another file.
  std::string other = tree_trace();
  other.replace(other.find("\"output_length\":2"), 17, "\"output_length\":3");
  write_file_atomically(folder / "trace.jsonl", other);
  const std::string journal = read_file(folder / "out" / "test" / "sweep.jsonl");
  write_file_atomically(folder / "out" / "test" / "sweep.jsonl",
                        journal.substr(0, journal.rfind("{\"", journal.size() - 3)));
  const ProcessResult resumed = run_llmsweep({"run", spec, "--resume", folder / "out" / "test"});
  EXPECT_NE(resumed.exit_code, 0);
  EXPECT_THAT(resumed.err, HasSubstr("the trace's file is another than before"));
}

}  // namespace
}  // namespace llmsweep
