#include "llmsweep/stats/isotonic.h"

#include <cassert>
#include <cstddef>

namespace llmsweep {
namespace {

struct Block {
  double mean;
  double weight;
  size_t size;
};

}  // namespace

std::vector<double> isotonic_increasing(std::span<const double> values,
                                        std::span<const double> weights) {
  assert(weights.empty() || weights.size() == values.size());
  std::vector<Block> blocks;
  for (size_t i = 0; i < values.size(); ++i) {
    Block block{values[i], weights.empty() ? 1.0 : weights[i], 1};
    while (!blocks.empty() && blocks.back().mean > block.mean) {
      const Block& last = blocks.back();
      const double weight = last.weight + block.weight;
      block = {(last.mean * last.weight + block.mean * block.weight) / weight, weight,
               last.size + block.size};
      blocks.pop_back();
    }
    blocks.push_back(block);
  }
  std::vector<double> fitted;
  fitted.reserve(values.size());
  for (const Block& block : blocks) fitted.insert(fitted.end(), block.size, block.mean);
  return fitted;
}

}  // namespace llmsweep
