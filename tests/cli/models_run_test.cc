// Sweeps whose requests ask for several models of one endpoint, through the real binary.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "cli/process.h"
#include "cli/quick_sweep.h"
#include "llmsweep/base/files.h"
#include "llmsweep/results/record_file.h"
#include "llmsweep/simulator/simulator.h"

namespace llmsweep {
namespace {
namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::HasSubstr;

class ModelsRun : public ::testing::Test {
 protected:
  ModelsRun() {
    SimulatorProfile profile = quick_profile(Dialect::kVllm);
    profile.adapters = {"small", "large"};
    simulator_.emplace(profile, SimulatorOptions{.truth_log = folder_ / "truth.jsonl"});
  }
  fs::path write_spec(const std::string& name, const std::string& model) const {
    std::ofstream(folder_ / (name + ".yaml"))
        << "name: " << name << "\nendpoint: {url: \"" << simulator_->base_url()
        << "\", model: " << model
        << "}\nworkload: {input_tokens: 30, output_tokens: 3}\n"
           "load: {concurrency: [4], requests_per_slot: 15, repeats: 2}\n";
    return folder_ / (name + ".yaml");
  }
  ProcessResult run(const std::string& name, const std::string& model) const {
    return run_llmsweep({"run", write_spec(name, model), "--out", folder_, "--quiet"});
  }
  ProcessResult verify(const std::string& name) const {
    return run_llmsweep(
        {"verify", folder_ / name, "--truth", folder_ / "truth.jsonl", "--tolerance", "30s"});
  }
  json result_of(const std::string& name) const {
    return json::parse(read_file(folder_ / name / "result.json"));
  }
  // By the level's repeat and the request's index.
  std::map<std::pair<int, uint32_t>, std::string> models_of(const std::string& name) const {
    std::map<std::pair<int, uint32_t>, std::string> models;
    RecordReader reader(folder_ / name / "requests.jsonl");
    while (auto record = reader.next()) {
      if (record->phase != Phase::kFiller)
        models[{record->run.repeat, record->index}] = record->model;
    }
    return models;
  }

  const fs::path folder_ = test_folder();
  std::optional<Simulator> simulator_;
};

const std::string kMix = "[{name: small, weight: 3}, large]";

TEST_F(ModelsRun, AskForEachModelAsTheScheduleDraws) {
  const ProcessResult ran = run("mix", kMix);
  ASSERT_EQ(ran.exit_code, 0) << ran.err;
  const ProcessResult verified = verify("mix");
  EXPECT_EQ(verified.exit_code, 0) << verified.out << verified.err;
  EXPECT_THAT(verified.out, HasSubstr("each as the schedule draws it"));

  const json result = result_of("mix");
  EXPECT_EQ(result["models"],
            json::parse(R"([{"name":"small","weight":3},{"name":"large","weight":1}])"));
  const json& models = result["levels"][0]["models"];
  ASSERT_EQ(models.size(), 2u);
  EXPECT_EQ(models[0]["model"], "large");
  EXPECT_EQ(models[1]["model"], "small");
  const int small = models[1]["completed"];
  EXPECT_EQ(models[0]["completed"].get<int>() + small, 120);
  EXPECT_NEAR(small, 90, 4 * 4.8);
  std::map<std::string, int> recorded;
  RecordReader reader(folder_ / "mix" / "requests.jsonl");
  while (auto record = reader.next()) recorded[record->model] += record->phase == Phase::kMeasured;
  EXPECT_EQ(recorded["small"], small);
  EXPECT_EQ(models[1]["e2e_ms"]["count"], small);
  EXPECT_EQ(models[1]["output_tokens_mean"], 3);

  const ProcessResult shown = run_llmsweep({"show", folder_ / "mix"});
  EXPECT_THAT(shown.out, HasSubstr("model"));
  EXPECT_THAT(shown.out, HasSubstr("small"));
  EXPECT_THAT(shown.out, HasSubstr("large"));
}

TEST_F(ModelsRun, OfOneSeedAskAlike) {
  ASSERT_EQ(run("one", kMix).exit_code, 0);
  ASSERT_EQ(run("other", kMix).exit_code, 0);
  const auto models = models_of("one");
  EXPECT_EQ(models.size(), 128u);
  EXPECT_EQ(models, models_of("other"));
}

TEST_F(ModelsRun, WithAnotherModelInARecordAreNotVerified) {
  ASSERT_EQ(run("mix", kMix).exit_code, 0);
  const fs::path records = folder_ / "mix" / "requests.jsonl";
  std::string text = read_file(records);
  const std::string small = R"("model":"small")";
  const size_t at = text.find(small);
  ASSERT_NE(at, text.npos);
  text.replace(at, small.size(), R"("model":"large")");
  write_file_atomically(records, text);
  const ProcessResult verified = verify("mix");
  EXPECT_EQ(verified.exit_code, 1);
  EXPECT_THAT(verified.out, HasSubstr("model 'large' recorded, 'small' in truth"));
  EXPECT_THAT(verified.out, HasSubstr("model 'large' recorded, 'small' by the schedule"));
}

TEST_F(ModelsRun, OfUnlikeMixesAreNotCompared) {
  ASSERT_EQ(run("mix", kMix).exit_code, 0);
  ASSERT_EQ(run("even", "[small, large]").exit_code, 0);
  const ProcessResult compared = run_llmsweep({"compare", folder_ / "mix", folder_ / "even"});
  EXPECT_NE(compared.exit_code, 0);
  EXPECT_THAT(compared.err, HasSubstr("endpoint.model: small 3, large 1 in 'mix'"));
  EXPECT_THAT(compared.err, HasSubstr("--allow-different endpoint.model"));
}

TEST_F(ModelsRun, NeedEachModelToAnswer) {
  const ProcessResult checked = run_llmsweep({"check", write_spec("missing", "[small, lost]")});
  EXPECT_NE(checked.exit_code, 0);
  EXPECT_THAT(checked.err, HasSubstr("The model `lost` does not exist"));
}

}  // namespace
}  // namespace llmsweep
