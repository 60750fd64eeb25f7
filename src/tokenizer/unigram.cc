#include "tokenizer/unigram.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace llmsweep {

namespace {

constexpr double kNoOther = std::numeric_limits<double>::infinity();
// Where sums are floats and one falls below this, SentencePiece (0.2.3) counts from 0 again.
constexpr double kLowest = -100'000;

// Texts are mostly ASCII.
Character fast_character_at(std::string_view text, size_t at) {
  const auto byte = static_cast<unsigned char>(text[at]);
  return byte < 0x80 ? Character{.code = byte, .bytes = 1} : character_at(text, at);
}

}  // namespace

void UnigramModel::fall_back_to(const std::array<int32_t, 256>& byte_ids) {
  byte_ids_ = byte_ids;
  fallback_ = true;
  complete_ = std::none_of(byte_ids_.begin(), byte_ids_.end(),
                           [](int32_t id) { return id == Vocabulary::kNone; });
}

double UnigramModel::rounded(double score) const {
  return sums_ == Sums::kFloat ? static_cast<float>(score) : score;
}

void UnigramModel::add(std::string_view piece, int32_t id, double score) {
  added_.push_back({.text = std::string(piece), .id = id, .score = rounded(score)});
  if (id == unknown_) unknown_text_ = piece;
  const auto place = static_cast<size_t>(id);
  if (place >= known_.size()) known_.resize(place + 1);
  known_[place] = {.score = rounded(score), .bytes = static_cast<uint32_t>(piece.size())};
  largest_ = std::max(largest_, std::abs(score));
  longest_ = std::max(longest_, piece.size());
  Character left = character_at(piece, 0);
  if (left.bytes == piece.size() && left.code < kSingles) {
    single_[static_cast<size_t>(left.code)] = true;
  }
  for (size_t at = left.bytes; at < piece.size();) {
    const Character right = character_at(piece, at);
    cuts_.join(left.code, right.code);
    at += right.bytes;
    left = right;
  }
}

void UnigramModel::finish(double unknown_score) {
  unknown_score_ = unknown_score;
  largest_ = std::max(largest_, std::abs(unknown_score));
  pieces_ = PieceArray(std::move(added_));
  added_.clear();
}

namespace {

// No sum stands farther behind `begin` than a piece is long.
void count_from_zero(size_t begin, size_t longest, std::vector<UnigramScratch::Best>& best) {
  const double sum = best[begin].score;
  best[begin].score = 0;
  for (size_t end = begin + 1; end < std::min(best.size(), begin + longest + 1); ++end) {
    if (best[end].bytes > 0) best[end].score = static_cast<float>(best[end].score - sum);
  }
}

}  // namespace

// Of equal ways the one that was found first stays: an earlier begin, as in both libraries.
void UnigramModel::search(std::string_view part, double before, Rounding rounding,
                          UnigramScratch& scratch) const {
  const bool in_floats = rounding == Rounding::kAsTheLibrary && sums_ == Sums::kFloat;
  auto& best = scratch.best;
  best.assign(part.size() + 1, {});
  best.front().score = before;
  for (size_t begin = 0; begin < part.size();) {
    if (in_floats && best[begin].score < kLowest) count_from_zero(begin, longest_, best);
    const double here = best[begin].score;
    const auto offer = [&](size_t bytes, int32_t id, double score) {
      UnigramScratch::Best& target = best[begin + bytes];
      const double exact = score + here;
      const double sum = in_floats ? static_cast<float>(exact) : exact;
      double gap = kNoOther;
      if (target.bytes > 0) {
        if (!(sum > target.score)) {
          target.gap = std::min(target.gap, target.score - sum);
          return;
        }
        gap = sum - target.score;
      }
      target = {.score = sum, .gap = gap, .bytes = static_cast<uint32_t>(bytes), .id = id};
    };
    const size_t character = fast_character_at(part, begin).bytes;
    bool single = false;
    const PieceArray::Node* node = &pieces_.root();
    for (size_t at = begin; at < part.size(); ++at) {
      node = pieces_.next(*node, part[at]);
      if (node == nullptr) break;
      if (!node->ends_piece()) continue;
      const size_t bytes = at + 1 - begin;
      offer(bytes, node->id(), node->score);
      single = single || bytes == character;
    }
    if (!single) offer(character, unknown_, unknown_score_);
    begin += character;
  }
}

