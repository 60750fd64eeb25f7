#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <openssl/ssl.h>

#include <array>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <thread>

#include "http/drive.h"
#include "http/receive_stamps.h"

namespace llmsweep::test {
namespace {

using Kind = HttpEvent::Kind;
using testing::AllOf;
using testing::AnyOf;
using testing::ElementsAre;
using testing::HasSubstr;

std::string authority_file(const TestCertificate& certificate, int port) {
  const auto path =
      std::filesystem::path(testing::TempDir()) / ("llmsweep-ca-" + std::to_string(port) + ".pem");
  std::ofstream(path) << certificate.certificate;
  return path.string();
}

// A server with `certificate`, a client that trusts exactly `authority`: what a request sees, and
// whether the server was shown any of it.
class TlsRun {
 public:
  TlsRun(Transport transport, const TestCertificate& certificate, const std::string& authority,
         RawServer::Script script = nullptr)
      : server_(script ? std::move(script) : [this](Peer& peer) { answer(peer); },
                {.certificate = certificate.certificate, .key = certificate.key}) {
    if (!authority.empty()) {
      file_ = std::filesystem::path(testing::TempDir()) /
              ("llmsweep-ca-" + std::to_string(server_.port()) + ".pem");
      std::ofstream(file_) << authority;
    }
    options_ = options_for(server_, transport);
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

class Tls : public testing::TestWithParam<Transport> {};
INSTANTIATE_TEST_SUITE_P(Over, Tls, testing::Values(Transport::kSockets, Transport::kLibcurl),
                         [](const auto& tested) {
                           return tested.param == Transport::kLibcurl ? "Libcurl" : "Sockets";
                         });

TEST_P(Tls, StreamsOverATrustedCertificateAndKeepsTheConnection) {
  const TestCertificate certificate = make_certificate("127.0.0.1", 10);
  TlsRun run(GetParam(), certificate, certificate.certificate);
  Driver driver(run.options());
  for (RequestId id = 0; id < 3; ++id) {
    const Seen& seen = driver.run(id);
    EXPECT_EQ(seen.failure, "");
    EXPECT_EQ(seen.bytes.size(), 500u);
  }
  EXPECT_EQ(run.server().connections(), 1);
}

TEST_P(Tls, RefusesWhatNoAuthoritySigned) {
  TlsRun run(GetParam(), make_certificate("127.0.0.1", 10), "");
  const Seen seen = Driver(run.options()).run(1);
  EXPECT_THAT(seen.kinds, ElementsAre(Kind::kFailure));
  EXPECT_THAT(seen.failure, HasSubstr("TLS certificate"));
  EXPECT_THAT(seen.failure, HasSubstr("self-signed"));
  EXPECT_EQ(run.requests(), 0);
}

TEST_P(Tls, TakesWhatATrustedAuthoritySignedAndNothingElse) {
  const TestCertificate authority = make_certificate("authority.example", {.authority = true});
  const TestCertificate other = make_certificate("other.example", {.authority = true});
  const TestCertificate leaf = make_certificate("127.0.0.1", {.issuer = &authority});
  TlsRun trusted(GetParam(), leaf, authority.certificate);
  EXPECT_EQ(Driver(trusted.options()).run(1).failure, "");
  TlsRun run(GetParam(), leaf, other.certificate);
  const Seen seen = Driver(run.options()).run(1);
  EXPECT_THAT(seen.kinds, ElementsAre(Kind::kFailure));
  EXPECT_THAT(seen.failure, HasSubstr("unable to get local issuer certificate"));
  if (GetParam() == Transport::kSockets) {
    EXPECT_THAT(seen.failure, HasSubstr("(CN=127.0.0.1, issued by CN=authority.example)"));
  }
  EXPECT_EQ(run.requests(), 0);
}

TEST_P(Tls, RefusesAnotherHostsCertificate) {
  const TestCertificate certificate = make_certificate("other.example", 10);
  TlsRun run(GetParam(), certificate, certificate.certificate);
  const Seen seen = Driver(run.options()).run(1);
  EXPECT_THAT(seen.kinds, ElementsAre(Kind::kFailure));
  EXPECT_THAT(seen.failure, HasSubstr("matches target host name"));
  EXPECT_EQ(run.requests(), 0);
}

TEST_P(Tls, RefusesAnExpiredCertificate) {
  const TestCertificate certificate = make_certificate("127.0.0.1", -1);
  TlsRun run(GetParam(), certificate, certificate.certificate);
  const Seen seen = Driver(run.options()).run(1);
  EXPECT_THAT(seen.kinds, ElementsAre(Kind::kFailure));
  EXPECT_THAT(seen.failure, HasSubstr("expired"));
  EXPECT_EQ(run.requests(), 0);
}

TEST_P(Tls, ChecksTheNameOfTheUrlNotThePinnedAddress) {
  const TestCertificate certificate = make_certificate("llm.invalid", 10);
  TlsRun run(GetParam(), certificate, certificate.certificate);
  run.options().urls = {"https://llm.invalid/v1"};
  run.options().addresses = {"127.0.0.1:" + std::to_string(run.server().port())};
  EXPECT_EQ(Driver(run.options()).run(1).failure, "");
}

TEST_P(Tls, SaysSoWhenTheServerSpeaksPlainHttp) {
  RawServer server([](Peer& peer) { peer.send("HTTP/1.1 400 Bad Request\r\n\r\n"); });
  HttpClientOptions options = options_for(server, GetParam());
  options.urls[0].replace(0, 4, "https");
  const Seen seen = Driver(options).run(1);
  EXPECT_THAT(seen.kinds, ElementsAre(Kind::kFailure));
  EXPECT_THAT(seen.failure, HasSubstr("TLS handshake"));
  if (GetParam() == Transport::kLibcurl) return;  // which speaks of a wrong version number
  EXPECT_THAT(seen.failure, HasSubstr("does not speak TLS on this port; it says 'HTTP/1.1 400 "));
}

TEST_P(Tls, SaysSoWhenTheCaFileIsMissing) {
  const TestCertificate certificate = make_certificate("127.0.0.1", 10);
  TlsRun run(GetParam(), certificate, "");
  run.options().ca_file = "/nonexistent/ca.pem";
  const Seen seen = Driver(run.options()).run(1);
  EXPECT_THAT(seen.kinds, ElementsAre(Kind::kFailure));
  EXPECT_THAT(seen.failure, HasSubstr("CA file"));
}

TEST_P(Tls, SaysWhatACertificateIsForAndUntilWhen) {
  if (GetParam() == Transport::kLibcurl) return;  // which says less
  const TestCertificate other = make_certificate("other.example", {.and_loopback = true});
  TlsRun run(GetParam(), other, other.certificate);
  run.options().urls = {"https://llm.invalid/v1"};
  run.options().addresses = {"127.0.0.1:" + std::to_string(run.server().port())};
  EXPECT_THAT(Driver(run.options()).run(1).failure,
              HasSubstr("'llm.invalid' (it is for other.example, 127.0.0.1, ::1)"));
  const TestCertificate old = make_certificate("127.0.0.1", -1);
  TlsRun expired(GetParam(), old, old.certificate);
  EXPECT_THAT(Driver(expired.options()).run(1).failure,
              AllOf(HasSubstr("has expired (CN=127.0.0.1, until "), HasSubstr(" GMT)")));
}

// Old certificates of one's own have no list of names.
TEST_P(Tls, TakesTheCommonNameWhereThereIsNoOther) {
  const TestCertificate certificate = make_certificate("127.0.0.1", {.listed = false});
  TlsRun run(GetParam(), certificate, certificate.certificate);
  EXPECT_EQ(Driver(run.options()).run(1).failure, "");
  TlsRun other(GetParam(), make_certificate("127.0.0.2", {.listed = false}),
               certificate.certificate);
  EXPECT_NE(Driver(other.options()).run(1).failure, "");
}

TEST_P(Tls, AsksForTheNameAndForHttp11) {
  const TestCertificate certificate = make_certificate("llm.invalid", {.and_loopback = true});
  std::string name;
  std::string protocols;
  std::mutex mutex;
  const auto choose = [](SSL*, const unsigned char**, unsigned char*, const unsigned char* offered,
                         unsigned size, void* to) {
    static_cast<std::string*>(to)->assign(reinterpret_cast<const char*>(offered), size);
    return SSL_TLSEXT_ERR_NOACK;
  };
  RawServer server(
      [&](Peer& peer) {
        {
          const std::lock_guard lock(mutex);
          name = peer.server_name();
        }
        if (peer.read_request()) peer.send(with_length("ok"));
        peer.wait_until_closed();
      },
      {.certificate = certificate.certificate, .key = certificate.key, .tune = [&](SSL_CTX* tls) {
         SSL_CTX_set_alpn_select_cb(tls, choose, &protocols);
       }});
  HttpClientOptions options = options_for(server, GetParam());
  const std::string address = "127.0.0.1:" + std::to_string(server.port());
  const std::string file = authority_file(certificate, server.port());
  for (const std::string& host : {std::string("llm.invalid"), std::string("127.0.0.1")}) {
    options.urls = {"https://" + host + ":" + std::to_string(server.port()) + "/"};
    options.addresses = {address};
    options.ca_file = file;
    EXPECT_EQ(Driver(options).run(1).bytes, "ok");
    const std::lock_guard lock(mutex);
    EXPECT_EQ(name, host == "127.0.0.1" ? "" : host);
    EXPECT_EQ(protocols, "\x08http/1.1");
  }
  std::filesystem::remove(file);
}

TEST_P(Tls, ResumesWhatAnEarlierConnectionOfTheClientLeft) {
  const TestCertificate certificate = make_certificate("127.0.0.1", 10);
  std::atomic<int> resumed = 0;
  TlsRun run(GetParam(), certificate, certificate.certificate, [&](Peer& peer) {
    resumed += peer.resumed() ? 1 : 0;
    if (peer.read_request()) peer.send(with_length("ok", "Connection: close\r\n"));
  });
  Driver driver(run.options());
  for (RequestId id = 0; id < 5; ++id) EXPECT_EQ(driver.run(id).bytes, "ok");
  EXPECT_EQ(run.server().connections(), 5);
  EXPECT_EQ(resumed, 4);
  EXPECT_EQ(Driver(run.options()).run(9).bytes, "ok");  // another client begins by itself
  EXPECT_EQ(resumed, 4);
}

TEST_P(Tls, KeepsAConnectionThatGotATicketWhileItWasIdle) {
  const TestCertificate certificate = make_certificate("127.0.0.1", 10);
  std::atomic<bool> read = false;
  std::atomic<bool> sent = false;
  TlsRun run(GetParam(), certificate, certificate.certificate, [&](Peer& peer) {
    while (peer.read_request()) {
      peer.send(with_length("ok"));
      while (!read.exchange(false)) std::this_thread::yield();
      EXPECT_TRUE(peer.send_ticket());
      sent = true;
    }
  });
  Driver driver(run.options());
  for (RequestId id = 0; id < 3; ++id) {
    EXPECT_EQ(driver.run(id).bytes, "ok");
    read = true;
    while (!sent.exchange(false)) std::this_thread::yield();
    driver.poll_until(SteadyClock().now() + std::chrono::milliseconds(5));
  }
  EXPECT_EQ(run.server().connections(), 1);
}

TEST_P(Tls, ReadsOnWhereTheServerRenewsItsKeys) {
  const TestCertificate certificate = make_certificate("127.0.0.1", 10);
  TlsRun run(GetParam(), certificate, certificate.certificate, [](Peer& peer) {
    for (int i = 0; i < 20; ++i) peer.renew_keys();  // while a long request is on its way
    while (peer.read_request()) {
      peer.send(kChunkedHead);
      for (int i = 0; i < 20; ++i) {
        peer.renew_keys();
        peer.send_chunk("token");
      }
      peer.send(kLastChunk);
    }
  });
  Driver driver(run.options());
  for (RequestId id = 0; id < 3; ++id) {
    EXPECT_EQ(driver.run(id, std::string(4 << 20, 'x')).bytes.size(), 100u);
  }
  EXPECT_EQ(run.server().connections(), 1);
}

// Many a server does without TLS's own word at its end; whether an answer is whole, it says itself.
TEST_P(Tls, ABodyThatEndsWithItsConnectionNeedsNoWordOfTls) {
  const TestCertificate certificate = make_certificate("127.0.0.1", 10);
  TlsRun run(GetParam(), certificate, certificate.certificate, [](Peer& peer) {
    (void)peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\n\r\nuntil the end");
    peer.cut();
  });
  const Seen seen = Driver(run.options()).run(1);
  EXPECT_EQ(seen.bytes, "until the end");
  EXPECT_EQ(seen.kinds.back(), Kind::kEnd);
}

TEST_P(Tls, SaysSoWhenTheServerClosesDuringTheHandshake) {
  RawServer server([](Peer& peer) { peer.close(); });
  HttpClientOptions options = options_for(server, GetParam());
  options.urls[0].replace(0, 4, "https");
  const Seen seen = Driver(options).run(1);
  EXPECT_THAT(seen.kinds, ElementsAre(Kind::kFailure));
  EXPECT_THAT(seen.failure, HasSubstr("TLS handshake"));
  if (GetParam() == Transport::kSockets) {
    EXPECT_THAT(seen.failure,
                AnyOf(HasSubstr("the server closed the connection"), HasSubstr("reset by peer")));
  }
}

// Nothing in common, and a certificate that the client does not have: the server says so in alerts.
TEST_P(Tls, NamesTheAlertThatTheServerSent) {
  const TestCertificate certificate = make_certificate("127.0.0.1", 10);
  const auto failure = [&](std::function<void(SSL_CTX*)> tune) {
    RawServer server(
        [](Peer& peer) { (void)peer.read_request(); },
        {.certificate = certificate.certificate, .key = certificate.key, .tune = std::move(tune)});
    HttpClientOptions options = options_for(server, GetParam());
    options.ca_file = authority_file(certificate, server.port());
    const Seen seen = Driver(options).run(1);
    std::filesystem::remove(options.ca_file);
    EXPECT_EQ(seen.kinds.back(), Kind::kFailure);
    return seen.failure;
  };
  EXPECT_THAT(
      failure([](SSL_CTX* tls) {
        SSL_CTX_set_max_proto_version(tls, TLS1_2_VERSION);
        SSL_CTX_set_cipher_list(tls, "ECDHE-RSA-AES128-GCM-SHA256");
      }),
      AnyOf(HasSubstr("alert 'handshake failure' (40)"), HasSubstr("alert handshake failure")));
  EXPECT_THAT(failure([](SSL_CTX* tls) {
                SSL_CTX_set_verify(tls, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
              }),
              AnyOf(HasSubstr("alert 'certificate required' (116)"),
                    HasSubstr("alert certificate required"), HasSubstr("reset by peer")));
}

// Of a record that came in two reads, only the second can be said to have brought a token.
TEST(TlsStamps, AreOfTheReadThatCompletedTheRecord) {
  if (!http::StampingKeeper(true).supported()) GTEST_SKIP() << "no receive stamps here";
  constexpr int kTokens = 20;
  const TestCertificate certificate = make_certificate("127.0.0.1", 10);
  std::array<std::atomic<int64_t>, kTokens> second_half{};  // ns
  TlsRun run(Transport::kSockets, certificate, certificate.certificate, [&](Peer& peer) {
    (void)peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\n\r\n");
    for (std::atomic<int64_t>& at : second_half) {
      peer.send_in_halves("token", [&at] {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        at = to_ns(SteadyClock().now());
      });
    }
  });
  const auto client = make_http_client(run.options());
  client->start(1, {.body = shared("{}")});
  std::vector<HttpEvent> events;
  size_t tokens = 0;
  int stamped = 0;
  const Instant limit = SteadyClock().now() + std::chrono::seconds(10);
  for (bool ended = false; !ended && SteadyClock().now() < limit;) {
    client->poll(limit, events);
    for (const HttpEvent& event : events) {
      ended |= event.kind == Kind::kEnd || event.kind == Kind::kFailure;
      if (event.kind != Kind::kBytes) continue;
      tokens += event.text.size() / 5;
      const Instant sent = from_ns(second_half.at(tokens - 1));
      EXPECT_GE(event.at, sent);
      if (!event.received) continue;
      ++stamped;
      EXPECT_LE(*event.received, event.at);
      EXPECT_GE(*event.received, sent - std::chrono::milliseconds(1));
    }
  }
  EXPECT_EQ(tokens, size_t{kTokens});
  EXPECT_GT(stamped, 0);
}

TEST_P(Tls, SurvivesAServerThatIsGoneWhileWeSend) {
  const TestCertificate certificate = make_certificate("127.0.0.1", 10);
  TlsRun run(GetParam(), certificate, certificate.certificate, [](Peer& peer) { peer.reset(); });
  Driver driver(run.options());
  const Seen& seen = driver.run(1, std::string(4 << 20, 'x'));
  EXPECT_EQ(seen.kinds.back(), Kind::kFailure);  // and no SIGPIPE
}

}  // namespace
}  // namespace llmsweep::test
