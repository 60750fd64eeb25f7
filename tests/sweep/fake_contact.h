// An endpoint without a network: each exchange is answered by a function, waiting moves the clock.
#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "llmsweep/sweep/contact.h"

namespace llmsweep {

class FakeContact final : public Contact {
 public:
  using Answer = std::function<HttpAnswer(const HttpExchange&)>;
  explicit FakeContact(Answer answer) : answer_(std::move(answer)) {}

  Instant now() const override { return clock_.now(); }
  ResolvedEndpoint resolve(const std::string&, Duration) override {
    if (std::exchange(failing_resolves, std::max(0, failing_resolves - 1)) > 0) {
      return {.error = "cannot connect to localhost:8000: Connection refused"};
    }
    return {.host = "127.0.0.1", .port = 8000, .address = "127.0.0.1:8000"};
  }
  HttpAnswer exchange(const HttpExchange& exchange) override {
    sent.push_back(exchange);
    clock_.advance(std::chrono::milliseconds(10));
    HttpAnswer answer = answer_(exchange);
    answer.connected |= answer.status != 0;
    if (exchange.enough && answer.status != 0 && exchange.enough(answer)) {
      answer.error.clear();
      answer.timed_out = false;
    }
    return answer;
  }
  void wait(Duration duration, const Interrupts* interrupts) override {
    stop_if_interrupted(interrupts, "the wait for the endpoint");
    waits.push_back(duration);
    clock_.advance(duration);
  }

  std::vector<HttpExchange> sent;
  std::vector<Duration> waits;
  int failing_resolves = 0;

 private:
  Answer answer_;
  ManualClock clock_;
};

}  // namespace llmsweep
