// Where the labels of a figure go: beside their points, over nothing. Pure geometry in user units,
// y downwards.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace llmsweep::report {

struct Box {
  double x0 = 0, y0 = 0, x1 = 0, y1 = 0;
};
struct Segment {
  double x0 = 0, y0 = 0, x1 = 0, y1 = 0;
};

bool overlap(const Box& a, const Box& b);
bool crosses(const Segment& segment, const Box& box);
bool crosses(const Segment& a, const Segment& b);

// What a label may not cover, beside the other labels.
struct Obstacles {
  Box bounds;  // labels stay inside
  std::vector<Box> boxes;
  std::vector<Segment> segments;
};

struct LabelRequest {
  double x = 0, y = 0;  // the point
  double width = 0, height = 0;
  double clearance = 6;  // of the marker's middle
};

struct PlacedLabel {
  Box box;
  std::optional<Segment> leader;  // where the label is too far from its point to be read as its own
};

// placed[i] belongs to requests[i]; nothing where no free place was found near enough. Placed
// labels overlap neither each other nor an obstacle; leaders cross no label and no leader.
std::vector<std::optional<PlacedLabel>> place_labels(std::span<const LabelRequest> requests,
                                                     const Obstacles& obstacles);

// An upper bound of the width of `text` in the sans-serif faces that the figures ask for.
double text_width(std::string_view text, double font_size);
constexpr double kBold = 1.13;  // how much wider bold text is

}  // namespace llmsweep::report
