// A server that speaks bytes, not HTTP: each connection runs a script on its own thread, so that a
// test says exactly what is on the wire and when it breaks.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

struct ssl_st;
struct ssl_ctx_st;

namespace llmsweep::test {

// One accepted connection, in the hands of its script.
class Peer {
 public:
  Peer(int fd, int number, ssl_ctx_st* tls);
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  ~Peer();

  int number() const { return number_; }  // 0 for the server's first connection
  // A whole request, head and body; nothing once the client has closed.
  std::optional<std::string> read_request();
  // False when the client is gone.
  bool send(std::string_view bytes);
  bool send_chunk(std::string_view bytes);  // in HTTP's chunked coding
  // TLS: as one record whose second half follows when `between` returns.
  void send_in_halves(std::string_view bytes, const std::function<void()>& between);
  void wait_until_closed();
  void reset();  // closes with RST
  void cut();    // closes without a word of TLS
  void close();
  bool handshake_ok() const { return handshake_ok_; }
  std::string server_name() const;  // TLS: what the client asked for (SNI)
  bool send_ticket();               // TLS 1.3: another one
  void renew_keys();                // TLS 1.3: asks for the other side's too
  bool resumed() const;             // TLS: with what an earlier connection had left

 private:
  int fd_;
  int number_;
  ssl_st* ssl_ = nullptr;
  bool handshake_ok_ = true;
  std::string unread_;
};

struct RawServerOptions {
  std::string host = "127.0.0.1";
  // PEM; both empty: plain TCP.
  std::string certificate;
  std::string key;
  std::function<void(ssl_ctx_st*)> tune = nullptr;  // of the TLS server
};

class RawServer {
 public:
  using Script = std::function<void(Peer&)>;
  explicit RawServer(Script script, RawServerOptions options = {});
  RawServer(const RawServer&) = delete;
  RawServer& operator=(const RawServer&) = delete;
  // The client must have closed its connections, or every script must end by itself.
  ~RawServer();

  int port() const { return port_; }
  std::string url() const;
  int connections() const { return connections_; }

 private:
  void accept_all();

  Script script_;
  RawServerOptions options_;
  ssl_ctx_st* tls_ = nullptr;
  int listen_fd_ = -1;
  int port_ = 0;
  std::atomic<int> connections_{0};
  std::vector<std::thread> scripts_;  // the accepting thread's until it is joined
  std::thread acceptor_;
};

// Ready-made wire bytes.
std::string with_length(std::string_view body, std::string_view extra_headers = {});
inline constexpr std::string_view kChunkedHead =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

// A port on which nobody listens.
int unused_port();

// A certificate and its key, both PEM.
struct TestCertificate {
  std::string certificate;
  std::string key;
};

struct CertificateOptions {
  int days = 10;                            // < 0: expired
  bool and_loopback = false;                // it is for the loopback addresses too
  bool listed = true;                       // false: the common name is all that it says
  bool authority = false;                   // may sign others
  const TestCertificate* issuer = nullptr;  // nobody: self-signed
};
// For `name`, a name or an address.
TestCertificate make_certificate(const std::string& name, const CertificateOptions& options = {});
inline TestCertificate make_certificate(const std::string& name, int days) {
  return make_certificate(name, {.days = days});
}

}  // namespace llmsweep::test
