#include "llmsweep/stats/server_findings.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "llmsweep/model/quantity.h"
#include "llmsweep/stats/intervals.h"
#include "llmsweep/stats/percentile.h"

namespace llmsweep {
namespace {

using Told = ServerFigure;
using Explains = ServerFindingKind;

constexpr double kWaitingShare = 0.05;  // of the concurrency
constexpr double kQueueShare = 0.10;    // of TTFT
constexpr double kQueueMs = 10;
constexpr double kFullCache = 0.95;
constexpr double kThrottledShare = 0.01;  // of the window
constexpr double kClockDrop = 0.03;
constexpr double kIdleGpu = 0.5;
constexpr double kOutsideShare = 0.05;  // of TTFT
constexpr double kOutsideMs = 5;
constexpr double kHitShare = 0.05;
constexpr double kFlatBatch = 0.03;
constexpr double kAcceptancePoints = 0.03;
constexpr double kScrapedShare = 0.01;  // of the window
constexpr double kScrapeSure = 0.995;   // one-sided: some level of a sweep of many is always slow

// Sums over the runs' windows, and means over their gauges. Absent where no run has it.
class LevelServer {
 public:
  explicit LevelServer(const LevelStats& level) : level_(level) {}

  std::optional<double> counted(Told figure) const {
    std::optional<double> sum;
    each(figure, [&](const FigureReading& reading) {
      if (reading.window) sum = sum.value_or(0) + *reading.window;
    });
    return sum;
  }
  std::optional<double> mean(Told figure) const {
    double sum = 0;
    int runs = 0;
    each(figure, [&](const FigureReading& reading) {
      if (!reading.mean) return;
      sum += *reading.mean;
      ++runs;
    });
    return runs > 0 ? std::optional(sum / runs) : std::nullopt;
  }
  std::optional<double> most(Told figure) const {
    std::optional<double> most;
    each(figure, [&](const FigureReading& reading) {
      if (reading.max) most = std::max(most.value_or(*reading.max), *reading.max);
    });
    return most;
  }
  // Of two counters, where both are known and the second is above 0.
  std::optional<double> ratio(Told over, Told under) const {
    const std::optional<double> a = counted(over);
    const std::optional<double> b = counted(under);
    return a && b && *b > 0 ? std::optional(*a / *b) : std::nullopt;
  }
  double window_s() const {
    double sum = 0;
    for (const RunStats& run : level_.runs) {
      if (run.telemetry) sum += run.telemetry->window_s.value_or(0);
    }
    return sum;
  }
  int concurrency() const { return level_.point.concurrency(); }
  bool known() const {
    return std::any_of(level_.runs.begin(), level_.runs.end(),
                       [](const RunStats& run) { return run.telemetry.has_value(); });
  }
  const LevelStats& level() const { return level_; }

 private:
  template <class Visit>
  void each(Told figure, const Visit& visit) const {
    for (const RunStats& run : level_.runs) {
      const FigureReading* reading = run.telemetry ? run.telemetry->find(figure) : nullptr;
      if (reading != nullptr) visit(*reading);
    }
  }

