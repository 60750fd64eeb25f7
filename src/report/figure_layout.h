// Where the parts of a figure stand: a pure function of the plot, so that tests see the boxes.
#pragma once

#include <optional>
#include <vector>

#include "report/axis.h"
#include "report/label_layout.h"
#include "report/plot.h"

namespace llmsweep::report {

constexpr double kLegendRow = 21;

struct TargetLabel {
  size_t target = 0;  // index into plot.targets
  Segment line;
  Box box;
};

struct Layout {
  double width = 0, height = 0;
  bool empty = true;  // no point to draw
  Box area;           // inside the axes
  Axis x, y;
  double legend_top = 0;       // first baseline
  std::vector<size_t> legend;  // indices of the curves that have a row
  double legend_names_width = 0;
  std::vector<TargetLabel> target_labels;

  double x_of(double value) const { return area.x0 + x.share(value) * (area.x1 - area.x0); }
  double y_of(double value) const { return area.y1 - y.share(value) * (area.y1 - area.y0); }
};

Layout layout_of(const Plot& plot, const FigureOptions& options);

// The lines of a point's intervals that fall inside the axes: horizontal, then vertical.
std::vector<Segment> whisker_segments(const Layout& layout, const PlotPoint& point);

struct PointLabel {
  size_t curve = 0, point = 0;
  PlacedLabel placed;
};
// What no label may cover: markers, curves, whiskers, target lines and their texts.
Obstacles obstacles_of(const Plot& plot, const Layout& layout);
// Only the labels for which a place was found; the rest stay in the tooltips and the description.
std::vector<PointLabel> layout_labels(const Plot& plot, const Layout& layout, double font_size);

}  // namespace llmsweep::report
