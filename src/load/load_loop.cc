#include "llmsweep/load/load_loop.h"

#include <algorithm>
#include <cassert>
#include <deque>
#include <optional>
#include <queue>
#include <unordered_map>
#include <utility>

#include "llmsweep/base/prefetch.h"
#include "llmsweep/base/random.h"
#include "llmsweep/protocol/response.h"
#include "load/flight.h"
#include "load/free_slots.h"
#include "load/sent_prompt.h"
#include "load/user_slots.h"
#include "load/watched_reads.h"

namespace llmsweep {
namespace {

// A server that sends [DONE] and does not end the response is given this long before its
// connection is closed.
constexpr Duration kLinger = std::chrono::milliseconds(250);
// After which an idle slot looks again for a filler that was not made yet.
constexpr Duration kNextTry = std::chrono::milliseconds(1);
// How late a change of LoadControl made elsewhere may be noticed.
constexpr Duration kLongestWait = std::chrono::milliseconds(50);

// Records wait for an idle moment, but no more of them than this and no longer than
// kLongestUnwritten.
constexpr size_t kMostUnwritten = 4096;
// Of sending requests, before what came meanwhile is read. A whole cohort may be due at once, and
// on the loopback a connect and a send do the server's half of the kernel's work as well: 75 us
// together, 250 us on one GPU host. No figure is refused for 50 us (docs/metrics.md).
constexpr Duration kSendsWithoutAReading = std::chrono::microseconds(50);
// An event's flight is asked for while so many others are being applied.
constexpr size_t kAhead = 2;

class LoadLoop {
 public:
  LoadLoop(const LoadPlan& plan, const LoopShare& share, HttpClient& client, const Clock& clock,
           LoadControl& control, const RecordSink& sink)
      : plan_(plan),
        share_(share),
        client_(client),
        clock_(clock),
        control_(control),
        sink_(sink),
        free_slots_(share.part.rank + share.part.of * share.loop, share.part.of * share.loops),
        user_slots_(share.loops) {
    if (plan.trace_seed) trace_ids_.emplace(*plan.trace_seed, share.loop);
  }

  LoopResult run() {
    link_arrivals();
    while (true) {
      // Before anything is sent, so that nothing is given up whose sending was not yet noted.
      end_measuring(clock_.now());
      stop_if_asked();
      release_due();
      hand_over_ended(events_.empty());
      if (in_flight_ == 0 && ((due_.empty() && !is_kept_busy()) || !may_issue())) break;
      client_.poll(ended_.empty() ? next_deadline() : clock_.now(), events_);
      for (size_t i = 0; i < events_.size(); ++i) {
        if (i + kAhead < events_.size()) prefetch(flights_[events_[i + kAhead].id].get());
        apply(events_[i]);
      }
      awake_ = clock_.now();
      expire(awake_);
      report_busy();
    }
    while (!ended_.empty()) hand_over_one();
    return std::move(result_);
  }

 private:
  bool may_issue() const {
    return control_.stop.load(std::memory_order_relaxed) == Stop::kNone &&
           !control_.gave_up.load(std::memory_order_relaxed) &&
           control_.overload.load(std::memory_order_relaxed) == Overload::kNone;
  }
  bool is_open() const { return plan_.schedule.is_open(); }
  bool turns_wait() const { return plan_.schedule.turns_wait; }
  bool is_of_users() const { return plan_.schedule.is_of_users(); }
  // Slots wait for requests that are being made, and are measured.
  bool is_kept_busy() const {
    const bool for_a_time = plan_.schedule.measure_for || is_of_users();
    const bool measures = for_a_time && !control_.measuring_is_over.load();
    return !idle_slots_.empty() && (measures || control_.hold_for_others.load());
  }
  bool measured_left() const { return control_.measured_left.load() > 0; }
  // Read in this order: whoever holds the fillers lets go after the last measured request.
  bool busy_wanted() const {
    return control_.measured_left.load() > 0 || control_.hold_fillers.load() ||
           control_.hold_for_others.load();
  }

  void report_busy() {
    const Duration busy = client_.health().busy;
    result_.iterations.add(busy - busy_reported_);
    control_.busy_ns.fetch_add((busy - busy_reported_).count(), std::memory_order_relaxed);
    control_.chunks.fetch_add(std::exchange(chunks_, 0), std::memory_order_relaxed);
    busy_reported_ = busy;
  }

