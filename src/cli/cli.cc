#include "llmsweep/cli/cli.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <iostream>
#include <new>
#include <system_error>

#include "cli/commands.h"
#include "cli/prepare_process.h"
#include "cli/version_text.h"
#include "llmsweep/base/error.h"
#include "llmsweep/base/interrupt.h"
#include "llmsweep/base/text.h"
#include "llmsweep/base/version.h"

namespace llmsweep {
namespace {

constexpr const char* kFooter = R"(Examples:
  llmsweep run http://localhost:8000/v1     a first sweep of a server, without a spec
  llmsweep init http://localhost:8000/v1 > spec.yaml           its spec, to change
  llmsweep demo                             two simulated systems, measured and compared
  llmsweep check spec.yaml                  is the spec right, does the endpoint answer
  llmsweep selftest                         which load this machine can be trusted with
  llmsweep show RESULT                      its table again
  llmsweep report RESULT...                 figures and the HTML report
  llmsweep compare BASELINE CANDIDATE       what differs, and by how much
  llmsweep merge PART... --out FOLDER       one result of what several clients measured
  llmsweep versus A.yaml B.yaml             two systems side by side, whatever drifts
  llmsweep gate RESULT --require 'e2e:p50@c8 <= 15s'           for CI
  llmsweep COMMAND --help                   the options of a command, with examples

Exit codes: 0 ok; 1 the measurement failed; 2 usage, spec or input file; 10 gate FAIL;
11 gate INCONCLUSIVE; 12 gate INVALID, or run --strict and nothing to judge;
13 the budget of the spec is spent; 130 interrupted.
)";

Console console_on(std::ostream& out, std::ostream& err) {
  // Only the process's own streams have a terminal behind them; a test's string streams do not.
  const GetEnv get_env = [](const char* name) { return std::getenv(name); };
  Console console{.out = out, .err = err, .out_style = {}, .err_terminal = {}};
  if (&out == &std::cout) console.out_style = detect_terminal(STDOUT_FILENO, get_env).style;
  if (&err == &std::cerr) console.err_terminal = detect_terminal(STDERR_FILENO, get_env);
  return console;
}

const CLI::App* command_named(const CLI::App& app, const std::string& name) {
  for (const CLI::App* command : app.get_subcommands({})) {
    if (command->get_name() == name) return command;
  }
  return nullptr;
}

std::vector<std::string> command_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands({})) names.push_back(command->get_name());
  return names;
}

std::vector<std::string> flags_of(const CLI::App& command) {
  std::vector<std::string> flags;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) flags.push_back("--" + name);
  }
  return flags;
}

// What other tools call it.
struct OtherWord {
  std::string_view theirs;
  const char* ours;
};
constexpr OtherWord kOtherWords[] = {{"--max-concurrency", "--concurrency"},
                                     {"--num-concurrency", "--concurrency"},
                                     {"--random-input-len", "--input-tokens"},
                                     {"--input-len", "--input-tokens"},
                                     {"--synthetic-input-tokens-mean", "--input-tokens"},
                                     {"--random-output-len", "--output-tokens"},
                                     {"--output-len", "--output-tokens"},
                                     {"--output-tokens-mean", "--output-tokens"},
                                     {"--num-prompts", "--requests"},
                                     {"--num-requests", "--requests"},
                                     {"--request-count", "--requests"},
                                     {"--api-key", "--key-env"},
                                     {"--result-dir", "--out"},
                                     {"--output-dir", "--out"},
                                     {"--goodput", "--target"},
                                     {"--endpoint-type", "--api"}};

std::string what_to_say_for(const std::string& flag, const std::vector<std::string>& flags) {
  for (const auto& [theirs, ours] : kOtherWords) {
    const bool has_it = std::find(flags.begin(), flags.end(), ours) != flags.end();
    if (flag == theirs && has_it) return std::string("llmsweep says ") + ours;
  }
  constexpr std::string_view kUrls[] = {"--base-url", "--url", "--target-url", "--endpoint"};
  const bool is_run = std::find(flags.begin(), flags.end(), "--concurrency") != flags.end();
  if (is_run && std::find(std::begin(kUrls), std::end(kUrls), flag) != std::end(kUrls)) {
    return "the URL stands in the place of SPEC: llmsweep run http://localhost:8000/v1";
  }
  return suggestion(flag, flags);
}

