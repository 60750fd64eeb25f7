#include "llmsweep/simulator/truth.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <thread>

#include "chat_body.h"
#include "llmsweep/base/error.h"
#include "llmsweep/simulator/simulator.h"
#include "plain_client.h"
#include "temporary_directory.h"

namespace llmsweep::sim {
namespace {

using nlohmann::json;

double median_ms(std::vector<Duration> values) {
  std::sort(values.begin(), values.end());
  return to_ms(values.at(values.size() / 2));
}

TEST(TruthLog, ReadsBackWhatItWrites) {
  const TemporaryDirectory directory;
  TruthRecord record{.response_id = "chatcmpl-\"1",
                     .number = 3,
                     .api = "chat",
                     .stream = true,
                     .arrival = from_ns(100),
                     .chunks = {{from_ns(300), 1}, {from_ns(500), 4}},
                     .end = from_ns(600),
                     .prompt_tokens = 9,
                     .cached_tokens = 2,
                     .output_tokens = 5,
                     .finish_reason = "length",
                     .fault = "stall",
                     .client_closed = true,
                     .lateness_mean = Duration(7),
                     .lateness_max = Duration(8),
                     .blocked_writes = 1};
  const TruthRecord empty{.number = 4, .api = "completions", .arrival = from_ns(1), .status = 0};
  std::ofstream(directory / "truth.jsonl") << truth_line(record) << '\n'
                                           << truth_line(empty) << '\n'
                                           << R"({"response_id":"cut)";
  const auto records = read_truth_log(directory / "truth.jsonl");
  ASSERT_EQ(records.size(), 2U) << "a line cut short by a kill is left out";
  EXPECT_EQ(truth_line(records[0]), truth_line(record));
  EXPECT_EQ(truth_line(records[1]), truth_line(empty));
  EXPECT_EQ(records[0].chunks[1].tokens, 4);
  EXPECT_FALSE(records[1].end.has_value());
}

TEST(TruthLog, NamesTheLineThatIsNotOne) {
  const TemporaryDirectory directory;
  std::ofstream(directory / "truth.jsonl") << "{}\n";
  try {
    read_truth_log(directory / "truth.jsonl");
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("truth.jsonl:1"), std::string::npos);
  }
}

TEST(Truth, AccountsForEveryRequestAndToken) {
  const TemporaryDirectory directory;
  const auto path = directory / "truth.jsonl";
  SimulatorProfile profile;
  std::vector<std::string> ids;
  {
    Simulator simulator(profile, {.truth_log = path});
    for (int tokens : {1, 5, 9}) {
      const auto lines = data_lines(ask(simulator.port(), chat(tokens, kStream)).body);
      ids.push_back(json::parse(lines.front())["id"]);
    }
    const json plain = json::parse(ask(simulator.port(), chat(4)).body);
    ids.push_back(plain["id"]);
    ask(simulator.port(), chat(4, {{"n", 3}}));
  }
  const auto records = read_truth_log(path);
  ASSERT_EQ(records.size(), 5U);
  const std::vector<int64_t> tokens = {1, 5, 9, 4};
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(records[i].number, static_cast<int64_t>(i) + 1);
    EXPECT_EQ(records[i].response_id, ids[i]);
    EXPECT_EQ(records[i].output_tokens, tokens[i]);
    EXPECT_EQ(records[i].prompt_tokens, 11);
    EXPECT_EQ(records[i].chunks.size(), i < 3 ? static_cast<size_t>(tokens[i]) : 1U);
    EXPECT_EQ(records[i].finish_reason, "length");
    EXPECT_TRUE(records[i].fault.empty());
    EXPECT_FALSE(records[i].client_closed);
    EXPECT_LE(records[i].arrival, *records[i].prefill_start);
    EXPECT_LE(*records[i].prefill_start, records[i].chunks.front().sent);
    EXPECT_LE(records[i].chunks.back().sent, *records[i].end);
  }
  EXPECT_EQ(records[4].status, 400);
  EXPECT_TRUE(records[4].response_id.empty());
}

