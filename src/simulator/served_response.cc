#include "simulator/served_response.h"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

namespace llmsweep::sim {
namespace {

// With Text::kHeldBack every so-manieth token ends inside a character.
constexpr int64_t kHeldEvery = 7;

bool held_back(int64_t index) {
  return index % kHeldEvery == kHeldEvery - 1;
}

bool missing_usage(const Fault* fault) {
  return fault != nullptr && fault->kind == FaultKind::kMissingUsage;
}

// A final count is sent.
bool sends_usage(const SimulatorProfile& profile, const ApiRequest& request, const Fault* fault) {
  if (missing_usage(fault)) return false;
  return !request.stream || request.include_usage || request.continuous_usage ||
         profile.wire.usage_always || request.api->always_counts == profile.dialect;
}

// Every chunk has a count.
bool sends_continuous_usage(const SimulatorProfile& profile, const ApiRequest& request,
                            const Fault* fault) {
  if (!request.stream || !request.api->counts_in_chunks) return false;
  if (!sends_usage(profile, request, fault)) return false;
  return request.continuous_usage || profile.wire.usage == WireProfile::Usage::kEveryChunk;
}

// Applies to the answer as a whole, and not at a place in its stream.
bool is_of_the_whole(FaultKind kind, bool generates) {
  switch (kind) {
    case FaultKind::kMissingUsage:
    case FaultKind::kOddUsage:
    case FaultKind::kByteWrites:
      return true;
    case FaultKind::kWrongUsage:
    case FaultKind::kMissingDone:
    case FaultKind::kSlowHeaders:
    case FaultKind::kSilentEnd:
      return generates;
    case FaultKind::kMissingResult:
    case FaultKind::kEmptyResult:
      return !generates;
    case FaultKind::kRefuse:
    case FaultKind::kReset:
    case FaultKind::kStall:
    case FaultKind::kTruncate:
    case FaultKind::kMalformedJson:
    case FaultKind::kErrorEvent:
    case FaultKind::kDoneOnly:
    case FaultKind::kEarlyEnd:
    case FaultKind::kStatus:
    case FaultKind::kFinishError:
    case FaultKind::kSilentError:
      break;
  }
  return false;
}

std::string model_named(const SimulatorProfile& profile, const ApiRequest& request) {
  if (!profile.wire.answer_model.empty()) return profile.wire.answer_model;
  return request.model.empty() ? profile.model : request.model;
}

Answer answer_of(const SimulatorProfile& profile, const ApiRequest& request,
                 const ResponseSetup& setup) {
  const auto faulty = [&](FaultKind kind) {
    return setup.fault != nullptr && setup.fault->kind == kind;
  };
  const bool odd = faulty(FaultKind::kOddUsage);
  return {.usage = sends_usage(profile, request, setup.fault),
          .continuous_usage = sends_continuous_usage(profile, request, setup.fault),
          .id = setup.truth.response_id,
          .model = model_named(profile, request),
          .created = setup.created,
          .prompt_tokens = setup.truth.prompt_tokens + (odd ? setup.truth.prompt_tokens % 2 : 0),
          .inputs = request.inputs,
          .results = request.results - (faulty(FaultKind::kMissingResult) ? 1 : 0),
          .empty_result = faulty(FaultKind::kEmptyResult) ? request.results : 0,
          .dimensions = request.dimensions,
          .base64 = request.base64,
          .seed = setup.seed};
}

}  // namespace

Response::Response(boost::asio::io_context& io, const SimulatorProfile& profile,
                   const ApiRequest& request, const ResponseSetup& setup,
                   std::function<void(uint64_t)> ended)
    : io_(io),
      profile_(profile),
      wire_(profile.wire),
      id_(setup.id),
      connection_(setup.connection),
      stream_(request.stream),
      generates_(request.api->generates),
      results_(request.results),
      asked_keep_alive_(setup.keep_alive && !setup.http_1_0),
      keep_alive_(asked_keep_alive_ && !(request.stream && profile.wire.close_after)),
      http_1_0_(setup.http_1_0),
      seed_(setup.seed),
      finish_reason_(setup.finish_reason),
      fault_(setup.fault),
      truth_(setup.truth),
      writer_(request.api->make_writer(profile.wire, profile.dialect,
                                       answer_of(profile, request, setup))),
      ended_(std::move(ended)),
      comments_(io),
      stall_(io),
      continuous_usage_(sends_continuous_usage(profile, request, setup.fault)) {
  if (request.api->reasons) {
    reasoning_tokens_ = std::min(wire_.reasoning_tokens, setup.output_tokens);
  }
  if (fault_ != nullptr && is_of_the_whole(fault_->kind, generates_)) {
    truth_.fault = name_of(fault_->kind);
  }
}

void Response::begin() {
  if (!stream_ || over_) return;
  if (wire_.headers == WireProfile::Headers::kEarly) send_head();
  if (wire_.comment_interval > Duration(0)) schedule_comment();
}

void Response::prefill_started(const EngineEvent& event) {
  truth_.prefill_start = event.at;
  truth_.cached_tokens = event.cached_tokens;
  if (stream_ && wire_.headers == WireProfile::Headers::kPrefill && !over_) send_head();
}

void Response::connection_lost() {
  if (over_) return;
  truth_.client_closed = !done_sent_;  // after [DONE] it has lost nothing
  finish();
}

void Response::abandon() {
  finish();
}

// Headers and comments.

void Response::append_head(std::string& out) {
  if (head_sent_) return;
  head_sent_ = true;
  out += response_head(
      {.content_type = "text/event-stream", .keep_alive = asked_keep_alive_, .http_1_0 = http_1_0_},
      profile_.dialect);
}

void Response::send_head() {
  if (head_sent_) return;
  std::string head;
  append_head(head);
  if (faulty(FaultKind::kSlowHeaders)) {
    connection_->write_slowly(head, fault_->duration);
  } else {
    write(head);
  }
}

void Response::schedule_comment() {
  comments_.expires_after(wire_.comment_interval);
  comments_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (!error && self && !self->over_ && !self->opened_) self->send_comment();
  });
}

