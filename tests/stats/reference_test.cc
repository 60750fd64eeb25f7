// Against numbers from independent sources; tests/python/stats_reference.py says which and
// recomputes them.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "llmsweep/stats/intervals.h"
#include "llmsweep/stats/isotonic.h"
#include "llmsweep/stats/percentile.h"

namespace llmsweep {
namespace {

using nlohmann::json;
using Values = std::vector<double>;

json cases_of(const char* kind) {
  std::ifstream file(LLMSWEEP_SOURCE_DIR "/tests/stats/reference.json");
  json rows = json::parse(file).at(kind);
  EXPECT_FALSE(rows.empty());
  return rows;
}

Quantile quantile_of(const json& row) {
  return {.p = row.at("p"), .confidence = row.at("confidence")};
}

// Both sides compute the same expression in doubles: a few hundred roundings apart at most.
void expect_close(double value, double expected) {
  EXPECT_NEAR(value, expected, 1e-9 * std::max(1.0, std::abs(expected)));
}

TEST(Percentile, AgreesWithNumpy) {
  for (const json& row : cases_of("percentile")) {
    auto values = row.at("values").get<Values>();
    const double p = row.at("p");
    expect_close(percentile_of(values, p), row.at("expected"));
    std::sort(values.begin(), values.end());
    expect_close(percentile(values, p), row.at("expected"));
  }
}

TEST(IntervalRanks, AgreeWithExactArithmetic) {
  for (const json& row : cases_of("ranks")) {
    const auto ranks = interval_ranks(row.at("samples"), quantile_of(row));
    ASSERT_EQ(ranks.has_value(), !row.at("expected").is_null()) << row;
    if (!ranks) continue;
    EXPECT_EQ(ranks->low, row.at("expected")[0].get<int64_t>()) << row;
    EXPECT_EQ(ranks->high, row.at("expected")[1].get<int64_t>()) << row;
  }
}

TEST(IntervalRanks, AgreeWithScipyOnLargeSamples) {
  for (const json& row : cases_of("large_ranks")) {
    const auto ranks = interval_ranks(row.at("samples"), quantile_of(row));
    ASSERT_TRUE(ranks) << row;
    EXPECT_EQ(ranks->low, row.at("expected")[0].get<int64_t>()) << row;
    EXPECT_EQ(ranks->high, row.at("expected")[1].get<int64_t>()) << row;
  }
}

TEST(NormalQuantile, AgreesWithScipy) {
  for (const json& row : cases_of("normal_quantile")) {
    expect_close(normal_quantile(row.at("p")), row.at("expected"));
  }
}

TEST(StudentQuantile, AgreesWithScipyAndInvertsItsCdf) {
  for (const json& row : cases_of("student")) {
    const double t = student_quantile(row.at("p"), row.at("degrees"));
    expect_close(t, row.at("expected"));
    expect_close(student_cdf(t, row.at("degrees")), row.at("p"));
  }
}

TEST(StudentInterval, AgreesWithScipy) {
  for (const json& row : cases_of("student_interval")) {
    const auto interval =
        student_interval(row.at("values").get<Values>(), row.at("confidence").get<double>());
    ASSERT_TRUE(interval);
    expect_close(interval->low, row.at("expected")[0]);
    expect_close(interval->high, row.at("expected")[1]);
  }
}

TEST(Welch, AgreesWithScipy) {
  for (const json& row : cases_of("welch")) {
    const auto test = welch(row.at("first").get<Values>(), row.at("second").get<Values>());
    ASSERT_TRUE(test);
    const json& expected = row.at("expected");
    expect_close(test->difference, expected.at("difference"));
    expect_close(test->degrees, expected.at("degrees"));
    expect_close(test->p_value(), expected.at("p_value"));
    expect_close(test->interval().low, expected.at("interval")[0]);
    expect_close(test->interval().high, expected.at("interval")[1]);
  }
}

TEST(Holm, AgreesWithClosedTesting) {
  for (const json& row : cases_of("holm")) {
    const Values adjusted = holm_adjusted(row.at("p_values").get<Values>());
    const auto expected = row.at("expected").get<Values>();
    ASSERT_EQ(adjusted.size(), expected.size());
    for (size_t i = 0; i < expected.size(); ++i) expect_close(adjusted[i], expected[i]);
  }
}

TEST(Isotonic, AgreesWithScipy) {
  for (const json& row : cases_of("isotonic")) {
    const Values fitted =
        isotonic_increasing(row.at("values").get<Values>(), row.at("weights").get<Values>());
    const auto expected = row.at("expected").get<Values>();
    ASSERT_EQ(fitted.size(), expected.size());
    for (size_t i = 0; i < expected.size(); ++i) expect_close(fitted[i], expected[i]);
  }
}

}  // namespace
}  // namespace llmsweep
