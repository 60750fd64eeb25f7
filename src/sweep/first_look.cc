#include "llmsweep/sweep/first_look.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "llmsweep/base/text.h"
#include "llmsweep/model/target.h"
#include "llmsweep/protocol/api.h"
#include "llmsweep/stats/percentile.h"
#include "llmsweep/sweep/prediction.h"

namespace llmsweep {
namespace {

// "meta-llama/Llama-3.1-8B" and "/models/tiny.gguf" by their last part.
std::string name_of_model(const std::string& model) {
  const size_t slash = model.find_last_of('/', model.size() - 2);
  std::string name = slash == std::string::npos ? model : model.substr(slash + 1);
  if (name.ends_with(".gguf")) name.resize(name.size() - 5);
  constexpr size_t kLongest = 100;
  return printable(trim(name).empty() ? "endpoint" : name, kLongest);
}

// Half of the context for the prompt, a quarter for the answer.
void fit_the_context(SweepSpec& spec, int64_t context, const Said& said,
                     std::vector<std::string>& notes) {
  const auto is_fixed = [](const TokenCount& count) {
    return count.kind == TokenCount::Kind::kFixed;
  };
  if (!spec.workload.input_tokens || !is_fixed(*spec.workload.input_tokens) ||
      !is_fixed(spec.workload.output_tokens)) {
    return;
  }
  TokenCount& input = *spec.workload.input_tokens;
  TokenCount& output = spec.workload.output_tokens;
  if (input.fixed + output.fixed <= context) return;
  if (!said.output_tokens && output.fixed > 0)
    output.fixed = std::max<int64_t>(1, std::min(output.fixed, context / 4));
  if (!said.input_tokens) {
    input.fixed = std::max<int64_t>(1, std::min(context / 2, context - output.fixed));
  }
  notes.push_back(
      fmt::format("the context has {} tokens: {} in, {} out (--input-tokens, "
                  "--output-tokens)",
                  context, input.fixed, output.fixed));
}

// The most that fits, by the time of one request alone. Latency grows with the level: up to 16 it
// is six times as long on average where the server computes one at a time, and more where it then
// shares its processors with the client. Where it grows less, more repeats take the time.
int requests_per_slot_for(const SweepSpec& spec, const Preflight& preflight) {
  constexpr int kGrowth = 7;
  constexpr std::array kCounts = {10, 6, 4, 2};
  SweepSpec tried = spec;
  tried.load.repeats = 1;
  const Duration alone = request_time_alone(spec, preflight);
  for (const int count : kCounts) {
    tried.load.requests_per_slot = count;
    if (kGrowth * shortest_run_time(tried, alone) <= kFirstTableWithin / 2) return count;
  }
  return 1;
}

// What a target's statistic needs, in each run of a level.
int requests_for(const SweepSpec& spec) {
  int64_t needed = 0;
  for (const Target& target : parts_of(spec.targets)) {
    if (target.metric == Metric::kItl || target.metric == Metric::kIcl) continue;
    needed = std::max(needed, samples_needed(target.statistic));
  }
  return static_cast<int>((needed + spec.load.repeats - 1) / spec.load.repeats);
}

// Warm-ups of three requests' time, windows that share what is left.
void choose_windows(SweepSpec& spec, const Preflight& preflight) {
  using std::chrono::seconds;
  constexpr Duration kShortest = seconds(2);
  constexpr double kFewest = 40;  // arrivals: 30 are needed, and how many come is drawn
  LoadSpec& load = spec.load;
  if (load.rate.empty()) return;  // a profile says how long
  const Duration alone = request_time_alone(spec, preflight);
  const auto levels = static_cast<int64_t>(load.rate.size());
  const Duration of_level = kFirstTableWithin / levels;
  load.warmup =
      std::clamp<Duration>(std::chrono::ceil<seconds>(3 * alone), kShortest, LoadSpec{}.warmup);
  const double slowest = *std::min_element(load.rate.begin(), load.rate.end());
  const double arrivals = std::max<double>(kFewest, requests_for(spec));
  const Duration needed = std::chrono::ceil<seconds>(from_seconds(arrivals / slowest));
  load.measure = std::max(
      {kShortest, needed, Duration(std::chrono::floor<seconds>(of_level - load.warmup - alone))});
}

}  // namespace

std::vector<std::string> choose_the_rest(SweepSpec& spec, const Preflight& preflight,
                                         const Said& said) {
  std::vector<std::string> notes;
  spec.endpoint.model = preflight.model;
  if (spec.workload.tokenizer.empty() && preflight.tokenizer != nullptr) {
    spec.workload.tokenizer = "server";
  }
  const auto& fields = preflight.fields;
  const bool generates = traits_of(spec.endpoint.api).generates;
  if (generates &&
      std::find(fields.begin(), fields.end(), RequestField::kIgnoreEos) == fields.end()) {
    spec.workload.output_lengths = Lengths::kAbout;  // answers end where they end
  }
  if (!said.name) spec.name = name_of_model(preflight.model);
  if (preflight.context_tokens) fit_the_context(spec, *preflight.context_tokens, said, notes);
  if (!said.repeats) {
    spec.load.repeats = 1;
    spec.load.repeats_max = kFirstRepeats;
  }
  if (spec.load.is_open()) {
    if (!said.window) choose_windows(spec, preflight);
  } else if (!said.requests) {
    spec.load.requests_per_slot = requests_per_slot_for(spec, preflight);
    spec.load.min_requests = requests_for(spec);
  }
  if (spec.system.gpus == 0) {
    notes.push_back(
        "the GPUs are not stated: figures are of the endpoint, none per GPU (--gpus N)");
  }
  return notes;
}

RepeatsWanted more_repeats_in_time(const Clock& clock) {
  return [&clock, begun = clock.now()](const SweepResult& result) {
    std::vector<LoadPoint> points;
    size_t repeats = 1;
    for (const LevelStats& level : result.levels) {
      points.push_back(level.point);
      repeats = std::max(repeats, level.runs.size());
    }
    const Duration of_one = (clock.now() - begun) / static_cast<int64_t>(repeats);
    const bool in_time = of_one * static_cast<int64_t>(repeats + 1) <= kFirstTableWithin;
    return in_time ? points : std::vector<LoadPoint>();
  };
}

}  // namespace llmsweep
