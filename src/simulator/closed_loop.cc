#include "simulator/closed_loop.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <unordered_map>

#include "llmsweep/simulator/engine.h"

namespace llmsweep::sim {
namespace {

struct Looping {
  int slot = 0;
  int ordinal = 0;  // of its slot
  LoopedRequest request;
};

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const size_t n = values.size();
  return n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

// Of a mean: σ ÷ √n.
double relative_error(const std::vector<double>& values) {
  if (values.empty()) return 0;
  const auto n = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  double squares = 0;
  for (double value : values) squares += (value - mean) * (value - mean);
  return mean > 0 ? std::sqrt(squares / n) / mean / std::sqrt(n) : 0;
}

double relative_error_of_median(const std::vector<double>& values) {
  return 1.2533 * relative_error(values);
}

// Requests go on past the measured ones, so that the load stays up until the last of those ends.
std::vector<LoopedRequest> drive(const EngineProfile& profile, const ClosedLoop& loop) {
  Engine engine(profile, loop.seed);
  std::unordered_map<uint64_t, Looping> inside;
  std::vector<std::pair<Instant, Looping>> due;
  const Duration apart =
      loop.spread_starts > Duration(0) ? loop.spread_starts / loop.concurrency : loop.slot_gap;
  for (int slot = 0; slot < loop.concurrency; ++slot) {
    due.emplace_back(loop.start + apart * slot, Looping{.slot = slot});
  }
  const auto later = [](const auto& a, const auto& b) { return a.first > b.first; };
  std::make_heap(due.begin(), due.end(), later);
  std::vector<LoopedRequest> measured;
  const auto wanted =
      static_cast<size_t>(loop.concurrency) * static_cast<size_t>(loop.requests_per_slot);
  std::vector<EngineEvent> events;
  uint64_t last_id = 0;
  while (measured.size() < wanted) {
    const auto next = engine.next();
    if (!due.empty() && (!next || due.front().first < *next)) {
      std::pop_heap(due.begin(), due.end(), later);
      auto [at, looping] = due.back();
      due.pop_back();
      looping.request.sent = at;
      const auto seed = static_cast<uint64_t>(looping.slot) * 1'000'003U +
                        static_cast<uint64_t>(looping.ordinal) + loop.seed * 7'919U;
      engine.submit({.id = ++last_id,
                     .prompt_tokens = loop.input_tokens,
                     .output_tokens = loop.output_tokens,
                     .seed = seed},
                    at);
      inside.emplace(last_id, looping);
      continue;
    }
    events.clear();
    engine.advance(*next, events);
    for (const EngineEvent& event : events) {
      if (event.kind != EngineEvent::Kind::kTokens) continue;
      Looping& looping = inside.at(event.id);
      LoopedRequest& request = looping.request;
      if (request.chunks++ == 0) {
        request.first_token = event.at;
        request.first_tokens = event.tokens;
      }
      request.last_token = event.at;
      if (!event.last) continue;
      const int first_measured = loop.warmup_per_slot;
      if (looping.ordinal >= first_measured &&
          looping.ordinal < first_measured + loop.requests_per_slot) {
        measured.push_back(request);
      }
      due.emplace_back(event.at + loop.slot_gap,
                       Looping{.slot = looping.slot, .ordinal = looping.ordinal + 1});
      std::push_heap(due.begin(), due.end(), later);
      inside.erase(event.id);
    }
  }
  return measured;
}

}  // namespace

LoopResult run_closed_loop(const EngineProfile& profile, const ClosedLoop& loop) {
  LoopResult result;
  result.measured = drive(profile, loop);
  std::vector<double> e2e;
  std::vector<double> ttft;
  std::vector<double> tpot;
  std::vector<double> icl;
  double decoding_ms = 0;
  double tokens_after_first = 0;
  double chunks_after_first = 0;
  double occupied = 0;
  double cycle = 0;
  const auto output = static_cast<double>(loop.output_tokens);
  for (const LoopedRequest& request : result.measured) {
    const Duration total = request.last_token - request.sent;
    e2e.push_back(to_ms(total));
    ttft.push_back(to_ms(request.first_token - request.sent));
    occupied += to_seconds(total);
    cycle += to_seconds(total + loop.slot_gap);
    const double rest = output - static_cast<double>(request.first_tokens);
    if (rest <= 0) continue;
    tpot.push_back(to_ms(request.last_token - request.first_token) / rest);
    tokens_after_first += rest;
    const double decode_ms = to_ms(request.last_token - request.first_token);
    const auto gaps = static_cast<double>(request.chunks - 1);
    chunks_after_first += gaps;
    decoding_ms += decode_ms;
    icl.push_back(decode_ms / gaps);
  }
  result.e2e_error = relative_error_of_median(e2e);
  result.ttft_error = relative_error_of_median(ttft);
  result.tpot_error = relative_error_of_median(tpot);
  result.icl_error = relative_error(icl);
  result.e2e_p50_ms = median(std::move(e2e));
  result.ttft_p50_ms = median(std::move(ttft));
  result.tpot_p50_ms = median(std::move(tpot));
  const auto count = static_cast<double>(result.measured.size());
  if (cycle > 0) {
    result.throughput_tps = loop.concurrency * output * count / cycle;
    result.mean_running = loop.concurrency * occupied / cycle;
  }
  if (chunks_after_first > 0) {
    result.tokens_per_chunk = tokens_after_first / chunks_after_first;
    result.icl_mean_ms = decoding_ms / chunks_after_first;
  }
  return result;
}

}  // namespace llmsweep::sim
