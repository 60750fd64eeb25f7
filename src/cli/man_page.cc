#include "cli/man_page.h"

#include <fmt/format.h>

#include "llmsweep/base/text.h"
#include "llmsweep/base/version.h"

namespace llmsweep {
namespace {

constexpr size_t kChoicesShown = 40;

// Text that roff takes literally: hyphens stay hyphens, no line is a request.
std::string roff(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    if ((c == '.' || c == '\'') && (safe.empty() || safe.back() == '\n')) safe += "\\&";
    if (c == '-') {
      safe += "\\-";
    } else if (c == '\\') {
      safe += "\\e";
    } else {
      safe += c;
    }
  }
  return safe;
}

std::string bold(std::string_view text) {
  return "\\fB" + roff(text) + "\\fR";
}
std::string italic(std::string_view text) {
  return "\\fI" + roff(text) + "\\fR";
}

std::string value_of(const CommandOption& option) {
  if (option.kind == ValueKind::kNone) return {};
  const bool few = join(option.choices, "|").size() <= kChoicesShown;  // else the help names them
  if (option.kind != ValueKind::kChoice || !few) return " " + italic(option.value);
  std::vector<std::string> choices;
  for (const std::string& choice : option.choices) choices.push_back(bold(choice));
  return " " + join(choices, "|");
}

std::string option_entry(const CommandOption& option) {
  std::vector<std::string> names;
  for (const std::string& name : option.names) names.push_back(bold(name) + value_of(option));
  std::string text = ".TP\n" + join(names, ", ") + "\n" + roff(option.help);
  if (!option.default_value.empty()) text += " (default: " + roff(option.default_value) + ")";
  return text + "\n";
}

std::string synopsis(const CommandInfo& command) {
  std::string line = bold("llmsweep " + command.name);
  for (const CommandOption& word : command.positionals) {
    std::string name = italic(word.names.front()) + (word.repeatable ? "..." : "");
    line += word.required ? " " + name : " [" + name + "]";
  }
  for (const CommandOption& option : command.options) {
    if (option.required) line += " " + bold(option.names.front()) + value_of(option);
  }
  return line + " [" + italic("OPTION") + "]...";
}

// Indented lines as they are, others as a paragraph; "Examples:" as a heading.
std::string footer(const std::string& text) {
  std::string out;
  bool literal = false;
  for (const std::string& line : split(text, '\n')) {
    const bool indented = line.starts_with("  ");
    if (literal && !indented) out += ".fi\n.RE\n";
    if (!literal && indented) out += ".RS 4\n.nf\n";
    literal = indented;
    if (line.empty()) {
      out += ".PP\n";
    } else {
      out += (line.ends_with(":") ? ".PP\n" : "") + roff(trim(line)) + "\n";
    }
  }
  return literal ? out + ".fi\n.RE\n" : out;
}

std::string command_section(const CommandInfo& command) {
  std::string text = fmt::format(".SS {}\n{}\n.PP\n{}.\n", roff(command.name), synopsis(command),
                                 roff(command.help));
  for (const CommandOption& word : command.positionals) {
    text += ".TP\n" + italic(word.names.front()) + "\n" + roff(word.help) + "\n";
  }
  for (const CommandOption& option : command.options) {
    if (option.names.back() != "--help") text += option_entry(option);
  }
  std::string end = footer(command.footer);
  while (end.ends_with(".PP\n")) end.resize(end.size() - 4);
  return text + end;
}

}  // namespace

std::string man_page(const CommandTree& tree) {
  std::string text = fmt::format(
      ".TH LLMSWEEP 1 \"\" \"llmsweep {}\" \"User Commands\"\n"
      ".SH NAME\nllmsweep \\- measure LLM serving, with the error of the measurement\n"
      ".SH SYNOPSIS\n{} {} [{}]...\n.SH DESCRIPTION\n{}\n",
      roff(version()), bold("llmsweep"), italic("COMMAND"), italic("ARGUMENT"),
      roff(tree.program.help));
  for (const CommandOption& option : tree.program.options) text += option_entry(option);
  text += ".SH COMMANDS\n";
  for (const CommandInfo& command : tree.commands) text += command_section(command);
  text += ".SH EXIT STATUS\n";
  for (const auto& [code, meaning] :
       {std::pair("0", "success; of gate: PASS"), std::pair("1", "the measurement failed"),
        std::pair("2", "wrong usage, spec or input file"), std::pair("10", "gate: FAIL"),
        std::pair("11", "gate: INCONCLUSIVE"), std::pair("12", "gate: INVALID"),
        std::pair("13", "load.budget is spent; what was measured is written, a resume goes on"),
        std::pair("130", "interrupted; what was measured is written")}) {
    text += fmt::format(".TP\n{}\n{}\n", bold(code), roff(meaning));
  }
  text += ".SH ENVIRONMENT\n.TP\n" + bold("NO_COLOR") + "\nif set, no colour is used\n.TP\n" +
          bold("TERM") + "\nif dumb, progress is plain lines\n.TP\n" + bold("GITHUB_ACTIONS") +
          ", " + bold("GITHUB_STEP_SUMMARY") + "\nwhere gate writes annotations and its summary\n";
  return text;
}

}  // namespace llmsweep
