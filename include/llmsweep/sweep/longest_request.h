// The longest request that a run may send, sent once: what an endpoint takes is not always in its
// list of models, and a limit that is met in the middle of a sweep costs the sweep.
#pragma once

#include <cstdint>
#include <optional>

#include "llmsweep/base/clock.h"
#include "llmsweep/model/spec.h"
#include "llmsweep/sweep/endpoint.h"
#include "llmsweep/sweep/preflight.h"

namespace llmsweep {

struct LongestRequest {
  std::optional<int64_t> input_tokens;  // as the server counts; absent: it had not said by then
  int64_t output_tokens = 0;            // requested
  Duration first_token{};               // after the request
};

// Sends the request with the longest likely prompt and answer of the spec's, to the first URL, and
// gives its answer up at the first token. The prompt is none of the run's. Throws Error with the
// endpoint's own sentence where it refuses it, MeasurementError where it does not answer.
LongestRequest try_longest_request(const SweepSpec& spec, const Connection& connection,
                                   const Preflight& preflight, PreflightOptions options = {});

}  // namespace llmsweep
