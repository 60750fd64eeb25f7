// What a server, and the GPUs under it, said of themselves while a run went on: the pages that were
// read, and what follows from them. Plain data; telemetry/ reads pages and draws the figures.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "llmsweep/base/clock.h"
#include "llmsweep/model/load_point.h"
#include "llmsweep/model/spec.h"

namespace llmsweep {

// A figure under the one name that llmsweep has for it, whatever an engine calls it.
enum class ServerFigure {
  kRunning,          // requests in the batch
  kWaiting,          // requests in the queue
  kKvUsed,           // share of the KV cache, 0 to 1
  kKvCapacity,       // tokens
  kPromptTokens,     // cached ones included, where the engine includes them
  kOutputTokens,     //
  kFinished,         // requests that ended well
  kAborted,          // requests that did not
  kPreemptions,      //
  kPrefixQueries,    // prompt tokens looked up in the prefix cache
  kPrefixHits,       // prompt tokens found there
  kDrafts,           // steps of speculation
  kDraftTokens,      //
  kAcceptedTokens,   //
  kQueueSeconds,     // sum over requests
  kQueueCount,       // those requests
  kTtftSeconds,      // sum over requests
  kTtftCount,        // those requests
  kPrefillSeconds,   // sum over requests
  kDecodeSeconds,    // sum over requests
  kGpuEnergy,        // J
  kGpuPower,         // W
  kGpuClock,         // MHz
  kGpuBusy,          // share of the time, 0 to 1
  kGpuTensor,        // share of the time that the tensor cores were active, 0 to 1
  kGpuMemory,        // MiB
  kGpuPowerCap,      // s that the clocks were held down for power
  kGpuThermalCap,    // s that they were for heat
  kGpuHeldForPower,  // 1 while the clocks are held down for power, else 0: of the GPUs, a share
  kGpuHeldForHeat,   // the same for heat
};

// A counter only rises; its figure is a difference. A gauge is a level. `over`: of the series of
// one figure (engines, GPUs) on one page.
enum class OverSeries { kSum, kMax, kMean };
struct FigureTraits {
  ServerFigure figure;
  std::string_view name;  // "output_tokens"
  bool counter;
  OverSeries over;
};
std::span<const FigureTraits> figure_traits();  // in declaration order
const FigureTraits& traits_of(ServerFigure figure);

// Where in its run a page was read. kStart: the first measured request had been sent; kEnd: the
// last one had ended, and fillers still kept the server busy.
enum class PageMoment { kBefore, kStart, kBetween, kEnd, kAfter };

// What the client had by an instant, of requests of any phase.
struct ClientCounts {
  int64_t chunks = 0;        // token-bearing ones received
  int64_t ended_chunks = 0;  // of requests that have ended
  int64_t ended_tokens = 0;  // of these requests
  int64_t ended = 0;         // requests that have ended, however
  int64_t in_flight = 0;     // requests
  int64_t page_gaps = 0;     // gaps between chunks in which a page of the server's was being read
  int64_t page_gap_ns = 0;   // their sum

  // Received tokens: those of ended requests, and a chunk of the others as many as those had.
  double tokens() const;
  bool operator==(const ClientCounts&) const = default;
};

// One line of telemetry.jsonl.
struct PageRead {
  RunId run;
  std::string url;
  MetricsRole role = MetricsRole::kServer;
  PageMoment moment = PageMoment::kBefore;
  Instant asked{};     // before the request was sent
  Instant answered{};  // when all of it had come
  int64_t bytes = 0;   // of the body
  bool filtered = false;
  // The page's counters of energy moved between `asked` and `answered`: two readings of it.
  bool fresh = false;
  std::string error;    // why there is no page; empty: it came
  ClientCounts before;  // at `asked`
  ClientCounts after;   // at `answered`
  std::string samples;  // of the figures above, as the page has them: lines of Prometheus's text

  bool operator==(const PageRead&) const = default;
};

struct FigureReading {
  ServerFigure figure = ServerFigure::kRunning;
  // Of a counter: from before the first request until after the drain, to the end of the window,
  // and over the window. Absent: `missing` says why.
  std::optional<double> run, served, window;
  std::string missing;  // edge_missing, counter_reset, series_changed, not_a_number; empty: nothing
  // Of a gauge, over the pages of the window.
  std::optional<double> mean, max;
  int64_t samples = 0;

  bool operator==(const FigureReading&) const = default;
};

struct SourceReading {
  std::string url;
  MetricsRole role = MetricsRole::kServer;
  std::string engine;      // "vllm", "dcgm"; empty: no name that is known
  int64_t pages = 0;       // that came
  int64_t failed = 0;      // that did not
  std::string error;       // of the last one that did not
  int64_t bytes = 0;       // of the largest page
  bool filtered = false;   // whether only the names that are needed were asked for in the window
  double page_p50_ms = 0;  // from the request to the last byte
  double page_max_ms = 0;
  double busy_fraction = 0;             // of the window, that a page was being read
  std::optional<double> largest_gap_s;  // between two pages of the window
  std::optional<double> refresh_s;      // at which a counter of energy was seen to move

