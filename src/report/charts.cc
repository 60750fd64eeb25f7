#include "report/charts.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>

#include "llmsweep/base/text.h"
#include "llmsweep/model/names.h"
#include "report/cells.h"
#include "report/figure_layout.h"
#include "report/plot.h"
#include "report/svg.h"

namespace llmsweep::report {
namespace {

using Json = nlohmann::ordered_json;

struct Size {
  int width = 0, height = 0;
};
// For a window, a narrow one, and a phone.
constexpr std::array<Size, 3> kWideSizes = {{{1120, 460}, {640, 420}, {350, 340}}};
constexpr std::array<Size, 2> kHalfSizes = {{{540, 340}, {350, 340}}};
constexpr int kPhone = 350;

constexpr double kMagnified = 8'000;  // an axis of 1,000 units, enlarged eightfold

struct Scales {
  AxisScale x, y;
};
constexpr std::array<Scales, 4> kScales = {{{AxisScale::kLinear, AxisScale::kLinear},
                                            {AxisScale::kLinear, AxisScale::kLog},
                                            {AxisScale::kLog, AxisScale::kLinear},
                                            {AxisScale::kLog, AxisScale::kLog}}};

struct Asked {
  FigureKind kind;
  Measure latency;
  std::string name;  // of the view
};

double tenth(double value) {
  return std::round(value * 10) / 10;
}

// The axes of a plot, linear and logarithmic; they do not depend on the size of the drawing.
struct Axes {
  std::array<Layout, 2> of;

  Json place(bool x, double value) const {
    Json places = Json::array();
    for (const Layout& layout : of) {
      const Axis& axis = x ? layout.x : layout.y;
      places.push_back(axis.shows(value) ? place_json(axis.share(value)) : Json());
    }
    return places;
  }

  Json interval(bool x, const PlotPoint& point) const {
    Json places = Json::array();
    for (const Layout& layout : of) {
      Json place;
      for (const Whisker& whisker : whiskers_of(layout, point)) {
        const Segment& line = whisker.line;
        if ((line.y0 == line.y1) != x) continue;
        const Box& area = layout.area;
        const auto share = [&](double at) {
          return place_json(x ? (at - area.x0) / (area.x1 - area.x0)
                              : (area.y1 - at) / (area.y1 - area.y0));
        };
        place = Json::array({share(x ? line.x0 : line.y0), share(x ? line.x1 : line.y1),
                             whisker.low, whisker.high});
      }
      places.push_back(std::move(place));
    }
    return places;
  }

