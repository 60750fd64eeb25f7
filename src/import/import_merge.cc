#include "import/import_merge.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <functional>
#include <map>
#include <optional>
#include <utility>

#include "import/import_facts.h"
#include "import/import_judge.h"
#include "llmsweep/base/error.h"
#include "llmsweep/base/text.h"
#include "llmsweep/model/describe.h"
#include "llmsweep/model/quantity.h"
#include "llmsweep/results/stated_system.h"
#include "llmsweep/stats/cost.h"
#include "llmsweep/stats/intervals.h"
#include "llmsweep/stats/level_stats.h"

namespace llmsweep::foreign {
namespace {

constexpr double kSameLengths = 0.05;  // mean tokens of files of one sweep

template <class T>
void add_once(std::vector<T>& list, T value) {
  if (std::find(list.begin(), list.end(), value) == list.end()) list.push_back(std::move(value));
}

double mean_or_zero(const std::optional<TokenCount>& count) {
  return count ? mean_tokens(*count) : 0;
}

[[noreturn]] void refuse(const Run& a, const Run& b, const std::string& what, std::string next) {
  const std::string other = b.where == a.where ? "another run in it" : b.where;
  throw Error({.what = fmt::format("{} differs from {}: {}", other, a.where, what),
               .where = {},
               .next = std::move(next)});
}

// ---- What makes a system.

// 8, "8"; "MTP", "mtp"; and the spellings of "none of it". What a file does not say is none, or
// what is not divided.
bool same_fact(const std::string& a, const std::string& b) {
  const bool sizes = parse_double(a) || parse_double(b);
  if (a.empty() || b.empty()) {
    const std::string& said = a.empty() ? b : a;
    return says_none(said) || said == "1";
  }
  if (says_none(a) && says_none(b)) return !sizes || a == b;
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
    return std::tolower(x) == std::tolower(y);
  });
}

std::string fact_of(const Facts& facts, const std::string& key) {
  const auto found = facts.find(key);
  return found == facts.end() ? std::string() : found->second;
}

// With what every tool's file may say; absent where it does not.
Facts all_facts(const Run& run) {
  Facts facts = run.facts;
  const auto add = [&facts](const char* key, const std::string& value) {
    if (!value.empty()) facts[key] = value;
  };
  add("tool", run.tool);
  add("model", run.model);
  add("accelerator", run.system.accelerator);
  add("precision", run.system.precision);
  add("engine", run.system.engine);
  add("gpus", run.system.gpus > 0 ? std::to_string(run.system.gpus) : "");
  add("concurrency", run.concurrency > 0 ? std::to_string(run.concurrency) : "");
  add("inputs_per_request", run.inputs_per_request ? std::to_string(*run.inputs_per_request) : "");
  return facts;
}

std::vector<std::string> keys_of(const std::vector<Run>& runs) {
  std::vector<std::string> keys;
  for (const Run& run : runs) {
    for (const auto& fact : all_facts(run)) add_once(keys, fact.first);
  }
  std::sort(keys.begin(), keys.end());
  return keys;
}

void keep_only(std::vector<Run>& runs, const std::string& key, const std::string& value) {
  std::vector<std::string> values;
  std::vector<Run> kept;
  for (Run& run : runs) {
    const std::string of_run = fact_of(all_facts(run), key);
    add_once(values, of_run.empty() ? std::string("none") : of_run);
    if (same_fact(of_run, value)) kept.push_back(std::move(run));
  }
  if (kept.empty()) {
    const bool known = values != std::vector<std::string>{"none"};
    throw Error({.what = fmt::format("no run has {}={}", printable(key, 60), printable(value, 60)),
                 .where = "--only",
                 .next = known ? "the runs have " + printable(join(values, ", "), 300)
                               : "the runs say " + printable(join(keys_of(runs), ", "), 600)});
  }
  runs = std::move(kept);
}

void check_same_facts(const Run& a, const Run& b) {
  std::vector<std::string> differences;
  std::string choice;
  std::vector<std::string> keys;
  for (const Facts* facts : {&a.facts, &b.facts}) {
    for (const auto& fact : *facts) add_once(keys, fact.first);
  }
  for (const std::string& key : keys) {
    std::string of_a = fact_of(a.facts, key), of_b = fact_of(b.facts, key);
    if (same_fact(of_a, of_b)) continue;
    if (of_a.empty()) of_a = "none";
    if (of_b.empty()) of_b = "none";
    differences.push_back(
        fmt::format("{} {} and {}", printable(key, 60), printable(of_a, 80), printable(of_b, 80)));
    if (choice.empty())
      choice = fmt::format("--only {}={}", printable(key, 60), printable(of_a, 80));
  }
  if (differences.empty()) return;
  refuse(a, b, join(differences, ", "),
         "they are runs of different systems, not repeats of one: choose by such a key with " +
             choice);
}