void Response::send_comment() {
  send_head();
  payload_.clear();
  writer_->comment(payload_);
  out_.clear();
  append_payload(out_);
  write(out_);
  schedule_comment();
}

// Tokens.

void Response::tokens(const EngineEvent& event) {
  if (over_) return;
  if (stalled_) {
    backlog_.push_back(event);
  } else {
    handle(event);
  }
}

void Response::handle(const EngineEvent& event) {
  given_ += event.tokens;
  ++steps_;
  if (first_at_ == Instant{}) first_at_ = event.at;
  last_at_ = event.at;
  if (!stream_) {
    if (event.last) send_plain(event);
    return;
  }
  const bool waits = given_ - truth_.output_tokens < wire_.tokens_per_chunk;
  if (waits && !event.last) return;
  if (inject_before_chunk(event)) return;
  send_chunk(event);
}

bool Response::inject_before_chunk(const EngineEvent& event) {
  if (fault_ == nullptr || !truth_.fault.empty()) return false;
  if (static_cast<int64_t>(truth_.chunks.size()) != fault_->after_chunks) return false;
  truth_.fault = name_of(fault_->kind);
  out_.clear();
  payload_.clear();
  switch (fault_->kind) {
    case FaultKind::kReset:
      connection_->reset();
      finish();
      return true;
    case FaultKind::kTruncate:
      connection_->close();
      finish();
      return true;
    case FaultKind::kStall:
      stall(event);
      return true;
    case FaultKind::kMalformedJson:
      send_malformed();
      return false;
    case FaultKind::kErrorEvent: {
      writer_->error({.status = 500,
                      .message = "the engine has failed (injected)",
                      .type = "InternalServerError"},
                     payload_);
      const bool done = profile_.dialect == Dialect::kVllm || profile_.dialect == Dialect::kSglang;
      if (done) writer_->done(payload_);
      break;
    }
    case FaultKind::kDoneOnly:
      writer_->done(payload_);
      break;
    case FaultKind::kFinishError:
      writer_->tokens({}, progress(), "network_error", payload_);
      writer_->done(payload_);
      truth_.finish_reason = writer_->spelt("network_error");
      break;
    case FaultKind::kSilentError:
      writer_->silent_error(payload_);
      writer_->done(payload_);
      break;
    case FaultKind::kEarlyEnd:
      given_ = truth_.output_tokens;
      send_tail("stop");
      return true;
    case FaultKind::kRefuse:
    case FaultKind::kStatus:
    case FaultKind::kMissingDone:
    case FaultKind::kMissingUsage:
    case FaultKind::kWrongUsage:
    case FaultKind::kOddUsage:
    case FaultKind::kSlowHeaders:
    case FaultKind::kByteWrites:
    case FaultKind::kSilentEnd:
    case FaultKind::kMissingResult:
    case FaultKind::kEmptyResult:
      return false;
  }
  append_head(out_);
  append_payload(out_);
  end_body(out_);
  write(out_);
  finish();
  return true;
}

