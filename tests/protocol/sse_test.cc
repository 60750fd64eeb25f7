#include "llmsweep/protocol/sse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "llmsweep/base/random.h"

namespace llmsweep {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Read {
  std::vector<std::string> events;  // "data", "type|data" or "type|data|error"
  bool overflowed = false;

  bool operator==(const Read&) const = default;
};

std::string shown_event(const SseEvent& event) {
  std::string text(event.data);
  if (!event.type.empty() || !event.error.empty()) text = std::string(event.type) + "|" + text;
  if (!event.error.empty()) text += "|" + std::string(event.error);
  return text;
}

// Feeds copies that end where they end, so that a sanitizer sees a read beyond a piece.
Read read(const std::vector<std::string>& pieces, size_t limit = 1 << 20) {
  SseParser parser(limit);
  Read result;
  SseEvent event;
  for (const std::string& piece : pieces) {
    const std::vector<char> bytes(piece.begin(), piece.end());
    parser.feed({bytes.data(), bytes.size()});
    while (parser.next(event)) result.events.push_back(shown_event(event));
  }
  while (parser.finish(event)) result.events.push_back(shown_event(event));
  result.overflowed = parser.overflowed();
  return result;
}

std::vector<std::string> events(const std::string& stream) {
  return read({stream}).events;
}

TEST(SseParser, GivesNothingForNothing) {
  EXPECT_THAT(read({}).events, IsEmpty());
  EXPECT_THAT(events(""), IsEmpty());
  EXPECT_THAT(events("\n\n\r\n\r\r"), IsEmpty());
}

TEST(SseParser, TakesDataWithOneSpaceOrNone) {
  EXPECT_THAT(events("data: a\n\ndata:b\n\ndata:  c\n\n"), ElementsAre("a", "b", " c"));
}

TEST(SseParser, TakesEveryLineEnd) {
  EXPECT_THAT(events("data: a\n\ndata: b\r\n\r\ndata: c\r\rdata: d\n\r\ndata: e\r\n\n"),
              ElementsAre("a", "b", "c", "d", "e"));
}

TEST(SseParser, JoinsLinesOfDataByLineFeeds) {
  EXPECT_THAT(events("data: a\ndata\ndata: b\n\ndata:\ndata:\n\n"), ElementsAre("a\n\nb", "\n"));
}

TEST(SseParser, SkipsCommentsUnknownFieldsAndBlankPayloads) {
  EXPECT_THAT(
      events(": ping\n\n:\n\nid: 7\nretry: 10\nfoo\nfoo: x\n\ndata:\n\ndata: \n\n:c\ndata: a\n"
             ":d\n\n"),
      ElementsAre("a"));
}

TEST(SseParser, KeepsTheTypeOfOneEventOnly) {
  EXPECT_THAT(
      events("event: ping\n\nevent: error\ndata: a\n\ndata: b\n\nevent:message\ndata:c\n\n"),
      ElementsAre("ping|", "error|a", "b", "message|c"));
}

TEST(SseParser, GivesAnEventThatHasOnlyATypeAndTheCommentsAroundIt) {
  SseParser parser;
  parser.feed(": before\nevent: error\n: why\n\n: later\n\ndata: x\n\n");
  SseEvent event;
  ASSERT_TRUE(parser.next(event));
  EXPECT_EQ(event.type, "error");
  EXPECT_EQ(event.data, "");
  EXPECT_EQ(event.comment, "before\nwhy");
  ASSERT_TRUE(parser.next(event));
  EXPECT_EQ(event.data, "x");
  EXPECT_EQ(event.comment, "");
}

TEST(SseParser, TakesEachLineForAnEventWhereOneLineEndPartsThem) {
  EXPECT_THAT(events("data: {\"a\":1}\ndata: {\"b\":2}\ndata: {\"c\":3}\ndata: [DONE]\n"),
              ElementsAre("{\"a\":1}", "{\"b\":2}", "{\"c\":3}", "[DONE]"));
  EXPECT_THAT(events("data: {\"a\":\ndata: {}}\n\ndata: {}\n\n"), ElementsAre("{\"a\":\n{}}", "{}"))
      << "one object over two lines";
  EXPECT_THAT(events("data: {}\ndata: {}\ndata: \"[DONE]\"\ndata: {\"u\":1}\n"),
              ElementsAre("{}", "{}", "\"[DONE]\"", "{\"u\":1}"));
  // From the second on an event is there when its line is.
  SseParser parser;
  SseEvent event;
  parser.feed("data: {\"a\":1}\ndata: {\"b\":2}\n");
  while (parser.next(event)) {
  }
  parser.feed("data: {\"c\":3}\n");
  ASSERT_TRUE(parser.next(event));
  EXPECT_EQ(event.data, "{\"c\":3}");
}

TEST(SseParser, ReportsAnErrorFieldWithoutData) {
  EXPECT_THAT(events("error: {\"code\":500}\n\ndata: a\n\n"), ElementsAre("||{\"code\":500}", "a"));
}

TEST(SseParser, DropsAByteOrderMarkAtTheStartOnly) {
  EXPECT_THAT(events("\xEF\xBB\xBF"
                     "data: a\n\n\xEF\xBB\xBF"
                     "data: b\n\n"),
              ElementsAre("a"));
  EXPECT_THAT(events("\xEF\xBB"
                     "data: a\n\n"),
              IsEmpty());
}

TEST(SseParser, FinishesAnEventWhoseBlankLineNeverCame) {
  EXPECT_THAT(events("data: a\n\ndata: [DONE]\n"), ElementsAre("a", "[DONE]"));
  EXPECT_THAT(events("data: a\n\ndata: [DONE]"), ElementsAre("a", "[DONE]"));
  EXPECT_THAT(events("data: [DONE]\r"), ElementsAre("[DONE]"));
  EXPECT_THAT(events("data: a\ndata: b"), ElementsAre("a\nb"));
}

TEST(SseParser, DoesNotCopyAnEventThatLiesWholeInWhatWasFed) {
  const std::string stream = "data: abc\n\nevent: x\r\ndata:def\r\n\r\n";
  SseParser parser;
  parser.feed(stream);
  SseEvent event;
  ASSERT_TRUE(parser.next(event));
  EXPECT_EQ(event.data.data(), stream.data() + 6);
  ASSERT_TRUE(parser.next(event));
  EXPECT_EQ(event.data.data(), stream.data() + stream.find("def"));
  EXPECT_FALSE(parser.next(event));
}

TEST(SseParser, LosesNothingWhenMovedBetweenReads) {
  SseParser first;
  SseEvent event;
  first.feed("data: a\ndata: b\ndat");
  ASSERT_FALSE(first.next(event));
  SseParser second = std::move(first);
  second.feed("a: c\n\n");
  ASSERT_TRUE(second.next(event));
  EXPECT_EQ(event.data, "a\nb\nc");
}

TEST(SseParser, RefusesALineOverTheLimitHoweverItIsCut) {
  const std::string kept = "data: 7890\n\n";
  for (const std::string tail :
       {"data: 78901\n\n", "data: 78901", ":2345678901", "data: 789\ndata: 12345678\n\n"}) {
    const std::string stream = kept + tail;
    const Read once = read({stream}, 10);
    EXPECT_THAT(once.events, ElementsAre("7890")) << tail;
    EXPECT_TRUE(once.overflowed) << tail;
    for (size_t cut = 0; cut <= stream.size(); ++cut) {
      EXPECT_EQ(read({stream.substr(0, cut), stream.substr(cut)}, 10), once) << tail << cut;
    }
  }
}

TEST(SseParser, LimitsTheDataOfManyShortLines) {
  std::string stream;
  for (int i = 0; i < 1000; ++i) stream += "data: 0123456789\n";
  const Read result = read({stream + "\n"}, 1000);
  EXPECT_TRUE(result.overflowed);
  EXPECT_THAT(result.events, IsEmpty());
}

TEST(SseParser, GivesTheSameEventsForEveryPairOfCuts) {
  const std::string stream =
      "\xEF\xBB\xBF: c\r\n\r\nevent: m\r\ndata: a\u00e9\r\ndata:b\r\n\r\ndata: x\rerror: "
      "y\r\rdata\n\n"
      "id: 1\ndata: [DONE]\r\n";
  const Read once = read({stream});
  EXPECT_THAT(once.events, ElementsAre("m|a\u00e9\nb", "|x|y", "[DONE]"));
  for (size_t a = 0; a <= stream.size(); ++a) {
    for (size_t b = a; b <= stream.size(); ++b) {
      ASSERT_EQ(read({stream.substr(0, a), stream.substr(a, b - a), stream.substr(b)}), once)
          << a << " " << b;
    }
  }
}

TEST(SseParser, GivesTheSameEventsForRandomBytesCutAtRandom) {
  Random random(11);
  const std::string alphabet = "\r\n\r\n: daterov\xEF\xBB\xBF{}";
  const std::vector<std::string> words = {
      "data", "data: ", "event:", "error: ", ":", "\r\n", "\n\n"};
  for (int round = 0; round < 2'000; ++round) {
    std::string stream;
    while (stream.size() < 60) {
      if (random.chance(0.5)) {
        stream += alphabet[random.below(alphabet.size())];
      } else {
        stream += words[random.below(words.size())];
      }
    }
    const Read once = read({stream}, 20);
    std::vector<std::string> pieces;
    for (size_t at = 0; at < stream.size();) {
      const size_t size = 1 + random.below(9);
      pieces.push_back(stream.substr(at, size));
      at += size;
    }
    ASSERT_EQ(read(pieces, 20), once) << ::testing::PrintToString(stream);
  }
}

TEST(SseParser, TakesTimeInProportionToTheBytesWhateverTheLineEnds) {
  // Quadratic scanning would take hours here.
  for (const std::string unit : {"\r", "\n", "\r\n", "data: x\r\r", ":\r", "x\n\r"}) {
    std::string stream;
    while (stream.size() < (8 << 20)) stream += unit;
    const size_t expected = unit == "data: x\r\r" ? stream.size() / unit.size() : 0;
    EXPECT_EQ(read({stream}).events.size(), expected);
  }
}

}  // namespace
}  // namespace llmsweep
