// The schema that editors use and the parser agree, in both directions.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "llmsweep/base/config.h"
#include "llmsweep/base/text.h"
#include "llmsweep/model/target.h"
#include "llmsweep/spec/spec_file.h"
#include "schemas/json_schema.h"

namespace llmsweep {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

const std::filesystem::path kRoot = LLMSWEEP_SOURCE_DIR;

const char* const kBase = R"(name: x
system: {gpus: 4}
endpoint: {url: "http://h/v1"}
workload: {dataset: random}
load: {concurrency: [1]}
client: {threads: 1}
targets: [{max: 1s}]
goodput: [{max: 1s}]
)";

json schema() {
  return json::parse(std::ifstream(kRoot / "configs/llmsweep-spec.schema.json"));
}

// The same with another kind of load.
std::string base_with_load(const std::string& load) {
  std::string base = kBase;
  const size_t at = base.find("\nload: ") + 1;
  return base.replace(at, base.find('\n', at) - at, "load: " + load);
}

// Keys of a rate are refused beside a concurrency.
std::string base_for(const std::string& set) {
  for (const char* key : {"load.rate", "load.arrivals", "load.warmup", "load.measure", "load.drain",
                          "load.max_in_flight"}) {
    const std::string path(key);
    if (set.starts_with(path + "=") || set.starts_with(path + ".")) {
      return base_with_load("{rate: [100], arrivals: {process: gamma}}");
    }
  }
  if (set.starts_with("load.users=") || set.starts_with("workload.sessions.") ||
      set.starts_with("endpoint.session_header=")) {
    std::string base = base_with_load("{users: 4}");
    const std::string sessions = "{dataset: random, sessions: {first_input_tokens: 100}}";
    return base.replace(base.find("{dataset: random}"), std::string("{dataset: random}").size(),
                        sessions);
  }
  if (set.starts_with("system.power.")) {  // whose figures stand with their sources
    std::string base = kBase;
    const std::string power =
        "power: {provisioned_source: a, provisioned_date: 2026-11-28, node_source: a, node_date: "
        "2026-11-28}, ";
    return base.insert(base.find("system: {") + 9, power);
  }
  if (set.starts_with("endpoint.prices.kwh=") || set.starts_with("endpoint.prices.pue=")) {
    std::string base = kBase;
    const std::string prices = "prices: {kwh: 0.2, pue: 1, kwh_source: a, kwh_date: 2026-11-28}, ";
    return base.insert(base.find("endpoint: {") + 11, prices);
  }
  if (set.starts_with("load.trace.columns.") || set.starts_with("load.trace.unit=")) {
    return base_with_load("{trace: {file: " + (kRoot / "README.md").string() +
                          ", columns: {at: a, input: b, output: c}}}");
  }
  if (set.starts_with("load.trace.")) {
    return base_with_load("{trace: {file: " + (kRoot / "README.md").string() + "}}");
  }
  if (set.starts_with("search.")) {
    return base_with_load("{}\nsearch: {over: concurrency, between: [1, 512]}");
  }
  return kBase;
}

Error error_of_set(const std::string& set) {
  try {
    parse_spec(base_for(set), "x.yaml", {set});
  } catch (const Error& error) {
    return error;
  }
  return Error({.what = "no error", .where = "", .next = ""});
}

bool is_accepted(const std::string& set) {
  return error_of_set(set).text().what == "no error";
}

struct Property {
  std::string path;  // as --set takes it
  json schema;
};

const json& resolve(const json& root, const json& node) {
  if (!node.contains("$ref")) return node;
  return root.at(json::json_pointer(node["$ref"].get<std::string>().substr(1)));
}

// Of a list whose items are maps or texts that stand for them: the map. Null: it is no such list.
const json* map_or_text(const json& node) {
  if (!node.contains("items") || !node["items"].contains("anyOf")) return nullptr;
  const json& kinds = node["items"]["anyOf"];
  return kinds.size() == 2 && kinds[0].value("type", "") == "string" ? &kinds[1] : nullptr;
}

// Every object of the schema with fixed keys, and every property, walking into lists' first item.
void walk(const json& root, const json& node, const std::string& path,
          std::vector<Property>& objects, std::vector<Property>& properties) {
  if (node.contains("properties")) {
    objects.push_back({path, node});
    for (const auto& [key, child] : node["properties"].items()) {
      const std::string child_path = path.empty() ? key : path + "." + key;
      const json& target = resolve(root, child);
      properties.push_back({child_path, target});
      walk(root, target, child_path, objects, properties);
    }
  } else if (node.contains("items") && node["items"].contains("properties")) {
    walk(root, node["items"], path + "[0]", objects, properties);
  } else if (const json* map = map_or_text(node); map != nullptr && !path.ends_with(".all")) {
    walk(root, *map, path + "[0]", objects, properties);
  }
}

struct Walked {
  std::vector<Property> objects;
  std::vector<Property> properties;
};

Walked walk_schema() {
  const json root = schema();
  Walked walked;
  walk(root, root, "", walked.objects, walked.properties);
  return walked;
}

