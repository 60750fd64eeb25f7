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

}  // namespace
}  // namespace llmsweep
