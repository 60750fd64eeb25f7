#include "http/tls_session.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <new>
#include <vector>

#include "llmsweep/base/text.h"
#include "llmsweep/http/ca_bundle.h"

namespace llmsweep::http {
namespace {

// A response may be long and its connection idle for long after: a buffer as long as the longest
// record is not kept for that.
constexpr size_t kKeptOutput = size_t{4} << 10;
constexpr size_t kShownText = 120;
constexpr size_t kShownNames = 5;

using Text = std::unique_ptr<BIO, void (*)(BIO*)>;

Text make_text() {
  return {BIO_new(BIO_s_mem()), [](BIO* bio) { BIO_free(bio); }};
}

std::string text_of(const Text& bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return printable({data, static_cast<size_t>(size)}, kShownText);
}

bool is_address(const std::string& host) {
  char ignored[sizeof(in6_addr)];
  return inet_pton(AF_INET, host.c_str(), ignored) == 1 ||
         inet_pton(AF_INET6, host.c_str(), ignored) == 1;
}

std::string name_text(const X509_NAME* name) {
  const Text text = make_text();
  X509_NAME_print_ex(text.get(), name, 0, XN_FLAG_ONELINE & ~XN_FLAG_SPC_EQ);
  return text_of(text);
}

std::string time_text(const ASN1_TIME* time) {
  const Text text = make_text();
  ASN1_TIME_print(text.get(), time);
  return text_of(text);
}

// What a person needs beside OpenSSL's sentence: whose certificate, and until when or by whom.
std::string problem_text(X509_STORE_CTX* store) {
  const int error = X509_STORE_CTX_get_error(store);
  std::string text =
      std::string("SSL certificate problem: ") + X509_verify_cert_error_string(error);
  const X509* certificate = X509_STORE_CTX_get_current_cert(store);
  if (certificate == nullptr) return text;
  text += " (" + name_text(X509_get_subject_name(certificate));
  if (error == X509_V_ERR_CERT_HAS_EXPIRED) {
    text += ", until " + time_text(X509_get0_notAfter(certificate));
  } else if (error == X509_V_ERR_CERT_NOT_YET_VALID) {
    text += ", from " + time_text(X509_get0_notBefore(certificate));
  } else if (error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY) {
    text += ", issued by " + name_text(X509_get_issuer_name(certificate));
  }
  return text + ")";
}

std::string address_text(const ASN1_OCTET_STRING* address) {
  char text[INET6_ADDRSTRLEN] = "";
  const int size = ASN1_STRING_length(address);
  if (size == 4 || size == 16) {
    inet_ntop(size == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(address), text, sizeof(text));
  }
  return text;
}

// Whom a certificate is for, as its list of alternative names says.
std::vector<std::string> names_of_certificate(const X509* certificate) {
  std::vector<std::string> names;
  const std::unique_ptr<GENERAL_NAMES, void (*)(GENERAL_NAMES*)> list(
      static_cast<GENERAL_NAMES*>(
          X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)),
      &GENERAL_NAMES_free);
  for (int i = 0; list && i < sk_GENERAL_NAME_num(list.get()); ++i) {
    int kind = 0;
    const void* value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(list.get(), i), &kind);
    if (kind == GEN_IPADD) names.push_back(address_text(static_cast<const ASN1_STRING*>(value)));
    if (kind != GEN_DNS) continue;
    const auto* name = static_cast<const ASN1_STRING*>(value);
    const auto* data = reinterpret_cast<const char*>(ASN1_STRING_get0_data(name));
    names.push_back(printable({data, static_cast<size_t>(ASN1_STRING_length(name))}, kShownText));
  }
  return names;
}

// As libcurl has it: a name of the list, or where there is no list the subject's common name.
bool is_for(X509* certificate, const std::string& host) {
  if (!is_address(host)) {
    return X509_check_host(certificate, host.data(), host.size(),
                           X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, nullptr) == 1;
  }
  if (X509_check_ip_asc(certificate, host.c_str(), 0) == 1) return true;
  return names_of_certificate(certificate).empty() &&
         X509_check_host(certificate, host.data(), host.size(), X509_CHECK_FLAG_NO_WILDCARDS,
                         nullptr) == 1;
}

