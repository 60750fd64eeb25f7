#include "report/label_layout.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numeric>

#include "llmsweep/base/text.h"

namespace llmsweep::report {
namespace {

constexpr double kMargin = 2.0;        // kept free around a label
constexpr double kLeaderFrom = 9.0;    // a label farther than this beyond the marker gets a leader
constexpr double kCrossingReach = 40;  // a leader over a curve is no longer than this

// Directions in order of preference: above the curve first, which rises to the right.
struct Direction {
  double x, y;
};
constexpr double kDiagonal = 0.7071;
constexpr std::array<Direction, 16> kDirections = {{{-kDiagonal, -kDiagonal},
                                                    {0, -1},
                                                    {kDiagonal, kDiagonal},
                                                    {1, 0},
                                                    {0, 1},
                                                    {-1, 0},
                                                    {kDiagonal, -kDiagonal},
                                                    {-kDiagonal, kDiagonal},
                                                    {-0.383, -0.924},
                                                    {-0.924, -0.383},
                                                    {0.924, 0.383},
                                                    {0.383, 0.924},
                                                    {0.383, -0.924},
                                                    {0.924, -0.383},
                                                    {-0.924, 0.383},
                                                    {-0.383, 0.924}}};
constexpr std::array<double, 12> kRings = {2, 6, 12, 18, 26, 36, 48, 62, 78, 96, 120, 150};

Box grown(const Box& box, double by) {
  return {box.x0 - by, box.y0 - by, box.x1 + by, box.y1 + by};
}

// The box whose nearest edge or corner lies `distance` from the point in the given direction.
Box candidate(const LabelRequest& label, const Direction& direction, double distance) {
  const double away = label.clearance + distance;
  const double x = label.x + direction.x * away;
  const double y = label.y + direction.y * away;
  // The box's own anchor slides from its far edge to its near edge with the direction.
  const double x0 = x - label.width * (1 - direction.x) / 2;
  const double y0 = y - label.height * (1 - direction.y) / 2;
  return {x0, y0, x0 + label.width, y0 + label.height};
}

std::optional<Segment> leader_of(const LabelRequest& label, const Box& box) {
  const double x = std::clamp(label.x, box.x0, box.x1);
  const double y = std::clamp(label.y, box.y0, box.y1);
  const double distance = std::hypot(x - label.x, y - label.y);
  if (distance <= label.clearance + kLeaderFrom) return std::nullopt;
  const double start = label.clearance / distance;
  return Segment{label.x + (x - label.x) * start, label.y + (y - label.y) * start, x, y};
}

bool inside(const Box& box, const Box& bounds) {
  return box.x0 >= bounds.x0 && box.x1 <= bounds.x1 && box.y0 >= bounds.y0 && box.y1 <= bounds.y1;
}

class Placer {
 public:
  explicit Placer(const Obstacles& obstacles) : obstacles_(obstacles) {}

  bool is_free(const PlacedLabel& label) const {
    if (!inside(label.box, obstacles_.bounds)) return false;
    const Box box = grown(label.box, kMargin);
    for (const Box& other : obstacles_.boxes) {
      if (overlap(box, other)) return false;
    }
    for (const Segment& segment : obstacles_.segments) {
      if (crosses(segment, box)) return false;
    }
    if (label.leader && crosses_a_marker(*label.leader)) return false;
    for (const PlacedLabel& other : placed_) {
      if (overlap(box, other.box)) return false;
      if (other.leader && crosses(*other.leader, box)) return false;
      if (!label.leader) continue;
      if (crosses(*label.leader, grown(other.box, kMargin))) return false;
      if (other.leader && crosses(*label.leader, *other.leader)) return false;
    }
    return true;
  }

  // Nearest ring first; a short leader over a curve only where no other place is left.
  std::optional<PlacedLabel> best(const LabelRequest& request) const {
    std::optional<PlacedLabel> crossing;
    for (const double ring : kRings) {
      for (const Direction& direction : kDirections) {
        PlacedLabel label{.box = candidate(request, direction, ring)};
        label.leader = leader_of(request, label.box);
        if (!is_free(label)) continue;
        if (!label.leader || !crosses_a_curve(*label.leader)) return label;
        if (!crossing && ring <= kCrossingReach) crossing = label;
      }
    }
    return crossing;
  }

  size_t free_places(const LabelRequest& request) const {
    size_t count = 0;
    for (const double ring : {kRings[0], kRings[1]}) {
      for (const Direction& direction : kDirections) {
        count += is_free({.box = candidate(request, direction, ring)}) ? 1 : 0;
      }
    }
    return count;
  }

