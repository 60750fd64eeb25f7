#include "simulator/server.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cmath>
#include <thread>

#include "llmsweep/base/error.h"
#include "llmsweep/base/open_files.h"
#include "llmsweep/base/random.h"
#include "llmsweep/base/receive_stamp.h"
#include "llmsweep/base/sha256.h"

namespace llmsweep::sim {
namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

// Streams of the profile's seed: what is drawn for a request does not depend on the others.
constexpr uint64_t kFaultStream = 11;
constexpr uint64_t kLengthStream = 12;

bool strict_about_model(Dialect dialect) {
  return dialect == Dialect::kVllm || dialect == Dialect::kOpenai;
}

// The trace's id in a W3C traceparent of version 00: 00-ID-PARENT-FLAGS. Empty: there is none.
std::string trace_id_in(const std::string& traceparent) {
  constexpr size_t kBegin = 3;
  constexpr size_t kDigits = 32;
  constexpr size_t kSize = kBegin + kDigits + 1 + 16 + 3;
  if (traceparent.size() != kSize || !traceparent.starts_with("00-")) return {};
  return traceparent.substr(kBegin, kDigits);
}

// How long the answer is and why it ends.
std::pair<int64_t, std::string> planned_output(const ApiRequest& request,
                                               const SimulatorProfile& profile, uint64_t seed) {
  if (!request.api->generates) return {1, ""};  // what ends the engine's work
  const int64_t room = profile.engine.max_model_len - request.prompt.count();
  const int64_t fitting = std::max<int64_t>(1, room);
  const int64_t most = request.max_tokens.value_or(request.api->default_tokens.value_or(fitting));
  if (request.ignore_eos) return {most, "length"};
  Random random(seed, kLengthStream);
  const double natural =
      profile.tokens.natural_mean + profile.tokens.natural_stddev * random.normal();
  const int64_t length =
      std::max({int64_t{1}, request.min_tokens, static_cast<int64_t>(std::llround(natural))});
  if (length < most) return {length, "stop"};
  return {most, "length"};
}

}  // namespace

Server::Server(SimulatorProfile profile, SimulatorOptions options)
    : profile_(std::move(profile)),
      options_(std::move(options)),
      engine_(profile_.engine, profile_.seed),
      realtime_offset_(realtime_minus_monotonic()) {
  if (options_.tls) tls_ = make_tls_context(options_.certificate);
  open_listener(options_.port);
  port_ = acceptor_.local_endpoint().port();
  if (!options_.truth_log.empty()) {
    truth_log_ = std::make_unique<TruthLog>(options_.truth_log, options_.signs_of_life);
  }
}

void Server::run() {
  accept();
  io_.run();
  hang_up();
}

void Server::hang_up() {
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  for (auto& [id, connection] : connections_) connection->reset();
  serving_.clear();
  connections_.clear();
  truth_log_.reset();
}

void Server::stop() {
  asio::post(io_, [this] {
    for (auto& [id, served] : serving_) {
      served.response->abandon();
      log(served.response->take_truth());
    }
    serving_.clear();
    io_.stop();
  });
}

int64_t Server::unix_seconds() const {
  const Duration since = clock_.now().time_since_epoch() + realtime_offset_;
  return std::chrono::duration_cast<std::chrono::seconds>(since).count();
}

// Connections.

void Server::open_listener(uint16_t port) {
  const tcp::endpoint endpoint(asio::ip::address_v4::loopback(), port);
  boost::system::error_code error;
  acceptor_.open(endpoint.protocol(), error);
  if (!error) {
    // A child process that held the listener would keep the port open when we refuse connections.
    ::fcntl(acceptor_.native_handle(), F_SETFD, FD_CLOEXEC);
    acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
  }
  // Handed down to what is accepted. Without stamps a request arrives when it is read.
  if (!error) enable_receive_stamps(acceptor_.native_handle());
  if (!error) acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(SOMAXCONN, error);
  throw_if_out_of_files(error.value(), "cannot listen", "the simulated endpoint");
  if (error) {
    throw Error{{.what = "cannot listen: " + error.message(),
                 .where = fmt::format("127.0.0.1:{}", port),
                 .next = "choose another --port, or 0 for any free one"}};
  }
}

