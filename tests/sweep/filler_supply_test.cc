#include "sweep/filler_supply.h"

#include <gtest/gtest.h>

#include "llmsweep/base/error.h"

namespace llmsweep {
namespace {

class FillerSupplyTest : public ::testing::Test {
 protected:
  FillerSupply supply() {
    return {spare_, 4, [this](int64_t count) {
              made_ += count;
              return std::vector<SpareFillers::Request>(static_cast<size_t>(count),
                                                        std::make_shared<const SpareRequest>());
            }};
  }
  void take(int count) {
    for (int i = 0; i < count; ++i) ASSERT_NE(spare_.take(), nullptr);
  }

  SpareFillers spare_;
  int64_t made_ = 0;
};

TEST_F(FillerSupplyTest, MakesNothingWhileThePlannedOnesDo) {
  FillerSupply fillers = supply();
  for (const int64_t left : {100, 98, 96}) fillers.top_up(left);
  EXPECT_EQ(made_, 0);
}

TEST_F(FillerSupplyTest, MakesThemBeforeThePlannedOnesAreUsedUp) {
  FillerSupply fillers = supply();
  fillers.top_up(10);
  fillers.top_up(6);
  EXPECT_GT(made_, 0);
  EXPECT_EQ(spare_.taken(), 0);
}

TEST_F(FillerSupplyTest, KeepsUpWithThePaceAtWhichTheyAreTaken) {
  FillerSupply fillers = supply();
  fillers.top_up(0);
  for (int i = 0; i < 8; ++i) {
    take(static_cast<int>(spare_.left()) / 2);
    fillers.top_up(-1);
  }
  EXPECT_GE(spare_.left(), 8);
}

TEST_F(FillerSupplyTest, EndsWhereNoMoreCanBeMade) {
  int asked = 0;
  FillerSupply fillers(spare_, 4, [&](int64_t) -> std::vector<SpareFillers::Request> {
    ++asked;
    throw Error({.what = "only 26 prompts can be distinct", .where = {}, .next = {}});
  });
  fillers.top_up(0);
  fillers.top_up(0);
  EXPECT_EQ(asked, 1);
  EXPECT_EQ(spare_.take(), nullptr);
}

}  // namespace
}  // namespace llmsweep
