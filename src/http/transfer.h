// One request on one reused easy handle: what libcurl calls back becomes events.
#pragma once

#include <curl/curl.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "http/curl_handle.h"
#include "http/event_sink.h"
#include "llmsweep/base/clock.h"
#include "llmsweep/http/http_client.h"

namespace llmsweep::http {

// A URL with what all requests to it share.
struct PreparedEndpoint {
  Target target;
  std::string name;     // "localhost:8000"
  std::string address;  // "127.0.0.1:8000"; empty: libcurl resolves
  Slist connect_to;
};

struct TransferOptions {
  EasyOptions easy;
  size_t max_header_bytes = 0;
  Slist headers;
};

class Transfer {
 public:
  // All outlive it. `read_serial` counts what libcurl is told to do.
  Transfer(EventSink& sink, const TransferOptions& options, const uint64_t& read_serial);
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  CURL* easy() const { return easy_.get(); }
  RequestId id() const { return id_; }
  uint32_t group() const { return group_; }
  bool watched() const { return watched_; }  // HttpClient::watch
  void watch(bool on) { watched_ = on; }
  static Transfer& of(CURL* easy);

  // Makes the handle ready to be added to the multi handle of `group`.
  void prepare(RequestId id, const HttpRequest& request, const PreparedEndpoint& endpoint,
               uint32_t group);
  // The last event, after libcurl has said that it is done.
  void finish(CURLcode code);
  // After the handle has left the multi handle: ready for another prepare().
  void release();

 private:
  enum class Phase { kConnecting, kSent, kHeaders, kBody };

  static int on_prereq(void* self, char*, char*, int, int) noexcept;
  static int on_socket(void* self, curl_socket_t fd, curlsocktype) noexcept;
  static size_t on_header(char* bytes, size_t size, size_t count, void* self) noexcept;
  static size_t on_body(char* bytes, size_t size, size_t count, void* self) noexcept;

  void configure();
  void set_headers(const std::vector<std::string>& headers);
  int sent();
  bool header_line(std::string_view line);
  bool headers_complete();
  void body(std::string_view bytes);

  EventSink& sink_;
  const TransferOptions& options_;
  const uint64_t& read_serial_;
  EasyHandle easy_;
  const PreparedEndpoint* endpoint_ = nullptr;
  std::shared_ptr<const std::string> body_;
  std::vector<std::string> headers_;     // of this request alone
  std::vector<curl_slist> own_headers_;  // them, before those of all
  RequestId id_ = 0;
  uint32_t group_ = 0;
  Phase phase_ = Phase::kConnecting;
  bool watched_ = true;
  bool opened_connection_ = false;  // since the last send
  bool resent_ = false;
  Instant first_sent_{};
  Instant header_at_{};
  std::string header_block_;
  const char* refusal_ = nullptr;  // why we broke it off ourselves
  uint64_t body_serial_ = 0;       // the read that gave events[body_event_]
  size_t body_event_ = 0;
  const char* body_end_ = nullptr;  // in libcurl's buffer; compared, never read
  std::array<char, CURL_ERROR_SIZE> error_{};
};

}  // namespace llmsweep::http
