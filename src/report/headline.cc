#include "report/headline.h"

#include <fmt/format.h>

#include <algorithm>

#include "llmsweep/base/text.h"
#include "llmsweep/model/describe.h"
#include "llmsweep/model/names.h"
#include "report/cells.h"
#include "report/session_text.h"

namespace llmsweep::report {
namespace {

std::string gpus_text(int gpus) {
  return fmt::format("{} {}", gpus, gpus == 1 ? "GPU" : "GPUs");
}

std::string users_text(int users) {
  return fmt::format("{} {}", users, users == 1 ? "user" : "users");
}

// What the highest passing load is, and the lowest failing one.
struct Answer {
  Target target;
  UsersKind kind;
  std::string carried;               // "8 users", "6 requests/s"
  std::string not_fitting;           // "; 16 do not fit"; empty: no level fails
  std::string_view many;             // "users", "requests/s"
  double per_gpu = 0;                // of them
  double carries = 0;                // the load of the former
  std::optional<double> fails = {};  // and of the latter
};

Answer answer_of(const UsersAtTarget& users) {
  Answer answer{.target = users.target,
                .kind = users.kind,
                .carried = users_text(users.users),
                .not_fitting = {},
                .many = "users",
                .per_gpu = users.users_per_gpu,
                .carries = static_cast<double>(users.users)};
  if (users.c_fail) {
    answer.fails = *users.c_fail;
    answer.not_fitting =
        fmt::format("; {} {} not fit", *users.c_fail, *users.c_fail == 1 ? "does" : "do");
  }
  return answer;
}

Answer answer_of(const RateAtTarget& rate) {
  Answer answer{.target = rate.target,
                .kind = rate.kind,
                .carried = value_text(at_rate(rate.rate_rps)) + " requests/s",
                .not_fitting = {},
                .many = "requests/s",
                .per_gpu = rate.rate_per_gpu_rps,
                .carries = rate.rate_rps};
  if (rate.r_fail) {
    answer.fails = *rate.r_fail;
    answer.not_fitting = fmt::format("; {} do not fit", value_text(at_rate(*rate.r_fail)));
  }
  return answer;
}

// The levels that say nothing, above the one that fits and below the one that does not: "16 is
// INVALID"; empty: none.
std::string invalid_between(const SweepResult& result, const Answer& answer) {
  std::vector<std::string> loads;
  for (const LevelStats& level : result.levels) {
    const double load = level.point.value;
    if (level.pooled.valid || load <= answer.carries) continue;
    if (!answer.fails || load < *answer.fails) loads.push_back(value_text(level.point));
  }
  if (loads.empty()) return {};
  return join(loads, ", ") + (loads.size() == 1 ? " is INVALID" : " are INVALID");
}

std::string headline(const Answer& answer, const SweepResult& result) {
  const int gpus = result.system.gpus;
  const Target& target = answer.target;
  const std::string on = gpus > 0 ? " on " + gpus_text(gpus) : std::string();
  const bool latency = target.all.empty() && !target.min_tps;
  const std::string within = (latency ? " within " : " at ") + target_text(target);
  const std::string invalid = invalid_between(result, answer);
  switch (answer.kind) {
    case UsersKind::kMeasured:
      return answer.carried + on + within + answer.not_fitting +
             (invalid.empty() ? "" : ", " + invalid);
    case UsersKind::kBeyondSweep:
      return answer.carried + on + within +
             (invalid.empty() ? ", the highest level: there may be room"
                              : "; " + invalid + ": there may be room");
    case UsersKind::kBelowSweep:
      return (invalid.empty() ? "Not even the lowest level" : "No valid level") + on + " is" +
             within + answer.not_fitting;
    case UsersKind::kNoValidLevel:
      break;
  }
  return fmt::format("No valid level{} says how many {} fit{}", on, answer.many, within);
}

std::vector<Answer> answers_of(const SweepResult& result) {
  std::vector<Answer> answers;
  for (const UsersAtTarget& users : result.users_at_target) {
    answers.push_back(answer_of(users));
    answers.back().carried += thinking_text(result);
  }
  for (const RateAtTarget& rate : result.rates_at_target) answers.push_back(answer_of(rate));
  return answers;
}

CardHeadline card_headline(const Answer& answer, int gpus) {
  const std::string on = gpus > 0 ? " on " + gpus_text(gpus) : std::string();
  const Target& target = answer.target;
  CardHeadline headline{
      .large = answer.carried + on,
      .below = {fmt::format("{} {} ≤ {} ms{}", metric_title(target.metric),
                            name_of(target.statistic), format_significant(to_ms(target.max)),
                            answer.not_fitting)}};
  switch (answer.kind) {
    case UsersKind::kMeasured:
      break;
    case UsersKind::kBeyondSweep:
      headline.large = "≥ " + headline.large;
      break;
    case UsersKind::kBelowSweep:
      headline.large = "No level within the target";
      return headline;
    case UsersKind::kNoValidLevel:
      headline.large = "Not decided";
      return headline;
  }
  if (gpus > 1) {
    headline.below.push_back(
        fmt::format("{} {} per GPU", format_significant(answer.per_gpu), answer.many));
  }
  return headline;
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
    const std::string_view key = throughput_key(result);
    return figure(level, key) + (key == "throughput" ? " tokens/s" : " input tokens/s");
  };
  const auto latency = [&](const LevelStats& level) {
    return "median E2E " + figure(level, "e2e") + " ms";
  };
  const LevelStats* most = best_level(result, throughput_key(result), true);
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
  for (const Answer& answer : answers_of(result)) lines.push_back(headline(answer, result));
  if (lines.empty()) lines.push_back(what_was_measured(result));
  return lines;
}

CardHeadline card_headline_of(const SweepResult& result) {
  const std::vector<Answer> answers = answers_of(result);
  if (nothing_is_valid(result)) return {"Nothing valid", {}};
  if (!answers.empty()) return card_headline(answers.front(), result.system.gpus);
  const LevelStats* most = best_level(result, throughput_key(result), true);
  if (most == nullptr) return {"Nothing valid", {}};
  return {
      figure_text(Figure(*most, measure_of(throughput_key(result)), result.source)) + " tokens/s",
      {}};
}

ClientSentence trust_of(const SweepResult& result) {
  size_t warnings = 0;
  int64_t failed = 0;
  for (const Finding& finding : findings_of(result)) {
    if (!finding.invalid && !finding.failure && !finding.server) ++warnings;
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

std::vector<std::string> headline_terms(const SweepResult& result) {
  std::vector<std::string> terms;
  for (const Target& target : answered_targets(result)) {
    const std::vector<std::string> own = terms_of(measure_of(target));
    terms.insert(terms.end(), own.begin(), own.end());
    if (target.statistic == Statistic::kP50) terms.emplace_back("p50: half took no longer");
  }
  if (result.source == Source::kMeasured && client_delay_ms(result)) {
    terms.emplace_back("client late (p99): 99 of 100 reads waited no longer for llmsweep");
  }
  return terms;
}

}  // namespace llmsweep::report
