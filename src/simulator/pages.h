// The endpoint's plain pages: /v1/models, /metrics, /tokenize.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "llmsweep/simulator/engine.h"
#include "simulator/prompt_tokens.h"

namespace llmsweep::sim {

// A Prometheus histogram of seconds with vLLM's kind of buckets.
class SecondsHistogram {
 public:
  explicit SecondsHistogram(std::vector<double> bounds);
  void add(Duration value);
  void append_to(std::string& page, const std::string& name, const std::string& labels) const;

 private:
  std::vector<double> bounds_;
  std::vector<int64_t> counts_;  // one more than bounds_: the last is +Inf
  double sum_ = 0;
  int64_t count_ = 0;
};

// What the metrics page adds up, beyond the engine's own load.
struct ServerTotals {
  int64_t prompt_tokens = 0;
  int64_t output_tokens = 0;
  int64_t stopped = 0;  // finished by themselves
  int64_t length = 0;   // finished at max_tokens
  int64_t aborted = 0;  // lost their client, or were broken by a fault
  SecondsHistogram ttft;
  SecondsHistogram gap;  // between chunks
  SecondsHistogram e2e;
  SecondsHistogram queue;
  ServerTotals();
};

std::string models_page(const SimulatorProfile& profile, int64_t created);
std::string metrics_page(const SimulatorProfile& profile, const EngineLoad& load,
                         const ServerTotals& totals, int64_t started);
// The samples that the query's `name[]` ask for, as vLLM's page under /metrics/ has them; without
// any the whole page.
std::string named_samples(const std::string& page, std::string_view query);
std::string tokenize_page(const SimulatorProfile& profile, const PromptTokens& prompt);

}  // namespace llmsweep::sim
