#include "llmsweep/load/load_loop.h"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <iterator>
#include <mutex>
#include <thread>

#include "llmsweep/base/thread.h"

namespace llmsweep {
namespace {

struct LoopThread {
  LoopResult result;
  Duration cpu{};
  std::exception_ptr failure;
  std::jthread thread;
};

class Countdown {
 public:
  explicit Countdown(size_t count) : count_(count) {}

  void count_down() {
    const std::lock_guard lock(mutex_);
    --count_;
    changed_.notify_one();
  }
  // Whether the count is zero by then.
  bool wait_for(Duration duration) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, duration, [this] { return count_ == 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  size_t count_;  // guarded by mutex_
};

// That are known to be before they are due. A session begins with what waits for nothing.
int64_t measured_requests(const LoadPlan& plan) {
  int64_t measured = 0;
  const std::vector<Arrival>& arrivals = plan.schedule.arrivals;
  for (uint32_t i = 0; i < arrivals.size(); ++i) {
    const bool waits = plan.schedule.turns_wait && arrivals[i].after != kNoArrival;
    const uint32_t owner = arrivals[i].slot == kFreeSlot ? i : arrivals[i].slot;
    measured += arrivals[i].phase == Phase::kMeasured && !waits && plan.part.owns(owner) ? 1 : 0;
  }
  return measured;
}

}  // namespace

LoadOutcome run_loops(const LoadPlan& plan, std::span<const std::unique_ptr<HttpClient>> clients,
                      const Clock& clock, LoadControl& control, const RecordSink& sink,
                      const Ticker& ticker) {
  const bool of_a_window = plan.schedule.is_of_users() || plan.schedule.turns_wait;
  const bool for_a_time = plan.schedule.measure_for || of_a_window;
  control.measured_left = measured_requests(plan) + (for_a_time ? 1 : 0);
  const Instant start = plan.start.value_or(clock.now());
  if (of_a_window) {
    control.measure_until_ns = to_ns(start + plan.schedule.window->to);
  }
  Countdown running(clients.size());
  std::vector<LoopThread> loops(clients.size());
  const auto run = [&](size_t i) {
    LoopThread& loop = loops[i];
    wake_early();  // what is due waits for no other thread's slice
    const Duration cpu_before = thread_cpu_time();
    try {
      const LoopShare share{.loop = static_cast<uint32_t>(i),
                            .loops = static_cast<uint32_t>(clients.size()),
                            .start = start,
                            .part = plan.part};
      loop.result = run_loop(plan, share, *clients[i], clock, control, sink);
    } catch (...) {
      loop.failure = std::current_exception();
      control.stop = Stop::kNow;
    }
    loop.cpu = thread_cpu_time() - cpu_before;
    running.count_down();
  };
  try {
    for (size_t i = 0; i < clients.size(); ++i) {
      clients[i]->reset_health();
      loops[i].thread = start_thread(("loop-" + std::to_string(i)).c_str(), [&run, i] { run(i); });
    }
    while (!running.wait_for(ticker.every)) ticker.tick();
  } catch (...) {
    control.stop = Stop::kNow;  // or the loops that run would be waited for until their load ends
    throw;
  }
  LoadOutcome outcome{.started = start};
  for (LoopThread& loop : loops) loop.thread.join();
  outcome.ended = clock.now();
  for (size_t i = 0; i < loops.size(); ++i) {
    if (loops[i].failure) std::rethrow_exception(loops[i].failure);
    std::deque<RequestRecord>& records = loops[i].result.records;
    std::move(records.begin(), records.end(), std::back_inserter(outcome.records));
    outcome.iterations.merge(loops[i].result.iterations);
    outcome.transports.push_back(clients[i]->health());
    outcome.cpu += loops[i].cpu;
  }
  std::sort(outcome.records.begin(), outcome.records.end(),
            [](const auto& a, const auto& b) { return a.index < b.index; });
  return outcome;
}

}  // namespace llmsweep
