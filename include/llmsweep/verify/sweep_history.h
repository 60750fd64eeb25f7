// What a sweep's journal says to `verify`: which requests at the endpoint no record can explain
// because the sweep was killed and resumed, and how many records each run has to have.
//
// A killed run has no record of a request that was in flight, of which each of its slots had at
// most one, nor of one that ended so shortly before the kill that its record was not written yet:
// kLongestUnwritten and what the host may add. The kill is the instant at which the endpoint saw
// the connections break. An endpoint that died with the sweep cannot have seen it, but says that it
// lived some time longer than its last answer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "llmsweep/base/clock.h"
#include "llmsweep/load/load_loop.h"
#include "llmsweep/model/load_point.h"
#include "llmsweep/model/record.h"
#include "llmsweep/results/journal.h"
#include "llmsweep/simulator/truth.h"

namespace llmsweep {

// What may be missing at a kill.
struct KillWindow {
  // The read that sees an answer's end, the thread that writes its record and the endpoint that
  // notices the broken connection each have to get a CPU.
  static constexpr Duration kMargin = std::chrono::milliseconds(20);

  Duration width = kLongestUnwritten + kMargin;
  bool embedded = false;  // the endpoint was a part of the sweep and died with it
};

class SweepHistory {
 public:
  SweepHistory() = default;  // nothing is known: a sweep in one piece
  explicit SweepHistory(const Journal& journal);

  // When the first and the last of its runs began, as far as the journal says. The checks that a
  // start makes come before that.
  std::optional<Instant> first_start() const { return first_start_; }
  std::optional<Instant> last_start() const { return last_start_; }
  int64_t resumes() const { return static_cast<int64_t>(resumes_.size()); }
  // Of the runs that were cut short: no more requests than that can have been in flight.
  int64_t slots_cut() const;
  // Arrived after a resume began and before its first run: one of the checks that a start makes.
  bool is_check(Instant arrival) const;
  // Arrived while a run was under way that was cut short.
  bool may_be_cut(Instant arrival) const { return cut_run_at(arrival) != nullptr; }
  // Whether its run, superseded or not, was cut short.
  bool was_cut(const RequestRecord& record) const;

  // A killed run that was not resumed ends where the endpoint saw its client go: what came to the
  // endpoint later is not the run's. Before the questions above.
  void end_open_run(const std::vector<RequestRecord>& records, const Truth& truth,
                    const KillWindow& window);

  // How long before the kill an answer had ended.
  struct Late {
    Duration before{};
    bool seen_kill = true;  // else `before` is counted to the last sign of life
  };
  struct Unrecorded {
    std::vector<const TruthRecord*> in_flight;                   // when the sweep was killed
    std::vector<std::pair<const TruthRecord*, Late>> unwritten;  // ended in the window before that
    std::vector<std::pair<const TruthRecord*, Late>> lost;       // neither
  };
  // Judges requests without a record for which may_be_cut() holds.
  Unrecorded judge(const std::vector<const TruthRecord*>& unrecorded,
                   const std::vector<RequestRecord>& records, const Truth& truth,
                   const KillWindow& window) const;

  // Of a record that is in no log of an embedded endpoint: how long before the kill its request
  // ended, where it is of a run that was cut short and in the window.
  std::optional<Late> ended_at_the_kill(const RequestRecord& record,
                                        const std::vector<RequestRecord>& records,
                                        const Truth& truth, const KillWindow& window) const;

  // A problem for each run that ended with another number of records, fillers included, than there
  // are. `records` have the superseded ones too.
  std::vector<std::string> verify_runs(const std::vector<RequestRecord>& records) const;

 private:
  struct CutRun {
    RunId id;
    bool superseded = false;
    int64_t most_in_flight = 0;
    Instant started{};
    Instant until{};  // the resume that follows
  };
  // When the sweep was killed in `run`. Not seen: that it lived at least until then.
  struct Kill {
    Instant at{};
    bool seen = false;
  };
  const CutRun* cut_run_at(Instant arrival) const;
  static Instant last_end(const CutRun& run, const std::vector<RequestRecord>& records);
  static Instant last_life(const CutRun& run, const std::vector<RequestRecord>& records,
                           const Truth& truth, bool embedded);
  static Kill kill_of(const CutRun& run, const std::vector<RequestRecord>& records,
                      const Truth& truth, const KillWindow& window);

  std::optional<Instant> first_start_, last_start_;
  std::vector<Instant> resumes_;
  std::vector<Instant> first_runs_;  // first_runs_[i]: of resumes_[i]; where none, the next resume
  std::vector<CutRun> cut_;
  std::vector<RunEntry> ended_, ended_superseded_;
};

}  // namespace llmsweep
