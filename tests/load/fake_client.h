// A scripted transport on a manual clock: each started request gets the events that the script
// gives it, at their delays after the start. No sockets, no sleeping.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "llmsweep/http/http_client.h"

namespace llmsweep {

struct ScriptedEvent {
  Duration delay;  // after the start of the request
  HttpEvent::Kind kind;
  std::string text = {};
  int status = 200;
  bool new_connection = false;
  bool timed_out = false;
  std::optional<Duration> late = {};  // kBytes: after the kernel had them
};

class FakeClient final : public HttpClient {
 public:
  using Script = std::function<std::vector<ScriptedEvent>(RequestId)>;

  FakeClient(ManualClock& clock, Script script) : clock_(clock), script_(std::move(script)) {}

  void start(RequestId id, const HttpRequest& request) override {
    started.push_back(id);
    lanes.push_back(request.lane);
    headers.emplace_back();
    for (const std::string& header : request.headers) {
      headers.back() += (headers.back().empty() ? "" : "\n") + header;
    }
    clock_.advance_to(clock_.now() + start_takes);
    most_starts_at_once = std::max(most_starts_at_once, ++starts_at_once_);
    most_in_flight = std::max(most_in_flight, ++in_flight_);
    live_.insert(id);
    for (ScriptedEvent& event : script_(id)) {
      pending_.emplace(std::pair(clock_.now() + event.delay, sequence_++),
                       std::pair(id, std::move(event)));
    }
  }

  void cancel(RequestId id) override {
    cancelled.push_back(id);
    forget(id);
  }

  void poll(Instant deadline, std::vector<HttpEvent>& events) override {
    events.clear();
    texts_.clear();
    ++polls;
    starts_at_once_ = 0;
    clock_.advance_to(clock_.now() + poll_takes);
    deadline = std::max(deadline, clock_.now());
    while (!pending_.empty()) {
      const auto first = pending_.begin();
      const Instant at = first->first.first;
      if (at > deadline || (!events.empty() && at > clock_.now())) break;
      clock_.advance_to(at);
      deliver(first->second.first, std::move(first->second.second), at, events);
      pending_.erase(first);
    }
    if (events.empty()) clock_.advance_to(deadline);
  }

  void watch(RequestId id, bool on) override { watches.push_back({id, on}); }
  const TransportHealth& health() const override { return health_; }
  void reset_health() override { health_ = {}; }

  std::vector<RequestId> started;
  std::vector<uint32_t> lanes;
  std::vector<std::string> headers;
  std::vector<RequestId> cancelled;
  std::vector<std::pair<RequestId, bool>> watches;
  size_t most_in_flight = 0;
  size_t most_starts_at_once = 0;  // without a poll between them
  size_t polls = 0;
  Duration poll_takes{};
  Duration start_takes{};

 private:
  size_t starts_at_once_ = 0;
  void deliver(RequestId id, ScriptedEvent scripted, Instant at, std::vector<HttpEvent>& events) {
    if (!live_.contains(id)) return;
    texts_.push_back(std::make_unique<std::string>(std::move(scripted.text)));
    events.push_back({.kind = scripted.kind,
                      .id = id,
                      .at = at,
                      .received = scripted.late ? std::optional(at - *scripted.late) : std::nullopt,
                      .status = scripted.status,
                      .new_connection = scripted.new_connection,
                      .timed_out = scripted.timed_out,
                      .text = *texts_.back()});
    if (scripted.kind == HttpEvent::Kind::kEnd || scripted.kind == HttpEvent::Kind::kFailure) {
      forget(id);
    }
  }

  void forget(RequestId id) {
    if (live_.erase(id) > 0) --in_flight_;
  }

  ManualClock& clock_;
  Script script_;
  std::multimap<std::pair<Instant, int>, std::pair<RequestId, ScriptedEvent>> pending_;
  std::set<RequestId> live_;
  std::vector<std::unique_ptr<std::string>> texts_;
  size_t in_flight_ = 0;
  int sequence_ = 0;
  TransportHealth health_;
};

// A well-behaved answer of `tokens` tokens: the first after `ttft`, then one each `gap`.
inline std::vector<ScriptedEvent> good_answer(int tokens, Duration ttft, Duration gap) {
  std::vector<ScriptedEvent> events = {
      {.delay = Duration(0), .kind = HttpEvent::Kind::kSent},
      {.delay = ttft / 2,
       .kind = HttpEvent::Kind::kHeaders,
       .text = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"}};
  for (int i = 0; i < tokens; ++i) {
    events.push_back({.delay = ttft + i * gap,
                      .kind = HttpEvent::Kind::kBytes,
                      .text = R"(data: {"id":"r","choices":[{"index":0,"delta":{"content":" x"}}]})"
                              "\n\n"});
  }
  const Duration last = ttft + (tokens - 1) * gap;
  events.push_back({.delay = last,
                    .kind = HttpEvent::Kind::kBytes,
                    .text = R"(data: {"id":"r","choices":[{"index":0,"delta":{},)"
                            R"("finish_reason":"length"}]})"
                            "\n\ndata: [DONE]\n\n"});
  events.push_back({.delay = last, .kind = HttpEvent::Kind::kEnd});
  return events;
}

}  // namespace llmsweep
