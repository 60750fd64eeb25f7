// The result's schemas, the writers and the shipped published results agree.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "llmsweep/model/names.h"
#include "llmsweep/model/quantity.h"
#include "llmsweep/results/record_file.h"
#include "llmsweep/results/result_file.h"
#include "results/full_result.h"
#include "schemas/json_schema.h"
#include "schemas/written_documents.h"

namespace llmsweep {
namespace {

using nlohmann::json;

const std::filesystem::path kRoot = LLMSWEEP_SOURCE_DIR;

std::string text_of(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

json schema_of(const std::string& name) {
  return json::parse(text_of(kRoot / "configs" / name));
}

std::set<std::string> keys_of(const json& object) {
  std::set<std::string> keys;
  for (const auto& [key, value] : object.items()) keys.insert(key);
  return keys;
}

std::set<std::string> strings_of(const json& list) {
  std::set<std::string> strings;
  for (const json& item : list) {
    if (item.is_string()) strings.insert(item.get<std::string>());  // null stands for none of them
  }
  return strings;
}

template <class Enum>
std::set<std::string> names_of() {
  const std::vector<std::string> names = all_names<Enum>();
  return {names.begin(), names.end()};
}

SweepResult result_with_bounds() {
  SweepResult result = full_result();
  result.levels[0].pooled.e2e.p50_at_most = 15000;
  return result;
}

TEST(ResultSchema, ListsExactlyTheKeysThatAreWritten) {
  const json schema = schema_of("llmsweep-result.schema.json");
  const json& defs = schema["$defs"];
  const json result = json::parse(result_to_json(result_with_bounds()));
  EXPECT_EQ(keys_of(result), keys_of(schema["properties"]));
  EXPECT_EQ(keys_of(result), strings_of(schema["then"]["required"]));
  for (const char* section : {"system", "workload", "provenance"}) {
    EXPECT_EQ(keys_of(result[section]), keys_of(schema["properties"][section]["properties"]))
        << section;
  }
  const json& level = result["levels"][0];
  SweepResult of_rates = result_with_bounds();
  of_rates.levels[0].point = at_rate(2.5);
  EXPECT_EQ(keys_of(json::parse(result_to_json(of_rates))["levels"][0]),
            keys_of(defs["level"]["properties"]));
  EXPECT_EQ(keys_of(level), strings_of(defs["complete_level"]["required"]));
  EXPECT_EQ(keys_of(level["runs"][0]), keys_of(defs["run"]["properties"]));
  EXPECT_EQ(keys_of(level["runs"][0]), strings_of(defs["complete_run"]["required"]));
  EXPECT_EQ(keys_of(level["e2e_ms"]), keys_of(defs["distribution"]["properties"]));
  EXPECT_EQ(keys_of(level["vllm_definitions"]), keys_of(defs["vllm_definitions"]["properties"]));
  EXPECT_EQ(keys_of(level["open_loop"]), keys_of(defs["open_loop"]["properties"]));
  EXPECT_EQ(keys_of(level["open_loop"]), strings_of(defs["open_loop"]["required"]));
  const json& sessions = defs["sessions"]["properties"];
  EXPECT_EQ(keys_of(level["sessions"]), keys_of(sessions));
  EXPECT_EQ(keys_of(level["sessions"]["prefix"]), keys_of(sessions["prefix"]["properties"]));
  EXPECT_EQ(keys_of(level["sessions"]["turns"][0]),
            keys_of(sessions["turns"]["items"]["properties"]));
  EXPECT_EQ(keys_of(level["client"]), keys_of(defs["client"]["properties"]));
  EXPECT_EQ(keys_of(level["requests"]),
            keys_of(defs["level"]["properties"]["requests"]["properties"]));
  EXPECT_EQ(keys_of(result["profile"][0]),
            keys_of(schema["properties"]["profile"]["items"]["properties"]));
  EXPECT_EQ(keys_of(result["trace"]), keys_of(schema["properties"]["trace"]["properties"]));
  EXPECT_EQ(keys_of(result["users_at_target"][0]),
            keys_of(schema["properties"]["users_at_target"]["items"]["properties"]));
  EXPECT_EQ(keys_of(result["rates_at_target"][0]),
            keys_of(schema["properties"]["rates_at_target"]["items"]["properties"]));
}

TEST(ResultSchema, ListsExactlyTheNamesOfEveryEnumeration) {
  const json schema = schema_of("llmsweep-result.schema.json");
  const json& level = schema["$defs"]["level"]["properties"];
  EXPECT_EQ(strings_of(level["invalid_reasons"]["items"]["enum"]), names_of<InvalidReason>());
  EXPECT_EQ(strings_of(level["warnings"]["items"]["enum"]), names_of<Warning>());
  const json& open_loop = schema["$defs"]["open_loop"]["properties"];
  EXPECT_EQ(strings_of(open_loop["state"]["enum"]), names_of<LoadState>());
  EXPECT_EQ(strings_of(open_loop["overload"]["enum"]), names_of<Overload>());
  EXPECT_EQ(strings_of(level["requests"]["properties"]["by_outcome"]["propertyNames"]["enum"]),
            names_of<Outcome>());
  const json& users = schema["properties"]["users_at_target"]["items"]["properties"];
  EXPECT_EQ(strings_of(users["kind"]["enum"]), names_of<UsersKind>());
  EXPECT_EQ(strings_of(users["metric"]["enum"]), names_of<Metric>());
  EXPECT_EQ(strings_of(users["statistic"]["enum"]), names_of<Statistic>());
  EXPECT_EQ(strings_of(schema["properties"]["source"]["enum"]), names_of<Source>());
  const json record = schema_of("llmsweep-record.schema.json");
  EXPECT_EQ(strings_of(record["properties"]["phase"]["enum"]), names_of<Phase>());
  EXPECT_EQ(strings_of(record["properties"]["outcome"]["enum"]), names_of<Outcome>());
  EXPECT_EQ(strings_of(record["properties"]["token_source"]["enum"]), names_of<TokenSource>());
}

using OrderedJson = nlohmann::ordered_json;

OrderedJson type_of(const Quantity& quantity) {
  if (quantity.distribution != nullptr) return {{"$ref", "#/$defs/distribution"}};
  return {{"type", {"number", "null"}}};
}

std::string meaning_of(const Quantity& quantity) {
  std::string text(quantity.meaning);
  if (quantity.null_means.empty()) return text;
  text.pop_back();  // its full stop
  return text + "; null: " + std::string(quantity.null_means) + ".";
}

// `properties` with every stored quantity, a new one behind the one before it in the table.
OrderedJson with_quantities(const OrderedJson& properties) {
  OrderedJson all = properties;
  std::string before = "requests";
  for (const Quantity& quantity : quantities()) {
    if (!quantity.stored()) continue;
    const std::string key(quantity.result_key);
    if (!all.contains(key)) {
      OrderedJson longer;
      for (const auto& [name, value] : all.items()) {
        longer[name] = value;
        if (name == before) longer[key] = type_of(quantity);
      }
      all = longer;
    }
    all[key]["description"] = meaning_of(quantity);
    before = key;
  }
  return all;
}

TEST(ResultSchema, DescribesEveryQuantityByItsRow) {
  const char* const path = "configs/llmsweep-result.schema.json";
  OrderedJson schema = OrderedJson::parse(text_of(kRoot / path));
  for (const char* kind : {"run", "level"}) {
    OrderedJson& properties = schema["$defs"][kind]["properties"];
    properties = with_quantities(properties);
    OrderedJson& required = schema["$defs"][std::string("complete_") + kind]["required"];
    for (const Quantity& quantity : quantities()) {
      const bool known =
          std::find(required.begin(), required.end(), quantity.result_key) != required.end();
      if (quantity.stored() && !known) required.push_back(quantity.result_key);
    }
  }
  expect_written(path, schema.dump(1) + "\n");
}

// In the place of its line, or behind that of the quantity before it.
std::string with_row(std::string document, const std::string& key, const std::string& before,
                     const std::string& row) {
  const size_t section = document.find("### levels[]");
  const auto line_of = [&](const std::string& name) {
    const size_t at = document.find("| `" + name + "` |", section);
    const bool inside = at < document.find("\n### ", section);  // others have keys of that name
    return inside ? at : std::string::npos;
  };
  size_t at = line_of(key);
  if (at != std::string::npos) {
    return document.replace(at, document.find('\n', at) + 1 - at, row);
  }
  at = document.find('\n', line_of(before)) + 1;
  return document.insert(at, row);
}

TEST(ResultDocs, DescribeEveryQuantityByItsRow) {
  const char* const path = "docs/result-format.md";
  std::string document = text_of(kRoot / path);
  std::string before = "requests";
  for (const Quantity& quantity : quantities()) {
    if (!quantity.stored()) continue;
    const char* type = quantity.distribution != nullptr ? "distribution" : "number or null";
    const std::string key(quantity.result_key);
    document = with_row(document, key, before,
                        "| `" + key + "` | " + type + " | " + meaning_of(quantity) + " |\n");
    before = key;
  }
  expect_written(path, document);
}

TEST(RecordSchema, ListsExactlyTheKeysThatAreWritten) {
  const json schema = schema_of("llmsweep-record.schema.json");
  RequestRecord at_a_concurrency = full_record();
  at_a_concurrency.trace_id = {};
  at_a_concurrency.model.clear();
  at_a_concurrency.inputs = 0;
  at_a_concurrency.session = at_a_concurrency.turn = at_a_concurrency.turns_planned = {};
  at_a_concurrency.think = {};
  const json record = json::parse(record_to_jsonl(at_a_concurrency));
  EXPECT_EQ(keys_of(record), strings_of(schema["required"]));
  RequestRecord of_users = full_record();
  of_users.run.point = with_users(8);
  EXPECT_EQ(keys_of(json::parse(record_to_jsonl(of_users))), keys_of(schema["properties"]));
  EXPECT_EQ(schema["$defs"]["histogram"]["items"]["prefixItems"][0]["maximum"],
            Histogram::kBuckets - 1);
}

TEST(ResultSchema, ResultsValidate) {
  SweepResult few;
  few.name = "few";
  few.levels.resize(1);
  few.levels[0].point = at_concurrency(1);
  few.levels[0].runs.resize(1);
  SweepResult of_rates = few;
  of_rates.levels[0].point = at_rate(2.5);
  const SchemaVerdict verdict =
      validate_against("llmsweep-result.schema.json", "json",
                       {result_to_json(full_result()), result_to_json(result_with_bounds()),
                        result_to_json(few), result_to_json(of_rates)});
  if (verdict == SchemaVerdict::kNoValidator) GTEST_SKIP() << "python3 has no jsonschema";
  EXPECT_EQ(verdict, SchemaVerdict::kValid);
}

TEST(ResultSchema, AMeasuredResultNeedsEveryKey) {
  json result = json::parse(result_to_json(full_result()));
  result["levels"][0].erase("valid");
  const SchemaVerdict verdict =
      validate_against("llmsweep-result.schema.json", "json", {result.dump()});
  if (verdict == SchemaVerdict::kNoValidator) GTEST_SKIP() << "python3 has no jsonschema";
  EXPECT_EQ(verdict, SchemaVerdict::kInvalid);
}

TEST(RecordSchema, RecordsValidate) {
  const SchemaVerdict verdict =
      validate_against("llmsweep-record.schema.json", "jsonl",
                       {record_to_jsonl(full_record()) + record_to_jsonl({}) +
                        record_to_jsonl({.run = {at_rate(2.5), 0}})});
  if (verdict == SchemaVerdict::kNoValidator) GTEST_SKIP() << "python3 has no jsonschema";
  EXPECT_EQ(verdict, SchemaVerdict::kValid);
}

void expect_rows(const std::string& text, const json& properties) {
  for (const auto& [key, value] : properties.items()) {
    const std::string row = "\n| `" + key + "` |";
    ASSERT_NE(text.find(row), std::string::npos) << key;
    if (!value.contains("description")) continue;
    EXPECT_NE(text.find(value["description"].get<std::string>()), std::string::npos) << key;
  }
}

TEST(ResultDocs, HaveARowForEveryKeyWithItsMeaning) {
  const std::string text = text_of(kRoot / "docs/result-format.md");
  const json schema = schema_of("llmsweep-result.schema.json");
  const json& properties = schema["properties"];
  expect_rows(text, properties);
  for (const char* section : {"system", "workload", "provenance"}) {
    expect_rows(text, properties[section]["properties"]);
  }
  expect_rows(text, properties["users_at_target"]["items"]["properties"]);
  expect_rows(text, properties["rates_at_target"]["items"]["properties"]);
  for (const char* part :
       {"level", "distribution", "vllm_definitions", "open_loop", "sessions", "client"}) {
    expect_rows(text, schema["$defs"][part]["properties"]);
  }
  expect_rows(text, schema_of("llmsweep-record.schema.json")["properties"]);
}

TEST(PublishedResults, ReadAndValidate) {
  std::vector<std::string> texts;
  for (const auto& entry : std::filesystem::directory_iterator(kRoot / "datasets/published")) {
    const SweepResult result = read_result(entry.path());
    EXPECT_EQ(result.name, entry.path().stem());
    EXPECT_EQ(result.source, Source::kPublished);
    EXPECT_FALSE(result.provenance.notes.empty());
    texts.push_back(text_of(entry.path()));
  }
  EXPECT_EQ(texts.size(), 4u);
  const SchemaVerdict verdict = validate_against("llmsweep-result.schema.json", "json", texts);
  if (verdict == SchemaVerdict::kNoValidator) GTEST_SKIP() << "python3 has no jsonschema";
  EXPECT_EQ(verdict, SchemaVerdict::kValid);
}

SweepResult published(const std::string& name) {
  return read_result(kRoot / "datasets/published" / (name + ".json"));
}

TEST(PublishedResults, HoldTheFiguresOfTheArticle) {
  const SweepResult nvfp4 = published("deepseek-v3.2-gb200-nvfp4");
  const SweepResult fp8 = published("deepseek-v3.2-gb200-fp8");
  const SweepResult h200 = published("deepseek-v3.2-h200-fp8");
  EXPECT_EQ(nvfp4.levels[0].pooled.e2e.p50, 5801);
  EXPECT_EQ(fp8.levels[0].pooled.e2e.p50, 7015);
  EXPECT_EQ(h200.levels[0].pooled.e2e.p50, 14716);
  EXPECT_EQ(nvfp4.levels[0].pooled.output_throughput_tps, 272);
  EXPECT_EQ(fp8.levels[0].pooled.output_throughput_tps, 228);
  EXPECT_EQ(h200.levels[0].pooled.output_throughput_tps, 109);
  EXPECT_NEAR(14716.0 / 5801, 2.54, 0.005);
  ASSERT_EQ(nvfp4.levels.size(), 2u);
  EXPECT_EQ(nvfp4.levels[1].point.concurrency(), 8);
  EXPECT_NEAR(*nvfp4.levels[1].pooled.output_throughput_tps,
              8 * *h200.levels[0].pooled.output_throughput_tps, 1);
  EXPECT_FALSE(nvfp4.levels[1].pooled.e2e.p50);  // not published
  EXPECT_EQ(nvfp4.levels[1].pooled.e2e.p50_at_most, 15000);
  EXPECT_EQ(nvfp4.users_at_target[0].users_per_gpu / h200.users_at_target[0].users_per_gpu, 16);
  EXPECT_NEAR(*fp8.system.weights_gb / *nvfp4.system.weights_gb, 1.66, 0.005);
  EXPECT_EQ(nvfp4.quality.size(), 5u);
  EXPECT_EQ(nvfp4.quality[1], (std::pair<std::string, double>("GPQA Diamond", 0.835)));
  EXPECT_EQ(fp8.quality, h200.quality);
  // Each published throughput/latency is the ratio of its two figures, as far as it was rounded.
  for (const SweepResult& result : {nvfp4, fp8, h200}) {
    const RunStats& run = result.levels[0].pooled;
    EXPECT_NEAR(*run.output_throughput_tps / *run.e2e.p50, *run.throughput_per_latency, 0.0006);
  }
}

TEST(PublishedResults, APreliminaryPointIsMarked) {
  const SweepResult result = published("deepseek-v4-gb300");
  EXPECT_TRUE(result.preliminary);
  ASSERT_EQ(result.levels.size(), 1u);
  EXPECT_EQ(result.levels[0].point.concurrency(), 0);
  EXPECT_EQ(result.levels[0].pooled.throughput_per_gpu_tps, 3500);
}

}  // namespace
}  // namespace llmsweep
