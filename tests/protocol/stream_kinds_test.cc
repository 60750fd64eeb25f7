// What says that an answer is complete, what of it is output, and how many tokens it has.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "protocol/error_text.h"
#include "protocol/response_stream.h"

namespace llmsweep::protocol_test {
namespace {

using ::testing::HasSubstr;

constexpr int kPlanned = 20;

std::string words(int count, const std::string& more = {}) {
  std::string text;
  for (int i = 0; i < count; ++i) text += word(" w", more);
  return text;
}

std::string finish(const std::string& reason, const std::string& more = {}) {
  return event(R"({"choices":[{"delta":{},"finish_reason":")" + reason + "\"}]" +
               (more.empty() ? "" : "," + more) + "}");
}

std::string usage_chunk(int tokens) {
  return event(R"({"choices":[],)" + usage_of(tokens) + "}");
}

RequestRecord planned_answer(const std::string& stream, int planned = kPlanned) {
  Response response;
  response.record.planned_output_tokens = planned;
  response.bytes(stream, 1);
  return response.end();
}

bool is_ok(const std::string& stream) {
  return planned_answer(stream).outcome == Outcome::kOk;
}

// One event a millisecond, from 10 ms on.
RequestRecord paced_answer(const std::vector<std::string>& events, int planned = 0) {
  Response response;
  response.record.planned_output_tokens = planned;
  int64_t ms = 10;
  for (const std::string& text : events) response.bytes(text, ms += 10);
  return response.end(ms + 10);
}

TEST(Completeness, NeedsMoreThanDoneWhereALengthWasPlanned) {
  EXPECT_FALSE(is_ok(words(10) + kDone));
  EXPECT_THAT(planned_answer(words(10) + kDone).error,
              HasSubstr("after 10 token chunks and nothing says that the answer of 20 tokens is "
                        "complete: no usage, no finish_reason"));
  EXPECT_TRUE(is_ok(words(20) + kDone)) << "all that was planned";
  EXPECT_TRUE(is_ok(words(10) + usage_chunk(20) + kDone));
  EXPECT_TRUE(is_ok(words(10) + finish("stop") + kDone));
  EXPECT_TRUE(is_ok(words(10) + finish("content_filter") + kDone));
  EXPECT_EQ(planned_answer(words(10) + kDone, 0).outcome, Outcome::kOk) << "no length planned";
  EXPECT_FALSE(is_ok(words(10) + "upstream error: connection reset\n\n" + kDone));
}

TEST(Completeness, IsNotSaidByAFinishReasonOnEveryChunk) {
  const std::string chunk_with_reason =
      event(R"({"choices":[{"delta":{"content":" w"},"finish_reason":"stop"}]})");
  std::string cut;
  for (int i = 0; i < 10; ++i) cut += chunk_with_reason;
  EXPECT_FALSE(is_ok(cut + kDone));
  EXPECT_FALSE(is_ok(cut));
  EXPECT_TRUE(is_ok(cut + cut + kDone));
  EXPECT_TRUE(is_ok(cut + usage_chunk(20) + kDone));
  const std::string unset =
      event(R"({"choices":[{"delta":{"content":" w"},"finish_reason":"null"}]})");
  EXPECT_FALSE(is_ok(unset + unset + kDone)) << "no reason at all";
}

TEST(Completeness, IsNotSaidByUsageThatRunsAlong) {
  std::string cut;
  for (int i = 1; i <= 10; ++i) cut += word(" w", usage_of(i));
  EXPECT_FALSE(is_ok(cut + kDone));
  EXPECT_TRUE(is_ok(cut + usage_chunk(10) + kDone));
  EXPECT_TRUE(is_ok(cut + finish("stop", usage_of(10)) + kDone));
}

TEST(Completeness, EndsInFailureWhereTheFinishReasonNamesOne) {
  for (const char* reason :
       {"error", "abort", "aborted", "network_error", "insufficient_system_resource", "timeout",
        "timeout_error", "cancelled", "canceled", "Timeout", "SERVER_ERROR", "server-overloaded",
        "serverOverloaded", "connection_lost", "failed", "preempted", "rate_limited",
        "FINISH_REASON_MALFORMED_RESPONSE"}) {
    const RequestRecord record = planned_answer(words(10) + finish(reason, usage_of(10)) + kDone);
    EXPECT_EQ(record.outcome, Outcome::kProtocolError) << reason;
    EXPECT_EQ(record.error,
              std::string("the server gave up after 10 token chunks: finish_reason ") + reason);
  }
  for (const char* reason : {"stop", "length", "eos", "STOP", "MAX_TOKENS", "end_turn",
                             "tool_calls", "content_filter", "stop_sequence", "model_length"}) {
    EXPECT_TRUE(is_ok(words(20) + finish(reason) + kDone)) << reason;
  }
}

TEST(Completeness, EndsInFailureForAnErrorInAnySpelling) {
  for (const char* said :
       {"event: error\n: boom\n\n",
        ": boom\nevent: error\n\n",
        "event: error\ndata:\n: boom\n\n",
        "event: exception\ndata: boom\n\n",
        "event: upstream_error\ndata: {\"message\":\"boom\"}\n\n",
        "data: {\"errors\":[{\"message\":\"boom\"}]}\n\n",
        "data: {\"errors\":[\"boom\"]}\n\n",
        "data: {\"detail\":\"boom\"}\n\n",
        "data: {\"type\":\"error\",\"message\":\"boom\"}\n\n",
        "data: {\"error_code\":336100,\"error_msg\":\"boom\"}\n\n",
        "data: {\"errorMessage\":\"boom\"}\n\n",
        "data: {\"code\":\"Throttling\",\"message\":\"boom\"}\n\n",
        "data: {\"code\":1302,\"msg\":\"boom\"}\n\n",
        "data: {\"status\":500,\"message\":\"boom\"}\n\n",
        "data: {\"success\":false,\"message\":\"boom\"}\n\n",
        "data: {\"choices\":[],\"base_resp\":{\"status_code\":1002,\"status_msg\":\"boom\"}}\n\n",
        "data: {\"fault\":{\"faultstring\":\"boom\"}}\n\n",
        "data: {\"retcode\":-1,\"message\":\"boom\"}\n\n",
        "data: {\"RetCode\":\"E17\",\"RetMsg\":\"boom\"}\n\n",
        "data: {\"Error\":{\"Code\":\"Throttled\",\"Message\":\"boom\"}}\n\n",
        "data: {\"ERROR\":\"boom\"}\n\n",
        "data: {\"failure\":\"boom\"}\n\n",
        "data: {\"failure\":{\"kind\":\"x\",\"reason\":\"boom\"}}\n\n",
        "data: {\"error\":{\"inner_error\":{\"Message\":\"boom\"}}}\n\n",
        "data: {\"choices\":[{\"delta\":{},\"Error\":{\"msg\":\"boom\"}}]}\n\n",
        "data: {\"choices\":[{\"delta\":{\"error\":{\"message\":\"boom\"}}}]}\n\n"}) {
    const RequestRecord record = planned_answer(words(10) + said + kDone);
    EXPECT_EQ(record.outcome, Outcome::kProtocolError) << said;
    EXPECT_THAT(record.error, HasSubstr("server error after 10 token chunks: boom")) << said;
  }
  const std::string silent = planned_answer(words(10) + "event: error\n\n" + kDone).error;
  EXPECT_THAT(silent, HasSubstr("server error after 10 token chunks: it does not say which"));
}

TEST(Completeness, IsNotDoubtedForWhatOnlyLooksLikeAnError) {
  for (const char* said :
       {"data: {\"code\":0,\"message\":\"success\",\"choices\":[]}\n\n",
        "data: {\"code\":200,\"msg\":\"ok\"}\n\n", "data: {\"type\":\"ping\"}\n\n",
        "data: {\"errors\":[],\"error_code\":0}\n\n", "data: {\"message\":\"still at it\"}\n\n",
        "data: {\"base_resp\":{\"status_code\":0,\"status_msg\":\"\"},\"choices\":[]}\n\n",
        "event: ping\n\n", "event: ping\ndata: {}\n\n", "data: {\"error\":0}\n\n",
        "data: {\"retcode\":0,\"message\":\"fine\"}\n\n", "data: {\"Error\":null}\n\n",
        "data: {\"failure\":false,\"failed\":[]}\n\n"}) {
    const RequestRecord record = planned_answer(words(10) + said + words(10) + kFinish + kDone);
    EXPECT_EQ(record.outcome, Outcome::kOk) << said << record.error;
    EXPECT_EQ(record.chunks, 20) << said;
  }
}

TEST(Usage, IsReadInEveryPlaceAndUnderEveryName) {
  for (const char* said :
       {R"({"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":40}})",
        R"({"choices":[],"usage":{"input_tokens":7,"output_tokens":40}})",
        R"({"choices":[],"usage":{"prompt_tokens":"7","completion_tokens":"40"}})",
        R"({"choices":[],"x_groq":{"id":"r","usage":{"prompt_tokens":7,"completion_tokens":40}}})",
        R"({"choices":[],"usageMetadata":{"promptTokenCount":7,"candidatesTokenCount":40}})",
        R"({"choices":[{"delta":{"usage":{"prompt_tokens":7,"completion_tokens":40}}}]})",
        R"({"choices":[],"meta_info":{"prompt_tokens":7,"completion_tokens":40}})",
        R"({"choices":[],"timings":{"prompt_n":4,"cache_n":3,"predicted_n":40}})"}) {
    const RequestRecord record = planned_answer(words(20) + event(said) + kDone);
    EXPECT_EQ(record.output_tokens, 40) << said;
    EXPECT_EQ(record.input_tokens, 7) << said;
    EXPECT_EQ(record.token_source, TokenSource::kUsage) << said;
  }
}

TEST(Usage, SaysHowManyTokensWereCachedUnderEveryName) {
  for (const char* said :
       {R"("prompt_tokens_details":{"cached_tokens":5})",
        R"("input_tokens_details":{"cached_tokens":5})", R"("prompt_cache_hit_tokens":5)",
        R"("cache_read_input_tokens":5)", R"("cached_tokens":5)", R"("num_cached_tokens":5)"}) {
    const std::string usage =
        R"({"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":20,)" + std::string(said) +
        "}}";
    EXPECT_EQ(planned_answer(words(20) + event(usage) + kDone).cached_tokens, 5) << said;
  }
}

TEST(Usage, IsBelievedThoughItIsZeroAtTheEnd) {
  const RequestRecord record =
      planned_answer(words(10) + finish("length", usage_of(20)) + usage_chunk(0) + kDone);
  EXPECT_EQ(record.output_tokens, 20);
  EXPECT_EQ(record.token_source, TokenSource::kUsage);
}

TEST(Usage, IsReadBehindDone) {
  EXPECT_EQ(planned_answer(words(10) + kFinish + kDone + usage_chunk(20)).output_tokens, 20);
  Response response;
  response.bytes(word("a"), 10).bytes(word("b c"), 30).bytes(kFinish + kDone, 40);
  ASSERT_TRUE(response.finished());
  EXPECT_EQ(response.record.output_tokens, 2);
  const RequestRecord& record = response.bytes(usage_chunk(3), 50).end(60);
  EXPECT_EQ(record.output_tokens, 3);
  EXPECT_EQ(record.token_source, TokenSource::kUsage);
  EXPECT_EQ(in_ms(record.itl), (Gaps{{10, 2}}));
  EXPECT_EQ(record.last_token, at(30));
}

TEST(Usage, OfEachChunkAloneIsAddedUp) {
  const RequestRecord ones = paced_answer(
      {word("a", usage_of(1)), word("b", usage_of(1)), word("c", usage_of(1)), kFinish + kDone});
  EXPECT_EQ(ones.output_tokens, 3);
  EXPECT_EQ(ones.input_tokens, 7);
  EXPECT_EQ(in_ms(ones.itl), (Gaps{{10, 2}}));
  const RequestRecord several =
      paced_answer({word("a", usage_of(2)), word("b", usage_of(5)), word("c", usage_of(1)),
                    word("d", usage_of(4)), kFinish + kDone});
  EXPECT_EQ(several.output_tokens, 12);
  EXPECT_EQ(several.streamed_tokens, 12);
  EXPECT_EQ(several.first_chunk_tokens, 2);
  EXPECT_EQ(in_ms(several.itl), (Gaps{{2, 5}, {2.5, 4}, {10, 1}}));
  // 1, 1, 2 may be either: the plan decides.
  const std::vector<std::string> open = {word("a", usage_of(1)), word("b", usage_of(1)),
                                         word("c", usage_of(2)), kFinish + kDone};
  EXPECT_EQ(paced_answer(open, 4).output_tokens, 4);
  EXPECT_EQ(paced_answer(open, 2).output_tokens, 2);
  // With the whole in a chunk of its own at the end.
  const RequestRecord totalled = paced_answer(
      {word("a", usage_of(1)), word("b", usage_of(1)), usage_chunk(3), kFinish + kDone});
  EXPECT_EQ(totalled.output_tokens, 3);
}

TEST(Usage, OfALongRunningTotalIsNotAddedUp) {
  std::vector<std::string> stream;
  for (int i = 1; i <= 40; ++i) stream.push_back(word("a", usage_of(2 * i)));
  stream.push_back(kFinish + kDone);
  const RequestRecord record = paced_answer(stream);
  EXPECT_EQ(record.output_tokens, 80);
  EXPECT_EQ(in_ms(record.itl), (Gaps{{5, 78}}));
}

TEST(Usage, HasReasoningBesideTheCompletionAddedToIt) {
  const auto with = [](const std::string& usage) {
    return event(R"({"choices":[],"usage":{"prompt_tokens":7,)" + usage + "}}");
  };
  std::string stream;
  for (int i = 0; i < 10; ++i) stream += chunk(R"({"reasoning_content":" r"})");
  stream += words(10) + kFinish;
  const std::string details = R"(,"completion_tokens_details":{"reasoning_tokens":10})";
  for (const std::string& usage : {R"("completion_tokens":10,"total_tokens":27)" + details,
                                   R"("completion_tokens":10)" + details,  // the chunks show it
                                   std::string(R"("completion_tokens":10,"total_tokens":27)"),
                                   R"("completion_tokens":20,"total_tokens":27)" + details}) {
    const RequestRecord record = planned_answer(stream + with(usage) + kDone);
    EXPECT_EQ(record.output_tokens, 20) << usage;
    EXPECT_EQ(record.streamed_tokens, 20) << usage;
  }
}

TEST(Output, IsTheLimitWhereTheFinishReasonSaysSoAndNothingCounts) {
  const RequestRecord limit = planned_answer(words(5) + finish("length") + kDone);
  EXPECT_EQ(limit.output_tokens, 20);
  EXPECT_EQ(limit.token_source, TokenSource::kLimit);
  EXPECT_EQ(planned_answer(words(5) + finish("MAX_TOKENS") + kDone).output_tokens, 20);
  const RequestRecord stop = planned_answer(words(5) + finish("stop") + kDone);
  EXPECT_EQ(stop.output_tokens, 5);
  EXPECT_EQ(stop.token_source, TokenSource::kChunks);
  const RequestRecord over = planned_answer(words(25) + finish("length") + kDone);
  EXPECT_EQ(over.output_tokens, 25) << "the limit was not kept";
  EXPECT_EQ(planned_answer(words(5) + finish("length") + kDone, 0).output_tokens, 5);
}

TEST(Output, IsCountedInItsTextWhereNothingElseCounts) {
  RequestRecord record;
  ResponseReader reader(Api::kChat, record);
  ChunkParser parser;
  reader.keep_text();
  reader.headers(200, {}, at(0));
  reader.bytes(chunk(R"({"reasoning":"so "})"), at(10), parser);
  reader.bytes(word("one two"), at(20), parser);
  reader.bytes(word("\\n\\u0074hree \\ud83d\\ude00"), at(30), parser);
  reader.bytes(finish("stop") + kDone, at(40), parser);
  reader.end(at(41), parser);
  std::string counted;
  reader.count_text([&](std::string_view text) {
    counted = text;
    return int64_t{9};
  });
  EXPECT_EQ(counted, "so one two\nthree \xF0\x9F\x98\x80");
  EXPECT_EQ(record.output_tokens, 9);
  EXPECT_EQ(record.token_source, TokenSource::kTokenizer);
  EXPECT_EQ(record.itl.count(), static_cast<uint64_t>(9 - record.first_chunk_tokens));
}

TEST(Output, LeavesHiddenReasoningOutOfWhatWasStreamed) {
  const std::string usage =
      R"({"choices":[],"usage":{"completion_tokens":80,"completion_tokens_details":{"reasoning_tokens":60}}})";
  std::vector<std::string> stream;
  for (int i = 0; i < 20; ++i) stream.push_back(word(" w"));
  stream.push_back(kFinish + event(usage) + kDone);
  const RequestRecord hidden = paced_answer(stream);
  EXPECT_EQ(hidden.output_tokens, 80);
  EXPECT_EQ(hidden.reasoning_tokens, 60);
  EXPECT_EQ(hidden.streamed_tokens, 20);
  EXPECT_EQ(hidden.first_chunk_tokens, 1);
  EXPECT_EQ(in_ms(hidden.itl), (Gaps{{10, 19}}));
  // A summary of two chunks is not sixty tokens.
  stream.insert(stream.begin(), 2, chunk(R"({"reasoning_summary":" r"})"));
  EXPECT_EQ(paced_answer(stream).streamed_tokens, 22);
  // Sixty chunks are.
  stream.insert(stream.begin(), 58, chunk(R"({"reasoning_content":" r"})"));
  EXPECT_EQ(paced_answer(stream).streamed_tokens, 80);
}

TEST(Completeness, IsSaidWhereverAServerPutsTheFinishReason) {
  for (const char* end :
       {R"({"choices":[{"delta":{},"finish_reason":{"type":"length","length":20}}]})",
        R"({"choices":[{"delta":{},"finishReason":"length"}]})",
        R"({"choices":[{"delta":{"finish_reason":"length"}}]})",
        R"({"choices":[{"delta":{}}],"finish_reason":"length"})",
        R"({"choices":[{"delta":{}}],"done":true,"done_reason":"length"})"}) {
    const RequestRecord record = planned_answer(words(10) + event(end) + kDone);
    EXPECT_EQ(record.outcome, Outcome::kOk) << end << record.error;
    EXPECT_EQ(record.finish_reason, "length") << end;
    EXPECT_EQ(record.output_tokens, 20) << end;
  }
  for (const char* end : {R"({"choices":[{"delta":{},"finish_reason":{"type":null}}]})",
                          R"({"choices":[{"delta":{},"finish_reason":{}}]})",
                          R"({"choices":[{"delta":{},"stop_reason":"a word"}]})",
                          R"({"choices":[{"delta":{},"finish_reason":7}]})"}) {
    EXPECT_FALSE(is_ok(words(10) + event(end) + kDone)) << end;
  }
  EXPECT_THAT(planned_answer(words(10) + event(R"({"choices":[{"finishReason":"ERROR"}]})")).error,
              HasSubstr("finish_reason ERROR"));
}

TEST(Output, IsAThoughtInAFieldWhoseNameSaysSo) {
  for (const char* name : {"reasoning_contents", "reasoning_summary_text", "internal_thoughts",
                           "thinking_text", "reasoningContent"}) {
    const std::string thought = chunk("{\"" + std::string(name) + "\":\" w\"}");
    std::vector<std::string> stream(10, thought);
    stream.insert(stream.end(), 10, word(" w"));
    stream.push_back(kFinish + usage_chunk(20) + kDone);
    const RequestRecord record = paced_answer(stream);
    EXPECT_EQ(record.chunks, 20) << name;
    EXPECT_EQ(record.first_token, at(20)) << name;
    EXPECT_EQ(record.first_answer_token, at(120)) << name;
  }
}

TEST(Output, IsNothingThatOnlyDescribesThoughts) {
  for (const char* delta :
       {R"({"reasoning_signature":"c2ln"})", R"({"thought_signature":"c2ln"})",
        R"({"encrypted_reasoning":"c2ln"})", R"({"reasoning_item_id":"rs_1"})",
        R"({"reasoning_effort":"high"})", R"({"reasoning_format":"hidden"})",
        R"({"thinking_status":"begun"})", R"({"is_thinking":true})", R"({"reasoning_tokens":3})",
        R"({"reasoning":null})", R"({"reasoning":""})"}) {
    const RequestRecord record = paced_answer({chunk(delta), word("b"), kFinish + kDone});
    EXPECT_EQ(record.chunks, 1) << delta;
    EXPECT_EQ(record.first_token, at(30)) << delta;
  }
}

TEST(Output, IsTextThatADeltaHas) {
  const RequestRecord record = paced_answer({chunk(R"({"text":"a"})"), kFinish + kDone});
  EXPECT_EQ(record.first_answer_token, at(20));
}

TEST(Output, IsReadFromAChoiceOfAnotherShapeAndCounted) {
  for (const std::string form :
       {R"({"choices":{"index":0,"delta":{"content":" w"}}})",
        R"({"choices":[{"index":0,"message":{"role":"assistant","content":" w"}}]})",
        R"({"choices":[{"index":0,"delta":" w"}]})", R"({"choices":{"text":" w"}})"}) {
    std::string stream;
    for (int i = 0; i < 20; ++i) stream += event(form);
    const RequestRecord record = planned_answer(stream + kFinish + kDone);
    EXPECT_EQ(record.outcome, Outcome::kOk) << form << record.error;
    EXPECT_EQ(record.chunks, 20) << form;
    EXPECT_EQ(record.repaired_chunks, 20) << form;
  }
  const std::string empty = event(R"({"choices":{}})") + event(R"({"choices":[{"delta":""}]})");
  EXPECT_EQ(planned_answer(empty + words(20) + kFinish + kDone).repaired_chunks, 0);
}

TEST(Output, IsNotTheMessageThatRepeatsTheDeltas) {
  const std::string both =
      event(R"({"choices":[{"delta":{"content":" w"},"message":{"content":" w w w"}}]})");
  const std::string whole =
      event(R"({"choices":[{"message":{"content":" w w"},"finish_reason":"stop"}]})");
  const RequestRecord record = paced_answer({both, both, whole, kDone});
  EXPECT_EQ(record.chunks, 2);
  EXPECT_EQ(record.last_token, at(30));
  EXPECT_EQ(record.finish_reason, "stop");
}

TEST(Errors, MayComeInAList) {
  const std::string list =
      event(R"([{"error":{"code":503,"message":"The model is overloaded."}}])");
  const RequestRecord record = planned_answer(words(10) + list);
  EXPECT_EQ(record.outcome, Outcome::kProtocolError);
  EXPECT_EQ(record.error, "server error after 10 token chunks: The model is overloaded. (503)");
  EXPECT_THAT(planned_answer(words(10) + event("[1, 2]")).error, HasSubstr("is malformed"));
}

TEST(Errors, OfAPageAreItsWords) {
  const auto error_of = [](const std::string& page) {
    return describe_server_error(page, Redactor());
  };
  EXPECT_EQ(error_of("<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>nginx</body>"),
            "502 Bad Gateway");
  EXPECT_EQ(error_of("<!DOCTYPE html><h1>Service</h1>\n <p class=\"a\">is <b>down</b>"),
            "Service is down");
  EXPECT_EQ(error_of("<html><body></body></html>"), "<html><body></body></html>");
  EXPECT_EQ(error_of("<html><title>"), "<html><title>");
  EXPECT_EQ(error_of("<prompt> is too long"), "<prompt> is too long");
  EXPECT_EQ(error_of("a < b"), "a < b");
}

TEST(Answer, OfJsonLinesIsNamed) {
  for (const std::string lines : {R"({"choices":[{"delta":{"content":"a"}}]}
{"choices":[{"delta":{"content":"b"}}]}
)",
                                  R"({"model":"m","message":{"content":"a"},"done":false}

{"model":"m","done":true}
)"}) {
    EXPECT_THAT(planned_answer(lines).error,
                HasSubstr("streams lines of JSON where events (\"data: …\") are expected"));
  }
  EXPECT_THAT(planned_answer("{\n  \"choices\": [\n    {\n\"message\": {}}]\n}\n").error,
              HasSubstr("ignored stream: true"));
}

