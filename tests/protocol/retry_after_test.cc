#include "llmsweep/protocol/retry_after.h"

#include <gtest/gtest.h>

#include <string>

namespace llmsweep {
namespace {

using namespace std::chrono_literals;

std::optional<std::chrono::milliseconds> of(const std::string& lines,
                                            std::optional<Duration> now = {}) {
  return retry_after("HTTP/1.1 429 Too Many Requests\r\n" + lines + "\r\n", now);
}

TEST(RetryAfter, ReadsSeconds) {
  EXPECT_EQ(of("Retry-After: 2\r\n"), Duration(2s));
  EXPECT_EQ(of("retry-after:0\r\n"), Duration(0s));
}

TEST(RetryAfter, TakesADateAgainstTheServersOwn) {
  EXPECT_EQ(of("Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
               "Retry-After: Sun, 06 Nov 1994 08:50:07 GMT\r\n"),
            Duration(30s));
  EXPECT_EQ(of("Date: Fri, 31 Dec 1999 23:59:59 GMT\r\n"
               "Retry-After: Sat, 01 Jan 2000 00:00:04 GMT\r\n"),
            Duration(5s));
  EXPECT_EQ(of("Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
               "Retry-After: Sun, 06 Nov 1994 08:00:00 GMT\r\n"),
            Duration(0s));
}

TEST(RetryAfter, TakesADateAgainstTheClientsClockWhereTheAnswerHasNone) {
  const Duration now = 784'111'777s + 400ms;  // Sun, 06 Nov 1994 08:49:37
  EXPECT_EQ(of("Retry-After: Sun, 06 Nov 1994 08:50:07 GMT\r\n", now), 29'600ms);
  EXPECT_EQ(of("Retry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n", now), 0ms);
  EXPECT_EQ(of("Date: soon\r\nRetry-After: Sun, 06 Nov 1994 08:50:07 GMT\r\n", now), 29'600ms);
  EXPECT_EQ(of("Date: Sun, 06 Nov 1994 08:50:00 GMT\r\n"
               "Retry-After: Sun, 06 Nov 1994 08:50:07 GMT\r\n",
               now),
            7s);
  EXPECT_FALSE(of("Retry-After: Sun, 06 Nov 1994 08:50:07 GMT\r\n"));
}

TEST(RetryAfter, ReadsTheOlderFormsOfADate) {
  const Duration now = 784'111'777s;
  EXPECT_EQ(of("Retry-After: Sunday, 06-Nov-94 08:50:07 GMT\r\n", now), 30s);
  EXPECT_EQ(of("Retry-After: Sun Nov  6 08:50:07 1994\r\n", now), 30s);
  EXPECT_EQ(of("Retry-After: \t Sun,  06 Nov 1994 08:50:07 GMT \t\r\n", now), 30s);
  EXPECT_EQ(of("Date: Friday, 31-Dec-99 23:59:59 GMT\r\n"
               "Retry-After: Saturday, 01-Jan-00 00:00:04 GMT\r\n",
               now),
            5s);
  EXPECT_EQ(of("Retry-After: Wednesday, 21-Oct-45 07:28:00 GMT\r\n", now), 0s);  // 1945
}

TEST(RetryAfter, ReadsAFractionOfASecond) {
  EXPECT_EQ(of("Retry-After: 0.5\r\n"), 500ms);
  EXPECT_EQ(of("Retry-After: \t1.25 \r\n"), 1250ms);
  EXPECT_EQ(of("Retry-After: 2.0001\r\n"), 2001ms);
  EXPECT_FALSE(of("Retry-After: 1.\r\n"));
  EXPECT_FALSE(of("Retry-After: .5\r\n"));
  EXPECT_FALSE(of("Retry-After: 1.2.3\r\n"));
  EXPECT_FALSE(of("Retry-After: 1e3\r\n"));
}

TEST(RetryAfter, KeepsWhatWasAskedHoweverLong) {
  EXPECT_EQ(of("Retry-After: 999999999999\r\n"), std::chrono::seconds(999'999'999'999));
  EXPECT_EQ(of("Retry-After: 99999999999999999999999999.9\r\n"), 9'007'199'254'740'900ms);
  EXPECT_EQ(of("Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
               "Retry-After: Fri, 31 Dec 9999 23:59:59 GMT\r\n"),
            std::chrono::seconds(252'618'189'022));
}

TEST(RetryAfter, IsAbsentWhereItCannotBeRead) {
  EXPECT_FALSE(of(""));
  EXPECT_FALSE(of("Retry-After: soon\r\n"));
  EXPECT_FALSE(of("Retry-After: -1\r\n"));
  EXPECT_FALSE(of("Retry-After: +1\r\n"));
  EXPECT_FALSE(of("Retry-After: 1s\r\n"));
  EXPECT_FALSE(of("Retry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n"));  // no Date
  EXPECT_FALSE(of("Date: x\r\nRetry-After: Sun, 32 Nov 1994 08:49:37 GMT\r\n"));
  EXPECT_FALSE(of("Retry-After: Sun, 32 Nov 1994 08:49:37 GMT\r\n", 1s));
  EXPECT_FALSE(of("Retry-After: Sun, 06 Nov 1994 -8:49:37 GMT\r\n", 1s));
  EXPECT_FALSE(of("Retry-After: Sunday, 06-Now-94 08:49:37 GMT\r\n", 1s));
}

}  // namespace
}  // namespace llmsweep
