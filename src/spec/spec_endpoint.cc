#include <algorithm>
#include <array>

#include "llmsweep/base/text.h"
#include "spec/spec_read.h"
#include "spec/spec_values.h"

namespace llmsweep {
namespace {

using namespace std::chrono_literals;

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// The base URL, without a slash at its end. Credentials in it would reach every file we write.
std::string read_url(const ConfigNode& node) {
  std::string url = read_text(node);
  const std::string hint = "as in http://127.0.0.1:8000/v1";
  if (!url.starts_with("http://") && !url.starts_with("https://")) {
    node.fail("must begin with http:// or https://", hint);
  }
  const size_t host = url.find("//") + 2;
  const std::string authority = url.substr(host, url.find('/', host) - host);
  if (authority.find('@') != std::string::npos) {
    node.fail("must not hold a user name or password",
              "put the key into an environment variable and name it in api_key_env");
  }
  if (authority.empty() || authority.front() == ':') node.fail("names no host", hint);
  if (url.find_first_of(" <>\"\\^`{}|") != std::string::npos) {
    node.fail("holds a character that no URL may hold", hint);
  }
  if (url.find_first_of("?#") != std::string::npos) {
    node.fail("must end with the base path, without '?' or '#'",
              "the request's path is appended to it, " + hint);
  }
  while (url.ends_with('/')) url.pop_back();
  return url;
}

std::vector<std::string> read_urls(const ConfigNode& node) {
  constexpr size_t kMaxUrls = 256;
  std::vector<std::string> urls;
  for (const ConfigNode& item : node.items()) {
    std::string url = read_url(item);
    if (std::find(urls.begin(), urls.end(), url) != urls.end()) {
      item.fail("the same URL is listed twice");
    }
    if (urls.size() == kMaxUrls) item.fail("is more than 256 URLs");
    urls.push_back(std::move(url));
  }
  if (urls.empty()) node.fail("must name at least one URL", "as in [http://10.0.0.1:8000/v1]");
  return urls;
}

std::string read_variable_name(const ConfigNode& node) {
  if (!node.present()) return {};
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

std::vector<std::pair<std::string, std::string>> read_headers(const ConfigNode& node) {
  std::vector<std::pair<std::string, std::string>> headers;
  if (!node.present()) return headers;
  constexpr std::array<std::string_view, 5> kOurs = {"content-length", "transfer-encoding",
                                                     "connection", "expect", "accept-encoding"};
  for (const auto& [name, value] : node.members()) {
    const bool token = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
      return is_alphanumeric(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string::npos;
    });
    if (!token) value.fail("'" + printable(name) + "' is not a header's name");
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

std::string read_extra_body(const ConfigNode& node, const std::string& fallback) {
  if (!node.present()) return fallback;
  if (node.kind() != ConfigNode::Kind::kMap) {
    node.fail("must be a map of body fields", "as in extra_body: {temperature: 0}");
  }
  return node.to_json();
}

std::vector<RequestField> read_fields(const ConfigNode& node,
                                      const std::vector<RequestField>& fallback) {
  if (!node.present()) return fallback;
  std::vector<RequestField> fields;
  for (const ConfigNode& item : node.items()) {
    const RequestField field = *from_name<RequestField>(item.as_choice(all_names<RequestField>()));
    if (std::find(fields.begin(), fields.end(), field) != fields.end()) {
      item.fail("the same field is listed twice");
    }
    fields.push_back(field);
  }
  return fields;
}

}  // namespace

EndpointSpec read_endpoint(const ConfigNode& node, const SpecPaths& paths) {
  const EndpointSpec defaults;
  EndpointSpec endpoint;
  const ConfigNode url = node["url"];
  const ConfigNode simulator = node["simulator"];
  const ConfigNode urls = node["urls"];
  const bool has_url = url.present() || urls.present();
  if (url.present() && urls.present()) {
    urls.fail("stands beside url", "keep one: a url, or a list of urls");
  }
  if (has_url && simulator.present()) {
    simulator.fail(std::string("stands beside ") + (url.present() ? "url" : "urls"),
                   "keep one: a url, or a simulator profile");
  }
  if (!has_url && !simulator.present()) {
    node.fail("needs a url or a simulator",
              "as in url: http://127.0.0.1:8000/v1, or simulator: profile.yaml");
  }
  if (url.present()) endpoint.url = read_url(url);
  if (urls.present()) {
    endpoint.urls = read_urls(urls);
    endpoint.url = endpoint.urls.front();
    if (endpoint.urls.size() == 1) endpoint.urls.clear();
  }
  if (simulator.present()) endpoint.simulator = paths.find(simulator);
  endpoint.api = read_enum(node["api"], defaults.api);
  endpoint.model = read_text(node["model"]);
  endpoint.api_key_env = read_variable_name(node["api_key_env"]);
  if (const ConfigNode key = node["api_key_file"]; key.present()) {
    if (!endpoint.api_key_env.empty()) {
      key.fail("stands beside api_key_env", "keep one: the variable, or the file");
    }
    endpoint.api_key_file = paths.find(key);
  }
  endpoint.request_timeout = read_duration(node["request_timeout"], defaults.request_timeout, 1ms);
  endpoint.connect_timeout = read_duration(node["connect_timeout"], defaults.connect_timeout, 1ms);
  endpoint.headers = read_headers(node["headers"]);
  endpoint.extra_body = read_extra_body(node["extra_body"], defaults.extra_body);
  const ConfigNode max_tokens_field = node["max_tokens_field"];
  endpoint.max_tokens_field = read_text(max_tokens_field, defaults.max_tokens_field);
  if (endpoint.max_tokens_field.empty()) max_tokens_field.fail("must not be empty");
  endpoint.request_fields = read_fields(node["request_fields"], defaults.request_fields);
  endpoint.use_proxy = read_bool(node["use_proxy"], defaults.use_proxy);
  if (const ConfigNode key = node["ca_file"]; key.present()) endpoint.ca_file = paths.find(key);
  node.reject_unknown_keys();
  return endpoint;
}

}  // namespace llmsweep
