#include <fmt/compile.h>
#include <fmt/format.h>

#include <iterator>

#include "llmsweep/base/text.h"
#include "llmsweep/model/names.h"
#include "llmsweep/results/record_file.h"

namespace llmsweep {
namespace {

// A member name of ours and its number: `"name":1,`.
template <class Int>
void number(std::string& out, std::string_view key, Int value) {
  fmt::format_to(std::back_inserter(out), FMT_COMPILE("\"{}\":{},"), key, value);
}

void flag(std::string& out, std::string_view key, bool value) {
  fmt::format_to(std::back_inserter(out), FMT_COMPILE("\"{}\":{},"), key, value);
}

template <class Int>
void number_or_null(std::string& out, std::string_view key, const std::optional<Int>& value) {
  if (value) return number(out, key, *value);
  fmt::format_to(std::back_inserter(out), FMT_COMPILE("\"{}\":null,"), key);
}

void instant(std::string& out, std::string_view key, const std::optional<Instant>& value) {
  number_or_null(out, key, value ? std::optional(to_ns(*value)) : std::nullopt);
}

void escape(std::string& out, std::string_view valid_utf8) {
  for (const char c : valid_utf8) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", byte);
    } else {
      out += c;
    }
  }
}

void text(std::string& out, std::string_view key, std::string_view value) {
  fmt::format_to(std::back_inserter(out), FMT_COMPILE("\"{}\":\""), key);
  if (is_valid_utf8(value)) {
    escape(out, value);
  } else {
    escape(out, repair_utf8(value));
  }
  out += "\",";
}

// Sparse: [[bucket, weight], …].
void histogram(std::string& out, std::string_view key, const Histogram& value) {
  fmt::format_to(std::back_inserter(out), FMT_COMPILE("\"{}\":["), key);
  for (const auto& [bucket, weight] : value.buckets()) {
    fmt::format_to(std::back_inserter(out), FMT_COMPILE("[{},{}],"), bucket, weight);
  }
  if (out.back() == ',') out.pop_back();
  out += "],";
}

}  // namespace

std::string record_to_jsonl(const RequestRecord& record) {
  std::string out;
  out.reserve(1024);
  out += '{';
  number(out, "level", record.run.point.concurrency());
  number(out, "repeat", record.run.repeat);
  flag(out, "superseded", record.superseded);
  number(out, "index", record.index);
  number(out, "slot", record.slot);
  number(out, "url", record.url);
  text(out, "phase", name_of(record.phase));
  text(out, "response_id", record.response_id);
  number(out, "scheduled_ns", to_ns(record.scheduled));
  instant(out, "sent_ns", record.sent);
  instant(out, "first_byte_ns", record.first_byte);
  instant(out, "first_token_ns", record.first_token);
  instant(out, "first_answer_token_ns", record.first_answer_token);
  instant(out, "last_token_ns", record.last_token);
  instant(out, "first_choice_ns", record.first_choice);
  instant(out, "last_choice_ns", record.last_choice);
  instant(out, "end_ns", record.end);
  number_or_null(out, "input_tokens", record.input_tokens);
  number(out, "planned_input_tokens", record.planned_input_tokens);
  number_or_null(out, "cached_tokens", record.cached_tokens);
  number(out, "output_tokens", record.output_tokens);
  text(out, "token_source", name_of(record.token_source));
  number(out, "chunks", record.chunks);
  number(out, "coalesced_chunks", record.coalesced_chunks);
  text(out, "outcome", name_of(record.outcome));
  number(out, "http_status", record.http_status);
  text(out, "error", record.error);
  number_or_null(out, "retry_after_ms", record.retry_after_ms);
  text(out, "finish_reason", record.finish_reason);
  number(out, "planned_output_tokens", record.planned_output_tokens);
  number(out, "first_chunk_tokens", record.first_chunk_tokens);
  flag(out, "reconnected", record.reconnected);
  number_or_null(out, "server_prefill_us", record.server_prefill_us);
  number_or_null(out, "server_decode_us", record.server_decode_us);
  histogram(out, "icl_hist", record.icl);
  histogram(out, "itl_hist", record.itl);
  out.back() = '}';
  out += '\n';
  return out;
}

}  // namespace llmsweep
