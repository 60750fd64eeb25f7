#include "protocol/api_dialect.h"

namespace llmsweep {

const ApiTraits& traits_of(Api api) {
  return dialect_of(api).traits;
}

int64_t inputs_of(Api api, const WorkloadSpec& workload) {
  const ApiTraits& traits = traits_of(api);
  return traits.inputs == 0 ? 0 : workload.inputs_per_request.value_or(traits.inputs);
}

bool counts_exactly(Api api, const WorkloadSpec& workload) {
  return api != Api::kRerank && inputs_of(api, workload) <= 1 && !workload.images.wanted();
}

}  // namespace llmsweep
