// Awkward streams and engines through the real binary: a run against each is verified against the
// truth, and shows what the habit is about.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "cli/process.h"
#include "llmsweep/base/config.h"
#include "llmsweep/results/record_file.h"
#include "llmsweep/simulator/simulator.h"
#include "llmsweep/simulator/truth.h"

namespace llmsweep {
namespace {
namespace fs = std::filesystem;

struct Habit {
  const char* name;
  const char* profile;  // YAML below a step of 1 ms
  const char* spec = "";
  const char* workload = "input_tokens: 40, output_tokens: 24";
};

const Habit kHabits[] = {
    {"framing", "wire: {crlf: true, event_name: message, data_null: true, done_blank_line: false}"},
    {"comments",
     "wire: {comment_interval: 2ms, comment: ' working', headers: early}\n"
     "engine: {step: {base_ms: 1, per_prefill_token_us: 300}}"},
    {"late_headers", "wire: {headers: first_token}"},
    {"many_tokens_a_chunk", "wire: {tokens_per_chunk: 4}"},
    {"split_characters", "wire: {text: split}"},
    {"held_back_characters", "wire: {text: held_back}"},
    {"reasoning", "wire: {reasoning_tokens: 9}"},
    {"silent_tokens", "wire: {silent_tokens: 20}"},
    {"reasoning_in_a_coined_field",
     "wire: {reasoning_tokens: 9, reasoning_field: internal_thoughts}"},
    {"finish_as_object",
     "wire: {finish_form: object, tokens_per_chunk: 2}\n"
     "faults: [{kind: missing_usage, probability: 1}]"},
    {"finish_in_camel_case",
     "wire: {finish_form: camel, finish: own_chunk, tokens_per_chunk: 2}\n"
     "faults: [{kind: missing_usage, probability: 1}]"},
    {"finish_beside_the_choices",
     "wire: {finish_form: beside, tokens_per_chunk: 2}\n"
     "faults: [{kind: missing_usage, probability: 1}]"},
    {"reasoning_in_details", "wire: {reasoning_tokens: 9, thoughts: details}"},
    {"reasoning_in_parts", "wire: {reasoning_tokens: 9, thoughts: parts}"},
    {"reasoning_beside_completion",
     "wire: {reasoning_tokens: 9, usage_form: beside_reasoning, tokens_per_chunk: 2}"},
    {"hidden_reasoning", "wire: {reasoning_tokens: 9, thoughts: hidden}"},
    {"usage_of_other_names", "wire: {usage_form: input_output, tokens_per_chunk: 2}"},
    {"usage_of_a_gateway", "wire: {usage_form: x_groq, tokens_per_chunk: 2}"},
    {"usage_as_text", "wire: {usage_form: texts, tokens_per_chunk: 2}"},
    {"usage_alone", "wire: {usage: every_chunk, usage_alone: true}"},
    {"early_finish_reason", "wire: {finish_early: true}"},
    {"one_line_end", "wire: {one_line_end: true}"},
    {"no_json", "wire: {not_json: true}"},
    {"odd_choice_alone", "wire: {choice_form: object, tokens_per_chunk: 2}"},
    {"odd_message", "wire: {choice_form: message, tokens_per_chunk: 2, finish: own_chunk}"},
    {"odd_delta", "wire: {choice_form: text, tokens_per_chunk: 2, finish: own_chunk}"},
    {"buffered", "wire: {buffered: true}"},
    {"tail", "wire: {tail: 5ms}"},
    {"other_model", "wire: {answer_model: another}"},
    {"usage_with_the_finish", "wire: {usage: finish_chunk, finish: own_chunk}"},
    {"continuous_usage", "wire: {usage: every_chunk, text: held_back}"},
    {"closed_connections", "wire: {close_after: true}"},
    {"accepted_drafts", "engine: {step: {base_ms: 1}, tokens_per_step: [0.3, 0.4, 0.3]}"},
    {"accepted_drafts_counted",
     "engine: {step: {base_ms: 1}, tokens_per_step: [0.3, 0.4, 0.3]}\nwire: {usage: every_chunk}"},
    {"prefix_cache", "engine: {step: {base_ms: 1}, prefix_cache: true, kv_block_tokens: 4}", "",
     "input_tokens: 40, output_tokens: 24, prefix_tokens: 20, tokenizer: server"},
    {"preemption",
     "engine: {step: {base_ms: 1}, kv_block_tokens: 4, kv_capacity_tokens: 250, prefix_cache: "
     "true}"},
    {"prefill_pool",
     "engine: {step: {base_ms: 1}, prefill_pool: {base_ms: 2, kv_bytes_per_token: 100000,"
     " link_gbps: 8}}"},
    {"whole_prompts", "engine: {step: {base_ms: 1}, chunked_prefill: false}"},
    {"tls_and_key", "", "ca_file: {folder}/endpoint.pem, api_key_env: LLMSWEEP_TEST_KEY"},
};

void PrintTo(const Habit& habit, std::ostream* out) {
  *out << habit.name;
}

class VerifyHabits : public ::testing::TestWithParam<Habit> {};

void replace(std::string& text, const std::string& what, const std::string& by) {
  const size_t at = text.find(what);
  if (at != std::string::npos) text.replace(at, what.size(), by);
}

SimulatorProfile profile_of(const Habit& habit) {
  std::string yaml = habit.profile;
  if (yaml.find("engine:") == std::string::npos) yaml += "\nengine: {step: {base_ms: 1}}";
  return parse_profile(ConfigNode::parse(yaml, habit.name));
}

struct Seen {
  std::vector<RequestRecord> records;  // of measured requests
  std::vector<TruthRecord> truths;
};

Seen run_and_verify(const Habit& habit) {
  const fs::path folder = test_folder();
  SimulatorOptions options{.truth_log = folder / "truth.jsonl"};
  std::string endpoint = habit.spec;
  replace(endpoint, "{folder}", folder.string());
  if (!endpoint.empty()) {
    options.tls = true;
    options.certificate = folder / "endpoint.pem";
    options.api_key = "sesame";
    ::setenv("LLMSWEEP_TEST_KEY", "sesame", 1);
  }
  ProcessResult run;
  {
    Simulator simulator(profile_of(habit), options);
    std::ofstream(folder / "spec.yaml")
        << "name: test\nsystem: {gpus: 1}\nendpoint: {url: \"" << simulator.base_url()
        << "\", request_timeout: 60s" << (endpoint.empty() ? "" : ", ") << endpoint
        << "}\nworkload: {" << habit.workload
        << "}\nload: {concurrency: [3], requests_per_slot: 6, repeats: 1}\n";
    run = run_llmsweep({"run", folder / "spec.yaml", "--out", folder / "out", "--quiet"});
  }
  const ProcessResult verified = run_llmsweep(
      {"verify", folder / "out" / "test", "--truth", folder / "truth.jsonl", "--tolerance", "30s"});
  EXPECT_EQ(verified.exit_code, 0) << run.err << verified.out << verified.err;
  Seen seen{.truths = read_truth_log(folder / "truth.jsonl")};
  RecordReader reader(folder / "out" / "test" / "requests.jsonl");
  while (auto record = reader.next()) {
    if (record->phase == Phase::kMeasured) seen.records.push_back(*record);
  }
  return seen;
}

TEST_P(VerifyHabits, AreVerified) {
  const std::string name = GetParam().name;
  const Seen seen = run_and_verify(GetParam());
  ASSERT_EQ(seen.records.size(), 18U);
  int64_t thought = 0;
  int64_t chunks = 0;
  int64_t cached = 0;
  for (const RequestRecord& record : seen.records) {
    EXPECT_EQ(record.outcome, Outcome::kOk) << record.error;
    EXPECT_EQ(record.output_tokens, 24);
    EXPECT_EQ(record.token_source,
              name.starts_with("finish_") ? TokenSource::kLimit : TokenSource::kUsage);
    // Read together on a busy machine, they have one instant.
    if (record.first_answer_token > record.first_token) ++thought;
    EXPECT_EQ(record.streamed(), name == "hidden_reasoning" ? 15 : 24);
    if (name == "buffered") {
      EXPECT_TRUE(record.buffered());  // a stall may do it to others
    }
    EXPECT_EQ(record.other_model, name == "other_model" ? "another" : "");
    EXPECT_EQ(record.repaired_chunks > 0, name == "no_json" || name.starts_with("odd_"));
    chunks += record.chunks;
    cached += record.cached_tokens.value_or(0);
  }
  EXPECT_EQ(thought > 0, name.starts_with("reasoning"));
  const double per_request = static_cast<double>(chunks) / 18;
  if (name == "many_tokens_a_chunk") {
    EXPECT_EQ(per_request, 6);
  } else if (name == "hidden_reasoning") {
    EXPECT_EQ(per_request, 15);
  } else if (name == "reasoning_beside_completion" || name.starts_with("usage_of_") ||
             name == "usage_as_text" || name.starts_with("finish_") || name.starts_with("odd_")) {
    EXPECT_EQ(per_request, 12);
  } else if (name == "held_back_characters") {
    EXPECT_EQ(per_request, 24 - 24 / 7);
  } else if (name == "silent_tokens") {
    EXPECT_EQ(per_request, 4);
  } else if (name.starts_with("accepted")) {
    EXPECT_NEAR(per_request, 1 + 23 / 2.0, 2) << "two tokens a step";
  } else {
    EXPECT_EQ(per_request, 24) << "a count without text is a token too";
  }
  if (name == "prefix_cache") {
    EXPECT_GE(cached, 17 * 16) << "four blocks of the shared prefix";
  }
  if (name == "closed_connections") {
    EXPECT_TRUE(std::all_of(seen.records.begin(), seen.records.end(),
                            [](const RequestRecord& record) { return record.reconnected; }));
  }
}

INSTANTIATE_TEST_SUITE_P(Of, VerifyHabits, ::testing::ValuesIn(kHabits),
                         [](const ::testing::TestParamInfo<Habit>& test) {
                           return std::string(test.param.name);
                         });

}  // namespace
}  // namespace llmsweep