  void link_arrivals() {
    const std::vector<Arrival>& arrivals = plan_.schedule.arrivals;
    followers_.resize(arrivals.size());
    flights_.resize(arrivals.size());
    if (turns_wait()) link_sessions();
    for (uint32_t i = 0; i < arrivals.size(); ++i) {
      const Arrival& arrival = arrivals[i];
      const uint32_t owner = arrival.slot == kFreeSlot ? session_begin(i) : arrival.slot;
      if (!share_.owns(owner)) continue;
      if (arrival.after == kNoArrival) {
        due_.push({share_.start + arrival.at, i});
      } else {
        assert(arrival.after < i);
        followers_[arrival.after].push_back(i);
      }
    }
  }

  void link_sessions() {
    const std::vector<Arrival>& arrivals = plan_.schedule.arrivals;
    for (uint32_t i = 0; i < arrivals.size(); ++i) {
      const uint32_t after = arrivals[i].after;
      session_begins_.push_back(after == kNoArrival ? i : session_begins_[after]);
    }
    turn_due_.resize(arrivals.size());
    const auto spare = [](const Arrival& arrival) { return arrival.prompt == kSparePrompt; };
    first_spare_ = std::find_if(arrivals.begin(), arrivals.end(), spare) - arrivals.begin();
  }
  // The arrival that its session began with; by itself where none waits for another.
  uint32_t session_begin(uint32_t index) const {
    return turns_wait() ? session_begins_[index] : index;
  }

  void release_due() {
    if (!may_issue()) return;
    const Instant now = clock_.now();
    const Instant until = now + kSendsWithoutAReading;
    while (!due_.empty() && due_.top().at <= now) {
      const Due due = due_.top();
      due_.pop();
      if (due.order < plan_.schedule.arrivals.size()) {
        start(due.order, plan_.schedule.arrivals[due.order], due.at);
      } else {
        start_turn(due.slot, due.at);
      }
      if (clock_.now() >= until) return;
    }
    const auto held =
        std::stable_partition(idle_slots_.begin(), idle_slots_.end(),
                              [now](const IdleSlot& idle) { return idle.next_try <= now; });
    const std::vector<IdleSlot> ready(idle_slots_.begin(), held);
    idle_slots_.erase(idle_slots_.begin(), held);
    for (auto idle = ready.begin(); idle != ready.end(); ++idle) {
      if (clock_.now() >= until) {
        idle_slots_.insert(idle_slots_.begin(), idle, ready.end());
        return;
      }
      start_next(*idle);
    }
  }

  // Of an open loop: no slot is waited for, and what is late stays in its latency.
  void start_open(uint32_t index, Arrival arrival) {
    if (control_.in_flight.load(std::memory_order_relaxed) >= plan_.load.max_in_flight) {
      control_.overload.store(Overload::kMaxInFlight);
      return;
    }
    SpareFillers::Request spare;
    if (arrival.prompt == kSparePrompt) {
      spare = take_spare(index);
      if (spare == nullptr) {  // not made yet
        due_.push({clock_.now() + kNextTry, index});
        return;
      }
    }
    Instant scheduled = share_.start + arrival.at;
    if (turns_wait() && arrival.after != kNoArrival) {
      scheduled = turn_due_[index];
      arrival.phase = measures_turn_at(scheduled) ? Phase::kMeasured : next_phase(scheduled);
    }
    if (arrival.phase == Phase::kFiller) control_.fillers_taken.fetch_add(1);
    arrival.slot = free_slots_.take();
    start(index, arrival, scheduled, spare);
  }

  // Of sessions whose turns wait, arrivals are not due in their order, and each has its own.
  SpareFillers::Request take_spare(uint32_t index) {
    if (plan_.spare_fillers == nullptr) return nullptr;
    if (!turns_wait()) return plan_.spare_fillers->take();
    return plan_.spare_fillers->take(index - static_cast<size_t>(first_spare_));
  }

  void start(uint32_t index, const Arrival& arrival, Instant scheduled,
             SpareFillers::Request spare = {}) {
    if (arrival.slot == kFreeSlot) return start_open(index, arrival);
    if (is_of_users()) return start_first_turn(index, arrival, scheduled);
    const Prompt& prompt = spare != nullptr ? spare->prompt : plan_.prompts[arrival.prompt];
    RequestRecord record = record_of(index, arrival.slot, arrival.phase, scheduled);
    record.planned_input_tokens = prompt.planned_input_tokens;
    record.planned_output_tokens = prompt.planned_output_tokens;
    record.model = prompt.model;
    record.inputs = prompt.inputs;
    name_turn(record);
    const auto& body = spare != nullptr ? spare->body : plan_.bodies[arrival.prompt];
    const bool opens = arrival.after == kNoArrival || turns_wait();  // on whichever is idle
    auto flight = std::make_unique<Flight>(plan_, std::move(record), opens, prompt);
    flight->keeps = spare;
    send(std::move(flight), body);
  }

