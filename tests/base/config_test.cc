#include "llmsweep/base/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <nlohmann/json.hpp>

namespace llmsweep {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;

ConfigNode yaml(std::string_view text) {
  return ConfigNode::parse(text, "spec.yaml");
}

std::string error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.text().where + " | " + error.text().what + " | " + error.text().next;
  }
  return "no error";
}

TEST(Config, ReadsEveryKindOfValue) {
  const ConfigNode root = yaml(R"(
name: deepseek  # a comment
gpus: 4
share: 0.25
mtp: true
wait: 1.5s
levels: [1, 2]
nested: {a: {b: c}}
nothing:
)");
  EXPECT_EQ(root["name"].as_string(), "deepseek");
  EXPECT_EQ(root["gpus"].as_int(1, 8), 4);
  EXPECT_EQ(root["share"].as_number({0, 1}), 0.25);
  EXPECT_TRUE(root["mtp"].as_bool());
  EXPECT_EQ(root["wait"].as_duration(0s), 1500ms);
  ASSERT_EQ(root["levels"].items().size(), 2u);
  EXPECT_EQ(root["levels"].items()[1].as_int(0, 9), 2);
  EXPECT_EQ(root["nested"]["a"]["b"].as_string(), "c");
  EXPECT_EQ(root["nothing"].kind(), ConfigNode::Kind::kNull);
  EXPECT_EQ(root["absent"]["deeper"].kind(), ConfigNode::Kind::kMissing);
  EXPECT_NO_THROW(root.reject_unknown_keys());
}

TEST(Config, EmptyTextIsNull) {
  EXPECT_FALSE(yaml("").present());
  EXPECT_FALSE(yaml("# only a comment\n").present());
  EXPECT_EQ(yaml("").to_json(), "null");
}

TEST(Config, NamesFileLineAndKeyOfAWrongValue) {
  const ConfigNode root = yaml("load:\n  repeats: many\n  list: [1, x]\n");
  EXPECT_EQ(error_of([&] { root["load"]["repeats"].as_int(1, 100); }),
            "spec.yaml:2:load.repeats | must be a whole number from 1 to 100, not 'many' | ");
  EXPECT_THAT(error_of([&] { root["load"]["list"].items()[1].as_int(1, 100); }),
              HasSubstr("spec.yaml:3:load.list[1] | "));
  EXPECT_THAT(error_of([&] { root["load"]["absent"].as_string(); }),
              HasSubstr("spec.yaml:2:load.absent | a value is missing"));
  EXPECT_THAT(error_of([&] { root["load"]["repeats"]["deeper"]; }),
              HasSubstr("spec.yaml:2:load.repeats | must be a map"));
}

TEST(Config, RefusesNumbersThatAreNotWhole) {
  for (const char* text : {"1.0", "1e3", "0x10", "1,600", "1_600", "+4", "''", "\"4\"", "[4]",
                           "99999999999999999999", ".nan", "true", "~"}) {
    const ConfigNode root = yaml(std::string("n: ") + text);
    EXPECT_NE(error_of([&] { root["n"].as_int(0, std::numeric_limits<int64_t>::max()); }),
              "no error")
        << text;
  }
  EXPECT_THAT(error_of([&] { yaml("n: '4'")["n"].as_int(0, 9); }), HasSubstr("remove the quotes"));
}

TEST(Config, RefusesNumbersThatAreNotFinite) {
  for (const char* text : {".inf", "inf", "nan", ".nan", "-.inf", "1e999"}) {
    const ConfigNode root = yaml(std::string("n: ") + text);
    EXPECT_NE(error_of([&] { root["n"].as_number({-1e300, 1e300}); }), "no error") << text;
  }
}

TEST(Config, YesAndNoAreNotBooleans) {
  EXPECT_THAT(error_of([&] { yaml("a: yes")["a"].as_bool(); }),
              HasSubstr("must be true or false, not 'yes'"));
  EXPECT_NE(error_of([&] { yaml("a: 'true'")["a"].as_bool(); }), "no error");
}

TEST(Config, DurationsNeedAUnit) {
  EXPECT_THAT(error_of([&] { yaml("max: 15")["max"].as_duration(0s); }),
              AllOf(HasSubstr("a duration with a unit"), HasSubstr("write 15s or 15ms")));
  EXPECT_THAT(error_of([&] { yaml("max: 1ms")["max"].as_duration(1s); }),
              HasSubstr("must be at least 1s"));
}

TEST(Config, ChoicesOfferTheNearest) {
  EXPECT_THAT(error_of([&] {
                yaml("api: chta")["api"].as_choice({"chat", "completions"});
              }),
              HasSubstr("did you mean 'chat'?"));
}

TEST(Config, UnknownKeysOfferTheNearest) {
  const ConfigNode root = yaml("load:\n  concurency: [1]\n");
  root["load"]["concurrency"];
  root["load"]["repeats"];
  EXPECT_EQ(error_of([&] { root["load"].reject_unknown_keys(); }),
            "spec.yaml:2:load.concurency | unknown key 'concurency' | did you mean 'concurrency'?");
}

