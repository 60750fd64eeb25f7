#include "llmsweep/protocol/sse.h"

#include <cassert>
#include <cstring>

namespace llmsweep {
namespace {

constexpr size_t kLongestComment = 300;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

const char* find_or_end(const char* begin, const char* end, char wanted) {
  if (begin == end) return end;
  const void* found = std::memchr(begin, wanted, static_cast<size_t>(end - begin));
  return found != nullptr ? static_cast<const char*>(found) : end;
}

// The data of an event that ends where its line does.
bool is_whole_event(std::string_view data) {
  while (!data.empty() && (data.back() == ' ' || data.back() == '\t')) data.remove_suffix(1);
  return (data.starts_with('{') && data.ends_with('}')) || data == "[DONE]" || data == "\"[DONE]\"";
}

void append_line(std::string& text, std::string_view line) {
  if (!text.empty()) text += '\n';
  text += line;
}

}  // namespace

SseParser::SseParser(size_t max_event_bytes) : max_event_bytes_(max_event_bytes) {}

void SseParser::feed(std::string_view bytes) {
  assert(begin_ == end_ && "next() was not called until it returned false");
  begin_ = bytes.data();
  end_ = begin_ + bytes.size();
  first_lf_ = nullptr;
}

bool SseParser::next(SseEvent& event) {
  if (handed_out_) clear_event();
  if (take_usual_event(event) || take_held_line(event)) return true;
  Line line{};
  while (take_line(line)) {
    const bool complete = apply_line(line);
    if (line.in_partial) partial_.clear();
    if (complete) {
      hand_out(event);
      return true;
    }
  }
  keep_unfinished();
  return false;
}

bool SseParser::take_held_line(SseEvent& event) {
  if (!holds_line_) return false;
  holds_line_ = false;
  has_data_ = true;
  data_is_kept_ = true;
  kept_->data.swap(kept_->held);
  kept_->from = 0;
  hand_out(event);
  return true;
}

// One line of data between line feeds, all of it in the input: nearly every event of nearly every
// server.
bool SseParser::take_usual_event(SseEvent& event) {
  constexpr std::string_view kData = "data: ";
  const bool fresh = between_events_ && !skip_lf_ && partial_.empty();
  if (!fresh || !std::string_view(begin_, static_cast<size_t>(end_ - begin_)).starts_with(kData)) {
    return false;
  }
  const char* const data = begin_ + kData.size();
  if (first_lf_ == nullptr || first_lf_ < begin_) first_lf_ = find_or_end(data, end_, '\n');
  const auto size = static_cast<size_t>(first_lf_ - data);
  const bool usual = end_ - first_lf_ >= 2 && first_lf_[1] == '\n' && size > 0 &&
                     kData.size() + size <= max_event_bytes_ &&
                     find_or_end(data, first_lf_, '\r') == first_lf_;
  if (!usual) return false;
  event = {.type = {}, .data = {data, size}, .error = {}, .comment = {}};
  begin_ = first_lf_ + 2;
  return true;
}

bool SseParser::finish(SseEvent& event) {
  if (handed_out_) clear_event();
  if (overflowed_) return false;
  if (take_held_line(event)) return true;
  if (!partial_.empty()) apply_line({.text = partial_, .in_partial = true});
  partial_.clear();
  if (overflowed_ || !has_event()) return false;
  hand_out(event);
  return true;
}

bool SseParser::take_line(Line& line) {
  if (overflowed_ || begin_ == end_) return false;
  if (skip_lf_) {
    skip_lf_ = false;
    if (*begin_ == '\n' && ++begin_ == end_) return false;
  }
  if (first_lf_ == nullptr || first_lf_ < begin_) first_lf_ = find_or_end(begin_, end_, '\n');
  const char* stop = find_or_end(begin_, first_lf_, '\r');
  if (stop == end_) return false;

  line.text = std::string_view(begin_, static_cast<size_t>(stop - begin_));
  begin_ = stop + 1;
  if (*stop == '\r') {
    skip_lf_ = begin_ == end_;
    if (!skip_lf_ && *begin_ == '\n') ++begin_;
  }
  line.in_partial = !partial_.empty();
  if (line.in_partial) {
    partial_ += line.text;
    line.text = partial_;
  }
  overflowed_ = line.text.size() > max_event_bytes_;
  return !overflowed_;
}

bool SseParser::apply_line(Line line) {
  between_events_ = false;
  std::string_view text = line.text;
  if (at_start_) {
    at_start_ = false;
    if (text.substr(0, kByteOrderMark.size()) == kByteOrderMark) {
      text.remove_prefix(kByteOrderMark.size());
    }
  }
  if (text.empty()) {
    if (has_event()) return true;
    clear_event();
    return false;
  }
  const size_t colon = text.find(':');
  const std::string_view name = text.substr(0, colon);
  std::string_view value;
  if (colon != std::string_view::npos) value = text.substr(colon + 1);
  if (!value.empty() && value.front() == ' ') value.remove_prefix(1);

  if (name == "data") {
    return add_data(value, line.in_partial);
  } else if (name == "event") {
    kept_->type = value;
  } else if (name == "error") {
    append_line(kept_->error, value);
    overflowed_ = kept_->error.size() > max_event_bytes_;
  } else if (name.empty() && kept_->comment.size() < kLongestComment) {
    append_line(kept_->comment, value.substr(0, kLongestComment - kept_->comment.size()));
  }
  return false;
}

bool SseParser::parts_events(std::string_view next) const {
  const std::string_view data =
      data_is_kept_ ? std::string_view(kept_->data).substr(kept_->from) : data_in_input_;
  return is_whole_event(data) && next.starts_with('{') && is_whole_event(next);
}

bool SseParser::add_data(std::string_view value, bool in_partial) {
  if (!has_data_) {
    const bool whole = line_is_event_ && is_whole_event(value);
    has_data_ = true;
    data_is_kept_ = in_partial;
    if (value.empty()) {
      data_in_input_ = {};
      kept_->data.clear();
      kept_->from = 0;
    } else if (in_partial) {
      kept_->from = static_cast<size_t>(value.data() - partial_.data());
      kept_->data.swap(partial_);
    } else {
      data_in_input_ = value;
    }
    return whole;
  }
  if (parts_events(value)) {
    kept_->held = value;
    holds_line_ = true;
    line_is_event_ = true;
    return true;
  }
  if (!data_is_kept_) {
    kept_->data = data_in_input_;
    kept_->from = 0;
    data_is_kept_ = true;
  }
  kept_->data += '\n';
  kept_->data += value;
  overflowed_ = kept_->data.size() - kept_->from > max_event_bytes_;
  return false;
}

void SseParser::keep_unfinished() {
  if (has_data_ && !data_is_kept_) {
    kept_->data = data_in_input_;
    kept_->from = 0;
    data_is_kept_ = true;
  }
  if (!overflowed_ && begin_ != end_) {
    partial_.append(begin_, end_);
    overflowed_ = partial_.size() > max_event_bytes_;
  }
  begin_ = end_;
}

void SseParser::clear_event() {
  has_data_ = false;
  data_is_kept_ = false;
  handed_out_ = false;
  data_in_input_ = {};
  kept_->type.clear();
  kept_->error.clear();
  kept_->comment.clear();
  between_events_ = !holds_line_ && !overflowed_;
}

bool SseParser::has_event() const {
  if (!kept_->error.empty() || !kept_->type.empty()) return true;
  if (!has_data_) return false;
  return data_is_kept_ ? kept_->data.size() > kept_->from : !data_in_input_.empty();
}

void SseParser::hand_out(SseEvent& event) {
  handed_out_ = true;
  event.type = kept_->type;
  event.error = kept_->error;
  event.comment = kept_->comment;
  event.data = {};
  if (has_data_) {
    event.data = data_is_kept_ ? std::string_view(kept_->data).substr(kept_->from) : data_in_input_;
  }
}

}  // namespace llmsweep
