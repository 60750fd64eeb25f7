#include <gtest/gtest.h>

#include "chat_body.h"
#include "llmsweep/simulator/simulator.h"
#include "llmsweep/simulator/truth.h"
#include "plain_client.h"
#include "temporary_directory.h"

namespace llmsweep::sim {
namespace {

using nlohmann::json;

SimulatorProfile profile_of(Dialect dialect) {
  SimulatorProfile profile;
  profile.dialect = dialect;
  profile.wire = wire_defaults(dialect);
  return profile;
}

const std::vector<Dialect> kAll = {Dialect::kVllm,     Dialect::kSglang, Dialect::kTrtllm,
                                   Dialect::kLlamacpp, Dialect::kTgi,    Dialect::kOpenai};

PlainAnswer stream_of(const SimulatorProfile& profile, bool is_chat, int64_t tokens,
                      json more = kStreamUsage) {
  Simulator simulator(profile);
  if (profile.dialect != Dialect::kOpenai) more["ignore_eos"] = true;
  const std::string path = is_chat ? "/v1/chat/completions" : "/v1/completions";
  return ask(simulator.port(), post(path, body_of(is_chat, tokens, more)));
}

std::string text_of(const json& choice) {
  if (choice.contains("text")) return choice["text"].is_null() ? "" : choice["text"];
  const json& delta = choice["delta"];
  for (const char* key : {"content", "reasoning_content", "reasoning"}) {
    if (delta.contains(key) && delta[key].is_string()) return delta[key];
  }
  return "";
}

TEST(Dialects, AllGiveTheWholeTextOneFinishReasonAndOneUsage) {
  for (Dialect dialect : kAll) {
    for (bool is_chat : {true, false}) {
      const std::string label =
          std::string(name_of(dialect)) + (is_chat ? " chat" : " completions");
      SimulatorProfile profile = profile_of(dialect);
      profile.tokens.natural_mean = 1e6;
      const PlainAnswer answer = stream_of(profile, is_chat, 20);
      ASSERT_EQ(answer.status, 200) << label << answer.body;
      EXPECT_TRUE(answer.complete) << label;
      const auto lines = data_lines(answer.body);
      EXPECT_EQ(lines.back(), "[DONE]") << label;
      std::string text;
      int finishes = 0;
      int usages = 0;
      for (size_t i = 0; i + 1 < lines.size(); ++i) {
        const json chunk = json::parse(lines[i]);
        if (chunk.contains("usage") && !chunk["usage"].is_null()) {
          ++usages;
          EXPECT_EQ(chunk["usage"]["completion_tokens"], 20) << label;
        }
        if (chunk["choices"].empty()) continue;
        const json& choice = chunk["choices"][0];
        text += text_of(choice);
        if (choice.contains("finish_reason") && !choice["finish_reason"].is_null()) ++finishes;
      }
      EXPECT_EQ(std::count(text.begin(), text.end(), ' '), 20) << label << text;
      EXPECT_EQ(finishes, 1) << label;
      EXPECT_EQ(usages, 1) << label;
    }
  }
}

TEST(Dialects, VllmEndsWithTheLastTokenAndSendsUsageApart) {
  const auto lines = data_lines(stream_of(profile_of(Dialect::kVllm), true, 3).body);
  ASSERT_EQ(lines.size(), 6U);
  EXPECT_EQ(json::parse(lines[3])["choices"][0]["finish_reason"], "length");
  EXPECT_TRUE(json::parse(lines[4])["choices"].empty());
}

TEST(Dialects, SglangFinishesInAChunkOfNulls) {
  const auto lines = data_lines(stream_of(profile_of(Dialect::kSglang), true, 2).body);
  ASSERT_EQ(lines.size(), 6U);
  const json token = json::parse(lines[1]);
  EXPECT_TRUE(token["usage"].is_null());
  EXPECT_TRUE(token["choices"][0]["delta"]["tool_calls"].is_null());
  const json finish = json::parse(lines[3]);
  EXPECT_TRUE(finish["choices"][0]["delta"]["content"].is_null());
  EXPECT_EQ(finish["choices"][0]["finish_reason"], "length");
  EXPECT_TRUE(finish["choices"][0].contains("matched_stop"));
}

TEST(Dialects, TensorRtLlmPutsASpaceBeforeTheFirstBlankLineAndLeavesNullsOut) {
  const std::string body = stream_of(profile_of(Dialect::kTrtllm), true, 3).body;
  EXPECT_EQ(body.find("} \n\n"), body.find("\n\n") - 2) << body;
  EXPECT_EQ(body.find("} \n\n", body.find("\n\n")), std::string::npos);
  const json token = json::parse(data_lines(body)[1]);
  EXPECT_FALSE(token["choices"][0].contains("finish_reason"));
  EXPECT_EQ(token["choices"][0]["avg_decoded_tokens_per_iter"], 1.0);
  const auto completions = data_lines(stream_of(profile_of(Dialect::kTrtllm), false, 3).body);
  EXPECT_TRUE(json::parse(completions[0])["choices"][0]["finish_reason"].is_null());
}

TEST(Dialects, LlamaCppHoldsCharactersBackAndClosesTheConnection) {
  Simulator simulator(profile_of(Dialect::kLlamacpp));
  PlainConnection connection(simulator.port());
  connection.send(chat(40, kStreamUsage));
  const PlainAnswer answer = connection.read_answer();
  EXPECT_NE(answer.head.find("Keep-Alive: timeout=5"), std::string::npos) << "in spite of";
  EXPECT_TRUE(connection.at_end());
  const auto lines = data_lines(answer.body);
  EXPECT_TRUE(json::parse(lines[0])["choices"][0]["delta"]["content"].is_null());
  const size_t token_chunks = lines.size() - 4;  // role, finish, usage, [DONE]
  EXPECT_EQ(token_chunks, 40U - 40 / 7);
  const json last = json::parse(lines[lines.size() - 2]);
  EXPECT_EQ(last["timings"]["predicted_n"], 40);
  // Completions: usage in the finish chunk, asked for or not.
  const auto plain = data_lines(stream_of(profile_of(Dialect::kLlamacpp), false, 5, kStream).body);
  const json finish = json::parse(plain[plain.size() - 2]);
  EXPECT_EQ(finish["choices"][0]["text"], "");
  EXPECT_EQ(finish["usage"]["completion_tokens"], 5);
  // Chat without include_usage: timings on the finish chunk, no usage.
  const std::string bare = stream_of(profile_of(Dialect::kLlamacpp), true, 5, kStream).body;
  EXPECT_EQ(bare.find("\"usage\""), std::string::npos);
  EXPECT_NE(bare.find("\"timings\""), std::string::npos);
}

TEST(Dialects, TgiLeavesTheSpaceAfterDataOut) {
  const std::string body = stream_of(profile_of(Dialect::kTgi), true, 3).body;
  EXPECT_EQ(body.find("data: "), std::string::npos);
  EXPECT_EQ(body.find("data:{"), 0U);
}

TEST(Dialects, OpenAiRefusesFieldsThatItDoesNotKnow) {
  Simulator simulator(profile_of(Dialect::kOpenai));
  const PlainAnswer answer = ask(simulator.port(), chat(3));
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(json::parse(answer.body)["error"]["param"], "ignore_eos");
}

TEST(WireOptions, ChangeTheFraming) {
  SimulatorProfile profile = profile_of(Dialect::kVllm);
  profile.wire.crlf = true;
  profile.wire.event_name = "message";
  profile.wire.data_null = true;
  profile.wire.done_blank_line = false;
  const std::string body = stream_of(profile, true, 2).body;
  EXPECT_EQ(body.find("event: message\r\ndata: null\r\n\r\n"), 0U) << body;
  EXPECT_TRUE(body.ends_with("\r\n\r\ndata: [DONE]\r\n"));
  for (size_t at = 0; (at = body.find('\n', at)) != std::string::npos; ++at) {
    EXPECT_EQ(body[at - 1], '\r');
  }
}

TEST(WireOptions, PutSeveralTokensIntoAChunk) {
  SimulatorProfile profile = profile_of(Dialect::kVllm);
  profile.wire.tokens_per_chunk = 4;
  const auto lines = data_lines(stream_of(profile, true, 10, kStream).body);
  ASSERT_EQ(lines.size(), 1U + 3 + 1);
  const std::string text = text_of(json::parse(lines[1])["choices"][0]);
  EXPECT_EQ(std::count(text.begin(), text.end(), ' '), 4);
  const std::string last = text_of(json::parse(lines[3])["choices"][0]);
  EXPECT_EQ(std::count(last.begin(), last.end(), ' '), 2);
}

TEST(WireOptions, ReasonBeforeAnswering) {
  SimulatorProfile profile = profile_of(Dialect::kVllm);
  profile.wire.reasoning_tokens = 3;
  const auto lines = data_lines(stream_of(profile, true, 5).body);
  for (size_t i = 1; i <= 5; ++i) {
    const json delta = json::parse(lines[i])["choices"][0]["delta"];
    EXPECT_EQ(delta.contains("reasoning"), i <= 3);
    EXPECT_EQ(delta.contains("content"), i > 3);
  }
  const json usage = json::parse(lines[6])["usage"];
  EXPECT_EQ(usage["completion_tokens_details"]["reasoning_tokens"], 3);
  const json plain = json::parse(stream_of(profile, true, 5, json::object()).body);
  EXPECT_FALSE(plain["choices"][0]["message"]["reasoning"].get<std::string>().empty());
}

TEST(WireOptions, CountFirstTokensThatHaveNoText) {
  for (const Dialect dialect : kAll) {
    for (const int64_t silent : {3, 9}) {
      SimulatorProfile profile = profile_of(dialect);
      profile.tokens.natural_mean = 1e6;
      profile.wire.silent_tokens = silent;
      const PlainAnswer answer = stream_of(profile, true, 5);
      EXPECT_TRUE(answer.complete) << name_of(dialect);
      std::string text;
      int64_t counted = 0;
      bool finished = false;
      for (const std::string& line : data_lines(answer.body)) {
        if (line == "[DONE]") continue;
        const json chunk = json::parse(line);
        if (chunk.contains("usage") && chunk["usage"].is_object()) {
          counted = chunk["usage"]["completion_tokens"];
        }
        if (chunk["choices"].empty()) continue;
        text += text_of(chunk["choices"][0]);
        finished |= chunk["choices"][0].value("finish_reason", json()) == "length";
      }
      EXPECT_EQ(counted, 5) << name_of(dialect);
      EXPECT_TRUE(finished) << name_of(dialect);
      EXPECT_EQ(std::count(text.begin(), text.end(), ' '), silent == 3 ? 2 : 0) << text;
    }
  }
}

TEST(WireOptions, PutUsageIntoTheFinishChunkOrEveryChunk) {
  SimulatorProfile profile = profile_of(Dialect::kVllm);
  profile.wire.usage = WireProfile::Usage::kFinishChunk;
  auto lines = data_lines(stream_of(profile, true, 2).body);
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_EQ(json::parse(lines[2])["usage"]["completion_tokens"], 2);
  EXPECT_EQ(json::parse(lines[2])["choices"][0]["finish_reason"], "length");
  profile.wire.usage = WireProfile::Usage::kEveryChunk;
  lines = data_lines(stream_of(profile, true, 2).body);
  EXPECT_EQ(json::parse(lines[1])["usage"]["completion_tokens"], 1);
  profile.wire.usage = WireProfile::Usage::kOwnChunk;
  profile.wire.usage_always = true;
  lines = data_lines(stream_of(profile, true, 2, kStream).body);
  EXPECT_EQ(json::parse(lines[3])["usage"]["completion_tokens"], 2);
}

TEST(WireOptions, SendCommentsWhileThePromptIsComputed) {
  SimulatorProfile profile = profile_of(Dialect::kVllm);
  profile.engine.step.base = std::chrono::milliseconds(60);
  profile.wire.comment_interval = std::chrono::milliseconds(10);
  profile.wire.comment = " working";
  const std::string body = stream_of(profile, true, 2).body;
  EXPECT_TRUE(body.starts_with(": working\n\n")) << body;
  EXPECT_LT(body.rfind(": working"), body.find("data:"));
}

TEST(WireOptions, SplitACharacterOverTwoWrites) {
  SimulatorProfile profile = profile_of(Dialect::kVllm);
  profile.engine.step.base = std::chrono::milliseconds(2);
  profile.wire.text = WireProfile::Text::kSplit;
  Simulator simulator(profile);
  PlainConnection connection(simulator.port());
  connection.send(chat(30, kStream));
  const PlainAnswer answer = connection.read_answer();
  std::string text;
  for (const std::string& line : data_lines(answer.body)) {
    if (line != "[DONE]") text += text_of(json::parse(line)["choices"][0]);  // throws on bad UTF-8
  }
  EXPECT_TRUE(std::any_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) >= 0x80;  // a char has a sign on x86-64 only
  }));
  size_t at = 0;
  int inside = 0;  // reads that began in the middle of a character
  for (size_t size : connection.reads()) {
    if ((static_cast<unsigned char>(connection.received()[at]) & 0xC0U) == 0x80U) ++inside;
    at += size;
  }
  EXPECT_GT(inside, 0);
}

