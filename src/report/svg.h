// The pieces that every figure is drawn from: the page, its style sheet, text, markers.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace llmsweep::report {

constexpr size_t kStyles = 8;  // colours and markers; then they repeat, with other dashes

// A coordinate with at most two decimals, without the locale.
std::string coordinate(double value);

struct TextStyle {
  std::string_view css;  // classes
  double size = 12;
  std::string_view anchor = "start";
  double max_width = 0;  // > 0: cut with "…" to fit
};
// Escapes and cuts `text`.
std::string svg_text(double x, double y, std::string_view text, const TextStyle& style);
std::string svg_line(double x0, double y0, double x1, double y1, std::string_view css);

// `text`, printable, cut so that it takes at most `width` at `size`.
std::string fit_width(std::string_view text, double width, double size);

struct Marker {
  double x = 0, y = 0;
  size_t style = 0;
  bool valid = true;
  double radius = 5;
};
std::string svg_marker(const Marker& marker);
std::string marker_path(const Marker& marker);  // its outline, as the `d` of a path
std::string_view dash_pattern(size_t dashes);   // of stroke-dasharray; empty: solid

struct Page {
  double width = 0, height = 0;
  std::string title;
  std::string description;
};
// Custom properties of the HTML page's style sheet: --s0, … of the curves.
std::string page_colours(bool dark);
// Everything up to the background; close with svg_close().
std::string svg_open(const Page& page);
std::string svg_close();

// Title, subtitle lines and badges at the top of the page; returns the height that they take.
struct Heading {
  std::string title;
  std::vector<std::string> subtitle;
  std::vector<std::string> badges;
};
double svg_heading(const Heading& heading, double width, std::string& svg);

}  // namespace llmsweep::report
