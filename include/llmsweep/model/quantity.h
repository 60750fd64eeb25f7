// The table of quantities: everything that a level can be said to have, one row each. Every output
// (tables, page, CSV, comparison, gate, help, the schema's descriptions) is a loop over it; what a
// row means stands in docs/metrics.md.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "llmsweep/model/level.h"
#include "llmsweep/model/spec.h"

namespace llmsweep {

enum class Unit {
  kMilliseconds,
  kTokensPerSecond,
  kTokensPerSecondPerMs,
  kRequestsPerSecond,
  kInputsPerSecond,
  kRequests,
  kTokens,
  kShare,
  kSeconds,
  kUsers,
  kUsersPerGpu,
  kScore,
  kMoney,           // for a million tokens, in the currency of the prices
  kJoulesPerToken,  // per output token
  kTokensPerSecondPerMw,
};
std::string_view name_of(Unit unit);  // ms, tokens/s, …, share, users, users per GPU, score

enum class Direction { kLowerIsBetter, kHigherIsBetter };

// How the runs of a level make one figure.
enum class Pooling {
  kGeometricMean,  // of the runs' figures
  kMean,           // of the runs' figures: those that may be 0
  kWorst,          // the runs' largest
  kSum,
  kRequests,  // of the requests of all runs together
};

// What a figure can be read with; see throughput_of().
struct Reading {
  bool with_drain = false;
  int gpus = 0;  // 0: as the run holds its throughput per GPU
};

constexpr unsigned bit_of(Statistic statistic) {
  return 1U << static_cast<unsigned>(statistic);
}

// Where a quantity is shown without being asked for. By name it can be had everywhere.
struct Shown {
  static constexpr int kAlways = 1000;
  int terminal = 0;  // the lowest gives way first where the window is narrow; 0: not shown
  int interval = 0;  // the same for the interval beside it
  bool markdown = false;
  unsigned page = 0;           // bits of the statistics with a column; of a plain number: any
  bool compared = false;       // in the comparison's data
  bool compare_table = false;  // in its tables too
};

struct Quantity {
  std::string_view key;          // of rules and --columns
  std::string_view title;        // as a heading; of a distribution without its statistic
  std::string_view short_title;  // where columns are narrow
  Unit unit = Unit::kMilliseconds;
  std::optional<Direction> better;  // absent: neither, and nothing to gate
  Pooling pooling = Pooling::kGeometricMean;

  // Where a run holds it: at most one of the first three. None, and no `of`: not a level's own.
  Distribution RunStats::*distribution = nullptr;
  std::optional<double> RunStats::*number = nullptr;  // 0 is nothing that can be compared
  std::optional<double> RunStats::*maybe = nullptr;
  std::optional<double> (*of)(const RunStats&, const Reading&) = nullptr;  // wins over the others
  std::optional<Metric> metric;  // that targets name it by
  std::optional<Interval> LevelStats::*between_runs = nullptr;

  std::string_view result_key;  // of result.json, and the CSV's column; in comparisons likewise
  std::string_view between_runs_key;
  std::string_view meaning;     // of result_key
  std::string_view null_means;  // there; empty: what null always means
  std::string_view term;        // what the short title stands for, where it does not say so itself
  std::string_view missing;     // what to do where a level lacks it; empty: nothing special
  Shown shown;

  bool made_of_latency = false;  // with the distributions: what an overloaded level does not have
  bool of_output = false;        // of output tokens: what an API that generates none does not have

  bool is_latency() const { return distribution != nullptr || made_of_latency; }
  bool of_level() const { return distribution || number || maybe || of; }
  // Users and requests a second, per GPU or not.
  bool of_target() const { return !of_level() && unit != Unit::kScore; }
  bool stored() const { return distribution || number || maybe; }
};

// In the order of every output.
std::span<const Quantity> quantities();
const Quantity* find_quantity(std::string_view key);  // null: no such quantity
const Quantity& quantity_of(Metric metric);

// A quantity, and of a distribution which statistic: a column, a gate's subject.
struct Measure {
  const Quantity* quantity = nullptr;
  Statistic statistic = Statistic::kP50;  // of a plain number: not used

  bool operator==(const Measure&) const = default;
};
std::vector<Measure> terminal_measures();
std::vector<Measure> markdown_measures();
std::vector<Measure> page_measures();
std::vector<Measure> compared_measures();          // in a comparison's data
std::vector<Measure> compare_table_measures();     // in its tables
std::string key_of(const Measure& measure);        // "throughput", "e2e", "e2e:p99"
std::string validity_key(const Measure& measure);  // in RunStats::validity: "e2e:p50", "throughput"
// Whether the figure can be trusted, as far as the client goes; the level is another question.
bool is_sound(const RunStats& run, const Measure& measure);
// As a key of JSON and a name in CSV: "throughput_per_gpu_tps", "e2e_p50_ms".
std::string data_key_of(const Measure& measure);
std::string title_of(const Measure& measure);  // "Throughput", "Median E2E latency", "TTFT p99"

// "throughput,e2e:p99,itl": the measures of --columns; none of an empty text. Error with the whole
// list where a key is unknown, or is none that `of` allows.
enum class ColumnsOf { kLevel, kComparison };
std::vector<Measure> parse_columns(std::string_view text, ColumnsOf of);
std::vector<std::string> column_keys(ColumnsOf of);
Measure measure_of(std::string_view key);  // asserts that there is such a quantity
Measure measure_of(const Target& target);

// The statistic of a distribution. Absent: no samples, or not enough of them.
std::optional<double> statistic_of(const Distribution& distribution, Statistic statistic);
const Distribution& distribution_of(const RunStats& stats, Metric metric);

// The measure of a run, or of a level's pooled one. Absent: it has none.
std::optional<double> value_of(const RunStats& run, const Measure& measure,
                               const Reading& reading = {});
// A plain number as result.json holds it, a 0 included.
std::optional<double> stored_value(const RunStats& run, const Quantity& quantity);

// Steady output throughput, else the one with the drain in it: decided here and nowhere else.
// A level has the drain in its throughput where no run of it has a steady one, unless its API
// generates nothing that could have a throughput; two levels that are
// compared have it where one of them does.
bool has_drain(const RunStats& pooled);
std::optional<double> throughput_of(const RunStats& run, const Reading& reading);
// Of either side of a comparison by the same throughput, and so not as its run holds it, unless the
// reading names no GPUs.
std::optional<double> throughput_per_gpu_of(const RunStats& run, const Reading& reading);
// Of one run by itself; 0: none.
double headline_throughput_tps(const RunStats& run);
// A figure that is inversely proportional to the throughput, stored for the headline's: by the
// reading's.
std::optional<double> by_throughput(const RunStats& run, std::optional<double> stored,
                                    const Reading& reading);

}  // namespace llmsweep
