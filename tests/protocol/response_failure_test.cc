// What a response that fails is read as.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "llmsweep/base/random.h"
#include "protocol/response_stream.h"

namespace llmsweep::protocol_test {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST(ResponseReader, FailsAStreamWithoutTokens) {
  EXPECT_THAT(answer_to("").error, HasSubstr("no tokens: the answer is empty"));
  EXPECT_THAT(answer_to(": ping\n\n").error, HasSubstr("no tokens: the answer is empty"));
  EXPECT_THAT(answer_to(kDone).error, HasSubstr("[DONE] came without any chunk"));
  const RequestRecord record = answer_to(kRole + kFinish + kDone);
  EXPECT_EQ(record.outcome, Outcome::kProtocolError);
  EXPECT_THAT(record.error, HasSubstr("without model output (finish_reason length)"));
  EXPECT_FALSE(record.first_token.has_value());
}

TEST(ResponseReader, TellsAnEndWithoutTextFromOtherFailures) {
  const auto ended_without_text = [](const std::string& stream) {
    Response response;
    response.bytes(stream, 1).end();
    return response.ended_without_text();
  };
  EXPECT_TRUE(ended_without_text(kRole + kFinish + kDone));
  EXPECT_TRUE(ended_without_text(kRole + kFinish));
  EXPECT_TRUE(ended_without_text(word("") + kDone));
  const std::string counted = event(R"({"choices":[],"usage":{"completion_tokens":16}})");
  EXPECT_TRUE(ended_without_text(counted + kDone));
  EXPECT_FALSE(ended_without_text(counted)) << "no end";
  EXPECT_FALSE(
      ended_without_text(event(R"({"choices":[],"usage":{"completion_tokens":0}})") + kDone));
  EXPECT_FALSE(ended_without_text(word("a") + kFinish + kDone)) << "no failure";
  EXPECT_FALSE(ended_without_text(kDone)) << "no answer";
  EXPECT_FALSE(ended_without_text(kRole)) << "no end";
  EXPECT_FALSE(ended_without_text(kRole + event(R"({"error":"boom"})") + kDone));
  EXPECT_FALSE(ended_without_text(kRole + kFinish + event(R"({"error":"boom"})") + kDone));
}

TEST(ResponseReader, FailsAStreamThatEndsWithoutDoneAndFinishReason) {
  const RequestRecord record = answer_to(word("a") + word("b"));
  EXPECT_EQ(record.outcome, Outcome::kProtocolError);
  EXPECT_THAT(record.error, HasSubstr("after 2 token chunks without [DONE]"));
  EXPECT_EQ(record.output_tokens, 2);
  EXPECT_EQ(answer_to(word("a") + kFinish).outcome, Outcome::kOk);
  EXPECT_EQ(answer_to(word("a") + kDone).outcome, Outcome::kOk);
}

TEST(ResponseReader, ChangesNothingButItsEndAfterDone) {
  Response response;
  response.bytes(word("a") + kDone + word("b"), 10);
  ASSERT_TRUE(response.finished());
  EXPECT_EQ(response.record.end, at(10));
  response.bytes(word("c"), 20).fail(Outcome::kTransportError, "reset by peer", 30);
  response.end(40);
  EXPECT_EQ(response.record.outcome, Outcome::kOk);
  EXPECT_EQ(response.record.chunks, 1);
  EXPECT_EQ(response.record.last_token, at(10));
  EXPECT_EQ(response.record.end, at(40)) << "of the transfer: until then the slot was taken";
}

TEST(ResponseReader, FailsOnAnErrorInWhateverShape) {
  for (const char* stream :
       {"data: {\"error\":{\"message\":\"boom\"}}\n\n", "data: {\"error\":\"boom\"}\n\n",
        "error: {\"message\":\"boom\"}\n\n", "event: error\ndata: {\"message\":\"boom\"}\n\n",
        "event: error\ndata: boom\n\n", "data: {\"object\":\"error\",\"message\":\"boom\"}\n\n",
        "data: {\"choices\":[{\"delta\":{},\"error\":{\"message\":\"boom\"}}]}\n\n",
        "data: {\"error\":true,\"message\":\"boom\"}\n\n"}) {
    Response response;
    response.bytes(word("a"), 10).bytes(stream, 20);
    EXPECT_TRUE(response.finished()) << stream;
    const RequestRecord& record = response.bytes(kDone, 30).end();
    EXPECT_EQ(record.outcome, Outcome::kProtocolError) << stream;
    EXPECT_EQ(record.error, "server error after 1 token chunk: boom") << stream;
    EXPECT_EQ(record.end, at(20)) << stream;
  }
  for (const char* error : {"null", "\"\"", "false"}) {
    const std::string more = std::string("\"error\":") + error;
    EXPECT_EQ(answer_to(word("a", more) + kDone).outcome, Outcome::kOk) << error;
  }
}

TEST(ResponseReader, NamesTheChunkThatIsMalformed) {
  const RequestRecord record = answer_to(word("a") + word("b") + "data: {\"choices\":[\n\n");
  EXPECT_EQ(record.outcome, Outcome::kProtocolError);
  EXPECT_THAT(record.error, StartsWith("chunk 3 is malformed ("));
  EXPECT_THAT(record.error, HasSubstr("{\"choices\":["));
  EXPECT_THAT(answer_to(event("[1]")).error, HasSubstr("not a JSON object"));
  EXPECT_THAT(answer_to(event("\x1b[31mred")).error, EndsWith("): …"));
}

TEST(ResponseReader, ShowsNoAnswerInAChunkThatIsMalformed) {
  for (const char* payload :
       {R"({"id":"r1","choices":[{"index":3,"delta":{"content":"confidential"})",
        R"({"choices":[{"delta":{"content":"confi "dential" text"}}]})",
        R"({'choices': [{'delta': {'content': 'confidential'}}]})", "confidential",
        R"({"token_ids":[4711,4712],"logprobs":-4.711,"text":"confidential)",
        R"({"confidential answer":1,"confidential)"}) {
    const std::string error = answer_to(word("a") + event(payload)).error;
    EXPECT_THAT(error, StartsWith("chunk 2 is malformed (")) << payload;
    EXPECT_THAT(error, Not(HasSubstr("confi"))) << payload;
    EXPECT_THAT(error, Not(HasSubstr("dential"))) << payload;
    EXPECT_THAT(error, Not(HasSubstr("471"))) << payload;
  }
  EXPECT_THAT(answer_to(event(R"({"id":"r1","choices":[{"index":3,"delta":{"content":"a"})")).error,
              EndsWith(R"(): {"id":"…","choices":[{"index":0,"delta":{"content":"…"})"));
  EXPECT_THAT(answer_to(R"({"model":"m","message":{"content":"confidential"}})").error,
              EndsWith(R"(): {"model":"…","message":{"content":"…"}})"));
}

