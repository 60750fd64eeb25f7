#include "llmsweep/results/record_file.h"

#include <fmt/compile.h>
#include <fmt/format.h>

#include <iterator>
#include <optional>
#include <type_traits>

#include "llmsweep/base/text.h"
#include "llmsweep/model/names.h"
#include "results/record_keys.h"

namespace llmsweep {
namespace {

// Each writes `"key":value,`; the keys are ours and need no escapes.

template <class Value>
requires std::is_arithmetic_v<Value>
void write(std::string& out, std::string_view key, Value value) {
  fmt::format_to(std::back_inserter(out), FMT_COMPILE("\"{}\":{},"), key, value);
}

void write(std::string& out, std::string_view key, Instant value) {
  write(out, key, to_ns(value));
}

void write_null(std::string& out, std::string_view key) {
  fmt::format_to(std::back_inserter(out), FMT_COMPILE("\"{}\":null,"), key);
}

void write(std::string& out, std::string_view key, Duration value) {
  write(out, key, value.count());
}

void write(std::string& out, std::string_view key, const LoadPoint& value) {
  if (value.kind != LoadKind::kConcurrency) return write_null(out, key);
  write(out, key, value.concurrency());
}

void write(std::string& out, std::string_view key, const PointName<const LoadPoint>& value) {
  if (value.point.kind == LoadKind::kConcurrency) return;
  fmt::format_to(std::back_inserter(out), FMT_COMPILE("\"{}\":\"{}\","), key, name_of(value.point));
}

void write(std::string& out, std::string_view key, TraceId value) {
  if (!value) return;
  fmt::format_to(std::back_inserter(out), FMT_COMPILE("\"{}\":\"{}\","), key, to_hex(value));
}

template <class Value>
void write(std::string& out, std::string_view key, const std::optional<Value>& value) {
  if (value) return write(out, key, *value);
  write_null(out, key);
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

void write(std::string& out, std::string_view key, std::string_view value) {
  fmt::format_to(std::back_inserter(out), FMT_COMPILE("\"{}\":\""), key);
  if (is_valid_utf8(value)) {
    escape(out, value);
  } else {
    escape(out, repair_utf8(value));
  }
  out += "\",";
}

void write(std::string& out, std::string_view key, const std::string& value) {
  write(out, key, std::string_view(value));
}

template <class Value>
void write(std::string& out, std::string_view key, const OnlyIfAny<Value>& value) {
  if (value.value != std::remove_const_t<Value>{}) write(out, key, value.value);
}

template <class Enum>
requires std::is_enum_v<Enum>
void write(std::string& out, std::string_view key, Enum value) {
  write(out, key, name_of(value));
}

// Sparse: [[bucket, weight], …].
void write(std::string& out, std::string_view key, const Histogram& value) {
  fmt::format_to(std::back_inserter(out), FMT_COMPILE("\"{}\":["), key);
  for (const auto& [bucket, weight] : value.buckets()) {
    fmt::format_to(std::back_inserter(out), FMT_COMPILE("[{},{}],"), bucket, weight);
  }
  if (out.back() == ',') out.pop_back();
  out += "],";
}

template <class Key>
void write_key(std::string& out, const Key& key, const RequestRecord& record) {
  if constexpr (requires { key.of(record).has_value(); }) {
    if (key.presence == Presence::kInSomeLines && !key.of(record).has_value()) return;
  }
  write(out, key.name, key.of(record));
}

}  // namespace

std::string record_to_jsonl(const RequestRecord& record) {
  std::string out;
  out.reserve(1024);
  out += '{';
  std::apply([&](const auto&... key) { (write_key(out, key, record), ...); }, kRecordKeys);
  out.back() = '}';
  out += '\n';
  return out;
}

}  // namespace llmsweep
