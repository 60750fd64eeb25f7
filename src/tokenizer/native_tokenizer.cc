#include "tokenizer/native_tokenizer.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "llmsweep/base/text.h"
#include "tokenizer/byte_alphabet.h"
#include "tokenizer/unicode.h"
#include "tokenizer/word_cache.h"

namespace llmsweep {

namespace {

constexpr int32_t kSpaceMarkCode = 0x2581;  // ▁

// Follows marked text through the text that it was made from.
class SourceWalk {
 public:
  SourceWalk(std::string_view text, std::string_view mark) : text_(text), mark_(mark) {}

  size_t at() const { return at_; }  // bytes of the text that were followed
  // False: `marked` says something else.
  bool follow(std::string_view marked) {
    while (!marked.empty()) {
      const std::string_view left = text_.substr(at_);
      if (!mark_.empty() && marked.starts_with(mark_)) {
        if (left.starts_with(' ')) {
          ++at_;
        } else if (left.starts_with(mark_)) {
          at_ += mark_.size();
        }  // else it stands before a text that has none
        marked.remove_prefix(mark_.size());
      } else if (!left.empty() && left.front() == marked.front()) {
        ++at_;
        marked.remove_prefix(1);
      } else {
        return false;
      }
    }
    return true;
  }

 private:
  std::string_view text_;
  std::string_view mark_;
  size_t at_ = 0;
};

// Boundaries as they are found, until there are enough.
class BoundaryList {
 public:
  explicit BoundaryList(int64_t enough) : enough_(enough) {}

  // Whether more are wanted. What stands for no text, such as a space that is put before a piece,
  // belongs to what follows.
  bool add(size_t end, size_t tokens) {
    if (end == (ends_.empty() ? 0 : ends_.back().end)) return true;
    ends_.push_back({.end = end, .tokens = static_cast<int64_t>(tokens)});
    return ends_.back().tokens < enough_;
  }
  std::vector<Boundary> take() && { return std::move(ends_); }

 private:
  int64_t enough_;
  std::vector<Boundary> ends_;
};

// Gemma's runs of line feeds, CodeGen's of spaces: text like any other.
bool is_of_white_space(std::string_view text) {
  while (!text.empty()) {
    const Character c = character_at(text, 0);
    if (!is_white_space(c.code) && c.code != kSpaceMarkCode) return false;
    text.remove_prefix(c.bytes);
  }
  return true;
}

// "<0x0A>" is a byte.
bool is_byte(std::string_view token, char& byte) {
  if (token.size() != 6 || !token.starts_with("<0x") || token.back() != '>') return false;
  unsigned value = 0;
  const auto end = std::from_chars(token.data() + 3, token.data() + 5, value, 16);
  byte = static_cast<char>(value);
  return end.ec == std::errc() && end.ptr == token.data() + 5;
}

}  // namespace

class NativeEncoder final : public Encoder {
 public:
  explicit NativeEncoder(const NativeTokenizer& tokenizer) : tokenizer_(tokenizer) {}

  std::vector<int32_t> encode(std::string_view text, SpecialTokens special) override {
    encode_all(text, special);
    return ids_;
  }

  int64_t count(std::string_view text, SpecialTokens special) override {
    encode_all(text, special);
    return static_cast<int64_t>(ids_.size());
  }

  std::vector<Boundary> boundaries(std::string_view text, int64_t enough) override {
    ids_.clear();
    BoundaryList ends(enough);
    raw_.clear();
    tokenizer_.raw_added_.split(text, raw_);
    for (const Segment& segment : raw_) {
      const size_t begin = segment.end - segment.text.size();
      bool more = true;
      if (segment.id >= 0) {
        more = append_added(segment, ends);
      } else if (tokenizer_.parts_.model.by_characters) {
        more = append_characters(segment.text, begin, ends);
      } else {
        more = append_bytes(segment.text, begin, ends);
      }
      if (!more) break;
    }
    return std::move(ends).take();
  }

