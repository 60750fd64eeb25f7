#include "stats/session_load.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "llmsweep/stats/intervals.h"
#include "llmsweep/stats/percentile.h"
#include "stats/request_stats.h"

namespace llmsweep {
namespace {

// What a template puts before every conversation, and a part of an engine's block.
constexpr int64_t kNoLeak = 64;
constexpr uint32_t kLastBucket = 1 << 14;

using SessionKey = std::pair<RunId, uint32_t>;
using Sessions = std::map<SessionKey, std::vector<const RequestRecord*>>;  // by turn

Sessions sessions_of(std::span<const RequestRecord> records) {
  Sessions sessions;
  for (const RequestRecord& record : records) {
    if (record.session && record.turn) sessions[{record.run, *record.session}].push_back(&record);
  }
  for (auto& [key, turns] : sessions) {
    std::sort(turns.begin(), turns.end(),
              [](const auto* a, const auto* b) { return *a->turn < *b->turn; });
  }
  return sessions;
}

bool is_measured(const RequestRecord& record) {
  return record.phase == Phase::kMeasured;
}

// Sent in the run from its first turn on, and ended with the last one, which is measured.
bool is_whole(const std::vector<const RequestRecord*>& turns) {
  const RequestRecord& last = *turns.back();
  return is_measured(last) && last.outcome == Outcome::kOk && last.turn == last.turns_planned &&
         turns.size() == *last.turns_planned;
}

// Sent in the run from its first turn on, and over with a measured one: its last, or one that
// failed.
bool ends_in_window(const std::vector<const RequestRecord*>& turns) {
  const RequestRecord& last = *turns.back();
  const bool over = last.outcome != Outcome::kOk || last.turn == last.turns_planned;
  return is_measured(last) && over && turns.front()->turn == 1U;
}

void add_whole(const std::vector<const RequestRecord*>& turns, std::vector<double>& duration,
               std::vector<double>& waiting, std::vector<double>& ttft) {
  double waited_ms = 0;
  double first_tokens_ms = 0;
  for (const RequestRecord* turn : turns) {
    const RequestMetrics metrics = request_metrics(*turn, turn->run.point.origin());
    waited_ms += metrics.e2e_ms.value_or(0);
    first_tokens_ms += metrics.ttft_ms.value_or(0);
  }
  if (!turns.front()->sent || !turns.back()->end) return;
  duration.push_back(to_ms(*turns.back()->end - *turns.front()->sent));
  waiting.push_back(waited_ms);
  ttft.push_back(first_tokens_ms);
}

// Of a measured turn: what the request before it in the session had put into the server's cache. Of
// a first turn nothing is expected, so that a shared first message is no part of the ideal.
void add_prefix(SessionLoad& load, const RequestRecord& turn, const RequestRecord* before) {
  if (!turn.cached_tokens || !turn.input_tokens) return;
  if (before != nullptr && !before->input_tokens) return;  // the ideal is not known
  const int64_t ideal = before == nullptr ? 0 : std::min(*before->input_tokens, *turn.input_tokens);
  if (!load.prefix) load.prefix.emplace();
  load.prefix->input_tokens += *turn.input_tokens;
  if (before == nullptr) {
    load.prefix->first_turn_tokens += *turn.cached_tokens;
    return;
  }
  load.prefix->ideal_tokens += ideal;
  load.prefix->reported_tokens += *turn.cached_tokens;
  load.prefix->leaked_tokens += std::max<int64_t>(0, *turn.cached_tokens - ideal - kNoLeak);
}

// 1, 2, 3 to 4, 5 to 8, …; the number of a turn's.
size_t bucket_of(uint32_t turn) {
  size_t bucket = 0;
  for (uint32_t end = 1; end < turn && end < kLastBucket; end *= 2) ++bucket;
  return bucket;
}

struct TurnSamples {
  std::vector<double> ttft, e2e;