  // Of a trace that has sessions.
  void name_turn(RequestRecord& record) const {
    const std::vector<TraceRow>& rows = plan_.schedule.rows;
    if (record.index >= rows.size() || rows[record.index].turn == 0) return;
    const TraceRow& row = rows[record.index];
    record.session = row.session;
    record.turn = row.turn;
    record.turns_planned = row.turns;
    const Arrival& arrival = plan_.schedule.arrivals[record.index];
    if (turns_wait() && arrival.after != kNoArrival) record.think = arrival.gap;
  }

  RequestRecord record_of(uint32_t index, uint32_t slot, Phase phase, Instant scheduled) const {
    return {.run = plan_.run,
            .index = index,
            .slot = slot,
            .url = (is_open() ? session_begin(index) : slot) % plan_.endpoints,
            .phase = phase,
            .scheduled = scheduled};
  }

  void send(std::unique_ptr<Flight> flight, const std::shared_ptr<const std::string>& body) {
    const uint32_t index = flight->record.index;
    if (index >= flights_.size()) flights_.resize(index + 1);
    flights_[index] = std::move(flight);
    Flight& sent = *flights_[index];
    sent.reader.set_realtime_offset(realtime_offset_);
    if (plan_.chunks) sent.reader.trace_to(sent.chunks);
    timeouts_.push_back({clock_.now() + plan_.request_timeout, index});
    ++in_flight_;
    control_.in_flight.fetch_add(1, std::memory_order_relaxed);
    if (sent.record.phase == Phase::kMeasured) {
      if (plan_.schedule.measure_for) begin_measuring();
      control_.measured_sent.store(true, std::memory_order_relaxed);
    }
    client_.start(index, {.body = body,
                          .headers = headers_of(sent.record),
                          .endpoint = sent.record.url,
                          .lane = sent.record.slot});
  }

  void start_first_turn(uint32_t index, const Arrival& arrival, Instant scheduled) {
    user_slots_.begin(arrival.slot, plan_.first_sessions[arrival.prompt]);
    send_turn(record_of(index, arrival.slot, arrival.phase, scheduled));
  }

  // Of a user who has thought. What falls into the window is measured.
  void start_turn(uint32_t slot, Instant scheduled) {
    const Phase phase = measures_turn_at(scheduled) ? Phase::kMeasured : next_phase(scheduled);
    if (phase == Phase::kFiller && !busy_wanted()) return;
    const auto index =
        static_cast<uint32_t>(plan_.schedule.arrivals.size()) + control_.fillers_taken.fetch_add(1);
    send_turn(record_of(index, slot, phase, scheduled));
  }

  // Its connection is whichever is idle, so that a new one is no sign of trouble.
  void send_turn(RequestRecord record) {
    UserPlace& place = user_slots_.at(record.slot);
    UserTurn& turn = place.turn();
    record.planned_input_tokens = turn.planned_input_tokens;
    record.planned_output_tokens = turn.planned_output_tokens;
    record.session = place.session->id;
    record.turn = place.next + 1;
    record.think = turn.think;
    record.turns_planned = static_cast<uint32_t>(place.session->turns.size());
    auto flight = std::make_unique<Flight>(plan_, std::move(record), true, place.session->prompt);
    flight->keeps = place.session;
    send(std::move(flight), std::exchange(turn.body, nullptr));
  }

  // A user has its answer, or none: the next turn, or another session.
  void go_on_with(uint32_t slot, bool ok, Instant at) {
    UserPlace& place = user_slots_.at(slot);
    place.end_turn(ok);
    if (place.session == nullptr) {
      SpareFillers::Request spare =
          plan_.spare_fillers == nullptr ? nullptr : plan_.spare_fillers->take();
      if (spare == nullptr) {
        if (plan_.spare_fillers != nullptr) {  // not made yet
          idle_slots_.push_back({slot, at, clock_.now() + kNextTry});
        }
        return;
      }
      user_slots_.begin(slot, spare->session);
    }
    const auto order = static_cast<uint32_t>(plan_.schedule.arrivals.size()) + turns_due_++;
    due_.push({place.due_after(at, share_.start), order, slot});
  }

