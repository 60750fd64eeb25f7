// One run of a level: releases what is due, polls, applies what happened, expires time-outs.
//
// A plain loop without callbacks, locks or sleeps. With a fake client and a manual clock 30 s of
// load run in under a millisecond. Several loops may share a run: each takes the slots s with
// s % loops == loop, of an open loop the arrivals i with i % loops == loop, and they meet only in
// LoadControl. Of one of several clients the same of the slots or arrivals that its part owns.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "llmsweep/base/clock.h"
#include "llmsweep/base/redactor.h"
#include "llmsweep/http/http_client.h"
#include "llmsweep/load/page_gaps.h"
#include "llmsweep/load/watchdog.h"
#include "llmsweep/model/arrival.h"
#include "llmsweep/model/chunk_trace.h"
#include "llmsweep/model/histogram.h"
#include "llmsweep/model/level.h"
#include "llmsweep/model/load_point.h"
#include "llmsweep/model/part.h"
#include "llmsweep/model/prompt.h"
#include "llmsweep/model/record.h"
#include "llmsweep/model/spec.h"
#include "llmsweep/tokenizer/tokenizer.h"

namespace llmsweep {

// The record of a request that has ended is with the kernel within this time, while the loop runs;
// the last part of it is the sink's, which may gather records before it writes them.
constexpr Duration kLongestUnwritten = std::chrono::milliseconds(20);
constexpr Duration kLongestGathered = std::chrono::milliseconds(1);

enum class Stop {
  kNone,
  kFinish,  // issue nothing new; measured requests in flight may end within the grace
  kNow,     // cancel what is in flight
};

// Shared by the loops of one run, the progress display and whoever interrupts. Every member is an
// atomic that stands alone, or has such: no invariant spans two of them.
struct LoadControl {
  std::atomic<Stop> stop{Stop::kNone};
  // Not ended yet, and one more while a time for which is measured is not over; run_loops() sets
  // it.
  std::atomic<int64_t> measured_left{0};
  std::atomic<int64_t> measure_until_ns{0};  // of what measures for a time; 0: it has not begun
  std::atomic<bool> measuring_is_over{false};
  // Of Schedule::filler_prompts and beyond; of a closed loop as if each slot had taken as many as
  // the one that took the most.
  std::atomic<uint32_t> fillers_taken{0};
  std::atomic<uint32_t> spares_taken{0};  // of a closed loop, beyond them
  std::atomic<int> consecutive_errors{0};
  // Fillers go on after the last measured request has ended, until this is false again.
  std::atomic<bool> hold_fillers{false};
  // The same, for the measured requests of other clients.
  std::atomic<bool> hold_for_others{false};
  std::atomic<bool> gave_up{false};  // too many consecutive errors, or over the error budget
  std::atomic<bool> over_budget{false};
  std::atomic<Overload> overload{Overload::kNone};  // an open loop's; ends the run

  std::atomic<int64_t> in_flight{0};
  std::atomic<bool> measured_sent{false};  // the first of them was
  std::atomic<int64_t> warmup_ended{0};
  std::atomic<int64_t> ended{0};  // requests of any phase, however
  std::atomic<int64_t> measured_ok{0};
  std::atomic<int64_t> measured_failed{0};
  std::atomic<int64_t> output_tokens{0};  // of requests that have ended, any phase
  std::atomic<int64_t> chunks{0};         // that have come, of any request
  std::atomic<int64_t> ended_chunks{0};   // of requests that have ended: those of output_tokens
  std::atomic<int64_t> busy_ns{0};        // time outside the wait for events, all loops
  PageGaps page_gaps;
};

// Called on the loop's thread when a request has ended, its slot is taken again and nothing else is
// to be done, or 20 ms later; must be quick and must not throw.
using RecordSink = std::function<void(const RequestRecord&)>;
using ChunkSink = std::function<void(const RequestRecord&, const ChunkTrace&)>;

// A turn of a session, ready to be sent.
struct UserTurn {
  int64_t planned_input_tokens = 0;  // 0: not planned
  int64_t planned_output_tokens = 0;
  Duration think{};                         // before it, after the end of the user's request before
  std::shared_ptr<const std::string> body;  // null once it was sent, and of one that never is
};

// A session, of one user at a time.
struct UserSession {
  uint32_t id = 0;                         // of the run
  uint32_t first_turn = 0;                 // from 0; above it, of a user who is found in mid-life
  std::optional<Duration> second_at = {};  // when the turn after it is due: UserStart::second_at
  std::vector<UserTurn> turns;
  Prompt prompt =
      {};  // of the last turn, whose messages are those of all: what records may not hold
};

// A request that was made while the run went on; of users, a session.
struct SpareRequest {
  Prompt prompt = {};
  std::shared_ptr<const std::string> body = {};
  std::shared_ptr<UserSession> session = {};  // in place of both
};

// What slots send once the planned fillers are used up. Made by a thread that runs no loop, ahead
// of need. Any thread.
class SpareFillers {
 public:
  using Request = std::shared_ptr<const SpareRequest>;
  void add(std::vector<Request> made);
  // The next. Null: none is made yet.
  Request take();
  // The `number`-th of all, from 0, whatever was taken before; each once. Null: it is not made yet.
  Request take(size_t number);
  // Beyond the last that was asked for; below 0: so many of them are not made yet.
  int64_t left() const;
  int64_t taken() const;