void Response::stall(const EngineEvent& event) {
  stalled_ = true;
  stall_.expires_after(fault_->duration);
  stall_.async_wait([weak = weak_from_this(), event](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (!error && self && !self->over_) self->go_on(event);
  });
}

void Response::go_on(const EngineEvent& event) {
  stalled_ = false;
  not_before_ = SteadyClock().now();
  send_chunk(event);
  const std::vector<EngineEvent> backlog = std::move(backlog_);
  for (const EngineEvent& later : backlog) {
    if (!over_) handle(later);
  }
}

void Response::send_malformed() {
  std::string whole;
  writer_->tokens({.text = " cut"}, progress(), {}, whole);
  payload_ = whole.substr(0, whole.size() * 2 / 3) + (wire_.crlf ? "\r\n\r\n" : "\n\n");
  append_head(out_);
  append_payload(out_);
  write(out_);
}

void Response::next_text(int64_t tokens, bool last, std::string& text) {
  text.clear();
  const bool wide = wire_.text != WireProfile::Text::kAscii;
  int64_t end = worded_ + tokens;
  if (wire_.text == WireProfile::Text::kHeldBack && !last && held_back(end - 1)) --end;
  for (; worded_ < end; ++worded_) {
    const bool hidden =
        wire_.thoughts == WireProfile::Thoughts::kHidden && worded_ < reasoning_tokens_;
    if (worded_ < wire_.silent_tokens || hidden) continue;
    text += output_word(seed_, worded_, wide && worded_ % 3 == 0);
  }
}

void Response::send_chunk(const EngineEvent& event) {
  const bool hides = wire_.thoughts == WireProfile::Thoughts::kHidden;
  const bool reasoning = worded_ < reasoning_tokens_ && !hides;
  next_text(given_ - worded_, event.last, text_);
  const bool empty_chunks = profile_.dialect != Dialect::kLlamacpp;
  const bool thinks = hides && worded_ <= reasoning_tokens_;
  if (text_.empty() && (!empty_chunks || thinks) && !event.last) return;
  payload_.clear();
  out_.clear();
  append_head(out_);
  if (!opened_) {
    opened_ = true;
    comments_.cancel();
    writer_->opening(payload_);
  }
  const bool closes = event.last && wire_.finish == WireProfile::Finish::kWithLastToken &&
                      !faulty(FaultKind::kMissingDone);
  writer_->tokens({.text = text_, .reasoning = reasoning}, progress(),
                  closes ? std::string_view(finish_reason_) : std::string_view(), payload_);
  append_payload(out_);
  id_sent_ = true;
  const Instant now = SteadyClock().now();
  if (!text_.empty() || continuous_usage_) note_chunk(now, event);
  write(out_);
  if (event.last && !over_) send_tail(finish_reason_);
}

