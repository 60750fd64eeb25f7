#include "cli/commands.h"

#include <CLI/CLI.hpp>
#include <memory>
#include <ostream>

#include "cli/format_option.h"
#include "llmsweep/base/error.h"
#include "llmsweep/base/text.h"
#include "llmsweep/cli/cli.h"
#include "llmsweep/model/names.h"
#include "llmsweep/trace/describe_trace.h"

namespace llmsweep {
namespace {

struct TraceCommandOptions {
  std::string file;
  std::string trace_format;
  std::string columns;
  std::string unit = "1s";
  std::string format = "text";
};

// "at=when,input=prompt,output=answer".
std::map<std::string, std::string> read_columns(const std::string& text) {
  std::map<std::string, std::string> columns;
  for (const std::string& part : split(text, ',')) {
    const size_t equals = part.find('=');
    const std::string what = part.substr(0, equals);
    const bool known = what == "at" || what == "input" || what == "output" || what == "session";
    if (equals == std::string::npos || equals + 1 == part.size() || !known) {
      throw Error{{.what = "'" + printable(part, 60) + "' names no column",
                   .where = "--columns",
                   .next = "as in at=TIME,input=PROMPT,output=ANSWER, and session=ID"}};
    }
    columns[what] = part.substr(equals + 1);
  }
  for (const char* needed : {"at", "input", "output"}) {
    if (!columns.contains(needed)) {
      throw Error{{.what = std::string("no column is named for ") + needed,
                   .where = "--columns",
                   .next = "as in at=TIME,input=PROMPT,output=ANSWER"}};
    }
  }
  return columns;
}

TraceOptions options_of(const TraceCommandOptions& options) {
  TraceOptions read;
  read.format = from_name<TraceFormat>(options.trace_format);
  if (!options.columns.empty()) {
    read.columns = read_columns(options.columns);
    read.format = TraceFormat::kCsv;
  } else if (read.format == TraceFormat::kCsv) {
    throw Error{{.what = "a table's columns are not named",
                 .where = "--columns",
                 .next = "as in --columns at=TIME,input=PROMPT,output=ANSWER"}};
  }
  const std::optional<Duration> unit = parse_duration(options.unit);
  if (!unit || *unit <= Duration(0)) {
    throw Error{{.what = "'" + printable(options.unit, 40) + "' is no length of time",
                 .where = "--unit",
                 .next = "as in 1s or 1ms"}};
  }
  read.unit = *unit;
  return read;
}

int run_trace(const TraceCommandOptions& options, Console& console) {
  const Trace trace = read_trace(options.file, options_of(options));
  const TraceSummary summary = summarise_trace(trace);
  console.out << (options.format == kJsonFormat ? trace_json(trace, summary)
                                                : trace_text(trace, summary, options.file));
  return kExitOk;
}

}  // namespace

void add_trace(CLI::App& app, Command& chosen) {
  auto options = std::make_shared<TraceCommandOptions>();
  CLI::App* command = app.add_subcommand(
      "trace", "Say what recorded traffic is like: rate, burstiness, lengths, shared prefixes");
  command
      ->add_option("FILE", options->file, "A trace, which may be compressed by gzip or Zstandard")
      ->type_name("FILE")
      ->required();
  command
      ->add_option("--as", options->trace_format, "Whose format it is; else its first line says so")
      ->check(CLI::IsMember(all_names<TraceFormat>()))
      ->type_name("FORMAT");
  command
      ->add_option("--columns", options->columns,
                   "Of a table: at=NAME,input=NAME,output=NAME and maybe session=NAME")
      ->type_name("NAMES");
  command->add_option("--unit", options->unit, "Of such a table's instants, unless they are dates")
      ->type_name("TIME")
      ->capture_default_str();
  add_format(*command, options->format);
  command->footer(
      "Examples:\n"
      "  llmsweep trace conversation_trace.jsonl\n"
      "  llmsweep trace AzureLLMInferenceTrace_code.csv --format json\n"
      "  llmsweep trace log.csv --columns at=ms,input=prompt,output=answer --unit 1ms");
  command->callback([options, &chosen] {
    chosen = [options](Console& console) { return run_trace(*options, console); };
  });
}

}  // namespace llmsweep
