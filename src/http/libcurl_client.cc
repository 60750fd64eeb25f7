#include "http/clients.h"

#include <curl/curl.h>

#include <algorithm>
#include <cassert>
#include <deque>
#include <new>
#include <unordered_map>

#include "http/curl_handle.h"
#include "http/poller.h"
#include "http/transfer.h"

namespace llmsweep {
namespace http {
namespace {

// A new request walks over its multi handle's connections to the host: 142 µs at 8,192 of them.
constexpr size_t kTransfersPerGroup = 512;

// A multi handle with its connections and its one timer.
struct Group {
  MultiHandle multi;
  uint32_t index = 0;
  Poller* poller = nullptr;
  std::vector<const Transfer*>* reading = nullptr;  // by descriptor: who waits for bytes there
  Instant timer = Instant::max();                   // when libcurl wants to be woken
  int active = 0;                                   // transfers in it
};

int on_socket_change(CURL* easy, curl_socket_t fd, int what, void* user, void*) noexcept {
  const Group& group = *static_cast<Group*>(user);
  const auto at = static_cast<size_t>(fd);
  if (at >= group.reading->size()) group.reading->resize(at + 1);
  if (what == CURL_POLL_REMOVE) {
    (*group.reading)[at] = nullptr;
    group.poller->forget(fd);
    return 0;
  }
  (*group.reading)[at] = &Transfer::of(easy);
  const uint32_t in = (what & CURL_POLL_IN) != 0 ? EPOLLIN : 0U;
  const uint32_t out = (what & CURL_POLL_OUT) != 0 ? EPOLLOUT : 0U;
  group.poller->watch(fd, in | out, group.index);
  return 0;
}

int on_timer_change(CURLM*, long timeout_ms, void* user) noexcept {
  Group& group = *static_cast<Group*>(user);
  group.timer = timeout_ms < 0
                    ? Instant::max()
                    : SteadyClock().now() + Duration(std::chrono::milliseconds(timeout_ms));
  return 0;
}

std::vector<PreparedEndpoint> prepare_endpoints(const std::vector<Target>& targets,
                                                const std::vector<std::string>& addresses) {
  std::vector<PreparedEndpoint> endpoints;
  for (size_t i = 0; i < targets.size(); ++i) {
    PreparedEndpoint endpoint;
    endpoint.target = targets[i];
    endpoint.name = targets[i].name();
    endpoint.address = addresses[i];
    if (!endpoint.address.empty()) {
      endpoint.connect_to.reset(curl_slist_append(nullptr, ("::" + endpoint.address).c_str()));
    }
    endpoints.push_back(std::move(endpoint));
  }
  return endpoints;
}

class CurlClient final : public HttpClient {
 public:
  CurlClient(const HttpClientOptions& options, std::vector<PreparedEndpoint> endpoints);
  ~CurlClient() override;

  void start(RequestId id, const HttpRequest& request) override;
  void cancel(RequestId id) override;
  void watch(RequestId id, bool on) override;
  void poll(Instant deadline, std::vector<HttpEvent>& events) override;
  const TransportHealth& health() const override { return sink_.health; }
  void reset_health() override { sink_.reset_health(); }

 private:
  Group& choose_group(uint32_t lane);
  Transfer& take_transfer();
  void give_back(Transfer& transfer);
  // Lets libcurl act on `fd` (or on its timer: CURL_SOCKET_TIMEOUT).
  void drive(Group& group, curl_socket_t fd, int mask);
  void collect_finished(Group& group);
  Instant run_timers(Instant now);
  void wait_and_read(Instant now, Instant deadline);
  bool is_watched(int fd) const;

  TransferOptions options_;
  std::vector<PreparedEndpoint> endpoints_;
  EventSink sink_;
  Poller poller_;
  std::vector<const Transfer*> reading_;  // by descriptor; null: no transfer
  std::deque<Group> groups_;              // libcurl keeps pointers to them
  std::deque<Transfer> transfers_;        // all that were ever needed at once
  std::vector<Transfer*> idle_;
  std::unordered_map<RequestId, Transfer*> active_;
  uint64_t read_serial_ = 0;
};

CurlClient::CurlClient(const HttpClientOptions& options, std::vector<PreparedEndpoint> endpoints)
    : options_{.easy = {.connect_timeout = options.connect_timeout,
                        .max_idle = options.max_idle,
                        .use_proxy = options.use_proxy,
                        .ca_file = options.ca_file},
               .max_header_bytes = options.max_header_bytes,
               .headers = make_header_list(options.headers, true)},
      endpoints_(std::move(endpoints)),
      sink_(options.receive_stamps) {
  const size_t count =
      std::max<size_t>(1, (options.max_connections + kTransfersPerGroup - 1) / kTransfersPerGroup);
  const size_t per_group = (options.max_connections + count - 1) / count;
  for (size_t i = 0; i < count; ++i) {
    Group& group = groups_.emplace_back();
    group.multi = make_multi();
    group.index = static_cast<uint32_t>(i);
    group.poller = &poller_;
    group.reading = &reading_;
    CURLM* multi = group.multi.get();
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, &on_socket_change);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, &group);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, &on_timer_change);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, &group);
    curl_multi_setopt(multi, CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_NOTHING));
    // Each lane may hold a connection to each endpoint; some spare for those being closed.
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS,
                      static_cast<long>(per_group * endpoints_.size() + 16));
  }
  active_.reserve(options.max_connections);
}

