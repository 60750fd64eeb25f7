#include "llmsweep/report/requests_csv.h"

#include <fmt/format.h>

#include <string_view>
#include <utility>
#include <vector>

#include "llmsweep/base/text.h"
#include "llmsweep/model/names.h"
#include "llmsweep/stats/level_stats.h"
#include "report/escape.h"

namespace llmsweep {
namespace {

constexpr size_t kErrorBytes = 1000;

std::string csv_ms(const std::optional<double>& ms) {
  return ms ? fmt::format("{:.4f}", *ms) : "";
}
std::string csv_ms(const std::optional<Duration>& duration) {
  return duration ? fmt::format("{:.4f}", to_ms(*duration)) : "";
}
std::string csv_count(const std::optional<int64_t>& count) {
  return count ? std::to_string(*count) : "";
}

struct Cell {
  std::string_view name;
  std::string value;
};

// The header is that of any record.
std::vector<Cell> cells_of(const RequestRecord& record,
                           const std::optional<Duration>& realtime_minus_monotonic) {
  const LoadPoint point = record.run.point;
  const RequestMetrics metrics = request_metrics(record, point.origin());
  const std::optional<Instant> start =
      point.origin() == LatencyOrigin::kSent ? record.sent : record.scheduled;
  const auto since = [](const std::optional<Instant>& from, const std::optional<Instant>& to) {
    return from && to ? std::optional<Duration>(*to - *from) : std::nullopt;
  };
  const auto time_of_day = [&](const std::optional<Instant>& instant) {
    if (!instant || !realtime_minus_monotonic) return std::string();
    return utc_timestamp(*realtime_minus_monotonic + instant->time_since_epoch());
  };
  const bool generates = record.inputs == 0;
  return {{"level", name_of(point)},
          {"load", value_text(point)},
          {"repeat", std::to_string(record.run.repeat)},
          {"index", std::to_string(record.index)},
          {"slot", std::to_string(record.slot)},
          {"url", std::to_string(record.url)},
          {"phase", std::string(name_of(record.phase))},
          {"outcome", std::string(name_of(record.outcome))},
          {"started_at", time_of_day(start)},
          {"ended_at", time_of_day(record.end)},
          {"send_lateness_ms", csv_ms(since(record.scheduled, record.sent))},
          {"ttft_ms", csv_ms(metrics.ttft_ms)},
          {"ttfo_ms", csv_ms(metrics.ttfo_ms)},
          {"e2e_ms", csv_ms(metrics.e2e_ms)},
          {"tpot_ms", csv_ms(metrics.tpot_ms)},
          {"output_speed_tps", csv_ms(metrics.output_speed_tps)},
          {"response_ms", csv_ms(since(start, record.end))},
          {"input_tokens", csv_count(record.input_tokens)},
          {"planned_input_tokens", std::to_string(record.planned_input_tokens)},
          {"cached_tokens", csv_count(record.cached_tokens)},
          {"output_tokens", generates ? std::to_string(record.output_tokens) : std::string()},
          {"reasoning_tokens", csv_count(record.reasoning_tokens)},
          {"token_source", generates ? std::string(name_of(record.token_source)) : std::string()},
          {"chunks", generates ? std::to_string(record.chunks) : std::string()},
          {"http_status", std::to_string(record.http_status)},
          {"finish_reason", report::csv_text(record.finish_reason)},
          {"reconnected", record.reconnected ? "true" : "false"},
          {"response_id", report::csv_text(record.response_id)},
          {"model", report::csv_text(record.model)},
          {"inputs", generates ? std::string() : std::to_string(record.inputs)},
          {"error", report::csv_text(record.error, kErrorBytes)}};
}

std::string joined(const std::vector<std::string>& fields) {
  return join(fields, ",") + "\r\n";
}

}  // namespace

std::string requests_csv_header() {
  std::vector<std::string> names;
  for (const Cell& cell : cells_of({}, std::nullopt)) names.emplace_back(cell.name);
  return joined(names);
}

std::string requests_csv_line(const RequestRecord& record,
                              const std::optional<Duration>& realtime_minus_monotonic) {
  std::vector<std::string> values;
  for (Cell& cell : cells_of(record, realtime_minus_monotonic)) {
    values.push_back(std::move(cell.value));
  }
  return joined(values);
}

}  // namespace llmsweep
