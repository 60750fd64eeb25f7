#include "llmsweep/base/secrets.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <nlohmann/json.hpp>

namespace llmsweep {
namespace {

using Json = nlohmann::ordered_json;

void redact(Json& value) {
  if (value.is_array()) {
    for (Json& item : value) redact(item);
  } else if (value.is_object()) {
    for (auto& [key, member] : value.items()) {
      if (names_a_secret(key) && !member.is_boolean() && !member.is_null()) {
        member = std::string(kRedacted);
      } else {
        redact(member);
      }
    }
  }
}

}  // namespace

bool names_a_secret(std::string_view name) {
  std::string plain;  // lower case, without separators
  for (const char c : name) {
    if (c != '-' && c != '_' && c != ' ' && c != '.') {
      plain += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
  }
  constexpr std::array<std::string_view, 9> kInside = {"authorization", "apikey",     "accesskey",
                                                       "secret",        "password",   "passwd",
                                                       "cookie",        "credential", "privatekey"};
  const auto inside = [&](std::string_view part) { return plain.find(part) != std::string::npos; };
  return std::any_of(kInside.begin(), kInside.end(), inside) || plain.ends_with("token") ||
         plain.ends_with("subscriptionkey") || plain.ends_with("signature") || plain == "key";
}

std::string redact_json(std::string_view json) {
  Json value = Json::parse(json, nullptr, false);
  if (value.is_discarded()) return {};
  redact(value);
  return value.dump();
}

}  // namespace llmsweep