void Response::note_chunk(Instant sent, const EngineEvent& event) {
  const int64_t tokens = continuous_usage_ ? given_ : worded_;
  if (truth_.chunks.empty() && wire_.thoughts == WireProfile::Thoughts::kHidden) {
    truth_.hidden_tokens = std::min(reasoning_tokens_, worded_);
  }
  truth_.chunks.push_back({.sent = sent, .tokens = tokens - truth_.output_tokens});
  truth_.output_tokens = tokens;
  const Duration lateness = sent - std::max(event.at, not_before_);
  lateness_sum_ += lateness;
  truth_.lateness_max = std::max(truth_.lateness_max, lateness);
}

void Response::send_tail(std::string_view reason) {
  payload_.clear();
  out_.clear();
  append_head(out_);
  if (!faulty(FaultKind::kMissingDone)) {
    writer_->closing(reason, progress(), payload_);
    if (!payload_.empty()) {
      append_payload(out_);
      id_sent_ = true;
    }
    payload_.clear();
    done_sent_ = true;
    truth_.finish_reason = writer_->spelt(reason);
    if (faulty(FaultKind::kSilentEnd)) return fall_silent();
    writer_->done(payload_);
  }
  if (!payload_.empty()) append_payload(out_);
  if (wire_.tail == Duration(0) || wire_.buffered) return end_stream();
  write(out_);
  out_.clear();
  stall_.expires_after(wire_.tail);
  stall_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (!error && self && !self->over_) self->end_stream();
  });
}

void Response::fall_silent() {
  write(out_);
  stall_.expires_after(fault_->duration);
  stall_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (error || !self || self->over_) return;
    self->connection_->close();
    self->finish();
  });
}

void Response::end_stream() {
  end_body(out_);
  write(out_);
  finish();
}

Progress Response::progress() const {
  const int64_t extra = faulty(FaultKind::kWrongUsage) ? 1 : 0;
  const auto ms = [](Instant from, Instant to) { return to_ms(to - from); };
  return {.cached_tokens = truth_.cached_tokens,
          .output_tokens = given_ + extra,
          .reasoning_tokens = std::min(reasoning_tokens_, given_),
          .steps = steps_,
          .prompt_ms = truth_.prefill_start ? ms(*truth_.prefill_start, first_at_) : 0,
          .predicted_ms = ms(first_at_, last_at_)};
}

// Bytes.

void Response::append_payload(std::string& out) const {
  if (payload_.empty()) return;  // an empty chunk would end the body
  if (http_1_0_) {
    out += payload_;
  } else {
    append_http_chunk(payload_, out);
  }
}

void Response::end_body(std::string& out) const {
  if (!http_1_0_) out += kLastHttpChunk;
}

void Response::hand_over_buffered() {
  if (buffered_.empty() || !connection_->open()) return;
  const Instant now = SteadyClock().now();
  for (TruthChunk& chunk : truth_.chunks) chunk.sent = now;
  connection_->write(buffered_);
}

void Response::write(std::string_view bytes) {
  if (wire_.buffered && stream_) {
    buffered_ += bytes;
    return;
  }
  if (faulty(FaultKind::kByteWrites)) return connection_->write_bytewise(bytes);
  if (wire_.text == WireProfile::Text::kSplit) {
    // Between two bytes of the first character that has several.
    const auto inside = std::find_if(bytes.begin(), bytes.end(), [](char c) {
      return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
    });
    const auto head = static_cast<size_t>(inside - bytes.begin());
    if (head < bytes.size()) {
      connection_->write(bytes.substr(0, head));
      return connection_->write_apart(bytes.substr(head));
    }
  }
  connection_->write(bytes);
}

void Response::finish() {
  if (over_) return;
  over_ = true;
  comments_.cancel();
  stall_.cancel();
  hand_over_buffered();
  truth_.end = SteadyClock().now();
  if (!id_sent_) truth_.response_id.clear();
  if (!head_sent_) truth_.status = 0;
  truth_.blocked_writes = connection_->blocked_writes();
  if (!truth_.chunks.empty()) {
    truth_.lateness_mean = lateness_sum_ / static_cast<int64_t>(truth_.chunks.size());
  }
  if (connection_->open()) connection_->end_response(keep_alive_);
  boost::asio::post(io_, [ended = ended_, id = id_] { ended(id); });
}

}  // namespace llmsweep::sim
