// Counts allocations, so it is a program of its own.
#include <gtest/gtest.h>

#include <string>

#include "llmsweep/protocol/response.h"
#include "protocol_allocations/counter.h"

namespace llmsweep {
namespace {

std::string chunk(int tokens, bool with_usage, std::string_view blank_line) {
  std::string text =
      "event: message\ndata: {\"id\":\"chatcmpl-6LJVN6sL1Ba0AHBhKaXE4Joz88zi70Ij\","
      "\"choices\":[{\"index\":0,\"delta\":{\"content\":\" quiet\"},"
      "\"finish_reason\":null}]";
  if (with_usage) text += ",\"usage\":{\"completion_tokens\":" + std::to_string(tokens) + "}";
  return text + "}" + std::string(blank_line);
}

// Allocations of `count` chunks once as many have been read before.
uint64_t steady_allocations(bool with_usage, std::string_view blank_line, size_t piece_bytes) {
  constexpr int kCount = 4'000;
  ChunkParser parser;
  RequestRecord record;
  ResponseReader reader(Api::kChat, record);
  reader.headers(200, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n", from_ns(0));
  int64_t now = 0;
  uint64_t before = 0;
  uint64_t in_test = 0;
  for (int i = 1; i <= 2 * kCount; ++i) {
    if (i == kCount) before = allocations_of_this_thread();
    const uint64_t start = allocations_of_this_thread();
    const std::string text = chunk(i, with_usage, blank_line);
    if (i >= kCount) in_test += allocations_of_this_thread() - start;
    now += 5'000'000 + 1'000 * (i % 50);
    for (size_t from = 0; from < text.size(); from += piece_bytes) {
      reader.bytes(std::string_view(text).substr(from, piece_bytes), from_ns(now), parser);
    }
  }
  EXPECT_EQ(record.chunks, 2 * kCount);
  EXPECT_GT(in_test, 0u);  // the counter counts
  return allocations_of_this_thread() - before - in_test;
}

TEST(ResponseReader, AllocatesNothingForAChunkInTheSteadyState) {
  EXPECT_EQ(steady_allocations(false, "\n\n", 1 << 20), 0u);
  EXPECT_EQ(steady_allocations(true, "\n\n", 1 << 20), 0u);
  EXPECT_EQ(steady_allocations(false, "\r\n\r\n", 1 << 20), 0u);
}

TEST(ResponseReader, AllocatesNothingForAChunkThatIsCutInTheSteadyState) {
  EXPECT_EQ(steady_allocations(false, "\n\n", 7), 0u);
  EXPECT_EQ(steady_allocations(true, "\r\n\r\n", 1), 0u);
}

}  // namespace
}  // namespace llmsweep
