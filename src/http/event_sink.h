// What every client has in common: where events and their bytes are kept between two polls, and
// the account of how its time was spent.
#pragma once

#include <algorithm>
#include <array>
#include <span>
#include <string_view>
#include <vector>

#include "http/event_arena.h"
#include "http/poller.h"
#include "http/receive_stamps.h"
#include "llmsweep/base/clock.h"
#include "llmsweep/http/http_client.h"

namespace llmsweep::http {

class EventSink {
 private:
  StampingKeeper stamping_;  // before the sampler, which asks it

 public:
  SteadyClock clock;
  std::vector<HttpEvent> events;
  ReceiveSampler sampler;
  TransportHealth health;

  explicit EventSink(bool receive_stamps)
      : stamping_(receive_stamps), sampler(stamping_.supported()) {
    reset_health();
  }

  HttpEvent& push(HttpEvent::Kind kind, RequestId id, Instant at) {
    HttpEvent& event = events.emplace_back();
    event.kind = kind;
    event.id = id;
    event.at = at;
    return event;
  }
  EventArena& arena() { return arenas_[arena_index_]; }

  // What start() appended since the last poll() lies in the current arena; the other one holds what
  // that poll() handed out, and is no longer needed when the next one begins.
  void begin_poll() { arenas_[1 - arena_index_].reset(); }
  void hand_over(std::vector<HttpEvent>& to) {
    to.swap(events);
    arena_index_ = 1 - arena_index_;
  }
  void forget(RequestId id) {
    events.erase(std::remove_if(events.begin(), events.end(),
                                [id](const HttpEvent& event) { return event.id == id; }),
                 events.end());
  }

  std::span<const Poller::Ready> wait(Poller& poller, Instant now, Instant deadline) {
    const auto ready = poller.wait(now, deadline);
    const Instant woken = clock.now();
    const bool slept = woken - now >= kShortestSleep;
    health.busy += slept ? now - awake_since_ : woken - awake_since_;
    if (slept) health.waited += woken - now;
    awake_since_ = woken;
    sampler.woke(woken);
    ++health.iterations;
    return ready;
  }

  void reset_health() {
    TransportHealth fresh;
    fresh.receive_stamps = sampler.enabled();
    fresh.receive_delays.swap(health.receive_delays);
    health = std::move(fresh);
    sampler.reset(health);
    awake_since_ = clock.now();
  }

 private:
  // A wait that returns sooner did not put the thread to sleep: its time is work.
  static constexpr Duration kShortestSleep = std::chrono::microseconds(5);

  std::array<EventArena, 2> arenas_;
  size_t arena_index_ = 0;
  Instant awake_since_{};
};

}  // namespace llmsweep::http
