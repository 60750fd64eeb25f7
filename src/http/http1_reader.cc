#include "http/http1_reader.h"

#include <strings.h>

#include <algorithm>

#include "llmsweep/base/text.h"

namespace llmsweep::http {
namespace {

constexpr size_t kMaxSizeLine = 4096;
constexpr size_t kMaxTrailer = size_t{64} << 10;
constexpr int64_t kMaxChunk = int64_t{1} << 48;

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Behind the empty line that ends a head, looking from `from` on; 0 where there is none yet.
size_t find_head_end(std::string_view text, size_t from) {
  for (size_t at = text.find('\n', from); at != std::string_view::npos;
       at = text.find('\n', at + 1)) {
    if (text.substr(at + 1, 1) == "\n") return at + 2;
    if (text.substr(at + 1, 2) == "\r\n") return at + 3;
  }
  return 0;
}

bool has_token(std::string_view list, std::string_view token) {
  while (!list.empty()) {
    const size_t comma = std::min(list.find(','), list.size());
    if (equal_ignoring_case(trim(list.substr(0, comma)), token)) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

}  // namespace

void Http1Reader::begin() {
  phase_ = Phase::kHead;
  begun_ = false;
  head_complete_ = false;
  keep_alive_ = true;
  excess_ = false;
  chunked_ = false;
  has_length_ = false;
  head_too_long_ = false;
  status_ = 0;
  remaining_ = 0;
  broken_ = nullptr;
  head_.clear();
}

Http1Reader::State Http1Reader::state() const {
  switch (phase_) {
    case Phase::kHead:
      return State::kHead;
    case Phase::kDone:
      return State::kDone;
    case Phase::kBroken:
      return State::kBroken;
    case Phase::kLength:
    case Phase::kUntilClose:
    case Phase::kChunkSize:
    case Phase::kChunkData:
    case Phase::kChunkEnd:
    case Phase::kTrailer:
      break;
  }
  return State::kBody;
}

void Http1Reader::fail(const char* why) {
  phase_ = Phase::kBroken;
  broken_ = why;
}

void Http1Reader::feed(std::string_view bytes, EventArena& arena, std::string_view& body) {
  begun_ = begun_ || !bytes.empty();
  while (!bytes.empty()) {
    switch (phase_) {
      case Phase::kHead:
        read_head(bytes);
        break;
      case Phase::kLength:
      case Phase::kUntilClose:
      case Phase::kChunkData:
        take_body(bytes, arena, body);
        break;
      case Phase::kChunkSize:
        read_chunk_size(bytes);
        break;
      case Phase::kChunkEnd:
        read_chunk_end(bytes);
        break;
      case Phase::kTrailer:
        read_trailer(bytes);
        break;
      case Phase::kDone:
        excess_ = true;
        return;
      case Phase::kBroken:
        return;
    }
  }
}

void Http1Reader::end_of_stream() {
  keep_alive_ = false;
  if (phase_ == Phase::kUntilClose) phase_ = Phase::kDone;
}

void Http1Reader::take_body(std::string_view& bytes, EventArena& arena, std::string_view& body) {
  if (phase_ == Phase::kUntilClose) {
    body = arena.extend(body, bytes);
    bytes = {};
    return;
  }
  const size_t size = std::min(bytes.size(), static_cast<size_t>(remaining_));
  body = arena.extend(body, bytes.substr(0, size));
  bytes.remove_prefix(size);
  remaining_ -= static_cast<int64_t>(size);
  if (remaining_ == 0) phase_ = chunked_ ? Phase::kChunkEnd : Phase::kDone;
}

void Http1Reader::read_head(std::string_view& bytes) {
  const size_t before = head_.size();
  head_.append(bytes);
  constexpr std::string_view kStart = "HTTP/1.";
  const size_t compared = std::min(head_.size(), kStart.size());
  if (head_.compare(0, compared, kStart.substr(0, compared)) != 0) {
    return fail("it does not begin with HTTP/1");
  }
  const size_t end = find_head_end(head_, before < 3 ? 0 : before - 3);
  if (std::max(end, end == 0 ? head_.size() : 0) > max_head_bytes_) {
    head_too_long_ = true;
    return fail("its head is too long");
  }
  bytes.remove_prefix(end == 0 ? bytes.size() : end - before);
  if (end == 0) return;
  head_.resize(end);
  parse_head();
}

void Http1Reader::parse_head() {
  std::string_view rest = head_;
  for (bool first = true; !rest.empty() && phase_ == Phase::kHead; first = false) {
    const size_t end = rest.find('\n');
    const std::string_view line = trim(rest.substr(0, end));
    const bool continues = rest.front() == ' ' || rest.front() == '\t';
    rest.remove_prefix(end + 1);
    if (first && !parse_status_line(line)) return fail("its status line is malformed");
    if (!first && !line.empty() && !continues) parse_field(line);
  }
  if (phase_ == Phase::kHead) choose_framing();
}

// "HTTP/1.1 200 OK"
bool Http1Reader::parse_status_line(std::string_view line) {
  constexpr size_t kCode = 9;
  if (line.size() < kCode + 3 || line[8] != ' ' || (line[7] != '0' && line[7] != '1')) return false;
  status_ = 0;
  for (const char digit : line.substr(kCode, 3)) {
    if (digit < '0' || digit > '9') return false;
    status_ = status_ * 10 + (digit - '0');
  }
  if (line.size() > kCode + 3 && line[kCode + 3] != ' ') return false;
  keep_alive_ = line[7] == '1';
  return status_ >= 100;
}

void Http1Reader::parse_field(std::string_view line) {
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0) return fail("a header line has no name");
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = trim(line.substr(colon + 1));
  if (equal_ignoring_case(name, "content-length")) {
    const auto length = parse_int(value);
    const bool digits = value.find_first_not_of("0123456789") == std::string_view::npos;
    if (!length || !digits) return fail("its Content-Length is malformed");
    if (has_length_ && *length != remaining_) return fail("it has two values of Content-Length");
    has_length_ = true;
    remaining_ = *length;
  } else if (equal_ignoring_case(name, "transfer-encoding")) {
    if (equal_ignoring_case(value, "identity")) return;
    if (!equal_ignoring_case(value, "chunked")) return fail("its transfer coding is not chunked");
    chunked_ = true;
  } else if (equal_ignoring_case(name, "connection")) {
    if (has_token(value, "close")) keep_alive_ = false;
    if (has_token(value, "keep-alive")) keep_alive_ = true;
  }
}

void Http1Reader::choose_framing() {
  if (status_ == 101) return fail("it switches protocols, which nobody asked for");
  if (status_ < 200) {  // informational: the answer is still to come
    head_.clear();
    chunked_ = has_length_ = false;
    remaining_ = 0;
    return;
  }
  head_complete_ = true;
  if (status_ == 204 || status_ == 304) {
    remaining_ = 0;
    phase_ = Phase::kDone;
  } else if (chunked_) {
    if (has_length_) keep_alive_ = false;  // RFC 9112, 6.3: somebody may be smuggling
    remaining_ = 0;
    line_bytes_ = 0;
    digit_seen_ = in_extension_ = false;
    phase_ = Phase::kChunkSize;
  } else if (has_length_) {
    phase_ = remaining_ == 0 ? Phase::kDone : Phase::kLength;
  } else {
    keep_alive_ = false;
    phase_ = Phase::kUntilClose;
  }
}

void Http1Reader::read_chunk_size(std::string_view& bytes) {
  for (size_t i = 0; i < bytes.size(); ++i) {
    const char c = bytes[i];
    if (c == '\n') {
      if (!digit_seen_) return fail("a chunk has no size");
      bytes.remove_prefix(i + 1);
      line_bytes_ = line_start_ = 0;
      digit_seen_ = in_extension_ = false;
      phase_ = remaining_ == 0 ? Phase::kTrailer : Phase::kChunkData;
      return;
    }
    if (++line_bytes_ > kMaxSizeLine) return fail("the line of a chunk's size is too long");
    if (in_extension_) continue;
    const int digit = hex_digit(c);
    if (digit >= 0) {
      digit_seen_ = true;
      remaining_ = remaining_ * 16 + digit;
      if (remaining_ > kMaxChunk) return fail("a chunk is too large");
    } else if (digit_seen_ && (c == ';' || c == '\r' || c == ' ' || c == '\t')) {
      in_extension_ = true;
    } else {
      return fail("the size of a chunk is malformed");
    }
  }
  bytes = {};
}

void Http1Reader::read_chunk_end(std::string_view& bytes) {
  const char c = bytes.front();
  bytes.remove_prefix(1);
  if (c == '\n') {
    line_bytes_ = 0;
    phase_ = Phase::kChunkSize;
  } else if (c != '\r') {
    fail("a chunk is longer than its size");
  }
}

void Http1Reader::read_trailer(std::string_view& bytes) {
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (++line_bytes_ > kMaxTrailer) return fail("its trailer is too long");
    if (bytes[i] == '\n') {
      if (line_start_ == 0) {
        bytes.remove_prefix(i + 1);
        phase_ = Phase::kDone;
        return;
      }
      line_start_ = 0;
    } else if (bytes[i] != '\r') {
      ++line_start_;
    }
  }
  bytes = {};
}

}  // namespace llmsweep::http
