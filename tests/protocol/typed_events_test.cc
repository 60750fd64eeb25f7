// The streams of /responses and /messages, whose events have a type each.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "llmsweep/protocol/request.h"
#include "protocol/recordings.h"
#include "protocol/response_stream.h"
#include "simulator/served_api.h"

namespace llmsweep::protocol_test {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

std::string typed(const std::string& type, const std::string& members) {
  return "event: " + type + "\ndata: {\"type\":\"" + type + "\"" +
         (members.empty() ? "" : "," + members) + "}\n\n";
}

RequestRecord read_typed(Api api, const std::string& body, int64_t planned = 0) {
  ChunkParser parser;
  RequestRecord record;
  record.planned_output_tokens = planned;
  ResponseReader reader(api, record);
  reader.headers(200, {}, at(0));
  for (const Piece& piece : paced(body, {})) {
    reader.bytes(piece.bytes, at(piece.at_ms), parser);
  }
  reader.end(at(1000), parser);
  return record;
}

// responses

const std::string kCreated = typed(
    "response.created",
    R"("sequence_number":0,"response":{"id":"resp_1","model":"m","status":"in_progress","output":[]})");

std::string text_delta(const std::string& text) {
  return typed("response.output_text.delta",
               R"("item_id":"msg_1","output_index":0,"content_index":0,"delta":")" + text + "\"");
}

std::string last_of(const std::string& type, const std::string& members) {
  return typed(type, R"("response":{"id":"resp_1","model":"m",)" + members + "}");
}

const std::string kResponsesUsage =
    R"("usage":{"input_tokens":9,"input_tokens_details":{"cached_tokens":4},"output_tokens":3,)"
    R"("output_tokens_details":{"reasoning_tokens":0},"total_tokens":12})";

TEST(ResponsesStream, CountsDeltasAndNotWhatRepeatsThem) {
  const std::string body =
      kCreated + typed("response.in_progress", R"("response":{"id":"resp_1"})") +
      typed("response.output_item.added", R"("item":{"id":"msg_1","type":"message"})") +
      typed("response.content_part.added", R"("part":{"type":"output_text","text":""})") +
      text_delta(" a") + text_delta(" b") + text_delta(" c") +
      typed("response.output_text.done", R"("text":" a b c")") +
      typed("response.content_part.done", R"("part":{"type":"output_text","text":" a b c"})") +
      typed("response.output_item.done", R"("item":{"content":[{"text":" a b c"}]})") +
      last_of("response.incomplete",
              R"("status":"incomplete","incomplete_details":{"reason":"max_output_tokens"},)"
              R"("output":[{"content":[{"text":" a b c"}]}],)" +
                  kResponsesUsage);
  const RequestRecord record = read_typed(Api::kResponses, body, 3);
  EXPECT_EQ(record.outcome, Outcome::kOk) << record.error;
  EXPECT_EQ(record.chunks, 3);
  EXPECT_EQ(record.output_tokens, 3);
  EXPECT_EQ(record.token_source, TokenSource::kUsage);
  EXPECT_EQ(record.input_tokens, 9);
  EXPECT_EQ(record.cached_tokens, 4);
  EXPECT_EQ(record.finish_reason, "max_output_tokens");
  EXPECT_EQ(record.response_id, "resp_1");
  // Neither created, in_progress nor what announces an item is the first token.
  EXPECT_EQ(record.first_token, at(5));
  EXPECT_EQ(record.last_token, at(7));
}

TEST(ResponsesStream, HasThoughtsRefusalsAndCallsAsOutput) {
  for (const char* type : {"response.reasoning_text.delta", "response.reasoning_summary_text.delta",
                           "response.refusal.delta", "response.function_call_arguments.delta",
                           "response.custom_tool_call_input.delta"}) {
    SCOPED_TRACE(type);
    const std::string body = kCreated + typed(type, R"("delta":"x")") +
                             typed(type, R"("delta":"")") + text_delta("y") +
                             last_of("response.completed", R"("status":"completed")");
    const RequestRecord record = read_typed(Api::kResponses, body);
    EXPECT_EQ(record.outcome, Outcome::kOk) << record.error;
    EXPECT_EQ(record.chunks, 2);
    EXPECT_EQ(record.first_token, at(2));
    EXPECT_EQ(record.first_answer_token, at(4));
    EXPECT_EQ(record.finish_reason, "completed");
  }
}

TEST(ResponsesStream, EndsByALastEventOrByDoneAndIsElseCutOff) {
  const std::string begun = kCreated + text_delta(" a") + text_delta(" b");
  const RequestRecord cut = read_typed(Api::kResponses, begun);
  EXPECT_EQ(cut.outcome, Outcome::kProtocolError);
  EXPECT_THAT(cut.error, HasSubstr("without response.completed"));
  EXPECT_EQ(read_typed(Api::kResponses, begun + kDone).outcome, Outcome::kOk);
  // Of a planned length [DONE] alone says nothing.
  EXPECT_EQ(read_typed(Api::kResponses, begun + kDone, 5).outcome, Outcome::kProtocolError);
  const std::string completed =
      last_of("response.completed", R"("status":"completed",)" + kResponsesUsage);
  const RequestRecord with_both = read_typed(Api::kResponses, begun + completed + kDone, 3);
  EXPECT_EQ(with_both.outcome, Outcome::kOk) << with_both.error;
  EXPECT_EQ(with_both.output_tokens, 3);
}