  void add(const RequestRecord& record) {
    const RequestMetrics metrics = request_metrics(record, record.run.point.origin());
    if (metrics.ttft_ms) ttft.push_back(*metrics.ttft_ms);
    if (metrics.e2e_ms) e2e.push_back(*metrics.e2e_ms);
  }
  TurnFigures figures(int64_t from, int64_t to) && {
    return {.from = from,
            .to = to,
            .ttft = distribution_of(std::move(ttft)),
            .e2e = distribution_of(std::move(e2e))};
  }
};

std::vector<TurnFigures> turn_figures(std::span<const RequestRecord> records) {
  std::vector<TurnSamples> buckets;
  TurnSamples later;
  for (const RequestRecord& record : records) {
    if (!record.turn || !is_measured(record) || record.outcome != Outcome::kOk) continue;
    const size_t bucket = bucket_of(*record.turn);
    if (bucket >= buckets.size()) buckets.resize(bucket + 1);
    buckets[bucket].add(record);
    if (*record.turn > 1) later.add(record);
  }
  std::vector<TurnFigures> figures;
  for (size_t i = 0; i < buckets.size(); ++i) {
    const int64_t to = int64_t{1} << i;
    if (buckets[i].e2e.empty()) continue;
    figures.push_back(std::move(buckets[i]).figures(to / 2 + 1, to));
  }
  const bool several = buckets.size() > 2;  // or the bucket of turn 2 says it
  if (several) figures.push_back(std::move(later).figures(2, 0));
  return figures;
}

// All that the records say by themselves.
SessionLoad figures_of(std::span<const RequestRecord> records, const LevelContext& level) {
  SessionLoad load;
  std::vector<double> duration, waiting, ttft;
  int64_t judged = 0;
  int64_t good = 0;
  for (const auto& [key, turns] : sessions_of(records)) {
    if (ends_in_window(turns)) {
      ++judged;
      good += is_whole(turns) && std::all_of(turns.begin(), turns.end(), [&](const auto* turn) {
                return is_good(*turn, level);
              });
    }
    for (size_t i = 0; i < turns.size(); ++i) {
      const RequestRecord& turn = *turns[i];
      if (!is_measured(turn)) continue;
      if (turn.outcome != Outcome::kOk) {
        ++load.broken;
        load.turns_not_sent += int64_t{*turn.turns_planned} - *turn.turn;
      }
      // A trace's prompts share blocks across sessions.
      if (turn.run.point.kind == LoadKind::kTrace) continue;
      const bool follows = i > 0 && *turns[i - 1]->turn + 1 == *turn.turn;
      add_prefix(load, turn, follows ? turns[i - 1] : nullptr);
    }
    if (!is_whole(turns)) continue;
    ++load.ended;
    add_whole(turns, duration, waiting, ttft);
  }
  load.duration = distribution_of(std::move(duration));
  load.waiting = distribution_of(std::move(waiting));
  load.ttft_sum = distribution_of(std::move(ttft));
  load.turns = turn_figures(records);
  if (!level.goodput.empty() && judged > 0) {
    load.goodput_fraction = static_cast<double>(good) / static_cast<double>(judged);
    load.good = good;
  }
  return load;
}

// Cycles of a user, a time z to think and r to answer, follow each other without a gap. Those that
// are due in the window exceed it at its begin by what was thought before, or fall short of it by
// what is left of an answer; at its end the other way round. At a random instant that excess has
// the moments below; users and edges are taken as independent. The standard deviation of
// users_by_law ÷ users.
std::optional<double> law_noise(std::span<const SlotTime> times, double window_s, double users) {
  double length = 0;
  double first = 0;
  double second = 0;
  for (const SlotTime& time : times) {
    if (!time.measured()) continue;
    const double z = to_seconds(time.record->think.value_or(Duration(0)));
    const double r = to_seconds(time.end - time.record->scheduled);
    length += z + r;
    first += (z * z - r * r) / 2;
    second += (z * z * z + r * r * r) / 3;
  }
  if (length <= 0) return std::nullopt;
  const double mean = first / length;
  const double variance = std::max(0.0, second / length - mean * mean);
  return std::sqrt(2 * variance / users) / window_s;
}

// Little's law of the users: turns a second times the mean of a turn's time to think and to answer.
void fill_law(SessionLoad& load, std::span<const SlotTime> times, double window_s, double users) {
  double think_s = 0;
  double response_s = 0;
  double turns = 0;
  for (const SlotTime& time : times) {
    if (!time.measured()) continue;
    think_s += to_seconds(time.record->think.value_or(Duration(0)));
    response_s += to_seconds(time.end - time.record->scheduled);
    ++turns;
  }
  if (turns == 0) return;
  load.law_noise = law_noise(times, window_s, users);
  load.think_mean_s = think_s / turns;
  load.response_mean_s = response_s / turns;
  load.turns_rps = turns / window_s;
  load.users_by_law = (think_s + response_s) / window_s;
}

// Of an overloaded run: what grows with its length.
void drop_latencies_of(SessionLoad& load) {
  load.response_mean_s.reset();
  load.duration = load.waiting = load.ttft_sum = {};
  load.turns.clear();
  load.goodput_fraction.reset();
  load.good.reset();
}

std::optional<double> mean_of(const std::vector<RunStats>& runs,
                              std::optional<double> SessionLoad::*figure) {
  std::vector<double> values;
  for (const RunStats& run : runs) {
    if (run.sessions && (*run.sessions).*figure) values.push_back(*((*run.sessions).*figure));
  }
  return values.empty() ? std::nullopt : std::optional(moments_of(values).mean);
}

}  // namespace

void fill_session_load(RunStats& stats, std::span<const RequestRecord> records,
                       std::span<const SlotTime> times, const SessionInput& input,
                       const LevelContext& level) {
  SessionLoad& load = stats.sessions.emplace(figures_of(records, level));
  const Instant start = from_ns(input.start_ns);
  const Window window{start + input.window.from, start + input.window.to};
  const double window_s = window.seconds();
  fill_law(load, times, window_s, level.point.value);
  double tokens = 0;
  for (const SlotTime& time : times) tokens += tokens_inside(time, window);
  stats.wall_seconds = window_s;
  stats.steady_output_throughput_tps = tokens / window_s;
  stats.output_throughput_tps = stats.steady_output_throughput_tps;
  stats.request_throughput_rps =
      static_cast<double>(stats.requests.completed.value_or(0)) / window_s;
  stats.achieved_concurrency = mean_in_flight(times, window);
  if (load.users_by_law)
    stats.littles_law_error = std::abs(*load.users_by_law / level.point.value - 1);
}

void fill_trace_sessions(RunStats& stats, std::span<const RequestRecord> records,
                         std::span<const SlotTime> times, const LevelContext& level) {
  const bool any = std::any_of(records.begin(), records.end(),
                               [](const RequestRecord& record) { return record.turn.has_value(); });
  if (!any) return;
  SessionLoad& load = stats.sessions.emplace(figures_of(records, level));
  double think_s = 0;
  double response_s = 0;
  double turns = 0;
  double thought_about = 0;
  for (const SlotTime& time : times) {
    if (!time.measured()) continue;
    ++turns;
    response_s += to_seconds(time.end - time.record->scheduled);
    if (!time.record->think) continue;
    ++thought_about;
    think_s += to_seconds(*time.record->think);
  }
  if (thought_about > 0) load.think_mean_s = think_s / thought_about;
  if (turns > 0) load.response_mean_s = response_s / turns;
  const double window_s = stats.wall_seconds.value_or(0);
  if (turns > 0 && window_s > 0) load.turns_rps = turns / window_s;
  if (stats.is_overloaded()) drop_latencies_of(load);
}

std::optional<SessionLoad> pool_sessions(const std::vector<RunStats>& runs,
                                         std::span<const RequestRecord> records,
                                         const LevelContext& level) {
  const bool any = std::any_of(runs.begin(), runs.end(),
                               [](const RunStats& run) { return run.sessions.has_value(); });
  if (!any) return std::nullopt;
  SessionLoad pooled = figures_of(records, level);
  for (const auto figure :
       {&SessionLoad::think_mean_s, &SessionLoad::response_mean_s, &SessionLoad::turns_rps,
        &SessionLoad::users_by_law, &SessionLoad::law_noise}) {
    pooled.*figure = mean_of(runs, figure);
  }
  const bool overloaded = std::any_of(runs.begin(), runs.end(),
                                      [](const RunStats& run) { return run.is_overloaded(); });
  if (overloaded) drop_latencies_of(pooled);
  return pooled;
}

}  // namespace llmsweep
