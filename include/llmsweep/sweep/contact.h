// What the check before a run talks to, so that its tests need no network and no time.
#pragma once

#include <memory>
#include <string>

#include "llmsweep/base/clock.h"
#include "llmsweep/base/interrupt.h"
#include "llmsweep/http/make_client.h"

namespace llmsweep {

// As resolve_endpoint() and http_exchange() say. Any thread exchanges; the rest belongs to one.
class Contact : public Clock {
 public:
  virtual ResolvedEndpoint resolve(const std::string& url, Duration timeout) = 0;
  virtual HttpAnswer exchange(const HttpExchange& exchange) = 0;
  // Throws InterruptedError once `interrupts` is above 0.
  virtual void wait(Duration duration, const Interrupts* interrupts) = 0;
};

std::shared_ptr<Contact> make_network_contact();

}  // namespace llmsweep
