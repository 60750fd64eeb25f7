#include "llmsweep/simulator/engine_freeze.h"

#include <gtest/gtest.h>

#include "llmsweep/simulator/engine.h"
#include "simulator/closed_loop.h"

namespace llmsweep {
namespace {
using namespace std::chrono_literals;

constexpr Instant kFirst = Instant(Duration(1s));

Duration took(const EngineFreeze& freeze, Duration from, Duration work) {
  return done_after_freezes(freeze, kFirst, kFirst + from, work) - (kFirst + from);
}

TEST(EngineFreeze, HoldsUpWhatItMeets) {
  const EngineFreeze freeze{.after = 10s, .length = 2s};
  EXPECT_EQ(took(freeze, 0s, 5s), Duration(5s));
  EXPECT_EQ(took(freeze, 5s, 5s), Duration(5s)) << "done as it begins";
  EXPECT_EQ(took(freeze, 9s, 3s), Duration(5s)) << "begun before";
  EXPECT_EQ(took(freeze, 11s, 3s), Duration(4s)) << "begun in it: the rest of it";
  EXPECT_EQ(took(freeze, 12s, 3s), Duration(3s));
  EXPECT_EQ(took(freeze, 500s, 3s), Duration(3s)) << "once";
  EXPECT_EQ(took({}, 0s, 3s), Duration(3s)) << "never";
}

TEST(EngineFreeze, ComesAgain) {
  const EngineFreeze freeze{.after = 10s, .length = 2s, .every = 20s};
  EXPECT_EQ(took(freeze, 31s, 3s), Duration(4s));
  EXPECT_EQ(took(freeze, 200s, 3s), Duration(3s));
  EXPECT_EQ(took(freeze, 209s, 3s), Duration(5s));
  EXPECT_EQ(took(freeze, 9s, 40s), Duration(46s)) << "three of them";
}

// The engine's own steps: 10 ms each, one sequence.
TEST(EngineFreeze, StopsTheEngineNotTheClock) {
  EngineProfile profile;
  profile.step.base = Cost(10ms);
  profile.freeze = {.after = 25ms, .length = 1s};
  Engine engine(profile, 1);
  engine.submit({.id = 1, .prompt_tokens = 4, .output_tokens = 5, .seed = 1}, kFirst);
  std::vector<EngineEvent> events;
  std::vector<Duration> tokens;
  while (const auto next = engine.next()) {
    events.clear();
    engine.advance(*next, events);
    for (const EngineEvent& event : events) {
      if (event.kind == EngineEvent::Kind::kTokens) tokens.push_back(event.at - kFirst);
    }
  }
  EXPECT_EQ(tokens, (std::vector<Duration>{10ms, 20ms, 1030ms, 1040ms, 1050ms}));
}

}  // namespace
}  // namespace llmsweep
