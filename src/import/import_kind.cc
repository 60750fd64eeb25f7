#include "import/import_kind.h"

#include <algorithm>

#include "llmsweep/base/text.h"

namespace llmsweep::foreign {
namespace {

using std::string_view;

constexpr size_t kLooked = 64 << 10;  // of a text: its kind is told by its beginning

bool holds(string_view text, string_view part) {
  return text.find(part) != string_view::npos;
}

string_view first_line(string_view text) {
  return text.substr(0, std::min(text.find('\n'), text.size()));
}

bool has_ending(const std::filesystem::path& path, std::initializer_list<const char*> endings) {
  const std::string own = path.extension().string();
  return std::any_of(endings.begin(), endings.end(), [&own](const char* e) { return own == e; });
}

// "key:" or "key: value" at the beginning of a line, or a list of such.
bool is_yaml_line(string_view line) {
  if (line.starts_with("- ")) line.remove_prefix(2);
  const size_t colon = line.find(':');
  if (colon == string_view::npos || colon == 0 || colon > 60) return false;
  const bool ends = colon + 1 == line.size() || line[colon + 1] == ' ' || line[colon + 1] == '\r';
  return ends && line.find_first_of(" \t,=<>|") >= colon;
}

string_view first_line_of_content(string_view text) {
  while (!text.empty()) {
    const string_view line = first_line(text);
    const string_view content = trim(line);
    if (!content.empty() && content.front() != '#' && content != "---" && content.front() != '%') {
      return line;
    }
    text.remove_prefix(std::min(line.size() + 1, text.size()));
  }
  return {};
}

bool is_binary(string_view text) {
  return text.find('\0') != string_view::npos;
}

bool is_csv(string_view text, const std::filesystem::path& path) {
  const string_view line = first_line(text);
  const auto commas = std::count(line.begin(), line.end(), ',');
  return has_ending(path, {".csv", ".tsv"}) || (commas >= 2 && !holds(line, "{"));
}

Kind kind_of_binary(string_view text) {
  if (text.starts_with("PAR1")) {
    return {"a Parquet file", "give the tool's JSON file; Parquet is a table of requests"};
  }
  if (text.starts_with("\x1f\x8b")) return {"compressed by gzip", "decompress it with 'gunzip'"};
  if (text.starts_with("\x28\xb5\x2f\xfd")) {
    return {"compressed by zstd", "decompress it with 'zstd -d'"};
  }
  if (text.starts_with("PK\x03\x04")) return {"a ZIP archive", "unpack it with 'unzip'"};
  if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff")) {
    return {"text in UTF-16", "convert it: iconv -f UTF-16 -t UTF-8"};
  }
  return {};
}

Kind kind_of_log(string_view text) {
  if (holds(text, "MLPerf Results Summary")) {
    return {"a summary of MLPerf's LoadGen",
            "it has no concurrency; of MLPerf Endpoints give result_summary.json"};
  }
  if (holds(text, "PERFORMANCE OVERVIEW") || holds(text, "[TRT-LLM]")) {
    return {"a log of trtllm-bench", "give the file that it writes with --report_json"};
  }
  if (holds(text, "Serving Benchmark Result")) {
    return {"the printed table of vLLM's or SGLang's client",
            "give the JSON that it writes with --save-result (SGLang: --output-file)"};
  }
  const string_view line = first_line(text);
  if (holds(line, " INFO ") || line.starts_with("INFO") || holds(line, "[INFO]") ||
      holds(line, "DEBUG") || holds(line, "WARNING")) {
    return {"a log", "give the result file that the tool wrote"};
  }
  return {};
}

bool is_own_record(const Json& value) {
  return has(value, {"index", "phase", "outcome", "scheduled_ns"}) ||
         has(value, {"level", "phase", "outcome"});
}

}  // namespace

