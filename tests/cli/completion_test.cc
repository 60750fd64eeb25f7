// Completion scripts in the shells that they are for, and the manual page. A shell that is not
// installed is skipped.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "cli/process.h"
#include "cli/terminal.h"
#include "llmsweep/base/files.h"
#include "llmsweep/base/text.h"

namespace llmsweep {
namespace {
namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr std::array kCommands = {"run",    "check",   "simulate",  "compare",  "gate",
                                  "tokens", "prompts", "report",    "show",     "import",
                                  "export", "verify",  "calibrate", "selftest", "rebuild"};

std::string installed(const std::string& shell) {
  for (const char* folder : {"/usr/bin/", "/bin/", "/usr/local/bin/"}) {
    if (fs::exists(folder + shell)) return folder + shell;
  }
  return {};
}

// Writes the script beside a file that can be completed; its path.
fs::path script_for(const std::string& shell, const fs::path& folder) {
  const ProcessResult script = run_llmsweep({"completion", shell});
  EXPECT_EQ(script.exit_code, 0) << script.err;
  write_file_atomically(folder / "measured.json", "{}");
  fs::create_directories(folder / "measurements");
  write_file_atomically(folder / "script", script.out);
  return folder / "script";
}

// An interactive shell in which `llmsweep` shows the words that it was given.
class Shell {
 public:
  Shell(const std::vector<std::string>& words, const fs::path& folder, const std::string& setup)
      : terminal_(words, 200,
                  {"TERM=xterm", "LANG=C.UTF-8", "PATH=/usr/bin:/bin", "HOME=" + folder.string()}) {
    enter("cd " + folder.string() + " && " + setup + " && llmsweep() { echo \"<$*>\"; }");
  }
  // Types `keys` (\t completes) and Enter; the words of the command that was run.
  std::string enter(const std::string& keys) {
    const size_t before = terminal_.bytes().size();
    terminal_.type(keys + "\r");
    const std::string mark = "ready" + std::to_string(++entered_) + ".";
    terminal_.type("echo ready''" + std::to_string(entered_) + ".\r");
    EXPECT_TRUE(terminal_.read_until([&](const std::string& bytes) {
      return bytes.find(mark, before) != std::string::npos;
    })) << terminal_.bytes().substr(before);
    const std::string output = terminal_.bytes().substr(before);
    const size_t open = output.find('<');
    if (open == std::string::npos) return "nothing in: " + output;
    return output.substr(open + 1, output.find('>', open) - open - 1);
  }

