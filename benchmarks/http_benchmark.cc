// CPU per chunk of our HTTP client against a bare epoll + recv reader of the same streams, and how
// far its stamps are from the times at which the sender sent.
//
// The reader runs on CPU 0, the sender is a process on CPU 1. Readers take turns, so that what
// disturbs the machine disturbs both; what is printed is the median of the rounds. Usage:
// http_benchmark [rounds [seconds [streams]]].
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "llmsweep/http/curl_client.h"
#include "llmsweep/protocol/response.h"
#include "stream_sender.h"

namespace llmsweep::bench {
namespace {

struct Reading {
  double cpu_us_per_chunk = 0;
  double iterations_per_chunk = 0;
  double busy = 0;
  double error_p50_us = 0;  // |stamp − recorded send|
  double error_p99_us = 0;
  double own_p50_us = 0;  // the client's own account: kernel arrival → stamp
  bool complete = true;
};

double quantile(std::vector<double>& values, double q) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[static_cast<size_t>(q * static_cast<double>(values.size() - 1))];
}

double to_us(Duration duration) {
  return static_cast<double>(duration.count()) / 1e3;
}

size_t expected_bytes(const SenderLoad& load) {
  return make_event(0).size() * static_cast<size_t>(load.events_per_chunk) *
         static_cast<size_t>(load.chunks_per_stream) * static_cast<size_t>(load.streams);
}

double chunks(const SenderLoad& load) {
  return static_cast<double>(load.streams) * load.chunks_per_stream;
}

std::vector<int> open_streams(int port, int count) {
  const std::string request = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}";
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::vector<int> streams;
  for (int i = 0; i < count; ++i) {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 ||
        send(fd, request.data(), request.size(), 0) < 0) {
      std::perror("connect");
      std::exit(1);
    }
    streams.push_back(fd);
  }
  return streams;
}

// What any reader has to do at the least: wait, receive, count.
Reading read_bare(const SenderLoad& load) {
  StreamSender sender(load);
  const std::vector<int> streams = open_streams(sender.port(), load.streams);
  const int epoll_fd = epoll_create1(0);
  std::vector<char> buffer(16 << 10);
  for (const int fd : streams) {
    size_t got = 0;  // the response's head
    while (got < 4 || std::string_view(buffer.data() + got - 4, 4) != "\r\n\r\n") {
      got += static_cast<size_t>(recv(fd, buffer.data() + got, 1, 0));
    }
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
  }
  const size_t payload = make_event(0).size() * static_cast<size_t>(load.events_per_chunk);
  char size[32];
  const size_t framing =
      static_cast<size_t>(std::snprintf(size, sizeof(size), "%zx\r\n\r\n", payload));
  const size_t expected = expected_bytes(load) / payload * (payload + framing);
  size_t received = 0;
  int64_t iterations = 0;
  std::vector<epoll_event> ready(256);
  const Duration before = thread_cpu_time();
  while (received < expected) {
    const int count = epoll_wait(epoll_fd, ready.data(), static_cast<int>(ready.size()), -1);
    ++iterations;
    for (int i = 0; i < count; ++i) {
      const ssize_t got =
          recv(ready[static_cast<size_t>(i)].data.fd, buffer.data(), buffer.size(), 0);
      if (got <= 0) return {.complete = false};
      received += static_cast<size_t>(got);
    }
  }
  Reading reading;
  reading.cpu_us_per_chunk = to_us(thread_cpu_time() - before) / chunks(load);
  reading.iterations_per_chunk = static_cast<double>(iterations) / chunks(load);
  close(epoll_fd);
  for (const int fd : streams) close(fd);
  return reading;
}

struct ClientKind {
  Transport transport = Transport::kAuto;
  bool receive_stamps = true;
  bool parse = false;  // what the load loop does with the bytes
};

// One response reader a stream, as in the load loop.
class Parsers {
 public:
  explicit Parsers(int streams) : records_(static_cast<size_t>(streams)) {
    for (RequestRecord& record : records_) {
      readers_.emplace_back(Api::kChat, record);
      readers_.back().headers(200, "", from_ns(0));
    }
  }
  void apply(const HttpEvent& event) { readers_[event.id].bytes(event.text, event.at, parser_); }

 private:
  ChunkParser parser_;
  std::vector<RequestRecord> records_;
  std::vector<ResponseReader> readers_;
};

