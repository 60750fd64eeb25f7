// compare and gate on the real binary: what is printed, which files are left, how it exits.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "analysis/make_result.h"
#include "cli/process.h"
#include "llmsweep/base/files.h"
#include "llmsweep/results/result_file.h"

namespace llmsweep {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string published(const std::string& name) {
  return LLMSWEEP_SOURCE_DIR "/datasets/published/deepseek-v3.2-" + name + ".json";
}

std::string stored(const SweepResult& result, const std::filesystem::path& folder) {
  const auto path = folder / (result.name + ".json");
  write_result(path, result);
  return path.string();
}

SweepResult measured(const std::string& name = "measured") {
  return testing::make_result(name, 4, {{1, {5790, 5801, 5815}}, {8, {11900, 12000, 12050}}});
}

// Before and after a change the name of the spec says nothing.
TEST(CompareCommand, NamesItsSides) {
  const std::filesystem::path folder = test_folder();
  const std::string text = read_file(published("h200-fp8"));
  std::filesystem::create_directories(folder / "x");
  std::filesystem::create_directories(folder / "x-2");
  for (const char* place : {"x/result.json", "x-2/result.json", "c.json"}) {
    write_file_atomically(folder / place, text);
  }
  const auto title = [&](const std::string& a, const std::string& b) {
    const ProcessResult result = run_llmsweep({"compare", a, b});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return result.out.substr(0, result.out.find('\n'));
  };
  EXPECT_EQ(title(folder / "x", folder / "x-2"), "x-2 against x");
  EXPECT_EQ(title(folder / "x" / "result.json", folder / "c.json"), "c against x");
  EXPECT_EQ(title("main=" + (folder / "x").string(), "branch=" + (folder / "x-2").string()),
            "branch against main");
  const ProcessResult missing =
      run_llmsweep({"compare", "a=" + (folder / "no").string(), "b=" + (folder / "x").string()});
  EXPECT_EQ(missing.exit_code, 2);
  EXPECT_THAT(missing.err, HasSubstr((folder / "no").string()));
  const auto compared =
      nlohmann::json::parse(run_llmsweep({"compare", "a=" + (folder / "x").string(),
                                          "b=" + (folder / "c.json").string(), "--format", "json"})
                                .out);
  EXPECT_EQ(compared[0]["baseline"], "a");
}

TEST(CompareCommand, FailsWhereAFigureIsWorseAndThatIsAskedFor) {
  const std::filesystem::path folder = test_folder();
  const std::string good = stored(measured("good"), folder);
  const std::string bad =
      stored(testing::make_result("bad", 4, {{1, {6790, 6801, 6815}}, {8, {13900, 14000, 14050}}}),
             folder);
  EXPECT_EQ(run_llmsweep({"compare", good, bad}).exit_code, 0);
  EXPECT_EQ(run_llmsweep({"compare", good, bad, "--fail-on", "worse"}).exit_code, 10);
  EXPECT_EQ(run_llmsweep({"compare", bad, good, "--fail-on", "worse"}).exit_code, 0);
  EXPECT_EQ(run_llmsweep({"compare", good, bad, "--fail-on", "better"}).exit_code, 2);
}

// By docs/statistics.md alone, without our code.
TEST(CompareCommand, EveryNumberFollowsFromTheResults) {
  if (!std::filesystem::exists("/usr/bin/python3")) GTEST_SKIP() << "needs python3";
  const std::filesystem::path folder = test_folder();
  const SweepResult sides[] = {
      testing::make_result("a", 4, {{1, {5790, 5801, 5815}}, {8, {11900, 12000, 12050}}}),
      testing::make_result("b", 4, {{1, {5290, 5301, 5345}}, {8, {11940, 12010, 12070}}})};
  for (const SweepResult& side : sides) {
    std::filesystem::create_directories(folder / side.name);
    write_result(folder / side.name / "result.json", side);
  }
  const ProcessResult compared =
      run_llmsweep({"compare", folder / "a", folder / "b", "--format", "json"});
  ASSERT_EQ(compared.exit_code, 0) << compared.err;
  write_file_atomically(folder / "comparison.json", compared.out);
  const ProcessResult recomputed =
      Process({"/usr/bin/python3", LLMSWEEP_SOURCE_DIR "/tests/python/recompute.py", "--comparison",
               folder / "comparison.json", folder / "a", folder / "b"},
              folder)
          .wait();
  EXPECT_EQ(recomputed.exit_code, 0) << recomputed.out << recomputed.err;
  EXPECT_THAT(recomputed.out, HasSubstr(" rows compared, 0 numbers differ"));
}

TEST(CompareCommand, IsShortUnlessAskedForAll) {
  const std::string a = published("h200-fp8"), b = published("gb200-nvfp4");
  const ProcessResult brief = run_llmsweep({"compare", a, b});
  const ProcessResult full = run_llmsweep({"compare", a, b, "--full"});
  for (const ProcessResult* each : {&brief, &full}) {
    EXPECT_THAT(each->out, HasSubstr("16×"));
    EXPECT_THAT(each->out, HasSubstr("What differs"));
  }
  EXPECT_THAT(brief.out, HasSubstr("14,716"));
  EXPECT_THAT(brief.out, Not(HasSubstr("Same: ")));
  EXPECT_THAT(brief.out, HasSubstr("--full"));
  EXPECT_THAT(full.out, HasSubstr("Same: "));
  EXPECT_LT(brief.out.size(), full.out.size());
}

TEST(CompareCommand, ReproducesTheArticle) {
  const ProcessResult result =
      run_llmsweep({"compare", published("h200-fp8"), published("gb200-nvfp4")});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  for (const char* text :
       {"2 against 0.125 users per GPU, 16×", "2.54× lower", "2.5× lower latency", "1.66× smaller",
        "1.7× smaller weights", "LiveCodeBench V6", "0.849"}) {
    EXPECT_THAT(result.out, HasSubstr(text));
  }
}

TEST(CompareCommand, WritesEveryFormatAndTheFigure) {
  const std::string figure = (test_folder() / "f.svg").string();
  const std::vector<std::string> base = {"compare", published("h200-fp8"), published("gb200-nvfp4"),
                                         published("gb200-fp8")};
  const auto with = [&base](std::vector<std::string> more) {
    std::vector<std::string> words = base;
    words.insert(words.end(), more.begin(), more.end());
    return run_llmsweep(words);
  };
  const auto json = nlohmann::json::parse(with({"--format", "json"}).out);
  ASSERT_EQ(json.size(), 2u);
  EXPECT_EQ(json[0]["users"][0]["per_gpu_ratio"], 16.0);
  EXPECT_THAT(with({"--format", "csv"}).out, HasSubstr("users_per_gpu e2e:p50:15s,0.125,2,16"));
  EXPECT_THAT(with({"--format", "markdown"}).out, HasSubstr("| MMLU Pro |"));
  EXPECT_THAT(with({}).out, HasSubstr("Against deepseek-v3.2-h200-fp8"));
  EXPECT_EQ(with({"--figure", figure}).exit_code, 0);
  EXPECT_THAT(read_file(figure), HasSubstr("<svg"));
}

TEST(CompareCommand, RefusesUnlikeWorkloadsUntilTheyAreAllowed) {
  SweepResult other = measured("other");
  other.workload.seed = 99;
  const auto folder = test_folder();
  const std::string a = stored(measured(), folder), b = stored(other, folder);
  const ProcessResult refused = run_llmsweep({"compare", a, b});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, HasSubstr("--allow-different seed"));
  const ProcessResult allowed = run_llmsweep({"compare", a, b, "--allow-different", "seed"});
  EXPECT_EQ(allowed.exit_code, 0);
  EXPECT_THAT(allowed.out, HasSubstr("because it was allowed: seed"));
}

