#include "llmsweep/base/secrets.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <nlohmann/json.hpp>

namespace llmsweep {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kShortestSecret = 4;

void replace_all(std::string& text, const std::string& value) {
  for (size_t at = text.find(value); at != std::string::npos;
       at = text.find(value, at + kRedacted.size())) {
    text.replace(at, value.size(), kRedacted);
  }
}

std::string percent_encoded(const std::string& value) {
  std::string encoded;
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || std::string_view("-._~").find(c) != std::string_view::npos) {
      encoded += c;
    } else {
      constexpr std::string_view kHex = "0123456789ABCDEF";
      encoded += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return encoded;
}

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

void redact_values(std::string& text, const std::vector<std::string>& values) {
  if (text.empty()) return;
  for (const std::string& value : values) {
    if (value.size() < kShortestSecret) continue;
    replace_all(text, value);
    const std::string quoted = Json(value).dump(-1, ' ', false, Json::error_handler_t::replace);
    const std::string escaped = quoted.substr(1, quoted.size() - 2);
    if (escaped != value) replace_all(text, escaped);
    if (const std::string encoded = percent_encoded(value); encoded != value) {
      replace_all(text, encoded);
    }
  }
}

std::string redact_json(std::string_view json) {
  Json value = Json::parse(json, nullptr, false);
  if (value.is_discarded()) return {};
  redact(value);
  return value.dump();
}

}  // namespace llmsweep
