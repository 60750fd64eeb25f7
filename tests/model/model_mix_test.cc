#include "llmsweep/model/model_mix.h"

#include <gtest/gtest.h>

#include <map>

namespace llmsweep {
namespace {

const std::vector<ModelShare> kMix = {{"a", 3}, {"b", 1}, {"c", 0.001}};

TEST(ModelMix, DrawsEachModelAsOftenAsItsWeightSays) {
  std::map<std::string, int> drawn;
  constexpr int kDraws = 40'000;
  for (uint64_t i = 0; i < kDraws; ++i) ++drawn[drawn_model(kMix, 1, i)];
  // Standard deviation 87.
  EXPECT_NEAR(drawn["a"], kDraws * 3 / 4.001, 4 * 87);
  EXPECT_NEAR(drawn["b"], kDraws * 1 / 4.001, 4 * 87);
  EXPECT_LT(drawn["c"], 40);
}

TEST(ModelMix, DependsOnTheSeedAndThePromptAlone) {
  int same = 0;
  for (uint64_t i = 0; i < 1000; ++i) {
    EXPECT_EQ(drawn_model(kMix, 7, i), drawn_model(kMix, 7, i));
    same += drawn_model(kMix, 7, i) == drawn_model(kMix, 8, i) ? 1 : 0;
  }
  EXPECT_NEAR(same, 1000 * (9 + 1) / 16, 4 * 16);
}

TEST(ModelMix, IsSaidInWords) {
  EXPECT_EQ(mix_text({{"a", 3}, {"b", 0.5}}), "a 3, b 0.5");
  EXPECT_EQ(mix_text({}), "");
}

}  // namespace
}  // namespace llmsweep
