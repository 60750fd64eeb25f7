#include "sweep/slow_client.h"

#include <fmt/format.h>
#include <sched.h>

#include <atomic>
#include <thread>

#include "llmsweep/http/make_client.h"
#include "llmsweep/load/load_loop.h"
#include "llmsweep/load/watchdog.h"
#include "llmsweep/model/names.h"
#include "llmsweep/protocol/request.h"
#include "llmsweep/schedule/schedule.h"
#include "llmsweep/simulator/simulator.h"
#include "llmsweep/stats/level_stats.h"
#include "llmsweep/stats/validity.h"
#include "sweep/client_health.h"

namespace llmsweep {
namespace {

void burn(const Clock& clock, Duration time) {
  const Instant until = clock.now() + time;
  while (clock.now() < until) {
  }
}

// The cores of this process, restored at the end.
class Cores {
 public:
  Cores() { sched_getaffinity(0, sizeof(all_), &all_); }
  Cores(const Cores&) = delete;
  Cores& operator=(const Cores&) = delete;
  ~Cores() { sched_setaffinity(0, sizeof(all_), &all_); }

  // This thread, and those it starts from now on.
  void keep_to_first() const {
    keep([](int cpu, int first) { return cpu == first; });
  }
  void keep_to_others() const {
    keep([](int cpu, int first) { return cpu != first; });
  }

 private:
  template <class Wanted>
  void keep(const Wanted& wanted) const {
    int first = 0;
    while (!CPU_ISSET(first, &all_)) ++first;
    cpu_set_t some;
    CPU_ZERO(&some);
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (CPU_ISSET(cpu, &all_) && wanted(cpu, first)) CPU_SET(cpu, &some);
    }
    if (CPU_COUNT(&some) > 0) sched_setaffinity(0, sizeof(some), &some);
  }

  cpu_set_t all_{};
};

class Burners {
 public:
  explicit Burners(int count) {
    for (int i = 0; i < count; ++i) {
      threads_.emplace_back([this] {
        while (!stop_) {
        }
      });
    }
  }
  Burners(const Burners&) = delete;
  Burners& operator=(const Burners&) = delete;
  ~Burners() {
    stop_ = true;
    for (std::thread& thread : threads_) thread.join();
  }

 private:
  std::atomic<bool> stop_{false};
  std::vector<std::thread> threads_;
};

SimulatorProfile five_ms_a_token(int streams) {
  SimulatorProfile profile;
  profile.engine.step.base = Cost(5e6);
  profile.engine.max_batch_size = streams + 8;
  return profile;
}

}  // namespace

void SlowClient::poll(Instant deadline, std::vector<HttpEvent>& events) {
  client_->poll(deadline, events);
  for (const HttpEvent& event : events) {
    if (event.kind == HttpEvent::Kind::kBytes) burn(clock_, per_delivery_);
  }
}

RunStats run_judged(const SlowLoad& load) {
  const Cores cores;
  if (load.burners_beside > 0) cores.keep_to_others();
  Simulator simulator(five_ms_a_token(load.streams));
  if (load.burners_beside > 0) cores.keep_to_first();

  const LoadSpec spec{.concurrency = {load.streams}, .requests_per_slot = load.requests_per_slot};
  const LoadPoint point = at_concurrency(load.streams);
  const PromptDemand demand = prompt_demand(spec, point);
  std::vector<Prompt> prompts(demand.total(), Prompt{.text = "a few words"});
  // Of many lengths, so that slots do not end all at once.
  for (size_t i = 0; i < prompts.size(); ++i) {
    const auto spread = static_cast<int64_t>(i * 7 % 13) - 6;  // −6 to 6
    prompts[i].planned_output_tokens = load.tokens + spread * load.tokens / 20;
  }
  const EndpointSpec endpoint{.url = simulator.base_url()};
  const SteadyClock clock;
  Watchdog watchdog(clock);
  LoadPlan plan{.schedule = make_schedule(spec, point),
                .prompts = prompts,
                .run = {.point = point},
                .pulse = &watchdog.pulse()};
  for (const Prompt& prompt : prompts) {
    plan.bodies.push_back(std::make_shared<const std::string>(
        render_request(endpoint, "simulated", endpoint.request_fields, prompt)));
  }
  std::vector<std::unique_ptr<HttpClient>> clients;
  clients.push_back(std::make_unique<SlowClient>(
      make_http_client({.urls = {simulator.base_url() + path_of(Api::kChat)},
                        .max_connections = static_cast<size_t>(load.streams)}),
      load.burn));

  LoadControl control;
  const Burners burners(load.burners_beside);
  const LoadOutcome outcome =
      run_loops(plan, clients, clock, control, [](const RequestRecord&) {}, {.tick = [] {}});
  RunStats stats = run_stats({.records = outcome.records,
                              .level = {.point = point, .gpus = 1},
                              .client = client_health(outcome, watchdog.stop())});
  const std::vector<ClientShare> shares = client_shares(outcome.records, point.origin());
  const std::vector<Target> targets = {{.metric = Metric::kTtft, .max = std::chrono::seconds(1)}};
  judge_run(stats,
            {.point = point,
             .targets = load.of_ttft ? std::span<const Target>(targets) : std::span<const Target>(),
             .shares = shares});
  return stats;
}

std::string figures_of(const RunStats& run) {
  const ClientHealth& client = run.client;
  std::string verdict = run.valid ? "valid" : "INVALID:";
  for (const InvalidReason reason : run.invalid_reasons) {
    verdict += fmt::format(" {}", name_of(reason));
  }
  return fmt::format(
      "busy {:.0f} %, iteration p99 {:.2f} ms, delay p50 {:.3f} p99 {:.2f} ms, slot gap p99 {:.2f} "
      "ms, median E2E {:.0f} ms, {} figures in doubt: {}",
      client.busy_fraction * 100, client.iteration_p99_ms, client.receive_delay_p50_ms,
      client.receive_delay_p99_ms, client.slot_gap_p99_ms, run.e2e.p50.value_or(0),
      run.validity.size(), verdict);
}

}  // namespace llmsweep
