// A run of a rate against an Engine in virtual time: what the harness would record if it and the
// network were without delay. Minutes of load take milliseconds.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <vector>

#include "llmsweep/base/random.h"
#include "llmsweep/model/record.h"
#include "llmsweep/schedule/schedule.h"
#include "llmsweep/simulator/engine.h"
#include "llmsweep/stats/level_stats.h"

namespace llmsweep {

// Log-normal lengths with this mean and this deviation of the logarithm.
struct LengthLaw {
  double mean = 60;
  double deviation = 0.8;

  int64_t draw(Random& random) const {
    const double log = std::log(mean) - deviation * deviation / 2 + deviation * random.normal();
    return std::max<int64_t>(1, std::llround(std::exp(log)));
  }
};

struct EngineRun {
  EngineProfile engine;
  LoadSpec load;
  LoadPoint point;
  LengthLaw lengths;
  int64_t input_tokens = 1;
};

class EngineDriver {
 public:
  EngineDriver(const EngineRun& run, uint64_t seed)
      : run_(run),
        schedule_(make_schedule(run.load, run.point, seed)),
        engine_(run.engine, seed),
        lengths_(seed, 7) {}

  std::vector<RequestRecord> records() {
    const size_t measured = prompt_demand(schedule_).measured;
    std::vector<EngineEvent> events;
    while (measured_ended_ < measured) {
      const auto next = engine_.next();
      const bool arrives =
          submitted_ < schedule_.arrivals.size() && (!next || due(submitted_) <= *next);
      if (arrives) {
        submit();
        continue;
      }
      if (!next) break;
      events.clear();
      engine_.advance(*next, events);
      for (const EngineEvent& event : events) apply(event);
    }
    std::vector<RequestRecord> records;
    for (RequestRecord& record : records_) records.push_back(std::move(record));
    return records;
  }

  Instant start() const { return start_; }

 private:
  Instant due(size_t i) const { return start_ + schedule_.arrivals[i].at; }

  void submit() {
    const Arrival& arrival = schedule_.arrivals[submitted_];
    const int64_t tokens = run_.lengths.draw(lengths_);
    RequestRecord record{.run = {run_.point, 0},
                         .index = static_cast<uint32_t>(submitted_),
                         .phase = arrival.phase,
                         .scheduled = start_ + arrival.at,
                         .planned_output_tokens = tokens,
                         .output_tokens = tokens,
                         .token_source = TokenSource::kUsage,
                         .outcome = Outcome::kCancelled};
    record.sent = record.scheduled;
    records_.push_back(std::move(record));
    engine_.submit({.id = submitted_,
                    .prompt_tokens = run_.input_tokens,
                    .output_tokens = tokens,
                    .seed = submitted_},
                   due(submitted_));
    ++submitted_;
  }

  void apply(const EngineEvent& event) {
    if (event.kind != EngineEvent::Kind::kTokens) return;
    RequestRecord& record = records_[event.id];
    const Instant at = event.at;
    if (!record.first_token) record.first_token = at;
    ++record.chunks;
    if (!event.last) return;
    record.last_token = record.end = at;
    record.outcome = Outcome::kOk;
    measured_ended_ += record.phase == Phase::kMeasured ? 1 : 0;
  }

  const EngineRun& run_;
  Schedule schedule_;
  Engine engine_;
  Random lengths_;
  Instant start_ = from_ns(1'000'000'000);
  std::vector<RequestRecord> records_;
  size_t submitted_ = 0;
  size_t measured_ended_ = 0;
};

// A request that is still in flight when the last measured one ends is cancelled then.
inline RunStats stats_in_virtual_time(const EngineRun& run, uint64_t seed) {
  EngineDriver driver(run, seed);
  std::vector<RequestRecord> records = driver.records();
  Instant last{};
  for (const RequestRecord& record : records) {
    if (record.end) last = std::max(last, *record.end);
  }
  for (RequestRecord& record : records) {
    if (!record.end) record.end = last;
  }
  return run_stats({.records = records,
                    .level = {.point = run.point},
                    .open = OpenInput{.run = {.start_ns = to_ns(driver.start())},
                                      .window = open_window(run.load),
                                      .rate_rps = run.point.value,
                                      .arrival_cv = gap_cv(run.load.arrivals),
                                      .recorded = run.point.kind == LoadKind::kTrace,
                                      .profile = run.load.profile,
                                      .profile_from = run.load.warmup}});
}

}  // namespace llmsweep
