#include "llmsweep/cli/cli.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <new>
#include <system_error>

#include "cli/analysis_commands.h"
#include "cli/commands.h"
#include "cli/format_option.h"
#include "cli/prepare_process.h"
#include "cli/report_commands.h"
#include "cli/shell_commands.h"
#include "cli/simulator_commands.h"
#include "llmsweep/base/error.h"
#include "llmsweep/base/interrupt.h"
#include "llmsweep/base/text.h"
#include "llmsweep/base/version.h"

namespace llmsweep {
namespace {

constexpr const char* kFooter = R"(Examples:
  llmsweep run configs/simulated/deepseek-v3.2-h200-fp8.yaml   a sweep on the embedded simulator
  llmsweep check spec.yaml                  is the spec right, does the endpoint answer
  llmsweep selftest                         which load this machine can be trusted with
  llmsweep show RESULT                      its table again
  llmsweep report RESULT...                 figures and the HTML report
  llmsweep compare BASELINE CANDIDATE       what differs, and by how much
  llmsweep gate RESULT --require 'e2e:p50@c8 <= 15s'           for CI
  llmsweep COMMAND --help                   the options of a command, with examples

Exit codes: 0 ok; 1 the measurement failed; 2 usage, spec or input file; 10 gate FAIL;
11 gate INCONCLUSIVE; 12 gate INVALID; 130 interrupted.
)";

Console console_on(std::ostream& out, std::ostream& err) {
  // Only the process's own streams have a terminal behind them; a test's string streams do not.
  const GetEnv get_env = [](const char* name) { return std::getenv(name); };
  Console console{.out = out, .err = err, .out_style = {}, .err_terminal = {}};
  if (&out == &std::cout) console.out_style = detect_terminal(STDOUT_FILENO, get_env).style;
  if (&err == &std::cerr) console.err_terminal = detect_terminal(STDERR_FILENO, get_env);
  return console;
}

void add_run(CLI::App& app, Command& chosen) {
  auto options = std::make_shared<RunOptions>();
  CLI::App* command = app.add_subcommand("run", "Measure: run the sweep that SPEC describes");
  command->add_option("SPEC", options->spec, "Run spec, YAML or JSON")
      ->type_name("FILE")
      ->required();
  command->add_option("--out", options->out, "Folder for results")
      ->type_name("FOLDER")
      ->capture_default_str();
  command->add_option("--set", options->sets, "Override a key: load.repeats=1 (repeatable)")
      ->type_name("KEY.PATH=VALUE")
      ->allow_extra_args(false);
  CLI::Option* gate = command
                          ->add_option("--gate", options->gate,
                                       "Rules in YAML to decide on the result; repeats up to\n"
                                       "load.repeats_max are added while one is inconclusive")
                          ->type_name("FILE");
  command->add_option("--baseline", options->baseline, "What the policy's no_worse compares with")
      ->type_name("FILE")
      ->needs(gate);
  command->add_option("--json", options->json, "Write the verdict as JSON")
      ->type_name("FILE")
      ->needs(gate);
  command->add_option("--junit", options->junit, "Write the verdict as JUnit XML")
      ->type_name("FILE")
      ->needs(gate);
  command
      ->add_option("--resume", options->resume,
                   "Go on with the sweep in this folder: runs that ended are kept")
      ->type_name("FOLDER");
  command->add_flag("--dry-run", options->dry_run, "Show what would be run, send nothing");
  command->add_flag("--record-chunks", options->record_chunks,
                    "Keep the instant of every chunk in chunks.bin");
  command->add_flag("--quiet", options->quiet, "No progress");
  add_format(*command, options->format);
  command->footer(
      "Examples:\n"
      "  llmsweep run spec.yaml\n"
      "  llmsweep run spec.yaml --set load.concurrency=[1,8] --set load.repeats=5 --out /data\n"
      "  llmsweep run spec.yaml --set load.repeats_max=8 --gate policy.yaml --junit gate.xml\n"
      "  llmsweep run spec.yaml --resume results/my-server\n\n"
      "Leaves OUT/NAME/: result.json, requests.jsonl, sweep.jsonl, report.html, figure.svg.\n"
      "Ctrl-C once lets requests in flight end and writes what was measured; twice stops at\n"
      "once. SIGTERM and SIGHUP leave them 8 s. --resume goes on after that, or after a kill,\n"
      "and starts the run that was cut short again.\n"
      "With --gate the exit code is the verdict's, as of 'llmsweep gate'.\n");
  command->callback([options, &chosen] {
    chosen = [options](Console& console) { return run_command(*options, console); };
  });
}

void add_rebuild(CLI::App& app, Command& chosen) {
  auto options = std::make_shared<RebuildOptions>();
  CLI::App* command = app.add_subcommand(
      "rebuild", "Make result.json, report.html and figure.svg anew from requests.jsonl");
  command->add_option("FOLDER", options->folder, "Folder that a run left")
      ->type_name("FOLDER")
      ->required();
  add_format(*command, options->format);
  command->footer("Example:\n  llmsweep rebuild results/my-server\n");
  command->callback([options, &chosen] {
    chosen = [options](Console& console) { return rebuild_command(*options, console); };
  });
}

void add_check(CLI::App& app, Command& chosen) {
  auto options = std::make_shared<CheckOptions>();
  CLI::App* command = app.add_subcommand(
      "check", "Validate SPEC, probe its endpoint, predict how long a run takes");
  command->add_option("SPEC", options->spec, "Run spec, YAML or JSON")
      ->type_name("FILE")
      ->required();
  command->add_option("--set", options->sets, "Override a key (repeatable)")
      ->type_name("KEY.PATH=VALUE")
      ->allow_extra_args(false);
  add_format(*command, options->format);
  command->footer("Example:\n  llmsweep check spec.yaml --set endpoint.url=http://10.0.0.5/v1\n");
  command->callback([options, &chosen] {
    chosen = [options](Console& console) { return check_command(*options, console); };
  });
}

void add_simulate(CLI::App& app, Command& chosen) {
  auto options = std::make_shared<SimulateOptions>();
  CLI::App* command =
      app.add_subcommand("simulate", "Serve the simulated endpoint that PROFILE describes");
  command->add_option("PROFILE", options->profile, "Simulator profile, YAML")
      ->type_name("FILE")
      ->required();
  command->add_option("--port", options->port, "Port of 127.0.0.1; 0: any free one")
      ->capture_default_str();
  command->add_option("--log", options->log, "Write what really happened to this JSONL file")
      ->type_name("FILE");
  command->add_option("--api-key", options->api_key, "Ask for this key");
  command->add_flag("--tls", options->tls, "Serve HTTPS with a throw-away certificate");
  command
      ->add_option("--certificate", options->certificate,
                   "Write that certificate (PEM) here, for the client's endpoint.ca_file")
      ->type_name("FILE");
  add_format(*command, options->format);
  command->footer(
      "Example:\n"
      "  llmsweep simulate configs/simulators/gb200-nvfp4.yaml --port 8000\n"
      "  curl http://127.0.0.1:8000/v1/models\n");
  command->callback([options, &chosen] {
    chosen = [options](Console& console) { return simulate_command(*options, console); };
  });
}

void add_selftest(CLI::App& app, Command& chosen) {
  auto options = std::make_shared<SelftestCommandOptions>();
  CLI::App* command = app.add_subcommand(
      "selftest", "Measure this machine's own error and ceiling against the simulated endpoint");
  command
      ->add_option("--streams", options->streams, "Streams at once, instead of a ladder of loads")
      ->check(CLI::Range(1, 20'000));
  command->add_option("--rate", options->rate, "Chunks a second of each stream")
      ->check(CLI::Range(1.0, 10'000.0));
  command->add_flag("--tls", options->tls, "Over HTTPS");
  command->add_flag("--in-step", options->in_step,
                    "All streams gain their tokens at once, the hardest pattern");
  command->add_option("--format", options->format, "table or json")
      ->check(CLI::IsMember({"table", "json"}))
      ->capture_default_str();
  command->footer(
      "Examples:\n"
      "  llmsweep selftest                              a ladder of loads, about 25 s\n"
      "  llmsweep selftest --streams 512 --rate 100     one load\n\n"
      "The endpoint runs in a process of its own, on a core of its own where there are two, and\n"
      "logs when it sent every chunk. The verdict is kept for `run` and `check`, which hold their\n"
      "planned load against it ($XDG_STATE_HOME/llmsweep/selftest.json). Exit codes: 0 a load can\n"
      "be trusted; 1 none can, or the test could not be made; 2 usage; 130 interrupted.\n");
  command->callback([options, &chosen] {
    chosen = [options](Console& console) { return selftest_command(*options, console); };
  });
}

void add_tokens(CLI::App& app, Command& chosen) {
  auto options = std::make_shared<TokensOptions>();
  CLI::App* command = app.add_subcommand("tokens", "Count the tokens of texts, as the server does");
  command
      ->add_option("--tokenizer", options->tokenizer,
                   "tokenizer.json, FILE.tiktoken#PATTERN, or a folder that holds one")
      ->type_name("FILE")
      ->required();
  command->add_option("FILE", options->files, "Files to count; - is the standard input")
      ->type_name("FILE");
  command->add_option("--text", options->texts, "A text to count (repeatable)")
      ->allow_extra_args(false);
  command
      ->add_option("--jsonl", options->jsonl,
                   "Read {\"text\": …} lines, write {\"ids\": […]} lines")
      ->type_name("FILE");
  command->add_flag("--plain", options->plain,
                    "Take added tokens such as <|im_end|> for plain text");
  command->add_flag("--ids", options->ids, "Print the ids too");
  add_format(*command, options->format);
  command->footer(
      "Examples:\n"
      "  llmsweep tokens --tokenizer tokenizer.json --text 'Hello, world' --ids\n"
      "  llmsweep tokens --tokenizer o200k_base.tiktoken README.md docs/*.md\n"
      "  llmsweep tokens --tokenizer ranks.tiktoken#kimi_k2 --jsonl texts.jsonl > ids.jsonl\n");
  command->callback([options, &chosen] {
    chosen = [options](Console& console) { return tokens_command(*options, console); };
  });
}

void add_prompts(CLI::App& app, Command& chosen) {
  auto options = std::make_shared<PromptsOptions>();
  CLI::App* command =
      app.add_subcommand("prompts", "Write the prompts that SPEC would send, as JSON lines");
  command->add_option("SPEC", options->spec, "Run spec, YAML or JSON")
      ->type_name("FILE")
      ->required();
  command->add_option("--set", options->sets, "Override a key (repeatable)")
      ->type_name("KEY.PATH=VALUE")
      ->allow_extra_args(false);
  command->add_option("--count", options->count, "How many")->capture_default_str();
  command
      ->add_option("--overhead", options->overhead,
                   "Tokens of the chat template, which a run calibrates")
      ->capture_default_str();
  command->footer(
      "Example:\n  llmsweep prompts spec.yaml --count 3 --overhead 3 > prompts.jsonl\n");
  command->callback([options, &chosen] {
    chosen = [options](Console& console) { return prompts_command(*options, console); };
  });
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
                    .next = suggestion(flag, flags)});
    }
  }
  const std::string name = command != nullptr ? command->get_name() + " " : std::string();
  return Error({.what = printable(error.what(), 500),
                .where = {},
                .next = "see 'llmsweep " + name + "--help'"});
}

int parse_and_run(const std::vector<std::string>& args, Console& console) {
  CLI::App app("Measures LLM serving, and prints its own error next to its results.", "llmsweep");
  app.set_version_flag("--version", std::string("llmsweep ") + version());
  app.require_subcommand(0, 1);
  app.footer(kFooter);
  Command chosen;
  add_run(app, chosen);
  add_rebuild(app, chosen);
  add_check(app, chosen);
  add_simulate(app, chosen);
  add_selftest(app, chosen);
  add_compare(app, chosen);
  add_gate(app, chosen);
  add_tokens(app, chosen);
  add_prompts(app, chosen);
  add_report(app, chosen);
  add_show(app, chosen);
  add_import(app, chosen);
  add_export(app, chosen);
  add_verify(app, chosen);
  add_calibrate(app, chosen);
  add_completion(app, chosen);
  add_man(app, chosen);
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
  const int code = run_and_explain(args, console);
  if (out.flush()) return code;
  err << "llmsweep: standard output: cannot write all of it; is its disk full, or has its reader "
         "gone away?\n";
  return kExitMeasurementFailed;
}

}  // namespace llmsweep
