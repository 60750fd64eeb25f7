// An OpenAI-compatible endpoint that does nothing but stream at a set pace, for comparing whole
// client programs at equal load: one thread, one write a chunk, every chunk with its send time.
//
//   stream_endpoint [INTERVAL_US [EVENTS_PER_CHUNK]]      prints its base URL
//
// Streams tick together, as the sequences of one batch; an answer of one token comes at once. Ends
// with its standard input.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "llmsweep/base/clock.h"
#include "llmsweep/http/make_client.h"
#include "stream_sender.h"

namespace llmsweep::bench {
namespace {

constexpr std::string_view kStreamHead =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";

std::string http_chunk(const std::string& body) {
  char size[32];
  std::snprintf(size, sizeof(size), "%zx\r\n", body.size());
  return size + body + "\r\n";
}

// The whole number behind `key` in a JSON text, or `otherwise`.
long number_after(std::string_view text, std::string_view key, long otherwise) {
  const size_t at = text.find(key);
  if (at == std::string_view::npos) return otherwise;
  const size_t digits = text.find_first_of("0123456789", at + key.size());
  return digits == std::string_view::npos ? otherwise : std::atol(text.data() + digits);
}

class Endpoint {
 public:
  Endpoint(Duration interval, int events_per_chunk)
      : interval_(interval), events_per_chunk_(events_per_chunk), epoll_fd_(epoll_create1(0)) {
    listen_fd_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    if (bind(listen_fd_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        listen(listen_fd_, 4096) != 0) {
      std::perror("listen");
      std::exit(1);
    }
    getsockname(listen_fd_, reinterpret_cast<sockaddr*>(&address), &size);
    std::printf("http://127.0.0.1:%d/v1\n", ntohs(address.sin_port));
    std::fflush(stdout);
    watch(listen_fd_);
    watch(STDIN_FILENO);
  }

  void run() {
    Instant tick = clock_.now() + interval_;
    std::vector<epoll_event> ready(256);
    while (!over_) {
      const auto left = std::chrono::floor<std::chrono::milliseconds>(tick - clock_.now()).count();
      const int wait = std::clamp<int>(static_cast<int>(left), 0, 100);
      const int count = epoll_wait(epoll_fd_, ready.data(), static_cast<int>(ready.size()), wait);
      for (int i = 0; i < count; ++i) on_ready(ready[static_cast<size_t>(i)].data.fd);
      if (clock_.now() < tick) continue;
      send_tick();
      tick += interval_;
    }
  }

 private:
  struct Connection {
    std::string unread;
    long left = 0;  // tokens of the answer that is being streamed
    long given = 0;
    bool chat = false;
  };

  void watch(int fd) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event);
  }

  void on_ready(int fd) {
    if (fd == STDIN_FILENO) {
      char byte;
      over_ = read(fd, &byte, 1) <= 0;
      return;
    }
    if (fd == listen_fd_) {
      const int peer = accept(fd, nullptr, nullptr);
      if (peer < 0) return;
      const int on = 1;
      setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
      connections_[peer];
      watch(peer);
      return;
    }
    char buffer[16 << 10];
    const ssize_t got = recv(fd, buffer, sizeof(buffer), 0);
    if (got <= 0) {
      connections_.erase(fd);
      close(fd);
      return;
    }
    Connection& connection = connections_[fd];
    connection.unread.append(buffer, static_cast<size_t>(got));
    take_requests(fd, connection);
  }

  void take_requests(int fd, Connection& connection) {
    for (;;) {
      std::string& text = connection.unread;
      const size_t head = text.find("\r\n\r\n");
      if (head == std::string::npos) return;
      std::string lower = text.substr(0, head);
      std::transform(lower.begin(), lower.end(), lower.begin(), ::tolower);
      const size_t length =
          head + 4 + static_cast<size_t>(number_after(lower, "\r\ncontent-length:", 0));
      if (text.size() < length) return;
      answer(fd, connection, std::string_view(text).substr(0, length));
      text.erase(0, length);
    }
  }

