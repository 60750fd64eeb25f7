#include "llmsweep/sweep/preflight.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "llmsweep/base/error.h"
#include "sweep/fake_contact.h"

namespace llmsweep {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

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

HttpAnswer refusal(int status, const std::string& sentence) {
  return json_answer(status, {{"error", {{"message", sentence}}}});
}

HttpAnswer nothing(const std::string& error) {
  return {.error = error, .connected = true};
}

bool asks(const HttpExchange& exchange, const std::string& field) {
  return json::parse(exchange.body).contains(field);
}

class PreflightCheck : public ::testing::Test {
 protected:
  Preflight check(FakeContact::Answer answer) {
    contact_ = std::make_shared<FakeContact>(std::move(answer));
    contact_->failing_resolves = failing_resolves_;
    return check_endpoint(spec_, {.urls = {url_}, .headers = {}},
                          {.contact = contact_,
                           .patience = patience_,
                           .tell = [this](const std::string& line) { told_.push_back(line); }});
  }

  std::string failure(FakeContact::Answer answer) {
    try {
      check(std::move(answer));
    } catch (const MeasurementError& error) {
      return error.what();
    }
    return "nothing was wrong";
  }

  SweepSpec spec_;
  std::string url_ = "http://127.0.0.1:8000/v1";
  Patience patience_;
  int failing_resolves_ = 0;
  std::shared_ptr<FakeContact> contact_;
  std::vector<std::string> told_;
};

TEST_F(PreflightCheck, TakesTheFirstModelOfTheList) {
  EXPECT_EQ(check(usual).model, "m");
  EXPECT_EQ(contact_->sent.front().url, "http://127.0.0.1:8000/v1/models");
  EXPECT_EQ(contact_->sent.back().url, "http://127.0.0.1:8000/v1/chat/completions");
}

TEST_F(PreflightCheck, AsksForEnoughTokensToSeeOne) {
  check(usual);
  const auto first = std::find_if(contact_->sent.begin(), contact_->sent.end(),
                                  [](const HttpExchange& sent) { return !sent.body.empty(); });
  ASSERT_NE(first, contact_->sent.end());
  EXPECT_EQ(tokens_of(*first), 16);
}

TEST_F(PreflightCheck, AsksForMoreTokensWhereTheServerWantsMore) {
  for (const std::string sentence :
       {"max_tokens must be at least 64", "max_tokens: Input should be greater than 63",
        "Invalid 'max_tokens': integer below minimum value. Expected a value >= 64, but got 16"}) {
    const Preflight found = check([&](const HttpExchange& exchange) {
      if (exchange.body.empty() || tokens_of(exchange) >= 64) return usual(exchange);
      return refusal(400, sentence);
    });
    EXPECT_EQ(tokens_of(contact_->sent.back()), 64) << sentence;
    EXPECT_EQ(found.fields, spec_.endpoint.request_fields) << sentence;
  }
}

TEST_F(PreflightCheck, KeepsWhenTheServersProcessBegan) {
  const std::string page = "# TYPE process_start_time_seconds gauge\n";
  for (const auto& [metrics, started] : {
           std::pair<std::string, std::string>{"process_start_time_seconds 1.79594646582e+09\n",
                                               "2026-11-29T10:01:05Z"},
           {"a 1\nprocess_start_time_seconds{pid=\"7\"} 1795946465\n"
            "process_start_time_seconds{pid=\"8\"} 1795946470.9 1795949000000",
            "2026-11-29T10:01:10Z"},
           {"process_start_time_seconds NaN\n", ""},
           {"process_start_time_seconds 0\n", ""},
           {"process_start_time_seconds_total 1795946465\n", ""},
           {"process_start_time_seconds{", ""},
           {"", ""},
       }) {
    const HttpAnswer answer{.status = 200, .body = page + metrics};
    const Preflight found = check([&](const HttpExchange& exchange) {
      return exchange.url == "http://127.0.0.1:8000/metrics" ? answer : usual(exchange);
    });
    EXPECT_EQ(found.provenance.server_started, started) << metrics;
  }
}

TEST_F(PreflightCheck, DoesWithoutMetrics) {
  for (const HttpAnswer& none : {refusal(404, "Not Found"), refusal(401, "no"), nothing("closed"),
                                 HttpAnswer{.error = "timed out", .timed_out = true}}) {
    const Preflight found = check([&](const HttpExchange& exchange) {
      return exchange.url.ends_with("/metrics") ? none : usual(exchange);
    });
    EXPECT_EQ(found.provenance.server_started, "");
    EXPECT_TRUE(contact_->waits.empty());
  }
}

// What it refuses no run would ask for.
TEST_F(PreflightCheck, DoesWithoutAnAnswerThatIsTooShortForTheServer) {
  const Preflight found = check([&](const HttpExchange& exchange) {
    if (exchange.body.empty() || tokens_of(exchange) >= 16) return usual(exchange);
    return refusal(400, "too short");
  });
  EXPECT_EQ(found.fields, spec_.endpoint.request_fields);
}

TEST_F(PreflightCheck, TriesTheShortestAnswersThatARunWouldAskFor) {
  spec_.workload.output_tokens = {.kind = TokenCount::Kind::kUniform, .min = 3, .max = 300};
  check(usual);
  EXPECT_EQ(tokens_of(contact_->sent.back()), 3);
  for (const std::string sentence : {"max_tokens must be at least 16", "too short"}) {
    const auto refuse = [&](const HttpExchange& exchange) {
      if (exchange.body.empty() || tokens_of(exchange) >= 16) return usual(exchange);
      return refusal(400, sentence);
    };
    try {
      check(refuse);
      FAIL() << "a run of such requests would fail";
    } catch (const Error& error) {
      EXPECT_THAT(error.what(),
                  AllOf(HasSubstr("refuses a request for 3 output tokens"), HasSubstr(sentence),
                        HasSubstr("workload.output_tokens"), HasSubstr("ask for 16 or more")));
    }
  }
}

TEST_F(PreflightCheck, IsContentWithUsageAlone) {
  const Preflight found = check([](const HttpExchange& exchange) {
    if (exchange.body.empty()) return models_answer();
    HttpAnswer answer = stream_answer(exchange);
    answer.body = answer.body.substr(answer.body.find("data: {\"choices\":[],\"usage\""));
    return answer;
  });
  EXPECT_THAT(found.provenance.notes, Contains(HasSubstr("no text in their 16 tokens")));
}

TEST_F(PreflightCheck, EndsAtDoneWhateverComesAfterIt) {
  check([](const HttpExchange& exchange) {
    if (exchange.body.empty()) return models_answer();
    HttpAnswer answer = stream_answer(exchange);
    answer.error = "the connection broke while receiving";
    return answer;
  });
}

TEST_F(PreflightCheck, TakesAnAnswerThatNothingFollowedAndSaysSo) {
  for (const std::string behind : {"data: [DONE]", "data: {\"choices\":[],\"usage\""}) {
    const Preflight found = check([&](const HttpExchange& exchange) {
      if (exchange.body.empty()) return models_answer();
      HttpAnswer answer = stream_answer(exchange);
      answer.body.resize(answer.body.find(behind));
      answer.error = "no complete answer within 3s";
      answer.timed_out = true;
      return answer;
    });
    EXPECT_THAT(found.provenance.notes,
                Contains(AllOf(HasSubstr("finish_reason length comes"), HasSubstr("[DONE]"),
                               HasSubstr("waits 1s"))));
  }
}

TEST_F(PreflightCheck, DoesWithoutTheListWhereTheModelIsNamed) {
  spec_.endpoint.model = "mine";
  for (const HttpAnswer& list :
       {refusal(403, "Missing scopes"), refusal(404, "no"), nothing("closed"),
        HttpAnswer{.status = 200, .body = "<!doctype html>"}, HttpAnswer{.status = 200}}) {
    const Preflight found = check([&](const HttpExchange& exchange) {
      return exchange.body.empty() ? list : usual(exchange);
    });
    EXPECT_EQ(found.model, "mine");
    EXPECT_THAT(found.provenance.notes, Contains(HasSubstr("the list of models")));
  }
}

TEST_F(PreflightCheck, ReadsABareListOfModels) {
  const Preflight found = check([](const HttpExchange& exchange) {
    if (!exchange.body.empty()) return usual(exchange);
    return json_answer(200, json::array({{{"id", "bare"}}}));
  });
  EXPECT_EQ(found.model, "bare");
}

TEST_F(PreflightCheck, SaysWhyThereIsNoList) {
  EXPECT_THAT(failure([](const HttpExchange&) { return refusal(500, "the catalogue is broken"); }),
              AllOf(HasSubstr("lists no model: HTTP 500: the catalogue is broken"),
                    HasSubstr("endpoint.model")));
}

TEST_F(PreflightCheck, WaitsWhereTheServerIsLoadingOrLimitsRequests) {
  for (const int status : {503, 429, 425, 529}) {
    int refused = 0;
    check([&](const HttpExchange& exchange) {
      if (!exchange.body.empty() && refused++ < 3) return refusal(status, "Loading model");
      return usual(exchange);
    });
    EXPECT_EQ(contact_->waits.size(), 3u);
    ASSERT_FALSE(told_.empty());
    EXPECT_THAT(told_.back(),
                AllOf(HasSubstr("Loading model"), HasSubstr("2m"), HasSubstr("--wait")));
  }
}

TEST_F(PreflightCheck, WaitsForAServerBehindAProxyWhereItIsTold) {
  for (const int status : {502, 504}) {
    const auto page = [&](const HttpExchange&) {
      return HttpAnswer{.status = status, .body = "<html>Bad Gateway</html>"};
    };
    for (const std::string model : {"", "m"}) {
      spec_.endpoint.model = model;
      patience_.absent = {};
      EXPECT_THAT(failure(page), AllOf(HasSubstr("a proxy answers"), HasSubstr("--wait"))) << model;
      EXPECT_TRUE(contact_->waits.empty());
      patience_.absent = std::chrono::minutes(1);
      int starting = 0;
      check([&](const HttpExchange& exchange) {
        return starting++ < 2 ? page(exchange) : usual(exchange);
      });
      EXPECT_EQ(contact_->waits.size(), 2u);
    }
  }
}

TEST_F(PreflightCheck, SaysWhereARedirectLeads) {
  struct Case {
    std::string from, to, meant;
  };
  for (const Case& redirect :
       {Case{"http://127.0.0.1:8000/v1", "/api/v1", "http://127.0.0.1:8000/api/v1"},
        Case{"http://127.0.0.1:8000/v1", "https://127.0.0.1:8000/v1", "https://127.0.0.1:8000/v1"},
        Case{"http://a/v1?api-version=2", "//b/v1", "http://b/v1?api-version=2"}}) {
    url_ = redirect.from;
    for (const std::string model : {"", "m"}) {
      spec_.endpoint.model = model;
      EXPECT_THAT(failure([&](const HttpExchange& exchange) {
                    const std::string path =
                        exchange.body.empty() ? "/models" : "/chat/completions";
                    return HttpAnswer{.status = exchange.body.empty() ? 301 : 307,
                                      .headers = {{"location", redirect.to + path + "?x=1"}}};
                  }),
                  AllOf(HasSubstr("redirected to "),
                        HasSubstr("did you mean endpoint.url: " + redirect.meant +
                                  "? Redirects are not followed")))
          << redirect.to << model;
    }
  }
  for (const std::string elsewhere : {"/login?next=/v1/models", "/v1/models", "", "ftp:/models"}) {
    url_ = "http://127.0.0.1:8000/v1";
    spec_.endpoint.model = "";
    EXPECT_THAT(failure([&](const HttpExchange&) {
                  return HttpAnswer{.status = 302, .headers = {{"location", elsewhere}}};
                }),
                AllOf(HasSubstr("redirects are not followed"), Not(HasSubstr("did you mean"))))
        << elsewhere;
  }
}

TEST_F(PreflightCheck, SaysWhichApiAnswers) {
  for (const auto& [status, sentence] :
       {std::pair(400, "you must provide a chat template"), std::pair(404, "Invalid URL"),
        std::pair(405, "Method Not Allowed"), std::pair(500, "no template")}) {
    for (const Api api : {Api::kChat, Api::kCompletions}) {
      spec_.endpoint.api = api;
      EXPECT_THAT(
          failure([&, status = status, sentence = sentence](const HttpExchange& exchange) {
            const bool chat = exchange.url.find("/chat/") != std::string::npos;
            const bool requested = chat == (api == Api::kChat);
            if (!exchange.body.empty() && requested) return refusal(status, sentence);
            return usual(exchange);
          }),
          AllOf(HasSubstr(sentence),
                HasSubstr(api == Api::kChat ? "did you mean endpoint.api: completions? It answers"
                                            : "did you mean endpoint.api: chat? It answers")));
    }
  }
}

TEST_F(PreflightCheck, SaysThatItChoseTheModelItself) {
  const auto embeds = [](const HttpExchange& exchange) {
    if (!exchange.body.empty()) return refusal(400, "The model does not support chat");
    return json_answer(200, {{"data", {{{"id", "embedder"}}, {{"id", "talker"}}}}});
  };
  EXPECT_THAT(failure(embeds), AllOf(HasSubstr("'embedder' is the first of the list"),
                                     HasSubstr("endpoint.model, of talker")));
  spec_.endpoint.model = "embedder";
  EXPECT_THAT(failure(embeds), Not(HasSubstr("of the list")));
}

TEST_F(PreflightCheck, WaitsAsLongAsItIsTold) {
  int refused = 0;
  check([&](const HttpExchange& exchange) {
    if (exchange.body.empty() || refused++ > 0) return usual(exchange);
    HttpAnswer answer = refusal(429, "slow down");
    answer.headers.emplace_back("retry-after", "7");
    return answer;
  });
  EXPECT_THAT(contact_->waits, ElementsAre(std::chrono::seconds(7)));
}

TEST_F(PreflightCheck, GivesUpAfterItsPatienceWithTheServersSentence) {
  const std::string said = failure([&](const HttpExchange& exchange) {
    return exchange.body.empty() ? models_answer() : refusal(503, "Loading model");
  });
  EXPECT_THAT(said, AllOf(HasSubstr("HTTP 503: Loading model"), HasSubstr("--wait"),
                          Not(HasSubstr("endpoint.api"))));
  Duration waited{};
  for (const Duration wait : contact_->waits) waited += wait;
  EXPECT_EQ(waited, std::chrono::minutes(2));
}

TEST_F(PreflightCheck, DoesNotWaitForADayThatIsAskedFor) {
  EXPECT_THAT(failure([&](const HttpExchange& exchange) {
                if (exchange.body.empty()) return models_answer();
                HttpAnswer answer = refusal(429, "quota used up");
                answer.headers.emplace_back("retry-after", "86400");
                return answer;
              }),
              HasSubstr("quota used up"));
  EXPECT_TRUE(contact_->waits.empty());
}

TEST_F(PreflightCheck, WaitsForNobodyUnlessItIsTold) {
  int refused = 0;
  const auto starting = [&](const HttpExchange& exchange) {
    if (refused++ >= 2) return usual(exchange);
    return HttpAnswer{.error = "cannot connect to 127.0.0.1:8000: Connection refused",
                      .refused = true};
  };
  EXPECT_THAT(failure(starting), AllOf(HasSubstr("cannot be reached"), HasSubstr("--wait")));
  EXPECT_TRUE(contact_->waits.empty());
  patience_.absent = std::chrono::minutes(1);
  refused = 0;
  check(starting);
  EXPECT_EQ(contact_->waits.size(), 2u);
  failing_resolves_ = 3;
  check(usual);
  EXPECT_EQ(contact_->waits.size(), 3u);
}

TEST_F(PreflightCheck, KeepsTheServersSentence) {
  spec_.endpoint.api_key_env = "KEY";
  spec_.endpoint.model = "m";
  patience_.busy = {};
  for (const int status : {401, 403, 404, 429, 503, 400, 500, 402}) {
    EXPECT_THAT(
        failure([&](const HttpExchange& exchange) {
          return exchange.body.empty() ? models_answer()
                                       : refusal(status, "first accept the licence");
        }),
        AllOf(HasSubstr(fmt::format("HTTP {}", status)), HasSubstr("first accept the licence")));
  }
}

TEST_F(PreflightCheck, DropsAFieldThatIsRefusedByName) {
  const Preflight found = check([](const HttpExchange& exchange) {
    if (exchange.body.empty() || !asks(exchange, "ignore_eos")) return usual(exchange);
    return refusal(400, "Unrecognized request argument supplied: ignore_eos");
  });
  EXPECT_THAT(found.provenance.dropped_fields, ElementsAre("ignore_eos"));
}

TEST_F(PreflightCheck, FindsTheFieldThatIsRefusedInAnotherManner) {
  const std::vector<HttpAnswer> manners = {
      refusal(400, "bad request"),
      refusal(500, "internal error"),
      refusal(415, ""),
      nothing("127.0.0.1:8000 closed the connection without answering"),
      {.status = 200,
       .headers = {{"content-type", "text/event-stream"}},
       .body = "data: {\"error\": {\"message\": \"unsupported\"}}\n\n"}};
  for (const HttpAnswer& manner : manners) {
    for (const std::string field : {"ignore_eos", "min_tokens", "stream_options"}) {
      const Preflight found = check([&](const HttpExchange& exchange) {
        return exchange.body.empty() || !asks(exchange, field) ? usual(exchange) : manner;
      });
      EXPECT_EQ(found.provenance.dropped_fields.size(), 1u) << field;
      EXPECT_EQ(found.fields.size(), 2u) << field;
    }
  }
}

TEST_F(PreflightCheck, FindsThatTheLimitGoesByAnotherName) {
  const Preflight found = check([](const HttpExchange& exchange) {
    if (exchange.body.empty() || !asks(exchange, "max_tokens")) {
      HttpExchange other = exchange;
      if (!other.body.empty()) {
        json body = json::parse(other.body);
        body["max_tokens"] = body["max_completion_tokens"];
        other.body = body.dump();
      }
      return usual(other);
    }
    return refusal(400, "bad request");
  });
  EXPECT_EQ(found.max_tokens_field, "max_completion_tokens");
  EXPECT_EQ(found.fields.size(), 3u);
}

TEST_F(PreflightCheck, DropsNothingForAFailureThatPasses) {
  int sent = 0;
  const Preflight found = check([&](const HttpExchange& exchange) {
    return !exchange.body.empty() && sent++ == 0 ? refusal(500, "hiccup") : usual(exchange);
  });
  EXPECT_EQ(found.fields, spec_.endpoint.request_fields);
  EXPECT_TRUE(found.provenance.dropped_fields.empty());
}

TEST_F(PreflightCheck, SaysWhichBaseUrlAnswers) {
  const auto serves_v1 = [](const HttpExchange& exchange) {
    const bool here = exchange.url == "http://127.0.0.1:8000/v1/models" ||
                      exchange.url == "http://127.0.0.1:8000/v1/chat/completions";
    return here ? usual(exchange) : json_answer(404, {{"detail", "Not Found"}});
  };
  for (const std::string url :
       {"http://127.0.0.1:8000", "http://127.0.0.1:8000/v1/chat/completions",
        "http://127.0.0.1:8000/v1/models", "http://127.0.0.1:8000/api"}) {
    url_ = url;
    for (const std::string model : {"", "m"}) {
      spec_.endpoint.model = model;
      EXPECT_THAT(failure(serves_v1),
                  HasSubstr("did you mean endpoint.url: http://127.0.0.1:8000/v1? It answers"))
          << url << model;
    }
  }
}

TEST_F(PreflightCheck, DoesNotDoubtABaseUrlThatListsItsModels) {
  EXPECT_THAT(failure([](const HttpExchange& exchange) {
                return exchange.body.empty() ? models_answer() : refusal(404, "no such thing");
              }),
              AllOf(HasSubstr("no such thing"), Not(HasSubstr("did you mean"))));
}

TEST_F(PreflightCheck, SaysThatThePortSpeaksTls) {
  for (const std::string model : {"", "m"}) {
    spec_.endpoint.model = model;
    EXPECT_THAT(failure([](const HttpExchange& exchange) {
                  if (exchange.url.starts_with("https://")) return usual(exchange);
                  return refusal(400, "The plain HTTP request was sent to HTTPS port");
                }),
                HasSubstr("did you mean endpoint.url: https://127.0.0.1:8000/v1? It answers"));
  }
  EXPECT_THAT(failure([](const HttpExchange& exchange) {
                if (!exchange.url.starts_with("https://")) return nothing("not HTTP");
                return HttpAnswer{.error = "the TLS certificate of 127.0.0.1 is not accepted"};
              }),
              AllOf(HasSubstr("https://127.0.0.1:8000/v1"), HasSubstr("endpoint.ca_file")));
}

TEST_F(PreflightCheck, SaysThatThePortDoesNotSpeakTls) {
  url_ = "https://127.0.0.1:8000/v1";
  EXPECT_THAT(failure([](const HttpExchange& exchange) {
                if (exchange.url.starts_with("http://")) return usual(exchange);
                return HttpAnswer{.error = "the TLS handshake failed: wrong version number"};
              }),
              HasSubstr("did you mean endpoint.url: http://127.0.0.1:8000/v1? It answers"));
}

TEST_F(PreflightCheck, SaysThatThePortSpeaksHttp2Only) {
  EXPECT_THAT(failure([](const HttpExchange& exchange) {
                return exchange.http2 ? models_answer() : nothing("Received HTTP/0.9");
              }),
              HasSubstr("HTTP/2 only"));
}

TEST_F(PreflightCheck, NamesAProxyThatIsSetAndUnused) {
  setenv("http_proxy", "http://user:pass@proxy:3128", 1);
  const std::string said =
      failure([](const HttpExchange&) { return HttpAnswer{.error = "no connection"}; });
  unsetenv("http_proxy");
  EXPECT_THAT(said, AllOf(HasSubstr("$http_proxy"), HasSubstr("endpoint.use_proxy"),
                          Not(HasSubstr("pass"))));
}

TEST_F(PreflightCheck, NamesTheKeyAndTheValueOfATimeOut) {
  spec_.endpoint.request_timeout = std::chrono::seconds(5);
  spec_.endpoint.model = "m";
  EXPECT_THAT(
      failure([](const HttpExchange& exchange) {
        if (exchange.body.empty()) return models_answer();
        return HttpAnswer{
            .error = "no complete answer within 5s", .timed_out = true, .connected = true};
      }),
      AllOf(HasSubstr("within 5s (endpoint.request_timeout)"), Not(HasSubstr("endpoint.api"))));
}

TEST_F(PreflightCheck, DoesNotAdviseTheServersTokenizerTwice) {
  spec_.workload.tokenizer = "server";
  int completions = 0;
  EXPECT_THAT(failure([&](const HttpExchange& exchange) {
                if (exchange.url.ends_with("/tokenize")) {
                  return json_answer(200, {{"tokens", std::vector<int>(60, 1)}});
                }
                if (exchange.body.empty()) return models_answer();
                return stream_answer(exchange, completions++ == 0 ? 63 : 28);
              }),
              AllOf(HasSubstr("cached"), Not(HasSubstr("`tokenizer: server`"))));
}

TEST_F(PreflightCheck, NotesASecretThatTheSpecHolds) {
  const std::string held = "the spec holds what the header Authorization carries";
  spec_.endpoint.headers = {{"X-Run", "1"}};
  EXPECT_THAT(check(usual).provenance.notes, Not(Contains(HasSubstr(held))));
  spec_.endpoint.headers = {{"Authorization", "Bearer sk-planted-key"}};
  EXPECT_THAT(check(usual).provenance.notes,
              Contains(AllOf(HasSubstr(held), Not(HasSubstr("sk-planted")))));
}

// Of as many tokens as are asked for, over /messages.
HttpAnswer messages_answer(const HttpExchange& exchange) {
  const int64_t tokens = tokens_of(exchange);
  const auto event = [](const json& data) { return "data: " + data.dump() + "\n\n"; };
  std::string body = event({{"type", "message_start"},
                            {"message", {{"model", "m"}, {"usage", {{"input_tokens", 40}}}}}});
  for (int64_t i = 0; i < tokens; ++i) {
    body += event({{"type", "content_block_delta"},
                   {"index", 0},
                   {"delta", {{"type", "text_delta"}, {"text", " x"}}}});
  }
  body += event({{"type", "message_delta"},
                 {"delta", {{"stop_reason", "max_tokens"}}},
                 {"usage", {{"output_tokens", tokens}}}});
  return {.status = 200,
          .headers = {{"content-type", "text/event-stream"}},
          .body = body + event({{"type", "message_stop"}})};
}

TEST_F(PreflightCheck, NotesWhereTheApiHasNothingThatFixesALength) {
  const std::string said = "API fixes how long an answer is";
  EXPECT_THAT(check(usual).provenance.notes, Not(Contains(HasSubstr(said))));
  spec_.endpoint.api = Api::kMessages;
  const FakeContact::Answer answer = [](const HttpExchange& exchange) {
    return exchange.body.empty() ? models_answer() : messages_answer(exchange);
  };
  EXPECT_THAT(check(answer).provenance.notes,
              Contains("no field of the messages API fixes how long an answer is: ignore_eos and "
                       "min_tokens are sent besides, and a server may leave that unread"));
  spec_.endpoint.request_fields = {RequestField::kMinTokens};
  EXPECT_THAT(check(answer).provenance.notes, Contains(HasSubstr(": min_tokens is sent besides")));
  spec_.endpoint.request_fields = {};
  EXPECT_THAT(check(answer).provenance.notes, Not(Contains(HasSubstr(said))));
}

TEST_F(PreflightCheck, NamesTheModelsWhereTheServersTokenizerKnowsNoSuchModel) {
  spec_.workload.tokenizer = "server";
  spec_.endpoint.model = "wrong";
  const FakeContact::Answer answer = [](const HttpExchange& exchange) {
    return exchange.url.ends_with("/tokenize") ? refusal(404, "The model `wrong` does not exist.")
                                               : usual(exchange);
  };
  EXPECT_THAT(failure(answer),
              AllOf(HasSubstr("The model `wrong` does not exist"),
                    HasSubstr("name a model that it lists: endpoint.model, of m; or give a "
                              "tokenizer.json")));
  spec_.endpoint.model = "m";  // and no tokenizer of it
  EXPECT_THAT(failure(answer), Not(HasSubstr("endpoint.model")));
}

TEST_F(PreflightCheck, KeepsTheQueryOfTheBaseUrlBehindEveryPath) {
  url_ = "http://127.0.0.1:8000/openai/deployments/m?api-version=1";
  spec_.endpoint.model = "m";
  check(usual);
  EXPECT_EQ(contact_->sent.front().url,
            "http://127.0.0.1:8000/openai/deployments/m/models?api-version=1");
  EXPECT_EQ(contact_->sent.back().url,
            "http://127.0.0.1:8000/openai/deployments/m/chat/completions?api-version=1");
}

}  // namespace
}  // namespace llmsweep
