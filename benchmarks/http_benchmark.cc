// Our HTTP client against a bare epoll + recv reader of the same streams. Each line of output is a
// JSON object; benchmarks/run makes the table.
//
//   http_benchmark cpu STREAMS [ROUNDS [SECONDS]]    CPU a chunk: spread, in steps, coalesced; 3 s,
//     so that what a stream needs once, at its beginning, is a small part
//   http_benchmark stamps [ROUNDS [SECONDS]]         stamp − recorded send, at three rates
//   http_benchmark receives [SECONDS]                102,400 receives of one chunk a second
//   http_benchmark streams [COUNT [SECONDS]]         open streams with two chunks a second each
//   http_benchmark answers PORT [ROUNDS [SECONDS]]   short answers of a stream_endpoint
//   http_benchmark bare PORT STREAMS TOKENS          reads its streams with bare sockets
//   http_benchmark tls cpu | tls stamps …            the same under TLS
//
// The reader runs on CPU 0, the sender is a process on CPU 1. Readers take turns.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "endpoint_readers.h"
#include "llmsweep/http/make_client.h"
#include "stream_readers.h"

namespace llmsweep::bench {
namespace {

SenderLoad load_of(int streams, int per_second, double seconds) {
  return {.streams = streams,
          .chunks_per_stream = std::max(1, static_cast<int>(seconds * per_second)),
          .interval = std::chrono::nanoseconds(1'000'000'000 / per_second)};
}

const char* arrivals_of(const SenderLoad& load) {
  if (load.events_per_chunk > 1) return "coalesced";
  return load.steps ? "steps" : "spread";
}

struct Range {
  double median, min, max;
};

Range range_of(const std::vector<double>& values) {
  return {quantile(values, 0.5), quantile(values, 0), quantile(values, 1)};
}

void print_range(const char* name, const Range& range) {
  std::printf(",\"%s\":[%.4f,%.4f,%.4f]", name, range.median, range.min, range.max);
}

Range over(const std::vector<Reading>& readings, double Reading::*figure) {
  std::vector<double> values;
  for (const Reading& reading : readings) values.push_back(reading.*figure);
  return range_of(values);
}

// CPU a chunk as a ratio to the bare reader's of the same round.
Range ratios(const std::vector<Reading>& readings, const std::vector<Reading>& bare) {
  std::vector<double> values;
  for (size_t i = 0; i < readings.size(); ++i) {
    values.push_back(readings[i].cpu_us_per_chunk / bare[i].cpu_us_per_chunk);
  }
  return range_of(values);
}

bool all_complete(const std::vector<std::vector<Reading>>& readings) {
  for (const auto& of_reader : readings) {
    for (const Reading& reading : of_reader) {
      if (!reading.complete) return false;
    }
  }
  return true;
}

// False where a byte is missing.
bool compare_cpu(const SenderLoad& load, int rounds) {
  const auto read = [&](const ClientKind& kind) {
    return [&load, kind] { return read_with_client(load, kind); };
  };
  const auto readings =
      take_turns({[&] { return read_bare(load); }, read({.receive_stamps = false, .parse = false}),
                  read({.parse = false}), read({}), read({.transport = Transport::kLibcurl})},
                 rounds);
  std::printf("{\"section\":\"cpu\",\"tls\":%s,\"streams\":%d,\"arrivals\":\"%s\"",
              load.tls ? "true" : "false", load.streams, arrivals_of(load));
  print_range("bare_us", over(readings[0], &Reading::cpu_us_per_chunk));
  print_range("transport", ratios(readings[1], readings[0]));
  print_range("stamped", ratios(readings[2], readings[0]));
  print_range("sockets", ratios(readings[3], readings[0]));
  print_range("libcurl", ratios(readings[4], readings[0]));
  print_range("error_p50_us", over(readings[3], &Reading::error_p50_us));
  print_range("busy", over(readings[3], &Reading::busy));
  print_range("allocations", over(readings[3], &Reading::allocations));
  std::printf(",\"complete\":%s}\n", all_complete(readings) ? "true" : "false");
  std::fflush(stdout);
  return all_complete(readings);
}

bool run_cpu(int streams, int rounds, double seconds, bool tls) {
  const int per_second = streams <= 64 ? 200 : streams <= 512 ? 60 : streams <= 1024 ? 30 : 4;
  SenderLoad load = load_of(streams, per_second, seconds);
  load.tls = tls;
  bool complete = compare_cpu(load, rounds);
  load.steps = true;
  complete = compare_cpu(load, rounds) && complete;
  load.events_per_chunk = 16;
  return compare_cpu(load, rounds) && complete;
}

bool run_stamps(int rounds, double seconds, bool tls) {
  bool complete = true;
  const std::pair<int, int> last = tls ? std::pair(512, 40) : std::pair(1024, 100);
  for (const auto& [streams, per_second] : {std::pair(64, 200), {512, 100}, last}) {
    for (const bool steps : {false, true}) {
      SenderLoad load = load_of(streams, per_second, seconds);
      load.steps = steps;
      load.tls = tls;
      const auto readings =
          take_turns({[&] { return read_with_client(load, {}); },
                      [&] { return read_with_client(load, {.transport = Transport::kLibcurl}); }},
                     rounds);
      std::printf(
          "{\"section\":\"stamps\",\"tls\":%s,\"streams\":%d,\"chunks_per_s\":%d,"
          "\"arrivals\":\"%s\"",
          tls ? "true" : "false", streams, streams * per_second, arrivals_of(load));
      print_range("error_p50_us", over(readings[0], &Reading::error_p50_us));
      print_range("error_p99_us", over(readings[0], &Reading::error_p99_us));
      print_range("own_p50_us", over(readings[0], &Reading::own_p50_us));
      print_range("busy", over(readings[0], &Reading::busy));
      print_range("libcurl_error_p50_us", over(readings[1], &Reading::error_p50_us));
      std::printf(",\"complete\":%s}\n", all_complete(readings) ? "true" : "false");
      std::fflush(stdout);
      complete = complete && all_complete(readings);
    }
  }
  return complete;
}

bool print_reading(const char* section, const SenderLoad& load, const char* reader,
                   const Reading& reading) {
  std::printf(
      "{\"section\":\"%s\",\"streams\":%d,\"reader\":\"%s\",\"seconds\":%.2f,\"chunks\":%lld,"
      "\"reads\":%lld,\"reads_per_s\":%.0f,\"busy\":%.3f,\"cpu_us_per_chunk\":%.3f,"
      "\"error_p50_us\":%.1f,\"error_p99_us\":%.1f,\"allocations\":%.5f,\"kb_per_stream\":%.1f,"
      "\"complete\":%s}\n",
      section, load.streams, reader, reading.wall_s, static_cast<long long>(reading.chunks),
      static_cast<long long>(reading.reads), static_cast<double>(reading.reads) / reading.wall_s,
      reading.busy, reading.cpu_us_per_chunk, reading.error_p50_us, reading.error_p99_us,
      reading.allocations, reading.kb_per_stream, reading.complete ? "true" : "false");
  std::fflush(stdout);
  return reading.complete;
}

bool run_receives(double seconds) {
  const SenderLoad load = load_of(1024, 100, seconds);
  return print_reading("receives", load, "sockets", read_with_client(load, {}));
}

// Each reader in a process of its own, so that none finds the memory of the one before.
template <class Read>
bool in_child(const Read& read) {
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) std::_Exit(read() ? 0 : 1);
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool run_streams(int count, double seconds) {
  const SenderLoad load = load_of(count, 2, seconds);
  const bool sockets = in_child(
      [&] { return print_reading("streams", load, "sockets", read_with_client(load, {})); });
  const SenderLoad shorter = load_of(count, 2, std::min(seconds, 3.0));
  const bool libcurl = in_child([&] {
    const ClientKind kind{.transport = Transport::kLibcurl};
    return print_reading("streams", shorter, "libcurl", read_with_client(shorter, kind));
  });
  const bool bare =
      in_child([&] { return print_reading("streams", shorter, "bare", read_bare(shorter)); });
  return sockets && libcurl && bare;
}

int run_answers(int port, int rounds, double seconds) {
  constexpr int kSlots = 64;
  const std::optional<Transport> readers[] = {std::nullopt, Transport::kSockets,
                                              Transport::kLibcurl};
  std::vector<double> per_second[3];
  std::vector<double> cpu[3];
  for (int round = 0; round < rounds; ++round) {
    for (size_t i = 0; i < 3; ++i) {
      const Duration duration(static_cast<int64_t>(seconds * 1e9));
      const Answers answers = count_answers(port, kSlots, duration, readers[i]);
      per_second[i].push_back(answers.per_second);
      cpu[i].push_back(i == 0 ? answers.cpu_us : answers.cpu_us / cpu[0].back());
    }
  }
  std::printf("{\"section\":\"answers\",\"slots\":%d", kSlots);
  print_range("bare_per_s", range_of(per_second[0]));
  print_range("sockets_per_s", range_of(per_second[1]));
  print_range("libcurl_per_s", range_of(per_second[2]));
  print_range("bare_cpu_us", range_of(cpu[0]));
  print_range("sockets_cpu", range_of(cpu[1]));
  print_range("libcurl_cpu", range_of(cpu[2]));
  std::printf("}\n");
  return 0;
}

int run(int argc, char** argv) {
  const bool tls = argc > 1 && std::string_view(argv[1]) == "tls";
  if (tls) {
    ++argv;
    --argc;
  }
  const std::string_view section = argc > 1 ? argv[1] : "";
  const auto number = [&](int at, double otherwise) {
    return argc > at ? std::atof(argv[at]) : otherwise;
  };
  ensure_descriptors(10'240);  // each of the two processes
  pin_to_cpu(0);
  if (section == "cpu" && argc > 2) {
    const auto rounds = static_cast<int>(number(3, 3));
    return run_cpu(std::atoi(argv[2]), rounds, number(4, 3), tls) ? 0 : 1;
  }
  if (section == "stamps") {
    return run_stamps(static_cast<int>(number(2, 3)), number(3, 1), tls) ? 0 : 1;
  }
  if (tls) {
    std::fputs("under TLS there are cpu and stamps\n", stderr);
    return 2;
  }
  if (section == "receives") return run_receives(number(2, 30)) ? 0 : 1;
  if (section == "streams") {
    return run_streams(static_cast<int>(number(2, 10'000)), number(3, 60)) ? 0 : 1;
  }
  if (section == "answers" && argc > 2) {
    return run_answers(std::atoi(argv[2]), static_cast<int>(number(3, 3)), number(4, 1));
  }
  if (section == "bare" && argc > 4) {
    return read_streams(std::atoi(argv[2]), std::atoi(argv[3]), std::atoi(argv[4])) ? 0 : 1;
  }
  std::fputs("usage: see the head of http_benchmark.cc\n", stderr);
  return 2;
}

}  // namespace
}  // namespace llmsweep::bench

int main(int argc, char** argv) {
  return llmsweep::bench::run(argc, argv);
}