void Server::accept() {
  acceptor_.async_accept([this](const boost::system::error_code& error, tcp::socket socket) {
    if (!acceptor_.is_open()) return;
    if (!error) {
      const uint64_t id = ++last_connection_;
      auto connection = std::make_shared<Connection>(std::move(socket), tls_.get(), *this, id);
      connections_.emplace(id, connection);
      connection->start();
    } else if (error == asio::error::no_descriptors) {
      return refuse_for(std::chrono::milliseconds(100));
    }
    accept();
  });
}

void Server::refuse_for(Duration span) {
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  refusal_timer_.expires_after(span);
  refusal_timer_.async_wait([this](const boost::system::error_code& error) {
    if (error || acceptor_.is_open()) return;
    try {
      open_listener(port_);
      accept();
    } catch (const Error&) {
      refuse_for(std::chrono::milliseconds(100));  // the port is taken for a moment
    }
  });
}

void Server::on_closed(Connection& connection) {
  if (truth_log_ && connection.left_by_client() && connection.last_arrival != Instant{}) {
    truth_log_->push(TruthClosing{.at = clock_.now(),
                                  .last_arrival = connection.last_arrival,
                                  .last_response_id = connection.last_response_id});
  }
  // Later, for the connection may be in the middle of a write of its response.
  asio::post(io_, [this, id = connection.id()] {
    auto found = connections_.find(id);
    if (found == connections_.end()) return;
    auto served = serving_.find(found->second->serving);
    if (served != serving_.end()) served->second.response->connection_lost();
    connections_.erase(found);
  });
}

// Requests.

void Server::on_unreadable(Connection& connection, int status) {
  fail(connection, {.keep_alive = false}, {.status = status, .message = "unreadable request"});
}

void Server::on_request(Connection& connection, ReceivedRequest request) {
  std::string_view path = request.path;
  const bool open_page =
      path == "/health" || path == "/ping" || path == "/metrics" || path == "/metrics/";
  if (!open_page && !options_.api_key.empty() &&
      request.authorization != "Bearer " + options_.api_key &&
      request.api_key != options_.api_key) {
    return fail(connection, request,
                {.status = 401, .message = "Invalid API key", .type = "authentication_error"});
  }
  if (const Api* api = served_at(path)) {
    if (request.method != "POST") {
      return fail(connection, request, {.status = 405, .message = "POST is expected"});
    }
    return generate(connection, request, *api);
  }
  if (path == "/health" || path == "/ping") {
    return answer(connection, request, {}, R"({"status":"ok"})");
  }
  if (path == "/v1/models") {
    return answer(connection, request, {}, models_page(profile_, unix_seconds()));
  }
  if (path == "/metrics" || path == "/metrics/") {
    // As a Python server that renders the page on its event loop: nothing else is done meanwhile.
    if (profile_.wire.metrics_block > Duration{}) {
      std::this_thread::sleep_for(profile_.wire.metrics_block);
    }
    const std::string page = metrics_page(profile_, engine_.load(), totals_, started_);
    return answer(connection, request, {.content_type = "text/plain; version=0.0.4"},
                  path == "/metrics" ? page : named_samples(page, request.query));
  }
  if (profile_.wire.tokenize && (path == "/tokenize" || path == "/v1/tokenize")) {
    auto parsed = parse_tokenize_request(request.body, profile_);
    if (auto* failure = std::get_if<ApiFailure>(&parsed)) {
      return fail(connection, request, *failure);
    }
    return answer(connection, request, {}, tokenize_page(profile_, std::get<PromptTokens>(parsed)));
  }
  fail(connection, request, {.status = 404, .message = "no such page", .type = "NotFoundError"});
}

void Server::answer(Connection& connection, const ReceivedRequest& request, HeadOptions head,
                    std::string_view body) {
  head.content_length = body.size();
  head.keep_alive = request.keep_alive;
  connection.write(response_head(head, profile_.dialect) + std::string(body));
  if (connection.open()) connection.end_response(request.keep_alive);
}

