// The command line as data: what the parser accepts, read from its definition, so that completions
// and the manual cannot say anything else.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace llmsweep {

// kNone: a flag. kKey: one of `choices`, after which a value follows.
enum class ValueKind { kNone, kText, kFile, kFolder, kChoice, kKey };

struct CommandOption {
  std::vector<std::string> names;  // "--out", "-o"; of a positional: "SPEC"
  std::string help;
  ValueKind kind = ValueKind::kNone;
  std::string value;                 // how the value is called: "FILE", "KEY.PATH=VALUE"
  std::vector<std::string> choices;  // of kChoice; of kKey: "load.repeats="
  std::string default_value;
  bool required = false;
  bool repeatable = false;
};

struct CommandInfo {
  std::string name;
  std::string help;
  std::string footer;
  std::vector<CommandOption> options;
  std::vector<CommandOption> positionals;
};

struct CommandTree {
  CommandInfo program;
  std::vector<CommandInfo> commands;
};

CommandTree command_tree(const CLI::App& app);

}  // namespace llmsweep