TEST(ResponsesStream, SaysWhatTheServerSaysOfAFailure) {
  const std::string begun = kCreated + text_delta(" a");
  const std::string failed = last_of(
      "response.failed", R"("status":"failed","error":{"code":"server_error","message":"boom"})");
  const std::string error = typed("error", R"("code":"overloaded","message":"boom","param":null)");
  for (const std::string& last :
       {failed, error, failed.substr(failed.find('\n') + 1), error.substr(error.find('\n') + 1)}) {
    const RequestRecord record = read_typed(Api::kResponses, begun + last);
    EXPECT_EQ(record.outcome, Outcome::kProtocolError);
    EXPECT_THAT(record.error, HasSubstr("server error after 1 token chunk: boom")) << last;
  }
  const RequestRecord cancelled =
      read_typed(Api::kResponses, begun + last_of("response.cancelled", R"("status":"cancelled")"));
  EXPECT_THAT(cancelled.error, HasSubstr("server error after 1 token chunk"));
}

TEST(ResponsesStream, OfAnotherApiIsNamed) {
  const RequestRecord record = read_typed(Api::kResponses, word("a") + kFinish + kDone);
  EXPECT_THAT(record.error, HasSubstr("does /responses speak the OpenAI Responses API?"));
}

TEST(ResponsesRequest, HasItsOwnNamesAndKeepsNothing) {
  const json body = json::parse(render_request(
      {.api = Api::kResponses}, "m", {RequestField::kIgnoreEos, RequestField::kIncludeUsage},
      {.text = "hello", .planned_output_tokens = 5}));
  EXPECT_EQ(body, json::parse(R"({"model":"m","input":"hello","max_output_tokens":5,
      "ignore_eos":true,"stream":true,"store":false})"));
  const json talk = json::parse(render_request(
      {.api = Api::kResponses, .max_tokens_field = "max_new_tokens"}, "", {},
      {.messages = {{"user", "a"}, {"assistant", "b"}}, .planned_output_tokens = 2}));
  EXPECT_EQ(talk["input"], json::parse(R"([{"role":"user","content":"a"},
      {"role":"assistant","content":"b"}])"));
  EXPECT_EQ(talk["max_new_tokens"], 2);
}

// messages

std::string start_with(const std::string& usage) {
  return typed("message_start", R"("message":{"id":"msg_1","model":"m","role":"assistant",)"
                                R"("content":[],"usage":)" +
                                    usage + "}");
}

std::string block_delta(const std::string& delta) {
  return typed("content_block_delta", R"("index":0,"delta":{)" + delta + "}");
}

std::string say(const std::string& text) {
  return block_delta(R"("type":"text_delta","text":")" + text + "\"");
}

std::string delta_of(const std::string& reason, const std::string& usage) {
  return typed("message_delta", R"("delta":{"stop_reason":")" + reason + R"("},"usage":)" + usage);
}

const std::string kBlock =
    typed("content_block_start", R"("index":0,"content_block":{"type":"text","text":""})");
const std::string kBlockStop = typed("content_block_stop", R"("index":0)");
const std::string kMessageStop = typed("message_stop", "");

TEST(MessagesStream, CountsDeltasAndReplacesUsage) {
  const std::string body = start_with(R"({"input_tokens":5,"output_tokens":1})") +
                           typed("ping", "") + kBlock + say("") + say("a") + say("b") + say("c") +
                           kBlockStop +
                           delta_of("max_tokens", R"({"input_tokens":2,"output_tokens":3,)"
                                                  R"("cache_read_input_tokens":40,)"
                                                  R"("cache_creation_input_tokens":7})") +
                           kMessageStop;
  const RequestRecord record = read_typed(Api::kMessages, body, 3);
  EXPECT_EQ(record.outcome, Outcome::kOk) << record.error;
  EXPECT_EQ(record.chunks, 3);
  EXPECT_EQ(record.output_tokens, 3);
  EXPECT_EQ(record.input_tokens, 49);
  EXPECT_EQ(record.cached_tokens, 40);
  EXPECT_EQ(record.finish_reason, "max_tokens");
  EXPECT_EQ(record.first_token, at(5));  // neither message_start nor an empty delta
  EXPECT_EQ(record.last_token, at(7));
}

TEST(MessagesStream, TakesEachCountFromTheLastEventThatHasIt) {
  const auto input_of = [](const std::string& start, const std::string& last) {
    return read_typed(Api::kMessages,
                      start_with(start) + say("a") + delta_of("end_turn", last) + kMessageStop)
        .input_tokens;
  };
  EXPECT_EQ(input_of(R"({"input_tokens":0})", R"({"input_tokens":9,"output_tokens":1})"), 9);
  EXPECT_EQ(input_of(R"({"input_tokens":9,"output_tokens":0})", R"({"output_tokens":1})"), 9);
  EXPECT_EQ(input_of(R"({"input_tokens":3,"cache_read_input_tokens":6})",
                     R"({"input_tokens":3,"output_tokens":1})"),
            9);
}

