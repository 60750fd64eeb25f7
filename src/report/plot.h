// What a figure shows, before it is drawn: curves in the units of its axes. Private to report/.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "llmsweep/model/quantity.h"
#include "llmsweep/model/result.h"
#include "llmsweep/report/figure.h"

namespace llmsweep::report {

struct PlotPoint {
  size_t level = 0;  // index into the result's levels
  double x = 0, y = 0;
  std::optional<Interval> x_interval, y_interval;
  std::string label;    // beside the point; empty: none
  std::string tooltip;  // the whole of it, in words
  std::string figure;   // what of it the level's own text does not say; may be empty
  bool valid = true;
  bool ringed = false;     // the level that carries the users at the target
  bool in_front = false;   // on the Pareto front
  bool x_at_most = false;  // x is an upper bound: drawn with an arrow, joined to no curve
};

struct Curve {
  size_t result = 0;              // index into the results
  std::string name;               // as it came; escaped where it is drawn
  std::string note;               // after the name in the legend
  size_t style = 0;               // colour and marker
  size_t dashes = 0;              // index of the dash pattern
  std::vector<PlotPoint> points;  // in the order in which the curve joins them
};

struct TargetLine {
  bool vertical = true;
  double value = 0;
  std::string text;
};

struct Plot {
  std::string title;
  std::vector<std::string> subtitle;  // lines
  std::vector<std::string> badges;    // marks that hold for every curve
  std::string x_title, y_title;
  bool x_is_load = false;
  bool x_is_whole = false;  // a number of requests or of users
  std::vector<Curve> curves;
  std::vector<TargetLine> targets;
  std::vector<std::pair<double, double>> front;  // of the Pareto front, ascending x; may be empty
  std::vector<std::string> footnotes;
};

// `latency` is that of kLatencyConcurrency.
Plot plot_of(std::span<const SweepResult> results, const FigureOptions& options,
             const Measure& latency);
Plot plot_of(std::span<const SweepResult> results, const FigureOptions& options);

// The points of `curves` that no valid point beats on both axes; marks them and returns them.
std::vector<std::pair<double, double>> mark_pareto_front(std::vector<Curve>& curves);

}  // namespace llmsweep::report
