#include "http/raw_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <stdexcept>

#include "llmsweep/base/text.h"

namespace llmsweep::test {
namespace {

size_t content_length(const std::string& head) {
  const size_t at = head.find("Content-Length: ");
  if (at == std::string::npos) return 0;
  const size_t from = at + std::strlen("Content-Length: ");
  return static_cast<size_t>(
      parse_int(head.substr(from, head.find('\r', from) - from)).value_or(0));
}

int listen_on(const std::string& host, int& port) {
  const bool ipv6 = host.find(':') != std::string::npos;
  const int fd = socket(ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_storage storage{};
  socklen_t size = 0;
  if (ipv6) {
    auto* address = reinterpret_cast<sockaddr_in6*>(&storage);
    address->sin6_family = AF_INET6;
    inet_pton(AF_INET6, host.c_str(), &address->sin6_addr);
    size = sizeof(sockaddr_in6);
  } else {
    auto* address = reinterpret_cast<sockaddr_in*>(&storage);
    address->sin_family = AF_INET;
    inet_pton(AF_INET, host.c_str(), &address->sin_addr);
    size = sizeof(sockaddr_in);
  }
  auto* generic = reinterpret_cast<sockaddr*>(&storage);
  if (fd < 0 || bind(fd, generic, size) != 0 || listen(fd, 1024) != 0) {
    if (fd >= 0) ::close(fd);
    throw std::runtime_error("cannot listen on " + host);
  }
  getsockname(fd, generic, &size);
  port = ntohs(ipv6 ? reinterpret_cast<sockaddr_in6*>(&storage)->sin6_port
                    : reinterpret_cast<sockaddr_in*>(&storage)->sin_port);
  return fd;
}

}  // namespace

Peer::Peer(int fd, int number, ssl_ctx_st* tls) : fd_(fd), number_(number) {
  const int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  if (tls == nullptr) return;
  ssl_ = SSL_new(tls);
  SSL_set_fd(ssl_, fd_);
  handshake_ok_ = SSL_accept(ssl_) == 1;
}

Peer::~Peer() {
  close();
  if (ssl_ != nullptr) SSL_free(ssl_);
}

std::optional<std::string> Peer::read_request() {
  if (!handshake_ok_) return std::nullopt;
  for (;;) {
    const size_t head_end = unread_.find("\r\n\r\n");
    if (head_end != std::string::npos) {
      const size_t total = head_end + 4 + content_length(unread_.substr(0, head_end + 2));
      if (unread_.size() >= total) {
        std::string request = unread_.substr(0, total);
        unread_.erase(0, total);
        return request;
      }
    }
    char buffer[65536];
    const ssize_t got = ssl_ != nullptr ? SSL_read(ssl_, buffer, sizeof(buffer))
                                        : recv(fd_, buffer, sizeof(buffer), 0);
    if (got <= 0) return std::nullopt;
    unread_.append(buffer, static_cast<size_t>(got));
  }
}

bool Peer::send(std::string_view bytes) {
  if (!handshake_ok_) return false;
  while (!bytes.empty()) {
    const ssize_t sent = ssl_ != nullptr
                             ? SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size()))
                             : ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

bool Peer::send_chunk(std::string_view bytes) {
  char size[32];
  std::snprintf(size, sizeof(size), "%zx\r\n", bytes.size());
  return send(size + std::string(bytes) + "\r\n");
}

void Peer::send_in_halves(std::string_view bytes, const std::function<void()>& between) {
  BIO* socket = SSL_get_wbio(ssl_);
  BIO_up_ref(socket);
  SSL_set0_wbio(ssl_, BIO_new(BIO_s_mem()));
  SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size()));
  char* data = nullptr;
  const long size = BIO_get_mem_data(SSL_get_wbio(ssl_), &data);
  const std::string record(data, static_cast<size_t>(size));
  SSL_set0_wbio(ssl_, socket);
  const size_t half = record.size() / 2;
  ::send(fd_, record.data(), half, MSG_NOSIGNAL);
  between();
  ::send(fd_, record.data() + half, record.size() - half, MSG_NOSIGNAL);
}

void Peer::wait_until_closed() {
  char buffer[4096];
  while (recv(fd_, buffer, sizeof(buffer), 0) > 0) {
  }
}

void Peer::reset() {
  const linger hard{.l_onoff = 1, .l_linger = 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
  cut();
}

void Peer::cut() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

void Peer::close() {
  if (ssl_ != nullptr && fd_ >= 0 && handshake_ok_) SSL_shutdown(ssl_);
  cut();
}

std::string Peer::server_name() const {
  const char* name = SSL_get_servername(ssl_, TLSEXT_NAMETYPE_host_name);
  return name != nullptr ? name : "";
}

bool Peer::send_ticket() {
  return SSL_new_session_ticket(ssl_) == 1 && SSL_do_handshake(ssl_) == 1;
}

void Peer::renew_keys() {
  SSL_key_update(ssl_, SSL_KEY_UPDATE_REQUESTED);
  SSL_do_handshake(ssl_);
}

bool Peer::resumed() const {
  return ssl_ != nullptr && SSL_session_reused(ssl_) == 1;
}

RawServer::RawServer(Script script, RawServerOptions options)
    : script_(std::move(script)), options_(std::move(options)) {
  if (!options_.certificate.empty()) {
    tls_ = SSL_CTX_new(TLS_server_method());
    BIO* certificate_bio = BIO_new_mem_buf(options_.certificate.data(), -1);
    BIO* key_bio = BIO_new_mem_buf(options_.key.data(), -1);
    X509* certificate = PEM_read_bio_X509(certificate_bio, nullptr, nullptr, nullptr);
    EVP_PKEY* key = PEM_read_bio_PrivateKey(key_bio, nullptr, nullptr, nullptr);
    SSL_CTX_use_certificate(tls_, certificate);
    SSL_CTX_use_PrivateKey(tls_, key);
    X509_free(certificate);
    EVP_PKEY_free(key);
    BIO_free(certificate_bio);
    BIO_free(key_bio);
    if (options_.tune) options_.tune(tls_);
  }
  listen_fd_ = listen_on(options_.host, port_);
  acceptor_ = std::thread([this] { accept_all(); });
}

RawServer::~RawServer() {
  shutdown(listen_fd_, SHUT_RDWR);
  acceptor_.join();
  for (std::thread& script : scripts_) script.join();
  ::close(listen_fd_);
  if (tls_ != nullptr) SSL_CTX_free(tls_);
}

std::string RawServer::url() const {
  const bool ipv6 = options_.host.find(':') != std::string::npos;
  const std::string host = ipv6 ? "[" + options_.host + "]" : options_.host;
  return (tls_ != nullptr ? "https://" : "http://") + host + ":" + std::to_string(port_) +
         "/v1/chat/completions";
}

void RawServer::accept_all() {
  for (;;) {
    const int fd = accept4(listen_fd_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    const int number = connections_++;
    scripts_.emplace_back([this, fd, number] {
      // OpenSSL writes without MSG_NOSIGNAL; only here, so that the client's own SIGPIPE shows.
      sigset_t pipe;
      sigemptyset(&pipe);
      sigaddset(&pipe, SIGPIPE);
      pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
      Peer peer(fd, number, tls_);
      script_(peer);
    });
  }
}

std::string with_length(std::string_view body, std::string_view extra_headers) {
  return "HTTP/1.1 200 OK\r\n" + std::string(extra_headers) +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

int unused_port() {
  int port = 0;
  ::close(listen_on("127.0.0.1", port));
  return port;
}

}  // namespace llmsweep::test