  // Of this request alone: what traces it, and whose session it is of.
  std::vector<std::string> headers_of(RequestRecord& record) {
    std::vector<std::string> headers;
    if (trace_ids_) {
      record.trace_id = {trace_ids_->next(), trace_ids_->next()};
      headers.push_back("traceparent: " + traceparent(record.trace_id, trace_ids_->next()));
    }
    if (!plan_.session_header.empty() && record.session) {
      headers.push_back(plan_.session_header + ": " + session_name(record.run, *record.session));
    }
    return headers;
  }

  void begin_measuring() {
    int64_t not_yet = 0;
    const int64_t until = to_ns(clock_.now() + *plan_.schedule.measure_for);
    control_.measure_until_ns.compare_exchange_strong(not_yet, until);
  }

  void end_measuring(Instant now) {
    if (is_of_users() || turns_wait()) return end_window(now);
    const int64_t until = control_.measure_until_ns.load();
    if (until == 0 || to_ns(now) < until) return;
    if (!control_.measuring_is_over.exchange(true)) control_.measured_left.fetch_sub(1);
  }

  // What was due in the window and is late is sent before it counts as over.
  void end_window(Instant now) {
    const Instant end = share_.start + plan_.schedule.window->to;
    const bool any_due = !due_.empty() && due_.top().at < end;
    if (now < end || any_due) return;
    if (!control_.measuring_is_over.exchange(true)) control_.measured_left.fetch_sub(1);
  }

  Phase next_phase(Instant scheduled) const {
    return scheduled < share_.start + plan_.schedule.window->from ? Phase::kWarmup : Phase::kFiller;
  }

  bool measures_turn_at(Instant scheduled) {
    const OpenWindow& window = *plan_.schedule.window;
    const Duration at = scheduled - share_.start;
    return window.from <= at && at < window.to && count_one_more();
  }

  // Of the measured ones. Once none is left the run is over, and no loop may begin another.
  bool count_one_more() {
    int64_t left = control_.measured_left.load();
    while (left > 0 && !control_.measured_left.compare_exchange_weak(left, left + 1)) {
    }
    return left > 0;
  }

  // Counts one more measured request where the slot was free in time.
  bool measures_from(Instant since) {
    const int64_t until = control_.measure_until_ns.load();
    if (!plan_.schedule.measure_for || until == 0 || to_ns(since) >= until) return false;
    return count_one_more();
  }

  // What a slot sends that has nothing planned left.
  void start_next(const IdleSlot& idle) {
    if (is_of_users()) {
      if (busy_wanted()) go_on_with(idle.slot, true, idle.since);
      return;
    }
    const bool measured = measures_from(idle.since);
    if (!measured && (!plan_.load.fillers || !busy_wanted())) return;
    // What a slot sends does not depend on how fast the others are: filler j of slot s is the
    // planned one s + j · slots, whichever client and loop it is of.
    const std::vector<uint32_t>& prompts = plan_.schedule.filler_prompts;
    const auto planned = static_cast<uint32_t>(prompts.size());
    const auto first = static_cast<uint32_t>(plan_.schedule.arrivals.size());
    const uint32_t slots = plan_.schedule.slots;
    uint32_t& taken = fillers_of_[idle.slot];
    const uint32_t filler = idle.slot + taken * slots;
    const Phase phase = measured ? Phase::kMeasured : Phase::kFiller;
    if (filler < planned) {
      ++taken;
      note_fillers(taken * slots);
      start(first + filler,
            {.after = 0, .slot = idle.slot, .prompt = prompts[filler], .phase = phase}, idle.since);
      return;
    }
    SpareFillers::Request spare;
    if (plan_.spare_fillers != nullptr) spare = plan_.spare_fillers->take();
    if (spare == nullptr) {
      if (measured) control_.measured_left.fetch_sub(1);
      if (plan_.spare_fillers != nullptr) {  // not made yet
        idle_slots_.push_back({idle.slot, idle.since, clock_.now() + kNextTry});
      }
      return;
    }
    const uint32_t number = share_.part.rank + share_.part.of * control_.spares_taken.fetch_add(1);
    start(first + planned + number, {.after = 0, .slot = idle.slot, .prompt = 0, .phase = phase},
          idle.since, spare);
  }

