#include "spec/spec_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <optional>

#include "llmsweep/base/secrets.h"
#include "llmsweep/base/text.h"
#include "llmsweep/model/spec_keys.h"

namespace llmsweep {
namespace {

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

constexpr const char* kForms =
    "write a number, {min: 1, max: 9}, {mean: 5, stddev: 1}, or [{tokens: 5, weight: 1}, …]";

// "2k" and "1.5k", in thousands; nothing for anything else.
std::optional<int64_t> parse_thousands(std::string_view text) {
  if (!text.ends_with('k')) return std::nullopt;
  text.remove_suffix(1);
  const std::optional<double> thousands = parse_double(text);
  if (!thousands || !(*thousands > 0) || *thousands * 1000 > static_cast<double>(kMaxTokens)) {
    return std::nullopt;
  }
  const double tokens = std::round(*thousands * 1000);
  if (std::abs(tokens - *thousands * 1000) > 1e-6) return std::nullopt;
  return static_cast<int64_t>(tokens);
}

TokenCount read_weighted(const ConfigNode& node) {
  TokenCount count{.kind = TokenCount::Kind::kWeighted};
  for (const ConfigNode& item : node.items()) {
    const int64_t tokens = item["tokens"].as_int(1, kMaxTokens);
    const ConfigNode weight_node = item["weight"];
    const double weight = weight_node.present() ? weight_node.as_number({0, 1e12}) : 1;
    if (weight <= 0) weight_node.fail("must be above 0");
    item.reject_unknown_keys();
    count.weighted.emplace_back(tokens, weight);
  }
  if (count.weighted.empty()) node.fail("must hold at least one length", kForms);
  return count;
}

TokenCount read_range_or_normal(const ConfigNode& node) {
  TokenCount count;
  const ConfigNode min = node["min"];
  const ConfigNode max = node["max"];
  const ConfigNode mean = node["mean"];
  const ConfigNode stddev = node["stddev"];
  node.reject_unknown_keys();
  if ((min.present() || max.present()) == (mean.present() || stddev.present())) {
    node.fail("needs min and max, or mean and stddev", kForms);
  }
  if (min.present() || max.present()) {
    count.kind = TokenCount::Kind::kUniform;
    count.min = min.as_int(1, kMaxTokens);
    count.max = max.as_int(1, kMaxTokens);
    if (count.min > count.max) max.fail("must not be below min");
    return count;
  }
  count.kind = TokenCount::Kind::kNormal;
  count.mean = mean.as_number({1, 1e8});
  count.stddev = stddev.as_number({0, 1e8});
  return count;
}

// Where scripts/fetch-tokenizer puts tokenizers; empty: there is no such place.
std::filesystem::path tokenizer_folder() {
  if (const char* folder = std::getenv("LLMSWEEP_TOKENIZER_DIR")) return folder;
  const char* home = std::getenv("HOME");
  if (home == nullptr) return {};
  return std::filesystem::path(home) / ".cache" / "llmsweep" / "tokenizers";
}

}  // namespace

std::string read_text(const ConfigNode& node) {
  std::string text = node.as_string();
  if (text.size() > kMaxTextBytes) {
    node.fail("must be at most " + std::to_string(kMaxTextBytes) + " bytes of text");
  }
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      node.fail("must not hold control characters or line breaks");
    }
  }
  return text;
}

std::string read_date(const ConfigNode& node) {
  const std::string text = node.as_string();
  bool shaped = text.size() == 10;
  for (size_t i = 0; shaped && i < text.size(); ++i) {
    shaped = i == 4 || i == 7 ? text[i] == '-' : text[i] >= '0' && text[i] <= '9';
  }
  const int month = shaped ? static_cast<int>(parse_int(text.substr(5, 2)).value_or(0)) : 0;
  const int day = shaped ? static_cast<int>(parse_int(text.substr(8, 2)).value_or(0)) : 0;
  if (month < 1 || month > 12 || day < 1 || day > 31) {
    node.fail("must be a date, YYYY-MM-DD", "as in 2026-11-28");
  }
  return text;
}

