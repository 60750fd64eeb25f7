#include "llmsweep/protocol/response.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "llmsweep/base/text.h"
#include "llmsweep/protocol/retry_after.h"
#include "protocol/api_dialect.h"
#include "protocol/chunk.h"
#include "protocol/error_text.h"
#include "protocol/header_block.h"
#include "protocol/json_outline.h"

namespace llmsweep {
namespace {

constexpr size_t kMaxEventBytes = size_t{16} << 20;
constexpr size_t kMaxPlainBytes = size_t{64} << 10;
constexpr size_t kExcerpt = 120;
constexpr std::string_view kSpace = " \t\r\n";

std::string_view stripped(std::string_view text) {
  if (!text.empty() && text.front() > ' ' && text.back() > ' ') return text;  // nearly always
  const size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

// Some gateways answer a stream with 201, or with 203 where they changed it.
bool is_success(int status) {
  return status >= 200 && status < 300;
}

bool holds_key(std::string_view json, std::string_view key) {
  return json.find(fmt::format("\"{}\"", key)) != std::string_view::npos;
}

// Each bucket's gap ÷ tokens_per_chunk, and as many times the weight. Weights are whole: what
// rounding leaves over is carried to the next bucket, so that their sum is right to a half.
Histogram per_token(const Histogram& per_chunk, double tokens_per_chunk) {
  Histogram scaled;
  double exact = 0;
  uint64_t given = 0;
  for (const auto& [bucket, weight] : per_chunk.buckets()) {
    exact += static_cast<double>(weight) * tokens_per_chunk;
    const auto due = static_cast<uint64_t>(std::llround(exact)) - given;
    if (due == 0) continue;
    given += due;
    const auto gap = static_cast<double>(Histogram::middle_of(bucket).count());
    scaled.add(Duration(static_cast<int64_t>(gap / tokens_per_chunk)), due);
  }
  return scaled;
}

}  // namespace

ResponseReader::ResponseReader(Api api, RequestRecord& record, Redactor secrets)
    : api_(&dialect_of(api)),
      record_(&record),
      secrets_(std::move(secrets)),
      events_(kMaxEventBytes) {}

void ResponseReader::headers(int status, std::string_view header_block, Instant at) {
  if (finished_ || (status >= 100 && status < 200)) return;
  record_->http_status = status;
  record_->first_byte = at;
  content_type_ = secrets_.excerpt(header_value(header_block, "content-type"), 80);
  encoding_ = secrets_.excerpt(header_value(header_block, "content-encoding"), 40);
  location_ = secrets_.excerpt(header_value(header_block, "location"));
  if (encoding_ == "identity") encoding_.clear();
  if (status == 429 || status == 503) {
    const Duration monotonic = at.time_since_epoch();
    const auto now = realtime_offset_ ? std::optional(monotonic + *realtime_offset_) : std::nullopt;
    if (const auto wait = retry_after(header_block, now)) record_->retry_after_ms = wait->count();
  }
  if (!is_success(status)) {
    body_ = Body::kPlain;
  } else if (!encoding_.empty()) {
    settle(Outcome::kProtocolError,
           "the answer has Content-Encoding " + encoding_ + ", which was not asked for", at);
  }
}

void ResponseReader::bytes(std::string_view bytes, Instant at, ChunkParser& parser) {
  if (finished_) return;
  if (body_ == Body::kUnknown) {
    bytes.remove_prefix(std::min(bytes.find_first_not_of(kSpace), bytes.size()));
    if (bytes.empty()) return;
    const bool plain = std::string_view("{[<\x1f").find(bytes.front()) != std::string_view::npos;
    body_ = plain ? Body::kPlain : Body::kEvents;
  }
  if (body_ == Body::kPlain) {
    plain_ += bytes.substr(0, kMaxPlainBytes - plain_.size());
    return;
  }
  last_read_ = at;
  events_.feed(bytes);
  SseEvent event;
  while (!finished_ && events_.next(event)) apply_event(event, at, parser);
  if (!finished_ && events_.overflowed()) {
    settle(Outcome::kProtocolError, "an event of the stream is longer than 16 MiB", at);
  }
}

void ResponseReader::end(Instant at, ChunkParser& parser) {
  if (finished_) return;
  if (record_->http_status != 0 && !is_success(record_->http_status)) return settle_refused(at);
  if (body_ == Body::kPlain) return settle_plain_answer(at);
  SseEvent event;
  if (events_.finish(event)) apply_event(event, last_read_.value_or(at), parser);
  if (!finished_) end_of_stream(false, at);
}

void ResponseReader::fail(Outcome outcome, std::string_view reason, Instant at) {
  if (finished_) return;
  const bool refused = record_->http_status != 0 && !is_success(record_->http_status);
  if (refused && outcome == Outcome::kTransportError) return settle_refused(at);
  settle(outcome, secrets_.excerpt(reason), at);
}

void ResponseReader::apply_event(const SseEvent& event, Instant at, ChunkParser& parser) {
  std::string_view payload = stripped(event.data);
  if (!event.error.empty() || event.type == "error") {
    const std::string_view words = event.error.empty() ? payload : event.error;
    return settle(Outcome::kProtocolError,
                  "server error" + after_chunks() + ": " + describe_server_error(words, secrets_),
                  at);
  }
  Chunk chunk;
  if (parser.recognise(*api_, payload, chunk)) {
    ++payloads_;
    return apply_chunk(chunk, payload, at);
  }
  const bool done = api_->take_end(event, payload);
  if (done) payload = stripped(payload);
  // "null" comes before the choices of some servers; ": …" is a comment that a proxy wrapped again.
  const bool blank = payload.empty() || payload == "null" || payload.front() == ':';
  if (!blank) apply_payload(payload, at, parser);
  if (done && !finished_) end_of_stream(true, at);
}

void ResponseReader::apply_payload(std::string_view payload, Instant at, ChunkParser& parser) {
  ++payloads_;
  Chunk chunk;
  const std::string_view problem = parser.parse(*api_, payload, chunk);
  if (problem.empty()) return apply_chunk(chunk, payload, at);
  settle(Outcome::kProtocolError,
         fmt::format("chunk {} is malformed ({}): {}", payloads_, printable(problem, kExcerpt),
                     secrets_.excerpt(json_outline(payload, kExcerpt), kExcerpt)),
         at);
}

void ResponseReader::apply_chunk(const Chunk& chunk, std::string_view payload, Instant at) {
  if (chunk.error) {
    return settle(Outcome::kProtocolError,
                  "server error" + after_chunks() + ": " + describe_server_error(payload, secrets_),
                  at);
  }
  if (chunk.has_choices) {
    choices_seen_ = true;
    if (!record_->first_choice) record_->first_choice = at;
    record_->last_choice = at;
  }
  if (record_->response_id.empty() && !chunk.id.empty()) {
    record_->response_id = secrets_.excerpt(chunk.id);
  }
  if (chunk.prompt_tokens) record_->input_tokens = chunk.prompt_tokens;
  if (chunk.cached_tokens) record_->cached_tokens = chunk.cached_tokens;
  if (chunk.server_prefill_us) record_->server_prefill_us = chunk.server_prefill_us;
  if (chunk.server_decode_us) record_->server_decode_us = chunk.server_decode_us;
  if (chunk.completion_tokens) usage_output_ = chunk.completion_tokens;
  apply_tokens(chunk, at);
  if (chunk.finish_reason.empty()) return;
  record_->finish_reason = secrets_.excerpt(chunk.finish_reason, 40);
  if (chunk.finish_reason == "error" || chunk.finish_reason == "abort") {
    settle(Outcome::kProtocolError,
           "the server gave up" + after_chunks() + ": finish_reason " + record_->finish_reason, at);
  }
}

void ResponseReader::apply_tokens(const Chunk& chunk, Instant at) {
  const int64_t count = chunk.has_choices ? chunk.completion_tokens.value_or(0) : 0;
  const bool silent_token =
      count_seen_ && count > counted_ && !chunk.role && chunk.finish_reason.empty();
  count_seen_ |= chunk.has_choices && chunk.completion_tokens.has_value();
  if (!chunk.answer && !chunk.other_output && !silent_token) return;

  if (++record_->chunks == 1) {
    record_->first_token = at;
    itl_from_usage_ = count > 0;
    if (itl_from_usage_) record_->first_chunk_tokens = count;
  }
  if (chunk.answer && !record_->first_answer_token) record_->first_answer_token = at;
  record_->last_token = at;
  if (trace_ != nullptr) trace_->add(at);

  if (arrival_chunks_ > 0 && at == arrival_) {
    ++record_->coalesced_chunks;
  } else {
    close_arrival();
    arrival_ = at;
  }
  ++arrival_chunks_;
  arrival_tokens_ += std::max<int64_t>(count - counted_, 0);
  counted_ = std::max(counted_, count);
}

// One token a chunk is the usual case, and keeping one histogram is quicker than two.
void ResponseReader::part_itl() {
  itl_is_icl_ = false;
  record_->itl = record_->icl;
}

void ResponseReader::close_arrival() {
  if (arrival_chunks_ == 0) return;
  if (previous_arrival_) {
    const Duration gap = arrival_ - *previous_arrival_;
    if (itl_is_icl_ && (itl_from_usage_ || arrival_chunks_ > 1)) part_itl();
    record_->icl.add(gap);
    if (!itl_is_icl_ && !itl_from_usage_) {
      record_->itl.add(gap / arrival_chunks_, static_cast<uint64_t>(arrival_chunks_));
    }
  }
  if (itl_from_usage_ && arrival_tokens_ > 0) {
    if (previous_counted_arrival_) {
      record_->itl.add((arrival_ - *previous_counted_arrival_) / arrival_tokens_,
                       static_cast<uint64_t>(arrival_tokens_));
    }
    previous_counted_arrival_ = arrival_;
  }
  previous_arrival_ = arrival_;
  arrival_chunks_ = 0;
  arrival_tokens_ = 0;
}

void ResponseReader::end_of_stream(bool done, Instant at) {
  if (record_->chunks > 0) {
    if (done || !record_->finish_reason.empty()) return settle(Outcome::kOk, {}, at);
    return settle(Outcome::kProtocolError,
                  fmt::format("the stream ended{} without {} and without finish_reason",
                              after_chunks(), api_->words.end),
                  at);
  }
  const bool counted = usage_output_.value_or(0) > 0;
  ended_without_text_ = (choices_seen_ || counted) && (done || !record_->finish_reason.empty());
  std::string error = "no tokens: the stream ended without model output";
  if (payloads_ == 0) {
    error = done ? fmt::format("no tokens: {} came without any chunk", api_->words.end)
                 : "no tokens: the answer is empty";
  } else if (!choices_seen_) {
    error = fmt::format("no tokens: none of {} events has {}; does {} speak the {} API?", payloads_,
                        api_->words.answer_key, api_->traits.path, api_->words.standard);
  } else if (!record_->finish_reason.empty()) {
    error += " (finish_reason " + record_->finish_reason + ")";
  }
  settle(Outcome::kProtocolError, std::move(error), at);
}

void ResponseReader::settle_refused(Instant at) {
  std::string error = fmt::format("HTTP {}", record_->http_status);
  if (!encoding_.empty()) {
    error += ": the body is " + encoding_ + ", which was not asked for";
  } else if (!location_.empty()) {
    error += ": redirected to " + location_;
  } else if (!stripped(plain_).empty()) {
    error += ": " + describe_server_error(plain_, secrets_);
  }
  settle(Outcome::kHttpError, std::move(error), at);
}

void ResponseReader::settle_plain_answer(Instant at) {
  const std::string type = content_type_.empty() ? "no Content-Type" : content_type_;
  std::string error;
  if (plain_.starts_with("\x1f\x8b")) {
    error = "the answer is compressed (gzip), which was not asked for";
  } else if (const ServerError refused = read_server_error(plain_); !refused.message.empty()) {
    error = "server error: " + describe_server_error(plain_, secrets_);
  } else if (plain_.front() == '{' && holds_key(plain_, api_->words.answer_key)) {
    error = "the server answered with one JSON object instead of a stream: it ignored stream: true";
  } else {
    const bool json = plain_.front() == '{' || plain_.front() == '[';
    error = "the answer is no event stream (" + type +
            "): " + secrets_.excerpt(json ? json_outline(plain_, kExcerpt) : plain_, kExcerpt);
  }
  if (record_->http_status > 200) error = fmt::format("HTTP {}: {}", record_->http_status, error);
  settle(Outcome::kProtocolError, std::move(error), at);
}

void ResponseReader::settle(Outcome outcome, std::string error, Instant at) {
  finished_ = true;
  settle_counts();
  record_->outcome = outcome;
  record_->error = std::move(error);
  record_->end = at;
}

void ResponseReader::settle_counts() {
  close_arrival();
  if (itl_is_icl_) part_itl();
  RequestRecord& record = *record_;
  const bool counted = usage_output_ && (*usage_output_ > 0 || record.chunks == 0);
  record.output_tokens = counted ? *usage_output_ : record.chunks;
  record.token_source = counted ? TokenSource::kUsage : TokenSource::kChunks;
  if (record.chunks == 0) return;
  if (record.first_token == record.last_token) record.first_chunk_tokens = record.output_tokens;
  record.first_chunk_tokens = std::min(record.first_chunk_tokens, record.output_tokens);
  // A stop is a token too, and has no chunk.
  const bool stop_counted = record.output_tokens > record.chunks && record.finish_reason == "stop";
  const int64_t in_chunks = record.output_tokens - (stop_counted ? 1 : 0);
  if (!itl_from_usage_ && in_chunks != record.chunks) {
    record.itl =
        per_token(record.itl, static_cast<double>(in_chunks) / static_cast<double>(record.chunks));
  }
}

std::string ResponseReader::after_chunks() const {
  if (record_->chunks == 0) return {};
  return fmt::format(" after {} token chunk{}", record_->chunks, record_->chunks == 1 ? "" : "s");
}

}  // namespace llmsweep