  void note_fillers(uint32_t taken) {
    uint32_t most = control_.fillers_taken.load();
    while (most < taken && !control_.fillers_taken.compare_exchange_weak(most, taken)) {
    }
  }

  Instant next_deadline() const {
    Instant deadline = clock_.now() + kLongestWait;
    if (!due_.empty() && may_issue()) deadline = std::min(deadline, due_.top().at);
    for (const IdleSlot& idle : idle_slots_) deadline = std::min(deadline, idle.next_try);
    if (!timeouts_.empty()) deadline = std::min(deadline, timeouts_.front().at);
    if (!lingers_.empty()) deadline = std::min(deadline, lingers_.front().at);
    if (!silences_.empty()) deadline = std::min(deadline, silences_.front().at);
    return deadline;
  }

  void apply(const HttpEvent& event) {
    if (flights_[event.id] == nullptr) return;  // ended earlier in this batch
    Flight& flight = *flights_[event.id];
    switch (event.kind) {
      case HttpEvent::Kind::kSent:
        // A resend keeps the first instant: the user has been waiting since then.
        if (!flight.record.sent) flight.record.sent = event.at;
        flight.record.reconnected |= event.resent || (event.new_connection && !flight.may_connect);
        return;
      case HttpEvent::Kind::kHeaders:
        flight.reader.headers(event.status, event.text, event.at);
        return;
      case HttpEvent::Kind::kBytes:
        apply_bytes(event, flight);
        return;
      case HttpEvent::Kind::kEnd:
        flight.reader.end(event.at, parser_);
        finish(event.id, event.at);
        return;
      case HttpEvent::Kind::kFailure:
        if (flight.reader.finished() || flight.reader.answered()) {
          flight.reader.end(event.at, parser_);
        } else {
          flight.reader.fail(event.timed_out ? Outcome::kTimeout : Outcome::kTransportError,
                             event.text, event.at);
        }
        finish(event.id, event.at);
        return;
    }
  }

  void apply_bytes(const HttpEvent& event, Flight& flight) {
    flight.bytes += static_cast<int64_t>(event.text.size());
    if (flight.bytes > plan_.max_response_bytes) {
      give_up_on(event.id, Outcome::kProtocolError,
                 "the response grew over client.max_response_bytes (" +
                     std::to_string(plan_.max_response_bytes) + ")");
      return;
    }
    const bool stalled = plan_.pulse != nullptr && plan_.pulse->stalled(awake_, event.at);
    const int64_t before = flight.record.chunks;
    flight.reader.bytes(event.text, {event.at, event.received, stalled}, parser_);
    if (flight.record.chunks > before) {
      chunks_ += flight.record.chunks - before;
      if (flight.arrival && !stalled) control_.page_gaps.add_gap(*flight.arrival, event.at);
      flight.arrival = stalled ? std::nullopt : std::optional(event.at);
    }
    watch_where_it_matters(event.id, flight);
    if (flight.reader.finished() && !flight.lingering) {
      flight.lingering = true;
      lingers_.push_back({event.at + kLinger, event.id});
    } else if (flight.reader.answered()) {
      flight.heard = event.at;
      silences_.push_back({event.at + kSilenceIsTheEnd, event.id});
    }
  }

  void watch_where_it_matters(RequestId id, Flight& flight) {
    const bool on = watched_reads_.wants_next(flight.record);
    if (on == flight.watched) return;
    flight.watched = on;
    client_.watch(id, on);
  }

  void expire(Instant now) {
    for (; !timeouts_.empty(); timeouts_.pop_front()) {
      const auto [at, id] = timeouts_.front();
      if (flights_[id] != nullptr && at > now) break;
      if (flights_[id] == nullptr || flights_[id]->lingering) continue;
      if (flights_[id]->reader.answered()) {
        end_here(id, now);
      } else {
        give_up_on(id, Outcome::kTimeout,
                   "no end within endpoint.request_timeout (" +
                       std::to_string(to_seconds(plan_.request_timeout)) + " s)");
      }
    }
    for (; !lingers_.empty(); lingers_.pop_front()) {
      const auto [at, id] = lingers_.front();
      if (flights_[id] == nullptr) continue;
      if (at > now) break;
      end_here(id, now);
    }
    for (; !silences_.empty(); silences_.pop_front()) {
      const auto [at, id] = silences_.front();
      const bool silent = flights_[id] != nullptr && flights_[id]->reader.answered() &&
                          flights_[id]->heard + kSilenceIsTheEnd == at;
      if (!silent) continue;
      if (at > now) break;
      end_here(id, now);
    }
  }

