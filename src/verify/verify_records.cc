#include "llmsweep/verify/verify_records.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <string_view>
#include <unordered_map>

#include "llmsweep/base/text.h"
#include "llmsweep/model/names.h"

namespace llmsweep {
namespace {

constexpr const char* kLost = "lost: no record of it";

std::string name_of_record(const RequestRecord& record) {
  return fmt::format("request {} of {} ({})", record.index, text_of(record.run),
                     record.response_id.empty() ? "no response id" : printable(record.response_id));
}

std::string name_of_truth(const TruthRecord& truth) {
  return fmt::format("request {} of the endpoint{}", truth.number,
                     truth.response_id.empty() ? "" : " (" + printable(truth.response_id) + ")");
}

// What a client that sees everything makes of an answer with this fault.
bool outcome_fits(const RequestRecord& record, const TruthRecord& truth, Duration tolerance) {
  const Outcome outcome = record.outcome;
  if (outcome == Outcome::kCancelled || outcome == Outcome::kTimeout) {
    // The client gave up: then the endpoint was still at it, give or take what was on its way.
    return truth.client_closed || !truth.end || !record.end ||
           *truth.end + tolerance >= *record.end;
  }
  if (truth.fault == "silent_end") return outcome == Outcome::kOk;  // whoever closes at last
  if (truth.client_closed) {
    // A client that left has not seen the end. What it cannot read it need not wait for.
    return truth.fault == "malformed_json" && outcome == Outcome::kProtocolError;
  }
  if (truth.status == 0) return outcome == Outcome::kTransportError;
  if (truth.status != 200) {
    return outcome == Outcome::kHttpError && record.http_status == truth.status;
  }
  const std::string& fault = truth.fault;
  if (fault == "reset" || fault == "truncate") return outcome == Outcome::kTransportError;
  const std::array<std::string_view, 7> broken = {
      "malformed_json", "error_event",    "missing_done", "finish_error",
      "silent_error",   "missing_result", "empty_result"};
  // [DONE] says nothing of an answer that is shorter than requested.
  const bool cut_short = fault == "done_only" && record.planned_output_tokens > truth.output_tokens;
  if (std::find(broken.begin(), broken.end(), fault) != broken.end() || cut_short ||
      (truth.output_tokens == 0 && truth.results == 0)) {
    return outcome == Outcome::kProtocolError;
  }
  // An endpoint that was stopped has cut what it was sending.
  const bool cut = fault.empty() && truth.finish_reason.empty() && truth.results == 0;
  return outcome == (cut ? Outcome::kTransportError : Outcome::kOk);
}

class Verifier {
 public:
  Verifier(const VerifyOptions& options, Verification& result)
      : options_(options), result_(result) {}

  void compare(const RequestRecord& record, const TruthRecord& truth) {
    if (!outcome_fits(record, truth, options_.tolerance)) {
      problem(record, fmt::format("the record says '{}', the endpoint did '{}'",
                                  name_of(record.outcome), did(truth)));
    }
    if (record.outcome == Outcome::kOk) {
      compare_counts(record, truth);
      compare_times(record, truth);
    } else if (record.chunks > static_cast<int64_t>(truth.chunks.size())) {
      problem(record,
              fmt::format("{} chunks recorded, {} sent", record.chunks, truth.chunks.size()));
    }
    if (!record.model.empty() && record.model != truth.model) {
      problem(record, fmt::format("model '{}' recorded, '{}' in truth", printable(record.model),
                                  printable(truth.model)));
    }
    const std::string trace_id = record.trace_id ? to_hex(record.trace_id) : "";
    if (trace_id != truth.trace_id) {
      problem(record, fmt::format("trace id '{}' recorded, '{}' in truth", trace_id,
                                  printable(truth.trace_id)));
    }
    if (record.sent && *record.sent > truth.arrival) {
      problem(record, "sent after it had arrived");
    }
  }

  void problem(const RequestRecord& record, const std::string& what) {
    result_.problems.push_back(name_of_record(record) + ": " + what);
  }
  void problem(const TruthRecord& truth, const std::string& what) {
    result_.problems.push_back(name_of_truth(truth) + ": " + what);
  }

