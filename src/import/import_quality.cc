// lm-evaluation-harness: results_*.json, {"results": {task: {"metric,filter": value}}}.
#include "llmsweep/import/import.h"

#include <fmt/format.h>

#include "import/import_run.h"
#include "llmsweep/base/error.h"

namespace llmsweep {
namespace {

using foreign::Document;

// "acc,none" -> "acc"; a deviation or an alias is no score.
std::string metric_of(const std::string& key) {
  std::string metric = key.substr(0, key.find(','));
  if (metric.ends_with("_stderr") || metric == "alias" || metric == "samples") return {};
  return metric;
}

std::vector<std::pair<std::string, double>> scores_of_task(const std::string& task,
                                                           const foreign::Json& values) {
  std::vector<std::pair<std::string, double>> scores;
  if (!values.is_object()) return scores;
  for (const auto& [key, value] : values.items()) {
    const std::string metric = metric_of(key);
    if (metric.empty() || !value.is_number()) continue;
    const double score = value.get<double>();
    if (!(score >= 0 && score <= 1)) continue;  // a perplexity, a count
    scores.emplace_back(fmt::format("{} ({})", task, key), score);
  }
  if (scores.size() == 1) scores.front().first = task;
  return scores;
}

}  // namespace

std::vector<std::pair<std::string, double>> import_quality(const std::filesystem::path& path) {
  std::vector<std::pair<std::string, double>> scores;
  for (const Document& document : foreign::read_documents(path)) {
    const foreign::Json* results = foreign::find(document.value, "results");
    if (results == nullptr || !results->is_object()) {
      foreign::fail(document, "not a result of lm-evaluation-harness",
                    "it has 'results' with one object a task");
    }
    for (const auto& [task, values] : results->items()) {
      for (auto& score : scores_of_task(task, values)) scores.push_back(std::move(score));
    }
  }
  if (scores.empty()) {
    throw Error({.what = "no task has a score between 0 and 1", .where = path.string()});
  }
  return scores;
}

}  // namespace llmsweep