std::string library_text(unsigned long error) {
  if (error == 0) return "OpenSSL does not say why";
  const int reason = ERR_GET_REASON(error);
  const char* text = ERR_reason_error_string(error);
  if (ERR_GET_LIB(error) == ERR_LIB_SSL && reason > SSL_AD_REASON_OFFSET) {
    // "tlsv1 alert unknown ca"
    std::string alert = text != nullptr ? text : "";
    alert.erase(0, alert.find("alert ") == std::string::npos ? 0 : alert.find("alert ") + 6);
    return "the server ended it with the TLS alert '" + alert + "' (" +
           std::to_string(reason - SSL_AD_REASON_OFFSET) + ")";
  }
  return text != nullptr ? text : "OpenSSL's error " + std::to_string(error);
}

}  // namespace

TlsContext::TlsContext(const std::string& ca_file)
    : context_(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free),
      bytes_(BIO_meth_new(BIO_TYPE_MEM, "llmsweep"), &BIO_meth_free) {
  if (!context_ || !bytes_) throw std::bad_alloc();
  BIO_meth_set_read(bytes_.get(), &TlsSession::take_input);
  BIO_meth_set_write(bytes_.get(), &TlsSession::put_output);
  BIO_meth_set_ctrl(bytes_.get(), &TlsSession::control);
  SSL_CTX* context = context_.get();
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  // One buffer goes round among all connections, so that it stays in the cache.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, &TlsSession::on_certificate);
  // As libcurl: an intermediate certificate that is in the file is trusted as it is.
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context),
                              X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, &TlsSession::on_new_session);
  constexpr unsigned char kProtocols[] = "\x08http/1.1";
  SSL_CTX_set_alpn_protos(context, kProtocols, sizeof(kProtocols) - 1);
  ERR_clear_error();
  const std::string file = ca_file.empty() ? system_ca_bundle() : ca_file;
  const int loaded = file.empty() ? SSL_CTX_set_default_verify_paths(context)
                                  : SSL_CTX_load_verify_file(context, file.c_str());
  if (loaded != 1) {
    error_ = "no certificate can be read from " + printable(file) + ": " +
             library_text(ERR_peek_error());
  }
  ERR_clear_error();
}

TlsSession::TlsSession(const TlsContext& context, TlsPeer& peer)
    : peer_(peer), ssl_(SSL_new(context.context_.get()), &SSL_free) {
  BIO* bio = BIO_new(context.bytes_.get());
  if (!ssl_ || bio == nullptr) throw std::bad_alloc();
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_app_data(ssl_.get(), this);
  SSL_set_connect_state(ssl_.get());
  std::string host = peer_.host;
  if (host.ends_with('.')) host.pop_back();
  if (!is_address(host)) {
    // SSL_set_tlsext_host_name without the C cast of its macro.
    SSL_ctrl(ssl_.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, host.data());
  }
  if (peer_.session) SSL_set_session(ssl_.get(), peer_.session.get());
  handshake();
}

TlsSession& TlsSession::of(const SSL* ssl) {
  return *static_cast<TlsSession*>(SSL_get_app_data(ssl));
}

int TlsSession::take_input(BIO* bio, char* to, int size) {
  std::string_view& input = static_cast<TlsSession*>(BIO_get_data(bio))->input_;
  BIO_clear_retry_flags(bio);
  if (input.empty()) {
    BIO_set_retry_read(bio);
    return -1;
  }
  const size_t taken = std::min(input.size(), static_cast<size_t>(size));
  std::memcpy(to, input.data(), taken);
  input.remove_prefix(taken);
  return static_cast<int>(taken);
}

int TlsSession::put_output(BIO* bio, const char* from, int size) {
  static_cast<TlsSession*>(BIO_get_data(bio))->pending_.append(from, static_cast<size_t>(size));
  return size;
}

long TlsSession::control(BIO*, int command, long, void*) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

int TlsSession::on_certificate(int accepted, X509_STORE_CTX* store) {
  if (accepted == 1) return 1;
  const void* ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
  of(static_cast<const SSL*>(ssl)).certificate_problem_ = problem_text(store);
  return 0;
}

int TlsSession::on_new_session(SSL* ssl, SSL_SESSION* session) {
  of(ssl).peer_.session.reset(session);
  return 1;  // it is ours now
}

