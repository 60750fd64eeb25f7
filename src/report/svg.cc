#include "report/svg.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

#include "llmsweep/base/text.h"
#include "report/escape.h"
#include "report/label_layout.h"

namespace llmsweep::report {
namespace {

// Okabe and Ito's colours (2008), blue and vermillion first, darkened where their contrast on white
// is under 3; for text darker ones of the same hue (at least 4.5). Dark: lighter.
constexpr std::array<const char*, kStyles> kLight = {"#0072b2", "#d55e00", "#009e73", "#b0568a",
                                                     "#b87a00", "#2a8fc7", "#4d4d4d", "#857800"};
constexpr std::array<const char*, kStyles> kLightText = {
    "#00609a", "#a64900", "#00704f", "#9c3f73", "#8a5f00", "#1b6b9c", "#404040", "#6b6100"};
constexpr std::array<const char*, kStyles> kDark = {"#4aa8e0", "#f5834a", "#2cc49b", "#e59bc4",
                                                    "#f0b63f", "#9ad6f7", "#c4c4c4", "#f0e442"};

struct Inks {
  const char* background;
  const char* ink;
  const char* soft;
  const char* grid;
  const char* axis;
  const char* badge;
  const char* badge_text;
};
constexpr Inks kLightInks = {"#ffffff", "#16191d", "#555b63", "#e6e8eb",
                             "#878d95", "#8a2b06", "#ffffff"};
constexpr Inks kDarkInks = {"#14171b", "#eceff2", "#aab1b9", "#2c3137",
                            "#7d848c", "#ffb48f", "#14171b"};

std::string rules(const Inks& inks, const std::array<const char*, kStyles>& marks,
                  const std::array<const char*, kStyles>& texts) {
  std::string css = fmt::format(
      ".bg{{fill:{0}}}.ink{{fill:{1}}}.soft{{fill:{2}}}.grid{{stroke:{3}}}.axis{{stroke:{4}}}"
      ".badge{{fill:{5}}}.badge-text{{fill:{6}}}.target{{stroke:{1}}}.front{{stroke:{2}}}"
      ".halo{{stroke:{0}}}.hollow{{fill:{0}}}",
      inks.background, inks.ink, inks.soft, inks.grid, inks.axis, inks.badge, inks.badge_text);
  for (size_t i = 0; i < kStyles; ++i) {
    css +=
        fmt::format(".c{0}{{stroke:{1}}}.f{0}{{fill:{1}}}.t{0}{{fill:{2}}}", i, marks[i], texts[i]);
  }
  return css;
}

std::string style_sheet() {
  return "<style>"
         ".line{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}"
         ".thin{fill:none;stroke-width:1}.whisker{fill:none;stroke-width:1.2}"
         ".mark{stroke-width:1.2}.open{stroke-width:1.8}.ring{fill:none;stroke-width:1.6}"
         ".target{fill:none;stroke-width:1.3;stroke-dasharray:6 4}"
         ".front{fill:none;stroke-width:11;stroke-opacity:.22;stroke-linejoin:round;"
         "stroke-linecap:round}"
         ".leader{stroke-width:.8;stroke-opacity:.7}"
         "text.b{font-weight:600}text.halo{paint-order:stroke;stroke-width:3;stroke-linejoin:"
         "round}" +
         rules(kLightInks, kLight, kLightText) + "@media screen and (prefers-color-scheme:dark){" +
         rules(kDarkInks, kDark, kDark) + "}</style>\n";
}

struct Corner {
  double x, y;
};

std::string polygon(const Marker& marker, const std::vector<Corner>& corners) {
  std::string path;
  for (const Corner& corner : corners) {
    path += path.empty() ? "M" : "L";
    path += coordinate(marker.x + corner.x * marker.radius) + " " +
            coordinate(marker.y + corner.y * marker.radius);
  }
  return path + "Z";
}

std::vector<Corner> regular(int corners, double turn, double inner = 1) {
  std::vector<Corner> points;
  for (int i = 0; i < corners; ++i) {
    const double angle = turn + 2 * M_PI * i / corners;
    const double radius = i % 2 == 0 ? 1.15 : 1.15 * inner;
    points.push_back({radius * std::cos(angle), radius * std::sin(angle)});
  }
  return points;
}

}  // namespace

std::string coordinate(double value) {
  std::string text = fmt::format("{:.2f}", value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text == "-0" ? "0" : text;
}

std::string fit_width(std::string_view text, double width, double size) {
  std::string shown = printable(text, 1000);
  if (text_width(shown, size) <= width) return shown;
  while (!shown.empty() && text_width(shown + "…", size) > width) {
    do {
      shown.pop_back();
    } while (!shown.empty() && !is_valid_utf8(shown));
  }
  return shown + "…";
}

std::string svg_text(double x, double y, std::string_view text, const TextStyle& style) {
  const std::string shown =
      style.max_width > 0 ? fit_width(text, style.max_width, style.size) : std::string(text);
  return fmt::format(
      "<text x=\"{}\" y=\"{}\" font-size=\"{}\" text-anchor=\"{}\" class=\"{}\">{}</text>\n",
      coordinate(x), coordinate(y), coordinate(style.size), style.anchor, style.css,
      markup(shown, 1000));
}

std::string svg_line(double x0, double y0, double x1, double y1, std::string_view css) {
  return fmt::format("<path d=\"M{} {}L{} {}\" class=\"{}\"/>\n", coordinate(x0), coordinate(y0),
                     coordinate(x1), coordinate(y1), css);
}

std::string marker_path(const Marker& marker) {
  switch (marker.style % kStyles) {
    case 0: {
      const std::string r = coordinate(marker.radius);
      return fmt::format("M{0} {1}a{2} {2} 0 1 0 {3} 0a{2} {2} 0 1 0 -{3} 0Z",
                         coordinate(marker.x - marker.radius), coordinate(marker.y), r,
                         coordinate(2 * marker.radius));
    }
    case 1:
      return polygon(marker, {{-.9, -.9}, {.9, -.9}, {.9, .9}, {-.9, .9}});
    case 2:
      return polygon(marker, {{0, -1.2}, {1.15, .85}, {-1.15, .85}});
    case 3:
      return polygon(marker, {{0, -1.3}, {1.15, 0}, {0, 1.3}, {-1.15, 0}});
    case 4:
      return polygon(marker, {{0, 1.2}, {1.15, -.85}, {-1.15, -.85}});
    case 5:
      return polygon(marker, regular(10, -M_PI / 2, 0.5));
    case 6:
      return polygon(marker, regular(6, 0));
    default:
      return polygon(marker, {{-.4, -1.2},
                              {.4, -1.2},
                              {.4, -.4},
                              {1.2, -.4},
                              {1.2, .4},
                              {.4, .4},
                              {.4, 1.2},
                              {-.4, 1.2},
                              {-.4, .4},
                              {-1.2, .4},
                              {-1.2, -.4},
                              {-.4, -.4}});
  }
}

std::string svg_marker(const Marker& marker) {
  const size_t style = marker.style % kStyles;
  if (marker.valid) {
    return fmt::format("<path d=\"{}\" class=\"mark f{} halo\"/>\n", marker_path(marker), style);
  }
  const double reach = marker.radius * 1.5;
  return fmt::format("<path d=\"{}\" class=\"open hollow c{}\"/>\n", marker_path(marker), style) +
         svg_line(marker.x - reach, marker.y + reach, marker.x + reach, marker.y - reach,
                  fmt::format("open c{}", style));
}

std::string page_colours(bool dark) {
  std::string css;
  for (size_t i = 0; i < kStyles; ++i) {
    css += fmt::format("--s{}: {};", i, (dark ? kDark : kLight)[i]);
  }
  return css;
}

std::string_view dash_pattern(size_t dashes) {
  constexpr std::array<std::string_view, 6> kPatterns = {"",         "8 4",  "2 4",
                                                         "10 4 2 4", "14 5", "5 3 1 3 1 3"};
  return kPatterns[dashes % kPatterns.size()];
}

std::string svg_open(const Page& page) {
  const std::string width = coordinate(page.width);
  const std::string height = coordinate(page.height);
  return fmt::format(
             "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" "
             "height=\"{1}\" role=\"img\" aria-label=\"{2}\" font-family=\"Helvetica Neue, "
             "Helvetica, Arial, DejaVu Sans, sans-serif\">\n<title>{2}</title>\n<desc>{3}</desc>\n",
             width, height, markup(page.title, 300), markup(page.description, 4000)) +
         style_sheet() +
         fmt::format("<rect width=\"{}\" height=\"{}\" class=\"bg\"/>\n", width, height);
}

std::string svg_close() {
  return "</svg>\n";
}

double svg_heading(const Heading& heading, double width, std::string& svg) {
  constexpr double kLeft = 24;
  double right = width - kLeft;
  for (auto badge = heading.badges.rbegin(); badge != heading.badges.rend(); ++badge) {
    const double badge_width = text_width(*badge, 12) + 20;
    svg += fmt::format(
        "<rect x=\"{}\" y=\"18\" width=\"{}\" height=\"22\" rx=\"4\" class=\"badge\"/>\n",
        coordinate(right - badge_width), coordinate(badge_width));
    svg += svg_text(right - badge_width / 2, 33, *badge,
                    {.css = "badge-text b", .size = 12, .anchor = "middle"});
    right -= badge_width + 8;
  }
  svg += svg_text(kLeft, 36, heading.title,
                  {.css = "ink b", .size = 20, .max_width = (right - kLeft - 12) / kBold});
  double y = 36;
  for (const std::string& line : heading.subtitle) {
    y += 21;
    svg += svg_text(kLeft, y, line, {.css = "soft", .size = 13, .max_width = width - 2 * kLeft});
  }
  return y + 12;
}

}  // namespace llmsweep::report
