#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/drive.h"
#include "llmsweep/base/error.h"

namespace llmsweep::test {
namespace {

using testing::HasSubstr;

TEST(HttpExchange, GetsWithoutABodyAndPostsWithOne) {
  std::vector<std::string> requests;
  RawServer server([&](Peer& peer) {
    requests.push_back(*peer.read_request());
    peer.send(with_length("answer", "X-Name: Value \r\n"));
    peer.wait_until_closed();
  });
  const HttpAnswer got = http_exchange({.url = server.url(), .headers = {{"A", "b"}}});
  EXPECT_TRUE(got.ok());
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.body, "answer");
  EXPECT_EQ(got.resolved_address, "127.0.0.1:" + std::to_string(server.port()));
  EXPECT_THAT(got.headers,
              testing::ElementsAre(std::pair("x-name", "Value"), std::pair("content-length", "6")));
  EXPECT_TRUE(http_exchange({.url = server.url(), .body = "{\"a\":1}"}).ok());
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_THAT(requests[0], HasSubstr("GET /v1/chat/completions HTTP/1.1\r\n"));
  EXPECT_THAT(requests[0], HasSubstr("\r\nA: b\r\n"));
  EXPECT_THAT(requests[1], HasSubstr("POST /v1"));
  EXPECT_THAT(requests[1], HasSubstr("Content-Type: application/json\r\n"));
  EXPECT_THAT(requests[1], HasSubstr("\r\n\r\n{\"a\":1}"));
}

TEST(HttpExchange, ReturnsHttpErrorsWithTheirBody) {
  RawServer server([](Peer& peer) {
    (void)peer.read_request();
    peer.send("HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno");
  });
  const HttpAnswer answer = http_exchange({.url = server.url()});
  EXPECT_FALSE(answer.ok());
  EXPECT_EQ(answer.status, 404);
  EXPECT_EQ(answer.body, "no");
  EXPECT_EQ(answer.error, "");
}

TEST(HttpExchange, SaysWhyThereWasNoConnection) {
  const std::string port = std::to_string(unused_port());
  const HttpAnswer answer = http_exchange({.url = "http://127.0.0.1:" + port + "/"});
  EXPECT_EQ(answer.status, 0);
  EXPECT_EQ(answer.error, "cannot connect to 127.0.0.1:" + port + ": Connection refused");
}

TEST(HttpExchange, StopsAtItsTimeOut) {
  RawServer server([](Peer& peer) { peer.wait_until_closed(); });
  const HttpAnswer answer =
      http_exchange({.url = server.url(), .timeout = std::chrono::milliseconds(50)});
  EXPECT_TRUE(answer.timed_out);
  EXPECT_THAT(answer.error, HasSubstr("within 50ms"));
}

TEST(HttpExchange, StopsWhereItHasEnough) {
  RawServer server([](Peer& peer) {
    (void)peer.read_request();
    peer.send(kChunkedHead);
    peer.send_chunk("one ");
    peer.send_chunk("two");
    peer.wait_until_closed();
  });
  int status = 0;
  const auto enough = [&](const HttpAnswer& so_far) {
    status = so_far.status;
    return so_far.body == "one two";
  };
  const HttpAnswer answer = http_exchange({.url = server.url(), .enough = enough});
  EXPECT_TRUE(answer.ok()) << answer.error;
  EXPECT_EQ(answer.body, "one two");
  EXPECT_EQ(status, 200);
}

TEST(HttpExchange, AsksWhetherItIsEnoughWhileNothingComes) {
  RawServer server([](Peer& peer) {
    (void)peer.read_request();
    peer.send(kChunkedHead);
    peer.send_chunk("one");
    peer.wait_until_closed();
  });
  int asked = 0;
  const HttpAnswer answer = http_exchange(
      {.url = server.url(), .enough = [&](const HttpAnswer&) { return ++asked == 3; }});
  EXPECT_TRUE(answer.ok()) << answer.error;
}

TEST(HttpExchange, TellsARefusedConnectionFromABrokenOne) {
  const HttpAnswer refused =
      http_exchange({.url = "http://127.0.0.1:" + std::to_string(unused_port()) + "/"});
  EXPECT_TRUE(refused.refused);
  EXPECT_FALSE(refused.connected);
  RawServer server([](Peer& peer) { (void)peer.read_request(); });
  const HttpAnswer broken = http_exchange({.url = server.url()});
  EXPECT_FALSE(broken.refused);
  EXPECT_TRUE(broken.connected);
}

TEST(HttpExchange, StopsAtItsBodyLimit) {
  RawServer server([](Peer& peer) {
    (void)peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\n\r\n");
    while (peer.send(std::string(1000, 'x'))) {
    }
  });
  const HttpAnswer answer = http_exchange({.url = server.url(), .max_body_bytes = 10'000});
  EXPECT_THAT(answer.error, HasSubstr("longer than the limit"));
  EXPECT_LE(answer.body.size(), 10'000u);
  EXPECT_FALSE(answer.ok());
}

TEST(HttpExchange, RefusesCompressionAndDoesNotFollowRedirects) {
  RawServer gzip([](Peer& peer) {
    (void)peer.read_request();
    peer.send(with_length("\x1f\x8b", "Content-Encoding: gzip\r\n"));
  });
  EXPECT_THAT(http_exchange({.url = gzip.url()}).error, HasSubstr("compressed"));
  RawServer redirect([&](Peer& peer) {
    (void)peer.read_request();
    peer.send("HTTP/1.1 301 Moved\r\nLocation: " + gzip.url() + "\r\nContent-Length: 0\r\n\r\n");
  });
  EXPECT_EQ(http_exchange({.url = redirect.url()}).status, 301);
}

TEST(HttpExchange, ThrowsForAUrlThatCannotBeUsed) {
  EXPECT_THROW(http_exchange({.url = "gopher://x/"}), Error);
}

TEST(HttpExchange, NamesTheLibrary) {
  EXPECT_THAT(libcurl_version(), HasSubstr("libcurl "));
}

}  // namespace
}  // namespace llmsweep::test