void check_same_text(const Run& a, const Run& b, const char* key, const char* what,
                     const std::string& of_a, const std::string& of_b) {
  if (of_a.empty() || of_b.empty() || of_a == of_b) return;
  refuse(
      a, b, fmt::format("{} {} and {}", what, printable(of_a), printable(of_b)),
      fmt::format("give the files of one sweep, or choose with --only {}={}; compare sweeps with "
                  "'llmsweep compare'",
                  key, printable(of_a, 80)));
}

void check_same_lengths(const Run& a, const Run& b, const char* what, double of_a, double of_b) {
  if (of_a <= 0 || of_b <= 0 || std::abs(of_b / of_a - 1) <= kSameLengths) return;
  refuse(a, b, fmt::format("{:.0f} and {:.0f} {} tokens on average", of_a, of_b, what),
         "where one dataset gave each level other prompts, say --lengths vary; else import them "
         "separately, each with a --name of its own, and compare them with 'llmsweep compare'");
}

void check_one_sweep(const std::vector<Run>& runs, bool lengths_vary) {
  const Run& first = runs.front();
  for (const Run& run : runs) {
    check_same_text(first, run, "tool", "the tools are", first.tool, run.tool);
    check_same_text(first, run, "model", "the models are", first.model, run.model);
    check_same_text(first, run, "accelerator", "the accelerators are", first.system.accelerator,
                    run.system.accelerator);
    check_same_text(first, run, "precision", "the precisions are", first.system.precision,
                    run.system.precision);
    check_same_text(first, run, "engine", "the engines are", first.system.engine,
                    run.system.engine);
    check_same_facts(first, run);
    if (first.system.gpus > 0 && run.system.gpus > 0 && first.system.gpus != run.system.gpus) {
      refuse(first, run, fmt::format("{} and {} GPUs", first.system.gpus, run.system.gpus),
             fmt::format("give the files of one sweep, or choose with --only gpus={}",
                         first.system.gpus));
    }
    const auto inputs_of = [](const Run& each) {
      return each.inputs_per_request ? std::to_string(*each.inputs_per_request) : "none";
    };
    check_same_text(first, run, "inputs_per_request", "the texts of each request are",
                    inputs_of(first), inputs_of(run));
    if (lengths_vary || (!run.sweep.empty() && run.sweep == first.sweep)) continue;
    check_same_lengths(first, run, "input", mean_or_zero(first.input_tokens),
                       mean_or_zero(run.input_tokens));
    check_same_lengths(first, run, "output", mean_or_zero(first.output_tokens),
                       mean_or_zero(run.output_tokens));
  }
}

SystemSpec system_of(const std::vector<Run>& runs, const SystemSpec& stated) {
  SystemSpec system;
  for (auto run = runs.rbegin(); run != runs.rend(); ++run) {
    system = stated_over(run->system, system);
  }
  system = stated_over(stated, system);
  if (system.gpus < 1) {
    throw Error({.what = "no file says how many GPUs the system has",
                 .where = runs.front().where,
                 .next = "state it with --gpus N or --system SPEC"});
  }
  return system;
}

// Such a figure is none: the file is damaged, or of something else.
void refuse_negative(const Run& run) {
  const std::pair<const char*, std::optional<double>> figures[] = {
      {"output throughput", run.stats.output_throughput_tps},
      {"request throughput", run.stats.request_throughput_rps},
      {"goodput", run.stats.goodput_rps},
      {"inputs a second", run.stats.inputs_per_s},
      {"input throughput", run.stats.input_throughput_tps},
      {"duration", run.stats.wall_seconds}};
  for (const auto& [what, value] : figures) {
    if (value.value_or(0) >= 0) continue;
    throw Error({.what = fmt::format("its {} is negative: {}", what, format_significant(*value)),
                 .where = run.where,
                 .next = "get the file again from the tool that wrote it"});
  }
}

bool same_requests(const std::vector<Request>& a, const std::vector<Request>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Request& x, const Request& y) {
    return x.ok == y.ok && x.start_s == y.start_s && x.e2e_ms == y.e2e_ms &&
           x.ttft_ms == y.ttft_ms && x.output_tokens == y.output_tokens;
  });
}

void fill_headline(RunStats& stats, int gpus) {
  const double headline = headline_throughput_tps(stats);
  if (headline <= 0) return;
  stats.throughput_per_gpu_tps = headline / gpus;
  const double e2e = stats.e2e.p50.value_or(0);
  if (e2e > 0) stats.throughput_per_latency = headline / e2e;
}

std::vector<double> of_runs(const std::vector<RunStats>& runs,
                            const std::function<std::optional<double>(const RunStats&)>& figure) {
  std::vector<double> values;
  for (const RunStats& run : runs) {
    const auto value = figure(run);
    if (value && *value > 0) values.push_back(*value);
  }
  return values;
}

