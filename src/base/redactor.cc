#include "llmsweep/base/redactor.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <functional>

#include "base/spellings.h"
#include "llmsweep/base/text.h"

namespace llmsweep {
namespace {

constexpr size_t kShortest = 4;
constexpr size_t kPiece = 8;
constexpr size_t kFoldedPiece = 12;  // of letters and digits, whatever stands between them
// Longer texts are looked at in windows, so that the memory for their readings has a limit.
constexpr size_t kWindow = size_t{256} << 10;
constexpr size_t kLongestEscape = 12;
constexpr size_t kFilterBits = 16;

uint64_t piece_at(const char* text) {
  uint64_t piece = 0;
  std::memcpy(&piece, text, kPiece);
  return piece;
}

// What is sure of the base64 of a text that has `secret` after `before` other bytes: characters
// that its neighbours have a part in are left out.
std::string base64_inside(std::string_view secret, size_t before, std::string_view last_two) {
  std::string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  alphabet += last_two;
  std::string encoded;
  uint32_t bits = 0;
  int held = 0;
  const auto put = [&](unsigned char byte) {
    bits = (bits << 8) | byte;
    for (held += 8; held >= 6; held -= 6) encoded += alphabet[(bits >> (held - 6)) & 63];
  };
  for (size_t i = 0; i < before; ++i) put(0);
  for (const char c : secret) put(static_cast<unsigned char>(c));
  return encoded.substr(std::min((before * 8 + 5) / 6, encoded.size()));
}

bool is_of_a_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

// "local" of the model "my-local-model": a key that short is one that was made up for a server that
// wants none, and the model has to keep its name.
bool is_part_of_a_name(std::string_view text, size_t at, size_t size) {
  if (size >= kPiece) return false;
  const size_t end = at + size;
  return (at > 0 && is_of_a_name(text[at - 1])) || (end < text.size() && is_of_a_name(text[end]));
}

std::string hexadecimal(std::string_view secret, const char* digits) {
  std::string encoded;
  for (const char c : secret) {
    const auto byte = static_cast<unsigned char>(c);
    encoded += digits[byte >> 4];
    encoded += digits[byte & 15];
  }
  return encoded;
}

std::vector<std::string> spellings_of(const std::string& secret) {
  std::vector<std::string> spellings;
  for (TextReading& reading : readings_of(secret)) spellings.push_back(std::move(reading.text));
  if (secret.find(' ') != std::string::npos) {  // a form's spelling
    spellings.push_back(secret);
    std::replace(spellings.back().begin(), spellings.back().end(), ' ', '+');
  }
  if (secret.size() < kPiece) return spellings;
  for (const size_t before : {0, 1, 2}) {
    spellings.push_back(base64_inside(secret, before, "+/"));
    spellings.push_back(base64_inside(secret, before, "-_"));
  }
  spellings.push_back(hexadecimal(secret, "0123456789abcdef"));
  spellings.push_back(hexadecimal(secret, "0123456789ABCDEF"));
  return spellings;
}

}  // namespace

struct Redactor::Secrets {
  std::vector<std::string> spellings;  // at least kShortest bytes each
  size_t longest = 0;
  std::vector<uint64_t> pieces;            // sorted
  std::vector<std::string> folded;         // the letters and digits of spellings, 8 at least
  std::vector<std::string> folded_pieces;  // sorted
  // A bit for each hash of a piece: nearly every place of a text is dismissed by one look.
  std::array<uint64_t, (size_t{1} << kFilterBits) / 64> filter{};

  std::array<uint64_t, (size_t{1} << kFilterBits) / 64> folded_filter{};

  explicit Secrets(const std::vector<std::string>& secrets) {
    for (const std::string& secret : secrets) {
      if (secret.size() < kShortest) continue;
      for (std::string& spelling : spellings_of(secret)) add(std::move(spelling));
    }
    std::sort(pieces.begin(), pieces.end());
    std::sort(folded_pieces.begin(), folded_pieces.end());
  }

