#include "endpoint_readers.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "llmsweep/http/make_client.h"
#include "llmsweep/protocol/response.h"

namespace llmsweep::bench {
namespace {

constexpr std::string_view kLastChunk = "\r\n0\r\n\r\n";

std::string body_for(int tokens) {
  return R"({"model":"bench","prompt":"a","stream":true,"max_tokens":)" + std::to_string(tokens) +
         "}";
}

std::string request_for(int tokens) {
  const std::string body = body_for(tokens);
  return "POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

class BareConnections {
 public:
  BareConnections(int port, int count) : epoll_fd_(epoll_create1(0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int i = 0; i < count; ++i) {
      const int fd = socket(AF_INET, SOCK_STREAM, 0);
      if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
        std::perror("connect");
        std::exit(1);
      }
      epoll_event event{};
      event.events = EPOLLIN;
      event.data.fd = fd;
      epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event);
      connections_.push_back(fd);
    }
  }
  BareConnections(const BareConnections&) = delete;
  BareConnections& operator=(const BareConnections&) = delete;
  ~BareConnections() {
    for (const int fd : connections_) close(fd);
    close(epoll_fd_);
  }

  void send_to_all(std::string_view request) {
    for (const int fd : connections_) send_to(fd, request);
  }
  static void send_to(int fd, std::string_view request) {
    if (send(fd, request.data(), request.size(), MSG_NOSIGNAL) < 0) std::exit(1);
  }

  // Waits once and reads what is there; on_end(fd) for each answer that is complete. False where a
  // connection is lost.
  template <class OnEnd>
  bool read(const OnEnd& on_end) {
    const int count = epoll_wait(epoll_fd_, ready_.data(), static_cast<int>(ready_.size()), 1000);
    for (int i = 0; i < count; ++i) {
      const int fd = ready_[static_cast<size_t>(i)].data.fd;
      const ssize_t got = recv(fd, buffer_.data(), buffer_.size(), 0);
      if (got <= 0) return false;
      if (std::string_view(buffer_.data(), static_cast<size_t>(got)).ends_with(kLastChunk)) {
        on_end(fd);
      }
    }
    return true;
  }

 private:
  int epoll_fd_;
  std::vector<int> connections_;
  std::vector<epoll_event> ready_ = std::vector<epoll_event>(256);
  std::vector<char> buffer_ = std::vector<char>(64 << 10);
};

int64_t count_bare(int port, int slots, Instant end) {
  const SteadyClock clock;
  const std::string request = request_for(1);
  BareConnections connections(port, slots);
  connections.send_to_all(request);
  int64_t count = 0;
  while (clock.now() < end) {
    const bool open = connections.read([&](int fd) {
      ++count;
      BareConnections::send_to(fd, request);
    });
    if (!open) std::exit(1);
  }
  return count;
}

struct Exchange {
  RequestRecord record;
  ResponseReader reader{Api::kCompletions, record};
};

int64_t count_with_client(int port, int slots, Instant end, Transport transport) {
  const SteadyClock clock;
  HttpClientOptions options;
  options.transport = transport;
  options.urls = {"http://127.0.0.1:" + std::to_string(port) + "/v1/completions"};
  options.max_connections = static_cast<size_t>(slots);
  const auto client = make_http_client(options);
  const auto body = std::make_shared<const std::string>(body_for(1));
  std::unordered_map<RequestId, std::unique_ptr<Exchange>> exchanges;
  ChunkParser parser;
  const auto start = [&](RequestId id) {
    exchanges[id] = std::make_unique<Exchange>();
    client->start(id, {.body = body, .lane = static_cast<uint32_t>(id)});
  };
  for (int i = 0; i < slots; ++i) start(static_cast<RequestId>(i));
  int64_t count = 0;
  std::vector<HttpEvent> events;
  while (clock.now() < end) {
    client->poll(end, events);
    for (const HttpEvent& event : events) {
      Exchange& exchange = *exchanges[event.id];
      if (event.kind == HttpEvent::Kind::kHeaders) {
        exchange.reader.headers(event.status, event.text, event.at);
      } else if (event.kind == HttpEvent::Kind::kBytes) {
        exchange.reader.bytes(event.text, event.at, parser);
      } else if (event.kind == HttpEvent::Kind::kEnd) {
        exchange.reader.end(event.at, parser);
        if (exchange.record.outcome != Outcome::kOk) std::exit(1);
        ++count;
        start(event.id);
      } else if (event.kind == HttpEvent::Kind::kFailure) {
        std::fprintf(stderr, "failure: %s\n", std::string(event.text).c_str());
        std::exit(1);
      }
    }
  }
  return count;
}

}  // namespace

bool read_streams(int port, int streams, int tokens) {
  BareConnections connections(port, streams);
  connections.send_to_all(request_for(tokens));
  int left = streams;
  while (left > 0) {
    if (!connections.read([&](int) { --left; })) return false;
  }
  return true;
}

Answers count_answers(int port, int slots, Duration duration, std::optional<Transport> transport) {
  const SteadyClock clock;
  const Instant begin = clock.now();
  const Duration cpu_before = thread_cpu_time();
  Answers answers;
  answers.count = transport ? count_with_client(port, slots, begin + duration, *transport)
                            : count_bare(port, slots, begin + duration);
  const auto count = static_cast<double>(answers.count);
  answers.cpu_us = static_cast<double>((thread_cpu_time() - cpu_before).count()) / 1e3 / count;
  answers.per_second = count / to_seconds(clock.now() - begin);
  return answers;
}

}  // namespace llmsweep::bench
