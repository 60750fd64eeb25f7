#include "sweep/endpoint_advisor.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>

#include "llmsweep/base/error.h"
#include "llmsweep/base/text.h"
#include "llmsweep/protocol/answers.h"

namespace llmsweep {
namespace {

constexpr Duration kTrial = std::chrono::seconds(5);

// Up to the path: "http://host:8000".
std::string origin_of(std::string_view url) {
  return std::string(url.substr(0, url.find_first_of("/?", url.find("//") + 2)));
}

bool speaks_of(std::string_view text, std::string_view word) {
  return text.find(word) != std::string_view::npos;
}

}  // namespace

std::vector<std::string> base_url_candidates(const std::string& url) {
  const std::string query = url.find('?') == std::string::npos ? "" : url.substr(url.find('?'));
  std::string base = url.substr(0, url.size() - query.size());
  for (const std::string_view path : {"/chat/completions", "/completions", "/chat", "/models",
                                      "/responses", "/embeddings", "/messages"}) {
    if (base.ends_with(path)) base.erase(base.size() - path.size());
  }
  while (base.ends_with('/')) base.pop_back();
  const std::string origin = origin_of(url);
  std::vector<std::string> candidates;
  for (const std::string& candidate :
       {base, base + "/v1", origin + "/v1", origin + "/openai/v1", origin + "/api/v1"}) {
    const std::string whole = candidate + query;
    const bool known = std::find(candidates.begin(), candidates.end(), whole) != candidates.end();
    if (whole != url && !known) candidates.push_back(whole);
  }
  return candidates;
}

void EndpointAdvisor::unreachable(const std::string& why) {
  std::string next = "is the server running, and is endpoint.url right?";
  if (speaks_of(why, "onnection refused")) next += " --wait 5m waits for one that is starting";
  throw MeasurementError({.what = "the endpoint cannot be reached: " + why,
                          .where = base_url_,
                          .next = next + unused_proxy()});
}

void EndpointAdvisor::fail(const Probed& probed, const Known& known) {
  const HttpAnswer& answer = probed.answer;
  const bool listed = known.listed;
  const std::string what =
      "the endpoint does not answer a probe as a run needs it: " + probed.record.error;
  std::string next = "check endpoint.api, endpoint.model and the server's log";
  const bool no_protocol_helps = answer.refused || (answer.timed_out && !answer.connected) ||
                                 speaks_of(answer.error, "TLS certificate");
  if (no_protocol_helps) unreachable(answer.error);
  if (probed.refused_access()) refused_access(probed);
  if (probed.redirected()) redirected(probed);
  const bool absent = answer.status == 404 || answer.status == 405;
  if (absent && known.likely.empty()) not_found(probed, listed);
  if (answer.timed_out && answer.connected) {
    next = "is the server busy or stuck? Its log may say; a slow one needs a longer time-out";
  } else if (answer.status == 429) {
    next =
        "its rate limit or quota is used up: --wait waits longer than 2m, and load.retry_after: "
        "hold keeps to the limit in the run";
  } else if (answer.status == 503) {
    next = "it is loading or overloaded: --wait waits longer than 2m";
  } else if (probed.nobody_behind_proxy()) {
    next =
        "a proxy answers, and not the server behind it: --wait 5m waits for one that is starting";
  } else if (answer.status == 407) {
    next = "the proxy wants a name and a password: endpoint.use_proxy";
  } else if (answer.status == 0 || (!listed && answer.status == 400)) {
    const std::string other = other_protocol();
    if (!other.empty()) next = other;
    if (other.empty() && answer.status == 0) unreachable(probed.record.error);
  } else if (!listed && answer.ok()) {
    const std::string other = other_base_url();  // a page, say
    if (!other.empty()) next = other;
  }
  if (!known.likely.empty()) next = known.likely;
  throw MeasurementError({.what = what, .where = probed.url, .next = next});
}

void EndpointAdvisor::fail_without_model(const Probed& probed, const std::string& problem) {
  const HttpAnswer& answer = probed.answer;
  if (probed.refused_access()) refused_access(probed);
  if (probed.redirected()) redirected(probed);
  const bool not_now = answer.status == 503 || answer.status == 429 || probed.nobody_behind_proxy();
  if (answer.status == 0 || not_now) fail(probed, {});
  std::string next;
  if (answer.status == 400) next = other_protocol();
  if (next.empty()) next = other_base_url();
  if (next.empty())
    next = "name it: endpoint.model. Is endpoint.url right? It ends with /v1, usually";
  throw MeasurementError(
      {.what = "the endpoint lists no model: " + problem, .where = probed.url, .next = next});
}

void EndpointAdvisor::refused_access(const Probed& probed) {
  const std::string& variable = spec_.endpoint.api_key_env;
  const std::string& file = spec_.endpoint.api_key_file;
  std::string next = "name the variable that holds the key: endpoint.api_key_env";
  if (!variable.empty() || !file.empty()) {
    next = fmt::format("is the key in {} set and right, and may it do this?",
                       variable.empty() ? file : "$" + variable);
  }
  throw MeasurementError({.what = "the endpoint refused access: " + probed.record.error,
                          .where = probed.url,
                          .next = next});
}

void EndpointAdvisor::redirected(const Probed& probed) {
  const std::string base = base_url_behind(probed);
  std::string next = "redirects are not followed: endpoint.url has to lead to the API itself";
  if (!base.empty() && base != base_url_) {
    next =
        fmt::format("did you mean endpoint.url: {}? Redirects are not followed", printable(base));
  }
  throw MeasurementError(
      {.what = "the endpoint does not answer a probe as a run needs it: " + probed.record.error,
       .where = probed.url,
       .next = next});
}

// The base URL whose request is where the answer leads; empty where it leads elsewhere.
std::string EndpointAdvisor::base_url_behind(const Probed& probed) const {
  const auto& headers = probed.answer.headers;
  const auto location = std::find_if(headers.begin(), headers.end(),
                                     [](const auto& header) { return header.first == "location"; });
  if (location == headers.end()) return {};
  std::string target = location->second;
  if (target.starts_with("//")) {
    target.insert(0, base_url_.substr(0, base_url_.find("//")));
  } else if (target.starts_with('/')) {
    target.insert(0, origin_of(base_url_));
  }
  const auto without_query = [](const std::string& url) { return url.substr(0, url.find('?')); };
  const std::string path =
      without_query(probed.url)
          .substr(std::min(without_query(base_url_).size(), probed.url.size()));
  std::string base = without_query(target);
  while (base.ends_with('/')) base.pop_back();
  const bool of_the_api = base.starts_with("http") && !path.empty() && base.ends_with(path);
  if (!of_the_api) return {};
  base.resize(base.size() - path.size());
  return base + base_url_.substr(without_query(base_url_).size());
}

void EndpointAdvisor::not_found(const Probed& probed, bool listed) {
  std::string next;
  const bool of_the_model = speaks_of(probed.record.error, "odel");
  if (!listed && !of_the_model) next = other_base_url();
  if (next.empty() && (listed || of_the_model)) {
    next = "does it serve endpoint.model, and endpoint.api?";
  }
  if (next.empty()) {
    next = "endpoint.url is the base URL up to and including /v1, without the path of a request";
  }
  throw MeasurementError(
      {.what = "the endpoint does not answer a probe as a run needs it: " + probed.record.error,
       .where = probed.url,
       .next = next});
}

// A wrong key is an answer too: there is something to open.
bool EndpointAdvisor::answers(const std::string& base_url) {
  const Probed probed = prober_.try_get(url_below(base_url, "/models"), kTrial);
  if (probed.refused_access()) return true;
  if (!probed.answer.ok()) return false;
  try {
    return !parse_models(probed.answer.body).empty();
  } catch (const Error&) {
    return false;
  }
}

std::string EndpointAdvisor::other_base_url() {
  const std::vector<std::string> candidates = base_url_candidates(base_url_);
  for (const std::string& candidate : candidates) {
    if (answers(candidate)) {
      return fmt::format("did you mean endpoint.url: {}? It answers", printable(candidate));
    }
  }
  // None does, but this is what the usual slip would be.
  if (candidates.empty() || base_url_.ends_with("/v1")) return {};
  return fmt::format("did you mean endpoint.url: {}?", printable(candidates.front()));
}

std::string EndpointAdvisor::other_protocol() {
  const bool tls = base_url_.starts_with("https://");
  const std::string other = (tls ? "http" : "https") + base_url_.substr(base_url_.find("://"));
  const HttpAnswer answer = prober_.try_get(url_below(other, "/models"), kTrial).answer;
  // A certificate that nobody vouches for is one.
  if (answer.status != 0 || (!tls && speaks_of(answer.error, "TLS certificate"))) {
    return fmt::format("did you mean endpoint.url: {}? It answers{}", printable(other),
                       answer.status == 0 ? ", with a certificate for endpoint.ca_file" : "");
  }
  if (prober_.try_get(url_below(base_url_, "/models"), kTrial, true).answer.status != 0) {
    return "it speaks HTTP/2 only, and a run speaks HTTP/1.1: let the server, or a proxy before "
           "it, accept HTTP/1.1";
  }
  return {};
}

// Its value may hold a password.
std::string EndpointAdvisor::unused_proxy() const {
  if (spec_.endpoint.use_proxy) return {};
  const bool tls = base_url_.starts_with("https://");
  const std::array<const char*, 4> names = {tls ? "https_proxy" : "http_proxy",
                                            tls ? "HTTPS_PROXY" : "http_proxy", "all_proxy",
                                            "ALL_PROXY"};
  for (const char* name : names) {
    const char* value = std::getenv(name);
    if (value == nullptr || *value == '\0') continue;
    return fmt::format("; ${} is set and was not used: endpoint.use_proxy: true uses it", name);
  }
  return {};
}

}  // namespace llmsweep
