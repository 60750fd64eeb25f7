#include "http/transfer.h"

#include <cassert>

#include "llmsweep/base/text.h"

namespace llmsweep::http {
namespace {

// "HTTP/1.1 200 OK" → 200; 0 where it is not a status line.
int parse_status(std::string_view block) {
  const size_t space = block.find(' ');
  if (space == std::string_view::npos || block.size() < space + 4) return 0;
  int status = 0;
  for (const char digit : block.substr(space + 1, 3)) {
    if (digit < '0' || digit > '9') return 0;
    status = status * 10 + (digit - '0');
  }
  return status;
}

template <class Value>
void set(CURL* easy, CURLoption option, Value value) {
  const CURLcode code = curl_easy_setopt(easy, option, value);
  assert(code == CURLE_OK);
  (void)code;
}

}  // namespace

Transfer::Transfer(EventSink& sink, const TransferOptions& options, const uint64_t& read_serial)
    : sink_(sink), options_(options), read_serial_(read_serial), easy_(make_easy()) {
  configure();
}

void Transfer::configure() {
  CURL* easy = easy_.get();
  set_common_options(easy, options_.easy);
  set(easy, CURLOPT_PRIVATE, this);
  set(easy, CURLOPT_ERRORBUFFER, error_.data());
  set(easy, CURLOPT_POST, 1L);
  set(easy, CURLOPT_PREREQFUNCTION, &Transfer::on_prereq);
  set(easy, CURLOPT_PREREQDATA, this);
  set(easy, CURLOPT_SOCKOPTFUNCTION, &Transfer::on_socket);
  set(easy, CURLOPT_SOCKOPTDATA, this);
  set(easy, CURLOPT_HEADERFUNCTION, &Transfer::on_header);
  set(easy, CURLOPT_HEADERDATA, this);
  set(easy, CURLOPT_WRITEFUNCTION, &Transfer::on_body);
  set(easy, CURLOPT_WRITEDATA, this);
}

Transfer& Transfer::of(CURL* easy) {
  char* self = nullptr;
  curl_easy_getinfo(easy, CURLINFO_PRIVATE, &self);
  return *reinterpret_cast<Transfer*>(self);
}

void Transfer::set_headers(const std::vector<std::string>& headers) {
  headers_ = headers;
  own_headers_.assign(headers_.size(), {});
  curl_slist* next = options_.headers.get();
  for (size_t i = headers_.size(); i-- > 0;) {
    own_headers_[i] = {headers_[i].data(), next};
    next = &own_headers_[i];
  }
  set(easy_.get(), CURLOPT_HTTPHEADER, next);
}

void Transfer::prepare(RequestId id, const HttpRequest& request, const PreparedEndpoint& endpoint,
                       uint32_t group) {
  CURL* easy = easy_.get();
  if (endpoint_ != &endpoint) {
    endpoint_ = &endpoint;
    set(easy, CURLOPT_URL, endpoint.target.url.c_str());
    set(easy, CURLOPT_CONNECT_TO, endpoint.connect_to.get());
  }
  body_ = request.body;
  set(easy, CURLOPT_POSTFIELDS, body_ ? body_->data() : "");
  set(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body_ ? body_->size() : 0));
  set_headers(request.headers);
  id_ = id;
  group_ = group;
  phase_ = Phase::kConnecting;
  watched_ = true;
  opened_connection_ = false;
  header_block_.clear();
  refusal_ = nullptr;
  body_serial_ = 0;
  error_[0] = '\0';
}

void Transfer::release() {
  body_.reset();
  if (!resent_) return;
  // libcurl counts the repeats of a handle over all of its requests and gives up at the sixth.
  resent_ = false;
  endpoint_ = nullptr;
  curl_easy_reset(easy_.get());
  configure();
}

int Transfer::on_prereq(void* self, char*, char*, int, int) noexcept {
  return static_cast<Transfer*>(self)->sent();
}

int Transfer::on_socket(void* self, curl_socket_t fd, curlsocktype) noexcept {
  Transfer& transfer = *static_cast<Transfer*>(self);
  transfer.opened_connection_ = true;
  if (transfer.sink_.sampler.enabled()) enable_receive_stamps(fd);
  return CURL_SOCKOPT_OK;
}

