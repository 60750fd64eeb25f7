// TLS without a socket, against OpenSSL's own server.
#include "http/tls_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>

#include <filesystem>
#include <fstream>
#include <vector>

#include "http/drive.h"
#include "llmsweep/base/random.h"

namespace llmsweep::test {
namespace {

using http::TlsContext;
using http::TlsPeer;
using http::TlsSession;
using testing::HasSubstr;

// The other side, in memory.
class MemoryServer {
 public:
  MemoryServer() : context_(SSL_CTX_new(TLS_server_method()), &SSL_CTX_free) {
    BIO* certificate_bio = BIO_new_mem_buf(loopback_certificate().certificate.data(), -1);
    BIO* key_bio = BIO_new_mem_buf(loopback_certificate().key.data(), -1);
    X509* certificate = PEM_read_bio_X509(certificate_bio, nullptr, nullptr, nullptr);
    EVP_PKEY* key = PEM_read_bio_PrivateKey(key_bio, nullptr, nullptr, nullptr);
    SSL_CTX_use_certificate(context_.get(), certificate);
    SSL_CTX_use_PrivateKey(context_.get(), key);
    X509_free(certificate);
    EVP_PKEY_free(key);
    BIO_free(certificate_bio);
    BIO_free(key_bio);
    ssl_.reset(SSL_new(context_.get()));
    in_ = BIO_new(BIO_s_mem());
    out_ = BIO_new(BIO_s_mem());
    SSL_set_bio(ssl_.get(), in_, out_);
    SSL_set_accept_state(ssl_.get());
  }

  // Takes what the client has to say.
  void take(TlsSession& session) {
    const std::string_view bytes = session.pending();
    BIO_write(in_, bytes.data(), static_cast<int>(bytes.size()));
    session.sent(bytes.size());
    if (SSL_is_init_finished(ssl_.get()) == 0) SSL_do_handshake(ssl_.get());
  }
  std::string read() {
    char buffer[65536];
    const int size = SSL_read(ssl_.get(), buffer, sizeof(buffer));
    return size > 0 ? std::string(buffer, static_cast<size_t>(size)) : std::string();
  }
  void write(std::string_view text) {
    SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size()));
  }
  void close() { SSL_shutdown(ssl_.get()); }
  // What it has to say.
  std::string ciphertext() {
    char* data = nullptr;
    const long size = BIO_get_mem_data(out_, &data);
    std::string text(data, static_cast<size_t>(size));
    BIO_reset(out_);
    return text;
  }

 private:
  std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context_;
  std::unique_ptr<SSL, void (*)(SSL*)> ssl_{nullptr, &SSL_free};
  BIO* in_ = nullptr;
  BIO* out_ = nullptr;
};

class TlsSessions : public testing::Test {
 protected:
  std::string feed(std::string_view ciphertext) {
    std::vector<char> plaintext(ciphertext.size() + TlsSession::kMostHeld);
    plaintext.resize(session_.receive(ciphertext, plaintext));
    return {plaintext.begin(), plaintext.end()};
  }
  void shake_hands() {
    for (int i = 0; i < 4 && session_.state() == TlsSession::State::kHandshake; ++i) {
      server_.take(session_);
      feed(server_.ciphertext());
    }
    server_.take(session_);
    feed(server_.ciphertext());  // tickets
  }

  TlsContext context_{loopback_authority()};
  TlsPeer peer_{"localhost"};
  TlsSession session_{context_, peer_};
  MemoryServer server_;
};

TEST_F(TlsSessions, CarryBothWaysOnceTheCertificateIsAccepted) {
  ASSERT_EQ(context_.error(), "");
  EXPECT_EQ(session_.state(), TlsSession::State::kHandshake);
  EXPECT_FALSE(session_.pending().empty());
  shake_hands();
  ASSERT_EQ(session_.state(), TlsSession::State::kOpen);
  EXPECT_FALSE(session_.resumed());
  EXPECT_NE(peer_.session, nullptr);
  session_.write("question");
  EXPECT_EQ(session_.pending().find("question"), std::string_view::npos);
  server_.take(session_);
  EXPECT_EQ(server_.read(), "question");
  server_.write("answer");
  EXPECT_EQ(feed(server_.ciphertext()), "answer");
  EXPECT_TRUE(session_.pending().empty());
}

TEST_F(TlsSessions, ReadRecordsWhereverTheyAreCutAndHoweverManyComeAtOnce) {
  shake_hands();
  Random random(1);
  std::string said;
  std::string ciphertext;
  for (int i = 0; i < 300; ++i) {
    const std::string text(1 + random.below(i % 50 == 0 ? 40'000 : 300),
                           static_cast<char>('a' + i % 26));
    said += text;
    server_.write(text);
    ciphertext += server_.ciphertext();
  }
  std::string read;
  for (std::string_view rest = ciphertext; !rest.empty();) {
    const size_t size =
        std::min<size_t>(rest.size(), 1 + random.below(random.below(4) == 0 ? 65'536 : 40));
    read += feed(rest.substr(0, size));
    rest.remove_prefix(size);
  }
  EXPECT_TRUE(read == said);
  EXPECT_EQ(session_.state(), TlsSession::State::kOpen);
}

TEST_F(TlsSessions, GiveWhatCameBeforeTheEndAndSayThatItIsTheEnd) {
  shake_hands();
  server_.write("last");
  server_.close();
  EXPECT_EQ(feed(server_.ciphertext()), "last");
  EXPECT_EQ(session_.state(), TlsSession::State::kClosed);
  EXPECT_EQ(feed("more"), "");
}

TEST_F(TlsSessions, BreakAtARecordThatSomebodyChanged) {
  shake_hands();
  server_.write("one");
  std::string ciphertext = server_.ciphertext();
  server_.write("two");
  std::string changed = server_.ciphertext();
  changed.back() = static_cast<char>(changed.back() ^ 1);
  EXPECT_EQ(feed(ciphertext + changed), "one");
  EXPECT_EQ(session_.state(), TlsSession::State::kBroken);
  EXPECT_EQ(session_.failure().cause, TlsSession::Cause::kRecord);
  EXPECT_THAT(session_.failure().text, HasSubstr("bad record mac"));
}

TEST_F(TlsSessions, SurviveAnyBytesInPlaceOfAHandshake) {
  Random random(7);
  for (int i = 0; i < 500; ++i) {
    TlsSession session(context_, peer_);
    std::string bytes(1 + random.below(400), '\0');
    for (char& byte : bytes) byte = static_cast<char>(random.below(256));
    if (i % 2 == 0) bytes.replace(0, 3, "\x16\x03\x03");
    std::vector<char> plaintext(bytes.size() + TlsSession::kMostHeld);
    EXPECT_EQ(session.receive(bytes, plaintext), 0u);
    EXPECT_NE(session.state(), TlsSession::State::kOpen);
    if (session.state() == TlsSession::State::kBroken) {
      EXPECT_NE(session.failure().text, "");
    }
  }
}

TEST(TlsContexts, SayWhatIsWrongWithAFile) {
  EXPECT_THAT(TlsContext("/nonexistent/ca.pem").error(), HasSubstr("/nonexistent/ca.pem"));
  const auto path = std::filesystem::path(testing::TempDir()) / "llmsweep-no-certificate.pem";
  std::ofstream(path) << "nothing of the kind\n";
  EXPECT_THAT(TlsContext(path.string()).error(), HasSubstr("no certificate"));
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace llmsweep::test
