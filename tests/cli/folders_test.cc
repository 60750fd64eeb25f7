// Into which folders a sweep is resumed or rebuilt, and what odd files in them do.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <fstream>
#include <map>

#include "cli/process.h"
#include "cli/quick_sweep.h"
#include "llmsweep/base/files.h"
#include "llmsweep/base/text.h"

namespace llmsweep {
namespace {
namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

void write(const fs::path& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

fs::path quick_spec(const fs::path& folder) {
  return write_quick_spec(folder, "{concurrency: [1], requests_per_slot: 2, repeats: 1}", 4);
}

// A sweep that came to its end.
fs::path whole_sweep(const fs::path& folder) {
  const ProcessResult run = run_llmsweep({"run", quick_spec(folder), "--out", folder / "out"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  return folder / "out" / "test";
}

// What every entry of a folder is and holds, so that a change of any kind shows.
std::map<std::string, std::string> picture_of(const fs::path& folder) {
  std::map<std::string, std::string> picture;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const fs::file_status status = entry.symlink_status();
    picture[entry.path().filename()] =
        std::to_string(static_cast<int>(status.type())) +
        (fs::is_regular_file(status) ? read_file(entry.path()) : std::string());
  }
  return picture;
}

// llmsweep with a limit on its memory and its time: a hang or a file read whole is a failure.
ProcessResult bounded_llmsweep(const std::vector<std::string>& args, const fs::path& folder) {
  const std::string limit = kMayLimitAddresses ? "ulimit -v 2000000; " : "";
  std::vector<std::string> words = {"/bin/sh", "-c", limit + "exec timeout 20 \"$@\"", "sh",
                                    LLMSWEEP_BINARY};
  words.insert(words.end(), args.begin(), args.end());
  return Process(words, folder).wait();
}

void expect_refused(const fs::path& folder, const std::vector<std::string>& command,
                    const std::string& says) {
  const auto before = picture_of(folder);
  const ProcessResult refused = bounded_llmsweep(command, folder.parent_path());
  EXPECT_EQ(refused.exit_code, 2) << says << refused.err;
  EXPECT_THAT(refused.err, AllOf(HasSubstr(says), HasSubstr(folder.filename().string())));
  EXPECT_EQ(picture_of(folder), before) << says;
}

TEST(ResumeFolder, IsRefusedAndLeftAloneWhereItIsNoSweepOfOurs) {
  const fs::path folder = test_folder();
  const fs::path spec = quick_spec(folder);
  const fs::path other = folder / "other";
  const auto expect = [&](const std::string& says) {
    expect_refused(other, {"run", spec, "--resume", other}, says);
    expect_refused(other, {"rebuild", other}, says);
  };
  fs::create_directory(other);
  expect("there is no sweep.jsonl in it");
  for (const char* name : {"result.json", "report.html", "figure.svg", "truth.jsonl"}) {
    write(other / name, "PRECIOUS\n");
  }
  expect("there is no sweep.jsonl in it");
  write(other / "sweep.jsonl", "");
  expect("is not the journal of a sweep");
  write(other / "sweep.jsonl", "{\"name\": \"somebody\", \"score\": 3}\n{\"name\": \"else\"}\n");
  expect("is not the journal of a sweep");
  write(other / "sweep.jsonl", "no JSON\n");
  expect("sweep.jsonl:1: the line is not a JSON object");
  write(other / "sweep.jsonl", "{\"event\": \"created\", \"tool\": \"llmsw");  // half a line
  expect("is not the journal of a sweep");
  fs::remove(other / "sweep.jsonl");
  ::mkfifo((other / "sweep.jsonl").c_str(), 0600);
  expect("is a FIFO");
  fs::remove(other / "sweep.jsonl");
  fs::create_directory(other / "sweep.jsonl");
  expect("is a folder");
  fs::remove(other / "sweep.jsonl");
  fs::create_symlink("sweep.jsonl", other / "sweep.jsonl");
  expect("is a symbolic link");
}

TEST(ResumeFolder, IsAFolder) {
  const fs::path folder = test_folder();
  const fs::path spec = quick_spec(folder);
  const ProcessResult none = run_llmsweep({"run", spec, "--resume", folder / "none"});
  EXPECT_EQ(none.exit_code, 2);
  EXPECT_THAT(none.err, HasSubstr("there is no such folder"));
  EXPECT_FALSE(fs::exists(folder / "none"));
  const ProcessResult file = run_llmsweep({"run", spec, "--resume", spec});
  EXPECT_EQ(file.exit_code, 2);
  EXPECT_THAT(file.err, HasSubstr("is not a folder"));
  fs::create_symlink(folder / "loop", folder / "loop");
  for (const char* command : {"show", "rebuild", "verify", "report"}) {
    const ProcessResult loop = run_llmsweep({command, folder / "loop"});
    EXPECT_EQ(loop.exit_code, 2) << command;
    EXPECT_THAT(loop.err, HasSubstr("Too many levels of symbolic links")) << command;
  }
}

TEST(ResumeFolder, HoldsNothingThatASweepDidNotWrite) {
  const fs::path folder = test_folder();
  const fs::path sweep = whole_sweep(folder);
  write(folder / "precious", "PRECIOUS\n");
  for (const char* name : {"requests.jsonl", "truth.jsonl", "truth.jsonl.signs", "chunks.bin",
                           "result.json", "report.html", "figure.svg", "sweep.jsonl"}) {
    const fs::path file = sweep / name;
    const fs::path aside = folder / "aside";
    if (fs::exists(file)) fs::rename(file, aside);
    const std::vector<std::pair<const char*, std::function<void()>>> kinds = {
        {"is a FIFO", [&] { ::mkfifo(file.c_str(), 0600); }},
        {"is a folder", [&] { fs::create_directory(file); }},
        {"is a symbolic link", [&] { fs::create_symlink(folder / "precious", file); }},
        {"is a symbolic link", [&] { fs::create_symlink(file, file); }},
        {"is a symbolic link", [&] { fs::create_symlink("/dev/zero", file); }}};
    for (const auto& [says, make] : kinds) {
      make();
      expect_refused(sweep, {"run", folder / "spec.yaml", "--resume", sweep}, says);
      expect_refused(sweep, {"rebuild", sweep}, says);
      const ProcessResult verified = bounded_llmsweep({"verify", sweep}, folder);
      EXPECT_LE(verified.exit_code, 2) << name << says;
      fs::remove(file);
    }
    if (fs::exists(aside)) fs::rename(aside, file);
  }
  EXPECT_EQ(read_file(folder / "precious"), "PRECIOUS\n");
  EXPECT_EQ(run_llmsweep({"run", folder / "spec.yaml", "--resume", sweep}).exit_code, 0);
}

TEST(ResumeFolder, MayBeOneWhoseSweepWasKilledBeforeItMeasured) {
  const fs::path folder = test_folder();
  const fs::path spec = quick_spec(folder);
  const fs::path sweep = folder / "early";
  fs::create_directory(sweep);
  write(sweep / "sweep.jsonl",
        "{\"event\":\"created\",\"at\":\"x\",\"tool\":\"llmsweep 1\"}\n{\"ev");
  write(sweep / "truth.jsonl", "{\"respon");
  write(sweep / "truth.jsonl.signs", "{\"alive_n");
  write(sweep / "result.json.tmp-1234", "{");
  const ProcessResult refused = run_llmsweep(
      {"run", spec, "--resume", sweep, "--set", "endpoint={url: 'http://127.0.0.1:9/v1'}"});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_TRUE(fs::exists(sweep / "sweep.jsonl"));  // whose it is remains known
  const ProcessResult resumed = run_llmsweep({"run", spec, "--resume", sweep});
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_TRUE(fs::exists(sweep / "report.html"));
  EXPECT_FALSE(fs::exists(sweep / "result.json.tmp-1234"));
  EXPECT_EQ(run_llmsweep({"verify", sweep, "--tolerance", "30s"}).exit_code, 0);
}

TEST(ResumeFolder, MayHoldNothingButAJournalThatWasJustOpened) {
  const fs::path folder = test_folder();
  const fs::path spec = quick_spec(folder);
  const fs::path sweep = folder / "early";
  fs::create_directory(sweep);
  write(sweep / "sweep.jsonl", "");
  const ProcessResult resumed = run_llmsweep({"run", spec, "--resume", sweep});
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_TRUE(fs::exists(sweep / "report.html"));
}

TEST(ResumeFolder, OfARunThatCouldNotStartIsGone) {
  const fs::path folder = test_folder();
  const ProcessResult down = run_llmsweep({"run", quick_spec(folder), "--out", folder / "out",
                                           "--set", "endpoint={url: 'http://127.0.0.1:9/v1'}"});
  EXPECT_EQ(down.exit_code, 1);
  EXPECT_TRUE(fs::is_empty(folder / "out"));
}

// A hole in a file reads as NUL bytes: a line without an end.
void make_hole(const fs::path& path, std::string_view begins) {
  write(path, begins);
  fs::resize_file(path, uintmax_t{4} << 30);
}

TEST(Lines, WithoutMeasureAreRefusedWithTheirPlace) {
  const fs::path folder = test_folder();
  const fs::path sweep = whole_sweep(folder);
  const std::string blown(size_t{17} << 20, 'a');
  const auto expect = [&](const char* name, const std::vector<std::string>& command) {
    const fs::path file = sweep / name;
    const std::string good = read_file(file);
    write(file, good + "{\"" + blown + "\":1}\n");
    const ProcessResult wide = bounded_llmsweep(command, folder);
    EXPECT_EQ(wide.exit_code, 2) << name << command[0] << wide.err;
    EXPECT_THAT(wide.err, AllOf(HasSubstr(name), HasSubstr("longer than 16 MiB"))) << command[0];
    make_hole(file, good);
    const ProcessResult endless = bounded_llmsweep(command, folder);
    EXPECT_EQ(endless.exit_code, 2) << name << command[0] << endless.err;
    EXPECT_THAT(endless.err, AllOf(HasSubstr(name), HasSubstr("longer than 16 MiB"))) << command[0];
    write(file, good);
  };
  const std::vector<std::string> resume = {"run", folder / "spec.yaml", "--resume", sweep};
  expect("requests.jsonl", {"verify", sweep});
  expect("sweep.jsonl", {"verify", sweep});
  expect("sweep.jsonl", {"rebuild", sweep});
  expect("sweep.jsonl", resume);
  expect("truth.jsonl", {"verify", sweep});
  write(sweep / "requests.jsonl", read_file(sweep / "requests.jsonl") + blown + "\n");
  const ProcessResult report =
      bounded_llmsweep({"report", sweep, "--html", folder / "report.html"}, folder);
  EXPECT_EQ(report.exit_code, 0) << report.err;
  EXPECT_THAT(report.err, HasSubstr("1 lines of"));
}

TEST(ResumeFolder, IsLeftAloneWhereItsRecordsAreNotThoseOfItsJournal) {
  const fs::path folder = test_folder();
  const fs::path sweep = whole_sweep(folder);
  const std::vector<std::string> resume = {"run", folder / "spec.yaml", "--resume", sweep};
  ASSERT_EQ(run_llmsweep({"run", folder / "spec.yaml", "--out", folder / "out"}).exit_code, 0);
  const std::string journal = read_file(sweep / "sweep.jsonl");
  const std::string records = read_file(sweep / "requests.jsonl");
  const auto expect = [&](const std::string& says) { expect_refused(sweep, resume, says); };

  write(sweep / "sweep.jsonl", read_file(folder / "out" / "test-2" / "sweep.jsonl"));
  expect("requests.jsonl");
  write(sweep / "sweep.jsonl", journal + "{\"event\":\"cut");
  write(sweep / "requests.jsonl", records + records);
  expect("that no run of sweep.jsonl made");
  const size_t first = records.find('\n') + 1;
  write(sweep / "requests.jsonl", records.substr(first));
  expect("requests.jsonl");
  write(sweep / "requests.jsonl", "");
  expect("requests.jsonl");
  fs::remove(sweep / "requests.jsonl");
  expect("requests.jsonl");
  std::string marked = records;
  marked.replace(marked.find("\"superseded\":false"), 18, "\"superseded\":true ");
  write(sweep / "requests.jsonl", marked);
  expect("records, ");
  write(sweep / "requests.jsonl", records);

  // Someone's files beside the journal of a sweep that had not begun to measure.
  std::vector<std::string> lines = split(journal, '\n');
  lines.resize(2);
  ASSERT_THAT(lines[1], HasSubstr("\"head\""));
  write(sweep / "sweep.jsonl", lines[0] + "\n" + lines[1] + "\n");
  expect("that no run of sweep.jsonl made");
  write(sweep / "requests.jsonl", "PRECIOUS");
  expect("that no run of sweep.jsonl made");
  write(sweep / "sweep.jsonl", lines[0] + "\n");
  expect("no journal of the sweep that made them");

  write(sweep / "sweep.jsonl", journal);
  write(sweep / "requests.jsonl", records);
  EXPECT_EQ(run_llmsweep(resume).exit_code, 0);
}

TEST(Sweep, SaysWhatToDoWhereDescriptorsRunOut) {
  const fs::path folder = test_folder();
  const fs::path spec = quick_spec(folder);
  for (int limit = 10; limit < 24; ++limit) {
    Process process({"/bin/sh", "-c", "ulimit -n " + std::to_string(limit) + "; exec \"$@\"", "sh",
                     LLMSWEEP_BINARY, "run", spec, "--out", folder / "out"},
                    folder);
    const ProcessResult result = process.wait();
    EXPECT_EQ(result.exit_code, 1) << limit << result.err;
    EXPECT_THAT(result.err, HasSubstr("ulimit -n")) << limit;
    EXPECT_TRUE(!fs::exists(folder / "out") || fs::is_empty(folder / "out")) << limit;
  }
}

TEST(Simulate, SaysWhatToDoWhereDescriptorsRunOut) {
  const fs::path folder = test_folder();
  write(folder / "profile.yaml", "engine: {step: {base_ms: 1}}\n");
  for (int limit = 7; limit < 20; ++limit) {
    const fs::path own = folder / std::to_string(limit);  // the last one's words are not this one's
    fs::create_directory(own);
    Process process({"/bin/sh", "-c", "ulimit -n " + std::to_string(limit) + "; exec \"$@\"", "sh",
                     LLMSWEEP_BINARY, "simulate", folder / "profile.yaml", "--port", "0", "--log",
                     folder / "log"},
                    own);
    const auto listens = [&] { return process.out_so_far().find("http") != std::string::npos; };
    ASSERT_TRUE(eventually([&] { return listens() || !process.err_so_far().empty(); })) << limit;
    if (listens()) {
      process.signal(SIGINT);
      process.wait();
      return;
    }
    const ProcessResult result = process.wait();
    EXPECT_THAT(result.err, HasSubstr("raise the limit")) << limit;
    EXPECT_THAT(result.err, HasSubstr("ulimit -n")) << limit;
  }
}

TEST(Journal, SaysThatDescriptorsRanOut) {
  const fs::path folder = test_folder();
  const fs::path sweep = whole_sweep(folder);
  bool seen = false;
  for (int limit = 4; limit < 12; ++limit) {
    Process process({"/bin/sh", "-c", "ulimit -n " + std::to_string(limit) + "; exec \"$@\"", "sh",
                     LLMSWEEP_BINARY, "run", folder / "spec.yaml", "--resume", sweep},
                    folder);
    const ProcessResult result = process.wait();
    EXPECT_THAT(result.err, ::testing::Not(HasSubstr("another process"))) << limit;
    seen |= result.err.find("Too many open files") != std::string::npos;
  }
  EXPECT_TRUE(seen);
}

}  // namespace
}  // namespace llmsweep
