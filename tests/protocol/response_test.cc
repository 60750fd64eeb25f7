#include "llmsweep/protocol/response.h"

#include <gtest/gtest.h>

#include <cmath>
#include <utility>
#include <vector>

#include "protocol/response_stream.h"

namespace llmsweep::protocol_test {
namespace {

TEST(ResponseReader, StampsTokensAnswersAndTheEndAsTheMetricsDefineThem) {
  Response response;
  response.bytes(kRole, 5).bytes(": ping\n\n", 6).bytes(chunk(R"({"reasoning_content":"hm"})"), 10);
  response.bytes(word("a"), 20).bytes(word("b"), 35).bytes(kFinish, 40);
  response.bytes(event(R"({"choices":[],)" + usage_of(3) + "}"), 41).bytes(kDone, 42);
  EXPECT_TRUE(response.finished());
  const RequestRecord& record = response.end(43);
  EXPECT_EQ(record.outcome, Outcome::kOk);
  EXPECT_EQ(record.first_byte, at(0));
  EXPECT_EQ(record.first_token, at(10));
  EXPECT_EQ(record.first_answer_token, at(20));
  EXPECT_EQ(record.last_token, at(35));
  EXPECT_EQ(record.first_choice, at(5));  // the role
  EXPECT_EQ(record.last_choice, at(40));  // the finish reason; the usage chunk has no choice
  EXPECT_EQ(record.end, at(43));
  EXPECT_EQ(record.response_id, "r1");
  EXPECT_EQ(record.output_tokens, 3);
  EXPECT_EQ(record.token_source, TokenSource::kUsage);
  EXPECT_EQ(record.input_tokens, 7);
  EXPECT_EQ(in_ms(record.icl), (Gaps{{10, 1}, {15, 1}}));
  EXPECT_EQ(in_ms(record.itl), (Gaps{{10, 1}, {15, 1}}));
}

TEST(ResponseReader, StampsAChunkWithTheReadThatCompletesItsEvent) {
  const std::string text = word("a");
  Response response;
  response.bytes(text.substr(0, text.size() - 1), 10).bytes("\n", 20).bytes(kFinish + kDone, 30);
  EXPECT_EQ(response.end().first_token, at(20));
}

TEST(ResponseReader, StampsAnUnfinishedLastEventWithItsReadNotWithTheClose) {
  Response response;
  response.bytes(word("a"), 10);
  response.bytes(R"(data: {"choices":[{"delta":{"content":"b"},"finish_reason":"stop"}]})", 20);
  const RequestRecord& record = response.end(500);
  EXPECT_EQ(record.outcome, Outcome::kOk);
  EXPECT_EQ(record.last_token, at(20));
  EXPECT_EQ(record.end, at(500));
}

TEST(ResponseReader, MakesOneGapOfChunksThatCameInOneRead) {
  Response response;
  response.bytes(word("a"), 10).bytes(word("b") + word("c"), 30).bytes(word("d"), 36);
  response.bytes(word("e"), 36).bytes(kFinish + kDone, 40);
  const RequestRecord& record = response.end();
  EXPECT_EQ(record.chunks, 5);
  EXPECT_EQ(record.coalesced_chunks, 2);
  EXPECT_EQ(in_ms(record.icl), (Gaps{{6, 1}, {20, 1}}));
  EXPECT_EQ(in_ms(record.itl), (Gaps{{3, 2}, {10, 2}}));
}

TEST(ResponseReader, DividesGapsByTheTokensOfContinuousUsage) {
  Response response;
  response.bytes(chunk(R"({"role":"assistant","content":""})", usage_of(0)), 5);
  response.bytes(word("a b", usage_of(2)), 10).bytes(word("c d e f", usage_of(6)), 30);
  response.bytes(word("g", usage_of(7)), 33).bytes(kFinish + kDone, 40);
  const RequestRecord& record = response.end();
  EXPECT_EQ(record.first_chunk_tokens, 2);
  EXPECT_EQ(record.output_tokens, 7);
  EXPECT_EQ(in_ms(record.icl), (Gaps{{3, 1}, {20, 1}}));
  EXPECT_EQ(in_ms(record.itl), (Gaps{{3, 1}, {5, 4}}));
}

TEST(ResponseReader, LendsTheGapOfAnArrivalWithoutNewTokensToTheNext) {
  Response response;
  response.bytes(word("a", usage_of(1)), 10).bytes(word("b", usage_of(1)), 20);
  response.bytes(word("c", usage_of(3)), 30).bytes(kFinish + kDone, 40);
  const RequestRecord& record = response.end();
  EXPECT_EQ(in_ms(record.icl), (Gaps{{10, 2}}));
  EXPECT_EQ(in_ms(record.itl), (Gaps{{10, 2}}));
  EXPECT_EQ(record.itl.count(), 2u);
}

TEST(ResponseReader, SpreadsTheTokensOverTheChunksWhereUsageComesOnce) {
  Response response;
  response.bytes(word("a"), 10).bytes(word("b c d e"), 30).bytes(word("f g h"), 42);
  response.bytes(kFinish, 50).bytes(event(R"({"choices":[],)" + usage_of(9) + "}"), 50);
  const RequestRecord& record = response.bytes(kDone, 51).end();
  EXPECT_EQ(record.first_chunk_tokens, 1);
  EXPECT_EQ(in_ms(record.icl), (Gaps{{12, 1}, {20, 1}}));
  EXPECT_EQ(in_ms(record.itl), (Gaps{{3, 4}, {5, 4}}));
}

TEST(ResponseReader, TakesTheEndOfSequenceTokenForNoPartOfAChunk) {
  Response response;
  response.bytes(word("a"), 10).bytes(word("b"), 20).bytes(word("c"), 30);
  response.bytes(event(R"({"choices":[{"delta":{},"finish_reason":"stop"}],)" + usage_of(4) + "}"),
                 40);
  const RequestRecord& record = response.bytes(kDone, 41).end();
  EXPECT_EQ(record.output_tokens, 4);
  EXPECT_EQ(in_ms(record.itl), (Gaps{{10, 2}}));
}

TEST(ResponseReader, KeepsTheSumOfWeightsWhenTokensAChunkIsNotWhole) {
  Response response;
  for (int i = 0; i <= 100; ++i) response.bytes(word("x"), 10 + i * (i + 1) / 2);
  response.bytes(event(R"({"choices":[],)" + usage_of(133) + "}") + kDone, 9'000);
  const RequestRecord& record = response.end();
  EXPECT_EQ(record.icl.count(), 100u);
  EXPECT_NEAR(static_cast<double>(record.itl.count()), 133.0 * 100 / 101, 0.51);
}

TEST(ResponseReader, GivesAllTokensToTheFirstChunkWhereEverythingCameAtOnce) {
  const RequestRecord record = answer_to(word("a") + word("b") + kFinish +
                                         event(R"({"choices":[],)" + usage_of(2) + "}") + kDone);
  EXPECT_EQ(record.outcome, Outcome::kOk);
  EXPECT_EQ(record.first_chunk_tokens, 2);  // so that TPOT is absent, not 0
  EXPECT_TRUE(record.icl.empty());
  EXPECT_TRUE(record.itl.empty());
}

TEST(ResponseReader, CountsAnEmptyChunkOnlyWhereTheUsageRises) {
  Response counted;
  counted.bytes(word("a", usage_of(1)), 10).bytes(word("", usage_of(2)), 20);
  counted.bytes(word("", usage_of(2)), 25).bytes(kFinish + kDone, 30);
  EXPECT_EQ(counted.end().chunks, 2);
  EXPECT_EQ(counted.record.last_token, at(20));
  EXPECT_EQ(counted.record.first_answer_token, at(10));

  Response uncounted;
  uncounted.bytes(word("a"), 10).bytes(word(""), 20).bytes(kFinish + kDone, 30);
  EXPECT_EQ(uncounted.end().chunks, 1);
}

TEST(ResponseReader, NeverTakesTheRoleOrTheFinishForAToken) {
  Response response;
  response.bytes(chunk(R"({"role":"assistant","content":""})", usage_of(0)), 5);
  response.bytes(chunk(R"({"role":"assistant","content":""})", usage_of(1)), 6);
  response.bytes(word("a", usage_of(2)), 10);
  response.bytes(
      event(R"({"choices":[{"delta":{"content":""},"finish_reason":"stop"}],)" + usage_of(3) + "}"),
      20);
  const RequestRecord& record = response.bytes(kDone, 21).end();
  EXPECT_EQ(record.chunks, 1);
  EXPECT_EQ(record.first_token, at(10));
  EXPECT_EQ(record.output_tokens, 3);
}

TEST(ResponseReader, TakesEveryKindOfOutputForAToken) {
  for (const char* delta :
       {R"({"content":"a"})", R"({"reasoning":"a"})", R"({"reasoning_content":"a"})",
        R"({"refusal":"a"})", R"({"tool_calls":[{"index":0,"function":{"arguments":"{"}}]})",
        R"({"function_call":{"name":"f"}})", R"({"content":[{"type":"text","text":"a"}]})",
        R"({"role":"assistant","content":"a"})"}) {
    EXPECT_EQ(answer_to(chunk(delta) + kDone).chunks, 1) << delta;
  }
  for (
      const char* delta :
      {R"({})", R"(null)", R"({"content":null})", R"({"content":""})", R"({"tool_calls":[]})",
       R"({"role":"assistant"})", R"({"content":[]})", R"({"reasoning":null,"content":""})",
       R"({"content":0})", R"("")", R"([1])",
       R"({"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"arguments":""}}]})",
       R"({"content":[{"type":"text","text":""}]})",
       R"({"reasoning_details":[{"type":"reasoning.text","text":"","index":0}]})",
       R"({"reasoning_details":[{"type":"reasoning.encrypted","data":"AAAA"}]})",
       R"({"thinking_blocks":[{"type":"thinking","thinking":"","signature":"s"}]})"}) {
    EXPECT_EQ(answer_to(chunk(delta) + kDone).chunks, 0) << delta;
  }
}