TEST(WireOptions, SendHeadersWhenTheProfileSays) {
  using Headers = WireProfile::Headers;
  for (auto headers : {Headers::kEarly, Headers::kPrefill, Headers::kFirstToken}) {
    const TemporaryDirectory directory;
    SimulatorProfile profile = profile_of(Dialect::kVllm);
    profile.engine.step.base = std::chrono::milliseconds(100);
    profile.engine.max_batch_size = 1;
    profile.wire.headers = headers;
    Instant seen{};
    std::string unread;
    {
      Simulator simulator(profile, {.truth_log = directory / "truth.jsonl"});
      PlainConnection first(simulator.port());
      first.send(chat(3, kStream));  // the second waits for it
      first.receive();
      PlainConnection second(simulator.port());
      second.send(chat(1, kStream));
      second.receive();
      seen = SteadyClock().now();
      unread = second.unread();
      EXPECT_TRUE(second.read_answer().complete);
      EXPECT_TRUE(first.read_answer().complete);
    }
    const TruthRecord truth = read_truth_log(directory / "truth.jsonl").at(1);
    EXPECT_EQ(seen < *truth.prefill_start, headers == Headers::kEarly);
    EXPECT_EQ(seen < truth.chunks.at(0).sent, headers != Headers::kFirstToken);
    EXPECT_EQ(unread.find("data:") != std::string::npos, headers == Headers::kFirstToken);
  }
}

}  // namespace
}  // namespace llmsweep::sim
