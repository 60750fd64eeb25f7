// One TCP (or TLS) connection: HTTP requests in, bytes out. Belongs to the server's thread.
//
// Responses are written by the caller, header and all, straight to the socket; what the kernel does
// not take is queued. One request is served at a time; what a client pipelines waits.
#pragma once

#include <openssl/ssl.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "llmsweep/base/clock.h"

namespace llmsweep::sim {

struct ReceivedRequest {
  std::string method;
  std::string path;   // without the query
  std::string query;  // without its question mark
  std::string authorization;
  std::string api_key;  // x-api-key, as clients of the messages API send it
  std::string traceparent;
  std::string body;
  Instant at{};  // when the kernel had its last byte
  bool keep_alive = true;
  bool http_1_0 = false;
};

class Connection;

class ConnectionOwner {
 public:
  virtual ~ConnectionOwner() = default;
  virtual void on_request(Connection& connection, ReceivedRequest request) = 0;
  // The request cannot be read: answer with `status` and close.
  virtual void on_unreadable(Connection& connection, int status) = 0;
  // No further use of the connection is allowed after this.
  virtual void on_closed(Connection& connection) = 0;
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  // `tls` may be null: plain TCP.
  Connection(boost::asio::ip::tcp::socket socket, SSL_CTX* tls, ConnectionOwner& owner,
             uint64_t id);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void start();
  uint64_t id() const { return id_; }
  bool open() const { return open_; }
  // The request being served, for the owner's use; 0: none.
  uint64_t serving = 0;
  // Of the last request that it carried, likewise.
  Instant last_arrival{};
  std::string last_response_id;

  // Whether the client closed it or died, and we had not closed it before.
  bool left_by_client() const { return left_by_client_; }

  void write(std::string_view bytes);
  void write_bytewise(std::string_view bytes);
  // Byte by byte, evenly over `span`; later writes follow.
  void write_slowly(std::string_view bytes, Duration span);
  // After a pause, so that it comes in a read of its own; later writes follow.
  void write_apart(std::string_view bytes);
  int64_t blocked_writes() const { return blocked_writes_; }

  // The response is complete: the next request is read, or the connection is closed once all is
  // written.
  void end_response(bool keep_alive);
  void close();  // after what is queued: FIN
  void reset();  // now: RST

 private:
  enum class Io { kDone, kWait, kGone };
  struct IoResult {
    Io state = Io::kDone;
    size_t bytes = 0;
    std::optional<Instant> arrived = {};  // receive_stamped()'s
  };
  IoResult send_some(std::string_view bytes);
  IoResult receive_some(char* data, size_t size);
  IoResult tls_result(int result, size_t bytes);
  bool handshake();
  void wait_readable();
  void wait_writable();
  void readable();
  void writable();
  void consume();
  void deliver();
  void finish_close();
  void drop();  // closes the descriptor and tells the owner
  void lose();  // likewise: the client is gone
  void pace(Duration gap);

  using Parser = boost::beast::http::request_parser<boost::beast::http::string_body>;

  boost::asio::ip::tcp::socket socket_;
  std::unique_ptr<SSL, void (*)(SSL*)> tls_;
  bool tls_wants_write_ = false;
  bool shaken_ = false;
  ConnectionOwner& owner_;
  uint64_t id_;
  boost::asio::steady_timer timer_;
  std::optional<Parser> parser_;
  bool continued_ = false;  // "100 Continue" was sent
  std::string input_;       // received and not yet parsed
  Instant received_at_{};   // when the kernel had the last of it
  std::string queue_;       // not yet taken by the kernel
  std::string paced_;       // goes out byte by byte before the queue
  bool held_ = false;       // the queue waits for the timer
  int64_t blocked_writes_ = 0;
  bool open_ = true;
  bool reading_ = false;
  bool writing_ = false;
  bool busy_ = false;  // a response is being written
  bool closing_ = false;
  bool left_by_client_ = false;
};

}  // namespace llmsweep::sim
