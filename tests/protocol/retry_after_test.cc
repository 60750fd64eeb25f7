#include "llmsweep/protocol/retry_after.h"

#include <gtest/gtest.h>

#include <string>

namespace llmsweep {
namespace {

using namespace std::chrono_literals;

std::optional<Duration> of(const std::string& lines) {
  return retry_after("HTTP/1.1 429 Too Many Requests\r\n" + lines + "\r\n");
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

TEST(RetryAfter, IsAtMostADay) {
  EXPECT_EQ(of("Retry-After: 9999999999\r\n"), Duration(24h));
  EXPECT_EQ(of("Retry-After: 99999999999999999999999999\r\n"), Duration(24h));  // 64 bits are less
  EXPECT_EQ(of("Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
               "Retry-After: Fri, 31 Dec 9999 23:59:59 GMT\r\n"),
            Duration(24h));
}

TEST(RetryAfter, IsAbsentWhereItCannotBeRead) {
  EXPECT_FALSE(of(""));
  EXPECT_FALSE(of("Retry-After: soon\r\n"));
  EXPECT_FALSE(of("Retry-After: -1\r\n"));
  EXPECT_FALSE(of("Retry-After: +1\r\n"));
  EXPECT_FALSE(of("Retry-After: 1.5\r\n"));
  EXPECT_FALSE(of("Retry-After: 1s\r\n"));
  EXPECT_FALSE(of("Retry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n"));  // no Date
  EXPECT_FALSE(of("Date: x\r\nRetry-After: Sun, 32 Nov 1994 08:49:37 GMT\r\n"));
}

}  // namespace
}  // namespace llmsweep