  bool operator==(const SourceReading&) const = default;
};

// From this share of our own tokens or requests on, beyond what may be in flight, traffic that is
// not ours is reported: half of the 2 % that a reader has to know of.
inline constexpr double kForeignShare = 0.01;

// What the server counted against what we received, from before our first request to the end of the
// window: nothing of ours had been cancelled by then. Shares are of ours. After the drain requests
// alone can be compared, and exactly: each of ours has ended on both sides, however it did.
struct ForeignTraffic {
  double our_tokens = 0;
  std::optional<double> server_tokens;
  double tokens_uncertain = 0;  // what may be on its way between the two
  int64_t our_requests = 0;
  std::optional<double> server_requests;
  std::optional<double> tokens_share;    // (server − ours) ÷ ours
  std::optional<double> requests_share;  // likewise
  // Ended at the server by the page after the drain, beyond all that we sent: somebody else's, and
  // at least so many. Negative where a server does not count what is cancelled.
  std::optional<double> requests_of_others;
  bool found = false;

  bool operator==(const ForeignTraffic&) const = default;
};

// Where an energy comes from. They include different things and are never mixed.
enum class EnergyBasis {
  kGpuCounter,        // the GPUs' own counters: boards or modules, no host, fans or losses
  kGpuPowerIntegral,  // the same by readings of power
  kNode,              // the whole system, measured: a meter's readings, or system.power.node_kw
  kProvisioned,       // system.power.provisioned_kw_per_gpu: a provision, no measurement
};

// What a meter at the nodes, or at the wall, read.
struct PowerReading {
  Duration since_epoch{};  // of UTC
  double watts = 0;        // of the whole system

  bool operator==(const PowerReading&) const = default;
};

// Of a run's window, by one basis.
struct EnergyReading {
  EnergyBasis basis = EnergyBasis::kGpuCounter;
  int gpus = 0;  // whose readings there are
  std::optional<double> window_s;
  std::optional<double> joules;
  std::optional<double> error_j;  // at most, by what is not known of the edges' instants
  std::optional<double> mean_power_w;
  std::optional<double> tokens;  // output tokens that we received in it
  std::optional<double> j_per_output_token;
  // Why j_per_output_token is null: window_short, gpus_differ, error_too_large, refresh_unknown, …
  std::string missing;

  bool operator==(const EnergyReading&) const = default;
};

// Where the answers themselves say the server's own times (llama.cpp's `timings`): of the completed
// measured requests that have them, against ours.
struct AnswerTimes {
  int64_t requests = 0;
  std::optional<double> prefill_p50_ms;
  std::optional<double> decode_p50_ms;          // first token to last
  std::optional<double> before_prefill_p50_ms;  // of TTFT, what the prefill is not: queue, network
  std::optional<double> decode_differs_p50_ms;  // ours, first token to last, less the server's

  bool operator==(const AnswerTimes&) const = default;
};

// A gauge while a run went on, for looking at.
struct GaugePoint {
  int64_t at_ns = 0;  // CLOCK_MONOTONIC
  double value = 0;

  bool operator==(const GaugePoint&) const = default;
};
struct GaugeTrack {
  ServerFigure figure = ServerFigure::kRunning;
  std::vector<GaugePoint> points = {};  // ascending, two at least

  bool operator==(const GaugeTrack&) const = default;
};

// What reading the server's pages does to what is measured: the gaps between chunks that a page
// inside the window met, against those that a page at any other time would have met. Those at the
// window's edges come when requests begin and end, which has gaps of its own.
struct ScrapeInfluence {
  int64_t pages = 0;                        // one of all sources at a time is one
  double page_ms = 0;                       // mean
  double busy_fraction = 0;                 // of the window, in which one was being read
  int64_t gaps = 0;                         // that met a page
  double gap_ms = 0;                        // mean of the gaps that met none
  double expected_ms = 0;                   // mean of those that a page which changes nothing meets
  double met_ms = 0;                        // mean of those that met one
  std::optional<double> standard_error_ms;  // of met_ms, between pages; absent: of one page

  double excess_ms() const { return met_ms - expected_ms; }
  bool operator==(const ScrapeInfluence&) const = default;
};

struct RunTelemetry {
  std::vector<SourceReading> sources;
  std::optional<double> window_s;       // between the two edge pages
  std::optional<double> window_tokens;  // output tokens that we received in it
  std::vector<FigureReading> figures;   // of all sources together, in declaration order
  std::optional<ForeignTraffic> foreign;
  std::optional<ScrapeInfluence> influence;  // absent: no page between the window's edges
  // At the page before the run: requests that were not ours. Absent: the server does not say.
  std::optional<double> busy_before;
  std::optional<AnswerTimes> answers;  // absent: they say nothing
  std::vector<EnergyReading> energy;   // by each basis that there are readings of

  const FigureReading* find(ServerFigure figure) const;
  bool operator==(const RunTelemetry&) const = default;
};

}  // namespace llmsweep