template <class Number>
std::optional<Number> sum_of(const std::vector<RunStats>& runs,
                             const std::function<std::optional<Number>(const RunStats&)>& figure) {
  Number sum = 0;
  for (const RunStats& run : runs) {
    const auto value = figure(run);
    if (!value) return std::nullopt;
    sum += *value;
  }
  return sum;
}

// Aggregates cannot be pooled: each figure is the geometric mean of the runs'.
Distribution mean_distribution(const std::vector<RunStats>& runs, Distribution RunStats::*member) {
  Distribution pooled{.count = sum_of<int64_t>(
                          runs, [member](const RunStats& run) { return (run.*member).count; })};
  for (const auto figure : {&Distribution::mean, &Distribution::p50, &Distribution::p90,
                            &Distribution::p95, &Distribution::p99, &Distribution::p999}) {
    const auto values = of_runs(runs, [&](const RunStats& run) { return run.*member.*figure; });
    if (values.size() == runs.size()) pooled.*figure = geometric_mean(values);
  }
  const auto extreme = [&](std::optional<double> Distribution::*figure, auto better) {
    std::optional<double> most = (runs.front().*member).*figure;
    for (const RunStats& run : runs) {
      const auto value = (run.*member).*figure;
      if (!value || !most) return std::optional<double>();
      most = better(*most, *value);
    }
    return most;
  };
  pooled.min = extreme(&Distribution::min, [](double a, double b) { return std::min(a, b); });
  pooled.max = extreme(&Distribution::max, [](double a, double b) { return std::max(a, b); });
  return pooled;
}

RunStats mean_of_runs(const std::vector<RunStats>& runs) {
  RunStats pooled = runs.front();
  for (const Quantity& quantity : quantities()) {
    if (quantity.distribution != nullptr) {
      pooled.*quantity.distribution = mean_distribution(runs, quantity.distribution);
    }
    if (quantity.number == nullptr || quantity.pooling != Pooling::kGeometricMean) continue;
    const auto values =
        of_runs(runs, [&](const RunStats& run) { return stored_value(run, quantity); });
    pooled.*quantity.number = values.empty() ? std::nullopt : std::optional(geometric_mean(values));
  }
  const auto steady =
      of_runs(runs, [](const RunStats& run) { return run.steady_output_throughput_tps; });
  pooled.steady_output_throughput_tps.reset();
  if (steady.size() == runs.size()) pooled.steady_output_throughput_tps = geometric_mean(steady);
  pooled.requests = {
      .completed =
          sum_of<int64_t>(runs, [](const RunStats& run) { return run.requests.completed; }),
      .failed = sum_of<int64_t>(runs, [](const RunStats& run) { return run.requests.failed; })};
  pooled.wall_seconds = sum_of<double>(runs, [](const RunStats& run) { return run.wall_seconds; });
  for (const RunStats& run : runs) {
    pooled.valid = pooled.valid && run.valid;
    for (const InvalidReason reason : run.invalid_reasons) add_once(pooled.invalid_reasons, reason);
    for (const Warning warning : run.warnings) add_once(pooled.warnings, warning);
  }
  std::sort(pooled.invalid_reasons.begin(), pooled.invalid_reasons.end());
  std::sort(pooled.warnings.begin(), pooled.warnings.end());
  return pooled;
}

RunStats pool(const std::vector<Run>& runs, const std::vector<RunStats>& stats, int gpus) {
  if (stats.size() == 1) return stats.front();
  std::vector<RequestRecord> records;
  for (const Run& run : runs) {
    const std::vector<RequestRecord> more = records_of(run);
    if (more.empty() || !run.tokens_known) return mean_of_runs(stats);
    records.insert(records.end(), more.begin(), more.end());
  }
  const LevelContext level{
      .point = at_concurrency(runs.front().concurrency), .gpus = gpus, .fillers = false};
  return pool_runs(level, stats, records).pooled;
}

LevelStats level_of(std::vector<Run>& runs, const SystemSpec& system, const PriceSpec& prices) {
  const int gpus = system.gpus;
  LevelStats level{.point = at_concurrency(runs.front().concurrency)};
  for (Run& run : runs) {
    RunStats stats = run.stats;
    stats.repeat = static_cast<int>(level.runs.size());
    judge(run, stats);
    fill_headline(stats, gpus);
    fill_costs(stats, system, prices);
    level.runs.push_back(std::move(stats));
  }
  level.pooled = pool(runs, level.runs, gpus);
  judge(level);
  fill_headline(level.pooled, gpus);
  fill_costs(level.pooled, system, prices);
  level.e2e_p50_between_runs_ci95 =
      log_student_interval(of_runs(level.runs, [](const RunStats& run) { return run.e2e.p50; }));
  level.throughput_between_runs_ci95 = log_student_interval(of_runs(
      level.runs, [](const RunStats& run) { return std::optional(headline_throughput_tps(run)); }));
  return level;
}

