// What is drawn of a session (a conversation of a user, turn after turn) before it is sent.
#pragma once

#include <cstdint>
#include <vector>

#include "llmsweep/base/clock.h"

namespace llmsweep {

struct TurnPlan {
  int64_t input_tokens = 0;  // of the question; of the first one as workload.input_scope counts
  int64_t output_tokens = 0;
  Duration think{};  // between the end of the user's answer before, of whatever session, and it

  bool operator==(const TurnPlan&) const = default;
};

struct SessionPlan {
  std::vector<TurnPlan> turns;  // one at least

  bool operator==(const SessionPlan&) const = default;
};

}  // namespace llmsweep