 private:
  static std::string did(const TruthRecord& truth) {
    if (!truth.fault.empty()) return truth.fault;
    if (truth.client_closed) return "lose its client";
    return truth.status == 200 ? "ok" : fmt::format("HTTP {}", truth.status);
  }

  void equal(const RequestRecord& record, const char* what, int64_t recorded, int64_t sent) {
    if (recorded == sent) return;
    problem(record, fmt::format("{} {} recorded, {} in truth", recorded, what, sent));
  }

  void compare_counts(const RequestRecord& record, const TruthRecord& truth) {
    if (truth.stream) {
      equal(record, "chunks", record.chunks, static_cast<int64_t>(truth.chunks.size()));
    }
    // Without usage nobody can know more than the chunks.
    if (record.token_source == TokenSource::kUsage || record.token_source == TokenSource::kLimit) {
      const int64_t claimed = truth.output_tokens + (truth.fault == "wrong_usage" ? 1 : 0);
      equal(record, "output tokens", record.output_tokens, claimed);
    }
    if (record.token_source == TokenSource::kUsage && truth.hidden_tokens > 0 &&
        truth.fault.empty()) {
      equal(record, "streamed tokens", record.streamed(),
            truth.output_tokens - truth.hidden_tokens);
    }
    equal(record, "results", record.inputs, truth.results);
    if (record.input_tokens) {
      const int64_t odd = truth.fault == "odd_usage" ? truth.prompt_tokens % 2 : 0;
      equal(record, "prompt tokens", *record.input_tokens, truth.prompt_tokens + odd);
    }
    if (record.cached_tokens) {
      equal(record, "cached tokens", *record.cached_tokens, truth.cached_tokens);
    }
    result_.tokens += truth.output_tokens;
  }

  // How late `seen` is after `sent`; it cannot be early.
  double stamp_error(const RequestRecord& record, const char* what, Instant seen, Instant sent) {
    const Duration late = seen - sent;
    if (late < Duration(0)) {
      problem(record,
              fmt::format("{} is stamped {:.3f} ms before it was sent", what, -to_ms(late)));
    } else if (late > options_.tolerance) {
      problem(record, fmt::format("{} is stamped {:.3f} ms after it was sent", what, to_ms(late)));
    }
    return to_ms(late);
  }

  void compare_times(const RequestRecord& record, const TruthRecord& truth) {
    if (!record.last_token || !record.sent || truth.chunks.empty()) return;
    TimeErrors& errors = result_.errors;
    const Instant first = truth.chunks.front().sent;
    const Instant last = truth.chunks.back().sent;
    if (record.first_token) {
      errors.first_token.push_back(
          stamp_error(record, "the first token", *record.first_token, first));
      errors.ttft.push_back(to_ms((*record.first_token - *record.sent) - (first - truth.arrival)));
    }
    const char* const end = record.first_token ? "the last token" : "the answer";
    errors.last_token.push_back(stamp_error(record, end, *record.last_token, last));
    errors.e2e.push_back(to_ms((*record.last_token - *record.sent) - (last - truth.arrival)));
    const Duration request_late = truth.arrival - *record.sent;
    if (request_late > options_.tolerance) {
      problem(record, fmt::format("it is stamped as sent {:.3f} ms before it arrived",
                                  to_ms(request_late)));
    }
    errors.gaps.merge(record.icl);
    for (size_t i = 1; i < truth.chunks.size(); ++i) {
      errors.true_gaps.add(truth.chunks[i].sent - truth.chunks[i - 1].sent);
    }
  }

  const VerifyOptions& options_;
  Verification& result_;
};

// A kept connection that dies before a byte was answered: the client may send the request again, on
// a new one, and says so in the record. The endpoint then sees two requests.
bool may_be_resent(const TruthRecord& truth, const std::vector<RequestRecord>& records) {
  return truth.status == 0 &&
         std::any_of(records.begin(), records.end(), [&](const RequestRecord& record) {
           return record.reconnected && record.sent && record.end &&
                  *record.sent <= truth.arrival && truth.arrival <= *record.end;
         });
}

// The answers that carried no id, or none that the client read, and the records without one.
class ByTime {
 public:
  ByTime(std::vector<const RequestRecord*> records, Duration tolerance)
      : records_(std::move(records)), tolerance_(tolerance) {
    // Point by point the interval that ends first: that leaves most for the points to come.
    std::sort(records_.begin(), records_.end(), [](const auto* a, const auto* b) {
      return a->end.value_or(Instant::max()) < b->end.value_or(Instant::max());
    });
  }

