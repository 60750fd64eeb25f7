#include "simulator/connection.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>

#include "llmsweep/base/receive_stamp.h"

namespace llmsweep::sim {
namespace asio = boost::asio;
namespace http = boost::beast::http;

namespace {

constexpr uint64_t kMaxBodyBytes = 64U << 20;
constexpr uint32_t kMaxHeaderBytes = 64U << 10;
constexpr auto kApart = std::chrono::microseconds(300);
constexpr auto kLinger = std::chrono::seconds(2);

void set_option(int descriptor, int level, int name, int value) {
  ::setsockopt(descriptor, level, name, &value, sizeof value);
}

bool may_come_later(int error) {
  return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

}  // namespace

Connection::Connection(asio::ip::tcp::socket socket, SSL_CTX* tls, ConnectionOwner& owner,
                       uint64_t id)
    : socket_(std::move(socket)),
      tls_(tls == nullptr ? nullptr : SSL_new(tls), &SSL_free),
      owner_(owner),
      id_(id),
      timer_(socket_.get_executor()) {
  socket_.native_non_blocking(true);
  ::fcntl(socket_.native_handle(), F_SETFD, FD_CLOEXEC);
  set_option(socket_.native_handle(), IPPROTO_TCP, TCP_NODELAY, 1);
  if (tls_) {
    SSL_set_fd(tls_.get(), socket_.native_handle());
    SSL_set_mode(tls_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_set_accept_state(tls_.get());
  }
}

Connection::~Connection() = default;

void Connection::start() {
  wait_readable();
}

// Bytes out.

Connection::IoResult Connection::send_some(std::string_view bytes) {
  if (tls_) {
    ERR_clear_error();
    size_t taken = 0;
    const int result = SSL_write_ex(tls_.get(), bytes.data(), bytes.size(), &taken);
    return tls_result(result, taken);
  }
  const ssize_t sent =
      ::send(socket_.native_handle(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent >= 0) return {.bytes = static_cast<size_t>(sent)};
  return {may_come_later(errno) ? Io::kWait : Io::kGone};
}

Connection::IoResult Connection::tls_result(int result, size_t bytes) {
  tls_wants_write_ = false;
  if (result > 0) return {.bytes = bytes};
  const int error = SSL_get_error(tls_.get(), result);
  tls_wants_write_ = error == SSL_ERROR_WANT_WRITE;
  return {tls_wants_write_ || error == SSL_ERROR_WANT_READ ? Io::kWait : Io::kGone};
}

void Connection::write(std::string_view bytes) {
  if (!open_ || closing_) return;
  if (queue_.empty() && paced_.empty() && !held_) {
    while (!bytes.empty()) {
      const IoResult sent = send_some(bytes);
      if (sent.state == Io::kGone) return lose();
      if (sent.state == Io::kWait) break;
      bytes.remove_prefix(sent.bytes);
    }
    if (bytes.empty()) return;
    ++blocked_writes_;
  }
  queue_.append(bytes);
  if (paced_.empty() && !held_) wait_writable();
}

void Connection::write_apart(std::string_view bytes) {
  if (!open_ || closing_ || !paced_.empty() || held_) return write(bytes);
  held_ = true;
  queue_.append(bytes);
  timer_.expires_after(kApart);
  timer_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
    self->held_ = false;
    if (!error && self->open_) self->writable();
  });
}

void Connection::write_bytewise(std::string_view bytes) {
  for (size_t i = 0; i < bytes.size() && open_; ++i) write(bytes.substr(i, 1));
}

void Connection::write_slowly(std::string_view bytes, Duration span) {
  if (!open_ || bytes.empty()) return;
  paced_ = bytes;
  pace(span / static_cast<int64_t>(bytes.size()));
}

void Connection::pace(Duration gap) {
  timer_.expires_after(gap);
  timer_.async_wait([self = shared_from_this(), gap](const boost::system::error_code& error) {
    if (error || !self->open_) return;
    const IoResult sent = self->send_some(std::string_view(self->paced_).substr(0, 1));
    if (sent.state == Io::kGone) return self->lose();
    self->paced_.erase(0, sent.bytes);
    if (!self->paced_.empty()) return self->pace(gap);
    self->writable();
  });
}

void Connection::wait_writable() {
  if (writing_ || !open_) return;
  writing_ = true;
  socket_.async_wait(asio::ip::tcp::socket::wait_write,
                     [self = shared_from_this()](const boost::system::error_code& error) {
                       self->writing_ = false;
                       if (!error && self->open_) self->writable();
                     });
}

void Connection::writable() {
  if (tls_ && !shaken_) return readable();
  size_t taken = 0;
  while (taken < queue_.size()) {
    const IoResult sent = send_some(std::string_view(queue_).substr(taken));
    if (sent.state == Io::kGone) return lose();
    if (sent.state == Io::kWait) break;
    taken += sent.bytes;
  }
  queue_.erase(0, taken);
  if (!queue_.empty()) return wait_writable();
  if (closing_) finish_close();
}

// Requests in.

Connection::IoResult Connection::receive_some(char* data, size_t size) {
  if (tls_) {
    // OpenSSL reads without stamps, so what it is about to read is looked at first.
    const StampedReceive waiting =
        receive_stamped(socket_.native_handle(), data, size, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);
    if (waiting.bytes < 0 && !may_come_later(errno)) return {Io::kGone};
    ERR_clear_error();
    size_t got = 0;
    const int status = SSL_read_ex(tls_.get(), data, size, &got);
    IoResult result = tls_result(status, got);
    result.arrived = waiting.arrived;
    return result;
  }
  const StampedReceive got = receive_stamped(socket_.native_handle(), data, size, MSG_DONTWAIT);
  if (got.bytes > 0) return {.bytes = static_cast<size_t>(got.bytes), .arrived = got.arrived};
  return {got.bytes < 0 && may_come_later(errno) ? Io::kWait : Io::kGone};
}

void Connection::wait_readable() {
  if (reading_ || !open_) return;
  reading_ = true;
  socket_.async_wait(asio::ip::tcp::socket::wait_read,
                     [self = shared_from_this()](const boost::system::error_code& error) {
                       self->reading_ = false;
                       if (!error && self->open_) self->readable();
                     });
}

bool Connection::handshake() {
  ERR_clear_error();
  const IoResult result = tls_result(SSL_do_handshake(tls_.get()), 0);
  if (result.state == Io::kDone) {
    shaken_ = true;
    return true;
  }
  if (result.state == Io::kGone) {
    drop();
  } else if (tls_wants_write_) {
    wait_writable();
  } else {
    wait_readable();
  }
  return false;
}

void Connection::readable() {
  if (tls_ && !shaken_ && !handshake()) return;
  std::array<char, 65536> buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init)
  while (open_) {
    const IoResult got = receive_some(buffer.data(), buffer.size());
    if (got.state == Io::kGone) return lose();
    if (got.state == Io::kWait) break;
    const Instant now = SteadyClock().now();
    // A step of the system's clock must not put it after this read or before the one before.
    received_at_ = std::clamp(got.arrived.value_or(now), received_at_, now);
    if (closing_) continue;  // what comes after our FIN is of no interest
    input_.append(buffer.data(), got.bytes);
    if (!busy_) {
      consume();
    } else if (input_.size() > kMaxBodyBytes) {
      return reset();
    }
    // The socket is empty, or says that it is readable once more. OpenSSL reads less than there is.
    if (!tls_ && got.bytes < buffer.size()) break;
  }
  wait_readable();
}

void Connection::consume() {
  while (open_ && !busy_ && !closing_ && !input_.empty()) {
    if (!parser_) {
      parser_.emplace();
      parser_->eager(true);
      parser_->body_limit(kMaxBodyBytes);
      parser_->header_limit(kMaxHeaderBytes);
      continued_ = false;
    }
    boost::system::error_code error;
    const size_t used = parser_->put(asio::buffer(input_), error);
    input_.erase(0, used);
    if (error && error != http::error::need_more) {
      busy_ = true;
      const bool too_big = error == http::error::body_limit;
      const bool too_long = error == http::error::header_limit;
      owner_.on_unreadable(*this, too_big ? 413 : too_long ? 431 : 400);
      return;
    }
    if (parser_->is_done()) {
      deliver();
    } else if (parser_->is_header_done() && !continued_) {
      continued_ = true;
      if (parser_->get()[http::field::expect] == "100-continue") {
        write("HTTP/1.1 100 Continue\r\n\r\n");
      }
    } else if (used == 0) {
      return;
    }
  }
}

void Connection::deliver() {
  auto message = parser_->release();
  parser_.reset();
  busy_ = true;
  ReceivedRequest request;
  request.method = std::string(message.method_string());
  const auto target = message.target();
  request.path = std::string(target.substr(0, target.find('?')));
  request.query = std::string(target.substr(std::min(request.path.size() + 1, target.size())));
  request.authorization = std::string(message[http::field::authorization]);
  request.api_key = std::string(message["x-api-key"]);
  request.traceparent = std::string(message["traceparent"]);
  request.keep_alive = message.keep_alive();
  request.http_1_0 = message.version() < 11;
  request.body = std::move(message.body());
  request.at = received_at_;
  owner_.on_request(*this, std::move(request));
}

// Ends.

void Connection::end_response(bool keep_alive) {
  busy_ = false;
  serving = 0;
  if (!keep_alive) return close();
  if (!input_.empty()) {
    asio::post(socket_.get_executor(), [self = shared_from_this()] { self->consume(); });
  }
}

void Connection::close() {
  if (!open_ || closing_) return;
  closing_ = true;
  if (queue_.empty() && paced_.empty() && !held_) finish_close();
}

// FIN first, then wait for the client's: closing at once could reset what is still on its way.
void Connection::finish_close() {
  if (tls_) SSL_shutdown(tls_.get());
  ::shutdown(socket_.native_handle(), SHUT_WR);
  timer_.expires_after(kLinger);
  timer_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
    if (!error) self->drop();
  });
}

void Connection::reset() {
  if (!open_) return;
  const linger now{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  drop();
}

void Connection::lose() {
  left_by_client_ = open_ && !closing_;
  drop();
}

void Connection::drop() {
  if (!open_) return;
  open_ = false;
  boost::system::error_code ignored;
  timer_.cancel();
  socket_.close(ignored);
  owner_.on_closed(*this);
}

}  // namespace llmsweep::sim
