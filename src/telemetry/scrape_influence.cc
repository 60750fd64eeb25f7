#include "llmsweep/telemetry/scrape_influence.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace llmsweep {
namespace {

constexpr double kNsPerMs = 1e6;

// The pages that were read one after another at one time, and the gaps that they met.
struct ReadAtOnce {
  double ms = 0;
  double gaps = 0;
  double gap_ms = 0;
};

struct GapSums {
  double count = 0;
  double ms = 0;
  double squares = 0;  // ms²
};

bool is_of_server(const PageRead& page) {
  return page.role != MetricsRole::kGpu;
}

// The gaps of one end after it, so that those until the next one are its own.
std::vector<ReadAtOnce> reads_inside(std::span<const PageRead> pages) {
  std::vector<ReadAtOnce> reads;
  const PageRead* first = nullptr;  // of the pages read now
  Instant until{};
  for (const PageRead& page : pages) {
    if (!is_of_server(page) || page.moment == PageMoment::kStart) continue;
    if (first != nullptr && page.moment == PageMoment::kBetween && page.url != first->url) {
      until = std::max(until, page.answered);
      continue;
    }
    if (first != nullptr) {
      const ClientCounts& had = first->before;
      reads.push_back(
          {.ms = to_ms(until - first->asked),
           .gaps = static_cast<double>(page.before.page_gaps - had.page_gaps),
           .gap_ms = static_cast<double>(page.before.page_gap_ns - had.page_gap_ns) / kNsPerMs});
    }
    first = page.moment == PageMoment::kBetween ? &page : nullptr;
    until = page.answered;
  }
  std::erase_if(reads, [](const ReadAtOnce& read) { return read.gaps <= 0; });
  return reads;
}

GapSums sums_of(const Histogram& gaps) {
  GapSums sums;
  for (const auto& [bucket, weight] : gaps.buckets()) {
    const double ms = to_ms(Histogram::middle_of(bucket));
    const auto count = static_cast<double>(weight);
    sums.count += count;
    sums.ms += count * ms;
    sums.squares += count * ms * ms;
  }
  return sums;
}

std::optional<double> window_ms(std::span<const PageRead> pages) {
  const auto at = [&](PageMoment moment) {
    return std::find_if(pages.begin(), pages.end(), [moment](const PageRead& page) {
      return page.moment == moment && is_of_server(page);
    });
  };
  const auto start = at(PageMoment::kStart);
  const auto end = at(PageMoment::kEnd);
  if (start == pages.end() || end == pages.end()) return std::nullopt;
  return to_ms(end->asked - start->asked);
}

}  // namespace

std::optional<ScrapeInfluence> scrape_influence(std::span<const PageRead> pages,
                                                const Histogram& gaps) {
  const std::vector<ReadAtOnce> reads = reads_inside(pages);
  const GapSums all = sums_of(gaps);
  const std::optional<double> window = window_ms(pages);
  ReadAtOnce met;
  for (const ReadAtOnce& read : reads) {
    met.ms += read.ms;
    met.gaps += read.gaps;
    met.gap_ms += read.gap_ms;
  }
  if (reads.empty() || !window || *window <= 0 || all.count <= met.gaps) return std::nullopt;
  const auto count = static_cast<double>(reads.size());
  const double page_ms = met.ms / count;
  ScrapeInfluence influence{
      .pages = static_cast<int64_t>(reads.size()),
      .page_ms = page_ms,
      .busy_fraction = met.ms / *window,
      .gaps = static_cast<int64_t>(met.gaps),
      .gap_ms = (all.ms - met.gap_ms) / (all.count - met.gaps),
      .expected_ms = (all.squares + page_ms * all.ms) / (all.ms + page_ms * all.count),
      .met_ms = met.gap_ms / met.gaps};
  if (reads.size() < 2) return influence;
  double squares = 0;
  for (const ReadAtOnce& read : reads) {
    squares += std::pow(read.gap_ms - influence.met_ms * read.gaps, 2);
  }
  influence.standard_error_ms = std::sqrt(count / (count - 1) * squares) / met.gaps;
  return influence;
}

}  // namespace llmsweep