void Server::fail(Connection& connection, const ReceivedRequest& request, const ApiFailure& failure,
                  std::optional<int> retry_after_s) {
  answer(connection, request, {.status = failure.status, .retry_after_s = retry_after_s},
         error_body(failure, profile_.dialect));
}

const Fault* Server::choose_fault(int64_t number) const {
  Random random(mix(profile_.seed, static_cast<uint64_t>(number)), kFaultStream);
  for (const Fault& fault : profile_.faults) {
    const bool named =
        std::find(fault.requests.begin(), fault.requests.end(), number) != fault.requests.end();
    if (named || random.chance(fault.probability)) return &fault;
  }
  return nullptr;
}

std::string Server::response_id(const Api& api, int64_t number) const {
  const auto salt = static_cast<uint64_t>(to_ns(clock_.now()));
  return fmt::format("{}-{:016x}{:08x}", api.id_prefix, mix(salt, profile_.seed), number);
}

void Server::generate(Connection& connection, const ReceivedRequest& request, const Api& api) {
  const int64_t number = ++requests_;
  connection.last_arrival = request.at;
  connection.last_response_id.clear();
  TruthRecord truth{.trace_id = trace_id_in(request.traceparent),
                    .body_sha256 = options_.hash_bodies ? sha256_hex(request.body) : "",
                    .number = number,
                    .api = std::string(api.name),
                    .arrival = request.at};
  const Fault* fault = choose_fault(number);
  if (fault != nullptr && inject_at_arrival(connection, request, *fault, truth)) {
    truth.end = clock_.now();
    return log(std::move(truth));
  }
  auto parsed = parse_api_request(request.body, api, profile_);
  if (auto* failure = std::get_if<ApiFailure>(&parsed)) {
    fail(connection, request, *failure);
    truth.status = failure->status;
    truth.end = clock_.now();
    return log(std::move(truth));
  }
  admit(connection, request, std::get<ApiRequest>(parsed), fault, std::move(truth));
}

bool Server::inject_at_arrival(Connection& connection, const ReceivedRequest& request,
                               const Fault& fault, TruthRecord& truth) {
  if (fault.kind == FaultKind::kStatus) {
    fail(connection, request,
         {.status = fault.status, .message = "injected failure", .type = "InjectedError"},
         fault.retry_after_s);
    truth.status = fault.status;
  } else if (fault.kind == FaultKind::kRefuse ||
             (fault.kind == FaultKind::kReset && fault.after_chunks == 0)) {
    // The port first: whoever sees the reset may try again at once.
    if (fault.kind == FaultKind::kRefuse) refuse_for(fault.duration);
    connection.reset();
    truth.status = 0;
  } else {
    return false;
  }
  truth.fault = name_of(fault.kind);
  return true;
}

std::optional<ApiFailure> Server::unacceptable(const ApiRequest& request,
                                               int64_t output_tokens) const {
  const std::vector<std::string>& adapters = profile_.adapters;
  const bool served = request.model.empty() || request.model == profile_.model ||
                      std::find(adapters.begin(), adapters.end(), request.model) != adapters.end();
  if (!served && strict_about_model(profile_.dialect)) {
    return ApiFailure{.status = 404,
                      .message = fmt::format("The model `{}` does not exist.", request.model),
                      .type = "NotFoundError",
                      .param = "model"};
  }
  if (engine_.admissible(request.prompt.count(), output_tokens)) return std::nullopt;
  return ApiFailure{
      .message = fmt::format("the maximum context length is {} tokens, but {} were asked for "
                             "({} of the prompt, {} of the answer)",
                             profile_.engine.max_model_len, request.prompt.count() + output_tokens,
                             request.prompt.count(), output_tokens),
      .type =
          profile_.dialect == Dialect::kLlamacpp ? "exceed_context_size_error" : "BadRequestError"};
}

