#include "simulator/wire.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace llmsweep::sim {
namespace {

std::string_view reason_phrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 413:
      return "Payload Too Large";
    case 422:
      return "Unprocessable Entity";
    case 429:
      return "Too Many Requests";
    case 500:
      return "Internal Server Error";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    default:
      return "Status";
  }
}

// A finish reason as JSON: null where there is none.
std::string finish_json(std::string_view finish) {
  return finish.empty() ? "null" : fmt::format("\"{}\"", finish);
}

}  // namespace

std::string response_head(const HeadOptions& options, Dialect dialect) {
  std::string head = fmt::format("HTTP/1.1 {} {}\r\nServer: llmsweep-simulator\r\n", options.status,
                                 reason_phrase(options.status));
  head += fmt::format("Content-Type: {}\r\n", options.content_type);
  if (options.content_length) {
    head += fmt::format("Content-Length: {}\r\n", *options.content_length);
  } else if (!options.http_1_0) {
    head += "Cache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n";
  }
  if (options.retry_after_s) head += fmt::format("Retry-After: {}\r\n", *options.retry_after_s);
  if (!options.keep_alive) {
    head += "Connection: close\r\n";
  } else if (dialect == Dialect::kLlamacpp) {
    head += "Keep-Alive: timeout=5, max=100\r\n";
  }
  return head + "\r\n";
}

void append_http_chunk(std::string_view payload, std::string& out) {
  std::array<char, 18> size{};
  const auto end = fmt::format_to(size.data(), "{:x}\r\n", payload.size());
  out.append(size.data(), static_cast<size_t>(end - size.data()));
  out.append(payload);
  out.append("\r\n");
}

std::string json_quoted(std::string_view text) {
  std::string quoted = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      quoted += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

std::string error_body(const ApiFailure& failure, Dialect dialect) {
  const std::string message = json_quoted(failure.message);
  const std::string type = json_quoted(failure.type);
  switch (dialect) {
    case Dialect::kTgi:
      return fmt::format(R"({{"error":{},"error_type":{}}})", message, type);
    case Dialect::kLlamacpp:
      return fmt::format(R"({{"error":{{"code":{},"message":{},"type":{}}}}})", failure.status,
                         message, type);
    case Dialect::kVllm:
    case Dialect::kSglang:
    case Dialect::kTrtllm:
    case Dialect::kOpenai:
      break;
  }
  const std::string param = failure.param.empty() ? "null" : json_quoted(failure.param);
  return fmt::format(R"({{"error":{{"message":{},"type":{},"param":{},"code":{}}}}})", message,
                     type, param, failure.status);
}

EventWriter::EventWriter(const WireProfile& wire, Dialect dialect, Answer answer)
    : wire_(wire),
      dialect_(dialect),
      answer_(std::move(answer)),
      newline_(wire.crlf ? "\r\n" : "\n") {
  if (!wire_.event_name.empty()) event_head_ = "event: " + wire_.event_name + newline_;
  event_head_ += wire_.data_space ? "data: " : "data:";
  chunk_head_ =
      fmt::format(R"({{"id":{},"object":"{}","created":{},"model":{},)", json_quoted(answer_.id),
                  answer_.chat ? "chat.completion.chunk" : "text_completion", answer_.created,
                  json_quoted(answer_.model));
  if (dialect_ == Dialect::kLlamacpp || dialect_ == Dialect::kOpenai || dialect_ == Dialect::kTgi) {
    chunk_head_ += R"("system_fingerprint":"simulated",)";
  }
  chunk_head_ += R"("choices":)";

  const std::string head = event_head_ + chunk_head_;
  if (!answer_.chat) {
    answer_head_ = reasoning_head_ = head + R"([{"index":0,"text":")";
    token_tail_ = '"' + choice_tail({}, nullptr);
  } else {
    const std::string role = dialect_ == Dialect::kTgi ? R"("role":"assistant",)"
                             : wire_.extra_nulls       ? R"("role":null,)"
                                                       : "";
    const std::string open = head + R"([{"index":0,"delta":{)" + role;
    const std::string nulls = wire_.extra_nulls ? R"(,"tool_calls":null)" : "";
    answer_head_ = open + R"("content":")";
    reasoning_head_ = open + (wire_.extra_nulls ? R"("content":null,)" : "") + '"' +
                      wire_.reasoning_field + R"(":")";
    token_tail_ = '"' + nulls + '}' + choice_tail({}, nullptr);
  }
  token_tail_ += newline_ + newline_;
}

