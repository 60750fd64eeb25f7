#include "llmsweep/results/selftest_file.h"

#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "llmsweep/base/error.h"

namespace llmsweep {
namespace {

Selftest full_selftest() {
  SelftestStep step{.load = {.streams = 512, .chunks_per_stream_s = 100},
                    .chunks_per_s = 51'000.5,
                    .chunks = 102'400,
                    .unaccounted = 1,
                    .stamp_error_p50_us = 21.5,
                    .stamp_error_p99_us = 140,
                    .receive_stamps = true,
                    .receive_delay_p50_us = 15,
                    .receive_delay_p99_us = 130,
                    .receive_sampling_share = 0.02,
                    .slot_gap_p50_us = 90,
                    .slot_gap_p99_us = 400,
                    .busy_fraction = 0.3,
                    .cpu_us_per_chunk = 5.5,
                    .limits = {InvalidReason::kClientBusy, InvalidReason::kSlotGap},
                    .trusted = true};
  Selftest selftest{.tool = "llmsweep 0.1.0",
                    .created_at = "2026-11-22T04:05:06Z",
                    .host = "here",
                    .cores = 2,
                    .kernel = "Linux 6.1",
                    .tls = true,
                    .in_step = true,
                    .steps = {step, step}};
  selftest.steps[1].trusted = false;
  selftest.steps[1].chunks_per_s = 70'000;
  return selftest;
}

TEST(SelftestFile, ComesBackAsItWas) {
  const Selftest selftest = full_selftest();
  EXPECT_EQ(parse_selftest(selftest_to_json(selftest), "x"), selftest);
  EXPECT_EQ(parse_selftest(selftest_to_json(Selftest{}), "x"), Selftest{});
}

TEST(SelftestFile, SaysTheVerdictToWhoeverReadsTheJson) {
  const nlohmann::json json = nlohmann::json::parse(selftest_to_json(full_selftest()));
  EXPECT_EQ(json["trusted_streams"], 512);
  EXPECT_EQ(json["trusted_chunks_per_s"], 51'000.5);
  EXPECT_EQ(json["ceiling_chunks_per_s"], 70'000);
  EXPECT_EQ(json["ceiling_at_least"], true);
  EXPECT_EQ(json["steps"][0]["limits"][1], "slot_gap");
  EXPECT_TRUE(nlohmann::json::parse(selftest_to_json(Selftest{}))["trusted_streams"].is_null());
}

TEST(SelftestFile, RefusesWhatIsNone) {
  for (const char* text : {"", "[]", "{}", "{\"steps\": 1}", "not json"}) {
    EXPECT_THROW(parse_selftest(text, "x"), Error) << text;
  }
}

TEST(SelftestFile, IsWhereTheXdgRulesSay) {
  std::map<std::string, std::string> set;
  const auto get_env = [&](const char* name) -> const char* {
    const auto found = set.find(name);
    return found == set.end() ? nullptr : found->second.c_str();
  };
  EXPECT_EQ(selftest_path(get_env), "");
  set["HOME"] = "/home/me";
  EXPECT_EQ(selftest_path(get_env), "/home/me/.local/state/llmsweep/selftest.json");
  set["XDG_STATE_HOME"] = "relative";  // to be ignored
  EXPECT_EQ(selftest_path(get_env), "/home/me/.local/state/llmsweep/selftest.json");
  set["XDG_STATE_HOME"] = "/state";
  EXPECT_EQ(selftest_path(get_env), "/state/llmsweep/selftest.json");
}

}  // namespace
}  // namespace llmsweep
