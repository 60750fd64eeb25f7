#include "llmsweep/simulator/fit.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "llmsweep/base/config.h"
#include "llmsweep/base/error.h"
#include "simulator/closed_loop.h"

namespace llmsweep {
namespace {

using Vector = std::vector<double>;
using Matrix = std::vector<Vector>;

constexpr int kMaxRounds = 60;
constexpr double kDifference = 1e-3;  // of a logarithm, for derivatives
constexpr double kLengthsVary = 1.5;
constexpr double kFloor = 0.003;     // no figure is known better than this
constexpr double kConverged = 1e-7;  // change of a logarithm
constexpr double kPoor = 0.05;       // mean error above which one more cost is tried
constexpr double kMuchLess = 2.0 / 3;

Cost& cost_of(EngineProfile& engine, FitParameter parameter) {
  StepCost& step = engine.step;
  switch (parameter) {
    case FitParameter::kBase:
      return step.base;
    case FitParameter::kPerPrefillToken:
      return step.per_prefill_token;
    case FitParameter::kPerSequence:
      return step.per_sequence;
    case FitParameter::kPerKvToken:
      return step.per_kv_token;
    case FitParameter::kRequestOverhead:
      return engine.request_overhead;
  }
  return step.base;
}

EngineProfile with_costs(EngineProfile engine, const std::vector<FitParameter>& parameters,
                         const Vector& logs) {
  for (size_t i = 0; i < parameters.size(); ++i) {
    cost_of(engine, parameters[i]) = Cost(std::exp(logs[i]));
  }
  return engine;
}

// To five digits: what a person can read, and more than a fit can know.
Cost rounded(Cost cost) {
  const double unit = std::pow(10, std::floor(std::log10(cost.count())) - 4);
  return Cost(std::round(cost.count() / unit) * unit);
}

// figures, and errors[i]: the relative standard error of figures[i] in the simulation.
struct Simulated {
  std::vector<FittedFigure> figures;
  Vector errors;
};

Simulated simulate(const std::vector<FitPoint>& points, const EngineProfile& engine,
                   int requests_per_slot) {
  Simulated simulated;
  for (size_t i = 0; i < points.size(); ++i) {
    const FitPoint& point = points[i];
    const sim::LoopResult result =
        sim::run_closed_loop(engine, {.concurrency = point.concurrency,
                                      .input_tokens = point.input_tokens,
                                      .output_tokens = point.output_tokens,
                                      .requests_per_slot = requests_per_slot,
                                      .spread_starts = point.spread_starts});
    const auto add = [&](const char* metric, std::optional<double> measured, double fitted,
                         double error) {
      if (!measured) return;
      simulated.figures.push_back({i, metric, *measured, fitted});
      simulated.errors.push_back(error);
    };
    add("e2e_ms", point.e2e_ms, result.e2e_p50_ms, result.e2e_error);
    add("ttft_ms", point.ttft_ms, result.ttft_p50_ms, result.ttft_error);
    add("tpot_ms", point.tpot_ms, result.tpot_p50_ms, result.tpot_error);
    add("icl_ms", point.icl_ms, result.icl_mean_ms, result.icl_error);
    add("throughput_tps", point.throughput_tps, result.throughput_tps, result.e2e_error);
  }
  return simulated;
}

double squared(const Vector& v) {
  return std::inner_product(v.begin(), v.end(), v.begin(), 0.0);
}

// Solves A x = b by Gaussian elimination with partial pivoting; A is small and damped, so regular.
Vector solve(Matrix a, Vector b) {
  const size_t n = b.size();
  for (size_t column = 0; column < n; ++column) {
    size_t pivot = column;
    for (size_t row = column + 1; row < n; ++row) {
      if (std::abs(a[row][column]) > std::abs(a[pivot][column])) pivot = row;
    }
    std::swap(a[column], a[pivot]);
    std::swap(b[column], b[pivot]);
    for (size_t row = column + 1; row < n; ++row) {
      const double factor = a[row][column] / a[column][column];
      for (size_t k = column; k < n; ++k) a[row][k] -= factor * a[column][k];
      b[row] -= factor * b[column];
    }
  }
  for (size_t row = n; row-- > 0;) {
    for (size_t k = row + 1; k < n; ++k) b[row] -= a[row][k] * b[k];
    b[row] /= a[row][row];
  }
  return b;
}

class Fitter {
 public:
  Fitter(const std::vector<FitPoint>& points, const FitOptions& options,
         std::vector<FitParameter> parameters)
      : points_(points), options_(options), parameters_(std::move(parameters)) {}

