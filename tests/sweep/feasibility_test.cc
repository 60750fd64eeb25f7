#include "llmsweep/sweep/feasibility.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "llmsweep/base/error.h"

namespace llmsweep {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class Feasibility : public ::testing::Test {
 protected:
  Feasibility() {
    spec_.load.concurrency = {2};
    spec_.workload.dataset = "random";
    spec_.workload.input_tokens = TokenCount{.fixed = 100};
    spec_.workload.output_tokens = TokenCount{.fixed = 50};
    preflight_.addresses = {"127.0.0.1:8000"};
    preflight_.model = "m";
  }
  std::string refusal() const {
    try {
      require_feasible(spec_, preflight_, false);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }

  SweepSpec spec_;
  Preflight preflight_;
};

TEST_F(Feasibility, OfAnOrdinarySpecIsGiven) {
  preflight_.context_tokens = 150;
  EXPECT_EQ(refusal(), "");
}

TEST_F(Feasibility, EndsAtTheModelsContext) {
  preflight_.context_tokens = 149;
  EXPECT_THAT(refusal(), AllOf(HasSubstr("100 tokens in and 50 out"), HasSubstr("149")));
  spec_.workload.output_tokens = {.kind = TokenCount::Kind::kUniform, .min = 1, .max = 49};
  EXPECT_EQ(refusal(), "");
  spec_.workload.input_scope = InputScope::kContent;
  preflight_.overhead_tokens = 1;
  EXPECT_THAT(refusal(), HasSubstr("101 tokens in and 49 out"));
}

TEST_F(Feasibility, WantsEnoughRequestsForATargetsStatistic) {
  spec_.targets = {{.statistic = Statistic::kP99, .max = std::chrono::seconds(1)}};
  EXPECT_THAT(refusal(), AllOf(HasSubstr("p99 needs 300 requests"), HasSubstr("has 60"),
                               HasSubstr("load.min_requests: 100")));
  spec_.load.min_requests = 100;
  EXPECT_EQ(refusal(), "");
}

TEST_F(Feasibility, WantsADatasetThatCanGiveTheLengths) {
  spec_.workload.dataset = "sample";
  spec_.workload.input_tokens = TokenCount{.kind = TokenCount::Kind::kWeighted,
                                           .weighted = {{100, 1000}, {90'000'000, 0.001}}};
  EXPECT_THAT(refusal(), HasSubstr("needs more text than the dataset has"));
}

TEST_F(Feasibility, WantsEnoughDistinctPrompts) {
  spec_.workload.input_tokens = TokenCount{.fixed = 1};
  preflight_.bytes_per_token = 1;
  EXPECT_THAT(refusal(), HasSubstr("can be distinct"));
}

TEST_F(Feasibility, WantsPortsForTheStreams) {
  spec_.load.concurrency = {100'000};
  EXPECT_NE(refusal(), "");
}

}  // namespace
}  // namespace llmsweep
