// The embedded endpoint writes its own wire bytes: what it says was sent must be what is read.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "llmsweep/base/random.h"
#include "protocol/recordings.h"
#include "simulator/served_api.h"

namespace llmsweep::protocol_test {
namespace {

using sim::EventWriter;

constexpr int64_t kSentTokens = 24;

struct Sent {
  Dialect dialect = Dialect::kVllm;
  bool chat = true;
  bool usage = true;
  bool continuous_usage = false;
  int64_t tokens_a_chunk = 1;
  bool crlf = false;

  std::string label() const {
    return std::string(name_of(dialect)) + (chat ? " chat" : " completions") +
           (usage ? " usage" : "") + (continuous_usage ? " continuous" : "") + " " +
           std::to_string(tokens_a_chunk) + (crlf ? " crlf" : "");
  }
};

WireProfile wire_of(const Sent& sent) {
  WireProfile wire = wire_defaults(sent.dialect);
  wire.crlf = sent.crlf;
  return wire;
}

std::unique_ptr<EventWriter> writer_of(const Sent& sent) {
  const sim::Api& api = sent.chat ? sim::kServedChat : sim::kServedCompletions;
  return api.make_writer(wire_of(sent), sent.dialect,
                         {.usage = sent.usage,
                          .continuous_usage = sent.continuous_usage,
                          .id = "r1",
                          .model = "m",
                          .prompt_tokens = 9});
}

std::string stream_of(const Sent& sent) {
  const auto writer = writer_of(sent);
  const bool finish_with_last = wire_of(sent).finish == WireProfile::Finish::kWithLastToken;
  std::string out;
  writer->comment(out);
  writer->opening(out);
  sim::Progress progress{.cached_tokens = 4};
  while (progress.output_tokens < kSentTokens) {
    progress.output_tokens += sent.tokens_a_chunk;
    ++progress.steps;
    const bool last = progress.output_tokens == kSentTokens && finish_with_last;
    writer->tokens({.text = " w六"}, progress, last ? "length" : "", out);
  }
  writer->closing("length", progress, out);
  writer->done(out);
  return out;
}

std::vector<Sent> all_ways() {
  std::vector<Sent> ways;
  for (Dialect dialect : {Dialect::kVllm, Dialect::kSglang, Dialect::kTrtllm, Dialect::kLlamacpp,
                          Dialect::kTgi, Dialect::kOpenai}) {
    for (int flags = 0; flags < 16; ++flags) {
      const bool usage = (flags & 2) != 0;
      for (bool continuous : {false, true}) {
        if (continuous && !usage) continue;
        ways.push_back({.dialect = dialect,
                        .chat = (flags & 1) != 0,
                        .usage = usage,
                        .continuous_usage = continuous,
                        .tokens_a_chunk = (flags & 4) != 0 ? 4 : 1,
                        .crlf = (flags & 8) != 0});
      }
    }
  }
  return ways;
}

TEST(SimulatorStreams, AreReadAsTheyWereMeantInEveryDialect) {
  Random random(5);
  ChunkParser parser;
  for (const Sent& sent : all_ways()) {
    SCOPED_TRACE(sent.label());
    const std::string body = stream_of(sent);
    const Api api = sent.chat ? Api::kChat : Api::kCompletions;
    const RequestRecord record = read(api, {.body = body}, paced(body, {}), parser);
    EXPECT_EQ(record.outcome, Outcome::kOk) << record.error;
    EXPECT_EQ(record.chunks, kSentTokens / sent.tokens_a_chunk);
    const bool counted = sent.usage || sent.dialect == Dialect::kLlamacpp;  // in `timings`
    EXPECT_EQ(record.output_tokens, counted ? kSentTokens : record.chunks);
    EXPECT_EQ(record.input_tokens, counted ? std::optional<int64_t>(9) : std::nullopt);
    EXPECT_EQ(record.cached_tokens, counted ? std::optional<int64_t>(4) : std::nullopt);
    EXPECT_EQ(record.finish_reason, "length");
    EXPECT_EQ(record.response_id, "r1");
    EXPECT_EQ(record.icl.count(), static_cast<uint64_t>(record.chunks - 1));
    EXPECT_EQ(record.first_chunk_tokens, record.output_tokens / record.chunks);
    for (int round = 0; round < 20; ++round) {
      const std::vector<size_t> cut = {random.below(body.size() + 1)};
      ASSERT_EQ(shown(read(api, {.body = body}, paced(body, cut), parser)), shown(record));
    }
  }
}

TEST(SimulatorStreams, EndInTheErrorThatTheDialectSends) {
  ChunkParser parser;
  for (const Sent& sent : all_ways()) {
    SCOPED_TRACE(sent.label());
    const auto writer = writer_of(sent);
    std::string body;
    writer->opening(body);
    writer->tokens({.text = " w"}, {.output_tokens = 1}, "", body);
    writer->error({.status = 500, .message = "boom", .type = "server_error"}, body);
    writer->done(body);
    const RequestRecord record = read(Api::kChat, {.body = body}, paced(body, {}), parser);
    EXPECT_EQ(record.outcome, Outcome::kProtocolError);
    EXPECT_EQ(record.error, "server error after 1 token chunk: boom (server_error)");
    EXPECT_EQ(record.chunks, 1);
  }
}

}  // namespace
}  // namespace llmsweep::protocol_test
