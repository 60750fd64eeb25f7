// A client that wastes time on purpose, and the load that shows it.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "llmsweep/http/http_client.h"
#include "llmsweep/model/level.h"

namespace llmsweep {

// Burns CPU on the loop's thread for every delivery of bytes, as a slow event handler would.
class SlowClient final : public HttpClient {
 public:
  SlowClient(std::unique_ptr<HttpClient> client, Duration per_delivery)
      : client_(std::move(client)), per_delivery_(per_delivery) {}

  void start(RequestId id, const HttpRequest& request) override { client_->start(id, request); }
  void cancel(RequestId id) override { client_->cancel(id); }
  void watch(RequestId id, bool on) override { client_->watch(id, on); }
  void poll(Instant deadline, std::vector<HttpEvent>& events) override;
  const TransportHealth& health() const override { return client_->health(); }
  void reset_health() override { client_->reset_health(); }

 private:
  std::unique_ptr<HttpClient> client_;
  Duration per_delivery_;
  SteadyClock clock_;
};

struct SlowLoad {
  int streams = 64;
  int tokens = 80;  // of an answer on average, one every 5 ms
  int requests_per_slot = 3;
  Duration burn{};         // per delivery
  bool of_ttft = false;    // a target of TTFT decides, else the median E2E
  int burners_beside = 0;  // busy threads on the one core that the client's loop is given
};

// Runs it against a simulated endpoint and judges it as a sweep does. With `burners_beside` the
// endpoint has the other cores.
RunStats run_judged(const SlowLoad& load);

// "busy 12 %, delay p99 0.08 ms, slot gap p99 0.2 ms: valid".
std::string figures_of(const RunStats& run);

}  // namespace llmsweep