  // A whole answer whose response the server does not end.
  void end_here(RequestId id, Instant now) {
    client_.cancel(id);
    flights_[id]->reader.end(now, parser_);
    finish(id, now);
  }

  // Cancels what nobody waits for any more: fillers once the last measured request has ended, and
  // on an interrupt everything that the grace does not cover.
  void stop_if_asked() {
    const Instant now = clock_.now();
    const Stop stop = control_.stop.load(std::memory_order_relaxed);
    if (is_open() && measured_left() && now >= share_.start + plan_.schedule.window->end) {
      control_.overload.store(Overload::kDrain);
    }
    if (may_issue()) {
      if (busy_wanted()) return;
      cancel_in_flight([](const Flight&) { return true; }, "the last measured request has ended");
      due_ = {};
      return;
    }
    if (!stop_seen_) stop_seen_ = now;
    const Overload overload = control_.overload.load(std::memory_order_relaxed);
    const bool over =
        stop == Stop::kNow || overload != Overload::kNone || now >= *stop_seen_ + plan_.load.grace;
    cancel_in_flight(
        [&](const Flight& flight) { return over || flight.record.phase != Phase::kMeasured; },
        reason_of(stop, overload));
  }

  static std::string_view reason_of(Stop stop, Overload overload) {
    if (stop != Stop::kNone) return "interrupted";
    switch (overload) {
      case Overload::kMaxInFlight:
        return "load.max_in_flight was reached: the level is overloaded";
      case Overload::kDrain:
        return "load.drain was over: the level is overloaded";
      case Overload::kNone:
        break;
    }
    return "the level was given up after too many errors";
  }

  template <class Wanted>
  void cancel_in_flight(const Wanted& wanted, std::string_view reason) {
    if (in_flight_ == 0) return;
    for (RequestId id = 0; id < flights_.size(); ++id) {
      if (flights_[id] != nullptr && wanted(*flights_[id])) {
        give_up_on(id, Outcome::kCancelled, reason);
      }
    }
  }

  void give_up_on(RequestId id, Outcome outcome, std::string_view reason) {
    client_.cancel(id);
    const Instant now = clock_.now();
    flights_[id]->reader.fail(outcome, reason, now);
    finish(id, now);
  }

  void finish(RequestId id, Instant at) {
    std::unique_ptr<Flight> flight = std::move(flights_[id]);
    --in_flight_;
    count(flight->record);
    watched_reads_.learn_from_ended(flight->record);
    free_slot(flight->record, at + hold_after(flight->record));
    ended_.push_back(std::move(flight));
  }

  // Writing a record down takes longer than reading an answer's end and sending the slot's next
  // request, and in a decode step many end at once: so it is done between them, one at a time.
  void hand_over_ended(bool idle) {
    if (idle && !ended_.empty()) hand_over_one();
    constexpr Duration kLatest = kLongestUnwritten - kLongestGathered;
    while (!ended_.empty() && (ended_.size() > kMostUnwritten ||
                               clock_.now() - *ended_.front()->record.end >= kLatest)) {
      hand_over_one();
    }
  }

  void hand_over_one() {
    Flight& flight = *ended_.front();
    hide_sent_prompt(flight.record, flight.prompt);
    if (encoder_ != nullptr) {
      flight.reader.count_text(
          [this](std::string_view text) { return encoder_->count(text, SpecialTokens::kPlain); });
    }
    sink_(flight.record);
    if (plan_.chunks) plan_.chunks(flight.record, flight.chunks);
    result_.records.push_back(std::move(flight.record));
    ended_.pop_front();
  }

  // What the slot has to wait before its next request.
  Duration hold_after(const RequestRecord& record) const {
    if (plan_.load.retry_after != RetryAfter::kHold || !record.retry_after_ms) return {};
    // What a server asks for may be more than nanoseconds can hold.
    const std::chrono::milliseconds asked(*record.retry_after_ms);
    return asked < std::chrono::ceil<std::chrono::milliseconds>(plan_.load.retry_after_max)
               ? Duration(asked)
               : plan_.load.retry_after_max;
  }

