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
#include "protocol/finish_reason.h"
#include "protocol/header_block.h"
#include "protocol/json_outline.h"
#include "protocol/json_text.h"

namespace llmsweep {
namespace {

constexpr size_t kMaxEventBytes = size_t{16} << 20;
constexpr size_t kMaxPlainBytes = size_t{64} << 10;
constexpr size_t kExcerpt = 120;
constexpr std::string_view kSpace = " \t\r\n";

std::string_view without_space(std::string_view text) {
  const size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

inline std::string_view stripped(std::string_view text) {
  const bool usual = !text.empty() && text.front() > ' ' && text.back() > ' ';
  return usual ? text : without_space(text);
}

// Some gateways answer a stream with 201, or with 203 where they changed it.
bool is_success(int status) {
  return status >= 200 && status < 300;
}

bool holds_key(std::string_view json, std::string_view key) {
  return json.find(fmt::format("\"{}\"", key)) != std::string_view::npos;
}

// Several objects, a line each.
bool is_json_lines(std::string_view text) {
  const size_t end = text.find('\n');
  if (end == std::string_view::npos) return false;
  return stripped(text.substr(0, end)).ends_with('}') &&
         stripped(text.substr(end)).starts_with('{');
}

// An event's own word for a failure.
bool names_failure(std::string_view event_type) {
  return event_type == "error" || finish_kind(event_type) == FinishKind::kFailure;
}

size_t text_size(const Chunk& chunk) {
  if (!chunk.escaped) return chunk.answer_text.size() + chunk.other_text.size();
  return unescaped_size(chunk.answer_text) + unescaped_size(chunk.other_text);
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
  texts_->content_type = secrets_.excerpt(header_value(header_block, "content-type"), 80);
  texts_->encoding = secrets_.excerpt(header_value(header_block, "content-encoding"), 40);
  texts_->location = secrets_.excerpt(header_value(header_block, "location"));
  if (texts_->encoding == "identity") texts_->encoding.clear();
  if (status == 429 || status == 503) {
    const Duration monotonic = at.time_since_epoch();
    const auto now = realtime_offset_ ? std::optional(monotonic + *realtime_offset_) : std::nullopt;
    if (const auto wait = retry_after(header_block, now)) record_->retry_after_ms = wait->count();
  }
  if (!is_success(status)) {
    body_ = Body::kPlain;
  } else if (!texts_->encoding.empty()) {
    settle(Outcome::kProtocolError,
           "the answer has Content-Encoding " + texts_->encoding + ", which was not asked for", at);
  }
}

void ResponseReader::bytes(std::string_view bytes, ReadTime time, ChunkParser& parser) {
  if (finished_) return read_late_usage(bytes, parser);
  if (body_ == Body::kUnknown) {
    bytes.remove_prefix(std::min(bytes.find_first_not_of(kSpace), bytes.size()));
    if (bytes.empty()) return;
    const bool plain = std::string_view("{[<\x1f").find(bytes.front()) != std::string_view::npos;
    body_ = plain ? Body::kPlain : Body::kEvents;
  }
  if (!api_->traits.generates && is_success(record_->http_status)) {
    texts_->plain += bytes;
    last_read_ = time;
    return;
  }
  if (body_ == Body::kPlain) {
    texts_->plain += bytes.substr(0, kMaxPlainBytes - texts_->plain.size());
    return;
  }
  const Instant at = time.at;
  last_read_ = time;
  events_.feed(bytes);
  SseEvent event;
  while (!finished_ && events_.next(event)) apply_event(event, at, parser);
  if (finished_) return read_late_usage({}, parser);
  if (events_.overflowed()) {
    settle(Outcome::kProtocolError, "an event of the stream is longer than 16 MiB", at);
  }
}

void ResponseReader::end(Instant at, ChunkParser& parser) {
  if (finished_) {
    // Until here the slot could not be used for another request.
    if (record_->outcome == Outcome::kOk) record_->end = std::max(*record_->end, at);
    return;
  }
  if (record_->http_status != 0 && !is_success(record_->http_status)) return settle_refused(at);
  if (!api_->traits.generates) return settle_results(at, parser);
  if (body_ == Body::kPlain) return settle_plain_answer(at);
  SseEvent event;
  while (!finished_ && events_.finish(event))
    apply_event(event, last_read_ ? last_read_->at : at, parser);
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
  if (!event.error.empty() || (!event.type.empty() && names_failure(event.type))) {
    std::string_view words = event.error.empty() ? payload : event.error;
    if (words.empty()) words = event.comment.empty() ? "it does not say which" : event.comment;
    return settle(Outcome::kProtocolError,
                  "server error" + after_chunks() + ": " + describe_server_error(words, secrets_),
                  at);
  }
  if (const Chunk* const known = parser.recognise(*api_, payload)) {
    ++payloads_;
    return apply_chunk(*known, payload, at);
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
  if (problem.empty()) {
    apply_chunk(chunk, payload, at);
    if (chunk.end && !finished_) end_of_stream(true, at);
    return;
  }
  // An error in a list, as Google's gateways send it.
  if (payload.front() == '[' && !read_server_error(payload).message.empty()) {
    return settle(Outcome::kProtocolError,
                  "server error" + after_chunks() + ": " + describe_server_error(payload, secrets_),
                  at);
  }
  settle(Outcome::kProtocolError,
         fmt::format("chunk {} is malformed ({}): {}", payloads_, printable(problem, kExcerpt),
                     secrets_.excerpt(json_outline(payload, kExcerpt), kExcerpt)),
         at);
}

void ResponseReader::apply_chunk(const Chunk& chunk, std::string_view payload, Instant at) {
  if (chunk.error) {
    const bool worded = !read_server_error(payload).message.empty();
    return settle(Outcome::kProtocolError,
                  "server error" + after_chunks() + ": " +
                      (worded ? describe_server_error(payload, secrets_)
                              : secrets_.excerpt(json_outline(payload, kExcerpt), kExcerpt)),
                  at);
  }
  if (chunk.has_choices) {
    choices_seen_ = true;
    if (!record_->first_choice) record_->first_choice = at;
    record_->last_choice = at;
  }
  note_names(chunk);
  if (chunk.server_prefill_us) record_->server_prefill_us = chunk.server_prefill_us;
  if (chunk.server_decode_us) record_->server_decode_us = chunk.server_decode_us;
  record_->repaired_chunks += chunk.repaired || chunk.misshapen ? 1 : 0;
  const int64_t chunks_before = record_->chunks;
  apply_tokens(chunk, at);
  if (chunk.finish_reason.empty()) return;
  finish_is_sure_ = chunks_before > 0;
  record_->finish_reason = secrets_.excerpt(chunk.finish_reason, 40);
  if (finish_kind(chunk.finish_reason) == FinishKind::kFailure) {
    settle(Outcome::kProtocolError,
           "the server gave up" + after_chunks() + ": finish_reason " + record_->finish_reason, at);
  }
}

void ResponseReader::note_names(const Chunk& chunk) {
  if (record_->response_id.empty() && !chunk.id.empty()) {
    record_->response_id = secrets_.excerpt(chunk.id);
  }
  if (model_seen_ || chunk.model.empty()) return;
  model_seen_ = true;
  if (!model_.empty() && chunk.model != model_) {
    record_->other_model = secrets_.excerpt(chunk.model);
  }
}

void ResponseReader::apply_tokens(const Chunk& chunk, Instant at) {
  const int64_t count = chunk.has_choices ? chunk.completion_tokens.value_or(0) : 0;
  // A message behind deltas says once more what these said.
  const bool repeats = chunk.in_message && deltas_seen_;
  const bool has_text = (chunk.answer || chunk.other_output) && !repeats;
  deltas_seen_ |= has_text && !chunk.in_message;
  const bool bears_token = has_text || (count_seen_ && tally_.rises_with(count) && !chunk.role &&
                                        chunk.finish_reason.empty());
  count_seen_ |= chunk.has_choices && chunk.completion_tokens.has_value();
  if (bears_token) {
    const std::optional<Instant> received = last_read_ ? last_read_->received : std::nullopt;
    const auto delay = received ? std::optional<Duration>(at - *received) : std::nullopt;
    if (!record_->first_token) {
      record_->first_token = at;
      record_->first_token_delay = delay;
    }
    if (chunk.answer && !record_->first_answer_token) {
      record_->first_answer_token = at;
      record_->first_answer_token_delay = delay;
    }
    record_->last_token = at;
    record_->last_token_delay = delay;
    if (trace_ != nullptr) trace_->add(at);
    finish_is_last_ = record_->finish_reason.empty();
    tally_.add({.at = at,
                .stalled = last_read_ && last_read_->stalled,
                .prompt = last_read_ && last_read_->prompt(),
                .count = count,
                .text_bytes = text_size(chunk),
                .thought = chunk.thought},
               *record_);
    if (keeps_text_) keep(chunk);
  }
  apply_usage(chunk, bears_token);
}

void ResponseReader::apply_usage(const Chunk& chunk, bool bears_token) {
  if (!chunk.completion_tokens && !chunk.prompt_tokens && !chunk.cached_tokens &&
      !chunk.reasoning_tokens && !chunk.uncached_tokens && !chunk.stored_tokens) {
    usage_is_last_ &= !bears_token;
    return;
  }
  // A server that counts alone says 0 where it has nothing to add, and others do at the end.
  const auto take = [](const std::optional<int64_t>& said, std::optional<int64_t>& kept) {
    if (said && (*said > 0 || !kept)) kept = said;
  };
  take(chunk.prompt_tokens, record_->input_tokens);
  take(chunk.cached_tokens, record_->cached_tokens);
  take(chunk.reasoning_tokens, record_->reasoning_tokens);
  take(chunk.completion_tokens, usage_output_);
  take(chunk.uncached_tokens, uncached_tokens_);
  take(chunk.stored_tokens, stored_tokens_);
  if (uncached_tokens_) {
    record_->input_tokens =
        *uncached_tokens_ + record_->cached_tokens.value_or(0) + stored_tokens_.value_or(0);
  }
  const bool counts = chunk.completion_tokens.value_or(0) > 0;
  if (counts) usage_total_ = chunk.total_tokens;
  if (bears_token) {
    usage_is_last_ = counts && !tally_.is_counted() && record_->chunks > 1;
  } else if (counts) {
    if (record_->chunks > 0) tally_.add_count(*chunk.completion_tokens);
    usage_is_last_ |= !tally_.is_counted() || !chunk.has_choices || !chunk.finish_reason.empty();
  }
}

// Of the answer's text, as the model wrote it.
void ResponseReader::keep(const Chunk& chunk) {
  for (const std::string_view text : {chunk.other_text, chunk.answer_text}) {
    if (chunk.escaped) {
      append_unescaped(texts_->output, text);
    } else {
      texts_->output += text;
    }
  }
}

void ResponseReader::count_text(const std::function<int64_t(std::string_view)>& tokens_of) {
  if (!finished_ || texts_->output.empty() || record_->token_source != TokenSource::kChunks) return;
  record_->output_tokens = std::max(tokens_of(texts_->output), int64_t{1});
  record_->token_source = TokenSource::kTokenizer;
  settle_tokens();
}

// Behind [DONE] nothing but usage is of interest, and only where none has come.
void ResponseReader::read_late_usage(std::string_view bytes, ChunkParser& parser) {
  if (record_->outcome != Outcome::kOk || usage_output_.value_or(0) > 0) return;
  if (!bytes.empty()) events_.feed(bytes);
  SseEvent event;
  while (events_.next(event)) {
    Chunk chunk;
    const std::string_view payload = stripped(event.data);
    if (!payload.starts_with('{') || !parser.parse(*api_, payload, chunk).empty()) continue;
    if (chunk.error || chunk.completion_tokens.value_or(0) <= 0) continue;
    apply_usage(chunk, false);
    settle_counts();
  }
}

bool ResponseReader::answered() const {
  if (finished_ || record_->chunks == 0 || record_->finish_reason.empty() || !finish_is_last_) {
    return false;
  }
  const int64_t planned = record_->planned_output_tokens;
  return finish_is_sure_ || (planned > 0 && tally_.received(*record_) >= planned);
}

bool ResponseReader::is_complete() const {
  const int64_t planned = record_->planned_output_tokens;
  if (!record_->finish_reason.empty() && finish_is_last_) return true;
  return usage_is_last_ || planned == 0 || tally_.received(*record_) >= planned;
}

void ResponseReader::end_of_stream(bool done, Instant at) {
  if (record_->chunks > 0) {
    const bool ended = done || !record_->finish_reason.empty();
    if (ended && is_complete()) return settle(Outcome::kOk, {}, at);
    if (ended) {
      return settle(Outcome::kProtocolError,
                    fmt::format("the stream ended{} and nothing says that the answer of {} tokens "
                                "is complete: no usage, {}",
                                after_chunks(), record_->planned_output_tokens,
                                record_->finish_reason.empty()
                                    ? "no finish_reason"
                                    : "and finish_reason " + record_->finish_reason +
                                          " came before the last of its chunks"),
                    at);
    }
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
  if (!texts_->encoding.empty()) {
    error += ": the body is " + texts_->encoding + ", which was not asked for";
  } else if (!texts_->location.empty()) {
    error += ": redirected to " + texts_->location;
  } else if (!stripped(texts_->plain).empty()) {
    error += ": " + describe_server_error(texts_->plain, secrets_);
  }
  settle(Outcome::kHttpError, std::move(error), at);
}

void ResponseReader::settle_plain_answer(Instant at) {
  const std::string& plain = texts_->plain;
  const std::string type = texts_->content_type.empty() ? "no Content-Type" : texts_->content_type;
  std::string error;
  if (plain.starts_with("\x1f\x8b")) {
    error = "the answer is compressed (gzip), which was not asked for";
  } else if (const ServerError refused = read_server_error(plain); !refused.message.empty()) {
    error = "server error: " + describe_server_error(plain, secrets_);
  } else if (is_json_lines(plain)) {
    error = fmt::format(
        "the server streams lines of JSON where events (\"data: …\") are expected: does {} speak "
        "the "
        "{} API?",
        api_->traits.path, api_->words.standard);
  } else if (plain.front() == '{' && holds_key(plain, api_->words.answer_key)) {
    error = "the server answered with one JSON object instead of a stream: it ignored stream: true";
  } else {
    const bool json = plain.front() == '{' || plain.front() == '[';
    error = "the answer is no event stream (" + type +
            "): " + secrets_.excerpt(json ? json_outline(plain, kExcerpt) : plain, kExcerpt);
  }
  if (record_->http_status > 200) error = fmt::format("HTTP {}: {}", record_->http_status, error);
  settle(Outcome::kProtocolError, std::move(error), at);
}

void ResponseReader::settle(Outcome outcome, std::string error, Instant at) {
  finished_ = true;
  record_->outcome = outcome;
  tally_.close(*record_);
  settle_counts();
  record_->error = std::move(error);
  record_->end = at;
}

void ResponseReader::settle_counts() {
  RequestRecord& record = *record_;
  if (!api_->traits.generates) {
    record.token_source = TokenSource::kUsage;  // of none
    return;
  }
  const int64_t planned = record.planned_output_tokens;
  const int64_t of_usage = output_of_usage(record.reasoning_tokens.value_or(0));
  const bool at_limit = finish_is_last_ && record.outcome == Outcome::kOk &&
                        finish_kind(record.finish_reason) == FinishKind::kLimit;
  if (of_usage > 0 || (usage_output_ && record.chunks == 0)) {
    record.output_tokens = of_usage;
    record.token_source = TokenSource::kUsage;
  } else if (at_limit && planned >= record.chunks && planned > 0) {
    record.output_tokens = planned;
    record.token_source = TokenSource::kLimit;
  } else {
    record.output_tokens = record.chunks;
    record.token_source = TokenSource::kChunks;
  }
  settle_tokens();
}

void ResponseReader::settle_tokens() {
  RequestRecord& record = *record_;
  const bool stopped = finish_kind(record.finish_reason) == FinishKind::kStop;
  const bool of_usage = record.token_source == TokenSource::kUsage;
  const int64_t reasoning = of_usage ? record.reasoning_tokens.value_or(0) : 0;
  tally_.settle({.tokens = record.output_tokens,
                 .hidden = hidden_tokens(record.output_tokens, reasoning),
                 .ends_unseen = stopped && of_usage},
                record);
}

// 0: usage says nothing. Some servers leave reasoning out of the completion's tokens.
int64_t ResponseReader::output_of_usage(int64_t reasoning) const {
  if (const auto sum = tally_.sum_of_counts()) return *sum;
  const int64_t completion = usage_output_.value_or(0);
  const int64_t planned = record_->planned_output_tokens;
  const int64_t chunks = record_->chunks;
  const bool totalled = usage_total_ && record_->input_tokens;
  const int64_t generated = totalled ? *usage_total_ - *record_->input_tokens : 0;
  const int64_t both = completion + reasoning;
  if (reasoning > 0) {
    if (totalled && generated == both) return both;
    if (totalled && generated == completion) return completion;
    const bool shown = chunks > completion && chunks <= both;
    return reasoning > completion || shown || planned == both ? both : completion;
  }
  const bool shown = chunks > completion && chunks <= generated;
  if (completion > 0 && generated > completion && (shown || planned == generated)) {
    return generated;
  }
  return completion;
}

// Of reasoning tokens, those that were not streamed: all where no thought was; and where the
// thoughts that were are too short a text for them, a summary, the rest.
int64_t ResponseReader::hidden_tokens(int64_t output, int64_t reasoning) const {
  constexpr int64_t kEnoughToCompare = 8;
  const int64_t most = std::min(reasoning, output - 1);
  if (most <= 0) return 0;
  if (tally_.thought_chunks() == 0) return most;
  const auto answer_bytes = static_cast<double>(tally_.text_bytes() - tally_.thought_bytes());
  const int64_t answer_tokens = output - reasoning;
  if (answer_tokens < kEnoughToCompare || answer_bytes <= 0) return 0;
  const double shown = static_cast<double>(tally_.thought_bytes()) *
                       static_cast<double>(answer_tokens) / answer_bytes;
  const auto half = static_cast<double>(reasoning) / 2;
  const int64_t chunks = tally_.thought_chunks();
  if (shown >= half || static_cast<double>(chunks) >= half) return 0;
  return most - std::max(chunks, static_cast<int64_t>(std::llround(shown)));
}

std::string ResponseReader::after_chunks() const {
  if (record_->chunks == 0) return {};
  return fmt::format(" after {} token chunk{}", record_->chunks, record_->chunks == 1 ? "" : "s");
}

}  // namespace llmsweep
