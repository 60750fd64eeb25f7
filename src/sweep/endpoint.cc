#include "llmsweep/sweep/endpoint.h"

#include <cstdlib>

namespace llmsweep {

OpenEndpoint::OpenEndpoint(const EndpointSpec& endpoint, std::vector<std::string>& notes) {
  connection_ = {.urls = endpoint.urls, .headers = endpoint.headers};
  if (connection_.urls.empty()) connection_.urls = {endpoint.url};
  if (!endpoint.simulator.empty()) {
    simulator_ = std::make_unique<Simulator>(read_profile(endpoint.simulator));
    connection_.urls = {simulator_->base_url()};
  }
  for (std::string& url : connection_.urls) {
    while (url.ends_with('/')) url.pop_back();
  }
  if (endpoint.api_key_env.empty()) return;
  const char* key = std::getenv(endpoint.api_key_env.c_str());
  if (key == nullptr || *key == '\0') {
    notes.push_back("$" + endpoint.api_key_env + " is not set: requests carry no Authorization");
  } else {
    connection_.headers.emplace_back("Authorization", std::string("Bearer ") + key);
  }
}

}  // namespace llmsweep
