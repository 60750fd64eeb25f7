#include "llmsweep/http/make_client.h"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>

#include "http/curl_handle.h"
#include "llmsweep/base/text.h"

namespace llmsweep {
namespace http {
namespace {

struct Receiving {
  const HttpExchange* exchange = nullptr;
  CURL* easy = nullptr;
  HttpAnswer answer;
  std::string header_block;
  const char* refusal = nullptr;
  bool body_begun = false;
  bool enough = false;
};

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

size_t on_header(char* bytes, size_t size, size_t count, void* user) noexcept {
  Receiving& receiving = *static_cast<Receiving*>(user);
  const std::string_view line(bytes, size * count);
  if (receiving.body_begun) return line.size();  // a trailer
  if (line.substr(0, 5) == "HTTP/") receiving.header_block.clear();
  if (receiving.header_block.size() + line.size() > receiving.exchange->max_header_bytes) {
    receiving.refusal = "the headers of the answer are longer than the limit";
    return 0;
  }
  receiving.header_block.append(line);
  if (line == "\r\n" && !content_encoding(receiving.header_block).empty()) {
    receiving.refusal = "the answer is compressed (Content-Encoding), which nobody asked for";
    return 0;
  }
  return line.size();
}

std::vector<std::pair<std::string, std::string>> split_headers(std::string_view block) {
  std::vector<std::pair<std::string, std::string>> headers;
  for (const std::string& line : split(block, '\n')) {
    const size_t colon = line.find(':');
    if (colon == std::string::npos || colon == 0) continue;
    headers.emplace_back(lower(trim(line.substr(0, colon))), trim(line.substr(colon + 1)));
  }
  return headers;
}

bool has_enough(Receiving& receiving) {
  if (!receiving.exchange->enough || !receiving.body_begun) return false;
  receiving.enough = receiving.exchange->enough(receiving.answer);
  return receiving.enough;
}

// The body has begun: what stands before it is complete.
void take_head(Receiving& receiving) {
  long status = 0;
  curl_easy_getinfo(receiving.easy, CURLINFO_RESPONSE_CODE, &status);
  receiving.answer.status = static_cast<int>(status);
  receiving.answer.headers = split_headers(receiving.header_block);
}

size_t on_body(char* bytes, size_t size, size_t count, void* user) noexcept {
  Receiving& receiving = *static_cast<Receiving*>(user);
  if (!receiving.body_begun) take_head(receiving);
  receiving.body_begun = true;
  std::string& body = receiving.answer.body;
  if (body.size() + size * count > receiving.exchange->max_body_bytes) {
    receiving.refusal = "the answer is longer than the limit";
    return 0;
  }
  body.append(bytes, size * count);
  return has_enough(receiving) ? 0 : size * count;
}

int on_progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) noexcept {
  Receiving& receiving = *static_cast<Receiving*>(user);
  const Interrupts* interrupts = receiving.exchange->interrupts;
  const bool interrupted = interrupts != nullptr && interrupts->load() > 0;
  return interrupted || has_enough(receiving) ? 1 : 0;
}

void set_request(CURL* easy, const HttpExchange& exchange, Receiving& receiving) {
  set_common_options(easy, {.connect_timeout = exchange.connect_timeout,
                            .use_proxy = exchange.use_proxy,
                            .ca_file = exchange.ca_file});
  const auto timeout = std::chrono::ceil<std::chrono::milliseconds>(exchange.timeout).count();
  if (exchange.http2) {
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
                     static_cast<long>(CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE));
  }
  curl_easy_setopt(easy, CURLOPT_URL, exchange.url.c_str());
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(timeout));
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, &on_progress);
  curl_easy_setopt(easy, CURLOPT_XFERINFODATA, &receiving);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &on_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &receiving);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &receiving);
  if (exchange.body.empty()) return;
  curl_easy_setopt(easy, CURLOPT_POSTFIELDS, exchange.body.data());
  curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                   static_cast<curl_off_t>(exchange.body.size()));
}

void perform(const HttpExchange& exchange, Receiving& receiving) {
  const Target target = parse_target(exchange.url);
  const EasyHandle handle = make_easy();
  CURL* easy = handle.get();
  receiving.easy = easy;
  const Slist headers = make_header_list(exchange.headers, !exchange.body.empty());
  std::array<char, CURL_ERROR_SIZE> detail{};
  set_request(easy, exchange, receiving);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, detail.data());

  const CURLcode code = curl_easy_perform(easy);
  if (code == CURLE_ABORTED_BY_CALLBACK) {
    stop_if_interrupted(exchange.interrupts, "a request to the endpoint");
  }
  HttpAnswer& answer = receiving.answer;
  long status = 0;
  long port = 0;
  long os_error = 0;
  curl_off_t sending_after_us = 0;
  const char* ip = nullptr;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(easy, CURLINFO_PRIMARY_IP, &ip);
  curl_easy_getinfo(easy, CURLINFO_PRIMARY_PORT, &port);
  curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &os_error);
  curl_easy_getinfo(easy, CURLINFO_PRETRANSFER_TIME_T, &sending_after_us);
  answer.status = static_cast<int>(status);
  answer.headers = split_headers(receiving.header_block);
  answer.connected = sending_after_us > 0;
  answer.refused = code == CURLE_COULDNT_CONNECT && os_error == ECONNREFUSED;
  if (ip != nullptr && *ip != '\0') {
    answer.resolved_address = join_host_port(ip, static_cast<int>(port));
  }
  if (receiving.refusal != nullptr) {
    answer.error = std::string(receiving.refusal) + " (" + target.name() + ")";
  } else if (code != CURLE_OK && !receiving.enough) {
    answer.timed_out = code == CURLE_OPERATION_TIMEDOUT;
    answer.error = failure_text(code, {.target = target.name(),
                                       .address = answer.resolved_address,
                                       .detail = detail.data(),
                                       .connect_timeout = exchange.connect_timeout,
                                       .timeout = exchange.timeout,
                                       .os_error = static_cast<int>(os_error),
                                       .connected = sending_after_us > 0,
                                       .answered = status != 0});
  }
}

}  // namespace
}  // namespace http

HttpAnswer http_exchange(const HttpExchange& exchange) {
  http::Receiving receiving;
  receiving.exchange = &exchange;
  http::perform(exchange, receiving);
  HttpAnswer& answer = receiving.answer;
  exchange.secrets.redact(answer.body, Redactor::Part::kWhole);
  exchange.secrets.redact(answer.error);
  for (auto& [name, value] : answer.headers) {
    exchange.secrets.redact(name);
    exchange.secrets.redact(value);
  }
  return std::move(answer);
}

}  // namespace llmsweep
