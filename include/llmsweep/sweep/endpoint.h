// The endpoint of a spec, open for requests: somebody's URL, or the embedded simulator.
#pragma once

#include <memory>
#include <string>
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

// Starts the simulator where the spec names one; it serves until destruction.
class OpenEndpoint {
 public:
  // Reads the key from the environment; `notes` receives what a user should know about that.
  OpenEndpoint(const EndpointSpec& endpoint, std::vector<std::string>& notes);

  const Connection& connection() const { return connection_; }
  bool simulated() const { return simulator_ != nullptr; }

 private:
  std::unique_ptr<Simulator> simulator_;
  Connection connection_;
};

}  // namespace llmsweep