size_t TlsSession::receive(std::string_view ciphertext, std::span<char> plaintext) {
  assert(plaintext.size() >= ciphertext.size() + kMostHeld);
  if (state_ == State::kClosed || state_ == State::kBroken) return 0;
  if (!begun_ && !speaks_tls(ciphertext)) return 0;
  begun_ = true;
  input_ = ciphertext;
  if (state_ == State::kHandshake) handshake();
  const size_t size = state_ == State::kOpen ? decrypt(plaintext) : 0;
  input_ = {};
  return size;
}

// A server of plain HTTP answers to what it takes for a bad request.
bool TlsSession::speaks_tls(std::string_view first) {
  constexpr char kAlert = 21;
  constexpr char kHandshakeRecord = 22;
  if (first.empty() || first[0] == kAlert || first[0] == kHandshakeRecord) return true;
  const std::string_view line = first.substr(0, first.find_first_of("\r\n"));
  fail(Cause::kHandshake,
       "the server does not speak TLS on this port; it says '" + printable(line, kShownText) + "'");
  return false;
}

void TlsSession::handshake() {
  ERR_clear_error();
  const int done = SSL_do_handshake(ssl_.get());
  if (done == 1) return check_name();
  if (SSL_get_error(ssl_.get(), done) == SSL_ERROR_WANT_READ) return;
  if (!certificate_problem_.empty()) return fail(Cause::kCertificate, certificate_problem_);
  fail_by_library(Cause::kHandshake);
}

void TlsSession::check_name() {
  const std::unique_ptr<X509, void (*)(X509*)> certificate(SSL_get1_peer_certificate(ssl_.get()),
                                                           &X509_free);
  std::string host = peer_.host;
  if (host.ends_with('.')) host.pop_back();
  const bool matches = certificate && is_for(certificate.get(), host);
  ERR_clear_error();
  if (matches) {
    state_ = State::kOpen;
    return;
  }
  std::string text = "SSL: no alternative certificate subject name matches target host name '" +
                     printable(host) + "'";
  std::vector<std::string> names;
  if (certificate) names = names_of_certificate(certificate.get());
  if (names.size() > kShownNames) names.resize(kShownNames);
  if (!names.empty()) text += " (it is for " + join(names, ", ") + ")";
  close();
  fail(Cause::kCertificate, text);
}

// What a failure left in OpenSSL's queue of errors was cleared then: to do so before every read
// costs as much as a record.
size_t TlsSession::decrypt(std::span<char> plaintext) {
  size_t size = 0;
  while (!input_.empty() || SSL_pending(ssl_.get()) > 0) {
    size_t got = 0;
    if (SSL_read_ex(ssl_.get(), plaintext.data() + size, plaintext.size() - size, &got) == 1) {
      size += got;
      continue;
    }
    const int error = SSL_get_error(ssl_.get(), 0);
    if (error == SSL_ERROR_ZERO_RETURN) state_ = State::kClosed;
    if (error != SSL_ERROR_ZERO_RETURN && error != SSL_ERROR_WANT_READ) {
      fail_by_library(Cause::kRecord);
    }
    break;
  }
  return size;
}

void TlsSession::write(std::string_view plaintext) {
  assert(state_ == State::kOpen || state_ == State::kClosed);
  size_t written = 0;
  if (SSL_write_ex(ssl_.get(), plaintext.data(), plaintext.size(), &written) != 1) {
    fail_by_library(Cause::kRecord);
  }
}

void TlsSession::close() {
  if (SSL_is_init_finished(ssl_.get()) == 1 && state_ != State::kBroken) SSL_shutdown(ssl_.get());
}

void TlsSession::sent(size_t bytes) {
  taken_ += bytes;
  assert(taken_ <= pending_.size());
  if (taken_ < pending_.size()) return;
  taken_ = 0;
  if (pending_.capacity() > kKeptOutput) {
    pending_ = {};
  } else {
    pending_.clear();
  }
}

void TlsSession::fail(Cause cause, std::string text) {
  state_ = State::kBroken;
  failure_ = {.cause = cause, .text = std::move(text)};
}

void TlsSession::fail_by_library(Cause cause) {
  fail(cause, library_text(ERR_peek_error()));
  ERR_clear_error();
}

}  // namespace llmsweep::http
