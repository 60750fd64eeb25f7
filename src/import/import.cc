#include "llmsweep/import/import.h"

#include <fmt/format.h>

#include <algorithm>

#include "import/import_kind.h"
#include "import/import_merge.h"
#include "import/import_run.h"
#include "llmsweep/base/error.h"
#include "llmsweep/base/regular_file.h"
#include "llmsweep/base/text.h"

namespace llmsweep {
namespace {

namespace fs = std::filesystem;
using foreign::Document;
using foreign::Format;
using foreign::Run;

constexpr size_t kMaxFiles = 10'000;
constexpr int kMaxFolderDepth = 6;

std::vector<Format> all_formats() {
  std::vector<Format> formats;
  // The narrow ones first: several tools descend from vLLM's keys.
  for (const auto* family :
       {&foreign::inferencex_formats(), &foreign::guidellm_formats(), &foreign::aiperf_formats(),
        &foreign::inference_perf_formats(), &foreign::genai_bench_formats(),
        &foreign::llmperf_formats(), &foreign::llm_d_formats(), &foreign::mlperf_formats(),
        &foreign::other_formats(), &foreign::vllm_formats()}) {
    formats.insert(formats.end(), family->begin(), family->end());
  }
  return formats;
}

const Format* format_of(const std::vector<Format>& formats, const Document& document) {
  for (const Format& format : formats) {
    if (format.matches(document)) return &format;
  }
  return nullptr;
}

enum class Names { kJson, kYaml };

bool has_name(const fs::path& path, Names names) {
  const fs::path ending = path.extension();
  if (names == Names::kJson) return ending == ".json" || ending == ".jsonl";
  return ending == ".yaml" || ending == ".yml";
}

std::vector<fs::path> files_below(const fs::path& folder, Names names) {
  std::vector<fs::path> files;
  const auto options = fs::directory_options::skip_permission_denied;
  std::error_code unreadable;
  fs::recursive_directory_iterator walk(folder, options, unreadable);
  if (unreadable) throw Error({.what = "cannot be read", .where = folder.string()});
  for (auto at = fs::begin(walk); at != fs::end(walk); ++at) {
    if (at.depth() > kMaxFolderDepth) at.disable_recursion_pending();
    std::error_code unknown;
    if (!at->is_regular_file(unknown) || !has_name(at->path(), names)) continue;
    files.push_back(at->path());
    if (files.size() > kMaxFiles) {
      throw Error({.what = "more than 10,000 such files",
                   .where = folder.string(),
                   .next = "name the folder of one sweep"});
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

// Whether folders beside AIPerf's sweep_aggregate hold the runs themselves.
bool runs_of_a_sweep(const fs::path& folder) {
  const std::vector<fs::path> files = files_below(folder, Names::kJson);
  return std::any_of(files.begin(), files.end(), [](const fs::path& file) {
    return file.filename() == "profile_export_aiperf.json";
  });
}

// Files that say again what another one of the same folder says.
bool repeats_another(const fs::path& file) {
  const fs::path folder = file.parent_path();
  const std::string name = file.filename().string();
  if (name == "profile_export.jsonl") return there_is(folder / "profile_export_aiperf.json");
  if (name == "events.jsonl") {  // of MLPerf Endpoints: read with its summary
    return there_is(folder / "result_summary.json") ||
           there_is(folder / "performance" / "result_summary.json");
  }
  // AIPerf's summary of a sweep, and the runs that it is of: beside its folder sweep_aggregate, or,
  // where the whole sweep was repeated, beside the folder "aggregate" that this is in.
  if (name == "profile_export_aiperf_sweep.json") {
    fs::path sweep = folder.parent_path();
    if (sweep.filename() == "aggregate") sweep = sweep.parent_path();
    return there_is(sweep) && runs_of_a_sweep(sweep);
  }
  if (name == "summary_lifecycle_metrics.json") {
    return there_is(folder / "stage_0_lifecycle_metrics.json");
  }
  return name.ends_with(".pytorch.json");
}

[[noreturn]] void unrecognised(const std::string& where, const foreign::Kind& kind = {}) {
  const std::string instead = kind.next.empty() ? "" : kind.next + "; ";
  throw Error({.what = kind.what.empty() ? "no known benchmark result"
                                         : "no known benchmark result, but " + kind.what,
               .where = where,
               .next = instead + "known are: " + join(import_formats(), "; ")});
}

// A list of results is that many: `vllm bench sweep serve` leaves one of its runs, and an interface
// answers with one below a key.
std::vector<Document> items_of(Document document) {
  for (const char* key : {"data", "rows", "results", "runs", "benchmarks"}) {
    const foreign::Json* list = foreign::member(document.value, key);
    if (list == nullptr || !list->is_array()) continue;
    foreign::Json items = *list;
    document.value = std::move(items);
    break;
  }
  const bool list = document.value.is_array() && !document.value.empty() &&
                    std::all_of(document.value.begin(), document.value.end(),
                                [](const foreign::Json& item) { return item.is_object(); });
  std::vector<Document> items;
  if (!list) {
    items.push_back(std::move(document));
    return items;
  }
  for (foreign::Json& item : document.value) {
    items.push_back(
        {std::move(item), fmt::format("{}[{}]", document.where, items.size()), document.path});
  }
  return items;
}

enum class Unknown { kRefused, kSkipped };

// YAML that is not as a report is written (anchors, templates) is named; in a folder it is skipped.
std::vector<Document> documents_of(std::string text, const fs::path& file, Unknown unknown) {
  if (foreign::syntax_of(text, file) == foreign::Syntax::kJson) {
    return foreign::parse_documents(std::move(text), file);
  }
  try {
    return foreign::parse_documents(std::move(text), file);
  } catch (const Error& error) {
    if (unknown == Unknown::kSkipped) return {};
    unrecognised(file.string(), {"YAML that cannot be read (" + printable(error.what(), 300) + ")",
                                 "give the result file that the tool wrote"});
  }
}

std::vector<Run> read_file_runs(const fs::path& file, Unknown unknown) {
  static const std::vector<Format> formats = all_formats();
  std::vector<Run> runs;
  std::string text = foreign::read_text(file);
  if (foreign::syntax_of(text, file) == foreign::Syntax::kNeither) {
    if (unknown == Unknown::kSkipped) return runs;
    unrecognised(file.string(), foreign::kind_of_text(text, file));
  }
  std::vector<Document> documents = documents_of(std::move(text), file, unknown);
  if (documents.size() == 1 && format_of(formats, documents.front()) == nullptr) {
    std::vector<Document> items = items_of(documents.front());
    const bool known = format_of(formats, items.front()) != nullptr;
    if (known || documents.front().value.is_array()) documents = std::move(items);
  }
  for (const Document& document : documents) {
    const Format* format = format_of(formats, document);
    if (format == nullptr) {
      if (unknown == Unknown::kRefused) {
        unrecognised(document.where, foreign::kind_of_document(document));
      }
      continue;
    }
    for (Run& run : format->read(document)) runs.push_back(std::move(run));
    if (format->whole_file) break;
  }
  return runs;
}

// Of a folder without results in JSON. Other YAML in it, a template or a manifest, is nobody's
// concern, be it broken.
std::vector<Run> reports_below(const fs::path& folder) {
  std::vector<Run> runs;
  for (const fs::path& file : files_below(folder, Names::kYaml)) {
    const std::string text = foreign::read_text(file);
    if (text.find("request_performance") == text.npos && text.find("metrics:") == text.npos)
      continue;
    for (Run& run : read_file_runs(file, Unknown::kSkipped)) runs.push_back(std::move(run));
  }
  return runs;
}

std::vector<Run> read_path(const fs::path& path) {
  if (!is_folder(path)) return read_file_runs(path, Unknown::kRefused);
  std::vector<Run> runs;
  for (const fs::path& file : files_below(path, Names::kJson)) {
    if (repeats_another(file)) continue;
    for (Run& run : read_file_runs(file, Unknown::kSkipped)) runs.push_back(std::move(run));
  }
  if (runs.empty()) runs = reports_below(path);
  if (runs.empty()) unrecognised(path.string());
  return runs;
}

// AIPerf's list of requests is read with the summary beside it, which `*` names as well.
bool is_said_by_another(const fs::path& path, const std::vector<fs::path>& paths) {
  if (path.filename() != "profile_export.jsonl") return false;
  const fs::path summary = path.parent_path() / "profile_export_aiperf.json";
  return std::find(paths.begin(), paths.end(), summary) != paths.end();
}

std::string name_for(const fs::path& path) {
  const fs::path clean = fs::absolute(path).lexically_normal();
  const fs::path last = clean.filename().empty() ? clean.parent_path() : clean;
  return last.stem().string();
}

}  // namespace

SweepResult import_results(const std::vector<fs::path>& paths, const ImportOptions& options) {
  std::vector<Run> runs;
  for (const fs::path& path : paths) {
    if (is_said_by_another(path, paths)) continue;
    for (Run& run : read_path(path)) runs.push_back(std::move(run));
  }
  if (runs.empty()) {
    throw Error({.what = "nothing to import", .where = {}, .next = "name a file or a folder"});
  }
  SweepResult result = foreign::merge(std::move(runs), options);
  result.name = options.name.empty() ? name_for(paths.front()) : options.name;
  return result;
}

const std::vector<std::string>& import_formats() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> list;
    for (const Format& format : all_formats()) list.emplace_back(format.name);
    return list;
  }();
  return names;
}

}  // namespace llmsweep
