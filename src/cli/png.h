// A figure as PNG: our own SVG, drawn by librsvg's rsvg-convert, a program of its own (decision
// 16).
#pragma once

#include <string>

namespace llmsweep {

// Throws Error where the program is not installed, and MeasurementError where it fails or takes
// longer than a minute.
std::string png_of_svg(const std::string& svg, double zoom);

}  // namespace llmsweep
