// Everything a server or a network can do wrong is one kFailure with a reason that says what.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <future>

#include "http/drive.h"

namespace llmsweep::test {
namespace {

using Kind = HttpEvent::Kind;
using testing::AnyOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class Faults : public TransportTest {
 protected:
  // libcurl under TLS names what it met after the reset instead.
  static testing::Matcher<const std::string&> is_a_reset() {
    const bool libcurl_tls = GetParam().tls && GetParam().transport == Transport::kLibcurl;
    if (libcurl_tls) return AnyOf(HasSubstr("broke while receiving"), HasSubstr("sending to"));
    return HasSubstr("Connection reset by peer");
  }
  // What one request sees of a server whose every connection runs `script`.
  Seen attempt(RawServer::Script script) {
    RawServer server(std::move(script));
    HttpClientOptions options = options_for(server);
    options.headers = {{"Authorization", "Bearer pl4nted"}};
    Driver driver(options);
    const Seen seen = driver.run(1);
    EXPECT_THAT(seen.failure, Not(HasSubstr("pl4nted")));
    return seen;
  }
};
INSTANTIATE_TEST_SUITE_P(Over, Faults, all_ways(), way_name);

TEST_P(Faults, ARefusedConnectionNamesHostPortAndCause) {
  const int port = unused_port();
  const std::string scheme = GetParam().tls ? "https" : "http";
  Driver driver(options_to(scheme + "://127.0.0.1:" + std::to_string(port) + "/"));
  const Seen& seen = driver.run(1);
  EXPECT_THAT(seen.kinds, ElementsAre(Kind::kFailure));
  EXPECT_EQ(seen.failure,
            "cannot connect to 127.0.0.1:" + std::to_string(port) + ": Connection refused");
  EXPECT_FALSE(seen.timed_out);
}

TEST_P(Faults, AHostThatDoesNotResolveFailsEachRequest) {
  const HttpClientOptions options = options_to("http://no-such-host.invalid:8000/");
  Driver driver(options);
  const Seen& seen = driver.run(1);
  EXPECT_THAT(seen.kinds, ElementsAre(Kind::kFailure));
  EXPECT_EQ(seen.failure, "the name of no-such-host.invalid:8000 does not resolve");
  EXPECT_THAT(resolve_endpoint(options.urls[0]).error, HasSubstr("does not resolve"));
}

// TLS is spoken, the server says nothing: the connect time-out covers the handshake.
TEST_P(Faults, AConnectionThatIsNeverAcceptedTimesOut) {
  test::RawServer server([](Peer& peer) { peer.wait_until_closed(); });
  HttpClientOptions options = options_for(server);
  options.urls[0].replace(0, 4, "https");
  options.connect_timeout = std::chrono::milliseconds(100);
  const Seen seen = Driver(options).run(1);
  EXPECT_THAT(seen.kinds, ElementsAre(Kind::kFailure));
  EXPECT_TRUE(seen.timed_out);
  EXPECT_THAT(seen.failure, HasSubstr("within 100ms"));
  if (GetParam().transport == Transport::kSockets) {
    EXPECT_THAT(seen.failure, HasSubstr("no TLS handshake with 127.0.0.1:"));
  }
}

TEST_P(Faults, AnEmptyAnswerFails) {
  const Seen seen = attempt([](Peer& peer) { (void)peer.read_request(); });
  EXPECT_THAT(seen.kinds, ElementsAre(Kind::kSent, Kind::kFailure));
  EXPECT_THAT(seen.failure, HasSubstr("closed the connection without answering"));
}

TEST_P(Faults, AResetInTheMiddleKeepsTheBytesBeforeIt) {
  std::promise<void> seen_by_client;
  RawServer server([&](Peer& peer) {
    (void)peer.read_request();
    peer.send(kChunkedHead);
    peer.send_chunk("before");
    seen_by_client.get_future().wait();  // a reset discards what was not read
    peer.reset();
  });
  Driver driver(options_for(server));
  driver.start(1);
  while (driver.seen(1).deliveries == 0) driver.poll_once();
  seen_by_client.set_value();
  const Seen& seen = driver.finish(1);
  EXPECT_EQ(seen.bytes, "before");
  EXPECT_THAT(seen.kinds, ElementsAre(Kind::kSent, Kind::kHeaders, Kind::kBytes, Kind::kFailure));
  EXPECT_THAT(seen.failure, is_a_reset());
}

// Every time: the look at a receive stamp, one read in 16, does not take the error.
TEST_P(Faults, AResetIsCalledSo) {
  RawServer server([](Peer& peer) {
    (void)peer.read_request();
    peer.reset();
  });
  Driver driver(options_for(server));
  for (RequestId id = 0; id < 200; ++id) {
    const Seen& seen = driver.run(id);
    ASSERT_EQ(seen.kinds.back(), Kind::kFailure);
    ASSERT_THAT(seen.failure, is_a_reset()) << id;
    ASSERT_THAT(seen.failure, HasSubstr("127.0.0.1:"));
  }
}

TEST_P(Faults, ATruncatedChunkedBodyFails) {
  const Seen seen = attempt([](Peer& peer) {
    (void)peer.read_request();
    peer.send(std::string(kChunkedHead) + "a\r\nabc");
  });
  EXPECT_THAT(seen.kinds, ElementsAre(Kind::kSent, Kind::kHeaders, Kind::kBytes, Kind::kFailure));
  EXPECT_EQ(seen.bytes, "abc");
  EXPECT_THAT(seen.failure, HasSubstr("in the middle of the answer"));
}

TEST_P(Faults, AChunkedBodyWithoutItsLastChunkFails) {
  const Seen seen = attempt([](Peer& peer) {
    (void)peer.read_request();
    peer.send(kChunkedHead);
    peer.send_chunk("abc");
  });
  EXPECT_EQ(seen.bytes, "abc");
  EXPECT_THAT(seen.failure, HasSubstr("in the middle of the answer"));
}

TEST_P(Faults, ABodyShorterThanItsLengthFails) {
  const Seen seen = attempt([](Peer& peer) {
    (void)peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
  });
  EXPECT_EQ(seen.bytes, "abc");
  EXPECT_THAT(seen.failure, HasSubstr("7 bytes remaining"));
}

TEST_P(Faults, ABrokenChunkSizeFails) {
  const Seen seen = attempt([](Peer& peer) {
    (void)peer.read_request();
    peer.send(std::string(kChunkedHead) + "zz\r\nabc\r\n");
    peer.wait_until_closed();
  });
  EXPECT_THAT(seen.kinds, ElementsAre(Kind::kSent, Kind::kHeaders, Kind::kFailure));
  EXPECT_THAT(seen.failure, HasSubstr("is not HTTP"));
}

TEST_P(Faults, AnAnswerThatIsNotHttpFails) {
  const Seen seen = attempt([](Peer& peer) {
    (void)peer.read_request();
    peer.send("220 mail.example.org ESMTP\r\n");
    peer.wait_until_closed();
  });
  EXPECT_EQ(seen.kinds.back(), Kind::kFailure);
  EXPECT_THAT(seen.failure, HasSubstr("is not HTTP"));
}

TEST_P(Faults, CompressionThatNobodyAskedForFails) {
  const Seen seen = attempt([](Peer& peer) {
    (void)peer.read_request();
    peer.send(with_length("\x1f\x8b\x08garbage", "content-encoding:  gzip\r\n"));
    peer.wait_until_closed();
  });
  EXPECT_THAT(seen.kinds, ElementsAre(Kind::kSent, Kind::kHeaders, Kind::kFailure));
  EXPECT_THAT(seen.failure, HasSubstr("compressed"));
}

TEST_P(Faults, HeadersBeyondTheLimitFail) {
  const Seen seen = attempt([](Peer& peer) {
    (void)peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\n");
    while (peer.send("X-Filler: " + std::string(1000, 'x') + "\r\n")) {
    }
  });
  EXPECT_THAT(seen.kinds, ElementsAre(Kind::kSent, Kind::kFailure));
  EXPECT_THAT(seen.failure, HasSubstr("longer than the limit"));
}

TEST_P(Faults, AnEndlessHeaderLineFails) {
  const Seen seen = attempt([](Peer& peer) {
    (void)peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\nX: ");
    while (peer.send(std::string(1000, 'x'))) {
    }
  });
  EXPECT_THAT(seen.kinds, ElementsAre(Kind::kSent, Kind::kFailure));
  EXPECT_THAT(seen.failure, HasSubstr("long"));
}

TEST_P(Faults, HeadersUpToTheLimitAreKeptWhole) {
  const std::string filler = "X-Filler: " + std::string(30'000, 'x') + "\r\n";
  const std::string answer = with_length("ok", filler + filler);
  RawServer server([&](Peer& peer) {
    (void)peer.read_request();
    peer.send(answer);
    peer.wait_until_closed();
  });
  const Seen seen = Driver(options_for(server)).run(1);
  EXPECT_EQ(seen.headers + "ok", answer);
}

TEST_P(Faults, LeaveTheClientUsable) {
  RawServer server([](Peer& peer) {
    (void)peer.read_request();
    if (peer.number() % 2 == 0) return;
    peer.send(with_length("ok", "Connection: close\r\n"));
  });
  Driver driver(options_for(server));
  for (RequestId id = 0; id < 10; ++id) {
    EXPECT_EQ(driver.run(id).kinds.back(), id % 2 == 0 ? Kind::kFailure : Kind::kEnd);
  }
}

TEST_P(Faults, AProxyOfTheEnvironmentIsUsedOnlyWhenAsked) {
  test::RawServer proxy([](Peer& peer) {
    (void)peer.read_request();
    peer.send(with_length("proxied"));
    peer.wait_until_closed();
  });
  test::RawServer server([](Peer& peer) {
    if (peer.read_request()) peer.send(with_length("direct"));
    peer.wait_until_closed();
  });
  setenv("http_proxy", proxy.url().c_str(), 1);
  HttpClientOptions options = options_for(server);
  EXPECT_EQ(Driver(options).run(1).bytes, "direct");
  options.use_proxy = true;
  options.transport = Transport::kAuto;
  EXPECT_EQ(Driver(options).run(1).bytes, "proxied");
  unsetenv("http_proxy");
}

}  // namespace
}  // namespace llmsweep::test
