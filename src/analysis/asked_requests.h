// What makes the requests of two results unlike, beside their prompts: fields of the comparison's
// report that are named at the top where they differ.
#pragma once

#include <string>
#include <vector>

#include "llmsweep/analysis/compare.h"

namespace llmsweep {

// API, body, request fields, template, tokenizer, fillers, warm-up, kind of load, the input that
// the server counted, how much of it came from its cache, program version. What a file does not say
// is unknown: imported and published results have next to none of it.
std::vector<FieldReport> request_fields_of(const SweepResult& baseline,
                                           const SweepResult& candidate);

// The keys of workload.sessions by which two results are unlike.
const std::vector<std::string>& session_fields();

}  // namespace llmsweep
