#include "llmsweep/model/trace_id.h"

#include <fmt/format.h>

#include <charconv>

namespace llmsweep {
namespace {

constexpr size_t kIdDigits = 32;

bool is_lower_hex(std::string_view digits) {
  return digits.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

uint64_t number(std::string_view sixteen_digits) {
  uint64_t value = 0;
  std::from_chars(sixteen_digits.data(), sixteen_digits.data() + sixteen_digits.size(), value, 16);
  return value;
}

}  // namespace

std::string to_hex(TraceId id) {
  return fmt::format("{:016x}{:016x}", id.high, id.low);
}

std::optional<TraceId> parse_trace_id(std::string_view hex) {
  if (hex.size() != kIdDigits || !is_lower_hex(hex)) return std::nullopt;
  const TraceId id{number(hex.substr(0, 16)), number(hex.substr(16))};
  return id ? std::optional(id) : std::nullopt;
}

std::string traceparent(TraceId id, uint64_t parent) {
  return fmt::format("00-{}-{:016x}-01", to_hex(id), parent);
}

}  // namespace llmsweep
