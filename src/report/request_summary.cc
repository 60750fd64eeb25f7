#include "report/request_summary.h"

#include <algorithm>
#include <cmath>

#include "llmsweep/base/clock.h"

namespace llmsweep {

void add_request(std::vector<RunRequests>& runs, const RequestRecord& record) {
  constexpr size_t kErrors = 5000;
  // A run's records come one after another, so the last is looked at first.
  auto own = std::find_if(runs.rbegin(), runs.rend(),
                          [&](const RunRequests& run) { return run.run == record.run; });
  RunRequests& run = own != runs.rend() ? *own : runs.emplace_back(RunRequests{.run = record.run});
  const auto ns_or = [](const std::optional<Instant>& instant, int64_t otherwise) {
    return instant ? to_ns(*instant) : otherwise;
  };
  RequestSpan span{.slot = record.slot, .phase = record.phase, .outcome = record.outcome};
  span.start_ns = to_ns(record.sent.value_or(record.scheduled));
  span.first_token_ns = ns_or(record.first_token, RequestSpan::kNever);
  span.last_token_ns = ns_or(record.last_token, RequestSpan::kNever);
  span.end_ns = ns_or(record.end, record.last_token ? span.last_token_ns : span.start_ns);
  const int64_t later_tokens = record.streamed() - record.first_chunk_tokens;
  if (record.first_token && record.last_token && later_tokens > 0) {
    span.tpot_ms = static_cast<float>(to_ms(*record.last_token - *record.first_token) /
                                      static_cast<double>(later_tokens));
  }
  if (record.outcome != Outcome::kOk && !record.error.empty() && run.errors.size() < kErrors) {
    run.errors.push_back(record.error);
    span.error = static_cast<uint32_t>(run.errors.size());
  }
  run.spans.push_back(span);
}

namespace report {
namespace {

double ms_between(int64_t from_ns, int64_t to_ns) {
  return static_cast<double>(to_ns - from_ns) / 1e6;
}

using Requests = std::vector<const RequestSpan*>;  // there may be a million: not copied

bool failed(const RequestSpan& request) {
  // A filler is cancelled when the last measured request has ended: that is its normal end.
  return request.outcome != Outcome::kOk &&
         !(request.phase == Phase::kFiller && request.outcome == Outcome::kCancelled);
}

std::vector<TimelineStep> steps_of(const Requests& requests, int64_t start_ns, int64_t end_ns,
                                   size_t count) {
  std::vector<TimelineStep> steps(count);
  const double step =
      static_cast<double>(std::max<int64_t>(end_ns - start_ns, 1)) / static_cast<double>(count);
  const auto position = [&](int64_t at) { return static_cast<double>(at - start_ns) / step; };
  const double last = static_cast<double>(count) - 1;
  for (const RequestSpan* request : requests) {
    const double ended_at = std::clamp(std::floor(position(request->end_ns)), 0.0, last);
    TimelineStep& end_step = steps[static_cast<size_t>(ended_at)];
    (failed(*request) ? end_step.failed : end_step.ended) += 1;
    // In flight at the middles of the steps from the start's to the end's.
    const double first = std::max(0.0, std::ceil(position(request->start_ns) - 0.5));
    const double beyond = position(request->end_ns) - 0.5;
    for (double i = first; i < beyond && i <= last; ++i) ++steps[static_cast<size_t>(i)].in_flight;
  }
  return steps;
}

Timeline timeline_of(const RunRequests& run, const TimelineLimits& limits, size_t& budget) {
  Requests requests;
  requests.reserve(run.spans.size());
  for (const RequestSpan& span : run.spans) requests.push_back(&span);
  std::stable_sort(requests.begin(), requests.end(),
                   [](const RequestSpan* a, const RequestSpan* b) {
                     return a->slot != b->slot ? a->slot < b->slot : a->start_ns < b->start_ns;
                   });
  Timeline timeline{.run = run.run, .errors = run.errors};
  timeline.start_ns = requests.front()->start_ns;
  timeline.end_ns = requests.front()->end_ns;
  uint32_t slots = 0;
  for (const RequestSpan* request : requests) {
    timeline.start_ns = std::min(timeline.start_ns, request->start_ns);
    timeline.end_ns = std::max(timeline.end_ns, request->end_ns);
    slots = std::max(slots, request->slot + 1);
  }
  timeline.requests = static_cast<int64_t>(requests.size());
  const bool few = requests.size() <= std::min(limits.spans_per_run, budget);
  if (few && slots <= limits.slots) {
    budget -= requests.size();
    for (const RequestSpan* request : requests) timeline.spans.push_back(*request);
    return timeline;
  }
  constexpr size_t kFailures = 20;
  timeline.steps = steps_of(requests, timeline.start_ns, timeline.end_ns, limits.steps);
  for (const RequestSpan* request : requests) {
    if (failed(*request) && timeline.failures.size() < kFailures) {
      timeline.failures.push_back(*request);
    }
  }
  return timeline;
}

}  // namespace

Bins bins_of(std::vector<double> values, size_t count) {
  Bins bins;
  if (values.empty() || count == 0) return bins;
  std::sort(values.begin(), values.end());
  const double p99 = values[static_cast<size_t>(static_cast<double>(values.size() - 1) * 0.99)];
  bins.low = values.front();
  double high = values.back();
  if (p99 > bins.low && high - bins.low > 3 * (p99 - bins.low)) high = p99;
  bins.step = (high - bins.low) / static_cast<double>(count);
  if (!(bins.step > 0)) {
    bins.counts = {static_cast<int64_t>(values.size())};
    return bins;
  }
  bins.counts.resize(count);
  for (const double value : values) {
    if (value > high) {
      ++bins.above;
      continue;
    }
    const auto index = static_cast<size_t>((value - bins.low) / bins.step);
    ++bins.counts[std::min(index, count - 1)];
  }
  return bins;
}

std::map<LoadPoint, LevelBins> level_bins(std::span<const RunRequests> runs) {
  std::map<LoadPoint, LevelBins> levels;
  for (const RunRequests& run : runs) levels[run.run.point];
  // One distribution at a time: each may hold a million values.
  for (auto& [point, bins] : levels) {
    const auto binned = [&runs, level = point](const auto& value_of) {
      std::vector<double> values;
      for (const RunRequests& run : runs) {
        if (run.run.point != level) continue;
        for (const RequestSpan& span : run.spans) {
          if (span.phase != Phase::kMeasured || span.outcome != Outcome::kOk) continue;
          const double value = value_of(span);
          if (value >= 0) values.push_back(value);
        }
      }
      return bins_of(std::move(values));
    };
    const auto since_start = [](const RequestSpan& span, int64_t at) {
      return at == RequestSpan::kNever ? -1 : ms_between(span.start_ns, at);
    };
    bins.e2e =
        binned([&](const RequestSpan& span) { return since_start(span, span.last_token_ns); });
    bins.ttft =
        binned([&](const RequestSpan& span) { return since_start(span, span.first_token_ns); });
    bins.tpot = binned([](const RequestSpan& span) { return double{span.tpot_ms}; });
  }
  return levels;
}

std::vector<Timeline> timelines(std::span<const RunRequests> runs, const TimelineLimits& limits,
                                size_t& budget) {
  std::map<RunId, const RunRequests*> in_order;
  for (const RunRequests& run : runs) {
    if (!run.spans.empty()) in_order[run.run] = &run;
  }
  std::vector<Timeline> all;
  for (const auto& [id, run] : in_order) all.push_back(timeline_of(*run, limits, budget));
  return all;
}

}  // namespace report
}  // namespace llmsweep
