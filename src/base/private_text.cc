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
constexpr size_t kWord = 8;
constexpr size_t kWideRun = 12;  // four characters of Chinese, Japanese or Korean
constexpr size_t kFewestLetters = 6;
constexpr size_t kSentFilterBits = 14;

// What errors, ends of answers and ids are made of: it says nothing about a prompt.
constexpr std::string_view kOrdinary =
    " "
    "abort accept accepted accepts access according action add additional address after again "
    "allow allowed already also alternate answer answered api application argument arguments "
    "assistant attempt attribute audio auth authentication authorization authorized available "
    "backend bad batch because before being body broken budget bytes call called calls "
    "canceled cancelled cannot certificate character characters chat chatcmpl check choices "
    "chunk chunked client closed cmpl code command complete completed completion completions "
    "concurrency concurrent configuration configured connect connection connections consider "
    "contact contain contains content context continuous correct could create credentials "
    "current currently data decode decoded decoding decrease default deployment description "
    "detail details detected did different disabled disallowed document does due during "
    "element embedding empty enabled encode encoded encoding end endpoint engine ensure error "
    "errors exceed exceeded exceeds exception exhausted exist exists expect expected "
    "expecting expired external extra failed failure failures false field fields filter "
    "finish finished following forbidden format found from function functions gateway general "
    "generate generated generation generic given greater handle handler handshake has have "
    "header headers help html http identifier ignored image images implemented inactive "
    "including incomplete incorrect increase index inference input inputs instance instead "
    "integer internal interrupted invalid json keep key keyword kind language large last "
    "later least length less level limit limited limits line list literal llmsweep load "
    "loaded local longer lower machine malformed maximum memory message messages method "
    "middle minimum minute minutes missing model models moment more must name negative nginx "
    "none not null number object of openai operation option optional organization other "
    "otherwise output outputs overload overloaded parameter parameters parse parsed parser "
    "parsing password path payload pending permission permitted please policy position "
    "positive possible present previous problem process processed processing processor prompt "
    "prompts property protocol provide provided provider proxy queue quota rate read reading "
    "reason reasoning receive received redacted redirected reduce reducing reference refused "
    "rejected remaining remote replace request requested requests require required requires "
    "resource resources response responses result resulted retries retry retrying return "
    "returned role roles running sampling schema second seconds select sequence sequences "
    "server servers service session shorten shorter should simulator size smaller something "
    "specified specify start started state status stop stopped stream streaming string "
    "support supported supports syntax system temperature template temporarily temporary "
    "terminated text than that the then there this through time timeout together token "
    "tokenize tokenized tokenizer tokens tool tools total traceback trailing transfer "
    "transport true truncated try type types unable unauthorized unavailable undefined "
    "unexpected unhandled unknown unprocessable unrecognized unspecified unsupported upstream "
    "usage user using valid validate validation value values version violated violation "
    "waiting which while within without worker would written wrong your ";

bool is_ordinary(std::string_view word) {
  return kOrdinary.find(" " + std::string(word) + " ") != std::string_view::npos;
}

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

uint64_t hash_of(const char* word) {
  uint64_t letters = 0;
  std::memcpy(&letters, word, kWord);
  return letters * 0x9e3779b97f4a7c15;
}

// Whether four characters that are written without spaces between words stand here.
bool is_wide_run(std::string_view letters) {
  if (letters.size() < kWideRun) return false;
  for (size_t i = 0; i < kWideRun; i += 3) {
    const auto lead = static_cast<unsigned char>(letters[i]);
    if (lead < 0xe3 || lead > 0xed) return false;
  }
  return true;
}

// The readings of a text that is searched, and where that begins in it which may not be repeated:
// each run of kRun letters, each word, each kWideRun.
class Searched {
 public:
  explicit Searched(std::string_view text) : marks_(text.size()), readings_(readings_of(text)) {
    for (const TextReading& reading : readings_)
      letters_.push_back(placed_letters_of(reading.text));
    for (size_t r = 0; r < letters_.size(); ++r) {
      const std::string_view letters = letters_[r].text;
      for (size_t i = 0; i + kWord <= letters.size(); ++i) {
        if (i + kRun <= letters.size()) add({r, i, kRun});
        if (is_wide_run(letters.substr(i))) add({r, i, kWideRun});
      }
      add_words(r);
    }
  }

  // "length", "stop": nearly all of the texts that are short.
  bool only_ordinary() const { return searched_.empty() && short_words_.empty() && ordinary_; }