  // From here on figures count by how well the simulation at `logs` knows them.
  void weigh(const Vector& logs) {
    weights_.clear();
    for (double error : simulate_at(logs).errors) {
      weights_.push_back(kFloor / std::hypot(error, kFloor));
    }
  }

  Vector run(Vector logs) {
    double damping = 1e-3;
    Vector r = at(logs);
    for (int round = 0; round < kMaxRounds; ++round) {
      const Matrix slopes = slopes_at(logs, r);
      bool improved = false;
      double moved = 0;
      for (int attempt = 0; attempt < 12 && !improved; ++attempt) {
        const Vector step = solve(normal(slopes, damping), gradient(slopes, r));
        Vector next = logs;
        moved = 0;
        for (size_t i = 0; i < next.size(); ++i) {
          const double change = std::clamp(step[i], -1.5, 1.5);
          next[i] -= change;
          moved = std::max(moved, std::abs(change));
        }
        const Vector candidate = at(next);
        improved = squared(candidate) < squared(r);
        damping = improved ? std::max(damping / 5, 1e-12) : damping * 5;
        if (improved) {
          logs = next;
          r = candidate;
        }
      }
      if (!improved || moved < kConverged) break;
    }
    return logs;
  }

 private:
  Simulated simulate_at(const Vector& logs) const {
    const EngineProfile engine = with_costs(options_.start.engine, parameters_, logs);
    return simulate(points_, engine, options_.requests_per_slot);
  }
  // Weighted logarithms of fitted ÷ measured.
  Vector at(const Vector& logs) const {
    Vector r;
    for (const FittedFigure& figure : simulate_at(logs).figures) {
      const double weight = weights_.empty() ? 1 : weights_[r.size()];
      r.push_back(weight * std::log(figure.fitted / figure.measured));
    }
    return r;
  }
  // slopes[i][k]: of residual k by parameter i.
  Matrix slopes_at(const Vector& logs, const Vector& r) const {
    Matrix slopes;
    for (size_t i = 0; i < logs.size(); ++i) {
      Vector moved = logs;
      moved[i] += kDifference;
      Vector slope = at(moved);
      for (size_t k = 0; k < r.size(); ++k) slope[k] = (slope[k] - r[k]) / kDifference;
      slopes.push_back(slope);
    }
    return slopes;
  }
  static Matrix normal(const Matrix& slopes, double damping) {
    Matrix a(slopes.size(), Vector(slopes.size()));
    for (size_t i = 0; i < slopes.size(); ++i) {
      for (size_t j = 0; j < slopes.size(); ++j) {
        a[i][j] = std::inner_product(slopes[i].begin(), slopes[i].end(), slopes[j].begin(), 0.0);
      }
      a[i][i] += damping * (a[i][i] + 1e-9);
    }
    return a;
  }
  static Vector gradient(const Matrix& slopes, const Vector& r) {
    Vector g;
    for (const Vector& slope : slopes) {
      g.push_back(std::inner_product(slope.begin(), slope.end(), r.begin(), 0.0));
    }
    return g;
  }

