// The commands: one options struct and one function each, one file each (run.cc, check.cc, …).
//
// cli.cc turns words into these structs. A function returns the process's exit code and throws
// Error for what the user can mend.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/console.h"

namespace llmsweep {

struct RunOptions {
  std::string spec;
  std::string out = "results";
  std::string resume;  // the folder of a sweep to go on with; empty: a new one
  std::vector<std::string> sets;
  std::string gate;      // a policy; empty: no verdict
  std::string baseline;  // what its no_worse rules compare with
  std::string json;      // of the verdict, as in GateCommandOptions
  std::string junit;
  bool dry_run = false;
  bool record_chunks = false;  // client.record_chunks
  bool quiet = false;
  std::string format = "table";
};
int run_command(const RunOptions& options, Console& console);

struct RebuildOptions {
  std::string folder;
  std::string format = "table";
};
int rebuild_command(const RebuildOptions& options, Console& console);

struct CheckOptions {
  std::string spec;
  std::vector<std::string> sets;
  std::string format = "text";
};
int check_command(const CheckOptions& options, Console& console);

struct SimulateOptions {
  std::string profile;
  uint16_t port = 8000;
  std::string log;
  std::string api_key;
  bool tls = false;
  std::string certificate;
  std::string format = "text";
};
int simulate_command(const SimulateOptions& options, Console& console);

// Of the load to test where only one half of it is given.
constexpr int kDefaultStreams = 64;
constexpr double kDefaultRate = 100;

struct SelftestCommandOptions {
  int streams = 0;  // 0 both: a ladder of loads
  double rate = 0;  // chunks a second of each stream
  bool tls = false;
  bool in_step = false;
  std::string format = "table";  // table, json
};
int selftest_command(const SelftestCommandOptions& options, Console& console);

struct CompareCommandOptions {
  std::string baseline;
  std::vector<std::string> candidates;
  std::vector<std::string> targets;
  std::vector<std::string> allow_different;
  std::string format = "table";  // table, markdown, json, csv
  std::string figure;            // path of an SVG; empty: none
  double min_effect_percent = 3;
};
int compare_command(const CompareCommandOptions& options, Console& console);

struct GateCommandOptions {
  std::string result;
  std::string baseline;
  std::string policy;
  std::vector<std::string> require;
  std::vector<std::string> no_worse;
  std::vector<std::string> allow_different;
  std::string inconclusive_is;  // pass, fail; empty: the policy's
  std::string json;
  std::string junit;
  std::string format = "text";
};
int gate_command(const GateCommandOptions& options, Console& console);

struct TokensOptions {
  std::string tokenizer;
  std::vector<std::string> files;  // "-": the standard input
  std::vector<std::string> texts;
  std::string jsonl;
  bool plain = false;
  bool ids = false;
  std::string format = "text";
};
int tokens_command(const TokensOptions& options, Console& console);

struct PromptsOptions {
  std::string spec;
  std::vector<std::string> sets;
  int64_t count = 10;
  int64_t overhead = 0;
};
int prompts_command(const PromptsOptions& options, Console& console);

struct ImportCommandOptions {
  std::vector<std::string> paths;
  std::string out;      // result file to write
  std::string system;   // a spec whose `system` part is taken; empty: none
  std::string quality;  // a results file of lm-evaluation-harness; empty: none
  std::string name;
  std::string accelerator;
  std::string precision;
  int gpus = 0;         // 0: as the files say
  int concurrency = 0;  // 0: as the files say
  std::string format = "table";
};
int import_command(const ImportCommandOptions& options, Console& console);

struct ExportCommandOptions {
  std::string result;
  std::string as;   // vllm-json, csv, llm-d-report
  std::string out;  // empty: stdout
  bool share = false;
};
int export_command(const ExportCommandOptions& options, Console& console);

}  // namespace llmsweep