  Json axis(bool x, const std::string& title) const {
    Json axes = Json::array();
    for (const Layout& layout : of) {
      const Axis& axis = x ? layout.x : layout.y;
      axes.push_back({{"title", title + (axis.scale == AxisScale::kLog ? ", log" : "")},
                      {"ticks", ticks_json(axis, kMagnified)}});
    }
    return axes;
  }
};

Json point_json(const PlotPoint& point, const Axes& axes) {
  Json json = {
      {"l", point.level}, {"x", axes.place(true, point.x)}, {"y", axes.place(false, point.y)}};
  if (point.x_interval) json["xi"] = axes.interval(true, point);
  if (point.y_interval) json["yi"] = axes.interval(false, point);
  if (!point.figure.empty()) json["text"] = point.figure;
  if (!point.valid) json["no"] = true;
  if (point.ringed) json["ring"] = true;
  if (point.x_at_most) json["most"] = true;
  return json;
}

Json curves_json(const Plot& plot, const Axes& axes) {
  Json curves = Json::array();
  for (const Curve& curve : plot.curves) {
    Json points = Json::array();
    for (const PlotPoint& point : curve.points) points.push_back(point_json(point, axes));
    curves.push_back({{"result", curve.result},
                      {"dash", curve.dashes},
                      {"name", printable(curve.name, 160)},
                      {"points", std::move(points)}});
  }
  return curves;
}

Json targets_json(const Plot& plot, const Axes& axes) {
  Json targets = Json::array();
  for (const TargetLine& target : plot.targets) {
    targets.push_back({{"vertical", target.vertical},
                       {"at", axes.place(target.vertical, target.value)},
                       {"text", target.text}});
  }
  return targets;
}

Json front_json(const Plot& plot, const Axes& axes) {
  Json front = Json::array();
  for (const auto& [x, y] : plot.front) {
    front.push_back({{"x", axes.place(true, x)}, {"y", axes.place(false, y)}});
  }
  return front;
}

Json label_json(const Plot& plot, const Layout& layout, const PointLabel& label) {
  const PlotPoint& point = plot.curves[label.curve].points[label.point];
  const double x = layout.x_of(point.x);
  const double y = layout.y_of(point.y);
  const Box& box = label.placed.box;
  Json json = Json::array({label.curve, label.point, point.label, tenth((box.x0 + box.x1) / 2 - x),
                           tenth(box.y1 - 3 - y)});
  if (const std::optional<Segment>& leader = label.placed.leader) {
    for (const double at : {leader->x0 - x, leader->y0 - y, leader->x1 - x, leader->y1 - y}) {
      json.push_back(tenth(at));
    }
  }
  return json;
}

// Where the text of a target begins: from its line, and from the frame's right or upper edge.
Json target_label_json(const Plot& plot, const Layout& layout, const TargetLabel& label) {
  const bool vertical = plot.targets[label.target].vertical;
  const double x = label.box.x0 + 2;
  const double y = label.box.y1 - 4;
  return Json::array({label.target, tenth(x - (vertical ? label.line.x0 : layout.area.x1)),
                      tenth(y - (vertical ? layout.area.y0 : label.line.y0))});
}

Json placed_json(const Plot& plot, const FigureOptions& options) {
  const Layout layout = bare_layout_of(plot, options);
  const Box& area = layout.area;
  const std::vector<PointLabel> placed = layout_labels(plot, layout, kPointSize);
  Json labels = Json::array();
  for (const PointLabel& label : placed) labels.push_back(label_json(plot, layout, label));
  Json targets = Json::array();
  for (const TargetLabel& label : layout.target_labels) {
    targets.push_back(target_label_json(plot, layout, label));
  }
  return {{"area", {tenth(area.x0), tenth(area.y0), tenth(area.x1), tenth(area.y1)}},
          {"labels", std::move(labels)},
          {"targets", std::move(targets)},
          {"note", left_out_note(plot, placed.size())}};
}

// "c8:2,832" leaves room for few on a phone: "c8".
Plot with_short_labels(Plot plot, std::span<const SweepResult> results) {
  for (Curve& curve : plot.curves) {
    for (PlotPoint& point : curve.points) {
      if (!point.label.empty())
        point.label = name_of(results[curve.result].levels[point.level].point);
    }
  }
  return plot;
}

Json sizes_json(const Plot& plot, std::span<const SweepResult> results, FigureKind kind,
                std::span<const Size> sizes) {
  Json json = Json::array();
  const Plot brief = with_short_labels(plot, results);
  for (const Size& size : sizes) {
    Json at = Json::array();
    for (const Scales& scales : kScales) {
      at.push_back(placed_json(size.width > kPhone ? plot : brief, {.kind = kind,
                                                                    .x_scale = scales.x,
                                                                    .y_scale = scales.y,
                                                                    .width = size.width,
                                                                    .height = size.height}));
    }
    json.push_back({{"width", size.width}, {"height", size.height}, {"at", std::move(at)}});
  }
  return json;
}

// Null: no result has a point of it.
Json view_json(std::span<const SweepResult> results, const Asked& asked,
               std::span<const Size> sizes, std::string& title) {
  const Plot plot = plot_of(results, {.kind = asked.kind}, asked.latency);
  title = plot.title;
  FigureOptions options{.kind = asked.kind, .width = sizes[0].width, .height = sizes[0].height};
  const Layout suitable = bare_layout_of(plot, options);
  if (suitable.empty) return nullptr;
  Axes axes;
  for (size_t i = 0; i < axes.of.size(); ++i) {
    options.x_scale = options.y_scale = i == 0 ? AxisScale::kLinear : AxisScale::kLog;
    axes.of[i] = bare_layout_of(plot, options);
  }
  std::vector<std::string> notes = plot.footnotes;
  if (asked.kind == FigureKind::kPercentiles) notes.insert(notes.begin(), plot.curves[0].note);
  Json json = Json::object();
  if (!asked.name.empty()) json["name"] = asked.name;
  json["x"] = {{"log", suitable.x.scale == AxisScale::kLog},
               {"axes", axes.axis(true, plot.x_title)}};
  json["y"] = {{"log", suitable.y.scale == AxisScale::kLog},
               {"axes", axes.axis(false, plot.y_title)}};
  json["curves"] = curves_json(plot, axes);
  json["targets"] = targets_json(plot, axes);
  json["front"] = front_json(plot, axes);
  json["notes"] = join(notes, " · ");
  json["sizes"] = sizes_json(plot, results, asked.kind, sizes);
  return json;
}

std::vector<Asked> latencies() {
  constexpr std::array<Statistic, 5> kShown = {Statistic::kP50, Statistic::kP90, Statistic::kP95,
                                               Statistic::kP99, Statistic::kMean};
  std::vector<Asked> asked;
  for (const Quantity& quantity : quantities()) {
    if (quantity.distribution == nullptr) continue;
    for (const Statistic statistic : kShown) {
      const Measure measure{&quantity, statistic};
      asked.push_back({FigureKind::kLatencyConcurrency, measure, title_of(measure)});
    }
  }
  return asked;
}

}  // namespace

Json place_json(double share) {
  return std::isfinite(share) ? Json(std::round(share * 1e5) / 1e5) : Json();
}

Json ticks_json(const Axis& axis, double longest) {
  Json ticks = Json::array();
  for (const Tick& tick : axis.ticks) {
    if (tick.from > longest && !tick.line) continue;
    ticks.push_back(Json::array({place_json(axis.share(tick.value)), tick.text,
                                 std::min<int64_t>(std::llround(std::ceil(tick.from)), 99'999),
                                 tick.line ? 1 : 0}));
  }
  return ticks;
}

Json styles_json() {
  Json json = {{"dashes", Json::array()}, {"markers", Json::array()}};
  for (size_t i = 0; i < kStyles; ++i) {
    json["dashes"].push_back(dash_pattern(i));
    json["markers"].push_back(marker_path({.style = i}));
  }
  return json;
}

Json charts_json(std::span<const SweepResult> results) {
  constexpr std::array<FigureKind, 5> kShown = {
      FigureKind::kThroughputLatency, FigureKind::kGpuThroughputSpeed,
      FigureKind::kLatencyConcurrency, FigureKind::kThroughputConcurrency,
      FigureKind::kPercentiles};
  const Measure median_e2e{&quantity_of(Metric::kE2e), Statistic::kP50};
  Json charts = Json::array();
  for (const FigureKind kind : kShown) {
    const bool wide = kind == FigureKind::kThroughputLatency;
    const std::span<const Size> sizes =
        wide ? std::span<const Size>(kWideSizes) : std::span<const Size>(kHalfSizes);
    const std::vector<Asked> asked = kind == FigureKind::kLatencyConcurrency
                                         ? latencies()
                                         : std::vector<Asked>{{kind, median_e2e, ""}};
    Json views = Json::array();
    std::string title;
    for (const Asked& one : asked) {
      Json view = view_json(results, one, sizes, title);
      if (!view.is_null()) views.push_back(std::move(view));
    }
    if (views.empty()) continue;
    charts.push_back({{"id", figure_kind_name(kind)},
                      {"title", std::move(title)},
                      {"wide", wide},
                      {"views", std::move(views)}});
  }
  return charts;
}

}  // namespace llmsweep::report
