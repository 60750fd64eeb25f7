#include "cli/read_results.h"

#include <algorithm>
#include <filesystem>

#include "llmsweep/base/error.h"
#include "llmsweep/base/regular_file.h"
#include "llmsweep/results/result_file.h"
#include "llmsweep/sweep/rebuild.h"

namespace llmsweep {

namespace {
namespace fs = std::filesystem;

// Whether both say the same of the requests of a run: what no later version says otherwise.
bool same_run(const RunStats& a, const RunStats& b) {
  return a.repeat == b.repeat && a.requests.completed == b.requests.completed &&
         a.e2e.p50 == b.e2e.p50 && a.ttft.p50 == b.ttft.p50;
}

bool same_runs(const SweepResult& a, const SweepResult& b) {
  return std::equal(a.levels.begin(), a.levels.end(), b.levels.begin(), b.levels.end(),
                    [](const LevelStats& x, const LevelStats& y) {
                      return x.point == y.point &&
                             std::equal(x.runs.begin(), x.runs.end(), y.runs.begin(), y.runs.end(),
                                        same_run);
                    });
}

// Why `result` is not what the files beside it give; empty: it is, or none lie there.
std::string unlike_its_records(const SweepResult& result, const fs::path& folder) {
  if (!there_is(folder / "sweep.jsonl") || !there_is(folder / "requests.jsonl")) return "";
  try {
    // Through the text of a file, which rounds.
    const SweepResult rebuilt =
        parse_result(result_to_json(rebuild_result(folder).result), folder.string());
    if (rebuilt.pairing != result.pairing) return "sweep.jsonl beside it is of another comparison";
    return same_runs(rebuilt, result) ? "" : "requests.jsonl beside it gives other figures";
  } catch (const Error& error) {
    return std::string("its records cannot be read: ") + error.what();
  }
}

}  // namespace

SweepResult read_result_argument(const std::string& path) {
  const fs::path file = path;
  if (!is_folder(file)) return read_result(file);
  const bool only_records = !there_is(file / "result.json") && there_is(file / "sweep.jsonl");
  return only_records ? rebuild_result(file).result : read_result(file / "result.json");
}

SweepResult read_side(const std::string& path) {
  SweepResult result = read_result_argument(path);
  if (!result.pairing) return result;
  const fs::path folder = is_folder(path) ? fs::path(path) : fs::path(path).parent_path();
  const bool is_copy = !is_folder(path) && fs::path(path).filename() != "result.json";
  if (!is_copy) result.pairing->refused = unlike_its_records(result, folder);
  return result;
}

namespace {

// Of the "=" behind a name; npos: there is none. A file that is called so comes first.
size_t end_of_name(const std::string& argument) {
  const size_t at = argument.find_first_of("=/");
  const bool named = at != std::string::npos && at > 0 && argument[at] == '=';
  return named && !there_is(argument) ? at : std::string::npos;
}

// "x-2" of results/x-2 and of results/x-2/result.json, "main" of main.json.
std::string name_of_place(const std::string& path) {
  fs::path place = fs::absolute(path).lexically_normal();
  if (!place.has_filename()) place = place.parent_path();
  if (place.filename() == "result.json") place = place.parent_path();
  return is_folder(place) ? place.filename().string() : place.stem().string();
}

bool all_differ(const std::vector<std::string>& names) {
  std::vector<std::string> sorted = names;
  std::sort(sorted.begin(), sorted.end());
  return std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end();
}

}  // namespace

std::string path_of(const std::string& argument) {
  const size_t at = end_of_name(argument);
  return at == std::string::npos ? argument : argument.substr(at + 1);
}

std::vector<SweepResult> read_result_arguments(const std::vector<std::string>& arguments) {
  std::vector<SweepResult> results;
  std::vector<std::string> names, places;
  for (const std::string& argument : arguments) {
    results.push_back(read_side(path_of(argument)));
    const size_t at = end_of_name(argument);
    if (at != std::string::npos) results.back().name = argument.substr(0, at);
    names.push_back(results.back().name);
    places.push_back(at != std::string::npos ? names.back() : name_of_place(argument));
  }
  if (all_differ(names)) return results;
  if (!all_differ(places)) places = arguments;
  for (size_t i = 0; i < results.size(); ++i) results[i].name = places[i];
  return results;
}

}  // namespace llmsweep
