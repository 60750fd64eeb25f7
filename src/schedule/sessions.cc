#include "llmsweep/schedule/sessions.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "llmsweep/base/random.h"
#include "llmsweep/model/describe.h"
#include "llmsweep/model/token_draw.h"

namespace llmsweep {
namespace {

constexpr uint64_t kSessionStream = 0x73657373696f6e;  // "session"
constexpr uint64_t kStartStream = 0x7374617274;        // "start"
// On a user's line: enough that where it begins and ends does not tell.
constexpr uint64_t kSessionsOnALine = 64;

Duration draw_time(const DrawnTime& time, Random& random) {
  switch (time.kind) {
    case DrawnTime::Kind::kFixed:
      break;
    case DrawnTime::Kind::kUniform:
      return from_seconds(to_seconds(time.min) +
                          random.uniform() * to_seconds(time.max - time.min));
    case DrawnTime::Kind::kLogNormal: {
      const double variance = std::log1p(time.cv * time.cv);
      const double log_mean = std::log(to_seconds(time.mean)) - variance / 2;
      const double deviations = std::sqrt(variance) * random.normal();
      return time.mean == Duration(0) ? Duration(0) : from_seconds(std::exp(log_mean + deviations));
    }
  }
  return time.fixed;
}

// A list, one for each turn from turn `first` on, ends a session with its last.
size_t most_turns(const TokenCount& count, size_t first = 0) {
  return count.by_turn ? count.weighted.size() + first : std::numeric_limits<size_t>::max();
}

int64_t tokens_of_turn(const TokenCount& count, size_t turn, Random& random) {
  return count.by_turn ? count.weighted[turn].first : draw_tokens(count, random);
}

Duration length_of(const SessionPlan& session, Duration service) {
  Duration length{};
  for (const TurnPlan& turn : session.turns) length += turn.think + service;
  return length;
}

// The user is `age` into the session.
UserStart found_at(SessionPlan session, Duration age, Duration service) {
  UserStart start{.session = std::move(session)};
  for (const TurnPlan& turn : start.session.turns) {
    if (age < turn.think) {
      start.at = turn.think - age;
      return start;
    }
    age -= turn.think;
    if (age < service) return start;
    age -= service;
    ++start.first_turn;
  }
  start.first_turn = static_cast<uint32_t>(start.session.turns.size()) - 1;  // age was the length
  return start;
}

// What a user has in the server's cache when it thinks is what its turn before had put there.
void prime(UserStart& start, Duration warmup, Random& random) {
  if (start.at < warmup || start.at == Duration(0) || start.first_turn == 0) return;
  start.second_at = start.at;
  --start.first_turn;
  start.at = from_seconds(to_seconds(warmup) * random.uniform());
}

}  // namespace

SessionPlan SessionDraw::plan(uint64_t number) const {
  const SessionSpec& spec = workload_.sessions;
  Random random(seed_ ^ kSessionStream, number);
  SessionPlan session;
  const TokenCount& later = spec.later_input_tokens();
  const auto turns = static_cast<size_t>(draw_tokens(spec.turns, random));
  session.turns.resize(
      std::min({turns, most_turns(later, 1), most_turns(workload_.output_tokens)}));
  for (size_t i = 0; i < session.turns.size(); ++i) {
    TurnPlan& turn = session.turns[i];
    turn.input_tokens = i == 0 ? draw_tokens(spec.first_input_tokens, random)
                               : tokens_of_turn(later, i - 1, random);
    turn.output_tokens = tokens_of_turn(workload_.output_tokens, i, random);
    turn.think = draw_time(spec.think, random);
  }
  return session;
}

std::vector<UserStart> user_starts(const WorkloadSpec& workload, uint32_t users,
                                   const MidLife& mid_life, uint64_t seed) {
  const Duration service = mid_life.service;
  const SessionDraw draw(workload, seed);
  std::vector<UserStart> starts;
  for (uint32_t user = 0; user < users; ++user) {
    Random random(seed ^ kStartStream, user);
    const uint64_t line = user * kSessionsOnALine;
    double left_s = 0;
    for (uint64_t i = 0; i < kSessionsOnALine; ++i) {
      left_s += to_seconds(length_of(draw.plan(line + i), service));
    }
    if (left_s <= 0) {
      SessionPlan session = draw.plan(line);
      const auto turn = static_cast<uint32_t>(random.below(session.turns.size()));
      starts.push_back({.session = std::move(session), .first_turn = turn});
      continue;
    }
    left_s *= random.uniform();
    for (uint64_t i = 0; i < kSessionsOnALine; ++i) {
      SessionPlan session = draw.plan(line + i);
      const double length_s = to_seconds(length_of(session, service));
      if (left_s < length_s || i + 1 == kSessionsOnALine) {
        starts.push_back(found_at(std::move(session), from_seconds(left_s), service));
        prime(starts.back(), mid_life.warmup, random);
        break;
      }
      left_s -= length_s;
    }
  }
  return starts;
}

double mean_prompt_tokens(const WorkloadSpec& workload) {
  if (!workload.input_tokens) return 0;
  const double first = mean_tokens(*workload.input_tokens);
  const SessionSpec& sessions = workload.sessions;
  if (!sessions.wanted()) return first;
  const double turn =
      mean_tokens(workload.output_tokens) + mean_tokens(sessions.later_input_tokens());
  const double before = (std::max(1.0, mean_tokens(sessions.turns)) - 1) / 2;
  return static_cast<double>(sessions.system_tokens) + first + before * turn;
}

Duration mean_time(const DrawnTime& time) {
  switch (time.kind) {
    case DrawnTime::Kind::kFixed:
      break;
    case DrawnTime::Kind::kUniform:
      return (time.min + time.max) / 2;
    case DrawnTime::Kind::kLogNormal:
      return time.mean;
  }
  return time.fixed;
}

}  // namespace llmsweep
