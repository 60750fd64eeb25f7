// The endpoint of a spec, open for requests: somebody's URL, or the embedded simulator.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llmsweep/model/spec.h"
#include "llmsweep/simulator/simulator.h"

namespace llmsweep {

// Where requests go, with credentials: the key is in memory only.
struct Connection {
  std::vector<std::string> urls;  // without a slash at their ends; at least one
  std::vector<std::pair<std::string, std::string>> headers;  // Authorization included
};

// `path` below a base URL, before the query that this may end with: Azure's "…?api-version=…".
std::string url_below(std::string_view base_url, std::string_view path);
// The same for what stands beside /v1: /metrics, /tokenize.
std::string url_beside_version(std::string_view base_url, std::string_view path);

// What requests carry and nothing that is written may hold: the key, the values of headers and body
// fields that are named like credentials.
std::vector<std::string> secrets_of(const SweepSpec& spec, const Connection& connection);

// Starts the simulator where the spec names one; it serves until destruction.
class OpenEndpoint {
 public:
  // Reads the key from the environment or its file; `notes` receives what a user should know about
  // that. A simulator appends to `truth_log` what it really did; empty: nowhere. Throws Error for a
  // file that cannot be read or does not hold one key.
  OpenEndpoint(const EndpointSpec& endpoint, std::vector<std::string>& notes,
               const std::filesystem::path& truth_log = {});

  const Connection& connection() const { return connection_; }
  bool simulated() const { return simulator_ != nullptr; }

 private:
  std::unique_ptr<Simulator> simulator_;
  Connection connection_;
};

}  // namespace llmsweep
