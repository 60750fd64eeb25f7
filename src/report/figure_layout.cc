#include "report/figure_layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "report/svg.h"

namespace llmsweep::report {
namespace {

constexpr double kMarker = 6.5;  // half a marker's box
constexpr double kRing = 10.5;

struct Values {
  std::vector<double> x, y;
};

void add_finite(std::vector<double>& values, const std::optional<Interval>& interval) {
  if (!interval) return;
  for (const double value : {interval->low, interval->high}) {
    if (std::isfinite(value)) values.push_back(value);
  }
}

Values values_of(const Plot& plot) {
  Values values;
  for (const Curve& curve : plot.curves) {
    for (const PlotPoint& point : curve.points) {
      values.x.push_back(point.x);
      values.y.push_back(point.y);
      add_finite(values.x, point.x_interval);
      add_finite(values.y, point.y_interval);
    }
  }
  return values;
}

// A target far from every point would squash the curves; the legend still names it.
void add_targets_in_reach(const Plot& plot, Values& values) {
  for (const TargetLine& target : plot.targets) {
    std::vector<double>& along = target.vertical ? values.x : values.y;
    const auto [low, high] = std::minmax_element(along.begin(), along.end());
    if (target.value >= *low / 4 && target.value <= *high * 4) along.push_back(target.value);
  }
}

std::vector<size_t> legend_rows(const Plot& plot) {
  constexpr size_t kMost = 16;
  std::vector<size_t> rows;
  std::set<std::pair<std::string, size_t>> seen;
  for (size_t i = 0; i < plot.curves.size() && rows.size() < kMost; ++i) {
    if (seen.insert({plot.curves[i].name, plot.curves[i].style}).second) rows.push_back(i);
  }
  return rows;
}

double widest_y_tick(const Axis& axis, double length) {
  double widest = 0;
  for (const Tick& tick : axis.ticks) {
    if (tick.from <= length) widest = std::max(widest, text_width(tick.text, 12));
  }
  return widest;
}

// The boxes that the text of a target may take, the best first: along the line, on either side.
std::vector<Box> target_boxes(const Segment& line, double width, const Box& area) {
  constexpr double kHeight = 16;
  constexpr double kAway = 4;
  std::vector<Box> boxes;
  if (line.x0 == line.x1) {
    for (double y = area.y0 + 2; y + kHeight < area.y1; y += 12) {
      for (const double x : {line.x0 + kAway, line.x0 - kAway - width}) {
        boxes.push_back({x, y, x + width, y + kHeight});
      }
    }
  } else {
    for (double x = area.x1 - width - 2; x > area.x0; x -= 24) {
      for (const double y : {line.y0 - kHeight - 1, line.y0 + 3}) {
        boxes.push_back({x, y, x + width, y + kHeight});
      }
    }
  }
  return boxes;
}

bool covers_something(const Box& box, const Obstacles& obstacles) {
  const Box& area = obstacles.bounds;
  if (box.x0 < area.x0 || box.x1 > area.x1 || box.y0 < area.y0 || box.y1 > area.y1) return true;
  return std::any_of(obstacles.boxes.begin(), obstacles.boxes.end(),
                     [&](const Box& other) { return overlap(box, other); }) ||
         std::any_of(obstacles.segments.begin(), obstacles.segments.end(),
                     [&](const Segment& segment) { return crosses(segment, box); });
}

// The first box that covers nothing; where every one does, the first.
TargetLabel target_label(const Plot& plot, const Layout& layout, size_t index) {
  const TargetLine& target = plot.targets[index];
  TargetLabel label{.target = index};
  if (target.vertical) {
    const double x = layout.x_of(target.value);
    label.line = {x, layout.area.y0, x, layout.area.y1};
  } else {
    const double y = layout.y_of(target.value);
    label.line = {layout.area.x0, y, layout.area.x1, y};
  }
  const double width = text_width(target.text, 12) * kBold + 4;
  const std::vector<Box> boxes = target_boxes(label.line, width, layout.area);
  const Obstacles obstacles = obstacles_of(plot, layout);
  const auto free = std::find_if(boxes.begin(), boxes.end(),
                                 [&](const Box& box) { return !covers_something(box, obstacles); });
  label.box = free != boxes.end() ? *free : boxes.front();
  return label;
}

// The axes, the area between them, and the targets. `frame` is what axes and their texts may take.
void place(Layout& layout, const Plot& plot, const FigureOptions& options, const Box& frame) {
  Values values = values_of(plot);
  layout.empty = values.x.empty();
  if (layout.empty) return;
  add_targets_in_reach(plot, values);
  const AxisOptions x{.scale = options.x_scale.value_or(suitable_scale(values.x)),
                      .whole = plot.x_is_whole};
  const AxisOptions y{.scale = options.y_scale.value_or(suitable_scale(values.y)),
                      .vertical = true};
  layout.x = plot.x_is_load ? load_axis(values.x, x) : axis_over(values.x, x);
  layout.y = axis_over(values.y, y);
  layout.area = {frame.x0 + widest_y_tick(layout.y, frame.y1 - frame.y0), frame.y0, frame.x1,
                 frame.y1};
  for (size_t i = 0; i < plot.targets.size(); ++i) {
    const Axis& axis = plot.targets[i].vertical ? layout.x : layout.y;
    if (!axis.shows(plot.targets[i].value)) continue;
    layout.target_labels.push_back(target_label(plot, layout, i));
  }
}

// Along one axis; nothing where the interval has no part on it.
std::optional<Whisker> whisker_on(const Axis& axis, const std::optional<Interval>& interval) {
  if (!interval || !(interval->low <= axis.high) || !(interval->high >= axis.low)) {
    return std::nullopt;
  }
  Whisker whisker{.low = interval->low >= axis.low, .high = interval->high <= axis.high};
  whisker.line.x0 = whisker.low ? interval->low : axis.low;
  whisker.line.x1 = whisker.high ? interval->high : axis.high;
  return whisker;
}

}  // namespace

Layout layout_of(const Plot& plot, const FigureOptions& options) {
  Layout layout{.width = static_cast<double>(std::max(options.width, 480))};
  layout.legend = legend_rows(plot);
  layout.legend_top = 36 + 21.0 * static_cast<double>(plot.subtitle.size()) + 30;
  const double legend_end =
      layout.legend_top + kLegendRow * static_cast<double>(layout.legend.size());
  layout.height = std::max<double>(options.height, legend_end + 380);
  for (const size_t row : layout.legend) {
    const Curve& curve = plot.curves[row];
    const double room = (layout.width - 90) * (curve.note.empty() ? 1 : 0.5);
    const double width = text_width(fit_width(curve.name, room, 13 * kBold), 13 * kBold);
    if (!curve.note.empty()) layout.legend_names_width = std::max(layout.legend_names_width, width);
  }
  place(layout, plot, options, {46, legend_end, layout.width - 30, layout.height - 82});
  return layout;
}

Layout bare_layout_of(const Plot& plot, const FigureOptions& options) {
  Layout layout{.width = static_cast<double>(options.width),
                .height = static_cast<double>(options.height)};
  place(layout, plot, options, {34, 10, layout.width - 24, layout.height - 44});
  return layout;
}

bool is_shown(const Layout& layout, const PlotPoint& point) {
  return layout.x.shows(point.x) && layout.y.shows(point.y);
}

std::vector<Whisker> whiskers_of(const Layout& layout, const PlotPoint& point) {
  std::vector<Whisker> whiskers;
  if (!is_shown(layout, point)) return whiskers;
  const double x = layout.x_of(point.x);
  const double y = layout.y_of(point.y);
  if (std::optional<Whisker> along = whisker_on(layout.x, point.x_interval)) {
    along->line = {layout.x_of(along->line.x0), y, layout.x_of(along->line.x1), y};
    whiskers.push_back(*along);
  }
  if (std::optional<Whisker> along = whisker_on(layout.y, point.y_interval)) {
    along->line = {x, layout.y_of(along->line.x0), x, layout.y_of(along->line.x1)};
    whiskers.push_back(*along);
  }
  return whiskers;
}

Obstacles obstacles_of(const Plot& plot, const Layout& layout) {
  Obstacles obstacles{.bounds = layout.area};
  for (const Curve& curve : plot.curves) {
    for (size_t i = 0; i < curve.points.size(); ++i) {
      const PlotPoint& point = curve.points[i];
      if (!is_shown(layout, point)) continue;
      const double x = layout.x_of(point.x);
      const double y = layout.y_of(point.y);
      const double half = point.ringed ? kRing : kMarker;
      obstacles.boxes.push_back({x - half, y - half, x + half, y + half});
      if (point.x_at_most) obstacles.boxes.push_back({x - 34, y - half, x, y + half});
      for (const Whisker& whisker : whiskers_of(layout, point)) {
        obstacles.segments.push_back(whisker.line);
      }
      if (i == 0 || point.x_at_most || !is_shown(layout, curve.points[i - 1])) continue;
      const PlotPoint& before = curve.points[i - 1];
      obstacles.segments.push_back({layout.x_of(before.x), layout.y_of(before.y), x, y});
    }
  }
  for (const TargetLabel& target : layout.target_labels) {
    obstacles.segments.push_back(target.line);
    obstacles.boxes.push_back(target.box);
  }
  return obstacles;
}

std::vector<PointLabel> layout_labels(const Plot& plot, const Layout& layout, double font_size) {
  std::vector<LabelRequest> requests;
  std::vector<PointLabel> labels;
  for (size_t c = 0; c < plot.curves.size(); ++c) {
    const Curve& curve = plot.curves[c];
    for (size_t p = 0; p < curve.points.size(); ++p) {
      const PlotPoint& point = curve.points[p];
      if (point.label.empty() || !is_shown(layout, point)) continue;
      requests.push_back({.x = layout.x_of(point.x),
                          .y = layout.y_of(point.y),
                          .width = text_width(point.label, font_size),
                          .height = font_size + 2,
                          .clearance = point.ringed ? kRing : kMarker});
      labels.push_back({.curve = c, .point = p});
    }
  }
  const auto placed = place_labels(requests, obstacles_of(plot, layout));
  std::vector<PointLabel> found;
  for (size_t i = 0; i < placed.size(); ++i) {
    if (!placed[i]) continue;
    labels[i].placed = *placed[i];
    found.push_back(labels[i]);
  }
  return found;
}

std::string left_out_note(const Plot& plot, size_t placed) {
  size_t wanted = 0;
  for (const Curve& curve : plot.curves) {
    for (const PlotPoint& point : curve.points) wanted += point.label.empty() ? 0 : 1;
  }
  if (wanted <= placed) return "";
  return fmt::format("{} {} left out for want of room", wanted - placed,
                     wanted - placed == 1 ? "label" : "labels");
}

}  // namespace llmsweep::report