  void add(const PlacedLabel& label) { placed_.push_back(label); }

 private:
  // The leader begins on the edge of its own marker, whose box holds that end.
  bool crosses_a_marker(const Segment& leader) const {
    return std::any_of(obstacles_.boxes.begin(), obstacles_.boxes.end(), [&](const Box& box) {
      const Box inner = grown(box, -kMargin);
      const bool own = leader.x0 > box.x0 - 1 && leader.x0 < box.x1 + 1 && leader.y0 > box.y0 - 1 &&
                       leader.y0 < box.y1 + 1;
      return !own && crosses(leader, inner);
    });
  }

  bool crosses_a_curve(const Segment& leader) const {
    return std::any_of(obstacles_.segments.begin(), obstacles_.segments.end(),
                       [&](const Segment& segment) { return crosses(leader, segment); });
  }

  const Obstacles& obstacles_;
  std::vector<PlacedLabel> placed_;
};

double orientation(double ax, double ay, double bx, double by, double cx, double cy) {
  return (bx - ax) * (cy - ay) - (by - ay) * (cx - ax);
}

}  // namespace

bool overlap(const Box& a, const Box& b) {
  return a.x0 < b.x1 && b.x0 < a.x1 && a.y0 < b.y1 && b.y0 < a.y1;
}

bool crosses(const Segment& segment, const Box& box) {
  // Liang-Barsky clipping: the part of the segment inside the box is [from, to] of its length.
  double from = 0;
  double to = 1;
  const double dx = segment.x1 - segment.x0;
  const double dy = segment.y1 - segment.y0;
  const std::array<double, 4> p = {-dx, dx, -dy, dy};
  const std::array<double, 4> q = {segment.x0 - box.x0, box.x1 - segment.x0, segment.y0 - box.y0,
                                   box.y1 - segment.y0};
  for (size_t i = 0; i < 4; ++i) {
    if (p[i] == 0) {
      if (q[i] < 0) return false;
    } else if (p[i] < 0) {
      from = std::max(from, q[i] / p[i]);
    } else {
      to = std::min(to, q[i] / p[i]);
    }
  }
  return from <= to;
}

bool crosses(const Segment& a, const Segment& b) {
  const double d1 = orientation(a.x0, a.y0, a.x1, a.y1, b.x0, b.y0);
  const double d2 = orientation(a.x0, a.y0, a.x1, a.y1, b.x1, b.y1);
  const double d3 = orientation(b.x0, b.y0, b.x1, b.y1, a.x0, a.y0);
  const double d4 = orientation(b.x0, b.y0, b.x1, b.y1, a.x1, a.y1);
  return (d1 > 0) != (d2 > 0) && (d3 > 0) != (d4 > 0);
}

std::vector<std::optional<PlacedLabel>> place_labels(std::span<const LabelRequest> requests,
                                                     const Obstacles& obstacles) {
  std::vector<std::optional<PlacedLabel>> placed(requests.size());
  Placer placer(obstacles);
  std::vector<size_t> freedom;
  for (const LabelRequest& request : requests) freedom.push_back(placer.free_places(request));
  std::vector<size_t> order(requests.size());
  std::iota(order.begin(), order.end(), size_t{0});
  // The one with the fewest places to go chooses first.
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return freedom[a] < freedom[b]; });
  for (const size_t i : order) {
    placed[i] = placer.best(requests[i]);
    if (placed[i]) placer.add(*placed[i]);
  }
  return placed;
}

double text_width(std::string_view text, double font_size) {
  // DejaVu Sans, the widest of the usual faces, in thousandths of the font size.
  double units = 0;
  for (size_t i = 0; i < text.size();) {
    size_t next = i + 1;
    while (next < text.size() && (static_cast<unsigned char>(text[next]) & 0xc0) == 0x80) ++next;
    const char c = text[i];
    if (next - i > 1) {
      units += display_width(text.substr(i, next - i)) > 1 ? 1000 : 700;
    } else if (c >= '0' && c <= '9') {
      units += 637;
    } else if (c == 'm' || c == 'w' || c == 'M' || c == 'W' || c == '@' || c == '%') {
      units += 990;
    } else if (c >= 'A' && c <= 'Z') {
      units += 750;
    } else if (c >= 'a' && c <= 'z') {
      units += std::string_view("fijlrt").find(c) != std::string_view::npos ? 412 : 637;
    } else {
      units += std::string_view(" ,.:;|'!/").find(c) != std::string_view::npos ? 340 : 640;
    }
    i = next;
  }
  return units * font_size / 1000;
}

}  // namespace llmsweep::report
