#include "llmsweep/model/selftest_result.h"

#include <algorithm>

namespace llmsweep {
namespace {

constexpr double kWorkedToItsLimit = 0.9;  // of the time busy

}  // namespace

const SelftestStep* highest_trusted(const Selftest& selftest) {
  const SelftestStep* highest = nullptr;
  for (const SelftestStep& step : selftest.steps) {
    if (!step.trusted) break;
    highest = &step;
  }
  return highest;
}

SelftestCeiling ceiling_of(const Selftest& selftest) {
  SelftestCeiling ceiling;
  for (const SelftestStep& step : selftest.steps) {
    if (step.chunks_per_s <= ceiling.chunks_per_s) continue;
    ceiling = {.chunks_per_s = step.chunks_per_s,
               .at_least = step.busy_fraction < kWorkedToItsLimit};
  }
  return ceiling;
}

}  // namespace llmsweep
