// Sweeps of APIs that generate no tokens: embeddings and rerank, through the real binary.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "cli/process.h"
#include "cli/quick_sweep.h"
#include "llmsweep/base/files.h"
#include "llmsweep/results/record_file.h"
#include "llmsweep/simulator/simulator.h"
#include "llmsweep/simulator/truth.h"

namespace llmsweep {
namespace {
namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

struct ResultsSweep {
  std::string api;
  std::string endpoint;  // more of its keys
  std::string workload;
  std::string rest;
  std::string load = "{concurrency: [2], requests_per_slot: 6, repeats: 1}";
};

class SweepOfResults {
 public:
  explicit SweepOfResults(const ResultsSweep& sweep)
      : simulator_(quick_profile(Dialect::kVllm), {.truth_log = folder_ / "truth.jsonl"}) {
    std::ofstream(folder_ / "spec.yaml")
        << "name: test\nsystem: {gpus: 1}\nendpoint: {url: \"" << simulator_.base_url()
        << "\", api: " << sweep.api << sweep.endpoint << "}\nworkload: {" << sweep.workload
        << "}\nload: " << sweep.load << "\n"
        << sweep.rest;
  }
  ProcessResult run(const std::string& command, const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words = {command, folder_ / "spec.yaml"};
    words.insert(words.end(), more.begin(), more.end());
    return run_llmsweep(words);
  }
  ProcessResult sweep(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words = {"--out", folder_ / "out"};
    words.insert(words.end(), more.begin(), more.end());
    return run("run", words);
  }
  json result() const { return json::parse(read_file(results() / "result.json")); }
  std::vector<RequestRecord> records() const {
    std::vector<RequestRecord> records;
    RecordReader reader(results() / "requests.jsonl");
    while (auto record = reader.next()) records.push_back(std::move(*record));
    return records;
  }
  std::vector<TruthRecord> truths() const { return read_truth_log(folder_ / "truth.jsonl"); }
  ProcessResult verify() const {
    return run_llmsweep(
        {"verify", results(), "--truth", folder_ / "truth.jsonl", "--tolerance", "30s"});
  }
  fs::path results() const { return folder_ / "out" / "test"; }