void Server::admit(Connection& connection, const ReceivedRequest& request, const ApiRequest& wanted,
                   const Fault* fault, TruthRecord truth) {
  const uint64_t seed = mix(profile_.seed, wanted.seed.value_or(wanted.prompt.hash()));
  const auto [output_tokens, finish_reason] = planned_output(wanted, profile_, seed);
  truth.model = wanted.model;
  truth.stream = wanted.stream;
  truth.prompt_tokens = wanted.prompt.count();
  truth.images = wanted.prompt.images();
  if (auto failure = unacceptable(wanted, output_tokens)) {
    fail(connection, request, *failure);
    truth.status = failure->status;
    truth.end = clock_.now();
    return log(std::move(truth));
  }
  const auto id = static_cast<uint64_t>(truth.number);
  truth.response_id = response_id(*wanted.api, truth.number);
  connection.last_response_id = truth.response_id;
  ResponseSetup setup{.id = id,
                      .connection = connection.shared_from_this(),
                      .keep_alive = request.keep_alive,
                      .http_1_0 = request.http_1_0,
                      .seed = seed,
                      .output_tokens = output_tokens,
                      .finish_reason = finish_reason,
                      .fault = fault,
                      .created = unix_seconds(),
                      .truth = std::move(truth)};
  auto response = std::make_shared<Response>(io_, profile_, wanted, std::move(setup),
                                             [this](uint64_t over) { on_ended(over); });
  connection.serving = id;
  serving_.emplace(id, Served{response, connection.id(), output_tokens});
  engine_.submit({.id = id,
                  .prompt_tokens = wanted.prompt.count(),
                  .output_tokens = output_tokens,
                  .seed = seed,
                  .block_hashes = profile_.engine.prefix_cache ? wanted.prompt.block_hashes()
                                                               : std::vector<uint64_t>{}},
                 request.at);
  admitted_.push_back(id);
  pump_soon();
}

// The engine.

// After what else is ready now, so that the engine moves on when all that has arrived is known to
// it, and requests that come together are read one after another.
void Server::pump_soon() {
  if (pumping_soon_) return;
  pumping_soon_ = true;
  asio::post(io_, [this] {
    pumping_soon_ = false;
    pump();
  });
}

void Server::pump() {
  for (uint64_t id : admitted_) {
    auto found = serving_.find(id);
    if (found != serving_.end()) found->second.response->begin();
  }
  admitted_.clear();
  events_.clear();
  engine_.advance(clock_.now(), events_);
  for (const EngineEvent& event : events_) apply(event);
  arm();
}

void Server::apply(const EngineEvent& event) {
  auto found = serving_.find(event.id);
  if (found == serving_.end()) return;
  Response& response = *found->second.response;
  if (event.kind == EngineEvent::Kind::kPrefillStart) {
    totals_.queue.add(event.at - response.truth().arrival);
    totals_.prompt_tokens += response.truth().prompt_tokens;
    response.prefill_started(event);
    return;
  }
  if (response.generates()) {
    totals_.output_tokens += event.tokens;
    if (response.first_token_at() == Instant{}) {
      totals_.ttft.add(event.at - response.truth().arrival);
    } else {
      totals_.gap.add(event.at - response.last_token_at());
    }
  }
  if (event.last) totals_.e2e.add(event.at - response.truth().arrival);
  response.tokens(event);
}

void Server::arm() {
  const auto next = engine_.next();
  if (next == armed_for_) return;
  armed_for_ = next;
  if (!next) {
    engine_timer_.cancel();
    return;
  }
  engine_timer_.expires_at(*next);
  engine_timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    armed_for_.reset();
    pump();
  });
}

void Server::on_ended(uint64_t id) {
  auto found = serving_.find(id);
  if (found == serving_.end()) return;
  const Served served = std::move(found->second);
  serving_.erase(found);
  engine_.cancel(id, clock_.now());
  TruthRecord truth = served.response->take_truth();
  if (truth.finish_reason == "stop" || truth.results > 0) {
    ++totals_.stopped;
  } else if (truth.finish_reason == "length") {
    ++totals_.length;
  } else {
    ++totals_.aborted;
  }
  log(std::move(truth));
  pump_soon();
}

void Server::log(TruthRecord truth) {
  if (truth_log_) truth_log_->push(std::move(truth));
}

}  // namespace llmsweep::sim
