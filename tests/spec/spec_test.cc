#include "llmsweep/spec/spec_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <functional>
#include <nlohmann/json.hpp>

#include "llmsweep/base/error.h"
#include "llmsweep/base/files.h"
#include "llmsweep/model/target.h"

namespace llmsweep {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

const char* const kMinimal = R"(name: x
system: {gpus: 4}
endpoint: {url: "http://127.0.0.1:8000/v1/"}
load: {concurrency: [1, 2]}
)";

SweepSpec minimal(const std::vector<std::string>& sets = {}) {
  return parse_spec(kMinimal, "x.yaml", sets);
}

std::string error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

std::string error_with(const std::string& set) {
  return error_of([&] { minimal({set}); });
}

TEST(Spec, TheSmallestHasEveryDefault) {
  const SweepSpec spec = minimal();
  SweepSpec expected;
  expected.name = "x";
  expected.system.gpus = 4;
  expected.endpoint.url = "http://127.0.0.1:8000/v1";
  expected.load.concurrency = {1, 2};
  EXPECT_EQ(spec, expected);
}

TEST(Spec, ReadsEveryKeyOfTheDocumentedExample) {
  const SweepSpec spec = parse_spec(R"(
name: deepseek-v3.2-gb200-nvfp4
system:
  {accelerator: GB200, gpus: 4, nodes: 1, precision: NVFP4, engine: TensorRT LLM, engine_version: 1.2.0rc8,
   tensor_parallel: 4, mtp: true, max_batch_size: 64, checkpoint: nvidia/DeepSeek-V3.2-NVFP4, weights_gb: 415}
endpoint:
  {url: "http://127.0.0.1:8000/v1", api: completions, model: deepseek-ai/DeepSeek-V3.2, api_key_env: OPENAI_API_KEY,
   request_timeout: 300s, connect_timeout: 5s, headers: {X-Run: 7}, extra_body: {temperature: 0, stop: ["a"]},
   max_tokens_field: max_completion_tokens, request_fields: [continuous_usage],
   traceparent: true, use_proxy: true}
workload:
  {dataset: random, input_tokens: 2400, output_tokens: {min: 10, max: 20}, seed: 9, input_scope: content, input_lengths: exact,
   tokenizer: server, prefix_tokens: 100, prefix_groups: 3, prompt_as: ids, reuse: allow}
load: {concurrency: [1, 2, 4], requests_per_slot: 5, min_requests: 8, warmup_per_slot: 2, repeats: 4, repeats_max: 9,
  fillers: false, spread_starts: 20s, grace: 5s, max_error_rate: 0.5, max_consecutive_errors: 3, refine: true,
  retry_after: hold, retry_after_max: 90s}
client: {threads: 2, transport: libcurl, record_chunks: true, receive_stamps: false, max_response_bytes: 65536}
targets:
  - {metric: e2e, statistic: p50, max: 15s}
  - {metric: ttft, statistic: p99, max: 500ms}
goodput:
  - {metric: tpot, max: 20ms}
)",
                                    "x.yaml", {});
  EXPECT_EQ(spec.system.engine_version, "1.2.0rc8");
  EXPECT_EQ(spec.system.tensor_parallel, 4);
  EXPECT_EQ(spec.system.mtp, true);
  EXPECT_EQ(spec.system.weights_gb, 415);
  EXPECT_EQ(spec.endpoint.api, Api::kCompletions);
  EXPECT_EQ(spec.endpoint.request_timeout, 300s);
  EXPECT_EQ(spec.endpoint.headers,
            (std::vector<std::pair<std::string, std::string>>{{"X-Run", "7"}}));
  EXPECT_EQ(spec.endpoint.extra_body, R"({"temperature":0,"stop":["a"]})");
  EXPECT_EQ(spec.endpoint.request_fields, std::vector{RequestField::kContinuousUsage});
  EXPECT_TRUE(spec.endpoint.traceparent);
  EXPECT_EQ(spec.workload.input_tokens, (TokenCount{.fixed = 2400}));
  EXPECT_EQ(spec.workload.output_tokens,
            (TokenCount{.kind = TokenCount::Kind::kUniform, .min = 10, .max = 20}));
  EXPECT_EQ(spec.workload.prompt_as, PromptAs::kIds);
  EXPECT_EQ(spec.load.repeats_max, 9);
  EXPECT_EQ(spec.load.grace, 5s);
  EXPECT_EQ(spec.load.spread_starts, 20s);
  EXPECT_EQ(spec.workload.input_lengths, Lengths::kExact);
  EXPECT_EQ(spec.load.retry_after_max, 90s);
  EXPECT_TRUE(spec.load.refine);
  EXPECT_EQ(spec.client.threads, 2);
  EXPECT_EQ(spec.client.transport, Transport::kLibcurl);
  ASSERT_EQ(spec.targets.size(), 2u);
  EXPECT_EQ(spec.targets[1],
            (Target{.metric = Metric::kTtft, .statistic = Statistic::kP99, .max = 500ms}));
  EXPECT_EQ(spec.goodput[0].metric, Metric::kTpot);

  const SweepSpec again = parse_spec(spec_to_json(spec), "x.json", {});
  EXPECT_EQ(again, spec);
}

TEST(Spec, TheResolvedSpecReadsBackEqual) {
  EXPECT_EQ(parse_spec(spec_to_json(minimal()), "x.json", {}), minimal());
}

TEST(Spec, LeavesOutWhatAnApiWithoutOutputHasNoUseFor) {
  const std::string text = R"(
name: vectors
endpoint: {url: "http://h/v1", api: embeddings}
workload: {input_tokens: 100, output_tokens: 20, inputs_per_request: 4}
load: {concurrency: 1}
targets: ["ttft:p50:1s", "e2e:p95:2s"]
goodput: [{metric: e2e, max: 1s}, {metric: decode_speed, min: 9}]
)";
  const SweepSpec spec = parse_spec(text, "x.yaml", {});
  EXPECT_EQ(spec.workload.inputs_per_request, 4);
  EXPECT_EQ(spec.workload.output_tokens, TokenCount{});
  ASSERT_EQ(spec.targets.size(), 1u);
  EXPECT_EQ(spec.targets[0].metric, Metric::kE2e);
  EXPECT_EQ(spec.goodput.size(), 1u);
  EXPECT_EQ(spec.does_not_apply.size(), 3u);
  const SweepSpec again = parse_spec(spec_to_json(spec), "x.json", {});
  EXPECT_EQ(again.workload, spec.workload);
  EXPECT_EQ(again.targets, spec.targets);
  EXPECT_EQ(spec_hash(again), spec_hash(spec));
}

TEST(Spec, WritesTheImagesOfPrompts) {
  SweepSpec spec = minimal();
  spec.workload.images = {.files = {"/a.png", "/pictures"}, .per_request = 3};
  const std::string json = spec_to_json(spec);
  EXPECT_THAT(json, HasSubstr("per_request"));
  EXPECT_EQ(parse_recorded_spec(json, "x.json"), spec);
  EXPECT_THAT(spec_to_json(minimal()), ::testing::Not(HasSubstr("images")));
}

TEST(Spec, ReadsAModelOrSeveral) {
  const auto endpoint_of = [](const std::string& model) {
    return parse_spec("name: x\nendpoint: {url: \"http://h/v1\", model: " + model +
                          "}\nload: {concurrency: 1}\n",
                      "x.yaml", {})
        .endpoint;
  };
  EXPECT_EQ(endpoint_of("a").model, "a");
  EXPECT_TRUE(endpoint_of("a").models.empty());
  EXPECT_EQ(endpoint_of("[a]").model, "a");
  EXPECT_TRUE(endpoint_of("[{name: a, weight: 2}]").models.empty());
  const EndpointSpec several = endpoint_of("[{name: a, weight: 0.5}, b]");
  EXPECT_EQ(several.model, "a");
  EXPECT_EQ(several.models, (std::vector<ModelShare>{{"a", 0.5}, {"b", 1}}));
  for (const char* wrong : {"[]", "[a, a]", "[{weight: 1}]", "[{name: a, weight: 0}, b]",
                            "[{name: a, share: 1}]", "[\"\"]", "{name: a}"}) {
    EXPECT_THROW(endpoint_of(wrong), Error) << wrong;
  }
  SweepSpec spec = minimal();
  spec.endpoint.model = "a";
  spec.endpoint.models = {{"a", 3}, {"b", 1}};
  EXPECT_EQ(parse_spec(spec_to_json(spec), "x.json", {}), spec);
}