  void count(const RequestRecord& record) {
    const bool ok = record.outcome == Outcome::kOk;
    control_.in_flight.fetch_sub(1, std::memory_order_relaxed);
    control_.output_tokens.fetch_add(record.output_tokens, std::memory_order_relaxed);
    control_.ended_chunks.fetch_add(record.chunks, std::memory_order_relaxed);
    control_.ended.fetch_add(1, std::memory_order_relaxed);
    if (record.phase == Phase::kWarmup) control_.warmup_ended.fetch_add(1);
    if (record.phase == Phase::kMeasured) {
      (ok ? control_.measured_ok : control_.measured_failed).fetch_add(1);
      if (control_.measured_failed.load() > plan_.max_failed) {
        control_.over_budget.store(true);
        control_.gave_up.store(true);
      }
      control_.measured_left.fetch_sub(1);
    }
    if (ok) {
      control_.consecutive_errors.store(0);
    } else if (record.outcome != Outcome::kCancelled && hold_after(record).count() == 0 &&
               plan_.load.max_consecutive_errors > 0 &&
               control_.consecutive_errors.fetch_add(1) + 1 >= plan_.load.max_consecutive_errors) {
      control_.gave_up.store(true);
    }
  }

  void free_slot(const RequestRecord& record, Instant at) {
    if (is_open()) {
      free_slots_.give_back(record.slot);
      if (turns_wait() && record.outcome == Outcome::kOk) release_turn_after(record.index, at);
      return;
    }
    if (is_of_users()) return go_on_with(record.slot, record.outcome == Outcome::kOk, at);
    const bool planned = record.index < followers_.size();
    if (planned && !followers_[record.index].empty()) {
      for (const uint32_t next : followers_[record.index]) {
        due_.push({std::max(at, share_.start + plan_.schedule.arrivals[next].at), next});
      }
    } else if (!plan_.schedule.filler_prompts.empty() || plan_.schedule.measure_for) {
      idle_slots_.push_back({record.slot, at, at});
    }
  }

  void release_turn_after(uint32_t index, Instant end) {
    for (const uint32_t next : followers_[index]) {
      turn_due_[next] = end + plan_.schedule.arrivals[next].gap;
      due_.push({turn_due_[next], next});
    }
  }

  const LoadPlan& plan_;
  const LoopShare& share_;
  HttpClient& client_;
  const Clock& clock_;
  LoadControl& control_;
  const RecordSink& sink_;

  ChunkParser parser_;
  const std::unique_ptr<Encoder> encoder_ =
      plan_.tokenizer == nullptr ? nullptr : plan_.tokenizer->encoder();
  std::vector<std::vector<uint32_t>> followers_;  // followers_[i] wait for arrival i
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
  std::vector<IdleSlot> idle_slots_;                   // nothing planned left
  std::unordered_map<uint32_t, uint32_t> fillers_of_;  // of a slot: planned ones that it has sent
  // flights_[id]: null where the request has not started or has ended. A request's id is its index
  // in the run: of the schedule, and for fillers the numbers after it.
  const Duration realtime_offset_ = realtime_minus_monotonic();
  std::vector<std::unique_ptr<Flight>> flights_;
  std::deque<std::unique_ptr<Flight>> ended_;  // not handed over yet
  size_t in_flight_ = 0;
  Instant awake_{};  // the loop was, for sure
  WatchedReads watched_reads_;
  std::optional<Random> trace_ids_;
  FreeSlots free_slots_;  // of an open loop
  // Of sessions whose turns wait: by arrival, the first of its session, and when it is due.
  std::vector<uint32_t> session_begins_;
  std::vector<Instant> turn_due_;
  std::ptrdiff_t first_spare_ = 0;  // the first arrival whose prompt is made during the run
  UserSlots user_slots_;
  uint32_t turns_due_ = 0;  // of users, so far
  Duration busy_reported_{};
  int64_t chunks_ = 0;             // since the last report
  std::deque<Deadline> timeouts_;  // ascending: every request has the same time-out
  std::deque<Deadline> lingers_;
  std::deque<Deadline> silences_;  // of answered(): one for each read of it
  std::optional<Instant> stop_seen_;
  std::vector<HttpEvent> events_;
  LoopResult result_;
};

}  // namespace

LoopResult run_loop(const LoadPlan& plan, const LoopShare& share, HttpClient& client,
                    const Clock& clock, LoadControl& control, const RecordSink& sink) {
  return LoadLoop(plan, share, client, clock, control, sink).run();
}

}  // namespace llmsweep
