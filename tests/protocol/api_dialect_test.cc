#include "protocol/api_dialect.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "llmsweep/base/error.h"
#include "llmsweep/model/names.h"
#include "llmsweep/protocol/request.h"

namespace llmsweep {
namespace {

using nlohmann::json;

TEST(ApiDialect, EveryApiHasOneOfItsOwn) {
  std::set<const ApiDialect*> dialects;
  std::set<std::string> paths;
  for (const Api api : all_values<Api>()) {
    SCOPED_TRACE(name_of(api));
    const ApiDialect& dialect = dialect_of(api);
    EXPECT_TRUE(dialects.insert(&dialect).second) << "another one's";
    EXPECT_EQ(dialect.traits.path.front(), '/');
    EXPECT_TRUE(paths.insert(std::string(dialect.traits.path)).second) << dialect.traits.path;
    EXPECT_EQ(path_of(api), dialect.traits.path);
    EXPECT_EQ(&traits_of(api), &dialect.traits);
  }
}

TEST(ApiDialect, IsComplete) {
  for (const Api api : all_values<Api>()) {
    SCOPED_TRACE(name_of(api));
    const ApiDialect& dialect = dialect_of(api);
    EXPECT_TRUE(dialect.write_body && dialect.take_end && dialect.read_chunk);
    EXPECT_FALSE(dialect.words.standard.empty() || dialect.words.answer_key.empty() ||
                 dialect.words.end.empty());
    EXPECT_FALSE(dialect.keys.meaningful.empty());
    EXPECT_FALSE(dialect.keys.id.empty() || dialect.keys.counts.empty());
  }
}

TEST(ApiDialect, WritesABodyThatAsksForAStreamWithThePrompt) {
  for (const Api api : all_values<Api>()) {
    if (!traits_of(api).generates) continue;
    const std::string body =
        render_request({.api = api}, "m", {}, {.text = "hello", .planned_output_tokens = 5});
    EXPECT_EQ(json::parse(body)["stream"], true) << body;
    EXPECT_NE(body.find("\"hello\""), std::string::npos) << body;
  }
}

TEST(ApiDialect, TakesTokenIdsWhereItsTraitsSaySo) {
  for (const Api api : all_values<Api>()) {
    const auto render = [api] { return render_request({.api = api}, "m", {}, {.ids = {71, 72}}); };
    if (traits_of(api).takes_token_ids) {
      EXPECT_NE(render().find("[71,72]"), std::string::npos) << name_of(api);
    } else {
      EXPECT_THROW(render(), Error) << name_of(api);
    }
  }
}

TEST(ApiDialect, AsksForNoStreamWhereItDoesNotGenerate) {
  for (const Api api : all_values<Api>()) {
    if (traits_of(api).generates) continue;
    const json body = json::parse(
        render_request({.api = api}, "m", {RequestField::kIgnoreEos, RequestField::kIncludeUsage},
                       {.text = "hello there", .planned_output_tokens = 5, .inputs = 1}));
    for (const char* key : {"stream", "max_tokens", "ignore_eos", "stream_options"}) {
      EXPECT_FALSE(body.contains(key)) << body;
    }
    EXPECT_GT(inputs_of(api, {}), 0);
    EXPECT_EQ(inputs_of(api, {.inputs_per_request = 3}), 3);
  }
}

TEST(ApiDialect, TakesAConversationWhereItsTraitsSaySo) {
  for (const Api api : all_values<Api>()) {
    if (api == Api::kRerank) continue;  // whose texts are cut out of it
    const std::string body =
        render_request({.api = api}, "m", {}, {.messages = {{"user", "a"}, {"user", "b"}}});
    const bool joined = body.find(R"("a\nb")") != std::string::npos;
    EXPECT_EQ(joined, !traits_of(api).takes_messages) << body;
  }
}

TEST(ApiDialect, IsToldFromItsEndByTheMarkAlone) {
  for (const Api api : {Api::kChat, Api::kCompletions}) {
    const auto left = [api](std::string_view payload) {
      const bool end = dialect_of(api).take_end({}, payload);
      return std::string(payload) + (end ? " |" : "");
    };
    EXPECT_EQ(left("[DONE]"), " |");
    EXPECT_EQ(left("{}\n[DONE]"), "{}\n |");
    EXPECT_EQ(left(R"({"text":"[DONE]"})"), R"({"text":"[DONE]"})");
    EXPECT_EQ(left("x[DONE]"), "x[DONE]");
    EXPECT_EQ(left(""), "");
  }
}

}  // namespace
}  // namespace llmsweep