TEST(Spec, ReadsARate) {
  const SweepSpec spec = parse_spec(R"(
name: open
endpoint: {url: "http://h/v1"}
load: {rate: [2, 2.5, 8], arrivals: {process: gamma, cv: 2, count: exact}, warmup: 10s, measure: 2m,
  drain: 5m, max_in_flight: 100, repeats: 5}
)",
                                    "x.yaml", {});
  EXPECT_EQ(spec.load.rate, (std::vector<double>{2, 2.5, 8}));
  EXPECT_EQ(
      spec.load.arrivals,
      (ArrivalSpec{.process = ArrivalProcess::kGamma, .cv = 2, .count = ArrivalCount::kExact}));
  EXPECT_EQ(spec.load.warmup, 10s);
  EXPECT_EQ(spec.load.measure, 2min);
  EXPECT_EQ(spec.load.drain, 5min);
  EXPECT_EQ(spec.load.max_in_flight, 100);
  EXPECT_TRUE(spec.load.is_open());
  EXPECT_EQ(parse_spec(spec_to_json(spec), "x.json", {}), spec) << "without the slots' keys";
  EXPECT_EQ(parse_spec(spec_to_yaml(spec), "x.yaml", {}), spec) << spec_to_yaml(spec);
  EXPECT_THAT(spec_to_json(spec), Not(HasSubstr("requests_per_slot")));
  EXPECT_THAT(spec_to_json(minimal()), Not(HasSubstr("arrivals")));
  EXPECT_EQ(minimal({"load={rate: 4}"}).load.rate, std::vector<double>{4});
}

TEST(Spec, ARateAndAConcurrencyDoNotMix) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"load.rate=[2]", "rate: stands beside concurrency"},
      {"load={}", "needs a concurrency or a rate"},
      {"load={rate: 2, requests_per_slot: 5}", "requests_per_slot: stands beside rate"},
      {"load={rate: 2, warmup_per_slot: 5}", "warmup_per_slot: stands beside rate"},
      {"load={rate: 2, fillers: true}", "fillers: stands beside rate"},
      {"load={rate: 2, refine: true}", "refine: stands beside rate"},
      {"load={rate: 2, retry_after: hold}", "holds slots, and a rate has none"},
      {"load.measure=1m", "measure: stands beside concurrency"},
      {"load.arrivals={process: constant}", "arrivals: stands beside concurrency"},
      {"load={rate: inf}", "must be a number"},
      {"load={rate: 0}", "must be a number"},
      {"load={rate: [2, 2.0]}", "listed twice"},
      {"load={rate: 2, arrivals: {process: pareto}}", "not one of poisson, gamma, constant"},
      {"load={rate: 2, arrivals: {cv: 2}}", "is of process: gamma alone"},
      {"load={rate: 2, arrivals: {process: gamma, cv: 0}}", "must be a number"},
      {"load={rate: 0.05}", "about 15 arrive in 5m: too few; measure for 600s"},
      {"load={rate: 100000, measure: 1h}", "20000000|2e+07"},
  };
  for (const auto& [set, message] : cases) {
    const std::string error = error_with(set);
    const size_t bar = message.find('|');
    const bool found = bar == std::string::npos
                           ? error.find(message) != std::string::npos
                           : error.find(message.substr(0, bar)) != std::string::npos ||
                                 error.find(message.substr(bar + 1)) != std::string::npos;
    EXPECT_TRUE(found) << set << " gave: " << error;
  }
  EXPECT_NO_THROW(minimal({"load={rate: 0.05, arrivals: {count: exact}}"}));
  EXPECT_NE(spec_hash(minimal({"load={rate: 2}"})), spec_hash(minimal({"load={rate: 3}"})));
  EXPECT_NE(spec_hash(minimal({"load={rate: 2}"})),
            spec_hash(minimal({"load={rate: 2, arrivals: {process: constant}}"})));
}

const char* const kUsers = R"(name: x
endpoint: {url: "http://h/v1"}
workload:
  sessions: {turns: {mean: 8, stddev: 3}, first_input_tokens: 2400, input_tokens: 200,
    think: {mean: 20s, cv: 1}, system_tokens: 100}
load: {users: [8, 16], warmup: 2m, measure: 15m}
)";

TEST(Spec, ReadsUsersWithSessions) {
  const SweepSpec spec = parse_spec(kUsers, "x.yaml", {});
  EXPECT_EQ(spec.load.users, (std::vector<int>{8, 16}));
  EXPECT_EQ(spec.load.warmup, 2min);
  EXPECT_EQ(spec.load.measure, 15min);
  EXPECT_FALSE(spec.load.is_open());
  const SessionSpec& sessions = spec.workload.sessions;
  EXPECT_EQ(sessions.turns.mean, 8);
  EXPECT_EQ(sessions.first_input_tokens.fixed, 2400);
  EXPECT_EQ(spec.workload.input_tokens, sessions.first_input_tokens);
  EXPECT_EQ(sessions.later_input_tokens().fixed, 200);
  EXPECT_EQ(sessions.think, (DrawnTime{.kind = DrawnTime::Kind::kLogNormal, .mean = 20s, .cv = 1}));
  EXPECT_EQ(sessions.system_tokens, 100);
  EXPECT_EQ(parse_spec(spec_to_json(spec), "x.json", {}), spec);
  EXPECT_EQ(parse_spec(spec_to_yaml(spec), "x.yaml", {}), spec) << spec_to_yaml(spec);
  EXPECT_THAT(spec_to_json(spec), Not(HasSubstr("requests_per_slot")));
  EXPECT_THAT(spec_to_json(spec), Not(HasSubstr("drain")));
  EXPECT_THAT(spec_to_json(minimal()), Not(HasSubstr("sessions")));
  for (const char* think : {"5s", "{min: 1s, max: 3s}", "{mean: 2s, cv: 0.5}"}) {
    const SweepSpec other =
        parse_spec(kUsers, "x.yaml", {std::string("workload.sessions.think=") + think});
    EXPECT_EQ(parse_spec(spec_to_json(other), "x.json", {}), other) << think;
    EXPECT_NE(spec_hash(other), spec_hash(spec));
  }
  const SweepSpec routed = parse_spec(kUsers, "x.yaml", {"endpoint.session_header=X-Session-Id"});
  EXPECT_EQ(routed.endpoint.session_header, "X-Session-Id");
  EXPECT_EQ(parse_spec(spec_to_json(routed), "x.json", {}), routed);
  EXPECT_THAT(error_with("endpoint.session_header=X-Session-Id"),
              HasSubstr("session_header: is of sessions"));
  const SweepSpec plain =
      parse_spec(kUsers, "x.yaml", {"workload.sessions={first_input_tokens: 50}", "load.users=4"});
  EXPECT_EQ(plain.workload.sessions.later_input_tokens().fixed, 50);
  EXPECT_EQ(plain.workload.sessions.turns.fixed, 1);
  EXPECT_EQ(plain.workload.sessions.think, DrawnTime{});
}

