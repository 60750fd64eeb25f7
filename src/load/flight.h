// What a load loop knows of a request: before it is due, while it is in flight, and what it waits
// for then. One thread, the loop's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "llmsweep/base/clock.h"
#include "llmsweep/http/http_client.h"
#include "llmsweep/load/load_loop.h"
#include "llmsweep/model/chunk_trace.h"
#include "llmsweep/protocol/response.h"

namespace llmsweep {

struct Due {
  Instant at;
  uint32_t order;     // among those of one instant; of an arrival of the schedule its index
  uint32_t slot = 0;  // of a user's next turn
  bool operator>(const Due& other) const {
    return at != other.at ? at > other.at : order > other.order;
  }
};

struct IdleSlot {
  uint32_t slot;
  Instant since;
  Instant next_try;
};

struct Flight {
  RequestRecord record;
  ResponseReader reader;
  const Prompt& prompt;  // of the plan, or of what `keeps`
  std::shared_ptr<const void> keeps = {};
  ChunkTrace chunks;  // empty unless asked for
  int64_t bytes = 0;
  bool lingering = false;
  std::optional<Instant> arrival;  // of the last chunk; absent: none, or after a stall of the host
  Instant heard{};                 // of an answer that lacks only its end: when its last bytes came
  bool watched = true;             // HttpClient::watch
  bool may_connect;                // as the first request of a slot does

  Flight(const LoadPlan& plan, RequestRecord started, bool opens, const Prompt& sent)
      : record(std::move(started)),
        reader(plan.api, record, plan.secrets),
        prompt(sent),
        may_connect(opens) {
    reader.expect_model(sent.model.empty() ? plan.model : sent.model);
    if (plan.tokenizer != nullptr) reader.keep_text();
  }
  Flight(const Flight&) = delete;
  Flight& operator=(const Flight&) = delete;
};

struct Deadline {
  Instant at;
  RequestId id;
};

}  // namespace llmsweep
