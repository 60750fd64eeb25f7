#include "llmsweep/report/figure.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "llmsweep/base/text.h"
#include "report/axis.h"
#include "report/escape.h"
#include "report/figure_bars.h"
#include "report/figure_layout.h"
#include "report/plot.h"
#include "report/svg.h"

namespace llmsweep {
namespace report {
namespace {

std::string ticks(const Layout& layout) {
  const Box& area = layout.area;
  std::string svg;
  for (const Tick& tick : layout.x.ticks) {
    const bool named = tick.from <= area.x1 - area.x0;
    if (!named && !tick.line) continue;
    const double x = layout.x_of(tick.value);
    svg += svg_line(x, area.y0, x, area.y1, "thin grid");
    if (!named) continue;
    svg += svg_text(x, area.y1 + 18, tick.text, {.css = "soft", .anchor = "middle"});
  }
  for (const Tick& tick : layout.y.ticks) {
    const bool named = tick.from <= area.y1 - area.y0;
    if (!named && !tick.line) continue;
    const double y = layout.y_of(tick.value);
    svg += svg_line(area.x0, y, area.x1, y, "thin grid");
    if (!named) continue;
    svg += svg_text(area.x0 - 8, y + 4, tick.text, {.css = "soft", .anchor = "end"});
  }
  svg += svg_line(area.x0, area.y1, area.x1, area.y1, "thin axis");
  return svg + svg_line(area.x0, area.y0, area.x0, area.y1, "thin axis");
}

std::string scale_note(const Axis& axis) {
  return axis.scale == AxisScale::kLog ? ", log scale" : "";
}

std::string axis_titles(const Plot& plot, const Layout& layout) {
  const Box& area = layout.area;
  std::string svg =
      svg_text((area.x0 + area.x1) / 2, area.y1 + 40, plot.x_title + scale_note(layout.x),
               {.css = "ink", .size = 13, .anchor = "middle"});
  const double y = (area.y0 + area.y1) / 2;
  svg += fmt::format("<g transform=\"rotate(-90 22 {0})\">{1}</g>\n", coordinate(y),
                     svg_text(22, y, plot.y_title + scale_note(layout.y),
                              {.css = "ink", .size = 13, .anchor = "middle"}));
  return svg;
}

std::string legend(const Plot& plot, const Layout& layout) {
  std::string svg;
  double y = layout.legend_top;
  for (const size_t index : layout.legend) {
    const Curve& curve = plot.curves[index];
    const size_t style = curve.style % kStyles;
    svg += fmt::format("<path d=\"M24 {0}H56\" class=\"line c{1}\" stroke-dasharray=\"{2}\"/>\n",
                       coordinate(y - 4), style, dash_pattern(curve.dashes));
    svg += svg_marker({.x = 40, .y = y - 4, .style = style});
    const double room = layout.width - 24 - 66;
    const std::string name =
        fit_width(curve.name, curve.note.empty() ? room : room * 0.5, 13 * kBold);
    svg += svg_text(66, y, name, {.css = "ink b", .size = 13});
    const double note_at = 66 + layout.legend_names_width + 18;
    svg += curve.note.empty()
               ? ""
               : svg_text(note_at, y, curve.note,
                          {.css = "soft", .size = 13, .max_width = layout.width - 24 - note_at});
    y += kLegendRow;
  }
  return svg;
}

std::string whiskers(const Layout& layout, const PlotPoint& point, size_t style) {
  const std::string css = fmt::format("whisker c{}", style % kStyles);
  std::string svg;
  for (const Whisker& whisker : whiskers_of(layout, point)) {
    const Segment& s = whisker.line;
    const bool level = s.y0 == s.y1;
    const auto cap = [&](double x, double y) {
      return level ? svg_line(x, y - 3, x, y + 3, css) : svg_line(x - 3, y, x + 3, y, css);
    };
    svg += svg_line(s.x0, s.y0, s.x1, s.y1, css);
    if (whisker.low) svg += cap(s.x0, s.y0);
    if (whisker.high) svg += cap(s.x1, s.y1);
  }
  return svg;
}

std::string curve_path(const Layout& layout, const Curve& curve) {
  if (curve.points.size() < 2) return "";
  std::string path;
  for (const PlotPoint& point : curve.points) {
    if (point.x_at_most || !is_shown(layout, point)) continue;
    path += path.empty() ? "M" : "L";
    path += coordinate(layout.x_of(point.x)) + " " + coordinate(layout.y_of(point.y));
  }
  return fmt::format("<path d=\"{}\" class=\"line c{}\" stroke-dasharray=\"{}\"/>\n", path,
                     curve.style % kStyles, dash_pattern(curve.dashes));
}

// To the left: the true value is here or lower.
std::string bound_arrow(double x, double y, size_t style) {
  return fmt::format("<path d=\"M{} {}h-30m7 -4.5l-7 4.5l7 4.5\" class=\"ring c{}\"/>\n",
                     coordinate(x), coordinate(y), style % kStyles);
}

std::string curve_points(const Layout& layout, const Curve& curve) {
  std::string svg;
  for (const PlotPoint& point : curve.points) {
    if (!is_shown(layout, point)) continue;
    const double x = layout.x_of(point.x);
    const double y = layout.y_of(point.y);
    svg += whiskers(layout, point, curve.style);
    svg += "<g><title>" + markup(point.tooltip, 400) + "</title>\n";
    if (point.ringed) {
      svg += fmt::format("<circle cx=\"{}\" cy=\"{}\" r=\"9.5\" class=\"ring c{}\"/>\n",
                         coordinate(x), coordinate(y), curve.style % kStyles);
    }
    if (point.x_at_most) svg += bound_arrow(x, y, curve.style);
    svg += svg_marker({.x = x, .y = y, .style = curve.style, .valid = point.valid}) + "</g>\n";
  }
  return svg;
}

std::string target_lines(const Plot& plot, const Layout& layout) {
  std::string svg;
  for (size_t i = 0; i < layout.target_labels.size(); ++i) {
    const TargetLabel& label = layout.target_labels[i];
    svg += svg_line(label.line.x0, label.line.y0, label.line.x1, label.line.y1, "target");
    svg += svg_text(label.box.x0 + 2, label.box.y1 - 4, plot.targets[label.target].text,
                    {.css = "ink b halo", .size = kPointSize});
  }
  return svg;
}

std::string pareto_band(const Plot& plot, const Layout& layout) {
  if (plot.front.size() < 2) return "";
  std::string path;
  for (const auto& [x, y] : plot.front) {
    path += path.empty() ? "M" : "L";
    path += coordinate(layout.x_of(x)) + " " + coordinate(layout.y_of(y));
  }
  return "<path d=\"" + path + "\" class=\"front\"/>\n";
}

std::string point_labels(const Plot& plot, const std::vector<PointLabel>& labels) {
  std::string svg;
  for (const PointLabel& label : labels) {
    const size_t style = plot.curves[label.curve].style % kStyles;
    if (label.placed.leader) {
      const Segment& s = *label.placed.leader;
      svg += svg_line(s.x0, s.y0, s.x1, s.y1, fmt::format("leader c{}", style));
    }
    const Box& box = label.placed.box;
    svg += svg_text((box.x0 + box.x1) / 2, box.y1 - 3,
                    plot.curves[label.curve].points[label.point].label,
                    {.css = fmt::format("t{}", style), .size = kPointSize, .anchor = "middle"});
  }
  return svg;
}

std::string footer(const Plot& plot, size_t labels) {
  std::vector<std::string> notes = plot.footnotes;
  const std::string left_out = left_out_note(plot, labels);
  if (!left_out.empty()) notes.push_back(left_out);
  return join(notes, " · ");
}

std::string description(const Plot& plot) {
  std::string text = plot.y_title + " against " + plot.x_title + ".";
  for (const Curve& curve : plot.curves) {
    for (const PlotPoint& point : curve.points) text += " " + printable(point.tooltip) + ".";
  }
  return text;
}

std::string curves_figure(const Plot& plot, const FigureOptions& options) {
  const Layout layout = layout_of(plot, options);
  std::string svg = svg_open({.width = layout.width,
                              .height = layout.height,
                              .title = plot.title,
                              .description = description(plot)});
  svg_heading({plot.title, plot.subtitle, plot.badges}, layout.width, svg);
  svg += legend(plot, layout);
  if (layout.empty) {
    svg += svg_text(layout.width / 2, layout.height / 2, "no level has the numbers for this figure",
                    {.css = "soft", .size = 15, .anchor = "middle"});
    return svg + svg_close();
  }
  svg += ticks(layout) + axis_titles(plot, layout) + pareto_band(plot, layout);
  for (const Curve& curve : plot.curves) svg += curve_path(layout, curve);
  svg += target_lines(plot, layout);
  for (const Curve& curve : plot.curves) svg += curve_points(layout, curve);
  const std::vector<PointLabel> labels = layout_labels(plot, layout, kPointSize);
  svg += point_labels(plot, labels);
  svg += svg_text(layout.area.x0, layout.height - 12, footer(plot, labels.size()),
                  {.css = "soft", .size = 11, .max_width = layout.width - layout.area.x0 - 24});
  return svg + svg_close();
}

}  // namespace
}  // namespace report

namespace {

struct KindName {
  FigureKind kind;
  std::string_view name;
};
constexpr std::array<KindName, 7> kKinds = {
    {{FigureKind::kThroughputLatency, "throughput-latency"},
     {FigureKind::kGpuThroughputSpeed, "gpu-throughput-speed"},
     {FigureKind::kLatencyConcurrency, "latency-concurrency"},
     {FigureKind::kTtftConcurrency, "ttft-concurrency"},
     {FigureKind::kThroughputConcurrency, "throughput-concurrency"},
     {FigureKind::kPercentiles, "percentiles"},
     {FigureKind::kUsersPerGpu, "users-per-gpu"}}};

}  // namespace

std::string_view figure_kind_name(FigureKind kind) {
  for (const KindName& entry : kKinds) {
    if (entry.kind == kind) return entry.name;
  }
  return "";
}

std::optional<FigureKind> figure_kind_from_name(std::string_view name) {
  for (const KindName& entry : kKinds) {
    if (entry.name == name) return entry.kind;
  }
  return std::nullopt;
}

std::vector<std::string> figure_kind_names() {
  std::vector<std::string> names;
  for (const KindName& entry : kKinds) names.emplace_back(entry.name);
  return names;
}

std::string figure_svg(std::span<const SweepResult> results, const FigureOptions& options) {
  const report::Plot plot = report::plot_of(results, options);
  if (options.kind == FigureKind::kUsersPerGpu) return report::bars_figure(results, plot, options);
  return report::curves_figure(plot, options);
}

}  // namespace llmsweep
