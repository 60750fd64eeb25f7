// Figures as self-contained SVG text: no scripts, no fonts, no network. The same input gives the
// same bytes. Readable in light and dark (prefers-color-scheme), in grey (each curve has its own
// marker and dashes) and by colour-blind readers (Okabe-Ito colours).
//
// One curve a result, in the order given. Invalid points are hollow and struck; marks (SIMULATED,
// published, preliminary, …) stand in the subtitle and beside the curve's name. Text from outside
// is escaped and cut.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "llmsweep/model/result.h"

namespace llmsweep {

enum class FigureKind {
  kThroughputLatency,      // steady output tokens/s against median E2E; the article's figure
  kGpuThroughputSpeed,     // tokens/s per GPU against output speed per user, Pareto front marked
  kLatencyConcurrency,     // median E2E against concurrency
  kTtftConcurrency,        // median TTFT against concurrency
  kThroughputConcurrency,  // steady output tokens/s against concurrency
  kPercentiles,            // E2E p50 and p90/p95/p99 against concurrency
  kUsersPerGpu,            // bars at every target that the results share
};

// throughput-latency, gpu-throughput-speed, latency-concurrency, ttft-concurrency,
// throughput-concurrency, percentiles, users-per-gpu
std::string_view figure_kind_name(FigureKind kind);
std::optional<FigureKind> figure_kind_from_name(std::string_view name);
std::vector<std::string> figure_kind_names();

enum class AxisScale { kLinear, kLog };

struct FigureOptions {
  FigureKind kind = FigureKind::kThroughputLatency;
  std::optional<AxisScale> x_scale;  // absent: what suits the kind and the range
  std::optional<AxisScale> y_scale;
  std::string title;  // empty: the kind's
  int width = 960;    // user units; the drawing scales with its page
  int height = 600;
};

// No results, or none with a point to draw: a figure that says so.
std::string figure_svg(std::span<const SweepResult> results, const FigureOptions& options = {});

}  // namespace llmsweep
