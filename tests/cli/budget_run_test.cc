// load.budget and what `check` says a sweep costs, with the real binary.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/process.h"
#include "cli/quick_sweep.h"
#include "llmsweep/base/files.h"

namespace llmsweep {
namespace {
namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

json budget_result(const fs::path& folder) {
  return json::parse(read_file(folder / "result.json"));
}

TEST(BudgetOfARun, EndsASweepInOrderAndAResumeGoesOn) {
  const fs::path folder = test_folder();
  const fs::path spec = write_quick_spec(
      folder, "{concurrency: [1, 2], requests_per_slot: 2, repeats: 2, budget: {tokens: 700}}", 10);
  const fs::path out = folder / "out" / "test";
  const ProcessResult run = run_llmsweep({"run", spec, "--out", folder / "out"});
  EXPECT_EQ(run.exit_code, 13) << run.err;
  EXPECT_THAT(run.err, HasSubstr("would exceed load.budget.tokens"));
  EXPECT_THAT(run.out, HasSubstr("[stopped for its budget: 2 of 4 runs]"));
  const json stopped = budget_result(out);
  EXPECT_EQ(stopped["stopped_for"], "load.budget.tokens");
  EXPECT_EQ(stopped["interrupted"], true);
  // The run that was over stays whole, whatever a busy machine made of its figures.
  const json& reasons = stopped["levels"][1]["invalid_reasons"];
  EXPECT_EQ(std::find(reasons.begin(), reasons.end(), "interrupted"), reasons.end()) << reasons;

  EXPECT_EQ(run_llmsweep({"rebuild", out}).exit_code, 0);
  EXPECT_EQ(budget_result(out)["stopped_for"], "load.budget.tokens");

  const ProcessResult resumed =
      run_llmsweep({"run", spec, "--set", "load.budget.tokens=", "--resume", out});
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_EQ(budget_result(out)["stopped_for"], "");
  EXPECT_EQ(budget_result(out)["interrupted"], false);
  EXPECT_EQ(budget_result(out)["levels"][0]["runs"].size(), 2U);
}

TEST(CheckCost, SaysTokensAndMoneyFromThePricesOfTheSpec) {
  const fs::path folder = test_folder();
  const fs::path spec =
      write_quick_spec(folder, "{concurrency: [1, 4], requests_per_slot: 9, repeats: 2}", 10);
  const ProcessResult plain = run_llmsweep({"check", spec});
  EXPECT_EQ(plain.exit_code, 0) << plain.err;
  // (1 + 9) · (1 + 4) · 2 requests of 50 in and 10 out.
  EXPECT_THAT(plain.out, HasSubstr("at least 5,000 prompt tokens and 1,000 output tokens"));
  EXPECT_THAT(plain.out, Not(HasSubstr("price")));
  const ProcessResult priced = run_llmsweep({"check", spec, "--set",
                                             "endpoint.prices={million_input_tokens: 1000, "
                                             "million_output_tokens: 2000, currency: EUR}"});
  EXPECT_THAT(priced.out, HasSubstr("price      at least 7.00 EUR for the tokens"));
  const json found = json::parse(
      run_llmsweep({"check", spec, "--format", "json", "--set", "endpoint.prices.gpu_hour=3600"})
          .out);
  EXPECT_EQ(found["input_tokens"], 5000);
  EXPECT_EQ(found["tokens_price"], nullptr);
  EXPECT_NEAR(found["gpus_price"].get<double>(), 2 * found["shortest_run_ms"].get<double>() / 1000,
              1e-6);  // 2 GPUs
}

}  // namespace
}  // namespace llmsweep
