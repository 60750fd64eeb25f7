#include "spec/without_output.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

#include "llmsweep/base/text.h"
#include "llmsweep/model/names.h"
#include "llmsweep/model/target.h"
#include "llmsweep/protocol/api.h"

namespace llmsweep {
namespace {

bool applies(const Target& target) {
  const std::vector<Target> parts = parts_of(target);
  return std::all_of(parts.begin(), parts.end(),
                     [](const Target& part) { return part.metric == Metric::kE2e; });
}

// The metrics of the limits that were left out, each once.
std::vector<std::string> leave_out(std::vector<Target>& targets) {
  std::vector<std::string> metrics;
  const auto kept = std::stable_partition(targets.begin(), targets.end(), applies);
  for (auto left_out = kept; left_out != targets.end(); ++left_out) {
    for (const Target& part : parts_of(*left_out)) {
      std::string name(part.min_tps ? kDecodeSpeed : name_of(part.metric));
      const bool is_new = std::find(metrics.begin(), metrics.end(), name) == metrics.end();
      if (part.metric != Metric::kE2e && is_new) metrics.push_back(std::move(name));
    }
  }
  targets.erase(kept, targets.end());
  return metrics;
}

}  // namespace

void leave_out_output(SweepSpec& spec) {
  if (traits_of(spec.endpoint.api).generates) return;
  spec.workload.output_tokens = {.fixed = 0};
  spec.does_not_apply.push_back(
      fmt::format("{} generates no tokens: workload.output_tokens does not apply, and no figure of "
                  "output tokens does (TTFT, TPOT, ITL, output throughput, speeds)",
                  name_of(spec.endpoint.api)));
  for (const auto& [key, targets] :
       {std::pair("targets", &spec.targets), std::pair("goodput", &spec.goodput)}) {
    const std::vector<std::string> metrics = leave_out(*targets);
    if (metrics.empty()) continue;
    spec.does_not_apply.push_back(
        fmt::format("{} on {} do not apply, and are left out", key, join(metrics, ", ")));
  }
}

}  // namespace llmsweep
