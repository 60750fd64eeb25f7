#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <set>
#include <thread>
#include <utility>

#include "http/drive.h"
#include "llmsweep/base/error.h"

namespace llmsweep::test {
namespace {

using Kind = HttpEvent::Kind;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class Client : public TransportTest {};
INSTANTIATE_TEST_SUITE_P(Over, Client, all_ways(), way_name);

TEST_P(Client, TellsSentHeadersBytesAndEndInThisOrder) {
  std::string request;
  RawServer server([&](Peer& peer) {
    request = *peer.read_request();
    peer.send(with_length("hello", "Content-Type: text/plain\r\n"));
    peer.wait_until_closed();
  });
  HttpClientOptions options = options_for(server);
  options.headers = {{"X-Test", "one"}, {"X-Empty", ""}};
  Instant before;
  {
    Driver driver(options);
    before = SteadyClock().now();
    const Seen& seen = driver.run(7, R"({"prompt": "hi"})");
    EXPECT_THAT(seen.kinds, ElementsAre(Kind::kSent, Kind::kHeaders, Kind::kBytes, Kind::kEnd));
    EXPECT_EQ(seen.status, 200);
    EXPECT_EQ(seen.bytes, "hello");
    EXPECT_EQ(seen.headers,
              "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\n");
    EXPECT_EQ(seen.new_connections, 1);
    EXPECT_GE(seen.at.front(), before);
    EXPECT_TRUE(std::is_sorted(seen.at.begin(), seen.at.end()));
    EXPECT_LE(seen.at.back(), SteadyClock().now());
  }
  EXPECT_THAT(request, HasSubstr("POST /v1/chat/completions HTTP/1.1\r\n"));
  EXPECT_THAT(request, HasSubstr("\r\nContent-Type: application/json\r\n"));
  EXPECT_THAT(request, HasSubstr("\r\nX-Test: one\r\n"));
  EXPECT_THAT(request, HasSubstr("\r\nX-Empty:\r\n"));
  EXPECT_THAT(request, HasSubstr("\r\n\r\n{\"prompt\": \"hi\"}"));
  EXPECT_THAT(request, Not(HasSubstr("Expect")));
  EXPECT_THAT(request, Not(HasSubstr("Accept-Encoding")));
}

TEST_P(Client, JoinsTheHttpChunksOfOneReadIntoOneEvent) {
  RawServer server([](Peer& peer) {
    (void)peer.read_request();
    peer.send(std::string(kChunkedHead) + "3\r\nabc\r\n4\r\ndefg\r\n1\r\nh\r\n" +
              std::string(kLastChunk));
    peer.wait_until_closed();
  });
  Driver driver(options_for(server));
  const Seen& seen = driver.run(1);
  EXPECT_EQ(seen.bytes, "abcdefgh");
  EXPECT_EQ(seen.deliveries, 1);
  EXPECT_EQ(driver.client().health().reads, 1);
}

TEST_P(Client, StampsEveryReadAnew) {
  // A read gives 64 KiB at most, so that a body of a megabyte takes at least 16 of them.
  RawServer server([](Peer& peer) {
    (void)peer.read_request();
    peer.send(with_length(std::string(1 << 20, 'x')));
    peer.wait_until_closed();
  });
  Driver driver(options_for(server));
  const Seen& seen = driver.run(1);
  EXPECT_GE(seen.deliveries, 16);
  const std::set<Instant> instants(seen.at.begin() + 2, seen.at.end() - 1);
  EXPECT_EQ(instants.size(), static_cast<size_t>(seen.deliveries));
}

TEST_P(Client, DeliversEveryByteOfALargeBodyInOrder) {
  std::string body;
  for (int i = 0; body.size() < (4u << 20); ++i) body += std::to_string(i) + ",";
  RawServer server([&](Peer& peer) {
    (void)peer.read_request();
    peer.send(with_length(body));
    peer.wait_until_closed();
  });
  Driver driver(options_for(server));
  EXPECT_TRUE(driver.run(1).bytes == body);
}

// Nothing more happens on the connection once it is looked at.
TEST_P(Client, TakesAllThatWasThereBeforeItLooked) {
  const std::string body(300'000, 'b');
  std::atomic<bool> gone = false;
  RawServer server([&](Peer& peer) {
    (void)peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n" + body);
    peer.close();
    gone = true;
  });
  Driver driver(options_for(server));
  driver.start(1);
  const SteadyClock clock;
  const Instant limit = clock.now() + std::chrono::seconds(10);
  while (driver.seen(1).sent == 0 && clock.now() < limit) driver.poll_once();
  while (!gone && clock.now() < limit) std::this_thread::yield();
  const Seen& seen = driver.finish(1);
  EXPECT_TRUE(seen.ended && seen.failure.empty()) << seen.failure;
  EXPECT_EQ(seen.bytes.size(), body.size());
}

TEST_P(Client, SendsALargeRequestWhole) {
  std::string prompt(3 << 20, 'x');
  for (size_t i = 0; i < prompt.size(); i += 1000) prompt[i] = static_cast<char>('a' + i % 26);
  std::string request;
  RawServer server([&](Peer& peer) {
    request = *peer.read_request();
    peer.send(with_length("ok"));
    peer.wait_until_closed();
  });
  {
    Driver driver(options_for(server));
    EXPECT_EQ(driver.run(1, prompt).bytes, "ok");
  }
  EXPECT_TRUE(request.substr(request.find("\r\n\r\n") + 4) == prompt);
}

TEST_P(Client, EndsAResponseWithoutABody) {
  RawServer server([](Peer& peer) {
    (void)peer.read_request();
    peer.send("HTTP/1.1 204 No Content\r\n\r\n");
    peer.wait_until_closed();
  });
  Driver driver(options_for(server));
  const Seen& seen = driver.run(1);
  EXPECT_THAT(seen.kinds, ElementsAre(Kind::kSent, Kind::kHeaders, Kind::kEnd));
  EXPECT_EQ(seen.status, 204);
}

TEST_P(Client, ReadsABodyThatEndsWithTheConnection) {
  RawServer server([](Peer& peer) {
    (void)peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end");
    peer.close();
  });
  Driver driver(options_for(server));
  const Seen& seen = driver.run(1);
  EXPECT_EQ(seen.bytes, "until the end");
  EXPECT_EQ(seen.kinds.back(), Kind::kEnd);
}

TEST_P(Client, KeepsStatusAndBodyOfAnHttpError) {
  RawServer server([](Peer& peer) {
    (void)peer.read_request();
    peer.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 15\r\n\r\n{\"error\":\"why\"}");
    peer.wait_until_closed();
  });
  Driver driver(options_for(server));
  const Seen& seen = driver.run(1);
  EXPECT_EQ(seen.status, 400);
  EXPECT_EQ(seen.bytes, "{\"error\":\"why\"}");
  EXPECT_EQ(seen.kinds.back(), Kind::kEnd);
}

TEST_P(Client, DoesNotFollowARedirect) {
  RawServer elsewhere([](Peer& peer) { peer.wait_until_closed(); });
  RawServer server([&](Peer& peer) {
    (void)peer.read_request();
    peer.send("HTTP/1.1 302 Found\r\nLocation: " + elsewhere.url() +
              "\r\nContent-Length: 0\r\n\r\n");
    peer.wait_until_closed();
  });
  Driver driver(options_for(server));
  const Seen& seen = driver.run(1);
  EXPECT_EQ(seen.status, 302);
  EXPECT_EQ(seen.kinds.back(), Kind::kEnd);
  EXPECT_EQ(elsewhere.connections(), 0);
}

TEST_P(Client, PassesOverInformationalResponses) {
  RawServer server([](Peer& peer) {
    (void)peer.read_request();
    peer.send("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + with_length("done"));
    peer.wait_until_closed();
  });
  Driver driver(options_for(server));
  const Seen& seen = driver.run(1);
  EXPECT_THAT(seen.kinds, ElementsAre(Kind::kSent, Kind::kHeaders, Kind::kBytes, Kind::kEnd));
  EXPECT_EQ(seen.status, 200);
  EXPECT_EQ(seen.headers.find("Early"), std::string::npos);
}

TEST_P(Client, IgnoresTrailersOfAChunkedBody) {
  RawServer server([](Peer& peer) {
    (void)peer.read_request();
    peer.send(std::string(kChunkedHead) + "2\r\nok\r\n0\r\nX-Trailer: 1\r\n\r\n");
    peer.wait_until_closed();
  });
  Driver driver(options_for(server));
  const Seen& seen = driver.run(1);
  EXPECT_EQ(seen.bytes, "ok");
  EXPECT_THAT(seen.kinds, ElementsAre(Kind::kSent, Kind::kHeaders, Kind::kBytes, Kind::kEnd));
}

TEST_P(Client, ReturnsNothingWhenTheDeadlinePasses) {
  RawServer server([](Peer& peer) { peer.wait_until_closed(); });
  Driver driver(options_for(server));
  const Instant start = SteadyClock().now();
  const Instant deadline = start + std::chrono::milliseconds(20);
  driver.poll_until(deadline);
  EXPECT_EQ(driver.events(), 0u);
  EXPECT_GE(SteadyClock().now(), deadline);
  EXPECT_LT(SteadyClock().now(), start + std::chrono::seconds(5));
  driver.poll_until(start);  // in the past: does not hang
  EXPECT_EQ(driver.events(), 0u);
  EXPECT_GE(driver.client().health().waited, std::chrono::milliseconds(15));
}

TEST_P(Client, AnEarlierDeadlineReplacesALaterOne) {
  RawServer server([](Peer& peer) {
    (void)peer.read_request();
    peer.send(with_length("now"));
    peer.wait_until_closed();
  });
  Driver driver(options_for(server));
  driver.run(1);  // waited with a deadline in 10 s
  const Instant start = SteadyClock().now();
  driver.poll_until(start + std::chrono::milliseconds(5));
  EXPECT_LT(SteadyClock().now() - start, std::chrono::seconds(5));
}

TEST_P(Client, CountsEveryByteOfTwoHundredConcurrentStreams) {
  constexpr int kStreams = 200;
  constexpr int kChunks = 20;
  const auto chunk = [](const std::string& who, int i) {
    return who + ":" + std::to_string(i) + std::string(static_cast<size_t>(i * 13), '.') + ";";
  };
  std::latch all_connected(kStreams);  // an early end would lend its connection to a late start
  RawServer server([&](Peer& peer) {
    bool first = true;
    while (const auto request = peer.read_request()) {
      if (std::exchange(first, false)) all_connected.arrive_and_wait();
      const std::string who = request->substr(request->find("\r\n\r\n") + 4);
      peer.send(kChunkedHead);
      for (int i = 0; i < kChunks; ++i) peer.send_chunk(chunk(who, i));
      peer.send(kLastChunk);
    }
  });
  HttpClientOptions options = options_for(server);
  options.max_connections = 1100;  // three groups
  Driver driver(options);
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < kStreams; ++i) {
      driver.start(static_cast<RequestId>(round * 1000 + i), std::to_string(i),
                   static_cast<uint32_t>(i));
    }
    for (int i = 0; i < kStreams; ++i) {
      const Seen& seen = driver.finish(static_cast<RequestId>(round * 1000 + i));
      std::string expected;
      for (int c = 0; c < kChunks; ++c) expected += chunk(std::to_string(i), c);
      EXPECT_EQ(seen.bytes, expected);
      EXPECT_THAT(seen.kinds, ElementsAre(Kind::kSent, Kind::kHeaders, Kind::kBytes, Kind::kEnd));
      EXPECT_EQ(seen.new_connections, round == 0 ? 1 : 0);
    }
  }
  EXPECT_EQ(server.connections(), kStreams);
  EXPECT_EQ(driver.client().health().new_connections, kStreams);
}

TEST(ClientOptions, AutoTakesSocketsForPlainHttpAndLibcurlForTheRest) {
  const std::string plain = "http://h:1/v1";
  const std::string tls = "https://h:1/v1";
  EXPECT_EQ(chosen_transport(Transport::kAuto, plain, false), Transport::kSockets);
  EXPECT_EQ(chosen_transport(Transport::kAuto, plain, true), Transport::kLibcurl);
  EXPECT_EQ(chosen_transport(Transport::kAuto, tls, false), Transport::kLibcurl);
  EXPECT_EQ(chosen_transport(Transport::kLibcurl, plain, false), Transport::kLibcurl);
  EXPECT_EQ(chosen_transport(Transport::kSockets, tls, false), Transport::kSockets);
  EXPECT_THROW(chosen_transport(Transport::kSockets, plain, true), Error);
}

TEST(ClientOptions, RefuseUrlsAndHeadersThatCannotBeUsed) {
  const auto attempt = [](const std::string& url,
                          std::pair<std::string, std::string> header = {"A", "b"}) {
    HttpClientOptions options;
    options.urls = {url};
    options.headers = {std::move(header)};
    try {
      make_http_client(options);
      return std::string();
    } catch (const Error& error) {
      return std::string(error.what());
    }
  };
  EXPECT_THAT(attempt("ftp://localhost/"), HasSubstr("'ftp'"));
  EXPECT_THAT(attempt("quic://localhost/"), HasSubstr("the scheme 'quic' is not supported"));
  EXPECT_THAT(attempt("http://"), HasSubstr("not a URL"));
  EXPECT_THAT(attempt(""), HasSubstr("not a URL"));
  const std::string secret = attempt("http://me:hunter2@localhost:1/");
  EXPECT_THAT(secret, HasSubstr("user name or password"));
  EXPECT_THAT(secret, Not(HasSubstr("hunter2")));
  EXPECT_THAT(attempt("http://me:hunter2@local host:1/"), Not(HasSubstr("hunter2")));
  const std::string header =
      attempt("http://127.0.0.1:1/", {"Authorization", "Bearer s3cret\r\nX: y"});
  EXPECT_THAT(header, HasSubstr("'Authorization'"));
  EXPECT_THAT(header, Not(HasSubstr("s3cret")));
}

}  // namespace
}  // namespace llmsweep::test