 private:
  TerminalProcess terminal_;
  int entered_ = 0;
};

void expect_completes(Shell& shell) {
  EXPECT_EQ(shell.enter("llmsweep sho\t"), "show");
  EXPECT_EQ(shell.enter("llmsweep run --dry\t"), "run --dry-run");
  EXPECT_EQ(shell.enter("llmsweep show measured\t"), "show measured.json");
  EXPECT_EQ(shell.enter("llmsweep show --format mark\t"), "show --format markdown");
  EXPECT_EQ(shell.enter("llmsweep show --format=mark\t"), "show --format=markdown");
  // zsh takes the slash away again when the word ends there.
  EXPECT_THAT(shell.enter("llmsweep run --out measurem\t"), StartsWith("run --out measurements"));
  EXPECT_EQ(shell.enter("llmsweep export --as llm\t"), "export --as llm-d-report");
  EXPECT_EQ(shell.enter("llmsweep completion fi\t"), "completion fish");
  // A key of the spec, behind which the value goes on.
  EXPECT_EQ(shell.enter("llmsweep run --set load.repeats_m\t4"), "run --set load.repeats_max=4");
}

TEST(Completion, WorksInBash) {
  const std::string bash = installed("bash");
  if (bash.empty()) GTEST_SKIP() << "no bash";
  const fs::path folder = test_folder();
  const fs::path script = script_for("bash", folder);
  Shell shell({bash, "--norc", "--noprofile", "-i"}, folder, "source " + script.string());
  expect_completes(shell);
}

TEST(Completion, WorksInZsh) {
  const std::string zsh = installed("zsh");
  if (zsh.empty()) GTEST_SKIP() << "no zsh";
  const fs::path folder = test_folder();
  const fs::path script = script_for("zsh", folder);
  Shell shell({zsh, "-f", "-i"}, folder,
              "autoload -Uz compinit && compinit -u -D && source " + script.string());
  expect_completes(shell);
}

// Installed, the script is a function that zsh loads by its file's name.
TEST(Completion, IsFoundByZshOnItsPath) {
  const std::string zsh = installed("zsh");
  if (zsh.empty()) GTEST_SKIP() << "no zsh";
  const fs::path folder = test_folder();
  const fs::path script = script_for("zsh", folder);
  fs::create_directories(folder / "functions");
  fs::rename(script, folder / "functions" / "_llmsweep");
  Shell shell({zsh, "-f", "-i"}, folder,
              "fpath=(" + (folder / "functions").string() +
                  " $fpath) && autoload -Uz compinit && compinit -u -D");
  EXPECT_EQ(shell.enter("llmsweep sho\t"), "show");
  EXPECT_EQ(shell.enter("llmsweep show --format mark\t"), "show --format markdown");
}

TEST(Completion, WorksInFish) {
  const std::string fish = installed("fish");
  if (fish.empty()) GTEST_SKIP() << "no fish";
  const fs::path folder = test_folder();
  const fs::path script = script_for("fish", folder);
  const auto offered = [&](const std::string& line) {
    const ProcessResult result = Process({fish, "--no-config", "-c",
                                          "cd " + folder.string() + "; source " + script.string() +
                                              "; complete -C '" + line + "'"},
                                         folder, {"HOME=" + folder.string()})
                                     .wait();
    EXPECT_EQ(result.err, "");
    return result.out;
  };
  EXPECT_THAT(offered("llmsweep sho"), HasSubstr("show\tPrint a result"));
  EXPECT_THAT(offered("llmsweep run --dry"), HasSubstr("--dry-run\t"));
  EXPECT_THAT(offered("llmsweep show measured"), HasSubstr("measured.json"));
  EXPECT_THAT(offered("llmsweep show --format mark"), StartsWith("markdown\t"));
  EXPECT_THAT(offered("llmsweep run --out measurem"), HasSubstr("measurements/"));
  EXPECT_EQ(offered("llmsweep completion fi"), "fish\n");
  EXPECT_THAT(offered("llmsweep run --set load.budget.to"), StartsWith("load.budget.tokens=\t"));
  EXPECT_THAT(offered("llmsweep show --"), Not(HasSubstr("--dry-run")));
}

TEST(Completion, OffersEveryOptionOfEveryCommand) {
  const std::string script = run_llmsweep({"completion", "bash"}).out;
  for (const char* command : kCommands) {
    EXPECT_THAT(script, HasSubstr("\n    " + std::string(command) + ")\n"));
    const std::string help = run_llmsweep({command, "--help"}).out;
    for (size_t at = help.find(" --"); at != std::string::npos; at = help.find(" --", at + 1)) {
      if (at > 0 && help[at - 1] != ' ' && help[at - 1] != ',') continue;  // of an example
      const std::string flag = help.substr(at + 1, help.find_first_of(" \n,", at + 1) - at - 1);
      EXPECT_THAT(script, HasSubstr(flag)) << command;
    }
  }
  EXPECT_EQ(run_llmsweep({"completion", "tcsh"}).exit_code, 2);
}

TEST(ManPage, HasEveryCommandWithItsOptionsAndIsGoodRoff) {
  const ProcessResult page = run_llmsweep({"man"});
  EXPECT_EQ(page.exit_code, 0);
  EXPECT_THAT(page.out, HasSubstr(".TH LLMSWEEP 1"));
  for (const char* command : kCommands) {
    EXPECT_THAT(page.out, HasSubstr(".SS " + std::string(command) + "\n"));
  }
  EXPECT_THAT(page.out, HasSubstr("\\fB\\-\\-dry\\-run\\fR"));
  const std::string groff = installed("groff");
  if (groff.empty()) GTEST_SKIP() << "no groff";
  const fs::path folder = test_folder();
  write_file_atomically(folder / "llmsweep.1", page.out);
  const ProcessResult shown =
      Process({groff, "-man", "-ww", "-Kutf8", "-Tutf8", (folder / "llmsweep.1").string()}, folder)
          .wait();
  EXPECT_EQ(shown.err, "");
  EXPECT_THAT(shown.out, HasSubstr("Run spec, YAML or JSON"));
}

}  // namespace
}  // namespace llmsweep
