// One request on one reused easy handle: what libcurl calls back becomes events.
#pragma once

#include <curl/curl.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "http/curl_handle.h"
#include "http/event_arena.h"
#include "http/receive_stamps.h"
#include "llmsweep/base/clock.h"
#include "llmsweep/http/http_client.h"

namespace llmsweep::http {

// Where the transfers of one client put what happens.
struct EventSink {
  std::vector<HttpEvent> events;
  std::array<EventArena, 2> arenas;  // the other one holds what the last poll() handed out
  size_t arena_index = 0;
  uint64_t read_serial = 0;  // counts what libcurl is told to do: one read each
  SteadyClock clock;
  ReceiveSampler sampler;
  TransportHealth health;

  explicit EventSink(bool receive_stamps) : sampler(receive_stamps) {}
  EventArena& arena() { return arenas[arena_index]; }
};

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
  // Both outlive it.
  Transfer(EventSink& sink, const TransferOptions& options);
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  CURL* easy() const { return easy_.get(); }
  RequestId id() const { return id_; }
  uint32_t group() const { return group_; }
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
  int sent();
  bool header_line(std::string_view line);
  bool headers_complete();
  void body(std::string_view bytes);
  HttpEvent& push(HttpEvent::Kind kind, Instant at);

  EventSink& sink_;
  const TransferOptions& options_;
  EasyHandle easy_;
  const PreparedEndpoint* endpoint_ = nullptr;
  std::shared_ptr<const std::string> body_;
  RequestId id_ = 0;
  uint32_t group_ = 0;
  Phase phase_ = Phase::kConnecting;
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
