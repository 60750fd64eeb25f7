#include "http/http1_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "llmsweep/base/random.h"

namespace llmsweep::test {
namespace {

using http::EventArena;
using http::Http1Reader;
using testing::HasSubstr;
using State = Http1Reader::State;

constexpr size_t kLimit = 1024;

struct Result {
  State state;
  std::string body;
  std::string broken;
  int status = 0;
  bool reusable = false;

  bool operator==(const Result&) const = default;
};

// Feeds `wire` in pieces of at most `piece` bytes; with `ends`, the connection closes behind it.
Result read(std::string_view wire, size_t piece = std::string::npos, bool ends = false) {
  Http1Reader reader(kLimit);
  reader.begin();
  Result result;
  for (size_t at = 0; at < wire.size(); at += std::min(piece, wire.size() - at)) {
    EventArena arena;
    std::string_view body;
    reader.feed(wire.substr(at, piece), arena, body);
    result.body += body;
  }
  if (ends) reader.end_of_stream();
  result.state = reader.state();
  result.status = reader.head_complete() ? reader.status() : 0;
  result.reusable = reader.state() == State::kDone && reader.reusable();
  if (reader.broken() != nullptr) result.broken = reader.broken();
  return result;
}

std::string head(std::string_view fields, std::string_view status = "HTTP/1.1 200 OK") {
  return std::string(status) + "\r\n" + std::string(fields) + "\r\n";
}

TEST(Http1Reader, ReadsABodyByItsLength) {
  EXPECT_EQ(read(head("Content-Length: 5\r\n") + "hello"),
            (Result{State::kDone, "hello", "", 200, true}));
  EXPECT_EQ(read(head("content-LENGTH:5\r\n") + "hel"),
            (Result{State::kBody, "hel", "", 200, false}));
  EXPECT_EQ(read(head("Content-Length: 0\r\n")), (Result{State::kDone, "", "", 200, true}));
}

TEST(Http1Reader, ReadsChunksWithExtensionsAndTrailers) {
  EXPECT_EQ(read(head("Transfer-Encoding: Chunked\r\n") +
                 "3\r\nabc\r\nA;name=\"v\"\r\n0123456789\r\n0\r\nX: y\r\nZ: \r\n\r\n"),
            (Result{State::kDone, "abc0123456789", "", 200, true}));
}

TEST(Http1Reader, ReadsUntilTheConnectionEndsWithoutALength) {
  const std::string wire = head("") + "some bytes";
  EXPECT_EQ(read(wire).state, State::kBody);
  EXPECT_EQ(read(wire, 3, true), (Result{State::kDone, "some bytes", "", 200, false}));
}

TEST(Http1Reader, KnowsResponsesWithoutABody) {
  for (const char* status : {"HTTP/1.1 204 No Content", "HTTP/1.1 304 Not Modified"}) {
    const Result result = read(head("Content-Length: 9\r\n", status));
    EXPECT_EQ(result.state, State::kDone);
    EXPECT_TRUE(result.reusable);
  }
}

TEST(Http1Reader, PassesOverInformationalResponses) {
  const std::string wire = head("A: b\r\n", "HTTP/1.1 100 Continue") +
                           head("Content-Length: 7\r\n", "HTTP/1.1 103 Early Hints") +
                           head("Content-Length: 2\r\n") + "ok";
  for (const size_t piece : {size_t{1}, size_t{7}, wire.size()}) {
    EXPECT_EQ(read(wire, piece), (Result{State::kDone, "ok", "", 200, true}));
  }
}

TEST(Http1Reader, GivesTheSameWhereverTheBytesAreCut) {
  const std::string wires[] = {
      head("Content-Length: 26\r\n") + "abcdefghijklmnopqrstuvwxyz",
      head("Transfer-Encoding: chunked\r\n") + "1a\r\nabcdefghijklmnopqrstuvwxyz\r\n5;x\r\n" +
          "12345\r\n0\r\nT: 1\r\n\r\n",
      "HTTP/1.0 404 Nope\nContent-Length: 3\nConnection: keep-alive\n\nno!",
  };
  for (const std::string& wire : wires) {
    const Result whole = read(wire);
    EXPECT_EQ(whole.state, State::kDone);
    EXPECT_TRUE(whole.reusable);
    for (size_t piece = 1; piece < wire.size(); ++piece) EXPECT_EQ(read(wire, piece), whole);
  }
}

TEST(Http1Reader, DecidesWhetherTheConnectionIsKept) {
  const auto kept = [](std::string_view fields, std::string_view status = "HTTP/1.1 200 OK") {
    return read(head("Content-Length: 0\r\n" + std::string(fields), status)).reusable;
  };
  EXPECT_TRUE(kept(""));
  EXPECT_FALSE(kept("Connection: close\r\n"));
  EXPECT_FALSE(kept("connection: upgrade, Close\r\n"));
  EXPECT_FALSE(kept("", "HTTP/1.0 200 OK"));
  EXPECT_TRUE(kept("Connection: Keep-Alive\r\n", "HTTP/1.0 200 OK"));
  // More bytes than the response has, and two framings at once.
  EXPECT_FALSE(read(head("Content-Length: 1\r\n") + "ab").reusable);
  EXPECT_FALSE(
      read(head("Content-Length: 9\r\nTransfer-Encoding: chunked\r\n") + "1\r\na\r\n0\r\n\r\n")
          .reusable);
}

TEST(Http1Reader, SaysWhatIsBroken) {
  const auto why = [](const std::string& wire) {
    const Result result = read(wire);
    EXPECT_EQ(result.state, State::kBroken) << wire;
    EXPECT_EQ(read(wire, 1), result) << wire;
    return result.broken;
  };
  const std::string chunked = head("Transfer-Encoding: chunked\r\n");
  EXPECT_THAT(why("220 mail ESMTP\r\n"), HasSubstr("does not begin"));
  EXPECT_THAT(why("HTTP/2 200\r\n\r\n"), HasSubstr("does not begin"));
  EXPECT_THAT(why("HTTP/1.1 20 OK\r\n\r\n"), HasSubstr("status line"));
  EXPECT_THAT(why("HTTP/1.1 2000 OK\r\n\r\n"), HasSubstr("status line"));
  EXPECT_THAT(why("HTTP/1.9 200 OK\r\n\r\n"), HasSubstr("status line"));
  EXPECT_THAT(why(head("no colon here\r\n")), HasSubstr("no name"));
  EXPECT_THAT(why(head("Content-Length: -1\r\n")), HasSubstr("Content-Length is malformed"));
  EXPECT_THAT(why(head("Content-Length: 99999999999999999999\r\n")), HasSubstr("malformed"));
  EXPECT_THAT(why(head("Content-Length: 1\r\nContent-Length: 2\r\n")), HasSubstr("two values"));
  EXPECT_THAT(why(head("Transfer-Encoding: gzip, chunked\r\n")), HasSubstr("transfer coding"));
  EXPECT_THAT(why(head("", "HTTP/1.1 101 Switching")), HasSubstr("switches protocols"));
  EXPECT_THAT(why(chunked + "zz\r\n"), HasSubstr("malformed"));
  EXPECT_THAT(why(chunked + "\r\n"), HasSubstr("malformed"));
  EXPECT_THAT(why(chunked + "\n"), HasSubstr("no size"));
  EXPECT_THAT(why(chunked + "-1\r\n"), HasSubstr("malformed"));
  EXPECT_THAT(why(chunked + "fffffffffffffffff\r\n"), HasSubstr("too large"));
  EXPECT_THAT(why(chunked + "1\r\nab"), HasSubstr("longer than its size"));
  EXPECT_THAT(why(chunked + "1;" + std::string(5000, 'x')), HasSubstr("too long"));
  EXPECT_THAT(why(chunked + "0\r\n" + std::string(70'000, 'x')), HasSubstr("trailer"));
  EXPECT_THAT(why(head("X: " + std::string(kLimit, 'x') + "\r\n")), HasSubstr("too long"));
  EXPECT_THAT(why("HTTP/1.1 200 " + std::string(kLimit, 'x')), HasSubstr("too long"));
}

TEST(Http1Reader, BeginsAnewAfterAnything) {
  Http1Reader reader(kLimit);
  EventArena arena;
  for (const std::string& wire :
       {std::string("garbage"), head("Transfer-Encoding: chunked\r\n") + "5\r\nab",
        head("Content-Length: 10\r\nConnection: close\r\n") + "x"}) {
    std::string_view body;
    reader.begin();
    reader.feed(wire, arena, body);
    reader.begin();
    EXPECT_FALSE(reader.begun());
    std::string_view next;
    reader.feed(head("Content-Length: 2\r\n") + "ok", arena, next);
    EXPECT_EQ(reader.state(), State::kDone);
    EXPECT_EQ(next, "ok");
    EXPECT_TRUE(reader.reusable());
  }
}

TEST(Http1Reader, SurvivesAnyChangeOfBytes) {
  const std::string wire = head("Transfer-Encoding: chunked\r\nA: b\r\n") +
                           "1a\r\nabcdefghijklmnopqrstuvwxyz\r\n5;x\r\n12345\r\n0\r\nT: 1\r\n\r\n";
  Random random(1);
  for (int i = 0; i < 20'000; ++i) {
    std::string changed = wire;
    for (uint64_t n = random.below(4) + 1; n > 0; --n) {
      changed[random.below(changed.size())] = static_cast<char>(random.below(256));
    }
    changed.resize(changed.size() - random.below(10));
    const Result whole = read(changed);
    EXPECT_EQ(read(changed, 1 + random.below(9)), whole) << changed;
    EXPECT_LE(whole.body.size(), changed.size());
  }
}

}  // namespace
}  // namespace llmsweep::test
