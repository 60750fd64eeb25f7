// What a gate can ask for: names, units, directions, and where a level holds it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/level_figures.h"
#include "llmsweep/analysis/gate.h"

namespace llmsweep {

enum class FigureUnit {
  kMilliseconds,
  kTokensPerSecond,
  kRequestsPerSecond,
  kShare,
  kUsers,
  kScore,
};

std::string_view name_of(GateFigure figure);  // as rules write it; latency for kLatency
std::optional<GateFigure> figure_from_name(std::string_view name);  // never kLatency or kQuality
std::vector<std::string> quantity_names();  // metrics, figures and quality: for suggestions
FigureUnit kind_of(GateFigure figure);
std::string_view unit_name(FigureUnit unit);
bool lower_is_better(GateFigure figure);

// Of a level's runs; not for users and quality. kThroughput: steady where `steady`.
FigureOf accessor_of(const GateRule& rule, bool steady);

}  // namespace llmsweep
