// What to do about an endpoint that does not answer as a run needs it: tries what may have been
// meant (another base URL, https for http, HTTP/2) and says which of it answers.
#pragma once

#include <string>
#include <vector>

#include "llmsweep/model/spec.h"
#include "sweep/prober.h"

namespace llmsweep {

// Base URLs that may have been meant by `url`, the most likely first: without the path of a request
// at its end, with /v1, with the roots of common gateways. `url` is not among them.
std::vector<std::string> base_url_candidates(const std::string& url);

class EndpointAdvisor {
 public:
  EndpointAdvisor(const SweepSpec& spec, std::string base_url, Prober& prober)
      : spec_(spec), base_url_(std::move(base_url)), prober_(prober) {}

  // All of them throw MeasurementError.
  [[noreturn]] void unreachable(const std::string& why);
  struct Known {
    bool listed = false;  // /models answered below the same base URL
    std::string likely;   // what to do, where the check knows; empty: it does not
  };
  [[noreturn]] void fail(const Probed& probed, const Known& known);
  // The spec names no model, and the list of models does neither, for the reason `problem`.
  [[noreturn]] void fail_without_model(const Probed& probed, const std::string& problem);

 private:
  [[noreturn]] void refused_access(const Probed& probed);
  [[noreturn]] void redirected(const Probed& probed);
  [[noreturn]] void not_found(const Probed& probed, bool listed);
  std::string base_url_behind(const Probed& probed) const;
  std::string other_base_url();
  std::string other_protocol();
  std::string unused_proxy() const;
  bool answers(const std::string& base_url);

  const SweepSpec& spec_;
  std::string base_url_;
  Prober& prober_;
};

}  // namespace llmsweep
