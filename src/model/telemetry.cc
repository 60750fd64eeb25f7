#include "llmsweep/model/telemetry.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace llmsweep {
namespace {

using Figure = ServerFigure;
using Over = OverSeries;
constexpr bool kCounter = true;
constexpr bool kGauge = false;

// In declaration order.
constexpr std::array kTraits = {
    FigureTraits{Figure::kRunning, "running", kGauge, Over::kSum},
    FigureTraits{Figure::kWaiting, "waiting", kGauge, Over::kSum},
    FigureTraits{Figure::kKvUsed, "kv_used", kGauge, Over::kMax},
    FigureTraits{Figure::kKvCapacity, "kv_capacity_tokens", kGauge, Over::kSum},
    FigureTraits{Figure::kPromptTokens, "prompt_tokens", kCounter, Over::kSum},
    FigureTraits{Figure::kOutputTokens, "output_tokens", kCounter, Over::kSum},
    FigureTraits{Figure::kFinished, "finished", kCounter, Over::kSum},
    FigureTraits{Figure::kAborted, "aborted", kCounter, Over::kSum},
    FigureTraits{Figure::kPreemptions, "preemptions", kCounter, Over::kSum},
    FigureTraits{Figure::kPrefixQueries, "prefix_queries", kCounter, Over::kSum},
    FigureTraits{Figure::kPrefixHits, "prefix_hits", kCounter, Over::kSum},
    FigureTraits{Figure::kDrafts, "drafts", kCounter, Over::kSum},
    FigureTraits{Figure::kDraftTokens, "draft_tokens", kCounter, Over::kSum},
    FigureTraits{Figure::kAcceptedTokens, "accepted_tokens", kCounter, Over::kSum},
    FigureTraits{Figure::kQueueSeconds, "queue_seconds", kCounter, Over::kSum},
    FigureTraits{Figure::kQueueCount, "queue_count", kCounter, Over::kSum},
    FigureTraits{Figure::kTtftSeconds, "ttft_seconds", kCounter, Over::kSum},
    FigureTraits{Figure::kTtftCount, "ttft_count", kCounter, Over::kSum},
    FigureTraits{Figure::kPrefillSeconds, "prefill_seconds", kCounter, Over::kSum},
    FigureTraits{Figure::kDecodeSeconds, "decode_seconds", kCounter, Over::kSum},
    FigureTraits{Figure::kGpuEnergy, "gpu_energy_j", kCounter, Over::kSum},
    FigureTraits{Figure::kGpuPower, "gpu_power_w", kGauge, Over::kSum},
    FigureTraits{Figure::kGpuClock, "gpu_clock_mhz", kGauge, Over::kMean},
    FigureTraits{Figure::kGpuBusy, "gpu_busy", kGauge, Over::kMean},
    FigureTraits{Figure::kGpuTensor, "gpu_tensor_active", kGauge, Over::kMean},
    FigureTraits{Figure::kGpuMemory, "gpu_memory_mib", kGauge, Over::kSum},
    FigureTraits{Figure::kGpuPowerCap, "gpu_power_cap_seconds", kCounter, Over::kSum},
    FigureTraits{Figure::kGpuThermalCap, "gpu_thermal_cap_seconds", kCounter, Over::kSum},
    FigureTraits{Figure::kGpuHeldForPower, "gpu_held_for_power", kGauge, Over::kMean},
    FigureTraits{Figure::kGpuHeldForHeat, "gpu_held_for_heat", kGauge, Over::kMean},
};

}  // namespace

std::span<const FigureTraits> figure_traits() {
  return kTraits;
}

const FigureTraits& traits_of(ServerFigure figure) {
  return kTraits[static_cast<size_t>(figure)];
}

double ClientCounts::tokens() const {
  const auto open = static_cast<double>(std::max<int64_t>(0, chunks - ended_chunks));
  const double per_chunk =
      ended_chunks > 0 ? static_cast<double>(ended_tokens) / static_cast<double>(ended_chunks) : 1;
  return static_cast<double>(ended_tokens) + open * per_chunk;
}

const FigureReading* RunTelemetry::find(ServerFigure figure) const {
  const auto found =
      std::find_if(figures.begin(), figures.end(),
                   [figure](const FigureReading& reading) { return reading.figure == figure; });
  return found != figures.end() ? &*found : nullptr;
}

}  // namespace llmsweep
