// What configs/llmsweep-result.schema.json and docs/result-format.md say of each key is what the
// list of keys says (result_fields.h); LLMSWEEP_WRITE_DOCS=1 writes it. A new key gets its type
// from its member; types that are there stay (null, ranges, lists: what a member does not tell).
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "llmsweep/model/names.h"
#include "results/result_fields.h"
#include "schemas/written_documents.h"

namespace llmsweep {
namespace {

// What the type of a member says of its key. Empty: nothing.
struct MemberForm {
  Json schema = Json::object();
  std::string text;
};

template <class T>
MemberForm member_form(const T&) {
  if constexpr (IsOptional<T>::value) {
    MemberForm form = member_form(typename T::value_type{});
    if (form.schema.contains("type")) {
      form.schema["type"] = std::vector<std::string>{form.schema["type"], "null"};
    }
    if (!form.text.empty()) form.text += " or null";
    return form;
  } else if constexpr (std::is_enum_v<T>) {
    return {{{"enum", all_names<T>()}}, in_backticks(all_names<T>(), " \\| ")};
  } else if constexpr (std::is_same_v<T, bool>) {
    return {{{"type", "boolean"}}, "true \\| false"};
  } else if constexpr (std::is_same_v<T, std::string>) {
    return {{{"type", "string"}}, "text"};
  } else if constexpr (std::is_integral_v<T>) {
    return {{{"type", "integer"}, {"minimum", 0}}, "whole number"};
  } else if constexpr (std::is_floating_point_v<T>) {
    return {{{"type", "number"}}, "number"};
  } else {
    return {};
  }
}

// Puts the keys of one object into its part of the schema and into its table.
class KeyWriter {
 public:
  static constexpr bool kReads = false;

  KeyWriter(Json& properties, std::string& document, const std::string& heading)
      : properties_(properties), document_(document), heading_("\n" + heading + "\n") {}

  template <class T>
  void operator()(const FileKey& key, const T& member) {
    const MemberForm form = member_form(member);
    const bool is_new = !properties_.contains(key.name);
    if (is_new) properties_[key.name] = form.schema;
    properties_[key.name]["description"] = key.sentence;
    write_row(key, form.text);
  }
  void drop(const char*) {}
  Json& object() { return unused_; }

 private:
  // In the place of its row, or behind that of the key before it.
  void write_row(const FileKey& key, std::string type) {
    const size_t section = document_.find(heading_);
    ASSERT_NE(section, std::string::npos) << heading_;
    const std::string row = std::string("\n| `") + key.name + "` | ";
    size_t at = document_.find(row, section);
    if (at == std::string::npos || at > document_.find("\n\n| ", section) + table_length(section)) {
      at = before_ == 0 ? document_.find("|---|---|---|", section) : before_;
      at = document_.find('\n', at);
      document_.insert(at, row + type + " | " + key.sentence + " |");
    } else {
      const size_t type_at = at + row.size();
      const size_t type_end = document_.find(" | ", type_at);
      type = document_.substr(type_at, type_end - type_at);
      const size_t end = document_.find('\n', type_at);
      document_.replace(type_at, end - type_at, type + " | " + key.sentence + " |");
    }
    before_ = at + 1;
  }
  size_t table_length(size_t section) const {
    const size_t begin = document_.find("\n\n| ", section);
    return document_.find("\n\n", begin + 2) - begin;
  }

