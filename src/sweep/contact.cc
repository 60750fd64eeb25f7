#include "llmsweep/sweep/contact.h"

#include <algorithm>
#include <thread>

namespace llmsweep {
namespace {

class NetworkContact final : public Contact {
 public:
  Instant now() const override { return clock_.now(); }
  ResolvedEndpoint resolve(const std::string& url, Duration timeout) override {
    return resolve_endpoint(url, timeout);
  }
  HttpAnswer exchange(const HttpExchange& exchange) override { return http_exchange(exchange); }

  void wait(Duration duration, const Interrupts* interrupts) override {
    constexpr Duration kLongestSleep = std::chrono::milliseconds(50);  // an interrupt is seen then
    const Instant end = now() + duration;
    for (Instant at = now(); at < end; at = now()) {
      stop_if_interrupted(interrupts, "the wait for the endpoint");
      std::this_thread::sleep_for(std::min<Duration>(end - at, kLongestSleep));
    }
    stop_if_interrupted(interrupts, "the wait for the endpoint");
  }

 private:
  SteadyClock clock_;
};

}  // namespace

std::shared_ptr<Contact> make_network_contact() {
  return std::make_shared<NetworkContact>();
}

}  // namespace llmsweep
