// When a request arrived is the kernel's account, not that of an endpoint that is busy: here the
// endpoint is a process of its own that is stopped while the requests come.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <memory>

#include "chat_body.h"
#include "llmsweep/base/receive_stamp.h"
#include "llmsweep/simulator/truth.h"
#include "temporary_directory.h"

namespace llmsweep::sim {
namespace {

constexpr Duration kStep = std::chrono::milliseconds(1);

class EndpointProcess {
 public:
  EndpointProcess(const TemporaryDirectory& directory, bool tls) {
    const std::string profile = directory / "profile.yaml";
    const std::string log = directory / "truth.jsonl";
    std::ofstream(profile) << "engine: {step: {base_ms: 1}}\n";
    int out[2];
    if (::pipe2(out, O_CLOEXEC) != 0) return;
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(out[1], STDOUT_FILENO);
      ::execl(LLMSWEEP_BINARY, LLMSWEEP_BINARY, "simulate", profile.c_str(), "--port", "0", "--log",
              log.c_str(), tls ? "--tls" : nullptr, nullptr);
      ::_exit(127);
    }
    ::close(out[1]);
    std::string line;
    for (char c = 0; ::read(out[0], &c, 1) == 1 && c != '\n';) line += c;
    ::close(out[0]);
    const size_t port = line.rfind(':') + 1;
    address_ = "127.0.0.1:" + line.substr(port, line.find('/', port) - port);
  }
  ~EndpointProcess() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  EndpointProcess(const EndpointProcess&) = delete;
  EndpointProcess& operator=(const EndpointProcess&) = delete;

  const std::string& address() const { return address_; }
  void pause() const {
    ::kill(pid_, SIGSTOP);
    ::waitpid(pid_, nullptr, WUNTRACED);
  }
  void go_on() const { ::kill(pid_, SIGCONT); }
  void end() const {
    ::kill(pid_, SIGINT);
    ::waitid(P_PID, static_cast<id_t>(pid_), nullptr, WEXITED | WNOWAIT);
  }

 private:
  pid_t pid_ = -1;
  std::string address_;
};

class Client {
 public:
  Client(const std::string& address, SSL_CTX* tls)
      : bio_(tls == nullptr ? BIO_new(BIO_s_connect()) : BIO_new_ssl_connect(tls), &BIO_free_all) {
    BIO_set_conn_hostname(bio_.get(), address.c_str());
    BIO_do_connect(bio_.get());
    int fd = -1;
    BIO_get_fd(bio_.get(), &fd);
    const int at_once = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
  }
  void send(std::string_view bytes) {
    BIO_write(bio_.get(), bytes.data(), static_cast<int>(bytes.size()));
  }
  bool read_to_the_end() {
    std::string received;
    char buffer[4096];
    while (!received.ends_with("\r\n0\r\n\r\n")) {
      const int got = BIO_read(bio_.get(), buffer, sizeof buffer);
      if (got <= 0) return false;
      received.append(buffer, static_cast<size_t>(got));
    }
    return true;
  }

 private:
  std::unique_ptr<BIO, void (*)(BIO*)> bio_;
};

struct Sends {
  Instant before{};  // the last piece
  Instant after{};
};

class Arrival : public testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(Over, Arrival, testing::Values(false, true),
                         [](const auto& tls) { return tls.param ? "Tls" : "Plain"; });

bool has_receive_stamps() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool has = enable_receive_stamps(fd);
  ::close(fd);
  return has;
}

struct Burst {
  std::map<int64_t, Sends> sends;     // by output tokens
  std::vector<TruthRecord> requests;  // without those that opened the connections
  Instant read_after{};
};

constexpr int64_t kRequests = 32;

// Requests in two pieces, one on each connection, to an endpoint that is stopped until a few of its
// engine's steps after the last.
Burst burst_while_stopped(bool tls) {
  const TemporaryDirectory directory;
  const EndpointProcess endpoint(directory, tls);
  const std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context(
      tls ? SSL_CTX_new(TLS_client_method()) : nullptr, &SSL_CTX_free);
  std::vector<Client> clients;
  std::vector<std::string> requests;
  for (int64_t i = 0; i < kRequests; ++i) {
    clients.emplace_back(endpoint.address(), context.get());
    clients.back().send(chat(1, kStream));
    EXPECT_TRUE(clients.back().read_to_the_end());
    requests.push_back(chat(i + 2, kStream));
  }
  Burst burst;
  endpoint.pause();
  for (size_t i = 0; i < requests.size(); ++i) clients[i].send(requests[i].substr(0, 100));
  for (size_t i = 0; i < requests.size(); ++i) {
    const Instant before = SteadyClock().now();
    clients[i].send(std::string_view(requests[i]).substr(100));
    burst.read_after = SteadyClock().now();
    burst.sends[static_cast<int64_t>(i) + 2] = {.before = before, .after = burst.read_after};
  }
  burst.read_after += 5 * kStep;
  while (SteadyClock().now() < burst.read_after) continue;
  endpoint.go_on();
  for (Client& client : clients) EXPECT_TRUE(client.read_to_the_end());
  endpoint.end();
  for (const TruthRecord& record : read_truth_log(directory / "truth.jsonl")) {
    if (record.output_tokens > 1) burst.requests.push_back(record);
  }
  EXPECT_EQ(static_cast<int64_t>(burst.requests.size()), kRequests);
  return burst;
}

TEST_P(Arrival, IsThatOfTheLastByteHoweverLateItIsRead) {
  if (!has_receive_stamps()) GTEST_SKIP() << "no receive stamps here";
  const Burst burst = burst_while_stopped(GetParam());
  int64_t within = 0;
  for (const TruthRecord& record : burst.requests) {
    const Sends& sent = burst.sends.at(record.output_tokens);
    EXPECT_GE(record.arrival, sent.before);
    EXPECT_LT(record.arrival, burst.read_after);
    EXPECT_GE(record.chunks.front().sent, burst.read_after);
    within += record.arrival <= sent.after ? 1 : 0;
  }
  EXPECT_GE(within, kRequests / 2) << "the kernel may put a few off";
}

// All that came together is known to the engine before it moves on: its steps are those of an
// endpoint that had not been late.
TEST_P(Arrival, IsTheEnginesHoweverLateItIsRead) {
  if (!has_receive_stamps()) GTEST_SKIP() << "no receive stamps here";
  const Burst burst = burst_while_stopped(GetParam());
  for (const TruthRecord& record : burst.requests) {
    EXPECT_GE(*record.prefill_start, record.arrival);
    EXPECT_LE(*record.prefill_start - record.arrival, kStep);
  }
}

}  // namespace
}  // namespace llmsweep::sim