std::string EventWriter::choice_tail(std::string_view finish, const Progress* progress) const {
  std::string tail;
  if (dialect_ != Dialect::kLlamacpp && dialect_ != Dialect::kTrtllm) tail += R"(,"logprobs":null)";
  // TensorRT LLM leaves nulls out of chat chunks.
  if (!finish.empty() || dialect_ != Dialect::kTrtllm || !answer_.chat) {
    tail += R"(,"finish_reason":)" + finish_json(finish);
  }
  if (dialect_ == Dialect::kSglang) tail += R"(,"matched_stop":null)";
  if (dialect_ == Dialect::kTrtllm && progress != nullptr && progress->steps > 0) {
    const double mean =
        static_cast<double>(progress->output_tokens) / static_cast<double>(progress->steps);
    tail += fmt::format(R"(,"avg_decoded_tokens_per_iter":{:.4f})", mean);
  }
  tail += "}]";
  if (progress != nullptr && answer_.continuous_usage) {
    tail += R"(,"usage":)" + usage_json(*progress);
  } else if (wire_.extra_nulls && !(progress != nullptr && usage_in_finish_chunk())) {
    tail += R"(,"usage":null)";
  }
  return tail + "}";
}

std::string EventWriter::usage_json(const Progress& progress) const {
  std::string json = fmt::format(R"({{"prompt_tokens":{},"completion_tokens":{},"total_tokens":{})",
                                 answer_.prompt_tokens, progress.output_tokens,
                                 answer_.prompt_tokens + progress.output_tokens);
  json += fmt::format(R"(,"prompt_tokens_details":{{"cached_tokens":{}}})", progress.cached_tokens);
  if (progress.reasoning_tokens > 0) {
    json += fmt::format(R"(,"completion_tokens_details":{{"reasoning_tokens":{}}})",
                        progress.reasoning_tokens);
  }
  return json + "}";
}

std::string EventWriter::timings_json(const Progress& progress) const {
  if (dialect_ != Dialect::kLlamacpp) return {};
  const auto rest = static_cast<double>(std::max<int64_t>(1, progress.output_tokens - 1));
  return fmt::format(
      R"(,"timings":{{"cache_n":{},"prompt_n":{},"prompt_ms":{:.3f},"predicted_n":{},)"
      R"("predicted_ms":{:.3f},"predicted_per_token_ms":{:.6f}}})",
      progress.cached_tokens, answer_.prompt_tokens - progress.cached_tokens, progress.prompt_ms,
      progress.output_tokens, progress.predicted_ms, progress.predicted_ms / rest);
}

bool EventWriter::usage_in_finish_chunk() const {
  if (!answer_.usage) return false;
  return wire_.usage == WireProfile::Usage::kFinishChunk ||
         (dialect_ == Dialect::kLlamacpp && !answer_.chat);
}

void EventWriter::event(std::string_view json, std::string& out) {
  out += event_head_;
  out += json;
  if (first_event_ && wire_.space_after_first) out += ' ';
  first_event_ = false;
  out += newline_;
  out += newline_;
}

void EventWriter::opening(std::string& out) {
  if (wire_.data_null) event("null", out);
  if (!answer_.chat || wire_.role_chunk == WireProfile::RoleChunk::kNone) return;
  const bool null = wire_.role_chunk == WireProfile::RoleChunk::kNull;
  std::string json = chunk_head_ + R"([{"index":0,"delta":{"role":"assistant","content":)" +
                     (null ? "null" : "\"\"") + '}';
  const Progress none;
  json += choice_tail({}, answer_.continuous_usage ? &none : nullptr);
  event(json, out);
}

