#include "sweep/sweep_store.h"

#include <fmt/format.h>

#include <algorithm>

#include "llmsweep/base/clock.h"
#include "llmsweep/base/error.h"
#include "llmsweep/base/regular_file.h"
#include "llmsweep/base/text.h"
#include "llmsweep/base/version.h"
#include "llmsweep/results/power_file.h"
#include "llmsweep/results/record_file.h"
#include "llmsweep/simulator/truth.h"
#include "llmsweep/spec/spec_file.h"
#include "llmsweep/sweep/sweep_folder.h"
#include "sweep/record_check.h"

namespace llmsweep {
namespace fs = std::filesystem;
namespace {

// Cuts a last line that has no newline: it was being written when the sweep was killed. Returns its
// bytes.
int64_t cut_broken_line(const fs::path& path) {
  if (!there_is(path)) return 0;
  const int64_t whole = end_of_whole_lines(path);
  const int64_t broken = size_of_file(path) - whole;
  if (broken > 0) cut_file(path, whole);
  return broken;
}

int64_t size_or_none(const fs::path& path) {
  return there_is(path) ? size_of_file(path) : 0;
}

// What a kill left of files that were being replaced (write_file_atomically()).
void remove_fragments(const fs::path& folder) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename();
    for (const char* replaced : {"result.json", "report.html", "figure.svg"}) {
      const bool fragment = name.starts_with(std::string(replaced) + ".tmp-");
      if (fragment && is_file(entry.path())) fs::remove(entry.path(), ignored);
    }
  }
}

void refuse_other_workload(const SweepResult& recorded, const SweepResult& now,
                           const fs::path& folder) {
  std::string what;
  if (recorded.model != now.model) {
    what = fmt::format("the endpoint serves the model '{}', the sweep measured '{}'",
                       printable(now.model), printable(recorded.model));
  } else if (recorded.workload.prompt_set_sha256 != now.workload.prompt_set_sha256) {
    what =
        "the prompts are others than before: the dataset, the images, the tokenizer or the "
        "endpoint's chat template have changed";
  }
  const auto hash_of = [](const SweepResult& result) {
    return result.trace ? result.trace->sha256 : std::string();
  };
  if (hash_of(recorded) != hash_of(now)) what = "the trace's file is another than before";
  if (what.empty()) return;
  throw Error({.what = std::move(what),
               .where = folder.string(),
               .next = "start a sweep of its own, without --resume"});
}

// What changed between the process that started the sweep and this one.
void note_changes(const SweepResult& recorded, const SweepResult& now,
                  std::vector<std::string>& notes) {
  const auto changed = [&](const char* what, const std::string& before, const std::string& after) {
    if (before == after) return;
    notes.push_back(fmt::format("since the resume: {} {} instead of {}", what, printable(after),
                                printable(before)));
  };
  changed("tool", recorded.tool, now.tool);
  changed("host", recorded.provenance.host, now.provenance.host);
  changed("kernel", recorded.provenance.kernel, now.provenance.kernel);
  changed("libcurl", recorded.provenance.libcurl, now.provenance.libcurl);
  if (!now.simulated) {
    changed("address", recorded.provenance.resolved_address, now.provenance.resolved_address);
  }
  changed("dropped request fields", join(recorded.provenance.dropped_fields, " "),
          join(now.provenance.dropped_fields, " "));
}

// What was planned stands, since it has been looked at; more looks than that have no end.
std::optional<GateLooks> looks_after(std::optional<GateLooks> before,
                                     const std::optional<GateLooks>& now) {
  if (!before) return now;
  if (now && now->last > before->last) before->endless = true;
  return before;
}

}  // namespace

SweepStore::SweepStore(const fs::path& folder)
    : folder_(folder),
      fresh_(!there_is(folder / "sweep.jsonl")),
      made_(folder, fresh_),
      writer_(checked_journal(folder, fresh_)),
      journal_(read_journal(folder / "sweep.jsonl")) {
  if (there_is(requests())) {
    if (!resumed() && size_of_file(requests()) > 0) {
      throw Error({.what = "holds requests, but no journal of the sweep that made them",
                   .where = folder.string(),
                   .next = "only a sweep with its sweep.jsonl can be resumed"});
    }
  }
  require_records_of(journal_, requests());
  if (fresh_) writer_.created(std::string("llmsweep ") + version());
}

// Before anything that a resume does is done, and once more after the lock: nobody else writes it
// then.
JournalWriter SweepStore::checked_journal(const fs::path& folder, bool fresh) {
  if (!fresh) require_sweep_folder(folder);
  return JournalWriter(folder / "sweep.jsonl");
}

SweepStore::Made::Made(const fs::path& folder, bool fresh) {
  if (!fresh) return;
  const fs::path truth = folder / "truth.jsonl";
  for (const fs::path& file : {folder / "sweep.jsonl", truth, signs_beside(truth)}) {
    if (!there_is(file)) files_.push_back(file);
  }
}

SweepStore::Made::~Made() {
  std::error_code ignored;
  for (const fs::path& file : files_) fs::remove(file, ignored);
}

