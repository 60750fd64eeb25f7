// `verify` of a sweep that was killed and resumed, against an endpoint that lived through it all.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "cli/endpoint_process.h"
#include "cli/quick_sweep.h"
#include "llmsweep/base/clock.h"
#include "llmsweep/base/text.h"

namespace llmsweep {
namespace {
namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

std::vector<std::string> kept_lines(const fs::path& path) {
  std::vector<std::string> lines = split(fs::exists(path) ? read_file(path) : "", '\n');
  lines.pop_back();
  return lines;
}

// Two kills, in the second run and in the resume's first, and a resume that comes to its end; or
// the first of them alone.
class KilledSweep {
 public:
  explicit KilledSweep(bool resumed = true)
      : folder_(test_folder()),
        endpoint_(folder_ / "endpoint", "engine: {step: {base_ms: 2, per_sequence_us: 50}}\n") {
    write_file_atomically(folder_ / "spec.yaml",
                          "name: test\nsystem: {gpus: 1}\nendpoint: {url: \"" + endpoint_.url() +
                              "\"}\nworkload: {input_tokens: 40, output_tokens: 12}\nload: "
                              "{concurrency: [2, 4], requests_per_slot: 20, repeats: 1}\n");
    start_and_kill({"--out", folder_ / "out"}, 56);
    if (!resumed) return;
    start_and_kill({"--resume", results()}, kept_lines(records()).size() + 24);
    const ProcessResult ended = run_llmsweep({"run", folder_ / "spec.yaml", "--resume", results()});
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    endpoint_.truth();  // completes it
  }

  fs::path results() const { return folder_ / "out" / "test"; }
  fs::path records() const { return results() / "requests.jsonl"; }
  // Who waits for a busy host gives it a wide margin.
  ProcessResult verify(const std::string& kill_margin) const {
    return run_llmsweep({"verify", results(), "--truth", folder_ / "endpoint" / "truth.jsonl",
                         "--tolerance", "30s", "--kill-margin", kill_margin, "--format", "json"});
  }
  // How long before the kill that followed the record's request ended.
  Duration before_the_kill(const json& record) const {
    const int64_t end = record["end_ns"];
    const auto kill = std::lower_bound(killed_ns_.begin(), killed_ns_.end(), end);
    return Duration(kill == killed_ns_.end() ? 0 : *kill - end);
  }
  // What verify says without the first of the records for which `wanted` holds, and that record.
  template <class Wanted>
  std::pair<json, std::string> verify_without(const Wanted& wanted) const {
    const std::string good = read_file(records());
    std::vector<std::string> lines = kept_lines(records());
    const auto dropped = std::find_if(lines.begin(), lines.end(),
                                      [&](const auto& line) { return wanted(json::parse(line)); });
    if (dropped == lines.end()) return {};
    const json record = json::parse(*dropped);
    lines.erase(dropped);
    write_file_atomically(records(), join(lines, "\n") + "\n");
    const ProcessResult result = verify("20ms");
    write_file_atomically(records(), good);
    EXPECT_EQ(result.exit_code, 1) << result.err;
    return {record, json::parse(result.out)["problems"].dump()};
  }

  // Each record for which `wanted` holds is taken away and has to be missed by its name, where it
  // ended before what a kill leaves unwritten.
  template <class Wanted>
  void expect_each_missed(const char* which, const Wanted& wanted) const {
    const std::string good = read_file(records());
    const std::vector<std::string> lines = kept_lines(records());
    std::string kept;
    std::vector<json> dropped;
    for (size_t i = 0; i < lines.size(); ++i) {
      const json record = json::parse(lines[i]);
      if (wanted(i, record)) {
        dropped.push_back(record);
      } else {
        kept += lines[i] + "\n";
      }
    }
    write_file_atomically(records(), kept);
    const ProcessResult result = verify("20ms");
    write_file_atomically(records(), good);
    EXPECT_EQ(result.exit_code, 1) << which << result.err;
    ASSERT_FALSE(result.out.empty()) << which << result.err;
    const std::string problems = json::parse(result.out)["problems"].dump();
    int named = 0;
    for (const json& record : dropped) {
      const Duration before = before_the_kill(record);
      if (before < 100ms || record["response_id"] == "") continue;  // given up before its answer
      ++named;
      EXPECT_THAT(problems, HasSubstr("(" + record["response_id"].get<std::string>() + "): lost"))
          << which;
    }
    EXPECT_GT(named, 0) << which;
  }

 private:
  void start_and_kill(const std::vector<std::string>& where, size_t after_records) {
    std::vector<std::string> words = {LLMSWEEP_BINARY, "run", folder_ / "spec.yaml", "--quiet"};
    words.insert(words.end(), where.begin(), where.end());
    Process process(words, folder_);
    EXPECT_TRUE(eventually([&] { return kept_lines(records()).size() >= after_records; }));
    killed_ns_.push_back(to_ns(SteadyClock().now()));
    process.signal(SIGKILL);
    EXPECT_EQ(process.wait().exit_code, 128 + SIGKILL);
  }

