#include "llmsweep/telemetry/metrics_sampler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace llmsweep {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kUrl = "http://server/metrics";

// Answers as it is told, and keeps what was asked for and what was read.
class Server {
 public:
  HttpAnswer fetch(const std::string& url) {
    const std::lock_guard lock(mutex_);
    asked_.push_back(url);
    const auto page = pages_.find(url);
    if (page == pages_.end()) return {.status = 404, .body = "no such page"};
    return page->second;
  }
  void serve(const std::string& url, const std::string& body) {
    const std::lock_guard lock(mutex_);
    pages_[url] = {.status = 200, .body = body};
  }
  void fail(const std::string& url, const std::string& error) {
    const std::lock_guard lock(mutex_);
    pages_[url] = {.error = error};
  }
  void keep(const PageRead& page) {
    const std::lock_guard lock(mutex_);
    read_.push_back(page);
  }
  std::vector<std::string> asked() const {
    const std::lock_guard lock(mutex_);
    return asked_;
  }
  std::vector<PageRead> read() const {
    const std::lock_guard lock(mutex_);
    return read_;
  }
  std::vector<PageMoment> moments() const {
    std::vector<PageMoment> moments;
    for (const PageRead& page : read()) moments.push_back(page.moment);
    return moments;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, HttpAnswer> pages_;
  std::vector<std::string> asked_;
  std::vector<PageRead> read_;
};

struct Load {
  std::atomic<int64_t> chunks{0};
  std::atomic<bool> measuring{false};
  std::atomic<bool> measured{false};
  std::atomic<bool> edge_read{false};
  std::atomic<int> begun{0};
  std::atomic<int> over{0};

