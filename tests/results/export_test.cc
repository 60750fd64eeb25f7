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
