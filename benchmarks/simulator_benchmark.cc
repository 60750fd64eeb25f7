// How many token chunks a second the embedded endpoint sends, each in a write of its own, and how
// much of its core that takes; and how long it reads requests that come all at once, and how long
// it ends them. The client does nothing but empty its sockets, in another process.
#include <arpa/inet.h>
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "llmsweep/base/clock.h"
#include "llmsweep/simulator/simulator.h"
#include "llmsweep/simulator/truth.h"

namespace {

using namespace llmsweep;

// CPU time of the thread named `name` in this process.
Duration thread_time(const std::string& name) {
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::string comm;
    std::getline(std::ifstream(task.path() / "comm"), comm);
    if (comm != name) continue;
    int64_t on_cpu_ns = 0;
    std::ifstream(task.path() / "schedstat") >> on_cpu_ns;
    return Duration(on_cpu_ns);
  }
  return Duration(0);
}

int connected_socket(uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return -1;
  ::fcntl(fd, F_SETFL, O_NONBLOCK);
  return fd;
}

std::string request_for(int64_t tokens) {
  const std::string body = R"({"prompt":"a","stream":true,"ignore_eos":true,"max_tokens":)" +
                           std::to_string(tokens) + "}";
  return "POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

// Empties every socket until each has had its last bytes. Returns how many ended well.
int drain(const std::vector<int>& sockets) {
  const int epoll = ::epoll_create1(0);
  for (int fd : sockets) {
    epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
    ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
  }
  std::vector<char> buffer(1 << 20);
  std::vector<epoll_event> events(1024);
  size_t open = sockets.size();
  int done = 0;
  while (open > 0) {
    const int count = ::epoll_wait(epoll, events.data(), static_cast<int>(events.size()), 30'000);
    if (count <= 0) break;
    for (int i = 0; i < count; ++i) {
      const int fd = events[static_cast<size_t>(i)].data.fd;
      const ssize_t got = ::recv(fd, buffer.data(), buffer.size(), 0);
      const std::string_view tail(buffer.data(), got > 0 ? static_cast<size_t>(got) : 0);
      if (got > 0 && !tail.ends_with("\r\n0\r\n\r\n")) continue;
      if (got > 0) ++done;
      ::epoll_ctl(epoll, EPOLL_CTL_DEL, fd, nullptr);
      --open;
    }
  }
  ::close(epoll);
  return done;
}

struct ClientReport {
  int done = 0;
  int64_t took_ns = 0;
  // Medians over the bursts: first send to the last head, first end to the last.
  int64_t heads_ns = 0;
  int64_t ends_ns = 0;
};

// The whole of the client's life, in a process of its own: its descriptors count apart.
ClientReport run_client(uint16_t port, int streams, int64_t tokens) {
  std::vector<int> sockets;
  for (int i = 0; i < streams; ++i) {
    sockets.push_back(connected_socket(port));
    if (sockets.back() < 0) return {};
  }
  const std::string request = request_for(tokens);
  const Instant start = SteadyClock().now();
  for (int fd : sockets) {
    if (::send(fd, request.data(), request.size(), MSG_NOSIGNAL) < 0) return {};
  }
  const int done = drain(sockets);
  return {.done = done, .took_ns = (SteadyClock().now() - start).count()};
}

std::string chat_request() {
  std::string words;
  for (int i = 0; i < 64; ++i) words += " word" + std::to_string(i);
  const std::string body = R"({"model":"simulated","messages":[{"role":"user","content":")" +
                           words + R"("}],"stream":true,"stream_options":{"include_usage":true},)" +
                           R"("ignore_eos":true,"min_tokens":2,"max_tokens":2})";
  return "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
         "Accept: text/event-stream\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

// What each socket has had of the answer to one request.
class Answers {
 public:
  explicit Answers(const std::vector<int>& sockets)
      : sockets_(sockets), received_(sockets.size()) {}

