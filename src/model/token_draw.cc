#include "llmsweep/model/token_draw.h"

#include <algorithm>
#include <cmath>

namespace llmsweep {

namespace {

int64_t draw_weighted(const TokenCount& count, Random& random) {
  double total = 0;
  for (const auto& [tokens, weight] : count.weighted) total += weight;
  double left = random.uniform() * total;
  for (const auto& [tokens, weight] : count.weighted) {
    if (left < weight) return tokens;
    left -= weight;
  }
  return count.weighted.empty() ? 1 : count.weighted.back().first;
}

}  // namespace

int64_t draw_tokens(const TokenCount& count, Random& random) {
  int64_t tokens = 1;
  switch (count.kind) {
    case TokenCount::Kind::kFixed:
      tokens = count.fixed;
      break;
    case TokenCount::Kind::kUniform:
      tokens = count.min +
               static_cast<int64_t>(random.below(static_cast<uint64_t>(count.max - count.min) + 1));
      break;
    case TokenCount::Kind::kNormal:
      tokens = std::llround(count.mean + count.stddev.value_or(0) * random.normal());
      break;
    case TokenCount::Kind::kWeighted:
      tokens = draw_weighted(count, random);
      break;
  }
  return std::max<int64_t>(tokens, 1);
}

int64_t smallest_tokens(const TokenCount& count) {
  switch (count.kind) {
    case TokenCount::Kind::kFixed:
      return count.fixed;
    case TokenCount::Kind::kUniform:
      return count.min;
    case TokenCount::Kind::kNormal:
      return 1;
    case TokenCount::Kind::kWeighted: {
      int64_t least = count.weighted.empty() ? 1 : count.weighted.front().first;
      for (const auto& [tokens, weight] : count.weighted) least = std::min(least, tokens);
      return least;
    }
  }
  return 1;
}

}  // namespace llmsweep
