#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>

#include "http/drive.h"

namespace llmsweep::test {
namespace {

using Kind = HttpEvent::Kind;
using testing::ElementsAre;
using testing::HasSubstr;

// A server with `certificate`, a client that trusts exactly `authority`: what a request sees, and
// whether the server was shown any of it.
class TlsRun {
 public:
  TlsRun(const TestCertificate& certificate, const std::string& authority,
         RawServer::Script script = nullptr)
      : server_(script ? std::move(script) : [this](Peer& peer) { answer(peer); },
                {.certificate = certificate.certificate, .key = certificate.key}) {
    if (!authority.empty()) {
      file_ = std::filesystem::path(testing::TempDir()) /
              ("llmsweep-ca-" + std::to_string(server_.port()) + ".pem");
      std::ofstream(file_) << authority;
    }
    options_ = options_for(server_, Transport::kAuto);
    options_.ca_file = file_.string();
  }
  ~TlsRun() { std::filesystem::remove(file_); }

  HttpClientOptions& options() { return options_; }
  RawServer& server() { return server_; }
  int requests() const { return requests_; }

 private:
  void answer(Peer& peer) {
    while (peer.read_request()) {
      ++requests_;
      peer.send(kChunkedHead);
      for (int i = 0; i < 100; ++i) peer.send_chunk("token");
      peer.send(kLastChunk);
    }
  }

  std::atomic<int> requests_{0};
  std::filesystem::path file_;
  HttpClientOptions options_;
  RawServer server_;
};

TEST(Tls, StreamsOverATrustedCertificateAndKeepsTheConnection) {
  const TestCertificate certificate = make_certificate("127.0.0.1", 10);
  TlsRun run(certificate, certificate.certificate);
  Driver driver(run.options());
  for (RequestId id = 0; id < 3; ++id) {
    const Seen& seen = driver.run(id);
    EXPECT_EQ(seen.failure, "");
    EXPECT_EQ(seen.bytes.size(), 500u);
  }
  EXPECT_EQ(run.server().connections(), 1);
}

TEST(Tls, RefusesWhatNoAuthoritySigned) {
  TlsRun run(make_certificate("127.0.0.1", 10), "");
  const Seen seen = Driver(run.options()).run(1);
  EXPECT_THAT(seen.kinds, ElementsAre(Kind::kFailure));
  EXPECT_THAT(seen.failure, HasSubstr("TLS certificate"));
  EXPECT_THAT(seen.failure, HasSubstr("self-signed"));
  EXPECT_EQ(run.requests(), 0);
}

TEST(Tls, RefusesAnotherHostsCertificate) {
  const TestCertificate certificate = make_certificate("other.example", 10);
  TlsRun run(certificate, certificate.certificate);
  const Seen seen = Driver(run.options()).run(1);
  EXPECT_THAT(seen.kinds, ElementsAre(Kind::kFailure));
  EXPECT_THAT(seen.failure, HasSubstr("matches target host name"));
  EXPECT_EQ(run.requests(), 0);
}

TEST(Tls, RefusesAnExpiredCertificate) {
  const TestCertificate certificate = make_certificate("127.0.0.1", -1);
  TlsRun run(certificate, certificate.certificate);
  const Seen seen = Driver(run.options()).run(1);
  EXPECT_THAT(seen.kinds, ElementsAre(Kind::kFailure));
  EXPECT_THAT(seen.failure, HasSubstr("expired"));
  EXPECT_EQ(run.requests(), 0);
}

TEST(Tls, ChecksTheNameOfTheUrlNotThePinnedAddress) {
  const TestCertificate certificate = make_certificate("llm.invalid", 10);
  TlsRun run(certificate, certificate.certificate);
  run.options().urls = {"https://llm.invalid/v1"};
  run.options().addresses = {"127.0.0.1:" + std::to_string(run.server().port())};
  EXPECT_EQ(Driver(run.options()).run(1).failure, "");
}

TEST(Tls, SaysSoWhenTheServerSpeaksPlainHttp) {
  RawServer server([](Peer& peer) { peer.send("HTTP/1.1 400 Bad Request\r\n\r\n"); });
  HttpClientOptions options = options_for(server, Transport::kAuto);
  options.urls[0].replace(0, 4, "https");
  const Seen seen = Driver(options).run(1);
  EXPECT_THAT(seen.kinds, ElementsAre(Kind::kFailure));
  EXPECT_THAT(seen.failure, HasSubstr("TLS handshake"));
}

TEST(Tls, SaysSoWhenTheCaFileIsMissing) {
  const TestCertificate certificate = make_certificate("127.0.0.1", 10);
  TlsRun run(certificate, "");
  run.options().ca_file = "/nonexistent/ca.pem";
  const Seen seen = Driver(run.options()).run(1);
  EXPECT_THAT(seen.kinds, ElementsAre(Kind::kFailure));
  EXPECT_THAT(seen.failure, HasSubstr("CA file"));
}

TEST(Tls, SurvivesAServerThatIsGoneWhileWeSend) {
  const TestCertificate certificate = make_certificate("127.0.0.1", 10);
  TlsRun run(certificate, certificate.certificate, [](Peer& peer) { peer.reset(); });
  Driver driver(run.options());
  const Seen& seen = driver.run(1, std::string(4 << 20, 'x'));
  EXPECT_EQ(seen.kinds.back(), Kind::kFailure);  // and no SIGPIPE
}

}  // namespace
}  // namespace llmsweep::test
