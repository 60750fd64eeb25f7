#include "cli/commands.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>

#include "cli/format_option.h"
#include "cli/interrupt_listener.h"
#include "cli/last_selftest.h"
#include "cli/one_line.h"
#include "cli/spec_option.h"
#include "cli/wait_option.h"
#include "llmsweep/base/text.h"
#include "llmsweep/cli/cli.h"
#include "llmsweep/model/names.h"
#include "llmsweep/report/table.h"
#include "llmsweep/spec/spec_file.h"
#include "llmsweep/sweep/endpoint.h"
#include "llmsweep/sweep/feasibility.h"
#include "llmsweep/sweep/longest_request.h"
#include "llmsweep/sweep/prediction.h"
#include "llmsweep/sweep/preflight.h"

namespace llmsweep {
namespace {

struct CheckOptions {
  std::string spec;
  std::vector<std::string> sets;
  OneLine one_line;
  std::string wait;
  std::string format = "text";
};

struct Findings {
  std::vector<std::string> urls;  // where each leads: preflight.addresses
  bool simulated = false;
  Preflight preflight;
  std::vector<std::string> notes;
  Duration request_alone{};
  Duration shortest{};
  SweepCost cost;
  std::optional<LongestRequest> longest;  // tried where the endpoint does not state its context
};

// `known`: what the check of the endpoint has found; absent: it is made.
Findings find_out(const SweepSpec& spec, const PreflightOptions& preflight,
                  std::optional<Preflight> known) {
  Findings found;
  const OpenEndpoint endpoint(spec.endpoint, found.notes);
  found.urls = endpoint.connection().urls;
  found.simulated = endpoint.simulated();
  found.preflight =
      known ? std::move(*known) : check_endpoint(spec, endpoint.connection(), preflight);
  require_feasible(spec, found.preflight, found.simulated, preflight.interrupts);
  if (!found.preflight.context_tokens) {
    found.longest = try_longest_request(spec, endpoint.connection(), found.preflight, preflight);
  }
  const std::vector<std::string>& more = found.preflight.provenance.notes;
  found.notes.insert(found.notes.end(), more.begin(), more.end());
  found.notes.push_back(last_selftest_says(planned_load(spec, found.preflight)));
  found.request_alone = request_time_alone(spec, found.preflight);
  found.shortest = shortest_run_time(spec, found.request_alone);
  found.cost = least_cost(spec, found.shortest);
  return found;
}

std::string text_of(const SweepSpec& spec, const Findings& found) {
  const Preflight& preflight = found.preflight;
  std::string text;
  for (size_t i = 0; i < preflight.addresses.size(); ++i) {
    text += fmt::format("endpoint   {} ({}){}\n", found.urls[i], preflight.addresses[i],
                        found.simulated ? ", SIMULATED" : "");
  }
  text += fmt::format("model      {}\n", printable(preflight.model));
  if (preflight.overhead_tokens) {
    text += fmt::format("template   adds {} tokens to a prompt (calibrated)\n",
                        *preflight.overhead_tokens);
  } else {
    text += fmt::format(
        "prompts    lengths are estimates at {:.2f} bytes a token; exact with workload.tokenizer\n",
        preflight.bytes_per_token);
  }
  if (found.longest) {
    text += fmt::format(
        "longest    the endpoint states no context length, and takes the longest request{}: first "
        "token after {}\n",
        found.longest->input_tokens ? fmt::format(" ({} in, {} out)", *found.longest->input_tokens,
                                                  found.longest->output_tokens)
                                    : "",
        format_duration(std::chrono::round<std::chrono::milliseconds>(found.longest->first_token)));
  }
  for (const std::string& line : found.notes) text += "note       " + line + "\n";
  text += fmt::format(
      "time       at least {}: one request alone takes about {}, and latency grows "
      "with concurrency\n",
      format_duration(std::chrono::ceil<std::chrono::seconds>(found.shortest)),
      format_duration(std::chrono::round<std::chrono::milliseconds>(found.request_alone)));
  return text + cost_text(spec, found.cost);
}

std::string json_of(const SweepSpec& spec, const Findings& found) {
  const Preflight& preflight = found.preflight;
  nlohmann::ordered_json json = {{"name", spec.name},
                                 {"urls", found.urls},
                                 {"addresses", preflight.addresses},
                                 {"simulated", found.simulated},
                                 {"model", preflight.model},
                                 {"template_tokens", nullptr},
                                 {"bytes_per_token", nullptr},
                                 {"request_alone_ms", to_ms(found.request_alone)},
                                 {"shortest_run_ms", to_ms(found.shortest)},
                                 {"longest_first_token_ms", nullptr},
                                 {"input_tokens", nullptr},
                                 {"output_tokens", found.cost.output_tokens},
                                 {"tokens_price", nullptr},
                                 {"gpus_price", nullptr},
                                 {"notes", found.notes}};
  if (spec.workload.input_tokens) json["input_tokens"] = found.cost.input_tokens;
  if (found.cost.tokens_price) json["tokens_price"] = *found.cost.tokens_price;
  if (found.cost.gpus_price) json["gpus_price"] = *found.cost.gpus_price;
  if (found.longest) json["longest_first_token_ms"] = to_ms(found.longest->first_token);
  if (preflight.overhead_tokens) {
    json["template_tokens"] = *preflight.overhead_tokens;
  } else {
    json["bytes_per_token"] = preflight.bytes_per_token;
  }
  return json.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

// `known`: what the check has found already, of a URL.
SweepSpec spec_of(const CheckOptions& options, const PreflightOptions& preflight, Console& console,
                  std::optional<Preflight>& known) {
  if (is_url(options.spec)) {
    Completed completed = complete_one_line(options.spec, options.one_line, options.sets,
                                            *preflight.interrupts, preflight.patience, console);
    known = std::move(completed.preflight);
    return std::move(completed.spec);
  }
  require_none(options.spec, options.one_line);
  return load_run_spec(options.spec, options.sets);
}

int check_command(const CheckOptions& options, Console& console) {
  const InterruptListener interrupts;
  const PreflightOptions preflight{
      .contact = {},
      .interrupts = &interrupts.count(),
      .patience = patience_of(options.wait),
      .tell = [&](const std::string& line) { console.err << "note: " << line << std::endl; }};
  std::optional<Preflight> known;
  const SweepSpec spec = spec_of(options, preflight, console, known);
  if (options.format == kJsonFormat) {
    console.out << json_of(spec, find_out(spec, preflight, std::move(known)));
  } else {
    console.out << plan_text(spec);  // right away: the endpoint may take its time
    console.out << text_of(spec, find_out(spec, preflight, std::move(known)));
  }
  return kExitOk;
}

}  // namespace

void add_check(CLI::App& app, Command& chosen) {
  auto options = std::make_shared<CheckOptions>();
  CLI::App* command = app.add_subcommand(
      "check", "Validate SPEC, probe its endpoint, predict how long a run takes");
  add_spec(*command, options->spec, options->sets);
  add_one_line(*command, options->one_line);
  add_wait(*command, options->wait);
  add_format(*command, options->format);
  command->footer(
      "Example:\n  llmsweep check http://localhost:8000/v1\n  llmsweep check spec.yaml --set "
      "endpoint.url=http://10.0.0.5/v1\n");
  command->callback([options, &chosen] {
    chosen = [options](Console& console) { return check_command(*options, console); };
  });
}

}  // namespace llmsweep
