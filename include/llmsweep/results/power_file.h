// node_power.csv: what a meter at the nodes or at the wall read while a sweep went on.
//
// A header, `time` and a name for each meter that ends in _w or _kw; below it lines of an instant
// (UTC as 2026-11-28T10:00:00.5Z, or seconds since 1970) and a power for each meter, which are
// summed. Instants ascend. Lines that begin with # and empty ones are passed over.
#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

#include "llmsweep/model/telemetry.h"

namespace llmsweep {

inline constexpr std::string_view kMeterFile = "node_power.csv";  // in the folder of a sweep

// None where there is no such file. Throws Error with the line for what is none of its form.
std::vector<PowerReading> read_power_readings(const std::filesystem::path& path);

}  // namespace llmsweep
