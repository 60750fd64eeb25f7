#include "cli/command_tree.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <utility>

#include "llmsweep/base/text.h"
#include "llmsweep/spec/spec_file.h"

namespace llmsweep {
namespace {

// "METRIC:TIME", "TEXT:{table,json}", "INT:INT in [1 - 9]": a value's name, then what checks it.
std::string name_in(const std::string& type) {
  const size_t range = type.find(" in [");
  return type.substr(0, range == std::string::npos ? type.find(":{") : type.rfind(':', range));
}

std::vector<std::string> choices_in(const std::string& type) {
  const size_t open = type.find(":{");
  if (open == std::string::npos) return {};
  const size_t close = type.find('}', open);
  return split(type.substr(open + 2, close - open - 2), ',');
}

ValueKind kind_of(const CommandOption& option) {
  if (!option.choices.empty()) return ValueKind::kChoice;
  if (option.value == "FILE") return ValueKind::kFile;
  if (option.value == "FOLDER") return ValueKind::kFolder;
  return ValueKind::kText;
}

CommandOption option_of(const CLI::Option& option) {
  std::string help = option.get_description();
  std::replace(help.begin(), help.end(), '\n', ' ');
  CommandOption info{.names = {},
                     .help = std::move(help),
                     .value = {},
                     .choices = {},
                     .default_value = option.get_default_str(),
                     .required = option.get_required(),
                     .repeatable = option.get_expected_max() > 1};
  for (const std::string& name : option.get_snames()) info.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) info.names.push_back("--" + name);
  if (option.get_positional()) info.names = {option.get_name(true)};
  if (option.get_items_expected_max() == 0) return info;
  const std::string type = option.get_type_name();
  info.value = name_in(type);
  info.choices = choices_in(type);
  info.kind = kind_of(info);
  if (info.value != "KEY.PATH=VALUE") return info;
  info.kind = ValueKind::kKey;
  for (const std::string& path : spec_key_paths()) info.choices.push_back(path + "=");
  return info;
}

CommandInfo command_of(const CLI::App& app) {
  CommandInfo info{.name = app.get_name(),
                   .help = app.get_description(),
                   .footer = app.get_footer(),
                   .options = {},
                   .positionals = {}};
  for (const CLI::Option* option : app.get_options()) {
    (option->get_positional() ? info.positionals : info.options).push_back(option_of(*option));
  }
  return info;
}

}  // namespace

CommandTree command_tree(const CLI::App& app) {
  CommandTree tree{.program = command_of(app), .commands = {}};
  for (const CLI::App* command : app.get_subcommands({})) {
    tree.commands.push_back(command_of(*command));
  }
  return tree;
}

}  // namespace llmsweep