TEST(Spec, ReadsTokensOfEachTurnAsAList) {
  const SweepSpec spec =
      parse_spec(kUsers, "x.yaml",
                 {"workload.sessions={first_input_tokens: 2k, input_tokens: [200, 300, 1k], "
                  "output_tokens: [40, 50, 60]}"});
  const SessionSpec& sessions = spec.workload.sessions;
  EXPECT_EQ(sessions.turns.fixed, 3) << "the answers' list ends first";
  ASSERT_TRUE(sessions.input_tokens->by_turn);
  EXPECT_EQ(sessions.input_tokens->weighted,
            (std::vector<std::pair<int64_t, double>>{{200, 1}, {300, 1}, {1000, 1}}));
  EXPECT_EQ(spec.workload.output_tokens, *sessions.output_tokens);
  EXPECT_EQ(parse_spec(spec_to_json(spec), "x.json", {}), spec) << spec_to_json(spec);
  EXPECT_EQ(parse_spec(spec_to_yaml(spec), "x.yaml", {}), spec) << spec_to_yaml(spec);
  const SweepSpec weighted = parse_spec(
      kUsers, "x.yaml", {"workload.sessions.input_tokens=[{tokens: 5}, {tokens: 9, weight: 3}]"});
  EXPECT_FALSE(weighted.workload.sessions.input_tokens->by_turn);
  EXPECT_EQ(weighted.workload.sessions.turns.mean, 8);
  const SweepSpec other = parse_spec(kUsers, "x.yaml",
                                     {"workload.sessions={first_input_tokens: 2k, input_tokens: "
                                      "[300, 200, 1k], output_tokens: [40, 50, 60]}"});
  EXPECT_NE(spec_hash(other), spec_hash(spec)) << "in their order";
}

TEST(Spec, RefusesWhatUsersDoNotHave) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"load.concurrency=[2]", "users: stands beside concurrency"},
      {"load.rate=2", "users: stands beside rate"},
      {"load.requests_per_slot=5", "requests_per_slot: stands beside users"},
      {"load.duration=5s", "duration: stands beside users"},
      {"load.fillers=false", "fillers: stands beside users"},
      {"load.spread_starts=5s", "spread_starts: stands beside users"},
      {"load.refine=true", "refine: stands beside users"},
      {"load.drain=5s", "drain: stands beside users"},
      {"load.arrivals={process: constant}", "arrivals: stands beside users"},
      {"load.retry_after=hold", "users wait as long as they think"},
      {"load.stop_over_error_rate=true", "needs to know how many requests"},
      {"load={concurrency: [1]}", "sessions: is what users do, and load has none"},
      {"workload={}", "users: needs workload.sessions"},
      {"workload.input_tokens=100", "input_tokens: stands beside sessions"},
      {"workload.prefix_tokens=10", "prefix_tokens: stands beside sessions"},
      {"workload.reuse=allow", "each session is of its own"},
      {"endpoint.api=embeddings", "sessions: are conversations, and endpoint.api is embeddings"},
      {"endpoint.model=[a, b]", "sessions: do not go with several models"},
      {"workload.images={files: \"" LLMSWEEP_SOURCE_DIR "/docs/images/screen-80.png\"}",
       "images: stand beside sessions"},
      {"workload.sessions={turns: 3}", "first_input_tokens: is required"},
      {"workload.sessions.turns=20000", "is more than 10000"},
      {"workload.sessions.turns=[2, 3]", "turns"},
      {"workload.output_tokens=[2, 3]", "output_tokens"},
      {"workload.sessions.input_tokens=[2, {tokens: 3}]", "must be a number of tokens"},
      {"workload.sessions.input_tokens=[2, 0]", "input_tokens"},
      {"workload={output_tokens: 9, sessions: {first_input_tokens: 5, output_tokens: 8}}",
       "output_tokens: stands beside sessions.output_tokens"},
      {"workload.sessions.think={mean: 2s}", "must be a duration, {min, max} or {mean, cv}"},
      {"workload.sessions.think={min: 2s, max: 1s}", "must not be above max"},
      {"workload.sessions.think={mean: 2s, cv: 0}", "must be a number"},
      {"workload.sessions.think=25h", "is more than a day"},
      {"workload.sessions.history=live", "unknown key"},
      {"endpoint.session_header=a b", "must be a header's name, as in X-Session-Id"},
      {"endpoint.session_header=TraceParent", "carries something else"},
      {"endpoint={url: \"http://h/v1\", session_header: x-a, headers: {X-A: b}}",
       "stands beside such a header in headers"},
  };
  for (const auto& [set, message] : cases) {
    const std::vector<std::string> sets = {set};
    const std::string error = error_of([&] { parse_spec(kUsers, "x.yaml", sets); });
    EXPECT_THAT(error, HasSubstr(message)) << set;
  }
}

TEST(Spec, ReadsADurationInPlaceOfACountOfRequests) {
  const SweepSpec spec = minimal({"load.duration=90s"});
  EXPECT_EQ(spec.load.duration, Duration(90s));
  EXPECT_EQ(parse_spec(spec_to_json(spec), "x.json", {}), spec);
  EXPECT_THAT(spec_to_json(spec), Not(HasSubstr("requests_per_slot")));
  EXPECT_THAT(spec_to_json(minimal()), Not(HasSubstr("duration")));
  const auto error = [](const std::string& load) { return error_with("load=" + load); };
  EXPECT_THAT(error("{concurrency: 2, duration: 9s, requests_per_slot: 3}"),
              HasSubstr("requests_per_slot: stands beside duration"));
  EXPECT_THAT(error("{concurrency: 2, duration: 9s, min_requests: 3}"),
              HasSubstr("min_requests: stands beside duration"));
  EXPECT_THAT(error("{concurrency: 2, duration: 9s, stop_over_error_rate: true}"),
              HasSubstr("needs to know how many requests"));
  EXPECT_THAT(error("{rate: 2, duration: 9s}"), HasSubstr("duration: stands beside rate"));
  EXPECT_THAT(error("{concurrency: 2, duration: 0s}"), HasSubstr("1ms"));
}

TEST(Spec, ReadsAProfile) {
  const SweepSpec spec = parse_spec(R"(
name: changing
endpoint: {url: "http://h/v1"}
load:
  profile:
  - {for: 60s, rate: 2}
  - {for: 90s, from: 2, to: 8.5}
  - {for: 1m, rate: 0}
  warmup: 10s
)",
                                    "x.yaml", {});
  EXPECT_EQ(spec.load.profile, (std::vector<RateStep>{{60s, 2, 2}, {90s, 2, 8.5}, {60s, 0, 0}}));
  EXPECT_TRUE(spec.load.is_open());
  EXPECT_EQ(parse_spec(spec_to_json(spec), "x.json", {}), spec) << "without measure";
  EXPECT_EQ(parse_spec(spec_to_yaml(spec), "x.yaml", {}), spec) << spec_to_yaml(spec);
  EXPECT_THAT(spec_to_json(spec), Not(HasSubstr("measure")));
  EXPECT_THAT(spec_to_json(minimal()), Not(HasSubstr("profile")));
}

TEST(Spec, RefusesAProfileThatSaysTwoThingsOrNothing) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"load.profile=[{for: 60s, rate: 2}]", "profile: stands beside concurrency"},
      {"load={profile: [{for: 60s, rate: 2}], rate: 2}", "profile: stands beside rate"},
      {"load={profile: [{for: 60s, rate: 2}], measure: 60s}", "measure: stands beside profile"},
      {"load={profile: [{for: 60s, rate: 2}], fillers: true}", "fillers: stands beside profile"},
      {"load={profile: 2}", "must be a list of steps"},
      {"load={profile: [2]}", "must be a step"},
      {"load={profile: []}", "has no step with a rate above 0"},
      {"load={profile: [{for: 60s, rate: 0}]}", "has no step with a rate above 0"},
      {"load={profile: [{rate: 2}]}", "does not say for how long"},
      {"load={profile: [{for: 60s}]}", "needs a rate, or from and to"},
      {"load={profile: [{for: 60s, from: 2}]}", "needs a rate, or from and to"},
      {"load={profile: [{for: 60s, rate: 2, to: 3}]}", "needs a rate, or from and to"},
      {"load={profile: [{for: 60s, rate: -1}]}", "must be a number"},
      {"load={profile: [{for: 60s, rates: 2}]}", "rates"},
      {"load={profile: [{for: 10s, rate: 2}]}", "about 20 requests arrive in it: too few"},
      {"load={profile: [{for: 10h, rate: 99999}]}", "arrivals with warmup and drain"},
  };
  for (const auto& [set, message] : cases) EXPECT_THAT(error_with(set), HasSubstr(message)) << set;
}

