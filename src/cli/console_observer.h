// Shows a sweep on stderr: a live view on a terminal, plain lines elsewhere.
#pragma once

#include <string>

#include "cli/console.h"
#include "llmsweep/base/interrupt.h"
#include "llmsweep/report/progress.h"
#include "llmsweep/report/table.h"
#include "llmsweep/sweep/sweep.h"

namespace llmsweep {

class ConsoleObserver final : public SweepObserver {
 public:
  // `resume`: the command that goes on after an interrupt, which `interrupts` counts.
  ConsoleObserver(Console& console, bool quiet, const Interrupts& interrupts, std::string resume);

  void note(const std::string& line) override;
  void planned(const PlannedLoad& load) override;
  void progress(const LevelProgress& progress, Instant now) override;
  void run_finished(const LevelStats& level) override { run_finished({}, level); }
  // `label` stands before the level's line: one of two sides.
  void run_finished(const std::string& label, const LevelStats& level);

 private:
  void say_what_an_interrupt_does();
  void follow_the_window();

  bool live_;
  TableStyle style_;
  LiveView view_;
  bool quiet_;
  const Interrupts& interrupts_;
  std::string resume_;
  bool told_ = false;
};

}  // namespace llmsweep
