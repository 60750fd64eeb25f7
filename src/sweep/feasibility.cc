#include "llmsweep/sweep/feasibility.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "llmsweep/base/error.h"
#include "llmsweep/base/text.h"
#include "llmsweep/dataset/prompts.h"
#include "llmsweep/http/make_client.h"
#include "llmsweep/model/names.h"
#include "llmsweep/model/target.h"
#include "llmsweep/schedule/schedule.h"
#include "llmsweep/schedule/sessions.h"
#include "llmsweep/stats/percentile.h"
#include "llmsweep/sweep/prediction.h"
#include "sweep/lengths_likely.h"
#include "sweep/level_runner.h"
#include "sweep/trace_shapes.h"

namespace llmsweep {
namespace {

// Of a trace some may be too long: their requests fail, and count as such.
void require_context_of_trace(const SweepSpec& spec, int64_t context_tokens) {
  const auto& requests = spec.load.trace.replay->trace.requests;
  const auto too_long =
      std::count_if(requests.begin(), requests.end(), [&](const TraceRequest& request) {
        return int64_t{request.input_tokens} + request.output_tokens > context_tokens;
      });
  const double share = static_cast<double>(too_long) / static_cast<double>(requests.size());
  if (share <= spec.load.max_error_rate) return;
  throw Error({.what = fmt::format("{} of {} requests of the trace are longer than the {} tokens "
                                   "of the context that the endpoint gives",
                                   too_long, requests.size(), context_tokens),
               .where = "load.trace",
               .next = "let the server take more (vLLM: --max-model-len)"});
}

void require_context(const SweepSpec& spec, const Preflight& preflight) {
  if (!preflight.context_tokens) return;
  if (spec.load.trace.wanted()) {
    return require_context_of_trace(spec, *preflight.context_tokens);
  }
  const WorkloadSpec& workload = spec.workload;
  int64_t input = 0;
  if (workload.input_tokens) {
    input = largest_likely_prompt(workload, spec.load.max_error_rate);
    if (workload.input_scope == InputScope::kContent) {
      input += preflight.overhead_tokens.value_or(0);
    }
  }
  const int64_t output = largest_likely(workload.output_tokens, spec.load.max_error_rate);
  if (input + output <= *preflight.context_tokens) return;
  throw Error(
      {.what = fmt::format("{} tokens in and {} out are more than the {} of the context "
                           "that the endpoint gives '{}'",
                           input, output, *preflight.context_tokens, printable(preflight.model)),
       .where = "workload.input_tokens",
       .next = "ask for less, or let the server take more (vLLM: --max-model-len)"});
}

std::string more_requests(const LoadSpec& load, LoadPoint point, int64_t needed) {
  const int64_t of_a_run = (needed + load.repeats - 1) / load.repeats;
  if (point.is_closed()) return fmt::format("set load.min_requests: {}", of_a_run);
  if (point.kind == LoadKind::kProfile) {
    return fmt::format("make the steps of load.profile longer: {} requests in a run", of_a_run);
  }
  if (point.kind == LoadKind::kTrace) {
    return fmt::format("set load.measure to take more of the trace: {} requests in a run",
                       of_a_run);
  }
  return fmt::format("set load.measure: {:.0f}s",
                     std::ceil(static_cast<double>(of_a_run) / point.value));
}

void require_samples(const SweepSpec& spec) {
  if (spec.load.duration || spec.load.has_users())
    return;  // how many there will be is the endpoint's to say
  for (const Target& target : parts_of(spec.targets)) {
    if (target.metric == Metric::kItl || target.metric == Metric::kIcl) continue;  // of gaps
    const int64_t needed = samples_needed(target.statistic);
    for (const LoadPoint point : load_points(spec.load)) {
      const int64_t requests =
          int64_t{prompt_demand(spec.load, point).measured} * spec.load.repeats;
      if (requests >= needed) continue;
      throw Error({.what = fmt::format("a target at {} needs {} requests of a level, and {} has {}",
                                       name_of(target.statistic), needed, text_of(point), requests),
                   .where = "targets",
                   .next = more_requests(spec.load, point, needed)});
    }
  }
}

void require_prompts(const SweepSpec& spec, const Preflight& preflight,
                     const Interrupts* interrupts) {
  constexpr int64_t kSome = 16;
  PromptPlan plan = prompt_plan(spec, preflight, {});
  plan.interrupts = interrupts;
  const PromptSource prompts(plan, preflight.tokenizer);
  if (spec.load.trace.wanted()) {
    prompts.build_shapes(0, first_shapes(*spec.load.trace.replay, kSome));
    return;
  }
  const int64_t needed = prompts.needed();
  prompts.build(0, std::min(kSome, needed));
  prompts.build(needed - 1, 1);  // can so many be distinct?
  if (spec.workload.sessions.wanted()) {
    const SessionPlan some = SessionDraw(spec.workload, spec.workload.seed).plan(kFirstNewSession);
    prompts.build_sessions(0, std::vector{some});
  }
  if (!spec.workload.input_tokens || spec.workload.input_tokens->kind == TokenCount::Kind::kFixed) {
    return;
  }
  plan.workload.input_tokens =
      TokenCount{.fixed = largest_likely(*spec.workload.input_tokens, spec.load.max_error_rate)};
  PromptSource(plan, preflight.tokenizer).build(0, 1);
}

}  // namespace

void require_feasible(const SweepSpec& spec, const Preflight& preflight, bool simulated,
                      const Interrupts* interrupts) {
  const auto streams = static_cast<size_t>(most_streams(spec));
  ensure_descriptors(streams, simulated ? 2 : 1);
  ensure_ports(streams, preflight.addresses.size());
  require_context(spec, preflight);
  require_samples(spec);
  require_prompts(spec, preflight, interrupts);
}

}  // namespace llmsweep
