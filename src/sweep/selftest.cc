#include "llmsweep/sweep/selftest.h"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "llmsweep/base/error.h"
#include "llmsweep/base/files.h"
#include "llmsweep/base/version.h"
#include "llmsweep/http/make_client.h"
#include "llmsweep/model/quantity.h"
#include "llmsweep/simulator/profile.h"
#include "llmsweep/stats/level_stats.h"
#include "sweep/child_process.h"
#include "sweep/provenance.h"
#include "sweep/stamp_error.h"

namespace llmsweep {
namespace {
namespace fs = std::filesystem;

constexpr double kTrustedP50Us = 100;   // of the stamps' error
constexpr double kTrustedP99Us = 1000;  // as much as a level may be late and still be valid
constexpr int kRequestsPerSlot = 3;
// Lengths differ by so much around their mean, so that requests do not all end at once.
constexpr double kSpread = 0.4;

class SilentObserver final : public SweepObserver {
 public:
  void note(const std::string&) override {}
  void progress(const LevelProgress&, Instant) override {}
  void run_finished(const LevelStats&) override {}
};

// While it lives, this process leaves one core to the endpoint, where it has two or more.
class SharedCores {
 public:
  SharedCores() {
    if (sched_getaffinity(0, sizeof(all_), &all_) != 0 || CPU_COUNT(&all_) < 2) return;
    cpu_set_t ours = all_;
    for (int cpu = CPU_SETSIZE - 1; endpoint_ < 0; --cpu) {
      if (CPU_ISSET(cpu, &all_)) endpoint_ = cpu;
    }
    CPU_CLR(endpoint_, &ours);
    if (sched_setaffinity(0, sizeof(ours), &ours) != 0) endpoint_ = -1;
  }
  SharedCores(const SharedCores&) = delete;
  SharedCores& operator=(const SharedCores&) = delete;
  ~SharedCores() {
    if (endpoint_ >= 0) sched_setaffinity(0, sizeof(all_), &all_);
  }
  int endpoint() const { return endpoint_; }  // -1: any

 private:
  cpu_set_t all_{};
  int endpoint_ = -1;
};

// Each stream gets a chunk every 1 ÷ rate seconds. An engine gives all sequences of its batch their
// tokens at once; where a chunk waits for several tokens, streams that began in different steps
// send in different ones.
constexpr int kTokensPerChunk = 8;

int tokens_per_chunk(const SelftestOptions& options) {
  return options.in_step ? 1 : kTokensPerChunk;
}

SimulatorProfile profile_for(const SelftestLoad& load, const SelftestOptions& options) {
  SimulatorProfile profile;
  profile.name = "selftest";
  profile.wire.tokens_per_chunk = tokens_per_chunk(options);
  profile.engine.step.base = Cost(1e9 / (load.chunks_per_stream_s * tokens_per_chunk(options)));
  profile.engine.max_batch_size = load.streams + 16;
  profile.engine.max_batched_tokens = 1 << 20;
  return profile;
}

SweepSpec spec_for(const SelftestLoad& load, const SelftestOptions& options,
                   const std::string& url) {
  const double chunks =
      std::max(5.0, load.chunks_per_stream_s * to_seconds(options.per_load) / kRequestsPerSlot);
  const double tokens = chunks * tokens_per_chunk(options);
  SweepSpec spec;
  spec.endpoint.metrics = {.automatic = false};
  spec.name = "selftest";
  spec.system.gpus = 1;
  spec.endpoint.url = url;
  spec.endpoint.request_timeout = std::chrono::seconds(60);
  if (options.tls) spec.endpoint.ca_file = (options.scratch / "certificate.pem").string();
  spec.workload.dataset = "random";
  spec.workload.input_tokens = TokenCount{.fixed = 30};
  spec.workload.output_tokens = {.kind = TokenCount::Kind::kUniform,
                                 .min = std::llround(tokens * (1 - kSpread)),
                                 .max = std::llround(tokens * (1 + kSpread))};
  spec.load.concurrency = {load.streams};
  spec.load.requests_per_slot = kRequestsPerSlot;
  spec.load.repeats = 1;
  spec.client.record_chunks = true;
  return spec;
}

// What speaks of the client. Lengths and errors of the endpoint would be the simulator's own.
std::vector<InvalidReason> client_reasons(const RunStats& run) {
  std::vector<InvalidReason> reasons;
  for (const InvalidReason reason : run.invalid_reasons) {
    const bool lengths =
        reason == InvalidReason::kInputTokensOff || reason == InvalidReason::kOutputTokensOff;
    if (!lengths) reasons.push_back(reason);
  }
  return reasons;
}

SelftestStep step_of(const SelftestLoad& load, const RunStats& run, const StampErrors& errors) {
  const ClientHealth& client = run.client;
  SelftestStep step{
      .load = load,
      .chunks_per_s = headline_throughput_tps(run) / std::max(1.0, client.tokens_per_chunk),
      .chunks = errors.chunks,
      .unaccounted = errors.unaccounted,
      .stamp_error_p50_us = errors.p50_us,
      .stamp_error_p99_us = errors.p99_us,
      .receive_stamps = client.receive_stamps,
      .receive_delay_p50_us = client.receive_delay_p50_ms * 1000,
      .receive_delay_p99_us = client.receive_delay_p99_ms * 1000,
      .slot_gap_p50_us = client.slot_gap_p50_ms * 1000,
      .slot_gap_p99_us = client.slot_gap_p99_ms * 1000,
      .busy_fraction = client.busy_fraction,
      .limits = client_reasons(run)};
  if (client.cpu_seconds > 0) {
    step.receive_sampling_share = client.receive_sampling_seconds / client.cpu_seconds;
  }
  if (client.chunks > 0) {
    step.cpu_us_per_chunk = client.cpu_seconds * 1e6 / static_cast<double>(client.chunks);
  }
  step.trusted = step.limits.empty() && step.chunks > 0 && step.unaccounted == 0 &&
                 step.stamp_error_p50_us <= kTrustedP50Us &&
                 step.stamp_error_p99_us <= kTrustedP99Us;
  return step;
}

class Tester {
 public:
  Tester(const SelftestOptions& options, const Interrupts& interrupts)
      : options_(options), interrupts_(interrupts) {}

