#include "sweep/level_runner.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "llmsweep/http/curl_client.h"
#include "llmsweep/load/load_loop.h"
#include "llmsweep/load/watchdog.h"
#include "llmsweep/protocol/request.h"
#include "llmsweep/schedule/closed_loop.h"
#include "llmsweep/stats/level_stats.h"
#include "llmsweep/stats/percentile.h"
#include "llmsweep/stats/validity.h"

namespace llmsweep {
namespace {

constexpr int kStreamsPerLoop = 2048;

int loops_for(const SweepSpec& spec) {
  if (spec.client.threads > 0) return spec.client.threads;
  const int streams = *std::max_element(spec.load.concurrency.begin(), spec.load.concurrency.end());
  const int cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  return std::clamp((streams + kStreamsPerLoop - 1) / kStreamsPerLoop, 1, cores);
}

std::vector<std::unique_ptr<HttpClient>> make_clients(const SweepSpec& spec,
                                                      const Preflight& preflight,
                                                      const Connection& connection) {
  const int loops = loops_for(spec);
  const int streams = *std::max_element(spec.load.concurrency.begin(), spec.load.concurrency.end());
  ensure_descriptors(static_cast<size_t>(streams));
  std::vector<std::unique_ptr<HttpClient>> clients;
  for (int i = 0; i < loops; ++i) {
    clients.push_back(make_curl_client({.urls = {connection.base_url + path_of(spec.endpoint.api)},
                                        .addresses = {preflight.address},
                                        .headers = connection.headers,
                                        .connect_timeout = spec.endpoint.connect_timeout,
                                        .max_connections = static_cast<size_t>(streams / loops + 1),
                                        .use_proxy = spec.endpoint.use_proxy,
                                        .ca_file = spec.endpoint.ca_file,
                                        .receive_stamps = spec.client.receive_stamps}));
  }
  return clients;
}

ClientHealth health_of(const LoadOutcome& outcome, const std::vector<Stall>& stalls) {
  ClientHealth health{.threads = static_cast<int>(outcome.transports.size()),
                      .cpu_seconds = to_seconds(outcome.cpu)};
  std::vector<double> delays;
  int64_t reads = 0;
  for (const TransportHealth& transport : outcome.transports) {
    const Duration wall = transport.busy + transport.waited;
    if (wall.count() > 0) {
      health.busy_fraction =
          std::max(health.busy_fraction, to_seconds(transport.busy) / to_seconds(wall));
    }
    health.iterations += transport.iterations;
    reads += transport.reads;
    health.receive_stamps |= transport.receive_stamps;
    for (const Duration delay : transport.receive_delays) delays.push_back(to_ms(delay));
    health.receive_delay_max_ms =
        std::max(health.receive_delay_max_ms, to_ms(transport.receive_delay_max));
  }
  if (health.iterations > 0) {
    health.chunks_per_iteration =
        static_cast<double>(reads) / static_cast<double>(health.iterations);
  }
  health.receive_samples = static_cast<int64_t>(delays.size());
  if (!delays.empty()) {
    std::sort(delays.begin(), delays.end());
    health.receive_delay_p50_ms = percentile(delays, 0.50);
    health.receive_delay_p99_ms = percentile(delays, 0.99);
  }
  health.stalls = static_cast<int64_t>(stalls.size());
  for (const Stall& stall : stalls) {
    health.stall_max_ms = std::max(health.stall_max_ms, to_ms(stall.end - stall.begin));
  }
  for (const RequestRecord& record : outcome.records) {
    if (record.phase != Phase::kMeasured || !record.sent || !record.end) continue;
    health.stalled_requests += std::any_of(stalls.begin(), stalls.end(), [&](const Stall& stall) {
      return stall.begin < *record.end && *record.sent < stall.end;
    });
  }
  return health;
}

}  // namespace

PromptPlan prompt_plan(const SweepSpec& spec, const Preflight& preflight) {
  PromptPlan plan{.workload = spec.workload,
                  .api = spec.endpoint.api,
                  .overhead_tokens = preflight.overhead_tokens.value_or(0),
                  .bytes_per_token = preflight.bytes_per_token};
  for (int repeat = 0; repeat < spec.load.repeats; ++repeat) {
    for (size_t level = 0; level < spec.load.concurrency.size(); ++level) {
      const PromptDemand demand = prompt_demand(spec.load, spec.load.concurrency[level]);
      const int index = static_cast<int>(level);
      plan.needs.push_back({index, repeat, Phase::kWarmup, demand.warmup});
      plan.needs.push_back({index, repeat, Phase::kMeasured, demand.measured});
      plan.needs.push_back({index, repeat, Phase::kFiller, demand.filler});
    }
  }
  return plan;
}

LevelRunner::LevelRunner(const SweepSpec& spec, const Preflight& preflight,
                         const Connection& connection, const PromptSource& prompts,
                         RecordWriter& writer, const Interrupts& interrupts,
                         SweepObserver& observer)
    : spec_(spec),
      preflight_(preflight),
      prompts_(prompts),
      writer_(writer),
      interrupts_(interrupts),
      observer_(observer),
      clients_(make_clients(spec, preflight, connection)) {}

LevelRun LevelRunner::run(const RunPosition& position) {
  const int64_t needed = prompt_demand(spec_.load, position.concurrency).total();
  const PromptSet prompts = prompts_.build(next_prompt_, needed);
  next_prompt_ += needed;

  const LoadPlan plan{.schedule = closed_loop(spec_.load, position.concurrency),
                      .prompts = prompts.prompts,
                      .bodies = render(prompts.prompts),
                      .api = spec_.endpoint.api,
                      .level = position.concurrency,
                      .repeat = position.repeat - 1,
                      .request_timeout = spec_.endpoint.request_timeout,
                      .grace = spec_.load.grace,
                      .max_response_bytes = spec_.client.max_response_bytes,
                      .max_consecutive_errors = spec_.load.max_consecutive_errors};
  LoadControl control;
  RunTracker tracker(
      position, int64_t{position.concurrency} * measured_per_slot(spec_.load, position.concurrency),
      clock_.now());
  const Ticker ticker{.tick = [&] {
    const int interrupts = interrupts_.load();
    if (interrupts > 1) {
      control.stop = Stop::kNow;
    } else if (interrupts == 1 || writer_.failed()) {
      control.stop = Stop::kFinish;
    }
    const Instant now = clock_.now();
    observer_.progress(tracker.progress(control, clients_.size(), now), now);
  }};
  const RecordSink sink = [&](const RequestRecord& record) {
    writer_.add(record);
    tracker.add(record);
  };

  Watchdog watchdog(clock_);
  LoadOutcome outcome = run_loops(plan, clients_, clock_, control, sink, ticker);
  const std::vector<Stall> stalls = watchdog.stop();

  LevelRun run{.gave_up = control.gave_up, .storage_error = writer_.flush()};
  run.stats = run_stats({.records = outcome.records,
                         .repeat = plan.repeat,
                         .level = {.concurrency = position.concurrency,
                                   .gpus = spec_.system.gpus,
                                   .fillers = spec_.load.fillers,
                                   .goodput = spec_.goodput},
                         .client = health_of(outcome, stalls)});
  judge(run.stats, position.concurrency);
  run.records = std::move(outcome.records);
  return run;
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

void LevelRunner::judge(RunStats& stats, int concurrency) const {
  judge_run(stats, {.concurrency = concurrency,
                    .max_error_rate = spec_.load.max_error_rate,
                    .targets = spec_.targets,
                    .fillers = spec_.load.fillers,
                    .interrupted = interrupts_.load() > 0,
                    .prompts_reused = spec_.workload.reuse == Reuse::kAllow,
                    .receive_stamps_wanted = spec_.client.receive_stamps});
}

}  // namespace llmsweep
