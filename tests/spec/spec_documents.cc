#include "spec/spec_documents.h"

#include <nlohmann/json.hpp>

#include "llmsweep/base/text.h"
#include "llmsweep/model/spec_keys.h"
#include "llmsweep/model/target.h"
#include "schemas/written_documents.h"
#include "spec/spec_write.h"

namespace llmsweep {
namespace {

// How a kind of value stands in the schema, and in the column "type" of docs/spec.md.
struct Form {
  SpecJson schema;
  std::string text;
};

template <class Enum>
std::vector<std::string> names_for(bool (*is_allowed)(Enum)) {
  std::vector<std::string> names;
  for (const Enum value : all_values<Enum>()) {
    if (is_allowed(value)) names.emplace_back(name_of(value));
  }
  return names;
}

Form one_of(const std::vector<std::string>& names) {
  return {{{"type", "string"}, {"enum", names}}, in_backticks(names, " \\| ")};
}

// 1000000 as "1,000,000"; what nobody would count as a power of two.
std::string for_people(int64_t number) {
  if (number == std::numeric_limits<int64_t>::max()) return "2^63 − 1";
  if (number == int64_t{1} << 40) return "2^40";
  std::string digits = std::to_string(number);
  for (int at = static_cast<int>(digits.size()) - 3; at > 0; at -= 3) {
    digits.insert(static_cast<size_t>(at), ",");
  }
  return digits;
}

std::string for_people(double number) {
  const auto whole = static_cast<int64_t>(number);
  return static_cast<double>(whole) == number ? for_people(whole) : SpecJson(number).dump();
}

// A whole number is written as one.
SpecJson json_number(double number) {
  const auto whole = static_cast<int64_t>(number);
  return static_cast<double>(whole) == number ? SpecJson(whole) : SpecJson(number);
}

template <class Range>
std::string range_text(const std::string& what, const Range& range) {
  const std::string unit = *range.unit == '\0' ? "" : std::string(" of ") + range.unit;
  return what + unit + ", " + for_people(range.min) + " … " + for_people(range.max);
}

Form form(bool) {
  return {{{"type", "boolean"}}, "true \\| false"};
}
template <class Enum>
requires std::is_enum_v<Enum> Form form(Enum) {
  return one_of(all_names<Enum>());
}
template <class Enum>
requires std::is_enum_v<Enum> Form form(const std::vector<Enum>&) {
  const std::vector<std::string> names = all_names<Enum>();
  return {
      {{"type", "array"}, {"uniqueItems", true}, {"items", {{"type", "string"}, {"enum", names}}}},
      "list of " + in_backticks(names, ", ")};
}
Form form(const std::string&, const kind::Text& text) {
  Form form{{{"type", "string"}}, "text"};
  if (text.filled) form.schema["minLength"] = 1;
  form.schema["maxLength"] = kMaxTextBytes;
  return form;
}
Form form(const std::string&, const kind::Date&) {
  return {{{"type", "string"}, {"pattern", "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}}, "date"};
}
Form form(int64_t, const kind::Whole& range) {
  return {{{"type", "integer"}, {"minimum", range.min}, {"maximum", range.max}},
          range_text("whole number", range)};
}
Form form(int, const kind::WholeOrAbsent& range) {
  return {{{"type", "integer"}, {"minimum", range.min}, {"maximum", range.max}},
          range_text("whole number", range)};
}
Form form(int, const kind::WholeOrAuto& range) {
  const SpecJson number = {{"type", "integer"}, {"minimum", range.min}, {"maximum", range.max}};
  return {{{"anyOf", {{{"const", "auto"}}, number}}},
          "`auto` \\| " + for_people(range.min) + " … " + for_people(range.max)};
}
Form form(double, const kind::Number& range) {
  return {{{"type", "number"},
           {"minimum", json_number(range.min)},
           {"maximum", json_number(range.max)}},
          range_text("number", range)};
}
Form form(Duration, const kind::DurationFrom&) {
  return {{{"$ref", "#/$defs/duration"}}, "duration"};
}
Form form(const std::string&, const kind::Path&) {
  return {{{"type", "string"}, {"minLength", 1}}, "path"};
}
Form form(const std::vector<std::string>&, const kind::Paths&) {
  const SpecJson path = form(std::string(), kind::Path{}).schema;
  const SpecJson list = {
      {"type", "array"}, {"minItems", 1}, {"uniqueItems", true}, {"items", path}};
  return {{{"anyOf", SpecJson::array({path, list})}}, "path or list of paths"};
}
Form form(const std::string& member, const kind::TokenizerPath&) {
  return form(member, kind::Path{});
}
Form form(const std::string&, const kind::Url&) {
  return {{{"type", "string"}, {"pattern", "^https?://[^/@?#:][^@?#]*$"}}, "URL"};
}
Form form(const std::vector<std::string>&, const kind::Urls&) {
  return {{{"type", "array"},
           {"items", form(std::string(), kind::Url{}).schema},
           {"minItems", 1},
           {"maxItems", kMaxUrls},
           {"uniqueItems", true}},
          "list of URLs"};
}
Form form(const MetricsSpec&, const kind::MetricsPages&) {
  const SpecJson url = {{"anyOf", SpecJson::array({form(std::string(), kind::Url{}).schema,
                                                   {{"const", std::string(kLocalGpus)}}})}};
  const SpecJson page = {{"type", "object"},
                         {"additionalProperties", false},
                         {"required", SpecJson::array({"url"})},
                         {"properties", {{"url", url}, {"role", form(MetricsRole{}).schema}}}};
  const SpecJson word = {{"enum", SpecJson::array({"auto", "off"})}};
  const SpecJson list = {{"type", "array"},
                         {"minItems", 1},
                         {"maxItems", kMaxUrls},
                         {"items", {{"anyOf", SpecJson::array({{{"const", "auto"}}, url, page})}}}};
  return {{{"anyOf", SpecJson::array({word, list})}},
          "`auto` \\| `off` \\| list of `auto`, `nvml`, URLs or {url, role}"};
}
Form form(const ModelNames&, const kind::Models&) {
  const SpecJson name = form(std::string(), kind::Text{.filled = true}).schema;
  const SpecJson weight = {
      {"type", "number"}, {"exclusiveMinimum", 0}, {"maximum", json_number(kMaxWeight)}};
  const SpecJson share = {{"type", "object"},
                          {"additionalProperties", false},
                          {"required", SpecJson::array({"name"})},
                          {"properties", {{"name", name}, {"weight", weight}}}};
  const SpecJson list = {{"type", "array"},
                         {"minItems", 1},
                         {"maxItems", kMaxModels},
                         {"items", {{"anyOf", SpecJson::array({name, share})}}}};
  return {{{"anyOf", SpecJson::array({form(std::string(), kind::Text{}).schema, list})}},
          "text, or list of texts and {name, weight}"};
}
Form form(const std::string&, const kind::VariableName&) {
  return {{{"type", "string"}, {"pattern", "^[A-Za-z_][A-Za-z0-9_]*$"}}, "name of a variable"};
}
Form form(const std::string&, const kind::HeaderName&) {
  return {{{"type", "string"}, {"minLength", 1}}, "name of a header"};
}
Form form(const std::vector<std::pair<std::string, std::string>>&, const kind::Headers&) {
  return {
      {{"type", "object"}, {"additionalProperties", {{"type", {"string", "number", "boolean"}}}}},
      "map"};
}
Form form(const std::string&, const kind::BodyFields&) {
  return {{{"type", "object"}}, "map"};
}
Form form(const TokenCount&, const kind::Tokens&) {
  return {{{"$ref", "#/$defs/tokens"}}, "token count"};
}
Form form(const TokenCount&, const kind::TurnTokens&) {
  const SpecJson list = {{"type", "array"},
                         {"minItems", 1},
                         {"items", form(int64_t{}, kind::Whole{1, kMaxTokens}).schema}};
  return {{{"anyOf", SpecJson::array({{{"$ref", "#/$defs/tokens"}}, list})}},
          "token count, or a list of numbers"};
}
Form form(const DrawnTime&, const kind::Drawn&) {
  const SpecJson duration = {{"$ref", "#/$defs/duration"}};
  const auto pair = [](const char* first, const SpecJson& of_first, const char* second,
                       const SpecJson& of_second) {
    return SpecJson{{"type", "object"},
                    {"additionalProperties", false},
                    {"required", {first, second}},
                    {"properties", {{first, of_first}, {second, of_second}}}};
  };
  const SpecJson cv = form(double{}, kind::Number{0.01, 10}).schema;
  return {{{"anyOf", SpecJson::array({duration, pair("min", duration, "max", duration),
                                      pair("mean", duration, "cv", cv)})}},
          "duration \\| {min, max} \\| {mean, cv}"};
}
template <class Number>
Form form(const std::vector<Number>&, const kind::Levels& range) {
  constexpr bool kWhole = std::is_integral_v<Number>;
  const SpecJson level = {{"type", kWhole ? "integer" : "number"},
                          {"minimum", json_number(range.min)},
                          {"maximum", json_number(range.max)}};
  const SpecJson list = {
      {"type", "array"}, {"minItems", 1}, {"uniqueItems", true}, {"items", level}};
  return {{{"anyOf", {list, level}}},
          std::string(kWhole ? "whole number or list of them, " : "number or list of them, ") +
              for_people(range.min) + " … " + for_people(range.max)};
}
Form form(const std::vector<RateStep>&, const kind::Profile&) {
  const SpecJson duration = {{"$ref", "#/$defs/duration"}};
  const SpecJson rate = form(double{}, kind::Number{0, kMaxRate}).schema;
  const auto step = [&](const std::vector<std::string>& rates) {
    SpecJson object = {{"type", "object"}, {"additionalProperties", false}};
    object["required"] = SpecJson::array({"for"});
    object["properties"]["for"] = duration;
    for (const std::string& name : rates) {
      object["required"].push_back(name);
      object["properties"][name] = rate;
    }
    return object;
  };
  const SpecJson kinds = SpecJson::array({step({"rate"}), step({"from", "to"})});
  return {
      {{"type", "array"}, {"minItems", 1}, {"maxItems", kMaxSteps}, {"items", {{"anyOf", kinds}}}},
      "list of {for, rate} or {for, from, to}"};
}
Form form(Metric, const kind::TargetMetric& kind) {
  std::vector<std::string> names =
      kind.of_requests ? names_for<Metric>(is_of_requests) : all_names<Metric>();
  names.emplace_back(kDecodeSpeed);
  return one_of(names);
}

template <class T>
Form form(const std::optional<T>&, const auto&... kind) {
  return form(T{}, kind...);
}

std::string default_text(const SpecJson* value) {
  if (value == nullptr) return "absent";
  if (*value == "") return "empty";
  if (value->is_array()) return "`[" + join(value->get<std::vector<std::string>>(), ", ") + "]`";
  return "`" + (value->is_string() ? value->get<std::string>() : value->dump()) + "`";
}

// Of one map of keys: its schema and its rows.
class KeyDocuments {
 public:
  // `prefix` begins each key in docs/spec.md; `defaults` is what the writer writes without the
  // spec's author saying anything.
  KeyDocuments(std::string prefix, SpecJson defaults)
      : prefix_(std::move(prefix)), defaults_(std::move(defaults)) {}

  template <class T, class... Kind>
  void operator()(const Key& key, T& member, const Kind&... kind) {
    const Form found = form(member, kind...);
    const auto value = defaults_.find(key.name);
    const bool has_default = key.required == nullptr && value != defaults_.end();
    add(key, found.schema, key.required != nullptr, has_default ? &*value : nullptr);
    add_resumable(key);
    const std::string text =
        key.required != nullptr ? "required" : default_text(has_default ? &*value : nullptr);
    rows_ += "| `" + prefix_ + key.name + "` | " + found.text + " | " + text + " | " +
             key.sentence + " |\n";
  }
  template <class T>
  void operator()(const Key& key, T& section, const kind::Section& kind) {
    const bool nested = !prefix_.empty();
    KeyDocuments documents(prefix_ + key.name + ".", defaults_[key.name]);
    keys(documents, section);
    SpecJson schema = documents.schema();
    if (nested) {  // its rows stand among those of the section that it is in
      schema["description"] = key.sentence;
      add(key, schema, false, nullptr);
      add_resumable(key);
      rows_ += "| `" + prefix_ + key.name + "` | map | absent | " + key.sentence + " |\n" +
               documents.rows_;
      return;
    }
    for (const std::string& one : kind.exactly_one) {
      schema["oneOf"].push_back({{"required", SpecJson::array({one})}});
    }
    for (size_t i = 0; i < kind.at_most_one.size(); ++i) {
      for (size_t k = 0; k < i; ++k) {
        const SpecJson both = {kind.at_most_one[k], kind.at_most_one[i]};
        schema["not"]["anyOf"].push_back({{"required", both}});
      }
    }
    const bool required = schema.contains("required") || schema.contains("oneOf");
    add(key, schema, required && !kind.optional, nullptr);
    tables_[key.name] = documents.table();
    resumable_.insert(resumable_.end(), documents.resumable_.begin(), documents.resumable_.end());
  }
  void operator()(const Key& key, std::vector<Target>& member, const kind::Targets& kind) {
    KeyDocuments documents(std::string(key.name) + "[].", defaults_[key.name][0]);
    keys(documents, member.emplace_back(), kind);
    SpecJson item = {{"type", "object"}, {"description", "One limit."}};
    item.update(documents.schema());
    const auto with = [](const char* name) {
      return SpecJson{{"required", SpecJson::array({name})}};
    };
    item["oneOf"] = SpecJson::array({with("max"), with("min")});
    if (item["properties"].contains("all")) item["oneOf"].push_back(with("all"));
    if (!kind.of_requests) {
      const SpecJson text = {{"type", "string"}, {"description", "As in e2e:p50:15s."}};
      item = {{"anyOf", SpecJson::array({text, item})}};
    }
    const SpecJson none = SpecJson::array();
    SpecJson list = {{"type", "array"}, {"uniqueItems", true}, {"items", item}};
    if (kind.of_a_tier) {
      list["minItems"] = 2;
      add(key, list, false, nullptr);
      rows_ += "| `" + prefix_ + key.name + "` | list of limits, or of their texts | absent | " +
               key.sentence + " |\n";
      return;
    }
    add(key, list, false, &none);
    add_resumable(key);
    tables_[key.name] = documents.table();
  }

  SpecJson schema() const {
    SpecJson schema = {{"type", "object"}, {"additionalProperties", false}};
    if (!required_.empty()) schema["required"] = required_;
    schema["properties"] = properties_;
    return schema;
  }
  std::string table() const {
    return "| key | type | default | meaning |\n|---|---|---|---|\n" + rows_;
  }
  std::map<std::string, std::string> tables() const {
    std::map<std::string, std::string> all = tables_;
    all[""] = table();
    return all;
  }
  const std::vector<std::string>& resumable() const { return resumable_; }

 private:
  void add(const Key& key, const SpecJson& form, bool required, const SpecJson* fallback) {
    SpecJson schema;
    for (const char* first : {"type", "$ref"}) {
      if (form.contains(first)) schema[first] = form[first];
    }
    schema["description"] = key.sentence;
    schema.update(form);
    if (fallback != nullptr) schema["default"] = *fallback;
    properties_[key.name] = std::move(schema);
    if (required) required_.push_back(key.name);
  }
  void add_resumable(const Key& key) {
    if (key.resume != Resume::kAllowed) return;
    const auto& [other, value] = key.resume_unless;
    std::string unless;
    if (!other.empty()) {
      unless = " (unless `" + prefix_ + std::string(other) + "` is `" + std::string(value) + "`)";
    }
    resumable_.push_back("`" + prefix_ + key.name + "`" + unless);
  }

  std::string prefix_;
  SpecJson defaults_;
  SpecJson properties_ = SpecJson::object();
  SpecJson required_ = SpecJson::array();
  std::string rows_;
  std::map<std::string, std::string> tables_;
  std::vector<std::string> resumable_;
};

KeyDocuments documents_of_spec() {
  SweepSpec spec;
  spec.targets.emplace_back();
  spec.goodput.emplace_back();
  KeyDocuments documents("", spec_json(spec));
  keys(documents, spec);
  return documents;
}

SpecJson whole_tokens() {
  return form(int64_t{}, kind::Whole{1, kMaxTokens}).schema;
}

SpecJson object_of(const std::string& description, const std::vector<std::string>& required,
                   const SpecJson& properties) {
  return {{"type", "object"},
          {"description", description},
          {"additionalProperties", false},
          {"required", required},
          {"properties", properties}};
}

// The forms of workload_values.cc.
SpecJson tokens_schema() {
  const SpecJson mean = form(double{}, kind::Number{1, 1e8}).schema;
  const SpecJson stddev = form(double{}, kind::Number{0, 1e8}).schema;
  const SpecJson weight = {{"type", "number"}, {"exclusiveMinimum", 0}, {"default", 1}};
  const SpecJson weighted = {
      {"type", "array"},
      {"description", "A weighted choice."},
      {"minItems", 1},
      {"items",
       object_of("One length.", {"tokens"}, {{"tokens", whole_tokens()}, {"weight", weight}})}};
  return {
      {"description", "2400, {min, max}, {mean, stddev} or [{tokens, weight}, …]."},
      {"anyOf",
       {whole_tokens(),
        {{"type", "string"},
         {"description", "In thousands: 2k."},
         {"pattern", "^[0-9]+(\\.[0-9]{1,3})?k$"}},
        object_of("Uniform.", {"min", "max"}, {{"min", whole_tokens()}, {"max", whole_tokens()}}),
        object_of("Normal, at least 1.", {"mean", "stddev"}, {{"mean", mean}, {"stddev", stddev}}),
        weighted}}};
}

}  // namespace

std::string spec_schema() {
  SpecJson schema = {
      {"$schema", "https://json-schema.org/draft/2020-12/schema"},
      {"$id", "https://llmsweep.invalid/llmsweep-spec.schema.json"},
      {"title", "llmsweep run spec"},
      {"description", "What to measure, where and how. docs/spec.md says more about each key."}};
  schema.update(documents_of_spec().schema());
  schema["$defs"]["duration"] = {
      {"type", "string"},
      {"description", "A number with a unit: 15s, 1.5s, 200ms, 15us, 2m, 1h."},
      {"pattern", R"(^[0-9]+(\.[0-9]+)? ?(h|m|s|ms|us|ns)$)"}};
  schema["$defs"]["tokens"] = tokens_schema();
  return schema.dump(1) + "\n";
}

std::map<std::string, std::string> spec_tables() {
  return documents_of_spec().tables();
}

std::string resumable_keys() {
  const std::vector<std::string> keys = documents_of_spec().resumable();
  return join({keys.begin(), keys.end() - 1}, ", ") + " or " + keys.back();
}

}  // namespace llmsweep