void UnigramModel::trace(size_t end, UnigramScratch& scratch) {
  scratch.pieces.clear();
  while (end > 0) {
    const UnigramScratch::Best& last = scratch.best[end];
    scratch.pieces.push_back({.bytes = last.bytes, .id = last.id});
    end -= last.bytes;
  }
}

const UnigramModel::Ways::Entry& UnigramModel::learn(std::string_view part, uint64_t hash,
                                                     UnigramScratch& scratch) const {
  search(part, 0, Rounding::kNone, scratch);
  trace(part.size(), scratch);
  Ways::Entry& entry = scratch.ways.put(part, hash);
  Way& way = entry.found;
  if (scratch.pieces.size() > way.ids.size()) return entry;
  double gap = kNoOther;
  double weight = 0;
  size_t count = 0;
  size_t end = 0;
  for (auto piece = scratch.pieces.rbegin(); piece != scratch.pieces.rend(); ++piece) {
    if (piece->id == unknown_) return entry;  // it may become one token with its neighbours
    end += piece->bytes;
    gap = std::min(gap, scratch.best[end].gap);
    weight += std::abs(known_[static_cast<size_t>(piece->id)].score);
    way.ids[count++] = piece->id;
  }
  way.gap = static_cast<float>(gap);
  way.weight = static_cast<float>(weight);
  entry.count = static_cast<uint8_t>(count);
  return entry;
}

// Of the sums along a way each is off by half a unit in the last place of the largest, and there
// are no more of them than bytes. Sums are rounded monotonously: the library's best way is that of
// the best rounded sum, so that what is better by more than both errors stays better. Two ways, and
// a half for what `before` and the entry's own figures leave out.
bool UnigramModel::is_certain(const Ways::Entry& known, double before) const {
  constexpr double kWays = 2.5;
  const double farthest = before + static_cast<double>(known.bytes) * largest_;
  if (sums_ == Sums::kFloat && farthest >= -kLowest) return false;  // it may count from 0 inside
  const double unit = sums_ == Sums::kFloat ? 0x1p-24 : 0x1p-53;
  return known.found.gap > kWays * unit * static_cast<double>(known.bytes) * farthest;
}

bool UnigramModel::append_bytes(std::string_view text, std::vector<int32_t>& ids) const {
  const auto id_of = [&](char byte) { return byte_ids_[static_cast<unsigned char>(byte)]; };
  if (!fallback_ || std::any_of(text.begin(), text.end(),
                                [&](char byte) { return id_of(byte) == Vocabulary::kNone; })) {
    return false;
  }
  for (const char byte : text) ids.push_back(id_of(byte));
  return true;
}

namespace {

// A byte's token ends with its character: none is cut inside.
void append_ends(std::string_view text, size_t begin, size_t end, std::vector<size_t>& ends) {
  while (begin < end) {
    const size_t bytes = character_at(text, begin).bytes;
    begin += bytes;
    ends.insert(ends.end(), bytes, begin);
  }
}

}  // namespace

// Through a text, part by part. What is known of a part is taken where rounding cannot matter; else
// the part is searched behind the exact score of what stands before it.
class UnigramModel::Walk {
 public:
  Walk(const UnigramModel& model, std::string_view text, UnigramScratch& scratch,
       std::vector<int32_t>& ids)
      : model_(model), text_(text), scratch_(scratch), ids_(ids), scored_(ids.size()) {
    scratch_.ends.clear();
  }

  void run() {
    for (size_t begin = 0; begin < text_.size();) {
      const size_t end = model_.end_of_part(text_, begin);
      if (!take_known(begin, end)) take_searched(begin, end);
      begin = end;
    }
    end_unknown(text_.size());
  }