TEST(Config, DuplicateKeysNameBothLines) {
  EXPECT_THAT(error_of([] { yaml("a: 1\nb: 2\na: 3\n"); }),
              AllOf(HasSubstr("spec.yaml:3"), HasSubstr("line 1")));
  EXPECT_THAT(error_of([] { yaml("{\n\"a\": 1,\n\"a\": 3}\n"); }),
              AllOf(HasSubstr("spec.yaml:3"), HasSubstr("line 2")));
}

TEST(Config, RefusesAnchorsTagsAndSecondDocuments) {
  EXPECT_THAT(error_of([] { yaml("a: &x 1\nb: *x\n"); }), HasSubstr("anchor"));
  EXPECT_THAT(error_of([] { yaml("a: !!str 1\n"); }), HasSubstr("tag"));
  EXPECT_THAT(error_of([] { yaml("a: !python/object {}\n"); }), HasSubstr("tag"));
  EXPECT_THAT(error_of([] { yaml("a: 1\n---\nb: 2\n"); }), HasSubstr("more than one document"));
  EXPECT_THAT(error_of([] { yaml("[1, 2]: x\n"); }), HasSubstr("a key must be a word"));
  EXPECT_THAT(error_of([] { yaml("[1, 2"); }), HasSubstr("is a bracket not closed?"));
}