  // Reads until all have `enough`. Returns when that was for the first one, and the last; or
  // nothing, where it takes too long.
  template <typename Enough>
  std::optional<std::pair<Instant, Instant>> await_all(Enough enough) {
    const Instant limit = SteadyClock().now() + std::chrono::seconds(30);
    std::optional<std::pair<Instant, Instant>> span;
    std::vector<bool> over(sockets_.size());
    for (size_t left = sockets_.size(); left > 0;) {
      for (size_t i = 0; i < sockets_.size(); ++i) {
        if (over[i]) continue;
        const ssize_t got = ::recv(sockets_[i], buffer_.data(), buffer_.size(), 0);
        if (got > 0) received_[i].append(buffer_.data(), static_cast<size_t>(got));
        if (!enough(received_[i])) continue;
        over[i] = true;
        --left;
        const Instant now = SteadyClock().now();
        if (!span) span.emplace(now, now);
        span->second = now;
      }
      if (SteadyClock().now() > limit) return std::nullopt;
    }
    return span;
  }

 private:
  const std::vector<int>& sockets_;
  std::vector<std::string> received_;
  std::vector<char> buffer_ = std::vector<char>(1 << 16);
};

int64_t median(std::vector<int64_t>& values) {
  std::nth_element(values.begin(), values.begin() + static_cast<ptrdiff_t>(values.size() / 2),
                   values.end());
  return values[values.size() / 2];
}

ClientReport run_bursts(uint16_t port, int streams, int bursts) {
  std::vector<int> sockets;
  for (int i = 0; i < streams; ++i) sockets.push_back(connected_socket(port));
  // A stream beside them keeps the engine's steps going, so that a burst ends in one of them.
  const int pacer = connected_socket(port);
  const std::string endless = request_for(1'000'000);
  if (::send(pacer, endless.data(), endless.size(), MSG_NOSIGNAL) < 0) return {};
  const std::string request = chat_request();
  std::vector<int64_t> heads;
  std::vector<int64_t> ends;
  ClientReport report;
  const Instant start = SteadyClock().now();
  for (int burst = 0; burst < bursts; ++burst) {
    const Instant sent = SteadyClock().now();
    for (int fd : sockets) {
      if (::send(fd, request.data(), request.size(), MSG_NOSIGNAL) < 0) return {};
    }
    Answers answers(sockets);
    const auto head = answers.await_all([](const std::string& bytes) { return !bytes.empty(); });
    const auto end = answers.await_all(
        [](const std::string& bytes) { return bytes.ends_with("\r\n0\r\n\r\n"); });
    if (!head || !end) return {};
    heads.push_back((head->second - sent).count());
    ends.push_back((end->second - end->first).count());
    report.done += streams;
  }
  report.took_ns = (SteadyClock().now() - start).count();
  report.heads_ns = median(heads);
  report.ends_ns = median(ends);
  return report;
}

// A child that waits for a port on `to`, and reports on `from`. Made before any thread is.
struct Child {
  int to[2];
  int from[2];
  pid_t pid = 0;

  template <typename Client>
  explicit Child(Client client) {
    if (::pipe(to) != 0 || ::pipe(from) != 0) std::abort();
    pid = ::fork();
    if (pid != 0) return;
    uint16_t port = 0;
    if (::read(to[0], &port, sizeof port) != sizeof port) ::_exit(1);
    const ClientReport report = client(port);
    ::_exit(::write(from[1], &report, sizeof report) == sizeof report ? 0 : 1);
  }
  ClientReport run(uint16_t port) {
    ClientReport report;
    if (::write(to[1], &port, sizeof port) != sizeof port ||
        ::read(from[0], &report, sizeof report) != sizeof report) {
      return {};
    }
    return report;
  }
  ~Child() {
    for (int fd : {to[0], to[1], from[0], from[1]}) ::close(fd);
    ::waitpid(pid, nullptr, 0);
  }
};