std::string read_url(const ConfigNode& node) {
  std::string url = read_text(node);
  const std::string hint = "as in http://127.0.0.1:8000/v1";
  if (!url.starts_with("http://") && !url.starts_with("https://")) {
    node.fail("must begin with http:// or https://", hint);
  }
  const size_t host = url.find("//") + 2;
  const std::string authority = url.substr(host, url.find_first_of("/?#", host) - host);
  if (authority.find('@') != std::string::npos) {
    node.fail("must not hold a user name or password",
              "put the key into an environment variable and name it in api_key_env");
  }
  if (authority.empty() || authority.front() == ':') node.fail("names no host", hint);
  const size_t colon = authority.rfind(':');
  if (colon != std::string::npos && authority.find(']', colon) == std::string::npos) {
    const std::optional<int64_t> port = parse_int(authority.substr(colon + 1));
    if (!port || *port < 1 || *port > 65'535) {
      node.fail("names a port that there is not (1 to 65535)", hint);
    }
  }
  if (url.find_first_of(" <>\"\\^`{}|") != std::string::npos) {
    node.fail("holds a character that no URL may hold", hint);
  }
  if (url.find('#') != std::string::npos) {
    node.fail("must end with the base path, without '#'",
              "the request's path is appended to it, " + hint);
  }
  const std::string query = url.substr(std::min(url.find('?'), url.size()));
  for (const std::string& parameter : split(query.substr(query.empty() ? 0 : 1), '&')) {
    if (!names_a_secret(parameter.substr(0, parameter.find('=')))) continue;
    node.fail("must not hold a key in its query",
              "put the key into an environment variable and name it in api_key_env, with "
              "api_key_header for the header that carries it");
  }
  url.resize(url.size() - query.size());
  while (url.ends_with('/')) url.pop_back();
  return url + query;
}

std::vector<std::string> read_urls(const ConfigNode& node) {
  std::vector<std::string> urls;
  for (const ConfigNode& item : node.items()) {
    std::string url = read_url(item);
    if (std::find(urls.begin(), urls.end(), url) != urls.end()) {
      item.fail("the same URL is listed twice");
    }
    if (urls.size() == kMaxUrls) item.fail("is more than " + std::to_string(kMaxUrls) + " URLs");
    urls.push_back(std::move(url));
  }
  if (urls.empty()) node.fail("must name at least one URL", "as in [http://10.0.0.1:8000/v1]");
  return urls;
}

std::vector<ModelShare> read_models(const ConfigNode& node) {
  constexpr const char* kExample = "as in [{name: a, weight: 3}, {name: b, weight: 1}]";
  std::vector<ModelShare> models;
  for (const ConfigNode& item : node.items()) {
    const bool map = item.kind() == ConfigNode::Kind::kMap;
    const ConfigNode name = map ? item["name"] : item;
    ModelShare model;
    if (!name.present()) item.fail("names no model", kExample);
    model.name = read_text(name);
    if (trim(model.name).empty()) name.fail("must not be empty", kExample);
    if (map && item["weight"].present()) {
      model.weight = item["weight"].as_number({0, kMaxWeight});
      if (model.weight <= 0) item["weight"].fail("must be above 0", "or leave the model out");
    }
    if (map) item.reject_unknown_keys();
    const auto same_name = [&](const ModelShare& other) { return other.name == model.name; };
    if (std::any_of(models.begin(), models.end(), same_name)) {
      item.fail("the same model is listed twice", "give it the sum of the weights");
    }
    if (models.size() == kMaxModels) item.fail(fmt::format("is more than {} models", kMaxModels));
    models.push_back(std::move(model));
  }
  if (models.empty()) node.fail("must name at least one model", kExample);
  return models;
}

std::string read_variable_name(const ConfigNode& node) {
  std::string name = node.as_string();
  const bool valid =
      !name.empty() && !(name[0] >= '0' && name[0] <= '9') &&
      std::all_of(name.begin(), name.end(), [](char c) { return is_alphanumeric(c) || c == '_'; });
  // What stands there may be the key itself: it is not repeated.
  if (!valid) {
    node.fail("must be the name of an environment variable, as in OPENAI_API_KEY",
              "write the variable's name, never the key");
  }
  return name;
}

bool is_header_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return is_alphanumeric(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string::npos;
  });
}

std::vector<std::pair<std::string, std::string>> read_headers(const ConfigNode& node) {
  std::vector<std::pair<std::string, std::string>> headers;
  constexpr std::array<std::string_view, 5> kOurs = {"content-length", "transfer-encoding",
                                                     "connection", "expect", "accept-encoding"};
  for (const auto& [name, value] : node.members()) {
    if (!is_header_name(name)) value.fail("'" + printable(name) + "' is not a header's name");
    std::string lower = name;
    std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    if (std::find(kOurs.begin(), kOurs.end(), lower) != kOurs.end()) {
      value.fail("header '" + printable(name) + "' is set by the client itself");
    }
    headers.emplace_back(name, read_text(value));
  }
  return headers;
}

std::string read_extra_body(const ConfigNode& node) {
  if (node.kind() != ConfigNode::Kind::kMap) {
    node.fail("must be a map of body fields", "as in extra_body: {temperature: 0}");
  }
  return node.to_json();
}

TokenCount read_tokens(const ConfigNode& node) {
  switch (node.kind()) {
    case ConfigNode::Kind::kList:
      return read_weighted(node);
    case ConfigNode::Kind::kMap:
      return read_range_or_normal(node);
    case ConfigNode::Kind::kScalar:
    case ConfigNode::Kind::kMissing:
    case ConfigNode::Kind::kNull:
      break;
  }
  if (const std::optional<int64_t> tokens = parse_thousands(node.as_string())) {
    return {.fixed = *tokens};
  }
  return {.fixed = node.as_int(1, kMaxTokens)};
}

