#include "report/model_table.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "llmsweep/base/text.h"
#include "report/cells.h"
#include "report/text_table.h"

namespace llmsweep::report {
namespace {

std::string percent_of(int64_t part, int64_t whole) {
  if (whole == 0) return "–";
  return format_significant(100 * static_cast<double>(part) / static_cast<double>(whole));
}

}  // namespace

std::string model_table(const SweepResult& result, const TableStyle& style) {
  const std::string load(load_heading(result));
  std::vector<Column> columns = {{.title = load, .keep = Column::kAlways},
                                 {.title = "model", .align = Align::kLeft, .keep = Column::kAlways},
                                 {.title = "requests", .unit = "%", .keep = Column::kAlways},
                                 {.title = "failed", .keep = 40},
                                 {.title = "median E2E", .unit = "ms", .keep = Column::kAlways},
                                 {.title = "TTFT", .unit = "ms", .keep = 80},
                                 {.title = "TPOT", .unit = "ms", .keep = 70},
                                 {.title = "input", .unit = "tokens", .keep = 30},
                                 {.title = "output", .unit = "tokens", .keep = 50}};
  std::vector<Row> rows;
  for (const LevelStats& level : result.levels) {
    int64_t all = 0;
    for (const ModelStats& model : level.models) all += model.completed + model.failed;
    for (const ModelStats& model : level.models) {
      rows.push_back(
          {.cells = {value_text(level.point), printable(model.model, 60),
                     percent_of(model.completed + model.failed, all), std::to_string(model.failed),
                     ms_text(model.e2e.p50, style.unicode), ms_text(model.ttft.p50, style.unicode),
                     ms_text(model.tpot.p50, style.unicode),
                     rate_text(model.input_tokens_mean, style.unicode),
                     rate_text(model.output_tokens_mean, style.unicode)}});
    }
  }
  if (rows.empty()) return {};
  fit_columns(columns, rows, style);
  return render_table(std::move(columns), std::move(rows), style);
}

}  // namespace llmsweep::report
