// Prompts of sessions: what is sent of one turn begins what is sent of the next, byte for byte.
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "llmsweep/dataset/prompts.h"
#include "llmsweep/protocol/request.h"
#include "tokenizer/test_vocabulary.h"

namespace llmsweep {
namespace {

PromptPlan session_plan(int64_t system_tokens) {
  PromptPlan plan;
  plan.workload.sessions.first_input_tokens = {.fixed = 60};
  plan.workload.sessions.system_tokens = system_tokens;
  plan.workload.input_tokens = TokenCount{.fixed = 60};
  plan.overhead_tokens = 7;
  return plan;
}

std::vector<SessionPlan> some_sessions() {
  std::vector<SessionPlan> plans;
  for (int64_t i = 0; i < 20; ++i) {
    SessionPlan plan;
    for (int64_t turn = 0; turn <= i % 6; ++turn) {
      plan.turns.push_back(
          {.input_tokens = turn == 0 ? 60 + i : 12 + turn, .output_tokens = 20 + i});
    }
    plans.push_back(plan);
  }
  return plans;
}

// The body's messages as they are on the wire, without the bracket that ends them.
std::string messages_of(const Prompt& prompt, Api api) {
  const std::string body = render_request({.api = api}, "m", {}, prompt);
  const size_t begin = body.find(R"("messages":[)");
  return body.substr(begin, body.find("}]", begin) + 1 - begin);
}

TEST(SessionPrompts, OfATurnBeginThoseOfTheNextByteForByte) {
  for (const Api api : {Api::kChat, Api::kMessages}) {
    for (const int64_t system_tokens : {0, 30}) {
      const PromptSource source(session_plan(system_tokens), nullptr);
      const auto plans = some_sessions();
      const auto sessions = source.build_sessions(5, plans);
      ASSERT_EQ(sessions.size(), plans.size());
      for (size_t i = 0; i < sessions.size(); ++i) {
        ASSERT_EQ(sessions[i].size(), plans[i].turns.size());
        for (size_t turn = 1; turn < sessions[i].size(); ++turn) {
          const std::string before = messages_of(sessions[i][turn - 1], api);
          const std::string here = messages_of(sessions[i][turn], api);
          EXPECT_GT(here.size(), before.size() + 20);
          EXPECT_EQ(here.substr(0, before.size()), before);
          EXPECT_EQ(here.substr(before.size(), 22), R"(,{"role":"assistant",")") << here;
        }
      }
    }
  }
}

TEST(SessionPrompts, OfCompletionsBeginTheNextToo) {
  const PromptSource source(session_plan(30), nullptr);
  const auto text = [](const Prompt& prompt) {
    const std::string body = render_request({.api = Api::kCompletions}, "m", {}, prompt);
    const size_t begin = body.find(R"("prompt":")");
    return body.substr(begin, body.find("\",\"", begin + 10) - begin);
  };
  for (const auto& session : source.build_sessions(0, some_sessions())) {
    for (size_t turn = 1; turn < session.size(); ++turn) {
      const std::string before = text(session[turn - 1]);
      EXPECT_EQ(text(session[turn]).substr(0, before.size()), before);
    }
  }
}

TEST(SessionPrompts, ShareTheirFirstMessageAndNothingElse) {
  const PromptSource source(session_plan(30), nullptr);
  std::set<std::string> systems, questions;
  for (const auto& session : source.build_sessions(0, some_sessions())) {
    const auto& messages = session.front().messages;
    ASSERT_EQ(messages.size(), 2u);
    EXPECT_EQ(messages[0].first, "system");
    EXPECT_EQ(messages[1].first, "user");
    systems.insert(messages[0].second);
    questions.insert(messages[1].second.substr(0, 9));
  }
  EXPECT_EQ(systems.size(), 1u);
  EXPECT_EQ(questions.size(), 20u) << "each begins with words of its own";
}

TEST(SessionPrompts, HaveMessagesOfTheAskedLengths) {
  const auto tokenizer = test_vocabulary("gpt2");
  PromptPlan plan = session_plan(30);
  plan.workload.dataset = "random";
  const PromptSource source(plan, tokenizer);
  const auto encoder = tokenizer->encoder();
  const auto plans = some_sessions();
  const auto sessions = source.build_sessions(0, plans);
  for (size_t i = 0; i < sessions.size(); ++i) {
    const auto& messages = sessions[i].back().messages;
    EXPECT_EQ(encoder->count(messages[0].second), 30);
    for (size_t turn = 0; turn < plans[i].turns.size(); ++turn) {
      const TurnPlan& planned = plans[i].turns[turn];
      // Of the first, as input_scope: total counts: with the template.
      const int64_t question = planned.input_tokens - (turn == 0 ? 7 : 0);
      EXPECT_EQ(encoder->count(messages[1 + 2 * turn].second), question);
      EXPECT_EQ(sessions[i][turn].planned_output_tokens, planned.output_tokens);
      EXPECT_EQ(sessions[i][turn].planned_input_tokens, 0) << "templates add to several messages";
      if (turn > 0) {
        EXPECT_EQ(encoder->count(messages[2 * turn].second),
                  plans[i].turns[turn - 1].output_tokens);
      }
    }
  }
}

TEST(SessionPrompts, OfOneTurnAreThoseOfOtherLoads) {
  const PromptSource source(session_plan(0), test_vocabulary("gpt2"));
  const std::vector<SessionPlan> plans(3, SessionPlan{.turns = {{.input_tokens = 60}}});
  const auto sessions = source.build_sessions(4, plans);
  const PromptSet prompts = source.build(4, 3);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(sessions[i][0].text, prompts.prompts[i].text);
    EXPECT_TRUE(sessions[i][0].messages.empty());
    EXPECT_EQ(sessions[i][0].planned_input_tokens, 60);
  }
}

TEST(SessionPrompts, AreTheSameForAnyNumberOfThreadsAndAnyOrder) {
  const PromptSource source(session_plan(30), nullptr);
  const auto plans = some_sessions();
  const auto one = source.build_sessions(0, plans, 1);
  const auto many = source.build_sessions(0, plans, 5);
  const auto alone = source.build_sessions(3, std::vector{plans[3]}, 1);
  for (size_t i = 0; i < plans.size(); ++i) {
    EXPECT_EQ(prompt_sha256(one[i].back()), prompt_sha256(many[i].back()));
  }
  EXPECT_EQ(prompt_sha256(alone[0].back()), prompt_sha256(one[3].back()));
}

}  // namespace
}  // namespace llmsweep
