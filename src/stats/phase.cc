#include "stats/phase.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "llmsweep/base/clock.h"

namespace llmsweep {
namespace {

struct Start {
  Instant at{};
  uint32_t slot = 0;
  bool counts = false;  // of a completed measured request
};

std::vector<Start> starts_of(std::span<const RequestRecord> records) {
  std::vector<Start> starts;
  for (const RequestRecord& record : records) {
    if (!record.sent) continue;
    const bool counts = record.phase == Phase::kMeasured && record.outcome == Outcome::kOk;
    starts.push_back({*record.sent, record.slot, counts});
  }
  std::sort(starts.begin(), starts.end(),
            [](const Start& a, const Start& b) { return a.at < b.at; });
  return starts;
}

}  // namespace

std::optional<double> in_step(std::span<const RequestRecord> records, double e2e_p50_ms) {
  const std::vector<Start> starts = starts_of(records);
  uint32_t slots = 0;
  for (const Start& start : starts) slots = std::max(slots, start.slot + 1);
  if (slots < 2 || e2e_p50_ms <= 0) return std::nullopt;
  const double most_ns = kTogether * e2e_p50_ms * 1e6;
  const auto is_close = [most_ns](const Start& a, const Start& b) {
    return static_cast<double>((b.at - a.at).count()) <= most_ns;
  };
  std::vector<size_t> seen_by(slots, starts.size());  // the start that a slot was last counted for
  double sum = 0;
  size_t counted = 0;
  size_t first = 0;
  for (size_t i = 0; i < starts.size(); ++i) {
    while (!is_close(starts[first], starts[i])) ++first;
    if (!starts[i].counts) continue;
    size_t others = 0;
    for (size_t j = first; j < starts.size() && (j < i || is_close(starts[i], starts[j])); ++j) {
      const uint32_t slot = starts[j].slot;
      if (slot == starts[i].slot || seen_by[slot] == i) continue;
      seen_by[slot] = i;
      ++others;
    }
    sum += static_cast<double>(others) / static_cast<double>(slots - 1);
    ++counted;
  }
  if (counted == 0) return std::nullopt;
  return sum / static_cast<double>(counted);
}

}  // namespace llmsweep
