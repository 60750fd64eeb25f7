// When the server's process began: another start of one system is another session of measurement.
#pragma once

#include <string>
#include <string_view>

namespace llmsweep {

// "2026-11-29T10:41:05Z", of `process_start_time_seconds` in a page of Prometheus metrics, as its
// client libraries write it; where several processes say theirs, the latest. Empty: it says none.
std::string process_start_in(std::string_view metrics_page);

}  // namespace llmsweep