  void look_for(std::string_view sent) {
    const std::string letters = letters_of(sent);
    if (letters.size() < kRun) look_for_all_of(letters);
    for (size_t i = 0; !searched_.empty() && i + kWord <= letters.size(); ++i) {
      const uint64_t hash = hash_of(letters.data() + i);
      if (!filter_[hash >> (64 - kSentFilterBits)]) continue;
      const auto [first, last] = searched_.equal_range(hash);
      for (auto found = first; found != last; ++found) {
        const Span& span = found->second;
        if (letters.compare(i, span.size, spelled(span)) == 0) mark(span);
      }
    }
    for (const Span& word : short_words_) {
      if (letters.find(spelled(word)) != std::string::npos) mark(word);
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
  struct Span {  // of the letters of a reading
    size_t reading;
    size_t at;
    size_t size;
  };

  std::string_view spelled(const Span& span) const {
    return std::string_view(letters_[span.reading].text).substr(span.at, span.size);
  }

  void add(const Span& span) {
    const uint64_t hash = hash_of(letters_[span.reading].text.data() + span.at);
    searched_.emplace(hash, span);
    filter_[hash >> (64 - kSentFilterBits)] = true;
  }

  // "PRIVATE-MARKER-12" and each of its parts: what a server puts before a word hides no word.
  void add_words(size_t reading) {
    const std::string_view text = readings_[reading].text;
    for (size_t at = 0, letter = 0; at < text.size();) {
      const Span word{reading, letter, 0};
      size_t end = at;
      bool ordinary = true;
      bool several = false;
      while (is_of_a_word(text, end)) {
        const Span part{reading, letter, part_size(text, end)};
        if (part.size == 0) {
          ++end;
          continue;
        }
        several |= part.at > word.at;
        letter += part.size;
        end += part.size;
        const bool listed = is_ordinary(spelled(part));
        ordinary &= listed;
        add_word(part, part.size, listed);
      }
      const bool stop = end > at && !counts(text[end - 1]);  // a sentence's end
      if (several)
        add_word({reading, word.at, letter - word.at}, end - at - (stop ? 1 : 0), ordinary);
      ordinary_ &= ordinary;
      at = std::max(end, at + 1);
    }
  }

  void add_word(const Span& word, size_t bytes, bool ordinary) {
    if (ordinary || bytes < kWord) return;
    const std::string_view letters = spelled(word);
    if (letters.size() >= kWord) return add(word);
    if (std::any_of(letters.begin(), letters.end(), is_digit)) short_words_.push_back(word);
  }

  static size_t part_size(std::string_view text, size_t at) {
    size_t end = at;
    while (end < text.size() && counts(text[end])) ++end;
    return end - at;
  }

  static bool is_of_a_word(std::string_view text, size_t at) {
    constexpr std::string_view kJoining = "-_.@";
    return at < text.size() && (counts(text[at]) || kJoining.find(text[at]) != std::string::npos);
  }

  void look_for_all_of(const std::string& letters) {
    if (letters.size() < kFewestLetters || is_ordinary(letters)) return;
    for (size_t r = 0; r < letters_.size(); ++r) {
      const std::string& text = letters_[r].text;
      for (size_t at = text.find(letters); at != std::string::npos;
           at = text.find(letters, at + 1)) {
        mark({r, at, letters.size()});
      }
    }
  }

  void mark(const Span& span) {
    const std::vector<size_t>& from = letters_[span.reading].from;
    mark_bytes(span.reading, from[span.at], from[span.at + span.size - 1] + 1);
  }

  void mark_bytes(size_t reading, size_t from, size_t to) {
    std::fill(marks_.begin() + static_cast<std::ptrdiff_t>(readings_[reading].span(from).first),
              marks_.begin() + static_cast<std::ptrdiff_t>(readings_[reading].span(to - 1).second),
              true);
  }

  std::vector<bool> marks_;
  std::vector<TextReading> readings_;
  std::vector<Letters> letters_;  // letters_[i] are of readings_[i]
  std::unordered_multimap<uint64_t, Span> searched_;
  bool ordinary_ = true;           // each word
  std::vector<Span> short_words_;  // of fewer letters than kWord
  std::bitset<size_t{1} << kSentFilterBits> filter_;
};

}  // namespace

void hide_sent_text(std::string& text, std::span<const std::string_view> sent) {
  if (text.size() < kFewestLetters) return;
  Searched searched(text);
  if (searched.only_ordinary()) return;
  for (const std::string_view one : sent) {
    searched.look_for(one);
    // A text about code holds escapes of its own, which a reading of the answer has undone.
    if (one.find_first_of("\\%&") == std::string_view::npos) continue;
    const std::vector<TextReading> readings = readings_of(one);
    for (size_t i = 1; i < readings.size(); ++i) searched.look_for(readings[i].text);
  }
  text = searched.hidden(text);
}

bool is_drawn_id(std::string_view id) {
  constexpr std::array<std::string_view, 8> kBeginnings = {"chatcmpl-", "cmpl-", "gen-", "msg_",
                                                           "resp_",     "req_",  "run-", "id-"};
  constexpr size_t kLetters = 6;  // in a row: a word
  constexpr size_t kDigits = 8;   // between separators: a number
  for (const std::string_view beginning : kBeginnings) {
    if (!id.starts_with(beginning)) continue;
    id.remove_prefix(beginning.size());
    break;
  }
  size_t letters = 0;
  size_t digits = 0;
  size_t part = 0;  // characters since the last separator
  bool upper = false;
  bool mixed_letters = false;
  bool mixed_digits = false;
  for (const char c : id) {
    const bool is_upper = c >= 'A' && c <= 'Z';
    const bool is_lower = c >= 'a' && c <= 'z';
    if (!is_upper && !is_lower && !is_digit(c) && c != '-' && c != '_') return false;
    const bool separator = c == '-' || c == '_';
    if (separator && digits >= kDigits && digits == part) return false;
    part = separator ? 0 : part + 1;
    digits = is_digit(c) ? digits + 1 : 0;
    // "Word" is one run: a capital may begin what goes on in small letters.
    const bool goes_on = letters > 0 && (is_upper == upper || (letters == 1 && upper && is_lower));
    letters = is_upper || is_lower ? (goes_on ? letters + 1 : 1) : 0;
    upper = is_upper;
    if (letters >= kLetters) return false;
    mixed_letters |= letters > 0;
    mixed_digits |= digits > 0;
  }
  const bool number = digits >= kDigits && digits == part;
  return mixed_letters && mixed_digits && !number && id.size() >= 16;
}

}  // namespace llmsweep
