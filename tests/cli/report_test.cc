// report and show on the real binary: which files are left, what is printed, how it exits.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/process.h"
#include "llmsweep/base/files.h"
#include "llmsweep/base/text.h"
#include "llmsweep/model/names.h"
#include "llmsweep/results/record_file.h"

namespace llmsweep {
namespace {
namespace fs = std::filesystem;

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

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
  EXPECT_THAT(result.err, HasSubstr("--figure: writes SVG, not '.png'; write it with "
                                    "llmsweep report --png "));
  const std::string file = published_file("h200-fp8");
  const ProcessResult compared =
      run_llmsweep({"compare", file, file, "--figure", folder / "f.png"});
  EXPECT_EQ(compared.exit_code, 2);
  EXPECT_THAT(compared.err, HasSubstr("--figure: writes SVG"));
  EXPECT_FALSE(fs::exists(folder / "f.png"));
}

TEST(ReportCommand, WritesAPngWhereItsProgramIsInstalled) {
  const fs::path folder = test_folder();
  const fs::path png = folder / "f.png";
  const std::vector<std::string> words = {LLMSWEEP_BINARY, "report", published_file("h200-fp8"),
                                          "--png", png};
  const ProcessResult without = Process(words, folder, {"PATH=" + folder.string()}).wait();
  EXPECT_EQ(without.exit_code, 2);
  EXPECT_THAT(without.err, HasSubstr("rsvg-convert, which is not installed; install librsvg2-bin"));
  EXPECT_FALSE(fs::exists(png));
  // One that fails, and one that writes something else.
  for (const auto& [script, why] : {std::pair{"exit 3", "it failed"}, {"echo no", "is none"}}) {
    write_file_atomically(folder / "rsvg-convert", std::string("#!/bin/sh\n") + script + "\n");
    fs::permissions(folder / "rsvg-convert", fs::perms::owner_all);
    const ProcessResult broken = Process(words, folder, {"PATH=" + folder.string()}).wait();
    EXPECT_EQ(broken.exit_code, 1);
    EXPECT_THAT(broken.err, HasSubstr(why));
    EXPECT_FALSE(fs::exists(png));
  }
  fs::remove(folder / "rsvg-convert");
  EXPECT_THAT(run_llmsweep({"report", published_file("h200-fp8"), "--png", folder / "f.svg"}).err,
              HasSubstr("--png: writes PNG, not '.svg'"));
  if (!fs::exists("/usr/bin/rsvg-convert")) GTEST_SKIP() << "no rsvg-convert (librsvg2-bin)";
  const ProcessResult written = Process(words, folder, {"PATH=/usr/bin"}).wait();
  EXPECT_EQ(written.exit_code, 0) << written.err;
  EXPECT_EQ(written.out, png.string() + "\n");
  const std::string bytes = read_file(png);
  EXPECT_THAT(bytes, StartsWith("\x89PNG\r\n"));
  const auto number_at = [&bytes](size_t at) {
    return static_cast<unsigned char>(bytes[at + 2]) * 256 +
           static_cast<unsigned char>(bytes[at + 3]);
  };
  EXPECT_EQ(number_at(16), 1920);
  EXPECT_EQ(number_at(20), 1200);
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

std::filesystem::path old_result(const char* name) {
  return std::filesystem::path(LLMSWEEP_SOURCE_DIR) / "tests/compat/0.1.0/results" / name;
}

TEST(ExportRequests, HasALineARequestWithItsLatenciesAndTheTimeOfDay) {
  const std::filesystem::path folder = old_result("complete");
  const ProcessResult result = run_llmsweep({"export", folder, "--as", "requests-csv"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const std::vector<std::string> lines = split(result.out, '\n');
  const std::vector<std::string> names = split(trim(lines[0]), ',');
  const auto field = [&names](const std::string& line, const std::string& name) {
    const auto at = std::find(names.begin(), names.end(), name);
    EXPECT_NE(at, names.end()) << name;
    return split(trim(line), ',')[static_cast<size_t>(at - names.begin())];
  };
  RecordReader reader(folder / "requests.jsonl");
  size_t count = 0;
  while (const auto record = reader.next()) {
    const std::string& line = lines[++count];
    EXPECT_EQ(field(line, "level"), name_of(record->run.point));
    EXPECT_EQ(field(line, "slot"), std::to_string(record->slot));
    EXPECT_EQ(field(line, "phase"), name_of(record->phase));
    EXPECT_EQ(field(line, "output_tokens"), std::to_string(record->output_tokens));
    if (record->outcome != Outcome::kOk) continue;
    EXPECT_NEAR(std::stod(field(line, "e2e_ms")), to_ms(*record->last_token - *record->sent), 1e-3);
    EXPECT_NEAR(std::stod(field(line, "ttft_ms")), to_ms(*record->first_token - *record->sent),
                1e-3);
    // The sweep's runs began at 15:56:05 and :06, says its journal.
    EXPECT_THAT(field(line, "started_at"), StartsWith("2026-11-28T15:56:0"));
    EXPECT_LT(field(line, "started_at"), field(line, "ended_at"));
  }
  EXPECT_GT(count, 10u);
  EXPECT_EQ(lines.size(), count + 2);  // the header, and nothing after the last line break
}

TEST(ExportRequests, LeavesOutWhatWasMeasuredAgainAndNamesWhatIsMissing) {
  const std::filesystem::path folder = test_folder();
  const std::string file = (folder / "requests.csv").string();
  ASSERT_EQ(run_llmsweep({"export", old_result("resumed") / "result.json", "--as", "requests-csv",
                          "-o", file})
                .exit_code,
            0);
  RecordReader reader(old_result("resumed") / "requests.jsonl");
  size_t kept = 0;
  while (reader.next()) ++kept;
  EXPECT_GT(reader.superseded(), 0);
  EXPECT_EQ(split(read_file(file), '\n').size(), kept + 2);
  const ProcessResult imported =
      run_llmsweep({"export", published_file("h200-fp8"), "--as", "requests-csv", "-o", file});
  EXPECT_EQ(imported.exit_code, 2);
  EXPECT_THAT(imported.err, HasSubstr("there is no requests.jsonl beside it"));
}

// What our own rules refused stays refused, whichever tool's file it went through.
TEST(VllmExport, KeepsALevelInvalidThroughAnImport) {
  const fs::path folder = test_folder();
  auto result = nlohmann::json::parse(read_file(old_result("complete") / "result.json"));
  auto& level = result["levels"][0];
  level["valid"] = false;
  level["invalid_reasons"] = {"client_busy"};
  write_file_atomically(folder / "result.json", result.dump());
  const std::string lines = (folder / "vllm.jsonl").string();
  const std::string back = (folder / "back.json").string();
  ASSERT_EQ(
      run_llmsweep({"export", folder / "result.json", "--as", "vllm-json", "-o", lines}).exit_code,
      0);
  ASSERT_EQ(run_llmsweep({"import", lines, "--gpus", "2", "-o", back}).exit_code, 0);
  const auto imported = nlohmann::json::parse(read_file(back));
  EXPECT_EQ(imported["levels"][0]["valid"], false);
  EXPECT_EQ(imported["levels"][1]["valid"], true);
}

}  // namespace
}  // namespace llmsweep
