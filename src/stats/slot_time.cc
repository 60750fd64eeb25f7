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

// Of the completed requests whose tokens are known; 1 where there are none.
double tokens_per_chunk(std::span<const RequestRecord> records) {
  double tokens = 0;
  double chunks = 0;
  for (const RequestRecord& record : records) {
    if (record.outcome != Outcome::kOk || record.token_source == TokenSource::kChunks) continue;
    tokens += static_cast<double>(record.output_tokens);
    chunks += static_cast<double>(record.chunks);
  }
  return chunks > 0 ? tokens / chunks : 1;
}

Duration held_between(const SlotTime& before, const SlotTime& next) {
  if (!before.record->retry_after_ms) return {};
  const Duration asked = next.record->scheduled - before.end;
  return std::clamp(asked, Duration::zero(), std::max(next.start - before.end, Duration::zero()));
}

double tokens_received(const RequestRecord& record, double per_chunk) {
  const bool cut_short =
      record.outcome != Outcome::kOk && record.token_source == TokenSource::kChunks;
  return static_cast<double>(record.output_tokens) * (cut_short ? per_chunk : 1);
}

}  // namespace

Duration SlotTime::occupied() const {
  return end - start + gap.value_or(Duration::zero());
}

std::vector<SlotTime> slot_times(std::span<const RequestRecord> records) {
  std::vector<SlotTime> times;
  times.reserve(records.size());
  const double per_chunk = tokens_per_chunk(records);
  for (const RequestRecord& record : records) {
    const Instant start = record.sent.value_or(record.scheduled);
    times.push_back({.record = &record,
                     .start = start,
                     .end = last_known_instant(record, start),
                     .tokens = tokens_received(record, per_chunk)});
  }
  std::sort(times.begin(), times.end(), [](const SlotTime& a, const SlotTime& b) {
    if (a.record->slot != b.record->slot) return a.record->slot < b.record->slot;
    if (a.start != b.start) return a.start < b.start;
    return a.record->index < b.record->index;
  });
  for (size_t i = 1; i < times.size(); ++i) {
    if (times[i].record->slot == times[i - 1].record->slot) {
      times[i].gap = times[i].start - times[i - 1].end;
      times[i].held = held_between(times[i - 1], times[i]);
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

double tokens_inside(const SlotTime& time, const Window& window) {
  const RequestRecord& record = *time.record;
  if (!record.first_token) return 0;
  const Instant first = *record.first_token;
  const Instant last = record.last_token.value_or(first);
  if (last <= first) return window.from <= first && first <= window.to ? time.tokens : 0;
  return time.tokens * to_seconds(overlap({first, last}, window)) / to_seconds(last - first);
}

double mean_in_flight(std::span<const SlotTime> times, const Window& window) {
  Duration busy{};
  for (const SlotTime& time : times) busy += overlap({time.start - time.held, time.end}, window);
  return to_seconds(busy) / window.seconds();
}

}  // namespace llmsweep
