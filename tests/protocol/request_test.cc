#include "llmsweep/protocol/request.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "llmsweep/base/error.h"

namespace llmsweep {
namespace {

using nlohmann::json;

const std::vector<RequestField> kAll = {RequestField::kIgnoreEos, RequestField::kMinTokens,
                                        RequestField::kIncludeUsage,
                                        RequestField::kContinuousUsage};

TEST(RenderRequest, AsksForAFixedLengthInAChat) {
  const Prompt prompt{.text = "a \"b\"\n六", .planned_output_tokens = 1600};
  EXPECT_EQ(render_request({}, "m", kAll, prompt),
            R"({"model":"m","messages":[{"role":"user","content":"a \"b\"\n六"}],)"
            R"("max_tokens":1600,"min_tokens":1600,"ignore_eos":true,"stream":true,)"
            R"("stream_options":{"include_usage":true,"continuous_usage_stats":true}})");
}

TEST(RenderRequest, SendsTheMessagesOfAConversation) {
  const Prompt prompt{.messages = {{"system", "s"}, {"user", "u"}}, .planned_output_tokens = 1};
  EXPECT_EQ(json::parse(render_request({}, "m", {}, prompt))["messages"],
            json::parse(R"([{"role":"system","content":"s"},{"role":"user","content":"u"}])"));
}

TEST(RenderRequest, SendsTextOrIdsToCompletions) {
  const EndpointSpec endpoint{.api = Api::kCompletions};
  EXPECT_EQ(render_request(endpoint, "m", {}, {.text = "a", .planned_output_tokens = 5}),
            R"({"model":"m","prompt":"a","max_tokens":5,"stream":true})");
  EXPECT_EQ(render_request(endpoint, "", {}, {.ids = {1, 70000}, .planned_output_tokens = 5}),
            R"({"prompt":[1,70000],"max_tokens":5,"stream":true})");
  EXPECT_EQ(json::parse(render_request(endpoint, "m", {},
                                       {.messages = {{"user", "a"}, {"user", "b"}}}))["prompt"],
            "a\nb");
}

TEST(RenderRequest, RefusesIdsForAChat) {
  try {
    render_request({}, "m", {}, {.ids = {1}});
    ADD_FAILURE() << "it takes them";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("token ids cannot be sent to the chat API"),
              std::string::npos)
        << error.what();
  }
}

TEST(RenderRequest, SendsOnlyTheFieldsThatItIsGiven) {
  const Prompt prompt{.text = "a", .planned_output_tokens = 5};
  const auto body = [&](std::vector<RequestField> fields) {
    return json::parse(render_request({}, "m", fields, prompt));
  };
  EXPECT_EQ(body({}).size(), 4u);
  EXPECT_EQ(body({RequestField::kIgnoreEos})["ignore_eos"], true);
  EXPECT_EQ(body({RequestField::kMinTokens})["min_tokens"], 5);
  EXPECT_EQ(body({RequestField::kIncludeUsage})["stream_options"], json({{"include_usage", true}}));
  // Without include_usage the server would ignore it, or refuse it.
  EXPECT_FALSE(body({RequestField::kContinuousUsage}).contains("stream_options"));
}

TEST(RenderRequest, SendsNoLengthWhereNoneIsPlanned) {
  const json body = json::parse(render_request({}, "m", kAll, {.text = "a"}));
  EXPECT_FALSE(body.contains("max_tokens"));
  EXPECT_FALSE(body.contains("min_tokens"));
}

TEST(RenderRequest, NamesTheLengthAsTheEndpointWantsIt) {
  const EndpointSpec endpoint{.max_tokens_field = "max_completion_tokens"};
  const json body =
      json::parse(render_request(endpoint, "m", {}, {.text = "a", .planned_output_tokens = 5}));
  EXPECT_EQ(body["max_completion_tokens"], 5);
  EXPECT_FALSE(body.contains("max_tokens"));
}

