#include "llmsweep/stats/whole_load.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "llmsweep/stats/validity.h"
#include "stats/slot_time.h"

namespace llmsweep {
namespace {

// From the first measured start to the last measured end, whatever came in it.
std::optional<Window> around_measured(std::span<const SlotTime> times, Duration uncertain) {
  std::optional<Window> window;
  for (const SlotTime& time : times) {
    if (!time.measured()) continue;
    if (!window) window = Window{time.start, time.end};
    window->from = std::min(window->from, time.start);
    window->to = std::max(window->to, time.end);
  }
  if (window) *window = {window->from - uncertain, window->to + uncertain};
  return window;
}

// `times` of one slot, by start.
bool was_busy(std::span<const SlotTime> times, const Window& window) {
  if (times.front().start > window.from || times.back().end < window.to) return false;
  Duration idle{};
  for (const SlotTime& time : times) {
    const bool inside = time.gap && time.start > window.from && time.start - *time.gap < window.to;
    if (inside) idle += *time.gap - time.held;
  }
  return to_seconds(idle) <= kSlotGapLimit * window.seconds();
}

}  // namespace

bool slots_were_busy(std::span<const RequestRecord> records, int slots, Duration uncertain) {
  const std::vector<SlotTime> times = slot_times(records);
  const std::optional<Window> window = around_measured(times, uncertain);
  if (!window) return true;
  int seen = 0;
  for (auto from = times.begin(); from != times.end();) {
    const auto to = std::find_if(from, times.end(), [&](const SlotTime& time) {
      return time.record->slot != from->record->slot;
    });
    if (!was_busy({from, to}, *window)) return false;
    ++seen;
    from = to;
  }
  return seen == slots;
}

bool arrivals_were_sent(std::span<const RequestRecord> records, Duration uncertain) {
  const std::optional<Window> window = around_measured(slot_times(records), uncertain);
  if (!window) return true;
  std::vector<uint32_t> sent;
  uint32_t last = 0;
  for (const RequestRecord& record : records) {
    sent.push_back(record.index);
    if (record.scheduled <= window->to) last = std::max(last, record.index);
  }
  std::sort(sent.begin(), sent.end());
  const auto wanted = std::upper_bound(sent.begin(), sent.end(), last) - sent.begin();
  return wanted == static_cast<std::ptrdiff_t>(last) + 1;
}

}  // namespace llmsweep
