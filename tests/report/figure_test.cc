#include "llmsweep/report/figure.h"

#include <gmock/gmock.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "llmsweep/base/files.h"
#include "report/axis.h"
#include "report/charts.h"
#include "report/figure_layout.h"
#include "report/label_layout.h"
#include "report/plot.h"
#include "report/sample_results.h"

namespace llmsweep {
namespace {

using report::Box;
using report::Layout;
using report::Plot;
using report::PointLabel;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// With LLMSWEEP_FIGURES_DIR set the figures stay, to be looked at.
void keep(const std::string& name, const std::string& svg) {
  const char* folder = std::getenv("LLMSWEEP_FIGURES_DIR");
  if (folder != nullptr)
    write_file_atomically(std::filesystem::path(folder) / (name + ".svg"), svg);
}

// How many labels cover another label, a marker, a curve, a whisker, a target or leave the axes.
size_t collisions(const Plot& plot, const Layout& layout, const std::vector<PointLabel>& labels) {
  const report::Obstacles obstacles = report::obstacles_of(plot, layout);
  size_t count = 0;
  for (size_t i = 0; i < labels.size(); ++i) {
    const Box& box = labels[i].placed.box;
    for (const Box& other : obstacles.boxes) count += report::overlap(box, other) ? 1 : 0;
    for (const auto& segment : obstacles.segments) count += report::crosses(segment, box) ? 1 : 0;
    for (size_t k = 0; k < i; ++k) {
      count += report::overlap(box, labels[k].placed.box) ? 1 : 0;
      const auto& leader = labels[k].placed.leader;
      count += leader && report::crosses(*leader, box) ? 1 : 0;
    }
    const Box& area = obstacles.bounds;
    count += box.x0 < area.x0 || box.x1 > area.x1 || box.y0 < area.y0 || box.y1 > area.y1 ? 1 : 0;
  }
  return count;
}

TEST(Figure, LabelsEveryPointOfThreeSystemsByNineLevelsWithoutAnOverlap) {
  const std::vector<SweepResult> results = sample::three_sweeps();
  for (const FigureKind kind : {FigureKind::kThroughputLatency, FigureKind::kGpuThroughputSpeed}) {
    for (const AxisScale scale : {AxisScale::kLinear, AxisScale::kLog}) {
      const FigureOptions options{.kind = kind, .x_scale = scale, .y_scale = scale};
      const Plot plot = report::plot_of(results, options);
      const Layout layout = report::layout_of(plot, options);
      const std::vector<PointLabel> labels = report::layout_labels(plot, layout, 12);
      // Linear axes press the low levels of three systems into one corner.
      EXPECT_GE(labels.size(), scale == AxisScale::kLog ? 27u : 15u);
      EXPECT_EQ(collisions(plot, layout, labels), 0u);
      keep(std::string(figure_kind_name(kind)) + (scale == AxisScale::kLog ? "-log" : "-linear"),
           figure_svg(results, options));
    }
  }
}

TEST(Figure, DrawsThePublishedPoints) {
  const std::string svg = figure_svg(sample::published());
  keep("published", svg);
  EXPECT_THAT(svg, HasSubstr(">c1:272</text>"));
  EXPECT_THAT(svg, HasSubstr(">c8:872</text>"));
  EXPECT_THAT(svg, HasSubstr("arrow: published as within the target"));
  EXPECT_THAT(svg, HasSubstr(">c1:109</text>"));
  EXPECT_THAT(svg, HasSubstr(">target 15,000 ms</text>"));
  EXPECT_THAT(svg, HasSubstr("8 users within 15,000 ms on 4 GPUs (≥ 2.00 per GPU)"));
  EXPECT_THAT(svg, HasSubstr(">published</text>"));
}

TEST(Figure, MarksInvalidPointsAndSimulatedCurves) {
  std::vector<SweepResult> results = sample::three_sweeps();
  results[1].simulated = true;
  results[2].levels[6].pooled.valid = false;
  const std::string svg = figure_svg(results);
  keep("marks", svg);
  EXPECT_THAT(svg, HasSubstr("GB200 FP8 [SIMULATED]"));
  EXPECT_THAT(svg, HasSubstr("class=\"open hollow c2\""));
  EXPECT_THAT(svg, HasSubstr("hollow and struck: invalid level"));
  for (SweepResult& result : results) result.simulated = true;
  EXPECT_THAT(figure_svg(results), HasSubstr("class=\"badge-text b\">SIMULATED"));
}

TEST(Figure, GivesTheSameBytesForTheSameInput) {
  const std::vector<SweepResult> results = sample::three_sweeps();
  EXPECT_EQ(figure_svg(results), figure_svg(sample::three_sweeps()));
}

TEST(Figure, DrawsEveryKind) {
  const std::vector<SweepResult> results = sample::three_sweeps();
  for (const std::string& name : figure_kind_names()) {
    const std::optional<FigureKind> kind = figure_kind_from_name(name);
    ASSERT_TRUE(kind);
    const std::string svg = figure_svg(results, {.kind = *kind});
    keep("kind-" + name, svg);
    EXPECT_THAT(svg, HasSubstr("GB200 NVFP4"));
    EXPECT_THAT(svg, Not(HasSubstr("no level has")));
  }
}

TEST(Figure, TakesItsAxisFromTheKindOfLoad) {
  const FigureOptions options{.kind = FigureKind::kLatencyConcurrency};
  std::vector<SweepResult> results = {sample::sweep({"GB200 NVFP4"})};
  Plot plot = report::plot_of(results, options);
  EXPECT_EQ(plot.title, "Latency against concurrency");
  EXPECT_EQ(plot.x_title, "concurrency (requests in flight)");
  for (LevelStats& level : results[0].levels) level.point = at_rate(level.point.value / 4);
  plot = report::plot_of(results, options);
  EXPECT_EQ(plot.title, "Latency against request rate");
  EXPECT_EQ(plot.x_title, "request rate (requests/s)");
  EXPECT_EQ(plot.curves[0].points[0].x, 0.25);
}

TEST(Figure, SaysThatThereIsNothingToDraw) {
  EXPECT_THAT(figure_svg({}), HasSubstr("no level has the numbers for this figure"));
}

TEST(Figure, KeepsHostileNamesAsText) {
  std::vector<SweepResult> results = sample::three_sweeps();
  results[0].name = "</text><script>alert(1)</script>";
  results[1].name = std::string(10'000, 'W') + "\" onload=\"x";
  results[2].name =
      "\xe2\x80\xae"
      "evil \x1b[31m \xef\xbf\xbf & 'q'";
  for (SweepResult& result : results) result.model = "]]><![CDATA[ \x01";
  const std::string svg = figure_svg(results);
  keep("hostile", svg);
  EXPECT_THAT(svg, Not(HasSubstr("<script")));
  EXPECT_THAT(svg, Not(HasSubstr("<![CDATA[")));
  EXPECT_THAT(svg, Not(HasSubstr("\xe2\x80\xae")));
  EXPECT_THAT(svg, Not(HasSubstr("\xef\xbf\xbf")));
  EXPECT_LT(svg.size(), 60'000u);
}

std::vector<std::string> texts_at(const report::Axis& axis, double length) {
  std::vector<std::string> texts;
  for (const report::Tick& tick : axis.ticks) {
    if (tick.from <= length) texts.push_back(tick.text);
  }
  return texts;
}

TEST(Axis, CountsConcurrencyInWholeNumbers) {
  for (const double highest : {1.0, 2.0, 3.0, 8.0}) {
    const report::Axis axis = report::axis_over({1, highest}, {.whole = true});
    EXPECT_GE(axis.ticks.size(), 2u) << highest;
    for (const report::Tick& tick : axis.ticks) EXPECT_EQ(tick.value, std::round(tick.value));
  }
  // And the figure asks for it, but not of rates.
  std::vector<SweepResult> results = {sample::sweep({"GB200 NVFP4"})};
  results[0].levels.resize(2);
  const FigureOptions options{.kind = FigureKind::kLatencyConcurrency};
  const auto ticks = [&] {
    return texts_at(report::layout_of(report::plot_of(results, options), options).x, 1e6);
  };
  EXPECT_THAT(ticks(), Not(Contains(HasSubstr("."))));
  for (LevelStats& level : results[0].levels) level.point = at_rate(level.point.value / 10);
  EXPECT_THAT(ticks(), Contains("0.15"));
}

TEST(Axis, WritesNoValueOfATickWrong) {
  EXPECT_THAT(texts_at(report::axis_over({0, 13}, {}), 800),
              ElementsAre("0.0", "2.5", "5.0", "7.5", "10.0", "12.5", "15.0"));
  EXPECT_THAT(texts_at(report::axis_over({0, 1.3}, {}), 800), Contains("0.25"));
}

TEST(Axis, WritesTheFinerTicksTogetherOrNotAtAll) {
  const report::Axis axis = report::axis_over({2000, 9000}, {});
  EXPECT_THAT(texts_at(axis, 900), ElementsAre("0", "2,000", "4,000", "6,000", "8,000", "10,000"));
  EXPECT_THAT(texts_at(axis, 4000), Contains("500"));
}

TEST(Axis, WritesNoTextOverAnotherAndMoreWhereItIsLonger) {
  for (const AxisScale scale : {AxisScale::kLinear, AxisScale::kLog}) {
    const report::Axis axis = report::axis_over({900, 152'000}, {.scale = scale});
    size_t before = 0;
    for (const double length : {200.0, 500.0, 1000.0, 8000.0}) {
      double last = -1e9;
      for (const report::Tick& tick : axis.ticks) {
        if (tick.from > length) continue;
        const double half = report::text_width(tick.text, 12) / 2;
        const double at = axis.share(tick.value) * length;
        EXPECT_GT(at - half, last) << length;
        last = at + half;
      }
      EXPECT_GE(texts_at(axis, length).size(), before);
      before = texts_at(axis, length).size();
    }
    EXPECT_GT(before, 12u);
  }
}

TEST(Figure, EndsWhiskersAtTheFrame) {
  std::vector<SweepResult> results = {sample::sweep({"GB200 NVFP4"})};
  results[0].levels[0].e2e_p50_between_runs_ci95 = Interval{-40'000, 52'000};
  const FigureOptions options{.kind = FigureKind::kLatencyConcurrency, .y_scale = AxisScale::kLog};
  const Plot plot = report::plot_of(results, options);
  const Layout layout = report::layout_of(plot, options);
  const auto whiskers = report::whiskers_of(layout, plot.curves[0].points[0]);
  ASSERT_EQ(whiskers.size(), 1u);
  EXPECT_DOUBLE_EQ(whiskers[0].line.y0, layout.area.y1);
  EXPECT_FALSE(whiskers[0].low);  // goes on beyond the axis: no cap
  EXPECT_TRUE(whiskers[0].high);
  EXPECT_GT(whiskers[0].line.y1, layout.area.y0);
}

// The page draws at these sizes what the same code lays out.
TEST(Charts, KeepLabelsOffTargetsCurvesAndMarksAtEverySize) {
  const std::vector<SweepResult> results = sample::three_sweeps();
  for (const FigureKind kind : {FigureKind::kThroughputLatency, FigureKind::kGpuThroughputSpeed}) {
    for (const int width : {1120, 640, 540, 350}) {
      for (const AxisScale scale : {AxisScale::kLinear, AxisScale::kLog}) {
        const FigureOptions options{
            .kind = kind, .x_scale = scale, .y_scale = scale, .width = width, .height = 340};
        const Plot plot = report::plot_of(results, options);
        const Layout layout = report::bare_layout_of(plot, options);
        EXPECT_EQ(collisions(plot, layout, report::layout_labels(plot, layout, 12)), 0u) << width;
        EXPECT_EQ(layout.width, width);
      }
    }
  }
}

TEST(Charts, HoldWhatTheFiguresDraw) {
  std::vector<SweepResult> results = sample::three_sweeps();
  results[2].levels[6].pooled.valid = false;
  const auto charts = report::charts_json(results);
  ASSERT_EQ(charts.size(), 5u);
  const auto& view = charts[0]["views"][0];
  EXPECT_EQ(charts[0]["id"], "throughput-latency");
  const FigureOptions options{.x_scale = AxisScale::kLog, .y_scale = AxisScale::kLinear};
  const Plot plot = report::plot_of(results, options);
  const Layout layout = report::layout_of(plot, options);
  ASSERT_EQ(view["curves"].size(), plot.curves.size());
  for (size_t c = 0; c < plot.curves.size(); ++c) {
    for (size_t p = 0; p < plot.curves[c].points.size(); ++p) {
      const auto& point = view["curves"][c]["points"][p];
      EXPECT_NEAR(point["x"][1].get<double>(), layout.x.share(plot.curves[c].points[p].x), 1e-4);
      EXPECT_NEAR(point["y"][0].get<double>(), layout.y.share(plot.curves[c].points[p].y), 1e-4);
    }
  }
  EXPECT_EQ(view["curves"][2]["points"][6]["no"], true);
  EXPECT_EQ(view["curves"][0]["points"][6].count("no"), 0u);
  EXPECT_EQ(view["sizes"].size(), 3u);
  EXPECT_EQ(view["targets"][0]["text"], "target 15,000 ms");
  // A choice of every latency that there is, the median E2E first.
  const auto& latencies = charts[2]["views"];
  EXPECT_EQ(latencies[0]["name"], "Median E2E latency");
  EXPECT_GT(latencies.size(), 5u);
  EXPECT_LT(charts.dump().size(), 250'000u);
}

TEST(Charts, LeaveOutWhatAScaleCannotShow) {
  std::vector<SweepResult> results = {sample::sweep({"GB200 NVFP4"})};
  results[0].levels[0].pooled.ttft.p50 = 0;
  for (RunStats& run : results[0].levels[0].runs) run.ttft.p50 = 0;
  const auto charts = report::charts_json(results);
  for (const auto& view : charts[2]["views"]) {
    if (view["name"] != "Median TTFT") continue;
    const auto& point = view["curves"][0]["points"][0];
    EXPECT_TRUE(point["y"][1].is_null());
    EXPECT_EQ(point["y"][0], 0);
    return;
  }
  FAIL() << "no view of the TTFT";
}

TEST(ParetoFront, HoldsOnlyWhatNothingBeats) {
  std::vector<report::Curve> curves(2);
  curves[0].points = {{.x = 100, .y = 10}, {.x = 50, .y = 40}, {.x = 20, .y = 45}};
  curves[1].points = {{.x = 90, .y = 30}, {.x = 40, .y = 60}, {.x = 95, .y = 99, .valid = false}};
  const auto front = report::mark_pareto_front(curves);
  const std::vector<std::pair<double, double>> expected = {{40, 60}, {50, 40}, {90, 30}, {100, 10}};
  EXPECT_EQ(front, expected);
  EXPECT_FALSE(curves[0].points[2].in_front);
}

TEST(LabelLayout, LeavesOutWhatHasNoPlace) {
  const report::Obstacles obstacles{.bounds = {0, 0, 120, 50}};
  std::vector<report::LabelRequest> requests(9, {.x = 60, .y = 25, .width = 40, .height = 10});
  size_t placed = 0;
  for (const auto& label : report::place_labels(requests, obstacles)) placed += label ? 1 : 0;
  EXPECT_GE(placed, 1u);
  EXPECT_LT(placed, 9u);
}

}  // namespace
}  // namespace llmsweep
