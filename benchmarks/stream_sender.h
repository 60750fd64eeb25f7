// A process that streams chunks at a set pace to whoever connects, for benchmarks of readers.
//
// Every chunk is one send(2), or one TLS record, of one HTTP chunk with one SSE event that looks
// like a chat completion chunk and carries its own send time. The receiver knows how many are to
// come.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "llmsweep/base/clock.h"
#include "llmsweep/base/random.h"
#include "simulator/tls.h"

namespace llmsweep::bench {

struct SenderLoad {
  int streams = 64;
  int chunks_per_stream = 400;
  Duration interval = std::chrono::milliseconds(5);  // between the chunks of a stream
  bool steps = false;        // all streams at once, as a decode step; else evenly spread
  int events_per_chunk = 1;  // > 1: coalesced by the server
  bool tls = false;
};

inline constexpr std::string_view kTimeKey = "\"t\":\"";
inline constexpr size_t kTimeDigits = 19;

inline std::string make_event(int64_t ns) {
  char time[32];
  std::snprintf(time, sizeof(time), "%019lld", static_cast<long long>(ns));
  return "data: {\"id\":\"chatcmpl-0123456789abcdef0123456789abcdef\",\"object\":"
         "\"chat.completion.chunk\",\"created\":1763780000,\"model\":\"deepseek-v3\",\"choices\":"
         "[{\"index\":0,\"delta\":{\"content\":\" token\"},\"finish_reason\":null}],\"t\":\"" +
         std::string(time) + "\"}\n\n";
}

// The send time in the first event of `text`; 0 where there is none.
inline int64_t sent_at(std::string_view text) {
  const size_t at = text.find(kTimeKey);
  if (at == std::string_view::npos || text.size() < at + kTimeKey.size() + kTimeDigits) return 0;
  int64_t ns = 0;
  const char* const digits = text.data() + at + kTimeKey.size();
  std::from_chars(digits, digits + kTimeDigits, ns);
  return ns;
}

inline void pin_to_cpu(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  sched_setaffinity(0, sizeof(set), &set);
}

class StreamSender {
 public:
  explicit StreamSender(const SenderLoad& load) : load_(load) {
    std::string body;
    for (int i = 0; i < load.events_per_chunk; ++i) body += make_event(0);
    char size_line[32];
    std::snprintf(size_line, sizeof(size_line), "%zx\r\n", body.size());
    chunk_ = size_line + body + "\r\n";
    time_at_ = chunk_.find(kTimeKey) + kTimeKey.size();
    if (load.tls) {
      certificate_ = std::filesystem::temp_directory_path() /
                     ("llmsweep-sender-" + std::to_string(getpid()) + ".pem");
      tls_ = sim::make_tls_context(certificate_);
    }
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    if (bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(fd, 4096) != 0) {
      std::perror("listen");
      std::exit(1);
    }
    getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    child_ = fork();
    if (child_ == 0) {
      pin_to_cpu(1);
      serve(fd);
      _exit(0);
    }
    close(fd);
  }
  StreamSender(const StreamSender&) = delete;
  StreamSender& operator=(const StreamSender&) = delete;
  ~StreamSender() {
    int status = 0;
    waitpid(child_, &status, 0);
    if (load_.tls) std::filesystem::remove(certificate_);
  }
  int port() const { return port_; }
  // The authority of its certificate; for load.tls.
  const std::filesystem::path& certificate() const { return certificate_; }

 private:
  struct Stream {
    int fd = -1;
    SSL* ssl = nullptr;  // with load.tls; the process ends with it
  };

  void serve(int listen_fd) {
    std::signal(SIGPIPE, SIG_IGN);
    std::vector<Stream> streams;
    for (int i = 0; i < load_.streams; ++i) streams.push_back(accept_request(listen_fd));
    constexpr std::string_view kHead =
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (const Stream& stream : streams) send_all(stream, kHead);
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    if (load_.steps) {
      send_in_steps(streams);
    } else {
      send_spread(streams);
    }
    char rest;
    for (const Stream& stream : streams) {  // until the reader is done
      while (recv(stream.fd, &rest, 1, 0) > 0) {
      }
      close(stream.fd);
    }
  }

  Stream accept_request(int listen_fd) const {
    const int fd = accept(listen_fd, nullptr, nullptr);
    Stream stream{.fd = fd};
    if (load_.tls) {
      stream.ssl = SSL_new(tls_.get());
      SSL_set_fd(stream.ssl, fd);
      if (SSL_accept(stream.ssl) != 1) _exit(1);
    }
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    char buffer[4096];
    std::string request;
    while (request.find("\r\n\r\n{}") == std::string::npos) {
      const ssize_t got = load_.tls ? SSL_read(stream.ssl, buffer, sizeof(buffer))
                                    : recv(fd, buffer, sizeof(buffer), 0);
      if (got <= 0) _exit(1);
      request.append(buffer, static_cast<size_t>(got));
    }
    return stream;
  }

  static void send_all(const Stream& stream, std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = stream.ssl != nullptr
                               ? SSL_write(stream.ssl, bytes.data(), static_cast<int>(bytes.size()))
                               : send(stream.fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) _exit(1);
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
  }

  void send_chunk(const Stream& stream) {
    int64_t ns = to_ns(clock_.now());
    for (size_t i = kTimeDigits; i > 0; --i, ns /= 10) {
      chunk_[time_at_ + i - 1] = static_cast<char>('0' + ns % 10);
    }
    send_all(stream, chunk_);
  }

  void wait_until(Instant at) const {
    while (clock_.now() < at) {
      if (at - clock_.now() > std::chrono::microseconds(200)) {
        std::this_thread::sleep_for(std::chrono::microseconds(50));
      }
    }
  }

  void send_in_steps(const std::vector<Stream>& streams) {
    Instant at = clock_.now();
    for (int i = 0; i < load_.chunks_per_stream; ++i, at += load_.interval) {
      wait_until(at);
      for (const Stream& stream : streams) send_chunk(stream);
    }
  }

  void send_spread(std::vector<Stream> streams) {
    Random random(1);
    const Duration gap = load_.interval / load_.streams;
    Instant at = clock_.now();
    for (int i = 0; i < load_.chunks_per_stream; ++i) {
      random.shuffle(streams);
      for (const Stream& stream : streams) {
        wait_until(at);
        send_chunk(stream);
        at += gap;
      }
    }
  }

  SenderLoad load_;
  std::filesystem::path certificate_;
  sim::TlsContext tls_{nullptr, &SSL_CTX_free};
  std::string chunk_;  // of HTTP; the time is written into its first event
  size_t time_at_ = 0;
  SteadyClock clock_;
  int port_ = 0;
  pid_t child_ = -1;
};

}  // namespace llmsweep::bench