 private:
  bool take_known(size_t begin, size_t end) {
    const std::string_view part = text_.substr(begin, end - begin);
    if (part.size() > Ways::kBytes) return false;
    const uint64_t hash = hash_bytes(part);
    const Ways::Entry* known = scratch_.ways.find(part, hash);
    if (known == nullptr) known = &model_.learn(part, hash, scratch_);
    if (known->count == 0) return false;
    // Doubles from the text's start on are what the entry was made with.
    const bool same = begin == 0 && model_.sums_ == Sums::kDouble;
    if (!same && !model_.is_certain(*known, most_)) return false;
    end_unknown(begin);
    const Way& way = known->found;
    ids_.insert(ids_.end(), way.ids.begin(), way.ids.begin() + known->count);
    most_ += static_cast<double>(way.weight);
    if (scratch_.wants_ends) {
      for (size_t i = 0; i < known->count; ++i) {
        begin += model_.known_[static_cast<size_t>(way.ids[i])].bytes;
        scratch_.ends.push_back(begin);
      }
    }
    return true;
  }

  void take_searched(size_t begin, size_t end) {
    for (; scored_ < ids_.size(); ++scored_) {
      score_ = model_.rounded(score_ + model_.known_[static_cast<size_t>(ids_[scored_])].score);
    }
    const std::string_view part = text_.substr(begin, end - begin);
    model_.search(part, score_, Rounding::kAsTheLibrary, scratch_);
    trace(part.size(), scratch_);
    for (auto piece = scratch_.pieces.rbegin(); piece != scratch_.pieces.rend(); ++piece) {
      const size_t next = begin + piece->bytes;
      if (piece->id == model_.unknown_) {
        if (!unknown_) unknown_begin_ = begin;
        unknown_ = true;
      } else {
        end_unknown(begin);
        append(piece->id, next);
      }
      begin = next;
    }
    score_ = scratch_.best[part.size()].score;
    scored_ = ids_.size();
    most_ = std::abs(score_);
  }

  // The characters without a piece that end here become bytes, or one unknown token.
  void end_unknown(size_t end) {
    if (!unknown_) return;
    unknown_ = false;
    const std::string_view run = text_.substr(unknown_begin_, end - unknown_begin_);
    if (run == model_.unknown_text_ || !model_.append_bytes(run, ids_)) {
      append(model_.unknown_, end);
    } else if (scratch_.wants_ends) {
      append_ends(text_, unknown_begin_, end, scratch_.ends);
    }
    scored_ = ids_.size();  // their score is in score_ since they were searched
  }

  void append(int32_t id, size_t end) {
    ids_.push_back(id);
    if (scratch_.wants_ends) scratch_.ends.push_back(end);
  }

  const UnigramModel& model_;
  std::string_view text_;
  UnigramScratch& scratch_;
  std::vector<int32_t>& ids_;
  size_t scored_;         // so many of the ids are in score_
  double score_ = 0;      // with the library's rounding
  double most_ = 0;       // no sum so far is larger, without its sign
  bool unknown_ = false;  // what stands before has no piece, from unknown_begin_ on
  size_t unknown_begin_ = 0;
};

void UnigramModel::encode(std::string_view text, UnigramScratch& scratch,
                          std::vector<int32_t>& ids) const {
  Walk(*this, text, scratch, ids).run();
}

bool UnigramModel::has_piece(std::string_view text, size_t at, const Character& character) const {
  if (character.code < kSingles) return single_[static_cast<size_t>(character.code)];
  const PieceArray::Node* node = &pieces_.root();
  for (const char byte : text.substr(at, character.bytes)) {
    node = pieces_.next(*node, byte);
    if (node == nullptr) return false;
  }
  return node->ends_piece();
}

size_t UnigramModel::end_of_part(std::string_view text, size_t begin) const {
  if (begin >= text.size()) return text.size();
  const auto known = [&](size_t at, const Character& character) {
    return complete_ || has_piece(text, at, character);
  };
  Character left = fast_character_at(text, begin);
  bool left_known = known(begin, left);
  for (size_t at = begin + left.bytes; at < text.size();) {
    const Character right = fast_character_at(text, at);
    const bool right_known = known(at, right);
    // Unknown neighbours become one token.
    if ((left_known || right_known) && !cuts_.joined(left.code, right.code)) return at;
    left = right;
    left_known = right_known;
    at += right.bytes;
  }
  return text.size();
}

}  // namespace llmsweep
