// report and show on the real binary: which files are left, what is printed, how it exits.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/process.h"
#include "llmsweep/base/files.h"
#include "llmsweep/results/record_file.h"

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

TEST(ReportCommand, SharesNothingThatNamesTheMachineOrTheEndpoint) {
  const std::filesystem::path folder = test_folder();
  write_file_atomically(folder / "result.json", R"({
    "schema_version": 1, "tool": "llmsweep 0.1.0", "name": "planted-host", "source": "measured",
    "model": "m", "system": {"gpus": 1}, "spec": {"endpoint": {"url": "http://planted.example/v1"}},
    "provenance": {"host": "planted-host", "kernel": "planted", "notes": ["made on planted-host"],
                   "resolved_address": "10.1.2.3:80", "models_json": "planted"}, "levels": []})");
  RequestRecord record{
      .run = {at_concurrency(1), 0}, .scheduled = from_ns(1), .outcome = Outcome::kTransportError};
  record.end = from_ns(9);
  record.error = "cannot connect to planted.example:80 (10.1.2.3:80)";
  write_file_atomically(folder / "requests.jsonl", record_to_jsonl(record) + "\n");
  const std::string result = folder.string();
  const auto at = [&](const char* name) { return (folder / name).string(); };
  EXPECT_EQ(run_llmsweep({"report", result, "--html", at("own.html")}).exit_code, 0);
  const auto holds = [](const std::string& all, const char* part) {
    return all.find(part) != std::string::npos;
  };
  EXPECT_TRUE(holds(read_file(folder / "own.html"), "cannot connect to planted.example:80"));
  const ProcessResult shared =
      run_llmsweep({"report", result, "--share", "--html", at("r.html"), "--figures", at("all"),
                    "--markdown", at("r.md"), "--csv", "-"});
  EXPECT_EQ(shared.exit_code, 0) << shared.err;
  std::string text = shared.out.substr(0, shared.out.find(folder.string()));
  for (const auto& entry : std::filesystem::directory_iterator(folder / "all")) {
    text += read_file(entry.path());
  }
  text += read_file(folder / "r.html") + read_file(folder / "r.md");
  for (const char* as : {"csv", "vllm-json", "llm-d-report"}) {
    text += run_llmsweep({"export", result, "--as", as, "--share"}).out;
  }
  EXPECT_FALSE(holds(text, "planted")) << text.substr(text.find("planted"), 200);
  EXPECT_FALSE(holds(text, "10.1.2.3")) << text.substr(text.find("10.1.2.3"), 200);
  EXPECT_TRUE(holds(text, "made to be shared"));
  EXPECT_TRUE(holds(text, "cannot connect to"));
}

TEST(ReportCommand, AnswersATargetThatTheFileDoesNotName) {
  const ProcessResult result = run_llmsweep(
      {"report", published_file("gb200-nvfp4"), "--markdown", "-", "--target", "e2e:p50:6s"});
  EXPECT_THAT(result.out, HasSubstr("at 6,000 ms p50 E2E"));
}

TEST(ReportCommand, AnswersEveryTargetThatIsNamedAsShowDoes) {
  const std::string file = published_file("gb200-nvfp4");
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"report", file, "--markdown", "-"},
        std::vector<std::string>{"show", file}}) {
    std::vector<std::string> words = command;
    words.insert(words.end(), {"--target", "e2e:p50:6s", "--target", "e2e:p50:7s"});
    const ProcessResult result = run_llmsweep(words);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_THAT(result.out, HasSubstr("6,000 ms"));
    EXPECT_THAT(result.out, HasSubstr("7,000 ms"));
  }
}

TEST(ReportCommand, RefusesAKindThatThereIsNot) {
  const ProcessResult result =
      run_llmsweep({"report", published_file("h200-fp8"), "--figure", "f.svg", "--kind", "pie"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("throughput-latency"));
}

TEST(ReportCommand, WritesNoSvgUnderAnotherName) {
  const fs::path folder = test_folder();
  const ProcessResult result =
      run_llmsweep({"report", published_file("h200-fp8"), "--figure", folder / "f.png"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("--figure: figures are written as SVG, not as '.png'"));
  EXPECT_FALSE(fs::exists(folder / "f.png"));
}

TEST(ReportCommand, SaysOnThePageThatWorkloadsAreUnlike) {
  const fs::path folder = test_folder();
  const std::string other = read_file(published_file("h200-fp8"));
  const std::string wanted = "\"input_tokens\": 2400";
  const size_t at = other.find(wanted);
  ASSERT_NE(at, std::string::npos);
  write_file_atomically(folder / "other.json",
                        std::string(other).replace(at, wanted.size(), "\"input_tokens\": 1024"));
  const ProcessResult result = run_llmsweep(
      {"report", published_file("h200-fp8"), folder / "other.json", "--html", folder / "r.html"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(read_file(folder / "r.html"), HasSubstr("do not stand for each other"));
}

TEST(ShowCommand, ListsTheResultsOfAFolder) {
  const fs::path folder = test_folder();
  for (const char* name : {"h200-fp8", "gb200-nvfp4"}) {
    fs::create_directories(folder / name);
    write_file_atomically(folder / name / "result.json", read_file(published_file(name)));
  }
  fs::create_directories(folder / "torn");
  write_file_atomically(folder / "torn" / "result.json", "{");
  fs::create_directories(folder / "other");
  const ProcessResult listed = run_llmsweep({"show", folder});
  EXPECT_EQ(listed.exit_code, 0) << listed.err;
  EXPECT_THAT(listed.out, HasSubstr("gb200-nvfp4"));
  EXPECT_THAT(listed.out, HasSubstr("8 users on 4 GPUs within 15,000 ms p50 E2E"));
  EXPECT_THAT(listed.out, HasSubstr("1 user on 8 GPUs"));
  EXPECT_THAT(listed.out, HasSubstr("torn"));
  EXPECT_THAT(listed.out, Not(HasSubstr("other")));
  const ProcessResult ambiguous = run_llmsweep({"show", folder, "--format", "json"});
  EXPECT_EQ(ambiguous.exit_code, 2);
  EXPECT_THAT(ambiguous.err, HasSubstr("holds several results"));
  const ProcessResult none = run_llmsweep({"show", folder / "other"});
  EXPECT_EQ(none.exit_code, 2);
  EXPECT_THAT(none.err, HasSubstr("no result is in the folder"));
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
