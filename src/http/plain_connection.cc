#include "http/plain_connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

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
  constexpr int kDefaultPort = 80;
  std::string host = target.name();
  if (target.port == kDefaultPort) host.resize(host.rfind(':'));
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

bool write_request(PlainConnection& connection) {
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
    const ssize_t sent = sendmsg(connection.fd, &message, MSG_NOSIGNAL);
    if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
      connection.sending = true;
      return true;
    }
    if (sent < 0) {
      connection.send_error = errno;
      connection.sending = true;
      return false;
    }
    connection.sent_bytes += static_cast<size_t>(sent);
  }
  connection.sending = false;
  return true;
}

bool is_alive(int fd) {
  char byte;
  return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && (errno == EAGAIN || errno == EINTR);
}

}  // namespace llmsweep::http