 private:
  // These give the boundaries of a segment, and whether more are wanted.
  bool append_added(const Segment& segment, BoundaryList& ends) {
    ids_.push_back(segment.id);
    return ends.add(segment.end, ids_.size());
  }

  bool append_bytes(std::string_view text, size_t offset, BoundaryList& ends) {
    segments_.clear();
    tokenizer_.normalized_added_.split(text, segments_);
    for (Segment segment : segments_) {
      const size_t begin = offset + segment.end - segment.text.size();
      segment.end += offset;
      if (segment.id >= 0) {
        if (!append_added(segment, ends)) return false;
        continue;
      }
      const bool at_start = begin == 0;
      for (const Piece& piece :
           tokenizer_.parts_.pre_tokenizer.split(segment.text, split_, at_start)) {
        encode_piece(piece.text);
        if (!ends.add(begin + piece.end, ids_.size())) return false;
      }
    }
    return true;
  }

  bool append_characters(std::string_view text, size_t offset, BoundaryList& ends) {
    marked_ = tokenizer_.parts_.marks(text);
    SourceWalk walk(text, tokenizer_.parts_.texts.mark);
    const auto go_on = [&](std::string_view part) {
      return walk.follow(part) && ends.add(offset + walk.at(), ids_.size());
    };
    segments_.clear();
    tokenizer_.normalized_added_.split(marked_, segments_);
    size_t done = 0;
    for (const Segment& segment : segments_) {
      const std::string_view part = std::string_view(marked_).substr(done, segment.end - done);
      const bool at_start = offset == 0 && done == 0;
      done = segment.end;
      if (segment.id >= 0) {
        ids_.push_back(segment.id);
        if (!go_on(part)) return false;
      } else if (!append_marked(segment.text, at_start, go_on)) {
        return false;
      }
    }
    return true;
  }

  template <class GoOn>
  bool append_marked(std::string_view text, bool at_start, const GoOn& go_on) {
    fixed_.clear();
    tokenizer_.fixed_.split(text, fixed_);
    size_t done = 0;
    for (const Segment& segment : fixed_) {
      const std::string_view part = text.substr(done, segment.end - done);
      const bool first = at_start && done == 0;
      done = segment.end;
      if (segment.id >= 0) {
        ids_.push_back(segment.id);
        if (!go_on(part)) return false;
      } else if (!append_pieces(segment.text, first, go_on)) {
        return false;
      }
    }
    return true;
  }

  template <class GoOn>
  bool append_pieces(std::string_view text, bool at_start, const GoOn& go_on) {
    for (const Piece& piece : tokenizer_.parts_.pre_tokenizer.split(text, split_, at_start)) {
      if (tokenizer_.parts_.unigram) {
        if (!append_best(piece.text, *tokenizer_.parts_.unigram, go_on)) return false;
        continue;
      }
      const bool whole = is_whole_token(piece.text);
      for (size_t begin = 0; begin < piece.text.size();) {
        const size_t end =
            whole ? piece.text.size() : tokenizer_.parts_.model.end_of_part(piece.text, begin);
        const std::string_view part = piece.text.substr(begin, end - begin);
        if (whole) {
          encode_piece(part);
        } else {
          encode_part(part);
        }
        if (!go_on(part)) return false;
        begin = end;
      }
    }
    return true;
  }

  template <class GoOn>
  bool append_best(std::string_view piece, const UnigramModel& model, const GoOn& go_on) {
    best_.clear();
    viterbi_.wants_ends = true;
    model.encode(piece, viterbi_, best_);
    viterbi_.wants_ends = false;
    size_t taken = 0;
    for (size_t begin = 0; begin < piece.size();) {
      const size_t end = model.end_of_part(piece, begin);
      for (; taken < best_.size() && viterbi_.ends[taken] <= end; ++taken) {
        ids_.push_back(best_[taken]);
      }
      if (!go_on(piece.substr(begin, end - begin))) return false;
      begin = end;
    }
    return true;
  }

