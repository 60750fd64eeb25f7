#include <gtest/gtest.h>

#include "chat_body.h"
#include "llmsweep/simulator/simulator.h"
#include "llmsweep/simulator/truth.h"
#include "plain_client.h"
#include "temporary_directory.h"

namespace llmsweep::sim {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

struct Injected {
  PlainAnswer answer;
  TruthRecord truth;
  std::vector<size_t> reads;
  Duration took{};
};

Injected inject(Fault fault, Dialect dialect = Dialect::kVllm) {
  const TemporaryDirectory directory;
  fault.requests = {1};
  SimulatorProfile profile;
  profile.dialect = dialect;
  profile.wire = wire_defaults(dialect);
  profile.wire.rejected_fields.clear();
  profile.engine.step.base = milliseconds(1);
  profile.faults = {fault};
  Injected injected;
  {
    Simulator simulator(profile, {.truth_log = directory / "truth.jsonl"});
    const Instant start = SteadyClock().now();
    PlainConnection connection(simulator.port());
    connection.send(chat(6, kStreamUsage));
    injected.answer = connection.read_answer();
    injected.took = SteadyClock().now() - start;
    injected.reads = connection.reads();
    if (fault.kind != FaultKind::kRefuse) {
      const PlainAnswer next = ask(simulator.port(), chat(6, kStreamUsage));
      EXPECT_EQ(next.status, 200) << "the next request is served";
      EXPECT_EQ(data_lines(next.body).back(), "[DONE]");
    }
  }
  injected.truth = read_truth_log(directory / "truth.jsonl").at(0);
  EXPECT_EQ(injected.truth.fault, name_of(fault.kind));
  return injected;
}

size_t tokens_in(const PlainAnswer& answer) {
  size_t count = 0;
  for (size_t at = 0; (at = answer.body.find("\"content\":\" ", at)) != std::string::npos; ++at) {
    ++count;
  }
  return count;
}

bool contains(const PlainAnswer& answer, const char* text) {
  return answer.body.find(text) != std::string::npos;
}

TEST(Faults, ResetTheConnectionBeforeAnyAnswer) {
  const Injected injected = inject({.kind = FaultKind::kReset});
  EXPECT_EQ(injected.answer.status, 0);
  EXPECT_TRUE(injected.answer.reset);
  EXPECT_EQ(injected.truth.status, 0);
  EXPECT_EQ(injected.truth.output_tokens, 0);
}

TEST(Faults, ResetTheConnectionAfterSomeChunks) {
  const Injected injected = inject({.kind = FaultKind::kReset, .after_chunks = 3});
  EXPECT_EQ(injected.answer.status, 200);
  EXPECT_FALSE(injected.answer.complete);
  EXPECT_TRUE(injected.answer.reset);
  EXPECT_EQ(injected.truth.output_tokens, 3);
}

TEST(Faults, TruncateTheBody) {
  const Injected injected = inject({.kind = FaultKind::kTruncate, .after_chunks = 2});
  EXPECT_FALSE(injected.answer.complete);
  EXPECT_FALSE(injected.answer.reset);
  EXPECT_EQ(tokens_in(injected.answer), 2U);
  EXPECT_EQ(injected.truth.output_tokens, 2);
}

TEST(Faults, StallInTheMiddleAndThenGoOn) {
  const Injected injected =
      inject({.kind = FaultKind::kStall, .after_chunks = 2, .duration = milliseconds(150)});
  EXPECT_TRUE(injected.answer.complete);
  EXPECT_EQ(tokens_in(injected.answer), 6U);
  const auto& chunks = injected.truth.chunks;
  ASSERT_EQ(chunks.size(), 6U);
  EXPECT_GE(chunks[2].sent - chunks[1].sent, milliseconds(150));
  EXPECT_LT(injected.truth.lateness_max, milliseconds(100)) << "a stall is no lateness";
  EXPECT_GE(injected.took, milliseconds(150));
}

TEST(Faults, CutAChunksJson) {
  const Injected injected = inject({.kind = FaultKind::kMalformedJson, .after_chunks = 2});
  const auto lines = data_lines(injected.answer.body);
  EXPECT_TRUE(json::accept(lines[2]));
  EXPECT_FALSE(json::accept(lines[3]));
  EXPECT_TRUE(json::accept(lines[4]));
}

TEST(Faults, SendAnErrorUnderHttp200InTheDialectsStyle) {
  const Fault fault{.kind = FaultKind::kErrorEvent, .after_chunks = 2};
  const Injected vllm = inject(fault);
  EXPECT_EQ(vllm.answer.status, 200);
  EXPECT_TRUE(vllm.answer.complete);
  const auto lines = data_lines(vllm.answer.body);
  ASSERT_EQ(lines.size(), 5U);
  EXPECT_EQ(json::parse(lines[3])["error"]["code"], 500);
  EXPECT_EQ(lines[4], "[DONE]");
  EXPECT_EQ(vllm.truth.output_tokens, 2);
  const auto llamacpp = data_lines(inject(fault, Dialect::kLlamacpp).answer.body);
  EXPECT_TRUE(json::parse(llamacpp.back()).contains("error")) << "no [DONE] follows";
  const auto tgi = data_lines(inject(fault, Dialect::kTgi).answer.body);
  EXPECT_TRUE(json::parse(tgi.back())["error"].is_string());
}

TEST(Faults, LeaveOutTheEnd) {
  const Injected injected = inject({.kind = FaultKind::kMissingDone});
  EXPECT_TRUE(injected.answer.complete) << "as HTTP says it should";
  EXPECT_EQ(tokens_in(injected.answer), 6U);
  EXPECT_FALSE(contains(injected.answer, "[DONE]"));
  EXPECT_FALSE(contains(injected.answer, "\"length\""));
  EXPECT_TRUE(injected.truth.finish_reason.empty());
  EXPECT_EQ(injected.truth.output_tokens, 6);
}

TEST(Faults, FallSilentAfterTheFinishReason) {
  const Injected injected = inject({.kind = FaultKind::kSilentEnd, .duration = milliseconds(1)});
  EXPECT_FALSE(injected.answer.complete);
  EXPECT_EQ(tokens_in(injected.answer), 6U);
  EXPECT_TRUE(contains(injected.answer, "\"length\""));
  EXPECT_FALSE(contains(injected.answer, "[DONE]"));
  EXPECT_EQ(injected.truth.finish_reason, "length");
  EXPECT_FALSE(injected.truth.client_closed);
}

TEST(Faults, SendOnlyTheEnd) {
  const Injected injected = inject({.kind = FaultKind::kDoneOnly});
  EXPECT_EQ(data_lines(injected.answer.body), std::vector<std::string>{"[DONE]"});
  EXPECT_EQ(injected.truth.output_tokens, 0);
}

TEST(Faults, LeaveUsageOutOrGetItWrong) {
  EXPECT_FALSE(contains(inject({.kind = FaultKind::kMissingUsage}).answer, "usage"));
  const Injected wrong = inject({.kind = FaultKind::kWrongUsage});
  EXPECT_TRUE(contains(wrong.answer, "\"completion_tokens\":7"));
  EXPECT_EQ(wrong.truth.output_tokens, 6) << "the truth is what was sent";
}

TEST(Faults, CountOneMoreForAPromptOfOddLength) {
  const Injected odd = inject({.kind = FaultKind::kOddUsage});
  const int64_t prompt = odd.truth.prompt_tokens;
  ASSERT_EQ(prompt % 2, 1);
  const std::string counted = "\"prompt_tokens\":" + std::to_string(prompt + 1) + ",";
  EXPECT_TRUE(contains(odd.answer, counted.c_str()));
}

TEST(Faults, EndEarlyButCleanly) {
  const Injected injected = inject({.kind = FaultKind::kEarlyEnd, .after_chunks = 4});
  EXPECT_EQ(tokens_in(injected.answer), 4U);
  EXPECT_TRUE(contains(injected.answer, "\"completion_tokens\":4"));
  EXPECT_EQ(data_lines(injected.answer.body).back(), "[DONE]");
  EXPECT_EQ(injected.truth.finish_reason, "stop");
}

TEST(Faults, AnswerWithAStatus) {
  for (int status : {400, 401, 404, 413, 429, 500, 503}) {
    const Injected injected =
        inject({.kind = FaultKind::kStatus, .status = status, .retry_after_s = 7});
    EXPECT_EQ(injected.answer.status, status);
    EXPECT_NE(injected.answer.head.find("Retry-After: 7\r\n"), std::string::npos);
    EXPECT_TRUE(json::parse(injected.answer.body).contains("error"));
    EXPECT_EQ(injected.truth.status, status);
  }
}

TEST(Faults, DribbleTheHeaders) {
  const Injected injected =
      inject({.kind = FaultKind::kSlowHeaders, .duration = milliseconds(200)});
  EXPECT_GE(injected.took, milliseconds(180));
  EXPECT_GT(injected.reads.size(), 50U);
  EXPECT_TRUE(injected.answer.complete);
  EXPECT_EQ(tokens_in(injected.answer), 6U);
}

TEST(Faults, WriteByteByByte) {
  const Injected injected = inject({.kind = FaultKind::kByteWrites});
  EXPECT_TRUE(injected.answer.complete);
  EXPECT_EQ(tokens_in(injected.answer), 6U);
  EXPECT_EQ(data_lines(injected.answer.body).back(), "[DONE]");
}

TEST(Faults, RefuseConnectionsForAWhile) {
  SimulatorProfile profile;
  profile.faults = {{.kind = FaultKind::kRefuse, .requests = {1}, .duration = milliseconds(1500)}};
  Simulator simulator(profile);
  EXPECT_EQ(ask(simulator.port(), chat(1)).status, 0);
  EXPECT_FALSE(PlainConnection(simulator.port()).connected());
  const Instant give_up = SteadyClock().now() + std::chrono::seconds(10);
  while (SteadyClock().now() < give_up && !PlainConnection(simulator.port()).connected()) {
  }
  EXPECT_EQ(ask(simulator.port(), chat(1)).status, 200);
}

TEST(Faults, StrikeAsOftenAsTheirProbabilitySays) {
  SimulatorProfile profile;
  profile.faults = {{.kind = FaultKind::kStatus, .probability = 0.3, .status = 500}};
  std::vector<int> first;
  for (int run = 0; run < 2; ++run) {
    Simulator simulator(profile);
    PlainConnection connection(simulator.port());
    std::vector<int> statuses;
    for (int i = 0; i < 300; ++i) {
      connection.send(chat(1));
      statuses.push_back(connection.read_answer().status);
    }
    const auto struck = std::count(statuses.begin(), statuses.end(), 500);
    EXPECT_NEAR(static_cast<double>(struck), 90, 40) << "five standard deviations";
    if (run == 0) first = statuses;
    EXPECT_EQ(statuses, first) << "the seed decides which";
  }
}

}  // namespace
}  // namespace llmsweep::sim