  const LevelStats& level_;
};

// 840 ms, 12.3 ms, 0.52 ms
std::string ms_text(double ms) {
  return fmt::format("{:.{}f} ms", ms, ms >= 100 ? 0 : ms >= 1 ? 1 : 2);
}

std::string share_text(double share) {
  return fmt::format("{:.{}f} %", share * 100, share >= 0.1 ? 0 : 1);
}

std::string foreign_text(const LevelServer& server) {
  const ForeignTraffic* worst = nullptr;
  for (const RunStats& run : server.level().runs) {
    if (!run.telemetry || !run.telemetry->foreign || !run.telemetry->foreign->found) continue;
    const ForeignTraffic& foreign = *run.telemetry->foreign;
    const double share = foreign.tokens_share.value_or(0);
    if (worst == nullptr || share > worst->tokens_share.value_or(0)) worst = &foreign;
  }
  if (worst == nullptr) return {};
  if (worst->tokens_share.value_or(0) > kForeignShare) {
    return fmt::format(
        "somebody else was served: the server generated {} more tokens than came here",
        share_text(*worst->tokens_share));
  }
  const double others = worst->our_requests > 0 ? worst->requests_of_others.value_or(0) /
                                                      static_cast<double>(worst->our_requests)
                                                : 0;
  return fmt::format("somebody else was served: the server ended {} more requests than we sent",
                     share_text(std::max(worst->requests_share.value_or(0), others)));
}

// Over the runs, each with the weight of its pages.
std::string scraping_text(const LevelServer& server) {
  double pages = 0;
  double busy = 0;
  double excess_ms = 0;
  double variance = 0;
  double degrees = 0;
  for (const RunStats& run : server.level().runs) {
    if (!run.telemetry || !run.telemetry->influence) continue;
    const ScrapeInfluence& one = *run.telemetry->influence;
    if (!one.standard_error_ms) continue;
    const auto count = static_cast<double>(one.pages);
    pages += count;
    busy += count * one.busy_fraction;
    excess_ms += count * one.excess_ms();
    variance += std::pow(count * *one.standard_error_ms, 2);
    degrees += count - 1;
  }
  if (pages == 0) return {};
  const double later_ms = excess_ms / pages;
  const double sure_ms =
      later_ms - student_quantile(kScrapeSure, degrees) * std::sqrt(variance) / pages;
  const std::string share = share_text(busy / pages);
  if (sure_ms > 0) {
    return fmt::format(
        "while its page of metrics was read, {} of the time, gaps between chunks were longer by {}",
        share, ms_text(later_ms));
  }
  if (busy / pages < kScrapedShare) return {};
  return fmt::format("its page of metrics was being read for {} of the time", share);
}

// Per 100 finished requests.
std::optional<double> preempted(const LevelServer& server) {
  const std::optional<double> share = server.ratio(Told::kPreemptions, Told::kFinished);
  return share ? std::optional(*share * 100) : std::nullopt;
}

std::string kv_text(const LevelServer& server) {
  const std::optional<double> per_hundred = preempted(server);
  const std::optional<double> full = server.most(Told::kKvUsed);
  const std::string cache =
      full ? fmt::format("the KV cache was up to {} full", share_text(*full)) : std::string();
  if (per_hundred.value_or(0) > 0) {
    const std::string lost =
        fmt::format("{:.1f} of 100 requests were preempted and computed again", *per_hundred);
    return cache.empty() ? lost : cache + ", and " + lost;
  }
  const bool waits = server.mean(Told::kWaiting).value_or(0) >= 1;
  if (full.value_or(0) < kFullCache || !waits) return {};
  return fmt::format("{}, and {:.0f} requests waited on average", cache,
                     *server.mean(Told::kWaiting));
}

std::string cap_text(const LevelServer& server, std::span<const LevelStats> levels) {
  const std::optional<double> batch = server.most(Told::kRunning);
  const int concurrency = server.concurrency();
  if (!batch || *batch < 1 || *batch > (1 - kFlatBatch) * concurrency) return {};
  for (const LevelStats& other : levels) {
    if (other.point == server.level().point) continue;
    const std::optional<double> there = LevelServer(other).most(Told::kRunning);
    const bool below = there && *there <= (1 - kFlatBatch) * other.point.concurrency();
    const bool reached = other.point.concurrency() <= *batch * (1 + kFlatBatch);
    const bool flat = there && std::abs(*there / *batch - 1) <= kFlatBatch;
    if (flat && (below || reached)) {
      return fmt::format("the server ran at most {:.0f} of {} requests at once: above, they queue",
                         *batch, concurrency);
    }
  }
  return {};
}

std::string queue_text(const LevelServer& server) {
  const std::optional<double> queue = server.ratio(Told::kQueueSeconds, Told::kQueueCount);
  const std::optional<double> ttft = server.level().pooled.ttft.mean;
  if (queue && ttft && *ttft > 0 && *queue * 1000 >= std::max(kQueueMs, kQueueShare * *ttft)) {
    return fmt::format("of {} mean TTFT {} were spent in the server's queue", ms_text(*ttft),
                       ms_text(*queue * 1000));
  }
  const std::optional<double> waiting = server.mean(Told::kWaiting);
  if (!waiting || *waiting < std::max(1.0, kWaitingShare * server.concurrency())) return {};
  if (server.concurrency() == 0) {  // a rate: as many are in flight as it takes
    return fmt::format("{:.0f} requests waited on average", *waiting);
  }
  return fmt::format("{:.0f} of {} requests waited on average", *waiting, server.concurrency());
}

std::string throttle_text(const LevelServer& server, int gpus) {
  const double window = server.window_s() * std::max(gpus, 1);
  struct Cause {
    Told counter, gauge;
    const char* why;
  };
  for (const auto& [counter, gauge, why] :
       {Cause{Told::kGpuPowerCap, Told::kGpuHeldForPower, "their power limit"},
        Cause{Told::kGpuThermalCap, Told::kGpuHeldForHeat, "heat"}}) {
    double held = 0;
    if (const auto seconds = server.counted(counter)) {
      held = window > 0 ? std::min(1.0, *seconds / window) : 0;
    } else {
      held = server.mean(gauge).value_or(0);
    }
    if (held < kThrottledShare) continue;
    return fmt::format("the GPUs' clocks were held down by {} for {} of the time", why,
                       share_text(held));
  }
  std::optional<double> first;
  for (const RunStats& run : server.level().runs) {
    const FigureReading* clock = run.telemetry ? run.telemetry->find(Told::kGpuClock) : nullptr;
    if (clock == nullptr || !clock->mean || *clock->mean <= 0) continue;
    if (!first) first = clock->mean;
    if (*clock->mean < (1 - kClockDrop) * *first) {
      return fmt::format("the GPUs' clock was {:.0f} MHz in repeat {}, {:.0f} MHz in the first",
                         *clock->mean, run.repeat + 1, *first);
    }
  }
  return {};
}

std::string idle_text(const LevelServer& server) {
  const std::optional<double> busy = server.mean(Told::kGpuBusy);
  const double waiting = server.mean(Told::kWaiting).value_or(0);
  if (!busy || *busy >= kIdleGpu || waiting < 1) return {};
  return fmt::format(
      "the GPUs were busy for {} of the time while {:.0f} requests waited: the server's CPU side "
      "limits",
      share_text(*busy), waiting);
}

std::string outside_text(const LevelServer& server) {
  const std::optional<double> inside = server.ratio(Told::kTtftSeconds, Told::kTtftCount);
  const std::optional<double> ours = server.level().pooled.ttft.mean;
  if (!inside || !ours) return {};
  const double outside = *ours - *inside * 1000;
  if (outside < kOutsideMs || outside < kOutsideShare * *ours) return {};
  return fmt::format(
      "of {} mean TTFT {} passed outside the engine: network, proxy or the server's front end",
      ms_text(*ours), ms_text(outside));
}

std::optional<double> hit_share(const LevelServer& server) {
  std::optional<double> share = server.ratio(Told::kPrefixHits, Told::kPrefixQueries);
  return share ? share : server.ratio(Told::kPrefixHits, Told::kPromptTokens);
}

std::string hits_text(const LevelServer& server) {
  const std::optional<double> share = hit_share(server);
  if (!share || *share <= kHitShare) return {};
  return fmt::format("{} of the prompt tokens came from the prefix cache",
                     share_text(std::min(1.0, *share)));
}

std::optional<double> acceptance(const LevelServer& server) {
  return server.ratio(Told::kAcceptedTokens, Told::kDraftTokens);
}

std::string speculation_text(const LevelServer& server, std::span<const LevelStats> levels) {
  const std::optional<double> here = acceptance(server);
  if (!here) return {};
  const bool differs =
      levels.size() < 2 || std::any_of(levels.begin(), levels.end(), [&](const LevelStats& other) {
        const std::optional<double> there = acceptance(LevelServer(other));
        return there && std::abs(*there - *here) >= kAcceptancePoints;
      });
  if (!differs) return {};
  std::string text = fmt::format("{} of the drafted tokens were accepted", share_text(*here));
  const std::optional<double> accepted = server.ratio(Told::kAcceptedTokens, Told::kDrafts);
  if (accepted) text += fmt::format(": {:.2f} tokens a step", 1 + *accepted);
  return text;
}

int gpus_of(const LevelStats& level) {
  const RunStats& pooled = level.pooled;
  if (!pooled.throughput_per_gpu_tps || *pooled.throughput_per_gpu_tps <= 0) return 0;
  const double gpus = headline_throughput_tps(pooled) / *pooled.throughput_per_gpu_tps;
  return static_cast<int>(std::llround(gpus));
}

}  // namespace

std::vector<ServerFinding> server_findings(const LevelStats& level,
                                           std::span<const LevelStats> levels) {
  const LevelServer server(level);
  if (!server.known()) return {};
  std::vector<ServerFinding> found;
  const auto add = [&found](Explains kind, std::string text) {
    if (!text.empty() && found.size() < kMostServerFindings) {
      found.push_back({kind, std::move(text)});
    }
  };
  add(Explains::kForeignTraffic, foreign_text(server));
  add(Explains::kScraping, scraping_text(server));
  add(Explains::kKvFull, kv_text(server));
  add(Explains::kAdmissionCap, cap_text(server, levels));
  add(Explains::kQueueing, queue_text(server));
  add(Explains::kThrottling, throttle_text(server, gpus_of(level)));
  add(Explains::kGpuIdle, idle_text(server));
  add(Explains::kOutside, outside_text(server));
  add(Explains::kPrefixHits, hits_text(server));
  add(Explains::kSpeculation, speculation_text(server, levels));
  return found;
}

std::vector<std::string> server_differences(const LevelStats& baseline,
                                            const LevelStats& candidate) {
  const LevelServer before(baseline);
  const LevelServer after(candidate);
  std::vector<std::string> differences;
  const auto add = [&](std::string text) {
    if (differences.size() < kMostServerFindings) differences.push_back(std::move(text));
  };
  const auto per_hundred = [](double value) {
    return value > 0 ? fmt::format("{:.1f} of 100 requests", value) : std::string("none");
  };
  const std::optional<double> lost_before = preempted(before);
  const std::optional<double> lost_after = preempted(after);
  if (lost_before && lost_after && std::abs(*lost_after - *lost_before) >= 1) {
    add(fmt::format("preempts {}, the baseline {}", per_hundred(*lost_after),
                    per_hundred(*lost_before)));
  }
  const std::optional<double> queue_before = before.ratio(Told::kQueueSeconds, Told::kQueueCount);
  const std::optional<double> queue_after = after.ratio(Told::kQueueSeconds, Told::kQueueCount);
  const double ttft =
      std::max(baseline.pooled.ttft.mean.value_or(0), candidate.pooled.ttft.mean.value_or(0));
  if (queue_before && queue_after &&
      std::abs(*queue_after - *queue_before) * 1000 >= std::max(kQueueMs, kQueueShare * ttft)) {
    add(fmt::format("a request waits {} in the server's queue, in the baseline {}",
                    ms_text(*queue_after * 1000), ms_text(*queue_before * 1000)));
  }
  const auto shares = [&](const std::optional<double>& was, const std::optional<double>& is,
                          double points, const char* text) {
    if (!was || !is || std::abs(*is - *was) < points) return;
    add(fmt::format(fmt::runtime(text), share_text(*is), share_text(*was)));
  };
  shares(hit_share(before), hit_share(after), kHitShare,
         "{} of the prompt tokens come from the prefix cache, in the baseline {}");
  shares(acceptance(before), acceptance(after), kAcceptancePoints,
         "{} of the drafted tokens are accepted, in the baseline {}");
  const std::optional<double> clock_before = before.mean(Told::kGpuClock);
  const std::optional<double> clock_after = after.mean(Told::kGpuClock);
  if (clock_before && clock_after && *clock_before > 0 &&
      std::abs(*clock_after / *clock_before - 1) >= kClockDrop) {
    add(fmt::format("the GPUs' clock is {:.0f} MHz, in the baseline {:.0f} MHz", *clock_after,
                    *clock_before));
  }
  return differences;
}

std::optional<AnswerTimes> answer_times(std::span<const RequestRecord> records) {
  std::vector<double> prefill, decode, outside, decode_off;
  for (const RequestRecord& record : records) {
    const bool counts = record.phase == Phase::kMeasured && record.outcome == Outcome::kOk;
    if (!counts || !record.sent || !record.first_token || !record.last_token) continue;
    if (record.server_prefill_us) {
      const double ms = static_cast<double>(*record.server_prefill_us) / 1e3;
      prefill.push_back(ms);
      outside.push_back(to_ms(*record.first_token - *record.sent) - ms);
    }
    if (record.server_decode_us) {
      const double ms = static_cast<double>(*record.server_decode_us) / 1e3;
      decode.push_back(ms);
      decode_off.push_back(to_ms(*record.last_token - *record.first_token) - ms);
    }
  }
  if (prefill.empty() && decode.empty()) return std::nullopt;
  const auto median = [](std::vector<double> values) {
    return values.empty() ? std::optional<double>() : percentile_of(std::move(values), 0.5);
  };
  return AnswerTimes{.requests = static_cast<int64_t>(std::max(prefill.size(), decode.size())),
                     .prefill_p50_ms = median(prefill),
                     .decode_p50_ms = median(decode),
                     .before_prefill_p50_ms = median(outside),
                     .decode_differs_p50_ms = median(decode_off)};
}

}  // namespace llmsweep