  void encode_all(std::string_view text, SpecialTokens special) {
    ids_.clear();
    if (!simdjson::validate_utf8(text.data(), text.size())) {
      repaired_ = repair_utf8(text);
      text = repaired_;
    }
    if (special == SpecialTokens::kPlain) return encode_normalized(text, special, true);
    raw_.clear();
    tokenizer_.raw_added_.split(text, raw_);
    for (const Segment& segment : raw_) {
      if (segment.id >= 0) {
        ids_.push_back(segment.id);
      } else {
        encode_normalized(segment.text, special, segment.text.data() == text.data());
      }
    }
  }

  // `at_start`: nothing stands before it, no added token either.
  void encode_normalized(std::string_view text, SpecialTokens special, bool at_start) {
    const bool any = !text.empty();
    for (const Normalizer* step : {&tokenizer_.parts_.normalizer, &tokenizer_.parts_.marks}) {
      if (step->leaves_alone(text)) continue;
      normalized_ = (*step)(text);
      text = normalized_;
    }
    const TokenTexts& texts = tokenizer_.parts_.texts;
    if (any && text.empty() && texts.mark_for_nothing) text = texts.mark;
    if (special == SpecialTokens::kPlain) return encode_text(text, at_start);
    segments_.clear();
    tokenizer_.normalized_added_.split(text, segments_);
    for (const Segment& segment : segments_) {
      if (segment.id >= 0) {
        ids_.push_back(segment.id);
      } else {
        encode_text(segment.text, at_start && segment.text.data() == text.data());
      }
    }
  }

  void encode_text(std::string_view text, bool at_start) {
    if (tokenizer_.fixed_.empty()) return encode_pieces(text, at_start);
    fixed_.clear();
    tokenizer_.fixed_.split(text, fixed_);
    for (const Segment& segment : fixed_) {
      if (segment.id >= 0) {
        ids_.push_back(segment.id);
      } else {
        encode_pieces(segment.text, at_start && segment.text.data() == text.data());
      }
    }
  }

  void encode_pieces(std::string_view text, bool at_start) {
    for (const Piece& piece : tokenizer_.parts_.pre_tokenizer.split(text, split_, at_start)) {
      encode_piece(piece.text);
    }
  }

  bool is_whole_token(std::string_view piece) const {
    const BpeModel& model = tokenizer_.parts_.model;
    return model.ignore_merges && model.vocabulary.find(piece) != Vocabulary::kNone;
  }

  void encode_piece(std::string_view piece) {
    const NativeParts& parts = tokenizer_.parts_;
    if (parts.unigram) return parts.unigram->encode(piece, viterbi_, ids_);
    if (parts.pre_tokenizer.in_byte_alphabet()) {
      bytes_.clear();
      append_bytes_of(piece, bytes_);
      piece = bytes_;
    }
    if (!parts.model.by_characters) return encode_part(piece);
    if (is_whole_token(piece)) return parts.model.encode(piece, bpe_, ids_);
    for (size_t begin = 0; begin < piece.size();) {
      const size_t end = parts.model.end_of_part(piece, begin);
      encode_part(piece.substr(begin, end - begin));
      begin = end;
    }
  }

  void encode_part(std::string_view part) {
    if (part.size() > Words::kBytes) return merge_part(part);
    const uint64_t hash = hash_bytes(part);
    if (const Words::Entry* known = words_.find(part, hash)) {
      ids_.insert(ids_.end(), known->found.begin(), known->found.begin() + known->count);
      return;
    }
    const size_t before = ids_.size();
    merge_part(part);
    const std::span<const int32_t> ids = std::span(ids_).subspan(before);
    if (part.empty() || ids.size() > kWordIds) return;
    Words::Entry& entry = words_.put(part, hash);
    entry.count = static_cast<uint8_t>(ids.size());
    std::copy(ids.begin(), ids.end(), entry.found.begin());
  }

  void merge_part(std::string_view part) {
    const BpeModel& model = tokenizer_.parts_.model;
    if (model.by_characters) return model.merge(part, bpe_, ids_);
    model.encode(part, bpe_, ids_);
  }