TEST(ResponseReader, TakesUsageInAnyChunkAndTheLastOne) {
  const RequestRecord record = answer_to(
      event(R"({"usage":{"prompt_tokens":9,"completion_tokens":0}})") + word("a") +
      event(
          R"({"choices":[{"delta":{},"finish_reason":"stop","usage":{"completion_tokens":4}}]})") +
      event(R"({"choices":[],"usage":{"prompt_tokens":8,"completion_tokens":5.0,)"
            R"("prompt_tokens_details":{"cached_tokens":3}}})") +
      event(R"({"choices":null,"usage":null})") + kDone);
  EXPECT_EQ(record.outcome, Outcome::kOk);
  EXPECT_EQ(record.output_tokens, 5);
  EXPECT_EQ(record.input_tokens, 8);
  EXPECT_EQ(record.cached_tokens, 3);
}

TEST(ResponseReader, KeepsTheServersOwnTimings) {
  const RequestRecord record = answer_to(
      word("a") + event(R"({"choices":[],"timings":{"prompt_ms":2.34,"predicted_ms":5}})") + kDone);
  EXPECT_EQ(record.server_prefill_us, 2'340);
  EXPECT_EQ(record.server_decode_us, 5'000);
  EXPECT_EQ(answer_to(word("a") + kDone).server_prefill_us, std::nullopt);
}

TEST(ResponseReader, DoesNotBelieveNonsenseInUsage) {
  for (const char* usage :
       {R"("usage":{"completion_tokens":0})", R"("usage":{"completion_tokens":-4})",
        R"("usage":{"completion_tokens":"5x"})", R"("usage":{"completion_tokens":1e300})",
        R"("usage":{"completion_tokens":18446744073709551615})", R"("usage":[5])"}) {
    const RequestRecord record =
        answer_to(word("a") + word("b") + event("{" + std::string(usage) + "}") + kDone);
    EXPECT_EQ(record.output_tokens, 2) << usage;
    EXPECT_EQ(record.token_source, TokenSource::kChunks) << usage;
  }
}

}  // namespace
}  // namespace llmsweep::protocol_test
