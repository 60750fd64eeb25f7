#include "llmsweep/verify/verify_sessions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

namespace llmsweep {
namespace {
using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Conversation {
  std::vector<RequestRecord> records;
  Truth truth;
};

// One user: a session of three turns and the first turn of another, each 20 ms after the one
// before.
Conversation conversation() {
  Conversation sides;
  Instant due = from_ns(1'000'000'000);
  for (uint32_t i = 0; i < 4; ++i) {
    RequestRecord record{.run = {with_users(1), 0}, .index = i};
    record.session = i == 3 ? 9 : 4;
    record.turn = i == 3 ? 1 : i + 1;
    record.turns_planned = 3;
    if (i > 0) record.think = 20ms;
    record.response_id = "id-" + std::to_string(i);
    record.scheduled = due;
    record.sent = due + 10us;
    record.end = due + 5ms;
    record.input_tokens = i == 3 ? 50 : 50 + 30 * i;
    sides.records.push_back(record);
    TruthRecord truth{.response_id = record.response_id, .arrival = due + 50us};
    truth.chunks.push_back({.sent = *record.end - 40us, .tokens = 1});
    sides.truth.requests.push_back(truth);
    due = *record.end + 20ms;
  }
  return sides;
}

std::vector<std::string> problems_after(const std::function<void(Conversation&)>& change) {
  Conversation sides = conversation();
  change(sides);
  return verify_sessions(sides.records, sides.truth);
}

TEST(VerifySessions, FindsNothingWrongWithWhatIsRight) {
  EXPECT_THAT(problems_after([](Conversation&) {}), IsEmpty());
  EXPECT_THAT(problems_after([](Conversation& sides) {  // a failure ends its session
                sides.records[1].outcome = Outcome::kTimeout;
                sides.records[2].session = 5;
                sides.records[2].turn = 1;
                sides.records[2].turns_planned = 1;
              }),
              IsEmpty());
}

TEST(VerifySessions, FindsTurnsThatDoNotFollow) {
  EXPECT_THAT(problems_after([](Conversation& sides) { sides.records[1].turn = 3; }),
              ElementsAre(HasSubstr("request 1 of users 1, repeat 1: turn 3 follows turn 1"),
                          HasSubstr("request 2 of users 1, repeat 1: its session was over"),
                          HasSubstr("turn 3 follows turn 3")));
  EXPECT_THAT(problems_after([](Conversation& sides) { sides.records[3].turn = 2; }),
              ElementsAre(HasSubstr("its session begins with turn 2")));
  EXPECT_THAT(problems_after([](Conversation& sides) { sides.records[2].turns_planned = 4; }),
              ElementsAre(HasSubstr("the session before it had turns left")));
  EXPECT_THAT(
      problems_after([](Conversation& sides) { sides.records[1].outcome = Outcome::kHttpError; }),
      ElementsAre(HasSubstr("request 2 of users 1, repeat 1: its session was over, or")));
  EXPECT_THAT(problems_after([](Conversation& sides) { sides.records[2].turn = 7; }),
              ElementsAre(HasSubstr("it is turn 7 of 3"), HasSubstr("turns left"),
                          HasSubstr("20.000 ms were to be thought")));
  EXPECT_THAT(problems_after([](Conversation& sides) { sides.records[3].session.reset(); }),
              ElementsAre(HasSubstr("it is a user's, and of no session")));
}

TEST(VerifySessions, FindsASessionOfTwoUsers) {
  EXPECT_THAT(problems_after([](Conversation& sides) {
                sides.records[3].slot = 1;
                sides.records[3].session = 4;
                sides.records[3].think.reset();
              }),
              ElementsAre(HasSubstr("session 4 is of two users")));
}

TEST(VerifySessions, FindsATimeToThinkThatWasNotKept) {
  EXPECT_THAT(problems_after([](Conversation& sides) { sides.records[2].think = 21ms; }),
              ElementsAre(HasSubstr("due 20.000 ms after the end of the one before, and 21.000 ms"),
                          HasSubstr("it came to the endpoint")));
  EXPECT_THAT(problems_after([](Conversation& sides) { sides.records[1].think = 21ms; }), IsEmpty())
      << "the user had begun to think before the run";
  EXPECT_THAT(problems_after([](Conversation& sides) { sides.records[1].think = 19ms; }),
              ElementsAre(HasSubstr("due 20.000 ms after the end of the one before, and 19.000")));
  EXPECT_THAT(problems_after([](Conversation& sides) { sides.records[1].think.reset(); }),
              ElementsAre(HasSubstr("nothing says how long")));
  EXPECT_THAT(
      problems_after([](Conversation& sides) { sides.truth.requests[2].arrival -= 200us; }),
      ElementsAre(HasSubstr("request 2 of users 1, repeat 1: it came to the endpoint 19.8")));
  EXPECT_THAT(problems_after([](Conversation& sides) { *sides.records[2].sent -= 1ms; }),
              ElementsAre(HasSubstr("it was sent before it was due")));
}

TEST(VerifySessions, FindsAPromptThatDoesNotHoldTheOneBefore) {
  EXPECT_THAT(problems_after([](Conversation& sides) { sides.records[2].input_tokens = 80; }),
              ElementsAre(HasSubstr("its prompt has 80 tokens, that of the turn before 80")));
}

// The same as sessions of a trace, each request in a slot of its own.
std::vector<std::string> problems_of_trace(const std::function<void(Conversation&)>& change) {
  Conversation sides = conversation();
  for (RequestRecord& record : sides.records) {
    record.run.point = of_trace(0.5);
    record.slot = record.index;
  }
  sides.records[3].think.reset();
  sides.records[3].scheduled += 3us;  // sessions begin at instants of their own
  change(sides);
  return verify_sessions(sides.records, sides.truth);
}

TEST(VerifySessions, KnowsThoseOfATrace) {
  EXPECT_THAT(problems_of_trace([](Conversation&) {}), IsEmpty());
  EXPECT_THAT(problems_of_trace([](Conversation& sides) {  // open: turns come when they come
                for (RequestRecord& record : sides.records) record.think.reset();
                sides.records[1].outcome = Outcome::kTimeout;
                sides.records[2].scheduled -= 1ms;
                sides.records[0].session.reset();
              }),
              IsEmpty());
  EXPECT_THAT(problems_of_trace([](Conversation& sides) { sides.records[2].input_tokens = 10; }),
              IsEmpty())
      << "agents cut what they send";
  EXPECT_THAT(
      problems_of_trace([](Conversation& sides) { sides.records[2].turn = 2; }),
      ElementsAre(HasSubstr("request 2 of trace 0.5, repeat 1: its session has turn 2 twice")));
  EXPECT_THAT(problems_of_trace([](Conversation& sides) { sides.records[2].turns_planned = 4; }),
              ElementsAre(HasSubstr("it is of a session of 4 turns, that before it of one of 3")));
  EXPECT_THAT(
      problems_of_trace([](Conversation& sides) { sides.records.erase(sides.records.begin()); }),
      ElementsAre(HasSubstr("it waited for a turn of which there is no record")));
  EXPECT_THAT(
      problems_of_trace(
          [](Conversation& sides) { sides.records[1].outcome = Outcome::kHttpError; }),
      ElementsAre(HasSubstr("request 2 of trace 0.5, repeat 1: a turn of its session had failed")));
  EXPECT_THAT(
      problems_of_trace([](Conversation& sides) { sides.records[2].think = 21ms; }),
      ElementsAre(HasSubstr("21.000 ms were to be thought"), HasSubstr("it came to the endpoint")));
  EXPECT_THAT(problems_of_trace([](Conversation& sides) { sides.records[2].turn.reset(); }),
              ElementsAre(HasSubstr("nothing says which turn of its session it is")));
}

TEST(VerifySessions, PassesOverOtherLoadsAndWhatIsSuperseded) {
  EXPECT_THAT(problems_after([](Conversation& sides) {
                for (RequestRecord& record : sides.records) record.turn = 3;
                for (RequestRecord& record : sides.records) record.superseded = true;
              }),
              IsEmpty());
  EXPECT_THAT(problems_after([](Conversation& sides) {
                for (RequestRecord& record : sides.records) record.run.point = at_concurrency(1);
                for (RequestRecord& record : sides.records) record.turn.reset();
              }),
              IsEmpty());
}

}  // namespace
}  // namespace llmsweep
