// Names of files that figures are written to.
#pragma once

#include <string>

namespace llmsweep {

// A figure is SVG, or with --png PNG, whatever its file is called: another suffix is an Error.
// Empty,
// "-" and names without a suffix are none.
void require_svg(const std::string& path);
void require_png(const std::string& path);

}  // namespace llmsweep
