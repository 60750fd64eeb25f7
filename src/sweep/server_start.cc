#include "sweep/server_start.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>

#include "llmsweep/base/clock.h"
#include "llmsweep/base/text.h"

namespace llmsweep {

std::string process_start_in(std::string_view metrics_page) {
  constexpr std::string_view kName = "process_start_time_seconds";
  constexpr double kFirst = 946'684'800, kLast = 32'503'680'000;  // the years 2000 and 3000
  double latest = 0;
  while (!metrics_page.empty()) {
    const size_t end = std::min(metrics_page.find('\n'), metrics_page.size());
    std::string_view line = metrics_page.substr(0, end);
    metrics_page.remove_prefix(std::min(end + 1, metrics_page.size()));
    if (!line.starts_with(kName)) continue;
    line.remove_prefix(kName.size());
    if (line.starts_with('{')) line.remove_prefix(std::min(line.find('}') + 1, line.size()));
    if (!line.starts_with(' ')) continue;  // another name
    const std::string_view value = trim(line);
    const std::optional<double> seconds = parse_double(value.substr(0, value.find(' ')));
    if (seconds && *seconds >= kFirst && *seconds < kLast) latest = std::max(latest, *seconds);
  }
  return latest > 0 ? utc_timestamp(static_cast<int64_t>(std::floor(latest))) : std::string();
}

}  // namespace llmsweep
