// report and show on the real binary: which files are left, what is printed, how it exits.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/process.h"
#include "llmsweep/base/files.h"

namespace llmsweep {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string published_file(const std::string& name) {
  return LLMSWEEP_SOURCE_DIR "/datasets/published/deepseek-v3.2-" + name + ".json";
}

TEST(ReportCommand, WritesEveryFileThatIsAskedFor) {
  const std::filesystem::path folder = test_folder();
  const auto at = [&](const char* name) { return (folder / name).string(); };
  const ProcessResult result =
      run_llmsweep({"report", published_file("h200-fp8"), published_file("gb200-nvfp4"), "--html",
                    at("r.html"), "--figure", at("f.svg"), "--figures", at("all"), "--markdown",
                    at("r.md"), "--csv", "-", "--title", "Published"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(read_file(folder / "r.html"), HasSubstr("2 against 0.125 users per GPU, 16×"));
  EXPECT_THAT(read_file(folder / "r.html"), HasSubstr("<h1>Published</h1>"));
  EXPECT_THAT(read_file(folder / "f.svg"), HasSubstr(">c8:872</text>"));
  EXPECT_THAT(read_file(folder / "r.md"), HasSubstr("published"));
  EXPECT_THAT(result.out, HasSubstr("name,model,source"));
  for (const char* kind : {"throughput-latency", "users-per-gpu", "percentiles"}) {
    EXPECT_TRUE(std::filesystem::exists(folder / "all" / (std::string(kind) + ".svg"))) << kind;
  }
}

TEST(ReportCommand, AnswersATargetThatTheFileDoesNotName) {
  const ProcessResult result = run_llmsweep(
      {"report", published_file("gb200-nvfp4"), "--markdown", "-", "--target", "e2e:p50:6s"});
  EXPECT_THAT(result.out, HasSubstr("at 6,000 ms p50 E2E"));
}

TEST(ReportCommand, RefusesAKindThatThereIsNot) {
  const ProcessResult result =
      run_llmsweep({"report", published_file("h200-fp8"), "--figure", "f.svg", "--kind", "pie"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("throughput-latency"));
}

TEST(ShowCommand, PrintsTheTableAgain) {
  const ProcessResult result = run_llmsweep({"show", published_file("h200-fp8")});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("[published]"));
  EXPECT_THAT(result.out, HasSubstr("14,716"));
  EXPECT_THAT(result.out, Not(HasSubstr("\x1b")));
  EXPECT_THAT(run_llmsweep({"show", published_file("h200-fp8"), "--format", "json"}).out,
              HasSubstr("\"schema_version\""));
}

}  // namespace
}  // namespace llmsweep