  MetricsWatch watch() {
    return {.counts = [this] { return ClientCounts{.chunks = chunks.load()}; },
            .page_begins = [this](Instant) { ++begun; },
            .page_ends = [this](Instant) { ++over; },
            .measuring = [this] { return measuring.load(); },
            .measured = [this] { return measured.load(); },
            .edge_read = [this] { edge_read = true; }};
  }
};

MetricsSampler sampler_of(Server& server, SamplerOptions options = {},
                          std::vector<MetricsPage> pages = {{.url = kUrl}}) {
  return {std::move(pages),
          [&server](const std::string& url, MetricsRole) { return server.fetch(url); },
          [&server](const PageRead& page) { server.keep(page); }, std::move(options)};
}

template <class Condition>
bool comes_true(const Condition& condition) {
  const SteadyClock clock;
  for (const Instant until = clock.now() + std::chrono::seconds(20); clock.now() < until;) {
    if (condition()) return true;
    std::this_thread::sleep_for(milliseconds(1));
  }
  return false;
}

const std::string kIdle = "vllm:num_requests_running{engine=\"0\"} 0\nvllm:iteration 5\n";

TEST(MetricsSampler, SaysWhatAPageIsAndWhatItCost) {
  Server server;
  server.serve(kUrl, kIdle);
  MetricsSampler sampler = sampler_of(server);
  EXPECT_THAT(
      sampler.open(false),
      ElementsAre(::testing::AllOf(HasSubstr("http://server/metrics: vllm"), HasSubstr("KB in"))));
  EXPECT_FALSE(sampler.empty());
}

TEST(MetricsSampler, ReadsTheAnswersOfZeusd) {
  constexpr const char* kZeusd = "http://gpus:4938/gpu/get_cumulative_energy";
  Server server;
  server.serve(kZeusd, R"({"0": {"energy_mj": 5000}, "1": {"energy_mj": 7000}})");
  MetricsSampler sampler = sampler_of(server, {}, {{.url = kZeusd, .role = MetricsRole::kGpu}});
  EXPECT_THAT(sampler.open(true), ElementsAre(HasSubstr("get_cumulative_energy: zeusd")));
  Load load;
  const RunSampling run(sampler, {}, load.watch());
  ASSERT_EQ(server.read().size(), 1U);
  EXPECT_EQ(server.read()[0].samples,
            "zeusd_energy_mj{gpu=\"0\"} 5000\nzeusd_energy_mj{gpu=\"1\"} 7000\n");
}

// Whoever names them wants to know that they are gone.
TEST(MetricsSampler, KeepsGpusThatDoNotCome) {
  Server server;
  server.serve(kUrl, kIdle);
  server.fail("nvml", "libnvidia-ml.so.1: cannot open shared object file");
  MetricsSampler sampler =
      sampler_of(server, {}, {{.url = kUrl}, {.url = "nvml", .role = MetricsRole::kGpu}});
  EXPECT_THAT(sampler.open(false).back(), HasSubstr("nvml does not come: libnvidia-ml.so.1"));
  Load load;
  const RunSampling run(sampler, {}, load.watch());
  ASSERT_EQ(server.read().size(), 2U);
  EXPECT_THAT(server.read()[1].error, HasSubstr("cannot open"));
}

TEST(MetricsSampler, LeavesOutAServerOfWhichNothingIsKnownUnlessItWasNamed) {
  for (const char* body : {"my_metric 5\n", "[{\"iter\": 1}]", "<html>"}) {
    Server server;
    server.serve(kUrl, body);
    MetricsSampler chosen = sampler_of(server);
    EXPECT_THAT(chosen.open(false).front(), HasSubstr("no figure that is known"));
    EXPECT_TRUE(chosen.empty());
    MetricsSampler named = sampler_of(server);
    named.open(true);
    EXPECT_FALSE(named.empty());
  }
  Server server;
  MetricsSampler sampler = sampler_of(server);
  EXPECT_THAT(sampler.open(false).front(), HasSubstr("HTTP 404"));
  EXPECT_TRUE(sampler.empty());
  server.fail(kUrl, "connection refused");
  MetricsSampler refused = sampler_of(server);
  EXPECT_THAT(refused.open(false).front(), HasSubstr("connection refused"));
}

TEST(MetricsSampler, AsksForTheNeededNamesWhereTheServerFiltersByThem) {
  const std::string names = "?name[]=vllm%3Anum_requests_running";
  for (const std::string& filtered : {kUrl + ("/" + names), kUrl + names}) {
    Server server;
    server.serve(kUrl, kIdle);
    server.serve(filtered, "vllm:num_requests_running{engine=\"0\"} 0\n");
    MetricsSampler sampler = sampler_of(server);
    EXPECT_THAT(sampler.open(false).front(), HasSubstr("with the needed names alone"));
    Load load;
    RunSampling sampling(sampler, {}, load.watch());
    EXPECT_EQ(server.asked().back(), filtered);
    EXPECT_TRUE(server.read().back().filtered);
  }
}

// As vLLM 0.32 does it.
TEST(MetricsSampler, TakesAFilteredPageWhoseFamiliesStandInAnotherOrder) {
  const std::string filtered = kUrl + std::string("/?name[]=vllm%3Anum_requests_running") +
                               "&name[]=vllm%3Anum_requests_waiting";
  Server server;
  server.serve(kUrl, kIdle + "vllm:num_requests_waiting{engine=\"0\"} 0\n");
  server.serve(filtered,
               "vllm:num_requests_waiting{engine=\"0\"} 0\n"
               "vllm:num_requests_running{engine=\"0\"} 0\n");
  MetricsSampler sampler = sampler_of(server);
  EXPECT_THAT(sampler.open(false).front(), HasSubstr("with the needed names alone"));
}

TEST(MetricsSampler, DoesNotTrustAFilterThatDropsWhatIsNeeded) {
  const std::string names = "?name[]=vllm%3Anum_requests_running";
  // Of a collector of several processes, and of servers that do not filter, one of whose pages has
  // become shorter by a digit.
  const std::string shorter = "vllm:num_requests_running{engine=\"0\"} 0\nvllm:iterati 5\n";
  for (const std::string& answer : {std::string(), kIdle, shorter}) {
    Server server;
    server.serve(kUrl, kIdle);
    server.serve(kUrl + ("/" + names), answer);
    server.serve(kUrl + names, answer);
    MetricsSampler sampler = sampler_of(server);
    EXPECT_THAT(sampler.open(false).front(), ::testing::Not(HasSubstr("alone")));
    Load load;
    RunSampling sampling(sampler, {}, load.watch());
    EXPECT_EQ(server.asked().back(), kUrl);
    EXPECT_FALSE(server.read().back().filtered);
  }
}

TEST(RunSampling, ReadsTheEdgesOfTheWindowWithTheClientsCounts) {
  Server server;
  server.serve(kUrl, kIdle);
  MetricsSampler sampler = sampler_of(server, {.every = Duration{}});
  sampler.open(false);
  Load load;
  RunSampling sampling(sampler, {at_concurrency(4), 2}, load.watch());
  sampling.begin();
  load.chunks = 10;
  load.measuring = true;
  ASSERT_TRUE(comes_true([&] { return server.read().size() == 2; }));
  EXPECT_FALSE(load.edge_read);
  load.chunks = 90;
  load.measured = true;
  ASSERT_TRUE(comes_true([&] { return load.edge_read.load(); }));
  load.chunks = 95;
  sampling.finish();
  EXPECT_THAT(server.moments(), ElementsAre(PageMoment::kBefore, PageMoment::kStart,
                                            PageMoment::kEnd, PageMoment::kAfter));
  const std::vector<PageRead> read = server.read();
  EXPECT_EQ(read[1].before.chunks, 10);
  EXPECT_EQ(read[2].after.chunks, 90);
  EXPECT_EQ(read[3].after.chunks, 95);
  for (const PageRead& page : read) {
    EXPECT_EQ(page.run, (RunId{at_concurrency(4), 2}));
    EXPECT_EQ(page.url, kUrl);
    EXPECT_EQ(page.samples, "vllm:num_requests_running{engine=\"0\"} 0\n");
    EXPECT_EQ(page.bytes, static_cast<int64_t>(kIdle.size()));
    EXPECT_LE(page.asked, page.answered);
  }
}

TEST(RunSampling, ReadsGaugesInBetween) {
  Server server;
  server.serve(kUrl, kIdle);
  MetricsSampler sampler = sampler_of(server, {.every = milliseconds(5)});
  sampler.open(false);
  Load load;
  load.measuring = true;
  RunSampling sampling(sampler, {}, load.watch());
  sampling.begin();
  EXPECT_TRUE(comes_true([&] { return server.read().size() >= 5; }));
  load.measured = true;
  sampling.finish();
  const std::vector<PageMoment> moments = server.moments();
  EXPECT_EQ(moments[1], PageMoment::kStart);
  EXPECT_EQ(moments[2], PageMoment::kBetween);
  EXPECT_EQ(moments[moments.size() - 2], PageMoment::kEnd);
  // Those at the edges come when requests begin and end, which has gaps of its own.
  EXPECT_EQ(load.begun, std::count(moments.begin(), moments.end(), PageMoment::kBetween));
  EXPECT_EQ(load.over, load.begun);
}

TEST(RunSampling, OfALoadThatEndedAtOnceHasItsEdges) {
  Server server;
  server.serve(kUrl, kIdle);
  MetricsSampler sampler = sampler_of(server);
  sampler.open(false);
  Load load;
  RunSampling sampling(sampler, {}, load.watch());
  sampling.begin();
  load.measuring = true;
  load.measured = true;
  sampling.finish();
  EXPECT_THAT(server.moments(), ElementsAre(PageMoment::kBefore, PageMoment::kStart,
                                            PageMoment::kEnd, PageMoment::kAfter));
}

TEST(RunSampling, OfALoadThatWasGivenUpHasNoEndAndLetsGo) {
  Server server;
  server.serve(kUrl, kIdle);
  MetricsSampler sampler = sampler_of(server);
  sampler.open(false);
  Load load;
  {
    RunSampling sampling(sampler, {}, load.watch());
    sampling.begin();
    sampling.finish();
    EXPECT_THAT(server.moments(), ElementsAre(PageMoment::kBefore, PageMoment::kAfter));
    EXPECT_TRUE(load.edge_read);
  }
  load.edge_read = false;
  {
    RunSampling sampling(sampler, {}, load.watch());
    sampling.begin();  // and the run throws
  }
  EXPECT_TRUE(load.edge_read);
}

TEST(RunSampling, WaitsForAServerThatDrainsAndSaysWhatItStillHas) {
  Server server;
  server.serve(kUrl, "vllm:num_requests_running 2\nvllm:num_requests_waiting 1\n");
  MetricsSampler sampler = sampler_of(server, {.longest_drain = milliseconds(50)});
  sampler.open(false);
  Load load;
  const RunSampling busy(sampler, {}, load.watch());
  EXPECT_EQ(busy.busy_before(), 3);
  EXPECT_EQ(server.read().size(), 1U);  // the last of several that were asked for
  EXPECT_GT(server.asked().size(), 2U);

  MetricsSampler patient = sampler_of(server, {.longest_drain = std::chrono::seconds(20)});
  patient.open(false);
  std::jthread drain([&] {
    comes_true([&, asked = server.asked().size()] { return server.asked().size() > asked + 1; });
    server.serve(kUrl, "vllm:num_requests_running 0\nvllm:num_requests_waiting 0\n");
  });
  const RunSampling drained(patient, {}, load.watch());
  EXPECT_EQ(drained.busy_before(), 0);
}

TEST(RunSampling, KeepsWhyAPageDidNotCome) {
  Server server;
  server.serve(kUrl, kIdle);
  MetricsSampler sampler = sampler_of(server);
  sampler.open(false);
  server.fail(kUrl, "timed out after 2 s");
  Load load;
  RunSampling sampling(sampler, {}, load.watch());
  EXPECT_EQ(sampling.busy_before(), 0);
  ASSERT_EQ(server.read().size(), 1U);
  EXPECT_EQ(server.read().front().error, "timed out after 2 s");
  EXPECT_EQ(server.read().front().samples, "");
}

// An exporter whose counters move at every `every`th reading; 0: never.
class Exporter {
 public:
  explicit Exporter(int every) : every_(every) {}