Error usage_error(const CLI::App& app, const std::vector<std::string>& args,
                  const CLI::ParseError& error) {
  const CLI::App* command = args.empty() ? nullptr : command_named(app, args.front());
  if (!args.empty() && !args.front().starts_with('-') && command == nullptr) {
    return Error({.what = "no command '" + printable(args.front()) + "'",
                  .where = {},
                  .next = suggestion(args.front(), command_names(app))});
  }
  const std::vector<std::string> flags = flags_of(command != nullptr ? *command : app);
  for (const std::string& word : args) {
    const std::string flag = word.substr(0, word.find('='));
    if (flag.starts_with("--") && std::find(flags.begin(), flags.end(), flag) == flags.end()) {
      return Error({.what = "no option '" + printable(flag) + "'",
                    .where = {},
                    .next = what_to_say_for(flag, flags)});
    }
  }
  const std::string name = command != nullptr ? command->get_name() + " " : std::string();
  return Error({.what = printable(error.what(), 500),
                .where = {},
                .next = "see 'llmsweep " + name + "--help'"});
}

int parse_and_run(const std::vector<std::string>& args, Console& console) {
  CLI::App app("Measures LLM serving, and prints its own error next to its results.", "llmsweep");
  bool verbose = false;
  app.add_flag("--verbose", verbose, "With --version: libraries, target, features");
  app.set_version_flag("--version", [&verbose] { return version_text(verbose); });
  app.require_subcommand(0, 1);
  app.footer(kFooter);
  Command chosen;
  add_run(app, chosen);
  add_init(app, chosen);
  add_demo(app, chosen);
  add_rebuild(app, chosen);
  add_merge(app, chosen);
  add_check(app, chosen);
  add_simulate(app, chosen);
  add_selftest(app, chosen);
  add_compare(app, chosen);
  add_versus(app, chosen);
  add_gate(app, chosen);
  add_tokens(app, chosen);
  add_prompts(app, chosen);
  add_trace(app, chosen);
  add_size(app, chosen);
  add_report(app, chosen);
  add_show(app, chosen);
  add_import(app, chosen);
  add_export(app, chosen);
  add_verify(app, chosen);
  add_calibrate(app, chosen);
  add_completion(app, chosen);
  add_man(app, chosen);
  add_licenses(app, chosen);
  try {
    app.parse(std::vector<std::string>(args.rbegin(), args.rend()));
  } catch (const CLI::Success& answered) {  // --help and --version
    return app.exit(answered, console.out, console.err);
  } catch (const CLI::ParseError& error) {
    throw usage_error(app, args, error);
  }
  if (!chosen) {
    console.out << app.help();
    return args.empty() ? kExitUsage : kExitOk;
  }
  return chosen(console);
}

int run_and_explain(const std::vector<std::string>& args, Console& console) {
  std::ostream& err = console.err;
  try {
    return parse_and_run(args, console);
  } catch (const InterruptedError& error) {
    err << "llmsweep: " << error.what() << '\n';
    return kExitInterrupted;
  } catch (const MeasurementError& error) {
    err << "llmsweep: " << error.what() << '\n';
    return kExitMeasurementFailed;
  } catch (const Error& error) {
    err << "llmsweep: " << error.what() << '\n';
    return kExitUsage;
  } catch (const std::bad_alloc&) {
    err << "llmsweep: out of memory; give it more (ulimit -v, a container's limit) or ask for less "
           "at once\n";
    return kExitMeasurementFailed;
  } catch (const std::system_error& error) {
    err << "llmsweep: " << printable(error.what(), 500) << '\n';
    return kExitMeasurementFailed;
  } catch (const std::exception& error) {
    err << "llmsweep: " << printable(error.what(), 500)
        << "; this is a bug in llmsweep, please report it\n";
    return kExitMeasurementFailed;
  }
}

}  // namespace

int run_cli(const std::vector<std::string>& args, std::ostream& out, std::ostream& err) {
  prepare_process();
  Console console = console_on(out, err);
  console.args = args;
  const int code = run_and_explain(args, console);
  if (out.flush()) return code;
  err << "llmsweep: standard output: cannot write all of it; is its disk full, or has its reader "
         "gone away?\n";
  return kExitMeasurementFailed;
}

}  // namespace llmsweep
