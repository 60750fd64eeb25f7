// Requests as CSV (RFC 4180), one line a request, for spreadsheets and data frames. Columns:
// docs/result-format.md. Latencies are those of docs/metrics.md, from the start that the load
// counts from; absent ones are empty.
#pragma once

#include <optional>
#include <string>

#include "llmsweep/base/clock.h"
#include "llmsweep/model/record.h"

namespace llmsweep {

// With its line break, as the lines have.
std::string requests_csv_header();

// `realtime_minus_monotonic` of the run that the record is of; absent: the time of day is not
// known.
std::string requests_csv_line(const RequestRecord& record,
                              const std::optional<Duration>& realtime_minus_monotonic);

}  // namespace llmsweep
