#include "llmsweep/model/quantity.h"

#include <gtest/gtest.h>

#include <set>

#include "llmsweep/base/error.h"
#include "llmsweep/model/names.h"
#include "schemas/written_documents.h"

namespace llmsweep {
namespace {

RunStats full_run() {
  RunStats run;
  run.requests = {.completed = 98, .failed = 2};
  for (const Quantity& quantity : quantities()) {
    if (quantity.distribution) run.*quantity.distribution = {.count = 98, .mean = 7, .p50 = 5};
    if (quantity.number) run.*quantity.number = 5;
    if (quantity.maybe) run.*quantity.maybe = 5;
  }
  return run;
}

TEST(Quantities, HaveAKeyATitleAndAtMostOnePlaceInARun) {
  std::set<std::string_view> keys, stored;
  for (const Quantity& quantity : quantities()) {
    EXPECT_TRUE(keys.insert(quantity.key).second) << quantity.key;
    EXPECT_EQ(find_quantity(quantity.key), &quantity);
    EXPECT_EQ(quantity.key.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_"),
              std::string_view::npos)
        << quantity.key;
    EXPECT_FALSE(quantity.title.empty()) << quantity.key;
    EXPECT_FALSE(name_of(quantity.unit).empty()) << quantity.key;
    const int places = (quantity.distribution != nullptr) + (quantity.number != nullptr) +
                       (quantity.maybe != nullptr);
    EXPECT_LE(places, 1) << quantity.key;
    EXPECT_EQ(quantity.stored(), !quantity.meaning.empty()) << quantity.key;
    if (!quantity.of_level()) continue;
    EXPECT_FALSE(quantity.short_title.empty()) << quantity.key;
    if (quantity.stored()) {
      EXPECT_TRUE(stored.insert(quantity.result_key).second) << quantity.key;
    }
  }
  EXPECT_EQ(find_quantity("no such quantity"), nullptr);
}

TEST(Quantities, OfARunCanBeReadWhereItHasThem) {
  const RunStats full = full_run();
  RunStats empty;
  for (const Quantity& quantity : quantities()) {
    EXPECT_EQ(value_of(full, {&quantity}).has_value(), quantity.of_level()) << quantity.key;
    EXPECT_FALSE(value_of(empty, {&quantity})) << quantity.key;
  }
  EXPECT_EQ(value_of(full, {find_quantity("error_rate")}), 0.02);
  EXPECT_EQ(value_of(full, {find_quantity("itl"), Statistic::kMean}), 7);
  EXPECT_FALSE(value_of(full, {find_quantity("itl"), Statistic::kP99}));
}

TEST(Quantities, OfAMetricAreDistributionsInTheOrderOfTheMetrics) {
  EXPECT_EQ(all_names<Metric>(),
            (std::vector<std::string>{"e2e", "ttft", "ttfo", "tpot", "itl", "icl"}));
  for (const Metric metric : all_values<Metric>()) {
    EXPECT_NE(quantity_of(metric).distribution, nullptr) << name_of(metric);
  }
}

TEST(Throughput, IsSteadyElseWithDrainAndPerGpuByTheSame) {
  RunStats run{.output_throughput_tps = 90, .steady_output_throughput_tps = 100};
  run.throughput_per_gpu_tps = 25;
  const Measure throughput{find_quantity("throughput")};
  const Measure per_gpu{find_quantity("throughput_per_gpu")};
  EXPECT_FALSE(has_drain(run));
  EXPECT_EQ(value_of(run, throughput), 100);
  EXPECT_EQ(value_of(run, throughput, {.with_drain = true}), 90);
  EXPECT_EQ(value_of(run, per_gpu), 25);
  EXPECT_EQ(value_of(run, per_gpu, {.with_drain = true, .gpus = 4}), 22.5);
  EXPECT_EQ(headline_throughput_tps(run), 100);
  run.steady_output_throughput_tps.reset();
  EXPECT_TRUE(has_drain(run));
  EXPECT_FALSE(value_of(run, throughput));
  EXPECT_EQ(headline_throughput_tps(run), 90);
}

TEST(Measure, SaysItsStatisticWhereItIsNotTheMedian) {
  EXPECT_EQ(key_of({find_quantity("e2e")}), "e2e");
  EXPECT_EQ(key_of({find_quantity("e2e"), Statistic::kP99}), "e2e:p99");
  EXPECT_EQ(key_of({find_quantity("throughput"), Statistic::kP99}), "throughput");
  EXPECT_EQ(title_of({find_quantity("ttft")}), "Median TTFT");
  EXPECT_EQ(title_of({find_quantity("ttft"), Statistic::kP90}), "TTFT p90");
  EXPECT_EQ(title_of({find_quantity("decode_speed")}), "Decode speed");
}

TEST(Columns, AreMeasuresInTheOrderInWhichTheyAreNamed) {
  const std::vector<Measure> measures = parse_columns("itl:p99, throughput", ColumnsOf::kLevel);
  ASSERT_EQ(measures.size(), 2u);
  EXPECT_EQ(key_of(measures[0]), "itl:p99");
  EXPECT_EQ(key_of(measures[1]), "throughput");
  EXPECT_TRUE(parse_columns("", ColumnsOf::kLevel).empty());
}

TEST(Columns, ThatDoNotExistAreOneErrorWithTheList) {
  for (const char* text : {"tokens", "e2e,", "throughput:p99", "e2e:p98", "users", "E2E"}) {
    try {
      parse_columns(text, ColumnsOf::kLevel);
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find("choose of throughput, "), std::string::npos);
      EXPECT_NE(std::string(error.what()).find("itl, icl"), std::string::npos);
    }
  }
  EXPECT_THROW(parse_columns("drain_bias", ColumnsOf::kComparison), Error);
  EXPECT_NO_THROW(parse_columns("drain_bias", ColumnsOf::kLevel));
}

const char* pooling_text(Pooling pooling) {
  switch (pooling) {
    case Pooling::kGeometricMean:
      return "geometric mean of the runs";
    case Pooling::kMean:
      return "arithmetic mean of the runs";
    case Pooling::kWorst:
      return "largest of the runs";
    case Pooling::kSum:
      return "sum of the runs";
    case Pooling::kRequests:
      break;
  }
  return "of all requests together";
}

TEST(QuantityDocs, ListEveryKeyOfALevel) {
  std::string table = "| key | what | unit | better | of a level |\n|---|---|---|---|---|\n";
  for (const Quantity& quantity : quantities()) {
    if (!quantity.of_level()) continue;
    const char* better = !quantity.better                               ? ""
                         : quantity.better == Direction::kLowerIsBetter ? "lower"
                                                                        : "higher";
    table += "| `" + std::string(quantity.key) + "` | " + std::string(quantity.title) + " | " +
             std::string(name_of(quantity.unit)) + " | " + better + " | " +
             pooling_text(quantity.pooling) + " |\n";
  }
  expect_written_part("docs/metrics.md", "keys", table);
}

}  // namespace
}  // namespace llmsweep
