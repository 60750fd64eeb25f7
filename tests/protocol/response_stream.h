// Pieces to build a stream of, and one response being read.
#pragma once

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "llmsweep/protocol/response.h"

namespace llmsweep::protocol_test {

inline Instant at(int64_t ms) {
  return from_ns(5'000'000'000 + ms * 1'000'000);
}

inline std::string event(const std::string& payload) {
  return "data: " + payload + "\n\n";
}

inline std::string usage_of(int tokens) {
  return R"("usage":{"prompt_tokens":7,"completion_tokens":)" + std::to_string(tokens) + "}";
}

inline std::string chunk(const std::string& delta, const std::string& more = {}) {
  return event(R"({"id":"r1","choices":[{"index":0,"delta":)" + delta + "}]" +
               (more.empty() ? "" : "," + more) + "}");
}

inline std::string word(const std::string& text, const std::string& more = {}) {
  return chunk(R"({"content":")" + text + R"("})", more);
}

inline const std::string kRole = chunk(R"({"role":"assistant","content":""})");
inline const std::string kFinish = event(R"({"choices":[{"delta":{},"finish_reason":"length"}]})");
inline const std::string kDone = event("[DONE]");

// One response being read; 200 unless said otherwise.
class Response {
 public:
  explicit Response(int status = 200, const std::string& headers = {})
      : reader_(Api::kChat, record) {
    reader_.headers(status, headers, at(0));
  }
  Response& bytes(const std::string& text, int64_t ms) {
    reader_.bytes(text, at(ms), parser_);
    return *this;
  }
  const RequestRecord& end(int64_t ms = 1000) {
    reader_.end(at(ms), parser_);
    return record;
  }
  const RequestRecord& fail(Outcome outcome, const std::string& reason, int64_t ms = 1000) {
    reader_.fail(outcome, reason, at(ms));
    return record;
  }
  bool finished() const { return reader_.finished(); }
  bool ended_without_text() const { return reader_.ended_without_text(); }

  RequestRecord record;

 private:
  ChunkParser parser_;
  ResponseReader reader_;
};

inline RequestRecord answer_to(const std::string& stream) {
  return Response().bytes(stream, 1).end();
}

// A histogram's buckets, rounded to 0.1 ms, and their weights.
using Gaps = std::vector<std::pair<double, uint64_t>>;
inline Gaps in_ms(const Histogram& histogram) {
  Gaps gaps;
  for (const auto& [bucket, weight] : histogram.buckets()) {
    gaps.emplace_back(std::round(to_ms(Histogram::middle_of(bucket)) * 10) / 10, weight);
  }
  return gaps;
}

}  // namespace llmsweep::protocol_test
