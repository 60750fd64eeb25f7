// What whoever starts the program can do to it: closed descriptors, limits, signals, outputs that
// take nothing.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

#include "cli/process.h"
#include "cli/quick_sweep.h"
#include "llmsweep/base/clock.h"

namespace llmsweep {
namespace {
namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// A request takes 20 s: nothing ends by itself while a test looks.
constexpr int kLongAnswer = 10'000;
constexpr const char* kOneLevel = "{concurrency: [4], requests_per_slot: 10, warmup_per_slot: 0}";

// `script` in a shell, in which "$@" is llmsweep with `args`.
ProcessResult run_in_shell(const fs::path& folder, const std::string& script,
                           std::vector<std::string> args) {
  std::vector<std::string> words = {"/bin/sh", "-c", script, "sh", LLMSWEEP_BINARY};
  words.insert(words.end(), args.begin(), args.end());
  return Process(words, folder).wait();
}

// A finished sweep of one request.
fs::path finished_sweep(const fs::path& folder) {
  const fs::path spec = write_quick_spec(
      folder, "{concurrency: [1], requests_per_slot: 2, warmup_per_slot: 0, repeats: 1}", 4);
  EXPECT_EQ(run_llmsweep({"run", spec, "--out", folder / "out", "--quiet"}).exit_code, 0);
  return folder / "out" / "test";
}

TEST(ProcessStart, ClosedDescriptorsDoNotMixMessagesIntoTheFilesOfASweep) {
  const fs::path folder = test_folder();
  const fs::path spec = write_quick_spec(folder, "{concurrency: [1], repeats: 1}", 4);
  for (const char* closed : {"0<&- 1>&- 2>&-", "1>&- 2>&-", "0<&-", "2>&-"}) {
    const fs::path out = folder / std::to_string(std::string_view(closed).size());
    const ProcessResult ran =
        run_in_shell(folder, std::string("exec \"$@\" ") + closed, {"run", spec, "--out", out});
    EXPECT_EQ(ran.exit_code, 0) << closed << ran.err;
    const ProcessResult rebuilt = run_llmsweep({"rebuild", out / "test"});
    EXPECT_EQ(rebuilt.exit_code, 0) << closed << rebuilt.err;
  }
}

TEST(ProcessStart, AFileSizeLimitIsAnErrorLikeAFullDisk) {
  const fs::path folder = test_folder();
  const fs::path spec = write_quick_spec(folder, "{concurrency: [4], repeats: 3}", 4);
  // In blocks of 512 bytes.
  const ProcessResult ran =
      run_in_shell(folder, "ulimit -f 16; exec \"$@\"", {"run", spec, "--out", folder / "out"});
  EXPECT_EQ(ran.exit_code, 1) << ran.err;
  EXPECT_THAT(ran.err, HasSubstr("File too large"));
  EXPECT_THAT(ran.err, HasSubstr("ulimit -f"));
  EXPECT_THAT(ran.out, HasSubstr("median E2E"));
}

TEST(ProcessStart, TooFewDescriptorsOrTooLittleMemoryIsAnErrorAndNoAbort) {
  const fs::path folder = test_folder();
  const fs::path spec = write_quick_spec(folder, "{concurrency: [2], repeats: 1}", 4);
  std::vector<std::string> limits;
  for (int files = 3; files < 16; ++files) limits.push_back("-n " + std::to_string(files));
  for (int mb = 24; mb < 120 && kMayLimitAddresses; mb += 6) {
    limits.push_back("-v " + std::to_string(mb * 1024));
  }
  int refused = 0;
  for (const std::string& limit : limits) {
    const fs::path out = folder / ("out" + std::to_string(&limit - limits.data()));
    const auto limited = [&](const std::vector<std::string>& words) {
      return run_in_shell(folder, "ulimit " + limit + "; exec \"$@\"", words);
    };
    // Where the loader has too little (127), or what a library does before main(), nothing is asked
    // of the program.
    if (limited({"--version"}).exit_code != 0) {
      ++refused;
      continue;
    }
    const ProcessResult ran = limited({"run", spec, "--out", out, "--quiet"});
    EXPECT_THAT(ran.exit_code, AnyOf(0, 1, 2)) << limit << ": " << ran.err;
    EXPECT_THAT(ran.err, Not(HasSubstr("bug in llmsweep"))) << limit;
    if (ran.exit_code == 1) {
      EXPECT_THAT(ran.err, HasSubstr("llmsweep: ")) << limit;
    }
    refused += ran.exit_code != 0 ? 1 : 0;
  }
  EXPECT_GE(refused, 5) << "the limits bound nobody";
}

TEST(StandardOutput, ThatTakesNothingIsAnErrorOfEveryCommand) {
  const fs::path folder = test_folder();
  const fs::path sweep = finished_sweep(folder);
  const std::vector<std::vector<std::string>> commands = {
      {"show", sweep},
      {"show", sweep, "--format", "json"},
      {"export", sweep, "--as", "csv"},
      {"report", sweep, "--csv", "-"},
      {"report", sweep, "--html", folder / "r.html"},
      {"compare", sweep, sweep},
      {"gate", sweep, "--require", "error_rate@all <= 1%"},
      {"rebuild", sweep},
      {"verify", sweep},
      {"check", folder / "spec.yaml"},
      {"run", folder / "spec.yaml", "--out", folder / "again", "--quiet"},
      {"run", folder / "spec.yaml", "--dry-run"},
      {"prompts", folder / "spec.yaml"},
      {"man"},
      {"completion", "bash"},
      {"--help"},
      {"--version"}};
  for (const auto& command : commands) {
    const ProcessResult ran = run_in_shell(folder, "exec \"$@\" > /dev/full", command);
    EXPECT_EQ(ran.exit_code, 1) << command.front();
    EXPECT_THAT(ran.err, HasSubstr("llmsweep: standard output: cannot write")) << command.front();
  }
  EXPECT_TRUE(fs::exists(folder / "again" / "test" / "report.html")) << "the run's files are kept";
}

TEST(StandardOutput, NoFieldOfAResultBeginsALineThatACiRunnerObeys) {
  const fs::path folder = test_folder();
  const fs::path sweep = finished_sweep(folder);
  json result = json::parse(read_file(sweep / "result.json"));
  // Every text in the file that may be anything.
  const std::string hostile = "::stop-commands::x\n::error::y ##[error]z";
  const std::vector<std::string> flat = {"/name",
                                         "/model",
                                         "/tool",
                                         "/system/engine",
                                         "/system/accelerator",
                                         "/system/checkpoint",
                                         "/workload/dataset"};
  for (const std::string& pointer : flat) {
    const json::json_pointer place(pointer);
    if (result.contains(place) && result[place].is_string()) result[place] = hostile;
  }
  result["provenance"]["notes"] = {hostile};
  write_file_atomically(folder / "hostile.json", result.dump());
  const std::string file = folder / "hostile.json";
  const std::vector<std::vector<std::string>> commands = {
      {"show", file},
      {"show", file, "--format", "markdown"},
      {"show", file, "--format", "csv"},
      {"show", file, "--format", "json"},
      {"compare", file, file},
      {"compare", file, file, "--format", "markdown"},
      {"compare", file, file, "--format", "csv"},
      {"gate", file, "--require", "error_rate@all <= 1%", "--no-worse", "ttft:p50@all by 3%",
       "--baseline", file},
      {"export", file, "--as", "csv"},
      {"export", file, "--as", "llm-d-report"},
      {"export", file, "--as", "vllm-json"},
      {"report", file, "--markdown", "-"},
      {"calibrate", file, "--max-error", "1000"}};
  for (const auto& command : commands) {
    const ProcessResult ran = run_llmsweep(command);
    for (const std::string& output : {ran.out, ran.err}) {
      std::istringstream lines(output);
      for (std::string line; std::getline(lines, line);) {
        line.erase(0, line.find_first_not_of(" \t"));
        EXPECT_THAT(line, Not(StartsWith("::"))) << command.front();
      }
    }
  }
}

TEST(StandardOutput, ThatNobodyCanReadEndsTheSimulatorAtOnce) {
  const fs::path folder = test_folder();
  write_quick_spec(folder, "{concurrency: [1]}", 4);  // its profile
  const ProcessResult ran = run_in_shell(folder, "exec timeout 20 \"$@\" > /dev/full",
                                         {"simulate", folder / "profile.yaml", "--port", "0"});
  EXPECT_EQ(ran.exit_code, 1) << "124: it goes on, and nobody knows where it listens";
}

TEST(StandardError, OfAReaderThatHasStalledStopsNoMeasurement) {
  const fs::path folder = test_folder();
  const fs::path spec = write_quick_spec(folder, "{concurrency: [2], repeats: 3}", 4);
  const ProcessResult ran = run_in_shell(
      folder,
      "cd " + folder.string() +
          "; mkfifo pipe; sleep 15 < pipe & exec 3> pipe; head -c 65536 /dev/zero >&3; "
          "exec timeout 30 \"$@\" 2>&3 3>&-",
      {"run", spec, "--out", folder / "out"});
  EXPECT_EQ(ran.exit_code, 0) << "124: it waits for the reader";
  EXPECT_TRUE(fs::exists(folder / "out" / "test" / "report.html"));
}

TEST(Outputs, ThatAreInputsOrOneAnotherAreRefusedUntouched) {
  const fs::path folder = test_folder();
  const fs::path sweep = finished_sweep(folder);
  const std::string result = sweep / "result.json";
  const std::string spec = folder / "spec.yaml";
  const std::string profile = folder / "profile.yaml";
  write_file_atomically(folder / "policy.yaml", "rules:\n  - require: error_rate@all <= 1%\n");
  const std::string policy = folder / "policy.yaml";
  const std::vector<std::vector<std::string>> commands = {
      {"gate", result, "--require", "error_rate@all <= 1%", "--json", result},
      {"gate", sweep, "--require", "error_rate@all <= 1%", "--junit", result},
      {"gate", sweep, "--policy", policy, "--json", policy},
      {"gate", sweep, "--policy", policy, "--json", folder / "v", "--junit", folder / "v"},
      {"run", spec, "--gate", policy, "--json", spec, "--out", folder / "again"},
      {"report", result, "--html", result},
      {"export", result, "--as", "csv", "--out", result},
      {"compare", result, result, "--figure", result},
      {"calibrate", result, "--max-error", "1000", "--output", result},
      {"simulate", profile, "--port", "0", "--log", profile}};
  const auto contents = [&] {
    return read_file(result) + read_file(spec) + read_file(profile) + read_file(policy);
  };
  const std::string before = contents();
  for (const auto& command : commands) {
    const ProcessResult ran = run_llmsweep(command);
    EXPECT_EQ(ran.exit_code, 2) << command.front() << ran.err;
    EXPECT_EQ(contents(), before) << command.front();
  }
}

TEST(StandardOutput, NoPathBeginsALineThatACiRunnerObeys) {
  const fs::path folder = test_folder();
  const fs::path sweep = finished_sweep(folder);
  const fs::path hostile = folder / "r\n::error::pwn";
  fs::copy(sweep, hostile, fs::copy_options::recursive);
  const std::vector<std::vector<std::string>> commands = {
      {"report", hostile},
      {"rebuild", hostile},
      {"show", hostile / "absent"},
      {"import", hostile, "-o", folder / "new.json"},
      {"run", folder / "spec.yaml", "--out", hostile, "--quiet"}};
  for (const auto& command : commands) {
    const ProcessResult ran = run_llmsweep(command);
    for (const std::string& output : {ran.out, ran.err}) {
      EXPECT_THAT(output, Not(HasSubstr("\n::error"))) << command.front();
    }
  }
}

class Stopped : public ::testing::Test {
 protected:
  // Starts a sweep whose requests take 20 s and waits until they are on their way.
  void start(std::vector<std::string> prefix = {}, const std::string& rest = {}) {
    const fs::path spec = write_quick_spec(folder_, kOneLevel, kLongAnswer, rest);
    std::vector<std::string> words = std::move(prefix);
    for (const std::string& word : {std::string(LLMSWEEP_BINARY), std::string("run"), spec.string(),
                                    std::string("--out"), (folder_ / "out").string()}) {
      words.push_back(word);
    }
    process_.emplace(words, folder_);
    ASSERT_TRUE(
        eventually([&] { return process_->err_so_far().find("4 in flight") < std::string::npos; }));
  }
  void expect_written() const {
    EXPECT_EQ(json::parse(read_file(sweep_ / "result.json"))["interrupted"], true);
    EXPECT_TRUE(fs::exists(sweep_ / "report.html"));
    EXPECT_TRUE(fs::exists(sweep_ / "figure.svg"));
  }

