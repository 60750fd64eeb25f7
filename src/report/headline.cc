#include "report/headline.h"

#include <fmt/format.h>

#include <algorithm>

#include "llmsweep/base/text.h"
#include "llmsweep/model/names.h"
#include "report/cells.h"

namespace llmsweep::report {
namespace {

std::string gpus_text(int gpus) {
  return fmt::format("{} {}", gpus, gpus == 1 ? "GPU" : "GPUs");
}

std::string users_text(int users) {
  return fmt::format("{} {}", users, users == 1 ? "user" : "users");
}

std::string headline(const UsersAtTarget& users, int gpus) {
  const Target& target = users.target;
  const std::string on = gpus > 0 ? " on " + gpus_text(gpus) : std::string();
  const std::string within =
      fmt::format(" within {} ms {} {}", format_significant(to_ms(target.max)),
                  name_of(target.statistic), metric_title(target.metric));
  const auto not_fitting = [&] {
    return users.c_fail
               ? fmt::format("; {} {} not fit", *users.c_fail, *users.c_fail == 1 ? "does" : "do")
               : std::string();
  };
  switch (users.kind) {
    case UsersKind::kMeasured:
      return users_text(users.users) + on + within + not_fitting();
    case UsersKind::kBeyondSweep:
      return users_text(users.users) + on + within + ", the highest level: there may be room";
    case UsersKind::kBelowSweep:
      return "Not even the lowest level" + on + " is" + within + not_fitting();
    case UsersKind::kNoValidLevel:
      break;
  }
  return "No valid level" + on + " says how many users fit" + within;
}

// Where nothing was asked: the valid level that is best in `key`.
const LevelStats* best_level(const SweepResult& result, std::string_view key, bool highest) {
  const LevelStats* best = nullptr;
  std::optional<double> value;
  for (const LevelStats& level : result.levels) {
    const Figure figure(level, measure_of(key), result.source);
    if (!level.pooled.valid || !figure.sound || !figure.value) continue;
    if (value && (highest ? *figure.value <= *value : *figure.value >= *value)) continue;
    best = &level;
    value = figure.value;
  }
  return best;
}

std::string what_was_measured(const SweepResult& result) {
  const auto figure = [&](const LevelStats& level, std::string_view key) {
    return figure_text(Figure(level, measure_of(key), result.source));
  };
  const auto output = [&](const LevelStats& level) {
    return figure(level, "throughput") + " tokens/s";
  };
  const auto latency = [&](const LevelStats& level) {
    return "median E2E " + figure(level, "e2e") + " ms";
  };
  const LevelStats* most = best_level(result, "throughput", true);
  const LevelStats* lowest = best_level(result, "e2e", false);
  if (most == nullptr && lowest == nullptr) return "No figure can be quoted";
  if (most == nullptr) return latency(*lowest) + " at " + text_of(lowest->point);
  if (most == lowest) return output(*most) + ", " + latency(*most) + " at " + text_of(most->point);
  std::string text = output(*most) + " at " + text_of(most->point);
  if (lowest != nullptr) text += "; " + latency(*lowest) + " at " + text_of(lowest->point);
  return text;
}

size_t valid_levels(const SweepResult& result) {
  return static_cast<size_t>(
      std::count_if(result.levels.begin(), result.levels.end(),
                    [](const LevelStats& level) { return level.pooled.valid; }));
}

std::string counted(size_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

// The worst level's; absent where the kernel gave no stamps.
std::optional<double> client_delay_ms(const SweepResult& result) {
  std::optional<double> most;
  for (const LevelStats& level : result.levels) {
    const ClientHealth& client = level.pooled.client;
    if (client.receive_samples == 0) continue;
    most = std::max(most.value_or(0), client.receive_delay_p99_ms);
  }
  return most;
}

}  // namespace

bool nothing_is_valid(const SweepResult& result) {
  return !result.levels.empty() && valid_levels(result) == 0;
}

std::vector<std::string> headlines_of(const SweepResult& result) {
  if (result.levels.empty()) return {};
  if (nothing_is_valid(result)) {
    return {result.levels.size() == 1
                ? "INVALID: the level's figures say nothing of the server"
                : fmt::format("INVALID: none of the {} levels says anything of the server",
                              result.levels.size())};
  }
  std::vector<std::string> lines;
  for (const UsersAtTarget& users : result.users_at_target) {
    lines.push_back(headline(users, result.system.gpus));
  }
  if (lines.empty()) lines.push_back(what_was_measured(result));
  return lines;
}

ClientSentence trust_of(const SweepResult& result) {
  size_t warnings = 0;
  int64_t failed = 0;
  for (const Finding& finding : findings_of(result)) {
    if (!finding.invalid && !finding.failure) ++warnings;
  }
  for (const LevelStats& level : result.levels) failed += level.pooled.requests.failed.value_or(0);
  const size_t valid = valid_levels(result);
  const size_t levels = result.levels.size();
  std::vector<std::string> parts = {fmt::format("valid {} of {}", valid, counted(levels, "level"))};
  if (result.source != Source::kMeasured) {
    parts.emplace_back("not measured by llmsweep");
  } else if (const std::optional<double> late = client_delay_ms(result)) {
    parts.push_back(fmt::format("client at most {} ms late (p99)", format_significant(*late, 2)));
  } else {
    parts.emplace_back("client's delay unknown");
  }
  const bool doubt = any_unsound(result);
  if (doubt) parts.push_back(fmt::format("figures in doubt marked {}", kUnsoundMark));
  if (failed > 0) parts.push_back(counted(static_cast<size_t>(failed), "request") + " failed");
  parts.push_back(warnings == 0 ? std::string("no warning") : counted(warnings, "warning"));
  const bool note = warnings > 0 || failed > 0 || doubt || result.source != Source::kMeasured;
  return {valid < levels ? Mood::kBad : note ? Mood::kNote : Mood::kGood, join(parts, ", ")};
}

}  // namespace llmsweep::report