TEST(Output, IsAThoughtInWhateverFieldItComes) {
  for (const char* delta :
       {R"({"reasoning_content":"a"})", R"({"reasoning":"a"})", R"({"thinking":"a"})",
        R"({"content":"","reasoning_details":[{"type":"reasoning.text","text":"a","index":0}]})",
        R"({"content":"","thinking_blocks":[{"type":"thinking","thinking":"a"}]})",
        R"({"content":[{"type":"thinking","thinking":[{"type":"text","text":"a"}]}]})",
        R"({"content":[{"thought":true,"text":"a"}]})", R"({"reasoning":{"content":"a"}})"}) {
    const RequestRecord record = paced_answer({chunk(delta), word("b"), kFinish + kDone});
    EXPECT_EQ(record.first_token, at(20)) << delta;
    EXPECT_EQ(record.first_answer_token, at(30)) << delta;
    EXPECT_EQ(record.chunks, 2) << delta;
  }
  const RequestRecord parts =
      paced_answer({chunk(R"({"content":[{"type":"text","text":"a"}]})"), kFinish + kDone});
  EXPECT_EQ(parts.first_answer_token, at(20));
}

TEST(Tally, GivesTheFirstChunkItsShareOfTheText) {
  std::vector<std::string> bundles(6, word(" t t t t"));
  bundles.push_back(kFinish + usage_chunk(24) + kDone);
  const RequestRecord bundled = paced_answer(bundles);
  EXPECT_EQ(bundled.first_chunk_tokens, 4);
  EXPECT_EQ(in_ms(bundled.itl), (Gaps{{2.5, 20}}));
  // An engine's prefill gives one token, its steps several.
  bundles.insert(bundles.begin(), word(" t"));
  bundles.back() = kFinish + usage_chunk(25) + kDone;
  const RequestRecord drafted = paced_answer(bundles);
  EXPECT_EQ(drafted.first_chunk_tokens, 1);
  EXPECT_EQ(in_ms(drafted.itl), (Gaps{{2.5, 24}}));
}

