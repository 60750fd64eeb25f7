#include "llmsweep/load/watchdog.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace llmsweep {
namespace {
using namespace std::chrono_literals;

// Moved by hand, read by the watchdog's thread.
class SharedClock final : public Clock {
 public:
  Instant now() const override {
    ++readings_;
    return from_ns(ns_);
  }
  // Comes back when the watchdog has looked at the new time.
  void advance(Duration by) {
    ns_ += by.count();
    const int64_t before = readings_;
    while (readings_ < before + 2) std::this_thread::yield();
  }

 private:
  std::atomic<int64_t> ns_{1'000'000'000};
  mutable std::atomic<int64_t> readings_{0};
};

TEST(Watchdog, SeesNoStallWhereTicksComeInTime) {
  SharedClock clock;
  Watchdog watchdog(clock);
  for (int i = 0; i < 20; ++i) clock.advance(5ms);  // a tick is due after 3 ms: 2 ms late
  EXPECT_TRUE(watchdog.stop().empty());
}

TEST(Watchdog, RemembersWhereverMoreThanFiveMillisecondsPassed) {
  SharedClock clock;
  Watchdog watchdog(clock);
  clock.advance(3ms);
  const Instant before = clock.now();
  clock.advance(50ms);
  clock.advance(3ms);
  clock.advance(5ms + 1us);
  const std::vector<Stall> stalls = watchdog.stop();
  ASSERT_EQ(stalls.size(), 2u);
  EXPECT_EQ(stalls[0].begin, before + 3ms);
  EXPECT_EQ(stalls[0].end, before + 50ms);
  EXPECT_EQ(stalls[1].end - stalls[1].begin, Duration(2ms + 1us));
  EXPECT_TRUE(watchdog.stop().empty());
}

TEST(Pulse, KnowsOfAStallBeforeTheWatchdogRunsAndForAMomentAfter) {
  SharedClock clock;
  Watchdog watchdog(clock);
  const Pulse& pulse = watchdog.pulse();
  const auto advance = [&](Duration by) {
    clock.advance(by);
    while (pulse.last_tick_ns != to_ns(clock.now())) std::this_thread::yield();
  };
  advance(3ms);
  const Instant tick = clock.now();
  EXPECT_FALSE(pulse.stalled(tick, tick + 4ms));
  EXPECT_TRUE(pulse.stalled(tick, tick + 6ms));  // no tick came
  advance(12ms);
  const Instant end = clock.now();
  EXPECT_TRUE(pulse.stalled(tick, end + 1ms));
  EXPECT_FALSE(pulse.stalled(end, end + 1ms));  // the loop was awake since then
  advance(3ms);
  EXPECT_TRUE(pulse.stalled(tick, end - 1ms));   // it read before the watchdog ticked
  EXPECT_FALSE(pulse.stalled(tick, end + 2ms));  // it had time to catch up
}

TEST(Pulse, SaysNothingBeforeTheFirstTick) {
  const Pulse pulse;
  EXPECT_FALSE(pulse.stalled(from_ns(0), from_ns(1'000'000'000)));
}

}  // namespace
}  // namespace llmsweep
