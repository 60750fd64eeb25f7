// The inference engine behind the simulated endpoint. Pure: time is what the caller says it is.
//
// Works in iterations. A step decodes every running sequence and fills the rest of its token
// budget with prompt chunks, first come first served; its time is StepCost's. Tokens come at its
// end. Requests wait while the batch or the KV cache is full; when the cache runs out in mid-decode
// the youngest sequence is preempted, and computed again from its prompt and what it had produced.
// Steps follow each other at absolute instants: a caller that comes late changes none of them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "llmsweep/base/clock.h"
#include "llmsweep/simulator/profile.h"

namespace llmsweep {

struct EngineRequest {
  uint64_t id = 0;  // unique among the requests inside
  int64_t prompt_tokens = 1;
  int64_t output_tokens = 1;
  uint64_t seed = 0;  // of its own randomness (accepted tokens)
  // One value for each whole KV block of the prompt, each depending on all before it; for the
  // prefix cache. May be empty.
  std::vector<uint64_t> block_hashes;
};

struct EngineEvent {
  enum class Kind { kPrefillStart, kTokens };
  Kind kind = Kind::kTokens;
  uint64_t id = 0;
  Instant at{};               // when it happens, to be acted on as soon as possible
  int64_t tokens = 0;         // kTokens: how many came in this step
  int64_t cached_tokens = 0;  // kPrefillStart: found in the prefix cache
  bool last = false;          // kTokens: the request is complete, and forgotten
};

struct EngineLoad {
  int64_t waiting = 0;
  int64_t running = 0;
  int64_t kv_tokens = 0;    // in blocks held by sequences
  double kv_usage = 0;      // of the capacity; 0 where it has no limit
  int64_t preemptions = 0;  // since the start, as all below
  int64_t steps = 0;
  int64_t prefill_tokens = 0;  // computed, recomputation included
  int64_t cached_tokens = 0;
  int64_t cache_queries = 0;  // prompt tokens looked up in the prefix cache
  int64_t draft_tokens = 0;
  int64_t accepted_tokens = 0;
};

class Engine {
 public:
  Engine(EngineProfile profile, uint64_t seed);
  ~Engine();
  Engine(Engine&&) noexcept;
  Engine& operator=(Engine&&) noexcept;

  // Whether such a request can ever be served: it fits max_model_len and the KV cache.
  bool admissible(int64_t prompt_tokens, int64_t output_tokens) const;
  // Arrives at `now`, or when the latest event so far happened if that is later: what has been told
  // is never taken back. Of arrivals that are still to come the order of the calls is no matter.
  void submit(EngineRequest request, Instant now);
  // Leaves at once; its part of a step in progress is wasted. Unknown ids are ignored.
  void cancel(uint64_t id, Instant now);

  // When something happens next; absent when idle.
  std::optional<Instant> next() const;
  // Appends everything up to and including `now`, oldest first.
  void advance(Instant now, std::vector<EngineEvent>& events);

  EngineLoad load() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace llmsweep
