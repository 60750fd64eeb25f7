// The answers of /embeddings and /rerank, one JSON object each, and the requests that ask for them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "llmsweep/base/error.h"
#include "llmsweep/protocol/request.h"
#include "protocol/input_texts.h"
#include "protocol/recordings.h"
#include "protocol/response_stream.h"
#include "simulator/served_api.h"

namespace llmsweep::protocol_test {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

RequestRecord read_answer(Api api, const std::string& body, int64_t inputs = 1,
                          size_t max_piece = 0) {
  ChunkParser parser;
  RequestRecord record;
  record.inputs = inputs;
  ResponseReader reader(api, record);
  reader.expect_model("m");
  reader.headers(200, "Content-Type: application/json\r\n", at(0));
  int64_t ms = 1;
  for (std::string_view rest = body; !rest.empty(); ++ms) {
    const std::string_view piece = rest.substr(0, max_piece == 0 ? rest.size() : max_piece);
    reader.bytes(piece, at(ms), parser);
    rest.remove_prefix(piece.size());
  }
  reader.end(at(1000), parser);
  return record;
}

std::string vectors(const std::string& list) {
  return R"({"id":"embd-1","object":"list","model":"m","data":[)" + list +
         R"(],"usage":{"prompt_tokens":9,"total_tokens":9,"prompt_tokens_details":)"
         R"({"cached_tokens":4}}})";
}

const std::string kVector = R"({"index":0,"object":"embedding","embedding":[0.5,-1e-3]})";
const std::string kEncoded = R"({"index":1,"object":"embedding","embedding":"AAAAPw=="})";

TEST(EmbeddingsAnswer, IsWholeAtTheReadThatCompletedIt) {
  const RequestRecord record =
      read_answer(Api::kEmbeddings, vectors(kVector + "," + kEncoded), 2, 50);
  EXPECT_EQ(record.outcome, Outcome::kOk) << record.error;
  EXPECT_EQ(record.error, "");
  EXPECT_EQ(record.response_id, "embd-1");
  EXPECT_EQ(record.input_tokens, 9);
  EXPECT_EQ(record.cached_tokens, 4);
  const auto reads = static_cast<int64_t>((vectors(kVector + "," + kEncoded).size() + 49) / 50);
  EXPECT_EQ(record.last_token, at(reads));
  EXPECT_EQ(record.end, at(1000));
}

TEST(EmbeddingsAnswer, HasNoTokenAndNoInstantOfOne) {
  const RequestRecord record = read_answer(Api::kEmbeddings, vectors(kVector));
  EXPECT_EQ(record.outcome, Outcome::kOk) << record.error;
  EXPECT_EQ(record.output_tokens, 0);
  EXPECT_EQ(record.chunks, 0);
  EXPECT_FALSE(record.first_token || record.first_answer_token || record.first_choice);
  EXPECT_TRUE(record.icl.empty() && record.itl.empty());
}

TEST(EmbeddingsAnswer, HasAVectorForEachTextOrHasFailed) {
  const auto error_of = [](const std::string& list, int64_t inputs) {
    const RequestRecord record = read_answer(Api::kEmbeddings, vectors(list), inputs);
    EXPECT_EQ(record.outcome, Outcome::kProtocolError);
    EXPECT_FALSE(record.last_token);
    return record.error;
  };
  EXPECT_EQ(error_of(kVector, 2), "the answer has 1 vector, 2 were requested");
  EXPECT_EQ(error_of(kVector + "," + kVector, 1), "the answer has 2 vectors, 1 was requested");
  EXPECT_EQ(error_of("", 1), "the answer has 0 vectors, 1 was requested");
  const std::string empty = "vector 2 of 2 of the answer is empty";
  EXPECT_EQ(error_of(kVector + R"(,{"embedding":[]})", 2), empty);
  EXPECT_EQ(error_of(kVector + R"(,{"embedding":""})", 2), empty);
  EXPECT_EQ(error_of(kVector + R"(,{"embedding":null})", 2), empty);
  EXPECT_EQ(error_of(kVector + R"(,{"index":1})", 2), empty);
  EXPECT_EQ(error_of(kVector + ",7", 2), empty);
}

TEST(EmbeddingsAnswer, ThatIsNoneSaysWhatItIs) {
  const auto error_of = [](const std::string& body) {
    const RequestRecord record = read_answer(Api::kEmbeddings, body);
    EXPECT_EQ(record.outcome, Outcome::kProtocolError) << body;
    return record.error;
  };
  EXPECT_EQ(error_of(""), "the answer is empty");
  EXPECT_EQ(error_of(" \n"), "the answer is empty");
  EXPECT_THAT(error_of("data: {}\n\n"), HasSubstr("the answer is no JSON object"));
  EXPECT_THAT(error_of("<html>busy</html>"), HasSubstr("busy"));
  const std::string answer = vectors(kVector);
  EXPECT_THAT(error_of(answer.substr(0, answer.size() / 2)), HasSubstr("the answer is malformed"));
  EXPECT_THAT(
      error_of(R"({"choices":[],"object":"chat.completion"})"),
      HasSubstr("the answer has no data; does /embeddings speak the OpenAI embeddings API?"));
  EXPECT_THAT(error_of(R"({"error":{"message":"no such model","type":"x"}})"),
              HasSubstr("server error: no such model"));
  EXPECT_THAT(error_of(R"({"object":"error","message":"too long","code":400})"),
              HasSubstr("server error: too long"));
}

TEST(EmbeddingsAnswer, OfAnotherModelIsNoted) {
  std::string answer = vectors(kVector);
  answer.replace(answer.find(R"("model":"m")"), 11, R"("model":"n")");
  EXPECT_EQ(read_answer(Api::kEmbeddings, answer).other_model, "n");
}

TEST(EmbeddingsAnswer, MayBeLargerThanWhatIsKeptOfAPlainAnswer) {
  std::string numbers = "0";
  for (int i = 0; i < 40'000; ++i) numbers += ",0.1234567";
  const RequestRecord record =
      read_answer(Api::kEmbeddings, vectors(R"({"embedding":[)" + numbers + "]}"), 1, 16'384);
  EXPECT_EQ(record.outcome, Outcome::kOk) << record.error;
}

std::string scores(const std::string& list) {
  return R"({"id":"r-1","model":"m","results":[)" + list + R"(],"usage":{"total_tokens":30}})";
}

TEST(RerankAnswer, HasAScoreForEachDocumentOrHasFailed) {
  const std::string one = R"({"index":1,"document":{"text":"b"},"relevance_score":0.9})";
  const std::string other = R"({"index":0,"score":-3})";
  const RequestRecord record = read_answer(Api::kRerank, scores(one + "," + other), 2);
  EXPECT_EQ(record.outcome, Outcome::kOk) << record.error;
  EXPECT_EQ(record.input_tokens, 30);
  EXPECT_EQ(read_answer(Api::kRerank, scores(one), 2).error,
            "the answer has 1 score, 2 were requested");
  EXPECT_EQ(read_answer(Api::kRerank, scores(one + R"(,{"index":0})"), 2).error,
            "score 2 of 2 of the answer is empty");
}

TEST(ResultsAnswer, IsReadAlikeHoweverItIsCut) {
  for (const auto& [api, served] : {std::pair{Api::kEmbeddings, &sim::kServedEmbeddings},
                                    std::pair{Api::kRerank, &sim::kServedRerank}}) {
    SCOPED_TRACE(served->name);
    const std::string body = served
                                 ->make_writer({}, Dialect::kVllm,
                                               {.usage = true,
                                                .id = "r1",
                                                .model = "m",
                                                .prompt_tokens = 12,
                                                .inputs = 3,
                                                .results = 3,
                                                .dimensions = 4})
                                 ->plain({}, {}, {}, {});
    const RequestRecord record = read_answer(api, body, 3);
    EXPECT_EQ(record.outcome, Outcome::kOk) << record.error;
    EXPECT_EQ(record.input_tokens, 12);
    EXPECT_EQ(record.response_id, "r1");
    for (size_t piece = 1; piece < body.size(); piece += 7) {
      RequestRecord cut = read_answer(api, body, 3, piece);
      cut.last_token = record.last_token;
      ASSERT_EQ(shown(cut), shown(record)) << piece;
    }
  }
}

TEST(EmbeddingsRequest, HasOneTextOrSeveral) {
  const EndpointSpec endpoint{.api = Api::kEmbeddings, .extra_body = R"({"dimensions":8})"};
  const auto render = [&](const Prompt& prompt) {
    return json::parse(render_request(endpoint, "m", {RequestField::kIgnoreEos}, prompt));
  };
  EXPECT_EQ(render({.text = "a b c d", .inputs = 1}),
            json::parse(R"({"model":"m","input":"a b c d","dimensions":8})"));
  EXPECT_EQ(render({.text = "a b c d", .inputs = 2}),
            json::parse(R"({"model":"m","input":["a b"," c d"],"dimensions":8})"));
}

TEST(RerankRequest, HasAQueryAndDocuments) {
  const json body = json::parse(
      render_request({.api = Api::kRerank}, "m", {}, {.text = "q a b c d", .inputs = 2}));
  EXPECT_EQ(body,
            json::parse(R"({"model":"m","query":"q","top_n":2,"documents":[" a b"," c d"]})"));
}

TEST(InputTexts, HoldEveryByteOnceAndInOrder) {
  const std::string text = "  one two\tthree\n\nfour  五 six seven ";
  for (int64_t count = 1; count <= 7; ++count) {
    for (const auto& pieces : {cut_into_inputs(text, count),
                               cut_into_query_and_documents(text, std::min<int64_t>(count, 6))}) {
      std::string joined;
      for (const std::string_view piece : pieces) {
        EXPECT_NE(piece.find_first_not_of(" \t\n"), piece.npos);
        joined += piece;
      }
      EXPECT_EQ(joined, text);
    }
    EXPECT_EQ(cut_into_inputs(text, count).size(), static_cast<size_t>(count));
  }
}

TEST(InputTexts, AreOfAsManyWords) {
  EXPECT_THAT(cut_into_inputs("a b c d e", 2), ElementsAre("a b", " c d e"));
  EXPECT_THAT(cut_into_query_and_documents("a b c d e f g", 2),
              ElementsAre("a b", " c d", " e f g"));
  std::string words;
  for (int i = 0; i < 300; ++i) words += "w ";
  EXPECT_EQ(cut_into_query_and_documents(words, 2).front().size(), 2 * kMostQueryWords - 1);
}

TEST(InputTexts, OfTextWithoutSpacesAreCutBetweenCharacters) {
  EXPECT_THAT(cut_into_inputs("東京の天", 2), ElementsAre("東京", "の天"));
  try {
    cut_into_inputs("東京", 3);
    FAIL() << "two characters are no three texts";
  } catch (const Error& error) {
    EXPECT_EQ(error.text().where, "workload.inputs_per_request");
  }
}

}  // namespace
}  // namespace llmsweep::protocol_test
