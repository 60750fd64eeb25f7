#include "llmsweep/stats/search.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <set>
#include <string>

#include "llmsweep/base/random.h"
#include "llmsweep/simulator/profile.h"
#include "llmsweep/stats/refine.h"
#include "llmsweep/stats/users_at_target.h"
#include "simulator/closed_loop.h"
#include "stats/documented_table.h"
#include "stats/records.h"

namespace llmsweep {
namespace {

constexpr double kLimitMs = 15'000;
const Target kWithinFifteen{.max = std::chrono::seconds(15)};

// ms at a load; nothing: overloaded.
using LatencyAt = std::function<std::optional<double>(double load)>;

struct Played {
  SearchState state;
  std::vector<SearchRun> runs;
  double minutes = 0;  // a run takes 11 of its latencies and 5 s
};

struct PlayLimits {
  double limit_ms = kLimitMs;  // the target
  double most_minutes = std::numeric_limits<double>::infinity();
};

Played play(const LatencyAt& system, const SearchSpec& spec, const PlayLimits& limits = {}) {
  constexpr size_t kMostRuns = 200;
  Played played;
  while (true) {
    played.state = search_state(played.runs, limits.limit_ms, spec);
    if (!played.state.next || played.minutes >= limits.most_minutes) return played;
    const SearchStep step = *played.state.next;
    const auto value = system(step.point.value);
    played.runs.push_back({step.point.value, step.confirming,
                           value ? SearchRun::Outcome::kValue : SearchRun::Outcome::kFails,
                           value.value_or(0)});
    played.minutes += (11 * value.value_or(3 * limits.limit_ms) / 1000 + 5) / 60;
    if (played.runs.size() >= kMostRuns) {
      ADD_FAILURE() << "it does not end";
      return played;
    }
  }
}

// L = L1 (1 + k c^b), which meets the limit at `crossing`, with a log-normal noise of each run.
class Curve {
 public:
  Curve(double crossing, double noise, uint64_t seed)
      : random_(seed, 7), noise_(noise), exponent_(0.5 + 0.8 * random_.uniform()) {
    alone_ = kLimitMs * (0.1 + 0.4 * random_.uniform());
    k_ = (kLimitMs / alone_ - 1) / std::pow(crossing, exponent_);
  }
  double operator()(double load) {
    return alone_ * (1 + k_ * std::pow(load, exponent_)) * std::exp(noise_ * random_.normal());
  }

