#include "llmsweep/results/export.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "import/import_folder.h"
#include "llmsweep/base/config.h"
#include "llmsweep/base/text.h"
#include "llmsweep/import/import.h"
#include "results/full_result.h"

namespace llmsweep {
namespace {

using nlohmann::json;

std::vector<json> lines_of(const SweepResult& result) {
  std::vector<json> lines;
  for (const std::string& line : split(export_vllm_json(result), '\n')) {
    if (!line.empty()) lines.push_back(json::parse(line));
  }
  return lines;
}

TEST(ExportVllm, WritesALineARunUnderVllmsDefinitions) {
  const SweepResult result = full_result();
  const std::vector<json> lines = lines_of(result);
  size_t runs = 0;
  for (const LevelStats& level : result.levels) runs += std::max<size_t>(1, level.runs.size());
  ASSERT_EQ(lines.size(), runs);
  EXPECT_DOUBLE_EQ(lines[0].at("median_e2el_ms"), 5805.5);  // ours: 5801.1
  EXPECT_DOUBLE_EQ(lines[0].at("median_ttft_ms"), 190.5);
  EXPECT_DOUBLE_EQ(lines[0].at("median_tpot_ms"), 3.4);
  EXPECT_DOUBLE_EQ(lines[0].at("median_itl_ms"), 7.1);  // our ICL
}

TEST(ExportVllm, OfRecordsThatDoNotSayWritesOurDefinitions) {
  SweepResult result = full_result();
  for (RunStats& run : result.levels[0].runs) run.vllm.reset();
  const json line = lines_of(result)[0];
  EXPECT_DOUBLE_EQ(line.at("median_e2el_ms"), 5801.1);
  EXPECT_DOUBLE_EQ(line.at("median_ttft_ms"), 200.3);
}

SweepResult of_api(const std::string& api) {
  SweepResult result = full_result();
  result.spec_json = R"({"endpoint": {"api": ")" + api + R"("}})";
  const bool generates = api != "embeddings" && api != "rerank";
  if (generates) result.workload.inputs_per_request.reset();
  if (!generates) result.workload.inputs_per_request = 3;
  return result;
}

TEST(ExportVllm, NamesTheClientFunctionOfEachApi) {
  const std::pair<const char*, const char*> names[] = {
      {"chat", "openai-chat"},
      {"completions", "openai"},
      {"embeddings", "openai-embeddings"},
      {"rerank", "vllm-rerank"},
      {"responses", "responses"},
      {"messages", "messages"},
      {"of_a_later_version", "of_a_later_version"}};
  for (const auto& [api, backend] : names) {
    const json line = lines_of(of_api(api))[0];
    EXPECT_EQ(line.at("backend"), backend);
    EXPECT_EQ(line.at("endpoint_type"), backend);
  }
  SweepResult imported = of_api("chat");
  imported.spec_json = "null";
  EXPECT_EQ(lines_of(imported)[0].at("backend"), "openai-chat");
  imported.workload.inputs_per_request = 1;
  EXPECT_TRUE(lines_of(imported)[0].at("backend").is_null()) << "embeddings or rerank";
}

// The keys of vLLM's own file of embeddings: none of output.
TEST(ExportVllm, OfEmbeddingsSaysInputsAndNothingOfOutput) {
  SweepResult result = of_api("embeddings");
  const RunStats& run = result.levels[0].runs[0];
  const json line = lines_of(result)[0];
  EXPECT_EQ(line.at("total_input_sequences"), 3 * *run.requests.completed);
  EXPECT_EQ(line.at("input_sequence_throughput"), *run.inputs_per_s);
  EXPECT_EQ(line.at("total_token_throughput"), *run.input_throughput_tps);
  EXPECT_EQ(line.at("request_throughput"), *run.request_throughput_rps);
  EXPECT_TRUE(line.contains("median_e2el_ms"));
  for (const auto& [key, value] : line.items()) {
    EXPECT_EQ(key.find("output"), key.npos) << key;
    for (const char* metric : {"ttft", "tpot", "itl"}) EXPECT_EQ(key.find(metric), key.npos) << key;
  }
}

TEST(Exports, OfARateSayNoConcurrency) {
  SweepResult result = full_result();
  for (LevelStats& level : result.levels) level.point.kind = LoadKind::kRate;
  const json line = lines_of(result)[0];
  EXPECT_TRUE(line.at("max_concurrency").is_null());
  EXPECT_EQ(line.at("request_rate"), result.levels[0].point.value);
  const std::string report = export_llm_d_report(result);
  EXPECT_EQ(report.find("concurrency:"), std::string::npos);
  EXPECT_NE(report.find("-" + name_of(result.levels[0].point)), std::string::npos);
}

TEST(ExportLlmDReport, IsOneYamlDocumentALevelWithUnitsEverywhere) {
  SweepResult result = full_result();
  const std::string text = export_llm_d_report(result);
  size_t documents = 0;
  for (size_t at = text.find("---\n"); at != std::string::npos; at = text.find("---\n", at + 1)) {
    const size_t end = text.find("---\n", at + 4);
    const ConfigNode report = ConfigNode::parse(text.substr(at + 4, end - at - 4), "report");
    EXPECT_EQ(report["version"].as_string(), "0.2");
    const ConfigNode aggregate = report["results"]["request_performance"]["aggregate"];
    EXPECT_TRUE(aggregate["requests"]["total"].present());
    for (const char* part : {"latency", "throughput"}) {
      for (const auto& [name, statistic] : aggregate[part].members()) {
        EXPECT_TRUE(statistic["units"].present()) << name;
      }
    }
    EXPECT_EQ(report["scenario"]["stack"].items().size(), 1u);
    ++documents;
  }
  EXPECT_EQ(documents, result.levels.size());
}

}  // namespace
}  // namespace llmsweep