TEST(GateCommand, ExitsWithEveryOutcome) {
  const auto folder = test_folder();
  const std::string file = stored(measured(), folder);
  const auto exit_of = [&file](std::vector<std::string> words) {
    words.insert(words.begin(), {"gate", file});
    return run_llmsweep(words).exit_code;
  };
  EXPECT_EQ(exit_of({"--require", "e2e:p50@c8 <= 15s"}), 0);
  EXPECT_EQ(exit_of({"--require", "e2e:p50@c8 <= 11s"}), 10);
  EXPECT_EQ(exit_of({"--require", "e2e:p50@c8 <= 12s"}), 11);
  EXPECT_EQ(exit_of({"--require", "e2e:p50@c8 <= 12s", "--inconclusive-is", "pass"}), 0);
  EXPECT_EQ(exit_of({"--require", "e2e:p50@c8 <= 12s", "--inconclusive-is", "fail"}), 10);
  EXPECT_EQ(exit_of({"--require", "e2e:p50@c99 <= 15s"}), 12);
  EXPECT_EQ(exit_of({"--no-worse", "e2e:p50@c8 by 3%"}), 12);
  const std::string other = stored(measured("other"), folder);
  EXPECT_EQ(exit_of({"--no-worse", "e2e:p50@c8 by 3%", "--baseline", other}), 0);
  EXPECT_EQ(exit_of({"--no-worse", "e2e:p50@c8 by 3%", "--baseline", file}), 2);  // itself
  EXPECT_EQ(exit_of({"--require", "e2e:p50@c8"}), 2);
  EXPECT_EQ(exit_of({}), 2);
}

