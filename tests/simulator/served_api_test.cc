#include "simulator/served_api.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>

namespace llmsweep::sim {
namespace {

std::unique_ptr<EventWriter> writer_of(const Api& api) {
  return api.make_writer({}, Dialect::kVllm, {.usage = true, .id = "r1", .model = "m"});
}

TEST(ServedApi, EveryOneHasItsOwnNamePathAndIds) {
  std::set<std::string_view> names, paths, prefixes;
  for (const Api* api : kServedApis) {
    SCOPED_TRACE(api->name);
    EXPECT_TRUE(names.insert(api->name).second);
    EXPECT_TRUE(paths.insert(api->path).second);
    EXPECT_TRUE(prefixes.insert(api->id_prefix).second);
    EXPECT_TRUE(api->path.starts_with("/v1/"));
    EXPECT_EQ(served_at(api->path), api);
    EXPECT_TRUE(api->read && api->make_writer);
  }
}

TEST(ServedApi, IsFoundByItsWholePathOnly) {
  for (const char* path : {"", "/", "/v1", "/v1/chat", "/v1/chat/completions/", "/completions"}) {
    EXPECT_EQ(served_at(path), nullptr) << path;
  }
}

TEST(ServedApi, RefusesABodyWithoutAPrompt) {
  for (const Api* api : kServedApis) {
    const auto parsed = parse_api_request(R"({"stream":true})", *api, SimulatorProfile());
    const auto* failure = std::get_if<ApiFailure>(&parsed);
    ASSERT_NE(failure, nullptr) << api->name;
    EXPECT_TRUE(failure->message.ends_with("is missing")) << failure->message;
  }
}

TEST(ServedApi, WritesATokensTextIntoAnEventAndIntoAnUnstreamedAnswer) {
  for (const Api* api : kServedApis) {
    if (!api->generates) continue;
    SCOPED_TRACE(api->name);
    std::string out;
    writer_of(*api)->tokens({.text = " mill"}, {.output_tokens = 1}, {}, out);
    EXPECT_NE(out.find("\" mill\""), std::string::npos) << out;
    EXPECT_TRUE(out.ends_with("\n\n")) << out;
    const std::string plain =
        writer_of(*api)->plain({}, {.text = " mill"}, "stop", {.output_tokens = 1});
    EXPECT_TRUE(nlohmann::json::accept(plain)) << plain;
    EXPECT_NE(plain.find("\" mill\""), std::string::npos) << plain;
  }
}

}  // namespace
}  // namespace llmsweep::sim
