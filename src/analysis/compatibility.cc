#include "llmsweep/analysis/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "analysis/asked_requests.h"
#include "llmsweep/base/text.h"
#include "llmsweep/model/describe.h"
#include "llmsweep/model/model_mix.h"
#include "llmsweep/model/names.h"
#include "llmsweep/model/rate_profile.h"
#include "llmsweep/stats/level_figure.h"

namespace llmsweep {
namespace {

constexpr double kSameTokens = 0.01;  // as a level's validity asks of its own token counts
const char* const kUnknownText = "unknown";

enum class IfDifferent { kShown, kRefused };

// An empty text is unknown.
FieldReport field(std::string name, std::string baseline, std::string candidate,
                  IfDifferent if_different = IfDifferent::kShown) {
  FieldReport report{.field = std::move(name)};
  if (baseline.empty() || candidate.empty()) {
    report.state = FieldState::kUnknown;
  } else if (baseline != candidate) {
    report.state =
        if_different == IfDifferent::kRefused ? FieldState::kUnlike : FieldState::kDiffers;
  }
  report.baseline = baseline.empty() ? kUnknownText : std::move(baseline);
  report.candidate = candidate.empty() ? kUnknownText : std::move(candidate);
  return report;
}

std::string scoped(const WorkloadSummary& workload) {
  if (!workload.input_tokens) return {};
  std::string text = tokens_text(*workload.input_tokens);
  if (workload.input_scope == InputScope::kContent) text += " (content)";
  return text;
}

// Imported counts are measured means: a workload asked for as 2,400 comes back as 2,396.8.
bool same_within_measurement(const SweepResult& a, const SweepResult& b, double mean_a,
                             double mean_b) {
  const bool imported = a.source == Source::kImported || b.source == Source::kImported;
  return imported && mean_a > 0 && std::abs(mean_b / mean_a - 1) <= kSameTokens;
}

FieldReport input_field(const SweepResult& a, const SweepResult& b) {
  FieldReport report =
      field("input_tokens", scoped(a.workload), scoped(b.workload), IfDifferent::kRefused);
  if (report.state == FieldState::kUnlike &&
      same_within_measurement(a, b, mean_tokens(*a.workload.input_tokens),
                              mean_tokens(*b.workload.input_tokens))) {
    report.state = FieldState::kSame;
  }
  return report;
}

FieldReport output_field(const SweepResult& a, const SweepResult& b) {
  const double mean_a = mean_tokens(a.workload.output_tokens);
  const double mean_b = mean_tokens(b.workload.output_tokens);
  FieldReport report =
      field("output_tokens", mean_a > 0 ? tokens_text(a.workload.output_tokens) : "",
            mean_b > 0 ? tokens_text(b.workload.output_tokens) : "", IfDifferent::kRefused);
  if (report.state == FieldState::kUnlike && same_within_measurement(a, b, mean_a, mean_b)) {
    report.state = FieldState::kSame;
  }
  return report;
}

std::string seed_of(const SweepResult& result) {
  if (result.source != Source::kMeasured && result.workload.seed == 0) return {};
  return std::to_string(result.workload.seed);
}

std::string token_counts_of(const SweepResult& result) {
  if (result.source == Source::kPublished) return {};
  const bool estimated =
      std::any_of(result.levels.begin(), result.levels.end(),
                  [](const LevelStats& level) { return level.pooled.token_count_estimated; });
  return estimated ? "chunks counted" : "tokens counted";
}

std::string repeats_of(const SweepResult& result) {
  size_t fewest = 0, most = 0;
  for (const LevelStats& level : result.levels) {
    const size_t runs = std::max<size_t>(1, level.runs.size());
    fewest = fewest == 0 ? runs : std::min(fewest, runs);
    most = std::max(most, runs);
  }
  if (most == 0) return {};
  return fewest == most ? std::to_string(most) : fmt::format("{} to {}", fewest, most);
}

// "60 s at 2, 30 s at 2 → 8"; empty: the load is no profile.
std::string profile_of(const SweepResult& result) {
  std::vector<std::string> steps;
  for (const ProfileStep& step : result.profile) {
    const Duration length = from_seconds(step.to_s - step.from_s);
    steps.push_back(fmt::format("{:g} s at {}", to_seconds(length),
                                step_text({length, step.rate_from, step.rate_to})));
  }
  return join(steps, ", ");
}

// What is replayed, and how: all that makes two loads one. Empty: no recorded traffic.
std::string trace_of(const SweepResult& result) {
  if (!result.trace) return {};
  const ReplaySummary& trace = *result.trace;
  std::string text =
      fmt::format("{} {} {}, {:g} s from {:g} s, by {}", name_of(trace.format), trace.file,
                  trace.sha256.substr(0, 12), trace.span_s, trace.from_s, trace.scaled_by);
  if (trace.spread_s > 0) text += fmt::format(", spread {:g} s", trace.spread_s);
  return text;
}

// How sessions of a trace come; of a result of before there was a choice, and where none has a
// later turn, open says it.
std::string session_mode_of(const SweepResult& result) {
  if (!result.trace) return {};
  return std::string(name_of(result.trace->session_mode.value_or(TraceSessions::kOpen)));
}

std::string think_cap_of(const SweepResult& result) {
  if (!result.trace) return {};
  const std::optional<double>& cap_s = result.trace->think_cap_s;
  return cap_s ? fmt::format("{:g} s", *cap_s) : "none";
}

std::string count_text(int count) {
  return count > 0 ? std::to_string(count) : "";
}

template <class Value>
std::string optional_text(const std::optional<Value>& value) {
  return value ? fmt::format("{}", *value) : "";
}

std::string on_off(const std::optional<bool>& value) {
  if (!value) return {};
  return *value ? "on" : "off";
}

}  // namespace

const std::vector<std::string>& comparable_fields() {
  static const std::vector<std::string> fields = [] {
    std::vector<std::string> all = {"input_tokens", "output_tokens",       "prompt_set",
                                    "seed",         "streaming",           "token_counts",
                                    "simulated",    "cached_input",        "currency",
                                    "load_profile", "inputs_per_request",  "endpoint.model",
                                    "load.trace",   "load.trace.sessions", "load.trace.think_cap"};
    all.insert(all.end(), session_fields().begin(), session_fields().end());
    return all;
  }();
  return fields;
}

std::string_view name_of(FieldState state) {
  switch (state) {
    case FieldState::kSame:
      return "same";
    case FieldState::kDiffers:
      return "differs";
    case FieldState::kUnlike:
      return "unlike";
    case FieldState::kUnknown:
      return "unknown";
  }
  return "unknown";
}

std::vector<FieldReport> compatibility(const SweepResult& a, const SweepResult& b) {
  const auto refused = IfDifferent::kRefused;
  FieldReport model = field("model", a.model, b.model);
  model.of_requests = true;
  std::vector<FieldReport> fields = {
      model,
      input_field(a, b),
      output_field(a, b),
      field("prompt_set", a.workload.prompt_set_sha256, b.workload.prompt_set_sha256, refused),
      field("seed", seed_of(a), seed_of(b), refused),
      field("streaming", a.workload.streaming ? "yes" : "no", b.workload.streaming ? "yes" : "no",
            refused),
      field("token_counts", token_counts_of(a), token_counts_of(b), refused),
      field("simulated", a.simulated ? "yes" : "no", b.simulated ? "yes" : "no", refused),
      field("source", std::string(name_of(a.source)), std::string(name_of(b.source))),
      field("accelerator", a.system.accelerator, b.system.accelerator),
      field("gpus", count_text(a.system.gpus), count_text(b.system.gpus)),
      field("nodes", count_text(a.system.nodes), count_text(b.system.nodes)),
      field("precision", a.system.precision, b.system.precision),
      field("engine", a.system.engine, b.system.engine),
      field("engine_version", a.system.engine_version, b.system.engine_version),
      field("tensor_parallel", optional_text(a.system.tensor_parallel),
            optional_text(b.system.tensor_parallel)),
      field("mtp", on_off(a.system.mtp), on_off(b.system.mtp)),
      field("max_batch_size", optional_text(a.system.max_batch_size),
            optional_text(b.system.max_batch_size)),
      field("checkpoint", a.system.checkpoint, b.system.checkpoint),
      field("dataset", a.workload.dataset, b.workload.dataset),
      field("repeats", repeats_of(a), repeats_of(b)),
  };
  // Older files have neither.
  const auto add_if_stated = [&](const char* name, const std::string& here,
                                 const std::string& there) {
    if (!here.empty() || !there.empty()) fields.push_back(field(name, here, there));
  };
  add_if_stated("server_version", a.provenance.server_version, b.provenance.server_version);
  add_if_stated("command", a.system.command, b.system.command);
  if (!a.models.empty() || !b.models.empty()) {
    const auto mix_of = [](const SweepResult& result) {
      return result.models.empty() ? result.model : mix_text(result.models);
    };
    fields.push_back(field("endpoint.model", mix_of(a), mix_of(b), refused));
  }
  if (a.workload.inputs_per_request && b.workload.inputs_per_request) {
    fields.push_back(field("inputs_per_request", optional_text(a.workload.inputs_per_request),
                           optional_text(b.workload.inputs_per_request), refused));
  }
  if (a.prices && b.prices) {
    fields.push_back(field("currency", a.prices->currency, b.prices->currency, refused));
  }
  if (!a.profile.empty() && !b.profile.empty()) {
    fields.push_back(field("load_profile", profile_of(a), profile_of(b), refused));
  }
  if (a.trace || b.trace) {
    const auto known = [](const SweepResult& result) {
      return result.trace || result.source != Source::kMeasured ? trace_of(result)
                                                                : std::string("none");
    };
    fields.push_back(field("load.trace", known(a), known(b), refused));
    if (a.trace && b.trace) {
      fields.push_back(
          field("load.trace.sessions", session_mode_of(a), session_mode_of(b), refused));
      fields.push_back(field("load.trace.think_cap", think_cap_of(a), think_cap_of(b), refused));
    }
  }
  for (FieldReport& report : request_fields_of(a, b)) fields.push_back(std::move(report));
  return fields;
}

bool same_measurement(const SweepResult& a, const SweepResult& b) {
  if (a.created_at.empty() || a.created_at != b.created_at) return false;
  if (a.workload.nonce != b.workload.nonce) return false;
  for (const LevelStats& level : a.levels) {
    const LevelStats* other = find_level(b, level.point);
    if (other == nullptr) continue;
    if (level.runs.empty() && level == *other) return true;
    for (const RunStats& run : level.runs) {
      const bool shared =
          std::any_of(other->runs.begin(), other->runs.end(), [&run](const RunStats& twin) {
            return run.repeat == twin.repeat && run.requests == twin.requests &&
                   run.e2e == twin.e2e && run.wall_seconds == twin.wall_seconds;
          });
      if (shared) return true;
    }
  }
  return false;
}

}  // namespace llmsweep