TEST(ResponseReader, RedactsASecretBeforeItCutsTheText) {
  const std::string key = "sk-0123456789abcdef0123456789abcdef";
  for (size_t before = 0; before < 340; ++before) {
    const std::string told = std::string(before, 'x') + key;
    const std::string streams[] = {
        event("{\"error\":{\"message\":\"" + told + "\"}}"),
        event("{\"error\":{\"message\":\"no\",\"type\":\"" + told + "\"}}"),
        event("{\"choices\":[{\"delta\":{},\"finish_reason\":\"" + told + "\"}]}"),
        event("{\"id\":\"" + told + "\",\"choices\":[]}"),
        event("{\"" + told + "\":1"),
        "<html>" + told};
    for (const std::string& stream : streams) {
      RequestRecord record;
      ResponseReader reader(Api::kChat, record, Redactor({key}));
      ChunkParser parser;
      reader.headers(200, "HTTP/1.1 200 OK\r\nContent-Type: " + told + "\r\n\r\n", at(0));
      reader.bytes(stream, at(1), parser);
      reader.end(at(2), parser);
      for (const std::string& text : {record.error, record.finish_reason, record.response_id}) {
        EXPECT_THAT(text, Not(HasSubstr("sk-0"))) << before << stream;
        EXPECT_THAT(text, Not(HasSubstr("abcd"))) << before << stream;
      }
    }
  }
}

TEST(ResponseReader, ReadsTextThatIsNotUtf8OrHoldsHalfACharacter) {
  const RequestRecord record =
      answer_to(word("\xe4\xb8") + word("\\ud83d") + word("\\ude00x") + word("\\\\ud83d") + kDone);
  EXPECT_EQ(record.outcome, Outcome::kOk) << record.error;
  EXPECT_EQ(record.chunks, 4);
}

