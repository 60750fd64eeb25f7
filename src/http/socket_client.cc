#include "http/clients.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <deque>
#include <unordered_map>

#include "http/event_sink.h"
#include "http/poller.h"
#include "http/socket_connection.h"
#include "http/tls_session.h"
#include "llmsweep/base/prefetch.h"

namespace llmsweep::http {
namespace {

using State = SocketConnection::State;

class SocketClient final : public HttpClient {
 public:
  // Without a context where no endpoint has TLS.
  SocketClient(const HttpClientOptions& options, std::vector<SocketEndpoint> endpoints,
               std::unique_ptr<TlsContext> tls_context)
      : endpoints_(std::move(endpoints)),
        connect_timeout_(options.connect_timeout),
        max_idle_(options.max_idle),
        max_header_bytes_(options.max_header_bytes),
        sink_(options.receive_stamps),
        tls_context_(std::move(tls_context)),
        read_buffer_(kReadSize),
        plaintext_(tls_context_ ? kReadSize + TlsSession::kMostHeld : 0) {
    active_.reserve(options.max_connections);
  }
  ~SocketClient() override;

  void start(RequestId id, const HttpRequest& request) override;
  void cancel(RequestId id) override;
  void watch(RequestId id, bool on) override;
  void poll(Instant deadline, std::vector<HttpEvent>& events) override;
  const TransportHealth& health() const override { return sink_.health; }
  void reset_health() override { sink_.reset_health(); }

 private:
  static constexpr size_t kReadSize = size_t{64} << 10;
  static constexpr int kMostIdleReads = 16;
  static constexpr size_t kBurst = 4;  // connections that were ready at once
  // So soon after an answer hardly a server has closed the connection without having said so, and a
  // slot waits for its next request. A close that comes all the same is what a resend is for.
  static constexpr Duration kSurelyAlive = std::chrono::milliseconds(1);
  // What is held back while a burst lasts: longer, and it has left the cache before it is parsed.
  static constexpr size_t kMostEvents = 512;
  static constexpr size_t kMostBytes = size_t{16} << 10;

  struct ConnectDeadline {
    Instant at;
    uint32_t connection;
    uint64_t attempt;
  };

  bool is_alive(SocketConnection& connection);
  SocketConnection* take_idle(uint32_t endpoint);
  SocketConnection& take_closed();
  void put_request(SocketConnection& connection, RequestId id, std::string head,
                   std::shared_ptr<const std::string> body);
  std::string head_of(const HttpRequest& request) const;
  void open(SocketConnection& connection);
  void send(SocketConnection& connection);
  void send_more(SocketConnection& connection);
  void on_ready(const Poller::Ready& ready);
  void on_connected(SocketConnection& connection);
  ssize_t read(SocketConnection& connection);
  void receive(SocketConnection& connection, bool ending);
  void decrypt(SocketConnection& connection, std::string_view bytes, Instant now);
  void end_of_tls(SocketConnection& connection, Instant now);
  void take(SocketConnection& connection, std::string_view bytes, Instant now);
  void end_of_stream(SocketConnection& connection, Instant now);
  bool announce_head(SocketConnection& connection);
  void finish(SocketConnection& connection, Instant now);
  void on_lost(SocketConnection& connection, int os_error);
  void send_again(SocketConnection& connection);
  void fail(SocketConnection& connection, CURLcode code, int os_error, std::string detail = {});
  void refuse(SocketConnection& connection, std::string why);
  void end_with(SocketConnection& connection, const std::string& reason, bool timed_out);
  void close(SocketConnection& connection);
  void release_closed();
  Instant next_connect_deadline();
  void expire_connects(Instant now);

