#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "http/raw_server.h"

namespace llmsweep::test {
namespace {

std::string take_text(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<size_t>(size));
  BIO_free(bio);
  return text;
}

void add_extension(X509* certificate, int kind, const std::string& value) {
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str());
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

void sign_by(X509* certificate, const TestCertificate& issuer) {
  BIO* certificate_bio = BIO_new_mem_buf(issuer.certificate.data(), -1);
  BIO* key_bio = BIO_new_mem_buf(issuer.key.data(), -1);
  X509* signer = PEM_read_bio_X509(certificate_bio, nullptr, nullptr, nullptr);
  EVP_PKEY* key = PEM_read_bio_PrivateKey(key_bio, nullptr, nullptr, nullptr);
  X509_set_issuer_name(certificate, X509_get_subject_name(signer));
  X509_sign(certificate, key, EVP_sha256());
  X509_free(signer);
  EVP_PKEY_free(key);
  BIO_free(certificate_bio);
  BIO_free(key_bio);
}

}  // namespace

TestCertificate make_certificate(const std::string& name, const CertificateOptions& options) {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -10L * 86400);
  X509_gmtime_adj(X509_getm_notAfter(certificate), options.days * 86400L);
  X509_set_pubkey(certificate, key);
  X509_NAME* subject = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509_set_issuer_name(certificate, subject);
  const bool address = name.find_first_not_of("0123456789.") == std::string::npos;
  const std::string alternative =
      (address ? "IP:" : "DNS:") + name + (options.and_loopback ? ",IP:127.0.0.1,IP:::1" : "");
  if (options.listed) add_extension(certificate, NID_subject_alt_name, alternative);
  if (options.authority) add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE");
  if (options.issuer == nullptr) {
    X509_sign(certificate, key, EVP_sha256());
  } else {
    sign_by(certificate, *options.issuer);
  }

  BIO* certificate_bio = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(certificate_bio, certificate);
  BIO* key_bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(key_bio, key, nullptr, nullptr, 0, nullptr, nullptr);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return {.certificate = take_text(certificate_bio), .key = take_text(key_bio)};
}

}  // namespace llmsweep::test
