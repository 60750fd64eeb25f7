#include "llmsweep/sweep/endpoint.h"

#include <cstdlib>

namespace llmsweep {

OpenEndpoint::OpenEndpoint(const EndpointSpec& endpoint, std::vector<std::string>& notes) {
  connection_ = {.base_url = endpoint.url, .headers = endpoint.headers};
  if (!endpoint.simulator.empty()) {
    simulator_ = std::make_unique<Simulator>(read_profile(endpoint.simulator));
    connection_.base_url = simulator_->base_url();
  }
  while (connection_.base_url.ends_with('/')) connection_.base_url.pop_back();
  if (endpoint.api_key_env.empty()) return;
  const char* key = std::getenv(endpoint.api_key_env.c_str());
  if (key == nullptr || *key == '\0') {
    notes.push_back("$" + endpoint.api_key_env + " is not set: requests carry no Authorization");
  } else {
    connection_.headers.emplace_back("Authorization", std::string("Bearer ") + key);
  }
}

}  // namespace llmsweep
