#include "cli/commands.h"

#include <CLI/CLI.hpp>
#include <memory>
#include <ostream>

#include "cli/completion.h"
#include "llmsweep/cli/cli.h"

namespace llmsweep {

void add_completion(CLI::App& app, Command& chosen) {
  auto shell = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand("completion", "Print the completion script of a shell");
  command->add_option("SHELL", *shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  command->footer(
      "Examples:\n"
      "  source <(llmsweep completion bash)\n"
      "  llmsweep completion zsh > ~/.zfunc/_llmsweep\n"
      "  llmsweep completion fish > ~/.config/fish/completions/llmsweep.fish\n\n"
      "An installed llmsweep needs none of these: they come with it.\n");
  command->callback([shell, &app, &chosen] {
    chosen = [shell, &app](Console& console) {
      const CommandTree tree = command_tree(app);
      console.out << (*shell == "bash"  ? bash_completion(tree)
                      : *shell == "zsh" ? zsh_completion(tree)
                                        : fish_completion(tree));
      return kExitOk;
    };
  });
}

}  // namespace llmsweep