Reading read_with_client(const SenderLoad& load, const ClientKind& kind) {
  StreamSender sender(load);
  CurlClientOptions options;
  options.urls = {"http://127.0.0.1:" + std::to_string(sender.port()) + "/"};
  options.max_connections = static_cast<size_t>(load.streams);
  options.receive_stamps = kind.receive_stamps;
  options.transport = kind.transport;
  const auto client = make_curl_client(options);
  const SteadyClock clock;
  const auto body = std::make_shared<const std::string>("{}");
  std::vector<HttpEvent> events;
  int answered = 0;
  for (int i = 0, sent = 0; answered < load.streams;) {
    for (; i < load.streams && i - sent < 256; ++i) {
      client->start(static_cast<RequestId>(i), {.body = body, .lane = static_cast<uint32_t>(i)});
    }
    client->poll(clock.now() + std::chrono::milliseconds(100), events);
    for (const HttpEvent& event : events) {
      sent += event.kind == HttpEvent::Kind::kSent ? 1 : 0;
      answered += event.kind == HttpEvent::Kind::kHeaders ? 1 : 0;
      if (event.kind == HttpEvent::Kind::kFailure) {
        std::printf("failure: %s\n", std::string(event.text).c_str());
        std::exit(1);
      }
    }
  }
  Reading reading;
  std::vector<double> errors;
  errors.reserve(static_cast<size_t>(chunks(load)) / 8 + 1);
  const size_t expected = expected_bytes(load);
  size_t received = 0;
  size_t deliveries = 0;
  Parsers parsers(load.streams);
  client->reset_health();
  const Duration before = thread_cpu_time();
  while (received < expected) {
    client->poll(clock.now() + std::chrono::seconds(1), events);
    for (const HttpEvent& event : events) {
      if (event.kind != HttpEvent::Kind::kBytes) {
        reading.complete = false;
        return reading;
      }
      received += event.text.size();
      if (kind.parse) parsers.apply(event);
      if (++deliveries % 8 == 0) {
        const int64_t sent = sent_at(event.text);
        if (sent != 0) errors.push_back(to_us(event.at - from_ns(sent)));
      }
    }
  }
  reading.cpu_us_per_chunk = to_us(thread_cpu_time() - before) / chunks(load);
  const TransportHealth& health = client->health();
  reading.iterations_per_chunk = static_cast<double>(health.iterations) / chunks(load);
  reading.busy = to_seconds(health.busy) / to_seconds(health.busy + health.waited);
  reading.error_p50_us = quantile(errors, 0.5);
  reading.error_p99_us = quantile(errors, 0.99);
  std::vector<double> delays;
  for (const Duration delay : health.receive_delays) delays.push_back(to_us(delay));
  reading.own_p50_us = quantile(delays, 0.5);
  reading.complete = received == expected;
  return reading;
}

// The median round of each reader, by CPU.
std::vector<Reading> take_turns(const std::vector<std::function<Reading()>>& readers, int rounds) {
  std::vector<std::vector<Reading>> all(readers.size());
  for (int round = 0; round < rounds; ++round) {
    for (size_t i = 0; i < readers.size(); ++i) all[i].push_back(readers[i]());
  }
  std::vector<Reading> medians;
  for (auto& readings : all) {
    std::sort(readings.begin(), readings.end(), [](const Reading& a, const Reading& b) {
      return a.cpu_us_per_chunk < b.cpu_us_per_chunk;
    });
    medians.push_back(readings[readings.size() / 2]);
    for (const Reading& reading : readings) medians.back().complete &= reading.complete;
  }
  return medians;
}

void compare(const char* name, const SenderLoad& load, int rounds) {
  const auto medians =
      take_turns({[&] { return read_bare(load); },
                  [&] { return read_with_client(load, {.transport = Transport::kLibcurl}); },
                  [&] { return read_with_client(load, {.receive_stamps = false}); },
                  [&] { return read_with_client(load, {}); },
                  [&] { return read_with_client(load, {.parse = true}); }},
                 rounds);
  const double bare = medians[0].cpu_us_per_chunk;
  std::printf("%7d %-10s %6.2f", load.streams, name, bare);
  bool complete = true;
  for (const Reading& reading : medians) complete = complete && reading.complete;
  for (size_t i = 1; i < medians.size(); ++i)
    std::printf(" %8.2f", medians[i].cpu_us_per_chunk / bare);
  const Reading& path = medians.back();
  std::printf(" %6.2f %5.2f %8.1f %8.1f %8.1f  %s\n", path.iterations_per_chunk, path.busy,
              path.error_p50_us, path.error_p99_us, path.own_p50_us, complete ? "" : "INCOMPLETE");
  std::fflush(stdout);
}

struct Settings {
  int rounds = 5;
  double seconds = 1.0;
  int only_streams = 0;  // 0: all
};

int run(const Settings& settings) {
  ensure_descriptors(2 * 8192);
  pin_to_cpu(0);
  std::printf(
      "CPU a chunk: bare in us, the others as ratios to it. Errors of the whole path in us.\n");
  std::printf("%7s %-10s %6s %8s %8s %8s %8s %6s %5s %8s %8s %8s\n", "streams", "arrivals", "bare",
              "libcurl", "plain", "+stamps", "+parser", "wakes", "busy", "err p50", "err p99",
              "own p50");
  const struct {
    int streams;
    int per_second;
  } loads[] = {{64, 200}, {512, 60}, {1024, 30}, {8192, 4}};
  for (const auto& [streams, per_second] : loads) {
    if (settings.only_streams != 0 && settings.only_streams != streams) continue;
    SenderLoad load;
    load.streams = streams;
    load.interval = std::chrono::nanoseconds(1'000'000'000 / per_second);
    load.chunks_per_stream = std::max(1, static_cast<int>(settings.seconds * per_second));
    compare("spread", load, settings.rounds);
    load.steps = true;
    compare("steps", load, settings.rounds);
    load.events_per_chunk = 16;
    compare("steps x16", load, settings.rounds);
  }
  return 0;
}

}  // namespace
}  // namespace llmsweep::bench

int main(int argc, char** argv) {
  llmsweep::bench::Settings settings;
  if (argc > 1) settings.rounds = std::max(1, std::atoi(argv[1]));
  if (argc > 2) settings.seconds = std::max(0.1, std::atof(argv[2]));
  if (argc > 3) settings.only_streams = std::atoi(argv[3]);
  return llmsweep::bench::run(settings);
}
