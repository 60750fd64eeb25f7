// The sessions of users, drawn before a run, and where in them the users are when it begins. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "llmsweep/base/clock.h"
#include "llmsweep/model/session_plan.h"
#include "llmsweep/model/spec.h"

namespace llmsweep {

// Session `number` is a function of (workload, seed, number).
class SessionDraw {
 public:
  // `workload` must outlive it, and have sessions.
  SessionDraw(const WorkloadSpec& workload, uint64_t seed) : workload_(workload), seed_(seed) {}

  SessionPlan plan(uint64_t number) const;

 private:
  const WorkloadSpec& workload_;
  uint64_t seed_;
};

// The number of a run's first session that begins while it lasts; of those before it the users take
// one each.
inline constexpr uint64_t kFirstNewSession = uint64_t{1} << 40;

// A user at the begin of a run: its first request is turn `first_turn` (from 0) of the session,
// `at` after the begin.
struct UserStart {
  SessionPlan session;
  uint32_t first_turn = 0;
  Duration at{};  // 0: it waits for the answer
  // Of a user who thinks for longer than the warm-up: it sends the turn before once more, so that
  // the server's cache has it, and the next turn is due so long after the begin of the run.
  std::optional<Duration> second_at = {};
};

struct MidLife {
  Duration service{};  // an answer takes about so long
  Duration warmup{};
};

// Users as an instant of a long run would find them: for each, sessions laid end to end and an
// instant drawn on that line. A session is found with a probability that grows with its length
// (time to think, and `service` for each answer) and at a uniform age. Drawing sessions and then
// ages would find too many short ones. Where nothing takes any time: at a turn drawn evenly.
std::vector<UserStart> user_starts(const WorkloadSpec& workload, uint32_t users,
                                   const MidLife& mid_life, uint64_t seed);

// Tokens of a prompt, of a session's the mean over its turns, whose number is taken as its mean.
// 0: the prompts keep their own length.
double mean_prompt_tokens(const WorkloadSpec& workload);
Duration mean_time(const DrawnTime& time);

}  // namespace llmsweep
