#include "llmsweep/results/result_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>

#include "llmsweep/base/error.h"
#include "results/full_result.h"

namespace llmsweep {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;

std::string refusal_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

// The error of the full result with the value at `pointer` replaced.
std::string error_with(const std::string& pointer, const json& value) {
  json changed = json::parse(result_to_json(full_result()));
  changed[json::json_pointer(pointer)] = value;
  return refusal_of([&] { parse_result(changed.dump(), "r.json"); });
}

TEST(ResultFile, AFullResultReadsBackEqual) {
  const SweepResult result = full_result();
  EXPECT_EQ(parse_result(result_to_json(result), "r.json"), result);
}

TEST(ResultFile, LevelsOfRatesReadBackEqual) {
  SweepResult result = full_result();
  result.levels.resize(1);
  result.levels[0].point = at_rate(2.5);
  const std::string text = result_to_json(result);
  EXPECT_THAT(text, HasSubstr("\"concurrency\": null,\n   \"load_point\": \"r2.5\","));
  EXPECT_EQ(parse_result(text, "r.json"), result);
  json other = json::parse(text);
  other["levels"][0]["load_point"] = "r0";
  EXPECT_THAT(refusal_of([&] { parse_result(other.dump(), "r.json"); }),
              HasSubstr("r.json:levels[0]: load_point: unknown value 'r0'"));
}

TEST(ResultFile, AnEmptyResultReadsBackEqual) {
  EXPECT_EQ(parse_result(result_to_json({}), "r.json"), SweepResult{});
}

TEST(ResultFile, WritingTwiceGivesTheSameBytes) {
  const std::string text = result_to_json(full_result());
  EXPECT_EQ(result_to_json(parse_result(text, "r.json")), text);
}

TEST(ResultFile, HasTheDocumentedKeys) {
  const json result = json::parse(result_to_json(full_result()));
  for (const char* key : {"schema_version", "tool", "name", "created_at", "simulated", "spec",
                          "system", "workload", "provenance", "levels", "users_at_target"}) {
    EXPECT_TRUE(result.contains(key)) << key;
  }
  EXPECT_EQ(result["schema_version"], 1);
  const json& level = result["levels"][0];
  for (const char* key :
       {"concurrency", "valid", "invalid_reasons", "warnings", "requests", "e2e_ms", "ttft_ms",
        "ttfo_ms", "tpot_ms", "itl_ms", "icl_ms", "output_throughput_tps",
        "steady_output_throughput_tps", "drain_bias", "throughput_per_gpu_tps",
        "request_throughput_rps", "achieved_concurrency", "client", "runs"}) {
    EXPECT_TRUE(level.contains(key)) << key;
  }
  for (const char* key : {"mean", "p50", "p90", "p95", "p99", "min", "max", "p50_ci95"}) {
    EXPECT_TRUE(level["e2e_ms"].contains(key)) << key;
  }
  EXPECT_EQ(level["e2e_ms"]["p50_ci95"], json::array({5800.6, 5801.6}));
  EXPECT_EQ(level["requests"],
            json::parse(R"({"completed":80,"failed":3,"by_outcome":{"ok":80,"timeout":3},
                            "errors":[{"text":"no end","count":3}]})"));
  EXPECT_EQ(level["invalid_reasons"], json::parse(R"(["client_busy","errors"])"));
  for (const char* key : {"target_ms", "statistic", "users", "c_pass", "c_fail", "c_interpolated",
                          "kind", "users_per_gpu"}) {
    EXPECT_TRUE(result["users_at_target"][0].contains(key)) << key;
  }
  EXPECT_EQ(result["users_at_target"][0]["target_ms"], 1.5);
  EXPECT_EQ(result["system"]["gpus"], 4);
  EXPECT_TRUE(result["workload"].contains("prompt_set_sha256"));
}

TEST(ResultFile, AbsentFiguresAreNull) {
  SweepResult result;
  result.levels.resize(1);
  result.levels[0].point = at_concurrency(1);
  const json level = json::parse(result_to_json(result))["levels"][0];
  for (const char* key : {"mean", "p50", "p99", "min", "max", "p50_ci95"}) {
    EXPECT_TRUE(level["e2e_ms"][key].is_null()) << key;
  }
  EXPECT_FALSE(level["e2e_ms"].contains("p50_at_most"));
  EXPECT_TRUE(level["steady_output_throughput_tps"].is_null());
}

TEST(ResultFile, NumbersThatAreNotFiniteAreNeverWritten) {
  SweepResult result = full_result();
  const double infinity = std::numeric_limits<double>::infinity();
  result.levels[0].pooled.e2e.p50 = std::nan("");
  result.levels[0].pooled.e2e.max = infinity;
  result.levels[0].pooled.drain_bias = -infinity;
  result.levels[0].pooled.e2e.p50_ci95 = Interval{-infinity, infinity};
  const std::string text = result_to_json(result);
  const json level = json::parse(text)["levels"][0];
  EXPECT_TRUE(level["e2e_ms"]["p50"].is_null());
  EXPECT_TRUE(level["e2e_ms"]["max"].is_null());
  EXPECT_TRUE(level["drain_bias"].is_null());
  EXPECT_TRUE(level["e2e_ms"]["p50_ci95"].is_null());
  EXPECT_NO_THROW(parse_result(text, "r.json"));
}

TEST(ResultFile, CredentialsInServerHeadersAreRedacted) {
  SweepResult result;
  result.provenance.server_headers = {{"Set-Cookie", "planted"}, {"Server", "kept"}};
  const std::string text = result_to_json(result);
  EXPECT_THAT(text, AllOf(HasSubstr("<redacted>"), HasSubstr("kept")));
  EXPECT_EQ(text.find("planted"), std::string::npos);
}

TEST(ResultFile, TextThatIsNotUtf8IsRepaired) {
  SweepResult result;
  result.name = "a\xff";
  EXPECT_EQ(parse_result(result_to_json(result), "r.json").name, "a\xEF\xBF\xBD");
}

TEST(ResultFile, ErrorsNameFileAndKey) {
  const std::vector<std::tuple<std::string, json, std::string>> cases = {
      {"/levels/1/e2e_ms/count", "many", "r.json:levels[1].e2e_ms.count: must be a whole number"},
      {"/levels/1/e2e_ms/count", -1, "levels[1].e2e_ms.count: must be from 0"},
      {"/levels/1/e2e_ms/count", 1.5, "levels[1].e2e_ms.count: must be a whole number"},
      {"/levels/0/runs/2/e2e_ms/p50", "5801", "levels[0].runs[2].e2e_ms.p50: must be a number"},
      {"/levels/0/e2e_ms/p50_ci95", {1}, "levels[0].e2e_ms.p50_ci95: must be [low, high]"},
      {"/levels/0/e2e_ms/p50_ci95", 1, "must be a list"},
      {"/levels/0/e2e_ms", 1, "levels[0].e2e_ms: must be an object"},
      {"/levels/0/valid", 1, "levels[0].valid: must be true or false"},
      {"/levels/0/warnings", {"host_stal"}, "did you mean 'host_stall'?"},
      {"/levels/0/requests/by_outcome/okk", 1, "by_outcome.okk: is no outcome"},
      {"/levels/0/concurrency", 0, "levels[0].concurrency: must be at least 1"},
      {"/levels/0/concurrency", 8, "levels[1].concurrency: levels must have ascending"},
      {"/levels/0/concurrency", 3000000000, "levels[0].concurrency: must be from 0 to 2147483647"},
      {"/levels", {{"a", 1}}, "levels: must be a list"},
      {"/levels/0", 5, "levels[0]: must be an object"},
      {"/name", 5, "name: must be text"},
      {"/source", "guessed", "source: unknown value 'guessed'"},
      {"/users_at_target/0/target_ms", 0, "users_at_target[0]"},
      {"/quality", {{"MMLU", "high"}}, "quality.MMLU: must be a number"},
      {"/provenance/server_headers/0", {"a"}, "server_headers[0]: must be [name, value]"},
      {"/schema_version", 2, "schema_version 2"},
      {"/schema_version", 0, "at least 1"},
      {"/schema_version", "1", "must be a whole number"},
  };
  for (const auto& [pointer, value, message] : cases) {
    EXPECT_THAT(error_with(pointer, value), AllOf(HasSubstr("r.json"), HasSubstr(message)))
        << pointer;
  }
  EXPECT_THAT(error_with("/schema_version", 2), HasSubstr("update llmsweep"));
}

TEST(ResultFile, OtherFilesAreRefused) {
  for (const char* text : {"", "{", "[]", "5", "null", "{\"a\":1}", "{\"schema_version\":1,}"}) {
    EXPECT_THAT(refusal_of([&] { parse_result(text, "r.json"); }), HasSubstr("r.json")) << text;
  }
  EXPECT_THAT(refusal_of([] { parse_result("{\"duration\": 1}", "r.json"); }),
              HasSubstr("llmsweep import"));
  EXPECT_THAT(refusal_of([] { parse_result(std::string(1'000'000, '['), "r.json"); }),
              HasSubstr("r.json"));
  EXPECT_THAT(refusal_of([] {
                parse_result("{\"schema_version\":1,\"spec\":" + std::string(100, '[') +
                                 std::string(100, ']') + "}",
                             "r.json");
              }),
              HasSubstr("nested deeper"));
}

TEST(ResultFile, UnknownKeysOfLaterVersionsAreIgnored) {
  auto changed = nlohmann::ordered_json::parse(result_to_json(full_result()));
  changed["levels"][0]["energy_j"] = 5;
  changed["new"] = {{"a", 1}};
  EXPECT_EQ(parse_result(changed.dump(), "r.json"), full_result());
}

TEST(ResultFile, OfEarlierVersionsIsReadWithoutTheLaterKeys) {
  using nlohmann::ordered_json;  // the order of the spec's keys is kept
  ordered_json object = ordered_json::parse(result_to_json(full_result()));
  for (ordered_json& level : object["levels"]) {
    level.erase("vllm_definitions");
    for (ordered_json& run : level["runs"]) run.erase("vllm_definitions");
  }
  SweepResult expected = full_result();
  for (LevelStats& level : expected.levels) {
    level.pooled.vllm.reset();
    for (RunStats& run : level.runs) run.vllm.reset();
  }
  EXPECT_EQ(parse_result(object.dump(), "x"), expected);
}

TEST(ResultFile, WritesAndReadsAFile) {
  const std::filesystem::path path = std::filesystem::path(testing::TempDir()) /
                                     ("result." + std::to_string(::getpid()) + ".json");
  write_result(path, full_result());
  EXPECT_EQ(read_result(path), full_result());
  std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);
  EXPECT_THAT(refusal_of([&] { read_result(path); }),
              AllOf(HasSubstr(path.string()), HasSubstr("not valid JSON")));
  for (const auto& [text, kind] :
       {std::pair("<!doctype html>\n<html>", "is a page or a figure"),
        std::pair("{\"level\": 1}\n{\"level\": 2}\n", "holds records, one"),
        std::pair("name: a\nsystem: {gpus: 1}\n", "is YAML")}) {
    EXPECT_THAT(refusal_of([&, text = text] { parse_result(text, "x"); }),
                AllOf(HasSubstr(kind), HasSubstr("result.json beside it")));
  }
  std::filesystem::remove(path);
  EXPECT_THROW(read_result(path), Error);
}

}  // namespace
}  // namespace llmsweep
