#include "stats/slot_time.h"

#include <algorithm>
#include <cstddef>

namespace llmsweep {
namespace {

Instant last_known_instant(const RequestRecord& record, Instant start) {
  Instant last = start;
  for (const auto& instant :
       {record.end, record.last_token, record.first_token, record.first_byte}) {
    if (instant) last = std::max(last, *instant);
  }
  return last;
}

Duration overlap(Window a, const Window& b) {
  const Duration shared = std::min(a.to, b.to) - std::max(a.from, b.from);
  return std::max(shared, Duration::zero());
}

}  // namespace

Duration SlotTime::occupied() const {
  return end - start + gap.value_or(Duration::zero());
}

std::vector<SlotTime> slot_times(std::span<const RequestRecord> records) {
  std::vector<SlotTime> times;
  times.reserve(records.size());
  for (const RequestRecord& record : records) {
    const Instant start = record.sent.value_or(record.scheduled);
    times.push_back({&record, start, last_known_instant(record, start), std::nullopt});
  }
  std::sort(times.begin(), times.end(), [](const SlotTime& a, const SlotTime& b) {
    if (a.record->slot != b.record->slot) return a.record->slot < b.record->slot;
    if (a.start != b.start) return a.start < b.start;
    return a.record->index < b.record->index;
  });
  for (size_t i = 1; i < times.size(); ++i) {
    if (times[i].record->slot == times[i - 1].record->slot) {
      times[i].gap = times[i].start - times[i - 1].end;
    }
  }
  return times;
}

std::optional<Window> measured_window(std::span<const SlotTime> times) {
  std::optional<Window> window;
  std::optional<Instant> last_token;
  for (const SlotTime& time : times) {
    if (!time.measured()) continue;
    if (!window) window = Window{time.start, time.end};
    window->from = std::min(window->from, time.start);
    window->to = std::max(window->to, time.end);
    if (time.record->last_token) {
      last_token =
          std::max(last_token.value_or(*time.record->last_token), *time.record->last_token);
    }
  }
  if (window && last_token) window->to = *last_token;
  if (window && window->to <= window->from) return std::nullopt;
  return window;
}

std::optional<Window> issue_window(std::span<const SlotTime> times, int concurrency) {
  std::vector<Instant> ends;
  std::optional<Instant> last_start;
  std::optional<Instant> first_idle;
  for (size_t i = 0; i < times.size(); ++i) {
    const SlotTime& time = times[i];
    const bool last_of_slot =
        i + 1 == times.size() || times[i + 1].record->slot != time.record->slot;
    if (last_of_slot) first_idle = std::min(first_idle.value_or(time.end), time.end);
    if (!time.measured()) continue;
    ends.push_back(time.end);
    last_start = std::max(last_start.value_or(time.start), time.start);
  }
  const auto nth = static_cast<size_t>(concurrency);
  if (nth < 1 || ends.size() < nth) return std::nullopt;
  std::nth_element(ends.begin(), ends.begin() + (concurrency - 1), ends.end());
  const Window window{ends[nth - 1], std::min(*last_start, *first_idle)};
  if (window.to <= window.from) return std::nullopt;
  return window;
}

double tokens_inside(const RequestRecord& record, const Window& window) {
  if (!record.first_token) return 0;
  const Instant first = *record.first_token;
  const Instant last = record.last_token.value_or(first);
  const auto tokens = static_cast<double>(record.output_tokens);
  if (last <= first) return window.from <= first && first <= window.to ? tokens : 0;
  return tokens * to_seconds(overlap({first, last}, window)) / to_seconds(last - first);
}

double mean_in_flight(std::span<const SlotTime> times, const Window& window) {
  Duration busy{};
  for (const SlotTime& time : times) busy += overlap({time.start, time.end}, window);
  return to_seconds(busy) / window.seconds();
}

}  // namespace llmsweep