  static constexpr size_t kWordIds = 8;  // an entry fills a line of the processor's cache
  using Words = WordCache<std::array<int32_t, kWordIds>>;

  const NativeTokenizer& tokenizer_;
  Words words_;  // short pieces of `model`, each with its ids
  SplitScratch split_;
  BpeScratch bpe_;
  UnigramScratch viterbi_;
  std::vector<int32_t> best_;
  std::vector<int32_t> ids_;
  std::vector<Segment> raw_;
  std::vector<Segment> segments_;
  std::vector<Segment> fixed_;
  std::string repaired_;
  std::string normalized_;
  std::string marked_;
  std::string bytes_;
};

NativeTokenizer::NativeTokenizer(NativeParts parts) : parts_(std::move(parts)) {
  for (const std::string& control : parts_.controls) {
    if (!control.empty()) controls_.add({.content = control});
  }
  for (const AddedToken& token : parts_.fixed) fixed_.add(token);
  for (const AddedToken& token : parts_.added) {
    auto id = static_cast<size_t>(token.id);
    if (id >= added_bytes_.size()) added_bytes_.resize(id + 1);
    std::string bytes;
    if (parts_.model.by_characters || !append_bytes_of(token.content, bytes)) bytes = token.content;
    added_bytes_[id] = std::move(bytes);
    const bool control = !is_of_white_space(token.content);
    if (!token.normalized) {
      raw_added_.add(token);
      if (control) controls_.add(token);
      continue;
    }
    AddedToken changed = token;
    changed.content = parts_.marks(parts_.normalizer(token.content));
    if (changed.content.empty()) continue;
    if (control) normalized_controls_.add(changed);
    normalized_added_.add(std::move(changed));
  }
}

std::unique_ptr<Encoder> NativeTokenizer::encoder() const {
  return std::make_unique<NativeEncoder>(*this);
}

std::string NativeTokenizer::decode(std::span<const int32_t> ids) const {
  std::string bytes;
  for (int32_t id : ids) append_token(id, bytes);
  size_t spaces = 0;
  while (static_cast<int64_t>(spaces) < parts_.texts.strip_left && bytes[spaces] == ' ') ++spaces;
  bytes.erase(0, spaces);
  return simdjson::validate_utf8(bytes) ? bytes : repair_utf8(bytes);
}

std::string NativeTokenizer::text_of(int32_t id) const {
  std::string bytes;
  append_token(id, bytes);
  return simdjson::validate_utf8(bytes) ? bytes : repair_utf8(bytes);
}

void NativeTokenizer::append_token(int32_t id, std::string& bytes) const {
  auto place = static_cast<size_t>(id);
  const bool added = id >= 0 && place < added_bytes_.size() && !added_bytes_[place].empty();
  std::string_view token =
      added ? std::string_view(added_bytes_[place]) : parts_.model.vocabulary.bytes_of(id);
  const TokenTexts& texts = parts_.texts;
  char byte = 0;
  if (texts.bytes && is_byte(token, byte)) {
    bytes += byte;
    return;
  }
  for (size_t mark = 0; !texts.mark.empty(); token.remove_prefix(mark + texts.mark.size())) {
    mark = token.find(texts.mark);
    if (mark == std::string_view::npos) break;
    bytes += token.substr(0, mark);
    bytes += ' ';
  }
  bytes += token;
}

std::string NativeTokenizer::normalize(std::string_view text) const {
  bool valid = simdjson::validate_utf8(text.data(), text.size());
  std::string whole = valid ? std::string(text) : repair_utf8(text);
  return parts_.normalizer.leaves_alone(whole) ? whole : parts_.normalizer(whole);
}

bool NativeTokenizer::holds_added_token(std::string_view text) const {
  if (controls_.found_in(text)) return true;
  if (normalized_controls_.empty()) return false;
  const bool changed = !parts_.normalizer.empty() || !parts_.marks.empty();
  return normalized_controls_.found_in(changed ? parts_.marks(normalize(text)) : text);
}

}  // namespace llmsweep