fs::path empty_file(const std::string& name) {
  const fs::path path = fs::path(testing::TempDir()) / (name + std::to_string(::getpid()));
  write_file_atomically(path, "");
  return path;
}

TEST(Spec, ReadsATrace) {
  const std::string file = empty_file("trace").string();
  const SweepSpec spec =
      parse_spec("name: x\nendpoint: {url: http://a/v1}\nload:\n  trace: {file: " + file +
                     ", format: bailian, from: 10m, for: 15m, spread: 3s, block_tokens: 16, "
                     "think_cap: 5s, copies: [1, 2]}\n",
                 "x.yaml", {});
  EXPECT_EQ(spec.load.trace.file, file);
  EXPECT_EQ(spec.load.trace.sessions, TraceSessions::kClosed) << "unless they are said to be open";
  EXPECT_EQ(spec.load.trace.think_cap, std::chrono::seconds(5));
  EXPECT_EQ(spec.load.trace.format, TraceFormat::kBailian);
  EXPECT_EQ(spec.load.trace.from, std::chrono::minutes(10));
  EXPECT_EQ(spec.load.trace.length, std::chrono::minutes(15));
  EXPECT_EQ(spec.load.trace.spread, std::chrono::seconds(3));
  EXPECT_EQ(spec.load.trace.block_tokens, 16);
  EXPECT_EQ(spec.load.trace.copies, (std::vector{1, 2}));
  EXPECT_TRUE(spec.load.is_open());
  EXPECT_EQ(parse_spec(spec_to_json(spec), "x.json", {}), spec) << spec_to_json(spec);
  EXPECT_EQ(parse_spec(spec_to_yaml(spec), "x.yaml", {}), spec) << spec_to_yaml(spec);
  EXPECT_THAT(spec_to_json(minimal()), Not(HasSubstr("\"trace\"")));

  // The same file by another path is the same; a key of it is not.
  SweepSpec other = spec;
  other.load.trace.file = (fs::path(file).parent_path() / "." / fs::path(file).filename()).string();
  EXPECT_EQ(spec_hash(other), spec_hash(spec));
  other.load.trace.spread = std::chrono::seconds(1);
  EXPECT_NE(spec_hash(other), spec_hash(spec));
  EXPECT_THAT(spec_differences(spec_to_json(spec), spec_to_json(other)),
              Contains(HasSubstr("load.trace.spread")));
  fs::remove(file);
}

// A sweep that was begun before sessions could be closed goes on with open ones, and no others.
TEST(Spec, OfATraceOfBeforeSessionsCouldBeClosedIsOneOfOpenSessions) {
  const std::string file = empty_file("earlier").string();
  const auto with = [&](const std::string& sessions) {
    return parse_spec(
        "name: x\nendpoint: {url: http://a/v1}\nload: {trace: {file: " + file + sessions + "}}\n",
        "x.yaml", {});
  };
  const SweepSpec open = with(", sessions: open");
  const std::string written = spec_to_json(open);
  nlohmann::ordered_json before = nlohmann::ordered_json::parse(written);
  EXPECT_EQ(before["load"]["trace"].erase("sessions"), 1u);
  before["load"]["trace"].erase("think_cap");
  const std::string recorded = before.dump();
  EXPECT_EQ(spec_differences(recorded, written), std::vector<std::string>());
  const SweepSpec closed = with("");
  EXPECT_THAT(spec_differences(recorded, spec_to_json(closed)),
              Contains(HasSubstr("load.trace.sessions")));
  EXPECT_NE(spec_hash(closed, recorded), spec_hash(open, recorded));
  EXPECT_EQ(spec_hash(closed, spec_to_json(closed)), spec_hash(closed));
  EXPECT_EQ(parse_spec(written, "x.json", {}), open);
  fs::remove(file);
}

TEST(Spec, ReadsTheColumnsOfATable) {
  const std::string file = empty_file("table").string();
  const SweepSpec spec =
      parse_spec("name: x\nendpoint: {url: http://a/v1}\nload:\n  trace: {file: " + file +
                     ", columns: {at: ms, input: p, output: a}, unit: 1ms}\n",
                 "x.yaml", {});
  EXPECT_EQ(spec.load.trace.format, TraceFormat::kCsv);
  EXPECT_EQ(spec.load.trace.columns, (TraceColumns{.at = "ms", .input = "p", .output = "a"}));
  EXPECT_EQ(spec.load.trace.unit, std::chrono::milliseconds(1));
  EXPECT_EQ(parse_spec(spec_to_json(spec), "x.json", {}), spec) << spec_to_json(spec);
  fs::remove(file);
}

