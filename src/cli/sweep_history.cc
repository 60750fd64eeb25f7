#include "cli/sweep_history.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

namespace llmsweep {
namespace {

bool cut_by_the_kill(const TruthRecord& truth) {
  return truth.client_closed || !truth.end;
}

}  // namespace

SweepHistory::SweepHistory(const Journal& journal) : resumes_(journal.resumes) {
  const auto resume_after = [&](Instant instant) {
    const auto next = std::find_if(resumes_.begin(), resumes_.end(),
                                   [&](Instant resume) { return resume > instant; });
    return next == resumes_.end() ? Instant::max() : *next;
  };
  for (const Instant resume : resumes_) first_runs_.push_back(resume_after(resume));
  const auto add = [&](const RunEntry& run, bool superseded) {
    const Instant started = from_ns(run.started_ns);
    for (size_t i = 0; i < resumes_.size(); ++i) {
      if (started > resumes_[i]) first_runs_[i] = std::min(first_runs_[i], started);
    }
    if (run.ended) {
      (superseded ? ended_superseded_ : ended_).push_back(run);
    } else {
      cut_.push_back({.level = run.level,
                      .repeat = run.repeat,
                      .superseded = superseded,
                      .started = started,
                      .until = resume_after(started)});
    }
  };
  for (const RunEntry& run : journal.superseded) add(run, true);
  for (const RunEntry& run : journal.runs) add(run, false);
}

int64_t SweepHistory::slots_cut() const {
  int64_t slots = 0;
  for (const CutRun& run : cut_) slots += run.level;
  return slots;
}

bool SweepHistory::is_check(Instant arrival) const {
  for (size_t i = 0; i < resumes_.size(); ++i) {
    if (arrival >= resumes_[i] && arrival < first_runs_[i]) return true;
  }
  return false;
}

const SweepHistory::CutRun* SweepHistory::cut_run_at(Instant arrival) const {
  const auto run = std::find_if(cut_.begin(), cut_.end(), [&](const CutRun& cut) {
    return arrival >= cut.started && arrival < cut.until;
  });
  return run == cut_.end() ? nullptr : &*run;
}

bool SweepHistory::was_cut(const RequestRecord& record) const {
  return std::any_of(cut_.begin(), cut_.end(), [&](const CutRun& cut) {
    return cut.level == record.level && cut.repeat == record.repeat &&
           cut.superseded == record.superseded;
  });
}

Instant SweepHistory::last_end(const CutRun& run, const std::vector<RequestRecord>& records) {
  Instant last = run.started;
  for (const RequestRecord& record : records) {
    if (record.end && *record.end < run.until) last = std::max(last, *record.end);
  }
  return last;
}

bool SweepHistory::ended_at_the_kill(const RequestRecord& record,
                                     const std::vector<RequestRecord>& records,
                                     Duration tolerance) const {
  const CutRun* run = record.sent ? cut_run_at(*record.sent) : nullptr;
  return run != nullptr && record.end && *record.end + tolerance >= last_end(*run, records);
}

SweepHistory::Unrecorded SweepHistory::judge(const std::vector<const TruthRecord*>& unrecorded,
                                             const std::vector<RequestRecord>& records,
                                             Duration tolerance) const {
  Unrecorded judged;
  for (const CutRun& run : cut_) {
    const Instant last_record = last_end(run, records);
    std::vector<const TruthRecord*> cut;
    std::vector<const TruthRecord*> ended;
    for (const TruthRecord* truth : unrecorded) {
      if (cut_run_at(truth->arrival) != &run) continue;
      const Instant end = truth->end.value_or(Instant::max());
      if (end < last_record - tolerance) {
        judged.lost.push_back(truth);
      } else {
        (cut_by_the_kill(*truth) ? cut : ended).push_back(truth);
      }
    }
    // The last to lose its client first: one slot has one request in flight.
    std::sort(cut.begin(), cut.end(), [](const auto* a, const auto* b) {
      return a->end.value_or(Instant::max()) > b->end.value_or(Instant::max());
    });
    const size_t slots = std::min(cut.size(), static_cast<size_t>(run.level));
    const auto surplus = cut.begin() + static_cast<std::ptrdiff_t>(slots);
    judged.in_flight.insert(judged.in_flight.end(), cut.begin(), surplus);
    judged.lost.insert(judged.lost.end(), surplus, cut.end());

    std::optional<Instant> kill;  // when the first connection went
    for (auto truth = cut.begin(); truth != surplus; ++truth) {
      if ((*truth)->end) kill = std::min(kill.value_or(Instant::max()), *(*truth)->end);
    }
    if (!kill) {
      for (const TruthRecord* truth : ended)
        kill = std::max(kill.value_or(*truth->end), *truth->end);
    }
    for (const TruthRecord* truth : ended) {
      (*truth->end + tolerance >= *kill ? judged.unwritten : judged.lost).push_back(truth);
    }
  }
  return judged;
}

std::vector<std::string> SweepHistory::verify_runs(
    const std::vector<RequestRecord>& records) const {
  using Key = std::tuple<int, int, bool>;  // level, repeat, superseded
  std::map<Key, int64_t> written;
  for (const RunEntry& run : ended_) written[{run.level, run.repeat, false}] += run.records;
  for (const RunEntry& run : ended_superseded_) {
    written[{run.level, run.repeat, true}] += run.records;
  }
  for (const CutRun& run : cut_) written.erase({run.level, run.repeat, run.superseded});
  std::map<Key, int64_t> found;
  for (const RequestRecord& record : records) {
    ++found[{record.level, record.repeat, record.superseded}];
  }
  std::vector<std::string> problems;
  for (const auto& [key, count] : written) {
    const auto& [level, repeat, superseded] = key;
    if (found[key] == count) continue;
    problems.push_back(fmt::format("level {}, repeat {}{}: {} records were written, {} are there",
                                   level, repeat, superseded ? " (superseded)" : "", count,
                                   found[key]));
  }
  return problems;
}

}  // namespace llmsweep