// What a rule stands on is missing or invalid: 12 alone and beside rules that pass or cannot be
// decided, whatever those count as; 10 beside one that fails; never 0.
TEST(GateCommand, NeverPassesOnAnythingMissingOrInvalid) {
  const auto folder = test_folder();
  const auto with = [](const std::string& name, const std::function<void(SweepResult&)>& change) {
    SweepResult result = measured(name);
    result.quality = {{"GPQA", 0.8}};
    change(result);
    return result;
  };
  const auto at8 = [](SweepResult& result) -> LevelStats& { return result.levels.at(1); };
  const std::string good = stored(with("good", [](SweepResult&) {}), folder);
  const std::string invalid =
      stored(with("invalid",
                  [&](SweepResult& result) {
                    at8(result).pooled.valid = false;
                    at8(result).pooled.invalid_reasons = {InvalidReason::kClientBusy};
                  }),
             folder);
  const std::string unanswered = stored(
      with("unanswered", [&](SweepResult& result) { at8(result).pooled.requests = {}; }), folder);
  const std::string short_of_8 =
      stored(with("short", [](SweepResult& result) { result.levels.pop_back(); }), folder);
  const std::string bare = stored(with("bare",
                                       [](SweepResult& result) {
                                         const auto strip = [](RunStats& run) {
                                           run.ttfo = {};
                                           run.e2e.p99.reset();
                                           run.goodput_fraction.reset();
                                         };
                                         for (LevelStats& level : result.levels) {
                                           strip(level.pooled);
                                           for (RunStats& run : level.runs) strip(run);
                                         }
                                       }),
                                  folder);
  const std::string other =
      stored(with("other", [](SweepResult& result) { result.workload.seed = 99; }), folder);
  const std::string unscored =
      stored(with("unscored", [](SweepResult& result) { result.quality.clear(); }), folder);

  struct Case {
    std::string result;
    std::string baseline;  // empty: none
    const char* flag;
    const char* rule;
  };
  const std::vector<Case> cases = {
      {good, "", "--require", "e2e:p50@c99 <= 99s"},
      {invalid, "", "--require", "e2e:p50@c8 <= 99s"},
      {invalid, "", "--require", "e2e:p50@all <= 99s"},
      {unanswered, "", "--require", "e2e:p50@c8 <= 99s"},
      {bare, "", "--require", "ttfo:p50@c8 <= 99s"},
      {bare, "", "--require", "e2e:p99@c8 <= 99s"},
      {bare, "", "--require", "goodput@c8 >= 1%"},
      {good, "", "--require", "quality:MMLU >= 0.1"},
      {bare, "", "--require", "users@e2e:p99:99s >= 1"},
      {good, "", "--no-worse", "e2e:p50@c8 by 90%"},
      {good, short_of_8, "--no-worse", "e2e:p50@c8 by 90%"},
      {short_of_8, good, "--no-worse", "e2e:p50@all by 90%"},
      {good, invalid, "--no-worse", "e2e:p50@c8 by 90%"},
      {good, other, "--no-worse", "e2e:p50@c8 by 90%"},
      {good, unscored, "--no-worse", "quality:GPQA by 9%"},
  };
  for (const Case& each : cases) {
    SCOPED_TRACE(each.result + " " + each.rule);
    const auto exit_of = [&each](const std::vector<std::string>& beside) {
      std::vector<std::string> words = {"gate", each.result, each.flag, each.rule};
      if (!each.baseline.empty()) words.insert(words.end(), {"--baseline", each.baseline});
      words.insert(words.end(), beside.begin(), beside.end());
      return run_llmsweep(words).exit_code;
    };
    EXPECT_EQ(exit_of({"--require", "e2e:p50@c1 <= 15s", "--inconclusive-is", "pass"}), 12);
    EXPECT_EQ(exit_of({"--require", "e2e:p50@c1 <= 5801ms", "--inconclusive-is", "pass"}), 12);
    EXPECT_EQ(exit_of({"--require", "e2e:p50@c1 <= 1s"}), 10);
  }
}