TEST(Spec, RefusesATraceThatSaysTwoThingsOrNothing) {
  const std::string file = empty_file("refused").string();
  const std::string trace = "load={trace: {file: " + file;
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"load.trace.file=" + file, "trace: stands beside concurrency"},
      {trace + "}, rate: 2}", "trace: stands beside rate"},
      {trace + "}, arrivals: {cv: 2}}", "arrivals: stands beside trace"},
      {trace + "}, fillers: true}", "fillers: stands beside trace"},
      {trace + "}, retry_after: hold}", "retry_after"},
      {"load={trace: {share: 0.5}}", "file: is required"},
      {"load={trace: {file: no-such-file}}", "no-such-file"},
      {trace + ", share: 0.5, speed: 2}}", "speed: stands beside share"},
      {trace + ", share: 2}}", "share"},
      {trace + ", copies: 0.5}}", "copies"},
      {trace + ", format: csv}}", "columns: are not stated"},
      {trace + ", format: azure, columns: {at: a, input: b, output: c}}}",
       "columns: are of format: csv"},
      {trace + ", columns: {at: a}}}", "names no column for input"},
      {trace + ", unit: 1ms}}", "unit: is of a table"},
      {trace + ", format: weka}}", "format: has no instants"},
      {trace + ", sessions: open, think_cap: 5s}}", "think_cap: is of sessions: closed"},
      {trace + ", sessions: half}}", "sessions"},
      {trace + ", format: orca}}", "format"},
      {trace + ", spred: 3s}}", "unknown key 'spred'"},
  };
  for (const auto& [set, message] : cases) EXPECT_THAT(error_with(set), HasSubstr(message)) << set;
  const auto with_workload = [&](const std::string& workload) {
    try {
      parse_spec("name: x\nendpoint: {url: http://a/v1}\nworkload: " + workload +
                     "\nload: {trace: {file: " + file + "}}\n",
                 "x.yaml", {});
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  for (const char* said : {"input_tokens: 5", "output_tokens: 5", "prefix_tokens: 5"}) {
    EXPECT_THAT(with_workload("{" + std::string(said) + "}"),
                HasSubstr("stands beside load.trace, whose requests say it"));
  }
  EXPECT_EQ(with_workload("{seed: 4}"), "no error");
  fs::remove(file);
}

TEST(Spec, ASearchStandsInPlaceOfLevels) {
  const std::string head = "name: x\nendpoint: {url: \"http://h/v1\"}\n";
  const std::string targets = "targets: [{max: 1s}]\n";
  const auto error = [&](const std::string& rest) -> std::string {
    try {
      const SweepSpec spec = parse_spec(head + rest, "x.yaml", {});
      EXPECT_EQ(parse_spec(spec_to_json(spec), "x.json", {}), spec);
    } catch (const Error& found) {
      return found.what();
    }
    return "none";
  };
  EXPECT_EQ(error("search: {over: concurrency}\n" + targets), "none");
  EXPECT_EQ(error("search: {over: rate, between: [0.5, 20]}\n" + targets), "none");
  const SweepSpec spec = parse_spec(head + "search: {over: concurrency}\n" + targets, "x.yaml", {});
  EXPECT_EQ(spec.load.search.high(), 512);
  EXPECT_EQ(spec.load.repeats, 1);
  EXPECT_FALSE(spec.load.is_open());
  EXPECT_TRUE(parse_spec(head + "search: {over: rate, between: [1, 9]}\n" + targets, "x.yaml", {})
                  .load.is_open());
  EXPECT_THAT(error("search: {over: concurrency}\n"), HasSubstr("needs a target"));
  EXPECT_THAT(error("search: {over: rate}\n" + targets), HasSubstr("needs between"));
  EXPECT_THAT(error("search: {between: [1, 9]}\n" + targets), HasSubstr("search.over"));
  EXPECT_THAT(error("search: {over: concurrency, between: [9, 1]}\n" + targets),
              HasSubstr("the lower one first"));
  EXPECT_THAT(error("search: {over: concurrency, between: [1, 2.5]}\n" + targets),
              HasSubstr("whole numbers"));
  EXPECT_THAT(error("search: {over: concurrency}\nload: {concurrency: [1]}\n" + targets),
              HasSubstr("stands beside search"));
  EXPECT_THAT(error("search: {over: concurrency}\nload: {repeats: 3}\n" + targets),
              HasSubstr("stands beside search"));
  EXPECT_THAT(error("search: {over: concurrency}\nload: {measure: 60s}\n" + targets),
              HasSubstr("search.over: concurrency"));
}

TEST(Spec, MissingKeysAreNamed) {
  EXPECT_THAT(error_with("name="), HasSubstr("name: is required"));
  EXPECT_THAT(error_with("name=\"  \""), HasSubstr("name: must not be empty"));
  EXPECT_THAT(error_of([] { parse_spec("name: x\nsystem: {gpus: 1}\n", "x.yaml", {}); }),
              HasSubstr("endpoint: needs a url or a simulator"));
  EXPECT_THAT(error_with("endpoint.url="), HasSubstr("needs a url or a simulator"));
  EXPECT_THAT(error_with("load.concurrency="), HasSubstr("load: needs a concurrency or a rate"));
  EXPECT_THAT(error_of([] { parse_spec("", "x.yaml", {}); }), HasSubstr("name: is required"));
  EXPECT_THAT(error_of([] { parse_spec("[1]", "x.yaml", {}); }), HasSubstr("must be a map"));
}

TEST(Spec, GpusThatNobodyStatedAreUnknownAndNotZero) {
  const SweepSpec spec =
      parse_spec("name: x\nendpoint: {url: http://h/v1}\nload: {concurrency: [1]}\n", "x.yaml", {});
  EXPECT_EQ(spec.system.gpus, 0);
  EXPECT_THAT(spec_to_json(spec), Not(HasSubstr("gpus")));
  EXPECT_EQ(parse_spec(spec_to_json(spec), "x.json", {}), spec);
}

TEST(Spec, OneLevelAndThousandsOfTokensNeedNoBrackets) {
  const SweepSpec spec = parse_spec(
      "name: x\nendpoint: {url: http://h/v1}\nload: {concurrency: 8}\n"
      "workload: {input_tokens: 2k, output_tokens: 1.5k}\n",
      "x.yaml", {});
  EXPECT_EQ(spec.load.concurrency, std::vector<int>{8});
  EXPECT_EQ(spec.workload.input_tokens->fixed, 2000);
  EXPECT_EQ(spec.workload.output_tokens.fixed, 1500);
  EXPECT_THAT(error_with("workload.output_tokens=1.23456k"), HasSubstr("must be a whole number"));
  EXPECT_THAT(error_with("workload.output_tokens=0k"), HasSubstr("must be a whole number"));
}

TEST(SpecYaml, ReadsBackEqualWithoutWhatIsDefault) {
  SweepSpec spec = minimal();
  EXPECT_EQ(parse_spec(spec_to_yaml(spec), "x.yaml", {}), spec);
  EXPECT_THAT(spec_to_yaml(spec), Not(HasSubstr("connect_timeout")));
  spec.name = "true: \"x\" # no comment\u202e";
  spec.system.engine_version = "1.10";
  spec.endpoint.headers = {{"X-Run", "a: b"}};
  spec.endpoint.extra_body = R"({"temperature":0,"stop":["\n","]"]})";
  spec.workload.output_tokens = {.kind = TokenCount::Kind::kUniform, .min = 1, .max = 9};
  spec.targets = {{.metric = Metric::kTtft, .max = std::chrono::milliseconds(200)}};
  spec.load.concurrency = {3};
  EXPECT_EQ(parse_spec(spec_to_yaml(spec), "x.yaml", {}), spec) << spec_to_yaml(spec);
}

TEST(Spec, RangesAreChecked) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"system.gpus=0", "at least 1|from 1"},
      {"system.nodes=0", "whole number"},
      {"system.weights_gb=-1", "must be a number"},
      {"system.mtp=yes", "must be true or false"},
      {"load.concurrency=[]", "at least one level"},
      {"load.concurrency=[0]", "from 1 to 100000"},
      {"load.concurrency=[100001]", "from 1 to 100000"},
      {"load.concurrency=[1, 2, 1]", "listed twice"},
      {"load.concurrency=[1.5]", "whole number"},
      {"load.requests_per_slot=0", "whole number"},
      {"load.repeats=0", "whole number"},
      {"load.repeats_max=2", "at least repeats"},
      {"load.warmup_per_slot=-1", "whole number"},
      {"load={concurrency: [1], warmup_per_slot: 0, spread_starts: 1s}", "needs a warm-up"},
      {"load.max_error_rate=1.5", "from 0 to 1"},
      {"load.grace=-1s", "duration"},
      {"load.retry_after_max=-1s", "duration"},
      {"load.grace=30", "needs a unit|with a unit"},
      {"load.refine=true", "needs a target"},
      {"client.threads=0", "from 1 to 256"},
      {"client.threads=many", "from 1 to 256"},
      {"endpoint.url=ftp://host/v1", "http:// or https://"},
      {"endpoint.url=http:///v1", "names no host"},
      {"endpoint.url=http://host/v1#x", "without '#'"},
      {"endpoint.url=http://host/v1?api-version=1&api-key=abc", "must not hold a key"},
      {"endpoint.url=http://?x=1", "names no host"},
      {"endpoint.url=http://127.0.0.1:99999/v1", "a port that there is not"},
      {"endpoint.url=http://[::1]:0", "a port that there is not"},
      {"endpoint.api_key_header=\"api key\"", "must be a header's name"},
      {"endpoint.url=http://host/ v1", "no URL may hold"},
      {"endpoint.api=chatt", "did you mean 'chat'?"},
      {"endpoint.request_timeout=0s", "at least 1ms"},
      {"endpoint.headers={\"a b\": 1}", "not a header's name"},
      {"endpoint.headers={A: \"x\\r\\nB: y\"}", "control characters"},
      {"endpoint.headers={Content-Length: 3}", "set by the client itself"},
      {"endpoint={url: 'http://x/v1', traceparent: true, headers: {TraceParent: x}}",
       "stands beside such a header"},
      {"endpoint.extra_body=[1]", "must be a map"},
      {"endpoint.extra_body=text", "must be a map"},
      {"endpoint.request_fields=[ignore_eo]", "did you mean 'ignore_eos'?"},
      {"endpoint.request_fields=[ignore_eos, ignore_eos]", "listed twice"},
      {"endpoint.max_tokens_field=\"\"", "must not be empty"},
      {"workload.input_tokens=0", "whole number"},
      {"workload.input_tokens={min: 1}", "a value is missing"},
      {"workload.input_tokens={min: 5, max: 4}", "must not be below min"},
      {"workload.input_tokens={min: 5, mean: 4}", "min and max, or mean and stddev"},
      {"workload.input_tokens={}", "min and max, or mean and stddev"},
      {"workload.input_tokens={mean: 5, stddev: -1}", "must be a number"},
      {"workload.input_tokens=[]", "at least one length"},
      {"workload.input_tokens=[{tokens: 5, weight: 0}]", "must be above 0"},
      {"workload.input_tokens=[{weight: 1}]", "a value is missing"},
      {"workload.seed=-1", "whole number"},
      {"workload.prompt_as=ids", "endpoint.api: completions"},
      {"workload.prefix_groups=0", "whole number"},
      {"targets=[{max: 15}]", "write 15s or 15ms"},
      {"targets=[{metric: e2e}]", "max: is required"},
      {"targets=[{metric: e2ee, max: 1s}]", "did you mean 'e2e'?"},
      {"targets=[{statistic: p51, max: 1s}]", "not one of p50"},
      {"targets=[{max: 1s}, {metric: e2e, max: 1s}]", "listed twice"},
      {"targets=[{max: 0s}]", "at least 1us"},
      {"system.power={node_kw: 9.8, node_source: PDU}", "wants its source and its date"},
      {"system.power={provisioned_kw_per_gpu: 2.1, provisioned_date: 2026-11-28}",
       "wants its source and its date"},
      {"system.power={node_kw: 0}", "must be a number"},
      {"endpoint.prices={date: 28.11.2026}", "must be a date"},
      {"endpoint.prices={date: 2026-13-01}", "must be a date"},
      {"endpoint.prices={utilisation: 60}", "must be a number"},
      {"endpoint.prices={kwh: 0.2, pue: 1.2, kwh_source: a bill}", "wants pue, kwh_source"},
      {"endpoint.prices={kwh: 0.2, kwh_source: a bill, kwh_date: 2026-11-01}", "wants pue"},
      {"endpoint.prices={pue: 1.2}", "wants the price of electricity"},
      {"endpoint.prices={pue: 0.9}", "must be a number"},
      {"require=[energy]", "no page of endpoint.metrics speaks of GPUs"},
      {"require=[power]", "did you mean|not one of energy"},
      {"goodput=[{metric: itl, max: 1s}]", "judged per request"},
      {"goodput=[{statistic: p50, max: 1s}]", "unknown key 'statistic'"},
  };
  for (const auto& [set, message] : cases) {
    const std::string error = error_with(set);
    const size_t bar = message.find('|');
    const bool found =
        error.find(message.substr(0, bar)) != std::string::npos ||
        (bar != std::string::npos && error.find(message.substr(bar + 1)) != std::string::npos);
    EXPECT_TRUE(found) << set << "\n  " << error;
    EXPECT_THAT(error, HasSubstr("--set ")) << set;
  }
}

