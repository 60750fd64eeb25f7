#include "protocol/json_values.h"

#include <simdjson.h>

#include <cmath>

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
  if (value.get(whole) == simdjson::SUCCESS) {
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
    case dom::element_type::ARRAY:
    case dom::element_type::OBJECT:
    case dom::element_type::INT64:
    case dom::element_type::UINT64:
    case dom::element_type::DOUBLE:
      return true;
  }
  return true;
}

bool carries_something(dom::element value) {
  dom::array list;
  dom::object object;
  if (value.get(list) == simdjson::SUCCESS) return list.begin() != list.end();
  if (value.get(object) == simdjson::SUCCESS) return object.begin() != object.end();
  return !text_of(value).empty();
}

}  // namespace llmsweep
