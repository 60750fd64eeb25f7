#include "llmsweep/sweep/endpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

namespace llmsweep {
namespace {

using ::testing::Contains;
using ::testing::IsEmpty;
using ::testing::Not;

std::vector<std::string> secrets_of_header(const std::string& name, const std::string& value) {
  return secrets_of({}, {.urls = {}, .headers = {{name, value}}});
}

std::vector<std::string> secrets_of_body(const std::string& extra_body) {
  SweepSpec spec;
  spec.endpoint.extra_body = extra_body;
  return secrets_of(spec, {});
}

TEST(EndpointSecrets, KnowShortKeys) {
  EXPECT_THAT(secrets_of_header("Authorization", "Bearer abcd"), Contains("abcd"));
  EXPECT_THAT(secrets_of_header("Authorization", "Token pw12345"), Contains("pw12345"));
  EXPECT_THAT(secrets_of_header("X-Token-2", "Zq9x7L"), Contains("Zq9x7L"));
  EXPECT_THAT(secrets_of_header("Cookie", "a=b; session=k3y5"), Contains("k3y5"));
  EXPECT_THAT(secrets_of_header("Authorization", "Bearer EMPTY"), IsEmpty());
}

TEST(EndpointSecrets, KnowThePartsOfAValue) {
  EXPECT_THAT(secrets_of_header("Authorization", "ApiKey  id42:p4ssw0rd"), Contains("p4ssw0rd"));
  EXPECT_THAT(secrets_of_header("Authorization", "Digest username=\"bob\", response=\"6629fae4\""),
              Contains("6629fae4"));
  EXPECT_THAT(secrets_of_header("Authorization", "Bearer sk-local-key"), Not(Contains("Bearer")));
}

TEST(EndpointSecrets, KnowWhatBase64Says) {
  const auto basic = secrets_of_header("Authorization", "Basic Ym9iOmh1bnRlcjJzZWNyZXQ=");
  EXPECT_THAT(basic, Contains("bob:hunter2secret"));
  EXPECT_THAT(basic, Contains("hunter2secret"));
  EXPECT_THAT(secrets_of_body(R"({"auth_token": "dG9wc2VjcmV0dmFsdWU5OQ=="})"),
              Contains("topsecretvalue99"));
}

TEST(EndpointSecrets, KnowNumbers) {
  EXPECT_THAT(secrets_of_body(R"({"api_key": 1234567.875})"), Contains("1234567.875"));
  EXPECT_THAT(secrets_of_body(R"({"auth": {"pins": [471199]}, "top_k": 4000})"),
              testing::ElementsAre("471199"));
}

TEST(EndpointSecrets, KnowTheKeyWhateverItsHeaderIsCalled) {
  SweepSpec spec;
  spec.endpoint.api_key_header = "Ocp-Apim-Subscription";
  const Connection connection{.urls = {}, .headers = {{"ocp-apim-subscription", "k3y-0f-azure"}}};
  EXPECT_THAT(secrets_of(spec, connection), Contains("k3y-0f-azure"));
  EXPECT_THAT(secrets_of({}, connection), IsEmpty());
}

TEST(OpenEndpoint, PutsTheKeyIntoTheHeaderThatTheSpecNames) {
  setenv("LLMSWEEP_TEST_KEY", "sk-1", 1);
  EndpointSpec endpoint;
  endpoint.url = "http://127.0.0.1/v1";
  endpoint.api_key_env = "LLMSWEEP_TEST_KEY";
  std::vector<std::string> notes;
  const auto header_of = [&](const char* name) {
    endpoint.api_key_header = name;
    return OpenEndpoint(endpoint, notes).connection().headers.at(0);
  };
  using Header = std::pair<std::string, std::string>;
  EXPECT_EQ(header_of("Authorization"), Header("Authorization", "Bearer sk-1"));
  EXPECT_EQ(header_of("authorization"), Header("authorization", "Bearer sk-1"));
  EXPECT_EQ(header_of("api-key"), Header("api-key", "sk-1"));
  unsetenv("LLMSWEEP_TEST_KEY");
}

TEST(UrlBelow, PutsAPathBeforeTheQuery) {
  EXPECT_EQ(url_below("http://h/v1", "/models"), "http://h/v1/models");
  EXPECT_EQ(url_below("http://h/d/m?a=1", "/models"), "http://h/d/m/models?a=1");
}

}  // namespace
}  // namespace llmsweep