TEST(RenderRequest, MergesTheExtraBodyLast) {
  const EndpointSpec endpoint{
      .extra_body = R"({"temperature":0,"ignore_eos":null,"max_tokens":9,)"
                    R"("stream_options":{"x":1},"chat_template_kwargs":{"thinking":false}})"};
  const json body =
      json::parse(render_request(endpoint, "m", kAll, {.text = "a", .planned_output_tokens = 5}));
  EXPECT_EQ(body["temperature"], 0);
  EXPECT_FALSE(body.contains("ignore_eos"));
  EXPECT_EQ(body["max_tokens"], 9);
  EXPECT_EQ(body["stream_options"]["include_usage"], true);
  EXPECT_EQ(body["stream_options"]["x"], 1);
  EXPECT_EQ(body["chat_template_kwargs"]["thinking"], false);
}

TEST(RenderRequest, RefusesAnExtraBodyThatIsNoObject) {
  for (const char* extra : {"", "[]", "{", "1"}) {
    EXPECT_THROW(render_request({.extra_body = extra}, "m", {}, {.text = "a"}), Error) << extra;
  }
}

TEST(RenderRequest, ReplacesBytesThatAreNotUtf8) {
  EXPECT_EQ(json::parse(render_request({}, "m", {}, {.text = "a\xff"}))["messages"][0]["content"],
            "a\uFFFD");
}

TEST(PathOf, NamesTheTwoApis) {
  EXPECT_EQ(path_of(Api::kChat), "/chat/completions");
  EXPECT_EQ(path_of(Api::kCompletions), "/completions");
}

std::string openai_error(const std::string& message, const std::string& param = {}) {
  return json({{"error", {{"message", message}, {"param", param}, {"code", 400}}}}).dump();
}

TEST(RefusedField, FindsTheFieldInEveryShapeOfRefusal) {
  // vLLM with extra fields forbidden (pydantic's words), FastAPI's 422, OpenAI, Triton, NIM.
  EXPECT_EQ(refused_field(400, openai_error("[{'type': 'extra_forbidden', 'loc': ('body', "
                                            "'ignore_eos'), 'msg': 'Extra inputs are not "
                                            "permitted', 'input': True}]")),
            RequestField::kIgnoreEos);
  EXPECT_EQ(
      refused_field(422, R"({"detail":[{"type":"extra_forbidden","loc":["body","min_tokens"],)"
                         R"("msg":"Extra inputs are not permitted","input":5}]})"),
      RequestField::kMinTokens);
  EXPECT_EQ(refused_field(400, openai_error("Unrecognized request argument supplied: ignore_eos")),
            RequestField::kIgnoreEos);
  EXPECT_EQ(refused_field(400, openai_error("Unknown parameter.", "stream_options")),
            RequestField::kIncludeUsage);
  EXPECT_EQ(refused_field(400, openai_error("Unknown parameter: 'stream_options.include_usage'.")),
            RequestField::kIncludeUsage);
  EXPECT_EQ(refused_field(400, openai_error("Unknown parameter: "
                                            "'stream_options.continuous_usage_stats'.")),
            RequestField::kContinuousUsage);
  EXPECT_EQ(refused_field(400, R"({"error":"unknown field `min_tokens`"})"),
            RequestField::kMinTokens);
}

TEST(RefusedField, PrefersTheNamedCauseToWhatTheSentenceMentions) {
  EXPECT_EQ(refused_field(
                400, openai_error("ignore_eos and min_tokens do not go together", "min_tokens")),
            RequestField::kMinTokens);
}