TokenCount read_turn_tokens(const ConfigNode& node) {
  if (node.kind() != ConfigNode::Kind::kList) return read_tokens(node);
  const std::vector<ConfigNode> items = node.items();
  if (items.empty() || items.front().kind() != ConfigNode::Kind::kScalar) return read_tokens(node);
  TokenCount count{.kind = TokenCount::Kind::kWeighted, .by_turn = true};
  for (const ConfigNode& item : items) {
    if (item.kind() != ConfigNode::Kind::kScalar) {
      item.fail("must be a number of tokens, as those before it", "as in [300, 200, 150]");
    }
    count.weighted.emplace_back(read_tokens(item).fixed, 1);
  }
  return count;
}

DrawnTime read_drawn_time(const ConfigNode& node) {
  const auto limited = [](const ConfigNode& time) {
    const Duration duration = time.as_duration(Duration(0));
    if (duration > kLongestThink) time.fail("is more than a day");
    return duration;
  };
  if (node.kind() != ConfigNode::Kind::kMap) return {.fixed = limited(node)};
  const ConfigNode min = node["min"], max = node["max"], mean = node["mean"], cv = node["cv"];
  node.reject_unknown_keys();
  if (min.present() && max.present() && !mean.present() && !cv.present()) {
    DrawnTime time{.kind = DrawnTime::Kind::kUniform, .min = limited(min), .max = limited(max)};
    if (time.min > time.max) min.fail("must not be above max");
    return time;
  }
  if (mean.present() && cv.present() && !min.present() && !max.present()) {
    return {
        .kind = DrawnTime::Kind::kLogNormal, .mean = limited(mean), .cv = cv.as_number({0.01, 10})};
  }
  node.fail("must be a duration, {min, max} or {mean, cv}", "as in {mean: 20s, cv: 1}");
}

std::vector<RateStep> read_profile(const ConfigNode& node) {
  constexpr const char* kExample =
      "as in profile: [{for: 60s, rate: 2}, {for: 60s, from: 2, to: 8}]";
  constexpr NumberRange kRates{0, kMaxRate};
  if (node.kind() != ConfigNode::Kind::kList) node.fail("must be a list of steps", kExample);
  std::vector<RateStep> steps;
  for (const ConfigNode& item : node.items()) {
    if (item.kind() != ConfigNode::Kind::kMap) item.fail("must be a step", kExample);
    RateStep step;
    const ConfigNode length = item["for"];
    const ConfigNode rate = item["rate"];
    const ConfigNode from = item["from"];
    const ConfigNode to = item["to"];
    item.reject_unknown_keys();
    if (!length.present()) item.fail("does not say for how long", kExample);
    if (rate.present() == (from.present() || to.present()) || from.present() != to.present()) {
      item.fail("needs a rate, or from and to", kExample);
    }
    step.length = length.as_duration(kShortestStep);
    step.from = (rate.present() ? rate : from).as_number(kRates);
    step.to = (rate.present() ? rate : to).as_number(kRates);
    if (steps.size() == kMaxSteps) item.fail(fmt::format("is more than {} steps", kMaxSteps));
    steps.push_back(step);
  }
  if (peak_rate(steps) <= 0) node.fail("has no step with a rate above 0", kExample);
  return steps;
}

// A rank file's pattern may be named after a '#': "ranks.tiktoken#o200k_base".
std::string read_tokenizer(const ConfigNode& node, SpecPaths paths) {
  std::string text = node.as_string();
  if (text == "server") return text;
  if (const auto folder = tokenizer_folder(); !folder.empty()) paths.add(folder);
  paths.advise(
      "scripts/fetch-tokenizer gets a named one, and tokenizer: server counts with the server's "
      "own");
  return find_with_part(node, paths);
}

std::string find_with_part(const ConfigNode& node, const SpecPaths& paths) {
  const std::string text = node.as_string();
  const size_t hash = text.rfind('#');
  if (hash == std::string::npos || paths.has(text)) return paths.find(node);
  return paths.find(node, text.substr(0, hash)) + text.substr(hash);
}

int64_t largest(const TokenCount& count) {
  switch (count.kind) {
    case TokenCount::Kind::kFixed:
      return count.fixed;
    case TokenCount::Kind::kUniform:
      return count.max;
    case TokenCount::Kind::kNormal:
      return static_cast<int64_t>(count.mean);
    case TokenCount::Kind::kWeighted:
      break;
  }
  int64_t most = 0;
  for (const auto& [tokens, weight] : count.weighted) most = std::max(most, tokens);
  return most;
}

}  // namespace llmsweep
