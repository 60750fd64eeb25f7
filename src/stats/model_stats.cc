#include "stats/model_stats.h"

#include <set>

#include "stats/request_stats.h"

namespace llmsweep {

std::vector<ModelStats> stats_by_model(const LevelContext& level,
                                       std::span<const RequestRecord> records) {
  std::set<std::string> models;
  for (const RequestRecord& record : records) {
    if (!record.model.empty()) models.insert(record.model);
  }
  std::vector<ModelStats> all;
  for (const std::string& model : models) {
    LevelContext of_model = level;
    of_model.model = model;
    RunStats stats;
    fill_request_stats(stats, records, of_model);
    const bool generates = level.inputs == 0;
    all.push_back({.model = model,
                   .completed = stats.requests.completed.value_or(0),
                   .failed = stats.requests.failed.value_or(0),
                   .e2e = stats.e2e,
                   .ttft = stats.ttft,
                   .tpot = stats.tpot,
                   .itl = stats.itl,
                   .input_tokens_mean = stats.input_tokens_mean,
                   .output_tokens_mean = generates ? stats.output_tokens_mean : std::nullopt});
  }
  return all;
}

}  // namespace llmsweep
