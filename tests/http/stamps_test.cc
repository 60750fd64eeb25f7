// How late the client's own stamps are, by the kernel's account.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <limits>
#include <thread>

#include "http/drive.h"
#include "http/event_arena.h"
#include "http/receive_stamps.h"

namespace llmsweep::test {
namespace {

using http::EventArena;
using http::ReceiveSampler;

class ReceiveStamps : public TransportTest {};
INSTANTIATE_TEST_SUITE_P(Over, ReceiveStamps, all_ways(), way_name);
class HealthAccount : public TransportTest {};
INSTANTIATE_TEST_SUITE_P(Over, HealthAccount, all_ways(), way_name);

TEST_P(ReceiveStamps, AreSampledInOneReadOfSixteen) {
  if (!http::StampingKeeper(true).supported()) GTEST_SKIP() << "no receive stamps here";
  std::atomic<int> wanted = 0;
  RawServer server([&](Peer& peer) {
    (void)peer.read_request();
    bool open = peer.send(kChunkedHead);
    for (int i = 0; open; ++i) {
      while (wanted < i) std::this_thread::yield();
      open = peer.send_chunk("token");
    }
  });
  Driver driver(options_for(server));
  const TransportHealth& health = driver.client().health();
  driver.start(1);
  // The kernel may take its time to switch stamping on.
  const Instant limit = SteadyClock().now() + std::chrono::seconds(10);
  while (health.receive_delays.size() < 100 && SteadyClock().now() < limit) {
    driver.poll_once();
    wanted = driver.seen(1).deliveries;
  }
  wanted = std::numeric_limits<int>::max();
  driver.client().cancel(1);
  EXPECT_TRUE(health.receive_stamps);
  ASSERT_EQ(health.receive_delays.size(), 100u);
  // 1,600 reads expected for 100 samples; a deviation is about 16 reads × √100.
  EXPECT_GT(health.reads, 1600 - 6 * 160);
  auto delays = health.receive_delays;
  std::sort(delays.begin(), delays.end());
  EXPECT_GT(delays[delays.size() / 2], Duration(0));
  EXPECT_LT(delays[delays.size() / 2], std::chrono::milliseconds(1));
  EXPECT_EQ(health.receive_delay_max, delays.back());
}

// An answer of so many chunks, each of which waits until those before it are `taken`.
auto answers_as_taken(int chunks, const std::atomic<int>& taken) {
  return [chunks, &taken](Peer& peer) {
    (void)peer.read_request();
    bool open = peer.send(kChunkedHead);
    for (int i = 0; open && i < chunks; ++i) {
      while (taken < i) std::this_thread::yield();
      open = peer.send_chunk("token");
    }
    peer.send("0\r\n\r\n");
  };
}

// A read that is watched says when the kernel had it; of the others only the sample does.
TEST_P(ReceiveStamps, ComeWithEveryReadThatIsWatched) {
  if (!http::StampingKeeper(true).supported()) GTEST_SKIP() << "no receive stamps here";
  constexpr int kReads = 400;
  std::atomic<int> taken = 0;
  RawServer server(answers_as_taken(kReads, taken));
  const auto client = make_http_client(options_for(server));
  client->start(1, {.body = shared("{}")});
  std::vector<HttpEvent> events;
  int stamped[2] = {0, 0};
  int reads[2] = {0, 0};
  bool ended = false;
  const Instant limit = SteadyClock().now() + std::chrono::seconds(20);
  while (!ended && SteadyClock().now() < limit) {
    client->poll(limit, events);
    for (const HttpEvent& event : events) {
      ended |= event.kind == HttpEvent::Kind::kEnd || event.kind == HttpEvent::Kind::kFailure;
      if (event.kind != HttpEvent::Kind::kBytes) continue;
      const bool second_half = taken >= kReads / 2;
      ++reads[second_half];
      stamped[second_half] += event.received ? 1 : 0;
      if (event.received) {
        EXPECT_LE(*event.received, event.at);
        EXPECT_GT(*event.received, event.at - std::chrono::seconds(1));
      }
      if (++taken == kReads / 2) client->watch(1, false);
    }
  }
  ASSERT_TRUE(ended);
  // The kernel may take its time to switch stamping on.
  EXPECT_GE(stamped[0], reads[0] - 20);
  EXPECT_LE(stamped[1], reads[1] / 4);
}

TEST(ReceiveSampler, LooksLessOftenWhereMuchArrives) {
  if (!http::StampingKeeper(true).supported()) GTEST_SKIP() << "no receive stamps here";
  constexpr int kReads = 24'000;  // 1,500 looks if it went on as it begins
  std::atomic<int> taken = 0;
  RawServer server(answers_as_taken(kReads, taken));
  Driver driver(options_for(server, Transport::kSockets));
  const Instant begun = SteadyClock().now();
  driver.start(1);
  while (!driver.seen(1).ended) {
    driver.poll_once();
    taken = driver.seen(1).deliveries;
  }
  const double seconds = to_seconds(SteadyClock().now() - begun);
  const size_t looks = driver.client().health().receive_delays.size();
  EXPECT_EQ(driver.seen(1).deliveries, kReads);
  EXPECT_LE(static_cast<double>(looks), std::max(1024.0, 250 * seconds + 1));
  EXPECT_GE(looks, 256u);
}

TEST_P(ReceiveStamps, AreNotTakenWhenSwitchedOff) {
  RawServer server([](Peer& peer) {
    while (peer.read_request()) peer.send(with_length("ok"));
  });
  HttpClientOptions options = options_for(server);
  options.receive_stamps = false;
  Driver driver(options);
  for (RequestId id = 0; id < 200; ++id) driver.run(id);
  EXPECT_FALSE(driver.client().health().receive_stamps);
  EXPECT_TRUE(driver.client().health().receive_delays.empty());
}

// A stop ends a wait without anything to read; what had waited comes with the wake after it.
TEST(ReceiveSampler, LooksAtEachReadAfterAPauseUntilSomeHadNotWaited) {
  using std::chrono::milliseconds;
  ReceiveSampler sampler(true);
  TransportHealth health;
  sampler.reset(health);
  Instant now = from_ns(1'000'000'000);
  sampler.woke(now);
  now += milliseconds(800);
  sampler.woke(now);
  now += std::chrono::microseconds(5);
  sampler.woke(now);
  const auto look = [&](Duration waited) {
    if (!sampler.wants(false)) return false;
    sampler.arrived(now - waited);
    sampler.after_read();
    return true;
  };
  for (int i = 0; i < 300; ++i) {
    EXPECT_TRUE(look(milliseconds(300))) << i;
    if (i % 100 == 0) sampler.woke(now += std::chrono::microseconds(50));
  }
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(look(Duration(0))) << i;
  int looks = 0;
  for (int i = 0; i < 1600; ++i) looks += look(Duration(0)) ? 1 : 0;
  EXPECT_LT(looks, 200);  // the sample of one in 16
}

TEST(ReceiveSampler, GivesUpWhereTheKernelGivesNone) {
  ReceiveSampler sampler(true);
  TransportHealth health;
  sampler.reset(health);
  for (int i = 0; i < 100'000; ++i) {
    if (sampler.wants(false)) sampler.peek(-1);
    sampler.stamped(from_ns(i), health);
    sampler.after_read();
  }
  EXPECT_FALSE(sampler.enabled());
  EXPECT_TRUE(health.receive_delays.empty());
}

TEST_P(HealthAccount, StartsAnewWhenReset) {
  RawServer server([](Peer& peer) {
    while (peer.read_request()) peer.send(with_length("ok"));
  });
  Driver driver(options_for(server));
  for (RequestId id = 0; id < 100; ++id) driver.run(id);
  const TransportHealth before = driver.client().health();
  EXPECT_EQ(before.reads, 100);
  EXPECT_GE(before.iterations, 100);
  EXPECT_GT(before.busy, Duration(0));
  driver.client().reset_health();
  const TransportHealth& after = driver.client().health();
  EXPECT_EQ(after.reads, 0);
  EXPECT_EQ(after.iterations, 0);
  EXPECT_EQ(after.new_connections, 0);
  EXPECT_TRUE(after.receive_delays.empty());
  EXPECT_EQ(after.busy + after.waited, Duration(0));
}

TEST_P(HealthAccount, AccountsForAllOfTheTime) {
  RawServer server([](Peer& peer) {
    while (peer.read_request()) peer.send(with_length("ok"));
  });
  Driver driver(options_for(server));
  driver.client().reset_health();
  const Instant start = SteadyClock().now();
  for (RequestId id = 0; id < 100; ++id) driver.run(id);
  driver.poll_until(SteadyClock().now() + std::chrono::milliseconds(10));
  const Duration wall = SteadyClock().now() - start;
  const TransportHealth& health = driver.client().health();
  EXPECT_LE(health.busy + health.waited, wall + std::chrono::milliseconds(1));
  EXPECT_GE(health.busy + health.waited, wall - std::chrono::milliseconds(5));
  EXPECT_GE(health.waited, std::chrono::milliseconds(9));
}

TEST(EventArena, ExtendsInPlaceAndKeepsWhatItHandedOut) {
  EventArena arena;
  const std::string_view first = arena.append("one");
  const std::string_view longer = arena.extend(first, "two");
  EXPECT_EQ(longer, "onetwo");
  EXPECT_EQ(longer.data(), first.data());
  const std::string_view other = arena.append("x");
  const std::string_view moved = arena.extend(longer, "three");
  EXPECT_EQ(moved, "onetwothree");
  EXPECT_EQ(other, "x");
  EXPECT_EQ(longer, "onetwo");
}

TEST(EventArena, TakesMoreThanABlockAndReusesItsBlocks) {
  EventArena arena;
  const std::string big(1 << 20, 'b');
  std::vector<std::string_view> parts;
  for (int i = 0; i < 5; ++i) {
    parts.push_back(arena.append("small"));
    parts.push_back(arena.append(big));
  }
  for (size_t i = 0; i < parts.size(); ++i) {
    EXPECT_TRUE(i % 2 == 0 ? parts[i] == "small" : parts[i] == big);
  }
  const char* before = parts[0].data();
  arena.reset();
  EXPECT_EQ(arena.append("again").data(), before);
  EXPECT_EQ(arena.append(""), "");
}

}  // namespace
}  // namespace llmsweep::test