TEST(SpecSchema, HasExactlyTheParsersKeysInEveryObject) {
  const Walked walked = walk_schema();
  EXPECT_EQ(walked.objects.size(), 17u);
  for (const Property& object : walked.objects) {
    EXPECT_EQ(object.schema.value("additionalProperties", true), false) << object.path;
    const std::string prefix = object.path.empty() ? "" : object.path + ".";
    const ErrorText error = error_of_set(prefix + "qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq=1").text();
    ASSERT_THAT(error.what, HasSubstr("unknown key")) << object.path;
    const std::string intro = "the keys here are: ";
    ASSERT_TRUE(error.next.starts_with(intro)) << error.next;
    std::set<std::string> parsers;
    for (const std::string& key : split(error.next.substr(intro.size()), ',')) {
      parsers.emplace(trim(key));
    }
    std::set<std::string> schemas;
    for (const auto& [key, value] : object.schema["properties"].items()) schemas.insert(key);
    EXPECT_EQ(parsers, schemas) << object.path;
  }
}

TEST(SpecSchema, EveryPropertysTypeIsTheParsersToo) {
  for (const Property& property : walk_schema().properties) {
    const bool takes_text = property.schema.value("type", "") == "string" ||
                            property.schema.value("type", "") == "integer" ||
                            property.schema.value("type", "") == "number" ||
                            property.schema.value("type", "") == "boolean" ||
                            property.path == "endpoint.model";
    const std::string wrong = takes_text ? "[[]]" : "\"text\"";
    const ErrorText error = error_of_set(property.path + "=" + wrong).text();
    EXPECT_THAT(error.what + error.where, HasSubstr(property.path)) << property.path;
    EXPECT_NE(error.what, "no error") << property.path;
  }
}

TEST(SpecSchema, EveryRangeIsTheParsersToo) {
  int checked = 0;
  for (const Property& property : walk_schema().properties) {
    if (property.path.ends_with("[0].min")) continue;  // of another metric than the spec here has
    const bool whole = property.schema.value("type", "") == "integer";
    for (const auto& [bound, step] : {std::pair{"minimum", -1}, std::pair{"maximum", 1}}) {
      if (!property.schema.contains(bound)) continue;
      const json& limit = property.schema[bound];
      if (whole) {
        const int64_t value = limit.get<int64_t>();
        const std::string inside = error_of_set(property.path + "=" + std::to_string(value)).what();
        EXPECT_THAT(inside, ::testing::Not(HasSubstr("must be a whole number")))
            << property.path << " at its " << bound;
        if (value == std::numeric_limits<int64_t>::max()) continue;
        EXPECT_FALSE(is_accepted(property.path + "=" + std::to_string(value + step)))
            << property.path << " beyond its " << bound;
      } else {
        const double value = limit.get<double>();
        EXPECT_TRUE(is_accepted(property.path + "=" + std::to_string(value))) << property.path;
        EXPECT_FALSE(is_accepted(property.path + "=" + std::to_string(value + step * 0.01)))
            << property.path;
      }
      ++checked;
    }
  }
  EXPECT_GT(checked, 30);
}

TEST(SpecSchema, EveryEnumerationIsTheParsersToo) {
  int checked = 0;
  for (const Property& property : walk_schema().properties) {
    const bool list = property.schema.value("type", "") == "array";
    const json& holder = list ? property.schema["items"] : property.schema;
    if (!holder.contains("enum")) continue;
    const std::string wrong = "qqqqqqqqqqqqqqqqqqqq";
    const std::string error =
        error_of_set(property.path + "=" + (list ? "[" + wrong + "]" : wrong)).text().what;
    const std::string intro = "is not one of ";
    ASSERT_THAT(error, HasSubstr(intro)) << property.path;
    std::set<std::string> names = holder["enum"].get<std::set<std::string>>();
    // The parser knows the metric names before it knows that goodput takes only some.
    if (property.path == "goodput[0].metric") names.insert({"itl", "icl"});
    std::set<std::string> parsers;
    for (const std::string& name : split(error.substr(error.find(intro) + intro.size()), ',')) {
      parsers.emplace(trim(name));
    }
    EXPECT_EQ(parsers, names) << property.path;
    ++checked;
  }
  EXPECT_GE(checked, 10);
}

TEST(SpecSchema, EveryDefaultIsTheParsersToo) {
  const json resolved = json::parse(
      spec_to_json(parse_spec(kBase, "x.yaml", {"workload=", "client=", "targets=", "goodput="})));
  const json with_targets = json::parse(spec_to_json(parse_spec(kBase, "x.yaml", {})));
  const json of_a_rate =
      json::parse(spec_to_json(parse_spec(base_with_load("{rate: [1]}"), "x.yaml", {})));
  int checked = 0;
  for (const Property& property : walk_schema().properties) {
    if (!property.schema.contains("default")) continue;
    std::string pointer = "/" + property.path;
    const bool in_list = pointer.find("[0]") != std::string::npos;
    for (size_t at = 0; (at = pointer.find_first_of(".[", at)) != std::string::npos;) {
      pointer[at] = '/';
    }
    std::erase(pointer, ']');
    const json::json_pointer at(pointer);
    const json& others = in_list ? with_targets : resolved;
    const json& value = (others.contains(at) ? others : of_a_rate).at(at);
    EXPECT_EQ(value, property.schema["default"]) << property.path;
    ++checked;
  }
  EXPECT_GE(checked, 41);
}

