#include "llmsweep/dataset/prompts.h"

#include <gmock/gmock.h>

#include <set>

#include "llmsweep/base/error.h"
#include "llmsweep/base/text.h"

namespace llmsweep {
namespace {

using testing::HasSubstr;

PromptPlan random_plan(int64_t tokens, int64_t count) {
  PromptPlan plan;
  plan.workload.input_tokens = TokenCount{.fixed = tokens};
  plan.workload.output_tokens = TokenCount{.fixed = 160};
  plan.needs = {{.count = count}};
  return plan;
}

TEST(PromptsByEstimate, HaveAboutTheAskedLength) {
  PromptSet set = build_prompts(random_plan(240, 200));
  ASSERT_EQ(set.prompts.size(), 200U);
  for (const auto& prompt : set.prompts) {
    EXPECT_GE(prompt.text.size(), 940U);
    EXPECT_LE(prompt.text.size(), 960U);
    EXPECT_TRUE(is_valid_utf8(prompt.text));
    EXPECT_EQ(prompt.planned_input_tokens, 0) << "an estimate must not pass for a count";
    EXPECT_EQ(prompt.planned_output_tokens, 160);
  }
}

TEST(PromptsByEstimate, AllDifferFromTheirFirstWordsOn) {
  std::set<std::string> starts;
  for (const auto& prompt : build_prompts(random_plan(64, 3000)).prompts) {
    starts.insert(prompt.text.substr(0, 9));
  }
  EXPECT_EQ(starts.size(), 3000U);
}

TEST(Prompts, AreTheSameForAnyNumberOfThreadsAndAnyOrder) {
  PromptPlan plan = random_plan(300, 40);
  plan.threads = 1;
  PromptSet one = build_prompts(plan);
  plan.threads = 7;
  EXPECT_EQ(build_prompts(plan).sha256, one.sha256);
  PromptSource source(plan, nullptr);
  EXPECT_EQ(source.build(17, 1).prompts[0].text, one.prompts[17].text);
  EXPECT_EQ(one.sha256, prompt_set_sha256(one.prompts));
}

TEST(Prompts, ChangeWithTheSeed) {
  PromptPlan plan = random_plan(100, 20);
  PromptSet one = build_prompts(plan);
  plan.workload.seed = 2;
  EXPECT_NE(build_prompts(plan).sha256, one.sha256);
}

TEST(Prompts, AreNumberedThroughTheNeeds) {
  PromptPlan plan = random_plan(100, 3);
  plan.needs = {
      {.phase = Phase::kWarmup, .count = 3}, {.count = 5}, {.run = {.repeat = 1}, .count = 2}};
  PromptSource source(plan, nullptr);
  EXPECT_EQ(source.needed(), 10);
  PromptSet all = source.build(0, 10);
  PromptSet last = source.build_need(2);
  ASSERT_EQ(last.prompts.size(), 2U);
  EXPECT_EQ(last.prompts[0].text, all.prompts[8].text);
}

TEST(Prompts, WithoutInputTokensKeepTheirOwnLength) {
  PromptPlan plan;
  plan.needs = {{.count = 20}};
  std::set<size_t> sizes;
  for (const auto& prompt : build_prompts(plan).prompts) sizes.insert(prompt.text.size());
  EXPECT_GT(sizes.size(), 10U);
}

TEST(Prompts, AnEmptyPlanGivesAnEmptySet) {
  PromptPlan plan = random_plan(100, 0);
  EXPECT_TRUE(build_prompts(plan).prompts.empty());
}

TEST(Prompts, OfOneGroupShareTheirPrefix) {
  PromptPlan plan = random_plan(400, 6);
  plan.workload.prefix_tokens = 200;
  plan.workload.prefix_groups = 2;
  auto prompts = build_prompts(plan).prompts;
  EXPECT_EQ(prompts[0].text.substr(0, 780), prompts[2].text.substr(0, 780));
  EXPECT_EQ(prompts[1].text.substr(0, 780), prompts[5].text.substr(0, 780));
  EXPECT_NE(prompts[0].text.substr(0, 9), prompts[1].text.substr(0, 9));
  EXPECT_NE(prompts[0].text, prompts[2].text);
}

TEST(Prompts, DrawLengthsFromADistribution) {
  PromptPlan plan = random_plan(0, 400);
  plan.workload.input_tokens =
      TokenCount{.kind = TokenCount::Kind::kWeighted, .weighted = {{50, 3}, {500, 1}}};
  plan.workload.output_tokens = TokenCount{.kind = TokenCount::Kind::kUniform, .min = 5, .max = 9};
  int shorter = 0;
  std::set<int64_t> outputs;
  for (const auto& prompt : build_prompts(plan).prompts) {
    shorter += prompt.text.size() < 300 ? 1 : 0;
    outputs.insert(prompt.planned_output_tokens);
  }
  EXPECT_NEAR(shorter, 300, 45);  // 5 sigma of a binomial with p = 3/4
  EXPECT_THAT(outputs, testing::ElementsAre(5, 6, 7, 8, 9));
}

TEST(Prompts, RandomWordsNeedNoDataset) {
  PromptPlan plan = random_plan(2400, 4);
  plan.workload.dataset = "random";
  auto prompts = build_prompts(plan).prompts;
  EXPECT_NEAR(static_cast<double>(prompts[0].text.size()), 9600, 10);
  EXPECT_NE(prompts[0].text.substr(50, 200), prompts[1].text.substr(50, 200));
}

std::string error_of(const PromptPlan& plan) {
  try {
    build_prompts(plan);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(PromptErrors, APrefixMayNotFillThePrompt) {
  PromptPlan plan = random_plan(100, 1);
  plan.workload.prefix_tokens = 100;
  EXPECT_THAT(error_of(plan), HasSubstr("workload.prefix_tokens"));
}

TEST(PromptErrors, ALongerPromptThanTheSetCanGiveIsNamed) {
  EXPECT_THAT(error_of(random_plan(40'000'000, 1)), HasSubstr("more text than the dataset has"));
}

TEST(PromptErrors, MorePromptsThanCanBeDistinctAreRefused) {
  PromptPlan plan = random_plan(1, 1);
  plan.bytes_per_token = 1;
  plan.needs[0].count = 27;
  EXPECT_THAT(error_of(plan), HasSubstr("only 26 prompts"));
  plan.workload.reuse = Reuse::kAllow;
  EXPECT_EQ(error_of(plan), "no error");
}

TEST(PromptErrors, IdsNeedATokenizerAndTheCompletionsApi) {
  PromptPlan plan = random_plan(10, 1);
  plan.workload.prompt_as = PromptAs::kIds;
  EXPECT_THAT(error_of(plan), HasSubstr("needs a tokenizer"));
}

TEST(PromptErrors, TheTemplateMayNotFillThePrompt) {
  PromptPlan plan = random_plan(10, 1);
  plan.overhead_tokens = 10;
  EXPECT_THAT(error_of(plan), HasSubstr("no room for content"));
}

TEST(PromptErrors, AMissingDatasetIsNamed) {
  PromptPlan plan = random_plan(10, 1);
  plan.workload.dataset = "/nowhere/set.json";
  EXPECT_THAT(error_of(plan), HasSubstr("/nowhere/set.json"));
}

TEST(Nonce, ChangesTheWordsThatEachPromptBeginsWithAndNothingElse) {
  PromptPlan plan = random_plan(64, 200);
  const PromptSource without(plan, nullptr);
  plan.nonce = "a";
  const PromptSource one(plan, nullptr);
  plan.nonce = "b";
  const PromptSource other(plan, nullptr);
  const std::vector<Prompt> plain = without.build(0, 200).prompts;
  const std::vector<Prompt> ones = one.build(0, 200).prompts;
  const std::vector<Prompt> others = other.build(0, 200).prompts;
  std::set<std::string> starts;
  for (size_t i = 0; i < ones.size(); ++i) {
    EXPECT_EQ(ones[i].text.substr(9), plain[i].text.substr(9));
    EXPECT_EQ(ones[i].text.substr(9), others[i].text.substr(9));
    for (const auto* prompts : {&plain, &ones, &others})
      starts.insert((*prompts)[i].text.substr(0, 9));
  }
  EXPECT_EQ(starts.size(), 600U);
}

TEST(Nonce, MakesTheSamePromptsAgain) {
  PromptPlan plan = random_plan(64, 20);
  plan.nonce = "a";
  EXPECT_EQ(build_prompts(plan).sha256, build_prompts(plan).sha256);
}

TEST(Nonce, IsNotInTheFingerprint) {
  PromptPlan plan = random_plan(64, 20);
  const std::string before = build_prompts(plan).sha256;  // of a version that knew no nonce
  for (const char* nonce : {"", "a", "b"}) {
    plan.nonce = nonce;
    EXPECT_EQ(PromptSource(plan, nullptr).fingerprint(20), before);
  }
  plan.workload.seed = 2;
  EXPECT_NE(PromptSource(plan, nullptr).fingerprint(20), before);
}

TEST(Nonce, ChangesSharedPrefixesToo) {
  PromptPlan plan = random_plan(64, 4);
  plan.workload.prefix_tokens = 20;
  std::set<std::string> starts;
  for (const char* nonce : {"", "a", "b"}) {
    plan.nonce = nonce;
    for (const Prompt& prompt : build_prompts(plan).prompts) {
      starts.insert(prompt.text.substr(0, 9));
    }
  }
  EXPECT_EQ(starts.size(), 3U) << "one for each nonce: the prompts of a group share it";
}

TEST(SparePrompts, BeginWithWordsThatNoPlannedPromptBeginsWith) {
  const PromptSource source(random_plan(64, 1), nullptr);
  std::set<std::string> starts;
  for (const int64_t first : {int64_t{0}, kSparePrompts, kSparePrompts + 64 * 500}) {
    for (const Prompt& prompt : source.build(first, 500).prompts) {
      starts.insert(prompt.text.substr(0, 9));
    }
  }
  EXPECT_EQ(starts.size(), 1500U);
}

TEST(SparePrompts, EndWhereThereAreHardlyEnough) {
  PromptPlan plan = random_plan(1, 1);
  plan.bytes_per_token = 1;  // 26 letters
  const PromptSource source(plan, nullptr);
  EXPECT_EQ(source.build(kSparePrompts, 13).prompts.size(), 13U);
  EXPECT_THROW(source.build(kSparePrompts + 13, 1), Error);
}

}  // namespace
}  // namespace llmsweep