  void add(std::string spelling) {
    if (spelling.size() < kShortest) return;
    longest = std::max(longest, spelling.size());
    for (size_t i = 0; i + kPiece <= spelling.size(); ++i) {
      const uint64_t piece = piece_at(spelling.data() + i);
      pieces.push_back(piece);
      const uint64_t bit = hash(piece);
      filter[bit / 64] |= uint64_t{1} << (bit % 64);
    }
    std::string letters = folded_letters(spelling);
    for (size_t i = 0; i + kFoldedPiece <= letters.size(); ++i) {
      folded_pieces.push_back(letters.substr(i, kFoldedPiece));
      const uint64_t bit = hash(piece_at(letters.data() + i));
      folded_filter[bit / 64] |= uint64_t{1} << (bit % 64);
    }
    if (letters.size() >= kPiece) folded.push_back(std::move(letters));
    spellings.push_back(std::move(spelling));
  }

  static uint64_t hash(uint64_t piece) {
    return (piece * 0x9e3779b97f4a7c15) >> (64 - kFilterBits);
  }
  bool has_piece(const char* text) const {
    const uint64_t piece = piece_at(text);
    const uint64_t bit = hash(piece);
    return (filter[bit / 64] >> (bit % 64) & 1) != 0 &&
           std::binary_search(pieces.begin(), pieces.end(), piece);
  }

  bool holds_piece(std::string_view text) const {
    for (size_t i = 0; i + kPiece <= text.size(); ++i) {
      if (has_piece(text.data() + i)) return true;
    }
    return false;
  }

  // Whether a look at the readings can be spared: most texts hold no secret and no escape.
  bool clearly_clean(std::string_view text) const {
    if (text.find_first_of("\\%&") != std::string_view::npos) return false;
    if (holds_piece(text)) return false;
    const auto short_and_there = [&](const std::string& spelling) {
      return spelling.size() < kPiece && text.find(spelling) != std::string_view::npos;
    };
    if (std::any_of(spellings.begin(), spellings.end(), short_and_there)) return false;
    if (text.size() < kPiece || folded.empty()) return true;
    if (holds_folded(folded_letters(text))) return false;
    if (!may_list_numbers(text)) return true;
    const TextReading whole{.text = std::string(text), .spans = {}};
    return !holds_piece(listed_numbers(whole, 16).text) &&
           !holds_piece(listed_numbers(whole, 10).text);
  }

  bool has_folded_piece(std::string_view piece) const {
    const uint64_t bit = hash(piece_at(piece.data()));
    return (folded_filter[bit / 64] >> (bit % 64) & 1) != 0 &&
           std::binary_search(folded_pieces.begin(), folded_pieces.end(), piece, std::less<>());
  }

  bool holds_folded(std::string_view letters) const {
    for (size_t i = 0; i + kFoldedPiece <= letters.size(); ++i) {
      if (has_folded_piece(letters.substr(i, kFoldedPiece))) return true;
    }
    return std::any_of(folded.begin(), folded.end(), [&](const std::string& one) {
      return one.size() < kFoldedPiece && letters.find(one) != std::string_view::npos;
    });
  }

  // marks[i] becomes true where text[i] belongs to a secret.
  void mark(std::string_view text, Part part, End end, std::vector<bool>::iterator marks) const {
    for (const TextReading& reading : readings_of(text)) {
      mark_spelled(reading, part, marks);
      for (const uint32_t base : {16, 10}) mark_spelled(listed_numbers(reading, base), part, marks);
      mark_folded(folded_letters(reading), part, marks);
      if (end == End::kCut) {
        const size_t begun = begun_at_end(reading.text);
        if (begun > 0) mark_span(reading, reading.text.size() - begun, begun, marks);
      }
    }
  }

