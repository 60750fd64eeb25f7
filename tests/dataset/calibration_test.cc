#include "llmsweep/dataset/calibration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "llmsweep/base/error.h"

namespace llmsweep {
namespace {
using testing::HasSubstr;

std::vector<Probe> counted(int64_t first, int64_t second) {
  return {{.text = "a", .content_tokens = first}, {.text = "b", .content_tokens = second}};
}

std::string failure(const std::vector<Probe>& probes, const std::vector<int64_t>& usage) {
  try {
    template_overhead(probes, usage);
  } catch (const MeasurementError& error) {
    return error.what();
  }
  return "";
}

TEST(TemplateOverhead, IsWhatTheServerCountsBesideTheContent) {
  EXPECT_EQ(template_overhead(counted(30, 61), {33, 64}), 3);
  EXPECT_EQ(template_overhead(counted(30, 61), {30, 61}), 0);
}

TEST(TemplateOverhead, StopsWithBothCountsWhereTheyDisagree) {
  EXPECT_THAT(failure(counted(30, 61), {33, 65}), HasSubstr("61 by the tokenizer, 65"));
  EXPECT_THAT(failure(counted(30, 61), {28, 59}), HasSubstr("28 by the server"));
}

TEST(TemplateOverhead, NamesTheLikelyCauseOfAFiveFoldCount) {
  EXPECT_THAT(failure(counted(300, 610), {1500, 3050}), HasSubstr("drop the spaces"));
}

TEST(TemplateOverhead, DoesNotAdviseTheServersOwnTokenizerWhereItCounted) {
  try {
    template_overhead(counted(30, 61), {33, 29}, true);
    FAIL() << "they do not agree";
  } catch (const MeasurementError& error) {
    EXPECT_THAT(error.what(), HasSubstr("cached"));
    EXPECT_THAT(error.what(), testing::Not(HasSubstr("`tokenizer: server`")));
  }
}

TEST(CalibrationProbes, DifferInLengthByMoreThanHalf) {
  const std::vector<Probe> probes = calibration_probes(nullptr);
  ASSERT_EQ(probes.size(), 2u);
  EXPECT_GT(static_cast<double>(probes[1].text.size()),
            1.5 * static_cast<double>(probes[0].text.size()));
}

TEST(BytesPerToken, IsTheSlopeAndFallsBackToFour) {
  const std::vector<Probe> probes = {{.text = std::string(100, 'x')},
                                     {.text = std::string(400, 'x')}};
  EXPECT_DOUBLE_EQ(bytes_per_token(probes, {30, 130}), 3.0);  // the template's tokens cancel
  EXPECT_DOUBLE_EQ(bytes_per_token(probes, {30, 30}), 4.0);
  EXPECT_DOUBLE_EQ(bytes_per_token(probes, {30, 31}), 4.0);
}

}  // namespace
}  // namespace llmsweep
