// Fits an engine's step costs to measured or published points, by simulating each point.
//
// Least squares of ln(fitted ÷ measured) over every figure given, by the Levenberg-Marquardt method
// on the logarithms of the costs (so that none turns negative); a second pass weighs each figure by
// the error that the simulation itself has in it. Pure and deterministic.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "llmsweep/base/clock.h"
#include "llmsweep/simulator/profile.h"

namespace llmsweep {

// One level of a closed loop. Absent: not known.
struct FitPoint {
  int concurrency = 1;
  int64_t input_tokens = 0;  // as the server counts them
  int64_t output_tokens = 0;
  Duration spread_starts{};       // over which the first requests were spread; 0: sent together
  std::optional<double> e2e_ms;   // median
  std::optional<double> ttft_ms;  // median
  std::optional<double> tpot_ms;  // median
  std::optional<double> icl_ms;   // mean gap between chunks: a step, however many tokens it gave
  std::optional<double> throughput_tps;  // steady
  std::string source;                    // "published", "assumed", …: for people
};

enum class FitParameter { kBase, kPerPrefillToken, kPerSequence, kPerKvToken, kRequestOverhead };
inline constexpr std::array kFitParameters = {FitParameter::kBase, FitParameter::kPerPrefillToken,
                                              FitParameter::kPerSequence, FitParameter::kPerKvToken,
                                              FitParameter::kRequestOverhead};
const char* name_of(FitParameter parameter);  // the profile's key

// The costs that the points can tell apart: base always; per_sequence where concurrency varies;
// per_prefill_token where a TTFT is given; per_kv_token where concurrency varies and lengths do by
// half, and with a TTFT request_overhead, which points of one length hardly tell from prefill.
std::vector<FitParameter> identifiable(const std::vector<FitPoint>& points);

struct FitOptions {
  // Costs that are not fitted keep their value in `start`; all else of it is kept.
  SimulatorProfile start;
  // Empty: identifiable(points), and where that leaves a mean error above 5 % and TTFTs are given
  // at several concurrencies request_overhead too, if the error is less than half with it.
  std::vector<FitParameter> parameters;
  int requests_per_slot = 16;  // of each simulated point
};

struct FittedFigure {
  size_t point = 0;    // into the points
  std::string metric;  // "e2e_ms", …
  double measured = 0;
  double fitted = 0;
  double error() const { return fitted / measured - 1; }
};

struct Fit {
  SimulatorProfile profile;
  std::vector<FitParameter> parameters;
  std::vector<FittedFigure> figures;
  double mape = 0;  // mean of |error()|
};

// Throws Error where there is no figure, or fewer figures than parameters.
Fit fit_profile(const std::vector<FitPoint>& points, const FitOptions& options);

// The chances of 1, 2, … `drafts` + 1 tokens a step with `mean` tokens on average, where each draft
// token is accepted with one chance, given that those before it were. Throws Error unless
// 1 ≤ mean ≤ drafts + 1.
std::vector<double> tokens_per_step(double mean, int drafts);

// A file of points: `profile:` (a profile, its costs the start of the fit) and `points:`.
struct FitInput {
  SimulatorProfile start;
  std::vector<FitPoint> points;
};
FitInput read_fit_input(const std::filesystem::path& path);  // throws Error

}  // namespace llmsweep