 private:
  Random random_;
  double noise_;
  double exponent_;
  double alone_ = 0;
  double k_ = 0;
};

bool holds(const SearchState& state, double crossing) {
  return (!state.pass || *state.pass <= crossing) && (!state.fail || *state.fail > crossing);
}

TEST(Search, GallopsLocatesAndConfirmsBothEnds) {
  const Played played = play(Curve(37.5, 0.002, 1), {});
  EXPECT_EQ(played.state.end, SearchEnd::kConfirmed);
  EXPECT_TRUE(holds(played.state, 37.5));
  EXPECT_LE(*played.state.fail / *played.state.pass, 1.16);
  EXPECT_EQ(played.state.runs_pass, 3);
  EXPECT_EQ(played.state.runs_fail, 3);
  std::vector<double> gallop;
  for (const SearchRun& run : played.runs) {
    if (!run.confirming && gallop.size() < 7) gallop.push_back(run.load);
  }
  EXPECT_EQ(gallop, (std::vector<double>{1, 2, 4, 8, 16, 32, 64}));
  const auto fresh = std::find_if(played.runs.begin(), played.runs.end(),
                                  [](const SearchRun& run) { return run.confirming; });
  EXPECT_LE(fresh - played.runs.begin(), 10);
  for (auto run = fresh; run != played.runs.end(); ++run) EXPECT_TRUE(run->confirming);
  EXPECT_EQ(played.runs.end() - fresh, 6) << "each end three times, in turns";
  EXPECT_NE(fresh[0].load, fresh[1].load);
  EXPECT_EQ(fresh[0].load, fresh[2].load);
}

// A resume knows the runs and not the order in which they were made.
TEST(Search, GoesOnFromAnyPrefixInAnyOrder) {
  Random random(3);
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const Played played = play(Curve(3 + 140 * random.uniform(), 0.02, seed), {});
    for (size_t n = 0; n < played.runs.size(); ++n) {
      std::vector<SearchRun> prefix(played.runs.begin(),
                                    played.runs.begin() + static_cast<ptrdiff_t>(n));
      std::stable_sort(prefix.begin(), prefix.end(),
                       [](const SearchRun& a, const SearchRun& b) { return a.load < b.load; });
      const auto next = search_state(prefix, kLimitMs, {}).next;
      ASSERT_TRUE(next);
      ASSERT_EQ(next->point.value, played.runs[n].load) << n;
      ASSERT_EQ(next->confirming, played.runs[n].confirming) << n;
    }
  }
}

TEST(Search, SaysWhereTheLeastLoadMisses) {
  const Played played = play([](double) { return 16'000; }, {});
  EXPECT_EQ(played.state.end, SearchEnd::kBelow);
  EXPECT_FALSE(played.state.pass);
  EXPECT_EQ(played.state.fail, 1);
  EXPECT_EQ(played.runs.size(), 4u) << "one that found it, three that confirm it";
}

TEST(Search, SaysWhereTheMostLoadPasses) {
  const Played played = play([](double load) { return 100 + load; }, {.between = {1, 300}});
  EXPECT_EQ(played.state.end, SearchEnd::kBeyond);
  EXPECT_EQ(played.state.pass, 300);
  EXPECT_FALSE(played.state.fail);
}

TEST(Search, FindsACliff) {
  const Played played = play(
      [](double load) -> std::optional<double> {
        if (load > 100) return std::nullopt;
        return 1'000;
      },
      {});
  EXPECT_EQ(played.state.end, SearchEnd::kConfirmed);
  EXPECT_LE(*played.state.pass, 100);
  EXPECT_GT(*played.state.fail, 100);
  EXPECT_LE(*played.state.fail / *played.state.pass, 1.35);
}

TEST(Search, SaysNotMonotone) {
  std::vector<SearchRun> runs = {{10, false, SearchRun::Outcome::kValue, 14'000},
                                 {20, false, SearchRun::Outcome::kValue, 16'000},
                                 {14, false, SearchRun::Outcome::kValue, 15'010},
                                 {12, false, SearchRun::Outcome::kValue, 14'990}};
  SearchState state = search_state(runs, kLimitMs, {.between = {1, 100}});
  while (state.next) {
    ASSERT_TRUE(state.next->confirming);
    const double load = state.next->point.value;
    const double value = load <= 10 ? 14'000 : load <= 12 ? 16'000 : load <= 15 ? 14'000 : 17'000;
    runs.push_back({load, true, SearchRun::Outcome::kValue, value});
    state = search_state(runs, kLimitMs, {.between = {1, 100}});
    ASSERT_LE(runs.size(), 100u);
  }
  EXPECT_EQ(state.end, SearchEnd::kNotMonotone);
  EXPECT_LE(*state.fail, 12) << "the lowest that misses";
  EXPECT_LE(*state.pass, 10);
}

TEST(Search, EndsWhereARunCannotBeJudged) {
  const std::vector<SearchRun> runs = {{1, false, SearchRun::Outcome::kNone, 0}};
  EXPECT_EQ(search_state(runs, kLimitMs, {}).end, SearchEnd::kNotJudged);
}

TEST(Search, EndsOnACurveThatIsFlatAtTheLimit) {
  Random random(11);
  const Played played =
      play([&](double) { return kLimitMs * std::exp(0.02 * random.normal()); }, {});
  EXPECT_NE(played.state.end, SearchEnd::kOpen);
  EXPECT_FALSE(played.state.next);
}

TEST(Search, HasRatesOfThreeDigits) {
  const Played played =
      play(Curve(4.321, 0.003, 5), {.over = SearchOver::kRate, .between = {0.5, 100}});
  EXPECT_EQ(played.state.end, SearchEnd::kConfirmed);
  EXPECT_TRUE(holds(played.state, 4.321));
  EXPECT_LE(*played.state.fail / *played.state.pass, 1.13);
  for (const SearchRun& run : played.runs) {
    EXPECT_LE(value_text(at_rate(run.load)).size(), 5u) << run.load;
  }
}

// The level at which the curve crosses may be one that is run: then it is told as it is or left.
TEST(Search, IsNotWrongWhereALevelLiesOnTheCrossing) {
  int wrong = 0;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    Played played = play(Curve(16, 0.02, seed), {});
    wrong += holds(played.state, 16) ? 0 : 1;
  }
  EXPECT_LE(wrong, 10) << "5 % of 200";
}

// Steps of the engine's own in place of a curve: the crossing lies where a quiet run of it has it.
TEST(Search, FindsTheUsersOfAServersOwnEngine) {
#ifdef NDEBUG
  constexpr int kSearches = 200;
#else
  constexpr int kSearches = 20;
#endif
  const EngineProfile quiet =
      read_profile(LLMSWEEP_SOURCE_DIR "/configs/simulators/h200-fp8.yaml").engine;
  EngineProfile noisy = quiet;
  noisy.run_noise = 0.02;
  const auto e2e_of = [](const EngineProfile& engine, double users, uint64_t seed) {
    return sim::run_closed_loop(engine, {.concurrency = static_cast<int>(users),
                                         .input_tokens = 100,
                                         .output_tokens = 20,
                                         .warmup_per_slot = 1,
                                         .requests_per_slot = 1,
                                         .seed = seed})
        .e2e_p50_ms;
  };
  int wrong = 0;
  for (int i = 0; i < kSearches; ++i) {
    Random random(static_cast<uint64_t>(i), 5);
    const double users = std::floor(std::exp(std::log(3) + std::log(15) * random.uniform()));
    const double limit_ms = (e2e_of(quiet, users, 1) + e2e_of(quiet, users + 1, 1)) / 2;
    const auto system = [&](double load) { return e2e_of(noisy, load, random.next()); };
    wrong += holds(play(system, {}, {.limit_ms = limit_ms}).state, users + 0.5) ? 0 : 1;
  }
  EXPECT_LE(wrong, kSearches * 0.05 + 2 * std::sqrt(kSearches * 0.05 * 0.95));
}

// Of much noise nobody gets to know enough in time: the search is still open then, which it says.
TEST(Search, OfMuchNoiseEndsWithItsBudgetAndNotWithALie) {
  constexpr int kSearches = 100;
  int open = 0, wrong = 0;
  for (uint64_t seed = 0; seed < kSearches; ++seed) {
    const Played played = play(Curve(20.5, 0.1, seed), {}, {.most_minutes = 60});
    open += played.state.end == SearchEnd::kOpen ? 1 : 0;
    if (played.state.end == SearchEnd::kConfirmed && !holds(played.state, 20.5)) ++wrong;
  }
  EXPECT_GT(open, kSearches / 2);
  EXPECT_LE(wrong, kSearches * 0.05 + 2 * std::sqrt(kSearches * 0.05 * 0.95));
}

// Nobody tells it the noise: more of it than a plan assumed makes a search longer, and no more
// often wrong.
TEST(Search, OfAnotherNoiseThanAssumedCostsMoreAndErrsNoMore) {
  constexpr int kSearches = 100;
  double runs_before = 0;
  for (const double noise : {0.005, 0.02, 0.05}) {
    int wrong = 0;
    double runs = 0;
    for (uint64_t seed = 0; seed < kSearches; ++seed) {
      const Played played = play(Curve(23.5, noise, seed), {});
      runs += static_cast<double>(played.runs.size()) / kSearches;
      if (played.state.end == SearchEnd::kConfirmed && !holds(played.state, 23.5)) ++wrong;
    }
    EXPECT_LE(wrong, kSearches * 0.05 + 2 * std::sqrt(kSearches * 0.05 * 0.95)) << noise;
    EXPECT_GT(runs, runs_before * 1.1) << noise;
    runs_before = runs;
  }
}

// Fresh runs are not those that chose the level.
TEST(Search, ConfirmsByFreshRunsAlone) {
  std::vector<SearchRun> runs = {{1, false, SearchRun::Outcome::kValue, 14'000},
                                 {2, false, SearchRun::Outcome::kValue, 16'000}};
  const SearchState state = search_state(runs, kLimitMs, {});
  ASSERT_TRUE(state.next);
  EXPECT_TRUE(state.next->confirming);
  EXPECT_EQ(state.runs_pass, 0);
  EXPECT_EQ(state.pass, 1);
  EXPECT_EQ(state.fail, 2);
}

TEST(Search, LevelsSayTheSameBracketAsTheSearch) {
  for (uint64_t seed = 0; seed < 30; ++seed) {
    const Played played = play(Curve(20.5, 0.01, seed), {});
    std::vector<LevelStats> levels;
    for (const SearchRun& run : played.runs) {
      auto at = std::find_if(levels.begin(), levels.end(), [&](const LevelStats& level) {
        return level.point.value == run.load;
      });
      if (at == levels.end()) {
        levels.push_back(testing::level_of(static_cast<int>(run.load), run.value));
        at = levels.end() - 1;
      }
      RunStats stats = at->pooled;
      stats.repeat = static_cast<int>(at->runs.size());
      stats.confirming = run.confirming;
      stats.e2e.p50 = stats.e2e.mean = run.value;
      at->runs.push_back(stats);
    }
    const SearchState again =
        search_state(search_runs(levels, kWithinFifteen, LoadKind::kConcurrency), kLimitMs, {});
    EXPECT_EQ(again.end, played.state.end);
    const UsersAtTarget users = users_at_target(levels, kWithinFifteen, 1);
    if (played.state.end != SearchEnd::kConfirmed) continue;
    EXPECT_TRUE(users.confirmed);
    EXPECT_EQ(users.c_pass, played.state.pass);
    EXPECT_EQ(users.c_fail, played.state.fail);
  }
}

TEST(Search, CostsWhatIsSaid) {
  const SearchCost quiet = expected_search_cost({}, 0.005);
  const SearchCost noisy = expected_search_cost({}, 0.03);
  EXPECT_EQ(quiet.confirming, 6);
  EXPECT_GT(noisy.confirming, quiet.confirming);
  EXPECT_EQ(quiet.locating, noisy.locating);
  EXPECT_EQ(quiet.locating.size(), 5u + 3u) << "1, 2, 4, 8, 16, and three at 23";
}

// The table of docs/statistics.md: what each way of looking costs, and how often it is wrong.
struct Tally {
  int wrong = 0;
  double width = 0;
  double minutes = 0;
  int widths = 0;

  void add(std::optional<double> pass, std::optional<double> fail, double crossing, double took) {
    const bool held = (!pass || *pass <= crossing) && (!fail || *fail > crossing);
    wrong += held ? 0 : 1;
    minutes += took;
    if (pass && fail) width += *fail / *pass, ++widths;
  }
};

double minutes_of(double value) {
  return (11 * value / 1000 + 5) / 60;
}

struct Grid {
  bool stops_at_a_miss;
};
void grid(Curve& curve, double crossing, const Grid& how, Tally& tally) {
  std::vector<LevelStats> levels;
  double minutes = 0;
  const auto run = [&](int concurrency) {
    std::vector<double> values;
    double mean = 0;
    for (int i = 0; i < 3; ++i) {
      values.push_back(curve(concurrency));
      minutes += minutes_of(values.back());
      mean += std::log(values.back()) / 3;
    }
    levels.push_back(testing::level_of(concurrency, std::exp(mean), values));
    return std::exp(mean) <= kLimitMs;
  };
  for (int concurrency = 1; concurrency <= 256; concurrency *= 2) {
    if (!run(concurrency) && how.stops_at_a_miss) break;
  }
  while (const auto next = next_level(levels, kWithinFifteen)) run(next->concurrency());
  const UsersAtTarget users = users_at_target(levels, kWithinFifteen, 1);
  tally.add(users.c_pass, users.c_fail, crossing, minutes);
}

// Doubling, then bisection by one run, or by the majority of up to three.
void bisection(Curve& curve, double crossing, int of, Tally& tally) {
  double minutes = 0;
  const auto passes = [&](double load) {
    int yes = 0, no = 0;
    while (yes <= of / 2 && no <= of / 2) {
      const double value = curve(load);
      minutes += minutes_of(value);
      (value <= kLimitMs ? yes : no) += 1;
    }
    return yes > no;
  };
  std::optional<double> pass, fail;
  for (double load = 1; load <= 512 && !fail; load *= 2) (passes(load) ? pass : fail) = load;
  while (pass && fail && *fail > *pass * 1.1 && *fail - *pass >= 2) {
    const double middle = std::clamp(std::round(std::sqrt(*pass * *fail)), *pass + 1, *fail - 1);
    (passes(middle) ? pass : fail) = middle;
  }
  tally.add(pass, fail, crossing, minutes);
}

void confirmed(Curve& curve, double crossing, Tally& tally) {
  const Played played = play(std::ref(curve), {});
  tally.add(played.state.pass, played.state.fail, crossing, played.minutes);
}

TEST(SearchTable, IsWhatIsWrittenDown) {
  const int systems = testing::writes_documents() ? 1'500 : 300;
  const std::vector<std::pair<std::string, std::function<void(Curve&, double, Tally&)>>> ways = {
      {"levels 1 to 256, three runs each, then `refine` by values",
       [](Curve& curve, double at, Tally& tally) { grid(curve, at, {false}, tally); }},
      {"the same, ending at the first miss",
       [](Curve& curve, double at, Tally& tally) { grid(curve, at, {true}, tally); }},
      {"doubling and bisection, one run each",
       [](Curve& curve, double at, Tally& tally) { bisection(curve, at, 1, tally); }},
      {"the same, two of three runs agree",
       [](Curve& curve, double at, Tally& tally) { bisection(curve, at, 3, tally); }},
      {"**`search`**: gallop, locate, confirm",
       [](Curve& curve, double at, Tally& tally) { confirmed(curve, at, tally); }},
  };
  std::string table =
      "| way | noise of a run 1 %: wrong, width, minutes | 2 % | 4 % |\n|---|---|---|---|\n";
  const double floor = 5 + 2 * 100 * std::sqrt(0.05 * 0.95 / systems);
  for (const auto& [name, way] : ways) {
    table += "| " + name;
    for (const double noise : {0.01, 0.02, 0.04}) {
      Tally tally;
      for (int i = 0; i < systems; ++i) {
        const auto seed = static_cast<uint64_t>(i);
        Random random(seed, 1);
        const double crossing = std::exp(std::log(3) + std::log(50) * random.uniform());
        Curve curve(crossing, noise, seed);
        way(curve, crossing, tally);
      }
      const double wrong = 100.0 * tally.wrong / systems;
      if (&way == &ways.back().second) {
        EXPECT_LE(wrong, floor) << noise;
      }
      table += fmt::format(" | {:.1f} %, {:.2f}, {:.1f}", wrong, tally.width / tally.widths,
                           tally.minutes / systems);
    }
    table += " |\n";
  }
  testing::expect_documented("search", table, [](double stated) {
    return stated < 5 ? 3.0 : std::max(4.0, 0.15 * stated);
  });
}

TEST(SearchRuns, OfSeveralLimitsHaveTheLargestShareOfALimit) {
  const Target tier{.all = {{.metric = Metric::kE2e, .max = std::chrono::seconds(10)},
                            {.metric = Metric::kTtft, .max = std::chrono::seconds(1)}}};
  LevelStats level = testing::level_of(4, 5'000, {5'000, 5'000});
  level.runs[0].ttft.p50 = 800;
  level.runs[1].ttft.p50 = 200;
  const std::vector<SearchRun> runs = search_runs({&level, 1}, tier, LoadKind::kConcurrency);
  ASSERT_EQ(runs.size(), 2u);
  EXPECT_DOUBLE_EQ(runs[0].value, 0.8);
  EXPECT_DOUBLE_EQ(runs[1].value, 0.5);
  level.runs[1].ttft.p50.reset();
  EXPECT_EQ(search_runs({&level, 1}, tier, LoadKind::kConcurrency)[1].outcome,
            SearchRun::Outcome::kNone);
  const SearchSpec spec{.over = SearchOver::kConcurrency};
  const SearchResult found = describe_search({&level, 1}, tier, spec, false);
  EXPECT_EQ(found.path[0].of_limit, 0.8);
  EXPECT_FALSE(found.path[0].value_ms);
  EXPECT_EQ(found.path[0].keeps, true);
}

}  // namespace
}  // namespace llmsweep
