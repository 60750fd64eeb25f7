#include "tokenizer/native_tokenizer.h"

#include <simdjson.h>

#include <array>
#include <cstring>
#include <utility>

#include "llmsweep/base/text.h"
#include "tokenizer/byte_alphabet.h"

namespace llmsweep {

namespace {

// The ids of short pieces met before. Text repeats its words: nearly every look-up is a hit.
class WordCache {
 public:
  // Appends the ids of `piece`; false where it is not known.
  bool append(std::string_view piece, uint64_t hash, std::vector<int32_t>& ids) const {
    const Entry& entry = entries_[hash >> kShift];
    if (entry.bytes != piece.size() || std::memcmp(entry.text, piece.data(), piece.size()) != 0) {
      return false;
    }
    ids.insert(ids.end(), entry.ids, entry.ids + entry.count);
    return true;
  }
  void keep(std::string_view piece, uint64_t hash, std::span<const int32_t> ids) {
    if (ids.size() > kIds) return;
    Entry& entry = entries_[hash >> kShift];
    entry.bytes = static_cast<uint8_t>(piece.size());
    entry.count = static_cast<uint8_t>(ids.size());
    std::memcpy(entry.text, piece.data(), piece.size());
    std::copy(ids.begin(), ids.end(), entry.ids);
  }
  static constexpr size_t kBytes = 30;

 private:
  static constexpr size_t kIds = 8;
  static constexpr int kShift = 64 - 15;
  struct Entry {
    uint8_t bytes = 0;
    uint8_t count = 0;
    char text[kBytes];
    int32_t ids[kIds];
  };
  std::vector<Entry> entries_ = std::vector<Entry>(size_t{1} << (64 - kShift));
};

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
    std::vector<Boundary> ends;
    ids_.clear();
    for (const Piece& piece : tokenizer_.parts_.pre_tokenizer.split(text, split_)) {
      encode_piece(piece.text);
      auto tokens = static_cast<int64_t>(ids_.size());
      // A space that is put before the next piece, and split from it, belongs to that piece.
      if (piece.end == (ends.empty() ? 0 : ends.back().end)) continue;
      ends.push_back({.end = piece.end, .tokens = tokens});
      if (tokens >= enough) break;
    }
    return ends;
  }

 private:
  void encode_all(std::string_view text, SpecialTokens special) {
    ids_.clear();
    if (!simdjson::validate_utf8(text.data(), text.size())) {
      repaired_ = repair_utf8(text);
      text = repaired_;
    }
    if (special == SpecialTokens::kPlain) return encode_normalized(text, special);
    raw_.clear();
    tokenizer_.raw_added_.split(text, raw_);
    for (const Segment& segment : raw_) {
      if (segment.id >= 0) {
        ids_.push_back(segment.id);
      } else {
        encode_normalized(segment.text, special);
      }
    }
  }

  void encode_normalized(std::string_view text, SpecialTokens special) {
    const Normalizer& normalizer = tokenizer_.parts_.normalizer;
    if (!normalizer.leaves_alone(text)) {
      normalized_ = normalizer(text);
      text = normalized_;
    }
    if (special == SpecialTokens::kPlain) return encode_text(text);
    segments_.clear();
    tokenizer_.normalized_added_.split(text, segments_);
    for (const Segment& segment : segments_) {
      if (segment.id >= 0) {
        ids_.push_back(segment.id);
      } else {
        encode_text(segment.text);
      }
    }
  }

  void encode_text(std::string_view text) {
    for (const Piece& piece : tokenizer_.parts_.pre_tokenizer.split(text, split_)) {
      encode_piece(piece.text);
    }
  }

  void encode_piece(std::string_view piece) {
    const NativeParts& parts = tokenizer_.parts_;
    if (parts.pre_tokenizer.in_byte_alphabet()) {
      bytes_.clear();
      append_bytes_of(piece, bytes_);
      piece = bytes_;
    }
    if (piece.size() > WordCache::kBytes) return parts.model.encode(piece, bpe_, ids_);
    uint64_t hash = hash_bytes(piece);
    if (cache_.append(piece, hash, ids_)) return;
    size_t before = ids_.size();
    parts.model.encode(piece, bpe_, ids_);
    cache_.keep(piece, hash, std::span(ids_).subspan(before));
  }

  const NativeTokenizer& tokenizer_;
  WordCache cache_;
  SplitScratch split_;
  BpeScratch bpe_;
  std::vector<int32_t> ids_;
  std::vector<Segment> raw_;
  std::vector<Segment> segments_;
  std::string repaired_;
  std::string normalized_;
  std::string bytes_;
};

NativeTokenizer::NativeTokenizer(NativeParts parts) : parts_(std::move(parts)) {
  for (const AddedToken& token : parts_.added) {
    auto id = static_cast<size_t>(token.id);
    if (id >= added_bytes_.size()) added_bytes_.resize(id + 1);
    std::string bytes;
    if (!append_bytes_of(token.content, bytes)) bytes = token.content;
    added_bytes_[id] = std::move(bytes);
    if (!token.normalized) {
      raw_added_.add(token);
      continue;
    }
    AddedToken changed = token;
    changed.content = parts_.normalizer(token.content);
    if (!changed.content.empty()) normalized_added_.add(std::move(changed));
  }
}

std::unique_ptr<Encoder> NativeTokenizer::encoder() const {
  return std::make_unique<NativeEncoder>(*this);
}

std::string NativeTokenizer::decode(std::span<const int32_t> ids) const {
  std::string bytes;
  for (int32_t id : ids) {
    auto place = static_cast<size_t>(id);
    bool added = id >= 0 && place < added_bytes_.size() && !added_bytes_[place].empty();
    bytes += added ? std::string_view(added_bytes_[place]) : parts_.model.vocabulary.bytes_of(id);
  }
  return simdjson::validate_utf8(bytes) ? bytes : repair_utf8(bytes);
}

std::string NativeTokenizer::normalize(std::string_view text) const {
  bool valid = simdjson::validate_utf8(text.data(), text.size());
  std::string whole = valid ? std::string(text) : repair_utf8(text);
  return parts_.normalizer.leaves_alone(whole) ? whole : parts_.normalizer(whole);
}

bool NativeTokenizer::holds_added_token(std::string_view text) const {
  if (raw_added_.found_in(text)) return true;
  if (normalized_added_.empty()) return false;
  return normalized_added_.found_in(parts_.normalizer.empty() ? text : normalize(text));
}

}  // namespace llmsweep
