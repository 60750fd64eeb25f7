#include "analysis/session.h"

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdlib>

#include "llmsweep/base/text.h"

namespace llmsweep {
namespace {

constexpr int64_t kOneSession = 3600;  // s

// Of "2026-11-28T15:56:05Z" and of "20261128-155605", as tools write it.
std::optional<int64_t> seconds_of(const std::string& timestamp) {
  std::string digits;
  for (const char c : timestamp) {
    if (c >= '0' && c <= '9') digits += c;
    if (c == '.' || c == '+') break;  // fractions and zones are within an hour, or say nothing
  }
  if (digits.size() < 14) return std::nullopt;
  const auto part = [&digits](size_t from, size_t length) {
    return parse_int(digits.substr(from, length)).value_or(0);
  };
  const std::chrono::year_month_day day{std::chrono::year(static_cast<int>(part(0, 4))),
                                        std::chrono::month(static_cast<unsigned>(part(4, 2))),
                                        std::chrono::day(static_cast<unsigned>(part(6, 2)))};
  if (!day.ok()) return std::nullopt;
  const int64_t days = std::chrono::sys_days(day).time_since_epoch().count();
  return days * 86'400 + part(8, 2) * 3'600 + part(10, 2) * 60 + part(12, 2);
}

std::string apart(int64_t seconds) {
  const double hours = static_cast<double>(seconds) / 3'600;
  return hours < 48 ? fmt::format("{:.0f} h apart", hours)
                    : fmt::format("{:.0f} days apart", hours / 24);
}

}  // namespace

std::string session_gap(const SweepResult& a, const SweepResult& b) {
  const auto differ = [](const std::string& x, const std::string& y) {
    return !x.empty() && !y.empty() && x != y;
  };
  if (differ(a.provenance.host, b.provenance.host)) return "on another host";
  if (differ(a.provenance.boot_id, b.provenance.boot_id)) return "after another boot";
  // A simulated server is the same after every start.
  if (!(a.simulated && b.simulated) &&
      differ(a.provenance.server_started, b.provenance.server_started)) {
    return "after another start of the server";
  }
  const auto at_a = seconds_of(a.created_at), at_b = seconds_of(b.created_at);
  if (!at_a || !at_b) return "at times that the files do not say";
  const int64_t between = std::abs(*at_a - *at_b);
  return between > kOneSession ? apart(between) : "";
}

double noise_of_two(double share) {
  return std::sqrt(2.0) * std::log1p(share);
}

}  // namespace llmsweep
