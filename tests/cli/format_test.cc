// --format json: standard output is one JSON value, whatever the command.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <nlohmann/json.hpp>

#include "analysis/make_result.h"
#include "cli/process.h"
#include "llmsweep/base/files.h"
#include "llmsweep/base/text.h"
#include "llmsweep/results/result_file.h"

namespace llmsweep {
namespace {
namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;

const std::string kResult =
    LLMSWEEP_SOURCE_DIR "/datasets/published/deepseek-v3.2-gb200-nvfp4.json";

// What `args` with --format json print.
json printed(std::vector<std::string> args, int exit_code = 0) {
  args.insert(args.end(), {"--format", "json"});
  const ProcessResult result = run_llmsweep(args);
  EXPECT_EQ(result.exit_code, exit_code) << result.err;
  return json::parse(result.out);
}

// A result with its median E2E at concurrency 8 between 11.9 and 12.1 s.
std::string measured(const fs::path& folder) {
  const fs::path path = folder / "measured.json";
  write_result(path, testing::make_result("measured", 4,
                                          {{1, {5790, 5801, 5815}}, {8, {11900, 12000, 12050}}}));
  return path.string();
}

fs::path small_spec(const fs::path& folder) {
  write_file_atomically(folder / "profile.yaml",
                        "engine:\n  step: {base_ms: 1, per_prefill_token_us: 1, per_sequence_us: "
                        "10}\n  max_batch_size: 8\n");
  write_file_atomically(
      folder / "spec.yaml",
      "name: test\nsystem: {gpus: 2}\nendpoint: {simulator: " + (folder / "profile.yaml").string() +
          "}\nworkload: {input_tokens: 50, output_tokens: 5, tokenizer: server}\n"
          "load: {concurrency: [1], requests_per_slot: 2, repeats: 1}\n");
  return folder / "spec.yaml";
}

TEST(JsonFormat, OfCheckSaysWhatWasFound) {
  const fs::path spec = small_spec(test_folder());
  const json found = printed({"check", spec});
  EXPECT_EQ(found["simulated"], true);
  EXPECT_EQ(found["template_tokens"], 7);
  EXPECT_GT(found["request_alone_ms"], 1.0);
  const json estimated = printed({"check", spec, "--set", "workload.tokenizer="});
  EXPECT_TRUE(estimated["template_tokens"].is_null());
  EXPECT_GT(estimated["bytes_per_token"], 1.0);
}

// Its list of models does not say what the context is.
TEST(Check, TriesTheLongestRequestWhereNoContextIsStated) {
  const fs::path folder = test_folder();
  const fs::path spec = small_spec(folder);
  const std::string engine =
      "dialect: openai\nengine: {step: {base_ms: 1, per_prefill_token_us: 1}, max_model_len: ";
  write_file_atomically(folder / "profile.yaml", engine + "300}\n");
  const auto check = [&](const std::string& output_tokens) {
    return run_llmsweep({"check", spec, "--set", "workload.input_tokens={min: 50, max: 90}",
                         "--set", "workload.tokenizer=", "--set",
                         "workload.output_tokens=" + output_tokens});
  };
  const ProcessResult taken = check("70");
  EXPECT_EQ(taken.exit_code, 0) << taken.err;
  EXPECT_THAT(taken.out, HasSubstr("the longest request"));
  const ProcessResult refused = check("271");
  EXPECT_EQ(refused.exit_code, 2) << refused.out;
  EXPECT_THAT(refused.err, AllOf(HasSubstr("maximum context length is 300 tokens"),
                                 HasSubstr("workload.input_tokens"), HasSubstr("271 tokens out")));
  // Where it is stated, nobody need ask.
  write_file_atomically(folder / "profile.yaml", "engine: {step: {base_ms: 1}}\n");
  EXPECT_TRUE(printed({"check", spec})["longest_first_token_ms"].is_null());
}

TEST(JsonFormat, OfRunIsTheResult) {
  const fs::path folder = test_folder();
  const fs::path spec = small_spec(folder);
  const json result = printed({"run", spec, "--out", folder / "out"});
  EXPECT_EQ(result, json::parse(read_file(folder / "out" / "test" / "result.json")));
  EXPECT_EQ(result["levels"][0]["requests"]["completed"], 2);
  EXPECT_EQ(printed({"run", spec, "--dry-run"})["load"]["concurrency"], json({1}));
}

TEST(JsonFormat, OfTokensHoldsCountsAndIds) {
  const fs::path folder = test_folder();
  write_file_atomically(folder / "cl100k_base.tiktoken", "YQ== 0\nYg== 1\nIA== 2\nYWI= 3\n");
  const json counted = printed(
      {"tokens", "--tokenizer", folder / "cl100k_base.tiktoken", "--text", "ab a", "--ids"});
  EXPECT_EQ(counted["tokenizer"]["kind"], "tiktoken");
  EXPECT_EQ(counted["texts"][0]["tokens"], 3);
  EXPECT_EQ(counted["texts"][0]["ids"], json({3, 2, 0}));
  EXPECT_EQ(counted["texts"][0]["round_trip_exact"], true);
}

TEST(JsonFormat, OfAnalysisIsTheSameAsItsFiles) {
  const fs::path folder = test_folder();
  EXPECT_EQ(printed({"show", kResult})["system"]["gpus"], 4);
  EXPECT_EQ(printed({"compare", kResult, kResult}).size(), 1U);
  const json decided = printed(
      {"gate", measured(folder), "--require", "e2e:p50@c8 <= 11s", "--json", folder / "gate.json"},
      10);
  EXPECT_EQ(decided, json::parse(read_file(folder / "gate.json")));
  EXPECT_EQ(printed({"report", kResult, "--figure", folder / "f.svg", "--csv", folder / "l.csv"}),
            json({{"files", {folder / "f.svg", folder / "l.csv"}}}));
  write_file_atomically(folder / "c8.json", R"({"model_id": "m", "max_concurrency": 8,
"duration": 10, "completed": 4, "total_output_tokens": 64, "output_throughput": 6,
"median_e2el_ms": 14})");
  const json imported =
      printed({"import", folder / "c8.json", "--gpus", "8", "-o", folder / "i.json"});
  EXPECT_EQ(imported, json::parse(read_file(folder / "i.json")));
}

TEST(JsonFormat, OfGateKeepsAnnotationsOutOfTheWay) {
  const fs::path folder = test_folder();
  Process gate({LLMSWEEP_BINARY, "gate", measured(folder), "--require", "e2e:p50@c8 <= 11s",
                "--format", "json"},
               folder, {"GITHUB_ACTIONS=true"});
  const ProcessResult result = gate.wait();
  EXPECT_EQ(json::parse(result.out)["outcome"], "FAIL");
  EXPECT_NE(result.err.find("::error"), std::string::npos);
}

TEST(JsonFormat, OfVerifyHoldsCountsAndErrors) {
  const fs::path folder = test_folder();
  const fs::path spec = small_spec(folder);
  const fs::path log = folder / "truth.jsonl";
  Process server({LLMSWEEP_BINARY, "simulate", (folder / "profile.yaml").string(), "--port", "0",
                  "--log", log.string()},
                 folder);
  ASSERT_TRUE(eventually([&] { return server.out_so_far().ends_with('\n'); }));
  const std::string url(trim(server.out_so_far()));
  printed({"run", spec, "--out", folder / "out", "--set", "endpoint.simulator=", "--set",
           "endpoint.url=" + url});
  server.signal(SIGINT);
  EXPECT_EQ(server.wait().exit_code, 0);
  const json verified = printed({"verify", folder / "out" / "test", "--truth", log});
  EXPECT_EQ(verified["verified"], true);
  EXPECT_EQ(verified["unseen"], 0);
  EXPECT_EQ(verified["problems"], json::array());
  EXPECT_GE(verified["errors_ms"]["e2e"]["max"], verified["errors_ms"]["e2e"]["p50"]);
}

TEST(JsonFormat, OfSimulateIsItsAddress) {
  const fs::path folder = test_folder();
  small_spec(folder);
  Process server({LLMSWEEP_BINARY, "simulate", (folder / "profile.yaml").string(), "--port", "0",
                  "--format", "json"},
                 folder);
  ASSERT_TRUE(eventually([&] { return server.out_so_far().ends_with('\n'); }));
  const std::string url = json::parse(server.out_so_far())["base_url"];
  EXPECT_TRUE(url.starts_with("http://127.0.0.1:")) << url;
  server.signal(SIGINT);
  EXPECT_EQ(server.wait().exit_code, 0);
}

}  // namespace
}  // namespace llmsweep
