// What servers may put on the wire, cut and timed in every way: both transports must tell the same.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "http/drive.h"
#include "llmsweep/base/random.h"

namespace llmsweep::test {
namespace {

using Kind = HttpEvent::Kind;
using testing::ElementsAre;

class Wire : public TransportTest {};
INSTANTIATE_TEST_SUITE_P(Over, Wire, all_ways(), way_name);

// Sends `wire` in pieces of random size, each on its way before the next.
void send_in_pieces(Peer& peer, std::string_view wire, Random& random) {
  while (!wire.empty()) {
    const size_t size = std::min<size_t>(wire.size(), 1 + random.below(9));
    peer.send(wire.substr(0, size));
    wire.remove_prefix(size);
    if (random.below(4) == 0) std::this_thread::yield();
  }
}

struct Shape {
  const char* name;
  std::string wire;
  std::string body;
  int status = 200;
  bool reusable = true;  // the next request goes over the same connection
  bool closes = false;   // the server closes behind it
};

std::vector<Shape> shapes() {
  const std::string chunked = "Transfer-Encoding: chunked\r\n";
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  return {
      {"length", ok + "Content-Length: 11\r\n\r\nhello world", "hello world"},
      {"chunks", ok + chunked + "\r\n5\r\nhello\r\n006\r\n world\r\n0\r\n\r\n", "hello world"},
      {"upper-case sizes", ok + chunked + "\r\nB\r\nhello world\r\n0\r\n\r\n", "hello world"},
      {"extensions", ok + chunked + "\r\n5;a=b\r\nhello\r\n6 ; c=\"d\"\r\n world\r\n0;e\r\n\r\n",
       "hello world"},
      {"trailers", ok + chunked + "\r\n2\r\nok\r\n0\r\nA: 1\r\nB: 2\r\n\r\n", "ok"},
      {"a body like a header", ok + chunked + "\r\n4\r\n\r\n\r\n\r\n0\r\n\r\n", "\r\n\r\n"},
      {"100 before", "HTTP/1.1 100 Continue\r\n\r\n" + ok + "Content-Length: 2\r\n\r\nok", "ok"},
      {"103 before",
       "HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n" + ok + "Content-Length: 2\r\n\r\nok", "ok"},
      {"line feeds alone", "HTTP/1.1 200 OK\nContent-Length: 2\n\nok", "ok"},
      {"no reason phrase", "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", "ok"},
      {"spaces around a value", ok + "Content-Length:  2 \r\n\r\nok", "ok"},
      {"204", "HTTP/1.1 204 No Content\r\n\r\n", "", 204},
      {"429", "HTTP/1.1 429 Too Many Requests\r\nContent-Length: 4\r\n\r\nbusy", "busy", 429},
      {"close", ok + "Content-Length: 2\r\nConnection: close\r\n\r\nok", "ok", 200, false, true},
      {"close in a list", ok + "Content-Length: 2\r\nConnection: x, Close\r\n\r\nok", "ok", 200,
       false, true},
      {"until closed", ok + "\r\nok", "ok", 200, false, true},
      {"1.0", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", "ok", 200, false, true},
  };
}

TEST_P(Wire, EveryShapeIsReadTheSameWhereverItIsCut) {
  uint64_t seed = 0;
  for (const Shape& shape : shapes()) {
    RawServer server([&](Peer& peer) {
      Random random(++seed);
      while (peer.read_request()) {
        send_in_pieces(peer, shape.wire, random);
        if (shape.closes) return;
      }
    });
    Driver driver(options_for(server));
    for (RequestId id = 0; id < 8; ++id) {
      const Seen& seen = driver.run(id);
      EXPECT_EQ(seen.bytes, shape.body) << shape.name;
      EXPECT_EQ(seen.status, shape.status) << shape.name;
      EXPECT_EQ(seen.failure, "") << shape.name;
      EXPECT_EQ(seen.resent, 0) << shape.name;
    }
    EXPECT_EQ(server.connections(), shape.reusable ? 1 : 8) << shape.name;
  }
}

TEST_P(Wire, AnAnswerBeforeTheRequestWasReadIsKept) {
  // 413 while a large prompt is still on its way: libcurl and we both report the answer.
  RawServer server([](Peer& peer) {
    peer.send("HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 4\r\n\r\nlong");
    (void)peer.read_request();
  });
  Driver driver(options_for(server));
  const Seen& seen = driver.run(1, std::string(8 << 20, 'x'));
  EXPECT_EQ(seen.status, 413);
  EXPECT_EQ(seen.bytes, "long");
  EXPECT_EQ(seen.kinds.back(), Kind::kEnd);
}

TEST_P(Wire, HeadersLongBeforeTheFirstTokenHaveTheirOwnInstant) {
  RawServer server([](Peer& peer) {
    (void)peer.read_request();
    peer.send(kChunkedHead);
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    peer.send_chunk("token");
    peer.send(kLastChunk);
    peer.wait_until_closed();
  });
  const Seen seen = Driver(options_for(server)).run(1);
  EXPECT_THAT(seen.kinds, ElementsAre(Kind::kSent, Kind::kHeaders, Kind::kBytes, Kind::kEnd));
  EXPECT_GE(seen.at[2] - seen.at[1], std::chrono::milliseconds(25));
}

TEST_P(Wire, BytesThatNobodyAskedForEndTheConnection) {
  RawServer server([](Peer& peer) {
    while (peer.read_request()) peer.send(with_length("ok") + "HTTP/1.1 200 OK\r\n\r\nmore");
  });
  Driver driver(options_for(server));
  for (RequestId id = 0; id < 4; ++id) EXPECT_EQ(driver.run(id).bytes, "ok");
  EXPECT_EQ(server.connections(), 4);
}

}  // namespace
}  // namespace llmsweep::test
