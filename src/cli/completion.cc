#include "cli/completion.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "llmsweep/base/text.h"

namespace llmsweep {
namespace {

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

// 'text', as bash and zsh read it.
std::string single_quoted(const std::string& text) {
  return "'" + replaced(text, "'", R"('\'')") + "'";
}

std::string fish_quoted(const std::string& text) {
  return "'" + replaced(replaced(text, "\\", "\\\\"), "'", "\\'") + "'";
}

// What bash offers for a value: words to choose from, or @file, @folder, @none. A word that ends in
// "=" goes on.
std::string bash_values(const CommandOption& option) {
  switch (option.kind) {
    case ValueKind::kChoice:
    case ValueKind::kKey:
      return join(option.choices, " ");
    case ValueKind::kFile:
      return "@file";
    case ValueKind::kFolder:
      return "@folder";
    case ValueKind::kNone:
    case ValueKind::kText:
      return "@none";
  }
  return "@none";
}

std::string bash_command(const CommandInfo& command) {
  std::vector<std::string> flags;
  std::string values;
  for (const CommandOption& option : command.options) {
    flags.insert(flags.end(), option.names.begin(), option.names.end());
    if (option.kind == ValueKind::kNone) continue;
    values += fmt::format("        {}) values={} ;;\n", join(option.names, "|"),
                          single_quoted(bash_values(option)));
  }
  std::string text =
      fmt::format("    {})\n      flags={}\n", command.name, single_quoted(join(flags, " ")));
  if (!command.positionals.empty()) {
    text += fmt::format("      words={}\n", single_quoted(bash_values(command.positionals[0])));
  }
  if (!values.empty()) {
    text += "      case $previous in\n" + values + "      esac\n";
  }
  return text + "      ;;\n";
}

std::string zsh_text(const std::string& text) {
  std::string safe;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') safe += '\\';
    safe += c;
  }
  return safe;
}

std::string zsh_action(const CommandOption& option) {
  switch (option.kind) {
    case ValueKind::kChoice:
      return "(" + join(option.choices, " ") + ")";
    case ValueKind::kKey:  // the space in front: as it stands
      return " compadd -S '' - " + join(option.choices, " ");
    case ValueKind::kFile:
      return "_files";
    case ValueKind::kFolder:
      return "_files -/";
    case ValueKind::kNone:
    case ValueKind::kText:
      return " ";
  }
  return " ";
}

// One argument of _arguments for each way of writing the option.
void append_zsh_option(const CommandOption& option, std::string& text) {
  for (const std::string& name : option.names) {
    std::string spec = (option.repeatable ? "*" : "") + name;
    if (option.kind != ValueKind::kNone) spec += name.starts_with("--") ? "=" : "+";
    spec += "[" + zsh_text(option.help) + "]";
    if (option.kind != ValueKind::kNone) {
      spec += ":" + zsh_text(option.value) + ":" + zsh_action(option);
    }
    text += " \\\n        " + single_quoted(spec);
  }
}

std::string zsh_command(const CommandInfo& command) {
  std::string text = fmt::format("    {})\n      _arguments", command.name);
  for (const CommandOption& option : command.options) append_zsh_option(option, text);
  for (size_t i = 0; i < command.positionals.size(); ++i) {
    const CommandOption& word = command.positionals[i];
    const std::string place = word.repeatable ? "*" : fmt::format("{}", i + 1);
    text += " \\\n        " +
            single_quoted(place + ":" + zsh_text(word.names.front()) + ":" + zsh_action(word));
  }
  return text + " ;;\n";
}

std::string fish_action(const CommandOption& option) {
  switch (option.kind) {
    case ValueKind::kChoice:
    case ValueKind::kKey:  // fish adds no space behind "="
      return " -x -a " + fish_quoted(join(option.choices, " "));
    case ValueKind::kFile:
      return " -r -F";
    case ValueKind::kFolder:
      return " -x -a '(__fish_complete_directories)'";
    case ValueKind::kText:
      return " -x";
    case ValueKind::kNone:
      return "";
  }
  return "";
}

std::string fish_options(const CommandInfo& command, const std::string& condition) {
  std::string text;
  for (const CommandOption& option : command.options) {
    text += "complete -c llmsweep -n " + fish_quoted(condition);
    for (const std::string& name : option.names) {
      text += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
    }
    text += fish_action(option) + " -d " + fish_quoted(option.help) + "\n";
  }
  if (!command.positionals.empty()) {
    const CommandOption& word = command.positionals.front();
    const std::string words = word.kind == ValueKind::kChoice
                                  ? " -a " + fish_quoted(join(word.choices, " "))
                                  : std::string(" -F");
    text += "complete -c llmsweep -n " + fish_quoted(condition) + words + "\n";
  }
  return text;
}

std::vector<std::string> names_of(const std::vector<CommandInfo>& commands) {
  std::vector<std::string> names;
  for (const CommandInfo& command : commands) names.push_back(command.name);
  return names;
}

}  // namespace

