// Exact lengths, with the vocabulary made for the tests, with real ones where
// LLMSWEEP_TOKENIZER_DIR holds them, and with a server's tokenizer played by one of these.
#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <set>

#include "llmsweep/base/error.h"
#include "llmsweep/dataset/prompts.h"
#include "tokenizer/test_vocabulary.h"

namespace llmsweep {
namespace {

PromptPlan plan_of(int64_t tokens, int64_t count) {
  PromptPlan plan;
  plan.workload.input_tokens = TokenCount{.fixed = tokens};
  plan.workload.dataset = "random";
  plan.needs = {{.count = count}};
  return plan;
}

void expect_exact(const PromptPlan& plan, const std::shared_ptr<const Tokenizer>& tokenizer,
                  int64_t content) {
  auto encoder = tokenizer->encoder();
  std::set<std::string> texts;
  for (const auto& prompt : build_prompts(plan, tokenizer).prompts) {
    EXPECT_EQ(encoder->count(prompt.text), content) << prompt.text.substr(0, 200);
    EXPECT_EQ(encoder->count(prompt.text, SpecialTokens::kPlain), content);
    EXPECT_EQ(prompt.planned_input_tokens, content + plan.overhead_tokens);
    texts.insert(prompt.text);
  }
  EXPECT_EQ(texts.size(), static_cast<size_t>(plan.needs[0].count)) << "prompts must differ";
}

// The parameter is a pipeline of the tests' vocabulary, or a real one's file.
class ExactPrompts : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (GetParam().find('.') == std::string::npos) {
      tokenizer_ = test_vocabulary(GetParam());
      return;
    }
    const char* folder = std::getenv("LLMSWEEP_TOKENIZER_DIR");
    if (!folder) GTEST_SKIP() << "vocabularies: LLMSWEEP_TOKENIZER_DIR is not set";
    const std::string path = (std::filesystem::path(folder) / GetParam()).string();
    if (!std::filesystem::exists(path.substr(0, path.find('#')))) {
      GTEST_SKIP() << "vocabularies: no " << path;
    }
    tokenizer_ = load_tokenizer(path);
  }
  std::shared_ptr<const Tokenizer> tokenizer_;
};

TEST_P(ExactPrompts, HaveTheAskedNumberOfTokens) {
  for (int64_t tokens : {1, 2, 3, 4, 5, 16, 128, 1024}) {
    expect_exact(plan_of(tokens, tokens > 200 ? 10 : 100), tokenizer_, tokens);
  }
}

TEST_P(ExactPrompts, OfTheSampleToo) {
  PromptPlan plan = plan_of(2400, 20);
  plan.workload.dataset = "sample";
  expect_exact(plan, tokenizer_, 2400);
}

TEST_P(ExactPrompts, LeaveRoomForTheTemplateInTotalScope) {
  PromptPlan plan = plan_of(100, 20);
  plan.overhead_tokens = 29;
  expect_exact(plan, tokenizer_, 71);
  plan.workload.input_scope = InputScope::kContent;
  expect_exact(plan, tokenizer_, 100);
}

TEST_P(ExactPrompts, AreExactWithASharedPrefix) {
  PromptPlan plan = plan_of(300, 20);
  plan.workload.prefix_tokens = 200;
  plan.workload.prefix_groups = 3;
  expect_exact(plan, tokenizer_, 300);
  auto prompts = build_prompts(plan, tokenizer_).prompts;
  auto one = tokenizer_->encode(prompts[1].text);
  auto four = tokenizer_->encode(prompts[4].text);
  EXPECT_TRUE(std::equal(one.begin(), one.begin() + 200, four.begin()));
  EXPECT_NE(one[200], four[200]);
}

TEST_P(ExactPrompts, AsIdsAreThoseOfTheText) {
  PromptPlan plan = plan_of(64, 10);
  auto texts = build_prompts(plan, tokenizer_).prompts;
  plan.workload.prompt_as = PromptAs::kIds;
  plan.api = Api::kCompletions;
  plan.overhead_tokens = 1;  // a BOS that the server puts before text, not before ids
  auto ids = build_prompts(plan, tokenizer_).prompts;
  for (size_t i = 0; i < ids.size(); ++i) {
    EXPECT_EQ(ids[i].ids.size(), 64U);
    EXPECT_EQ(ids[i].planned_input_tokens, 64);
    EXPECT_TRUE(ids[i].text.empty());
    EXPECT_EQ(ids[i].ids, tokenizer_->encode(texts[i].text));
  }
}

TEST_P(ExactPrompts, AreExactByASearchWhereTheTokenizerIsTheServers) {
  int64_t calls = 0;
  auto native = tokenizer_;
  auto encoder = native->encoder();
  auto remote = make_remote_tokenizer({.info = {}, .encode = [&](std::string_view text) {
                                         ++calls;
                                         return encoder->encode(text);
                                       }});
  PromptPlan plan = plan_of(1024, 8);
  PromptSource source(plan, remote);
  calls = 0;
  auto prompts = source.build(0, 8).prompts;
  EXPECT_LE(calls, 8 * 10) << "requests for 8 prompts";
  for (const auto& prompt : prompts) EXPECT_EQ(native->count(prompt.text), 1024);
}

// Vocabularies of characters, whose texts begin with a mark or merge across words.
TEST(ExactPromptsOfFamilies, HaveTheAskedNumberOfTokens) {
  for (const char* file : {"gemma-2-3.json", "llama-2.json", "mistral-v3.json",
                           "pieces-gemma.model", "pieces-collapsed.model", "tekken.json"}) {
    SCOPED_TRACE(file);
    const auto tokenizer =
        load_tokenizer(std::string(LLMSWEEP_SOURCE_DIR) + "/tests/tokenizer/families/" + file);
    for (int64_t tokens : {16, 128, 1024}) {
      for (const char* dataset : {"random", "sample"}) {
        PromptPlan plan = plan_of(tokens, 20);
        plan.workload.dataset = dataset;
        expect_exact(plan, tokenizer, tokens);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(TestVocabulary, ExactPrompts, testing::ValuesIn(kTestPipelines),
                         [](const auto& chosen) { return chosen.param; });
// Only with a real vocabulary: tests/CMakeLists.txt labels them by this name.
INSTANTIATE_TEST_SUITE_P(Vocabularies, ExactPrompts,
                         testing::Values("deepseek_v3.json", "llama3.json", "qwen2_5.json",
                                         "o200k_base.tiktoken#o200k_base"),
                         [](const auto& chosen) {
                           return chosen.param.substr(0, chosen.param.find('.'));
                         });

}  // namespace
}  // namespace llmsweep
