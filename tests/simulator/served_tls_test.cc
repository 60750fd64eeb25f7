#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <memory>

#include "chat_body.h"
#include "llmsweep/simulator/simulator.h"
#include "temporary_directory.h"

namespace llmsweep::sim {
namespace {

struct Exchange {
  bool verified = false;
  std::string received;
};

// Sends `request` over TLS, trusting only `certificate`, and reads until `until` has come.
Exchange exchange(uint16_t port, const std::filesystem::path& certificate,
                  const std::string& request, const std::string& until) {
  const std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context(SSL_CTX_new(TLS_client_method()),
                                                             &SSL_CTX_free);
  if (!certificate.empty()) {
    SSL_CTX_load_verify_locations(context.get(), certificate.c_str(), nullptr);
  }
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  BIO* bio = BIO_new_ssl_connect(context.get());
  const std::unique_ptr<BIO, void (*)(BIO*)> owned(bio, &BIO_free_all);
  BIO_set_conn_hostname(bio, ("127.0.0.1:" + std::to_string(port)).c_str());
  SSL* ssl = nullptr;
  BIO_get_ssl(bio, &ssl);
  X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), "127.0.0.1");
  Exchange result;
  if (BIO_do_connect(bio) != 1) return result;
  result.verified = SSL_get_verify_result(ssl) == X509_V_OK;
  BIO_write(bio, request.data(), static_cast<int>(request.size()));
  char buffer[4096];
  for (int got = 0; result.received.find(until) == std::string::npos;) {
    got = BIO_read(bio, buffer, sizeof buffer);
    if (got <= 0) break;
    result.received.append(buffer, static_cast<size_t>(got));
  }
  return result;
}

TEST(Tls, ServesWithACertificateThatCanBeTrusted) {
  const TemporaryDirectory directory;
  const auto certificate = directory / "simulator.pem";
  SimulatorProfile profile;
  Simulator simulator(profile, {.tls = true, .certificate = certificate});
  EXPECT_TRUE(simulator.base_url().starts_with("https://127.0.0.1:"));
  const Exchange good =
      exchange(simulator.port(), certificate, chat(2000, kStream), "data: [DONE]\n\n\r\n0\r\n");
  EXPECT_TRUE(good.verified);
  size_t tokens = 0;
  for (size_t at = 0; (at = good.received.find("\"content\":\" ", at)) != std::string::npos; ++at) {
    ++tokens;
  }
  EXPECT_EQ(tokens, 2000U);
  EXPECT_TRUE(exchange(simulator.port(), {}, chat(1), "}").received.empty()) << "not trusted";
  PlainConnection plain(simulator.port());
  plain.send(get("/health"));
  EXPECT_NE(plain.read_answer().status, 200);
}

}  // namespace
}  // namespace llmsweep::sim