TEST(SpecSchema, RequiredKeysAreRequired) {
  for (const Property& object : walk_schema().objects) {
    for (const json& key : object.schema.value("required", json::array())) {
      const std::string path =
          (object.path.empty() ? "" : object.path + ".") + key.get<std::string>();
      EXPECT_FALSE(is_accepted(path + "=")) << path;
    }
  }
}

// Every spec of `folder` loads, names its schema on the first line, and validates against it as
// written and as resolved.
void check_shipped(const std::filesystem::path& folder, size_t count) {
  std::vector<std::string> texts;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::filesystem::path& path = entry.path();
    if (path.extension() != ".yaml") continue;
    SCOPED_TRACE(path);
    std::string first_line;
    std::ifstream file(path);
    std::getline(file, first_line);
    EXPECT_THAT(first_line, HasSubstr("llmsweep-spec.schema.json"));
    SweepSpec spec;
    ASSERT_NO_THROW(spec = load_spec(path, {}));
    EXPECT_THAT(spec.name, HasSubstr(path.stem().string()));
    EXPECT_FALSE(spec.targets.empty());
    EXPECT_EQ(parse_spec(spec_to_json(spec), path.string(), {}), spec);
    texts.push_back(ConfigNode::parse_file(path).to_json());
    texts.push_back(spec_to_json(spec));
  }
  EXPECT_EQ(texts.size(), 2 * count);
  const SchemaVerdict verdict = validate_against("llmsweep-spec.schema.json", "json", texts);
  if (verdict == SchemaVerdict::kNoValidator) GTEST_SKIP() << "python3 has no jsonschema";
  EXPECT_EQ(verdict, SchemaVerdict::kValid);
}

// The tokenizers that shipped specs name, as scripts/fetch-tokenizer would leave them.
class ShippedSpecs : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(folder_);
    for (const char* name : {"deepseek_v3.json", "deepseek_v4.json"}) {
      std::ofstream(folder_ / name) << "{}";
    }
    if (const char* before = std::getenv("LLMSWEEP_TOKENIZER_DIR")) before_ = before;
    ::setenv("LLMSWEEP_TOKENIZER_DIR", folder_.c_str(), 1);
  }
  void TearDown() override {
    ::unsetenv("LLMSWEEP_TOKENIZER_DIR");
    if (before_) ::setenv("LLMSWEEP_TOKENIZER_DIR", before_->c_str(), 1);
    std::filesystem::remove_all(folder_);
  }
  std::filesystem::path folder_ = std::filesystem::path(::testing::TempDir()) /
                                  ("spec_tokenizers." + std::to_string(::getpid()));
  std::optional<std::string> before_;
};

TEST_F(ShippedSpecs, LoadAndValidate) {
  check_shipped(kRoot / "configs", 9);
}

TEST_F(ShippedSpecs, SimulatedOnesLoadAndValidate) {
  check_shipped(kRoot / "configs/simulated", 7);
}

TEST_F(ShippedSpecs, AskForExactLengths) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(kRoot / "configs")) {
    const std::filesystem::path& path = entry.path();
    const std::string folder = path.parent_path().filename();
    if (path.extension() != ".yaml" || (folder != "configs" && folder != "simulated")) continue;
    const WorkloadSpec workload = load_spec(path, {}).workload;
    EXPECT_EQ(workload.tokenizer.empty(), !workload.input_tokens) << path;
  }
}

TEST_F(ShippedSpecs, AreTheSystemsOfTheArticle) {
  const SweepSpec nvfp4 = load_spec(kRoot / "configs/deepseek-v3.2-gb200-nvfp4.yaml", {});
  EXPECT_EQ(nvfp4.system.gpus, 4);
  EXPECT_EQ(nvfp4.system.tensor_parallel, 4);
  EXPECT_EQ(nvfp4.system.mtp, true);
  EXPECT_EQ(nvfp4.system.max_batch_size, 64);
  EXPECT_EQ(nvfp4.system.engine_version, "1.2.0rc8");
  EXPECT_EQ(nvfp4.system.checkpoint, "nvidia/DeepSeek-V3.2-NVFP4");
  EXPECT_EQ(nvfp4.workload.input_tokens, (TokenCount{.fixed = 2400}));
  EXPECT_EQ(nvfp4.workload.output_tokens, (TokenCount{.fixed = 1600}));
  EXPECT_EQ(format_target(nvfp4.targets.at(0)), "e2e:p50:15s");
  const SweepSpec h200 = load_spec(kRoot / "configs/deepseek-v3.2-h200-fp8.yaml", {});
  EXPECT_EQ(h200.system.gpus, 8);
  EXPECT_EQ(h200.system.tensor_parallel, 8);
  EXPECT_EQ(h200.system.mtp, false);
  EXPECT_EQ(h200.system.checkpoint, "deepseek-ai/DeepSeek-V3.2");
}

}  // namespace
}  // namespace llmsweep
