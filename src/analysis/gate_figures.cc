#include "analysis/gate_figures.h"

#include <array>

#include "llmsweep/model/names.h"
#include "llmsweep/stats/users_at_target.h"

namespace llmsweep {
namespace {

struct Named {
  GateFigure figure;
  const char* name;
  FigureUnit unit;
};

constexpr std::array<Named, 14> kFigures = {{
    {GateFigure::kLatency, "latency", FigureUnit::kMilliseconds},
    {GateFigure::kThroughput, "throughput", FigureUnit::kTokensPerSecond},
    {GateFigure::kOutputThroughput, "output_throughput", FigureUnit::kTokensPerSecond},
    {GateFigure::kSteadyThroughput, "steady_throughput", FigureUnit::kTokensPerSecond},
    {GateFigure::kThroughputPerGpu, "throughput_per_gpu", FigureUnit::kTokensPerSecond},
    {GateFigure::kRequestThroughput, "request_throughput", FigureUnit::kRequestsPerSecond},
    {GateFigure::kOutputSpeed, "output_speed", FigureUnit::kTokensPerSecond},
    {GateFigure::kDecodeSpeed, "decode_speed", FigureUnit::kTokensPerSecond},
    {GateFigure::kErrorRate, "error_rate", FigureUnit::kShare},
    {GateFigure::kGoodput, "goodput", FigureUnit::kShare},
    {GateFigure::kGoodputRate, "goodput_rps", FigureUnit::kRequestsPerSecond},
    {GateFigure::kUsers, "users", FigureUnit::kUsers},
    {GateFigure::kUsersPerGpu, "users_per_gpu", FigureUnit::kUsers},
    {GateFigure::kQuality, "quality", FigureUnit::kScore},
}};

const Named& named(GateFigure figure) {
  return kFigures[static_cast<size_t>(figure)];
}

std::optional<double> if_positive(double value) {
  if (!(value > 0)) return std::nullopt;
  return value;
}

std::optional<double> error_rate(const RunStats& run) {
  const int64_t all = run.requests.completed + run.requests.failed;
  if (all < 1) return std::nullopt;
  return static_cast<double>(run.requests.failed) / static_cast<double>(all);
}

}  // namespace

std::string_view name_of(GateFigure figure) {
  return named(figure).name;
}

std::optional<GateFigure> figure_from_name(std::string_view name) {
  for (const Named& candidate : kFigures) {
    const bool written =
        candidate.figure != GateFigure::kLatency && candidate.figure != GateFigure::kQuality;
    if (written && candidate.name == name) return candidate.figure;
  }
  if (name == "steady_output_throughput") return GateFigure::kSteadyThroughput;
  return std::nullopt;
}

std::vector<std::string> quantity_names() {
  std::vector<std::string> names = all_names<Metric>();
  for (const Named& figure : kFigures) {
    if (figure.figure != GateFigure::kLatency) names.emplace_back(figure.name);
  }
  return names;
}

FigureUnit kind_of(GateFigure figure) {
  return named(figure).unit;
}

std::string_view unit_name(FigureUnit unit) {
  switch (unit) {
    case FigureUnit::kMilliseconds:
      return "ms";
    case FigureUnit::kTokensPerSecond:
      return "tokens/s";
    case FigureUnit::kRequestsPerSecond:
      return "requests/s";
    case FigureUnit::kShare:
      return "share";
    case FigureUnit::kUsers:
      return "users";
    case FigureUnit::kScore:
      return "score";
  }
  return "";
}

bool lower_is_better(GateFigure figure) {
  return figure == GateFigure::kLatency || figure == GateFigure::kErrorRate;
}

FigureOf accessor_of(const GateRule& rule, bool steady) {
  switch (rule.figure) {
    case GateFigure::kLatency:
      return [target = Target{.metric = rule.metric, .statistic = rule.statistic}](
                 const RunStats& run) { return value_at(run, target); };
    case GateFigure::kThroughput:
      return steady ? steady_throughput : output_throughput;
    case GateFigure::kOutputThroughput:
      return output_throughput;
    case GateFigure::kSteadyThroughput:
      return steady_throughput;
    case GateFigure::kThroughputPerGpu:
      return [](const RunStats& run) { return if_positive(run.throughput_per_gpu_tps); };
    case GateFigure::kRequestThroughput:
      return [](const RunStats& run) { return if_positive(run.request_throughput_rps); };
    case GateFigure::kOutputSpeed:
      return [](const RunStats& run) { return if_positive(run.output_speed_tps); };
    case GateFigure::kDecodeSpeed:
      return [](const RunStats& run) { return if_positive(run.decode_speed_tps); };
    case GateFigure::kErrorRate:
      return error_rate;
    case GateFigure::kGoodput:
      return [](const RunStats& run) { return run.goodput_fraction; };
    case GateFigure::kGoodputRate:
      return [](const RunStats& run) { return run.goodput_rps; };
    case GateFigure::kUsers:
    case GateFigure::kUsersPerGpu:
    case GateFigure::kQuality:
      break;
  }
  return [](const RunStats&) -> std::optional<double> { return std::nullopt; };
}

}  // namespace llmsweep