TEST(Spec, PowerAndPricesStandWithTheirSourceAndDate) {
  const SweepSpec spec =
      minimal({"system.power={provisioned_kw_per_gpu: 2.17, provisioned_source: a model, "
               "provisioned_date: 2026-05-20}",
               "endpoint.prices={gpu_hour: 1.95, source: a list, date: 2026-05-20, "
               "kwh: 0.2, pue: 1.25, kwh_source: a bill, kwh_date: 2026-11-01}",
               "endpoint.metrics=[{url: http://h:9400/metrics, role: gpu}]", "require=[energy]"});
  EXPECT_EQ(spec.system.power.provisioned_kw_per_gpu, 2.17);
  EXPECT_EQ(spec.system.power.provisioned_date, "2026-05-20");
  EXPECT_EQ(spec.endpoint.prices.source, "a list");
  EXPECT_EQ(spec.endpoint.prices.kwh, 0.2);
  EXPECT_EQ(spec.endpoint.prices.pue, 1.25);
  EXPECT_EQ(spec.require, std::vector{Requirement::kEnergy});
  EXPECT_EQ(parse_spec(spec_to_json(spec), "x.json", {}), spec);
  EXPECT_EQ(parse_spec(spec_to_yaml(spec), "x.yaml", {}), spec);
}

TEST(Spec, PagesOfMetricsMayBeTheAutomaticOnesAndThisMachinesGpus) {
  const MetricsSpec both = minimal({"endpoint.metrics=[auto, nvml]"}).endpoint.metrics;
  EXPECT_TRUE(both.automatic);
  EXPECT_EQ(both.pages, (std::vector<MetricsPage>{{.url = "nvml", .role = MetricsRole::kGpu}}));
  for (const char* set : {"endpoint.metrics=[auto, nvml]", "endpoint.metrics=[nvml]",
                          "endpoint.metrics=[{url: nvml, role: gpu}, auto]",
                          "endpoint.metrics=[auto]", "endpoint.metrics=auto"}) {
    const SweepSpec spec = minimal({set});
    EXPECT_EQ(parse_spec(spec_to_json(spec), "x.json", {}), spec) << set;
  }
  EXPECT_THAT(error_with("endpoint.metrics=[nvml, nvml]"), HasSubstr("listed twice"));
  EXPECT_THAT(error_with("endpoint.metrics=[auto, auto]"), HasSubstr("listed twice"));
  EXPECT_THAT(error_with("endpoint.metrics=[{url: nvml, role: decode}]"),
              HasSubstr("nvml speaks of GPUs"));
  EXPECT_EQ(minimal({"endpoint.metrics=[nvml]", "require=[energy]"}).require.size(), 1U);
}

TEST(Spec, TokenCountsHaveFourForms) {
  EXPECT_EQ(minimal({"workload.input_tokens=5"}).workload.input_tokens, (TokenCount{.fixed = 5}));
  EXPECT_EQ(minimal({"workload.input_tokens={mean: 5, stddev: 1.5}"}).workload.input_tokens,
            (TokenCount{.kind = TokenCount::Kind::kNormal, .mean = 5, .stddev = 1.5}));
  EXPECT_EQ(minimal({"workload.input_tokens=[{tokens: 5}, {tokens: 7, weight: 2.5}]"})
                .workload.input_tokens,
            (TokenCount{.kind = TokenCount::Kind::kWeighted, .weighted = {{5, 1}, {7, 2.5}}}));
}

TEST(Spec, OneEndpointNotTwo) {
  EXPECT_THAT(error_with("endpoint.simulator=x.yaml"), HasSubstr("stands beside url"));
  EXPECT_THAT(error_with("endpoint.urls=[http://a/v1]"), HasSubstr("urls: stands beside url"));
}

TEST(Spec, SeveralUrlsAreOneEndpoint) {
  const auto with_urls = [](const std::string& urls) {
    return minimal({"endpoint.url=", "endpoint.urls=" + urls}).endpoint;
  };
  const EndpointSpec two = with_urls("[http://a/v1/, https://b:1/v1]");
  EXPECT_EQ(two.urls, (std::vector<std::string>{"http://a/v1", "https://b:1/v1"}));
  EXPECT_EQ(two.url, "http://a/v1");
  EXPECT_EQ(with_urls("[http://a/v1]"), minimal({"endpoint.url=http://a/v1"}).endpoint);
  const SweepSpec spec = minimal({"endpoint.url=", "endpoint.urls=[http://a/v1, http://b/v1]"});
  EXPECT_EQ(parse_spec(spec_to_json(spec), "x.json", {}), spec);
  EXPECT_THAT(error_of([&] { with_urls("[http://a/v1, http://a/v1/]"); }),
              HasSubstr("listed twice"));
  EXPECT_THAT(error_of([&] { with_urls("[ftp://a/v1]"); }), HasSubstr("http:// or https://"));
  EXPECT_THAT(error_of([&] { with_urls("[]"); }), HasSubstr("at least one URL"));
}

TEST(Spec, PlainSocketsRefuseWhatTheyCannotReach) {
  EXPECT_THAT(error_of([] {
                parse_spec(spec_to_json(minimal()), "x.json",
                           {"endpoint.use_proxy=true", "client.transport=sockets"});
              }),
              HasSubstr("do not speak to a proxy"));
}

TEST(Spec, KeysAreNamedNeverHeld) {
  for (const char* set :
       {"endpoint.api_key_env=sk-planted-key", "endpoint.api_key=sk-planted-key",
        "endpoint.url=https://user:sk-planted-key@host/v1", "endpoint.headers=[sk-planted-key]"}) {
    const std::string error = error_with(set);
    EXPECT_NE(error, "no error") << set;
    EXPECT_THAT(error, Not(HasSubstr("sk-planted-key")));
  }
  EXPECT_THAT(error_with("endpoint.api_key=sk-planted-key"),
              HasSubstr("name the environment variable that holds it in api_key_env"));
  EXPECT_THAT(error_of([] {
                parse_spec(
                    "name: x\nsystem: {gpus: 1}\nload: {concurrency: [1]}\nendpoint:\n"
                    "  {url: 'https://user:sk-planted-key@host/v1'}\n",
                    "x.yaml", {});
              }),
              AllOf(HasSubstr("user name or password"), Not(HasSubstr("sk-planted-key"))));
}

