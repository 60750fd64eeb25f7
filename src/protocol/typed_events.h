// What the APIs whose events have a `type` share: responses_api.cc, messages_api.cc.
//
// Whoever includes it includes simdjson.h itself: that is how a unity build knows to leave it out.
#pragma once

#include <simdjson.h>

#include <optional>
#include <string_view>

#include "protocol/json_values.h"

namespace llmsweep {

// An object's member, where it is one; an empty text where it is none.
inline std::optional<simdjson::dom::object> object_in(const simdjson::dom::object& object,
                                                      std::string_view key) {
  simdjson::dom::object found;
  if (object.at_key(key).get(found) != simdjson::SUCCESS) return std::nullopt;
  return found;
}

inline std::string_view text_in(const simdjson::dom::object& object, std::string_view key) {
  simdjson::dom::element found;
  return object.at_key(key).get(found) == simdjson::SUCCESS ? text_of(found) : std::string_view();
}

// The first character within a member, in whatever form it has it.
inline std::string_view output_in(const simdjson::dom::object& object, std::string_view key,
                                  Within within = Within::kOutput) {
  simdjson::dom::element found;
  return object.at_key(key).get(found) == simdjson::SUCCESS ? text_within(found, within)
                                                            : std::string_view();
}

}  // namespace llmsweep
