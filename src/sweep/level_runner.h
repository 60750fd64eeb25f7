// Runs one level once: prompts, bodies, loops, records, statistics, verdict.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "llmsweep/dataset/prompts.h"
#include "llmsweep/load/load_loop.h"
#include "llmsweep/model/level.h"
#include "llmsweep/model/record.h"
#include "llmsweep/model/spec.h"
#include "llmsweep/sweep/part_plan.h"
#include "llmsweep/sweep/preflight.h"
#include "llmsweep/sweep/sweep.h"
#include "sweep/filler_supply.h"
#include "sweep/load_clients.h"
#include "sweep/record_writer.h"
#include "sweep/run_tracker.h"
#include "sweep/telemetry_recorder.h"

namespace llmsweep {

PromptPlan prompt_plan(const SweepSpec& spec, const Preflight& preflight, const std::string& nonce);

struct LevelRun {
  ClientHealth client;  // what the records do not say
  std::vector<RequestRecord> records;
  bool gave_up = false;
  bool over_budget = false;     // gave up although some still completed
  bool overran = false;         // of a part: its time in the timetable was over, and it was not
  std::optional<OpenRun> open;  // of an open loop, and of users
  std::string storage_error;    // the records are not all on disk, and why
};

// Holds what all runs of a sweep share: prompts, connections, the file of records.
class LevelRunner {
 public:
  // A loop for each of the clients, of which there is one at least. `secrets` are kept out of every
  // record. `telemetry` may be null: no page of metrics is read. `plan`: of one of several clients.
  LevelRunner(const SweepSpec& spec, const Preflight& preflight, LoadClients clients,
              Redactor secrets, const PromptSource& prompts, RecordWriter& writer,
              const Interrupts& interrupts, SweepObserver& observer,
              TelemetryRecorder* telemetry = nullptr, const std::optional<PartPlan>& plan = {});

  // Takes prompts from `first_prompt` on, prompts_of() of them. Of one of several clients it is run
  // `number` of the timetable: throws MeasurementError where its begin is over once its prompts are
  // made, and InterruptedError while it is waited for.
  LevelRun run(const RunPosition& position, int64_t first_prompt, int number = 0);
  int64_t prompts_of(const RunId& run) const;

 private:
  // What a run sends, and what makes more of it while it lasts.
  struct Made {
    Schedule schedule;
    std::vector<Prompt> prompts;
    std::vector<bool> own;  // which of them this client sends
    std::vector<std::shared_ptr<UserSession>> first_sessions;
    FillerSupply::Make more;
  };
  Made make_requests(const RunId& run, int64_t first_prompt);
  Made make_replay(const RunId& run, int64_t first_prompt);
  Made make_users(const RunId& run, int64_t first_prompt);
  // sessions[i] is of plans[i], and prompt number first_prompt + i begins it. `threads` 0: all.
  std::vector<std::shared_ptr<UserSession>> sessions_of(const std::vector<SessionPlan>& plans,
                                                        int64_t first_prompt, uint32_t first_id,
                                                        int threads) const;
  // `wanted`: of which prompts; empty: of all.
  std::vector<std::shared_ptr<const std::string>> render(
      const std::vector<Prompt>& prompts, const std::vector<bool>& wanted = {}) const;
  std::vector<SpareFillers::Request> requests_of(const std::vector<Prompt>& prompts) const;
  ChunkSink chunk_sink() const;
  void wait_for(Instant begin, const RunId& run) const;
  void tell_of_others(double busy);
  std::shared_ptr<const Tokenizer> tokenizer_of_answers() const;

  const SweepSpec& spec_;
  const Preflight& preflight_;
  const PromptSource& prompts_;
  RecordWriter& writer_;
  const Interrupts& interrupts_;
  SweepObserver& observer_;
  TelemetryRecorder* telemetry_;
  std::optional<PartPlan> plan_;  // with a timetable; absent: of the only client
  Part part_;
  bool told_of_others_ = false;
  SteadyClock clock_;
  Redactor secrets_;
  LoadClients clients_;
};

}  // namespace llmsweep
