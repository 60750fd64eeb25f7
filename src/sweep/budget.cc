#include "sweep/budget.h"

#include "llmsweep/model/describe.h"
#include "llmsweep/schedule/schedule.h"
#include "llmsweep/schedule/sessions.h"

namespace llmsweep {

Budget::Budget(const SweepSpec& spec, Duration request_alone, Instant now)
    : spec_(spec), request_alone_(request_alone), begun_(now) {}

Budget::Use Budget::expected(LoadPoint point) const {
  if (const auto known = used_.find(point); known != used_.end()) return known->second;
  const PromptDemand demand = prompt_demand(spec_.load, point);
  const WorkloadSpec& workload = spec_.workload;
  const double each = mean_prompt_tokens(workload) + mean_tokens(workload.output_tokens);
  return {.tokens = static_cast<int64_t>((demand.warmup + demand.measured) * each),
          .time = shortest_run(spec_.load, point, request_alone_)};
}

std::string Budget::exceeded_by(LoadPoint point, Instant now) const {
  const BudgetSpec& budget = spec_.load.budget;
  const Use next = expected(point);
  if (budget.tokens && tokens_ + next.tokens > *budget.tokens) return "load.budget.tokens";
  const bool late = budget.time && now - begun_ + next.time > *budget.time;
  if (late) return "load.budget.time";
  const std::optional<Duration>& search = spec_.load.search.budget;
  return search && now - begun_ + next.time > *search ? "search.budget" : "";
}

void Budget::add(LoadPoint point, const std::vector<RequestRecord>& records, Duration time) {
  Use use{.time = time};
  for (const RequestRecord& record : records) {
    use.tokens += record.input_tokens.value_or(record.planned_input_tokens) + record.output_tokens;
  }
  tokens_ += use.tokens;
  used_[point] = use;
}

}  // namespace llmsweep