void SweepStore::check_same_spec(const SweepSpec& spec) const {
  if (journal_.spec_sha256 == spec_hash(spec, journal_.head.spec_json)) return;
  const std::vector<std::string> differences =
      spec_differences(journal_.head.spec_json, spec_to_json(spec));
  throw Error(
      {.what = "the sweep asked for other measurements than this spec: " +
               (differences.empty() ? "a file that it names is another" : join(differences, "; ")),
       .where = folder_.string(),
       .next = "give the spec that it was started with; docs/spec.md lists the keys that "
               "may change"});
}

void SweepStore::begin() {
  if (fresh_) return;
  cut_file(folder_ / "sweep.jsonl", journal_.whole_bytes);
  if (resumed()) writer_.resumed(SteadyClock().now());
  cut_broken_line(folder_ / "truth.jsonl");
  cut_broken_line(telemetry());
  cut_broken_line(signs_beside(folder_ / "truth.jsonl"));
  remove_fragments(folder_);
}

void SweepStore::open(const SweepSpec& spec, SweepResult& result) {
  if (resumed()) {
    refuse_other_workload(journal_.head, result, folder_);
    SweepResult recorded = journal_.head;
    std::vector<std::string> notes;
    supersede_broken_runs(notes);
    notes.insert(notes.begin(), fmt::format("resumed {} on {}: {} of {} runs kept", utc_timestamp(),
                                            printable(result.provenance.host), journal_.runs.size(),
                                            result.planned_runs));
    note_changes(recorded, result, notes);
    recorded.name = result.name;
    recorded.spec_json = result.spec_json;
    recorded.planned_runs = result.planned_runs;
    recorded.interrupted = true;
    recorded.stopped_for.clear();
    recorded.looks = looks_after(recorded.looks, result.looks);
    recorded.provenance.notes.insert(recorded.provenance.notes.end(), notes.begin(), notes.end());
    result = std::move(recorded);
  }
  writer_.head(result, spec_hash(spec));
  made_.keep();
}

void SweepStore::supersede_broken_runs(std::vector<std::string>& notes) {
  if (const int64_t cut = cut_broken_line(requests()); cut > 0) {
    notes.push_back(fmt::format("a last line of {} bytes was cut short by the kill", cut));
  }
  const auto broken = std::stable_partition(
      journal_.runs.begin(), journal_.runs.end(),
      [this](const RunEntry& run) { return run.whole() && !again_.contains(run.id); });
  for (auto run = broken; run != journal_.runs.end(); ++run) {
    const int64_t marked = mark(*run);
    notes.push_back(fmt::format(
        "{} {}: started again, its {} records are marked superseded", text_of(run->id),
        run->whole() ? "is half of a pair that did not come to its end" : "did not come to its end",
        marked));
  }
  journal_.runs.erase(broken, journal_.runs.end());
}

int64_t SweepStore::mark(const RunEntry& run) {
  int64_t marked = 0;
  if (there_is(requests())) {
    const ByteRange lines = run.ended ? run.lines : ByteRange{.begin = run.lines.begin};
    marked = mark_superseded(requests(), lines);
  }
  writer_.superseded(run);
  return marked;
}

void SweepStore::supersede(const RunId& id) {
  const auto run = std::find_if(journal_.runs.begin(), journal_.runs.end(),
                                [&](const RunEntry& entry) { return entry.id == id; });
  if (run == journal_.runs.end()) return;
  mark(*run);
  journal_.runs.erase(run);
}

bool SweepStore::has(const RunId& id) const {
  return std::any_of(journal_.runs.begin(), journal_.runs.end(),
                     [&](const RunEntry& run) { return run.id == id; });
}

void SweepStore::start_again(const std::vector<RunId>& runs) {
  again_.insert(runs.begin(), runs.end());
}

RunEntry SweepStore::start(const RunId& id, int64_t prompts, int64_t first_prompt) {
  journal_.prompts_used = std::max(journal_.prompts_used, first_prompt);
  const int64_t started_ns = to_ns(SteadyClock().now());
  RunEntry run{.id = id,
               .started_at = utc_timestamp(realtime_minus_monotonic() + Duration(started_ns)),
               .started_ns = started_ns,
               .first_prompt = journal_.prompts_used,
               .prompts = prompts};
  run.lines.begin = size_of_file(requests());
  run.pages.begin = size_or_none(telemetry());
  run.pages.end = run.pages.begin;
  writer_.started(run);
  journal_.prompts_used += prompts;
  return run;
}

void SweepStore::end(RunEntry run, std::vector<RequestRecord> records, std::string& storage_error) {
  run.ended = true;
  run.records = static_cast<int64_t>(records.size());
  if (storage_error.empty()) {
    try {
      run.lines.end = size_of_file(requests());
      run.pages.end = size_or_none(telemetry());
      writer_.ended(run);
    } catch (const std::exception& error) {
      storage_error = error.what();
    }
  }
  if (!storage_error.empty()) unsaved_[run.id] = std::move(records);
  journal_.runs.push_back(std::move(run));
}

void SweepStore::complete() {
  writer_.complete();
}

RunFiles SweepStore::files() const {
  return {.records =
              [this, from_file = records_in(requests())](const RunEntry& run) {
                const auto unsaved = unsaved_.find(run.id);
                return unsaved != unsaved_.end() ? unsaved->second : from_file(run);
              },
          .pages = pages_in(telemetry()),
          .meter = read_power_readings(folder_ / kMeterFile)};
}

}  // namespace llmsweep