  // Nothing where it was interrupted.
  std::optional<SelftestStep> run(const SelftestLoad& load) {
    const fs::path folder = options_.scratch / fmt::format("step-{}", ++steps_);
    fs::create_directories(folder);
    write_file_atomically(folder / "profile.yaml", profile_yaml(profile_for(load, options_)));
    ensure_descriptors(static_cast<size_t>(load.streams));  // the child inherits the limit
    const fs::path truth = folder / "truth.jsonl";
    std::vector<std::string> words = {
        options_.program, "simulate", folder / "profile.yaml", "--port", "0", "--log", truth};
    if (options_.tls) {
      words.insert(words.end(), {"--tls", "--certificate", options_.scratch / "certificate.pem"});
    }
    ChildProcess endpoint(words, cores_.endpoint());
    const std::string url = endpoint.first_line(std::chrono::seconds(20));
    SilentObserver observer;
    const SweepOutcome outcome =
        run_sweep(spec_for(load, options_, url), folder, interrupts_, observer);
    endpoint.stop();  // completes its log
    if (outcome.result.interrupted) return std::nullopt;
    if (!outcome.storage_error.empty()) {
      throw MeasurementError({.what = outcome.storage_error,
                              .where = folder.string(),
                              .next = "the self-test needs some room for its files"});
    }
    const SelftestStep step =
        step_of(load, outcome.result.levels.at(0).runs.at(0), stamp_errors(folder, truth));
    fs::remove_all(folder);
    return step;
  }

 private:
  const SelftestOptions& options_;
  const Interrupts& interrupts_;
  SharedCores cores_;
  int steps_ = 0;
};

}  // namespace

std::vector<SelftestLoad> selftest_ladder() {
  return {{64, 100}, {64, 200}, {256, 100}, {512, 100}, {1024, 75}, {1024, 100}, {2048, 100}};
}

Selftest run_selftest(const SelftestOptions& options, const Interrupts& interrupts,
                      const std::function<void(const SelftestStep&)>& done) {
  Provenance machine;
  describe_host(machine);
  Selftest selftest{.tool = std::string("llmsweep ") + version(),
                    .created_at = utc_timestamp(),
                    .host = machine.host,
                    .cores = machine.cores,
                    .kernel = machine.kernel,
                    .tls = options.tls,
                    .in_step = options.in_step};
  Tester tester(options, interrupts);
  for (const SelftestLoad& load : options.loads) {
    const std::optional<SelftestStep> step = tester.run(load);
    if (!step) break;
    done(*step);
    selftest.steps.push_back(*step);
    if (!step->trusted) break;
  }
  return selftest;
}

}  // namespace llmsweep