  static void mark_span(const TextReading& reading, size_t from, size_t size,
                        std::vector<bool>::iterator marks) {
    std::fill(marks + static_cast<std::ptrdiff_t>(reading.span(from).first),
              marks + static_cast<std::ptrdiff_t>(reading.span(from + size - 1).second), true);
  }

  void mark_spelled(const TextReading& reading, Part part,
                    std::vector<bool>::iterator marks) const {
    const std::string& read = reading.text;
    for (const std::string& spelling : spellings) {
      if (part == Part::kPieces && spelling.size() >= kPiece) continue;
      for (size_t at = read.find(spelling); at != std::string::npos;
           at = read.find(spelling, at + 1)) {
        const bool name = part == Part::kWhole && is_part_of_a_name(read, at, spelling.size());
        if (!name) mark_span(reading, at, spelling.size(), marks);
      }
    }
    if (part == Part::kWhole) return;
    for (size_t at = 0; at + kPiece <= read.size(); ++at) {
      if (has_piece(read.data() + at)) mark_span(reading, at, kPiece, marks);
    }
  }

  void mark_folded(const TextReading& reading, Part part, std::vector<bool>::iterator marks) const {
    const std::string_view read = reading.text;
    for (const std::string& letters : folded) {
      const bool in_pieces = part == Part::kPieces && letters.size() >= kFoldedPiece;
      if (in_pieces || (part == Part::kWhole && letters.size() < kFoldedPiece)) continue;
      for (size_t at = read.find(letters); at != std::string_view::npos;
           at = read.find(letters, at + 1)) {
        mark_span(reading, at, letters.size(), marks);
      }
    }
    if (part == Part::kWhole) return;
    for (size_t at = 0; at + kFoldedPiece <= read.size(); ++at) {
      if (has_folded_piece(read.substr(at, kFoldedPiece))) {
        mark_span(reading, at, kFoldedPiece, marks);
      }
    }
  }

  // How many of a spelling's first characters the text ends with.
  size_t begun_at_end(std::string_view text) const {
    size_t begun = 0;
    for (const std::string_view spelling : spellings) {
      for (size_t size = std::min(spelling.size(), text.size()); size >= kShortest; --size) {
        if (!text.ends_with(spelling.substr(0, size))) continue;
        begun = std::max(begun, size);
        break;
      }
    }
    return begun;
  }
};

Redactor::Redactor(const std::vector<std::string>& secrets)
    : secrets_(std::make_shared<const Secrets>(secrets)) {}

void Redactor::redact(std::string& text, Part part, End end) const {
  if (secrets_ == nullptr || secrets_->spellings.empty() || text.size() < kShortest) return;
  if (end == End::kWhole && secrets_->clearly_clean(text)) return;
  std::vector<bool> marks(text.size());
  const size_t overlap = secrets_->longest * kLongestEscape;
  for (size_t at = 0; at < text.size(); at += kWindow) {
    const std::string_view window = std::string_view(text).substr(at, kWindow + overlap);
    const bool last = at + window.size() == text.size();
    secrets_->mark(window, part, last ? end : End::kWhole,
                   marks.begin() + static_cast<std::ptrdiff_t>(at));
  }
  std::string redacted;
  for (size_t i = 0; i < text.size(); ++i) {
    if (!marks[i]) {
      redacted += text[i];
    } else if (i == 0 || !marks[i - 1]) {
      redacted += kRedacted;
    }
  }
  text = std::move(redacted);
}

std::string Redactor::excerpt(std::string_view text, size_t limit) const {
  if (secrets_ == nullptr) return printable(text, limit);
  const size_t looked_at = 8 * limit + 4096;  // escapes and secrets shrink
  const bool cut = text.size() > looked_at;
  std::string shown(text.substr(0, looked_at));
  redact(shown, Part::kPieces, cut ? End::kCut : End::kWhole);
  const bool short_of_limit = shown.size() < limit;
  shown = printable(shown, limit);
  return cut && short_of_limit ? shown + "…" : shown;
}

}  // namespace llmsweep
