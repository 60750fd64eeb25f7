// What a run says of itself, held against the endpoint's own log: the real binary twice.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "cli/endpoint_process.h"
#include "cli/process.h"
#include "llmsweep/base/files.h"
#include "llmsweep/results/chunk_file.h"
#include "llmsweep/results/record_file.h"

namespace llmsweep {
namespace {
namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::HasSubstr;

constexpr const char* kProfile = "engine: {step: {base_ms: 2, per_sequence_us: 50}}\n";

fs::path honest_spec(const fs::path& folder, const std::string& endpoint, const std::string& load) {
  write_file_atomically(folder / "spec.yaml",
                        "name: test\nsystem: {gpus: 1}\nendpoint: {" + endpoint +
                            "}\nworkload: {input_tokens: {min: 20, max: 90}, output_tokens: {min: "
                            "5, max: 40}}\nload: " +
                            load + "\n");
  return folder / "spec.yaml";
}

std::vector<RequestRecord> records_in(const fs::path& folder) {
  std::vector<RequestRecord> records;
  RecordReader reader(folder / "requests.jsonl");
  while (const auto record = reader.next()) records.push_back(*record);
  return records;
}

json result_in(const fs::path& folder) {
  return json::parse(read_file(folder / "result.json"));
}

Histogram gaps_of(const std::vector<Instant>& instants) {
  Histogram gaps;
  for (size_t i = 1; i < instants.size(); ++i) {
    if (instants[i] > instants[i - 1]) gaps.add(instants[i] - instants[i - 1]);
  }
  return gaps;
}

TEST(RecordChunks, KeepsTheInstantOfEveryChunkOfEveryRequest) {
  const fs::path folder = test_folder();
  EndpointProcess endpoint(folder / "endpoint", kProfile);
  const fs::path spec = honest_spec(folder, "url: '" + endpoint.url() + "'",
                                    "{concurrency: [1, 6], requests_per_slot: 3, repeats: 2}");
  const ProcessResult run = run_llmsweep({"run", spec, "--out", folder / "out", "--record-chunks"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("chunks.bin"));
  const fs::path results = folder / "out" / "test";
  std::map<std::string, std::vector<TruthChunk>> sent;
  for (TruthRecord& record : endpoint.truth()) sent[record.response_id] = record.chunks;

  std::map<std::pair<RunId, uint32_t>, std::vector<Instant>> blocks;
  ChunkReader reader(results / "chunks.bin");
  while (auto block = reader.next()) {
    EXPECT_TRUE(
        blocks.emplace(std::pair(block->run, block->index), std::move(block->instants)).second);
  }
  EXPECT_FALSE(reader.truncated());
  const std::vector<RequestRecord> records = records_in(results);
  ASSERT_EQ(blocks.size(), records.size());
  for (const RequestRecord& record : records) {
    const auto& instants = blocks.at({record.run, record.index});
    ASSERT_EQ(static_cast<int64_t>(instants.size()), record.chunks);
    if (instants.empty()) continue;  // a filler that was cancelled
    EXPECT_EQ(instants.front(), *record.first_token);
    EXPECT_EQ(instants.back(), *record.last_token);
    const Histogram gaps = gaps_of(instants);
    EXPECT_EQ(static_cast<int64_t>(gaps.count()),
              static_cast<int64_t>(record.icl.count()) + record.gaps_left_out);
    if (record.gaps_left_out == 0) {
      EXPECT_EQ(gaps, record.icl);
    }
    if (record.outcome != Outcome::kOk) continue;
    const std::vector<TruthChunk>& truth = sent.at(record.response_id);
    ASSERT_EQ(truth.size(), instants.size());
    for (size_t i = 0; i < truth.size(); ++i) EXPECT_GT(instants[i], truth[i].sent);
  }

  if (!fs::exists("/usr/bin/python3")) return;
  const ProcessResult python =
      Process({"/usr/bin/python3", LLMSWEEP_SOURCE_DIR "/tests/python/read_chunks.py", results},
              folder)
          .wait();
  EXPECT_EQ(python.exit_code, 0) << python.out << python.err;
  EXPECT_THAT(python.out, HasSubstr(std::to_string(records.size()) + " requests"));
}

TEST(RecordChunks, IsOnlyWrittenWhereAsked) {
  const fs::path folder = test_folder();
  EndpointProcess endpoint(folder / "endpoint", kProfile);
  const fs::path spec = honest_spec(folder, "url: '" + endpoint.url() + "'",
                                    "{concurrency: [1], requests_per_slot: 1, repeats: 1}");
  ASSERT_EQ(run_llmsweep({"run", spec, "--out", folder / "out"}).exit_code, 0);
  EXPECT_FALSE(fs::exists(folder / "out" / "test" / "chunks.bin"));
}

TEST(RecordChunks, AKilledRunKeepsTheBlocksOfTheRequestsThatHadEnded) {
  const fs::path folder = test_folder();
  EndpointProcess endpoint(folder / "endpoint", kProfile);
  const fs::path spec = honest_spec(folder, "url: '" + endpoint.url() + "'",
                                    "{concurrency: [8], requests_per_slot: 1000, repeats: 1}");
  Process process(
      {LLMSWEEP_BINARY, "run", spec, "--out", folder / "out", "--set", "client.record_chunks=true"},
      folder);
  const fs::path results = folder / "out" / "test";
  ASSERT_TRUE(eventually([&] {
    return fs::exists(results / "chunks.bin") && fs::file_size(results / "chunks.bin") > 5000;
  }));
  process.signal(SIGKILL);
  process.wait();
  std::set<uint32_t> whole;
  ChunkReader reader(results / "chunks.bin");
  while (const auto block = reader.next()) whole.insert(block->index);
  const std::vector<RequestRecord> records = records_in(results);
  EXPECT_GT(whole.size(), 20u);
  // The two files are written side by side: each may miss what was still on its way.
  EXPECT_NEAR(static_cast<double>(whole.size()), static_cast<double>(records.size()), 16);
}

TEST(Urls, AreTakenRoundRobinAndNamedInTheRecords) {
  const fs::path folder = test_folder();
  EndpointProcess first(folder / "first", kProfile);
  EndpointProcess second(folder / "second", kProfile);
  const fs::path spec =
      honest_spec(folder, "urls: ['" + first.url() + "', '" + second.url() + "']",
                  "{concurrency: [5], requests_per_slot: 3, repeats: 2, fillers: false}");
  const ProcessResult run = run_llmsweep({"run", spec, "--out", folder / "out"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const fs::path results = folder / "out" / "test";
  std::set<std::string> ids[2];
  for (const RequestRecord& record : records_in(results)) {
    ASSERT_EQ(record.url, record.slot % 2);
    EXPECT_EQ(record.outcome, Outcome::kOk);
    EXPECT_FALSE(record.reconnected);
    ids[record.url].insert(record.response_id);
  }
  EXPECT_EQ(ids[0].size(), 3u * 4 * 2);
  EXPECT_EQ(ids[1].size(), 2u * 4 * 2);
  EndpointProcess* endpoints[2] = {&first, &second};
  for (int url = 0; url < 2; ++url) {
    std::set<std::string> answered;
    for (const TruthRecord& record : endpoints[url]->truth()) answered.insert(record.response_id);
    EXPECT_GE(answered.size(), ids[url].size());
    EXPECT_LT(answered.size(), ids[url].size() + 8) << "no more than the check before the run";
    for (const std::string& id : ids[url]) EXPECT_TRUE(answered.contains(id)) << url << " " << id;
  }
  const json result = result_in(results);
  EXPECT_EQ(result["spec"]["endpoint"]["urls"], json({first.url(), second.url()}));
  const json& addresses = result["provenance"]["resolved_addresses"];
  ASSERT_EQ(addresses.size(), 2u);
  EXPECT_EQ(addresses[0], result["provenance"]["resolved_address"]);
  EXPECT_THAT(second.url(), HasSubstr(addresses[1].get<std::string>()));
}

TEST(Urls, ThatAreNotOneSystemAreRefusedBeforeTheRun) {
  const fs::path folder = test_folder();
  EndpointProcess first(folder / "first", kProfile);
  EndpointProcess other_model(folder / "model", std::string("model: other\n") + kProfile);
  EndpointProcess other_template(folder / "template",
                                 std::string("tokens: {message_overhead: 9}\n") + kProfile);
  const auto check = [&](const std::string& second) {
    const fs::path spec = honest_spec(folder, "urls: ['" + first.url() + "', '" + second + "']",
                                      "{concurrency: [1]}");
    return run_llmsweep({"check", spec});
  };
  const ProcessResult model = check(other_model.url());
  EXPECT_EQ(model.exit_code, 1);
  EXPECT_THAT(model.err, HasSubstr("does not serve the model 'simulated'"));
  EXPECT_THAT(model.err, HasSubstr(other_model.url()));
  const ProcessResult tokens = check(other_template.url());
  EXPECT_EQ(tokens.exit_code, 1);
  EXPECT_THAT(tokens.err, HasSubstr("counts the tokens of a prompt otherwise"));
  const ProcessResult gone = check("http://127.0.0.1:1/v1");
  EXPECT_EQ(gone.exit_code, 1);
  EXPECT_THAT(gone.err, HasSubstr("127.0.0.1:1"));
  EXPECT_EQ(check("http://127.0.0.2:" + first.url().substr(first.url().rfind(':') + 1)).exit_code,
            1)
      << "the simulator listens on 127.0.0.1 only";
}

// What does not depend on time: of every planned request, by its place.
std::map<std::string, json> facts_of(const fs::path& results) {
  std::map<std::string, json> facts;
  for (const RequestRecord& record : records_in(results)) {
    if (record.phase == Phase::kFiller) continue;
    const std::string place = text_of(record.run) + "/" + std::to_string(record.index);
    facts[place] = {{"slot", record.slot},
                    {"phase", static_cast<int>(record.phase)},
                    {"outcome", static_cast<int>(record.outcome)},
                    {"http_status", record.http_status},
                    {"finish_reason", record.finish_reason},
                    {"input_tokens", record.input_tokens.value_or(-1)},
                    {"planned_input_tokens", record.planned_input_tokens},
                    {"output_tokens", record.output_tokens},
                    {"planned_output_tokens", record.planned_output_tokens},
                    {"chunks", record.chunks}};
  }
  return facts;
}

TEST(LoopThreads, OneAndFourGiveTheSameCountsTokensPromptsAndOutcomes) {
  const fs::path folder = test_folder();
  // The longest prompts with the longest answers do not fit: those requests are refused.
  EndpointProcess endpoint(
      folder / "endpoint",
      "engine: {step: {base_ms: 2, per_sequence_us: 50}, max_model_len: 90}\n");
  const fs::path spec = honest_spec(
      folder, "url: '" + endpoint.url() + "'",
      "{concurrency: [3, 9], requests_per_slot: 4, repeats: 2, max_consecutive_errors: 1000}");
  std::map<std::string, json> facts[2];
  json results[2];
  for (const int threads : {1, 4}) {
    const fs::path out = folder / std::to_string(threads);
    const ProcessResult run = run_llmsweep(
        {"run", spec, "--out", out, "--set", "client.threads=" + std::to_string(threads)});
    ASSERT_EQ(run.exit_code, 0) << run.err;
    facts[threads == 4] = facts_of(out / "test");
    results[threads == 4] = result_in(out / "test");
  }
  ASSERT_EQ(facts[0].size(), size_t{2 * (3 + 9) * 5});
  EXPECT_EQ(facts[0], facts[1]);
  std::set<std::string> outcomes;
  for (const auto& [place, fact] : facts[0]) outcomes.insert(fact["outcome"].dump());
  EXPECT_EQ(outcomes.size(), 2u) << "some requests are answered, some refused";
  EXPECT_EQ(results[0]["workload"]["prompt_set_sha256"],
            results[1]["workload"]["prompt_set_sha256"]);
  for (size_t level = 0; level < 2; ++level) {
    EXPECT_EQ(results[0]["levels"][level]["requests"], results[1]["levels"][level]["requests"]);
    EXPECT_EQ(results[1]["levels"][level]["client"]["threads"], 4);
    for (const char* key : {"input_tokens_mean", "output_tokens_mean"}) {
      EXPECT_DOUBLE_EQ(results[0]["levels"][level][key].get<double>(),
                       results[1]["levels"][level][key].get<double>());
    }
  }
}

}  // namespace
}  // namespace llmsweep
