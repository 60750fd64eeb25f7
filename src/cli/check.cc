#include <fmt/format.h>

#include <ostream>

#include "cli/commands.h"
#include "cli/last_selftest.h"
#include "llmsweep/base/text.h"
#include "llmsweep/cli/cli.h"
#include "llmsweep/model/names.h"
#include "llmsweep/report/table.h"
#include "llmsweep/spec/spec.h"
#include "llmsweep/sweep/endpoint.h"
#include "llmsweep/sweep/prediction.h"
#include "llmsweep/sweep/preflight.h"

namespace llmsweep {

int check_command(const CheckOptions& options, Console& console) {
  const SweepSpec spec = load_spec(options.spec, options.sets);
  console.out << plan_text(spec);

  std::vector<std::string> notes;
  const OpenEndpoint endpoint(spec.endpoint, notes);
  const Preflight preflight = check_endpoint(spec, endpoint.connection());
  notes.insert(notes.end(), preflight.provenance.notes.begin(), preflight.provenance.notes.end());
  for (size_t i = 0; i < preflight.addresses.size(); ++i) {
    console.out << fmt::format("endpoint   {} ({}){}\n", endpoint.connection().urls[i],
                               preflight.addresses[i], endpoint.simulated() ? ", SIMULATED" : "");
  }
  console.out << fmt::format("model      {}\n", printable(preflight.model));
  if (preflight.overhead_tokens) {
    console.out << fmt::format("template   adds {} tokens to a prompt (calibrated)\n",
                               *preflight.overhead_tokens);
  } else {
    console.out << fmt::format(
        "prompts    lengths are estimates at {:.2f} bytes a token; exact with workload.tokenizer\n",
        preflight.bytes_per_token);
  }
  notes.push_back(last_selftest_says(planned_load(spec, preflight)));
  for (const std::string& line : notes) console.out << "note       " << line << '\n';
  const Duration alone = request_time_alone(spec, preflight);
  console.out << fmt::format(
      "time       at least {}: one request alone takes about {}, and latency grows with "
      "concurrency\n",
      format_duration(std::chrono::ceil<std::chrono::seconds>(shortest_run_time(spec, alone))),
      format_duration(std::chrono::round<std::chrono::milliseconds>(alone)));
  return kExitOk;
}

}  // namespace llmsweep