// range(0): streams; range(1): chunks a second that the engine is told to give, all together.
void BM_SimulatorChunks(benchmark::State& state) {
  const auto streams = static_cast<int>(state.range(0));
  const double rate = static_cast<double>(state.range(1));
  SimulatorProfile profile;
  profile.engine.step.base = Cost(streams / rate * 1e9);
  profile.engine.max_batch_size = streams;
  profile.engine.max_batched_tokens = std::max<int64_t>(8192, streams);
  profile.engine.max_model_len = 10'000'000;
  const auto log = std::filesystem::temp_directory_path() /
                   ("llmsweep-benchmark-" + std::to_string(::getpid()) + ".jsonl");
  const int64_t tokens = std::max<int64_t>(40, 500'000 / streams);
  double chunks = 0;
  Duration cpu{};
  for (auto _ : state) {
    Child client([&](uint16_t port) { return run_client(port, streams, tokens); });
    Simulator simulator(profile, {.truth_log = log});
    const Duration before = thread_time("simulator");
    const ClientReport report = client.run(simulator.port());
    cpu += thread_time("simulator") - before;
    if (report.done != streams) state.SkipWithError("not every stream ended well");
    state.SetIterationTime(static_cast<double>(report.took_ns) / 1e9);
    chunks += static_cast<double>(tokens) * report.done;
  }
  int64_t blocked = 0;
  std::vector<double> lateness_us;
  for (const TruthRecord& record : read_truth_log(log)) {
    blocked += record.blocked_writes;
    lateness_us.push_back(to_ms(record.lateness_mean) * 1000);
  }
  std::filesystem::remove(log);
  std::sort(lateness_us.begin(), lateness_us.end());
  state.counters["chunks_per_s"] = benchmark::Counter(chunks, benchmark::Counter::kIsRate);
  state.counters["chunks_per_cpu_s"] = chunks / std::max(1e-9, to_seconds(cpu));
  state.counters["blocked_writes"] = static_cast<double>(blocked);
  if (!lateness_us.empty()) state.counters["late_us_p50"] = lateness_us[lateness_us.size() / 2];
}

BENCHMARK(BM_SimulatorChunks)
    ->ArgNames({"streams", "asked"})
    ->Args({1, 100'000})
    ->Args({64, 100'000})
    ->Args({64, 1'000'000})
    ->Args({1024, 1'000'000})
    ->Args({10'000, 20'000})
    ->Args({10'000, 1'000'000})
    ->UseManualTime()
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

// range(0): connections, each of which sends a request at once with all others, again when all have
// had their two tokens.
void BM_SimulatorBurst(benchmark::State& state) {
  const auto streams = static_cast<int>(state.range(0));
  constexpr int kBursts = 100;
  SimulatorProfile profile;
  profile.engine.step.base = std::chrono::milliseconds(5);
  profile.engine.request_overhead = std::chrono::milliseconds(5);  // reading is over by then
  profile.engine.max_batch_size = streams + 1;
  profile.engine.max_batched_tokens = 1'000'000;
  profile.engine.max_model_len = 10'000'000;
  const auto log = std::filesystem::temp_directory_path() /
                   ("llmsweep-benchmark-" + std::to_string(::getpid()) + ".jsonl");
  for (auto _ : state) {
    Child client([&](uint16_t port) { return run_bursts(port, streams, kBursts); });
    Simulator simulator(profile, {.truth_log = log});
    const Duration before = thread_time("simulator");
    const ClientReport report = client.run(simulator.port());
    const Duration cpu = thread_time("simulator") - before;
    if (report.done != streams * kBursts) state.SkipWithError("not every request ended well");
    state.SetIterationTime(static_cast<double>(report.took_ns) / 1e9);
    state.counters["cpu_us_a_request"] = to_ms(cpu) * 1000 / std::max(1, report.done);
    state.counters["heads_us"] = static_cast<double>(report.heads_ns) / 1000;
    state.counters["ends_us"] = static_cast<double>(report.ends_ns) / 1000;
  }
  std::filesystem::remove(log);
}

BENCHMARK(BM_SimulatorBurst)
    ->ArgName("streams")
    ->Arg(64)
    ->Arg(512)
    ->UseManualTime()
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

}  // namespace
