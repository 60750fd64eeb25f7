// What a sweep reads of its server's metrics: which pages, with which credentials, into which file.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "llmsweep/base/interrupt.h"
#include "llmsweep/base/redactor.h"
#include "llmsweep/load/load_loop.h"
#include "llmsweep/model/spec.h"
#include "llmsweep/sweep/endpoint.h"
#include "llmsweep/sweep/preflight.h"
#include "llmsweep/telemetry/metrics_sampler.h"
#include "llmsweep/telemetry/nvml.h"
#include "sweep/queued_file.h"

namespace llmsweep {

// The pages of a spec: automatic ones, then those that it names. Automatic: /metrics beside each
// URL's /v1; of TensorRT LLM, whose /metrics is a queue that every reader empties,
// /prometheus/metrics.
std::vector<MetricsPage> metrics_pages(const MetricsSpec& spec,
                                       const std::vector<std::string>& urls,
                                       const std::string& models_json);

// Whether both lead to one scheme, host and port: what credentials are for.
bool is_same_origin(std::string_view url, std::string_view other);

class TelemetryRecorder {
 public:
  // All but `folder` outlive it. Nothing is read yet.
  TelemetryRecorder(const SweepSpec& spec, const Connection& connection, const Preflight& preflight,
                    const Redactor& secrets, std::filesystem::path folder,
                    const Interrupts& interrupts);

  // Reads each page once and says what they are; makes telemetry.jsonl where there is one. Throws
  // Error where that cannot be made.
  std::vector<std::string> open();
  // Null: there is nothing to read.
  MetricsSampler* sampler() { return file_ == nullptr ? nullptr : &sampler_; }
  // Waits until everything is on disk, synced. Why it is not; empty where it is.
  std::string flush();

 private:
  HttpAnswer fetch(const std::string& url) const;

  const SweepSpec& spec_;
  const Connection& connection_;
  const Redactor& secrets_;
  std::filesystem::path folder_;
  std::unique_ptr<Nvml> nvml_;  // null: no page asks for it
  MetricsSampler sampler_;
  std::unique_ptr<QueuedFile> file_;
};

// What a sampler sees of a run under way; `control` outlives the sampling.
MetricsWatch watch_of(LoadControl& control);

}  // namespace llmsweep
