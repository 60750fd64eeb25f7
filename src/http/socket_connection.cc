#include "http/socket_connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "http/receive_stamps.h"

namespace llmsweep::http {
namespace {

constexpr int kFirstProbe = 60;  // s: a long prefill behind a NAT must not lose its entry

void set_flag(int fd, int level, int option, int value) {
  setsockopt(fd, level, option, &value, sizeof(value));
}

}  // namespace

std::string make_request_head(const Target& target, const HeaderList& headers) {
  check_headers(headers);
  std::string head = "POST " + target.path + " HTTP/1.1\r\n";
  const auto add_default = [&](const char* name, const std::string& value) {
    if (!has_header(headers, name)) head += std::string(name) + ": " + value + "\r\n";
  };
  const int default_port = target.tls ? 443 : 80;
  std::string host = target.name();
  if (target.port == default_port) host.resize(host.rfind(':'));
  add_default("Host", host);
  add_default("User-Agent", kUserAgent);
  add_default("Accept", "*/*");
  add_default("Content-Type", "application/json");
  for (const auto& [name, value] : headers) {
    head += name + (value.empty() ? ":" : ": " + value) + "\r\n";
  }
  return head + "Content-Length: ";
}

int open_connection(const SocketAddress& address, bool receive_stamps) {
  const int fd = socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -1;
  set_flag(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set_flag(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_flag(fd, IPPROTO_TCP, TCP_KEEPIDLE, kFirstProbe);
  set_flag(fd, IPPROTO_TCP, TCP_KEEPINTVL, kFirstProbe);
  if (receive_stamps) enable_receive_stamps(fd);
  if (connect(fd, address.get(), address.size) == 0 || errno == EINPROGRESS) return fd;
  const int error = errno;
  close(fd);
  errno = error;
  return -1;
}

namespace {

// The bytes of head and body from `from` on.
std::string_view rest_of(const SocketConnection& connection, size_t from) {
  const size_t in_head = connection.head.size();
  if (from < in_head) return std::string_view(connection.head).substr(from);
  return connection.body ? std::string_view(*connection.body).substr(from - in_head)
                         : std::string_view();
}

// What one write took; nothing where it is not to be tried again now, which `sending` and
// `send_error` say.
size_t after_write(SocketConnection& connection, ssize_t sent) {
  if (sent >= 0) return static_cast<size_t>(sent);
  connection.sending = true;
  const bool later = errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
  if (!later) connection.send_error = errno;
  return 0;
}

bool write_bare(SocketConnection& connection) {
  const std::string_view head = connection.head;
  const std::string_view body = connection.body ? *connection.body : std::string_view();
  while (connection.sent_bytes < head.size() + body.size()) {
    const size_t in_head = std::min(connection.sent_bytes, head.size());
    const size_t in_body = connection.sent_bytes - in_head;
    // sendmsg does not write to what it is given.
    iovec parts[2] = {{const_cast<char*>(head.data()) + in_head, head.size() - in_head},
                      {const_cast<char*>(body.data()) + in_body, body.size() - in_body}};
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = 2;
    const size_t sent = after_write(connection, sendmsg(connection.fd, &message, MSG_NOSIGNAL));
    if (sent == 0) return connection.send_error == 0;
    connection.sent_bytes += sent;
  }
  connection.sending = false;
  return true;
}

// The next record's worth of the request: a short one goes out whole.
void encrypt_next(SocketConnection& connection) {
  constexpr size_t kRecord = size_t{16} << 10;
  std::array<char, kRecord> record;
  size_t size = 0;
  while (size < kRecord && connection.sent_bytes < connection.request_bytes()) {
    const std::string_view rest =
        rest_of(connection, connection.sent_bytes).substr(0, kRecord - size);
    std::copy(rest.begin(), rest.end(), record.begin() + static_cast<ptrdiff_t>(size));
    size += rest.size();
    connection.sent_bytes += rest.size();
  }
  connection.tls->write({record.data(), size});
}

}  // namespace

bool write_tls(SocketConnection& connection) {
  TlsSession& tls = *connection.tls;
  while (!tls.pending().empty()) {
    const std::string_view bytes = tls.pending();
    const ssize_t sent = ::send(connection.fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    const size_t taken = after_write(connection, sent);
    if (taken == 0) return connection.send_error == 0;
    tls.sent(taken);
  }
  connection.sending = false;
  return true;
}

bool write_request(SocketConnection& connection) {
  if (!connection.tls) return write_bare(connection);
  for (;;) {
    if (!write_tls(connection)) return false;
    if (connection.sending || connection.sent_bytes == connection.request_bytes()) return true;
    encrypt_next(connection);
    if (connection.tls->state() != TlsSession::State::kBroken) continue;
    connection.send_error = EPROTO;
    return false;
  }
}

bool is_silent(int fd) {
  char byte;
  return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && (errno == EAGAIN || errno == EINTR);
}

void close_connection(SocketConnection& connection) {
  if (connection.fd < 0) return;
  if (connection.tls) {
    connection.tls->close();
    write_tls(connection);
    connection.tls.reset();
  }
  ::close(connection.fd);
  connection.fd = -1;
}

}  // namespace llmsweep::http
