// The check before a run: where the endpoint is, which model it serves, which request fields it
// takes, and how it counts tokens. Sends a handful of short requests, to every URL of the spec.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "llmsweep/base/interrupt.h"
#include "llmsweep/model/result.h"
#include "llmsweep/model/spec.h"
#include "llmsweep/sweep/contact.h"
#include "llmsweep/sweep/endpoint.h"
#include "llmsweep/tokenizer/tokenizer.h"

namespace llmsweep {

struct Preflight {
  std::string model;
  std::vector<RequestField> fields;            // the spec's, less those the server refused
  std::string max_tokens_field;                // the spec's, or what the server asked for instead
  std::optional<int64_t> context_tokens;       // the model's limit, where /models says it
  std::vector<std::string> addresses;          // "127.0.0.1:8000": where each URL leads
  std::shared_ptr<const Tokenizer> tokenizer;  // null: lengths are estimates
  std::optional<int64_t> overhead_tokens;      // calibrated: usage − content; absent: no usage
  double bytes_per_token = 4;                  // without a tokenizer, the template included
  // By the probes alone, as sweeps were begun before there was a closer one.
  double bytes_per_token_of_probes = 4;
  // From probes of 16 output tokens and of fewer (4, or as few as the spec plans), whole exchanges:
  // what one token of a short prompt would take, and each further one.
  Duration first_token_time{};
  Duration time_per_token{};
  // How much longer a prompt of the workload's mean length took than one of the probes, which are
  // short; 0: not tried.
  Duration prompt_time{};
  Provenance provenance;  // address, server headers, models, dropped fields, notes
};

// How long the check waits, all of its requests together.
struct Patience {
  Duration busy = std::chrono::minutes(2);  // for an endpoint that answers 503, 429, 425 or 529
  Duration absent{};  // for one where nobody listens yet, or a proxy says so (502, 504)
};

struct PreflightOptions {
  std::shared_ptr<Contact> contact;        // null: the network
  const Interrupts* interrupts = nullptr;  // above 0: InterruptedError
  Patience patience;
  std::function<void(const std::string& line)> tell;  // what is being waited for, when it begins
  // Where the spec names no tokenizer: the server's /tokenize, if it answers and counts as usage
  // does. Else lengths are estimates, and a note says why. A prompt of the workload's mean length
  // is timed.
  bool prefer_server_tokenizer = false;
};

// Throws MeasurementError that says what the endpoint answered and what to do about it, also where
// one URL of several serves another model or counts tokens otherwise than the first; Error for
// a tokenizer that cannot be read, and for answers shorter than the endpoint gives.
Preflight check_endpoint(const SweepSpec& spec, const Connection& connection,
                         PreflightOptions options = {});

}  // namespace llmsweep
