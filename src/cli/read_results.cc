#include "cli/read_results.h"

#include <algorithm>
#include <filesystem>

#include "llmsweep/base/regular_file.h"
#include "llmsweep/results/result_file.h"
#include "llmsweep/sweep/rebuild.h"

namespace llmsweep {

SweepResult read_result_argument(const std::string& path) {
  std::filesystem::path file = path;
  if (!is_folder(file)) return read_result(file);
  const bool only_records = !there_is(file / "result.json") && there_is(file / "sweep.jsonl");
  return only_records ? rebuild_result(file).result : read_result(file / "result.json");
}

namespace {
namespace fs = std::filesystem;

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
    results.push_back(read_result_argument(path_of(argument)));
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
