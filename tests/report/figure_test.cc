#include "llmsweep/report/figure.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>

#include "llmsweep/base/files.h"
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