TEST(RefusedField, FindsNothingWhereNoFieldIsNamed) {
  EXPECT_EQ(refused_field(400, openai_error("the request is too long")), std::nullopt);
  EXPECT_EQ(refused_field(400, openai_error("my_ignore_eos_list, min_tokens_per_s")), std::nullopt);
  EXPECT_EQ(refused_field(400, ""), std::nullopt);
  EXPECT_EQ(refused_field(400, "<html>ignore_eos"), std::nullopt);
  EXPECT_EQ(refused_field(500, openai_error("ignore_eos", "ignore_eos")), std::nullopt);
  // The request that is echoed holds every name.
  EXPECT_EQ(refused_field(422, R"({"detail":[{"loc":["body","model"],"msg":"Field required",)"
                               R"("input":{"ignore_eos":true,"min_tokens":5}}]})"),
            std::nullopt);
  EXPECT_EQ(refused_field(400, openai_error("[{'type': 'value_error', 'loc': ('body',), 'msg': "
                                            "'Value error', 'input': {'ignore_eos': True}}]")),
            std::nullopt);
}

TEST(RefusedField, FindsAFieldInsideAPath) {
  EXPECT_EQ(refused_field(422, R"({"detail":[{"loc":["body","stream_options",)"
                               R"("continuous_usage_stats","bool"],"msg":"no"}]})"),
            RequestField::kContinuousUsage);
}

TEST(RenamedMaxTokensField, TakesTheNameThatTheServerOffers) {
  const std::string openai = openai_error(
      "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
      "'max_completion_tokens' instead.",
      "max_tokens");
  EXPECT_EQ(renamed_max_tokens_field(400, openai, "max_tokens"), "max_completion_tokens");
  EXPECT_EQ(renamed_max_tokens_field(400, openai, "max_completion_tokens"), "max_tokens");
  EXPECT_EQ(renamed_max_tokens_field(400, openai_error("max_tokens is too large: 9"), "max_tokens"),
            std::nullopt);
  EXPECT_EQ(renamed_max_tokens_field(400, openai_error("use max_completion_tokens"), "max_tokens"),
            std::nullopt);
  EXPECT_EQ(renamed_max_tokens_field(500, openai, "max_tokens"), std::nullopt);
}

TEST(FewestOutputTokens, AreReadFromARefusalOfTheLimit) {
  const auto fewest = [](const char* message, int status = 400) {
    const nlohmann::json body = {{"error", {{"message", message}}}};
    return fewest_output_tokens(status, body.dump(), "max_tokens");
  };
  EXPECT_EQ(fewest("max_tokens must be at least 64, got 16"), 64);
  EXPECT_EQ(fewest("max_tokens: Input should be greater than 1024"), 1025);
  EXPECT_EQ(fewest("max_tokens: Input should be greater than or equal to 32"), 32);
  EXPECT_EQ(fewest("Invalid 'max_output_tokens': integer below minimum value. Expected a value "
                   ">= 16, but got 4 instead."),
            16);
  EXPECT_EQ(fewest("max_tokens is too large: at most 64"), std::nullopt);
  EXPECT_EQ(fewest("temperature must be at least 1"), std::nullopt);
  EXPECT_EQ(fewest("max_tokens must be at least 64", 500), std::nullopt);
}

TEST(RenderRequest, PutsImagesBehindTheTextOfTheUser) {
  const auto image = [](const char* url) { return std::make_shared<const std::string>(url); };
  const Prompt prompt{.text = "what is it?", .images = {image("data:a"), image("data:b")}};
  EXPECT_EQ(json::parse(render_request({}, "m", {}, prompt))["messages"], json::parse(R"([
    {"role":"user","content":[{"type":"text","text":"what is it?"},
      {"type":"image_url","image_url":{"url":"data:a"}},
      {"type":"image_url","image_url":{"url":"data:b"}}]}])"));
  const Prompt talk{.messages = {{"user", "1"}, {"assistant", "2"}, {"user", "3"}, {"tool", "4"}},
                    .images = {image("data:a")}};
  const json messages = json::parse(render_request({}, "m", {}, talk))["messages"];
  EXPECT_EQ(messages[0]["content"], "1");
  EXPECT_EQ(messages[2]["content"][0]["text"], "3");
  EXPECT_EQ(messages[2]["content"][1]["image_url"]["url"], "data:a");
  EXPECT_EQ(messages[3]["content"], "4");
}

}  // namespace
}  // namespace llmsweep
