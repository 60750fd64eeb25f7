#include "llmsweep/sweep/versus.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "llmsweep/base/error.h"
#include "llmsweep/base/random.h"
#include "llmsweep/base/text.h"
#include "llmsweep/http/make_client.h"
#include "llmsweep/schedule/schedule.h"
#include "llmsweep/spec/spec_file.h"
#include "llmsweep/sweep/prediction.h"
#include "sweep/stepped_sweep.h"

namespace llmsweep {
namespace {

// Half of them true; of an odd number one more or one fewer.
std::vector<bool> balanced(size_t count, bool more, Random& random) {
  std::vector<bool> values(count, false);
  const size_t first = (count + (more ? 1 : 0)) / 2;
  std::fill(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(first), true);
  for (size_t i = count; i > 1; --i) {
    const size_t other = random.below(i);
    const bool swapped = values[i - 1];
    values[i - 1] = values[other];
    values[other] = swapped;
  }
  return values;
}

// Keys of a spec that say what is asked of both systems.
bool is_of_load(const std::string& difference) {
  return difference.starts_with("workload") || difference.starts_with("load");
}

// Prompts of one server must not come twice: its prefix cache would know those of the side that
// came second.
bool share_an_address(const EndpointSpec& a, const EndpointSpec& b) {
  if (!a.simulator.empty() || !b.simulator.empty()) return false;
  const auto urls_of = [](const EndpointSpec& endpoint) {
    return endpoint.urls.empty() ? std::vector<std::string>{endpoint.url} : endpoint.urls;
  };
  const std::vector<std::string> others = urls_of(b);
  const std::vector<std::string> urls = urls_of(a);
  return std::any_of(urls.begin(), urls.end(), [&others](const std::string& url) {
    return std::find(others.begin(), others.end(), url) != others.end();
  });
}

SweepSpec spec_of_side(SweepSpec spec, const VersusPlan& plan, bool own_prompts) {
  spec.load.repeats = plan.rounds;
  spec.load.repeats_max = 0;
  if (spec.workload.nonce == kAutoNonce) {
    spec.workload.nonce = plan.nonce + (own_prompts ? "-b" : "");
  }
  return spec;
}

void require_same_prompts(const SweepResult& a, const SweepResult& b) {
  if (a.workload.prompt_set_sha256 == b.workload.prompt_set_sha256) return;
  throw Error({.what = "the two endpoints would get different prompts",
               .where = fmt::format("'{}' and '{}'", printable(a.name), printable(b.name)),
               .next = "their chat templates or tokens differ: give both the same "
                       "workload.tokenizer, or input_scope: content"});
}

class Versus {
 public:
  Versus(const VersusPlan& plan, const SweepSpec& a, const SweepSpec& b,
         const std::filesystem::path& folder, const Interrupts& interrupts, SweepObserver& of_a,
         SweepObserver& of_b, const VersusOptions& options)
      : load_(spec_of_side(a, plan, false).load),
        order_(order_of(plan)),
        a_(spec_of_side(a, plan, false), folder / "a", interrupts, of_a,
           options_of("a", plan, options)),
        b_(spec_of_side(b, plan, share_an_address(a.endpoint, b.endpoint)), folder / "b",
           interrupts, of_b, options_of("b", plan, options)) {}

  VersusOutcome run() {
    if (a_.is_complete() && b_.is_complete()) return end(true);
    const std::set<RunId> of_a = a_.whole_runs(), of_b = b_.whole_runs();
    const SweepResult& described = a_.check();
    require_same_prompts(described, b_.check());
    a_.open(missing(of_a, of_b));
    b_.open(missing(of_b, of_a));
    for (const PairOrder& pair : order_) {
      const RunId id{pair.point, pair.repeat};
      if (of_a.contains(id) && of_b.contains(id)) continue;
      if (!measure(id, pair.a_first)) return end(false);
    }
    return end(true);
  }

 private:
  std::vector<PairOrder> order_of(const VersusPlan& plan) const {
    std::vector<std::vector<LoadPoint>> rounds;
    for (int round = 0; round < plan.rounds; ++round) {
      rounds.push_back(levels_of_round(load_, round));
    }
    const PairRule rule = plan.order == "abba" ? PairRule::kAbba : PairRule::kRandom;
    return pair_order(rounds, rule, plan.seed);
  }

