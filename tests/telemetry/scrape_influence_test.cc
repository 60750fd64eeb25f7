#include "llmsweep/telemetry/scrape_influence.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace llmsweep {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr const char* kScrapedUrl = "http://127.0.0.1:8000/metrics";

PageRead page_at(PageMoment moment, Duration at, ClientCounts counts,
                 Duration took = milliseconds(4)) {
  return {.url = kScrapedUrl,
          .moment = moment,
          .asked = from_ns(0) + at,
          .answered = from_ns(0) + at + took,
          .error = {},
          .before = counts,
          .after = counts,
          .samples = {}};
}

ClientCounts met(int64_t gaps, Duration sum) {
  return {.page_gaps = gaps, .page_gap_ns = sum.count()};
}

// Four streams of a chunk every 10 ms; the gaps that the two pages met.
std::vector<PageRead> two_pages(Duration first, Duration second) {
  return {page_at(PageMoment::kBefore, seconds(1), {}),
          page_at(PageMoment::kStart, seconds(2), {}),
          page_at(PageMoment::kBetween, seconds(4), {}),
          page_at(PageMoment::kBetween, seconds(6), met(4, 4 * first)),
          page_at(PageMoment::kEnd, seconds(10), met(8, 4 * first + 4 * second)),
          page_at(PageMoment::kAfter, seconds(11), met(9, seconds(9)))};
}

Histogram gaps_of(Duration each, uint64_t count) {
  Histogram gaps;
  gaps.add(each, count);
  return gaps;
}

TEST(ScrapeInfluence, OfNoPageInTheWindowIsUnknown) {
  const Histogram gaps = gaps_of(milliseconds(10), 4000);
  EXPECT_EQ(scrape_influence({}, gaps), std::nullopt);
  std::vector<PageRead> pages = two_pages(milliseconds(10), milliseconds(10));
  EXPECT_EQ(scrape_influence(pages, {}), std::nullopt);
  std::erase_if(pages, [](const PageRead& page) { return page.moment == PageMoment::kBetween; });
  EXPECT_EQ(scrape_influence(pages, gaps), std::nullopt);
}

TEST(ScrapeInfluence, OfAPageThatDelaysChunksIsWhatItDelaysThemBy) {
  const auto influence = scrape_influence(two_pages(milliseconds(29), milliseconds(31)),
                                          gaps_of(milliseconds(10), 4000));
  ASSERT_TRUE(influence);
  EXPECT_EQ(influence->pages, 2);
  EXPECT_EQ(influence->gaps, 8);
  EXPECT_DOUBLE_EQ(influence->page_ms, 4);
  EXPECT_DOUBLE_EQ(influence->busy_fraction, 8.0 / 8000);
  EXPECT_DOUBLE_EQ(influence->met_ms, 30);
  EXPECT_NEAR(influence->expected_ms, 10, 0.005);  // a bucket's width
  EXPECT_NEAR(influence->excess_ms(), 20, 0.005);
  EXPECT_NEAR(influence->gap_ms, (40'000 - 240) / 3992.0, 0.005);
  // √(2 ÷ 1 · (4² + 4²)) ÷ 8
  EXPECT_NEAR(influence->standard_error_ms.value(), 1, 1e-9);
}

TEST(ScrapeInfluence, OfOnePageHasNoError) {
  std::vector<PageRead> pages = two_pages(milliseconds(30), milliseconds(30));
  pages.erase(pages.begin() + 3);
  const auto influence = scrape_influence(pages, gaps_of(milliseconds(10), 4000));
  ASSERT_TRUE(influence);
  EXPECT_EQ(influence->pages, 1);
  EXPECT_EQ(influence->gaps, 8);
  EXPECT_EQ(influence->standard_error_ms, std::nullopt);
}

// The gaps are counted once, however many sources are read, and GPUs are not the server.
TEST(ScrapeInfluence, TakesSourcesThatAreReadTogetherForOne) {
  std::vector<PageRead> pages = two_pages(milliseconds(30), milliseconds(30));
  PageRead replica =
      page_at(PageMoment::kBetween, seconds(4) + milliseconds(5), met(1, seconds(1)));
  replica.url = "http://127.0.0.2:8000/metrics";
  PageRead gpu = page_at(PageMoment::kBetween, seconds(5), met(2, seconds(1)));
  gpu.role = MetricsRole::kGpu;
  pages.insert(pages.begin() + 3, {replica, gpu});
  const auto influence = scrape_influence(pages, gaps_of(milliseconds(10), 4000));
  ASSERT_TRUE(influence);
  EXPECT_EQ(influence->pages, 2);
  EXPECT_EQ(influence->gaps, 8);
  EXPECT_DOUBLE_EQ(influence->page_ms, (9 + 4) / 2.0);
}

// Pages at random times of a stream whose gaps differ: what they meet is longer than the mean, and
// is what is expected of them.
TEST(ScrapeInfluence, ExpectsPagesToMeetLongGapsMoreOften) {
  std::mt19937_64 draw(1);
  std::exponential_distribution<double> gap_ms(1 / 8.0);
  std::vector<Instant> chunks = {from_ns(0)};
  Histogram gaps;
  while (to_ns(chunks.back()) < 4'000'000'000'000) {
    const auto gap = microseconds(static_cast<int64_t>(1000 * (2 + gap_ms(draw))));
    gaps.add(gap);
    chunks.push_back(chunks.back() + gap);
  }
  std::vector<PageRead> pages = {page_at(PageMoment::kStart, seconds(1), {})};
  std::uniform_real_distribution<double> phase(0, 1e9);
  ClientCounts counts;
  for (int second = 2; second < 3998; ++second) {
    const Duration at = seconds(second) + Duration(static_cast<int64_t>(phase(draw)));
    pages.push_back(page_at(PageMoment::kBetween, at, counts));
    const PageRead& page = pages.back();
    auto next = std::upper_bound(chunks.begin(), chunks.end(), page.asked);
    for (; *(next - 1) <= page.answered; ++next) {
      ++counts.page_gaps;
      counts.page_gap_ns += (*next - *(next - 1)).count();
    }
  }
  pages.push_back(page_at(PageMoment::kEnd, seconds(3999), counts));
  const auto influence = scrape_influence(pages, gaps);
  ASSERT_TRUE(influence);
  EXPECT_NEAR(influence->gap_ms, 10, 0.2);
  EXPECT_GT(influence->expected_ms, 13);
  EXPECT_LT(std::abs(influence->excess_ms()), 3 * *influence->standard_error_ms);
  EXPECT_LT(*influence->standard_error_ms, 0.2);
}

}  // namespace
}  // namespace llmsweep
