#include "llmsweep/results/journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "llmsweep/base/error.h"
#include "llmsweep/base/files.h"
#include "llmsweep/base/text.h"
#include "results/full_result.h"

namespace llmsweep {
namespace {
namespace fs = std::filesystem;
using testing::HasSubstr;

// A file that is not there yet, and not any more after the test.
class JournalFile : public testing::Test {
 protected:
  void TearDown() override { fs::remove(path_); }

  const fs::path path_ =
      fs::path(testing::TempDir()) / ("journal-" + std::to_string(::getpid()) + ".jsonl");
};
class Records : public JournalFile {};

RunEntry run_of(int concurrency, int repeat, int64_t first_prompt) {
  return {.id = {at_concurrency(concurrency), repeat},
          .started_at = "2026-01-01T00:00:00Z",
          .started_ns = 5,
          .first_prompt = first_prompt,
          .prompts = 10};
}

TEST_F(JournalFile, AFileThatIsNotThereIsEmpty) {
  const Journal journal = read_journal(path_);
  EXPECT_TRUE(journal.head.tool.empty());
  EXPECT_TRUE(journal.runs.empty());
}

TEST_F(JournalFile, ReadsBackARunOfARate) {
  RunEntry run = run_of(1, 0, 0);
  run.id.point = at_rate(2.5);
  {
    JournalWriter writer(path_);
    writer.started(run);
  }
  EXPECT_THAT(read_file(path_), HasSubstr(R"("level":null,"load_point":"r2.5")"));
  EXPECT_EQ(read_journal(path_).runs, std::vector{run});
}

TEST_F(JournalFile, ReadsBackWhatWasWritten) {
  RunEntry whole = run_of(4, 0, 0);
  {
    JournalWriter writer(path_);
    writer.head(full_result(), "abc");
    writer.started(whole);
    whole.ended = true;
    whole.records = 7;
    whole.lines = {.begin = 3, .end = 900};
    whole.client = full_result().levels[0].runs[0].client;
    writer.ended(whole);
    writer.started(run_of(8, 0, 10));
    writer.resumed(from_ns(77));
    writer.superseded(run_of(8, 0, 10));
    writer.started(run_of(8, 0, 20));
  }
  const Journal journal = read_journal(path_);
  EXPECT_EQ(journal.spec_sha256, "abc");
  EXPECT_EQ(journal.head.name, full_result().name);
  EXPECT_TRUE(journal.head.levels.empty());
  ASSERT_EQ(journal.runs.size(), 2u);
  EXPECT_EQ(journal.runs[0], whole);
  EXPECT_TRUE(journal.runs[0].whole());
  EXPECT_FALSE(journal.runs[1].whole());
  EXPECT_EQ(journal.runs[1].first_prompt, 20);
  EXPECT_EQ(journal.prompts_used, 30);  // the superseded run's were sent
  EXPECT_THAT(journal.superseded, testing::ElementsAre(run_of(8, 0, 10)));
  EXPECT_THAT(journal.resumes, testing::ElementsAre(from_ns(77)));
  EXPECT_FALSE(journal.complete);
  EXPECT_EQ(journal.whole_bytes, static_cast<int64_t>(fs::file_size(path_)));
}

TEST_F(JournalFile, IsOursOnceALineSaysWhatMadeIt) {
  EXPECT_FALSE(read_journal(path_).ours());
  JournalWriter(path_).created("llmsweep 1");
  EXPECT_TRUE(read_journal(path_).ours());
  EXPECT_TRUE(read_journal(path_).head.tool.empty());
  EXPECT_FALSE(parse_journal("{\"a\": 1}\n{\"event\": \"login\", \"level\": 3}\n", "x").ours());
  EXPECT_FALSE(parse_journal("{\"event\": \"created\"}\n", "x").ours());
}

TEST_F(JournalFile, LeavesOutALastLineThatIsCutShort) {
  JournalWriter(path_).started(run_of(1, 0, 0));
  const std::string whole = read_file(path_);
  const Journal journal = parse_journal(whole + whole.substr(0, whole.size() / 2), "x");
  EXPECT_EQ(journal.runs.size(), 1u);
  EXPECT_EQ(journal.whole_bytes, static_cast<int64_t>(whole.size()));
}

TEST(Journal, RefusesWhatNoSweepWrites) {
  const auto error_of = [](const std::string& text) -> std::string {
    try {
      parse_journal(text, "sweep.jsonl");
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_THAT(error_of("{}\nx\n"), HasSubstr("sweep.jsonl:2"));
  const std::string started = R"({"event":"run_started","level":1,"repeat":0})";
  EXPECT_THAT(error_of(started + "\n" + started + "\n"), HasSubstr("starts a run twice"));
  EXPECT_THAT(error_of(R"({"event":"run_ended","level":1})"
                       "\n"),
              HasSubstr("was not started"));
  EXPECT_THAT(error_of(R"({"event":"head"})"
                       "\n"),
              HasSubstr("has no result"));
  EXPECT_EQ(error_of(R"({"event":"of a later version"})"
                     "\n"),
            "no error");
}

TEST_F(JournalFile, HasOneWriter) {
  const JournalWriter writer(path_);
  EXPECT_THROW(JournalWriter{path_}, Error);
}

TEST_F(Records, AreMarkedInPlaceAndSkippedUnlessAskedFor) {
  RequestRecord tricky = full_record();
  tricky.error = R"({"superseded":false})";
  const std::string first = record_to_jsonl({.run = {at_concurrency(1), 0}, .index = 0});
  const std::string second = record_to_jsonl(tricky);
  write_file_atomically(
      path_, first + second + record_to_jsonl({.run = {at_concurrency(1), 0}, .index = 2}));
  const ByteRange range{.begin = static_cast<int64_t>(first.size())};
  EXPECT_EQ(mark_superseded(path_, range), 2);
  EXPECT_EQ(mark_superseded(path_, range), 0);

  RecordReader counted(path_);
  EXPECT_EQ(counted.next()->index, 0u);
  EXPECT_FALSE(counted.next());
  EXPECT_EQ(counted.superseded(), 2);

  RecordReader all(path_, {.range = range, .superseded = Superseded::kInclude});
  RequestRecord marked = tricky;
  marked.superseded = true;
  EXPECT_EQ(all.next(), marked);
  EXPECT_EQ(all.next()->index, 2u);
  EXPECT_FALSE(all.next());

  RecordReader part(path_,
                    {.range = {.begin = 0, .end = range.begin}, .superseded = Superseded::kSkip});
  EXPECT_EQ(part.next()->index, 0u);
  EXPECT_FALSE(part.next());
}

TEST_F(JournalFile, ReadsBackTheClientsOfARunAndWritesAtTheStatedTime) {
  RunEntry run = run_of(4, 0, 0);
  {
    JournalWriter writer(path_, "2026-12-01T12:00:00Z");
    writer.created("llmsweep");
    writer.started(run);
    run.ended = true;
    run.clocks = RunClocks{.begin = full_result().part->clock, .end = {.monotonic_ns = 7}};
    run.clients = full_result().levels[0].runs[0].clients;
    writer.ended(run);
  }
  EXPECT_EQ(read_journal(path_).runs, std::vector{run});
  for (const std::string& line : split(read_file(path_), '\n')) {
    if (!line.empty()) {
      EXPECT_THAT(line, HasSubstr(R"("at":"2026-12-01T12:00:00Z")"));
    }
  }
}

}  // namespace
}  // namespace llmsweep
