#include "simulator/tls.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <array>
#include <string>

#include "llmsweep/base/error.h"
#include "llmsweep/base/files.h"

namespace llmsweep::sim {
namespace {

constexpr long kDay = 24L * 60 * 60;

using Key = std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)>;
using Certificate = std::unique_ptr<X509, void (*)(X509*)>;

void check(bool succeeded, const char* what) {
  if (succeeded) return;
  std::array<char, 256> text{};
  ERR_error_string_n(ERR_get_error(), text.data(), text.size());
  throw Error{{.what = std::string(what) + ": " + text.data(), .where = "--tls"}};
}

void add_extension(X509* certificate, int kind, const char* value) {
  const std::unique_ptr<X509_EXTENSION, void (*)(X509_EXTENSION*)> extension(
      X509V3_EXT_conf_nid(nullptr, nullptr, kind, value), &X509_EXTENSION_free);
  check(extension != nullptr, "cannot make a certificate extension");
  check(X509_add_ext(certificate, extension.get(), -1) == 1, "cannot add an extension");
}

Certificate make_certificate(EVP_PKEY* key) {
  Certificate certificate(X509_new(), &X509_free);
  check(certificate != nullptr, "cannot make a certificate");
  uint64_t serial = 0;
  check(RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) == 1, "no randomness");
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate.get()), serial >> 1U);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -kDay);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 30 * kDay);
  X509_set_pubkey(certificate.get(), key);
  X509_NAME* name = X509_get_subject_name(certificate.get());
  const std::string subject = "llmsweep simulator";
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(subject.data()),
                             static_cast<int>(subject.size()), -1, 0);
  X509_set_issuer_name(certificate.get(), name);
  add_extension(certificate.get(), NID_basic_constraints, "critical,CA:TRUE");
  add_extension(certificate.get(), NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");
  check(X509_sign(certificate.get(), key, EVP_sha256()) > 0, "cannot sign the certificate");
  return certificate;
}

std::string pem_of(X509* certificate) {
  const std::unique_ptr<BIO, int (*)(BIO*)> bio(BIO_new(BIO_s_mem()), &BIO_free);
  check(bio && PEM_write_bio_X509(bio.get(), certificate) == 1, "cannot encode the certificate");
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<size_t>(size)};
}

}  // namespace

TlsContext make_tls_context(const std::filesystem::path& certificate_path) {
  const Key key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
  check(key != nullptr, "cannot make a key");
  const Certificate certificate = make_certificate(key.get());
  TlsContext context(SSL_CTX_new(TLS_server_method()), &SSL_CTX_free);
  check(context != nullptr, "cannot start TLS");
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  check(SSL_CTX_use_certificate(context.get(), certificate.get()) == 1, "bad certificate");
  check(SSL_CTX_use_PrivateKey(context.get(), key.get()) == 1, "bad key");
  if (!certificate_path.empty()) write_file_atomically(certificate_path, pem_of(certificate.get()));
  return context;
}

}  // namespace llmsweep::sim
