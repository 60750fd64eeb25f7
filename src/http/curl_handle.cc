#include "http/curl_handle.h"

#include <fmt/format.h>
#include <strings.h>

#include <algorithm>
#include <cassert>
#include <mutex>
#include <new>

#include "llmsweep/base/error.h"
#include "llmsweep/base/text.h"
#include "llmsweep/http/ca_bundle.h"
#include "llmsweep/http/make_client.h"

namespace llmsweep {

std::string libcurl_version() {
  const curl_version_info_data* info = curl_version_info(CURLVERSION_NOW);
  std::string text = std::string("libcurl ") + info->version;
  if (info->ssl_version != nullptr) text += std::string(", ") + info->ssl_version;
  return text;
}

namespace http {
namespace {

constexpr long kReceiveBuffer = 16 << 10;  // reserved for each stream
constexpr long kSendBuffer = 16 << 10;
constexpr long kKeepAliveProbe = 60;  // s: a long prefill behind a NAT must not lose its entry

long to_long_ms(Duration duration) {
  return static_cast<long>(std::chrono::ceil<std::chrono::milliseconds>(duration).count());
}

std::string url_part(CURLU* url, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, flags) != CURLUE_OK) return {};
  std::string result = text;
  curl_free(text);
  return result;
}

}  // namespace

void init_curl() {
  static std::once_flag once;
  std::call_once(once, [] {
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
      throw MeasurementError({.what = "libcurl does not start", .where = "", .next = ""});
    }
  });
}

EasyHandle make_easy() {
  init_curl();
  EasyHandle easy(curl_easy_init());
  if (!easy) throw std::bad_alloc();
  return easy;
}

MultiHandle make_multi() {
  init_curl();
  MultiHandle multi(curl_multi_init());
  if (!multi) throw std::bad_alloc();
  return multi;
}

std::string join_host_port(std::string_view host, int port) {
  const bool ipv6 = host.find(':') != std::string_view::npos;
  std::string text = ipv6 ? "[" + std::string(host) + "]" : std::string(host);
  return text + ":" + std::to_string(port);
}

std::string Target::name() const {
  return join_host_port(host, port);
}

Target parse_target(const std::string& url) {
  init_curl();
  const auto refuse = [](std::string what, std::string where, std::string next) {
    throw Error({.what = std::move(what), .where = std::move(where), .next = std::move(next)});
  };
  const std::string next = "write it as http://HOST:PORT/PATH or https://HOST:PORT/PATH";
  UrlHandle parsed(curl_url());
  if (!parsed) throw std::bad_alloc();
  // The text may hold a password, so it is only shown once it is known not to.
  // Which schemes libcurl was built with is not asked: the one that is refused is named below.
  if (curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), CURLU_NON_SUPPORT_SCHEME) !=
      CURLUE_OK) {
    const bool secret = url.find('@') != std::string::npos;
    refuse("not a URL", secret ? "" : printable(url), next);
  }
  if (!url_part(parsed.get(), CURLUPART_USER).empty() ||
      !url_part(parsed.get(), CURLUPART_PASSWORD).empty()) {
    refuse("the URL contains a user name or password", "",
           "put credentials into a header, read from the environment or a file");
  }
  const std::string scheme = url_part(parsed.get(), CURLUPART_SCHEME);
  if (scheme != "http" && scheme != "https") {
    refuse("the scheme '" + printable(scheme) + "' is not supported", printable(url), next);
  }
  Target target;
  target.url = url;
  target.tls = scheme == "https";
  target.host = url_part(parsed.get(), CURLUPART_HOST);
  if (target.host.size() > 2 && target.host.front() == '[') {
    target.host = target.host.substr(1, target.host.size() - 2);
  }
  target.port = static_cast<int>(
      parse_int(url_part(parsed.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT)).value_or(0));
  const std::string query = url_part(parsed.get(), CURLUPART_QUERY);
  target.path = url_part(parsed.get(), CURLUPART_PATH) + (query.empty() ? "" : "?" + query);
  if (target.host.empty() || target.port <= 0) {
    refuse("the URL names no host or port", printable(url), next);
  }
  return target;
}

