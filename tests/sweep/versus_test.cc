#include "llmsweep/sweep/versus.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "llmsweep/base/error.h"

namespace llmsweep {
namespace {

using ::testing::HasSubstr;

std::vector<std::vector<LoadPoint>> rounds_of(int rounds, int levels) {
  std::vector<std::vector<LoadPoint>> all(static_cast<size_t>(rounds));
  for (int round = 0; round < rounds; ++round) {
    for (int level = 0; level < levels; ++level) {
      const int at = round % 2 == 0 ? level : levels - 1 - level;
      all[static_cast<size_t>(round)].push_back(at_concurrency(1 << at));
    }
  }
  return all;
}

TEST(PairOrder, HasEachSideFirstInHalfOfTheRoundsOfEachLevel) {
  for (const PairRule rule : {PairRule::kRandom, PairRule::kAbba}) {
    for (const int rounds : {2, 3, 5, 8}) {
      const auto all = rounds_of(rounds, 7);
      const std::vector<PairOrder> order = pair_order(all, rule, 11);
      ASSERT_EQ(order.size(), static_cast<size_t>(rounds) * 7);
      std::map<LoadPoint, int> first;
      for (const PairOrder& pair : order) first[pair.point] += pair.a_first ? 1 : 0;
      int total = 0;
      for (const auto& [point, count] : first) {
        EXPECT_GE(count, rounds / 2);
        EXPECT_LE(count, (rounds + 1) / 2);
        total += count;
      }
      EXPECT_LE(std::abs(2 * total - static_cast<int>(order.size())), 1);
      EXPECT_EQ(order.front().point, all.front().front());
      EXPECT_EQ(order.back().point, all.back().back());
      EXPECT_EQ(order.back().repeat, rounds - 1);
    }
  }
}

TEST(PairOrder, IsDrawnByItsSeed) {
  const auto all = rounds_of(5, 7);
  EXPECT_EQ(pair_order(all, PairRule::kRandom, 3), pair_order(all, PairRule::kRandom, 3));
  std::vector<int> first(35);
  int differ = 0;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    const auto order = pair_order(all, PairRule::kRandom, seed);
    for (size_t i = 0; i < order.size(); ++i) first[i] += order[i].a_first ? 1 : 0;
    differ += order != pair_order(all, PairRule::kRandom, seed + 1) ? 1 : 0;
  }
  EXPECT_EQ(differ, 200);
  // 200 fair coins: 100 ± 7 each.
  EXPECT_GT(*std::min_element(first.begin(), first.end()), 60);
  EXPECT_LT(*std::max_element(first.begin(), first.end()), 140);
}

TEST(PairOrder, OfNoRoundsIsEmpty) {
  EXPECT_TRUE(pair_order({}, PairRule::kRandom, 1).empty());
}

std::string refusal(const SweepSpec& a, const SweepSpec& b) {
  try {
    require_same_load(a, b);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Versus, RefusesSpecsThatAskForDifferentLoads) {
  SweepSpec a{.name = "a"};
  a.load.concurrency = {1, 8};
  SweepSpec b = a;
  b.name = "b";
  b.endpoint.url = "http://other/v1";
  b.system.gpus = 8;
  b.client.threads = 3;
  EXPECT_EQ(refusal(a, b), "");
  b.load.concurrency = {1, 16};
  b.workload.seed = 9;
  EXPECT_THAT(refusal(a, b), HasSubstr("load.concurrency"));
  EXPECT_THAT(refusal(a, b), HasSubstr("workload.seed"));
  EXPECT_THAT(refusal(a, b), Not(HasSubstr("url")));
  b = a;
  b.load.refine = true;
  EXPECT_THAT(refusal(a, b), HasSubstr("load.refine cannot be had side by side"));
  b = a;
  b.load.budget.tokens = 5;
  EXPECT_THAT(refusal(a, b), HasSubstr("load.budget"));
}

}  // namespace
}  // namespace llmsweep