TEST(Truth, SaysThatTheClientLeft) {
  const TemporaryDirectory directory;
  const auto path = directory / "truth.jsonl";
  SimulatorProfile profile;
  profile.engine.step.base = std::chrono::milliseconds(2);
  {
    Simulator simulator(profile, {.truth_log = path});
    {
      PlainConnection connection(simulator.port());
      connection.send(chat(100'000, kStream));
      for (int i = 0; i < 5; ++i) connection.receive();
    }
    while (ask(simulator.port(), get("/metrics")).body.find("finished_reason=\"abort\"} 1\n") ==
           std::string::npos) {
    }
    EXPECT_NE(ask(simulator.port(), get("/metrics"))
                  .body.find("num_requests_running{model_name="
                             "\"simulated\"} 0"),
              std::string::npos)
        << "the engine has given its place back";
  }
  const Truth truth = read_truth(path);
  ASSERT_EQ(truth.requests.size(), 1U);
  EXPECT_TRUE(truth.requests[0].client_closed);
  EXPECT_LT(truth.requests[0].output_tokens, 100'000);
  ASSERT_EQ(truth.closings.size(), 1U);  // of those that asked for /metrics nothing is said
  EXPECT_EQ(truth.closings[0].last_response_id, truth.requests[0].response_id);
  EXPECT_EQ(truth.closings[0].last_arrival, truth.requests[0].arrival);
  EXPECT_GT(truth.closings[0].at, truth.requests[0].chunks.front().sent);
  EXPECT_TRUE(truth.alive.empty());
}

void leave_at_done(const Simulator& simulator) {
  PlainConnection connection(simulator.port());
  connection.send(chat(2, kStream));
  while (connection.unread().find("[DONE]") == std::string::npos) connection.receive();
}

TEST(Truth, SaysWhenAnIdleConnectionBroke) {
  const TemporaryDirectory directory;
  const auto path = directory / "truth.jsonl";
  {
    Simulator simulator({}, {.truth_log = path});
    leave_at_done(simulator);
    while (read_truth(path).closings.empty()) std::this_thread::yield();
  }
  const Truth truth = read_truth(path);
  ASSERT_EQ(truth.requests.size(), 1U);
  EXPECT_FALSE(truth.requests[0].client_closed);
  ASSERT_EQ(truth.closings.size(), 1U);
  EXPECT_EQ(truth.closings[0].last_response_id, truth.requests[0].response_id);
  EXPECT_GE(truth.closings[0].at, *truth.requests[0].end);
}

// It got all there was to get: the time until the end of the body is the endpoint's.
TEST(Truth, SaysNothingAgainstAClientThatLeftAfterDone) {
  const TemporaryDirectory directory;
  const auto path = directory / "truth.jsonl";
  SimulatorProfile profile;
  profile.wire.tail = std::chrono::minutes(5);
  {
    Simulator simulator(profile, {.truth_log = path});
    leave_at_done(simulator);
    while (read_truth(path).requests.empty()) std::this_thread::yield();
  }
  const Truth truth = read_truth(path);
  ASSERT_EQ(truth.requests.size(), 1U);
  EXPECT_FALSE(truth.requests[0].client_closed);
  EXPECT_EQ(truth.requests[0].output_tokens, 2);
}

// Scripts read the log line by line and take every key of each.
TEST(Truth, KeepsItsLogToRequests) {
  const TemporaryDirectory directory;
  const auto path = directory / "truth.jsonl";
  {
    Simulator simulator({}, {.truth_log = path, .signs_of_life = true});
    leave_at_done(simulator);
    while (read_truth(path).closings.empty() || read_truth(path).alive.empty()) {
      std::this_thread::yield();
    }
  }
  std::ifstream log(path);
  int lines = 0;
  for (std::string line; std::getline(log, line); ++lines) {
    EXPECT_TRUE(json::parse(line).contains("response_id")) << line;
  }
  EXPECT_EQ(lines, 1);
  std::filesystem::remove(signs_beside(path));
  EXPECT_TRUE(read_truth(path).closings.empty()) << "a log without signs can be read";
}

TEST(Truth, ShowsForAWhileThatTheEndpointLives) {
  const TemporaryDirectory directory;
  const auto path = directory / "truth.jsonl";
  {
    Simulator simulator({}, {.truth_log = path, .signs_of_life = true});
    PlainConnection connection(simulator.port());
    connection.send(chat(2, kStream));
    while (connection.unread().find("[DONE]") == std::string::npos) connection.receive();
    while (read_truth(path).alive.size() < kSignsOfLife) std::this_thread::yield();
  }
  const Truth truth = read_truth(path);
  ASSERT_EQ(truth.requests.size(), 1U);
  EXPECT_GE(truth.alive.front() - *truth.requests[0].end, kSignOfLife);
  EXPECT_GE(truth.alive.back() - *truth.requests[0].end, kSignsOfLife * kSignOfLife);
}

TEST(Pacing, KeepsTheEnginesAbsoluteInstants) {
  const TemporaryDirectory directory;
  const auto path = directory / "truth.jsonl";
  SimulatorProfile profile;
  profile.engine.step = {.base = std::chrono::milliseconds(3),
                         .per_sequence = std::chrono::milliseconds(1)};
  std::vector<Instant> received;
  {
    Simulator simulator(profile, {.truth_log = path});
    PlainConnection connection(simulator.port());
    connection.send(chat(101, kStream));
    size_t seen = 0;
    for (bool done = false; !done && connection.receive();) {
      const Instant now = SteadyClock().now();
      const std::string& bytes = connection.unread();
      done = bytes.find("[DONE]") != std::string::npos;
      size_t chunks = 0;
      for (size_t at = 0; (at = bytes.find("\"content\":\" ", at)) != std::string::npos; ++at) {
        ++chunks;
      }
      for (; seen < chunks; ++seen) received.push_back(now);
    }
  }
  const auto records = read_truth_log(path);
  ASSERT_EQ(records.size(), 1U);
  const auto& chunks = records[0].chunks;
  ASSERT_EQ(chunks.size(), 101U);
  ASSERT_EQ(received.size(), 101U);
  std::vector<Duration> gaps;
  std::vector<Duration> delays;
  for (size_t i = 0; i < chunks.size(); ++i) {
    EXPECT_LE(chunks[i].sent, received[i]) << "received before it was sent";
    delays.push_back(received[i] - chunks[i].sent);
    if (i > 0) gaps.push_back(chunks[i].sent - chunks[i - 1].sent);
  }
  EXPECT_NEAR(median_ms(gaps), 4, 1);  // other tests run beside this one
  EXPECT_LT(median_ms(delays), 4);
  // Late by what its last chunk was late, not by the sum over 100 chunks.
  const Duration span = chunks.back().sent - chunks.front().sent;
  const Duration late = records[0].lateness_max;
  EXPECT_GE(to_ms(span), 400 - to_ms(late));
  EXPECT_LE(to_ms(span), 400 + to_ms(late));
  EXPECT_GE(records[0].lateness_mean, Duration(0));
}

}  // namespace
}  // namespace llmsweep::sim