  fs::path folder_;
  std::vector<int64_t> killed_ns_;
  EndpointProcess endpoint_;
};

TEST(VerifyResumed, AccountsForEveryRequestOfEveryStart) {
  const KilledSweep sweep;
  const ProcessResult verified = sweep.verify("2s");
  ASSERT_EQ(verified.exit_code, 0) << verified.out << verified.err;
  const json report = json::parse(verified.out);
  EXPECT_EQ(report["resumes"], 2);
  EXPECT_GT(report["superseded"], 0);
  EXPECT_GT(report["checks_of_resumes"], 0);
  EXPECT_LE(report["in_flight_at_kill"], report["in_flight_at_most"]);
  EXPECT_LE(report["in_flight_at_most"], 8);
  EXPECT_EQ(report["by_id"].get<int>() + report["by_time"].get<int>() +
                report["in_flight_at_kill"].get<int>() + report["unwritten_at_kill"].get<int>() +
                report["checks_of_resumes"].get<int>() + report["resent"].get<int>(),
            report["truths"]);
}

TEST(VerifyResumed, HoldsForAnEmbeddedEndpointThatDiedInTheKill) {
  const fs::path folder = test_folder();
  const fs::path spec = write_quick_spec(
      folder, "{concurrency: [2, 4], requests_per_slot: 8, min_requests: 16, repeats: 1}", 10);
  const fs::path results = folder / "out" / "test";
  {
    Process process({LLMSWEEP_BINARY, "run", spec, "--out", folder / "out"}, folder);
    ASSERT_TRUE(eventually([&] { return kept_lines(results / "requests.jsonl").size() >= 26; }));
    process.signal(SIGKILL);
    process.wait();
  }
  {  // as if it had been writing
    std::ofstream log(results / "truth.jsonl", std::ios::app);
    log << R"({"response_id":"chatcmpl-)";
  }
  ASSERT_EQ(run_llmsweep({"run", spec, "--resume", results}).exit_code, 0);
  const std::vector<std::string> words = {"verify", results,         "--tolerance",
                                          "30s",    "--kill-margin", "2s"};
  const ProcessResult verified = run_llmsweep(words);
  EXPECT_EQ(verified.exit_code, 0) << verified.out << verified.err;
  EXPECT_THAT(verified.out, HasSubstr("1 resume: "));

  std::vector<std::string> log = kept_lines(results / "truth.jsonl");
  std::erase_if(log, [](const std::string& line) { return line.find("\"length\"") != line.npos; });
  write_file_atomically(results / "truth.jsonl", join(log, "\n") + "\n");
  const ProcessResult invented = run_llmsweep(words);
  EXPECT_EQ(invented.exit_code, 1);
  EXPECT_THAT(invented.out, HasSubstr("invented: not in the truth log"));
  fs::remove(results / "truth.jsonl");
  const ProcessResult none = run_llmsweep(words);
  EXPECT_EQ(none.exit_code, 2);
  EXPECT_THAT(none.err, HasSubstr("there is no truth log beside the records"));
}

TEST(VerifyResumed, NamesARecordThatIsGone) {
  const KilledSweep sweep;
  const auto expect_lost = [&](const char* which, const auto& wanted) {
    const auto [dropped, problems] = sweep.verify_without(wanted);
    ASSERT_FALSE(dropped.is_null()) << which;
    const std::string id = dropped["response_id"];
    EXPECT_THAT(problems, HasSubstr("(" + id + "): lost")) << which;
  };
  expect_lost("of a run that counts", [](const json& record) {
    return record["superseded"] == false && record["index"] == 3;
  });
  expect_lost("50 ms before a kill", [&](const json& record) {
    const Duration before = sweep.before_the_kill(record);
    return record["superseded"] == true && before >= 50ms && before < 150ms;
  });
}

TEST(VerifyResumed, NamesEveryRecordThatIsGoneFromTheBeginning) {
  const KilledSweep sweep;
  sweep.expect_each_missed("the first", [](size_t i, const json&) { return i == 0; });
  sweep.expect_each_missed("the first 30", [](size_t i, const json&) { return i < 30; });
  sweep.expect_each_missed("all superseded",
                           [](size_t, const json& record) { return record["superseded"] == true; });
  sweep.expect_each_missed("all", [](size_t, const json&) { return true; });
}

TEST(VerifyResumed, NamesEveryRecordThatIsGoneFromASweepThatWasNotResumed) {
  const KilledSweep sweep(false);
  const size_t count = kept_lines(sweep.records()).size();
  sweep.expect_each_missed("the first", [](size_t i, const json&) { return i == 0; });
  sweep.expect_each_missed("the first half", [&](size_t i, const json&) { return i < count / 2; });
  sweep.expect_each_missed("one in the middle", [](size_t i, const json&) { return i == 20; });
  sweep.expect_each_missed("all", [](size_t, const json&) { return true; });
}

TEST(VerifyResumed, NamesAMarkThatDoesNotBelong) {
  const KilledSweep sweep;
  std::string text = read_file(sweep.records());
  const std::string good = "\"superseded\":false";
  text.replace(text.find(good), good.size(), "\"superseded\":true ");
  write_file_atomically(sweep.records(), text);
  const ProcessResult verified = sweep.verify("2s");
  EXPECT_EQ(verified.exit_code, 1);
  EXPECT_THAT(verified.out, HasSubstr("records were written"));
}

}  // namespace
}  // namespace llmsweep
