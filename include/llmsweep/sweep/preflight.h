// The check before a run: where the endpoint is, which model it serves, which request fields it
// takes, and how it counts tokens. Sends a handful of short requests.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "llmsweep/model/result.h"
#include "llmsweep/model/spec.h"
#include "llmsweep/tokenizer/tokenizer.h"

namespace llmsweep {

// Where requests go: the spec's URL or that of the embedded simulator, with its credentials. The
// key is in memory only.
struct Connection {
  std::string base_url;  // without a slash at its end
  std::vector<std::pair<std::string, std::string>> headers;  // Authorization included
};
// Reads the key from the environment. `notes` receives what a user should know about it.
Connection connection_of(const EndpointSpec& endpoint, std::vector<std::string>& notes);

struct Preflight {
  std::string model;
  std::vector<RequestField> fields;  // the spec's, less those the server refused
  std::string max_tokens_field;      // the spec's, or what the server asked for instead
  std::string address;               // "127.0.0.1:8000": what the run connects to
  std::shared_ptr<const Tokenizer> tokenizer;  // null: lengths are estimates
  std::optional<int64_t> overhead_tokens;      // calibrated: usage − content; absent: no usage
  double bytes_per_token = 4;
  Duration probe_latency{};  // of the shortest probe, one output token
  Provenance provenance;     // address, server headers, models, dropped fields, notes
};

// Throws MeasurementError that says what the endpoint answered and what to do about it, Error for
// a tokenizer that cannot be read.
Preflight check_endpoint(const SweepSpec& spec, const Connection& connection);

}  // namespace llmsweep
