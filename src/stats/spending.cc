#include "llmsweep/stats/spending.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "llmsweep/stats/intervals.h"

namespace llmsweep {
namespace {

constexpr size_t kNodes = 600;
constexpr size_t kSteps = 160;  // quantiles of the next run
constexpr double kMixture = 4;

struct Node {
  double r;
  double weight;
};

double t_of(double r, double n) {
  const double rest = std::max(n - r * r, 1e-300);
  return r * std::sqrt((n - 1) / rest);
}

double r_of(double t, double n) {
  return t * std::sqrt(n / (n - 1 + t * t));
}

// The mass above the i-th of kNodes + 1 edges, finest near 0: that is where the bounds are.
double mass_above(size_t i) {
  const double share = static_cast<double>(kNodes - i) / kNodes;
  return share * share * share;
}

// From the top: nodes of t with n − 1 degrees.
std::vector<Node> first_nodes(double n) {
  std::vector<Node> nodes;
  for (size_t i = kNodes; i-- > 0;) {
    const double above = mass_above(i + 1), below = mass_above(i);
    nodes.push_back({r_of(-student_quantile((above + below) / 2, n - 1), n), below - above});
  }
  return nodes;
}

// As many nodes as before, each the mean of its share of the mass.
std::vector<Node> merged(std::vector<Node> fine) {
  std::sort(fine.begin(), fine.end(), [](const Node& a, const Node& b) { return a.r > b.r; });
  double all = 0;
  for (const Node& node : fine) all += node.weight;
  std::vector<Node> nodes;
  size_t next = kNodes;  // the edge that ends the node
  double passed = 0, weight = 0, moment = 0;
  for (const Node& node : fine) {
    passed += node.weight;
    weight += node.weight;
    moment += node.weight * node.r;
    if (passed < all * mass_above(next - 1)) continue;
    nodes.push_back({moment / weight, weight});
    weight = moment = 0;
    while (next > 1 && passed >= all * mass_above(next - 1)) --next;
  }
  if (weight > 0) nodes.push_back({moment / weight, weight});
  return nodes;
}

std::vector<Node> with_another_run(const std::vector<Node>& nodes, double n) {
  std::vector<double> steps;
  for (size_t j = 0; j < kSteps; ++j) {
    const double p = (static_cast<double>(j) + 0.5) / kSteps;
    steps.push_back(student_quantile(p, n) / std::sqrt(n));
  }
  std::vector<Node> fine;
  fine.reserve(nodes.size() * kSteps);
  for (const Node& node : nodes) {
    for (const double u : steps) {
      fine.push_back({(node.r + u) / std::sqrt(1 + u * u), node.weight / kSteps});
    }
  }
  return merged(std::move(fine));
}

// Takes `mass` off the top, and says where it ends.
double take(std::vector<Node>& nodes, double mass) {
  double taken = 0;
  for (size_t i = 0; i < nodes.size(); ++i) {
    const double missing = mass - taken;
    if (nodes[i].weight < missing) {
      taken += nodes[i].weight;
      continue;
    }
    // Between the middles of this node and of its neighbours.
    const double share = missing / nodes[i].weight;
    const double above = i > 0 ? (nodes[i - 1].r + nodes[i].r) / 2 : nodes[i].r;
    const double below = i + 1 < nodes.size() ? (nodes[i].r + nodes[i + 1].r) / 2 : nodes[i].r;
    nodes[i].weight -= missing;
    nodes.erase(nodes.begin(), nodes.begin() + static_cast<std::ptrdiff_t>(i));
    return above + share * (below - above);
  }
  return nodes.empty() ? 0 : nodes.back().r;
}

double log_e(double t, double n) {
  const double mixed = 1 + n * kMixture;
  return -0.5 * std::log(mixed) +
         n / 2 * (std::log1p(t * t / (n - 1)) - std::log1p(t * t / ((n - 1) * mixed)));
}

}  // namespace

std::vector<double> spending_levels(const LooksPlan& plan, double alpha) {
  if (plan.first >= plan.last) return {alpha};
  std::vector<double> levels;
  std::vector<Node> nodes = first_nodes(plan.first);
  double spent = 0;
  for (int runs = plan.first; runs <= plan.last; ++runs) {
    const double share = static_cast<double>(runs) / plan.last;
    const double to_spend = alpha * share * share - spent;
    spent += to_spend;
    const double t = t_of(take(nodes, to_spend), runs);
    levels.push_back(student_cdf(-t, runs - 1));
    if (runs < plan.last) nodes = with_another_run(nodes, runs);
  }
  return levels;
}

double endless_level(int runs, double alpha) {
  const double wanted = std::log(1 / (2 * alpha));
  double low = 0, high = 1e9;
  for (int i = 0; i < 200; ++i) {
    const double middle = std::sqrt((low + 1e-9) * high);
    (log_e(middle, runs) < wanted ? low : high) = middle;
  }
  return student_cdf(-high, runs - 1);
}

}  // namespace llmsweep