  HttpAnswer fetch() {
    const int reading = readings_++;
    const int moved = every_ > 0 ? reading / every_ : 0;
    const std::string name = "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION";
    return {.status = 200,
            .body = name + "{gpu=\"0\"} " + std::to_string(1000 * moved) + "\n" + name +
                    "{gpu=\"1\"} " + std::to_string(2000 * moved) + "\n"};
  }
  int readings() const { return readings_; }

 private:
  int every_;
  std::atomic<int> readings_{0};
};

std::vector<PageRead> edges_read(Exporter& exporter, Load& load) {
  std::mutex mutex;
  std::vector<PageRead> read;
  MetricsSampler sampler(
      {{.url = "http://gpus/metrics", .role = MetricsRole::kGpu}},
      [&](const std::string&, MetricsRole) {
        load.chunks += 10;
        return exporter.fetch();
      },
      [&](const PageRead& page) {
        const std::lock_guard lock(mutex);
        read.push_back(page);
      },
      {.every = Duration{}});
  sampler.open(true);
  RunSampling sampling(sampler, {}, load.watch());
  sampling.begin();
  load.measuring = true;
  comes_true([&] {
    const std::lock_guard lock(mutex);
    return read.size() == 2;
  });
  load.measured = true;
  comes_true([&] { return load.edge_read.load(); });
  sampling.finish();
  return read;
}

TEST(RunSampling, ReadsACounterOfEnergyUntilItMoves) {
  Exporter exporter(4);
  Load load;
  const std::vector<PageRead> read = edges_read(exporter, load);
  ASSERT_EQ(read.size(), 4U);
  for (const size_t edge : {1, 2}) {
    EXPECT_TRUE(read[edge].fresh);
    // Between the two readings that differ there is one page, at both ends of which are counts.
    EXPECT_EQ(read[edge].after.chunks - read[edge].before.chunks, 20);
    EXPECT_GT(read[edge].answered - read[edge].asked, milliseconds(20));
  }
  EXPECT_FALSE(read[0].fresh);
  EXPECT_FALSE(read[3].fresh);
}

TEST(RunSampling, OfACounterThatDoesNotMoveGoesOnAfterTwoSeconds) {
  Exporter exporter(0);
  Load load;
  const SteadyClock clock;
  const Instant began = clock.now();
  const std::vector<PageRead> read = edges_read(exporter, load);
  EXPECT_GE(clock.now() - began, std::chrono::seconds(4));
  ASSERT_EQ(read.size(), 4U);
  EXPECT_FALSE(read[1].fresh);
  EXPECT_FALSE(read[2].fresh);
  EXPECT_GT(exporter.readings(), 10);
}

}  // namespace
}  // namespace llmsweep
