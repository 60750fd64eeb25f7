// The answers of zeusd, Zeus's daemon for GPUs (port 4938), as a page of metrics.
//
// GET /gpu/get_cumulative_energy: {"0": {"energy_mj": 123456}, …}; GET /gpu/get_power:
// {"timestamp_ms": …, "power_mw": {"0": 75000, …}} (its docs of 2026; not tried on a running one).
#pragma once

#include <string>
#include <string_view>

namespace llmsweep {

// Lines of Prometheus's text under the names of server_metrics.cc; empty: the answer is none of the
// two.
std::string zeusd_page(std::string_view answer);

}  // namespace llmsweep
