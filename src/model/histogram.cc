#include "llmsweep/model/histogram.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstddef>
#include <string_view>

#include "llmsweep/base/varint.h"

namespace llmsweep {
namespace {

constexpr int64_t kUnitNs = 125;
constexpr uint32_t kLinearBits = 11;  // 2^11 buckets of one unit each
constexpr uint32_t kPerOctave = 1024;
constexpr int64_t kMaxNs = (int64_t{1} << 15) * 1'000'000'000 - 1;

constexpr uint32_t kWeightBits = 48;
constexpr uint64_t kMaxPendingWeight = (uint64_t{1} << kWeightBits) - 1;
constexpr size_t kMinPending = 128;
constexpr size_t kFirstPending = 32;

// `sorted` holds pending entries in order. Walks both in bucket order and hands over each bucket's
// whole weight once.
template <class Visit>
void visit_merged(std::string_view packed, const std::vector<uint64_t>& sorted, Visit visit) {
  constexpr uint32_t kNone = Histogram::kBuckets;
  uint32_t packed_bucket = 0;
  uint64_t packed_weight = 0;
  const auto advance = [&] {
    if (packed.empty()) {
      packed_bucket = kNone;
      return;
    }
    packed_bucket += static_cast<uint32_t>(*take_varint(packed));
    packed_weight = *take_varint(packed);
  };
  advance();
  size_t next = 0;
  while (packed_bucket != kNone || next < sorted.size()) {
    const uint32_t pending_bucket =
        next < sorted.size() ? static_cast<uint32_t>(sorted[next] >> kWeightBits) : kNone;
    const uint32_t bucket = std::min(packed_bucket, pending_bucket);
    uint64_t weight = 0;
    if (packed_bucket == bucket) {
      weight += packed_weight;
      advance();
    }
    for (; next < sorted.size() && sorted[next] >> kWeightBits == bucket; ++next) {
      weight += sorted[next] & kMaxPendingWeight;
    }
    visit(bucket, weight);
  }
}

}  // namespace

uint32_t Histogram::bucket_of(Duration value) {
  const int64_t ns = std::clamp<int64_t>(value.count(), 0, kMaxNs);
  const auto units = static_cast<uint64_t>(ns / kUnitNs);
  if (units < uint64_t{1} << kLinearBits) return static_cast<uint32_t>(units);
  const auto octave = static_cast<uint32_t>(std::bit_width(units)) - kLinearBits;
  return octave * kPerOctave + static_cast<uint32_t>(units >> octave);
}

Duration Histogram::middle_of(uint32_t bucket) {
  assert(bucket < kBuckets);
  const uint32_t octave = bucket < 2 * kPerOctave ? 0 : bucket / kPerOctave - 1;
  const int64_t first = static_cast<int64_t>(bucket - octave * kPerOctave) << octave;
  const int64_t width = int64_t{1} << octave;
  return Duration(first * kUnitNs + width * kUnitNs / 2);
}

void Histogram::add(Duration value, uint64_t weight) {
  add_bucket(bucket_of(value), weight);
}

void Histogram::add_bucket(uint32_t bucket, uint64_t weight) {
  assert(bucket < kBuckets);
  count_ += weight;
  if (pending_.capacity() == 0) pending_.reserve(kFirstPending);
  while (weight > 0) {
    const uint64_t part = std::min(weight, kMaxPendingWeight);
    pending_.push_back(uint64_t{bucket} << kWeightBits | part);
    weight -= part;
  }
  // Waiting for as many as are packed keeps the cost of an add logarithmic, however many there are.
  if (pending_.size() >= std::max<size_t>(kMinPending, packed_buckets_)) flush();
}

void Histogram::merge(const Histogram& other) {
  for (const auto& [bucket, weight] : other.buckets()) add_bucket(bucket, weight);
}

void Histogram::flush() {
  std::sort(pending_.begin(), pending_.end());
  // Kept between flushes: a histogram whose buckets are all known by now allocates nothing.
  thread_local std::string merged;
  merged.clear();
  uint32_t last = 0;
  packed_buckets_ = 0;
  visit_merged(packed_, pending_, [&](uint32_t bucket, uint64_t weight) {
    append_varint(merged, bucket - last);
    append_varint(merged, weight);
    last = bucket;
    ++packed_buckets_;
  });
  packed_.assign(merged);
  pending_.clear();
}

void Histogram::compact() {
  flush();
  packed_.shrink_to_fit();
  pending_.shrink_to_fit();
}

std::vector<Histogram::Bucket> Histogram::buckets() const {
  std::vector<uint64_t> sorted = pending_;
  std::sort(sorted.begin(), sorted.end());
  std::vector<Bucket> result;
  result.reserve(packed_buckets_ + sorted.size());
  visit_merged(packed_, sorted,
               [&](uint32_t bucket, uint64_t weight) { result.emplace_back(bucket, weight); });
  return result;
}

bool Histogram::operator==(const Histogram& other) const {
  return count_ == other.count_ && buckets() == other.buckets();
}

}  // namespace llmsweep
