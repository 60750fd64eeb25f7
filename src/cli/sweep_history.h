// What a sweep's journal says to `verify`: which requests at the endpoint no record can explain
// because the sweep was killed and resumed, and how many records each run has to have.
//
// A killed run has no record of a request that was in flight, of which each of its slots had at
// most one, nor of one that ended so shortly before the kill that its record was not written yet.
// Records are written in the order in which requests end: neither ended before the last record's.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "llmsweep/base/clock.h"
#include "llmsweep/model/record.h"
#include "llmsweep/results/journal.h"
#include "llmsweep/simulator/truth.h"

namespace llmsweep {

class SweepHistory {
 public:
  SweepHistory() = default;  // nothing is known: a sweep in one piece
  explicit SweepHistory(const Journal& journal);

  int64_t resumes() const { return static_cast<int64_t>(resumes_.size()); }
  // Slots of the runs that were cut short: no more requests than that can have been in flight.
  int64_t slots_cut() const;
  // Arrived after a resume began and before its first run: one of the checks that a start makes.
  bool is_check(Instant arrival) const;
  // Arrived while a run was under way that was cut short.
  bool may_be_cut(Instant arrival) const { return cut_run_at(arrival) != nullptr; }
  // Whether the run of this level and repeat, superseded or not, was cut short.
  bool was_cut(const RequestRecord& record) const;

  struct Unrecorded {
    std::vector<const TruthRecord*> in_flight;  // when the sweep was killed
    std::vector<const TruthRecord*> unwritten;  // ended within the tolerance before that
    std::vector<const TruthRecord*> lost;       // neither
  };
  // Judges requests without a record for which may_be_cut() holds.
  Unrecorded judge(const std::vector<const TruthRecord*>& unrecorded,
                   const std::vector<RequestRecord>& records, Duration tolerance) const;

  // Whether the record is of a run that was cut short, and of a request that ended within
  // `tolerance` before the last one that the run has a record of.
  bool ended_at_the_kill(const RequestRecord& record, const std::vector<RequestRecord>& records,
                         Duration tolerance) const;

  // A problem for each run that ended with another number of records, fillers included, than there
  // are. `records` have the superseded ones too.
  std::vector<std::string> verify_runs(const std::vector<RequestRecord>& records) const;

 private:
  struct CutRun {
    int level = 0;
    int repeat = 0;
    bool superseded = false;
    Instant started{};
    Instant until{};  // the resume that follows
  };
  const CutRun* cut_run_at(Instant arrival) const;
  static Instant last_end(const CutRun& run, const std::vector<RequestRecord>& records);

  std::vector<Instant> resumes_;
  std::vector<Instant> first_runs_;  // first_runs_[i]: of resumes_[i]; where none, the next resume
  std::vector<CutRun> cut_;
  std::vector<RunEntry> ended_, ended_superseded_;
};

}  // namespace llmsweep