// A run whose every figure, or every request, is another's is that run, read twice: from a copy
// beside it, from a summary of both, or named twice. As a repeat it would make an interval of no
// width.
bool is_same_run(const Run& a, const Run& b) {
  if (a.concurrency != b.concurrency) return false;
  if (!a.created_at.empty() && !b.created_at.empty() && a.created_at != b.created_at) return false;
  if (!a.requests.empty() && !b.requests.empty()) return same_requests(a.requests, b.requests);
  return a.stats == b.stats && a.stats != RunStats{};
}

void drop_copies(std::vector<Run>& runs, std::vector<std::string>& notes) {
  std::vector<Run> kept;
  for (Run& run : runs) {
    const auto twin = std::find_if(kept.begin(), kept.end(),
                                   [&run](const Run& other) { return is_same_run(run, other); });
    if (twin == kept.end()) {
      kept.push_back(std::move(run));
      continue;
    }
    add_once(notes, fmt::format("{} is the same run as {}: it counts once.", printable(run.where),
                                printable(twin->where)));
    if (twin->requests.empty()) *twin = std::move(run);  // the one that says more
  }
  runs = std::move(kept);
}

// The lengths of the levels, where they may vary: their mean, and what it hides.
void vary(std::optional<TokenCount>& of_all, const std::vector<Run>& runs,
          std::optional<TokenCount> Run::*member, const char* what,
          std::vector<std::string>& notes) {
  double least = 0, most = 0, sum = 0, count = 0;
  for (const Run& run : runs) {
    const double mean = mean_or_zero(run.*member);
    if (mean <= 0) continue;
    least = count == 0 ? mean : std::min(least, mean);
    most = std::max(most, mean);
    sum += mean;
    ++count;
  }
  if (count == 0 || most / least - 1 <= kSameLengths) return;
  of_all = token_count(sum / count, std::nullopt);
  notes.push_back(
      fmt::format("The {} lengths vary between its runs, from {:.0f} to {:.0f} tokens on average "
                  "(--lengths vary): a level differs from another by its requests as well.",
                  what, least, most));
}

}  // namespace

SweepResult merge(std::vector<Run> runs, const ImportOptions& options) {
  for (const auto& [key, value] : options.only) keep_only(runs, key, value);
  check_one_sweep(runs, options.lengths_vary);
  SweepResult result{.tool = runs.front().tool, .source = Source::kImported};
  result.system = system_of(runs, options.system);
  if (options.prices.stated()) result.prices = options.prices;
  std::map<int, std::vector<Run>> by_level;
  drop_copies(runs, result.provenance.notes);
  std::optional<TokenCount> output;
  if (options.lengths_vary) {
    vary(result.workload.input_tokens, runs, &Run::input_tokens, "input", result.provenance.notes);
    vary(output, runs, &Run::output_tokens, "output", result.provenance.notes);
  }
  if (output) result.workload.output_tokens = *output;
  for (Run& run : runs) {
    if (run.concurrency < 1) run.concurrency = options.concurrency.value_or(0);
    if (run.concurrency < 1) {
      throw Error({.what = "the file does not say its concurrency",
                   .where = run.where,
                   .next = "state it with --concurrency N; open-loop runs have none and are not "
                           "imported"});
    }
    refuse_negative(run);
    recompute(run);
    fill_derived(run);
    result.simulated |= run.simulated;
    if (result.model.empty()) result.model = run.model;
    if (result.created_at.empty()) result.created_at = run.created_at;
    if (result.workload.dataset.empty()) result.workload.dataset = run.dataset;
    if (!result.workload.input_tokens) result.workload.input_tokens = run.input_tokens;
    if (run.inputs_per_request) {
      result.workload.inputs_per_request = run.inputs_per_request;
      result.workload.streaming = false;
    }
    if (mean_tokens(result.workload.output_tokens) == 0 && run.output_tokens) {
      result.workload.output_tokens = *run.output_tokens;
    }
    add_once(result.provenance.notes,
             fmt::format("Level {} is from {}.", run.concurrency, printable(run.where)));
    by_level[run.concurrency].push_back(std::move(run));
  }
  for (auto& [concurrency, of_level] : by_level) {
    result.levels.push_back(level_of(of_level, result.system, options.prices));
    for (const Run& run : of_level) {
      for (const std::string& note : run.notes) {
        add_once(result.provenance.notes, run.tool + ": " + note);
      }
    }
  }
  return result;
}

}  // namespace llmsweep::foreign
