// Where the parts of a figure stand: a pure function of the plot, so that tests see the boxes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "report/axis.h"
#include "report/label_layout.h"
#include "report/plot.h"

namespace llmsweep::report {

constexpr double kLegendRow = 21;
constexpr double kPointSize = 12;  // of the labels of points

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

// With room for the title, the legend and the footnotes of a figure that stands by itself.
Layout layout_of(const Plot& plot, const FigureOptions& options);
// Axes and what is inside them, for a page that says the rest.
Layout bare_layout_of(const Plot& plot, const FigureOptions& options);

// Whether a point is on both axes: what is 0 is on no logarithmic one.
bool is_shown(const Layout& layout, const PlotPoint& point);

// A point's interval along an axis, cut at the frame; `low` and `high` say which ends are inside.
struct Whisker {
  Segment line;
  bool low = true, high = true;
};
// Horizontal, then vertical; none of what is wholly outside.
std::vector<Whisker> whiskers_of(const Layout& layout, const PlotPoint& point);

struct PointLabel {
  size_t curve = 0, point = 0;
  PlacedLabel placed;
};
// What no label may cover: markers, curves, whiskers, target lines and their texts.
Obstacles obstacles_of(const Plot& plot, const Layout& layout);
// Only the labels for which a place was found; the rest stay in the tooltips and the description.
std::vector<PointLabel> layout_labels(const Plot& plot, const Layout& layout, double font_size);
// "3 labels left out for want of room"; empty: none.
std::string left_out_note(const Plot& plot, size_t placed);

}  // namespace llmsweep::report
