#include "llmsweep/base/private_text.h"

#include <algorithm>
#include <array>
#include <bitset>
#include <cstdint>
#include <cstring>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/spellings.h"

namespace llmsweep {
namespace {

constexpr size_t kRun = 16;
constexpr size_t kFewestLetters = 8;
constexpr size_t kSentFilterBits = 14;

constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// A letter or a digit; every byte of a character beyond ASCII is taken for one.
constexpr bool counts(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) ||
         static_cast<unsigned char>(c) >= 0x80;
}

constexpr char folded(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

// What each byte counts as: the letter in lower case, or 0.
constexpr std::array<char, 256> kLetter = [] {
  std::array<char, 256> letter{};
  for (size_t byte = 0; byte < letter.size(); ++byte) {
    const char c = static_cast<char>(byte);
    letter[byte] = counts(c) ? folded(c) : '\0';
  }
  return letter;
}();

// A prompt may be long: without a branch a byte.
std::string letters_of(std::string_view text) {
  std::string letters(text.size(), '\0');
  size_t size = 0;
  for (const char c : text) {
    const char letter = kLetter[static_cast<unsigned char>(c)];
    letters[size] = letter;
    size += letter == '\0' ? 0 : 1;
  }
  letters.resize(size);
  return letters;
}

struct Letters {
  std::string text;
  std::vector<size_t> from;  // text[i] stands at from[i]
};

Letters placed_letters_of(std::string_view text) {
  Letters letters{letters_of(text), {}};
  for (size_t i = 0; i < text.size(); ++i) {
    if (counts(text[i])) letters.from.push_back(i);
  }
  return letters;
}

uint64_t hash_of(const char* run) {
  uint64_t low = 0;
  uint64_t high = 0;
  std::memcpy(&low, run, 8);
  std::memcpy(&high, run + 8, 8);
  return (low * 0x9e3779b97f4a7c15) ^ (high * 0xc2b2ae3d27d4eb4f);
}

// The readings of a text that is searched, and where each run of kRun letters stands in it.
class Searched {
 public:
  explicit Searched(std::string_view text) : marks_(text.size()), readings_(readings_of(text)) {
    for (const Reading& reading : readings_) letters_.push_back(placed_letters_of(reading.text));
    for (size_t r = 0; r < letters_.size(); ++r) {
      const std::string& letters = letters_[r].text;
      for (size_t i = 0; i + kRun <= letters.size(); ++i) {
        const uint64_t hash = hash_of(letters.data() + i);
        runs_.emplace(hash, std::pair(r, i));
        filter_[hash >> (64 - kSentFilterBits)] = true;
      }
    }
  }

  void look_for(std::string_view sent) {
    const std::string letters = letters_of(sent);
    if (letters.size() < kRun) return look_for_all_of(letters);
    const size_t runs = letters.size() - kRun + 1;
    for (size_t i = 0; i < runs; ++i) {
      const uint64_t hash = hash_of(letters.data() + i);
      if (!filter_[hash >> (64 - kSentFilterBits)]) continue;
      const auto [first, last] = runs_.equal_range(hash);
      for (auto run = first; run != last; ++run) mark(run->second.first, run->second.second, kRun);
    }
  }

  void look_for_words_in(std::string_view sent) {
    for (size_t r = 0; r < readings_.size(); ++r) {
      const std::string& text = readings_[r].text;
      for (size_t at = 0; at < text.size();) {
        const size_t end = word_end(text, at);
        std::string_view word = std::string_view(text).substr(at, end - at);
        while (!word.empty() && !counts(word.back())) word.remove_suffix(1);  // a sentence's end
        if (word.size() >= kFewestLetters && std::any_of(word.begin(), word.end(), is_digit) &&
            sent.find(word) != std::string_view::npos) {
          mark_bytes(r, at, at + word.size());
        }
        at = std::max(end, at + 1);
      }
    }
  }

  // The text with every marked run replaced, and characters that a run cuts in two with it.
  std::string hidden(std::string_view text) const {
    std::string shown;
    bool hiding = false;
    for (size_t i = 0; i < text.size();) {
      size_t end = i + 1;
      while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) ++end;
      const auto first = marks_.begin() + static_cast<std::ptrdiff_t>(i);
      const auto last = marks_.begin() + static_cast<std::ptrdiff_t>(end);
      const bool marked = std::find(first, last, true) != last;
      if (!marked) shown += text.substr(i, end - i);
      if (marked && !hiding) shown += kHiddenPrompt;
      hiding = marked;
      i = end;
    }
    return shown;
  }

 private:
  static size_t word_end(std::string_view text, size_t at) {
    while (at < text.size() && (counts(text[at]) || std::string_view("-_.@").find(text[at]) !=
                                                        std::string_view::npos)) {
      ++at;
    }
    return at;
  }

  void look_for_all_of(const std::string& letters) {
    if (letters.size() < kFewestLetters) return;
    for (size_t r = 0; r < letters_.size(); ++r) {
      const std::string& text = letters_[r].text;
      for (size_t at = text.find(letters); at != std::string::npos;
           at = text.find(letters, at + 1)) {
        mark(r, at, letters.size());
      }
    }
  }

  void mark(size_t reading, size_t at, size_t size) {
    const std::vector<size_t>& from = letters_[reading].from;
    mark_bytes(reading, from[at], from[at + size - 1] + 1);
  }

  void mark_bytes(size_t reading, size_t from, size_t to) {
    std::fill(marks_.begin() + static_cast<std::ptrdiff_t>(readings_[reading].span(from).first),
              marks_.begin() + static_cast<std::ptrdiff_t>(readings_[reading].span(to - 1).second),
              true);
  }

  std::vector<bool> marks_;
  std::vector<Reading> readings_;
  std::vector<Letters> letters_;  // letters_[i] are of readings_[i]
  std::unordered_multimap<uint64_t, std::pair<size_t, size_t>> runs_;  // reading, place
  std::bitset<size_t{1} << kSentFilterBits> filter_;
};

}  // namespace

void hide_sent_text(std::string& text, std::span<const std::string_view> sent) {
  if (text.size() < kFewestLetters) return;
  Searched searched(text);
  for (const std::string_view one : sent) {
    searched.look_for(one);
    searched.look_for_words_in(one);
    // A text about code holds escapes of its own, which a reading of the answer has undone.
    if (one.find_first_of("\\%&") == std::string_view::npos) continue;
    const std::vector<Reading> readings = readings_of(one);
    for (size_t i = 1; i < readings.size(); ++i) searched.look_for(readings[i].text);
  }
  text = searched.hidden(text);
}

}  // namespace llmsweep