  std::vector<SocketEndpoint> endpoints_;
  Duration connect_timeout_;
  Duration max_idle_;
  size_t max_header_bytes_;
  EventSink sink_;
  Poller poller_;
  std::unique_ptr<TlsContext> tls_context_;
  std::vector<char> read_buffer_;
  std::vector<char> plaintext_;  // of one read
  std::deque<SocketConnection> connections_;
  std::vector<uint32_t> free_;
  // Closed while the events of a wake are being handled. Neither their descriptors nor their places
  // are used again before all of them are, so that no event meets a stranger.
  std::vector<uint32_t> closed_;
  std::deque<ConnectDeadline> connecting_;  // by deadline, since all have the same time-out
  std::unordered_map<RequestId, SocketConnection*> active_;
  uint64_t attempts_ = 0;
  size_t body_bytes_ = 0;  // of this poll()
};

SocketClient::~SocketClient() {
  for (SocketConnection& connection : connections_) close_connection(connection);
}

// An idle connection on which nobody has spoken, but for what TLS itself has to say: a ticket, or
// new keys.
bool SocketClient::is_alive(SocketConnection& connection) {
  for (int i = 0; i < kMostIdleReads; ++i) {
    if (is_silent(connection.fd)) return true;
    if (!connection.tls) return false;
    const ssize_t size = recv(connection.fd, read_buffer_.data(), read_buffer_.size(), 0);
    if (size <= 0) return false;
    const std::string_view bytes(read_buffer_.data(), static_cast<size_t>(size));
    if (connection.tls->receive(bytes, plaintext_) != 0) return false;
    if (connection.tls->state() != TlsSession::State::kOpen || !write_tls(connection)) return false;
  }
  return false;
}

SocketConnection* SocketClient::take_idle(uint32_t endpoint) {
  auto& idle = endpoints_[endpoint].idle;
  const Instant now = sink_.clock.now();
  while (!idle.empty()) {
    SocketConnection& connection = connections_[idle.back()];
    const Duration age = now - connection.idle_since;
    if (age <= kSurelyAlive || (age <= max_idle_ && is_alive(connection))) {
      idle.pop_back();
      return &connection;
    }
    close(connection);
  }
  return nullptr;
}

SocketConnection& SocketClient::take_closed() {
  if (!free_.empty()) {
    SocketConnection& connection = connections_[free_.back()];
    free_.pop_back();
    return connection;
  }
  SocketConnection& connection = connections_.emplace_back(max_header_bytes_);
  connection.index = static_cast<uint32_t>(connections_.size() - 1);
  return connection;
}

std::string SocketClient::head_of(const HttpRequest& request) const {
  char length[24];
  const size_t size = request.body ? request.body->size() : 0;
  const auto end = std::to_chars(length, length + sizeof(length), size).ptr;
  std::string head = endpoints_[request.endpoint].request_head;
  head.append(length, end).append("\r\n");
  for (const std::string& header : request.headers) head.append(header).append("\r\n");
  return head.append("\r\n");
}

void SocketClient::put_request(SocketConnection& connection, RequestId id, std::string head,
                               std::shared_ptr<const std::string> body) {
  connection.id = id;
  connection.body = std::move(body);
  connection.head = std::move(head);
  connection.sent_bytes = 0;
  connection.send_error = 0;
  connection.resent = false;
  connection.watched = true;
  connection.reader.begin();
  active_[id] = &connection;
}

void SocketClient::start(RequestId id, const HttpRequest& request) {
  assert(active_.count(id) == 0);
  assert(request.endpoint < endpoints_.size());
  release_closed();
  if (SocketConnection* idle = take_idle(request.endpoint)) {
    put_request(*idle, id, head_of(request), request.body);
    idle->state = State::kExchanging;
    send(*idle);
    return;
  }
  SocketConnection& fresh = take_closed();
  fresh.endpoint = request.endpoint;
  put_request(fresh, id, head_of(request), request.body);
  open(fresh);
}

void SocketClient::open(SocketConnection& connection) {
  connection.state = State::kConnecting;
  connection.carried = false;
  connection.attempt = ++attempts_;
  if (endpoints_[connection.endpoint].tls && !tls_context_->error().empty()) {
    return fail(connection, CURLE_SSL_CACERT_BADFILE, 0, tls_context_->error());
  }
  connection.fd = open_connection(endpoints_[connection.endpoint].address, sink_.sampler.enabled());
  if (connection.fd < 0) return fail(connection, CURLE_COULDNT_CONNECT, errno);
  poller_.watch(connection.fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, connection.index);
  connecting_.push_back(
      {sink_.clock.now() + connect_timeout_, connection.index, connection.attempt});
}

void SocketClient::send(SocketConnection& connection) {
  const Instant now = sink_.clock.now();
  if (!connection.resent) connection.first_sent = now;
  HttpEvent& event = sink_.push(HttpEvent::Kind::kSent, connection.id, now);
  event.new_connection = !connection.carried;
  event.resent = connection.resent;
  sink_.health.new_connections += event.new_connection ? 1 : 0;
  sink_.health.resends += event.resent ? 1 : 0;
  send_more(connection);
}

void SocketClient::send_more(SocketConnection& connection) {
  if (!connection.is_reading()) return;
  const bool open =
      connection.state == State::kExchanging ? write_request(connection) : write_tls(connection);
  // A peer that takes no more may still have answered: the reads that follow say what became of it.
  if (!open && connection.send_error != EPIPE && connection.send_error != ECONNRESET) {
    fail(connection, CURLE_SEND_ERROR, connection.send_error);
  }
}

// Edge-triggered: the kernel says each thing once, so all that is there has to be taken. It spares
// a second look at every connection that was read.
void SocketClient::on_ready(const Poller::Ready& ready) {
  SocketConnection& connection = connections_[ready.tag];
  const uint32_t events = ready.events;
  const bool readable = (events & ~static_cast<uint32_t>(EPOLLOUT)) != 0;
  if (connection.state == State::kConnecting) {
    if ((events & ~static_cast<uint32_t>(EPOLLIN)) == 0) return;
    on_connected(connection);
  } else if (connection.sending && (events & EPOLLOUT) != 0) {
    send_more(connection);
  }
  if (!readable) return;
  if (connection.is_reading()) {
    receive(connection, (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0);
  } else if (connection.state == State::kIdle && !is_alive(connection)) {
    close(connection);  // closed by the server, or bytes that nobody asked for
  }
}

void SocketClient::on_connected(SocketConnection& connection) {
  int error = 0;
  socklen_t size = sizeof(error);
  getsockopt(connection.fd, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return fail(connection, CURLE_COULDNT_CONNECT, error);
  if (TlsPeer* peer = endpoints_[connection.endpoint].tls.get()) {
    connection.state = State::kHandshaking;
    connection.tls = std::make_unique<TlsSession>(*tls_context_, *peer);
    return send_more(connection);
  }
  connection.state = State::kExchanging;
  send(connection);
}

ssize_t SocketClient::read(SocketConnection& connection) {
  if (!sink_.sampler.wants(connection.watched)) {
    return recv(connection.fd, read_buffer_.data(), read_buffer_.size(), 0);
  }
  const StampedReceive got = receive_stamped(
      connection.fd, read_buffer_.data(), read_buffer_.size(), 0, sink_.sampler.realtime_offset());
  if (got.bytes > 0) sink_.sampler.arrived(got.arrived);
  return got.bytes;
}

// A read that does not fill the buffer has emptied the socket, unless its end is there too.
void SocketClient::receive(SocketConnection& connection, bool ending) {
  ssize_t size = 0;
  do {
    size = read(connection);
    const Instant now = sink_.clock.now();
    if (size > 0 && connection.tls) {
      decrypt(connection, {read_buffer_.data(), static_cast<size_t>(size)}, now);
    } else if (size > 0) {
      take(connection, {read_buffer_.data(), static_cast<size_t>(size)}, now);
    } else if (size == 0) {
      end_of_stream(connection, now);
    } else if (errno != EAGAIN && errno != EWOULDBLOCK) {
      on_lost(connection, errno);
    }
    sink_.sampler.after_read();
  } while (connection.is_reading() && size > 0 &&
           (ending || static_cast<size_t>(size) == read_buffer_.size()));
  if (ending && connection.state == State::kIdle) close(connection);
}

// `now` is that of the read: what TLS adds to the way of a token is not in its stamp.
void SocketClient::decrypt(SocketConnection& connection, std::string_view bytes, Instant now) {
  TlsSession& tls = *connection.tls;
  const size_t size = tls.receive(bytes, plaintext_);
  if (connection.state == State::kHandshaking && tls.state() == TlsSession::State::kOpen) {
    connection.state = State::kExchanging;
    send(connection);
    now = sink_.clock.now();
  } else if (!tls.pending().empty()) {
    send_more(connection);
  }
  if (size > 0 && connection.is_reading()) take(connection, {plaintext_.data(), size}, now);
  if (tls.state() == TlsSession::State::kClosed || tls.state() == TlsSession::State::kBroken) {
    end_of_tls(connection, now);
  }
}

void SocketClient::end_of_tls(SocketConnection& connection, Instant now) {
  if (connection.state == State::kIdle) return close(connection);
  if (!connection.is_reading()) return;
  const TlsSession& tls = *connection.tls;
  if (tls.state() == TlsSession::State::kClosed) return end_of_stream(connection, now);
  switch (tls.failure().cause) {
    case TlsSession::Cause::kCertificate:
      return fail(connection, CURLE_PEER_FAILED_VERIFICATION, 0, tls.failure().text);
    case TlsSession::Cause::kHandshake:
      return fail(connection, CURLE_SSL_CONNECT_ERROR, 0, tls.failure().text);
    case TlsSession::Cause::kRecord:
      return fail(connection, CURLE_RECV_ERROR, 0, tls.failure().text);
  }
}

void SocketClient::end_of_stream(SocketConnection& connection, Instant now) {
  connection.reader.end_of_stream();
  if (connection.reader.state() == Http1Reader::State::kDone) {
    finish(connection, now);
  } else {
    on_lost(connection, connection.send_error);
  }
}

void SocketClient::take(SocketConnection& connection, std::string_view bytes, Instant now) {
  Http1Reader& reader = connection.reader;
  const bool head_was_complete = reader.head_complete();
  if (!head_was_complete && reader.head().empty()) connection.header_at = now;
  std::string_view body;
  reader.feed(bytes, sink_.arena(), body);
  if (reader.head_complete() && !head_was_complete && !announce_head(connection)) return;
  if (!body.empty()) {
    ++sink_.health.reads;
    body_bytes_ += body.size();
    HttpEvent& event = sink_.push(HttpEvent::Kind::kBytes, connection.id, now);
    event.received = sink_.sampler.stamped(now, sink_.health);
    event.text = body;
  }
  switch (reader.state()) {
    case Http1Reader::State::kHead:
    case Http1Reader::State::kBody:
      return;
    case Http1Reader::State::kDone:
      return finish(connection, now);
    case Http1Reader::State::kBroken:
      if (reader.head_too_long()) {
        return refuse(connection, "the headers of the answer are longer than the limit");
      }
      return fail(connection, CURLE_WEIRD_SERVER_REPLY, 0, reader.broken());
  }
}

// False where the response is refused because of its head.
bool SocketClient::announce_head(SocketConnection& connection) {
  const Http1Reader& reader = connection.reader;
  HttpEvent& event = sink_.push(HttpEvent::Kind::kHeaders, connection.id, connection.header_at);
  event.status = reader.status();
  event.text = sink_.arena().append(reader.head());
  if (content_encoding(reader.head()).empty()) return true;
  refuse(connection, "the answer is compressed (Content-Encoding), which nobody asked for");
  return false;
}

void SocketClient::finish(SocketConnection& connection, Instant now) {
  sink_.push(HttpEvent::Kind::kEnd, connection.id, now);
  active_.erase(connection.id);
  if (!connection.reader.reusable() || connection.sending) return close(connection);
  connection.body.reset();
  connection.state = State::kIdle;
  connection.carried = true;
  connection.idle_since = now;
  endpoints_[connection.endpoint].idle.push_back(connection.index);
}

void SocketClient::on_lost(SocketConnection& connection, int os_error) {
  const Http1Reader& reader = connection.reader;
  if (connection.state == State::kHandshaking) {
    return fail(connection, CURLE_SSL_CONNECT_ERROR, 0,
                os_error != 0 ? std::strerror(os_error) : "the server closed the connection");
  }
  if (!reader.begun() && connection.carried) return send_again(connection);
  if (os_error != 0) return fail(connection, CURLE_RECV_ERROR, os_error);
  if (!reader.begun()) return fail(connection, CURLE_GOT_NOTHING, 0);
  std::string detail = "the end of its head did not come";
  if (reader.head_complete()) {
    detail = reader.missing() >= 0 ? std::to_string(reader.missing()) + " bytes remaining"
                                   : "its last chunk did not come";
  }
  fail(connection, CURLE_PARTIAL_FILE, 0, detail);
}

void SocketClient::send_again(SocketConnection& connection) {
  if (sink_.clock.now() - connection.first_sent > kResendWindow) {
    return refuse(connection,
                  "the kept connection was closed without an answer, too late to send it again");
  }
  SocketConnection& fresh = take_closed();
  fresh.endpoint = connection.endpoint;
  put_request(fresh, connection.id, std::move(connection.head), std::move(connection.body));
  fresh.resent = true;
  fresh.first_sent = connection.first_sent;
  close(connection);
  open(fresh);
}

void SocketClient::fail(SocketConnection& connection, CURLcode code, int os_error,
                        std::string detail) {
  const SocketEndpoint& endpoint = endpoints_[connection.endpoint];
  const std::string reason =
      failure_text(code, {.target = endpoint.name,
                          .address = endpoint.address_text,
                          .detail = detail,
                          .connect_timeout = connect_timeout_,
                          .os_error = os_error,
                          .handshaking = connection.state == State::kHandshaking,
                          .connected = connection.state == State::kExchanging,
                          .answered = connection.reader.head_complete()});
  end_with(connection, reason, code == CURLE_OPERATION_TIMEDOUT);
}

void SocketClient::refuse(SocketConnection& connection, std::string why) {
  end_with(connection, why + " (" + endpoints_[connection.endpoint].name + ")", false);
}

void SocketClient::end_with(SocketConnection& connection, const std::string& reason,
                            bool timed_out) {
  HttpEvent& event = sink_.push(HttpEvent::Kind::kFailure, connection.id, sink_.clock.now());
  event.timed_out = timed_out;
  event.text = sink_.arena().append(reason);
  active_.erase(connection.id);
  close(connection);
}

void SocketClient::close(SocketConnection& connection) {
  if (connection.state == State::kIdle) {
    auto& idle = endpoints_[connection.endpoint].idle;
    idle.erase(std::find(idle.begin(), idle.end(), connection.index));
  }
  connection.state = State::kClosed;
  connection.body.reset();
  closed_.push_back(connection.index);
}

void SocketClient::release_closed() {
  for (const uint32_t index : closed_) {
    SocketConnection& connection = connections_[index];
    close_connection(connection);
    free_.push_back(index);
  }
  closed_.clear();
}

void SocketClient::cancel(RequestId id) {
  sink_.forget(id);  // what start() has put aside for the next poll()
  const auto found = active_.find(id);
  if (found == active_.end()) return;
  close(*found->second);
  active_.erase(found);
  release_closed();
}

void SocketClient::watch(RequestId id, bool on) {
  const auto found = active_.find(id);
  if (found != active_.end()) found->second->watched = on;
}

// When the first connection that is still waited for has taken too long.
Instant SocketClient::next_connect_deadline() {
  while (!connecting_.empty()) {
    const ConnectDeadline& first = connecting_.front();
    const SocketConnection& connection = connections_[first.connection];
    if ((connection.state == State::kConnecting || connection.state == State::kHandshaking) &&
        connection.attempt == first.attempt) {
      return first.at;
    }
    connecting_.pop_front();
  }
  return Instant::max();
}

void SocketClient::expire_connects(Instant now) {
  while (next_connect_deadline() <= now) {
    SocketConnection& connection = connections_[connecting_.front().connection];
    connecting_.pop_front();
    fail(connection, CURLE_OPERATION_TIMEDOUT, 0);
  }
}

void SocketClient::poll(Instant deadline, std::vector<HttpEvent>& events) {
  events.clear();
  sink_.begin_poll();
  body_bytes_ = 0;
  for (;;) {
    const Instant now = sink_.clock.now();
    const Instant until = sink_.events.empty() ? std::min(deadline, next_connect_deadline()) : now;
    const auto ready = sink_.wait(poller_, now, until);
    for (size_t i = 0; i < ready.size(); ++i) {
      if (i + 1 < ready.size()) prefetch(&connections_[ready[i + 1].tag]);
      on_ready(ready[i]);
    }
    // After what was there: a process that was kept from its core for so long has not been kept
    // waiting by the server.
    expire_connects(now);
    release_closed();
    if (deadline <= now) break;
    // In the midst of a decode step more has come meanwhile, and a stamp must not wait for the
    // parser: that is for when all of it is here.
    const bool burst =
        ready.size() >= kBurst && sink_.events.size() < kMostEvents && body_bytes_ < kMostBytes;
    if (!sink_.events.empty() && !burst) break;
  }
  sink_.health.receive_stamps = sink_.sampler.enabled();
  sink_.hand_over(events);
}

}  // namespace

std::unique_ptr<HttpClient> make_socket_client(const HttpClientOptions& options,
                                               const std::vector<Target>& targets,
                                               const std::vector<std::string>& addresses) {
  std::vector<SocketEndpoint> endpoints;
  std::unique_ptr<TlsContext> tls_context;
  for (size_t i = 0; i < targets.size(); ++i) {
    SocketEndpoint& endpoint = endpoints.emplace_back();
    endpoint.name = targets[i].name();
    endpoint.address_text = addresses[i];
    endpoint.address = parse_socket_address(addresses[i]);
    endpoint.request_head = make_request_head(targets[i], options.headers);
    if (!targets[i].tls) continue;
    endpoint.tls = std::make_unique<TlsPeer>(targets[i].host);
    if (!tls_context) tls_context = std::make_unique<TlsContext>(options.ca_file);
  }
  return std::make_unique<SocketClient>(options, std::move(endpoints), std::move(tls_context));
}

}  // namespace llmsweep::http
