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
  event_end_ = wire_.one_line_end ? newline_ : newline_ + newline_;
}

void EventWriter::event(std::string_view json, std::string& out) {
  out += event_head_;
  out += json;
  if (first_event_ && wire_.space_after_first) out += ' ';
  first_event_ = false;
  out += event_end_;
}

void EventWriter::comment(std::string& out) {
  out += ':' + wire_.comment + newline_ + newline_;
}

void EventWriter::silent_error(std::string& out) {
  out += "event: error" + newline_ + ": the worker of this request is gone (injected)" + newline_ +
         newline_;
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

}  // namespace llmsweep::sim
