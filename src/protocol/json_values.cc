#include "protocol/json_values.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <system_error>

namespace llmsweep {

namespace dom = simdjson::dom;

std::string_view text_of(dom::element value) {
  std::string_view text;
  return value.get(text) == simdjson::SUCCESS ? text : std::string_view();
}

void read_count(dom::element value, std::optional<int64_t>& count) {
  constexpr int64_t kMaxCount = 1'000'000'000'000;
  int64_t whole = 0;
  double real = 0;
  std::string_view digits;
  if (value.get(digits) == simdjson::SUCCESS) {
    const char* const end = digits.data() + digits.size();
    const auto [read, problem] = std::from_chars(digits.data(), end, whole);
    if (problem != std::errc() || read != end) return;
    if (whole >= 0 && whole <= kMaxCount) count = whole;
  } else if (value.get(whole) == simdjson::SUCCESS) {
    if (whole >= 0 && whole <= kMaxCount) count = whole;
  } else if (value.get(real) == simdjson::SUCCESS && real >= 0 && real <= kMaxCount) {
    count = static_cast<int64_t>(real);
  }
}

void read_milliseconds(dom::element value, std::optional<int64_t>& microseconds) {
  double ms = 0;
  if (value.get(ms) != simdjson::SUCCESS || !(ms >= 0 && ms < 1e12)) return;
  microseconds = std::llround(ms * 1000);
}

bool is_error(dom::element value) {
  switch (value.type()) {
    case dom::element_type::NULL_VALUE:
      return false;
    case dom::element_type::BOOL:
      return bool(value);
    case dom::element_type::STRING:
      return !text_of(value).empty();
    case dom::element_type::INT64:
      return int64_t(value) != 0;
    case dom::element_type::UINT64:
      return uint64_t(value) != 0;
    case dom::element_type::ARRAY:
    case dom::element_type::OBJECT:
    case dom::element_type::DOUBLE:
      return true;
  }
  return true;
}

std::string_view text_within(dom::element value, Within within, int depth) {
  constexpr int kMaxDepth = 6;
  dom::array list;
  dom::object object;
  if (depth > kMaxDepth) return {};
  if (value.get(list) == simdjson::SUCCESS) {
    for (const dom::element item : list) {
      const std::string_view text = text_within(item, within, depth + 1);
      if (!text.empty()) return text;
    }
    return {};
  }
  if (value.get(object) == simdjson::SUCCESS) {
    constexpr std::array<std::string_view, 8> kLabels = {"type",      "id",   "index",  "format",
                                                         "signature", "role", "object", "call_id"};
    for (auto [key, member] : object) {
      const bool label = std::find(kLabels.begin(), kLabels.end(), key) != kLabels.end();
      if (label || (within == Within::kThoughts && key == "data")) continue;
      const std::string_view text = text_within(member, within, depth + 1);
      if (!text.empty()) return text;
    }
    return {};
  }
  return text_of(value);
}

}  // namespace llmsweep
