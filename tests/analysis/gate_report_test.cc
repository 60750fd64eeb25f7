#include "llmsweep/report/gate_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "llmsweep/base/text.h"

namespace llmsweep {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

const std::string kHostileName =
    "q\"uote' <script>alert(1)</script> ]]> --> & | `x` \n::error::owned\r\n\x1b[31m %0A @all";

GateLine line(GateOutcome outcome, const std::string& rule) {
  GateLine line{.rule = rule, .outcome = outcome, .unit = "ms", .target = 15000, .limit = 15000};
  if (outcome != GateOutcome::kInvalid) {
    line.measured = 14716;
    line.bounds = Interval{14690, 14742};
    line.margin = 0.0189;
    line.repeats = 3;
    line.basis = "3 runs, t on their logs";
  }
  line.why = "because";
  if (outcome != GateOutcome::kPass) line.next = "do this";
  return line;
}

GateReport every_outcome() {
  GateReport report{.result_name = "nightly", .baseline_name = "main", .marks = {"SIMULATED"}};
  report.lines = {line(GateOutcome::kPass, "a"), line(GateOutcome::kInconclusive, "b"),
                  line(GateOutcome::kInvalid, "c"), line(GateOutcome::kFail, "d")};
  report.outcome = GateOutcome::kFail;
  return report;
}

GateReport hostile() {
  GateReport report = every_outcome();
  report.result_name = report.baseline_name = kHostileName;
  for (GateLine& rule : report.lines) rule.rule = rule.name = rule.why = rule.next = kHostileName;
  report.failures = {{.text = kHostileName, .count = 3}};
  return report;
}

TEST(GateText, SaysEverythingAboutARuleOnOneLine) {
  const std::vector<std::string> lines = split(gate_text(every_outcome(), {}), '\n');
  EXPECT_EQ(lines[0], "nightly against main (SIMULATED)");
  EXPECT_EQ(lines[1],
            "PASS         a: 14,716 ms [14,690, 14,742], limit 15,000 ms, margin 1.9 % (3 runs, t "
            "on their logs); because");
  EXPECT_EQ(lines[3], "INVALID      c: no value; because; do this");
  EXPECT_THAT(lines[5], StartsWith("[low, high]: 95 % bounds each"));
  EXPECT_EQ(lines[6], "gate FAIL: 1 FAIL, 1 INVALID, 1 INCONCLUSIVE, 1 PASS");
}

TEST(GateText, CountsUsersInWholeNumbersAndNamesTheirUnit) {
  GateReport report;
  report.lines = {{.rule = "users_per_gpu@e2e:p50:15s >= 2",
                   .outcome = GateOutcome::kPass,
                   .unit = "users per GPU",
                   .measured = 2,
                   .target = 2,
                   .limit = 2}};
  const std::string text = gate_text(report, {});
  EXPECT_THAT(text, HasSubstr(": 2 users per GPU, limit 2 users per GPU"));
  EXPECT_THAT(text, Not(HasSubstr("[low, high]")));  // there is no interval
}

TEST(GateText, SaysWhatInconclusiveIsCountedAs) {
  GateReport report{.outcome = GateOutcome::kInconclusive,
                    .inconclusive_is = InconclusiveIs::kPass};
  report.lines = {line(GateOutcome::kInconclusive, "b")};
  EXPECT_THAT(gate_text(report, {}), HasSubstr("counted as a pass"));
}

TEST(GateText, LetsNoLineOrEscapeOfANameThrough) {
  const std::string text = gate_text(hostile(), {});
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  EXPECT_THAT(text, Not(HasSubstr("\n::error")));
  EXPECT_EQ(split(text, '\n').size(), 9u);
}

TEST(GateJson, NamesALoadThatIsNoConcurrency) {
  GateReport report;
  report.lines = {line(GateOutcome::kPass, "a")};
  const auto loads = [&report](LoadPoint point) {
    report.lines[0].point = point;
    const auto rule = nlohmann::json::parse(gate_json(report))["rules"][0];
    return rule["concurrency"].dump() + " " + rule.value("load_point", "absent");
  };
  EXPECT_EQ(loads({}), "null absent");
  EXPECT_EQ(loads(at_concurrency(8)), "8 absent");
  EXPECT_EQ(loads(at_rate(2.5)), "null r2.5");
}

TEST(GateJson, HoldsNamesUnchanged) {
  const auto json = nlohmann::json::parse(gate_json(hostile()));
  EXPECT_EQ(json["result"], kHostileName);
  EXPECT_EQ(json["rules"][0]["rule"], kHostileName);
  EXPECT_EQ(json["rules"][0]["bounds"], (nlohmann::json{14690.0, 14742.0}));
  EXPECT_TRUE(json["rules"][2]["measured"].is_null());
  EXPECT_EQ(json["exit_code"], 10);
  EXPECT_EQ(json["outcome"], "FAIL");
}

GateReport with_failures() {
  GateReport report = every_outcome();
  report.failures = {{.text = "HTTP 400: maximum context length is 100 tokens", .count = 12},
                     {.text = "the stream ended early", .count = 1}};
  return report;
}

TEST(GateJson, HasEachFailureOnceWithItsCount) {
  const auto json = nlohmann::json::parse(gate_json(with_failures()));
  ASSERT_EQ(json["failures"].size(), 2u);
  EXPECT_EQ(json["failures"][0]["count"], 12);
  EXPECT_EQ(json["failures"][0]["text"], "HTTP 400: maximum context length is 100 tokens");
  EXPECT_EQ(nlohmann::json::parse(gate_json(every_outcome()))["failures"], nlohmann::json::array());
}

TEST(GateJunit, SaysBesideItsCasesWhyRequestsFailed) {
  const std::string xml = gate_junit(with_failures());
  EXPECT_THAT(xml,
              HasSubstr("    </testcase>\n    <system-err>12 requests failed: HTTP 400: maximum "
                        "context length is 100 tokens\n1 request failed: the stream ended "
                        "early\n</system-err>\n  </testsuite>"));
  EXPECT_THAT(xml, HasSubstr("tests=\"4\" failures=\"2\""));
  EXPECT_THAT(gate_junit(every_outcome()), Not(HasSubstr("system-err")));
}

TEST(GateJunit, CountsEveryOutcome) {
  const std::string xml = gate_junit(every_outcome());
  EXPECT_THAT(xml, StartsWith("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites"));
  EXPECT_THAT(xml, HasSubstr("tests=\"4\" failures=\"2\" errors=\"1\" skipped=\"0\""));
  EXPECT_THAT(xml, HasSubstr("<failure message=\"because\" type=\"INCONCLUSIVE\">"));
  EXPECT_THAT(xml, HasSubstr("<error message=\"because\" type=\"INVALID\">"));
  GateReport lenient = every_outcome();
  lenient.inconclusive_is = InconclusiveIs::kPass;
  EXPECT_THAT(gate_junit(lenient), HasSubstr("failures=\"1\" errors=\"1\" skipped=\"1\""));
}

TEST(GateJunit, SaysHowLongWasMeasured) {
  GateReport report = every_outcome();
  report.seconds = 61.25;
  report.lines[0].seconds = 12.5;
  const std::string xml = gate_junit(report);
  EXPECT_THAT(xml, HasSubstr("skipped=\"0\" time=\"61.250\">"));
  EXPECT_THAT(xml, HasSubstr("classname=\"llmsweep.gate\" time=\"12.500\">"));
}

TEST(GateJunit, IsValidAgainstItsSchemaWhateverTheNames) {
  if (std::system("python3 -c '' 2>/dev/null") != 0) GTEST_SKIP() << "needs python3";
  const auto folder =
      std::filesystem::temp_directory_path() / ("llmsweep-junit-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  GateReport lenient = hostile();
  lenient.inconclusive_is = InconclusiveIs::kPass;
  std::string files;
  for (const GateReport& report : {every_outcome(), hostile(), lenient, with_failures()}) {
    const auto path = folder / (std::to_string(files.size()) + ".xml");
    std::ofstream(path) << gate_junit(report);
    files += " " + path.string();
  }
  const std::string check = "python3 " LLMSWEEP_SOURCE_DIR "/tests/python/check_junit.py" + files;
  EXPECT_EQ(std::system(check.c_str()), 0) << gate_junit(hostile());
  std::filesystem::remove_all(folder);
}

TEST(GateJunit, LeavesHostileNamesText) {
  const std::string xml = gate_junit(hostile());
  EXPECT_THAT(xml, Not(HasSubstr("<script>")));
  EXPECT_THAT(xml, Not(HasSubstr("]]>")));
  EXPECT_THAT(xml, Not(HasSubstr("\x1b")));
}

TEST(GateMarkdown, ShowsTheWorstFirst) {
  const std::string text = gate_markdown(every_outcome());
  EXPECT_LT(text.find("| FAIL |"), text.find("| INVALID |"));
  EXPECT_LT(text.find("| INVALID |"), text.find("| INCONCLUSIVE |"));
  EXPECT_LT(text.find("| INCONCLUSIVE |"), text.find("| PASS |"));
}

TEST(GateMarkdown, LeavesHostileNamesTextInTheirCells) {
  const std::string text = gate_markdown(hostile());
  EXPECT_THAT(text, Not(HasSubstr("<script>")));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  // Title, blank, names, blank, head, rule, 4 rows, blank, the failure, end.
  EXPECT_EQ(split(text, '\n').size(), 13u);
}

TEST(GateMarkdown, StaysUnderTheCapAndCountsWhatIsLeftOut) {
  GateReport report = every_outcome();
  for (int i = 0; i < 20'000; ++i) report.lines.push_back(line(GateOutcome::kPass, "e2e@c1"));
  const std::string text = gate_markdown(report);
  EXPECT_LE(text.size(), kStepSummaryBytes);
  EXPECT_GT(text.size(), kStepSummaryBytes / 2);
  EXPECT_THAT(text, HasSubstr("| FAIL |"));
  EXPECT_THAT(text, HasSubstr("more rules"));
}

TEST(GateAnnotations, EscapeDataAndProperties) {
  GateReport report;
  report.lines = {line(GateOutcome::kFail, "e2e:p50@c1,c8 <= 1s")};
  report.lines[0].why = "100% over";
  const std::string text = gate_annotations(report);
  EXPECT_THAT(text, StartsWith("::error title=FAIL e2e%3Ap50@c1%2Cc8 <= 1s::14,716 ms"));
  EXPECT_THAT(text, HasSubstr("100%25 over"));
}

TEST(GateAnnotations, OfHostileNamesStayOneCommandEach) {
  const std::string text = gate_annotations(hostile());
  const std::vector<std::string> lines = split(text, '\n');
  ASSERT_EQ(lines.size(), 4u);
  for (size_t i = 0; i < 3; ++i) EXPECT_THAT(lines[i], StartsWith("::"));
  EXPECT_EQ(lines[3], "");
  EXPECT_THAT(text, HasSubstr("%250A"));
}

TEST(GateAnnotations, AreAtMostTenOfAKind) {
  GateReport report;
  for (int i = 0; i < 25; ++i) report.lines.push_back(line(GateOutcome::kFail, "f"));
  for (int i = 0; i < 10; ++i) report.lines.push_back(line(GateOutcome::kInconclusive, "i"));
  report.lines.push_back(line(GateOutcome::kPass, "p"));
  const std::vector<std::string> lines = split(gate_annotations(report), '\n');
  EXPECT_EQ(lines.size(), 21u);
  EXPECT_THAT(lines[9], HasSubstr("16 more rules"));
  EXPECT_THAT(lines[10], StartsWith("::warning"));
  EXPECT_EQ(gate_annotations({}), "");
}

}  // namespace
}  // namespace llmsweep
