// How often a rate is called overloaded or unsettled, by its load: the step engine in virtual time,
// 64 slots, 9.25 requests a second, log-normal answers of 60 tokens in 5.6 s. The table is of 300
// runs (LLMSWEEP_WRITE_DOCS); each test run takes fewer.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "stats/documented_table.h"
#include "stats/engine_run.h"

namespace llmsweep {
namespace {
using namespace std::chrono_literals;

constexpr std::array kLoadPercents = {80, 90, 97, 100, 103, 110, 130};

// A full batch decodes a token of each of its sequences in a step, and each request takes a prefill
// besides.
double requests_a_second(const EngineRun& run) {
  const StepCost& step = run.engine.step;
  const auto slots = static_cast<double>(run.engine.max_batch_size);
  const Cost full_step = step.base + slots * step.per_sequence;
  const Cost request = run.lengths.mean * full_step / slots +
                       static_cast<double>(run.input_tokens) * step.per_prefill_token;
  return Cost(1s) / request;
}

EngineRun loaded_engine(int percent, Duration measure, const ArrivalSpec& arrivals) {
  EngineRun run;
  run.engine.step = {.base = 30ms, .per_prefill_token = 200us, .per_sequence = 1ms};
  run.engine.max_batch_size = 64;
  run.input_tokens = 100;
  run.point = at_rate(percent * requests_a_second(run) / 100);
  run.load = {.rate = {run.point.value},
              .arrivals = arrivals,
              .warmup = 30s,
              .measure = measure,
              .drain = 600s};
  return run;
}

struct StateCounts {
  int runs = 0, overloaded = 0, unsettled = 0;

  double percent(int of) const { return 100.0 * of / runs; }
};

StateCounts count_states(const EngineRun& run, int runs) {
  StateCounts counts{.runs = runs};
  for (int seed = 0; seed < runs; ++seed) {
    const LoadState state = stats_in_virtual_time(run, static_cast<uint64_t>(seed)).open->state;
    counts.overloaded += state == LoadState::kOverloaded ? 1 : 0;
    counts.unsettled += state == LoadState::kUnsettled ? 1 : 0;
  }
  return counts;
}

// Four standard errors of a share of so many runs, in points.
double four_errors(double percent, int runs) {
  const double share = std::clamp(percent / 100, 0.02, 0.98);
  return 400 * std::sqrt(share * (1 - share) / runs);
}

struct LoadRow {
  const char* name;
  ArrivalSpec arrivals;
  Duration measure;
  double of_tenth_too_much;  // percent of runs that are called overloaded at 110 %, at least
};

std::vector<LoadRow> load_rows() {
  const ArrivalSpec bursty{.process = ArrivalProcess::kGamma, .cv = 2};
  return {{"Poisson, 120 s", {}, 120s, 35},
          {"Poisson, 300 s", {}, 300s, 80},
          {"gamma of cv 2, 120 s", bursty, 120s, 10},
          {"gamma of cv 2, 300 s", bursty, 300s, 30}};
}

void expect_power(const LoadRow& row, int load, const StateCounts& counts) {
  const double found = counts.percent(counts.overloaded);
  const std::string where = fmt::format("{} at {} %", row.name, load);
  if (load <= 100) {
    EXPECT_LE(found, 1 + four_errors(1, counts.runs)) << where;
  } else if (load == 110) {
    EXPECT_GE(found, row.of_tenth_too_much - four_errors(50, counts.runs)) << where;
  } else if (load == 130) {
    EXPECT_GE(found, 90 - four_errors(90, counts.runs)) << where;
  }
  if (load <= 80) {
    EXPECT_EQ(counts.overloaded, 0) << where;
    EXPECT_LE(counts.percent(counts.unsettled), 2 + four_errors(2, counts.runs)) << where;
  }
  if (load >= 110) {
    const double told = counts.percent(counts.overloaded + counts.unsettled);
    EXPECT_GE(told, 95 - four_errors(95, counts.runs)) << where << ": never as if all were well";
  }
}

TEST(LoadState, HasTheErrorsThatAreWrittenDown) {
#ifdef NDEBUG
  constexpr int kEachTime = 10;
#else
  constexpr int kEachTime = 1;
#endif
  const int runs = testing::writes_documents() ? 300 : kEachTime;
  std::string table = "| arrivals, window | called |";
  for (const int load : kLoadPercents) table += fmt::format(" {} % |", load);
  table += "\n|---|---|---|---|---|---|---|---|---|\n";
  for (const LoadRow& row : load_rows()) {
    std::string over = fmt::format("| {} | overloaded |", row.name), open = "| | unsettled |";
    for (const int load : kLoadPercents) {
      const StateCounts counts = count_states(loaded_engine(load, row.measure, row.arrivals), runs);
      expect_power(row, load, counts);
      over += fmt::format(" {:.1f} % |", counts.percent(counts.overloaded));
      open += fmt::format(" {:.1f} % |", counts.percent(counts.unsettled));
    }
    table += over + "\n" + open + "\n";
  }
  testing::expect_documented("load_states", table,
                             [runs](double percent) { return four_errors(percent, runs) + 0.2; });
}

}  // namespace
}  // namespace llmsweep
