#include "llmsweep/protocol/token_tally.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <utility>

namespace llmsweep {
namespace {

// Each bucket's gap ÷ tokens_per_chunk, and as many times the weight. Weights are whole: what
// rounding leaves over is carried to the next bucket, so that their sum is right to a half.
Histogram per_token(const Histogram& per_chunk, double tokens_per_chunk) {
  Histogram scaled;
  double exact = 0;
  uint64_t given = 0;
  for (const auto& [bucket, weight] : per_chunk.buckets()) {
    exact += static_cast<double>(weight) * tokens_per_chunk;
    const auto due = static_cast<uint64_t>(std::llround(exact)) - given;
    if (due == 0) continue;
    given += due;
    const auto gap = static_cast<double>(Histogram::middle_of(bucket).count());
    scaled.add(Duration(static_cast<int64_t>(gap / tokens_per_chunk)), due);
  }
  return scaled;
}

}  // namespace

void TokenTally::add(const Piece& piece, RequestRecord& record) {
  const bool first_chunk = ++record.chunks == 1;
  if (first_chunk) counted_ = piece.count > 0;

  if (arrival_chunks_ > 0 && piece.at == arrival_.at) {
    ++record.coalesced_chunks;
  } else {
    close_arrival(record);
    arrival_.at = piece.at;
    arrival_.stalled = piece.stalled;
    arrival_.prompt = piece.prompt;
  }
  ++arrival_chunks_;
  text_bytes_ += piece.text_bytes;
  if (piece.thought) {
    ++thought_chunks_;
    thought_bytes_ += piece.text_bytes;
  }
  if (!previous_arrival_) {
    ++first_chunks_;
    first_bytes_ += piece.text_bytes;
  }
  if (piece.count > 0) add_own_count(piece.count);
}

void TokenTally::add_own_count(int64_t count) {
  const int64_t rise = std::max<int64_t>(count - highest_, 0);
  arrival_.rise += rise;
  arrival_.alone += count;
  if (!previous_arrival_) {
    first_rise_ += rise;
    first_alone_ += count;
  }
  rose_ |= counted_chunks_ > 0 && count > previous_;
  fell_ |= count < previous_;
  previous_ = count;
  highest_ += rise;
  sum_ += count;
  ++counted_chunks_;
  late_highest_ = 0;
  late_sum_ = 0;
}

void TokenTally::add_count(int64_t count) {
  late_highest_ = std::max(late_highest_, count);
  late_sum_ += count;
}

bool TokenTally::rises_with(int64_t count) const {
  return counts_ == Counts::kAlone ? count > 0 : count > highest_;
}

int64_t TokenTally::received(const RequestRecord& record) const {
  return std::max(record.chunks, counts_ == Counts::kAlone ? sum_ : highest_);
}

// One token a chunk is the usual case, and keeping one histogram is quicker than two.
void TokenTally::part_itl(RequestRecord& record) {
  itl_is_icl_ = false;
  record.itl = record.icl;
}

void TokenTally::close_arrival(RequestRecord& record) {
  if (arrival_chunks_ == 0) return;
  if (arrival_.prompt && arrival_chunks_ == 1) arrival_.stalled = false;
  if (!previous_arrival_ && arrival_.stalled) record.first_token_merged = arrival_chunks_ - 1;
  if (previous_arrival_ && (arrival_.stalled || previous_arrival_->stalled)) {
    ++record.gaps_left_out;
  } else if (previous_arrival_) {
    const Duration gap = arrival_.at - previous_arrival_->at;
    if (itl_is_icl_ && (counted_ || arrival_chunks_ > 1)) part_itl(record);
    record.icl.add(gap);
    if (!itl_is_icl_ && !counted_) {
      record.itl.add(gap / arrival_chunks_, static_cast<uint64_t>(arrival_chunks_));
    }
  }
  if (counted_ && counts_ != Counts::kOpen) {
    add_counted(arrival_, record);
  } else if (counted_) {
    open_.reserve(kMostOpen);
    open_.push_back(arrival_);
    if (open_.size() == kMostOpen) decide(apparent(record), record);
  }
  previous_arrival_ = arrival_;
  arrival_chunks_ = 0;
  arrival_ = {};
}

void TokenTally::add_counted(const Arrival& arrival, RequestRecord& record) {
  const int64_t tokens = counts_ == Counts::kAlone ? arrival.alone : arrival.rise;
  if (tokens <= 0) return;
  if (previous_counted_ && !arrival.stalled && !previous_counted_->stalled) {
    record.itl.add((arrival.at - previous_counted_->at) / tokens, static_cast<uint64_t>(tokens));
  }
  previous_counted_ = arrival;
}

void TokenTally::decide(Counts counts, RequestRecord& record) {
  counts_ = counts;
  for (const Arrival& arrival : open_) add_counted(arrival, record);
  open_ = {};
}

// A running total never falls, and rises.
TokenTally::Counts TokenTally::apparent(const RequestRecord& record) const {
  if (fell_) return Counts::kAlone;
  if (!rose_ && counted_chunks_ > 1) return Counts::kAlone;
  // 1, 1, 2: a total that is slow to rise, or a last chunk of two tokens?
  const int64_t planned = record.planned_output_tokens;
  const bool slow = highest_ < counted_chunks_;
  const bool nearer = std::abs(sum_ - planned) < std::abs(highest_ - planned);
  return slow && planned > 0 && nearer ? Counts::kAlone : Counts::kTotals;
}

std::optional<int64_t> TokenTally::sum_of_counts() const {
  if (!counted_ || counts_ != Counts::kAlone) return std::nullopt;
  return late_highest_ >= sum_ ? late_highest_ : sum_ + late_sum_;
}

void TokenTally::close(RequestRecord& record) {
  close_arrival(record);
  if (counted_ && counts_ == Counts::kOpen) decide(apparent(record), record);
  if (itl_is_icl_ && counted_) part_itl(record);
  if (!itl_is_icl_ && !counted_) unscaled_ = std::make_unique<const Histogram>(record.itl);
}

void TokenTally::settle(const Total& total, RequestRecord& record) {
  if (record.chunks == 0) return;
  if (counted_) return settle_counted(total, record);
  const int64_t shown = total.tokens - total.hidden;
  const bool unseen = total.ends_unseen && shown > record.chunks;
  const int64_t streamed = std::max<int64_t>(shown - (unseen ? 1 : 0), 1);
  const int64_t first = first_tokens(streamed, record);
  record.streamed_tokens = streamed;
  record.first_chunk_tokens = first;
  const Histogram& unscaled = itl_is_icl_ ? record.icl : *unscaled_;
  const int64_t later_chunks = record.chunks - first_chunks_;
  if (later_chunks <= 0) return;
  if (streamed - first == later_chunks) {
    record.itl = unscaled;
  } else {
    record.itl = per_token(
        unscaled, static_cast<double>(streamed - first) / static_cast<double>(later_chunks));
  }
}

void TokenTally::settle_counted(const Total& total, RequestRecord& record) const {
  const bool alone = counts_ == Counts::kAlone;
  int64_t streamed = alone ? sum_ : highest_;
  int64_t first = alone ? first_alone_ : first_rise_;
  // What was thought before the first chunk was counted with it.
  if (first - total.hidden >= first_chunks_) {
    first -= total.hidden;
    streamed -= total.hidden;
  }
  record.streamed_tokens = streamed;
  record.first_chunk_tokens = record.chunks == first_chunks_ ? streamed : first;
}

// What the first read brought: a token where a chunk is one, else as large a share of the tokens as
// of the text. An engine's prefill gives one token and its steps several; a server that bundles
// tokens bundles the first ones too.
int64_t TokenTally::first_tokens(int64_t streamed, const RequestRecord& record) const {
  const int64_t later_chunks = record.chunks - first_chunks_;
  if (later_chunks == 0) return streamed;
  if (streamed == record.chunks) return first_chunks_;
  const auto share_of = [streamed](double part, double whole) {
    return std::llround(static_cast<double>(streamed) * part / whole);
  };
  if (streamed < record.chunks || text_bytes_ == 0) {
    const int64_t even =
        share_of(static_cast<double>(first_chunks_), static_cast<double>(record.chunks));
    return std::clamp<int64_t>(even, 1, streamed);
  }
  const int64_t by_text =
      share_of(static_cast<double>(first_bytes_), static_cast<double>(text_bytes_));
  return std::clamp(by_text, first_chunks_, streamed - later_chunks);
}

}  // namespace llmsweep