  void answer(int fd, Connection& connection, std::string_view request) {
    if (request.starts_with("GET ")) {
      return send_plain(fd, R"({"object":"list","data":[{"id":"bench","object":"model"}]})");
    }
    const std::string_view line = request.substr(0, request.find('\n'));
    if (line.find("completions") == std::string_view::npos) {
      return send_all(fd, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    }
    connection.chat = line.find("chat") != std::string_view::npos;
    connection.left = number_after(request, "\"max_tokens\"",
                                   number_after(request, "\"max_completion_tokens\"", 16));
    connection.given = 0;
    const std::string_view body = request.substr(request.find("\r\n\r\n"));
    const bool stream = body.find("\"stream\":true") != std::string_view::npos ||
                        body.find("\"stream\": true") != std::string_view::npos;
    if (stream && connection.left > 1) return send_all(fd, kStreamHead);
    if (stream) return send_short(fd, connection);
    send_plain(fd, R"({"id":"x","object":"text_completion","choices":[{"index":0,"message":)"
                   R"({"role":"assistant","content":" a"},"text":" a","finish_reason":"length"}],)"
                   R"("usage":{"prompt_tokens":8,"completion_tokens":1,"total_tokens":9}})");
    connection.left = 0;
  }

  // The whole answer at once, for counting requests.
  void send_short(int fd, Connection& connection) {
    connection.left = 0;
    connection.given = 1;
    const std::string event = make_event(to_ns(clock_.now()));
    send_all(fd, std::string(kStreamHead) + http_chunk(event) + ending(connection));
  }

  void send_plain(int fd, std::string_view body) {
    send_all(fd, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " +
                     std::to_string(body.size()) + "\r\n\r\n" + std::string(body));
  }

  void send_tick() {
    const std::string chat = make_event(to_ns(clock_.now()));
    std::string text = chat;
    const std::string_view delta = R"("delta":{"content":" token"})";
    text.replace(text.find(delta), delta.size(), R"("text":" token")");
    for (auto& [fd, connection] : connections_) {
      if (connection.left == 0) continue;
      const long events = std::min<long>(connection.left, events_per_chunk_);
      std::string body;
      for (long i = 0; i < events; ++i) body += connection.chat ? chat : text;
      connection.left -= events;
      connection.given += events;
      std::string bytes = http_chunk(body);
      if (connection.left == 0) bytes += ending(connection);
      send_all(fd, bytes);
    }
  }

  static std::string ending(const Connection& connection) {
    const std::string choice = connection.chat ? R"("delta":{})" : R"("text":"")";
    const std::string given = std::to_string(connection.given);
    return http_chunk(R"(data: {"id":"x","object":"chat.completion.chunk","choices":[{"index":0,)" +
                      choice + R"(,"finish_reason":"length"}]})" + "\n\n" +
                      R"(data: {"id":"x","object":"chat.completion.chunk","choices":[],"usage":)" +
                      R"({"prompt_tokens":8,"completion_tokens":)" + given + R"(,"total_tokens":)" +
                      given + "}}\n\ndata: [DONE]\n\n") +
           "0\r\n\r\n";
  }

  static void send_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;  // its end is seen by the next read
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
  }

  Duration interval_;
  int events_per_chunk_;
  int epoll_fd_;
  int listen_fd_ = -1;
  bool over_ = false;
  SteadyClock clock_;
  std::unordered_map<int, Connection> connections_;
};

}  // namespace
}  // namespace llmsweep::bench

int main(int argc, char** argv) {
  const int interval_us = argc > 1 ? std::atoi(argv[1]) : 5000;
  const int events = argc > 2 ? std::atoi(argv[2]) : 1;
  llmsweep::bench::pin_to_cpu(1);
  llmsweep::bench::Endpoint(std::chrono::microseconds(std::max(100, interval_us)),
                            std::max(1, events))
      .run();
}
