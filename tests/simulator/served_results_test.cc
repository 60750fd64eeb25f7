// /v1/embeddings and /v1/rerank as the endpoint reads and writes them.
#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "simulator/served_api.h"

namespace llmsweep::sim {
namespace {

using nlohmann::json;

ApiRequest read_ok(const Api& api, const std::string& body) {
  auto parsed = parse_api_request(body, api, SimulatorProfile());
  const auto* failure = std::get_if<ApiFailure>(&parsed);
  EXPECT_EQ(failure, nullptr) << (failure == nullptr ? "" : failure->message);
  return failure == nullptr ? std::get<ApiRequest>(std::move(parsed))
                            : ApiRequest{.prompt = PromptTokens({})};
}

std::string refusal_of(const Api& api, const std::string& body) {
  const auto parsed = parse_api_request(body, api, SimulatorProfile());
  const auto* failure = std::get_if<ApiFailure>(&parsed);
  return failure == nullptr ? "taken" : failure->param;
}

TEST(ServedEmbeddings, CountsTheTokensOfEachText) {
  const ApiRequest one = read_ok(kServedEmbeddings, R"({"model":"m","input":"a b c"})");
  EXPECT_EQ(one.inputs, 1);
  EXPECT_EQ(one.results, 1);
  EXPECT_EQ(one.prompt.count(), 3);
  EXPECT_FALSE(one.stream || one.base64);
  const ApiRequest texts = read_ok(kServedEmbeddings, R"({"input":["a b","c"]})");
  EXPECT_EQ(texts.inputs, 2);
  EXPECT_EQ(texts.prompt.count(), 3);
  EXPECT_EQ(read_ok(kServedEmbeddings, R"({"input":[5,6,7]})").inputs, 1);
  const ApiRequest ids = read_ok(kServedEmbeddings, R"({"input":[[5,6],[7]],"dimensions":3})");
  EXPECT_EQ(ids.inputs, 2);
  EXPECT_EQ(ids.prompt.count(), 3);
  EXPECT_EQ(ids.dimensions, 3);
}

TEST(ServedEmbeddings, RefusesByName) {
  EXPECT_EQ(refusal_of(kServedEmbeddings, R"({"input":""})"), "input");
  EXPECT_EQ(refusal_of(kServedEmbeddings, R"({"input":[]})"), "input");
  EXPECT_EQ(refusal_of(kServedEmbeddings, R"({"input":{"a":1}})"), "input");
  EXPECT_EQ(refusal_of(kServedEmbeddings, R"({"input":["a",{}]})"), "input");
  EXPECT_EQ(refusal_of(kServedEmbeddings, R"({"input":"a","dimensions":0})"), "dimensions");
  EXPECT_EQ(refusal_of(kServedEmbeddings, R"({"input":"a","encoding_format":"int8"})"),
            "encoding_format");
}

json answer_of(const Api& api, Answer answer) {
  answer.usage = true;
  answer.id = "r1";
  answer.model = "m";
  return json::parse(api.make_writer({}, Dialect::kVllm, answer)->plain({}, {}, {}, {}));
}

TEST(ServedEmbeddings, GivesTheSameNumbersInEitherForm) {
  const Answer asked{.prompt_tokens = 4, .inputs = 2, .results = 2, .dimensions = 3, .seed = 7};
  const json plain = answer_of(kServedEmbeddings, asked);
  EXPECT_EQ(plain["usage"], json::parse(R"({"prompt_tokens":4,"total_tokens":4})"));
  ASSERT_EQ(plain["data"].size(), 2u);
  EXPECT_EQ(plain["data"][1]["index"], 1);
  EXPECT_NE(plain["data"][0]["embedding"], plain["data"][1]["embedding"]);
  Answer encoded = asked;
  encoded.base64 = true;
  const std::string text = answer_of(kServedEmbeddings, encoded)["data"][0]["embedding"];
  EXPECT_EQ(text.size(), 16u);  // 12 bytes
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  uint32_t bits = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    bits = bits << 6 | static_cast<uint32_t>(kAlphabet.find(text[i]));
    if (i % 4 != 3) continue;
    for (const int shift : {16, 8, 0}) bytes += static_cast<char>(bits >> shift);
  }
  for (size_t i = 0; i < 3; ++i) {
    uint32_t word = 0;
    for (size_t k = 4; k-- > 0;) word = word << 8 | static_cast<unsigned char>(bytes[4 * i + k]);
    EXPECT_NEAR(std::bit_cast<float>(word), plain["data"][0]["embedding"][i].get<double>(), 1e-6);
  }
}

TEST(ServedRerank, ReadsTheQueryWithEachDocument) {
  const ApiRequest request =
      read_ok(kServedRerank, R"({"query":"a b","documents":["c",{"text":"d e"},"f"],"top_n":2})");
  EXPECT_EQ(request.inputs, 3);
  EXPECT_EQ(request.results, 2);
  EXPECT_EQ(request.prompt.count(), 3 * 2 + 4);
  EXPECT_EQ(refusal_of(kServedRerank, R"({"query":"a","documents":[]})"), "documents");
  EXPECT_EQ(refusal_of(kServedRerank, R"({"query":"a","documents":[{}]})"), "documents");
  EXPECT_EQ(refusal_of(kServedRerank, R"({"query":1,"documents":["a"]})"), "query");
  EXPECT_EQ(refusal_of(kServedRerank, R"({"query":"a","documents":["b"],"top_n":0})"), "top_n");
}

TEST(ServedRerank, RanksTheBestFirst) {
  const json answer = answer_of(kServedRerank, {.inputs = 8, .results = 5, .seed = 3});
  ASSERT_EQ(answer["results"].size(), 5u);
  std::set<int> indices;
  double before = 1;
  for (const json& result : answer["results"]) {
    EXPECT_LE(result["relevance_score"].get<double>(), before);
    before = result["relevance_score"];
    indices.insert(result["index"].get<int>());
  }
  EXPECT_EQ(indices.size(), 5u);
}

}  // namespace
}  // namespace llmsweep::sim
