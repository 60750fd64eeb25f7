#include "llmsweep/results/telemetry_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "llmsweep/base/error.h"
#include "llmsweep/base/files.h"

namespace llmsweep {
namespace {

PageRead full_page() {
  return {
      .run = {at_concurrency(8), 2},
      .url = "http://127.0.0.1:8000/metrics",
      .role = MetricsRole::kDecode,
      .moment = PageMoment::kBetween,
      .asked = from_ns(1'000'000'001),
      .answered = from_ns(1'000'400'002),
      .bytes = 34000,
      .filtered = true,
      .fresh = true,
      .error = "HTTP 503",
      .before = {.chunks = 10, .ended_chunks = 5, .ended_tokens = 6, .ended = 1, .in_flight = 8},
      .after = {.chunks = 11, .ended_chunks = 6, .ended_tokens = 7, .ended = 2, .in_flight = 7},
      .samples = "vllm:num_requests_running{model_name=\"a \\\" b\"} 3\nvllm:x 4\n"};
}

TEST(TelemetryFile, IsReadAsItWasWritten) {
  const std::string line = page_to_jsonl(full_page());
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  EXPECT_EQ(parse_page(line, "file:1"), full_page());
  PageRead of_rate = full_page();
  of_rate.run.point = at_rate(2.5);
  EXPECT_EQ(parse_page(page_to_jsonl(of_rate), "file:1"), of_rate);
}

TEST(TelemetryFile, IsReadInParts) {
  const std::filesystem::path path =
      std::filesystem::path(::testing::TempDir()) / "telemetry_file_test.jsonl";
  const std::string first = page_to_jsonl({.url = "first"});
  const std::string second = page_to_jsonl({.url = "second"});
  write_file_atomically(path, first + second + first);
  const auto begin = static_cast<int64_t>(first.size());
  const auto end = begin + static_cast<int64_t>(second.size());
  const std::vector<PageRead> pages = read_pages(path, {.begin = begin, .end = end});
  ASSERT_EQ(pages.size(), 1U);
  EXPECT_EQ(pages[0].url, "second");
  EXPECT_TRUE(read_pages(path, {.begin = 0, .end = 0}).empty());
  EXPECT_THROW(read_pages(path, {.begin = 0, .end = 100000}), Error);
  std::filesystem::remove(path);
}

TEST(TelemetryFile, RefusesWhatIsNoPage) {
  for (const char* line : {"", "[]", "{", R"({"moment":"noon"})", R"({"bytes":-1})",
                           R"({"client_before":{"chunks":"x"}})"}) {
    EXPECT_THROW(parse_page(line, "telemetry.jsonl:3"), Error) << line;
  }
  try {
    parse_page(R"({"role":"driver"})", "telemetry.jsonl:3");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.text().where, "telemetry.jsonl:3:role");
  }
}

}  // namespace
}  // namespace llmsweep
