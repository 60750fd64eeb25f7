// The whole path of a chunk, from the socket into the record, as the load loop drives it.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <deque>
#include <string>
#include <thread>

#include "llmsweep/http/make_client.h"
#include "llmsweep/load/load_loop.h"
#include "protocol_allocations/counter.h"

namespace llmsweep {
namespace {

constexpr int kChunks = 12'000;
constexpr int kSettled = 6'000;  // from here on the path is in its steady state

// Answers one request with kChunks events, each in a write of its own once the one before has been
// read (`consumed`), so that each is a read of its own as well.
class ChunkServer {
 public:
  explicit ChunkServer(const std::atomic<int>& consumed)
      : consumed_(consumed), listen_fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    EXPECT_EQ(bind(listen_fd_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(listen_fd_, 8), 0);
    getsockname(listen_fd_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~ChunkServer() {
    thread_.join();
    close(listen_fd_);
  }
  std::string url() const {
    return "http://127.0.0.1:" + std::to_string(port_) + "/v1/completions";
  }

 private:
  void serve() const {
    const int fd = accept(listen_fd_, nullptr, nullptr);
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    char buffer[4096];
    if (recv(fd, buffer, sizeof(buffer), 0) <= 0) return;
    write_all(fd,
              "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
              "Transfer-Encoding: chunked\r\n\r\n");
    const std::string event = "data: {\"choices\":[{\"index\":0,\"text\":\" quiet\"}]}\n\n";
    for (int i = 0; i < kChunks; ++i) {
      while (consumed_ < i) std::this_thread::yield();
      write_all(fd, "31\r\n" + event + "\r\n");
    }
    write_all(fd, "e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n");
    while (recv(fd, buffer, sizeof(buffer), 0) > 0) {
    }
    close(fd);
  }

  static void write_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
  }

  const std::atomic<int>& consumed_;
  int listen_fd_;
  int port_ = 0;
  std::thread thread_;
};

// Passes everything on, and counts what the thread allocates between two reads.
class Counted final : public HttpClient {
 public:
  Counted(std::unique_ptr<HttpClient> client, std::atomic<int>& consumed)
      : client_(std::move(client)), consumed_(consumed) {}
  ~Counted() override { consumed_ = kChunks; }  // whatever happened, the server need not wait

  void start(RequestId id, const HttpRequest& request) override { client_->start(id, request); }
  void cancel(RequestId id) override { client_->cancel(id); }
  void watch(RequestId id, bool on) override { client_->watch(id, on); }
  void poll(Instant deadline, std::vector<HttpEvent>& events) override {
    client_->poll(deadline, events);
    for (const HttpEvent& event : events) {
      if (event.kind != HttpEvent::Kind::kBytes) continue;
      ++consumed_;
      ++reads_;
    }
    const uint64_t now = allocations_of_this_thread();
    if (reads_ < kSettled) {
      before_ = now;
    } else if (reads_ < kChunks) {
      after_ = now;
    }
  }
  const TransportHealth& health() const override { return client_->health(); }
  void reset_health() override { client_->reset_health(); }

  uint64_t steady_allocations() const { return after_ - before_; }
  int64_t reads() const { return reads_; }

 private:
  std::unique_ptr<HttpClient> client_;
  std::atomic<int>& consumed_;
  int64_t reads_ = 0;
  uint64_t before_ = 0;
  uint64_t after_ = 0;
};

class ClientPath : public testing::TestWithParam<Transport> {};
INSTANTIATE_TEST_SUITE_P(Over, ClientPath,
                         testing::Values(Transport::kSockets, Transport::kLibcurl));

TEST_P(ClientPath, AllocatesNothingForAChunkInTheSteadyState) {
  std::atomic<int> consumed = 0;
  const ChunkServer server(consumed);
  HttpClientOptions options;
  options.transport = GetParam();
  options.urls = {server.url()};
  Counted client(make_http_client(options), consumed);
  client.reset_health();

  const std::vector<Prompt> prompts(1);
  LoadPlan plan;
  plan.schedule.arrivals = {{.phase = Phase::kMeasured}};
  plan.schedule.slots = 1;
  plan.prompts = prompts;
  plan.bodies = {std::make_shared<const std::string>("{}")};
  plan.api = Api::kCompletions;
  LoadControl control;
  control.measured_left = 1;
  const SteadyClock clock;
  const std::deque<RequestRecord> records =
      run_loop(plan, {.start = clock.now()}, client, clock, control, [](const auto&) {}).records;

  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].outcome, Outcome::kOk) << records[0].error;
  EXPECT_EQ(records[0].chunks, kChunks);
  EXPECT_GE(client.reads(), kChunks);
  // What is left is the record's histogram, whose memory follows the number of different gaps.
  EXPECT_LE(client.steady_allocations(), 12u) << client.reads() << " reads";
}

}  // namespace
}  // namespace llmsweep
