#include "cli/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/process.h"
#include "cli/quick_sweep.h"
#include "llmsweep/results/result_file.h"

namespace llmsweep {
namespace {
namespace fs = std::filesystem;
using ::testing::HasSubstr;

TEST(CommandLine, ComesBackAsAShellTakesIt) {
  EXPECT_EQ(command_line({"run", "a b.yaml", "--set", "load.concurrency=[1, 8]", "--name=it's"}),
            "llmsweep run 'a b.yaml' --set 'load.concurrency=[1, 8]' '--name=it'\\''s'");
  EXPECT_EQ(command_line({"run", "http://localhost:8000/v1", "-c", "1,2", ""}),
            "llmsweep run http://localhost:8000/v1 -c 1,2 ''");
}

TEST(CommandLine, KeepsNoValueThatMayBeACredential) {
  for (const char* setting :
       {"endpoint.headers={X: hush}", "endpoint.headers.Authorization=Bearer hush",
        "endpoint.extra_body.api_key=hush", "endpoint={headers: {X: hush}}",
        "endpoint.api_key=hush"}) {
    for (const std::vector<std::string>& args :
         {std::vector<std::string>{"run", "a.yaml", "--set", setting},
          std::vector<std::string>{"run", "a.yaml", std::string("--set=") + setting}}) {
      const std::string text = command_line(args);
      EXPECT_EQ(text.find("hush"), std::string::npos) << text;
      EXPECT_THAT(text, HasSubstr("<redacted>"));
    }
  }
  EXPECT_THAT(command_line({"run", "a", "--set", "load.repeats=3"}), HasSubstr("load.repeats=3"));
}

TEST(CommandLine, IsKeptWithTheResultAndNotShared) {
  const fs::path folder = test_folder();
  const fs::path spec =
      write_quick_spec(folder, "{concurrency: [1], requests_per_slot: 2, repeats: 1}", 8);
  const std::string out = (folder / "results").string();
  ASSERT_EQ(run_llmsweep({"run", spec, "--out", out, "--quiet"}).exit_code, 0);
  const SweepResult result = read_result(folder / "results" / "test" / "result.json");
  EXPECT_EQ(result.provenance.command,
            "llmsweep run " + spec.string() + " --out " + out + " --quiet");
  EXPECT_THAT(read_file(folder / "results" / "test" / "report.html"),
              HasSubstr("<dt>Command</dt><dd>llmsweep run "));
  EXPECT_EQ(run_llmsweep({"report", folder / "results" / "test", "--html", folder / "shared.html",
                          "--share"})
                .exit_code,
            0);
  EXPECT_EQ(read_file(folder / "shared.html").find("<dt>Command</dt>"), std::string::npos);
}

}  // namespace
}  // namespace llmsweep