  Json& properties_;
  std::string& document_;
  std::string heading_;
  Json unused_;
  size_t before_ = 0;  // inside the row of the key before
};

template <class T>
void write_keys(Json& properties, std::string& document, const std::string& heading) {
  KeyWriter writer(properties, document, heading);
  T value{};
  fields(writer, value);
}

TEST(ResultDocs, SchemaAndTablesSayWhatTheListOfKeysSays) {
  const char* const schema_path = "configs/llmsweep-result.schema.json";
  Json schema = Json::parse(read_file(repository_file(schema_path)));
  std::string document = read_file(repository_file("docs/result-format.md"));
  Json& all = schema["properties"];
  Json& parts = schema["$defs"];
  write_keys<SweepResult>(all, document, "## result.json");
  write_keys<SystemSpec>(all["system"]["properties"], document, "### system");
  write_keys<PowerSpec>(all["system"]["properties"]["power"]["properties"], document,
                        "### system.power");
  write_keys<PriceSpec>(all["prices"]["properties"], document, "### prices");
  write_keys<WorkloadSummary>(all["workload"]["properties"], document, "### workload");
  write_keys<Provenance>(all["provenance"]["properties"], document, "### provenance");
  write_keys<SearchResult>(all["search"]["properties"], document, "### search");
  write_keys<SearchStepTaken>(all["search"]["properties"]["path"]["items"]["properties"], document,
                              "### search.path[]");
  write_keys<GateLooks>(all["looks"]["properties"], document, "### looks");
  Json& pairing = all["pairing"]["properties"];
  write_keys<Pairing>(pairing, document, "### pairing");
  write_keys<PairOrder>(pairing["order"]["items"]["properties"], document, "### pairing.order[]");
  Json& part = all["part"]["properties"];
  write_keys<PartOfRun>(part, document, "### part");
  write_keys<ClockReading>(part["clock"]["properties"], document, "### part.clock");
  write_keys<MergedClient>(all["clients"]["items"]["properties"], document, "### clients[]");
  write_keys<ClientOfRun>(parts["run"]["properties"]["clients"]["items"]["properties"], document,
                          "### runs[].clients[]");
  write_keys<Distribution>(parts["distribution"]["properties"], document, "### A distribution");
  write_keys<VllmDefinitions>(parts["vllm_definitions"]["properties"], document,
                              "### vllm_definitions");
  write_keys<OpenLoad>(parts["open_loop"]["properties"], document, "### open_loop");
  Json& sessions = parts["sessions"]["properties"];
  write_keys<SessionLoad>(sessions, document, "### sessions");
  write_keys<PrefixTokens>(sessions["prefix"]["properties"], document, "### sessions.prefix");
  write_keys<TurnFigures>(sessions["turns"]["items"]["properties"], document,
                          "### sessions.turns[]");
  for (const char* part : {"run", "level"}) {
    write_keys<RequestCounts>(parts[part]["properties"]["requests"]["properties"], document,
                              "### requests");
  }
  Json& telemetry = parts["run"]["properties"]["telemetry"]["properties"];
  write_keys<RunTelemetry>(telemetry, document, "### telemetry");
  write_keys<SourceReading>(telemetry["sources"]["items"]["properties"], document,
                            "### telemetry.sources[]");
  write_keys<FigureReading>(telemetry["figures"]["items"]["properties"], document,
                            "### telemetry.figures[]");
  write_keys<ForeignTraffic>(telemetry["foreign"]["properties"], document, "### telemetry.foreign");
  write_keys<ScrapeInfluence>(telemetry["influence"]["properties"], document,
                              "### telemetry.influence");
  write_keys<AnswerTimes>(telemetry["answers"]["properties"], document, "### telemetry.answers");
  write_keys<EnergyReading>(telemetry["energy"]["items"]["properties"], document,
                            "### telemetry.energy[]");
  write_keys<ClientHealth>(parts["client"]["properties"], document, "### client");
  write_keys<ProfileStep>(all["profile"]["items"]["properties"], document, "### profile[]");
  write_keys<ReplaySummary>(all["trace"]["properties"], document, "### trace");
  write_keys<UsersAtTarget>(all["users_at_target"]["items"]["properties"], document,
                            "### users_at_target[]");
  write_keys<RateAtTarget>(all["rates_at_target"]["items"]["properties"], document,
                           "### rates_at_target[]");
  for (const char* answer : {"users_at_target", "rates_at_target"}) {
    Json& point = all[answer]["items"]["properties"]["operating_point"]["properties"];
    write_keys<OperatingPoint>(point, document, "### operating_point");
    write_keys<EnergyAt>(point["energy"]["items"]["properties"], document,
                         "### operating_point.energy[]");
  }
  expect_written(schema_path, schema.dump(1) + "\n");
  expect_written("docs/result-format.md", document);
}

}  // namespace
}  // namespace llmsweep