  // A record that explains `truth`, which is then taken; or null.
  const RequestRecord* take(const TruthRecord& truth) {
    const auto find = [&](Duration after_the_end) {
      return std::find_if(records_.begin(), records_.end(), [&](const RequestRecord* record) {
        return explains(*record, truth, after_the_end);
      });
    };
    auto found = find(Duration(0));
    if (found == records_.end()) found = find(tolerance_);
    if (found == records_.end()) return nullptr;
    const RequestRecord* record = *found;
    records_.erase(found);
    return record;
  }
  const std::vector<const RequestRecord*>& left() const { return records_; }

 private:
  bool explains(const RequestRecord& record, const TruthRecord& truth,
                Duration after_the_end) const {
    if (!record.sent || *record.sent > truth.arrival) return false;
    const bool gave_up =
        record.outcome == Outcome::kCancelled || record.outcome == Outcome::kTimeout;
    // What a client sent and gave up at once may arrive later than that.
    const Duration slack = gave_up ? after_the_end : Duration(0);
    if (record.end && *record.end + slack < truth.arrival) return false;
    if (record.http_status != truth.status && !gave_up) return false;
    return outcome_fits(record, truth, tolerance_);
  }

  std::vector<const RequestRecord*> records_;  // by end
  Duration tolerance_;
};

// Index 0 is always sent, and ends before a run does; but a user may think for longer than a run.
void name_runs_without_their_first(const std::vector<RequestRecord>& records,
                                   const SweepHistory& history,
                                   std::vector<std::string>& problems) {
  std::map<RunId, bool> has_first;
  for (const RequestRecord& record : records) {
    if (record.superseded || history.was_cut(record)) continue;
    if (record.run.point.kind == LoadKind::kUsers) continue;
    has_first[record.run] |= record.index == 0;
  }
  for (const auto& [run, has] : has_first) {
    if (has) continue;
    problems.push_back(fmt::format("request 0 of {}: {}", text_of(run), kLost));
  }
}

}  // namespace

std::string text_of(const SweepHistory::Late& late) {
  return fmt::format("{:.1f} ms before {}", to_ms(late.before),
                     late.seen_kill ? "the kill" : "the last sign of life");
}

Verification verify_records(const std::vector<RequestRecord>& records, const Truth& truth_log,
                            const VerifyOptions& options) {
  Verification result;
  Verifier verifier(options, result);
  SweepHistory history = options.history;
  history.end_open_run(records, truth_log, options.window);
  result.records = static_cast<int64_t>(records.size());
  result.resumes = history.resumes();
  result.in_flight_at_most = history.slots_cut();
  std::unordered_map<std::string, const RequestRecord*> by_id;
  std::vector<const RequestRecord*> anonymous;
  // Not from its records alone: those of its beginning may be what is lost.
  std::optional<Instant> first = history.first_start();
  std::optional<Instant> last = history.last_start();
  for (const RequestRecord& record : records) {
    result.superseded += record.superseded ? 1 : 0;
    if (record.sent) first = first ? std::min(*first, *record.sent) : *record.sent;
    if (record.end) last = last ? std::max(*last, *record.end) : *record.end;
    if (record.response_id.empty()) {
      anonymous.push_back(&record);
    } else if (!by_id.emplace(record.response_id, &record).second) {
      verifier.problem(record, "a second record of the same response");
    }
  }
  std::vector<const TruthRecord*> unmatched;
  for (const TruthRecord& truth : truth_log.requests) {
    if (!first || truth.arrival < *first) {
      ++result.before;
      continue;
    }
    if (last && truth.arrival > *last && !history.may_be_cut(truth.arrival)) {
      ++result.after;
      continue;
    }
    ++result.truths;
    if (auto found = by_id.find(truth.response_id);
        !truth.response_id.empty() && found != by_id.end()) {
      ++result.by_id;
      verifier.compare(*found->second, truth);
      by_id.erase(found);
    } else if (history.is_check(truth.arrival)) {
      ++result.checks;
    } else {
      unmatched.push_back(&truth);
    }
  }
  std::sort(unmatched.begin(), unmatched.end(),
            [](const auto* a, const auto* b) { return a->arrival < b->arrival; });
  // Those first that nothing but a record can explain.
  std::stable_partition(unmatched.begin(), unmatched.end(), [&](const TruthRecord* truth) {
    return !history.may_be_cut(truth->arrival) && !may_be_resent(*truth, records);
  });
  ByTime by_time(std::move(anonymous), options.tolerance);
  std::vector<const TruthRecord*> unrecorded;
  for (const TruthRecord* truth : unmatched) {
    if (const RequestRecord* record = by_time.take(*truth)) {
      ++result.by_time;
      verifier.compare(*record, *truth);
    } else if (may_be_resent(*truth, records)) {
      ++result.resent;
    } else if (history.may_be_cut(truth->arrival)) {
      unrecorded.push_back(truth);
    } else {
      verifier.problem(*truth, kLost);
    }
  }
  const SweepHistory::Unrecorded judged =
      history.judge(unrecorded, records, truth_log, options.window);
  result.in_flight = static_cast<int64_t>(judged.in_flight.size());
  for (const auto& [truth, late] : judged.unwritten) {
    result.unwritten.push_back({name_of_truth(*truth), late});
  }
  for (const auto& [truth, late] : judged.lost) {
    verifier.problem(*truth, fmt::format("{}, and it ended {}", kLost, text_of(late)));
  }
  const auto unlogged = [&](const RequestRecord& record) {
    if (!options.window.embedded) return false;
    const auto late = history.ended_at_the_kill(record, records, truth_log, options.window);
    if (late) result.unlogged.push_back({name_of_record(record), *late});
    return late.has_value();
  };
  for (const auto& [id, record] : by_id) {
    if (!unlogged(*record)) {
      verifier.problem(*record, "invented: not in the truth log");
    }
  }
  for (const RequestRecord* record : by_time.left()) {
    const bool unseen = record->outcome == Outcome::kTransportError ||
                        record->outcome == Outcome::kTimeout ||
                        record->outcome == Outcome::kCancelled;
    if (unseen) {
      ++result.unseen;
    } else if (!unlogged(*record)) {
      verifier.problem(*record, "invented: nothing in the truth log explains it");
    }
  }
  name_runs_without_their_first(records, history, result.problems);
  const std::vector<std::string> of_runs = history.verify_runs(records);
  result.problems.insert(result.problems.end(), of_runs.begin(), of_runs.end());
  std::sort(result.problems.begin(), result.problems.end());
  return result;
}

std::vector<std::string> verify_counts(const std::vector<RequestRecord>& records,
                                       const SweepResult& result) {
  std::map<RunId, std::map<Outcome, int64_t>> recorded;
  for (const RequestRecord& record : records) {
    if (record.superseded) continue;
    auto& run = recorded[record.run];
    if (record.phase == Phase::kMeasured) ++run[record.outcome];
  }
  const auto said = [](const std::map<Outcome, int64_t>& counts) {
    std::string text;
    for (const auto& [outcome, count] : counts) {
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, name_of(outcome));
    }
    return text.empty() ? std::string("none") : text;
  };
  std::vector<std::string> problems;
  for (const LevelStats& level : result.levels) {
    for (const RunStats& run : level.runs) {
      const RunId id{level.point, run.repeat};
      const auto& found = recorded[id];
      if (found == run.requests.by_outcome) continue;
      problems.push_back(
          fmt::format("{}: result.json counts {} measured requests, the records are {}",
                      text_of(id), said(run.requests.by_outcome), said(found)));
    }
  }
  return problems;
}

}  // namespace llmsweep