TEST(Tally, LeavesAStopWithoutAChunkOutOfWhatWasStreamed) {
  std::vector<std::string> stream(5, word(" w"));
  stream.push_back(finish("stop") + usage_chunk(6) + kDone);
  const RequestRecord record = paced_answer(stream);
  EXPECT_EQ(record.output_tokens, 6);
  EXPECT_EQ(record.streamed_tokens, 5);
  EXPECT_EQ(record.first_chunk_tokens, 1);
  EXPECT_EQ(in_ms(record.itl), (Gaps{{10, 4}}));
  stream.clear();
  for (int i = 1; i <= 5; ++i) stream.push_back(word(" w", usage_of(i)));
  stream.push_back(finish("stop", usage_of(6)) + kDone);
  EXPECT_EQ(paced_answer(stream).streamed_tokens, 5) << "where chunks are counted, too";
}

TEST(Tally, CountsAllThatCameInTheFirstRead) {
  const RequestRecord record =
      paced_answer({word("a") + word("b"), word("c"), word("d"), kFinish + usage_chunk(4) + kDone});
  EXPECT_EQ(record.first_chunk_tokens, 2);
  EXPECT_EQ(in_ms(record.itl), (Gaps{{10, 2}}));
}

TEST(TolerantReading, TakesWhatIsNoJsonAndCountsIt) {
  for (const char* more :
       {R"("logprobs":{"content":[{"token":"w","logprob":NaN}]})", R"("p":-Infinity)",
        R"("p":[Infinity,nan,-inf])", R"("p":[1,2,],"q":{"r":1,})", "\"p\":\"a\tb\x01 c\""}) {
    const RequestRecord record = planned_answer(words(3, more) + words(17) + kFinish + kDone);
    EXPECT_EQ(record.outcome, Outcome::kOk) << more << record.error;
    EXPECT_EQ(record.chunks, 20) << more;
    EXPECT_EQ(record.repaired_chunks, 3) << more;
  }
  EXPECT_EQ(planned_answer(words(20, R"("p":"NaN, -Infinity,]")") + kDone).repaired_chunks, 0);
  EXPECT_EQ(planned_answer(words(20) + "data: {\"choices\":[\n\n" + kDone).outcome,
            Outcome::kProtocolError);
}

