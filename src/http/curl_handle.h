// What the blocking exchange and the streaming client share of libcurl: owned handles, the options
// that every request of ours has, and our words for its failures.
#pragma once

#include <curl/curl.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llmsweep/base/clock.h"

namespace llmsweep::http {

struct EasyDeleter {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct MultiDeleter {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};
struct SlistDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
struct UrlDeleter {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using EasyHandle = std::unique_ptr<CURL, EasyDeleter>;
using MultiHandle = std::unique_ptr<CURLM, MultiDeleter>;
using Slist = std::unique_ptr<curl_slist, SlistDeleter>;
using UrlHandle = std::unique_ptr<CURLU, UrlDeleter>;

// curl_global_init, once for the process; any thread.
void init_curl();

EasyHandle make_easy();
MultiHandle make_multi();

// A URL taken apart. Throws Error where it is not http(s)://host… or carries a password.
struct Target {
  std::string url;
  std::string host;  // without brackets
  int port = 0;
  std::string path;  // with the query
  bool tls = false;
  std::string name() const;  // "localhost:8000", "[::1]:8000": for messages
};
Target parse_target(const std::string& url);
std::string join_host_port(std::string_view host, int port);

using HeaderList = std::vector<std::pair<std::string, std::string>>;
// Throws Error, which names the header but not its value, for what cannot be sent.
void check_headers(const HeaderList& headers);
bool has_header(const HeaderList& headers, const char* name);
// Checked, as lines for libcurl, with `Expect:` suppressed and a Content-Type where `json_body` and
// none is given.
Slist make_header_list(const HeaderList& headers, bool json_body);
inline constexpr const char* kUserAgent = "llmsweep/" LLMSWEEP_VERSION;

struct EasyOptions {
  Duration connect_timeout{};
  Duration max_idle = std::chrono::seconds(100);
  bool use_proxy = false;
  std::string ca_file;
};
void set_common_options(CURL* easy, const EasyOptions& options);

// Why a request failed, in a line. `detail` is libcurl's error buffer.
struct FailureContext {
  std::string_view target;   // "localhost:8000"
  std::string_view address;  // "127.0.0.1:8000" where pinned
  std::string_view detail;
  Duration connect_timeout{};
  Duration timeout{};  // of the exchange; zero: not known here
  int os_error = 0;
  bool handshaking = false;  // TLS: connected, and no more
  bool connected = false;    // the request had been handed over
  bool answered = false;     // the response had begun
};
std::string failure_text(CURLcode code, const FailureContext& context);

// libcurl does not decode what nobody asked for; the name of such an encoding, or "".
std::string_view content_encoding(std::string_view header_block);

}  // namespace llmsweep::http
