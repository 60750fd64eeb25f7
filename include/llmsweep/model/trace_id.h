// The id under which a server's own traces know a request: W3C Trace Context, level 1
// (https://www.w3.org/TR/trace-context-1/), which OpenTelemetry reads.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace llmsweep {

// 16 bytes; all zero, which the standard forbids: none.
struct TraceId {
  uint64_t high = 0;
  uint64_t low = 0;

  explicit operator bool() const { return high != 0 || low != 0; }
  bool operator==(const TraceId&) const = default;
};

std::string to_hex(TraceId id);  // 32 lower-case digits
// Of 32 lower-case hexadecimal digits, not all zero; nothing otherwise.
std::optional<TraceId> parse_trace_id(std::string_view hex);

// The value of the header `traceparent`: a sampled trace that begins with the request, whose parent
// is `parent`, not 0.
std::string traceparent(TraceId id, uint64_t parent);

}  // namespace llmsweep
