#include "stream_readers.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <memory>
#include <string>

#include "llmsweep/base/prefetch.h"
#include "llmsweep/http/make_client.h"
#include "llmsweep/protocol/response.h"
#include "protocol_allocations/counter.h"

namespace llmsweep::bench {
namespace {

constexpr size_t kAhead = 2;  // as in the load loop

double to_us(Duration duration) {
  return static_cast<double>(duration.count()) / 1e3;
}

int64_t chunks_of(const SenderLoad& load) {
  return int64_t{load.streams} * load.chunks_per_stream;
}

size_t payload_of(const SenderLoad& load) {
  return make_event(0).size() * static_cast<size_t>(load.events_per_chunk);
}

double resident_kb() {
  std::ifstream statm("/proc/self/statm");
  double total = 0;
  double resident = 0;
  statm >> total >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1024;
}

struct BareStream {
  int fd = -1;
  std::unique_ptr<SSL, void (*)(SSL*)> ssl{nullptr, &SSL_free};  // nothing: no TLS

  ssize_t read(char* to, size_t size) const {
    return ssl ? SSL_read(ssl.get(), to, static_cast<int>(size)) : recv(fd, to, size, 0);
  }
};

// As little as a TLS client can do: nothing is checked, and one read(2) takes all that is there.
sim::TlsContext bare_context() {
  sim::TlsContext context(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free);
  SSL_CTX_set_read_ahead(context.get(), 1);
  return context;
}

void shake_hands(BareStream& stream, SSL_CTX* context) {
  stream.ssl.reset(SSL_new(context));
  SSL_set_fd(stream.ssl.get(), stream.fd);
  if (SSL_connect(stream.ssl.get()) == 1) return;
  std::fputs("no TLS handshake\n", stderr);
  std::exit(1);
}

std::vector<BareStream> open_streams(int port, int count, SSL_CTX* context) {
  const std::string request = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}";
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::vector<BareStream> streams;
  for (int i = 0; i < count; ++i) {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    BareStream& stream = streams.emplace_back();
    stream.fd = fd;
    const bool connected = connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
    if (connected && context != nullptr) shake_hands(stream, context);
    const auto size = static_cast<int>(request.size());
    if (!connected || (stream.ssl ? SSL_write(stream.ssl.get(), request.data(), size)
                                  : send(fd, request.data(), request.size(), 0)) < 0) {
      std::perror("connect");
      std::exit(1);
    }
  }
  return streams;
}

void skip_head(const BareStream& stream) {
  char last[4] = {};
  while (std::string_view(last, 4) != "\r\n\r\n") {
    std::copy(last + 1, last + 4, last);
    if (stream.read(last + 3, 1) != 1) std::exit(1);
  }
}

// One record and its reader a stream, as in the load loop.
class Parsers {
 public:
  explicit Parsers(int streams) {
    for (int i = 0; i < streams; ++i) {
      flights_.emplace_back().reader.headers(200, "", from_ns(0));
    }
  }
  void prefetch_for(const HttpEvent& event) const { prefetch(&flights_[event.id]); }
  void apply(const HttpEvent& event) {
    flights_[event.id].reader.bytes(event.text, event.at, parser_);
  }
  int64_t chunks() const {
    int64_t sum = 0;
    for (const Flight& flight : flights_) sum += flight.record.chunks;
    return sum;
  }

 private:
  struct Flight {
    RequestRecord record;
    ResponseReader reader{Api::kChat, record};
  };

  ChunkParser parser_;
  std::deque<Flight> flights_;
};

// Starts every stream, at most 256 connections on their way at a time, until all have answered.
void open_all(HttpClient& client, int streams, std::vector<HttpEvent>& events) {
  const SteadyClock clock;
  const auto body = std::make_shared<const std::string>("{}");
  int answered = 0;
  for (int i = 0, sent = 0; answered < streams;) {
    for (; i < streams && i - sent < 256; ++i) {
      client.start(static_cast<RequestId>(i), {.body = body, .lane = static_cast<uint32_t>(i)});
    }
    client.poll(clock.now() + std::chrono::milliseconds(100), events);
    for (const HttpEvent& event : events) {
      sent += event.kind == HttpEvent::Kind::kSent ? 1 : 0;
      answered += event.kind == HttpEvent::Kind::kHeaders ? 1 : 0;
      if (event.kind == HttpEvent::Kind::kFailure) {
        std::fprintf(stderr, "failure: %s\n", std::string(event.text).c_str());
        std::exit(1);
      }
    }
  }
}

}  // namespace

double quantile(std::vector<double> values, double q) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[static_cast<size_t>(q * static_cast<double>(values.size() - 1))];
}

