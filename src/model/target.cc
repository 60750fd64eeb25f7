#include "llmsweep/model/target.h"

#include <fmt/format.h>

#include <algorithm>

#include "llmsweep/base/error.h"
#include "llmsweep/base/text.h"
#include "llmsweep/model/names.h"

namespace llmsweep {
namespace {

[[noreturn]] void bad_target(std::string_view text, std::string what, std::string next) {
  throw Error({.what = std::move(what),
               .where = "target '" + printable(text, 60) + "'",
               .next = std::move(next)});
}

Target parse_part(std::string_view text) {
  const std::vector<std::string> parts = split(text, ':');
  if (parts.size() != 3) {
    bad_target(text, "needs three parts, metric:statistic:limit", "as in e2e:p50:15s");
  }
  const bool speed = trim(parts[0]) == kDecodeSpeed;
  const auto metric = from_name<Metric>(trim(parts[0]));
  if (!metric && !speed) {
    std::vector<std::string> names = all_names<Metric>();
    names.emplace_back(kDecodeSpeed);
    bad_target(text, "'" + printable(parts[0], 60) + "' is no metric", suggestion(parts[0], names));
  }
  const auto statistic = from_name<Statistic>(trim(parts[1]));
  if (!statistic) {
    bad_target(text, "'" + printable(parts[1], 60) + "' is no statistic",
               suggestion(parts[1], all_names<Statistic>()));
  }
  if (speed) {
    const std::optional<double> least = parse_double(trim(parts[2]));
    if (!least || !(*least >= kMinSpeed && *least <= kMaxSpeed)) {
      bad_target(text, "the limit must be a number of tokens a second",
                 "as in decode_speed:p95:30");
    }
    return at_decode_speed(*statistic, *least);
  }
  const std::optional<Duration> max = parse_duration(trim(parts[2]));
  if (!max || max->count() <= 0) {
    bad_target(text, "the limit must be a duration with a unit", "as in 15s or 200ms");
  }
  return {.metric = *metric, .statistic = *statistic, .max = *max};
}

}  // namespace

Target at_decode_speed(Statistic statistic, double min_tps) {
  return {.metric = Metric::kTpot,
          .statistic = statistic,
          .max = from_seconds(1 / min_tps),
          .min_tps = min_tps};
}

std::vector<Target> parts_of(const Target& target) {
  return target.all.empty() ? std::vector{target} : target.all;
}

std::vector<Target> parts_of(std::span<const Target> targets) {
  std::vector<Target> parts;
  for (const Target& target : targets) {
    for (Target& part : parts_of(target)) {
      if (std::find(parts.begin(), parts.end(), part) == parts.end()) {
        parts.push_back(std::move(part));
      }
    }
  }
  return parts;
}

double limit_of(const Target& target) {
  return target.all.empty() ? to_ms(target.max) : 1;
}

Target parse_target(std::string_view text) {
  const std::vector<std::string> parts = split(text, '+');
  if (parts.size() == 1) return parse_part(text);
  Target target;
  for (const std::string& part : parts) {
    target.all.push_back(parse_part(trim(part)));
    if (std::count(target.all.begin(), target.all.end(), target.all.back()) > 1) {
      bad_target(text, "the same limit is listed twice", "keep one");
    }
  }
  return target;
}

std::string format_target(const Target& target) {
  std::vector<std::string> parts;
  for (const Target& part : parts_of(target)) {
    parts.push_back(
        part.min_tps ? fmt::format("{}:{}:{}", kDecodeSpeed, name_of(part.statistic), *part.min_tps)
                     : fmt::format("{}:{}:{}", name_of(part.metric), name_of(part.statistic),
                                   format_duration(part.max)));
  }
  return join(parts, "+");
}

}  // namespace llmsweep
