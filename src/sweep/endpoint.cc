#include "llmsweep/sweep/endpoint.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "llmsweep/base/error.h"
#include "llmsweep/base/files.h"
#include "llmsweep/base/regular_file.h"
#include "llmsweep/base/secrets.h"
#include "llmsweep/base/text.h"
#include "llmsweep/protocol/api.h"

namespace llmsweep {
namespace {

constexpr size_t kLongestKey = 16 << 10;

bool is_same_header(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

std::string key_of_environment(const EndpointSpec& endpoint, std::vector<std::string>& notes) {
  if (endpoint.api_key_env.empty()) return {};
  const char* key = std::getenv(endpoint.api_key_env.c_str());
  if (key != nullptr && !trimmed_key(key).empty()) return std::string(trimmed_key(key));
  notes.push_back("$" + endpoint.api_key_env + " is not set: requests carry no " +
                  endpoint.api_key_header);
  return {};
}

std::string key_of_file(const std::string& path, std::vector<std::string>& notes) {
  std::string key(trimmed_key(read_file(path, kLongestKey)));
  const bool one_line = std::all_of(key.begin(), key.end(), [](char c) {
    return static_cast<unsigned char>(c) > 0x20 && c != 0x7f;
  });
  if (key.empty() || !one_line) {
    throw Error({.what = "does not hold one key and nothing else",
                 .where = path,
                 .next = "write the key into it on a line of its own"});
  }
  std::error_code ignored;
  const auto mode = std::filesystem::status(path, ignored).permissions();
  using std::filesystem::perms;
  if ((mode & (perms::group_read | perms::others_read)) != perms::none) {
    notes.push_back(path + " can be read by others than you: chmod 600 it");
  }
  return key;
}

constexpr size_t kShortestPart = 4;  // the Redactor leaves what is shorter

// The words of a made-up key, which answers are full of.
bool opens_nothing(std::string_view word) {
  constexpr std::array<std::string_view, 8> kMadeUp = {"empty", "none", "null", "test",
                                                       "dummy", "fake", "true", "false"};
  std::string plain(word);
  std::transform(plain.begin(), plain.end(), plain.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return std::find(kMadeUp.begin(), kMadeUp.end(), plain) != kMadeUp.end();
}

void add_part(std::string_view part, std::vector<std::string>& secrets) {
  if (part.size() >= kShortestPart && !opens_nothing(part)) secrets.emplace_back(part);
}

// What base64 says, if that is text.
std::string decoded_text(std::string_view encoded) {
  std::string text;
  uint32_t bits = 0;
  int held = 0;
  while (encoded.ends_with('=')) encoded.remove_suffix(1);
  for (const char c : encoded) {
    constexpr std::string_view kAlphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const size_t value = kAlphabet.find(c == '-' ? '+' : c == '_' ? '/' : c);
    if (value == std::string_view::npos) return {};
    bits = (bits << 6) | static_cast<uint32_t>(value);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    text += static_cast<char>(bits >> held);
    const auto byte = static_cast<unsigned char>(text.back());
    if (byte < 0x20 || byte == 0x7f) return {};
  }
  return is_valid_utf8(text) ? text : std::string();
}

// A word, what it says ("session=KEY"), and the password of "user:KEY".
void add_word(std::string_view word, std::vector<std::string>& secrets) {
  add_part(word, secrets);
  for (const char separator : {'=', ':'}) {
    std::string_view said = word.substr(std::min(word.find(separator) + 1, word.size()));
    if (word.find(separator) == std::string_view::npos) continue;
    if (said.starts_with('"')) said.remove_prefix(1);
    if (said.ends_with('"')) said.remove_suffix(1);
    add_part(said, secrets);
  }
}

// The parts of a value that is named like a credential, each of which may come back alone: of
// "session=KEY; theme=dark" each word and what it says, of "Bearer KEY" all but the scheme, of
// "Basic dXNlcjpLRVk=" also what that says.
void add_secret(std::string_view value, std::vector<std::string>& secrets) {
  constexpr std::string_view kSeparators = " ,;";
  value = trimmed_key(value);
  const bool several = value.find_first_of(kSeparators) != std::string_view::npos;
  bool first = true;
  while (!value.empty()) {
    const std::string_view word = value.substr(0, value.find_first_of(kSeparators));
    value.remove_prefix(std::min(word.size() + 1, value.size()));
    const bool scheme = first && several && word.find('=') == std::string_view::npos;
    first = false;
    if (scheme) continue;
    add_word(word, secrets);
    const size_t said = word.find('=') + 1;  // npos + 1 is 0
    const bool padding = word.find_first_not_of('=', said) == std::string_view::npos;
    add_word(decoded_text(padding ? word : word.substr(said)), secrets);
  }
}

// Every text and number below a member that is named like a credential.
void collect_secrets(const nlohmann::json& value, bool secret, std::vector<std::string>& secrets) {
  if (value.is_structured()) {
    for (const auto& [name, member] : value.items()) {
      collect_secrets(member, secret || (value.is_object() && names_a_secret(name)), secrets);
    }
  } else if (secret && value.is_string()) {
    add_secret(value.get<std::string>(), secrets);
  } else if (secret && value.is_number()) {
    secrets.push_back(value.dump());
  }
}

}  // namespace

std::string url_below(std::string_view base_url, std::string_view path) {
  const std::string_view base = base_url.substr(0, base_url.find('?'));
  std::string url(base);
  url += path;
  return url += base_url.substr(base.size());
}

std::string url_beside_version(std::string_view base_url, std::string_view path) {
  constexpr std::string_view kVersion = "/v1";
  const std::string_view base = base_url.substr(0, base_url.find('?'));
  const size_t kept = base.size() - (base.ends_with(kVersion) ? kVersion.size() : 0);
  return url_below(std::string(base.substr(0, kept)).append(base_url.substr(base.size())), path);
}

std::vector<std::string> secrets_of(const SweepSpec& spec, const Connection& connection) {
  std::vector<std::string> secrets;
  for (const auto& [name, value] : connection.headers) {
    if (names_a_secret(name) || is_same_header(name, spec.endpoint.api_key_header))
      add_secret(value, secrets);
  }
  collect_secrets(nlohmann::json::parse(spec.endpoint.extra_body, nullptr, false), false, secrets);
  return secrets;
}

OpenEndpoint::OpenEndpoint(const EndpointSpec& endpoint, std::vector<std::string>& notes,
                           const std::filesystem::path& truth_log) {
  connection_ = {.urls = endpoint.urls, .headers = endpoint.headers};
  for (const auto& [name, value] : traits_of(endpoint.api).headers) {
    const bool given = std::any_of(
        endpoint.headers.begin(), endpoint.headers.end(),
        [&name = name](const auto& header) { return is_same_header(header.first, name); });
    if (!given) connection_.headers.emplace_back(name, value);
  }
  // What loads it would wait for a FIFO.
  if (!endpoint.ca_file.empty()) const RegularFile readable(endpoint.ca_file);
  if (connection_.urls.empty()) connection_.urls = {endpoint.url};
  if (!endpoint.simulator.empty()) {
    simulator_ = std::make_unique<Simulator>(
        read_profile(endpoint.simulator),
        SimulatorOptions{.truth_log = truth_log, .signs_of_life = true});
    connection_.urls = {simulator_->base_url()};
  }
  for (std::string& url : connection_.urls) {
    if (url.find('?') != std::string::npos) continue;  // the reader of the spec took the slash away
    while (url.ends_with('/')) url.pop_back();
  }
  std::string key = endpoint.api_key_file.empty() ? key_of_environment(endpoint, notes)
                                                  : key_of_file(endpoint.api_key_file, notes);
  if (key.empty()) return;
  const bool bearer = is_same_header(endpoint.api_key_header, "authorization");
  connection_.headers.emplace_back(endpoint.api_key_header,
                                   bearer ? "Bearer " + std::move(key) : std::move(key));
}

}  // namespace llmsweep
