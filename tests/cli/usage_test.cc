// What a user sees who types something wrong: one clear error, the right exit code.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "cli/process.h"
#include "llmsweep/base/files.h"
#include "llmsweep/base/text.h"

namespace llmsweep {
namespace {
using ::testing::HasSubstr;

TEST(Usage, HelpNamesEveryCommandAndExitCode) {
  const ProcessResult help = run_llmsweep({"--help"});
  EXPECT_EQ(help.exit_code, 0);
  for (const char* text : {"run",      "init",       "demo",   "check",     "simulate",
                           "compare",  "gate",       "tokens", "prompts",   "report",
                           "show",     "import",     "export", "verify",    "calibrate",
                           "selftest", "completion", "man",    "licenses",  "versus",
                           "trace",    "size",       "merge",  "Examples:", "130 interrupted"}) {
    EXPECT_THAT(help.out, HasSubstr(text));
  }
  EXPECT_THAT(run_llmsweep({"--version"}).out, HasSubstr("llmsweep 0."));
}

// What no quotes protect.
std::string outside_quotes(const std::string& line) {
  std::string text;
  bool quoted = false;
  for (const char c : line) {
    if (c == '\'') quoted = !quoted;
    if (!quoted) text += c;
  }
  return text;
}

TEST(Usage, EveryCommandHasHelpWithAnExampleThatEveryShellTakes) {
  for (const char* command : {"run", "check", "simulate", "compare", "versus", "gate", "tokens",
                              "prompts", "report", "show", "import", "export", "verify",
                              "calibrate", "trace", "size", "completion", "man", "merge"}) {
    const ProcessResult help = run_llmsweep({command, "--help"});
    EXPECT_EQ(help.exit_code, 0) << command;
    EXPECT_THAT(help.out, HasSubstr("Example")) << command;
    // zsh refuses a pattern that no file matches; all make lists of braces.
    for (const std::string& line : split(help.out, '\n')) {
      if (!line.starts_with("  llmsweep ")) continue;
      EXPECT_EQ(outside_quotes(line).find_first_of("[]{}"), std::string::npos) << line;
    }
  }
}

TEST(Usage, VersionSaysWhatItIsMadeOf) {
  const ProcessResult plain = run_llmsweep({"--version"});
  EXPECT_EQ(std::count(plain.out.begin(), plain.out.end(), '\n'), 1);
  for (const std::vector<std::string>& args :
       {std::vector<std::string>{"--version", "--verbose"}, {"--verbose", "--version"}}) {
    const ProcessResult verbose = run_llmsweep(args);
    EXPECT_EQ(verbose.exit_code, 0);
    for (const char* text :
         {"llmsweep 0.", "libcurl ", "simdjson ", "target ", "glibc ", "HTTPS "}) {
      EXPECT_THAT(verbose.out, HasSubstr(text));
    }
  }
}

// The SBOM names what the notices name.
TEST(Usage, LicensesHasTheNoticesOfAllThatIsInside) {
  const ProcessResult licenses = run_llmsweep({"licenses"});
  EXPECT_EQ(licenses.exit_code, 0);
  for (const char* text :
       {"MIT", "CLI11", "OpenSSL", "curl", "Boost Software License", "Apache License"}) {
    EXPECT_THAT(licenses.out, HasSubstr(text));
  }
  const auto path = std::filesystem::path(LLMSWEEP_BINARY).parent_path() / "llmsweep.spdx.json";
  const auto sbom = nlohmann::json::parse(read_file(path));
  EXPECT_EQ(sbom["spdxVersion"], "SPDX-2.3");
  std::set<std::string> ids;
  for (const auto& package : sbom["packages"]) {
    EXPECT_TRUE(ids.insert(package["SPDXID"]).second);
    EXPECT_THAT(licenses.out, HasSubstr(package["name"].get<std::string>() + " " +
                                        package["versionInfo"].get<std::string>()));
  }
  EXPECT_GE(ids.size(), 10U);
  for (const auto& relation : sbom["relationships"]) {
    EXPECT_EQ(ids.count(relation["relatedSpdxElement"]), 1U);
  }
}

TEST(Usage, NothingTypedShowsHelpAndFails) {
  const ProcessResult result = run_llmsweep({});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.out, HasSubstr("llmsweep"));
}

TEST(Usage, AMistypedWordGetsTheNearestRightOne) {
  const ProcessResult command = run_llmsweep({"rum", "x.yaml"});
  EXPECT_EQ(command.exit_code, 2);
  EXPECT_THAT(command.err, HasSubstr("did you mean 'run'?"));
  const ProcessResult flag = run_llmsweep({"run", "x.yaml", "--dryrun"});
  EXPECT_EQ(flag.exit_code, 2);
  EXPECT_THAT(flag.err, HasSubstr("did you mean '--dry-run'?"));
  EXPECT_EQ(run_llmsweep({"run"}).exit_code, 2);
}

TEST(Usage, AMissingOrBrokenSpecIsOneErrorAndLeavesNothing) {
  const auto folder = test_folder();
  EXPECT_EQ(run_llmsweep({"run", "absent.yaml", "--out", folder / "out"}).exit_code, 2);
  write_file_atomically(folder / "broken.yaml", "name: x\nload:\n  concurency: [1]\n");
  const ProcessResult broken =
      run_llmsweep({"run", folder / "broken.yaml", "--out", folder / "out"});
  EXPECT_EQ(broken.exit_code, 2);
  EXPECT_THAT(broken.err, HasSubstr("broken.yaml:"));
  write_file_atomically(folder / "slip.yaml",
                        "name: x\nsystem: {gpus: 1}\nendpoint: {url: 'http://127.0.0.1:1/v1'}\n"
                        "load:\n  concurency: [1]\n");
  const ProcessResult slip = run_llmsweep({"run", folder / "slip.yaml", "--out", folder / "out"});
  EXPECT_THAT(slip.err, HasSubstr("slip.yaml:5:load.concurency: unknown key 'concurency'; did you "
                                  "mean 'concurrency'?"));
  EXPECT_FALSE(std::filesystem::exists(folder / "out"));
}

TEST(Usage, AnEndpointThatIsNotThereEndsTheRunWithOneError) {
  const auto folder = test_folder();
  write_file_atomically(folder / "spec.yaml",
                        "name: nobody\nsystem: {gpus: 1}\n"
                        "endpoint: {url: 'http://127.0.0.1:1/v1', connect_timeout: 1s}\n"
                        "load: {concurrency: [1]}\n");
  const ProcessResult run = run_llmsweep({"run", folder / "spec.yaml", "--out", folder / "out"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.err, HasSubstr("127.0.0.1:1"));
  EXPECT_FALSE(std::filesystem::exists(folder / "out" / "nobody"));
}

}  // namespace
}  // namespace llmsweep