  SweepOptions options_of(const char* side, const VersusPlan& plan,
                          const VersusOptions& options) const {
    return {.pairing = Pairing{.id = plan.id, .side = side, .order = order_},
            .patience = options.patience,
            .command = options.command};
  }

  static std::vector<RunId> missing(const std::set<RunId>& from, const std::set<RunId>& in) {
    std::vector<RunId> runs;
    std::set_difference(from.begin(), from.end(), in.begin(), in.end(), std::back_inserter(runs));
    return runs;
  }

  bool measure(const RunId& id, bool a_first) {
    const int64_t first_prompt = std::max(a_.next_prompt(), b_.next_prompt());
    SteppedSweep& first = a_first ? a_ : b_;
    SteppedSweep& second = a_first ? b_ : a_;
    return first.run(id, first_prompt) && second.run(id, first_prompt);
  }

  VersusOutcome end(bool whole) { return {.a = a_.end(whole), .b = b_.end(whole), .whole = whole}; }

  LoadSpec load_;
  std::vector<PairOrder> order_;
  SteppedSweep a_, b_;
};

}  // namespace

std::vector<PairOrder> pair_order(std::span<const std::vector<LoadPoint>> rounds, PairRule rule,
                                  uint64_t seed) {
  std::vector<PairOrder> order;
  for (size_t round = 0; round < rounds.size(); ++round) {
    for (size_t i = 0; i < rounds[round].size(); ++i) {
      order.push_back({rounds[round][i], static_cast<int>(round), (round + i) % 2 == 0});
    }
  }
  if (rule == PairRule::kAbba) return order;
  Random random(seed, 0x7061697273);
  std::map<LoadPoint, std::vector<bool>> first;  // of each level, by its rounds
  bool more = random.chance(0.5);
  for (const PairOrder& pair : order) {
    if (first.contains(pair.point)) continue;
    const auto all = static_cast<size_t>(
        std::count_if(order.begin(), order.end(),
                      [&pair](const PairOrder& other) { return other.point == pair.point; }));
    first[pair.point] = balanced(all, more, random);
    more = !more;
  }
  std::map<LoadPoint, size_t> used;
  for (PairOrder& pair : order) pair.a_first = first[pair.point][used[pair.point]++];
  return order;
}

void require_same_load(const SweepSpec& a, const SweepSpec& b) {
  for (const SweepSpec* spec : {&a, &b}) {
    const char* key = spec->load.refine                                    ? "load.refine"
                      : spec->load.search.wanted()                         ? "search"
                      : spec->load.budget.tokens || spec->load.budget.time ? "load.budget"
                                                                           : nullptr;
    if (key == nullptr) continue;
    throw Error({.what = fmt::format("{} cannot be had side by side", key),
                 .where = spec->name,
                 .next = "leave it out: both sides measure the same levels, as often"});
  }
  std::vector<std::string> differences = spec_differences(spec_to_json(a), spec_to_json(b));
  std::erase_if(differences, [](const std::string& text) { return !is_of_load(text); });
  if (differences.empty()) return;
  throw Error({.what = "the two specs ask for different loads; " + join(differences, "; "),
               .where = fmt::format("'{}' and '{}'", printable(a.name), printable(b.name)),
               .next = "only endpoint, system and client may differ"});
}

VersusOutcome run_versus(const VersusPlan& plan, const SweepSpec& a, const SweepSpec& b,
                         const std::filesystem::path& folder, const Interrupts& interrupts,
                         SweepObserver& of_a, SweepObserver& of_b, const VersusOptions& options) {
  require_same_load(a, b);
  const bool simulator = !a.endpoint.simulator.empty() || !b.endpoint.simulator.empty();
  ensure_descriptors(2 * static_cast<size_t>(most_streams(a)), simulator ? 2 : 1);
  return Versus(plan, a, b, folder, interrupts, of_a, of_b, options).run();
}

}  // namespace llmsweep
