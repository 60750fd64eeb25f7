// `size` with the real binary: how many copies of a measured system carry a load.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cli/process.h"
#include "llmsweep/base/files.h"
#include "llmsweep/results/result_file.h"

namespace llmsweep {
namespace {
namespace fs = std::filesystem;
using namespace std::chrono_literals;
using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// Two GPUs that were shown to carry 4.75 requests a second, or 40 users, and to fail at 5.25,
// or 44.
SweepResult confirmed_result() {
  SweepResult result{.name = "measured"};
  result.system.gpus = 2;
  result.workload.input_tokens = TokenCount{.fixed = 1000};
  result.workload.output_tokens = {.fixed = 200};
  const Target target{.metric = Metric::kTtft, .statistic = Statistic::kP95, .max = 2s};
  result.rates_at_target = {{.target = target,
                             .rate_rps = 4.75,
                             .r_pass = 4.75,
                             .r_fail = 5.25,
                             .rate_per_gpu_rps = 2.375,
                             .confirmed = true,
                             .confirmed_error = 0.05}};
  result.users_at_target = {{.target = target,
                             .users = 40,
                             .c_pass = 40,
                             .c_fail = 44,
                             .users_per_gpu = 20,
                             .confirmed = true,
                             .confirmed_error = 0.05}};
  return result;
}

fs::path write_as(const fs::path& folder, const SweepResult& result) {
  write_file_atomically(folder / "result.json", result_to_json(result));
  return folder / "result.json";
}

TEST(Size, SaysTheFewestGpusAndTheirBracket) {
  const fs::path file = write_as(test_folder(), confirmed_result());
  const ProcessResult text = run_llmsweep({"size", file, "--rate", "41.2"});
  EXPECT_EQ(text.exit_code, 0) << text.err;
  EXPECT_THAT(text.out,
              AllOf(HasSubstr("18 GPUs: 9 copies of 2 for 41.2 requests/s at ttft:p95:2s"),
                    HasSubstr("known good  9 copies: 4.58 requests/s each, and 4.75"),
                    HasSubstr("known bad   7 copies: 5.89 requests/s each, and 5.25"),
                    HasSubstr("not known   1 copy between them"),
                    HasSubstr("wrong in at most 5 % of searches"), Not(HasSubstr("NOT SO"))));
  const ProcessResult users = run_llmsweep({"size", file, "--users", "100", "--format", "json"});
  EXPECT_EQ(users.exit_code, 0) << users.err;
  const json said = json::parse(users.out);
  EXPECT_EQ(said["demand"]["unit"], "users");
  EXPECT_EQ(said["copies"], (json{{"known_good", 3}, {"known_bad", 2}}));
  EXPECT_EQ(said["gpus"], (json{{"known_good", 6}, {"known_bad", 4}}));
  EXPECT_EQ(said["copy"]["carries"], 40);
  EXPECT_EQ(said["copy"]["error"], 0.05);
  EXPECT_THAT(said["assumes"].dump(), HasSubstr("users do not think"));
}

TEST(Size, TakesThePeakOfATraceAndOfAProfile) {
  const fs::path folder = test_folder();
  const fs::path file = write_as(folder, confirmed_result());
  // 1 request a second for 200 s, and 10 a second for 60 s more.
  std::string trace;
  for (int i = 0; i < 800; ++i) {
    const double at_ms = i < 200 ? i * 1000.0 : 200'000 + (i - 200) * 100.0;
    trace +=
        json{{"timestamp", at_ms}, {"input_length", 1000}, {"output_length", 390}}.dump() + "\n";
  }
  write_file_atomically(folder / "trace.jsonl", trace);
  const ProcessResult busiest =
      run_llmsweep({"size", file, "--trace", folder / "trace.jsonl", "--format", "json"});
  ASSERT_EQ(busiest.exit_code, 0) << busiest.err;
  const json said = json::parse(busiest.out);
  EXPECT_EQ(said["demand"]["load"], 10);
  EXPECT_EQ(said["copies"]["known_good"], 3);
  EXPECT_THAT(busiest.out,
              HasSubstr("NOT SO: the trace's requests have 1,000 tokens in and 390 out"));
  const ProcessResult calm = run_llmsweep(
      {"size", file, "--trace", folder / "trace.jsonl", "--window", "250s", "--format", "json"});
  EXPECT_LT(json::parse(calm.out)["demand"]["load"].get<double>(), 4);
  EXPECT_THAT(run_llmsweep({"size", file, "--trace", folder / "trace.jsonl", "--window", "1h"}).err,
              HasSubstr("less than the window"));

  write_file_atomically(
      folder / "spec.yaml",
      "name: curve\nendpoint: {url: \"http://127.0.0.1:9/v1\"}\nload:\n  profile: "
      "[{for: 60s, rate: 3}, {for: 30s, from: 3, to: 21}]\n");
  const ProcessResult curve =
      run_llmsweep({"size", file, "--profile", folder / "spec.yaml", "--format", "json"});
  ASSERT_EQ(curve.exit_code, 0) << curve.err;
  EXPECT_EQ(json::parse(curve.out)["demand"]["load"], 21);
  EXPECT_EQ(json::parse(curve.out)["demand"]["mean_rps"], 6);
}

TEST(Size, RefusesWhatNothingIsConfirmedOf) {
  const fs::path folder = test_folder();
  SweepResult result = confirmed_result();
  result.rates_at_target[0].confirmed = false;
  result.users_at_target.clear();
  const fs::path file = write_as(folder, result);
  const ProcessResult open = run_llmsweep({"size", file, "--rate", "10"});
  EXPECT_EQ(open.exit_code, 2);
  EXPECT_THAT(open.err, AllOf(HasSubstr("nothing is confirmed by fresh runs at ttft:p95:2s"),
                              HasSubstr("measure with search")));
  const ProcessResult none = run_llmsweep({"size", file, "--users", "10"});
  EXPECT_EQ(none.exit_code, 2);
  EXPECT_THAT(none.err, HasSubstr("the result says no users at a target"));
  EXPECT_THAT(run_llmsweep({"size", file}).err, HasSubstr("nothing says what has to be carried"));
  EXPECT_THAT(run_llmsweep({"size", file, "--rate", "1", "--users", "2"}).err,
              HasSubstr("more than one option"));
  EXPECT_EQ(run_llmsweep({"size", file, "--rate", "-1"}).exit_code, 2);
}

TEST(Size, SaysThatGpusAreNotStated) {
  SweepResult result = confirmed_result();
  result.system.gpus = 0;
  const fs::path file = write_as(test_folder(), result);
  const ProcessResult text = run_llmsweep({"size", file, "--rate", "9"});
  EXPECT_EQ(text.exit_code, 0) << text.err;
  EXPECT_THAT(text.out, AllOf(HasSubstr("2 copies for 9.00 requests/s"),
                              HasSubstr("GPUs of a copy are not stated")));
}

}  // namespace
}  // namespace llmsweep
