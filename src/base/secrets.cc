#include "llmsweep/base/secrets.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <nlohmann/json.hpp>
#include <vector>

#include "llmsweep/base/text.h"

namespace llmsweep {
namespace {

using Json = nlohmann::ordered_json;

using Words = std::vector<std::string>;

template <size_t kSize>
bool is_one_of(std::string_view word, const std::array<std::string_view, kSize>& list) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

// "X-Goog-Api-Key", "x_goog_api_key" and "xGoogApiKey" as x goog api key.
Words words_of(std::string_view name) {
  Words words(1);
  bool lower_before = false;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) == 0 || (std::isupper(byte) != 0 && lower_before)) {
      if (!words.back().empty()) words.emplace_back();
    }
    if (std::isalnum(byte) != 0) words.back() += static_cast<char>(std::tolower(byte));
    lower_before = std::islower(byte) != 0;
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

// Such a word makes any name a credential's.
constexpr std::array<std::string_view, 23> kCredentials = {
    "auth", "authn",    "authz", "oauth", "oauth2", "jwt",    "bearer",   "sig",
    "hmac", "otp",      "totp",  "csrf",  "xsrf",   "saml",   "sso",      "pat",
    "pwd",  "passcode", "cred",  "creds", "sid",    "ticket", "assertion"};
// As does such a part of it, whatever separates its words.
constexpr std::array<std::string_view, 17> kInside = {
    "authorization", "authentication",  "apikey",          "accesskey", "secret",
    "password",      "passwd",          "passphrase",      "cookie",    "credential",
    "privatekey",    "signature",       "subscriptionkey", "authtoken", "accesstoken",
    "passkey",       "connectionstring"};
// Keys that open nothing, and tokens of text.
constexpr std::array<std::string_view, 14> kPlainKeys = {
    "cache",   "idempotency", "primary", "sort",  "partition", "routing", "public",
    "foreign", "group",       "hash",    "dedup", "shard",     "row",     "index"};
constexpr std::array<std::string_view, 43> kTextTokens = {
    "max",      "min",       "num",         "stop",   "skip",   "special", "prompt",   "completion",
    "input",    "output",    "total",       "cached", "new",    "eos",     "bos",      "pad",
    "unk",      "sep",       "mask",        "image",  "audio",  "video",   "thinking", "reasoning",
    "budget",   "draft",     "speculative", "add",    "first",  "last",    "logit",    "truncate",
    "keep",     "per",       "include",     "return", "ignore", "allowed", "bad",      "forced",
    "suppress", "generated", "context"};

bool ends_like_a_credential(const Words& words) {
  const std::string_view last = words.back();
  const std::string_view before = words.size() > 1 ? std::string_view(words[words.size() - 2]) : "";
  if (last == "key" || last == "keys") return !is_one_of(before, kPlainKeys);
  if (last == "pass" || last == "session") return true;
  if (last.ends_with("tokens") && last.size() > 6) return false;  // "maxtokens"
  const bool of_text = std::any_of(words.begin(), words.end(), [](const std::string& word) {
    return is_one_of(word, kTextTokens);
  });
  return (last.ends_with("token") || last == "tokens") && !of_text;
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
  const Words words = words_of(name);
  if (words.empty()) return false;
  const std::string plain = join(words, "");
  const auto inside = [&](std::string_view part) { return plain.find(part) != std::string::npos; };
  const auto credential = [](const std::string& word) { return is_one_of(word, kCredentials); };
  const bool session_id = plain.ends_with("sessionid");
  return std::any_of(kInside.begin(), kInside.end(), inside) ||
         std::any_of(words.begin(), words.end(), credential) || session_id ||
         ends_like_a_credential(words);
}

std::string_view trimmed_key(std::string_view text) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  return trim(text);
}

void keep_secrets_out_of_core_dumps() {
  rlimit limit{};
  if (getrlimit(RLIMIT_CORE, &limit) == 0) {
    limit.rlim_cur = 0;
    setrlimit(RLIMIT_CORE, &limit);
  }
  const int filter = open("/proc/self/coredump_filter", O_WRONLY | O_CLOEXEC);
  if (filter < 0) return;
  const ssize_t written = write(filter, "0", 1);
  (void)written;  // the limit stands all the same
  close(filter);
}

std::string redact_json(std::string_view json) {
  Json value = Json::parse(json, nullptr, false);
  if (value.is_discarded()) return {};
  redact(value);
  return value.dump();
}

}  // namespace llmsweep
