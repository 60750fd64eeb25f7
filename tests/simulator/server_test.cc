#include <gtest/gtest.h>

#include <ctime>
#include <memory>
#include <nlohmann/json.hpp>

#include "chat_body.h"
#include "llmsweep/simulator/simulator.h"
#include "llmsweep/simulator/truth.h"
#include "plain_client.h"
#include "temporary_directory.h"

namespace llmsweep::sim {
namespace {

using nlohmann::json;

SimulatorProfile instant_profile() {
  SimulatorProfile profile;
  profile.engine.max_batch_size = 1024;
  return profile;
}

TEST(Server, ListsItsModelAndSaysThatItIsHealthy) {
  Simulator simulator(instant_profile());
  const PlainAnswer models = ask(simulator.port(), get("/v1/models"));
  EXPECT_EQ(models.status, 200);
  EXPECT_EQ(json::parse(models.body)["data"][0]["id"], "simulated");
  EXPECT_EQ(ask(simulator.port(), get("/health")).status, 200);
  EXPECT_EQ(ask(simulator.port(), get("/nothing")).status, 404);
  EXPECT_EQ(ask(simulator.port(), get("/v1/completions")).status, 405);
}

TEST(Server, AnswersAChatInOnePiece) {
  Simulator simulator(instant_profile());
  const PlainAnswer answer = ask(simulator.port(), chat(12));
  ASSERT_EQ(answer.status, 200);
  ASSERT_TRUE(answer.complete);
  const json body = json::parse(answer.body);
  EXPECT_EQ(body["object"], "chat.completion");
  EXPECT_EQ(body["usage"]["completion_tokens"], 12);
  EXPECT_EQ(body["usage"]["prompt_tokens"], 3 + 4 + 4);  // request, message, four words
  EXPECT_EQ(body["choices"][0]["finish_reason"], "length");
  const auto text = body["choices"][0]["message"]["content"].get<std::string>();
  EXPECT_EQ(std::count(text.begin(), text.end(), ' '), 12);
}

TEST(Server, StreamsAChatTokenByToken) {
  Simulator simulator(instant_profile());
  const PlainAnswer answer = ask(simulator.port(), chat(5, kStreamUsage));
  ASSERT_EQ(answer.status, 200);
  ASSERT_TRUE(answer.complete);
  const auto lines = data_lines(answer.body);
  ASSERT_EQ(lines.size(), 1U + 5 + 1 + 1);  // role, tokens, usage, [DONE]
  EXPECT_EQ(json::parse(lines[0])["choices"][0]["delta"]["content"], "");
  for (size_t i = 1; i <= 5; ++i) {
    const json chunk = json::parse(lines[i]);
    EXPECT_NE(chunk["choices"][0]["delta"]["content"], "");
    EXPECT_EQ(chunk["choices"][0]["finish_reason"], i == 5 ? json("length") : json(nullptr));
    EXPECT_EQ(chunk["id"], json::parse(lines[0])["id"]);
  }
  const json usage = json::parse(lines[6]);
  EXPECT_TRUE(usage["choices"].empty());
  EXPECT_EQ(usage["usage"]["completion_tokens"], 5);
  EXPECT_EQ(usage["usage"]["total_tokens"], 16);
  EXPECT_EQ(lines[7], "[DONE]");
}

TEST(Server, SendsNoUsageUnlessAsked) {
  Simulator simulator(instant_profile());
  const PlainAnswer answer = ask(simulator.port(), chat(3, kStream));
  EXPECT_EQ(answer.body.find("\"usage\""), std::string::npos);
}

TEST(Server, SendsUsageInEveryChunkWhenAsked) {
  Simulator simulator(instant_profile());
  const json more = {
      {"stream", true},
      {"stream_options", {{"include_usage", true}, {"continuous_usage_stats", true}}}};
  const auto lines = data_lines(ask(simulator.port(), chat(4, more)).body);
  for (int i = 0; i <= 4; ++i) {
    EXPECT_EQ(json::parse(lines[static_cast<size_t>(i)])["usage"]["completion_tokens"], i);
  }
}

TEST(Server, TakesCompletionsWithTextOrIds) {
  Simulator simulator(instant_profile());
  const json text = {{"prompt", "one two  three\nfour"}, {"max_tokens", 2}, {"ignore_eos", true}};
  const json first = json::parse(ask(simulator.port(), post("/v1/completions", text.dump())).body);
  EXPECT_EQ(first["usage"]["prompt_tokens"], 4);
  EXPECT_EQ(first["object"], "text_completion");
  const json ids = {
      {"prompt", {5, 6, 7}}, {"max_tokens", 2}, {"ignore_eos", true}, {"stream", true}};
  const auto lines = data_lines(ask(simulator.port(), post("/v1/completions", ids.dump())).body);
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_NE(json::parse(lines[0])["choices"][0]["text"], "");
}

TEST(Server, KeepsAConnectionForMoreRequests) {
  Simulator simulator(instant_profile());
  PlainConnection connection(simulator.port());
  for (int i = 1; i <= 3; ++i) {
    connection.send(chat(i, kStream));
    const PlainAnswer answer = connection.read_answer();
    EXPECT_EQ(data_lines(answer.body).size(), static_cast<size_t>(1 + i + 1));
  }
  connection.send(chat(1) + chat(2));  // pipelined
  EXPECT_EQ(json::parse(connection.read_answer().body)["usage"]["completion_tokens"], 1);
  EXPECT_EQ(json::parse(connection.read_answer().body)["usage"]["completion_tokens"], 2);
}

TEST(Server, ReadsARequestThatComesByteByByte) {
  Simulator simulator(instant_profile());
  PlainConnection connection(simulator.port());
  for (char c : chat(2)) connection.send(std::string_view(&c, 1));
  EXPECT_EQ(connection.read_answer().status, 200);
}

TEST(Server, ClosesWhenTheClientAsksForThat) {
  Simulator simulator(instant_profile());
  PlainConnection connection(simulator.port());
  connection.send(get("/health", "Connection: close\r\n"));
  EXPECT_NE(connection.read_answer().head.find("Connection: close"), std::string::npos);
  EXPECT_TRUE(connection.at_end());
}

TEST(Server, InvitesALargeBody) {
  Simulator simulator(instant_profile());
  PlainConnection connection(simulator.port());
  const std::string request = chat(1);
  const size_t split = request.find("\r\n\r\n") + 2;
  connection.send(request.substr(0, split) + "Expect: 100-continue\r\n\r\n");
  ASSERT_TRUE(connection.receive());
  EXPECT_EQ(connection.unread(), "HTTP/1.1 100 Continue\r\n\r\n");
  connection.send(request.substr(split + 2));
  EXPECT_EQ(connection.read_answer().status, 200);
}

TEST(Server, EndsByItselfUnlessToldToIgnoreThat) {
  SimulatorProfile profile = instant_profile();
  profile.tokens.natural_mean = 20;
  profile.tokens.natural_stddev = 0;
  Simulator simulator(profile);
  const auto usage = [&](const json& more) {
    const json body = json::parse(ask(simulator.port(), chat(50, more)).body);
    return std::pair(body["usage"]["completion_tokens"].get<int>(),
                     body["choices"][0]["finish_reason"].get<std::string>());
  };
  EXPECT_EQ(usage({{"ignore_eos", false}}), std::pair(20, std::string("stop")));
  EXPECT_EQ(usage({{"ignore_eos", false}, {"min_tokens", 30}}), std::pair(30, std::string("stop")));
  EXPECT_EQ(usage({{"ignore_eos", true}}), std::pair(50, std::string("length")));
  EXPECT_EQ(usage({{"max_completion_tokens", 7}}), std::pair(7, std::string("length")));
}

TEST(Server, SaysWhatIsWrongWithARequest) {
  Simulator simulator(instant_profile());
  const auto failure = [&](const std::string& request) {
    const PlainAnswer answer = ask(simulator.port(), request);
    EXPECT_FALSE(json::parse(answer.body)["error"]["message"].get<std::string>().empty());
    return answer.status;
  };
  EXPECT_EQ(failure(post("/v1/chat/completions", "{\"messages\":")), 400);
  EXPECT_EQ(failure(post("/v1/chat/completions", "[]")), 400);
  EXPECT_EQ(failure(post("/v1/chat/completions", "{}")), 400);
  EXPECT_EQ(failure(post("/v1/completions", R"({"prompt":""})")), 400);
  EXPECT_EQ(failure(chat(5, {{"stream", "yes"}})), 400);
  EXPECT_EQ(failure(chat(5, {{"n", 2}})), 400);
  EXPECT_EQ(failure(chat(-1)), 400);
  EXPECT_EQ(failure(chat(1'000'000)), 400) << "beyond the context";
  EXPECT_EQ(failure(chat(5, {{"model", "other"}})), 404);
  EXPECT_EQ(failure("POST /v1/completions HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n"), 413);
  EXPECT_EQ(failure("nonsense\r\n\r\n"), 400);
}

TEST(Server, AsksForItsKey) {
  Simulator simulator(instant_profile(), {.api_key = "sesame"});
  EXPECT_EQ(ask(simulator.port(), chat(1)).status, 401);
  EXPECT_EQ(ask(simulator.port(), get("/v1/models", "Authorization: Bearer wrong\r\n")).status,
            401);
  EXPECT_EQ(ask(simulator.port(), get("/v1/models", "Authorization: Bearer sesame\r\n")).status,
            200);
  EXPECT_EQ(ask(simulator.port(), get("/health")).status, 200);
}

TEST(Server, CountsTokensAsItsPromptsAreCounted) {
  Simulator simulator(instant_profile());
  const json text = {{"prompt", "a bb  ccc\td"}};
  const json page = json::parse(ask(simulator.port(), post("/tokenize", text.dump())).body);
  EXPECT_EQ(page["count"], 4);
  EXPECT_EQ(page["tokens"].size(), 4U);
  const json messages = {{"messages", {{{"role", "user"}, {"content", "a b"}}}}};
  EXPECT_EQ(json::parse(ask(simulator.port(), post("/tokenize", messages.dump())).body)["count"],
            9);
}

TEST(Server, TokenizesAsLlamaCppDoes) {
  SimulatorProfile profile = instant_profile();
  profile.dialect = Dialect::kLlamacpp;
  Simulator simulator(profile);
  const json text = {{"content", "a bb  ccc"}};
  const json page = json::parse(ask(simulator.port(), post("/tokenize", text.dump())).body);
  EXPECT_EQ(page["tokens"].size(), 3U);
  EXPECT_FALSE(page.contains("count"));
  EXPECT_EQ(ask(simulator.port(), post("/tokenize", "{}")).status, 400);
}

std::string metric(uint16_t port, const std::string& name) {
  const std::string page = ask(port, get("/metrics")).body;
  const std::string line = "\nvllm:" + name + "{model_name=\"simulated\"} ";
  const size_t at = page.find(line);
  if (at == std::string::npos) return "absent";
  const size_t begin = at + line.size();
  return page.substr(begin, page.find('\n', begin) - begin);
}

TEST(Server, SaysWhenItBegan) {
  Simulator simulator(instant_profile());
  const std::string page = ask(simulator.port(), get("/metrics")).body;
  const std::string line = "\nprocess_start_time_seconds ";
  const size_t at = page.find(line);
  ASSERT_NE(at, std::string::npos) << page;
  const double started = std::stod(page.substr(at + line.size()));
  const auto now = static_cast<double>(std::time(nullptr));
  EXPECT_LE(started, now);
  EXPECT_GE(started, now - 60);
}

TEST(Server, StandsForItsPageOfMetricsWhereAskedTo) {
  SimulatorProfile profile = instant_profile();
  profile.wire.metrics_block = std::chrono::milliseconds(60);
  Simulator simulator(profile);
  const SteadyClock clock;
  const Instant begun = clock.now();
  EXPECT_EQ(metric(simulator.port(), "num_requests_running"), "0");
  EXPECT_GE(clock.now() - begun, std::chrono::milliseconds(60));
}

TEST(Server, SaysHowMuchOfAPromptItsCacheHeld) {
  SimulatorProfile profile = instant_profile();
  profile.engine.prefix_cache = true;
  profile.engine.kv_block_tokens = 4;
  Simulator simulator(profile);
  const auto cached = [&](const json& more) {
    const PlainAnswer answer = ask(simulator.port(), chat(2, more));
    const auto lines = data_lines(answer.body);
    const json usage =
        lines.empty() ? json::parse(answer.body) : json::parse(lines[lines.size() - 2]);
    return usage["usage"]["prompt_tokens_details"]["cached_tokens"];
  };
  EXPECT_EQ(cached(json::object()), 0);
  EXPECT_EQ(cached(kStreamUsage), 8) << "two blocks of eleven tokens";
  EXPECT_EQ(metric(simulator.port(), "prefix_cache_hits_total"), "8");
  EXPECT_EQ(metric(simulator.port(), "prefix_cache_queries_total"), "22");
}

TEST(Server, PreemptsWhereTheCacheIsFullAndLosesNoToken) {
  SimulatorProfile profile = instant_profile();
  profile.engine.step.base = std::chrono::milliseconds(10);  // the three are there at once
  profile.engine.kv_block_tokens = 4;
  profile.engine.kv_capacity_tokens = 80;
  Simulator simulator(profile);
  std::vector<std::unique_ptr<PlainConnection>> connections;
  for (int i = 0; i < 3; ++i) {
    connections.push_back(std::make_unique<PlainConnection>(simulator.port()));
    connections.back()->send(chat(40, kStreamUsage));
  }
  for (auto& connection : connections) {
    const auto lines = data_lines(connection->read_answer().body);
    ASSERT_EQ(lines.size(), 1U + 40 + 1 + 1);
    EXPECT_EQ(json::parse(lines[41])["usage"]["completion_tokens"], 40);
  }
  EXPECT_NE(metric(simulator.port(), "num_preemptions_total"), "0");
  EXPECT_NE(metric(simulator.port(), "num_preemptions_total"), "absent");
}

TEST(Server, SendsTheFirstTokenWhenThePromptHasCrossedTheLink) {
  const TemporaryDirectory directory;
  SimulatorProfile profile = instant_profile();
  profile.engine.prefill_pool =
      PrefillPool{.kv_bytes_per_token = 1e6, .link_gbps = 1};  // 8 ms a token
  {
    Simulator simulator(profile, {.truth_log = directory / "truth.jsonl"});
    ask(simulator.port(), chat(2, kStream));
  }
  const TruthRecord truth = read_truth_log(directory / "truth.jsonl").at(0);
  EXPECT_GE(truth.chunks.at(0).sent - truth.arrival, std::chrono::milliseconds(11 * 8));
  EXPECT_LT(*truth.prefill_start - truth.arrival, std::chrono::milliseconds(11 * 8));
}

TEST(Server, SpeaksToOldClientsWithoutChunks) {
  Simulator simulator(instant_profile());
  std::string request = chat(3, kStream);
  request.replace(request.find("HTTP/1.1"), 8, "HTTP/1.0");
  const PlainAnswer answer = ask(simulator.port(), request);
  EXPECT_EQ(answer.head.find("chunked"), std::string::npos);
  EXPECT_EQ(data_lines(answer.body).back(), "[DONE]");
}

TEST(Server, ReportsMetricsUnderVllmsNames) {
  Simulator simulator(instant_profile());
  ask(simulator.port(), chat(5, kStream));
  const std::string page = ask(simulator.port(), get("/metrics")).body;
  EXPECT_NE(page.find("vllm:generation_tokens_total{model_name=\"simulated\"} 5\n"),
            std::string::npos);
  EXPECT_NE(page.find("vllm:num_requests_running{model_name=\"simulated\"} 0\n"),
            std::string::npos);
  EXPECT_NE(page.find("vllm:time_to_first_token_seconds_count{model_name=\"simulated\"} 1\n"),
            std::string::npos);
  EXPECT_EQ(metric(simulator.port(), "prompt_tokens_total"), "11");
  EXPECT_EQ(metric(simulator.port(), "num_requests_waiting"), "0");
  EXPECT_EQ(metric(simulator.port(), "kv_cache_usage_perc"), "0");
  for (const char* name : {"inter_token_latency", "e2e_request_latency", "request_queue_time"}) {
    EXPECT_NE(page.find("# TYPE vllm:" + std::string(name) + "_seconds histogram\n"),
              std::string::npos);
  }
  EXPECT_NE(page.find("finished_reason=\"length\"} 1\n"), std::string::npos);
}

TEST(Server, StopsWithStreamsOpenAndCanBeStoppedTwice) {
  const TemporaryDirectory directory;
  SimulatorProfile profile = instant_profile();
  profile.engine.step.base = std::chrono::seconds(1000);
  Simulator simulator(profile, {.truth_log = directory / "truth.jsonl"});
  PlainConnection connection(simulator.port());
  connection.send(chat(5, kStream));
  connection.receive();
  simulator.stop();
  simulator.stop();
  EXPECT_FALSE(connection.read_answer().complete);
  const TruthRecord truth = read_truth_log(directory / "truth.jsonl").at(0);
  EXPECT_FALSE(truth.client_closed) << "it was the endpoint that left";
  EXPECT_TRUE(truth.finish_reason.empty());
}

TEST(Server, RefusesAPortThatIsTaken) {
  Simulator first(instant_profile());
  EXPECT_THROW(Simulator(instant_profile(), {.port = first.port()}), std::runtime_error);
}

}  // namespace
}  // namespace llmsweep::sim