TEST(Spec, CredentialsAreRedactedWhenWritten) {
  const SweepSpec spec =
      minimal({"endpoint.headers={X-Api-Key: planted, X-Auth-Token: planted, "
               "Authorization: planted, X-Run: kept}",
               "endpoint.extra_body={user: {client_secret: planted}, "
               "max_tokens: 5}"});
  const std::string json = spec_to_json(spec);
  EXPECT_THAT(json, Not(HasSubstr("planted")));
  EXPECT_THAT(json, AllOf(HasSubstr("kept"), HasSubstr("\"max_tokens\": 5")));
  EXPECT_EQ(spec.endpoint.headers[0].second, "planted");  // what is sent stays whole
}

TEST(Spec, UnknownKeysAreRefusedEverywhere) {
  for (const char* path : {"", "system.", "endpoint.", "workload.", "load.", "client."}) {
    EXPECT_THAT(error_with(std::string(path) + "unknown_thing=1"),
                HasSubstr("unknown key 'unknown_thing'"))
        << path;
  }
  EXPECT_THAT(error_with("load.concurency=[1]"), HasSubstr("did you mean 'concurrency'?"));
}

TEST(Spec, SetNeedsAnEqualsSign) {
  EXPECT_THAT(error_with("load.repeats"), HasSubstr("key.path=value"));
  EXPECT_THAT(error_with("=1"), HasSubstr("key.path=value"));
  EXPECT_EQ(minimal({"load.repeats=2", "load.repeats=5"}).load.repeats, 5);
  EXPECT_EQ(minimal({"endpoint.extra_body.stop=a=b"}).endpoint.extra_body, R"({"stop":"a=b"})");
}

class SpecFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ =
        std::filesystem::path(::testing::TempDir()) / ("spec_test." + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_ / "configs" / "simulated");
    std::filesystem::create_directories(folder_ / "data");
    write("data/set.json", "[]");
    write("data/ranks.tiktoken", "");
    write("configs/profile.yaml", "");
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name) << text;
    return folder_ / name;
  }
  std::filesystem::path write_spec(const std::string& extra) {
    return write("configs/simulated/spec.yaml",
                 "name: x\nsystem: {gpus: 1}\nload: {concurrency: [1]}\n"
                 "endpoint: {simulator: configs/profile.yaml}\n" +
                     extra);
  }

  std::filesystem::path folder_;
};

TEST_F(SpecFiles, PathsAreFoundAboveTheSpec) {
  const SweepSpec spec = load_spec(
      write_spec("workload: {dataset: data/set.json, tokenizer: data/ranks.tiktoken#o200k_base}\n"),
      {});
  EXPECT_EQ(spec.endpoint.simulator, folder_ / "configs/profile.yaml");
  EXPECT_EQ(spec.workload.dataset, folder_ / "data/set.json");
  EXPECT_EQ(spec.workload.tokenizer, (folder_ / "data/ranks.tiktoken").string() + "#o200k_base");
}

TEST_F(SpecFiles, AMissingFileSaysWhereItWasLookedFor) {
  const auto path = write_spec("workload:\n  dataset: data/sett.json\n");
  EXPECT_THAT(error_of([&] { load_spec(path, {}); }),
              AllOf(HasSubstr("spec.yaml:6:workload.dataset"), HasSubstr("'data/sett.json'"),
                    HasSubstr("the current folder"), HasSubstr((folder_ / "configs").string())));
  EXPECT_THAT(error_of([&] { load_spec(path, {"workload.dataset=/nowhere/x.json"}); }),
              HasSubstr("there is no file '/nowhere/x.json'"));
  EXPECT_THAT(error_of([&] { load_spec(folder_ / "absent.yaml", {}); }), HasSubstr("absent.yaml"));
}

TEST_F(SpecFiles, ATokenizerIsFoundWhereTheScriptPutsIt) {
  const auto path = write_spec("workload: {tokenizer: known.json}\n");
  EXPECT_THAT(
      error_of([&] { load_spec(path, {}); }),
      AllOf(HasSubstr("there is no file 'known.json'"), HasSubstr("; scripts/fetch-tokenizer")));
  const char* before = std::getenv("LLMSWEEP_TOKENIZER_DIR");
  const std::optional<std::string> kept =
      before != nullptr ? std::optional<std::string>(before) : std::nullopt;
  write("data/known.json", "{}");
  ::setenv("LLMSWEEP_TOKENIZER_DIR", (folder_ / "data").c_str(), 1);
  const std::string found = load_spec(path, {}).workload.tokenizer;
  ::unsetenv("LLMSWEEP_TOKENIZER_DIR");
  if (kept) ::setenv("LLMSWEEP_TOKENIZER_DIR", kept->c_str(), 1);
  EXPECT_EQ(found, (folder_ / "data" / "known.json").string());
}

TEST_F(SpecFiles, TheHashIsTheSameFromAnotherFolder) {
  const auto path = write_spec("workload: {dataset: data/set.json}\n");
  const std::string here = spec_hash(load_spec(path, {}));
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(folder_);
  const SweepSpec spec = load_spec("configs/simulated/spec.yaml", {});
  const std::string there = spec_hash(spec);
  std::filesystem::current_path(before);
  EXPECT_EQ(spec.workload.dataset, "data/set.json");
  EXPECT_EQ(there, here);
}

TEST_F(SpecFiles, TheHashOfImagesIsTheSameFromAnotherFolder) {
  write("data/a.png", "");
  write("data/b.png", "");
  const auto path = write_spec("workload: {images: {files: [data/a.png, data]}}\n");
  const SweepSpec spec = load_spec(path, {});
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(folder_);
  const SweepSpec elsewhere = load_spec("configs/simulated/spec.yaml", {});
  const std::string there = spec_hash(elsewhere);
  const std::string other =
      spec_hash(load_spec("configs/simulated/spec.yaml", {"workload.images.files=data/b.png"}));
  std::filesystem::current_path(before);
  EXPECT_EQ(elsewhere.workload.images.files, (std::vector<std::string>{"data/a.png", "data"}));
  EXPECT_EQ(there, spec_hash(spec));
  EXPECT_NE(other, spec_hash(spec));
  const std::string recorded = spec_to_json(elsewhere);
  EXPECT_EQ(parse_recorded_spec(recorded, "result.json").workload.images,
            elsewhere.workload.images);
}

TEST(SpecHash, ChangesWithWhatDecidesTheMeasurements) {
  const std::string hash = spec_hash(minimal());
  EXPECT_EQ(hash.size(), 64u);
  for (const char* set :
       {"system.gpus=8", "endpoint.url=http://other/v1", "endpoint.model=m",
        "endpoint.extra_body={a: 1}", "endpoint.headers={A: b}", "workload.input_tokens=5",
        "workload.seed=2", "load.concurrency=[1]", "load.repeats=1", "load.fillers=false"}) {
    EXPECT_NE(spec_hash(minimal({set})), hash) << set;
  }
  for (const char* set : {"name=y", "targets=[{max: 1s}]", "goodput=[{max: 1s}]", "load.grace=1s",
                          "load.max_error_rate=0.5", "endpoint.api_key_env=KEY",
                          "system.power={node_kw: 9.8, node_source: PDU, node_date: 2026-11-28}",
                          "endpoint.prices={gpu_hour: 2, source: us, date: 2026-11-28}"}) {
    EXPECT_EQ(spec_hash(minimal({set})), hash) << set;
  }
  // It limits nothing where nothing is held, and a sweep of before this key can be resumed.
  EXPECT_EQ(spec_hash(minimal({"load.retry_after_max=1s"})), hash);
  EXPECT_NE(spec_hash(minimal({"load.retry_after=hold", "load.retry_after_max=1s"})),
            spec_hash(minimal({"load.retry_after=hold"})));
}

