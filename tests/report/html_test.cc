#include "llmsweep/report/html.h"

#include <gmock/gmock.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>

#include "llmsweep/base/files.h"
#include "llmsweep/base/random.h"
#include "report/client_words.h"
#include "report/gauge_strip.h"
#include "report/rate_strip.h"
#include "report/request_summary.h"
#include "report/sample_results.h"

namespace llmsweep {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// Requests of a closed loop with `result`'s latencies: warm-up, measured, fillers, a few failures.
std::vector<RunRequests> requests_of(const SweepResult& result, int per_slot = 4) {
  std::vector<RunRequests> runs;
  Random random(7);
  for (const LevelStats& level : result.levels) {
    const double e2e = level.pooled.e2e.p50.value_or(1000);
    const double ttft = level.pooled.ttft.p50.value_or(50);
    for (int repeat = 0; repeat < 2; ++repeat) {
      RunRequests& run = runs.emplace_back(RunRequests{.run = {level.point, repeat}});
      run.errors = {"connection reset by peer </script>"};
      for (int slot = 0; slot < level.point.concurrency(); ++slot) {
        double at = 1e6 * random.uniform();
        for (int i = 0; i < per_slot; ++i) {
          const double length = e2e * (1 + 0.08 * random.normal()) * 1e6;
          RequestSpan span{.slot = static_cast<uint32_t>(slot),
                           .phase = i == 0              ? Phase::kWarmup
                                    : i == per_slot - 1 ? Phase::kFiller
                                                        : Phase::kMeasured,
                           .start_ns = static_cast<int64_t>(at)};
          span.first_token_ns = static_cast<int64_t>(at + ttft * (1 + random.uniform()) * 1e6);
          span.end_ns = static_cast<int64_t>(at + length);
          span.last_token_ns = span.end_ns;
          span.tpot_ms = static_cast<float>((length / 1e6 - ttft) / 1600);
          if (random.chance(0.02)) {
            span.outcome = Outcome::kTransportError;
            span.last_token_ns = RequestSpan::kNever;
            span.error = 1;
          }
          run.spans.push_back(span);
          at += length + 1e5;
        }
      }
    }
  }
  return runs;
}

// A batch that fills up, and a queue behind it, twice a second.
std::vector<RunGauges> gauges_of(const std::vector<RunRequests>& requests) {
  std::vector<RunGauges> gauges;
  for (const RunRequests& run : requests) {
    GaugeTrack running{.figure = ServerFigure::kRunning};
    GaugeTrack waiting{.figure = ServerFigure::kWaiting};
    for (int i = 0; i < 20; ++i) {
      running.points.push_back({i * 500'000'000LL, std::min(4.0, 0.5 * i)});
      waiting.points.push_back({i * 500'000'000LL, std::max(0.0, 0.5 * i - 4)});
    }
    gauges.push_back({.run = run.run, .tracks = {running, waiting}});
  }
  return gauges;
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
    sweeps.input.gauges.push_back(gauges_of(sweeps.input.requests.back()));
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

TEST(HtmlReport, LeadsEachCardWithWholeUsers) {
  SweepResult result = sample::three_sweeps()[0];
  result.users_at_target = {{.target = {.max = std::chrono::seconds(15)},
                             .users = 1,
                             .c_fail = 2,
                             .users_per_gpu = 0.25}};
  const auto page = [&result] { return html_report({.results = {&result, 1}}); };
  EXPECT_THAT(page(), HasSubstr("<p class=\"big\">1 user on 4 GPUs</p><p>E2E p50 ≤ 15,000 ms; 2 do "
                                "not fit</p><p>0.250 users per GPU</p>"));
  EXPECT_THAT(page(), HasSubstr("<p class=\"hint\">E2E: from a request&#39;s start"));
  result.system.gpus = 1;
  EXPECT_THAT(page(), HasSubstr("<p class=\"big\">1 user on 1 GPU</p>"));
  EXPECT_THAT(page(), Not(HasSubstr(" per GPU)")));
  result.users_at_target[0].kind = UsersKind::kBeyondSweep;
  result.users_at_target[0].c_fail.reset();
  EXPECT_THAT(page(), HasSubstr("<p class=\"big\">≥ 1 user on 1 GPU</p>"));
}

TEST(HtmlReport, SaysWhyAPercentileIsMissing) {
  const Sweeps sweeps = seven_levels();
  const std::string html = html_report(sweeps.input);
  EXPECT_THAT(html, HasSubstr("– <span class=\"ci why\">needs 300, had 30</span>"));
  EXPECT_THAT(html, HasSubstr("needs 300, had 240"));
  EXPECT_THAT(html, Not(HasSubstr("needs 300, had 480")));  // that level has it
}

TEST(HtmlReport, ExplainsItsColumnsOnTheScreenAndOnPaper) {
  const Sweeps sweeps = seven_levels();
  const std::string html = html_report(sweeps.input);
  EXPECT_THAT(html, HasSubstr("<th scope=\"col\" title=\"End-to-end latency"));
  EXPECT_THAT(html, HasSubstr("<dt>TTFT</dt><dd>Time "));
  EXPECT_THAT(html, HasSubstr("A p99 is shown from 300 requests on."));
}

TEST(HtmlReport, ShowsTheGoodputThatTheSpecAskedFor) {
  SweepResult result = sample::three_sweeps()[0];
  const auto page = [&result] { return html_report({.results = {&result, 1}}); };
  EXPECT_THAT(page(), Not(HasSubstr("<dt>Goodput</dt>")));
  for (LevelStats& level : result.levels) {
    level.pooled.goodput_fraction = 0.875;
    for (RunStats& run : level.runs) run.goodput_fraction = 0.875;
  }
  EXPECT_THAT(page(), HasSubstr("<dt>Goodput</dt><dd>Share of the requests that kept"));
  EXPECT_THAT(page(), HasSubstr("<td data-value=\"0.875\">87.5"));
}

TEST(HtmlReport, NamesTheCommandThatMadeIt) {
  Sweeps sweeps = seven_levels();
  EXPECT_THAT(html_report(sweeps.input), Not(HasSubstr("<dt>Command</dt>")));
  sweeps.results[0].provenance.command = "llmsweep run x.yaml --set 'load.repeats=<2>'";
  EXPECT_THAT(html_report(sweeps.input), HasSubstr("<dt>Command</dt><dd>llmsweep run x.yaml --set "
                                                   "&#39;load.repeats=&lt;2&gt;&#39;</dd>"));
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
  SweepResult result = sample::sweep({.highest = 256});
  result.name = "Many requests";
  std::vector<RequestSpan> requests(1'000'000);
  for (size_t i = 0; i < requests.size(); ++i) {
    requests[i].slot = static_cast<uint32_t>(i % 256);
    requests[i].start_ns = static_cast<int64_t>(i) * 1'000'000;
    requests[i].first_token_ns = requests[i].start_ns + 50'000'000;
    requests[i].last_token_ns = requests[i].end_ns = requests[i].start_ns + 256'000'000;
  }
  HtmlInput input{.results = {&result, 1}};
  input.requests.push_back({{.run = {at_concurrency(256), 0}, .spans = std::move(requests)}});
  const std::string html = html_report(input);
  keep_page("million.html", html);
  EXPECT_LT(html.size(), 400'000u);
  EXPECT_THAT(html, HasSubstr("\"requests\":1000000"));
}

TEST(HtmlReport, HasTheFiguresOfEachModel) {
  const SweepResult one = sample::three_sweeps().front();
  EXPECT_THAT(html_report({.results = {&one, 1}}), Not(HasSubstr("By model")));
  std::vector<SweepResult> results = {sample::of_two_models(one)};
  results.push_back(sample::of_two_models(sample::three_sweeps().back()));
  results[1].levels[0].models[0].model = "<b>tuned</b>";
  const std::string html = html_report({.results = results});
  keep_page("models.html", html);
  EXPECT_THAT(html, HasSubstr("aria-label=\"By model: GB200 NVFP4\""));
  EXPECT_THAT(html, HasSubstr("aria-label=\"By model: H200 FP8\""));
  EXPECT_THAT(html, HasSubstr("<tr><td data-value=\"1\">1</td><td class=\"text\">small</td>"
                              "<td data-value=\"76.7\">76.7</td><td data-value=\"0\">0</td>"
                              "<td data-value=\"5801\">5,801</td>"));
  EXPECT_THAT(html, HasSubstr("&lt;b&gt;tuned"));
  EXPECT_THAT(html, Not(HasSubstr("<b>tuned")));
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

TEST(GaugeStrips, ShowWhatSaysSomethingInAFixedOrder) {
  const auto track = [](ServerFigure figure, double value) {
    return GaugeTrack{.figure = figure, .points = {{0, value}, {1, value / 2}}};
  };
  const std::vector<GaugeTrack> tracks = {
      track(ServerFigure::kGpuPower, 700), track(ServerFigure::kKvUsed, 0.5),
      track(ServerFigure::kGpuHeldForHeat, 0), track(ServerFigure::kWaiting, 0),
      track(ServerFigure::kKvCapacity, 1000)};
  const std::vector<report::GaugeStrip> strips = report::gauge_strips(tracks);
  ASSERT_EQ(strips.size(), 3U);
  EXPECT_EQ(strips[0].name, "waiting");
  EXPECT_EQ(strips[0].most, 1) << "what a strip divides by";
  EXPECT_EQ(strips[1].name, "KV cache");
  EXPECT_EQ(strips[1].points[0].value, 50);
  EXPECT_EQ(strips[2].name, "GPU power");
  EXPECT_TRUE(report::gauge_strips({}).empty());
}

TEST(GaugeStrips, KeepThePeakWhereTheyAreThinned) {
  GaugeTrack track{.figure = ServerFigure::kWaiting};
  for (int i = 0; i < 10'000; ++i) track.points.push_back({i, i == 5003 ? 77.0 : 1.0});
  const std::vector<report::GaugeStrip> strips = report::gauge_strips({&track, 1});
  EXPECT_LE(strips[0].points.size(), report::kMostGaugePoints);
  EXPECT_EQ(strips[0].most, 77);
}

// Ten seconds at 20 a second and ten at 40, after a second of warm-up; the answers take a second.
RunRequests requests_of_a_profile(const RunId& id) {
  RunRequests requests{.run = id, .spans = {}, .errors = {}};
  for (int i = 0; i < 620; ++i) {
    const int64_t at_ms = i < 220 ? i * 50 : 11'000 + (i - 220) * 25;
    requests.spans.push_back({.phase = i < 20 ? Phase::kWarmup : Phase::kMeasured,
                              .start_ns = at_ms * 1'000'000,
                              .end_ns = (at_ms + 1000) * 1'000'000});
  }
  return requests;
}

SweepResult result_of_a_profile(LoadPoint point) {
  SweepResult result = sample::three_sweeps()[0];
  LevelStats level{.point = point};
  RunStats run{.repeat = 0};
  run.open = OpenLoad{};
  run.open->window_from_ns = 1'000'000'000;
  level.runs = {run};
  result.levels = {level};
  if (point.kind == LoadKind::kProfile) {
    result.profile = {{.from_s = 0, .to_s = 10, .rate_from = 20, .rate_to = 20, .level = level},
                      {.from_s = 10, .to_s = 20, .rate_from = 40, .rate_to = 40, .level = level}};
  }
  return result;
}

TEST(RateStrips, SayWhatWasPlannedSentAndServedOverTime) {
  const LoadPoint point{.kind = LoadKind::kProfile, .value = 30};
  const SweepResult result = result_of_a_profile(point);
  const std::vector<report::GaugeStrip> strips =
      report::rate_strips(result, requests_of_a_profile({point, 0}));
  ASSERT_EQ(strips.size(), 3U);
  const auto rate_at = [&strips](size_t strip, double seconds) {
    double rate = -1;
    for (const GaugePoint& p : strips[strip].points) {
      if (static_cast<double>(p.at_ns) / 1e9 <= seconds) rate = p.value;
    }
    return rate;
  };
  EXPECT_EQ(strips[0].name, "planned");
  EXPECT_EQ(rate_at(0, 0.5), 20) << "the warm-up has the rate of the first step";
  EXPECT_EQ(rate_at(0, 10.9), 20);
  EXPECT_EQ(rate_at(0, 11.1), 40);
  EXPECT_EQ(strips[1].name, "sent");
  EXPECT_NEAR(rate_at(1, 5), 20, 3);
  EXPECT_NEAR(rate_at(1, 15), 40, 3);
  EXPECT_EQ(strips[2].name, "served");
  EXPECT_EQ(rate_at(2, 0.5), 0);
  EXPECT_NEAR(rate_at(2, 11.5), 20, 3) << "a second later";
  EXPECT_NEAR(rate_at(2, 15), 40, 3);
  for (const report::GaugeStrip& strip : strips) EXPECT_EQ(strip.most, strips[0].most);

  EXPECT_TRUE(report::rate_strips(result, requests_of_a_profile({point, 1})).empty());
  EXPECT_TRUE(report::rate_strips(result, {.run = {point, 0}, .spans = {}, .errors = {}}).empty());
  const SweepResult rate = result_of_a_profile(at_rate(30));
  const auto of_rate = report::rate_strips(rate, requests_of_a_profile({at_rate(30), 0}));
  ASSERT_EQ(of_rate.size(), 3U);
  EXPECT_EQ(of_rate[0].points.front().value, 30);
  EXPECT_EQ(of_rate[0].points.back().value, 30);
  HtmlInput input{.results = {&result, 1}};
  input.requests = {{requests_of_a_profile({point, 0})}};
  EXPECT_THAT(html_report(input), HasSubstr(R"("text":"planned 20.0 to 40.0 requests/s")"));
}

TEST(HtmlReport, HasTheServersGaugesOfEachRun) {
  const SweepResult result = sample::three_sweeps()[0];
  HtmlInput input{.results = {&result, 1}};
  input.requests = {requests_of(result)};
  EXPECT_THAT(html_report(input), HasSubstr(R"("gauges":[])"));
  input.gauges = {gauges_of(input.requests[0])};
  const std::string page = html_report(input);
  EXPECT_THAT(page, Not(HasSubstr(R"("gauges":[])")));
  EXPECT_THAT(page, HasSubstr(R"("text":"waiting 0 to 5.50 requests")"));
}

TEST(Timelines, KeepTheSpansOfASmallRunInSlotOrder) {
  const RunId run{at_concurrency(2), 0};
  const std::vector<RunRequests> requests = {
      {.run = run,
       .spans = {{.slot = 1, .start_ns = 5, .end_ns = 9},
                 {.slot = 0, .start_ns = 20, .end_ns = 30},
                 {.slot = 0, .start_ns = 10, .end_ns = 19}}}};
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
  std::vector<RunRequests> all = {{.run = {at_concurrency(1), 0}}};
  std::vector<RequestSpan>& requests = all[0].spans;
  for (int64_t i = 0; i < 10; ++i) {
    requests.push_back({.start_ns = i * 10, .end_ns = i * 10 + 10});
  }
  requests[3].outcome = Outcome::kTimeout;
  requests[9].outcome = Outcome::kCancelled;
  requests[9].phase = Phase::kFiller;
  size_t budget = 5;
  const auto runs = report::timelines(all, {.steps = 5}, budget);
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
  std::vector<RunRequests> runs;
  add_request(runs, record);
  ASSERT_EQ(runs.size(), 1u);
  EXPECT_EQ(runs[0].run, record.run);
  const RequestSpan span = runs[0].spans[0];
  EXPECT_EQ(span.start_ns, 1'000);
  EXPECT_EQ(span.end_ns, 12'500'000);
  EXPECT_FLOAT_EQ(span.tpot_ms, 1.0F);
  record.sent.reset();
  record.first_token.reset();
  record.last_token.reset();
  record.end.reset();
  record.outcome = Outcome::kTransportError;
  record.error = "refused";
  add_request(runs, record);
  ASSERT_EQ(runs[0].spans.size(), 2u);
  EXPECT_EQ(runs[0].spans[1].start_ns, 10);
  EXPECT_EQ(runs[0].spans[1].end_ns, 10);
  EXPECT_EQ(runs[0].spans[1].first_token_ns, RequestSpan::kNever);
  EXPECT_LT(runs[0].spans[1].tpot_ms, 0);
  ASSERT_EQ(runs[0].spans[1].error, 1u);
  EXPECT_EQ(runs[0].errors[0], "refused");
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
