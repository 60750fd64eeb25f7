// The files of a sweep while it runs: which runs are on disk, and where their records are. Going on
// with a folder that a sweep left is the same as starting, with runs that are there already.
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "llmsweep/model/load_point.h"
#include "llmsweep/model/record.h"
#include "llmsweep/model/result.h"
#include "llmsweep/model/spec.h"
#include "llmsweep/results/journal.h"
#include "sweep/summary.h"

namespace llmsweep {

class SweepStore {
 public:
  // Reads what the folder holds and keeps other processes out. A folder without a journal is taken
  // as a fresh one, which gets one. Throws Error where it has one that is not ours, or files that
  // are not, or whose records are not those of its journal; nothing was changed then.
  explicit SweepStore(const std::filesystem::path& folder);
  SweepStore(const SweepStore&) = delete;
  SweepStore& operator=(const SweepStore&) = delete;

  bool resumed() const { return !journal_.head.tool.empty(); }
  const SweepResult& head() const { return journal_.head; }
  bool was_complete() const { return journal_.complete; }
  std::filesystem::path requests() const { return folder_ / "requests.jsonl"; }
  std::filesystem::path telemetry() const { return folder_ / "telemetry.jsonl"; }
  // Throws Error naming each difference where the folder's sweep asked for other measurements.
  void check_same_spec(const SweepSpec& spec) const;

  // Before open(): these runs are started again though they ended.
  void start_again(const std::vector<RunId>& runs);
  // Before anything is sent: where it is a resume, writes down that it begins, and cuts the journal
  // and the simulated endpoint's log to whole lines and removes what a kill left half replaced.
  void begin();
  // `result` describes the sweep that is about to measure. Where the folder holds one already it
  // becomes that one's, with what it kept and what changed since then in its notes; its runs that
  // did not end are superseded. Throws Error where the endpoint now serves something else.
  void open(const SweepSpec& spec, SweepResult& result);

  bool has(const RunId& id) const;
  // The first prompt that no run has taken.
  int64_t next_prompt() const { return journal_.prompts_used; }
  // Takes prompts from next_prompt() on, or from `first_prompt`, which is not before it.
  RunEntry start(const RunId& id, int64_t prompts, int64_t first_prompt = 0);
  // After the last record was written. Where writing failed, now or before, `storage_error` says
  // why and the run's records stay in memory instead.
  void end(RunEntry run, std::vector<RequestRecord> records, std::string& storage_error);
  // A run that ended counts for nothing any more, and may be started again. Throws Error where its
  // records cannot be marked.
  void supersede(const RunId& id);
  void complete();
  void stopped(const std::string& why) { writer_.stopped(why); }
  const std::vector<RunEntry>& runs() const { return journal_.runs; }
  RunFiles files() const;

 private:
  // What is made in a fresh folder does not stay where the sweep never got its head, whatever
  // threw.
  class Made {
   public:
    Made(const std::filesystem::path& folder, bool fresh);
    ~Made();
    Made(const Made&) = delete;
    Made& operator=(const Made&) = delete;
    void keep() { files_.clear(); }

   private:
    std::vector<std::filesystem::path> files_;  // that were not there
  };

  static JournalWriter checked_journal(const std::filesystem::path& folder, bool fresh);
  void supersede_broken_runs(std::vector<std::string>& notes);
  int64_t mark(const RunEntry& run);  // as superseded: its records, and in the journal

  std::filesystem::path folder_;
  bool fresh_;  // there was no journal
  Made made_;
  JournalWriter writer_;
  Journal journal_;
  std::set<RunId> again_;
  std::map<RunId, std::vector<RequestRecord>> unsaved_;
};

}  // namespace llmsweep