TEST(GateCommand, LeavesEveryReportAndFindsGitHubInTheEnvironment) {
  const auto folder = test_folder();
  const std::string file = stored(measured(), folder);
  write_file_atomically(folder / "policy.yaml",
                        "rules:\n"
                        "  - name: \"<script>, 100%\"\n"
                        "    require: e2e:p50@c8 <= 11s\n"
                        "  - require: users_per_gpu@e2e:p50:12.5s >= 2\n");
  Process process({LLMSWEEP_BINARY, "gate", file, "--policy", folder / "policy.yaml", "--json",
                   folder / "gate.json", "--junit", folder / "gate.xml"},
                  folder,
                  {"GITHUB_ACTIONS=true", "GITHUB_STEP_SUMMARY=" + (folder / "s.md").string()});
  const ProcessResult result = process.wait();
  EXPECT_EQ(result.exit_code, 10) << result.err;
  EXPECT_THAT(result.out, HasSubstr("PASS         users_per_gpu@e2e:p50:12.5s >= 2"));
  EXPECT_THAT(result.out, HasSubstr("::error title=FAIL <script>%2C 100%25"));
  EXPECT_EQ(nlohmann::json::parse(read_file(folder / "gate.json"))["outcome"], "FAIL");
  EXPECT_THAT(read_file(folder / "gate.xml"), HasSubstr("failures=\"1\""));
  EXPECT_THAT(read_file(folder / "s.md"), HasSubstr("| FAIL |"));
  EXPECT_THAT(read_file(folder / "s.md"), Not(HasSubstr("<script>")));
}

TEST(GateCommand, KeepsItsAnswerWhereTheSummaryCannotBeWritten) {
  const auto folder = test_folder();
  Process process(
      {LLMSWEEP_BINARY, "gate", stored(measured(), folder), "--require", "e2e@c8 <= 15s"}, folder,
      {"GITHUB_STEP_SUMMARY=/nonexistent/summary.md"});
  const ProcessResult result = process.wait();
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.err, HasSubstr("no step summary"));
}

TEST(GateCommand, DoesNotWaitForTheReaderOfItsSummary) {
  const auto folder = test_folder();
  ASSERT_EQ(::mkfifo((folder / "fifo").c_str(), 0600), 0);
  Process process(
      {LLMSWEEP_BINARY, "gate", stored(measured(), folder), "--require", "e2e@c8 <= 15s"}, folder,
      {"GITHUB_STEP_SUMMARY=" + (folder / "fifo").string()});
  const ProcessResult result = process.wait();
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.err, HasSubstr("no step summary"));
}

