// Which sample of a page is which figure, engine by engine: one table, from the engines' own
// documentation and sources as of 2026 and from recorded pages (docs/telemetry.md names them).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "llmsweep/model/telemetry.h"

namespace llmsweep {

struct ServerMetric {
  std::string_view engine;  // "vllm"
  std::string_view name;    // without "_total", which a page may have or not
  ServerFigure figure;
  double scale = 1;  // to the figure's unit
  // Only samples whose label has one of these values ("a|b"), or none of them ("!a|b").
  std::string_view label = {};
  std::string_view values = {};
  std::string_view value_label = {};  // the value stands in this label, the sample's says nothing
};
// Of one engine and figure, earlier names win over later ones where a page has both.
std::span<const ServerMetric> server_metrics();

// The lines of a page that are in the table.
struct KeptPage {
  std::string engine;              // of the first such line; empty: there is none
  std::string lines;               // as the page has them, each with its newline
  std::vector<std::string> names;  // of their samples, as on the page, each once
  int64_t samples = 0;             // of the whole page
  int64_t broken = 0;
};
KeptPage keep_known(std::string_view page);

// One series of a figure.
struct FigureSeries {
  std::string series;  // name and labels, without those that tell copies of one number apart
  double value = 0;    // in the figure's unit
};
using PageFigures = std::map<ServerFigure, std::vector<FigureSeries>>;
// Of a page or of its kept lines. What ranks of one model repeat (SGLang's tp_rank, pp_rank,
// moe_ep_rank) is there once, from the lowest rank.
PageFigures figures_in(std::string_view page);

// Over the series, by FigureTraits::over. Nothing for none.
std::optional<double> over_series(ServerFigure figure, std::span<const FigureSeries> series);

}  // namespace llmsweep
