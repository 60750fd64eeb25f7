#include "cli/commands.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>

#include "cli/format_option.h"
#include "cli/read_results.h"
#include "cli/target_option.h"
#include "llmsweep/base/error.h"
#include "llmsweep/base/text.h"
#include "llmsweep/cli/cli.h"
#include "llmsweep/model/describe.h"
#include "llmsweep/model/names.h"
#include "llmsweep/model/rate_profile.h"
#include "llmsweep/model/target.h"
#include "llmsweep/spec/spec_file.h"
#include "llmsweep/stats/fleet_size.h"
#include "llmsweep/trace/describe_trace.h"

namespace llmsweep {
namespace {

// Of the mean lengths of trace and measurement: by more they are not of one workload.
constexpr double kLengthsAlike = 0.1;

struct SizeOptions {
  std::string result;
  std::string target;
  double rate = 0;
  int64_t users = 0;
  std::string trace;
  std::string trace_format;
  std::string window = "60s";
  std::string profile;
  std::string format = "text";
};

// What has to be carried: requests a second at its peak, or users.
struct Demand {
  LoadKind kind = LoadKind::kRate;
  double load = 0;
  std::string words;                // "trace t.jsonl, its busiest 60 s"
  std::optional<double> mean = {};  // requests a second over all of it
  std::vector<std::string> assumes = {};
  std::optional<double> input_tokens = {}, output_tokens = {};  // means of the trace
};

Duration window_of(const SizeOptions& options) {
  const std::optional<Duration> window = parse_duration(options.window);
  if (window && *window > Duration(0)) return *window;
  throw Error{{.what = "'" + printable(options.window, 40) + "' is no length of time",
               .where = "--window",
               .next = "as in 60s or 5m"}};
}

Demand demand_of_trace(const SizeOptions& options) {
  const Duration window = window_of(options);
  const Trace trace =
      read_trace(options.trace, {.format = from_name<TraceFormat>(options.trace_format)});
  const std::string name = printable(options.trace, 60);
  const TraceSummary summary = summarise_trace(trace);
  if (!summary.rate_rps) {
    throw Error{{.what = "the trace does not say when requests came",
                 .where = name,
                 .next = "give --rate"}};
  }
  if (to_seconds(window) > summary.span_s) {
    throw Error{{.what = fmt::format("the trace lasts {:.3g} s, less than the window of {}",
                                     summary.span_s, format_duration(window)),
                 .where = name,
                 .next = "give a shorter --window"}};
  }
  Demand demand{.load = busiest_rate(trace, window),
                .words = fmt::format("trace {}, its busiest {}", name, format_duration(window)),
                .mean = *summary.rate_rps,
                .input_tokens = summary.input.mean,
                .output_tokens = summary.output.mean};
  demand.assumes.push_back(fmt::format(
      "what comes within {} is as even as the arrivals that were measured: a shorter --window asks "
      "for more",
      format_duration(window)));
  return demand;
}

Demand demand_of_profile(const SizeOptions& options) {
  const SweepSpec spec = load_spec(options.profile, {});
  const std::vector<RateStep>& steps = spec.load.profile;
  if (steps.empty()) {
    throw Error{{.what = "the spec has no load.profile",
                 .where = printable(options.profile, 60),
                 .next = "as in profile: [{for: 10m, rate: 2}, {for: 5m, from: 2, to: 8}]"}};
  }
  Demand demand{.words = "the highest rate of " + printable(options.profile, 60),
                .mean = mean_rate(steps)};
  for (const RateStep& step : steps) demand.load = std::max({demand.load, step.from, step.to});
  return demand;
}

Demand demand_of(const SizeOptions& options) {
  const int given = (options.rate > 0 ? 1 : 0) + (options.users > 0 ? 1 : 0) +
                    (options.trace.empty() ? 0 : 1) + (options.profile.empty() ? 0 : 1);
  if (given != 1) {
    throw Error{{.what = given == 0 ? "nothing says what has to be carried"
                                    : "more than one option says what has to be carried",
                 .where = {},
                 .next = "give one of --rate, --users, --trace and --profile"}};
  }
  if (!options.trace.empty()) return demand_of_trace(options);
  if (!options.profile.empty()) return demand_of_profile(options);
  if (options.users > 0) {
    return {
        .kind = LoadKind::kUsers, .load = static_cast<double>(options.users), .words = "as given"};
  }
  return {.load = options.rate, .words = "as given"};
}

// What the result shows of one system.
struct Basis {
  Target target;
  ShownLoad shown;
  std::optional<double> error;  // that the bracket misses the truth, at most
  int gpus = 0;                 // 0: not stated
};

[[noreturn]] void refuse_result(const SizeOptions& options, const std::string& what,
                                const std::string& next) {
  throw Error{{.what = what, .where = printable(options.result, 200), .next = next}};
}

template <class Answers>
const auto& answer_of(const Answers& answers, const SizeOptions& options, const char* what,
                      const char* next) {
  if (answers.empty()) {
    refuse_result(options, fmt::format("the result says no {} at a target", what), next);
  }
  const auto& answer = answers.front();
  if (!answer.confirmed) {
    refuse_result(
        options,
        fmt::format("nothing is confirmed by fresh runs at {}", format_target(answer.target)),
        "a bracket that is read off single figures misses the truth in 8 to 30 % of "
        "sweeps: measure with search, or with load.refine: true");
  }
  return answer;
}

Basis basis_of(const SweepResult& result, const SizeOptions& options, LoadKind kind) {
  Basis basis{.gpus = result.system.gpus};
  if (kind == LoadKind::kRate) {
    const RateAtTarget& rate = answer_of(result.rates_at_target, options, "requests a second",
                                         "measure rates: search: {over: rate, between: [1, 100]}");
    basis.target = rate.target;
    basis.shown = {.carries = rate.r_pass.value_or(0), .fails = rate.r_fail};
    basis.error = rate.confirmed_error;
  } else {
    const UsersAtTarget& users = answer_of(result.users_at_target, options, "users",
                                           "measure users: search: {over: concurrency}");
    basis.target = users.target;
    basis.shown.carries = users.c_pass.value_or(0);
    if (users.c_fail) basis.shown.fails = *users.c_fail;
    basis.error = users.confirmed_error;
  }
  if (basis.shown.carries <= 0) {
    refuse_result(options, fmt::format("no measured load keeps {}", format_target(basis.target)),
                  "measure less load, or ask for another target");
  }
  return basis;
}

std::string copies_text(int64_t copies) {
  return format_number(static_cast<double>(copies)) + (copies == 1 ? " copy" : " copies");
}

// Of what the numbers are taken to be; the mean lengths of the trace beside those measured.
std::vector<std::string> assumptions(const SizeOptions& options, const Demand& demand,
                                     const Basis& basis, const SweepResult& result) {
  std::vector<std::string> lines = {
      "copies share the load evenly, and nothing else: no router, network or cache of them all is "
      "in it",
      "requests are those that were measured, in length and in what they share"};
  lines.insert(lines.end(), demand.assumes.begin(), demand.assumes.end());
  const auto unlike = [](double theirs, double ours) {
    return ours > 0 && std::abs(theirs / ours - 1) > kLengthsAlike;
  };
  const double input =
      result.workload.input_tokens ? mean_tokens(*result.workload.input_tokens) : 0;
  const double output = mean_tokens(result.workload.output_tokens);
  if (demand.input_tokens && demand.output_tokens &&
      (unlike(*demand.input_tokens, input) || unlike(*demand.output_tokens, output))) {
    lines.push_back(fmt::format(
        "NOT SO: the trace's requests have {} tokens in and {} out on average, the measured ones "
        "{} and {}; measure such",
        format_significant(*demand.input_tokens), format_significant(*demand.output_tokens),
        format_significant(input), format_significant(output)));
  }
  if (demand.kind == LoadKind::kUsers) {
    lines.emplace_back("users do not think: each sends its next request when the last has ended");
  }
  if (demand.kind == LoadKind::kRate && demand.mean) {
    lines.push_back(
        "no copy is added or removed while the rate changes: all are there at the peak");
  }
  if (basis.error) {
    lines.push_back(fmt::format("the bracket of one copy is wrong in at most {:g} % of searches",
                                100 * *basis.error));
  }
  if (result.simulated) lines.emplace_back("the system is SIMULATED");
  if (basis.gpus == 0) {
    lines.push_back("GPUs of a copy are not stated (system.gpus of " +
                    printable(options.result, 60) + ")");
  }
  return lines;
}

std::string of_load(double load, LoadKind kind) {
  return format_significant(load) + (kind == LoadKind::kRate ? " requests/s" : " users");
}

std::string size_text(const FleetSize& size, const Demand& demand, const Basis& basis,
                      const std::vector<std::string>& assumes) {
  const auto each = [&](int64_t copies) {
    return of_load(demand.load / static_cast<double>(copies), demand.kind);
  };
  std::string text = copies_text(size.known_good);
  if (basis.gpus > 0) {
    text = fmt::format("{} GPUs: {} of {}",
                       format_number(static_cast<double>(size.known_good * basis.gpus)), text,
                       basis.gpus);
  }
  text += fmt::format(" for {} at {}\n", of_load(demand.load, demand.kind),
                      format_target(basis.target));
  text += fmt::format(
      "  demand      {}{}\n", demand.words,
      demand.mean ? fmt::format("; {} requests/s on average", format_significant(*demand.mean))
                  : "");
  text += fmt::format("  known good  {}: {} each, and {} were shown to keep the target\n",
                      copies_text(size.known_good), each(size.known_good),
                      of_load(basis.shown.carries, demand.kind));
  text += size.known_bad > 0
              ? fmt::format("  known bad   {}: {} each, and {} were shown to miss it\n",
                            copies_text(size.known_bad), each(size.known_bad),
                            of_load(*basis.shown.fails, demand.kind))
              : std::string("  known bad   not known of any number\n");
  if (size.known_bad > 0 && size.between() > 0) {
    text += fmt::format("  not known   {} between them\n", copies_text(size.between()));
  }
  for (size_t i = 0; i < assumes.size(); ++i) {
    text += (i == 0 ? "  assumes     - " : "              - ") + assumes[i] + "\n";
  }
  return text;
}

std::string size_json(const FleetSize& size, const Demand& demand, const Basis& basis,
                      const std::vector<std::string>& assumes) {
  using Json = nlohmann::ordered_json;
  const auto or_null = [](const auto& value) { return value ? Json(*value) : Json(); };
  const bool has_bad = size.known_bad > 0;
  const Json gpus = basis.gpus > 0 ? Json(basis.gpus) : Json();
  const auto in_gpus = [&](int64_t copies) {
    return basis.gpus > 0 ? Json(copies * basis.gpus) : Json();
  };
  const Json json = {
      {"target", format_target(basis.target)},
      {"demand",
       {{"unit", demand.kind == LoadKind::kRate ? "requests_per_s" : "users"},
        {"load", demand.load},
        {"mean_rps", or_null(demand.mean)},
        {"of", demand.words}}},
      {"copy",
       {{"gpus", gpus},
        {"carries", basis.shown.carries},
        {"fails", or_null(basis.shown.fails)},
        {"error", or_null(basis.error)}}},
      {"copies",
       {{"known_good", size.known_good}, {"known_bad", has_bad ? Json(size.known_bad) : Json()}}},
      {"gpus",
       {{"known_good", in_gpus(size.known_good)},
        {"known_bad", has_bad ? in_gpus(size.known_bad) : Json()}}},
      {"assumes", assumes}};
  return json.dump(1) + "\n";
}

int size_command(const SizeOptions& options, Console& console) {
  const Demand demand = demand_of(options);
  SweepResult result = read_result_argument(options.result);
  if (!options.target.empty()) answer_targets({options.target}, result);
  const Basis basis = basis_of(result, options, demand.kind);
  const FleetSize size = fleet_size(basis.shown, demand.load);
  const std::vector<std::string> assumes = assumptions(options, demand, basis, result);
  console.out << (options.format == kJsonFormat ? size_json(size, demand, basis, assumes)
                                                : size_text(size, demand, basis, assumes));
  return kExitOk;
}

}  // namespace

void add_size(CLI::App& app, Command& chosen) {
  auto options = std::make_shared<SizeOptions>();
  CLI::App* command = app.add_subcommand(
      "size", "Say how many GPUs carry a trace, a rate or users at a target, by a measured result");
  command
      ->add_option("RESULT", options->result,
                   "result.json or its folder, of one system, with a confirmed bracket")
      ->type_name("FILE")
      ->required();
  command->add_option("--rate", options->rate, "Requests a second to carry")
      ->check(CLI::PositiveNumber)
      ->type_name("N");
  command->add_option("--users", options->users, "Users to carry")
      ->check(CLI::PositiveNumber)
      ->type_name("N");
  command->add_option("--trace", options->trace, "A trace whose busiest time to carry")
      ->type_name("FILE");
  command->add_option("--as", options->trace_format, "Whose format it is; else its first line says")
      ->check(CLI::IsMember(all_names<TraceFormat>()))
      ->type_name("FORMAT");
  command->add_option("--window", options->window, "Of the trace: how long its busiest time is")
      ->type_name("TIME")
      ->capture_default_str();
  command
      ->add_option("--profile", options->profile,
                   "A spec whose load.profile is the rate over time to carry")
      ->type_name("SPEC");
  command
      ->add_option("--target", options->target,
                   "Target to keep, as in ttft:p95:2s; else the result's first")
      ->type_name("METRIC:STATISTIC:LIMIT[+...]");
  add_format(*command, options->format);
  command->footer(
      "Examples:\n"
      "  llmsweep size results/h200 --rate 100\n"
      "  llmsweep size results/h200 --trace conversation_trace.jsonl --window 5m\n"
      "  llmsweep size results/h200 --users 5000 --target e2e:p50:15s --format json");
  command->callback([options, &chosen] {
    chosen = [options](Console& console) { return size_command(*options, console); };
  });
}

}  // namespace llmsweep
