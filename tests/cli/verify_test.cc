// The harness against the endpoint's truth: every dialect, every fault, tampered files;
// calibration.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "cli/process.h"
#include "llmsweep/base/files.h"
#include "llmsweep/base/text.h"
#include "llmsweep/simulator/fit.h"
#include "llmsweep/simulator/simulator.h"
#include "llmsweep/simulator/truth.h"

namespace llmsweep {
namespace {
namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;

constexpr Dialect kDialects[] = {Dialect::kVllm,     Dialect::kSglang, Dialect::kTrtllm,
                                 Dialect::kLlamacpp, Dialect::kTgi,    Dialect::kOpenai};

SimulatorProfile quick_profile(Dialect dialect) {
  SimulatorProfile profile;
  profile.dialect = dialect;
  profile.wire = wire_defaults(dialect);
  profile.engine.step = {.base = std::chrono::milliseconds(1)};
  profile.tokens.natural_mean = 12;
  profile.tokens.natural_stddev = 3;
  return profile;
}

// Runs a small sweep against `profile` in `folder`, which then holds out/test and truth.jsonl.
ProcessResult run_against(const SimulatorProfile& profile, const fs::path& folder, bool chat,
                          int requests_per_slot) {
  Simulator simulator(profile, {.truth_log = folder / "truth.jsonl"});
  std::ofstream(folder / "spec.yaml")
      << "name: test\nsystem: {gpus: 1}\nendpoint: {url: \"" << simulator.base_url()
      << "\", api: " << (chat ? "chat" : "completions")
      << ", request_timeout: 5s}\n"
         "workload: {input_tokens: 40, output_tokens: 12}\n"
         "load: {concurrency: [1, 3], requests_per_slot: "
      << requests_per_slot << ", repeats: 1, max_consecutive_errors: 1000}\n";
  return run_llmsweep({"run", folder / "spec.yaml", "--out", folder / "out", "--quiet"});
}

ProcessResult verify(const fs::path& folder) {
  return run_llmsweep({"verify", folder / "out" / "test", "--truth", folder / "truth.jsonl"});
}

TEST(Verify, IsCleanUnderEveryDialectAndApi) {
  for (Dialect dialect : kDialects) {
    for (bool chat : {true, false}) {
      SCOPED_TRACE(std::string(name_of(dialect)) + (chat ? " chat" : " completions"));
      const fs::path folder = test_folder() / (std::string(name_of(dialect)) + (chat ? "1" : "0"));
      fs::create_directories(folder);
      const ProcessResult run = run_against(quick_profile(dialect), folder, chat, 4);
      const ProcessResult verified = verify(folder);
      EXPECT_EQ(verified.exit_code, 0) << run.err << verified.out << verified.err;
      EXPECT_THAT(verified.out, HasSubstr("verified: every request and token"));
    }
  }
}

TEST(Verify, SeesEveryFaultEndAsDocumentedUnderEveryDialect) {
  for (Dialect dialect : kDialects) {
    SCOPED_TRACE(name_of(dialect));
    const fs::path folder = test_folder() / name_of(dialect);
    fs::create_directories(folder);
    SimulatorProfile profile = quick_profile(dialect);
    // The checks before the run are let through; then every other request has its fault, and the
    // last has nobody listening for a moment.
    int64_t number = 20;
    for (int kind = static_cast<int>(FaultKind::kByteWrites); kind >= 0; --kind) {
      for (int64_t after : {0, 3}) {
        const bool refuses = static_cast<FaultKind>(kind) == FaultKind::kRefuse;
        profile.faults.push_back({.kind = static_cast<FaultKind>(kind),
                                  .requests = {number},
                                  .after_chunks = after,
                                  .duration = std::chrono::milliseconds(refuses ? 2 : 30),
                                  .status = after == 0 ? 429 : 503});
        number += 2;
      }
    }
    const ProcessResult run = run_against(profile, folder, true, 24);
    const ProcessResult verified = verify(folder);
    EXPECT_EQ(verified.exit_code, 0) << run.out << run.err << verified.out << verified.err;
    std::set<std::string> struck;
    for (const TruthRecord& truth : read_truth_log(folder / "truth.jsonl")) {
      if (!truth.fault.empty()) struck.insert(truth.fault);
    }
    EXPECT_EQ(struck.size(), static_cast<size_t>(FaultKind::kByteWrites) + 1);
  }
}

// Adds one to `key` of the last line of a request that ended well.
void tamper(const fs::path& path, const char* key) {
  std::vector<std::string> lines = split(read_file(path), '\n');
  for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
    if (line->empty()) continue;
    json object = json::parse(*line);
    // Not one that was cut off at the end of the run: its record has no figures to compare.
    if (object.value("phase", "measured") != "measured" || object.value("number", 5) > 6) continue;
    object[key] = object[key].get<int64_t>() + 1;
    *line = object.dump();
    break;
  }
  write_file_atomically(path, join(lines, "\n"));
}

TEST(Verify, FailsOnATamperedRecordOrLogAndNamesTheRequest) {
  const fs::path folder = test_folder();
  run_against(quick_profile(Dialect::kVllm), folder, true, 3);
  ASSERT_EQ(verify(folder).exit_code, 0);
  const fs::path records = folder / "out" / "test" / "requests.jsonl";
  const std::string good = read_file(records);
  tamper(records, "output_tokens");
  ProcessResult verified = verify(folder);
  EXPECT_EQ(verified.exit_code, 1);
  EXPECT_THAT(verified.out, HasSubstr("chatcmpl-"));
  EXPECT_THAT(verified.out, HasSubstr("output tokens recorded"));
  write_file_atomically(records, good);
  tamper(folder / "truth.jsonl", "prompt_tokens");
  verified = verify(folder);
  EXPECT_EQ(verified.exit_code, 1);
  EXPECT_THAT(verified.out, HasSubstr("prompt tokens recorded"));
}

TEST(Calibrate, GivesBackTheProfileThatARunWasMadeWith) {
  const fs::path folder = test_folder();
  SimulatorProfile profile = quick_profile(Dialect::kVllm);
  profile.engine.step = {.base = std::chrono::milliseconds(6),
                         .per_prefill_token = std::chrono::microseconds(400),
                         .per_sequence = std::chrono::milliseconds(2)};
  profile.engine.tokens_per_step = {0.2, 0.8};
  {
    Simulator simulator(profile);
    std::ofstream(folder / "spec.yaml")
        << "name: test\nsystem: {gpus: 1}\nendpoint: {url: \"" << simulator.base_url()
        << "\"}\nworkload: {input_tokens: 60, output_tokens: 90, tokenizer: server}\n"
           "load: {concurrency: [1, 4], requests_per_slot: 12, repeats: 1}\n";
    const ProcessResult run =
        run_llmsweep({"run", folder / "spec.yaml", "--out", folder / "out", "--quiet"});
    ASSERT_EQ(run.exit_code, 0) << run.err;
  }
  const ProcessResult calibrated =
      run_llmsweep({"calibrate", folder / "out" / "test", "-o", folder / "fitted.yaml"});
  ASSERT_EQ(calibrated.exit_code, 0) << calibrated.err;
  const StepCost fitted = read_profile(folder / "fitted.yaml").engine.step;
  EXPECT_NEAR(fitted.base / profile.engine.step.base, 1, 0.05);
  EXPECT_NEAR(fitted.per_prefill_token / profile.engine.step.per_prefill_token, 1, 0.05);
  EXPECT_NEAR(fitted.per_sequence / profile.engine.step.per_sequence, 1, 0.05);
}

TEST(Calibrate, RefusesAPoorFit) {
  const fs::path folder = test_folder();
  std::ofstream(folder / "points.yaml")
      << "profile: {engine: {step: {}}}\npoints:\n"
         "  - {concurrency: 1, input_tokens: 100, output_tokens: 50, e2e_ms: 1000}\n"
         "  - {concurrency: 2, input_tokens: 100, output_tokens: 50, e2e_ms: 500}\n";
  const ProcessResult calibrated =
      run_llmsweep({"calibrate", folder / "points.yaml", "-o", folder / "fitted.yaml"});
  EXPECT_EQ(calibrated.exit_code, 1);
  EXPECT_THAT(calibrated.err, HasSubstr("mean error"));
  EXPECT_FALSE(fs::exists(folder / "fitted.yaml"));
}

}  // namespace
}  // namespace llmsweep
