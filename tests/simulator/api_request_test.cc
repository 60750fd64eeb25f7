#include "simulator/api_request.h"

#include <gtest/gtest.h>

#include "simulator/served_api.h"

namespace llmsweep::sim {
namespace {

std::variant<ApiRequest, ApiFailure> parse(std::string_view body, bool chat) {
  return parse_api_request(body, chat ? kServedChat : kServedCompletions, SimulatorProfile());
}

ApiRequest accepted(std::string_view body, bool chat) {
  const auto parsed = parse(body, chat);
  const auto* request = std::get_if<ApiRequest>(&parsed);
  EXPECT_NE(request, nullptr) << body << ": " << std::get<ApiFailure>(parsed).message;
  return request != nullptr ? *request : ApiRequest{.prompt = PromptTokens({})};
}

std::string refused(std::string_view body, bool chat) {
  const auto parsed = parse(body, chat);
  const auto* failure = std::get_if<ApiFailure>(&parsed);
  return failure != nullptr ? failure->param + ": " + failure->message : "accepted";
}

TEST(ApiRequest, TakesItsFields) {
  const ApiRequest request = accepted(
      R"({"model":"m","stream":true,"stream_options":{"include_usage":true,
          "continuous_usage_stats":false},"ignore_eos":true,"max_tokens":7,
          "max_completion_tokens":null,"min_tokens":3,"n":1,"seed":18446744073709551615,
          "temperature":0.5,"prompt":" one\ttwo\n\u0000 three "})",
      false);
  EXPECT_EQ(request.model, "m");
  EXPECT_TRUE(request.stream && request.include_usage && request.ignore_eos);
  EXPECT_FALSE(request.continuous_usage);
  EXPECT_EQ(request.max_tokens, 7);
  EXPECT_EQ(request.min_tokens, 3);
  EXPECT_EQ(request.seed, UINT64_MAX);
  EXPECT_EQ(request.prompt.count(), 4);
  EXPECT_EQ(accepted(R"({"prompt":"a","seed":-2})", false).seed, static_cast<uint64_t>(-2));
  EXPECT_EQ(accepted(R"({"prompt":"a","seed":null})", false).seed, std::nullopt);
}

TEST(ApiRequest, ReadsAPromptInEachOfItsForms) {
  EXPECT_EQ(accepted(R"({"prompt":"a b"})", false).prompt.hash(),
            accepted(R"({"prompt":["a  b\n"]})", false).prompt.hash());
  EXPECT_EQ(accepted(R"({"prompt":[3,1,4]})", false).prompt.count(), 3);
  EXPECT_EQ(accepted(R"({"prompt":[[3,1]]})", false).prompt.count(), 2);
  const auto said = [](const std::string& content) {
    return accepted(R"({"messages":[{"role":"user","content":)" + content + "}]}", true).prompt;
  };
  EXPECT_EQ(said(R"("a b")").count(), 9) << "7 of the template";
  EXPECT_EQ(said(R"([{"type":"text","text":"a"},{"type":"image"},{"text":"b"}])").hash(),
            said(R"("a b")").hash());
  EXPECT_EQ(said("null").count(), 7);
}

TEST(ApiRequest, NamesTheFieldAtFault) {
  EXPECT_EQ(refused(R"({"prompt":"a)", false), ": the body is not valid JSON");
  EXPECT_EQ(refused("3", false), ": the body must be a JSON object");
  EXPECT_EQ(refused("{}", false), "prompt: 'prompt' is missing");
  EXPECT_EQ(refused("{}", true), "messages: 'messages' is missing");
  EXPECT_EQ(refused(R"({"prompt":" "})", false), "prompt: 'prompt' is empty");
  for (const char* prompt : {"[]", "{}", "null", "7"}) {
    EXPECT_EQ(refused(R"({"prompt":)" + std::string(prompt) + "}", false),
              "prompt: 'prompt' must be a string or a list of token ids");
  }
  EXPECT_EQ(refused(R"({"prompt":[1,-1]})", false),
            "prompt: token ids must be non-negative integers");
  EXPECT_EQ(refused(R"({"prompt":["a","b"]})", false),
            "prompt: this endpoint serves one prompt a request");
  EXPECT_EQ(refused(R"({"messages":[]})", true),
            "messages: 'messages' must be a list of at least one message");
  for (const char* message : {"3", "{}", R"({"role":3})"}) {
    EXPECT_EQ(refused(R"({"messages":[)" + std::string(message) + "]}", true),
              "messages: a message must be an object with a 'role'");
  }
  EXPECT_EQ(refused(R"({"messages":[{"role":"user","content":3}]})", true),
            "messages: 'content' must be a string or a list of parts");
  EXPECT_EQ(refused(R"({"messages":[{"role":"user","content":["a"]}]})", true),
            "messages: a part of 'content' must be an object");
  EXPECT_EQ(refused(R"({"prompt":"a","max_tokens":1.5})", false),
            "max_tokens: 'max_tokens' must be an integer");
  EXPECT_EQ(refused(R"({"prompt":"a","max_tokens":0})", false),
            "max_tokens: 'max_tokens' must be at least 1, got 0");
  EXPECT_EQ(refused(R"({"prompt":"a","seed":"x"})", false), "seed: 'seed' must be an integer");
  EXPECT_EQ(refused(R"({"prompt":"a","stream":1})", false), "stream: 'stream' must be a boolean");
  EXPECT_EQ(refused(R"({"prompt":"a","stream":true,"stream_options":[]})", false),
            "stream_options: 'stream_options' must be an object");
  EXPECT_EQ(refused(R"({"prompt":"a","max_tokens":2,"min_tokens":3})", false),
            "min_tokens: 'min_tokens' must not be above 'max_tokens'");
}

}  // namespace
}  // namespace llmsweep::sim
