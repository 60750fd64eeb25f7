// Prompts of recorded lengths and blocks: what two rows share, and nothing else, is equal.
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "dataset/block_text.h"
#include "llmsweep/base/error.h"
#include "llmsweep/dataset/prompts.h"
#include "tokenizer/test_vocabulary.h"

namespace llmsweep {
namespace {

constexpr int64_t kBlock = 32;

PromptPlan shape_plan() {
  PromptPlan plan;
  plan.overhead_tokens = 7;
  return plan;
}

PromptShape shape(std::vector<uint64_t> blocks, int64_t tokens) {
  return {.input_tokens = tokens,
          .output_tokens = 9,
          .blocks = std::move(blocks),
          .block_tokens = kBlock};
}

size_t common(const std::vector<int32_t>& a, const std::vector<int32_t>& b) {
  size_t i = 0;
  while (i < a.size() && i < b.size() && a[i] == b[i]) ++i;
  return i;
}

TEST(ShapePrompts, HaveTheRecordedTokensAndShareWholeBlocksAlone) {
  for (const std::string& pipeline : kTestPipelines) {
    const auto tokenizer = test_vocabulary(pipeline);
    const PromptSource source(shape_plan(), tokenizer);
    const std::vector<PromptShape> shapes = {shape({0, 1, 2}, 96), shape({0, 1, 3}, 80),
                                             shape({0, 1}, 40),    shape({4, 1, 2}, 96),
                                             shape({5}, 20),       shape({5, 6}, 64)};
    const PromptSet set = source.build_shapes(0, shapes);
    const auto encoder = tokenizer->encoder();
    std::vector<std::vector<int32_t>> ids;
    for (size_t i = 0; i < shapes.size(); ++i) {
      ids.push_back(encoder->encode(set.prompts[i].text));
      EXPECT_EQ(ids[i].size(), shapes[i].input_tokens - 7) << pipeline;
      EXPECT_EQ(set.prompts[i].planned_input_tokens, shapes[i].input_tokens);
      EXPECT_EQ(set.prompts[i].planned_output_tokens, 9);
    }
    EXPECT_GE(common(ids[0], ids[1]), 64u);
    EXPECT_LT(common(ids[0], ids[1]), 64u + BlockText::kSpelled) << "blocks 2 and 3 are told apart";
    EXPECT_EQ(common(ids[0], ids[2]), 33u) << "all of the shorter one";
    EXPECT_LT(common(ids[0], ids[3]), 4u) << "blocks that follow another one are not shared";
    EXPECT_TRUE(std::equal(ids[0].begin() + kBlock, ids[0].end(), ids[3].begin() + kBlock))
        << "though they are the same";
    EXPECT_EQ(common(ids[4], ids[5]), 13u) << "a block needed at two lengths is one, cut";
  }
}

TEST(ShapePrompts, OfOtherNumbersOrNoncesShareNothing) {
  const auto tokenizer = test_vocabulary("llama3");
  PromptPlan plan = shape_plan();
  const PromptSource source(plan, tokenizer);
  plan.nonce = "another";
  const PromptSource other(plan, tokenizer);
  const auto encoder = tokenizer->encoder();
  std::set<std::string> begins;
  for (uint64_t block = 0; block < 500; ++block) {
    const std::vector<PromptShape> one = {shape({block}, 39)};
    for (const PromptSource* each : {&source, &other}) {
      const auto ids = encoder->encode(each->build_shapes(0, one).prompts[0].text);
      std::string begin;
      for (int i = 0; i < BlockText::kSpelled; ++i) begin += std::to_string(ids[i]) + ",";
      begins.insert(begin);
    }
  }
  EXPECT_GE(begins.size(), 999u) << "of two nonces a pair may begin alike";
}

TEST(ShapePrompts, WithoutBlocksAreOfTheirLengthAndDistinct) {
  const auto tokenizer = test_vocabulary("llama3");
  const PromptSource source(shape_plan(), tokenizer);
  std::vector<PromptShape> shapes;
  for (int64_t i = 0; i < 40; ++i)
    shapes.push_back({.input_tokens = 30 + i, .output_tokens = i + 1});
  const PromptSet set = source.build_shapes(100, shapes);
  std::set<std::string> texts;
  for (size_t i = 0; i < shapes.size(); ++i) {
    EXPECT_EQ(tokenizer->encoder()->count(set.prompts[i].text), shapes[i].input_tokens - 7);
    EXPECT_EQ(set.prompts[i].planned_output_tokens, shapes[i].output_tokens);
    texts.insert(set.prompts[i].text);
  }
  EXPECT_EQ(texts.size(), shapes.size());
}

// BurstGPT has thousands of prompts of one token; no cache has a block that small.
TEST(ShapePrompts, TooShortToBeDistinctAreSentAllTheSame) {
  const auto tokenizer = test_vocabulary("llama3");
  const PromptSource source(shape_plan(), tokenizer);
  const std::vector<PromptShape> shapes = {{.input_tokens = 1, .output_tokens = 2},
                                           {.input_tokens = 8, .output_tokens = 2}};
  const PromptSet set = source.build_shapes(5'000'000, shapes);
  for (const Prompt& prompt : set.prompts) {
    EXPECT_EQ(tokenizer->encoder()->count(prompt.text), 1);
    EXPECT_EQ(prompt.planned_input_tokens, 8) << "the template alone adds 7";
  }
}

TEST(ShapePrompts, AreAboutAsLongWhereNoTokenizerIsKnown) {
  const PromptSource source(shape_plan(), nullptr);
  const PromptSet set = source.build_shapes(0, std::vector{shape({1, 2}, 64), shape({1, 3}, 64)});
  EXPECT_EQ(set.prompts[0].planned_input_tokens, 0);
  EXPECT_GT(set.prompts[0].text.size(), 57u * 4);
  EXPECT_LT(set.prompts[0].text.size(), 57u * 9);
  const size_t alike = set.prompts[0].text.size() / 2;
  EXPECT_EQ(set.prompts[0].text.substr(0, alike), set.prompts[1].text.substr(0, alike));
  EXPECT_NE(set.prompts[0].text, set.prompts[1].text);
}

TEST(ShapePrompts, RefuseANumberThatCannotBeSpelled) {
  const PromptSource source(shape_plan(), nullptr);
  EXPECT_THROW(source.build_shapes(0, std::vector{shape({uint64_t{1} << 62}, 32)}), Error);
}

}  // namespace
}  // namespace llmsweep
