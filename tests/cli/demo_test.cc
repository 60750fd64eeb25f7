#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cli/process.h"
#include "llmsweep/base/files.h"

namespace llmsweep {
namespace {
namespace fs = std::filesystem;
using ::testing::HasSubstr;

// From a folder that holds nothing, so that no file of the repository can help.
TEST(Demo, ComparesTwoSimulatedSystemsWithoutAnyFile) {
  const fs::path folder = test_folder();
  const ProcessResult demo =
      Process({"/bin/sh", "-c",
               "cd " + folder.string() + " && exec " + LLMSWEEP_BINARY + " demo --quick --out out"},
              folder)
          .wait();
  ASSERT_EQ(demo.exit_code, 0) << demo.err;
  EXPECT_THAT(demo.out, HasSubstr("[SIMULATED]"));
  EXPECT_THAT(demo.out, HasSubstr("users per GPU"));
  EXPECT_THAT(demo.out, HasSubstr("The figure: out/demo/figure.svg"));
  for (const char* file :
       {"figure.svg", "report.html", "h200-fp8/result.json", "gb200-nvfp4/requests.jsonl"}) {
    EXPECT_TRUE(fs::exists(folder / "out" / "demo" / file)) << file;
  }
  const auto result = nlohmann::json::parse(read_file(folder / "out/demo/h200-fp8/result.json"));
  EXPECT_EQ(result["simulated"], true);
  EXPECT_EQ(result["interrupted"], false);
  EXPECT_EQ(result["levels"].size(), 4U);
}

TEST(Demo, AnInterruptEndsBothSweeps) {
  const fs::path folder = test_folder();
  Process demo({LLMSWEEP_BINARY, "demo", "--out", folder / "out"}, folder);
  ASSERT_TRUE(eventually([&] {
    return fs::exists(folder / "out/demo/h200-fp8/sweep.jsonl") &&
           fs::exists(folder / "out/demo/gb200-nvfp4/sweep.jsonl");
  }));
  demo.signal(SIGTERM);
  EXPECT_EQ(demo.wait().exit_code, 130);
}

}  // namespace
}  // namespace llmsweep
