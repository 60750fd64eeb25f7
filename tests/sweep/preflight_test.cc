#include "llmsweep/sweep/preflight.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "llmsweep/base/error.h"
#include "sweep/fake_contact.h"

namespace llmsweep {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

HttpAnswer json_answer(int status, const json& body) {
  return {.status = status, .headers = {{"content-type", "application/json"}}, .body = body.dump()};
}

HttpAnswer models_answer() {
  return json_answer(200, {{"object", "list"}, {"data", {{{"id", "m"}}}}});
}

int64_t tokens_of(const HttpExchange& exchange) {
  return json::parse(exchange.body).value("max_tokens", 0);
}

// Of as many tokens as are asked for.
HttpAnswer stream_answer(const HttpExchange& exchange, int64_t prompt_tokens = 40) {
  const int64_t tokens = tokens_of(exchange);
  std::string body;
  for (int64_t i = 0; i < tokens; ++i) {
    body += "data: " + json{{"choices", {{{"delta", {{"content", " x"}}}}}}}.dump() + "\n\n";
  }
  const json end = {{"choices", {{{"delta", json::object()}, {"finish_reason", "length"}}}}};
  const json usage = {{"choices", json::array()},
                      {"usage", {{"prompt_tokens", prompt_tokens}, {"completion_tokens", tokens}}}};
  body += "data: " + end.dump() + "\n\ndata: " + usage.dump() + "\n\ndata: [DONE]\n\n";
  return {.status = 200, .headers = {{"content-type", "text/event-stream"}}, .body = body};
}

HttpAnswer usual(const HttpExchange& exchange) {
  return exchange.body.empty() ? models_answer() : stream_answer(exchange);
}

class PreflightCheck : public ::testing::Test {
 protected:
  Preflight check(FakeContact::Answer answer) {
    contact_ = std::make_shared<FakeContact>(std::move(answer));
    return check_endpoint(spec_, {.urls = {"http://127.0.0.1:8000/v1"}, .headers = {}},
                          {.contact = contact_});
  }

  SweepSpec spec_;
  std::shared_ptr<FakeContact> contact_;
};

TEST_F(PreflightCheck, TakesTheFirstModelOfTheList) {
  EXPECT_EQ(check(usual).model, "m");
  EXPECT_EQ(contact_->sent.front().url, "http://127.0.0.1:8000/v1/models");
  EXPECT_EQ(contact_->sent.back().url, "http://127.0.0.1:8000/v1/chat/completions");
}

TEST_F(PreflightCheck, AsksForEnoughTokensToSeeOne) {
  check(usual);
  EXPECT_EQ(tokens_of(contact_->sent[1]), 16);
}

}  // namespace
}  // namespace llmsweep
