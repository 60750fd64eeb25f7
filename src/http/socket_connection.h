// One TCP connection of the client on our own sockets, bare or under TLS, and the request that it
// carries.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "http/curl_handle.h"
#include "http/http1_reader.h"
#include "http/socket_address.h"
#include "http/tls_session.h"
#include "llmsweep/base/clock.h"
#include "llmsweep/http/http_client.h"

namespace llmsweep::http {

struct SocketEndpoint {
  std::string name;          // "localhost:8000"
  std::string address_text;  // "127.0.0.1:8000"
  SocketAddress address;
  std::string request_head;      // up to the value of Content-Length
  std::vector<uint32_t> idle;    // connections, the one used last at the end
  std::unique_ptr<TlsPeer> tls;  // nothing: bare
};

// The head of every request to `target`, up to the value of Content-Length.
std::string make_request_head(const Target& target, const HeaderList& headers);

struct SocketConnection {
  enum class State { kClosed, kConnecting, kHandshaking, kExchanging, kIdle };

  explicit SocketConnection(size_t max_header_bytes) : reader(max_header_bytes) {}

  State state = State::kClosed;
  int fd = -1;
  uint32_t index = 0;  // in the client's connections, and its tag in the epoll set
  uint32_t endpoint = 0;
  uint64_t attempt = 0;  // which opening of a connection this was
  bool carried = false;  // a request before this one
  Instant idle_since{};
  std::unique_ptr<TlsSession> tls;  // from kHandshaking on, where the endpoint has it

  RequestId id = 0;
  std::shared_ptr<const std::string> body;
  std::string head;
  size_t sent_bytes = 0;  // of head and body
  bool sending = false;   // something of them is left
  bool resent = false;
  bool watched = true;  // HttpClient::watch
  int send_error = 0;
  Instant first_sent{};
  Instant header_at{};
  Http1Reader reader;

  size_t request_bytes() const { return head.size() + (body ? body->size() : 0); }
  bool is_reading() const { return state == State::kHandshaking || state == State::kExchanging; }
};

// A socket on its way to `address`, not blocking; −1 and errno where there is none.
int open_connection(const SocketAddress& address, bool receive_stamps);

// Writes what is left of the request, and of what TLS itself has to say; before the request is
// begun, of that alone. False where the connection does not take any more for good (`send_error`
// says why).
bool write_request(SocketConnection& connection);
bool write_tls(SocketConnection& connection);

// Whether the socket of an idle connection is open and silent.
bool is_silent(int fd);

// Says goodbye where TLS wants that, and closes the socket.
void close_connection(SocketConnection& connection);

}  // namespace llmsweep::http
