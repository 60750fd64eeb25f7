#include "llmsweep/telemetry/run_telemetry.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

namespace llmsweep {
namespace {

using Figure = ServerFigure;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr const char* kServerPage = "http://127.0.0.1:8000/metrics";

// What a vLLM with these counts says.
std::string vllm(double running, double tokens, double finished, double kv_used = 0.5) {
  const auto line = [](const char* name, double value) {
    return std::string(name) + "{engine=\"0\"} " + std::to_string(value) + "\n";
  };
  return line("vllm:num_requests_running", running) + line("vllm:num_requests_waiting", 0) +
         line("vllm:generation_tokens_total", tokens) + line("vllm:kv_cache_usage_perc", kv_used) +
         "vllm:request_success_total{finished_reason=\"length\"} " + std::to_string(finished) +
         "\n";
}

ClientCounts had(int64_t tokens, int64_t ended, int64_t in_flight = 4) {
  return {.chunks = tokens,
          .ended_chunks = tokens,
          .ended_tokens = tokens,
          .ended = ended,
          .in_flight = in_flight};
}

PageRead page(PageMoment moment, int second, std::string samples, ClientCounts counts,
              const std::string& url = kServerPage) {
  const Instant at = from_ns(0) + seconds(1000 + second);
  return {.url = url,
          .moment = moment,
          .asked = at - milliseconds(2),
          .answered = at + milliseconds(2),
          .bytes = static_cast<int64_t>(samples.size()),
          .error = {},
          .before = counts,
          .after = counts,
          .samples = std::move(samples)};
}

// A minute of 100 tokens a second, of which we received all, and of `foreign` more requests' worth.
std::vector<PageRead> a_run(double foreign_tokens = 0, double foreign_requests = 0) {
  return {page(PageMoment::kBefore, 0, vllm(0, 500, 7), had(0, 0, 0)),
          page(PageMoment::kStart, 10, vllm(4, 1500, 17, 0.25), had(1000, 10)),
          page(PageMoment::kBetween, 40, vllm(4, 4500, 47, 0.75), had(4000, 40)),
          page(PageMoment::kEnd, 70, vllm(4, 7500 + foreign_tokens, 77 + foreign_requests, 0.5),
               had(7000, 70)),
          page(PageMoment::kAfter, 71, vllm(0, 7600 + foreign_tokens, 77 + foreign_requests),
               had(7040, 74, 0))};
}

FigureReading figure_of(const RunTelemetry& telemetry, Figure figure) {
  const FigureReading* found = telemetry.find(figure);
  EXPECT_NE(found, nullptr) << traits_of(figure).name;
  return found != nullptr ? *found : FigureReading{};
}

TEST(RunTelemetry, OfNoPagesIsEmpty) {
  EXPECT_EQ(summarise_telemetry({}), RunTelemetry{});
}

TEST(RunTelemetry, HasDifferencesOfCountersAndMeansOfGauges) {
  const RunTelemetry telemetry = summarise_telemetry(a_run());
  const FigureReading tokens = figure_of(telemetry, Figure::kOutputTokens);
  EXPECT_EQ(tokens.run, 7100);
  EXPECT_EQ(tokens.served, 7000);
  EXPECT_EQ(tokens.window, 6000);
  EXPECT_EQ(tokens.missing, "");
  const FigureReading kv = figure_of(telemetry, Figure::kKvUsed);
  EXPECT_DOUBLE_EQ(kv.mean.value(), 0.5);
  EXPECT_DOUBLE_EQ(kv.max.value(), 0.75);
  EXPECT_EQ(kv.samples, 3);
  EXPECT_DOUBLE_EQ(telemetry.window_s.value(), 60);
  EXPECT_DOUBLE_EQ(telemetry.window_tokens.value(), 6000);
  EXPECT_EQ(telemetry.busy_before, 0);
  ASSERT_EQ(telemetry.sources.size(), 1U);
  EXPECT_EQ(telemetry.sources[0].engine, "vllm");
  EXPECT_EQ(telemetry.sources[0].pages, 5);
  EXPECT_DOUBLE_EQ(telemetry.sources[0].largest_gap_s.value(), 30);
  EXPECT_DOUBLE_EQ(telemetry.sources[0].page_p50_ms, 4);
  EXPECT_NEAR(telemetry.sources[0].busy_fraction, 3 * 0.004 / 60.004, 1e-9);
}

TEST(RunTelemetry, OfAServerThatServedUsAloneHasNoForeignTraffic) {
  const RunTelemetry telemetry = summarise_telemetry(a_run());
  ASSERT_TRUE(telemetry.foreign);
  EXPECT_EQ(telemetry.foreign->our_tokens, 7000);
  EXPECT_EQ(telemetry.foreign->server_tokens, 7000);
  EXPECT_EQ(telemetry.foreign->tokens_share, 0);
  EXPECT_FALSE(telemetry.foreign->found);
}

TEST(RunTelemetry, FindsForeignTokensBeyondWhatMayBeInFlight) {
  EXPECT_FALSE(summarise_telemetry(a_run(60)).foreign->found);  // 0.86 %
  EXPECT_TRUE(summarise_telemetry(a_run(80)).foreign->found);   // 1.14 %
  std::vector<PageRead> wide = a_run(80);
  wide[3].before.in_flight = wide[3].after.in_flight = 50;  // two steps of 50 streams
  EXPECT_FALSE(summarise_telemetry(wide).foreign->found);
}

TEST(RunTelemetry, TakesAClientThatWasLateForNobodyElse) {
  std::vector<PageRead> pages = a_run(200);
  pages[4].before = pages[4].after = had(7210, 74, 0);
  EXPECT_FALSE(summarise_telemetry(pages).foreign->found);
  EXPECT_EQ(summarise_telemetry(pages).foreign->tokens_uncertain, 210 + 2 * 4);
  pages.pop_back();
  EXPECT_TRUE(summarise_telemetry(pages).foreign->found);
}

// On a busy machine: late by 150 tokens at the window's end, and then 300 more were made of the
// fillers before the server noticed that they had been cancelled.
TEST(RunTelemetry, TakesWhatWasMadeOfCancelledFillersForNobodyElse) {
  std::vector<PageRead> pages = a_run(150);
  pages[4].samples = vllm(0, 500 + 7150 + 300, 77);
  pages[4].before = pages[4].after = had(7150, 74, 0);
  EXPECT_FALSE(summarise_telemetry(pages).foreign->found);
}

// A cancelled request's tokens are counted as chunks: no fewer are ours for that.
TEST(RunTelemetry, HasNoFewerTokensAfterTheDrain) {
  std::vector<PageRead> pages = a_run(80);
  pages[4].before = pages[4].after = had(6900, 74, 0);
  EXPECT_TRUE(summarise_telemetry(pages).foreign->found);
  EXPECT_EQ(summarise_telemetry(pages).foreign->tokens_uncertain, 2 * 4);
}

TEST(RunTelemetry, FindsForeignRequestsWhereTokensAreCountedLate) {
  std::vector<PageRead> pages = a_run(-500, 5);
  EXPECT_TRUE(summarise_telemetry(pages).foreign->found);
  pages = a_run(-500, 4);  // one of each stream may have ended there alone
  EXPECT_FALSE(summarise_telemetry(pages).foreign->found);
}

// Where aborted requests are counted too, every one of ours is known after the drain: one of others
// in a hundred is enough, whatever may have been on its way at the window's end.
TEST(RunTelemetry, FindsASingleForeignRequestAfterTheDrain) {
  const auto with_aborts = [](double finished, double aborted) {
    std::vector<PageRead> pages = a_run();
    for (PageRead& each : pages) {
      each.samples += "vllm:request_success_total{finished_reason=\"abort\"} 0\n";
    }
    pages[4].samples = vllm(0, 7600, 7 + finished) +
                       "vllm:request_success_total{finished_reason=\"abort\"} " +
                       std::to_string(aborted) + "\n";
    return summarise_telemetry(pages).foreign.value();
  };
  EXPECT_EQ(with_aborts(70, 4).requests_of_others, 0);
  EXPECT_FALSE(with_aborts(70, 4).found);
  EXPECT_FALSE(with_aborts(73, 1).found) << "three had ended there before they were cancelled";
  EXPECT_FALSE(with_aborts(70, 0).found) << "what is cancelled is not counted";
  EXPECT_EQ(with_aborts(70, 0).requests_of_others, -4);
  EXPECT_EQ(with_aborts(71, 4).requests_of_others, 1);
  EXPECT_TRUE(with_aborts(71, 4).found);
  EXPECT_TRUE(with_aborts(70, 5).found) << "somebody else's, that was cancelled";
}

// Tokens of cancelled fillers may lie unread here when the window ends, and are dropped with them.
TEST(RunTelemetry, TakesTokensForNobodyElsesWhereEveryRequestWasOurs) {
  const auto with_excess = [](double running_after, double aborted) {
    std::vector<PageRead> pages = a_run(150);
    for (PageRead& each : pages) {
      each.samples += "vllm:request_success_total{finished_reason=\"abort\"} 0\n";
    }
    pages[4].samples = vllm(running_after, 7750, 77) +
                       "vllm:request_success_total{finished_reason=\"abort\"} " +
                       std::to_string(aborted) + "\n";
    return summarise_telemetry(pages).foreign.value();
  };
  EXPECT_FALSE(with_excess(0, 4).found);
  EXPECT_TRUE(with_excess(1, 4).found) << "one that goes on may be anybody's";
  EXPECT_TRUE(with_excess(0, 0).found) << "what is cancelled is not counted";
}

TEST(RunTelemetry, TakesNoRequestThatWasThereBeforeForOneOfOthers) {
  std::vector<PageRead> pages = a_run();
  pages[0].samples = vllm(3, 500, 7);
  pages[4].samples = vllm(0, 7600, 7 + 74 + 3);
  EXPECT_EQ(summarise_telemetry(pages).foreign->requests_of_others, 0);
  EXPECT_FALSE(summarise_telemetry(pages).foreign->found);
  pages[4].before.in_flight = pages[4].after.in_flight = 2;
  EXPECT_EQ(summarise_telemetry(pages).foreign->requests_of_others, -2);
  pages.pop_back();
  EXPECT_EQ(summarise_telemetry(pages).foreign->requests_of_others, std::nullopt);
}

TEST(RunTelemetry, TakesTheClientsCountsInTheMiddleOfThePage) {
  std::vector<PageRead> pages = a_run();
  pages[3].before = had(6990, 69);
  pages[3].after = had(7010, 71);
  const RunTelemetry telemetry = summarise_telemetry(pages);
  EXPECT_EQ(telemetry.foreign->our_tokens, 7000);
  EXPECT_EQ(telemetry.foreign->our_requests, 70);
  EXPECT_EQ(telemetry.foreign->tokens_uncertain, 10 + 2 * 4 + 40);
}

TEST(RunTelemetry, CountsAnOpenRequestsChunksAsTheEndedOnes) {
  const ClientCounts counts{
      .chunks = 150, .ended_chunks = 100, .ended_tokens = 200, .ended = 5, .in_flight = 2};
  EXPECT_EQ(counts.tokens(), 300);
  EXPECT_EQ((ClientCounts{.chunks = 7}).tokens(), 7);
}

TEST(RunTelemetry, KnowsNoDifferenceOverAReset) {
  std::vector<PageRead> pages = a_run();
  pages[4].samples = vllm(0, 10, 80);
  const FigureReading tokens = figure_of(summarise_telemetry(pages), Figure::kOutputTokens);
  EXPECT_EQ(tokens.run, std::nullopt);
  EXPECT_EQ(tokens.window, 6000);
  EXPECT_EQ(tokens.missing, "counter_reset");
}

TEST(RunTelemetry, KnowsNoDifferenceOfSeriesThatComeOrGo) {
  for (const bool comes : {true, false}) {
    std::vector<PageRead> pages = a_run();
    const std::string more = "vllm:generation_tokens_total{engine=\"1\"} 5\n";
    for (const size_t at : comes ? std::vector<size_t>{3, 4} : std::vector<size_t>{0, 1}) {
      pages[at].samples += more;
    }
    const RunTelemetry telemetry = summarise_telemetry(pages);
    const FigureReading tokens = figure_of(telemetry, Figure::kOutputTokens);
    EXPECT_EQ(tokens.run, std::nullopt);
    EXPECT_EQ(tokens.window, std::nullopt);
    EXPECT_EQ(tokens.missing, "series_changed");
    EXPECT_FALSE(telemetry.foreign->server_tokens);
    EXPECT_FALSE(telemetry.foreign->found);
  }
}

TEST(RunTelemetry, TakesAFamilyThatAppearsAsBegunAtZero) {
  std::vector<PageRead> pages = a_run();
  pages[0].samples = "vllm:num_requests_running{engine=\"0\"} 0\n";
  EXPECT_EQ(figure_of(summarise_telemetry(pages), Figure::kOutputTokens).run, 7600);
}

TEST(RunTelemetry, OfWhatIsNoNumberIsUnknown) {
  std::vector<PageRead> pages = a_run();
  pages[3].samples =
      "vllm:generation_tokens_total{engine=\"0\"} NaN\n"
      "vllm:kv_cache_usage_perc{engine=\"0\"} NaN\n";
  const RunTelemetry telemetry = summarise_telemetry(pages);
  EXPECT_EQ(figure_of(telemetry, Figure::kOutputTokens).missing, "not_a_number");
  EXPECT_EQ(figure_of(telemetry, Figure::kOutputTokens).window, std::nullopt);
  EXPECT_EQ(figure_of(telemetry, Figure::kKvUsed).samples, 2);
}

TEST(RunTelemetry, OfAnEdgeThatFailedIsUnknownAndSaysSo) {
  std::vector<PageRead> pages = a_run();
  pages[3].samples.clear();
  pages[3].error = "HTTP 503";
  const RunTelemetry telemetry = summarise_telemetry(pages);
  EXPECT_EQ(figure_of(telemetry, Figure::kOutputTokens).run, 7100);
  EXPECT_EQ(figure_of(telemetry, Figure::kOutputTokens).window, std::nullopt);
  EXPECT_EQ(figure_of(telemetry, Figure::kOutputTokens).missing, "edge_missing");
  EXPECT_EQ(telemetry.foreign, std::nullopt);
  EXPECT_EQ(telemetry.window_s, std::nullopt);
  EXPECT_EQ(telemetry.sources[0].failed, 1);
  EXPECT_EQ(telemetry.sources[0].error, "HTTP 503");
}

TEST(RunTelemetry, SumsReplicasAndTakesTheFullestCache) {
  std::vector<PageRead> pages = a_run();
  for (const PageRead& one : a_run()) {
    pages.push_back(one);
    pages.back().url = "http://127.0.0.2:8000/metrics";
  }
  const RunTelemetry telemetry = summarise_telemetry(pages);
  EXPECT_EQ(figure_of(telemetry, Figure::kOutputTokens).window, 12000);
  EXPECT_EQ(figure_of(telemetry, Figure::kRunning).mean, 8);
  EXPECT_EQ(figure_of(telemetry, Figure::kKvUsed).max, 0.75);
  EXPECT_EQ(telemetry.sources.size(), 2U);
  EXPECT_TRUE(telemetry.foreign->found);  // the second one served somebody else
}

TEST(RunTelemetry, CountsARequestOnceWhereAFrontendAndWorkersHaveIt) {
  std::vector<PageRead> pages = a_run();
  for (const PageRead& one : a_run()) {
    pages.push_back(one);
    pages.back().url = "http://127.0.0.2:8000/metrics";
    pages.back().role = MetricsRole::kFrontend;
    pages.back().samples = "dynamo_frontend_output_tokens_total 5\n";
  }
  const RunTelemetry telemetry = summarise_telemetry(pages);
  EXPECT_EQ(figure_of(telemetry, Figure::kOutputTokens).window, 0);
  EXPECT_EQ(figure_of(telemetry, Figure::kRunning).mean, 4);
}

TEST(RunTelemetry, TakesPromptsFromThePrefillAndTheRestFromTheDecode) {
  std::vector<PageRead> pages;
  for (const MetricsRole role : {MetricsRole::kPrefill, MetricsRole::kDecode}) {
    for (PageRead one : a_run()) {
      const bool prefill = role == MetricsRole::kPrefill;
      one.role = role;
      one.url = prefill ? "http://p/metrics" : "http://d/metrics";
      const bool late = one.moment == PageMoment::kEnd || one.moment == PageMoment::kAfter;
      one.samples +=
          std::string("vllm:prompt_tokens_total ") + (late ? (prefill ? "90" : "7") : "0") + "\n";
      if (prefill) one.samples += "vllm:num_preemptions_total 0\n";
      pages.push_back(one);
    }
  }
  const RunTelemetry telemetry = summarise_telemetry(pages);
  EXPECT_EQ(figure_of(telemetry, Figure::kPromptTokens).window, 90);
  EXPECT_EQ(figure_of(telemetry, Figure::kOutputTokens).window, 6000);
  EXPECT_EQ(figure_of(telemetry, Figure::kPreemptions).window, 0);
}

TEST(GaugeTracks, AreTheGaugesAtEachPage) {
  const std::vector<GaugeTrack> tracks = gauge_tracks(a_run());
  ASSERT_EQ(tracks.size(), 3U) << "a counter, or a gauge less";
  EXPECT_EQ(tracks[0].figure, Figure::kRunning);
  EXPECT_EQ(tracks[1].figure, Figure::kWaiting);
  ASSERT_EQ(tracks[2].figure, Figure::kKvUsed);
  ASSERT_EQ(tracks[2].points.size(), 5U);
  EXPECT_EQ(tracks[2].points[1], (GaugePoint{to_ns(from_ns(0) + seconds(1010)), 0.25}));
  EXPECT_EQ(tracks[2].points[2].value, 0.75);
}

TEST(GaugeTracks, AreOfAllReplicasTogether) {
  std::vector<PageRead> pages = a_run();
  for (const PageRead& one : a_run()) {
    pages.push_back(one);
    pages.back().url = "http://127.0.0.2:8000/metrics";
    pages.back().asked += milliseconds(200);
    pages.back().answered += milliseconds(200);
  }
  const std::vector<GaugeTrack> tracks = gauge_tracks(pages);
  EXPECT_EQ(tracks[0].points[2].value, 8) << "running is summed";
  EXPECT_EQ(tracks[2].points[2].value, 0.75) << "of the cache the fullest counts";
}

TEST(GaugeTracks, LeaveOutWhatIsNoNumberAndAPageThatDidNotCome) {
  std::vector<PageRead> pages = a_run();
  pages[1].samples = vllm(4, 1500, 17, std::nan(""));
  pages[2].error = "HTTP 503";
  const std::vector<GaugeTrack> tracks = gauge_tracks(pages);
  EXPECT_EQ(tracks[0].points.size(), 4U);
  EXPECT_EQ(tracks[2].points.size(), 3U);
  EXPECT_TRUE(gauge_tracks({}).empty());
  pages.resize(1);
  EXPECT_TRUE(gauge_tracks(pages).empty()) << "a track of one point";
}

}  // namespace
}  // namespace llmsweep
