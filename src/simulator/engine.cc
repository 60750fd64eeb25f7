#include "llmsweep/simulator/engine.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <deque>
#include <unordered_map>

#include "llmsweep/base/random.h"
#include "simulator/kv_cache.h"

namespace llmsweep {

struct Engine::State {
  struct Sequence {
    EngineRequest request;
    Random random;
    std::vector<uint32_t> blocks;
    int64_t computed = 0;  // tokens whose keys and values exist
    int64_t target = 0;    // prefill is complete when so many are
    int64_t produced = 0;  // output tokens so far
    int64_t chunk = 0;     // prompt tokens computed by the step in progress
    bool decodes = false;  // in the step in progress
    bool prefilled = false;
    bool started = false;  // kPrefillStart was reported

    int64_t held() const { return request.prompt_tokens + produced; }
  };

  struct PrefillRoom {
    int64_t budget = 0;
    bool may_admit = true;
  };

  enum class PoolStage { kComputed, kTransferred };

  EngineProfile profile;
  sim::KvCache kv;
  Random noise;
  Random run_noise;
  DriftClock drift;
  double run_factor = 1;
  std::optional<Instant> worked_until;
  std::optional<Instant> first_request;
  std::unordered_map<uint64_t, std::unique_ptr<Sequence>> sequences;
  std::deque<std::pair<Instant, uint64_t>> arrivals;  // not yet in the queue, in order
  std::deque<Sequence*> waiting;
  std::vector<Sequence*> running;  // oldest first
  std::optional<Instant> step_end;
  Instant latest{};  // everything up to here has happened
  EngineLoad totals;

  // The prefill pool, where there is one.
  std::deque<uint64_t> pool_queue;
  int free_workers = 0;
  std::multimap<Instant, std::pair<PoolStage, uint64_t>> pool_events;
  Instant link_free{};

  State(EngineProfile p, uint64_t seed)
      : profile(std::move(p)),
        kv(profile.kv_capacity_tokens, profile.kv_block_tokens, profile.prefix_cache),
        noise(seed, 1),
        run_noise(seed, 3),
        drift(profile.drift),
        free_workers(profile.prefill_pool ? profile.prefill_pool->workers : 0) {}

