#include "llmsweep/report/html.h"

#include <gmock/gmock.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>

#include "llmsweep/base/files.h"
#include "llmsweep/base/random.h"
#include "report/client_words.h"
#include "report/request_summary.h"
#include "report/sample_results.h"

namespace llmsweep {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// Requests of a closed loop with `result`'s latencies: warm-up, measured, fillers, a few failures.
std::vector<RequestSpan> requests_of(const SweepResult& result, int per_slot = 4) {
  std::vector<RequestSpan> requests;
  Random random(7);
  for (const LevelStats& level : result.levels) {
    const double e2e = level.pooled.e2e.p50.value_or(1000);
    const double ttft = level.pooled.ttft.p50.value_or(50);
    for (int repeat = 0; repeat < 2; ++repeat) {
      for (int slot = 0; slot < level.point.concurrency(); ++slot) {
        double at = 1e6 * random.uniform();
        for (int i = 0; i < per_slot; ++i) {
          const double length = e2e * (1 + 0.08 * random.normal()) * 1e6;
          RequestSpan span{.run = {level.point, repeat},
                           .slot = static_cast<uint32_t>(slot),
                           .phase = i == 0              ? Phase::kWarmup
                                    : i == per_slot - 1 ? Phase::kFiller
                                                        : Phase::kMeasured,
                           .start_ns = static_cast<int64_t>(at)};
          span.first_token_ns = static_cast<int64_t>(at + ttft * (1 + random.uniform()) * 1e6);
          span.end_ns = static_cast<int64_t>(at + length);
          span.last_token_ns = span.end_ns;
          span.tpot_ms = (length / 1e6 - ttft) / 1600;
          if (random.chance(0.02)) {
            span.outcome = Outcome::kTransportError;
            span.last_token_ns.reset();
            span.error = "connection reset by peer </script>";
          }
          requests.push_back(span);
          at += length + 1e5;
        }
      }
    }
  }
  return requests;
}

struct Sweeps {
  std::vector<SweepResult> results;
  std::vector<Comparison> comparisons;
  HtmlInput input;
};

// Seven levels of three systems, the third with an invalid level and a warning, simulated.
Sweeps seven_levels() {
  Sweeps sweeps;
  for (SweepResult& result : sweeps.results = sample::three_sweeps()) {
    result.levels.resize(7);
    result.simulated = true;
    result.spec_json = "{\n  \"name\": \"x\"\n}";
    result.provenance = {.host = "bench", .cores = 8, .kernel = "Linux 6.1", .libcurl = "7.88.1"};
    for (LevelStats& level : result.levels) {
      level.pooled.warnings = {Warning::kHostStall};
      level.pooled.client.receive_samples = 100;
      level.pooled.client.receive_delay_p50_ms = 0.016;
      level.pooled.client.receive_delay_p99_ms = 0.05;
      level.pooled.client.tokens_per_chunk = 1;
    }
  }
  sweeps.results[2].levels[6].pooled.valid = false;
  sweeps.results[2].levels[6].pooled.invalid_reasons = {InvalidReason::kClientBusy};
  const std::vector<SweepResult> others(sweeps.results.begin(), sweeps.results.begin() + 2);
  sweeps.comparisons = compare_all(sweeps.results[2], others);
  sweeps.input = {.results = sweeps.results, .comparisons = sweeps.comparisons};
  for (const SweepResult& result : sweeps.results) {
    sweeps.input.result_json.push_back("{\"name\": \"" + result.name + "\"}");
    sweeps.input.requests.push_back(requests_of(result));
  }
  return sweeps;
}

// With LLMSWEEP_FIGURES_DIR set the pages stay, to be looked at.
void keep_page(const std::string& name, const std::string& html) {
  const char* folder = std::getenv("LLMSWEEP_FIGURES_DIR");
  if (folder != nullptr) write_file_atomically(std::filesystem::path(folder) / name, html);
}

TEST(HtmlReport, HoldsEverythingInOneFileUnderAMegabytePlusData) {
  const Sweeps sweeps = seven_levels();
  const std::string html = html_report(sweeps.input);
  keep_page("report.html", html);
  EXPECT_LT(html.size(), 1'000'000u);
  for (const char* id :
       {"headline", "charts", "comparison", "levels", "requests", "client", "measured", "files"}) {
    EXPECT_THAT(html, HasSubstr("<section id=\"" + std::string(id) + "\"")) << id;
  }
  EXPECT_THAT(html, Not(HasSubstr("src=\"http")));
  EXPECT_THAT(html, Not(HasSubstr("{{")));
  EXPECT_THAT(html, HasSubstr("script-src 'sha256-"));
}

TEST(HtmlReport, NeedsNoScriptForItsNumbers) {
  const Sweeps sweeps = seven_levels();
  const std::string html = html_report(sweeps.input);
  EXPECT_THAT(html, HasSubstr("\">5,801 <span class=\"ci\">[5,685, 5,917]"));
  EXPECT_THAT(html, HasSubstr("<li class=\"badge\">SIMULATED</li>"));
  EXPECT_THAT(html, HasSubstr("<tr class=\"invalid\">"));
  EXPECT_THAT(html, HasSubstr("<strong>Invalid</strong>H200 FP8, level 64: "));
}

TEST(HtmlReport, IsAsLoudAboutInvalidLevelsAsAboutTheSimulator) {
  Sweeps sweeps = seven_levels();
  EXPECT_THAT(html_report(sweeps.input),
              HasSubstr("<li class=\"badge invalid\">INVALID: 1 of 21 levels</li>"));
  // A card quotes no level that is not valid, and where none is it says so and nothing else.
  SweepResult& result = sweeps.results[2];
  result.users_at_target = {{.kind = UsersKind::kNoValidLevel}};
  result.levels[0].pooled.valid = false;
  const auto card = [&] {
    const std::string html = html_report({.results = {&result, 1}});
    const size_t at = html.find("<div class=\"card\">");
    return html.substr(at, html.find("</div>", at) - at);
  };
  EXPECT_THAT(card(), Not(HasSubstr("at concurrency 1<")));
  EXPECT_THAT(card(), HasSubstr("at concurrency 2<"));
  EXPECT_THAT(card(), HasSubstr("<p class=\"trust bad\">valid 5 of 7 levels"));
  for (LevelStats& level : result.levels) level.pooled.valid = false;
  EXPECT_THAT(card(), HasSubstr("Nothing valid"));
  EXPECT_THAT(card(), Not(HasSubstr("Median E2E")));
  EXPECT_THAT(card(), Not(HasSubstr("No level within the target")));
}

TEST(HtmlReport, SaysOnThePageWhyItComparesNothing) {
  Sweeps sweeps = seven_levels();
  sweeps.input.comparisons = {};
  sweeps.input.not_compared = "input_tokens differs: 2400 against <1024>";
  EXPECT_THAT(html_report(sweeps.input),
              HasSubstr("do not stand for each other: input_tokens differs: 2400 against "
                        "&lt;1024&gt;</p>"));
}

TEST(HtmlReport, KeepsHostileTextAsText) {
  std::vector<SweepResult> results = sample::three_sweeps();
  results.resize(2);
  results[0].name = "</script><script>alert(1)</script>";
  results[0].model = "\"><img src=x onerror=alert(1)>{{data}}";
  results[0].provenance.notes = {"<b>\x1b[31m</b>"};
  results[0].spec_json = "</pre><script>alert(2)</script>";
  results[1].name = std::string(10'000, 'x') + "\xe2\x80\xae";
  HtmlInput input{.results = results};
  input.result_json = {"{\"name\": \"</script><script>alert(3)</script>\"}", "{}"};
  input.requests = {requests_of(results[0], 3)};
  const std::string html = html_report(input);
  keep_page("hostile.html", html);
  EXPECT_THAT(html, Not(HasSubstr("<script>alert")));
  EXPECT_THAT(html, Not(HasSubstr("<img")));
  EXPECT_THAT(html, Not(HasSubstr("\x1b")));
  EXPECT_THAT(html, Not(HasSubstr("\xe2\x80\xae")));
  EXPECT_THAT(html, HasSubstr("\\u003c/script\\u003e"));
  EXPECT_THAT(html, HasSubstr("onerror=alert(1)&gt;{{data}}"));
  EXPECT_LT(html.size(), 1'000'000u);
}

TEST(HtmlReport, SummarisesAMillionRequests) {
  const SweepResult result = sample::sweep({.highest = 256});
  std::vector<RequestSpan> requests(1'000'000, RequestSpan{.run = {at_concurrency(256), 0}});
  for (size_t i = 0; i < requests.size(); ++i) {
    requests[i].slot = static_cast<uint32_t>(i % 256);
    requests[i].start_ns = static_cast<int64_t>(i) * 1'000'000;
    requests[i].first_token_ns = requests[i].start_ns + 50'000'000;
    requests[i].last_token_ns = requests[i].end_ns = requests[i].start_ns + 256'000'000;
  }
  HtmlInput input{.results = {&result, 1}};
  input.requests.push_back(std::move(requests));
  const std::string html = html_report(input);
  keep_page("million.html", html);
  EXPECT_LT(html.size(), 400'000u);
  EXPECT_THAT(html, HasSubstr("\"requests\":1000000"));
}

TEST(HtmlReport, NamesTheLoadOfItsLevels) {
  SweepResult result = sample::three_sweeps().front();
  const auto holds = [&](const char* text) {
    const std::string page = html_report({.results = {&result, 1}});
    return page.find(text) != std::string::npos;
  };
  EXPECT_TRUE(holds(R"("load":"concurrency")"));
  EXPECT_TRUE(holds(R"({"c":1,"name":"c1",)"));
  result.levels.resize(1);
  result.levels[0].point = at_rate(2.5);
  EXPECT_TRUE(holds(R"("load":"request rate")"));
  EXPECT_TRUE(holds(R"({"c":2.5,"name":"r2.5",)"));
}

TEST(HtmlReport, SaysThatThereIsNothing) {
  EXPECT_THAT(html_report({}), HasSubstr("<title>No results</title>"));
  const SweepResult empty;
  EXPECT_THAT(html_report({.results = {&empty, 1}}), HasSubstr("No level was measured"));
}

TEST(Bins, CountEveryValueOnce) {
  const report::Bins bins = report::bins_of({1, 2, 3, 4, 5}, 4);
  EXPECT_EQ(bins.low, 1);
  EXPECT_EQ(bins.step, 1);
  EXPECT_THAT(bins.counts, ElementsAre(1, 1, 1, 2));
  EXPECT_EQ(bins.above, 0);
  EXPECT_TRUE(report::bins_of({}).counts.empty());
  EXPECT_THAT(report::bins_of({7, 7}).counts, ElementsAre(2));
}

TEST(Bins, SetALongTailAside) {
  std::vector<double> values(1000, 0);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(i);
  values.push_back(1e6);
  const report::Bins bins = report::bins_of(values, 10);
  EXPECT_EQ(bins.low + bins.step * 10, 990);
  EXPECT_EQ(bins.above, 10);
}

TEST(Timelines, KeepTheSpansOfASmallRunInSlotOrder) {
  const RunId run{at_concurrency(2), 0};
  const std::vector<RequestSpan> requests = {{.run = run, .slot = 1, .start_ns = 5, .end_ns = 9},
                                             {.run = run, .slot = 0, .start_ns = 20, .end_ns = 30},
                                             {.run = run, .slot = 0, .start_ns = 10, .end_ns = 19}};
  size_t budget = 10;
  const auto runs = report::timelines(requests, {}, budget);
  ASSERT_EQ(runs.size(), 1u);
  EXPECT_EQ(budget, 7u);
  EXPECT_EQ(runs[0].start_ns, 5);
  EXPECT_EQ(runs[0].end_ns, 30);
  ASSERT_EQ(runs[0].spans.size(), 3u);
  EXPECT_EQ(runs[0].spans[0].start_ns, 10);
  EXPECT_EQ(runs[0].spans[2].slot, 1u);
}

TEST(Timelines, SummariseALargeRunInSteps) {
  std::vector<RequestSpan> requests;
  for (int64_t i = 0; i < 10; ++i) {
    requests.push_back({.run = {at_concurrency(1), 0}, .start_ns = i * 10, .end_ns = i * 10 + 10});
  }
  requests[3].outcome = Outcome::kTimeout;
  requests[9].outcome = Outcome::kCancelled;
  requests[9].phase = Phase::kFiller;
  size_t budget = 5;
  const auto runs = report::timelines(requests, {.steps = 5}, budget);
  ASSERT_EQ(runs[0].steps.size(), 5u);
  EXPECT_TRUE(runs[0].spans.empty());
  EXPECT_EQ(budget, 5u);
  int64_t failed = 0;
  int64_t ended = 0;
  for (const report::TimelineStep& step : runs[0].steps) {
    EXPECT_EQ(step.in_flight, 1);
    failed += step.failed;
    ended += step.ended;
  }
  EXPECT_EQ(failed, 1);  // a cancelled filler is not a failure
  EXPECT_EQ(ended, 9);
  EXPECT_EQ(runs[0].failures.size(), 1u);
}

TEST(RequestSpan, TakesItsTimesFromTheRecord) {
  RequestRecord record{.run = {at_concurrency(4), 0}, .slot = 2, .scheduled = from_ns(10)};
  record.sent = from_ns(1'000);
  record.first_token = from_ns(2'000'000);
  record.last_token = from_ns(12'000'000);
  record.end = from_ns(12'500'000);
  record.output_tokens = 11;
  const RequestSpan span = span_of(record);
  EXPECT_EQ(span.start_ns, 1'000);
  EXPECT_EQ(span.end_ns, 12'500'000);
  EXPECT_DOUBLE_EQ(*span.tpot_ms, 1.0);
  record.sent.reset();
  record.end.reset();
  record.outcome = Outcome::kTransportError;
  record.error = "refused";
  EXPECT_EQ(span_of(record).start_ns, 10);
  EXPECT_EQ(span_of(record).error, "refused");
}

TEST(ClientSentences, SayWhetherTheClientKeptUp) {
  SweepResult result = sample::three_sweeps()[0];
  result.levels[0].pooled.client.busy_fraction = 0.93;
  const auto sentences = report::client_sentences(result);
  ASSERT_FALSE(sentences.empty());
  EXPECT_EQ(sentences[0].mood, report::Mood::kBad);
  EXPECT_THAT(sentences[0].text, HasSubstr("busy at most 93 % of the time (concurrency 1)"));
  result.source = Source::kPublished;
  EXPECT_THAT(report::client_sentences(result)[0].text, HasSubstr("not measured by llmsweep"));
}

}  // namespace
}  // namespace llmsweep
