#include "sweep/server_start.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "llmsweep/base/clock.h"
#include "llmsweep/telemetry/metrics_page.h"

namespace llmsweep {

std::string process_start_in(std::string_view metrics_page) {
  constexpr double kFirst = 946'684'800, kLast = 32'503'680'000;  // the years 2000 and 3000
  double latest = 0;
  read_metrics_page(metrics_page, [&](const MetricSample& sample) {
    if (sample.name != "process_start_time_seconds") return;
    if (sample.value >= kFirst && sample.value < kLast) latest = std::max(latest, sample.value);
  });
  return latest > 0 ? utc_timestamp(static_cast<int64_t>(std::floor(latest))) : std::string();
}

}  // namespace llmsweep