TEST(MessagesStream, HasThoughtsAndCallsAsOutputAndSignaturesNot) {
  const std::string body =
      start_with("{}") +
      typed("content_block_start", R"("content_block":{"type":"thinking","thinking":""})") +
      block_delta(R"("type":"thinking_delta","thinking":"hm")") +
      block_delta(R"("type":"signature_delta","signature":"c2ln")") + kBlockStop +
      typed("content_block_start", R"("content_block":{"type":"tool_use","id":"t","name":"f"})") +
      block_delta(R"("type":"input_json_delta","partial_json":"{}")") +
      block_delta(R"("type":"input_json_delta","partial_json":"")") + kBlockStop +
      delta_of("tool_use", R"({"output_tokens":4})") + kMessageStop;
  const RequestRecord record = read_typed(Api::kMessages, body);
  EXPECT_EQ(record.outcome, Outcome::kOk) << record.error;
  EXPECT_EQ(record.chunks, 3);  // a thought, a name, arguments
  EXPECT_EQ(record.first_token, at(3));
  EXPECT_EQ(record.last_token, at(7));
  EXPECT_FALSE(record.first_answer_token);
}

TEST(MessagesStream, IsCutOffWithoutItsStop) {
  const std::string begun = start_with("{}") + kBlock + say("a") + say("b");
  const RequestRecord cut = read_typed(Api::kMessages, begun);
  EXPECT_EQ(cut.outcome, Outcome::kProtocolError);
  EXPECT_THAT(cut.error, HasSubstr("without message_stop"));
  EXPECT_EQ(read_typed(Api::kMessages, begun + kMessageStop, 5).outcome, Outcome::kProtocolError);
  // The reason of the end says that the answer is whole, whatever becomes of the rest.
  EXPECT_EQ(read_typed(Api::kMessages, begun + delta_of("end_turn", "{}"), 5).outcome,
            Outcome::kOk);
}

TEST(MessagesStream, SaysWhatTheServerSaysOfAFailure) {
  const std::string error =
      typed("error", R"("error":{"type":"overloaded_error","message":"Overloaded"})");
  for (const std::string& last : {error, error.substr(error.find('\n') + 1)}) {
    const RequestRecord record = read_typed(Api::kMessages, start_with("{}") + say("a") + last);
    EXPECT_EQ(record.error, "server error after 1 token chunk: Overloaded (overloaded_error)");
  }
}

TEST(MessagesRequest, PutsSystemMessagesApart) {
  const json body = json::parse(render_request(
      {.api = Api::kMessages}, "m", {RequestField::kIncludeUsage},
      {.messages = {{"system", "be brief"}, {"user", "a"}}, .planned_output_tokens = 5}));
  EXPECT_EQ(body, json::parse(R"({"model":"m","system":"be brief","max_tokens":5,"stream":true,
      "messages":[{"role":"user","content":"a"}]})"));
}

// both

TEST(TypedEvents, AreReadAlikeHoweverTheyAreCut) {
  for (const auto& [api, served] : {std::pair{Api::kResponses, &sim::kServedResponses},
                                    std::pair{Api::kMessages, &sim::kServedMessages}}) {
    SCOPED_TRACE(served->name);
    const auto writer = served->make_writer(
        {}, Dialect::kVllm, {.usage = true, .id = "r1", .model = "m", .prompt_tokens = 9});
    std::string body;
    writer->opening(body);
    sim::Progress progress{.cached_tokens = 4, .reasoning_tokens = 2};
    for (int i = 0; i < 6; ++i) {
      ++progress.output_tokens;
      writer->tokens({.text = i == 0 ? " 六" : " w", .reasoning = i < 2}, progress,
                     i == 5 ? "length" : "", body);
    }
    writer->closing("length", progress, body);
    writer->done(body);
    ChunkParser parser;
    const RequestRecord record = read(api, {.body = body}, paced(body, {}), parser);
    EXPECT_EQ(record.outcome, Outcome::kOk) << record.error;
    EXPECT_EQ(record.chunks, 6);
    EXPECT_EQ(record.output_tokens, 6);
    EXPECT_EQ(record.input_tokens, 9);
    EXPECT_EQ(record.cached_tokens, 4);
    EXPECT_EQ(record.response_id, "r1");
    EXPECT_EQ(record.finish_reason,
              served->name == "messages" ? "max_tokens" : "max_output_tokens");
    for (size_t cut = 1; cut < body.size(); ++cut) {
      ASSERT_EQ(shown(read(api, {.body = body}, paced(body, {cut}), parser)), shown(record)) << cut;
    }
  }
}

}  // namespace
}  // namespace llmsweep::protocol_test
