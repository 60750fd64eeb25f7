// A result in other tools' formats. What the format cannot say is left out; what it calls by
// another definition is not filled in.
#pragma once

#include <string>
#include <vector>

#include "llmsweep/model/result.h"

namespace llmsweep {

// One JSON object a line, one line a run of a level, with the keys of `vllm bench serve
// --append-result`.
std::string export_vllm_json(const SweepResult& result);

// llm-d Benchmark Report 0.2: YAML, one document a level.
std::string export_llm_d_report(const SweepResult& result);

// One JSON object a line, one line a level, with the keys of MLPerf Endpoints' result_summary.json,
// marked as no MLPerf result. Times in ns.
std::string export_mlperf_endpoints(const SweepResult& result);

}  // namespace llmsweep
