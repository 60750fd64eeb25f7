#include "llmsweep/sweep/endpoint.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "llmsweep/base/error.h"
#include "llmsweep/base/files.h"
#include "llmsweep/base/regular_file.h"
#include "llmsweep/base/secrets.h"

namespace llmsweep {
namespace {

constexpr size_t kLongestKey = 16 << 10;

std::string key_of_environment(const EndpointSpec& endpoint, std::vector<std::string>& notes) {
  if (endpoint.api_key_env.empty()) return {};
  const char* key = std::getenv(endpoint.api_key_env.c_str());
  if (key != nullptr && *key != '\0') return key;
  notes.push_back("$" + endpoint.api_key_env + " is not set: requests carry no Authorization");
  return {};
}

std::string key_of_file(const std::string& path, std::vector<std::string>& notes) {
  std::string key = read_file(path, kLongestKey);
  while (!key.empty() && (key.back() == '\n' || key.back() == '\r')) key.pop_back();
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

void collect_secrets(const nlohmann::json& body, std::vector<std::string>& secrets) {
  for (const auto& [name, value] : body.items()) {
    if (body.is_object() && names_a_secret(name) && value.is_string()) {
      secrets.push_back(value.get<std::string>());
    } else if (value.is_structured()) {
      collect_secrets(value, secrets);
    }
  }
}

}  // namespace

std::vector<std::string> secrets_of(const SweepSpec& spec, const Connection& connection) {
  std::vector<std::string> secrets;
  for (const auto& [name, value] : connection.headers) {
    if (!names_a_secret(name)) continue;
    secrets.push_back(value);
    const size_t space = value.rfind(' ');  // "Bearer KEY": the key may come back alone
    if (space != std::string::npos) secrets.push_back(value.substr(space + 1));
  }
  collect_secrets(nlohmann::json::parse(spec.endpoint.extra_body, nullptr, false), secrets);
  return secrets;
}

OpenEndpoint::OpenEndpoint(const EndpointSpec& endpoint, std::vector<std::string>& notes,
                           const std::filesystem::path& truth_log) {
  connection_ = {.urls = endpoint.urls, .headers = endpoint.headers};
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
    while (url.ends_with('/')) url.pop_back();
  }
  std::string key = endpoint.api_key_file.empty() ? key_of_environment(endpoint, notes)
                                                  : key_of_file(endpoint.api_key_file, notes);
  if (!key.empty()) connection_.headers.emplace_back("Authorization", "Bearer " + std::move(key));
}

}  // namespace llmsweep
