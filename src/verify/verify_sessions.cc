#include "llmsweep/verify/verify_sessions.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <unordered_map>
#include <utility>

namespace llmsweep {
namespace {

using OfUser = std::vector<const RequestRecord*>;  // in the order in which they were sent

class SessionVerifier {
 public:
  explicit SessionVerifier(const Truth& truth) {
    for (const TruthRecord& request : truth.requests) {
      if (!request.response_id.empty()) truths_.emplace(request.response_id, &request);
    }
  }

  void verify(const OfUser& requests) {
    const RequestRecord* before = nullptr;
    for (const RequestRecord* record : requests) {
      if (!has_turn(*record)) continue;
      take_session(*record);
      if (before != nullptr) {
        verify_turn(*before, *record);
        verify_think(*before, *record, before == requests.front());
      }
      before = record;
    }
  }
  // Of one session of a trace; turns by their number.
  void verify_of_trace(const OfUser& turns) {
    const RequestRecord* before = nullptr;
    for (const RequestRecord* record : turns) {
      if (!has_turn(*record)) continue;
      if (before != nullptr) verify_next_of_trace(*before, *record);
      if (before == nullptr && record->think) {
        problem(*record, "it waited for a turn of which there is no record");
      }
      before = record;
    }
  }
  std::vector<std::string> take() { return std::move(problems_); }

 private:
  void problem(const RequestRecord& record, const std::string& what) {
    problems_.push_back(
        fmt::format("request {} of {}: {}", record.index, text_of(record.run), what));
  }

  bool has_turn(const RequestRecord& record) {
    const bool has = record.session && record.turn && record.turns_planned;
    const bool possible = has && *record.turn >= 1 && *record.turn <= *record.turns_planned;
    if (!has) {
      problem(record, record.session ? "nothing says which turn of its session it is"
                                     : "it is a user's, and of no session");
    }
    if (has && !possible) {
      problem(record, fmt::format("it is turn {} of {}", *record.turn, *record.turns_planned));
    }
    return possible;
  }

  void take_session(const RequestRecord& record) {
    const auto [at, first] = users_.emplace(std::pair(record.run, *record.session), record.slot);
    if (!first && at->second != record.slot) {
      problem(record, fmt::format("session {} is of two users", *record.session));
    }
  }

  void verify_turn(const RequestRecord& before, const RequestRecord& record) {
    const bool over = before.outcome != Outcome::kOk || before.turn == before.turns_planned;
    if (before.session != record.session) {
      if (!over) problem(record, "the session before it had turns left, and none had failed");
      if (record.turn != 1U) {
        problem(record, fmt::format("its session begins with turn {}", *record.turn));
      }
      return;
    }
    if (over) problem(record, "its session was over, or a turn of it had failed");
    if (*record.turn != *before.turn + 1) {
      problem(record, fmt::format("turn {} follows turn {}", *record.turn, *before.turn));
    }
    const bool known = before.input_tokens && record.input_tokens;
    if (known && *record.input_tokens <= *before.input_tokens) {
      problem(record, fmt::format("its prompt has {} tokens, that of the turn before {}",
                                  *record.input_tokens, *before.input_tokens));
    }
  }

  // Without a time to think its session is open, and it came at its own instant.
  void verify_next_of_trace(const RequestRecord& before, const RequestRecord& record) {
    if (before.turn == record.turn) {
      return problem(record, fmt::format("its session has turn {} twice", *record.turn));
    }
    if (before.turns_planned != record.turns_planned) {
      problem(record, fmt::format("it is of a session of {} turns, that before it of one of {}",
                                  *record.turns_planned, *before.turns_planned));
    }
    if (!record.think) return;
    if (*record.turn != *before.turn + 1) {
      problem(record, fmt::format("turn {} follows turn {}", *record.turn, *before.turn));
    }
    if (before.outcome != Outcome::kOk) problem(record, "a turn of its session had failed");
    verify_think(before, record, false);
  }

  // A user may have begun to think about its second request before the run.
  void verify_think(const RequestRecord& before, const RequestRecord& record, bool second) {
    if (!record.think || !before.end) {
      return problem(record, "nothing says how long its user was to think");
    }
    const Instant due = *before.end + *record.think;
    const bool begun_before = second && *before.end <= record.scheduled && record.scheduled < due;
    if (record.scheduled != due && !begun_before) {
      problem(record,
              fmt::format("it was due {:.3f} ms after the end of the one before, and {:.3f} "
                          "ms were to be thought",
                          to_ms(record.scheduled - *before.end), to_ms(*record.think)));
    }
    if (record.sent && *record.sent < record.scheduled) {
      problem(record, "it was sent before it was due");
    }
    const TruthRecord* here = truth_of(before);
    const TruthRecord* next = truth_of(record);
    if (here == nullptr || next == nullptr || here->chunks.empty()) return;
    const Duration between = next->arrival - here->chunks.back().sent;
    if (between < *record.think && !begun_before) {
      problem(record, fmt::format("it came to the endpoint {:.3f} ms after the last token before "
                                  "it, and {:.3f} ms were to be thought",
                                  to_ms(between), to_ms(*record.think)));
    }
  }

  const TruthRecord* truth_of(const RequestRecord& record) const {
    const auto found = truths_.find(record.response_id);
    return record.response_id.empty() || found == truths_.end() ? nullptr : found->second;
  }

  std::unordered_map<std::string, const TruthRecord*> truths_;
  std::map<std::pair<RunId, uint32_t>, uint32_t> users_;  // of sessions: their slots
  std::vector<std::string> problems_;
};

}  // namespace

std::vector<std::string> verify_sessions(const std::vector<RequestRecord>& records,
                                         const Truth& truth) {
  std::map<std::pair<RunId, uint32_t>, OfUser> users;
  for (const RequestRecord& record : records) {
    if (record.superseded || record.run.point.kind != LoadKind::kUsers) continue;
    users[{record.run, record.slot}].push_back(&record);
  }
  std::map<std::pair<RunId, uint32_t>, OfUser> of_traces;
  for (const RequestRecord& record : records) {
    if (record.superseded || record.run.point.kind != LoadKind::kTrace || !record.session) continue;
    of_traces[{record.run, *record.session}].push_back(&record);
  }
  SessionVerifier verifier(truth);
  for (auto& [session, turns] : of_traces) {
    std::sort(turns.begin(), turns.end(), [](const auto* a, const auto* b) {
      return a->turn.value_or(0) < b->turn.value_or(0);
    });
    verifier.verify_of_trace(turns);
  }
  for (auto& [user, requests] : users) {
    std::sort(requests.begin(), requests.end(),
              [](const auto* a, const auto* b) { return a->index < b->index; });
    verifier.verify(requests);
  }
  return verifier.take();
}

}  // namespace llmsweep
