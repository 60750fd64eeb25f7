#include "llmsweep/verify/sweep_history.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

namespace llmsweep {
namespace {

bool cut_by_the_kill(const TruthRecord& truth) {
  return truth.client_closed || !truth.end;
}

// How long after the client closed a connection the endpoint may have seen it.
constexpr Duration kNoticed = std::chrono::milliseconds(20);

// Those whose connection the client closed, alive.
std::vector<const RequestRecord*> records_given_up(const std::vector<RequestRecord>& records) {
  std::vector<const RequestRecord*> given_up;
  for (const RequestRecord& record : records) {
    if (record.outcome != Outcome::kOk && record.sent && record.end) given_up.push_back(&record);
  }
  return given_up;
}

bool left_on_purpose(const TruthClosing& closing,
                     const std::vector<const RequestRecord*>& given_up) {
  return std::any_of(given_up.begin(), given_up.end(), [&](const RequestRecord* record) {
    if (!record->response_id.empty()) return record->response_id == closing.last_response_id;
    return *record->sent <= closing.last_arrival && *record->end <= closing.at &&
           closing.at <= *record->end + kNoticed;
  });
}

// A slot has one request in flight; an open loop has as many as its guard allows.
int64_t most_in_flight(const RunId& run, const std::string& spec_json) {
  if (run.point.is_closed()) return run.point.slots();
  using Json = nlohmann::json;
  const Json spec = Json::parse(spec_json, nullptr, false);
  const Json::json_pointer guard("/load/max_in_flight");
  const bool stated = spec.is_object() && spec.contains(guard) && spec[guard].is_number_integer();
  return stated ? spec[guard].get<int64_t>() : LoadSpec{}.max_in_flight;
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
    if (run.started_ns > 0) {
      first_start_ = std::min(first_start_.value_or(started), started);
      last_start_ = std::max(last_start_.value_or(started), started);
    }
    for (size_t i = 0; i < resumes_.size(); ++i) {
      if (started > resumes_[i]) first_runs_[i] = std::min(first_runs_[i], started);
    }
    if (run.ended) {
      (superseded ? ended_superseded_ : ended_).push_back(run);
    } else {
      cut_.push_back({.id = run.id,
                      .superseded = superseded,
                      .most_in_flight = most_in_flight(run.id, journal.head.spec_json),
                      .started = started,
                      .until = resume_after(started)});
    }
  };
  for (const RunEntry& run : journal.superseded) add(run, true);
  for (const RunEntry& run : journal.runs) add(run, false);
}

int64_t SweepHistory::slots_cut() const {
  int64_t slots = 0;
  for (const CutRun& run : cut_) slots += run.most_in_flight;
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
    return cut.id == record.run && cut.superseded == record.superseded;
  });
}

Instant SweepHistory::last_end(const CutRun& run, const std::vector<RequestRecord>& records) {
  Instant last = run.started;
  for (const RequestRecord& record : records) {
    if (record.end && *record.end < run.until) last = std::max(last, *record.end);
  }
  return last;
}

// The last instant at which the sweep is known to have lived while `run` was under way.
Instant SweepHistory::last_life(const CutRun& run, const std::vector<RequestRecord>& records,
                                const Truth& truth, bool embedded) {
  Instant last = last_end(run, records);
  const auto lived = [&](Instant at) {
    if (at >= run.started && at < run.until) last = std::max(last, at);
  };
  for (const TruthRecord& request : truth.requests) {
    lived(request.arrival);
    if (embedded && request.end) lived(*request.end);
  }
  if (embedded) std::for_each(truth.alive.begin(), truth.alive.end(), lived);
  return last;
}

SweepHistory::Kill SweepHistory::kill_of(const CutRun& run,
                                         const std::vector<RequestRecord>& records,
                                         const Truth& truth, const KillWindow& window) {
  Kill kill{.at = last_life(run, records, truth, window.embedded)};
  if (window.embedded) return kill;
  const std::vector<const RequestRecord*> given_up = records_given_up(records);
  const Instant lived = kill.at;
  const auto broke = [&](Instant at) {
    if (at < lived || at >= run.until) return;
    kill = {.at = kill.seen ? std::max(kill.at, at) : at, .seen = true};
  };
  for (const TruthClosing& closing : truth.closings) {
    if (closing.last_arrival < run.started || closing.at < lived) continue;
    if (!left_on_purpose(closing, given_up)) broke(closing.at);
  }
  return kill;
}