TEST(TolerantReading, TakesOtherMarksOfTheEnd) {
  for (const char* mark : {"data: \"[DONE]\"\n\n", "data: [done]\n\n", "data:  [DONE] \n\n"}) {
    Response response;
    response.bytes(words(3) + kFinish + mark, 1);
    EXPECT_TRUE(response.finished()) << mark;
    EXPECT_EQ(response.record.outcome, Outcome::kOk) << mark << response.record.error;
  }
}

TEST(OtherModel, IsToldWhereItIsNotTheRequestedOne) {
  const auto model_of = [](const std::string& answered) {
    RequestRecord record;
    ResponseReader reader(Api::kChat, record);
    reader.expect_model("m");
    ChunkParser parser;
    reader.bytes(word("a", R"("model":")" + answered + "\"") + kDone, at(1), parser);
    return record.other_model;
  };
  EXPECT_EQ(model_of("m"), "");
  EXPECT_EQ(model_of(""), "");
  EXPECT_EQ(model_of("m-fp8"), "m-fp8");
}

TEST(OtherModel, IsSeenInAStreamWhoseShapeIsKnown) {
  ChunkParser parser;
  for (const char* asked : {"m", "n"}) {
    RequestRecord record;
    ResponseReader reader(Api::kChat, record);
    reader.expect_model(asked);
    reader.bytes(word("a", R"("model":"m")") + word("b", R"("model":"m")") + kDone, at(1), parser);
    EXPECT_EQ(record.other_model, std::string(asked) == "m" ? "" : "m");
  }
}

}  // namespace
}  // namespace llmsweep::protocol_test