Syntax syntax_of(string_view text, const std::filesystem::path& path) {
  text = text.substr(0, kLooked);
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  const string_view content = trim(text);
  if (content.empty()) return has_ending(path, {".yaml", ".yml"}) ? Syntax::kYaml : Syntax::kJson;
  const bool json_name = has_ending(path, {".json", ".jsonl"});
  if (!kind_of_binary(text).what.empty()) return Syntax::kNeither;
  if (is_binary(content)) return json_name ? Syntax::kJson : Syntax::kNeither;
  if (content.front() == '{' || content.front() == '[') return Syntax::kJson;
  if (holds("\"-0123456789", content.substr(0, 1)) && has_ending(path, {".json", ".jsonl"})) {
    return Syntax::kJson;  // a document that is no object
  }
  if (is_csv(content, path) || content.front() == '<') return Syntax::kNeither;
  if (!kind_of_log(content).what.empty()) return Syntax::kNeither;
  const string_view line = first_line_of_content(content);
  if (has_ending(path, {".yaml", ".yml"}) || is_yaml_line(line)) return Syntax::kYaml;
  return has_ending(path, {".json", ".jsonl"}) ? Syntax::kJson : Syntax::kNeither;
}

Kind kind_of_text(string_view text, const std::filesystem::path& path) {
  text = text.substr(0, kLooked);
  if (has_ending(path, {".xlsx"})) {
    return {"a spreadsheet",
            "vLLM's multi-turn benchmark writes nothing else; its 'bench serve' writes JSON"};
  }
  if (Kind kind = kind_of_binary(text); !kind.what.empty()) return kind;
  if (is_binary(text)) return {"a binary file", "give the tool's JSON file"};
  const string_view content = trim(text);
  if (content.starts_with("<")) {
    return holds(content, "<testsuite") ? Kind{"a JUnit file", "give the tool's JSON file"}
                                        : Kind{"an HTML page", "give the tool's JSON file"};
  }
  if (is_csv(content, path)) {
    return {"a CSV file",
            "give the JSON file that the tool wrote beside it (AIPerf: profile_export_aiperf.json, "
            "GenAI-Perf: profile_export_genai_perf.json, vLLM: --save-result)"};
  }
  if (Kind kind = kind_of_log(content); !kind.what.empty()) return kind;
  return {"text, neither JSON nor YAML", "give the result file that the tool wrote"};
}

Kind kind_of_document(const Document& document) {
  const Json& value = document.value;
  if (has(value, {"schema_version", "levels", "provenance"})) {
    return {"a result of llmsweep itself", "give it to 'show', 'compare', 'gate' or 'report'"};
  }
  if (is_own_record(value)) {
    return {"a run's records (requests.jsonl) of llmsweep",
            "give the result.json beside them, or make it again with 'llmsweep rebuild'"};
  }
  if (has(value, {"endpoint"}) && (has(value, {"load"}) || has(value, {"workload"}))) {
    return {"a spec of llmsweep", "measure it with 'llmsweep run'"};
  }
  if (has(value, {"conversations"}) || has(value, {"messages"}) || has(value, {"prompt"})) {
    return {"a dataset", "give it to a spec as workload.dataset"};
  }
  if (has(value, {"results", "versions"}) || has(value, {"results", "lm_eval_version"})) {
    return {"scores of lm-evaluation-harness", "attach them to a result with --quality FILE"};
  }
  if (has(value, {"aggregation_type"}) || has(value, {"metadata.aggregation_type"})) {
    return {"AIPerf's summary of repeated runs", "give the folder of the runs"};
  }
  if (has(value, {"event_type", "timestamp_ns"})) {
    return {"the events of MLPerf Endpoints", "give its folder, or the result_summary.json in it"};
  }
  if (has(value, {"timeslices"})) {
    return {"AIPerf's timeslices", "give the profile_export_aiperf.json beside it"};
  }
  if (has(value, {"server", "load"}) && has(value, {"data"})) {
    return {"a configuration of inference-perf",
            "give the folder of its reports (stage_0_lifecycle_metrics.json)"};
  }
  return {};
}

}  // namespace llmsweep::foreign