void SweepHistory::end_open_run(const std::vector<RequestRecord>& records, const Truth& truth,
                                const KillWindow& window) {
  if (window.embedded) return;
  for (CutRun& run : cut_) {
    if (run.until != Instant::max()) continue;
    const Instant last = last_end(run, records);
    const std::vector<const RequestRecord*> given_up = records_given_up(records);
    Instant gone = Instant::max();
    for (const TruthClosing& closing : truth.closings) {
      if (closing.at < last || closing.last_arrival < run.started) continue;
      if (!left_on_purpose(closing, given_up)) gone = std::min(gone, closing.at);
    }
    run.until = (gone == Instant::max() ? last : gone) + window.width;
  }
}

std::optional<SweepHistory::Late> SweepHistory::ended_at_the_kill(
    const RequestRecord& record, const std::vector<RequestRecord>& records, const Truth& truth,
    const KillWindow& window) const {
  const CutRun* run = record.sent ? cut_run_at(*record.sent) : nullptr;
  if (run == nullptr || !record.end) return std::nullopt;
  const Kill kill = kill_of(*run, records, truth, window);
  const Late late{.before = std::max(Duration(0), kill.at - *record.end), .seen_kill = kill.seen};
  return late.before <= window.width ? std::optional(late) : std::nullopt;
}

SweepHistory::Unrecorded SweepHistory::judge(const std::vector<const TruthRecord*>& unrecorded,
                                             const std::vector<RequestRecord>& records,
                                             const Truth& truth, const KillWindow& window) const {
  Unrecorded judged;
  for (const CutRun& run : cut_) {
    const Kill kill = kill_of(run, records, truth, window);
    const auto late = [&kill](const TruthRecord& request) {
      const Instant end = request.end.value_or(kill.at);
      return Late{.before = std::max(Duration(0), kill.at - end), .seen_kill = kill.seen};
    };
    std::vector<const TruthRecord*> cut;
    for (const TruthRecord* request : unrecorded) {
      if (cut_run_at(request->arrival) != &run) continue;
      const Late before = late(*request);
      if (before.before > window.width) {
        judged.lost.emplace_back(request, before);
      } else if (cut_by_the_kill(*request)) {
        cut.push_back(request);
      } else {
        judged.unwritten.emplace_back(request, before);
      }
    }
    // The last to lose its client first.
    std::sort(cut.begin(), cut.end(), [](const auto* a, const auto* b) {
      return a->end.value_or(Instant::max()) > b->end.value_or(Instant::max());
    });
    const size_t slots = std::min(cut.size(), static_cast<size_t>(run.most_in_flight));
    judged.in_flight.insert(judged.in_flight.end(), cut.begin(),
                            cut.begin() + static_cast<std::ptrdiff_t>(slots));
    for (size_t i = slots; i < cut.size(); ++i) judged.lost.emplace_back(cut[i], late(*cut[i]));
  }
  return judged;
}

std::vector<std::string> SweepHistory::verify_runs(
    const std::vector<RequestRecord>& records) const {
  using Key = std::pair<RunId, bool>;  // and whether it was superseded
  std::map<Key, int64_t> written;
  for (const RunEntry& run : ended_) written[{run.id, false}] += run.records;
  for (const RunEntry& run : ended_superseded_) written[{run.id, true}] += run.records;
  for (const CutRun& run : cut_) written.erase({run.id, run.superseded});
  std::map<Key, int64_t> found;
  for (const RequestRecord& record : records) ++found[{record.run, record.superseded}];
  std::vector<std::string> problems;
  for (const auto& [key, count] : written) {
    const auto& [run, superseded] = key;
    if (found[key] == count) continue;
    problems.push_back(fmt::format("{}{}: {} records were written, {} are there", text_of(run),
                                   superseded ? " (superseded)" : "", count, found[key]));
  }
  return problems;
}

}  // namespace llmsweep
