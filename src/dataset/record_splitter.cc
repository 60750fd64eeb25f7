#include "dataset/record_splitter.h"

#include <cstring>

namespace llmsweep {

namespace {

bool is_space(char c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

}  // namespace

size_t RecordSplitter::skip_string(std::string_view bytes) {
  size_t from = 0;
  while (from < bytes.size()) {
    const void* found = std::memchr(bytes.data() + from, '"', bytes.size() - from);
    size_t quote =
        found ? static_cast<size_t>(static_cast<const char*>(found) - bytes.data()) : bytes.size();
    size_t slashes = 0;
    while (slashes < quote && bytes[quote - 1 - slashes] == '\\') ++slashes;
    bool odd = (slashes % 2) != 0;
    if (slashes == quote) odd ^= escaped_;  // they go on from the piece before
    if (!found) {
      escaped_ = odd;
      return bytes.size();
    }
    if (!odd) {
      in_string_ = false;
      escaped_ = false;
      return quote + 1;
    }
    // The quote itself is escaped, so it is no backslash: what follows starts afresh.
    from = quote + 1;
  }
  escaped_ = false;
  return bytes.size();
}

RecordSplitter::Event RecordSplitter::next(std::string_view bytes) {
  size_t i = 0;
  auto done = [&](Event event) {
    position_ += i;
    return event;
  };
  while (i < bytes.size()) {
    if (in_string_) {
      i += skip_string(bytes.substr(i));
      continue;
    }
    char c = bytes[i];
    if (state_ != State::kInList) {
      if (is_space(c)) {
        ++i;
      } else if (state_ == State::kAfterList) {
        return done(Event::kTrailing);
      } else if (c == '[') {
        state_ = State::kInList;
        depth_ = 1;
        ++i;
      } else {
        return done(Event::kNotAList);
      }
      continue;
    }
    ++i;
    switch (c) {
      case '"':
        in_string_ = true;
        if (depth_ == 1) scalar_ = true;
        break;
      case '{':
      case '[':
        if (++depth_ == 2) begin_ = position_ + i - 1;
        break;
      case '}':
      case ']':
        if (--depth_ == 1) return done(Event::kRecord);
        if (depth_ == 0) {
          state_ = State::kAfterList;
          if (scalar_) {
            scalar_ = false;
            return done(Event::kScalar);
          }
        }
        break;
      case ',':
        if (depth_ == 1 && scalar_) {
          scalar_ = false;
          return done(Event::kScalar);
        }
        break;
      case ' ':
      case '\n':
      case '\r':
      case '\t':
        break;
      default:
        if (depth_ == 1) scalar_ = true;
        break;
    }
  }
  return done(Event::kNeedMore);
}

}  // namespace llmsweep
