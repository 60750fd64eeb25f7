#include "sweep/stamp_error.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "llmsweep/results/chunk_file.h"
#include "llmsweep/results/record_file.h"
#include "llmsweep/simulator/truth.h"
#include "llmsweep/stats/percentile.h"

namespace llmsweep {
namespace {

using Place = std::pair<RunId, uint32_t>;  // with the index

// The response's id of each measured request.
std::map<Place, std::string> measured_requests(const std::filesystem::path& path) {
  std::map<Place, std::string> ids;
  RecordReader reader(path);
  while (const auto record = reader.next()) {
    if (record->phase != Phase::kMeasured) continue;
    ids.emplace(Place{record->run, record->index}, record->response_id);
  }
  return ids;
}

std::unordered_map<std::string, std::vector<TruthChunk>> sent_chunks(
    const std::filesystem::path& path) {
  std::unordered_map<std::string, std::vector<TruthChunk>> sent;
  for (TruthRecord& record : read_truth_log(path)) {
    sent.emplace(std::move(record.response_id), std::move(record.chunks));
  }
  return sent;
}

}  // namespace

StampErrors stamp_errors(const std::filesystem::path& folder,
                         const std::filesystem::path& truth_log) {
  const auto requests = measured_requests(folder / "requests.jsonl");
  const auto truth = sent_chunks(truth_log);
  StampErrors errors;
  std::vector<double> late_us;
  ChunkReader reader(folder / "chunks.bin");
  while (const auto block = reader.next()) {
    const auto request = requests.find({block->run, block->index});
    if (request == requests.end()) continue;
    const auto known = truth.find(request->second);
    const std::vector<TruthChunk> none;
    const std::vector<TruthChunk>& sent = known != truth.end() ? known->second : none;
    const size_t both = std::min(sent.size(), block->instants.size());
    errors.unaccounted +=
        std::abs(static_cast<int64_t>(sent.size()) - static_cast<int64_t>(block->instants.size()));
    for (size_t i = 0; i < both; ++i) {
      late_us.push_back(to_ms(block->instants[i] - sent[i].sent) * 1000);
    }
  }
  errors.chunks = static_cast<int64_t>(late_us.size());
  if (late_us.empty()) return errors;
  errors.p50_us = percentile_of(late_us, 0.5);
  errors.p99_us = percentile_of(std::move(late_us), 0.99);
  return errors;
}

}  // namespace llmsweep