Reading read_bare(const SenderLoad& load) {
  const double memory_before = resident_kb();
  StreamSender sender(load);
  const sim::TlsContext context = bare_context();
  const std::vector<BareStream> streams =
      open_streams(sender.port(), load.streams, load.tls ? context.get() : nullptr);
  const int epoll_fd = epoll_create1(0);
  std::vector<char> buffer(64 << 10);
  for (const BareStream& stream : streams) {
    skip_head(stream);
    if (load.tls) fcntl(stream.fd, F_SETFL, O_NONBLOCK);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = const_cast<BareStream*>(&stream);
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, stream.fd, &event);
  }
  char size[32];
  const size_t framing =
      static_cast<size_t>(std::snprintf(size, sizeof(size), "%zx\r\n\r\n", payload_of(load)));
  Reading reading{.chunks = chunks_of(load)};
  const size_t expected = static_cast<size_t>(reading.chunks) * (payload_of(load) + framing);
  size_t received = 0;
  std::vector<epoll_event> ready(256);
  const SteadyClock clock;
  const Instant begun = clock.now();
  const Duration cpu_before = thread_cpu_time();
  while (received < expected) {
    const int count = epoll_wait(epoll_fd, ready.data(), static_cast<int>(ready.size()), -1);
    ++reading.iterations;
    for (int i = 0; i < count; ++i) {
      const auto& stream = *static_cast<BareStream*>(ready[static_cast<size_t>(i)].data.ptr);
      do {
        const ssize_t got = stream.read(buffer.data(), buffer.size());
        if (got <= 0 && stream.ssl && SSL_want_read(stream.ssl.get())) break;
        if (got <= 0) return {.complete = false};
        received += static_cast<size_t>(got);
        ++reading.reads;
      } while (stream.ssl && SSL_has_pending(stream.ssl.get()) == 1);
    }
  }
  reading.cpu_us_per_chunk =
      to_us(thread_cpu_time() - cpu_before) / static_cast<double>(reading.chunks);
  reading.wall_s = to_seconds(clock.now() - begun);
  reading.complete = received == expected;
  reading.kb_per_stream = (resident_kb() - memory_before) / load.streams;
  close(epoll_fd);
  for (const BareStream& stream : streams) close(stream.fd);
  return reading;
}

Reading read_with_client(const SenderLoad& load, const ClientKind& kind) {
  const double memory_before = resident_kb();
  StreamSender sender(load);
  HttpClientOptions options;
  options.transport = kind.transport;
  const std::string scheme = load.tls ? "https" : "http";
  options.urls = {scheme + "://127.0.0.1:" + std::to_string(sender.port()) + "/"};
  options.ca_file = sender.certificate();
  options.max_connections = static_cast<size_t>(load.streams);
  options.receive_stamps = kind.receive_stamps;
  const auto client = make_http_client(options);
  std::vector<HttpEvent> events;
  open_all(*client, load.streams, events);

  Reading reading{.chunks = chunks_of(load)};
  std::vector<double> errors;
  errors.reserve(static_cast<size_t>(reading.chunks) / 8 + 1);
  const size_t expected = static_cast<size_t>(reading.chunks) * payload_of(load);
  size_t received = 0;
  Parsers parsers(load.streams);
  client->reset_health();
  const SteadyClock clock;
  const Instant begun = clock.now();
  const uint64_t allocated_before = allocations_of_this_thread();
  const Duration cpu_before = thread_cpu_time();
  while (received < expected) {
    client->poll(clock.now() + std::chrono::seconds(1), events);
    for (size_t i = 0; i < events.size(); ++i) {
      const HttpEvent& event = events[i];
      if (event.kind != HttpEvent::Kind::kBytes) return {.complete = false};
      if (kind.parse && i + kAhead < events.size()) parsers.prefetch_for(events[i + kAhead]);
      received += event.text.size();
      if (kind.parse) parsers.apply(event);
      if (++reading.reads % 8 == 0) {
        const int64_t sent = sent_at(event.text);
        if (sent != 0) errors.push_back(to_us(event.at - from_ns(sent)));
      }
    }
  }
  const auto chunks = static_cast<double>(reading.chunks);
  reading.cpu_us_per_chunk = to_us(thread_cpu_time() - cpu_before) / chunks;
  reading.allocations =
      static_cast<double>(allocations_of_this_thread() - allocated_before) / chunks;
  reading.wall_s = to_seconds(clock.now() - begun);
  reading.kb_per_stream = (resident_kb() - memory_before) / load.streams;
  const TransportHealth& health = client->health();
  reading.iterations = health.iterations;
  reading.busy = to_seconds(health.busy) / to_seconds(health.busy + health.waited);
  reading.error_p50_us = quantile(errors, 0.5);
  reading.error_p99_us = quantile(errors, 0.99);
  std::vector<double> delays;
  for (const Duration delay : health.receive_delays) delays.push_back(to_us(delay));
  reading.own_p50_us = quantile(std::move(delays), 0.5);
  const bool parsed =
      !kind.parse || parsers.chunks() == reading.chunks * int64_t{load.events_per_chunk};
  reading.complete = received == expected && parsed;
  return reading;
}

std::vector<std::vector<Reading>> take_turns(const std::vector<std::function<Reading()>>& readers,
                                             int rounds) {
  std::vector<std::vector<Reading>> readings(readers.size());
  for (int round = 0; round < rounds; ++round) {
    for (size_t i = 0; i < readers.size(); ++i) readings[i].push_back(readers[i]());
  }
  return readings;
}

}  // namespace llmsweep::bench