  const std::vector<FitPoint>& points_;
  const FitOptions& options_;
  std::vector<FitParameter> parameters_;
  Vector weights_;
};

size_t count_figures(const std::vector<FitPoint>& points) {
  size_t count = 0;
  for (const FitPoint& point : points) {
    for (const auto& figure :
         {point.e2e_ms, point.ttft_ms, point.tpot_ms, point.icl_ms, point.throughput_tps}) {
      if (figure) ++count;
    }
  }
  return count;
}

// Where a start is 0, or far off, the search would crawl: a guess from the point of least load.
Vector guess(const std::vector<FitPoint>& points, const EngineProfile& engine,
             const std::vector<FitParameter>& parameters) {
  const FitPoint& point = *std::min_element(
      points.begin(), points.end(),
      [](const FitPoint& a, const FitPoint& b) { return a.concurrency < b.concurrency; });
  const auto output = static_cast<double>(point.output_tokens);
  const auto input = static_cast<double>(point.input_tokens);
  double per_token_ms = 1;
  if (point.tpot_ms) {
    per_token_ms = *point.tpot_ms;
  } else if (point.e2e_ms) {
    per_token_ms = *point.e2e_ms / output;
  } else if (point.throughput_tps) {
    per_token_ms = 1000.0 * point.concurrency / *point.throughput_tps;
  }
  double mean = 0;
  for (size_t i = 0; i < engine.tokens_per_step.size(); ++i) {
    mean += static_cast<double>(i + 1) * engine.tokens_per_step[i];
  }
  const double step_ns = point.icl_ms.value_or(per_token_ms * mean) * 1e6;
  const double ttft_ns = point.ttft_ms.value_or(per_token_ms * 20) * 1e6;
  Vector logs;
  for (FitParameter parameter : parameters) {
    double cost = step_ns * 0.8;
    if (parameter == FitParameter::kPerPrefillToken) cost = 0.8 * ttft_ns / std::max(1.0, input);
    if (parameter == FitParameter::kPerSequence) cost = step_ns * 0.1 / point.concurrency;
    if (parameter == FitParameter::kPerKvToken) {
      cost = step_ns * 0.02 / ((input + output) * point.concurrency);
    }
    if (parameter == FitParameter::kRequestOverhead) cost = 0.1 * ttft_ns;
    logs.push_back(std::log(cost));
  }
  return logs;
}

// For one set of parameters.
Fit fit_parameters(const std::vector<FitPoint>& points, const FitOptions& options,
                   std::vector<FitParameter> parameters) {
  Fit fit{.parameters = std::move(parameters)};
  if (count_figures(points) < fit.parameters.size()) {
    throw Error{{.what = fmt::format("{} figures cannot tell {} costs apart", count_figures(points),
                                     fit.parameters.size()),
                 .next = "give more points, or metrics, or fit fewer costs"}};
  }
  Fitter fitter(points, options, fit.parameters);
  Vector logs = fitter.run(guess(points, options.start.engine, fit.parameters));
  fitter.weigh(logs);
  logs = fitter.run(logs);
  fit.profile = options.start;
  fit.profile.engine = with_costs(options.start.engine, fit.parameters, logs);
  for (FitParameter parameter : fit.parameters) {
    Cost& cost = cost_of(fit.profile.engine, parameter);
    cost = rounded(cost);
  }
  fit.figures = simulate(points, fit.profile.engine, options.requests_per_slot).figures;
  for (const FittedFigure& figure : fit.figures) fit.mape += std::abs(figure.error());
  fit.mape /= static_cast<double>(fit.figures.size());
  return fit;
}

bool has_several_ttft(const std::vector<FitPoint>& points) {
  std::set<int> concurrencies;
  for (const FitPoint& point : points) {
    if (point.ttft_ms) concurrencies.insert(point.concurrency);
  }
  return concurrencies.size() > 1;
}

}  // namespace

const char* name_of(FitParameter parameter) {
  switch (parameter) {
    case FitParameter::kBase:
      return "base_ms";
    case FitParameter::kPerPrefillToken:
      return "per_prefill_token_us";
    case FitParameter::kPerSequence:
      return "per_sequence_us";
    case FitParameter::kPerKvToken:
      return "per_kv_token_ns";
    case FitParameter::kRequestOverhead:
      return "request_overhead_us";
  }
  return "";
}

std::vector<FitParameter> identifiable(const std::vector<FitPoint>& points) {
  std::set<int> concurrencies;
  double shortest = INFINITY;
  double longest = 0;
  bool ttft = false;
  for (const FitPoint& point : points) {
    concurrencies.insert(point.concurrency);
    const auto context = static_cast<double>(2 * point.input_tokens + point.output_tokens);
    shortest = std::min(shortest, context);
    longest = std::max(longest, context);
    ttft = ttft || point.ttft_ms.has_value();
  }
  std::vector<FitParameter> parameters = {FitParameter::kBase};
  if (ttft) parameters.push_back(FitParameter::kPerPrefillToken);
  if (concurrencies.size() > 1) parameters.push_back(FitParameter::kPerSequence);
  if (concurrencies.size() > 1 && longest >= kLengthsVary * shortest) {
    parameters.push_back(FitParameter::kPerKvToken);
    if (ttft) parameters.push_back(FitParameter::kRequestOverhead);
  }
  return parameters;
}

Fit fit_profile(const std::vector<FitPoint>& points, const FitOptions& options) {
  for (const FitPoint& point : points) {
    const EngineProfile& engine = options.start.engine;
    if (point.input_tokens + point.output_tokens > engine.max_model_len) {
      throw Error{{.what = "a point is longer than the profile's max_model_len"}};
    }
  }
  if (!options.parameters.empty()) return fit_parameters(points, options, options.parameters);
  std::vector<FitParameter> parameters = identifiable(points);
  Fit fit = fit_parameters(points, options, parameters);
  const bool has_overhead =
      std::count(parameters.begin(), parameters.end(), FitParameter::kRequestOverhead) > 0;
  if (fit.mape <= kPoor || has_overhead || !has_several_ttft(points)) return fit;
  parameters.push_back(FitParameter::kRequestOverhead);
  Fit more = fit_parameters(points, options, std::move(parameters));
  return more.mape < kMuchLess * fit.mape ? more : fit;
}

std::vector<double> tokens_per_step(double mean, int drafts) {
  if (!(mean >= 1) || mean > drafts + 1) {
    throw Error{
        {.what = fmt::format("{} draft tokens cannot give {} tokens a step", drafts, mean)}};
  }
  double low = 0;
  double high = 1;
  for (int i = 0; i < 200; ++i) {  // mean = Σ chance^k, k = 0 … drafts
    const double chance = (low + high) / 2;
    double sum = 0;
    for (int k = 0; k <= drafts; ++k) sum += std::pow(chance, k);
    (sum < mean ? low : high) = chance;
  }
  const double chance = (low + high) / 2;
  std::vector<double> chances;
  for (int k = 0; k < drafts; ++k) chances.push_back(std::pow(chance, k) * (1 - chance));
  chances.push_back(std::pow(chance, drafts));
  return chances;
}

FitInput read_fit_input(const std::filesystem::path& path) {
  const ConfigNode root = ConfigNode::parse_file(path);
  FitInput input{.start = parse_profile(root["profile"])};
  for (const ConfigNode& node : root["points"].items()) {
    FitPoint point;
    point.concurrency = static_cast<int>(node["concurrency"].as_int(1, 100'000));
    point.input_tokens = node["input_tokens"].as_int(1, input.start.engine.max_model_len);
    point.output_tokens = node["output_tokens"].as_int(1, input.start.engine.max_model_len);
    const auto figure = [&](const char* key) -> std::optional<double> {
      if (!node[key].present()) return std::nullopt;
      return node[key].as_number({1e-6, 1e12});
    };
    if (node["spread_starts"].present())
      point.spread_starts = node["spread_starts"].as_duration(Duration(0));
    point.e2e_ms = figure("e2e_ms");
    point.ttft_ms = figure("ttft_ms");
    point.tpot_ms = figure("tpot_ms");
    point.icl_ms = figure("icl_ms");
    point.throughput_tps = figure("throughput_tps");
    if (node["source"].present()) point.source = node["source"].as_string();
    node.reject_unknown_keys();
    input.points.push_back(point);
  }
  root.reject_unknown_keys();
  return input;
}

}  // namespace llmsweep