TEST(ResponseReader, RefusesDeepNestingAndTooLongEvents) {
  const std::string deep(100'000, '[');
  EXPECT_THAT(answer_to(event("{\"a\":" + deep)).error, HasSubstr("chunk 1 is malformed"));
  EXPECT_THAT(answer_to("error: {\"error\":{\"a\":" + deep + "\n\n").error,
              HasSubstr("server error"));
  const RequestRecord record = answer_to("data: " + std::string((16 << 20) + 1, 'x'));
  EXPECT_EQ(record.error, "an event of the stream is longer than 16 MiB");
}

TEST(ResponseReader, TakesLongLines) {
  const std::string text(300'000, 'x');
  Response response;
  const std::string stream = word(text) + word("b") + kDone;
  for (size_t i = 0; i < stream.size(); i += 1400) response.bytes(stream.substr(i, 1400), 1);
  EXPECT_EQ(response.end().chunks, 2);
}

TEST(ResponseReader, SaysWhatAnAnswerIsThatIsNoStream) {
  EXPECT_THAT(answer_to(" \n{\"choices\":[{\"message\":{\"content\":\"a\"}}]}").error,
              HasSubstr("ignored stream: true"));
  EXPECT_EQ(answer_to("{\"error\":{\"message\":\"boom\"}}").error, "server error: boom");
  EXPECT_THAT(answer_to("\x1f\x8b\x08").error, HasSubstr("gzip"));
  Response html(200, "HTTP/1.1 200 OK\r\ncontent-TYPE:  text/html \r\n\r\n");
  html.bytes("<html>\n<body>Welcome", 1);
  EXPECT_EQ(html.end().error, "the answer is no event stream (text/html): <html>\\n<body>Welcome");
}

TEST(ResponseReader, RefusesAnEncodingThatNobodyAskedFor) {
  Response gzip(200, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n");
  EXPECT_TRUE(gzip.finished());
  EXPECT_THAT(gzip.record.error, HasSubstr("Content-Encoding gzip"));
  Response identity(200, "content-encoding: identity\r\n");
  EXPECT_EQ(identity.bytes(word("a") + kDone, 1).end().outcome, Outcome::kOk);
}

TEST(ResponseReader, TellsTheServersWordsWithAStatus) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {R"({"error":{"message":"no","type":"t","code":7}})", "HTTP 400: no (t)"},
      {R"({"error":"no","error_type":"validation"})", "HTTP 400: no (validation)"},
      {R"({"object":"error","message":"no","code":400})", "HTTP 400: no (400)"},
      {R"({"detail":"no"})", "HTTP 400: no"},
      {R"({"detail":[{"loc":["body","min_tokens"],"msg":"Extra inputs"}]})",
       "HTTP 400: min_tokens: Extra inputs"},
      {R"([{"error":{"code":400,"message":"no","status":"S"}}])", "HTTP 400: no (400)"},
      {R"({"error":{"reason":"no"}})", "HTTP 400: no"},
      {R"({"error":{"ground":"no"}})", R"(HTTP 400: {"ground":"no"})"},
      {"Bad Gateway\n", "HTTP 400: Bad Gateway"},
      {"\x1b]0;x\x07", "HTTP 400: \\u001b]0;x\\u0007"},
      {"", "HTTP 400"}};
  for (const auto& [body, error] : cases) {
    Response response(400);
    const RequestRecord& record = response.bytes(body, 5).end(9);
    EXPECT_EQ(record.outcome, Outcome::kHttpError);
    EXPECT_EQ(record.http_status, 400);
    EXPECT_EQ(record.error, error);
    EXPECT_EQ(record.end, at(9));
  }
  Response moved(307, "HTTP/1.1 307 Moved\r\nLocation: https://other/v1\r\n\r\n");
  EXPECT_EQ(moved.end().error, "HTTP 307: redirected to https://other/v1");
}

TEST(ResponseReader, CutsALongErrorBody) {
  Response response(500);
  for (int i = 0; i < 1000; ++i) response.bytes(std::string(1000, 'x'), 5);
  EXPECT_LT(response.end().error.size(), 400u);
}

TEST(ResponseReader, KeepsWhatWasReceivedBeforeAFailure) {
  Response response;
  response.bytes(word("a", usage_of(1)), 10).bytes(word("b c", usage_of(3)), 20);
  const RequestRecord& record = response.fail(Outcome::kTimeout, "no end within 600s", 30);
  EXPECT_EQ(record.outcome, Outcome::kTimeout);
  EXPECT_EQ(record.error, "no end within 600s");
  EXPECT_EQ(record.output_tokens, 3);
  EXPECT_EQ(record.chunks, 2);
  EXPECT_EQ(record.last_token, at(20));
  EXPECT_EQ(record.end, at(30));
  EXPECT_EQ(in_ms(record.itl), (Gaps{{5, 2}}));
}

TEST(ResponseReader, PutsTheStatusBeforeATransportFailureOfItsBody) {
  Response cut(503);
  cut.bytes("{\"error\":{\"message\":\"Loading model\"}}", 5);
  EXPECT_EQ(cut.fail(Outcome::kTransportError, "reset").error, "HTTP 503: Loading model");
  EXPECT_EQ(cut.record.outcome, Outcome::kHttpError);
  Response late(503);
  EXPECT_EQ(late.fail(Outcome::kTimeout, "late").outcome, Outcome::kTimeout);
  RequestRecord refused;
  ResponseReader(Api::kChat, refused).fail(Outcome::kTransportError, "refused\x1b", at(3));
  EXPECT_EQ(refused.error, "refused\\u001b");
  EXPECT_EQ(refused.end, at(3));
}

TEST(ResponseReader, SurvivesRandomBytes) {
  Random random(3);
  ChunkParser parser;
  const std::vector<std::string> parts = {"data: ",
                                          "\n\n",
                                          "{\"choices\":[{\"delta\":{\"content\":\"",
                                          "\"}}]}",
                                          "\"usage\":{",
                                          "null",
                                          "[DONE]",
                                          "error: ",
                                          "event: error\n",
                                          "\"completion_tokens\":",
                                          "1e999",
                                          "\\ud800",
                                          "\xff",
                                          "[[",
                                          "\"finish_reason\":\"stop\"",
                                          ",",
                                          "}",
                                          "]",
                                          word("x"),
                                          kDone,
                                          kFinish,
                                          "\r",
                                          ":"};
  for (int round = 0; round < 5'000; ++round) {
    RequestRecord record;
    ResponseReader reader(Api::kCompletions, record);
    reader.headers(random.chance(0.9) ? 200 : 500, parts[random.below(parts.size())], at(0));
    for (int piece = 0; piece < 12; ++piece) {
      std::string text;
      for (uint64_t n = random.below(8); n > 0; --n) {
        text += random.chance(0.8) ? parts[random.below(parts.size())]
                                   : std::string(1, static_cast<char>(random.below(256)));
      }
      reader.bytes(text, at(piece / 2), parser);
    }
    reader.end(at(100), parser);
    ASSERT_TRUE(reader.finished());
    ASSERT_TRUE(record.end.has_value());
    ASSERT_EQ(record.outcome == Outcome::kOk, record.error.empty());
    ASSERT_TRUE(record.outcome != Outcome::kOk || (record.first_token && record.last_token));
  }
}

TEST(ResponseReader, ReadsAStreamUnderAnyStatusOfSuccess) {
  for (const int status : {200, 201, 202, 203, 206}) {
    const RequestRecord record = Response(status).bytes(word("a") + kFinish + kDone, 1).end();
    EXPECT_EQ(record.outcome, Outcome::kOk) << status;
    EXPECT_EQ(record.chunks, 1) << status;
  }
  EXPECT_EQ(Response(304).bytes(word("a") + kFinish + kDone, 1).end().outcome, Outcome::kHttpError);
}

TEST(ResponseReader, TakesASuccessWithoutAStreamForAFailure) {
  const RequestRecord record =
      Response(202).bytes(R"({"requestId": "r1", "status": "pending"})", 1).end();
  EXPECT_EQ(record.outcome, Outcome::kProtocolError);
  EXPECT_THAT(record.error, StartsWith("HTTP 202: "));
  EXPECT_NE(Response(204).end().outcome, Outcome::kOk);
}

}  // namespace
}  // namespace llmsweep::protocol_test