TEST(Config, LimitsSizeNestingAndCount) {
  EXPECT_THAT(error_of([] { yaml(std::string(5 << 20, 'x')); }), HasSubstr("larger than 4 MiB"));
  EXPECT_THAT(error_of([] { yaml("a: " + std::string(65, '[') + std::string(65, ']')); }),
              HasSubstr("nested deeper than 64"));
  EXPECT_THAT(error_of([] { yaml(std::string(100'000, '[')); }),
              HasSubstr("nested deeper than 64"));
  std::string keys;
  for (int i = 0; i < 190'000; ++i) keys += "k" + std::to_string(i) + ": 1\n";
  EXPECT_EQ(yaml(keys).members().size(), 190'000u);  // in seconds, not in hours
  std::string many = "[1";
  for (int i = 0; i < 200'000; ++i) many += ",1";
  EXPECT_THAT(error_of([&] { yaml(many + "]"); }), HasSubstr("more than 200000 values"));
  EXPECT_NO_THROW(yaml("a: " + std::string(63, '[') + std::string(63, ']')));
}

TEST(Config, RefusesBytesThatAreNotText) {
  EXPECT_THAT(error_of([] { yaml("a: \xff\xfe"); }), HasSubstr("not UTF-8"));
  EXPECT_THAT(error_of([] { yaml(std::string_view("a: \0", 4)); }), HasSubstr("not UTF-8"));
}

TEST(Config, RefusesEscapesThatWouldNotBeUtf8) {
  EXPECT_THAT(error_of([] { yaml("a: \"\\N\""); }), HasSubstr("spec.yaml:1"));
  EXPECT_THAT(error_of([] { yaml("\"\\_\": 1"); }), HasSubstr("spec.yaml:1"));
  EXPECT_EQ(yaml("a: \"\\x85\"")["a"].as_string(), "\u0085");
}

TEST(Config, BrokenYamlNamesTheLine) {
  EXPECT_THAT(error_of([] { yaml("a: 1\nb: [1, 2\nc: 3\n"); }), HasSubstr("spec.yaml:"));
  EXPECT_THAT(error_of([] { yaml("a:\n\tb: 1\n"); }),
              AllOf(HasSubstr("spec.yaml:2"), HasSubstr("spaces, not tabs")));
}

TEST(Config, AQuoteThatIsNeverClosedNamesTheLine) {
  EXPECT_THAT(error_of([] { yaml("a: 1\nname: \"x\nb: 2\n"); }),
              AllOf(HasSubstr("spec.yaml:2"), HasSubstr("never closed | end it with \"")));
  EXPECT_THAT(error_of([] { yaml("é: 1\nname: 'it''s\n"); }), HasSubstr("end it with '"));
  EXPECT_EQ(yaml("é: 'it''s'\nb: \"a \\\" b\"\n")["b"].as_string(), "a \" b");
  EXPECT_EQ(yaml("b: \"two\n  lines\"")["b"].as_string(), "two lines");
}

TEST(Config, AcceptsJsonWithTabsAndEscapes) {
  const ConfigNode root = ConfigNode::parse(
      "{\n\t\"text\":\t\"\\ud83d\\ude00 \\u00e9 \\/ \\n \\\"\",\n\t\"n\":\t-1.5e3,\n\t\"b\": "
      "false,\n\t\"list\": [\n\t\t17\n\t],\n\t\"none\": null\n}\n",
      "spec.json");
  EXPECT_EQ(root["text"].as_string(), "\U0001F600 \u00e9 / \n \"");
  EXPECT_EQ(root["n"].as_number({-1e9, 1e9}), -1500);
  EXPECT_FALSE(root["b"].as_bool());
  EXPECT_FALSE(root["none"].present());
  EXPECT_EQ(root["list"].items()[0].where(), "spec.json:6:list[0]");
  EXPECT_NE(error_of([&] { ConfigNode::parse("{\"n\": \"4\"}", "x")["n"].as_int(0, 9); }),
            "no error");
}

TEST(Config, BrokenJsonNamesTheLine) {
  EXPECT_THAT(error_of([] { ConfigNode::parse("{\n \"a\": 1,\n \"b\" 2\n}", "s.json"); }),
              AllOf(HasSubstr("s.json:3"), HasSubstr("not valid JSON")));
  EXPECT_THAT(error_of([] { ConfigNode::parse("{\"a\": \"\\ud800\"}", "s.json"); }),
              HasSubstr("not valid JSON"));
}

TEST(Config, FlowYamlThatIsNotJsonIsYaml) {
  EXPECT_EQ(yaml("{a: 1, b: [x, y]}")["b"].items()[1].as_string(), "y");
}

TEST(Config, WritesJson) {
  const ConfigNode root = yaml(R"(
text: "quoted \"1\""
number: '1'
int: 12
neg: -3
float: 1.50
plain: .5
plus: +7
hex: 0x1F
zero: 007
big: 123456789012345678901234567890
infinite: .inf
date: 2026-11-22
flag: True
no: no
none: ~
list: [1, [], {}]
)");
  const auto json = nlohmann::json::parse(root.to_json());
  const auto expected = nlohmann::json::parse(R"({"text": "quoted \"1\"", "number": "1", "int": 12,
      "neg": -3, "float": 1.5, "plain": 0.5, "plus": 7, "hex": 31, "zero": 7,
      "big": 1.2345678901234568e29, "infinite": ".inf", "date": "2026-11-22", "flag": true,
      "no": "no", "none": null, "list": [1, [], {}]})");
  EXPECT_EQ(json, expected);
}

TEST(ConfigSet, ReplacesAddsAndCreatesMaps) {
  ConfigNode root = yaml("load:\n  repeats: 3\n  concurrency: [1, 2]\n");
  root.set("load.repeats", "1");
  root.set("load.concurrency[1]", "8");
  root.set("load.concurrency[2]", "16");
  root.set("client.threads", "2");
  root.set("endpoint.headers.\"X.Run\"", "a b");
  root.set("endpoint.extra_body", R"({"stop": ["\ud83d\ude00"]})");
  root.set("targets[0].max", "15s");
  EXPECT_EQ(nlohmann::json::parse(root.to_json()), nlohmann::json::parse(R"({
      "load": {"repeats": 1, "concurrency": [1, 8, 16]}, "client": {"threads": 2},
      "endpoint": {"headers": {"X.Run": "a b"}, "extra_body": {"stop": ["😀"]}},
      "targets": [{"max": "15s"}]})"));
}

TEST(ConfigSet, AnEmptyValueUnsets) {
  ConfigNode root = yaml("a: 1\n");
  root.set("a", "");
  EXPECT_FALSE(root["a"].present());
}

TEST(ConfigSet, WorksOnAnEmptyFile) {
  ConfigNode root = yaml("");
  root.set("name", "x");
  EXPECT_EQ(root["name"].as_string(), "x");
}

TEST(ConfigSet, ErrorsNameTheFlag) {
  ConfigNode root = yaml("load:\n  repeats: 3\n  concurrency: [1]\n");
  root.set("load.repeats", "many");
  EXPECT_EQ(error_of([&] { root["load"]["repeats"].as_int(1, 9); }),
            "--set load.repeats=many | load.repeats: must be a whole number from 1 to 9, not "
            "'many' | ");
  EXPECT_THAT(error_of([&] { root.set("load.concurrency[5]", "1"); }),
              HasSubstr("--set load.concurrency[5]=1 | there is no [5]"));
  EXPECT_THAT(error_of([&] { root.set("load.concurrency.x", "1"); }),
              HasSubstr("not inside a map"));
  EXPECT_THAT(error_of([&] { root.set("load..x", "1"); }), HasSubstr("not a key path"));
  EXPECT_THAT(error_of([&] { root.set("", "1"); }), HasSubstr("not a key path"));
  EXPECT_THAT(error_of([&] { root.set("a", "'open"); }),
              HasSubstr("--set a='open | not valid YAML"));
  root.set("load.repeets", "1");
  root["load"]["repeats"];
  root["load"]["concurrency"];
  EXPECT_THAT(error_of([&] { root["load"].reject_unknown_keys(); }),
              AllOf(HasSubstr("--set load.repeets=1"), HasSubstr("did you mean 'repeats'?")));
}

TEST(ConfigSet, AHeadersValueIsNotRepeatedInErrors) {
  ConfigNode root = yaml("");
  root.set("endpoint.headers.Authorization", "[secret-value]");
  EXPECT_THAT(error_of([&] { root["endpoint"]["headers"]["Authorization"].as_string(); }),
              testing::Not(HasSubstr("secret-value")));
}

}  // namespace
}  // namespace llmsweep