void check_headers(const HeaderList& headers) {
  for (const auto& [name, value] : headers) {
    const bool bad_name = name.empty() || name.find_first_of("\r\n: \t") != std::string::npos ||
                          name.find('\0') != std::string::npos;
    if (!bad_name && value.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos) {
      continue;
    }
    throw Error({.what = "the header '" + printable(name) + "' cannot be sent",
                 .where = "",
                 .next = "a header's name has no spaces or colons, and neither it nor its value "
                         "has line breaks: is there one at the end of a key file?"});
  }
}

bool has_header(const HeaderList& headers, const char* name) {
  return std::any_of(headers.begin(), headers.end(), [name](const auto& header) {
    return strcasecmp(header.first.c_str(), name) == 0;
  });
}

Slist make_header_list(const HeaderList& headers, bool json_body) {
  check_headers(headers);
  Slist list;
  const auto add = [&list](const std::string& line) {
    curl_slist* longer = curl_slist_append(list.get(), line.c_str());
    if (longer == nullptr) throw std::bad_alloc();
    (void)list.release();
    list.reset(longer);
  };
  for (const auto& [name, value] : headers) {
    // libcurl leaves a header without a value out unless it ends with a semicolon.
    add(value.empty() ? name + ";" : fmt::format("{}: {}", name, value));
  }
  if (json_body && !has_header(headers, "Content-Type")) add("Content-Type: application/json");
  add("Expect:");
  return list;
}

void set_common_options(CURL* easy, const EasyOptions& options) {
  const auto set = [easy](CURLoption option, auto value) {
    const CURLcode code = curl_easy_setopt(easy, option, value);
    assert(code == CURLE_OK);
    (void)code;
  };
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_TCP_NODELAY, 1L);
  set(CURLOPT_TCP_KEEPALIVE, 1L);
  set(CURLOPT_TCP_KEEPIDLE, kKeepAliveProbe);
  set(CURLOPT_TCP_KEEPINTVL, kKeepAliveProbe);
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  set(CURLOPT_HTTP_CONTENT_DECODING, 0L);
  set(CURLOPT_BUFFERSIZE, kReceiveBuffer);
  set(CURLOPT_UPLOAD_BUFFERSIZE, kSendBuffer);
  set(CURLOPT_USERAGENT, kUserAgent);
  set(CURLOPT_CONNECTTIMEOUT_MS, to_long_ms(options.connect_timeout));
  set(CURLOPT_QUICK_EXIT, 1L);  // else a resolver that does not answer is waited for at the end
  set(CURLOPT_MAXAGE_CONN, std::max(1L, to_long_ms(options.max_idle) / 1000));
  if (!options.use_proxy) set(CURLOPT_PROXY, "");
  const std::string ca_file = options.ca_file.empty() ? system_ca_bundle() : options.ca_file;
  if (ca_file.empty()) return;
  set(CURLOPT_CAINFO, ca_file.c_str());
  // Else a folder that it was built with would be trusted beside the file.
  set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));
}

std::string_view content_encoding(std::string_view header_block) {
  constexpr std::string_view kName = "content-encoding:";
  for (size_t start = 0; start < header_block.size();) {
    size_t end = header_block.find('\n', start);
    if (end == std::string_view::npos) end = header_block.size();
    const std::string_view line = header_block.substr(start, end - start);
    if (line.size() > kName.size() && strncasecmp(line.data(), kName.data(), kName.size()) == 0) {
      const std::string_view value = trim(line.substr(kName.size()));
      if (!value.empty() && value != "identity") return value;
    }
    start = end + 1;
  }
  return {};
}

}  // namespace http
}  // namespace llmsweep
