// How long prompts get where no tokenizer counts them, and how long one of the workload's length
// takes: by prompts of the run's kind, which the server counts and answers.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "llmsweep/base/interrupt.h"
#include "llmsweep/dataset/calibration.h"
#include "llmsweep/model/spec.h"
#include "llmsweep/sweep/preflight.h"
#include "sweep/prober.h"

namespace llmsweep {

class LengthEstimate {
 public:
  // Sends a prompt as a run's are sent, for `probe_tokens` of answer.
  using Ask = std::function<Probed(const Probe&)>;

  // `spec` and `found` outlive it; `found` has the model, the fields and the probes' times, and
  // gets what is found here, notes included.
  LengthEstimate(const SweepSpec& spec, const Interrupts* interrupts, int64_t probe_tokens,
                 Preflight& found, Ask ask);

  // Sets bytes_per_token, from that of the short probes: by two prompts of the workload's mean
  // length, as far as they are answered. The same server gives the same again, so that a sweep can
  // be resumed.
  void find_bytes_per_token(double of_probes);
  // Sets prompt_time. A server with a prefix cache may have the prompt from an earlier check.
  void time_a_prompt();

 private:
  struct Count {
    size_t bytes = 0;
    int64_t tokens = 0;  // by the server
  };
  std::optional<Count> count_prompt(int64_t tokens, int64_t number);
  std::string prompt_of(int64_t tokens, int64_t number) const;
  void take_time(const RequestRecord& answer);
  void take(const std::vector<Count>& counts);

  const SweepSpec& spec_;
  const Interrupts* interrupts_;
  int64_t probe_tokens_;
  Preflight& found_;
  Ask ask_;
};

}  // namespace llmsweep
