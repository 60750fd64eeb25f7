// sweep.jsonl: what a sweep knows besides its records, written while it runs. With requests.jsonl
// it is enough to make result.json anew and to go on after a kill. Lines: docs/result-format.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "llmsweep/base/clock.h"
#include "llmsweep/model/level.h"
#include "llmsweep/model/load_point.h"
#include "llmsweep/model/result.h"
#include "llmsweep/results/record_file.h"

namespace llmsweep {

// One run of a level. Runs follow one another, so a run's records are one range of bytes.
struct RunEntry {
  RunId id;
  std::string started_at;
  int64_t started_ns = 0;    // CLOCK_MONOTONIC, before its first request; 0: not known
  int64_t first_prompt = 0;  // its prompts, numbered through everything the sweep has sent
  int64_t prompts = 0;
  ByteRange lines;                        // of requests.jsonl; no end while it has not ended
  int64_t records = 0;                    // in `lines`
  ByteRange pages{.begin = 0, .end = 0};  // of telemetry.jsonl
  bool ended = false;  // its statistics can be made; else the sweep was killed in it
  bool interrupted = false;
  bool gave_up = false;
  ClientHealth client;               // what the records do not say
  std::optional<OpenRun> open;       // likewise, of an open loop
  std::optional<RunClocks> clocks;   // of one of several clients
  std::vector<ClientOfRun> clients;  // of a run that `merge` put together: by rank

  // Whether a resumed sweep keeps it. A run that was given up is started again.
  bool whole() const { return ended && !interrupted && !gave_up; }
  bool operator==(const RunEntry&) const = default;
};

struct Journal {
  std::string created_by;      // what made the folder; of an older journal: empty
  std::string spec_sha256;     // spec_hash() of the spec that was started
  SweepResult head;            // without levels
  std::vector<RunEntry> runs;  // in order of start; those that were started again are left out
  std::vector<RunEntry> superseded;  // those
  std::vector<Instant> resumes;      // when each began, before it sent anything
  bool complete = false;             // the sweep came to its end
  std::string stopped_for;           // as SweepResult::stopped_for, unless a resume began since
  int64_t prompts_used = 0;  // the first prompt that no run has taken, superseded ones included
  int64_t whole_bytes = 0;   // to the end of the last whole line

  // Whether it is a journal of llmsweep at all: other JSON lines have neither.
  bool ours() const { return !created_by.empty() || !head.tool.empty(); }
};

// Line by line. A last line that is cut short is left out; any other broken line, or one that is
// longer than 16 MiB, is an Error with its number. No file, or one without a whole line: a journal
// without a head (its tool is empty).
Journal read_journal(const std::filesystem::path& path);
Journal parse_journal(std::string_view text, const std::string& name);

// Appends, synced line by line: a line stands once the call has returned. Throws Error where the
// file cannot be opened or another process writes it, MeasurementError where a write fails. One
// thread.
class JournalWriter {
 public:
  // `at`: the time of day of every line; empty: when it is written.
  explicit JournalWriter(const std::filesystem::path& path, std::string at = {});
  ~JournalWriter();
  JournalWriter(JournalWriter&&) noexcept;
  JournalWriter& operator=(JournalWriter&&) noexcept;

  // The first line, before anything else is done in a fresh folder.
  void created(const std::string& tool);
  void resumed(Instant began);
  // The last head counts; one is written at the start and by every resume.
  void head(const SweepResult& result, const std::string& spec_sha256);
  void started(const RunEntry& run);
  void ended(const RunEntry& run);
  // The run's records are marked in requests.jsonl and it is started again.
  void superseded(const RunEntry& run);
  void complete();
  void stopped(const std::string& why);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace llmsweep
