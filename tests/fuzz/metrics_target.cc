#include <cmath>
#include <cstdlib>
#include <string>

#include "fuzz/targets.h"
#include "llmsweep/telemetry/metrics_page.h"
#include "llmsweep/telemetry/server_metrics.h"
#include "llmsweep/telemetry/zeusd_page.h"

namespace llmsweep {
namespace {

// Names, labels and values of all samples, as one text.
std::string all_samples(std::string_view page, size_t piece) {
  std::string all;
  MetricsPageReader reader([&all](const MetricSample& sample) {
    if (sample.name.empty()) std::abort();
    all.append(sample.name).append(1, ' ').append(std::to_string(sample.value));
    for (const auto& [key, value] : sample.labels) all.append(key).append(1, '=').append(value);
    all += '\n';
  });
  for (; !page.empty(); page.remove_prefix(std::min(piece, page.size()))) {
    reader.feed(page.substr(0, piece));
  }
  reader.finish();
  return all;
}

}  // namespace

void fuzz_metrics(std::string_view input) {
  const std::string whole = all_samples(input, input.size() + 1);
  if (all_samples(input, 1) != whole || all_samples(input, 7) != whole) std::abort();
  const std::string of_json = zeusd_page(input);
  if (keep_known(of_json).lines != of_json) std::abort();
  const PageFigures of_page = figures_in(input);
  const PageFigures of_lines = figures_in(keep_known(input).lines);
  if (of_page.size() != of_lines.size()) std::abort();
  for (const auto& [figure, series] : of_page) {
    const auto kept = of_lines.find(figure);
    if (kept == of_lines.end() || kept->second.size() != series.size()) std::abort();
    for (size_t i = 0; i < series.size(); ++i) {
      const double a = series[i].value;
      const double b = kept->second[i].value;
      if (series[i].series != kept->second[i].series) std::abort();
      if (a != b && !(std::isnan(a) && std::isnan(b))) std::abort();
    }
  }
}

}  // namespace llmsweep