TEST(GateCommand, NamesTheFileThatIsBroken) {
  const auto broken = test_folder() / "broken.json";
  write_file_atomically(broken, "{\"levels\": [");
  const ProcessResult result =
      run_llmsweep({"gate", broken.string(), "--require", "e2e@c8 <= 15s"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("broken.json"));
}

TEST(ImportCommand, MakesAResultThatOtherCommandsTake) {
  const auto folder = test_folder();
  write_file_atomically(folder / "c8.json", R"({"model_id": "m", "max_concurrency": 8,
"duration": 100, "completed": 400, "failed": 0, "total_input_tokens": 960000,
"total_output_tokens": 640000, "output_throughput": 6400, "median_e2el_ms": 14716})");
  write_file_atomically(folder / "lm_eval.json", R"({"results": {"gpqa": {"acc,none": 0.835}}})");
  const std::string out = (folder / "imported.json").string();
  const ProcessResult without = run_llmsweep({"import", folder / "c8.json", "-o", out});
  EXPECT_EQ(without.exit_code, 2);
  EXPECT_THAT(without.err, HasSubstr("--gpus"));
  const ProcessResult imported =
      run_llmsweep({"import", folder / "c8.json", "--gpus", "8", "-o", out});
  EXPECT_EQ(imported.exit_code, 0) << imported.err;
  EXPECT_THAT(imported.out, HasSubstr("imported as ICL"));
  const ProcessResult scored =
      run_llmsweep({"import", out, "--quality", folder / "lm_eval.json", "-o", out});
  EXPECT_EQ(scored.exit_code, 0) << scored.err;
  EXPECT_EQ(run_llmsweep({"gate", out, "--require", "e2e:p50@c8 <= 16s", "--require",
                          "quality:gpqa >= 0.83"})
                .exit_code,
            0);
  EXPECT_EQ(run_llmsweep({"compare", out, out, "--target", "e2e:p50:15s"}).exit_code, 0);
}

TEST(ImportCommand, TakesTheSystemOfASpec) {
  const auto folder = test_folder();
  write_file_atomically(folder / "r.json", R"({"model_id": "m", "max_concurrency": 8,
"duration": 10, "completed": 4, "total_output_tokens": 64, "output_throughput": 6,
"median_e2el_ms": 14})");
  write_file_atomically(folder / "system.yaml", "system: {accelerator: H200, gpus: 8}\n");
  const auto out = folder / "imported.json";
  ASSERT_EQ(
      run_llmsweep({"import", folder / "r.json", "--system", folder / "system.yaml", "-o", out})
          .exit_code,
      0);
  EXPECT_EQ(read_result(out).system.accelerator, "H200");
}

TEST(ExportCommand, IsReadBackByImport) {
  const auto folder = test_folder();
  const std::string file = stored(measured(), folder);
  const auto lines = folder / "vllm.jsonl";
  ASSERT_EQ(run_llmsweep({"export", file, "--as", "vllm-json", "-o", lines}).exit_code, 0);
  const auto out = folder / "back.json";
  ASSERT_EQ(run_llmsweep({"import", lines, "-o", out}).exit_code, 0);
  const SweepResult back = read_result(out);
  ASSERT_EQ(back.levels.size(), 2u);
  EXPECT_EQ(back.levels[1].runs.size(), 3u);
  EXPECT_DOUBLE_EQ(*back.levels[1].runs[0].e2e.p50, 11900);
  EXPECT_EQ(back.system.gpus, 4);
  const ProcessResult csv = run_llmsweep({"export", file, "--as", "csv"});
  EXPECT_THAT(csv.out, HasSubstr("11"));
  EXPECT_THAT(run_llmsweep({"export", file, "--as", "llm-d-report"}).out,
              HasSubstr("version: '0.2'"));
}

}  // namespace
}  // namespace llmsweep