 private:
  mutable std::mutex mutex_;
  // Guarded by mutex_, as all below: made_[i] is the (first_ + i)-th; null once it is taken.
  std::deque<Request> made_;
  size_t first_ = 0;
  size_t asked_ = 0;  // the last that was asked for, and one more
  int64_t taken_ = 0;
};

// What one run sends. bodies[i] and prompts[i] match Arrival::prompt.
struct LoadPlan {
  Schedule schedule;
  std::span<const Prompt> prompts;  // must outlive the run
  std::vector<std::shared_ptr<const std::string>> bodies;
  // Of users, in place of prompts and bodies: those that they are in when the run begins.
  std::vector<std::shared_ptr<UserSession>> first_sessions = {};
  // After schedule.filler_prompts; outlives the run. Null: a slot then sends nothing more.
  SpareFillers* spare_fillers = nullptr;
  Api api = Api::kChat;
  uint32_t endpoints = 1;  // URLs of the client; slots (open loop: arrivals) take them round robin
  RunId run;               // written into the records
  Part part = {};          // what of the schedule is sent; prompts and bodies of the rest are empty
  std::optional<Instant> start = {};  // of the run; absent: at once
  // What the schedule does not say: grace, errors (max_consecutive_errors 0: never gives up),
  // waits.
  LoadSpec load = {};
  Duration request_timeout = EndpointSpec{}.request_timeout;
  int64_t max_response_bytes = ClientSpec{}.max_response_bytes;
  // More measured requests than this may not fail, or the run is given up.
  int64_t max_failed = std::numeric_limits<int64_t>::max();
  ChunkSink chunks;                    // after the record's sink; empty: instants are not kept
  std::string model;                   // requested: a record says where another one answers
  std::string session_header = {};     // of users, whose value is session_name(); empty: none
  std::optional<uint64_t> trace_seed;  // of the ids of traceparent headers; absent: none are sent
  // Counts the text of answers whose tokens nothing else tells; null: chunks stand for tokens.
  std::shared_ptr<const Tokenizer> tokenizer;
  const Pulse* pulse = nullptr;  // outlives the run; null: no stall is known of
  // What no record may hold: an endpoint may repeat the key that it was given.
  Redactor secrets;
};

struct LoopShare {
  uint32_t loop = 0;
  uint32_t loops = 1;
  Instant start{};  // the run's start; arrivals count from it
  Part part = {};

  bool owns(uint32_t number) const { return part.owns(number) && number / part.of % loops == loop; }
};

struct LoopResult {
  // Of the requests that were started, in order of their end. They stay where they are: a vector
  // that grows moves all of them at once, 30 ms for 32,768, in which nothing is sent.
  std::deque<RequestRecord> records;
  Histogram iterations;  // work between two waits for events
};

LoopResult run_loop(const LoadPlan& plan, const LoopShare& share, HttpClient& client,
                    const Clock& clock, LoadControl& control, const RecordSink& sink);

struct LoadOutcome {
  std::vector<RequestRecord> records;       // sorted by index
  std::vector<TransportHealth> transports;  // one a client
  Duration cpu{};                           // of all loop threads
  Histogram iterations;                     // work between two waits for events, all loops
  Instant started{};
  Instant ended{};
};

// Called by run_loops() on the caller's thread while the loops run; its place for showing progress
// and for passing interrupts on to `control`. Must not throw.
struct Ticker {
  Duration every = std::chrono::milliseconds(100);
  std::function<void()> tick;
};

// One thread a client, named `loop-N`, joined before it returns; an exception of a loop is thrown
// here once all have ended.
LoadOutcome run_loops(const LoadPlan& plan, std::span<const std::unique_ptr<HttpClient>> clients,
                      const Clock& clock, LoadControl& control, const RecordSink& sink,
                      const Ticker& ticker);

}  // namespace llmsweep
