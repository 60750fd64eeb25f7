// TLS of one connection, without its socket: what came goes in, what is to be sent comes out, so
// that whoever reads the socket gets the kernel's receive stamps with the ciphertext. OpenSSL, 1.2
// and 1.3, the server's certificate always checked, ALPN `http/1.1`. One thread.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace llmsweep::http {

// What the connections of one client have in common: whom they trust.
class TlsContext {
 public:
  // PEM; empty: system_ca_bundle(), else what OpenSSL was built with.
  explicit TlsContext(const std::string& ca_file);
  // Why the authorities cannot be loaded; then no session may be made. Empty: they are.
  const std::string& error() const { return error_; }

 private:
  friend class TlsSession;

  std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context_;
  std::unique_ptr<BIO_METHOD, void (*)(BIO_METHOD*)> bytes_;
  std::string error_;
};

// Who is to be at the other end, and what its last connection left for the next: a session that is
// resumed spares the server a signature and both of them the certificate.
struct TlsPeer {
  explicit TlsPeer(std::string name) : host(std::move(name)) {}

  std::string host;  // a name or an address, as in the URL
  std::unique_ptr<SSL_SESSION, void (*)(SSL_SESSION*)> session{nullptr, &SSL_SESSION_free};
};

class TlsSession {
 public:
  // Both outlive it. Its first message is pending() at once.
  TlsSession(const TlsContext& context, TlsPeer& peer);
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  enum class State {
    kHandshake,
    kOpen,    // the certificate is accepted, and write() may be used
    kClosed,  // the other side has said that nothing more will come
    kBroken   // failure() says why
  };
  State state() const { return state_; }
  bool resumed() const { return SSL_session_reused(ssl_.get()) == 1; }

  // Takes all of `ciphertext`; how many bytes of `plaintext` it gave. There must be room for
  // kMostHeld more than there is ciphertext.
  size_t receive(std::string_view ciphertext, std::span<char> plaintext);
  // Encrypts all of it; with kOpen or kClosed.
  void write(std::string_view plaintext);
  // Says that nothing more will be written, where that can be said.
  void close();

  // What is to be sent. Valid until the next call of anything but this.
  std::string_view pending() const { return std::string_view(pending_).substr(taken_); }
  void sent(size_t bytes);

  enum class Cause { kCertificate, kHandshake, kRecord };
  struct Failure {
    Cause cause = Cause::kHandshake;
    std::string text;  // in a line; from the other side in part, and safe to show
  };
  const Failure& failure() const { return failure_; }

  // The largest record, of which all but the last byte may have come before.
  static constexpr size_t kMostHeld = (size_t{16} << 10) + 512;

 private:
  static int take_input(BIO* bio, char* to, int size);
  static int put_output(BIO* bio, const char* from, int size);
  static long control(BIO* bio, int command, long number, void* pointer);
  static int on_certificate(int accepted, X509_STORE_CTX* store);
  static int on_new_session(SSL* ssl, SSL_SESSION* session);
  static TlsSession& of(const SSL* ssl);
  friend class TlsContext;

  bool speaks_tls(std::string_view first);
  void handshake();
  size_t decrypt(std::span<char> plaintext);
  void check_name();
  void fail(Cause cause, std::string text);
  void fail_by_library(Cause cause);

  TlsPeer& peer_;
  std::unique_ptr<SSL, void (*)(SSL*)> ssl_;
  State state_ = State::kHandshake;
  bool begun_ = false;      // something came
  std::string_view input_;  // what receive() was given and OpenSSL has not taken
  std::string pending_;     // its first `taken_` bytes are sent
  size_t taken_ = 0;
  std::string certificate_problem_;
  Failure failure_;
};

}  // namespace llmsweep::http