  std::optional<Instant> next() const;
  void at(Instant now, std::vector<EngineEvent>& events);
  void take_arrivals(Instant now);
  void start_pool_work(Instant now, std::vector<EngineEvent>& events);
  void finish_pool_work(Instant now, std::vector<EngineEvent>& events);
  void start_step(Instant now, std::vector<EngineEvent>& events);
  void schedule_decodes(int64_t& budget);
  void schedule_prefills(Instant now, PrefillRoom room, std::vector<EngineEvent>& events);
  bool admit(Sequence& sequence, Instant now, std::vector<EngineEvent>& events);
  void preempt(Sequence& sequence);
  Duration step_time(Instant now);
  void finish_step(Instant now, std::vector<EngineEvent>& events);
  int64_t accepted(Sequence& sequence);
  // Returns true where the sequence is complete; it is gone then.
  bool produce(Sequence& sequence, int64_t tokens, Instant now, std::vector<EngineEvent>& events);
};

std::optional<Instant> Engine::State::next() const {
  std::optional<Instant> first;
  auto consider = [&](Instant at) { first = first ? std::min(*first, at) : at; };
  if (step_end) consider(*step_end);
  if (!pool_events.empty()) consider(pool_events.begin()->first);
  // Prefill workers take a request when it comes; the engine looks at its queue between steps.
  const bool looks = profile.prefill_pool ? true : !step_end;
  if (looks && !arrivals.empty()) consider(arrivals.front().first);
  return first;
}

void Engine::State::at(Instant now, std::vector<EngineEvent>& events) {
  latest = now;
  take_arrivals(now);
  if (profile.prefill_pool) {
    finish_pool_work(now, events);
    start_pool_work(now, events);
  }
  if (step_end && *step_end <= now) finish_step(now, events);
  if (!step_end) start_step(now, events);
}

void Engine::State::take_arrivals(Instant now) {
  while (!arrivals.empty() && arrivals.front().first <= now) {
    const uint64_t id = arrivals.front().second;
    arrivals.pop_front();
    auto found = sequences.find(id);
    if (found == sequences.end()) continue;
    if (profile.prefill_pool) {
      pool_queue.push_back(id);
    } else {
      waiting.push_back(found->second.get());
    }
  }
}

void Engine::State::start_pool_work(Instant now, std::vector<EngineEvent>& events) {
  const PrefillPool& pool = *profile.prefill_pool;
  while (free_workers > 0 && !pool_queue.empty()) {
    const uint64_t id = pool_queue.front();
    pool_queue.pop_front();
    auto found = sequences.find(id);
    if (found == sequences.end()) continue;
    Sequence& sequence = *found->second;
    sequence.started = true;
    events.push_back({.kind = EngineEvent::Kind::kPrefillStart, .id = id, .at = now});
    const double tokens = static_cast<double>(sequence.request.prompt_tokens);
    totals.prefill_tokens += sequence.request.prompt_tokens;
    const Cost cost = pool.base + pool.per_prefill_token * tokens;
    --free_workers;
    pool_events.emplace(now + Duration(std::llround(cost.count())),
                        std::pair(PoolStage::kComputed, id));
  }
}

void Engine::State::finish_pool_work(Instant now, std::vector<EngineEvent>& events) {
  const PrefillPool& pool = *profile.prefill_pool;
  while (!pool_events.empty() && pool_events.begin()->first <= now) {
    const auto [stage, id] = pool_events.begin()->second;
    pool_events.erase(pool_events.begin());
    if (stage == PoolStage::kComputed) ++free_workers;
    auto found = sequences.find(id);
    if (found == sequences.end()) continue;
    Sequence& sequence = *found->second;
    if (stage == PoolStage::kComputed) {
      const double bits =
          static_cast<double>(sequence.request.prompt_tokens) * pool.kv_bytes_per_token * 8;
      link_free = std::max(link_free, now) + Duration(std::llround(bits / pool.link_gbps));
      pool_events.emplace(link_free + Duration(std::llround(pool.link_latency.count())),
                          std::pair(PoolStage::kTransferred, id));
      continue;
    }
    sequence.prefilled = true;
    if (!produce(sequence, 1, now, events)) waiting.push_back(&sequence);
  }
}

void Engine::State::start_step(Instant now, std::vector<EngineEvent>& events) {
  int64_t budget = profile.max_batched_tokens;
  const int64_t preemptions = totals.preemptions;
  if (profile.chunked_prefill) {
    schedule_decodes(budget);
    // What was just preempted must not take its blocks back in the same step.
    const bool may_admit = totals.preemptions == preemptions;
    schedule_prefills(now, {.budget = budget, .may_admit = may_admit}, events);
  } else {
    schedule_prefills(now, {.budget = budget}, events);
    const bool prefills =
        std::any_of(running.begin(), running.end(), [](const Sequence* s) { return s->chunk > 0; });
    if (!prefills) schedule_decodes(budget);
  }
  if (running.empty()) return;
  ++totals.steps;
  step_end = done_after_freezes(profile.freeze, *first_request, now, step_time(now));
}

void Engine::State::schedule_decodes(int64_t& budget) {
  const auto lookahead = static_cast<int64_t>(profile.tokens_per_step.size()) - 1;
  for (size_t i = 0; i < running.size(); ++i) {
    Sequence& sequence = *running[i];
    if (!sequence.prefilled || budget == 0) continue;
    const int64_t most = sequence.request.prompt_tokens + sequence.request.output_tokens;
    const int64_t wanted = std::min(most, sequence.held() + lookahead);
    while (!kv.reserve(wanted, sequence.blocks) && running.back() != &sequence) {
      preempt(*running.back());
    }
    if (!kv.reserve(wanted, sequence.blocks)) {
      preempt(sequence);  // it is the last one: the loop ends
      return;
    }
    sequence.decodes = true;
    --budget;
  }
}

void Engine::State::schedule_prefills(Instant now, PrefillRoom room,
                                      std::vector<EngineEvent>& events) {
  int64_t& budget = room.budget;
  auto give_chunk = [&](Sequence& sequence, bool first) {
    const int64_t left = sequence.target - sequence.computed;
    // Without chunks a prompt longer than the budget gets a step of its own.
    if (!profile.chunked_prefill && left > budget && !first) return;
    sequence.chunk = profile.chunked_prefill ? std::min(left, budget) : left;
    budget = std::max<int64_t>(0, budget - sequence.chunk);
    totals.prefill_tokens += sequence.chunk;
  };
  const int64_t full = budget;
  for (Sequence* sequence : running) {
    if (!sequence->prefilled && budget > 0) give_chunk(*sequence, budget == full);
  }
  while (room.may_admit && !waiting.empty() && budget > 0 &&
         static_cast<int>(running.size()) < profile.max_batch_size) {
    Sequence& sequence = *waiting.front();
    if (!admit(sequence, now, events)) return;
    waiting.pop_front();
    if (sequence.prefilled) {  // the prefill pool has computed it: it decodes at once
      sequence.decodes = true;
      --budget;
    } else {
      give_chunk(sequence, budget == full);
    }
  }
}

bool Engine::State::admit(Sequence& sequence, Instant now, std::vector<EngineEvent>& events) {
  const int64_t tokens = sequence.held();
  int64_t cached = 0;
  if (!sequence.prefilled) {
    // The last token is always computed: its output is what is asked for.
    kv.take_prefix(sequence.request.block_hashes, (tokens - 1) / kv.block_tokens(),
                   sequence.blocks);
    cached = static_cast<int64_t>(sequence.blocks.size()) * kv.block_tokens();
  }
  if (!kv.reserve(tokens, sequence.blocks)) {
    kv.release(sequence.blocks);
    return false;
  }
  if (!sequence.prefilled) {
    sequence.target = tokens;
    sequence.computed = cached;
    totals.cached_tokens += cached;
    if (profile.prefix_cache) totals.cache_queries += tokens;
  }
  if (!sequence.started) {
    sequence.started = true;
    events.push_back({.kind = EngineEvent::Kind::kPrefillStart,
                      .id = sequence.request.id,
                      .at = now,
                      .cached_tokens = cached});
  }
  running.push_back(&sequence);
  return true;
}

void Engine::State::preempt(Sequence& sequence) {
  assert(running.back() == &sequence);
  running.pop_back();
  kv.release(sequence.blocks);
  sequence.prefilled = sequence.decodes = false;
  sequence.chunk = 0;
  waiting.push_front(&sequence);
  ++totals.preemptions;
}

Duration Engine::State::step_time(Instant now) {
  int64_t prefill = 0;
  int64_t decoding = 0;
  int64_t held = 0;
  for (const Sequence* sequence : running) {
    prefill += sequence->chunk;
    if (!sequence->decodes) continue;
    ++decoding;
    held += sequence->held();
  }
  const StepCost& step = profile.step;
  Cost cost = step.base + step.per_prefill_token * static_cast<double>(prefill) +
              step.per_sequence * static_cast<double>(decoding) +
              step.per_kv_token * static_cast<double>(held);
  if (profile.step_noise > 0) cost *= std::max(0.1, 1 + profile.step_noise * noise.normal());
  if (profile.run_noise > 0) {
    const bool anew = !worked_until || now - *worked_until >= EngineProfile::kIdle;
    if (anew) run_factor = std::exp(profile.run_noise * run_noise.normal());
    cost *= run_factor;
  }
  cost *= drift.factor(now);
  const auto time = Duration(std::llround(cost.count()));
  worked_until = now + time;
  return time;
}

void Engine::State::finish_step(Instant now, std::vector<EngineEvent>& events) {
  step_end.reset();
  size_t kept = 0;
  for (size_t i = 0; i < running.size(); ++i) {
    Sequence& sequence = *running[i];
    int64_t tokens = 0;
    if (sequence.chunk > 0) {
      sequence.computed += sequence.chunk;
      sequence.chunk = 0;
      if (sequence.computed >= sequence.target) {
        sequence.prefilled = true;
        kv.publish(sequence.request.block_hashes, sequence.blocks);
        tokens = 1;
      }
    } else if (sequence.decodes) {
      sequence.decodes = false;
      tokens = accepted(sequence);
    }
    const bool gone = tokens > 0 && produce(sequence, tokens, now, events);
    if (!gone) running[kept++] = &sequence;
  }
  running.resize(kept);
}

int64_t Engine::State::accepted(Sequence& sequence) {
  const std::vector<double>& chances = profile.tokens_per_step;
  if (chances.size() == 1) return 1;
  double draw = sequence.random.uniform();
  int64_t tokens = 1;
  for (size_t i = 0; i + 1 < chances.size() && draw >= chances[i]; ++i, ++tokens) {
    draw -= chances[i];
  }
  totals.draft_tokens += static_cast<int64_t>(chances.size()) - 1;
  totals.accepted_tokens += tokens - 1;
  return tokens;
}

bool Engine::State::produce(Sequence& sequence, int64_t tokens, Instant now,
                            std::vector<EngineEvent>& events) {
  tokens = std::min(tokens, sequence.request.output_tokens - sequence.produced);
  sequence.produced += tokens;
  const bool last = sequence.produced >= sequence.request.output_tokens;
  events.push_back({.kind = EngineEvent::Kind::kTokens,
                    .id = sequence.request.id,
                    .at = now,
                    .tokens = tokens,
                    .last = last});
  if (last) {
    kv.release(sequence.blocks);
    sequences.erase(sequence.request.id);
  }
  return last;
}

Engine::Engine(EngineProfile profile, uint64_t seed)
    : state_(std::make_unique<State>(std::move(profile), seed)) {}
Engine::~Engine() = default;
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;

bool Engine::admissible(int64_t prompt_tokens, int64_t output_tokens) const {
  const int64_t tokens = prompt_tokens + output_tokens;
  return tokens <= state_->profile.max_model_len && state_->kv.fits(tokens);
}

void Engine::submit(EngineRequest request, Instant now) {
  assert(request.prompt_tokens > 0 && request.output_tokens > 0);
  const uint64_t id = request.id;
  const uint64_t seed = request.seed;
  auto sequence = std::make_unique<State::Sequence>(
      State::Sequence{.request = std::move(request), .random = Random(seed, 2)});
  const bool inserted = state_->sequences.emplace(id, std::move(sequence)).second;
  assert(inserted);
  static_cast<void>(inserted);
  const auto overhead = Duration(std::llround(state_->profile.request_overhead.count()));
  const Instant queued = std::max(now + overhead, state_->latest);
  if (!state_->first_request) state_->first_request = now;
  auto& arrivals = state_->arrivals;
  auto place = arrivals.end();
  while (place != arrivals.begin() && std::prev(place)->first > queued) --place;
  arrivals.emplace(place, queued, id);
}

void Engine::cancel(uint64_t id, Instant) {
  auto found = state_->sequences.find(id);
  if (found == state_->sequences.end()) return;
  State::Sequence* sequence = found->second.get();
  state_->kv.release(sequence->blocks);
  std::erase(state_->running, sequence);
  std::erase(state_->waiting, sequence);
  state_->sequences.erase(found);  // arrivals and the pool notice that it is gone
}

std::optional<Instant> Engine::next() const {
  return state_->next();
}

void Engine::advance(Instant now, std::vector<EngineEvent>& events) {
  for (std::optional<Instant> at = state_->next(); at && *at <= now; at = state_->next()) {
    state_->at(*at, events);
  }
}

EngineLoad Engine::load() const {
  EngineLoad load = state_->totals;
  load.waiting = static_cast<int64_t>(state_->sequences.size() - state_->running.size());
  load.running = static_cast<int64_t>(state_->running.size());
  load.kv_tokens = state_->kv.used_blocks() * state_->kv.block_tokens();
  load.kv_usage = state_->kv.usage();
  return load;
}

}  // namespace llmsweep
