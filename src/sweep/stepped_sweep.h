// A sweep whose runs are started one by one by whom else: one side of two (versus.cc).
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <set>
#include <vector>

#include "llmsweep/model/load_point.h"
#include "llmsweep/model/result.h"
#include "llmsweep/model/spec.h"
#include "llmsweep/sweep/sweep.h"

namespace llmsweep {

// As the spec lists them in the first, third, … repeat, the other way round in the others: what
// changes inside a round then meets each level early as often as late.
std::vector<LoadPoint> levels_of_round(const LoadSpec& load, int repeat);

class SteppedSweep {
 public:
  // Reads what the folder holds and keeps others out; sends and changes nothing. Throws Error where
  // its sweep asked for other measurements.
  SteppedSweep(const SweepSpec& spec, const std::filesystem::path& folder,
               const Interrupts& interrupts, SweepObserver& observer, const SweepOptions& options);
  ~SteppedSweep();
  SteppedSweep(const SteppedSweep&) = delete;
  SteppedSweep& operator=(const SteppedSweep&) = delete;

  bool is_complete() const;  // its sweep had ended when this was made
  std::set<RunId> whole_runs() const;
  // Asks the endpoint, once; what is returned has no levels.
  const SweepResult& check();
  // Once, after check(). Runs of `again` are started again though they are whole.
  void open(const std::vector<RunId>& again);
  int64_t next_prompt() const;
  // With prompts from `first_prompt` on, which is not before next_prompt(). False: the sweep is
  // over, stopped, lost or out of room.
  bool run(const RunId& id, int64_t first_prompt);
  // `whole`: nothing is left to measure. Without check() and open() only where is_complete().
  SweepOutcome end(bool whole);

 private:
  friend SweepOutcome run_sweep(const SweepSpec&, const std::filesystem::path&, const Interrupts&,
                                SweepObserver&, const SweepOptions&);
  class Sweep;
  std::unique_ptr<Sweep> sweep_;
};

}  // namespace llmsweep