// What a version without these keys wrote: neither in the text nor in the hash.
TEST(SpecHash, IsThatOfAnEarlierVersionWhereLaterKeysHaveTheirDefault) {
  const SweepSpec spec = minimal();
  auto recorded = nlohmann::ordered_json::parse(spec_to_json(spec));
  EXPECT_EQ(spec_hash(spec, recorded.dump()), spec_hash(spec));
  recorded["load"].erase("refine");
  recorded["client"].erase("transport");
  recorded["endpoint"].erase("use_proxy");
  const std::string hash = spec_hash(spec, recorded.dump());
  EXPECT_NE(hash, spec_hash(spec)) << "without those keys";
  EXPECT_THAT(spec_differences(recorded.dump(), spec_to_json(spec)), ::testing::IsEmpty());
  for (const char* set : {"client.transport=libcurl", "load.repeats=1"}) {
    const SweepSpec other = minimal({set});
    EXPECT_NE(spec_hash(other, recorded.dump()), hash) << set;
    EXPECT_EQ(spec_differences(recorded.dump(), spec_to_json(other)).size(), 1U) << set;
  }
}

// A sweep of 0.1.0 can be resumed by every later version: what it wrote of minimal(), and its hash.
TEST(SpecHash, OfARecordedSpecIsTheOneOfTheVersionThatRecordedIt) {
  const std::string recorded = R"({"name":"x",
    "system":{"accelerator":"","gpus":4,"nodes":1,"precision":"","engine":"","engine_version":"",
      "checkpoint":""},
    "endpoint":{"url":"http://127.0.0.1:8000/v1","api":"chat","model":"","request_timeout":"10m",
      "connect_timeout":"10s","headers":{},"extra_body":{},"max_tokens_field":"max_tokens",
      "request_fields":["ignore_eos","min_tokens","include_usage"],"use_proxy":false},
    "workload":{"dataset":"sample","input_scope":"total","output_tokens":256,"seed":1,
      "prefix_tokens":0,"prefix_groups":1,"prompt_as":"text","reuse":"forbid"},
    "load":{"concurrency":[1,2],"requests_per_slot":10,"min_requests":0,"warmup_per_slot":1,
      "repeats":3,"repeats_max":0,"fillers":true,"grace":"30s","max_error_rate":0.01,
      "stop_over_error_rate":false,"max_consecutive_errors":20,"retry_after":"fail",
      "retry_after_max":"1m","refine":false},
    "client":{"threads":"auto","transport":"auto","record_chunks":false,"receive_stamps":true,
      "max_response_bytes":268435456},
    "targets":[],"goodput":[]})";
  EXPECT_EQ(spec_hash(minimal(), recorded),
            "a8c4e217043a131786a868c3ad76a732321fe0d7c318d9230862c0b5168fc142");
}

TEST(TargetText, ReadsAndWrites) {
  const Target target = parse_target("ttft:p99:1.5s");
  EXPECT_EQ(target, (Target{.metric = Metric::kTtft, .statistic = Statistic::kP99, .max = 1500ms}));
  EXPECT_EQ(format_target(target), "ttft:p99:1.5s");
  for (const char* text : {"", "e2e", "e2e:p50", "e2e:p50:15", "e2e:p5:1s", "x:p50:1s",
                           "e2e:p50:0s", "e2e:p50:1s:x"}) {
    EXPECT_THROW(parse_target(text), Error) << text;
  }
  EXPECT_THAT(error_of([] { parse_target("e2ee:p50:1s"); }), HasSubstr("did you mean 'e2e'?"));
}

TEST(TargetText, ReadsLimitsThatHoldTogetherAndADecodeSpeed) {
  const Target tier = parse_target("ttft:p95:2s + decode_speed:p95:30");
  ASSERT_EQ(tier.all.size(), 2u);
  EXPECT_EQ(tier.all[0], parse_target("ttft:p95:2s"));
  EXPECT_EQ(tier.all[1].metric, Metric::kTpot);
  EXPECT_EQ(tier.all[1].max, Duration(33'333'333));
  EXPECT_EQ(tier.all[1].min_tps, 30);
  EXPECT_EQ(format_target(tier), "ttft:p95:2s+decode_speed:p95:30");
  EXPECT_EQ(parse_target(format_target(tier)), tier);
  for (const char* text : {"decode_speed:p95:30ms", "decode_speed:p95:0", "ttft:p95:2s+",
                           "ttft:p95:2s+ttft:p95:2s", "+"}) {
    EXPECT_THROW(parse_target(text), Error) << text;
  }
  EXPECT_THAT(error_of([] { parse_target("decode_sped:p95:30"); }),
              HasSubstr("did you mean 'decode_speed'?"));
}

TEST(Spec, ReadsTiersOfService) {
  const SweepSpec spec = minimal({R"(targets=[
    {metric: ttft, statistic: p95, max: 2s}, e2e:p50:15s,
    {metric: decode_speed, statistic: p95, min: 30},
    {name: gold, all: [ttft:p95:500ms, {metric: decode_speed, statistic: p95, min: 60}]},
    ttft:p95:2s + tpot:p95:40ms])",
                                  "goodput=[{metric: decode_speed, min: 20}]"});
  ASSERT_EQ(spec.targets.size(), 5u);
  EXPECT_EQ(format_target(spec.targets[0]), "ttft:p95:2s");
  EXPECT_EQ(format_target(spec.targets[1]), "e2e:p50:15s");
  EXPECT_EQ(format_target(spec.targets[2]), "decode_speed:p95:30");
  EXPECT_EQ(format_target(spec.targets[3]), "ttft:p95:500ms+decode_speed:p95:60");
  EXPECT_EQ(spec.targets[3].name, "gold");
  EXPECT_EQ(format_target(spec.targets[4]), "ttft:p95:2s+tpot:p95:40ms");
  EXPECT_EQ(spec.goodput.at(0).max, Duration(50ms));
  EXPECT_EQ(parse_spec(spec_to_json(spec), "x.json", {}), spec) << spec_to_json(spec);
  EXPECT_EQ(parse_spec(spec_to_yaml(spec), "x.yaml", {}), spec) << spec_to_yaml(spec);
}

TEST(Spec, RefusesATargetThatSaysTwoThingsOrNothing) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"{metric: e2e}", "max: is required"},
      {"{metric: decode_speed}", "min: is required"},
      {"{metric: decode_speed, max: 2s}", "is no limit of a speed"},
      {"{metric: decode_speed, min: 0}", "must be a number"},
      {"{metric: e2e, min: 3}", "is of decode_speed"},
      {"{all: [ttft:p95:2s]}", "needs two limits"},
      {"{all: [ttft:p95:2s, ttft:p95:2s]}", "listed twice"},
      {"{all: [ttft:p95:2s, e2e:p50:9s+tpot:p50:1ms]}", "holds a +"},
      {"{all: [ttft:p95:2s, tpot:p50:1ms], max: 3s}", "stands beside all"},
      {"{metric: e2e, max: 3s, name: gold}", "is of limits under all"},
      {"{all: [{all: [ttft:p95:2s, tpot:p50:1ms]}, tpot:p50:2ms]}", "all"},
      {"e2e:p50", "needs three parts"},
  };
  for (const auto& [target, message] : cases) {
    EXPECT_THAT(error_with("targets=[" + target + "]"), HasSubstr(message)) << target;
  }
  EXPECT_THAT(error_with("goodput=[e2e:p50:2s]"), HasSubstr("goodput's limits are maps"));
}

TEST(Spec, KeepsTheQueryOfAUrlAndTheNameOfAKeysHeader) {
  const SweepSpec spec = minimal({"endpoint.url=https://h/openai/deployments/m/?api-version=1",
                                  "endpoint.api_key_header=api-key"});
  EXPECT_EQ(spec.endpoint.url, "https://h/openai/deployments/m?api-version=1");
  EXPECT_EQ(spec.endpoint.api_key_header, "api-key");
  EXPECT_EQ(minimal({}).endpoint.api_key_header, "Authorization");
  EXPECT_EQ(minimal({}).workload.nonce, "auto");
}

}  // namespace
}  // namespace llmsweep
