// The record's schema and its table in docs/result-format.md are what the list of keys says;
// LLMSWEEP_WRITE_DOCS=1 writes them.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "llmsweep/model/names.h"
#include "results/record_keys.h"
#include "schemas/written_documents.h"

namespace llmsweep {
namespace {

using DocumentJson = nlohmann::ordered_json;

// How a type of a record's member stands in the schema, and in the column "type" of the page.
struct RecordForm {
  DocumentJson schema;
  std::string text;
};

template <class T>
RecordForm form_of(const std::optional<T>&);
template <class T>
RecordForm form_of(const OnlyIfAny<T>&);

template <class T>
RecordForm form_of(const T&) {
  if constexpr (std::is_enum_v<T>) {
    const std::vector<std::string> names = all_names<T>();
    return {{{"enum", names}}, in_backticks(names, " \\| ")};
  } else if constexpr (std::is_same_v<T, bool>) {
    return {{{"type", "boolean"}}, "true \\| false"};
  } else if constexpr (std::is_same_v<T, std::string>) {
    return {{{"type", "string"}}, "text"};
  } else if constexpr (std::is_same_v<T, LoadPoint>) {
    return form_of(std::optional<int>());
  } else if constexpr (std::is_same_v<T, PointName<LoadPoint>>) {
    return {{{"type", "string"}, {"pattern", "^[ru][0-9]"}}, "text"};
  } else if constexpr (std::is_same_v<T, TraceId>) {
    return {{{"type", "string"}, {"pattern", "^[0-9a-f]{32}$"}}, "text"};
  } else if constexpr (std::is_same_v<T, Histogram>) {
    return {{{"$ref", "#/$defs/histogram"}}, "histogram"};
  } else {
    static_assert(std::is_integral_v<T> || std::is_same_v<T, Instant> ||
                  std::is_same_v<T, Duration>);
    return {{{"type", "integer"}, {"minimum", 0}}, "whole number"};
  }
}

template <class T>
RecordForm form_of(const std::optional<T>&) {
  RecordForm form = form_of(T{});
  form.schema["type"] = std::vector<std::string>{form.schema["type"], "null"};
  return {form.schema, form.text + " or null"};
}

template <class T>
RecordForm form_of(const OnlyIfAny<T>&) {
  return form_of(T{});
}

// Calls visit(key, form) for each key.
template <class Visit>
void for_each_key(const Visit& visit) {
  RequestRecord record;
  std::apply([&](const auto&... key) { (visit(key, form_of(key.of(record))), ...); }, kRecordKeys);
}

DocumentJson histogram_schema() {
  const DocumentJson bucket = {
      {"type", "integer"}, {"minimum", 0}, {"maximum", Histogram::kBuckets - 1}};
  const DocumentJson count = {{"type", "integer"}, {"minimum", 1}};
  return {{"type", "array"},
          {"description",
           "[[bucket, count], …], ascending; docs/result-format.md says what a bucket is."},
          {"items",
           {{"type", "array"},
            {"prefixItems", {bucket, count}},
            {"minItems", 2},
            {"maxItems", 2},
            {"items", false}}}};
}

TEST(RecordSchema, IsWhatTheListOfKeysSays) {
  DocumentJson schema = {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                         {"$id", "https://llmsweep.invalid/llmsweep-record.schema.json"},
                         {"title", "llmsweep request record"},
                         {"description", "One line of requests.jsonl."},
                         {"type", "object"},
                         {"additionalProperties", false},
                         {"required", DocumentJson::array()},
                         {"properties", DocumentJson::object()}};
  for_each_key([&](const auto& key, const RecordForm& form) {
    if (key.presence != Presence::kInSomeLines) schema["required"].push_back(key.name);
    DocumentJson& property = schema["properties"][std::string(key.name)];
    property[form.schema.begin().key()] = form.schema.front();
    property["description"] = key.sentence;
    property.update(form.schema);
  });
  schema["$defs"]["histogram"] = histogram_schema();
  expect_written("configs/llmsweep-record.schema.json", schema.dump(1) + "\n");
}

TEST(RecordDocs, TableIsWhatTheListOfKeysSays) {
  std::string table = "| key | type | meaning |\n|---|---|---|\n";
  for_each_key([&](const auto& key, const RecordForm& form) {
    table += "| `" + std::string(key.name) + "` | " + form.text + " | " + key.sentence + " |\n";
  });
  std::string document = read_file(repository_file("docs/result-format.md"));
  replace_table(document, "## requests.jsonl", table);
  expect_written("docs/result-format.md", document);
}

}  // namespace
}  // namespace llmsweep
