#include "llmsweep/model/histogram.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <vector>

#include "llmsweep/base/random.h"

namespace llmsweep {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Histogram, HoldsNothingAtFirst) {
  const Histogram histogram;
  EXPECT_TRUE(histogram.empty());
  EXPECT_EQ(histogram.count(), 0u);
  EXPECT_TRUE(histogram.buckets().empty());
}

TEST(Histogram, CutsBucketsAsItsHeaderSays) {
  EXPECT_EQ(Histogram::bucket_of(Duration(0)), 0u);
  EXPECT_EQ(Histogram::bucket_of(Duration(124)), 0u);
  EXPECT_EQ(Histogram::bucket_of(Duration(125)), 1u);
  EXPECT_EQ(Histogram::bucket_of(microseconds(256) - Duration(1)), 2047u);
  EXPECT_EQ(Histogram::bucket_of(microseconds(256)), 2048u);
  EXPECT_EQ(Histogram::bucket_of(microseconds(256) + Duration(249)), 2048u);
  EXPECT_EQ(Histogram::bucket_of(microseconds(256) + Duration(250)), 2049u);
  EXPECT_EQ(Histogram::bucket_of(microseconds(512)), 3072u);
}

TEST(Histogram, ClampsWhatLiesOutside) {
  EXPECT_EQ(Histogram::bucket_of(seconds(-1)), 0u);
  const uint32_t last = Histogram::bucket_of(Duration::max());
  EXPECT_EQ(last, Histogram::kBuckets - 1);
  EXPECT_EQ(Histogram::bucket_of(seconds(40'000)), last);
}

TEST(Histogram, BucketMiddlesAreCloseToEveryValue) {
  Random random(1);
  for (int i = 0; i < 200'000; ++i) {
    const double ns = std::exp(random.uniform() * std::log(3.2e13));
    const Duration value(static_cast<int64_t>(ns));
    const uint32_t bucket = Histogram::bucket_of(value);
    const double error =
        std::abs(static_cast<double>((Histogram::middle_of(bucket) - value).count()));
    const double bound = std::max(63.0, static_cast<double>(value.count()) / 2048 + 1);
    ASSERT_LE(error, bound) << value.count();
  }
}

TEST(Histogram, EveryBucketContainsItsMiddleAndMiddlesRise) {
  for (uint32_t bucket = 0; bucket < Histogram::kBuckets; ++bucket) {
    ASSERT_EQ(Histogram::bucket_of(Histogram::middle_of(bucket)), bucket);
    if (bucket == 0) continue;
    ASSERT_GT(Histogram::middle_of(bucket), Histogram::middle_of(bucket - 1));
  }
}

TEST(Histogram, CountsLikeAMapWhateverTheOrder) {
  Random random(2);
  Histogram histogram;
  std::map<uint32_t, uint64_t> expected;
  uint64_t count = 0;
  for (int i = 0; i < 50'000; ++i) {
    const Duration value(static_cast<int64_t>(std::exp(random.normal() * 3 + 16)));
    const uint64_t weight = random.below(4);
    histogram.add(value, weight);
    if (weight > 0) expected[Histogram::bucket_of(value)] += weight;
    count += weight;
    if (i % 7001 == 0) histogram.compact();
  }
  EXPECT_EQ(histogram.count(), count);
  const std::vector<Histogram::Bucket> buckets(expected.begin(), expected.end());
  EXPECT_EQ(histogram.buckets(), buckets);
}

TEST(Histogram, MergesExactly) {
  Random random(3);
  Histogram all;
  std::vector<Histogram> parts(10);
  for (int i = 0; i < 20'000; ++i) {
    const Duration value(static_cast<int64_t>(random.exponential() * 1e7));
    all.add(value);
    parts[random.below(parts.size())].add(value);
  }
  Histogram merged;
  for (const Histogram& part : parts) merged.merge(part);
  EXPECT_EQ(merged, all);
  merged.merge(Histogram());
  EXPECT_EQ(merged, all);
  merged.add(milliseconds(1));
  EXPECT_NE(merged, all);
}

TEST(Histogram, KeepsWeightsBeyond48Bits) {
  Histogram histogram;
  const uint64_t weight = (uint64_t{1} << 50) + 3;
  histogram.add(milliseconds(1), weight);
  histogram.compact();
  histogram.add(milliseconds(1), weight);
  ASSERT_EQ(histogram.buckets().size(), 1u);
  EXPECT_EQ(histogram.buckets()[0].second, 2 * weight);
}

TEST(Histogram, SurvivesARoundTripThroughItsBuckets) {
  Histogram histogram;
  for (int ms = 1; ms < 1000; ++ms) histogram.add(milliseconds(ms), static_cast<uint64_t>(ms));
  Histogram copy;
  for (const auto& [bucket, weight] : histogram.buckets()) copy.add_bucket(bucket, weight);
  EXPECT_EQ(copy, histogram);
}

}  // namespace
}  // namespace llmsweep
