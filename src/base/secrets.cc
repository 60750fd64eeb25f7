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

// "key2", "keyV2" and "v2" are of the same kind as what they begin with.
void drop_number(std::string& word) {
  const size_t digits = word.find_last_not_of("0123456789") + 1;
  if (digits < word.size())
    word.resize(digits > 0 && word[digits - 1] == 'v' ? digits - 1 : digits);
}

// "X-Goog-Api-Key-2", "x_goog_api_key" and "xGoogApiKey" as x goog api key.
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
  for (std::string& word : words) drop_number(word);
  std::erase(words, "");
  return words;
}

// Such a word makes any name a credential's, wherever it stands.
constexpr std::array<std::string_view, 47> kCredentials = {
    "auth",      "authn",   "authz",    "oauth",    "jwt",      "jws",       "jwe",   "bearer",
    "sig",       "sign",    "hmac",     "mac",      "otp",      "totp",      "2fa",   "mfa",
    "csrf",      "xsrf",    "saml",     "sso",      "pat",      "pwd",       "pw",    "passw",
    "userpass",  "userpw",  "passcode", "pin",      "cred",     "creds",     "sid",   "ticket",
    "assertion", "ak",      "sk",       "psk",      "sas",      "dsn",       "pem",   "cert",
    "refresh",   "license", "licence",  "mnemonic", "kerberos", "negotiate", "unlock"};
// As does such a part of it, whatever separates its words.
constexpr std::array<std::string_view, 26> kInside = {
    "authorization", "authentication", "apikey",           "accesskey",       "secret",
    "password",      "passwd",         "passphrase",       "cookie",          "credential",
    "privatekey",    "privkey",        "signature",        "subscriptionkey", "authtoken",
    "accesstoken",   "passkey",        "connectionstring", "connstr",         "sharedaccess",
    "accessclient",  "clientcert",     "macaroon",         "seedphrase",      "sessionid",
    "dpop"};
// Keys that open nothing, by the word before, and of attention, by the word behind.
constexpr std::array<std::string_view, 16> kPlainKeys = {
    "cache", "idempotency", "primary", "sort",  "partition", "routing", "public", "foreign",
    "group", "hash",        "dedup",   "shard", "row",       "index",   "num",    "per"};
constexpr std::array<std::string_view, 6> kAfterPlainKeys = {"value", "values", "cache",
                                                             "head",  "heads",  "board"};
// Tokens of text.
constexpr std::array<std::string_view, 57> kTextTokens = {
    "max",         "min",        "num",      "n",         "stop",       "skip",     "special",
    "prompt",      "completion", "input",    "output",    "total",      "cached",   "new",
    "eos",         "bos",        "pad",      "unk",       "sep",        "mask",     "image",
    "audio",       "video",      "text",     "thinking",  "reasoning",  "budget",   "draft",
    "speculative", "add",        "first",    "last",      "logit",      "logprob",  "logprobs",
    "truncate",    "keep",       "per",      "include",   "return",     "ignore",   "allowed",
    "bad",         "forced",     "suppress", "generated", "context",    "ids",      "type",
    "count",       "counts",     "prefill",  "decode",    "prediction", "accepted", "rejected",
    "healing"};

bool is_credential_at(const Words& words, size_t at) {
  const std::string_view word = words[at];
  const std::string_view before = at > 0 ? std::string_view(words[at - 1]) : "";
  const std::string_view after = at + 1 < words.size() ? std::string_view(words[at + 1]) : "";
  if (word == "key" || word == "keys") {
    return !is_one_of(before, kPlainKeys) && !(at == 0 && is_one_of(after, kAfterPlainKeys));
  }
  if (word == "sign") return after != "language";
  if (word == "pass") return after != "through";
  if (word == "session") return after.empty();
  if (word.ends_with("token") || word == "tokens") {
    const bool of_text = std::any_of(words.begin(), words.end(), [](const std::string& other) {
      return is_one_of(other, kTextTokens);
    });
    return !of_text && !(at == 0 && after == "id");
  }
  return is_one_of(word, kCredentials);
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
  const std::string plain = join(words, "");
  const auto inside = [&](std::string_view part) { return plain.find(part) != std::string::npos; };
  if (std::any_of(kInside.begin(), kInside.end(), inside)) return true;
  for (size_t at = 0; at < words.size(); ++at) {
    if (is_credential_at(words, at)) return true;
  }
  return false;
}

std::string_view trimmed_key(std::string_view text) {
  constexpr std::array<std::string_view, 27> kSpaces = {
      "\xc2\x85", "\u00a0", "\u00ad", "\u1680", "\u2000", "\u2001", "\u2002", "\u2003", "\u2004",
      "\u2005",   "\u2006", "\u2007", "\u2008", "\u2009", "\u200a", "\u200b", "\u200c", "\u200d",
      "\u200e",   "\u200f", "\u2028", "\u2029", "\u202f", "\u205f", "\u2060", "\u3000", "\ufeff"};
  for (size_t size = text.size() + 1; text.size() < size;) {
    size = text.size();
    text = trim(text);
    for (const std::string_view space : kSpaces) {
      if (text.starts_with(space)) text.remove_prefix(space.size());
      if (text.ends_with(space)) text.remove_suffix(space.size());
    }
  }
  return text;
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