void EventWriter::tokens(const TokenText& text, const Progress& progress, std::string_view finish,
                         std::string& out) {
  const std::string& head = text.reasoning ? reasoning_head_ : answer_head_;
  const size_t begin = out.size();
  out += head;
  out += text.text;
  const bool plain = finish.empty() && !answer_.continuous_usage &&
                     !(first_event_ && wire_.space_after_first) && dialect_ != Dialect::kTrtllm;
  if (plain) {
    first_event_ = false;
    out += token_tail_;
    return;
  }
  out += '"';
  if (answer_.chat) out += wire_.extra_nulls ? R"(,"tool_calls":null})" : "}";
  out += choice_tail(finish, &progress);
  if (!finish.empty() && usage_in_finish_chunk() && !answer_.continuous_usage) {
    out.pop_back();
    out += R"(,"usage":)" + usage_json(progress) + timings_json(progress) + "}";
  }
  const std::string json = out.substr(begin + event_head_.size());
  out.resize(begin);
  event(json, out);
}

void EventWriter::closing(std::string_view finish, const Progress& progress, std::string& out) {
  const bool in_finish = usage_in_finish_chunk();
  if (wire_.finish == WireProfile::Finish::kOwnChunk) {
    std::string json = chunk_head_;
    if (!answer_.chat) {
      json += R"([{"index":0,"text":"")";
    } else if (wire_.extra_nulls) {
      json += R"([{"index":0,"delta":{"role":null,"content":null,"reasoning_content":null})";
    } else {
      json += R"([{"index":0,"delta":{})";
    }
    json += choice_tail(finish, &progress);
    json.pop_back();
    if (in_finish && !answer_.continuous_usage) json += R"(,"usage":)" + usage_json(progress);
    const bool timings_here = in_finish || !answer_.usage;
    event(json + (timings_here ? timings_json(progress) : "") + "}", out);
  }
  if (answer_.usage && !in_finish) {
    event(chunk_head_ + R"([],"usage":)" + usage_json(progress) + timings_json(progress) + "}",
          out);
  }
}

void EventWriter::done(std::string& out) {
  if (!wire_.done) return;
  out += wire_.data_space ? "data: [DONE]" : "data:[DONE]";
  out += newline_;
  if (wire_.done_blank_line) out += newline_;
}

void EventWriter::comment(std::string& out) {
  out += ':' + wire_.comment + newline_ + newline_;
}

void EventWriter::error(const ApiFailure& failure, std::string& out) {
  switch (wire_.error_style) {
    case WireProfile::ErrorStyle::kField: {
      const std::string body = error_body(failure, dialect_);
      // {"error":{…}}: the old servers sent the inner object.
      out += "error: " + body.substr(9, body.size() - 10) + newline_ + newline_;
      return;
    }
    case WireProfile::ErrorStyle::kString:
      event(fmt::format(R"({{"error":{},"error_type":{}}})", json_quoted(failure.message),
                        json_quoted(failure.type)),
            out);
      return;
    case WireProfile::ErrorStyle::kObject:
      event(error_body(failure, dialect_), out);
      return;
  }
}

std::string EventWriter::plain(const TokenText& reasoning, const TokenText& answer,
                               std::string_view finish, const Progress& progress) const {
  std::string json =
      fmt::format(R"({{"id":{},"object":"{}","created":{},"model":{},"choices":[{{"index":0,)",
                  json_quoted(answer_.id), answer_.chat ? "chat.completion" : "text_completion",
                  answer_.created, json_quoted(answer_.model));
  if (answer_.chat) {
    json += R"("message":{"role":"assistant","content":)" + json_quoted(answer.text);
    if (!reasoning.text.empty()) {
      json += ",\"" + wire_.reasoning_field + "\":" + json_quoted(reasoning.text);
    }
    json += '}';
  } else {
    json += R"("text":)" + json_quoted(answer.text);
  }
  json += R"(,"logprobs":null,"finish_reason":)" + finish_json(finish) + "}]";
  if (answer_.usage) json += R"(,"usage":)" + usage_json(progress);
  return json + timings_json(progress) + "}";
}

}  // namespace llmsweep::sim
