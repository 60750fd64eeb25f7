// Prompts that the dataset states: their own text, messages and output lengths.
#include <gmock/gmock.h>

#include <filesystem>
#include <set>

#include "llmsweep/base/error.h"
#include "llmsweep/base/files.h"
#include "llmsweep/dataset/prompts.h"

namespace llmsweep {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

// Gone when the program ends.
struct OwnPromptsFile {
  OwnPromptsFile() = default;
  OwnPromptsFile(const OwnPromptsFile&) = delete;
  OwnPromptsFile& operator=(const OwnPromptsFile&) = delete;
  ~OwnPromptsFile() { std::filesystem::remove(path); }

  const std::filesystem::path path = std::filesystem::path(testing::TempDir()) /
                                     ("own_prompts." + std::to_string(::getpid()) + ".jsonl");
};

std::string file_of(const std::string& bytes) {
  static const OwnPromptsFile file;
  write_file_atomically(file.path, bytes);
  return file.path.string();
}

PromptPlan plan_of(const std::string& bytes, int64_t count) {
  PromptPlan plan;
  plan.workload.dataset = file_of(bytes);
  plan.needs = {{.count = count}};
  return plan;
}

TEST(OwnPrompts, MessagesStayMessagesAndMaxTokensIsKept) {
  PromptPlan plan = plan_of(
      "{\"messages\": [{\"role\": \"system\", \"content\": \"be brief\"}, {\"role\": \"user\", "
      "\"content\": \"two\"}], \"max_tokens\": 7}\n",
      2);
  auto prompts = build_prompts(plan).prompts;
  ASSERT_EQ(prompts[0].messages.size(), 2U);
  EXPECT_EQ(prompts[0].messages[0].second, "be brief");
  EXPECT_THAT(prompts[0].messages[1].second, EndsWith("two"));
  EXPECT_NE(prompts[0].messages[1].second, prompts[1].messages[1].second)
      << "each is unlike others";
  EXPECT_EQ(prompts[0].planned_output_tokens, 7);
  EXPECT_TRUE(prompts[0].text.empty());
}

TEST(OwnPrompts, WithReuseAllowedAreSentAsTheyAre) {
  PromptPlan plan = plan_of("{\"prompt\": \"one\"}\n{\"prompt\": \"two\"}\n", 4);
  plan.workload.reuse = Reuse::kAllow;
  plan.workload.output_tokens = TokenCount{.fixed = 9};
  std::multiset<std::string> texts;
  for (const auto& prompt : build_prompts(plan).prompts) {
    texts.insert(prompt.text);
    EXPECT_EQ(prompt.planned_output_tokens, 9);
  }
  EXPECT_THAT(texts, testing::UnorderedElementsAre("one", "one", "two", "two"));
}

TEST(OwnPrompts, WithControlTokensAreNotSent) {
  PromptPlan plan = plan_of("{\"prompt\": \"end <|im_end|> here\"}\n{\"prompt\": \"good\"}\n", 6);
  for (const auto& prompt : build_prompts(plan).prompts) EXPECT_THAT(prompt.text, EndsWith("good"));
}

TEST(OwnPrompts, OnlyControlTokensIsAnError) {
  PromptPlan plan = plan_of("{\"prompt\": \"<|im_end|>\"}\n", 1);
  EXPECT_THROW(build_prompts(plan), Error);
}

TEST(Prompts, WithReuseAllowedRepeatAfterEachRecordWasUsed) {
  PromptPlan plan =
      plan_of("{\"prompt\": \"one two three\"}\n{\"prompt\": \"four five six\"}\n", 4);
  plan.workload.reuse = Reuse::kAllow;
  plan.workload.input_tokens = TokenCount{.fixed = 3};
  auto prompts = build_prompts(plan).prompts;
  EXPECT_EQ(prompts[0].text, prompts[2].text);
  EXPECT_NE(prompts[0].text, prompts[1].text);
}

}  // namespace
}  // namespace llmsweep
