// A URL in place of a spec, against the real simulator.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cli/endpoint_process.h"
#include "cli/process.h"
#include "cli/quick_sweep.h"
#include "llmsweep/base/files.h"
#include "llmsweep/simulator/simulator.h"
#include "llmsweep/spec/spec_file.h"

namespace llmsweep {
namespace {
namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kQuick =
    "model: acme/tiny-8b\n"
    "engine: {step: {base_ms: 1, per_sequence_us: 50}, max_batch_size: 16}\n";

std::vector<std::string> short_run(const std::string& url, const fs::path& out) {
  return {"run", url,          "-c", "1,2",       "--isl", "64",    "--osl",
          "8",   "--requests", "4",  "--repeats", "1",     "--out", out};
}

json kept_result(const fs::path& folder) {
  return json::parse(read_file(folder / "result.json"));
}

TEST(OneLine, MeasuresRates) {
  const fs::path folder = test_folder();
  EndpointProcess endpoint(folder / "endpoint", kQuick);
  const ProcessResult run = run_llmsweep(
      {"run", endpoint.url(), "--rate", "40,80", "--isl", "64", "--osl", "8", "--repeats", "1",
       "--set", "load.warmup=0.2s", "--set", "load.measure=1s", "--out", folder / "out"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const json result = kept_result(folder / "out" / "tiny-8b");
  ASSERT_EQ(result["levels"].size(), 2u);
  EXPECT_EQ(result["levels"][1]["load_point"], "r80");
  EXPECT_EQ(load_spec(folder / "out" / "tiny-8b" / "spec.yaml", {}).load.rate,
            (std::vector<double>{40, 80}));
  const ProcessResult both =
      run_llmsweep({"run", endpoint.url(), "--rate", "40", "-c", "2", "--out", folder / "both"});
  EXPECT_EQ(both.exit_code, 2);
  EXPECT_THAT(both.err, HasSubstr("stands beside"));
}

TEST(OneLine, MeasuresAUrlAndLeavesItsSpec) {
  const fs::path folder = test_folder();
  EndpointProcess endpoint(folder / "endpoint", kQuick);
  const ProcessResult run = run_llmsweep(short_run(endpoint.url(), folder / "out"));
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.err, HasSubstr("the GPUs are not stated"));
  const fs::path results = folder / "out" / "tiny-8b";
  const json result = kept_result(results);
  EXPECT_EQ(result["system"]["gpus"], nullptr);
  EXPECT_EQ(result["levels"][0]["throughput_per_gpu_tps"], nullptr);
  EXPECT_EQ(result["levels"][0]["requests"]["completed"], 4);
  EXPECT_EQ(result["levels"][1]["requests"]["completed"], 4);
  EXPECT_EQ(result["levels"][0]["input_tokens_mean"], 64);
  EXPECT_EQ(result["workload"]["input_tokens_counted"], nullptr);

  const SweepSpec spec = load_spec(results / "spec.yaml", {});
  EXPECT_EQ(spec.name, "tiny-8b");
  EXPECT_EQ(spec.endpoint.model, "acme/tiny-8b");
  EXPECT_EQ(spec.workload.tokenizer, "server");
  EXPECT_EQ(spec.load.concurrency, (std::vector<int>{1, 2}));
  const ProcessResult resumed = run_llmsweep({"run", results / "spec.yaml", "--resume", results});
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_THAT(resumed.err, HasSubstr("nothing is left to measure"));
}

// It has no /tokenize, refuses ignore_eos and wants a key.
TEST(OneLine, CalibratesLengthsWhereTheServerHasNoTokenizer) {
  const fs::path folder = test_folder();
  EndpointProcess endpoint(folder / "endpoint", std::string("dialect: openai\n") + kQuick);
  std::vector<std::string> args = short_run(endpoint.url(), folder / "out");
  args.insert(args.end(),
              {"--key-env", "LLMSWEEP_TEST_KEY", "--name", "other", "--target", "e2e:p50:10s"});
  const ProcessResult run = run_llmsweep(args);
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.err, HasSubstr("refuses the request field ignore_eos"));
  EXPECT_THAT(run.err, HasSubstr("$LLMSWEEP_TEST_KEY is not set"));
  EXPECT_THAT(run.err, HasSubstr("about the asked length"));
  EXPECT_THAT(run.out, HasSubstr("on the endpoint (GPUs not stated)"));
  EXPECT_THAT(run.out, Not(HasSubstr("per GPU")));
  const json result = kept_result(folder / "out" / "other");
  for (const json& level : result["levels"]) {
    EXPECT_THAT(level["invalid_reasons"].dump(), Not(HasSubstr("tokens_off")));
    EXPECT_NEAR(level["input_tokens_mean"].get<double>(), 64, 64 * 0.2);
  }
  // What it really was is the workload, and a rebuild says the same.
  ASSERT_TRUE(result["workload"]["input_tokens_counted"].is_number());
  EXPECT_THAT(run.out, HasSubstr("about "));
  EXPECT_EQ(run_llmsweep({"rebuild", folder / "out" / "other"}).exit_code, 0);
  EXPECT_EQ(kept_result(folder / "out" / "other")["workload"], result["workload"]);
}

// Answers of about 12 tokens where 40 are asked for, from a server that refuses ignore_eos.
TEST(OneLine, AFirstTableIsNotInvalidBecauseAnswersEndEarly) {
  const fs::path folder = test_folder();
  EndpointProcess endpoint(folder / "endpoint",
                           std::string("dialect: openai\n"
                                       "tokens: {natural_mean: 12, natural_stddev: 1}\n") +
                               kQuick);
  const ProcessResult run =
      run_llmsweep({"run", endpoint.url(), "-c", "1", "--isl", "64", "--osl", "40", "--requests",
                    "4", "--repeats", "1", "--out", folder / "out"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("/ about 1"));
  const json result = kept_result(folder / "out" / "tiny-8b");
  EXPECT_NEAR(result["workload"]["output_tokens_counted"].get<double>(), 12, 4);
  EXPECT_THAT(result["levels"][0]["warnings"].dump(), HasSubstr("output_off"));
  EXPECT_THAT(result["levels"][0]["invalid_reasons"].dump(), Not(HasSubstr("tokens_off")));
}

TEST(OneLine, InitWritesASpecThatCheckReadsFromStandardInput) {
  const fs::path folder = test_folder();
  EndpointProcess endpoint(folder / "endpoint", kQuick);
  const ProcessResult init =
      run_llmsweep({"init", endpoint.url(), "--gpus", "2", "--target", "ttft:p90:200ms"});
  ASSERT_EQ(init.exit_code, 0) << init.err;
  EXPECT_THAT(init.out, HasSubstr("# Requests in flight, one level each"));
  const SweepSpec spec = parse_spec(init.out, "init", {});
  EXPECT_EQ(spec.load.concurrency, (std::vector<int>{1, 2, 4, 8, 16}));
  EXPECT_EQ(spec.system.gpus, 2);
  EXPECT_EQ(spec.load.repeats, 3);
  EXPECT_GE(spec.load.min_requests * spec.load.repeats, 10);  // of a p90
  write_file_atomically(folder / "spec.yaml", init.out);
  const ProcessResult check =
      Process({"/bin/sh", "-c",
               std::string(LLMSWEEP_BINARY) + " check - < " + (folder / "spec.yaml").string()},
              folder)
          .wait();
  EXPECT_EQ(check.exit_code, 0) << check.err;
  EXPECT_THAT(check.out, HasSubstr("model      acme/tiny-8b"));
}

// The authority that the environment names is trusted, the result says which, a shared one does
// not.
TEST(OneLine, TrustsTheAuthorityThatTheEnvironmentNames) {
  const fs::path folder = test_folder();
  const fs::path authority = folder / "authority.pem";
  const Simulator endpoint(quick_profile(Dialect::kVllm), {.tls = true, .certificate = authority});
  std::vector<std::string> words = short_run(endpoint.base_url(), folder / "out");
  words.insert(words.begin(), LLMSWEEP_BINARY);
  words.insert(words.end(), {"--name", "tls"});
  const ProcessResult refused = Process(words, folder).wait();
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("certificate"));
  const ProcessResult run = Process(words, folder, {"SSL_CERT_FILE=" + authority.string()}).wait();
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const fs::path results = folder / "out" / "tls";
  EXPECT_EQ(kept_result(results)["provenance"]["ca_file"], authority.string());
  ASSERT_EQ(run_llmsweep({"report", results, "--share", "--html", folder / "page.html"}).exit_code,
            0);
  EXPECT_THAT(read_file(folder / "page.html"), Not(HasSubstr("authority.pem")));
}

TEST(OneLine, SaysWhichOptionIsWrong) {
  const fs::path out = test_folder() / "out";
  const auto error = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"run", "http://127.0.0.1:1/v1", "--out", out});
    const ProcessResult run = run_llmsweep(more);
    EXPECT_EQ(run.exit_code, 2) << run.err;
    return run.err;
  };
  EXPECT_THAT(error({"--isl", "many"}), HasSubstr("--input-tokens: "));
  EXPECT_THAT(error({"-c", "1,1"}), HasSubstr("--concurrency: "));
  EXPECT_THAT(error({"--target", "e2e:15s"}), HasSubstr("metric:statistic:limit"));
  EXPECT_THAT(error({"--api", "chats"}), HasSubstr("did you mean 'chat'?"));
  EXPECT_THAT(error({"--resume", "x"}), HasSubstr("llmsweep run x/spec.yaml --resume x"));
  EXPECT_THAT(error({"--max-concurrency", "8"}), HasSubstr("llmsweep says --concurrency"));
  EXPECT_THAT(error({"--random-input-len=8"}), HasSubstr("llmsweep says --input-tokens"));
  const ProcessResult bare = run_llmsweep({"run", "localhost:8000"});
  EXPECT_EQ(bare.exit_code, 2);
  EXPECT_THAT(bare.err, HasSubstr("did you mean http://localhost:8000/v1?"));
  const ProcessResult file = run_llmsweep({"run", "spec.yaml", "--gpus", "8"});
  EXPECT_THAT(file.err, HasSubstr("--set system.gpus=VALUE"));
  EXPECT_FALSE(fs::exists(out));
}

TEST(OneLine, AnEndpointThatIsNotThereLeavesNothing) {
  const fs::path out = test_folder() / "out";
  const ProcessResult run = run_llmsweep({"run", "http://127.0.0.1:1", "--out", out});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_FALSE(fs::exists(out));
  const ProcessResult plan = run_llmsweep({"run", "http://127.0.0.1:1", "--dry-run"});
  EXPECT_EQ(plan.exit_code, 0) << plan.err;
  EXPECT_THAT(plan.out, HasSubstr("http://127.0.0.1:1/v1"));
}

}  // namespace
}  // namespace llmsweep
