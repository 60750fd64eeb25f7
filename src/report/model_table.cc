#include "report/model_table.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "llmsweep/base/text.h"
#include "report/cells.h"

namespace llmsweep::report {
namespace {

std::string percent_of(int64_t part, int64_t whole, bool unicode) {
  if (whole == 0) return unicode ? "–" : "-";
  return format_significant(100 * static_cast<double>(part) / static_cast<double>(whole));
}

}  // namespace

TextTable model_table(const SweepResult& result, bool unicode) {
  const bool generates = !result.workload.inputs_per_request;
  TextTable table{.title = "By model",
                  .columns = {{.title = std::string(load_heading(result)), .keep = Column::kAlways},
                              {.title = "model", .align = Align::kLeft, .keep = Column::kAlways},
                              {.title = "requests", .unit = "%", .keep = Column::kAlways},
                              {.title = "failed", .keep = 40},
                              {.title = "median E2E", .unit = "ms", .keep = Column::kAlways},
                              {.title = "input", .unit = "tokens", .keep = 30}},
                  .rows = {},
                  .footer = {}};
  if (generates) {
    table.columns.push_back({.title = "output", .unit = "tokens", .keep = 50});
    table.columns.push_back({.title = "median TTFT", .unit = "ms", .keep = 80});
    table.columns.push_back({.title = "median TPOT", .unit = "ms", .keep = 70});
  }
  for (const LevelStats& level : result.levels) {
    int64_t all = 0;
    for (const ModelStats& model : level.models) all += model.completed + model.failed;
    for (const ModelStats& model : level.models) {
      std::vector<std::string> cells = {value_text(level.point),
                                        printable(model.model, 60),
                                        percent_of(model.completed + model.failed, all, unicode),
                                        format_number(static_cast<double>(model.failed)),
                                        ms_text(model.e2e.p50, unicode),
                                        rate_text(model.input_tokens_mean, unicode)};
      if (generates) {
        cells.push_back(rate_text(model.output_tokens_mean, unicode));
        cells.push_back(ms_text(model.ttft.p50, unicode));
        cells.push_back(ms_text(model.tpot.p50, unicode));
      }
      table.rows.push_back({.cells = std::move(cells), .sgr = {}});
    }
  }
  return table;
}

}  // namespace llmsweep::report
