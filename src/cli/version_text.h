// What `llmsweep --version --verbose` says: which program this is, for a bug report or an audit.
#pragma once

#include <string>

namespace llmsweep {

std::string version_text(bool verbose);

}  // namespace llmsweep