std::string bash_completion(const CommandTree& tree) {
  std::vector<std::string> flags;
  for (const CommandOption& option : tree.program.options) {
    flags.insert(flags.end(), option.names.begin(), option.names.end());
  }
  std::string text = R"(# bash completion of llmsweep, made by: llmsweep completion bash

_llmsweep() {
  local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
  local flags words= values= line
  COMPREPLY=()
  # bash takes '=' for a word of its own.
  if [[ $word == '=' ]]; then
    word=
  elif [[ $previous == '=' && $COMP_CWORD -ge 2 ]]; then
    previous=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  local command=${COMP_WORDS[1]}
  ((COMP_CWORD > 1)) || command=
  case $command in
    '')
)";
  text += fmt::format("      words={}\n      flags={}\n      ;;\n",
                      single_quoted(join(names_of(tree.commands), " ")),
                      single_quoted(join(flags, " ")));
  for (const CommandInfo& command : tree.commands) text += bash_command(command);
  text += R"(    *) return ;;
  esac
  local offered=$words
  if [[ -n $values ]]; then
    offered=$values
  elif [[ $word == -* ]]; then
    offered=$flags
  fi
  case $offered in
    @none) ;;
    @file | @folder)
      local kind=-f
      [[ $offered == @file ]] || kind=-d
      compopt -o filenames 2>/dev/null
      while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen "$kind" -- "$word")
      ;;
    *)
      while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -W "$offered" -- "$word")
      [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace 2>/dev/null
      ;;
  esac
}
complete -F _llmsweep llmsweep
)";
  return text;
}

std::string zsh_completion(const CommandTree& tree) {
  std::string text = "#compdef llmsweep\n# Made by: llmsweep completion zsh\n\n_llmsweep() {\n";
  text += "  local curcontext=$curcontext state line\n  local -a commands=(\n";
  for (const CommandInfo& command : tree.commands) {
    text += "    " + single_quoted(zsh_text(command.name) + ":" + zsh_text(command.help)) + "\n";
  }
  text += "  )\n  _arguments -C";
  for (const CommandOption& option : tree.program.options) append_zsh_option(option, text);
  text += R"( \
        '1: :->command' '*:: :->argument' && return
  if [[ $state == command ]]; then
    _describe -t commands command commands
    return
  fi
  case $words[1] in
)";
  for (const CommandInfo& command : tree.commands) text += zsh_command(command);
  return text + "  esac\n}\n\n" +
         "if [[ $funcstack[1] == _llmsweep ]]; then\n  _llmsweep \"$@\"\nelse\n" +
         "  compdef _llmsweep llmsweep\nfi\n";
}

std::string fish_completion(const CommandTree& tree) {
  std::string text = "# fish completion of llmsweep, made by: llmsweep completion fish\n";
  text += "complete -c llmsweep -f\n";
  text += fish_options(tree.program, "__fish_use_subcommand");
  for (const CommandInfo& command : tree.commands) {
    text += fmt::format("complete -c llmsweep -n __fish_use_subcommand -a {} -d {}\n", command.name,
                        fish_quoted(command.help));
  }
  for (const CommandInfo& command : tree.commands) {
    text += fish_options(command, "__fish_seen_subcommand_from " + command.name);
  }
  return text;
}

}  // namespace llmsweep