  const fs::path folder_ = test_folder();
  const fs::path sweep_ = folder_ / "out" / "test";
  std::optional<Process> process_;
};

// Slurm and Kubernetes kill 30 s after TERM; load.grace is 30 s too.
TEST_F(Stopped, ByTermItWritesEverythingWithin20Seconds) {
  start();
  const SteadyClock clock;
  const Instant sent = clock.now();
  process_->signal(SIGTERM);
  EXPECT_EQ(process_->wait().exit_code, 130);
  EXPECT_LT(to_seconds(clock.now() - sent), 20);
  EXPECT_GT(to_seconds(clock.now() - sent), 6) << "requests in flight are given some time";
  expect_written();
}

TEST_F(Stopped, ByAHangUpItWritesEverythingToo) {
  start();
  process_->signal(SIGHUP);
  process_->signal(SIGINT);  // at once
  EXPECT_EQ(process_->wait().exit_code, 130);
  expect_written();
}

TEST_F(Stopped, NohupKeepsItRunning) {
  start({"/usr/bin/nohup"});
  process_->signal(SIGHUP);
  // Nothing shows that a signal was ignored, but that some time goes by.
  for (int i = 0; i < 20; ++i) pause_briefly();
  EXPECT_EQ(::kill(process_->pid(), 0), 0);
  process_->signal(SIGINT);
  process_->signal(SIGTERM);
  EXPECT_EQ(process_->wait().exit_code, 130);
}

TEST(StoppedInTheCheck, TheCheckCommandEndsAsAnInterruptedOneToo) {
  const fs::path folder = test_folder();
  const fs::path spec = write_quick_spec(folder, kOneLevel, 4);
  write_file_atomically(folder / "profile.yaml", "engine: {step: {base_ms: 3600000}}\n");
  Process process({LLMSWEEP_BINARY, "check", spec}, folder);
  for (int i = 0; i < 40; ++i) pause_briefly();
  process.signal(SIGTERM);
  EXPECT_EQ(process.wait().exit_code, 130);
}

// The check before a run waits for an answer that does not come for an hour.
TEST(StoppedInTheCheck, ItEndsAtOnceAndLeavesNothing) {
  const fs::path folder = test_folder();
  const fs::path spec = write_quick_spec(folder, kOneLevel, 4, "client: {transport: sockets}\n");
  write_file_atomically(folder / "profile.yaml", "engine: {step: {base_ms: 3600000}}\n");
  Process process({LLMSWEEP_BINARY, "run", spec, "--out", folder / "out"}, folder);
  ASSERT_TRUE(eventually([&] { return fs::exists(folder / "out" / "test" / "truth.jsonl"); }));
  for (int i = 0; i < 20; ++i) pause_briefly();
  process.signal(SIGTERM);
  const SteadyClock clock;
  const Instant sent = clock.now();
  const ProcessResult ended = process.wait();
  EXPECT_LT(to_seconds(clock.now() - sent), 5);
  EXPECT_EQ(ended.exit_code, 130);
  EXPECT_THAT(ended.err, HasSubstr("interrupted during a request to the endpoint"));
  EXPECT_FALSE(fs::exists(folder / "out" / "test")) << "nothing was measured";
}

}  // namespace
}  // namespace llmsweep