CurlClient::~CurlClient() {
  for (const auto& [id, transfer] : active_) {
    curl_multi_remove_handle(groups_[transfer->group()].multi.get(), transfer->easy());
  }
}

Group& CurlClient::choose_group(uint32_t lane) {
  if (lane != HttpRequest::kAnyLane) return groups_[lane % groups_.size()];
  return *std::min_element(groups_.begin(), groups_.end(),
                           [](const Group& a, const Group& b) { return a.active < b.active; });
}

Transfer& CurlClient::take_transfer() {
  if (idle_.empty()) {
    return transfers_.emplace_back(sink_, options_, read_serial_);
  }
  Transfer* transfer = idle_.back();
  idle_.pop_back();
  return *transfer;
}

void CurlClient::give_back(Transfer& transfer) {
  Group& group = groups_[transfer.group()];
  curl_multi_remove_handle(group.multi.get(), transfer.easy());
  --group.active;
  active_.erase(transfer.id());
  transfer.release();
  idle_.push_back(&transfer);
}

void CurlClient::start(RequestId id, const HttpRequest& request) {
  assert(active_.count(id) == 0);
  assert(request.endpoint < endpoints_.size());
  Group& group = choose_group(request.lane);
  Transfer& transfer = take_transfer();
  transfer.prepare(id, request, endpoints_[request.endpoint], group.index);
  active_.emplace(id, &transfer);
  ++group.active;
  const CURLMcode added = curl_multi_add_handle(group.multi.get(), transfer.easy());
  if (added != CURLM_OK) throw std::bad_alloc();  // the only way for a handle that is in no multi
  // Now rather than at the next poll(): the request is on its way when this returns.
  drive(group, CURL_SOCKET_TIMEOUT, 0);
}

void CurlClient::cancel(RequestId id) {
  const auto found = active_.find(id);
  sink_.forget(id);  // what start() has put aside for the next poll()
  if (found != active_.end()) give_back(*found->second);
}

void CurlClient::drive(Group& group, curl_socket_t fd, int mask) {
  ++read_serial_;
  int running = 0;
  curl_multi_socket_action(group.multi.get(), fd, mask, &running);
  if (running < group.active) collect_finished(group);
}

void CurlClient::collect_finished(Group& group) {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(group.multi.get(), &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    Transfer& transfer = Transfer::of(message->easy_handle);
    transfer.finish(message->data.result);
    give_back(transfer);
  }
}

// Wakes libcurl where it asked for it; when the next one wants to be woken.
Instant CurlClient::run_timers(Instant now) {
  Instant next = Instant::max();
  for (Group& group : groups_) {
    if (group.timer <= now) {
      group.timer = Instant::max();
      drive(group, CURL_SOCKET_TIMEOUT, 0);
    }
    next = std::min(next, group.timer);
  }
  return next;
}

void CurlClient::wait_and_read(Instant now, Instant deadline) {
  const auto ready = sink_.wait(poller_, now, deadline);
  for (const Poller::Ready& item : ready) {
    const bool readable = (item.events & EPOLLIN) != 0;
    const int in = readable ? CURL_CSELECT_IN : 0;
    const int out = (item.events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0;
    const int error = (item.events & (EPOLLERR | EPOLLHUP)) != 0 ? CURL_CSELECT_ERR : 0;
    const bool may_look = readable && error == 0;
    if (may_look && sink_.sampler.wants(is_watched(item.fd))) sink_.sampler.peek(item.fd);
    drive(groups_[item.tag], item.fd, in | out | error);
    sink_.sampler.after_read();
  }
}

bool CurlClient::is_watched(int fd) const {
  const auto at = static_cast<size_t>(fd);
  return at < reading_.size() && reading_[at] != nullptr && reading_[at]->watched();
}

void CurlClient::watch(RequestId id, bool on) {
  const auto found = active_.find(id);
  if (found != active_.end()) found->second->watch(on);
}

void CurlClient::poll(Instant deadline, std::vector<HttpEvent>& events) {
  events.clear();
  sink_.begin_poll();
  for (;;) {
    const Instant now = sink_.clock.now();
    const Instant timer = run_timers(now);
    const bool have_some = !sink_.events.empty();
    wait_and_read(now, have_some ? now : std::min(deadline, timer));
    if (!sink_.events.empty() || deadline <= now) break;
  }
  sink_.health.receive_stamps = sink_.sampler.enabled();
  sink_.hand_over(events);
}

}  // namespace

std::unique_ptr<HttpClient> make_libcurl_client(const HttpClientOptions& options,
                                                const std::vector<Target>& targets,
                                                const std::vector<std::string>& addresses) {
  return std::make_unique<CurlClient>(options, prepare_endpoints(targets, addresses));
}

}  // namespace http
}  // namespace llmsweep
