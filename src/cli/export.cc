#include "llmsweep/results/export.h"

#include <ostream>

#include "cli/commands.h"
#include "cli/own_input.h"
#include "cli/read_results.h"
#include "cli/sharing.h"
#include "llmsweep/base/files.h"
#include "llmsweep/cli/cli.h"
#include "llmsweep/report/markdown.h"

namespace llmsweep {

int export_command(const ExportCommandOptions& options, Console& console) {
  refuse_own_inputs({options.out}, {options.result});
  SweepResult result = read_result_argument(options.result);
  if (options.share) result = sharing_of(result).result();
  std::string text;
  if (options.as == "csv") {
    text = levels_csv({&result, 1});
  } else if (options.as == "vllm-json") {
    text = export_vllm_json(result);
  } else {
    text = export_llm_d_report(result);
  }
  if (options.out.empty() || options.out == "-") {
    console.out << text;
  } else {
    write_file_atomically(options.out, text);
  }
  return kExitOk;
}

}  // namespace llmsweep
