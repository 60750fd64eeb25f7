#include "llmsweep/base/secrets.h"

#include <gtest/gtest.h>

namespace llmsweep {
namespace {

TEST(Secrets, KnowsNamesOfCredentials) {
  for (const char* name :
       {"Authorization", "authorization", "Proxy-Authorization", "api-key", "X-API-Key", "apikey",
        "X-Auth-Token", "access_token", "client_secret", "PASSWORD", "Set-Cookie", "Cookie",
        "Ocp-Apim-Subscription-Key", "private_key", "x-amz-signature", "key"}) {
    EXPECT_TRUE(names_a_secret(name)) << name;
  }
  for (const char* name : {"max_tokens", "min_tokens", "Content-Type", "X-Request-Id", "model",
                           "stop", "keyboard", "tokenizer", "", "Server"}) {
    EXPECT_FALSE(names_a_secret(name)) << name;
  }
}

TEST(Secrets, RedactsAtAnyDepth) {
  EXPECT_EQ(redact_json(R"({"a":[{"token":"x","max_tokens":5}],"password":{"b":1},"key":true})"),
            R"({"a":[{"token":"<redacted>","max_tokens":5}],"password":"<redacted>","key":true})");
  EXPECT_EQ(redact_json("not json"), "");
}

TEST(Secrets, RedactsValuesHoweverTheyAreWritten) {
  std::string text = R"(a k/"1+ b k/\"1+ c k%2F%221%2B d k/1)";
  redact_values(text, {R"(k/"1+)"});
  EXPECT_EQ(text, "a <redacted> b <redacted> c <redacted> d k/1");
  text = "abcabc and abc";
  redact_values(text, {"abc", "cabc", ""});
  EXPECT_EQ(text, "ab<redacted> and abc");  // "abc" is too short to be looked for
}

}  // namespace
}  // namespace llmsweep
