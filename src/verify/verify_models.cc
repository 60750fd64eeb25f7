#include "llmsweep/verify/verify_models.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "llmsweep/base/text.h"
#include "llmsweep/model/model_mix.h"
#include "llmsweep/schedule/schedule.h"
#include "llmsweep/spec/spec_file.h"

namespace llmsweep {
namespace {

// The prompts of a run by the index of the request, as far as they are planned.
std::vector<int64_t> prompts_of(const SweepSpec& spec, const RunEntry& run) {
  const Schedule schedule =
      make_schedule(spec.load, run.id.point, schedule_seed(spec.workload.seed, run.id.repeat));
  std::vector<int64_t> prompts;
  for (const Arrival& arrival : schedule.arrivals) {
    prompts.push_back(arrival.prompt == kSparePrompt ? -1 : run.first_prompt + arrival.prompt);
  }
  for (const uint32_t prompt : schedule.filler_prompts) {
    prompts.push_back(run.first_prompt + prompt);
  }
  return prompts;
}

std::string name_of_request(const RequestRecord& record) {
  return fmt::format("request {} of {}", record.index, text_of(record.run));
}

}  // namespace

ModelShares verify_models(const std::vector<RequestRecord>& records, const Journal& journal) {
  ModelShares shares;
  const SweepSpec spec = parse_recorded_spec(journal.head.spec_json, "sweep.jsonl");
  const std::vector<ModelShare>& models = spec.endpoint.models;
  if (models.empty()) return shares;
  for (const ModelShare& model : models) shares.requests.emplace_back(model.name, 0);
  std::map<RunId, std::vector<int64_t>> prompts;
  for (const RunEntry& run : journal.runs) prompts.emplace(run.id, prompts_of(spec, run));
  for (const RequestRecord& record : records) {
    const auto listed =
        std::find_if(shares.requests.begin(), shares.requests.end(),
                     [&](const auto& share) { return share.first == record.model; });
    if (listed == shares.requests.end()) {
      shares.problems.push_back(fmt::format("{}: its model '{}' is none of endpoint.model",
                                            name_of_request(record), printable(record.model)));
      continue;
    }
    const auto run = prompts.find(record.run);
    if (record.superseded || run == prompts.end()) continue;
    if (record.phase == Phase::kMeasured) ++listed->second;
    if (record.index >= run->second.size() || run->second[record.index] < 0) continue;
    const auto prompt = static_cast<uint64_t>(run->second[record.index]);
    const std::string& drawn = drawn_model(models, spec.workload.seed, prompt);
    if (drawn != record.model) {
      shares.problems.push_back(fmt::format("{}: model '{}' recorded, '{}' by the schedule",
                                            name_of_request(record), printable(record.model),
                                            printable(drawn)));
    }
  }
  return shares;
}

}  // namespace llmsweep
