#include "sweep/level_runner.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "llmsweep/base/random.h"
#include "llmsweep/load/load_loop.h"
#include "llmsweep/load/watchdog.h"
#include "llmsweep/protocol/request.h"
#include "llmsweep/schedule/schedule.h"
#include "sweep/client_health.h"
#include "sweep/filler_supply.h"

namespace llmsweep {
namespace {

// Numbers of spare prompts that a run may use for each planned one.
constexpr int64_t kSparePerPrompt = 64;

// With more failures the run's error rate is over its limit, whatever the rest does.
int64_t max_failed(const LoadSpec& load, LoadPoint point) {
  if (!load.stop_over_error_rate) return std::numeric_limits<int64_t>::max();
  const auto measured = static_cast<double>(prompt_demand(load, point).measured);
  return static_cast<int64_t>(measured * load.max_error_rate);
}

}  // namespace

PromptPlan prompt_plan(const SweepSpec& spec, const Preflight& preflight,
                       const std::string& nonce) {
  PromptPlan plan{.workload = spec.workload,
                  .nonce = nonce,
                  .api = spec.endpoint.api,
                  .overhead_tokens = preflight.overhead_tokens.value_or(0),
                  .bytes_per_token = preflight.bytes_per_token};
  for (int repeat = 0; repeat < spec.load.repeats; ++repeat) {
    for (const LoadPoint point : load_points(spec.load)) {
      const PromptDemand demand = prompt_demand(spec.load, point);
      const RunId run{point, repeat};
      plan.needs.push_back({run, Phase::kWarmup, demand.warmup});
      plan.needs.push_back({run, Phase::kMeasured, demand.measured});
      plan.needs.push_back({run, Phase::kFiller, demand.filler});
    }
  }
  return plan;
}

LevelRunner::LevelRunner(const SweepSpec& spec, const Preflight& preflight, LoadClients clients,
                         Redactor secrets, const PromptSource& prompts, RecordWriter& writer,
                         const Interrupts& interrupts, SweepObserver& observer)
    : spec_(spec),
      preflight_(preflight),
      prompts_(prompts),
      writer_(writer),
      interrupts_(interrupts),
      observer_(observer),
      secrets_(std::move(secrets)),
      clients_(std::move(clients)) {}

int64_t LevelRunner::prompts_of(LoadPoint point) const {
  return prompt_demand(spec_.load, point).total();
}

// The server's own tokenizer would be asked for each answer, in the middle of the load.
std::shared_ptr<const Tokenizer> LevelRunner::tokenizer_of_answers() const {
  const bool local =
      preflight_.tokenizer != nullptr && preflight_.tokenizer->info().kind != "server";
  return local ? preflight_.tokenizer : nullptr;
}

LevelRun LevelRunner::run(const RunPosition& position, int64_t first_prompt) {
  const LoadPoint point = position.run.point;
  const PromptSet prompts = prompts_.build(first_prompt, prompts_of(point));

  SpareFillers spare;
  FillerSupply supply(
      spare, point.slots(),
      [&, next = kSparePrompts + first_prompt * kSparePerPrompt](int64_t count) mutable {
        const PromptSet more = prompts_.build(next, count, 1);
        next += count;
        return requests_of(more.prompts);
      });
  // Each repeat with starts of its own: a phase that a run happens to have is not that of all.
  const uint64_t seed =
      Random(spec_.workload.seed, static_cast<uint64_t>(position.run.repeat)).next();
  LoadPlan plan{.schedule = make_schedule(spec_.load, point, seed),
                .prompts = prompts.prompts,
                .bodies = render(prompts.prompts),
                .spare_fillers = &spare,
                .api = spec_.endpoint.api,
                .endpoints = static_cast<uint32_t>(preflight_.addresses.size()),
                .run = position.run,
                .load = spec_.load,
                .request_timeout = spec_.endpoint.request_timeout,
                .max_response_bytes = spec_.client.max_response_bytes,
                .max_failed = max_failed(spec_.load, point),
                .chunks = chunk_sink(),
                .model = preflight_.model,
                .tokenizer = tokenizer_of_answers(),
                .secrets = secrets_};
  const int64_t planned_fillers = prompt_demand(spec_.load, point).filler;
  LoadControl control;
  RunTracker tracker(position, prompt_demand(spec_.load, point).measured, clock_.now());
  const Ticker ticker{.tick = [&] {
    const int interrupts = interrupts_.load();
    if (interrupts > 1) {
      control.stop = Stop::kNow;
    } else if (interrupts == 1 || writer_.failed()) {
      control.stop = Stop::kFinish;
    }
    if (spec_.load.fillers) supply.top_up(planned_fillers - control.fillers_taken.load());
    const Instant now = clock_.now();
    observer_.progress(tracker.progress(control, clients_.size(), now), now);
  }};
  const RecordSink sink = [&](const RequestRecord& record) {
    writer_.add(record);
    tracker.add(record);
  };

  Watchdog watchdog(clock_);
  plan.pulse = &watchdog.pulse();
  LoadOutcome outcome = run_loops(plan, clients_, clock_, control, sink, ticker);
  const std::vector<Stall> stalls = watchdog.stop();

  LevelRun run{.client = client_health(outcome, stalls),
               .records = std::move(outcome.records),
               .gave_up = control.gave_up,
               .over_budget = control.over_budget,
               .storage_error = writer_.flush()};
  return run;
}

ChunkSink LevelRunner::chunk_sink() const {
  if (!spec_.client.record_chunks) return {};
  return [this](const RequestRecord& record, const ChunkTrace& trace) {
    writer_.add_chunks(record, trace);
  };
}

std::vector<SpareFillers::Request> LevelRunner::requests_of(
    const std::vector<Prompt>& prompts) const {
  const auto bodies = render(prompts);
  std::vector<SpareFillers::Request> requests;
  for (size_t i = 0; i < prompts.size(); ++i) {
    requests.push_back(std::make_shared<const SpareRequest>(
        SpareRequest{.prompt = prompts[i], .body = bodies[i]}));
  }
  return requests;
}

std::vector<std::shared_ptr<const std::string>> LevelRunner::render(
    const std::vector<Prompt>& prompts) const {
  EndpointSpec endpoint = spec_.endpoint;
  endpoint.max_tokens_field = preflight_.max_tokens_field;
  std::vector<std::shared_ptr<const std::string>> bodies;
  bodies.reserve(prompts.size());
  for (const Prompt& prompt : prompts) {
    bodies.push_back(std::make_shared<const std::string>(
        render_request(endpoint, preflight_.model, preflight_.fields, prompt)));
  }
  return bodies;
}

}  // namespace llmsweep
