// How many copies of a measured system carry a load, from the bracket that was confirmed of one.
#pragma once

#include <cstdint>
#include <optional>

namespace llmsweep {

// What one system was shown to carry, and not to carry, at a target: requests a second, or users.
// Above 0; `fails` above `carries`.
struct ShownLoad {
  double carries = 0;
  std::optional<double> fails;  // absent: none was shown
};

// Copies of it that share a load evenly.
struct FleetSize {
  int64_t known_good = 1;  // the fewest of which each has no more than `carries`
  int64_t known_bad = 0;   // the most of which each has `fails` or more; 0: not known of any

  // Between them it is not known: the bracket of one system leaves it open.
  int64_t between() const { return known_good - known_bad - 1; }
  bool operator==(const FleetSize&) const = default;
};

// `load` above 0, in the unit of `shown`.
FleetSize fleet_size(const ShownLoad& shown, double load);

}  // namespace llmsweep
