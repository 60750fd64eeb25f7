#include "dataset/exact_text.h"

#include <utf8proc.h>

#include <algorithm>
#include <utility>

namespace llmsweep {

namespace {

constexpr int kCuts = 8;         // boundaries tried, the latest first
constexpr int kSearches = 16;    // counts asked for where boundaries are not known
constexpr int64_t kNearly = 24;  // words that may be topped up after a search

// Whether a word that follows with a space before it leaves the text's last pre-token as it is:
// white space joins with what follows, marks and format characters with what stands before.
bool safe_end(std::string_view text) {
  if (text.empty()) return false;
  size_t at = text.size() - 1;
  while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) --at;
  utf8proc_int32_t code = 0;
  auto size = static_cast<utf8proc_ssize_t>(text.size() - at);
  auto bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data() + at);
  if (utf8proc_iterate(bytes, size, &code) != size) return false;
  switch (utf8proc_category(code)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_CN:
      return false;
    default:  // the library's enumeration is a plain int here
      return true;
  }
}

// The last place at or before `at`, and not before `least`, where a word ends; `least` if none.
size_t word_end(std::string_view text, size_t at, size_t least) {
  for (size_t i = std::min(at, text.size()); i > least; --i) {
    bool starts_character =
        i == text.size() || (static_cast<unsigned char>(text[i]) & 0xC0) != 0x80;
    bool ends_word = i == text.size() || text[i] == ' ' || text[i] == '\n' ||
                     static_cast<unsigned char>(text[i - 1]) >= 0x80;
    if (starts_character && ends_word && safe_end(text.substr(0, i))) return i;
  }
  return least;
}

}  // namespace

void ExactText::top_up(std::string& text, int64_t words, Random& random) const {
  for (int64_t i = 0; i < words; ++i) text += words_[random.below(words_.size())];
}

ExactText::Fit ExactText::fit(const std::string& head, int64_t tokens, const More& more,
                              Random& random) {
  if (!head.empty()) {
    int64_t alone = encoder_.count(head);
    if (alone >= tokens) return {.text = head, .exact = alone == tokens};
  }
  std::string text = head;
  auto goal = head.size() + static_cast<size_t>(tokens) * 4 + 64;
  for (;;) {
    bool ran_out = false;
    while (text.size() < goal && !ran_out) ran_out = !more(text);
    text = tokenizer_.normalize(text);
    std::vector<Boundary> boundaries = encoder_.boundaries(text, tokens);
    if (boundaries.empty())
      return fit_by_search(std::move(text), head.size(), tokens, more, random);
    int64_t have = boundaries.back().tokens;
    if (have >= tokens) {
      return fit_at_boundaries(text, head.size(), tokens, boundaries, random);
    }
    if (ran_out) return {.ran_out = true, .available = have};
    double bytes_per_token = static_cast<double>(text.size()) / static_cast<double>(have);
    goal = static_cast<size_t>(static_cast<double>(tokens) * bytes_per_token * 1.05) + 256;
    goal = std::max(goal, text.size() + 64);
  }
}

ExactText::Fit ExactText::fit_at_boundaries(const std::string& text, size_t head, int64_t tokens,
                                            std::span<const Boundary> boundaries, Random& random) {
  int tried = 0;
  for (size_t i = boundaries.size(); i > 0 && tried < kCuts; --i) {
    const Boundary& cut = boundaries[i - 1];
    if (cut.end < head) break;
    if (cut.tokens > tokens || !safe_end(std::string_view(text).substr(0, cut.end))) continue;
    int64_t missing = tokens - cut.tokens;
    if (missing > 0 && words_.empty()) continue;
    ++tried;
    std::string candidate = text.substr(0, cut.end);
    top_up(candidate, missing, random);
    // A control token may only arise where two records meet, but then the text ends a turn.
    bool good = encoder_.count(candidate) == tokens && !tokenizer_.holds_added_token(candidate);
    if (good) return {.text = std::move(candidate), .exact = true};
  }
  return {};
}

ExactText::Fit ExactText::fit_by_search(std::string text, size_t head, int64_t tokens,
                                        const More& more, Random& random) {
  int64_t have = encoder_.count(text);
  while (have < tokens) {
    size_t goal =
        text.size() * static_cast<size_t>(tokens + 1) / static_cast<size_t>(have + 1) + 64;
    while (text.size() < goal) {
      if (!more(text)) return {.ran_out = true, .available = have};
    }
    have = encoder_.count(text);
  }
  double bytes_per_token = static_cast<double>(text.size()) / static_cast<double>(have);
  auto bytes_of = [&](int64_t n) {
    return static_cast<size_t>(static_cast<double>(std::max<int64_t>(n, 1)) * bytes_per_token);
  };
  size_t at = word_end(text, bytes_of(tokens), head);
  int64_t counted = encoder_.count(std::string_view(text).substr(0, at));
  for (int i = 0; i < kSearches && (counted > tokens || counted < tokens - kNearly); ++i) {
    if (counted > tokens) {
      if (at == head) return {};
      size_t back = bytes_of(counted - tokens + 1);
      at = word_end(text, at > head + back ? at - back : head, head);
    } else {
      at = word_end(text, at + bytes_of(tokens - counted - 1), head);
    }
    counted = encoder_.count(std::string_view(text).substr(0, at));
  }
  if (counted > tokens || (counted < tokens && words_.empty())) return {};
  text.resize(at);
  for (int i = 0; i < kSearches && counted < tokens; ++i) {
    size_t before = text.size();
    top_up(text, tokens - counted, random);
    int64_t now = encoder_.count(text);
    if (now > tokens) {
      text.resize(before);  // a word took more than one token here: other words
    } else {
      counted = now;
    }
  }
  return {.text = std::move(text), .exact = counted == tokens};
}

}  // namespace llmsweep
