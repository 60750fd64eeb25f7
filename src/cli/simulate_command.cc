#include "cli/commands.h"

#include <CLI/CLI.hpp>
#include <memory>
#include <ostream>

#include "cli/format_option.h"
#include "cli/interrupt_listener.h"
#include "cli/own_input.h"
#include "llmsweep/cli/cli.h"
#include "llmsweep/simulator/simulator.h"

namespace llmsweep {
namespace {

struct SimulateOptions {
  std::string profile;
  uint16_t port = 8000;
  std::string log;
  bool hash_bodies = false;
  std::string api_key;
  bool tls = false;
  std::string certificate;
  std::string format = "text";
};

int simulate_command(const SimulateOptions& options, Console& console) {
  refuse_own_inputs({options.log, options.certificate}, {options.profile});
  const InterruptListener interrupts;
  Simulator simulator(read_profile(options.profile), {.port = options.port,
                                                      .truth_log = options.log,
                                                      .hash_bodies = options.hash_bodies,
                                                      .api_key = options.api_key,
                                                      .tls = options.tls,
                                                      .certificate = options.certificate});
  const std::string url = simulator.base_url();
  const bool json = options.format == kJsonFormat;
  // At once: scripts wait for this line.
  console.out << (json ? "{\"base_url\": \"" + url + "\"}" : url) << std::endl;
  if (!console.out)
    return kExitMeasurementFailed;  // nobody knows where it listens: run_cli says so
  console.err << "SIMULATED endpoint of " << options.profile << "; Ctrl-C ends it\n";
  interrupts.wait();
  simulator.stop();
  return kExitOk;
}

}  // namespace

void add_simulate(CLI::App& app, Command& chosen) {
  auto options = std::make_shared<SimulateOptions>();
  CLI::App* command =
      app.add_subcommand("simulate", "Serve the simulated endpoint that PROFILE describes");
  command->add_option("PROFILE", options->profile, "Simulator profile, YAML")
      ->type_name("FILE")
      ->required();
  command->add_option("--port", options->port, "Port of 127.0.0.1; 0: any free one")
      ->capture_default_str();
  CLI::Option* log =
      command->add_option("--log", options->log, "Write what really happened to this JSONL file")
          ->type_name("FILE");
  command
      ->add_flag("--hash-bodies", options->hash_bodies,
                 "With the SHA-256 of each request's body in it")
      ->needs(log);
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

}  // namespace llmsweep