 private:
  const fs::path folder_ = test_folder();
  Simulator simulator_;
};

TEST(ResultsRun, OfEmbeddingsHasInputFiguresAndNoneOfOutput) {
  const SweepOfResults embeddings({.api = "embeddings", .workload = "input_tokens: 60"});
  const ProcessResult ran = embeddings.sweep();
  ASSERT_EQ(ran.exit_code, 0) << ran.err;
  const json result = embeddings.result();
  EXPECT_EQ(result["workload"]["output_tokens"], nullptr);
  EXPECT_EQ(result["workload"]["inputs_per_request"], 1);
  EXPECT_EQ(result["workload"]["streaming"], false);
  const json& level = result["levels"][0];
  for (const json& stats : {level, level["runs"][0]}) {
    for (const char* key : {"output_throughput_tps", "steady_output_throughput_tps",
                            "throughput_per_gpu_tps", "total_throughput_tps", "output_tokens_mean",
                            "output_speed_tps", "decode_speed_tps", "throughput_per_latency"}) {
      EXPECT_EQ(stats[key], nullptr) << key;
    }
    for (const char* key : {"ttft_ms", "tpot_ms", "itl_ms", "icl_ms"}) {
      EXPECT_EQ(stats[key]["p50"], nullptr) << key;
    }
    EXPECT_EQ(stats["e2e_ms"]["count"], 12);
    const double requests = stats["request_throughput_rps"];
    EXPECT_DOUBLE_EQ(stats["inputs_per_s"].get<double>(), requests);
    EXPECT_NEAR(stats["input_throughput_tps"].get<double>(),
                requests * stats["input_tokens_mean"].get<double>(), 1e-6);
  }
  const std::string warnings = level["warnings"].dump();
  EXPECT_THAT(warnings, Not(HasSubstr("buffered")));
  EXPECT_THAT(warnings, Not(HasSubstr("token_count_estimated")));
  EXPECT_THAT(ran.out, HasSubstr("inputs/s"));
  EXPECT_THAT(ran.out, Not(HasSubstr("TTFT")));
}

// Counts of every request, by both transports, against what the endpoint did.
TEST(ResultsRun, AgreesWithTheEndpointOverEachTransport) {
  for (const std::string transport : {"sockets", "libcurl"}) {
    for (const std::string api : {"embeddings", "rerank"}) {
      SCOPED_TRACE(api + " by " + transport);
      const SweepOfResults sweep({.api = api,
                                  .workload = "input_tokens: 90, inputs_per_request: 7",
                                  .rest = "client: {transport: " + transport + "}\n"});
      const ProcessResult ran = sweep.sweep({"--quiet"});
      ASSERT_EQ(ran.exit_code, 0) << ran.err;
      const ProcessResult verified = sweep.verify();
      EXPECT_EQ(verified.exit_code, 0) << verified.out << verified.err;
      EXPECT_EQ(sweep.result()["provenance"]["transport"], transport);
      int measured = 0;
      for (const RequestRecord& record : sweep.records()) {
        measured += record.phase == Phase::kMeasured ? 1 : 0;
        if (record.outcome == Outcome::kCancelled) continue;  // a filler
        EXPECT_EQ(record.outcome, Outcome::kOk) << record.error;
        EXPECT_EQ(record.inputs, 7);
        EXPECT_EQ(record.output_tokens, 0);
        EXPECT_FALSE(record.first_token);
        EXPECT_TRUE(record.last_token);
        // libcurl hands a large answer over in several pieces, of which one has the stamp.
        if (transport == "sockets") {
          EXPECT_TRUE(record.last_token_delay);
        }
      }
      EXPECT_EQ(measured, 12);
      const json level = sweep.result()["levels"][0];
      EXPECT_NEAR(level["inputs_per_s"].get<double>(),
                  7 * level["request_throughput_rps"].get<double>(), 1e-6);
      for (const TruthRecord& truth : sweep.truths()) {
        EXPECT_EQ(truth.api, api);
        if (!truth.client_closed) {
          EXPECT_EQ(truth.results, 7);
        }
        EXPECT_EQ(truth.output_tokens, 0);
      }
    }
  }
}

// By a program of its own, of a concurrency and of a rate.
TEST(ResultsRun, EveryNumberOfTheResultFollowsFromTheRecords) {
  if (!fs::exists("/usr/bin/python3")) GTEST_SKIP() << "needs python3";
  for (const std::string load :
       {"{concurrency: [1, 3], requests_per_slot: 4, repeats: 1}",
        "{rate: [100], warmup: 50ms, measure: 450ms, drain: 500ms, repeats: 1}"}) {
    SCOPED_TRACE(load);
    const SweepOfResults sweep({.api = "rerank", .workload = "input_tokens: 80", .load = load});
    ASSERT_EQ(sweep.sweep({"--quiet"}).exit_code, 0);
    const ProcessResult recomputed =
        Process(
            {"/usr/bin/python3", LLMSWEEP_SOURCE_DIR "/tests/python/recompute.py", sweep.results()},
            sweep.results().parent_path())
            .wait();
    EXPECT_EQ(recomputed.exit_code, 0) << recomputed.out << recomputed.err;
    EXPECT_THAT(recomputed.out, HasSubstr("runs compared, 0 numbers differ"));
  }
}

TEST(ResultsRun, SaysOnceWhatDoesNotApply) {
  const SweepOfResults sweep(
      {.api = "embeddings",
       .workload = "input_tokens: 60, output_tokens: 100",
       .rest = "targets: [\"ttft:p95:1s\", \"e2e:p50:10s\", \"e2e:p50:9s+tpot:p50:1s\"]\n"
               "goodput: [{metric: tpot, max: 1s}]\n"});
  const ProcessResult ran = sweep.sweep();
  ASSERT_EQ(ran.exit_code, 0) << ran.err;
  const std::string notes = sweep.result()["provenance"]["notes"].dump();
  EXPECT_THAT(notes, HasSubstr("embeddings generates no tokens: workload.output_tokens does not"));
  EXPECT_THAT(notes, HasSubstr("targets on ttft, tpot do not apply, and are left out"));
  EXPECT_THAT(notes, HasSubstr("goodput on tpot do not apply, and are left out"));
  ASSERT_EQ(sweep.result()["users_at_target"].size(), 1u);
  EXPECT_EQ(sweep.result()["users_at_target"][0]["metric"], "e2e");
  EXPECT_EQ(sweep.result()["levels"][0]["goodput_fraction"], nullptr);
  const std::string said = "generates no tokens";
  EXPECT_EQ(ran.err.find(said), ran.err.rfind(said)) << ran.err;
}

TEST(ResultsRun, IsCheckedAndShownLikeOthers) {
  const SweepOfResults rerank({.api = "rerank", .workload = "input_tokens: 300"});
  const ProcessResult checked = rerank.run("check");
  EXPECT_EQ(checked.exit_code, 0) << checked.err;
  EXPECT_THAT(checked.out + checked.err, HasSubstr("in 10 inputs"));
  ASSERT_EQ(rerank.sweep({"--quiet"}).exit_code, 0);
  const ProcessResult shown = run_llmsweep({"show", rerank.results()});
  EXPECT_EQ(shown.exit_code, 0) << shown.err;
  EXPECT_THAT(shown.out, HasSubstr("in 10 inputs a request"));
  EXPECT_EQ(run_llmsweep({"report", rerank.results()}).exit_code, 0);
  const ProcessResult csv = run_llmsweep({"export", rerank.results(), "--as", "requests-csv"});
  EXPECT_EQ(csv.exit_code, 0) << csv.err;
  EXPECT_THAT(csv.out, Not(HasSubstr(",usage,")));  // of no output tokens
  EXPECT_THAT(csv.out, HasSubstr(",model,inputs,"));
  const ProcessResult compared =
      run_llmsweep({"compare", rerank.results(), rerank.results(), "--full"});
  EXPECT_EQ(compared.exit_code, 0) << compared.err;
  EXPECT_THAT(compared.out, HasSubstr("Inputs, inputs/s"));
  EXPECT_THAT(compared.out + compared.err, Not(HasSubstr("steady throughput")));
}

TEST(ResultsRun, OfAServerWithoutThatApiSaysWhichItHas) {
  SimulatorProfile profile = quick_profile(Dialect::kVllm);
  profile.wire.rejected_fields = {"input"};
  const fs::path folder = test_folder();
  const Simulator simulator(profile, {});
  std::ofstream(folder / "spec.yaml") << "name: test\nendpoint: {url: \"" << simulator.base_url()
                                      << "\", api: embeddings}\nload: {concurrency: 1}\n";
  const ProcessResult checked = run_llmsweep({"check", folder / "spec.yaml"});
  EXPECT_NE(checked.exit_code, 0);
  EXPECT_THAT(checked.err, HasSubstr("did you mean endpoint.api: chat? It answers"));
}

}  // namespace
}  // namespace llmsweep