size_t Transfer::on_header(char* bytes, size_t size, size_t count, void* self) noexcept {
  const size_t total = size * count;
  return static_cast<Transfer*>(self)->header_line({bytes, total}) ? total : 0;
}

size_t Transfer::on_body(char* bytes, size_t size, size_t count, void* self) noexcept {
  static_cast<Transfer*>(self)->body({bytes, size * count});
  return size * count;
}

// libcurl calls this on an established connection, directly before it writes the request: once, and
// again where it repeats the request because a kept connection turned out to be closed.
int Transfer::sent() {
  const Instant now = sink_.clock.now();
  const bool again = phase_ != Phase::kConnecting;
  if (again && now - first_sent_ > kResendWindow) {
    refusal_ = "the kept connection was closed without an answer, too late to send it again";
    return CURL_PREREQFUNC_ABORT;
  }
  if (!again) first_sent_ = now;
  phase_ = Phase::kSent;
  HttpEvent& event = sink_.push(HttpEvent::Kind::kSent, id_, now);
  event.new_connection = opened_connection_;
  event.resent = again;
  if (opened_connection_) ++sink_.health.new_connections;
  if (again) ++sink_.health.resends;
  resent_ = again;
  opened_connection_ = false;
  return CURL_PREREQFUNC_OK;
}

// False breaks the request off.
bool Transfer::header_line(std::string_view line) {
  if (phase_ == Phase::kBody) return true;  // a trailer of a chunked body
  if (header_block_.empty()) {
    header_at_ = sink_.clock.now();
    phase_ = Phase::kHeaders;
  }
  if (header_block_.size() + line.size() > options_.max_header_bytes) {
    refusal_ = "the headers of the answer are longer than the limit";
    return false;
  }
  header_block_.append(line);
  return (line != "\r\n" && line != "\n") || headers_complete();
}

bool Transfer::headers_complete() {
  const int status = parse_status(header_block_);
  if (status >= 100 && status < 200) {  // informational: the answer is still to come
    header_block_.clear();
    return true;
  }
  phase_ = Phase::kBody;
  HttpEvent& event = sink_.push(HttpEvent::Kind::kHeaders, id_, header_at_);
  event.status = status;
  event.text = sink_.arena().append(header_block_);
  if (!content_encoding(header_block_).empty()) {
    refusal_ = "the answer is compressed (Content-Encoding), which nobody asked for";
    return false;
  }
  return true;
}

void Transfer::body(std::string_view bytes) {
  if (bytes.empty()) return;
  // libcurl receives up to a hundred times in a row, always into the same buffer, so that a chunk
  // of the same read lies behind the one before.
  const bool same_read = body_serial_ == read_serial_ && bytes.data() >= body_end_;
  body_end_ = bytes.data() + bytes.size();
  if (same_read) {
    std::string_view& text = sink_.events[body_event_].text;
    text = sink_.arena().extend(text, bytes);
    return;
  }
  const Instant now = sink_.clock.now();
  ++sink_.health.reads;
  body_serial_ = read_serial_;
  body_event_ = sink_.events.size();
  HttpEvent& event = sink_.push(HttpEvent::Kind::kBytes, id_, now);
  event.received = sink_.sampler.stamped(now, sink_.health);
  event.text = sink_.arena().append(bytes);
}

void Transfer::finish(CURLcode code) {
  const Instant now = sink_.clock.now();
  const bool answered = phase_ == Phase::kBody;
  if (code == CURLE_OK && answered && refusal_ == nullptr) {
    sink_.push(HttpEvent::Kind::kEnd, id_, now);
    return;
  }
  long os_error = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_OS_ERRNO, &os_error);
  std::string reason;
  if (refusal_ != nullptr) {
    reason = std::string(refusal_) + " (" + endpoint_->name + ")";
  } else {
    reason = failure_text(code == CURLE_OK ? CURLE_GOT_NOTHING : code,
                          {.target = endpoint_->name,
                           .address = endpoint_->address,
                           .detail = error_.data(),
                           .connect_timeout = options_.easy.connect_timeout,
                           .os_error = static_cast<int>(os_error),
                           .connected = phase_ != Phase::kConnecting,
                           .answered = answered});
  }
  HttpEvent& event = sink_.push(HttpEvent::Kind::kFailure, id_, now);
  event.timed_out = code == CURLE_OPERATION_TIMEDOUT;
  event.text = sink_.arena().append(reason);
}

}  // namespace llmsweep::http
