// Which connection carries a request, and what is told about it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <thread>

#include "http/drive.h"
#include "http/socket_address.h"
#include "llmsweep/base/error.h"

namespace llmsweep::test {
namespace {

using Kind = HttpEvent::Kind;
using testing::ElementsAre;
using testing::HasSubstr;

void answer_all(Peer& peer) {
  while (peer.read_request()) peer.send(with_length("ok"));
}

bool ipv6_available() {
  try {
    RawServer probe([](Peer&) {}, {.host = "::1"});
    return true;
  } catch (const std::runtime_error&) {
    return false;
  }
}

class Connections : public TransportTest {};
INSTANTIATE_TEST_SUITE_P(Over, Connections, all_ways(), way_name);

TEST_P(Connections, AreKeptBetweenRequestsOfALane) {
  RawServer server(answer_all);
  Driver driver(options_for(server));
  for (RequestId id = 0; id < 50; ++id) {
    EXPECT_EQ(driver.run(id).new_connections, id == 0 ? 1 : 0);
  }
  EXPECT_EQ(server.connections(), 1);
  EXPECT_EQ(driver.client().health().new_connections, 1);
  EXPECT_EQ(driver.client().health().resends, 0);
}

// The process was kept from its core for longer than the connect time-out, the server was not.
TEST(SocketConnections, AreNotTooLateForWhatCameWhileNobodyLooked) {
  RawServer server(answer_all);
  HttpClientOptions options = options_for(server, Transport::kSockets);
  options.connect_timeout = std::chrono::milliseconds(50);
  Driver driver(options);
  driver.start(1);
  std::this_thread::sleep_for(std::chrono::milliseconds(150));
  EXPECT_EQ(driver.finish(1).bytes, "ok");
}

TEST(LibcurlConnections, StayInTheirGroupWhateverTheOrderOfRequests) {
  RawServer server(answer_all);
  HttpClientOptions options = options_for(server, Transport::kLibcurl);
  options.max_connections = 2048;  // four groups
  Driver driver(options);
  RequestId id = 0;
  for (const uint32_t lane : {0u, 1u, 2u, 3u, 3u, 2u, 1u, 0u, 2u, 2u}) {
    driver.start(++id, "{}", lane);
    driver.finish(id);
  }
  EXPECT_EQ(server.connections(), 4);
}

TEST_P(Connections, AreNewWhenTheServerClosesAfterEachResponse) {
  RawServer server([](Peer& peer) {
    (void)peer.read_request();
    peer.send(with_length("ok", "Connection: close\r\n"));
  });
  Driver driver(options_for(server));
  for (RequestId id = 0; id < 10; ++id) {
    const Seen& seen = driver.run(id);
    EXPECT_EQ(seen.bytes, "ok");
    EXPECT_EQ(seen.new_connections, 1);
    EXPECT_EQ(seen.resent, 0);
  }
  EXPECT_EQ(server.connections(), 10);
}

TEST_P(Connections, ThatTheServerClosedSilentlyAreReplacedAndReported) {
  RawServer server([](Peer& peer) {
    (void)peer.read_request();
    peer.send(with_length("ok"));
  });
  Driver driver(options_for(server));
  for (RequestId id = 0; id < 10; ++id) {
    const Seen& seen = driver.run(id);
    EXPECT_EQ(seen.bytes, "ok");
    EXPECT_EQ(seen.kinds.back(), Kind::kEnd);
    EXPECT_EQ(seen.new_connections, 1);  // noticed before the send, or by a second one
  }
  EXPECT_EQ(server.connections(), 10);
}

TEST_P(Connections, DyingUnderARequestShowAsASecondSend) {
  RawServer server([](Peer& peer) {
    (void)peer.read_request();
    peer.send(with_length("ok"));
    if (peer.number() == 0) {
      (void)peer.read_request();
      return;  // closes without a byte
    }
    peer.wait_until_closed();
  });
  Driver driver(options_for(server));
  driver.run(1);
  const Seen& seen = driver.run(2);
  EXPECT_THAT(seen.kinds,
              ElementsAre(Kind::kSent, Kind::kSent, Kind::kHeaders, Kind::kBytes, Kind::kEnd));
  EXPECT_EQ(seen.resent, 1);
  EXPECT_EQ(seen.new_connections, 1);
  EXPECT_LT(seen.at[0], seen.at[1]);
  EXPECT_EQ(driver.client().health().resends, 1);
}

TEST_P(Connections, CarryTheHeadersOfARequestOnItsSecondSendAndOnNoOther) {
  std::mutex mutex;
  std::vector<std::string> requests;
  RawServer server([&](Peer& peer) {
    for (int i = 0; const auto request = peer.read_request(); ++i) {
      {
        const std::lock_guard lock(mutex);
        requests.push_back(*request);
      }
      if (peer.number() == 0 && i == 1) return;  // closes without a byte
      peer.send(with_length("ok"));
    }
  });
  HttpClientOptions options = options_for(server);
  options.headers = {{"X-Test", "all"}};
  {
    Driver driver(options);
    driver.run(1);
    driver.client().start(
        2, {.body = shared("{}"), .headers = {"traceparent: 00-a-b-01", "X-Session: 7"}});
    EXPECT_EQ(driver.finish(2).resent, 1);
    driver.run(3);
  }
  ASSERT_EQ(requests.size(), 4U);
  for (size_t i = 0; i < requests.size(); ++i) {
    const bool own = i == 1 || i == 2;
    EXPECT_THAT(requests[i], HasSubstr("\r\nX-Test: all\r\n"));
    EXPECT_EQ(requests[i].find("\r\ntraceparent: 00-a-b-01\r\n") != std::string::npos, own) << i;
    EXPECT_EQ(requests[i].find("\r\nX-Session: 7\r\n") != std::string::npos, own) << i;
    EXPECT_THAT(requests[i], HasSubstr("\r\n\r\n{}"));
  }
}

TEST_P(Connections, MayDieAnyNumberOfTimes) {
  // libcurl by itself fails every sixth such request of a handle that is used again.
  RawServer server([](Peer& peer) {
    (void)peer.read_request();
    peer.send(with_length("ok"));
    (void)peer.read_request();
  });
  Driver driver(options_for(server));
  for (RequestId id = 0; id < 20; ++id) {
    const Seen& seen = driver.run(id);
    EXPECT_EQ(seen.bytes, "ok");
    EXPECT_EQ(seen.resent, id == 0 ? 0 : 1);
  }
  EXPECT_EQ(server.connections(), 20);
}

TEST_P(Connections, DyingLongAfterTheSendFailTheRequest) {
  std::atomic<int> requests = 0;
  RawServer server([&](Peer& peer) {
    for (; peer.read_request(); peer.send(with_length("ok"))) {
      if (++requests < 2) continue;
      std::this_thread::sleep_for(kResendWindow + std::chrono::milliseconds(100));
      return;
    }
  });
  Driver driver(options_for(server));
  driver.run(1);
  const Seen& seen = driver.run(2);
  EXPECT_THAT(seen.kinds, ElementsAre(Kind::kSent, Kind::kFailure));
  EXPECT_THAT(seen.failure, HasSubstr("closed without an answer"));
  EXPECT_EQ(requests, 2);
}

TEST_P(Connections, AreClosedByCancelAndNothingFollows) {
  std::atomic<bool> client_left = false;
  RawServer server([&](Peer& peer) {
    (void)peer.read_request();
    peer.send(kChunkedHead);
    while (peer.send_chunk("more")) {
    }
    client_left = true;
  });
  Driver driver(options_for(server));
  driver.start(1);
  while (driver.seen(1).deliveries == 0) driver.poll_once();
  driver.client().cancel(1);
  const size_t before = driver.events();
  driver.client().cancel(1);  // no longer in flight
  while (!client_left) driver.poll_until(SteadyClock().now() + std::chrono::milliseconds(1));
  EXPECT_EQ(driver.events(), before);
  EXPECT_FALSE(driver.seen(1).ended);
}

TEST_P(Connections, OfACancelledRequestAreNotUsedAgain) {
  RawServer server([](Peer& peer) {
    if (peer.number() == 0) {
      peer.wait_until_closed();
    } else {
      answer_all(peer);
    }
  });
  Driver driver(options_for(server));
  driver.start(1);
  while (driver.seen(1).sent == 0) driver.poll_once();
  driver.client().cancel(1);
  driver.start(1);  // the id is free again
  EXPECT_EQ(driver.finish(1).bytes, "ok");
  EXPECT_EQ(server.connections(), 2);
}

TEST_P(Connections, CancelTakesBackWhatStartHasSeen) {
  RawServer server(answer_all);
  Driver driver(options_for(server));
  driver.run(1);
  driver.start(2);  // on the kept connection: sent at once
  driver.client().cancel(2);
  driver.poll_until(SteadyClock().now());
  EXPECT_EQ(driver.seen(2).sent, 0);
}

TEST_P(Connections, AreClosedWithTheClientWhileRequestsAreInFlight) {
  std::atomic<int> left = 0;
  RawServer server([&](Peer& peer) {
    (void)peer.read_request();
    peer.send(kChunkedHead);
    peer.send_chunk("x");
    peer.wait_until_closed();
    ++left;
  });
  {
    Driver driver(options_for(server));
    for (RequestId id = 0; id < 20; ++id) driver.start(id);
    driver.poll_once();
  }
  const Instant limit = SteadyClock().now() + std::chrono::seconds(10);
  while (left < server.connections() && SteadyClock().now() < limit) std::this_thread::yield();
  EXPECT_EQ(left, server.connections());
}

TEST_P(Connections, GoToTheEndpointThatTheRequestNames) {
  RawServer first([](Peer& peer) {
    (void)peer.read_request();
    peer.send(with_length("first"));
    peer.wait_until_closed();
  });
  RawServer second([](Peer& peer) {
    (void)peer.read_request();
    peer.send(with_length("second"));
    peer.wait_until_closed();
  });
  HttpClientOptions options = options_for(first);
  options.urls.push_back(second.url());
  Driver driver(options);
  driver.client().start(1, {.body = shared("{}"), .endpoint = 1});
  EXPECT_EQ(driver.finish(1).bytes, "second");
  driver.client().start(2, {.body = shared("{}"), .endpoint = 0});
  EXPECT_EQ(driver.finish(2).bytes, "first");
}

TEST_P(Connections, ToLocalhostUseTheAddressThatAnswers) {
  for (const std::string& host : {std::string("127.0.0.1"), std::string("::1")}) {
    if (host == "::1" && !ipv6_available()) continue;
    RawServer server(answer_all, {.host = host});
    const std::string scheme = GetParam().tls ? "https" : "http";
    const std::string url = scheme + "://localhost:" + std::to_string(server.port()) + "/";
    const ResolvedEndpoint resolved = resolve_endpoint(url);
    if (host == "::1" && resolved.addresses.size() < 2) continue;  // localhost is IPv4 only here
    EXPECT_EQ(resolved.error, "");
    EXPECT_EQ(resolved.host, "localhost");
    EXPECT_EQ(resolved.address,
              (host == "::1" ? "[::1]:" : "127.0.0.1:") + std::to_string(server.port()));
    EXPECT_EQ(Driver(options_to(url)).run(1).bytes, "ok");
  }
}

TEST_P(Connections, GoToThePinnedAddressWithTheNameInTheHostHeader) {
  std::string request;
  test::RawServer server([&](Peer& peer) {
    const auto got = peer.read_request();
    if (!got) return;
    request = *got;
    peer.send(with_length("ok"));
    peer.wait_until_closed();
  });
  HttpClientOptions options = options_to("http://llm.invalid:1234/v1");
  options.addresses = {"127.0.0.1:" + std::to_string(server.port())};
  { EXPECT_EQ(Driver(options).run(1).bytes, "ok"); }
  EXPECT_THAT(request, HasSubstr("Host: llm.invalid:1234\r\n"));
}

TEST_P(Connections, OverIpv6) {
  if (!ipv6_available()) GTEST_SKIP() << "no IPv6 here";
  RawServer server(answer_all, {.host = "::1"});
  EXPECT_EQ(Driver(options_for(server)).run(1).bytes, "ok");
}

TEST(SocketAddress, IsReadFromTextOrRefused) {
  EXPECT_EQ(http::parse_socket_address("127.0.0.1:8000").family(), AF_INET);
  EXPECT_EQ(http::parse_socket_address("[::1]:8000").family(), AF_INET6);
  EXPECT_EQ(http::parse_socket_address("[fe80::1%lo]:8000").family(), AF_INET6);
  for (const char* text : {"", ":", "127.0.0.1", "127.0.0.1:", ":80", "localhost:80", "1.2.3:x"}) {
    EXPECT_THROW(http::parse_socket_address(text), Error) << text;
  }
}

TEST(Ports, AreRefusedWithTheRemedyWhereTheyAreTooFew) {
  ensure_ports(10'000, 1);
  ensure_ports(65'536, 10);
  try {
    ensure_ports(65'536, 1);  // more than there are numbers
    ADD_FAILURE() << "not refused";
  } catch (const MeasurementError& error) {
    EXPECT_THAT(error.what(), HasSubstr("ip_local_port_range"));
  }
}

TEST(Descriptors, AreRaisedOrRefusedWithTheRemedy) {
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  const rlimit low{.rlim_cur = 128, .rlim_max = before.rlim_max};
  setrlimit(RLIMIT_NOFILE, &low);
  ensure_descriptors(1000);
  rlimit now{};
  getrlimit(RLIMIT_NOFILE, &now);
  EXPECT_GT(now.rlim_cur, 1000u);
  // More than any kernel allows (fs.nr_open).
  try {
    ensure_descriptors(size_t{1} << 40);
    ADD_FAILURE() << "not refused";
  } catch (const MeasurementError& error) {
    EXPECT_THAT(error.what(), HasSubstr("ulimit -n"));
  }
  setrlimit(RLIMIT_NOFILE, &before);
}

}  // namespace
}  // namespace llmsweep::test
