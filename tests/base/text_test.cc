#include "llmsweep/base/text.h"

#include <gtest/gtest.h>

#include "llmsweep/base/error.h"

namespace llmsweep {
namespace {

TEST(ParseDuration, TakesEveryUnitAndRefusesABareNumber) {
  using namespace std::chrono_literals;
  EXPECT_EQ(parse_duration("15s"), Duration(15s));
  EXPECT_EQ(parse_duration("1.5s"), Duration(1500ms));
  EXPECT_EQ(parse_duration("600 s"), Duration(600s));
  EXPECT_EQ(parse_duration("200ms"), Duration(200ms));
  EXPECT_EQ(parse_duration("2m"), Duration(2min));
  EXPECT_EQ(parse_duration("1h"), Duration(1h));
  EXPECT_EQ(parse_duration("15us"), Duration(15us));
  for (const char* bad : {"", "15", "s", "-1s", "1 minute", "1e3s", "99999999999h"}) {
    EXPECT_FALSE(parse_duration(bad)) << bad;
  }
}

TEST(FormatDuration, IsReadBackAsTheSameDuration) {
  using namespace std::chrono_literals;
  EXPECT_EQ(format_duration(15s), "15s");
  EXPECT_EQ(format_duration(1500ms), "1.5s");
  EXPECT_EQ(format_duration(90s), "90s");
  EXPECT_EQ(format_duration(2min), "2m");
  EXPECT_EQ(format_duration(200ms), "200ms");
  for (const Duration value : {Duration(1), Duration(1'000'001), Duration(14716ms), Duration(1h),
                               Duration(0s), Duration(7ms)}) {
    EXPECT_EQ(parse_duration(format_duration(value)), value) << format_duration(value);
  }
}

TEST(FormatNumber, GroupsThousands) {
  EXPECT_EQ(format_number(14716.4), "14,716");
  EXPECT_EQ(format_number(272), "272");
  EXPECT_EQ(format_number(-1234567.891, 2), "-1,234,567.89");
  EXPECT_EQ(format_number(-0.001, 1), "0.0");
  EXPECT_EQ(format_significant(0.04689), "0.0469");
  EXPECT_EQ(format_significant(272.4), "272");
}

TEST(Nearest, FindsASlipOfTheFingersAndNothingElse) {
  const std::vector<std::string> keys = {"concurrency", "repeats", "fillers"};
  EXPECT_EQ(nearest("concurency", keys), "concurrency");
  EXPECT_EQ(nearest("repaets", keys), "repeats");
  EXPECT_EQ(nearest("median", {"mean", "p50", "p90"}), "p50");
  EXPECT_EQ(nearest("median", {"mean", "max"}), "mean");
  EXPECT_EQ(nearest("banana", keys), std::nullopt);
  EXPECT_EQ(nearest("", keys), std::nullopt);
}

TEST(Printable, LetsNoEscapeSequenceThrough) {
  EXPECT_EQ(printable("a\x1b[31mb"), "a\\u001b[31mb");
  EXPECT_EQ(printable("line\nbreak"), "line\\nbreak");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m"),
            "\\u009b31m");  // C1 control sequence introducer
  EXPECT_EQ(printable("\xe2\x80\xae"
                      "x"),
            "\\u202ex");
  EXPECT_EQ(printable("\xff"), "\\xff");
  EXPECT_EQ(printable("日本"), "日本");
  EXPECT_LE(printable(std::string(10'000, 'x')).size(), 210u);
}

TEST(RepairUtf8, ReplacesMaximalSubparts) {
  // The WHATWG decoder's answers, as Python's bytes.decode("utf-8", "replace") gives them.
  EXPECT_EQ(repair_utf8("a\xf0\x9f\x98z"), "a\xef\xbf\xbdz");
  EXPECT_EQ(repair_utf8("\xed\xa0\x80"), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
  EXPECT_EQ(repair_utf8("\xc0\xaf"), "\xef\xbf\xbd\xef\xbf\xbd");
  EXPECT_EQ(repair_utf8("日本"), "日本");
  EXPECT_TRUE(is_valid_utf8("日本"));
  EXPECT_FALSE(is_valid_utf8("\xe6\x97"));
}

TEST(DisplayWidth, CountsWideCharactersTwice) {
  EXPECT_EQ(display_width("abc"), 3u);
  EXPECT_EQ(display_width("日本"), 4u);
  EXPECT_EQ(display_width(""), 0u);
}

TEST(Text, PrintableDisarmsWhatACiRunnerTakesForACommand) {
  EXPECT_EQ(printable("::stop-commands::x"), "\\u003a:stop-commands::x");
  EXPECT_EQ(printable("  ::error file=a,line=1::x"), "  \\u003a:error file=a,line=1::x");
  EXPECT_EQ(printable("one\n::warning::two"), "one\\n\\u003a:warning::two");
  EXPECT_EQ(printable("a ##[error]b"), "a \\u0023#[error]b");
  EXPECT_EQ(printable("##vso[task.setvariable variable=x]y"),
            "\\u0023#vso[task.setvariable variable=x]y");
  EXPECT_EQ(printable("##teamcity[buildStatus]"), "\\u0023#teamcity[buildStatus]");
}

TEST(Text, PrintableLeavesColonsAndHashesThatAreNoCommand) {
  for (const char* plain :
       {"::1", "[::1]:8000", "std::string::npos", "a: b", "## heading", "#1", "fe80::1 and ::2"}) {
    EXPECT_EQ(printable(plain), plain);
  }
}

TEST(Text, DirectionMarksInQuotedTextAreEscapedAndMeanTheSame) {
  EXPECT_EQ(escape_marks("\"a\u202eb\u2066\""), "\"a\\u202eb\\u2066\"");
  EXPECT_EQ(escape_marks("\"日本 ✓ #1\""), "\"日本 ✓ #1\"");
  EXPECT_EQ(escape_marks("\"##[error]x\u0085\u2028\u200b\""),
            "\"\\u0023#[error]x\\u0085\\u2028\\u200b\"");
}

TEST(Error, HoldsNoLineBreakOfAPath) {
  const Error error({.what = "cannot be read", .where = "a\n::error::b/result.json", .next = {}});
  EXPECT_STREQ(error.what(), "a\\n\\u003a:error::b/result.json: cannot be read");
}

}  // namespace
}  // namespace llmsweep
