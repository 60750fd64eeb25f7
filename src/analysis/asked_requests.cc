#include "analysis/asked_requests.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "llmsweep/base/config.h"
#include "llmsweep/base/error.h"
#include "llmsweep/base/text.h"
#include "llmsweep/stats/level_figure.h"
#include "llmsweep/stats/validity.h"

namespace llmsweep {
namespace {

constexpr size_t kHashDigits = 12;
// Of the input: below this two caches are alike, from the second on the work is another one.
constexpr double kCachedNamed = kCachedTokensWarning;
constexpr double kCachedRefused = 0.05;

FieldReport named_field(std::string name, std::string baseline, std::string candidate) {
  FieldReport report{.field = std::move(name), .of_requests = true};
  if (baseline.empty() || candidate.empty()) {
    report.state = FieldState::kUnknown;
  } else if (baseline != candidate) {
    report.state = FieldState::kDiffers;
  }
  report.baseline = baseline.empty() ? "unknown" : std::move(baseline);
  report.candidate = candidate.empty() ? "unknown" : std::move(candidate);
  return report;
}

// What the spec in a result says; empty where there is none.
struct Asked {
  std::string api, body, fields, fillers, warmup, arrivals;
  std::map<std::string, std::string> sessions;  // by key; empty: it has none
};

std::string scalar_of(const ConfigNode& node) {
  return node.kind() == ConfigNode::Kind::kScalar ? node.as_string() : "";
}

// "temperature 1.5, top_k 10", in the order of the names.
std::string body_text(const ConfigNode& body) {
  if (body.kind() != ConfigNode::Kind::kMap) return {};
  std::vector<std::string> fields;
  for (const auto& [name, value] : body.members()) fields.push_back(name + " " + value.to_json());
  std::sort(fields.begin(), fields.end());
  return fields.empty() ? "nothing" : join(fields, ", ");
}

std::string sent_fields(const ConfigNode& fields, const std::vector<std::string>& dropped) {
  if (fields.kind() != ConfigNode::Kind::kList) return {};
  std::vector<std::string> sent;
  for (const ConfigNode& field : fields.items()) {
    const std::string name = scalar_of(field);
    if (std::find(dropped.begin(), dropped.end(), name) == dropped.end()) sent.push_back(name);
  }
  return sent.empty() ? "none" : join(sent, ", ");
}

// "gamma, cv 2, drawn, 5m after 30s"; empty: a closed loop.
std::string arrivals_text(const ConfigNode& load) {
  const ConfigNode arrivals = load["arrivals"];
  if (arrivals.kind() != ConfigNode::Kind::kMap) return {};
  const bool changes = load["profile"].kind() == ConfigNode::Kind::kList;
  return fmt::format("{}, cv {}, {}, {} after {}", scalar_of(arrivals["process"]),
                     scalar_of(arrivals["cv"]), scalar_of(arrivals["count"]),
                     changes ? "its steps" : scalar_of(load["measure"]), scalar_of(load["warmup"]));
}

// Without the tokens of the first question, which stand in the summary of any workload.
std::map<std::string, std::string> sessions_of(const ConfigNode& sessions) {
  std::map<std::string, std::string> said;
  if (sessions.kind() != ConfigNode::Kind::kMap) return said;
  for (const auto& [name, value] : sessions.members()) {
    const bool stated = value.kind() != ConfigNode::Kind::kNull;
    if (stated && name != "first_input_tokens") said["workload.sessions." + name] = value.to_json();
  }
  return said;
}

Asked asked_of(const SweepResult& result) {
  Asked asked;
  try {
    const ConfigNode spec = ConfigNode::parse(result.spec_json, "spec");
    if (spec.kind() != ConfigNode::Kind::kMap) return asked;
    const ConfigNode endpoint = spec["endpoint"], load = spec["load"];
    asked.api = scalar_of(endpoint["api"]);
    asked.body = body_text(endpoint["extra_body"]);
    asked.fields = sent_fields(endpoint["request_fields"], result.provenance.dropped_fields);
    const std::string fillers = scalar_of(load["fillers"]);
    if (!fillers.empty()) asked.fillers = fillers == "true" ? "on" : "off";
    asked.warmup = scalar_of(load["warmup_per_slot"]);
    asked.arrivals = arrivals_text(load);
    asked.sessions = sessions_of(spec["workload"]["sessions"]);
  } catch (const Error&) {  // not a spec: nothing is known of it
    return {};
  }
  return asked;
}

std::string tokenizer_of(const SweepResult& result) {
  const WorkloadSummary& workload = result.workload;
  if (!workload.tokenizer_sha256.empty()) return workload.tokenizer_sha256.substr(0, kHashDigits);
  if (workload.tokenizer_path.starts_with("http")) return "the server's";
  if (!workload.tokenizer_path.empty()) return workload.tokenizer_path;
  return result.source == Source::kMeasured ? "none" : "";
}

std::string load_of(const SweepResult& result) {
  std::vector<std::string> kinds;
  for (const LevelStats& level : result.levels) {
    const std::string kind(name_of(level.point.kind));
    if (level.point.known() && std::find(kinds.begin(), kinds.end(), kind) == kinds.end()) {
      kinds.push_back(kind);
    }
  }
  return join(kinds, ", ");
}

std::string with(const std::string& load, const std::string& arrivals) {
  return arrivals.empty() ? load : load + " (" + arrivals + ")";
}

std::string version_of(const SweepResult& result) {
  return result.source == Source::kMeasured ? result.tool : "";
}

struct CommonLevel {
  const RunStats& baseline;
  const RunStats& candidate;
};
std::vector<CommonLevel> common_levels(const SweepResult& a, const SweepResult& b) {
  std::vector<CommonLevel> common;
  for (const LevelStats& level : a.levels) {
    const LevelStats* other = find_level(b, level.point);
    if (other != nullptr) common.push_back({level.pooled, other->pooled});
  }
  return common;
}

// The server's count of the prompts, template included: of the level where the two differ most.
FieldReport counted_input(const std::vector<CommonLevel>& levels) {
  double worst = 0, here = 0, there = 0;
  for (const CommonLevel& level : levels) {
    const double a = level.baseline.input_tokens_mean.value_or(0);
    const double b = level.candidate.input_tokens_mean.value_or(0);
    if (a <= 0 || b <= 0) continue;
    const double off = std::abs(std::log(b / a));
    if (here > 0 && off <= worst) continue;
    worst = off;
    here = a;
    there = b;
  }
  if (here <= 0) return named_field("input_counted", "", "");
  if (worst <= std::log1p(kTokenTolerance)) there = here;
  return named_field("input_counted", format_number(here) + " tokens",
                     format_number(there) + " tokens");
}

double cached_share(const RunStats& stats) {
  const double input = stats.input_tokens_mean.value_or(0);
  return input > 0 ? stats.cached_tokens_mean.value_or(0) / input : 0;
}

FieldReport cached_input(const std::vector<CommonLevel>& levels) {
  double here = 0, there = 0;
  bool known = false;
  for (const CommonLevel& level : levels) {
    if (level.baseline.input_tokens_mean.value_or(0) <= 0 ||
        level.candidate.input_tokens_mean.value_or(0) <= 0)
      continue;
    const double a = cached_share(level.baseline), b = cached_share(level.candidate);
    if (known && std::abs(b - a) <= std::abs(there - here)) continue;
    known = true;
    here = a;
    there = b;
  }
  if (!known) return named_field("cached_input", "", "");
  const double off = std::abs(there - here);
  if (off <= kCachedNamed) there = here;
  FieldReport report = named_field("cached_input", fmt::format("{:.0f} %", here * 100),
                                   fmt::format("{:.0f} %", there * 100));
  // What a session's turns find in the cache is the system's doing.
  const bool of_users = std::any_of(levels.begin(), levels.end(), [](const CommonLevel& level) {
    return level.baseline.sessions || level.candidate.sessions;
  });
  if (off > kCachedRefused && !of_users) report.state = FieldState::kUnlike;
  return report;
}

// A field for each key of the sessions; none where neither result has any.
void add_session_fields(std::vector<FieldReport>& fields, const Asked& here, const Asked& there) {
  if (here.sessions.empty() && there.sessions.empty()) return;
  const auto text = [](const Asked& asked, const std::string& key) {
    const auto found = asked.sessions.find(key);
    return asked.api.empty() ? "" : found == asked.sessions.end() ? "none" : found->second;
  };
  for (const std::string& key : session_fields()) {
    const std::string a = text(here, key), b = text(there, key);
    fields.push_back(named_field(key, a, b));
    if (fields.back().state == FieldState::kDiffers) fields.back().state = FieldState::kUnlike;
  }
}

}  // namespace

const std::vector<std::string>& session_fields() {
  static const std::vector<std::string> fields = {
      "workload.sessions.turns", "workload.sessions.think", "workload.sessions.input_tokens",
      "workload.sessions.output_tokens", "workload.sessions.system_tokens"};
  return fields;
}

std::vector<FieldReport> request_fields_of(const SweepResult& a, const SweepResult& b) {
  const Asked here = asked_of(a), there = asked_of(b);
  const auto number_text = [](const std::optional<int64_t>& value) {
    return value ? std::to_string(*value) : "";
  };
  const std::vector<CommonLevel> levels = common_levels(a, b);
  std::vector<FieldReport> fields = {
      cached_input(levels),
      counted_input(levels),
      named_field("api", here.api, there.api),
      named_field("extra_body", here.body, there.body),
      named_field("request_fields", here.fields, there.fields),
      named_field("template_tokens", number_text(a.workload.template_overhead_tokens),
                  number_text(b.workload.template_overhead_tokens)),
      named_field("tokenizer", tokenizer_of(a), tokenizer_of(b)),
      named_field("fillers", here.fillers, there.fillers),
      named_field("warmup_per_slot", here.warmup, there.warmup),
      named_field("load", with(load_of(a), here.arrivals), with(load_of(b), there.arrivals)),
      named_field("version", version_of(a), version_of(b)),
  };
  add_session_fields(fields, here, there);
  return fields;
}

}  // namespace llmsweep
