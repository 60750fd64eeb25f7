#include "llmsweep/protocol/answers.h"

#include <gtest/gtest.h>

#include "llmsweep/base/error.h"
#include "protocol/recordings.h"

namespace llmsweep {
namespace {

using protocol_test::load_recording;
using Ids = std::vector<int32_t>;

TEST(PlainAnswer, IsReadFromRecordedAnswers) {
  const PlainAnswer chat =
      parse_plain_answer(load_recording("captures/llama-cpp-2026-09/chat_nonstream").body);
  EXPECT_EQ(chat.text, " quiet riv erqu ietriverq uietriverq uietriver quietriverq uie");
  EXPECT_EQ(chat.model, "tiny");
  EXPECT_EQ(chat.finish_reason, "length");
  EXPECT_EQ(chat.input_tokens, 29);
  EXPECT_EQ(chat.output_tokens, 8);
  EXPECT_EQ(chat.cached_tokens, 28);
  const PlainAnswer text =
      parse_plain_answer(load_recording("captures/llama-cpp-2026-09/cmpl_nonstream").body);
  EXPECT_EQ(text.input_tokens, 2);
  EXPECT_EQ(text.text.substr(0, 7), " quietr");
  const PlainAnswer old =
      parse_plain_answer(load_recording("captures/llama-cpp-2025-02/chat_nonstream").body);
  EXPECT_EQ(old.cached_tokens, std::nullopt);
  EXPECT_EQ(old.output_tokens, 4);
}

TEST(PlainAnswer, LeavesOutWhatIsMissingOrOfAnotherType) {
  const PlainAnswer answer = parse_plain_answer(
      R"({"model":7,"usage":{"prompt_tokens":"9","completion_tokens":-1},"choices":[{}]})");
  EXPECT_EQ(answer.model, "");
  EXPECT_EQ(answer.input_tokens, std::nullopt);
  EXPECT_EQ(answer.output_tokens, std::nullopt);
  EXPECT_EQ(parse_plain_answer("{}").text, "");
  EXPECT_EQ(
      parse_plain_answer(R"({"choices":[{"message":{"content":null,"reasoning":"r"}}]})").text,
      "r");
  EXPECT_THROW(parse_plain_answer("<html>"), Error);
  EXPECT_THROW(parse_plain_answer("[]"), Error);
  EXPECT_THROW(parse_plain_answer(""), Error);
}

TEST(Models, AreListedWithTheirContextLength) {
  EXPECT_EQ(parse_models(load_recording("captures/llama-cpp-2026-09/models").body),
            (std::vector<ModelInfo>{{"tiny", 8192}}));
  EXPECT_EQ(parse_models(R"({"object":"list","data":[{"id":"a","max_model_len":4096},{"id":"b"},)"
                         R"({"id":7},{"id":"c","context_length":1}]})"),
            (std::vector<ModelInfo>{{"a", 4096}, {"b", std::nullopt}, {"c", 1}}));
  EXPECT_TRUE(parse_models("{}").empty());
  EXPECT_THROW(parse_models("not found"), Error);
}

TEST(TokenIds, AreReadFromEveryServersAnswer) {
  EXPECT_EQ(
      parse_token_ids(R"({"count":2,"max_model_len":9,"tokens":[1,70000],"token_strs":null})"),
      (Ids{1, 70000}));
  EXPECT_EQ(parse_token_ids(R"({"tokens":[{"id":5,"piece":"a"},{"id":0,"piece":[255]}]})"),
            (Ids{5, 0}));
  EXPECT_EQ(parse_token_ids(R"([{"id":3,"text":"a","start":0,"stop":1}])"), (Ids{3}));
  EXPECT_EQ(parse_token_ids(R"({"tokens":[]})"), Ids{});
  for (const char* body : {"{}", "x", "", R"({"tokens":["a"]})", R"({"tokens":[-1]})",
                           R"({"tokens":[3000000000]})", R"({"tokens":[{}]})"}) {
    EXPECT_THROW(parse_token_ids(body), Error) << body;
  }
}

TEST(ErrorMessage, IsFoundInErrorBodiesOnly) {
  EXPECT_EQ(error_message_of(load_recording("captures/llama-cpp-2026-09/err_404").body),
            "File Not Found");
  EXPECT_EQ(error_message_of(R"({"choices":[]})"), "");
  EXPECT_EQ(error_message_of(R"({"header":{"code":10013,"message":"busy"}})"), "busy");
  EXPECT_EQ(error_message_of(R"({"Response":{"Error":{"Code":"X","Message":"busy"}}})"), "busy");
  EXPECT_EQ(error_message_of(R"({"failure":{"why":7}})"), R"({"why":7})");
  // What may be a model's own.
  EXPECT_EQ(error_message_of(R"({"output":{"text":"a","description":"b"},"data":"c"})"), "");
  EXPECT_EQ(error_message_of(R"({"code":7,"data":"c","output":{"text":"a"}})"), "");
  EXPECT_EQ(error_message_of("no JSON"), "");
  EXPECT_EQ(error_message_of(std::string(1 << 20, '[')), "");
  EXPECT_EQ(
      error_message_of(R"({"error":)" + std::string(1 << 20, '[') + std::string(1 << 20, ']') + "}")
          .substr(0, 4),
      "[[[[");
}

TEST(Models, AreReadUnderOtherNames) {
  for (const char* body :
       {R"({"models":[{"name":"a","model":"a:7b"},{"model":"b"}]})", R"({"data":["a","b"]})",
        R"(["a","b"])", R"({"data":[{"name":"a"},{"id":"","name":"b"}]})",
        R"({"object":"list","data":[{"id":"a"},{"id":"b"}],"models":[{"name":"c"}]})"}) {
    EXPECT_EQ(parse_models(body), (std::vector<ModelInfo>{{.id = "a"}, {.id = "b"}})) << body;
  }
  EXPECT_EQ(parse_models(R"({"data":[{"id":"a","context_window":8192},)"
                         R"({"id":"b","max_context_length":4096}]})"),
            (std::vector<ModelInfo>{{"a", 8192}, {"b", 4096}}));
  EXPECT_TRUE(parse_models(R"({"data":{},"models":7})").empty());
  EXPECT_TRUE(parse_models(R"({"data":[7,null,{}]})").empty());
}

TEST(Models, MayBeABareList) {
  const std::vector<ModelInfo> models =
      parse_models(R"([{"id": "a", "context_length": 4096}, {"id": "b"}, 3])");
  EXPECT_EQ(models, (std::vector<ModelInfo>{{.id = "a", .max_tokens = 4096}, {.id = "b"}}));
  EXPECT_THROW(parse_models("3"), Error);
}

}  // namespace
}  // namespace llmsweep
