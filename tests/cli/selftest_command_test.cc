// The self-test as a user runs it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "cli/endpoint_process.h"
#include "cli/process.h"
#include "llmsweep/base/files.h"

namespace llmsweep {
namespace {
namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::HasSubstr;

ProcessResult llmsweep_with_state(const std::vector<std::string>& args, const fs::path& folder) {
  std::vector<std::string> words = {LLMSWEEP_BINARY};
  words.insert(words.end(), args.begin(), args.end());
  return Process(words, folder, {"XDG_STATE_HOME=" + (folder / "state").string()}).wait();
}

class SelftestTransport : public ::testing::TestWithParam<bool> {};

ProcessResult selftest_of_8_streams(bool tls, const fs::path& folder) {
  std::vector<std::string> args = {"selftest", "--streams", "8",   "--rate",
                                   "50",       "--format",  "json"};
  if (tls) args.insert(args.end(), {"--tls", "--in-step"});
  return llmsweep_with_state(args, folder);
}

TEST_P(SelftestTransport, AccountsForEveryChunk) {
  const fs::path folder = test_folder();
  const ProcessResult test = selftest_of_8_streams(GetParam(), folder);
  ASSERT_TRUE(test.exit_code == 0 || test.exit_code == 1) << test.err;
  const json result = json::parse(test.out);
  ASSERT_EQ(result["steps"].size(), 1u);
  const json& step = result["steps"][0];
  EXPECT_EQ(result["tls"], GetParam());
  EXPECT_EQ(result["in_step"], GetParam());
  EXPECT_EQ(step["streams"], 8);
  EXPECT_EQ(step["unaccounted"], 0);
  EXPECT_GT(step["chunks"], 8 * 3 * 25);
  EXPECT_GT(step["stamp_error_p50_us"], 0.0);
  EXPECT_GE(step["stamp_error_p99_us"], step["stamp_error_p50_us"]);
  EXPECT_EQ(test.exit_code == 0, step["trusted"].get<bool>());
  EXPECT_EQ(read_file(folder / "state" / "llmsweep" / "selftest.json"), test.out);
}

// How late the stamps are depends on the machine: where it is quiet, the measured delay of the
// client agrees with the endpoint's log far better than a millisecond.
TEST_P(SelftestTransport, AgreesWithTheEndpointsLog) {
  const ProcessResult test = selftest_of_8_streams(GetParam(), test_folder());
  const json step = json::parse(test.out)["steps"][0];
  if (step["receive_stamps"] != true) GTEST_SKIP() << "no receive stamps on this machine";
  EXPECT_LT(std::abs(step["stamp_error_p50_us"].get<double>() -
                     step["receive_delay_p50_us"].get<double>()),
            500);
}

INSTANTIATE_TEST_SUITE_P(Selftest, SelftestTransport, ::testing::Bool(), [](const auto& tls) {
  return tls.param ? std::string("Tls") : std::string("Http");
});

TEST(Selftest, RunAndCheckHoldTheirPlanAgainstTheLastOne) {
  const fs::path folder = test_folder();
  EndpointProcess endpoint(folder / "endpoint", "engine: {step: {base_ms: 2}}\n");
  write_file_atomically(folder / "spec.yaml",
                        "name: test\nsystem: {gpus: 1}\nendpoint: {url: '" + endpoint.url() +
                            "'}\nworkload: {output_tokens: 5}\nload: {concurrency: [1, 4], "
                            "requests_per_slot: 1, repeats: 1}\n");
  const std::vector<std::string> run = {"run", folder / "spec.yaml", "--out", folder / "out"};
  EXPECT_THAT(llmsweep_with_state(run, folder).err, HasSubstr("no self-test of this machine yet"));

  const ProcessResult test =
      llmsweep_with_state({"selftest", "--streams", "2", "--rate", "20"}, folder);
  ASSERT_TRUE(test.exit_code == 0 || test.exit_code == 1) << test.err;
  EXPECT_THAT(test.out, HasSubstr("Ceiling: "));
  EXPECT_THAT(test.err, HasSubstr("2 streams, "));
  const ProcessResult checked = llmsweep_with_state({"check", folder / "spec.yaml"}, folder);
  for (const std::string& said : {llmsweep_with_state(run, folder).err, checked.out}) {
    EXPECT_THAT(said, HasSubstr("this run plans up to 4 streams"));
    EXPECT_THAT(said, HasSubstr("the self-test of "));
    EXPECT_THAT(said, HasSubstr(test.exit_code == 0 ? "beyond it" : "cannot be trusted"));
  }

  write_file_atomically(folder / "state" / "llmsweep" / "selftest.json", "broken");
  EXPECT_THAT(llmsweep_with_state(run, folder).err, HasSubstr("no self-test of this machine yet"));
}

TEST(Selftest, RefusesWhatItCannotDo) {
  EXPECT_EQ(run_llmsweep({"selftest", "--streams", "0"}).exit_code, 2);
  EXPECT_EQ(run_llmsweep({"selftest", "--rate", "0.1"}).exit_code, 2);
  EXPECT_EQ(run_llmsweep({"selftest", "--format", "xml"}).exit_code, 2);
  EXPECT_THAT(run_llmsweep({"selftest", "--help"}).out, HasSubstr("Exit codes"));
}

}  // namespace
}  // namespace llmsweep
