// Twenty tokens, as today's clients misread them: 0 tokens credited, errors taken for success, the
// last token or the usage lost. The record must say what was sent, whatever the framing.
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

#include "protocol/recordings.h"

namespace llmsweep::protocol_test {
namespace {

constexpr int kTokens = 20;

struct Framing {
  std::string data = "data: ";
  std::string before;  // each event
  std::string line_end = "\n";
  int tokens_a_chunk = 1;
  bool separate_finish = false;
};

struct Case {
  std::string name;
  Framing framing;
  size_t piece_bytes = 0;  // 0: one event a read
};

void PrintTo(const Case& row, std::ostream* out) {
  *out << row.name;
}

std::string choice(Api api, const std::string& text, const std::string& finish) {
  const std::string body = api == Api::kChat ? R"("delta":{"content":")" + text + R"("})"
                                             : R"("text":")" + text + R"(")";
  return R"({"id":"r","choices":[{"index":0,)" + body + R"(,"finish_reason":)" + finish + "}]}";
}

std::string framed(const Framing& framing, const std::string& payload) {
  return framing.before + framing.data + payload + framing.line_end + framing.line_end;
}

// The first `tokens` of the twenty; with the end only where all were sent.
std::string stream(Api api, const Framing& framing, int tokens) {
  std::string text;
  if (api == Api::kChat) {
    text +=
        framed(framing, R"({"id":"r","choices":[{"delta":{"role":"assistant","content":""}}]})");
  }
  for (int sent = framing.tokens_a_chunk; sent <= tokens; sent += framing.tokens_a_chunk) {
    std::string words;
    for (int i = 0; i < framing.tokens_a_chunk; ++i) words += " w";
    const bool last = sent == kTokens && !framing.separate_finish;
    text += framed(framing, choice(api, words, last ? R"("length")" : "null"));
  }
  if (tokens < kTokens) return text;
  if (framing.separate_finish) text += framed(framing, choice(api, "", R"("length")"));
  text += framed(framing, R"({"id":"r","choices":[],"usage":{"prompt_tokens":9,)"
                          R"("completion_tokens":20}})");
  return text + framed(framing, "[DONE]");
}

RequestRecord read(Api api, const std::string& body, size_t piece_bytes) {
  std::vector<size_t> cuts;
  for (size_t at = piece_bytes; piece_bytes != 0 && at < body.size(); at += piece_bytes) {
    cuts.push_back(at);
  }
  ChunkParser parser;
  return read(api, {.body = body}, paced(body, cuts), parser);
}

class AwkwardStream : public ::testing::TestWithParam<Case> {};

TEST_P(AwkwardStream, IsCountedInFull) {
  const Framing& framing = GetParam().framing;
  for (Api api : {Api::kChat, Api::kCompletions}) {
    const RequestRecord record = read(api, stream(api, framing, kTokens), GetParam().piece_bytes);
    EXPECT_EQ(record.outcome, Outcome::kOk) << record.error;
    EXPECT_EQ(record.output_tokens, kTokens);
    EXPECT_EQ(record.token_source, TokenSource::kUsage);
    EXPECT_EQ(record.input_tokens, 9);
    EXPECT_EQ(record.chunks, kTokens / framing.tokens_a_chunk);
    EXPECT_EQ(record.icl.count(), static_cast<uint64_t>(record.chunks - 1));
    EXPECT_EQ(record.itl.count(), static_cast<uint64_t>(kTokens - framing.tokens_a_chunk));
    EXPECT_EQ(record.finish_reason, "length");
  }
}

TEST_P(AwkwardStream, IsAFailureWhenAnErrorFollowsFiveTokens) {
  Framing framing = GetParam().framing;
  framing.tokens_a_chunk = 1;
  for (Api api : {Api::kChat, Api::kCompletions}) {
    const std::string begun = stream(api, framing, 5);
    Framing field = framing;
    field.data = "error: ";
    for (const std::string& error :
         {framed(framing, R"({"error":{"message":"boom"}})") + framed(framing, "[DONE]"),
          framed(field, R"({"message":"boom"})")}) {
      const RequestRecord record = read(api, begun + error, GetParam().piece_bytes);
      EXPECT_EQ(record.outcome, Outcome::kProtocolError);
      EXPECT_EQ(record.error, "server error after 5 token chunks: boom");
      EXPECT_EQ(record.output_tokens, 5);
    }
  }
}

TEST_P(AwkwardStream, IsAFailureWhenItIsCutAfterFiveTokens) {
  Framing framing = GetParam().framing;
  framing.tokens_a_chunk = 1;
  for (Api api : {Api::kChat, Api::kCompletions}) {
    const RequestRecord record = read(api, stream(api, framing, 5), GetParam().piece_bytes);
    EXPECT_EQ(record.outcome, Outcome::kProtocolError);
    EXPECT_EQ(record.output_tokens, 5);
  }
}

INSTANTIATE_TEST_SUITE_P(Framing, AwkwardStream,
                         ::testing::Values(Case{"Plain", {}}, Case{"NoSpace", {.data = "data:"}},
                                           Case{"EventLine", {.before = "event: message\n"}},
                                           Case{"CommentPings", {.before = ": ping\n\n"}},
                                           Case{"RewrappedPings", {.before = "data: : ping\n\n"}},
                                           Case{"Crlf", {.line_end = "\r\n"}},
                                           Case{"Cr", {.line_end = "\r"}},
                                           Case{"BytesOneAtATime", {}, 1},
                                           Case{"SevenBytePieces", {}, 7},
                                           Case{"CrlfInSevenBytePieces", {.line_end = "\r\n"}, 7},
                                           Case{"FourTokensAChunk", {.tokens_a_chunk = 4}},
                                           Case{"SeparateFinish", {.separate_finish = true}}),
                         [](const ::testing::TestParamInfo<Case>& row) { return row.param.name; });

}  // namespace
}  // namespace llmsweep::protocol_test
