// Reads a page of metrics in Prometheus's text format or OpenMetrics, line by line as it comes.
//
// Formats: prometheus.io "Exposition formats" 0.0.4 and OpenMetrics 1.0. Comments, HELP, TYPE and
// EOF are skipped, time stamps and exemplars read over. Names may be quoted (UTF-8 names stand
// inside the braces). Foreign bytes: no line longer than kLongestMetricsLine is kept in memory, and
// a line that is no sample is counted, never an error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace llmsweep {

inline constexpr size_t kLongestMetricsLine = 64 << 10;
inline constexpr size_t kMostMetricsLabels = 128;

// Valid during the call that hands it over.
struct MetricSample {
  std::string_view line;  // the whole of it, as it came
  std::string_view name;
  // In the page's order, escapes undone.
  const std::vector<std::pair<std::string, std::string>>& labels;
  double value;  // NaN and infinities included

  // Empty: no such label.
  std::string_view label(std::string_view key) const;
};
using MetricSink = std::function<void(const MetricSample&)>;

// One thread.
class MetricsPageReader {
 public:
  explicit MetricsPageReader(MetricSink sink) : sink_(std::move(sink)) {}

  // The next bytes, cut anywhere.
  void feed(std::string_view bytes);
  // The page's end: a last line needs no newline.
  void finish();

  int64_t samples() const { return samples_; }
  int64_t broken() const { return broken_; }  // lines that are neither sample nor comment

 private:
  void read_line(std::string_view line);

  MetricSink sink_;
  std::string line_;       // the begun one
  bool too_long_ = false;  // it is: its rest is skipped
  std::vector<std::pair<std::string, std::string>> labels_;
  std::string name_;  // a quoted one
  int64_t samples_ = 0;
  int64_t broken_ = 0;
};

// The whole of a page at once.
void read_metrics_page(std::string_view page, const MetricSink& sink);

}  // namespace llmsweep
