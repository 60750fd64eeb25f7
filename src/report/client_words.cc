#include "report/client_words.h"

#include <fmt/format.h>

#include <algorithm>

#include "llmsweep/base/text.h"
#include "llmsweep/stats/validity.h"

namespace llmsweep::report {
namespace {

std::string percent(double share) {
  return format_number(share * 100, share < 0.0995 ? 1 : 0) + " %";
}

std::string ms(double value) {
  return format_significant(value, 2) + " ms";
}

// The level whose client has the largest `member`.
template <class Number>
const LevelStats& worst(const SweepResult& result, Number ClientHealth::*member) {
  return *std::max_element(result.levels.begin(), result.levels.end(),
                           [&](const LevelStats& a, const LevelStats& b) {
                             return a.pooled.client.*member < b.pooled.client.*member;
                           });
}

ClientSentence busy(const SweepResult& result) {
  const LevelStats& level = worst(result, &ClientHealth::busy_fraction);
  const double share = level.pooled.client.busy_fraction;
  const std::string text = fmt::format("The client was busy at most {} of the time ({})",
                                       percent(share), text_of(level.point));
  if (share > kBusyLimit) {
    return {Mood::kBad, text + ": it could not keep up, and the numbers there may be its own."};
  }
  if (share > kBusyWarning) {
    return {Mood::kNote, text +
                             ": time stamps there may be late by about a tenth of a millisecond "
                             "or more."};
  }
  return {Mood::kGood, text + ": it had room to spare."};
}

ClientSentence slot_gap(const SweepResult& result) {
  const LevelStats& level = worst(result, &ClientHealth::slot_gap_p99_ms);
  const double gap = level.pooled.client.slot_gap_p99_ms;
  const double limit = std::max(kDelayLimitMs, kDelayLimitOfE2e * level.pooled.e2e.p50.value_or(0));
  return {
      gap > limit ? Mood::kBad : Mood::kGood,
      fmt::format("When a request ended, its slot sent the next one within {} in 99 of 100 cases "
                  "(worst level: {}; the limit there is {}).",
                  ms(gap), text_of(level.point), ms(limit))};
}

ClientSentence receive_delay(const SweepResult& result) {
  const bool measured =
      std::any_of(result.levels.begin(), result.levels.end(),
                  [](const LevelStats& level) { return level.pooled.client.receive_samples > 0; });
  if (!measured) {
    return {Mood::kNote,
            "How long received bytes waited before the client saw them could not be measured here; "
            "the kernel gave no time stamps."};
  }
  const LevelStats& level = worst(result, &ClientHealth::receive_delay_p99_ms);
  const ClientHealth& client = level.pooled.client;
  std::string text = fmt::format(
      "Received bytes waited {} at the median and {} at p99 between the kernel and the "
      "client's time stamp (worst level: {}).",
      ms(client.receive_delay_p50_ms), ms(client.receive_delay_p99_ms), text_of(level.point));
  if (client.receive_sampling_seconds > 0 && client.cpu_seconds > 0) {
    text += fmt::format(" Measuring that took {} of the client's CPU time there.",
                        percent(client.receive_sampling_seconds / client.cpu_seconds));
  }
  const auto doubted =
      std::count_if(result.levels.begin(), result.levels.end(),
                    [](const LevelStats& each) { return !each.pooled.validity.empty(); });
  if (doubted == 0) return {Mood::kGood, std::move(text)};
  text += fmt::format(" At {} of {} levels figures have too much of the client's delay in them.",
                      doubted, result.levels.size());
  return {Mood::kBad, std::move(text)};
}

ClientSentence stalls(const SweepResult& result) {
  int64_t count = 0;
  int64_t requests = 0;
  for (const LevelStats& level : result.levels) {
    count += level.pooled.client.stalls;
    requests += level.pooled.client.stalled_requests;
  }
  if (count == 0)
    return {Mood::kGood, "The machine of the client never stood still for over 5 ms."};
  const double longest = worst(result, &ClientHealth::stall_max_ms).pooled.client.stall_max_ms;
  return {Mood::kNote,
          fmt::format("The machine of the client stood still {} {} for over 5 ms, the longest for "
                      "{}; {} measured {} overlapped.",
                      count, count == 1 ? "time" : "times", ms(longest), requests,
                      requests == 1 ? "request" : "requests")};
}

ClientSentence connections(const SweepResult& result) {
  int64_t count = 0;
  for (const LevelStats& level : result.levels) count += level.pooled.client.reconnects;
  if (count == 0) {
    return {Mood::kGood, "Every measured request used a connection that was already open."};
  }
  return {Mood::kNote,
          fmt::format("{} measured {} had to open a new connection, which is in their latency.",
                      count, count == 1 ? "request" : "requests")};
}

ClientSentence chunks(const SweepResult& result) {
  const LevelStats& level = worst(result, &ClientHealth::coalesced_fraction);
  const ClientHealth& client = level.pooled.client;
  return {client.coalesced_fraction > 0.1 ? Mood::kNote : Mood::kGood,
          fmt::format("At {}, {} of the chunks arrived together with the one before, and "
                      "a chunk carried {} tokens on average.",
                      text_of(level.point), percent(client.coalesced_fraction),
                      format_number(client.tokens_per_chunk, 2))};
}

}  // namespace

std::vector<ClientSentence> client_sentences(const SweepResult& result) {
  if (result.source != Source::kMeasured) {
    return {{Mood::kNote,
             "These numbers were not measured by llmsweep, so nothing is known of the "
             "client that made them."}};
  }
  if (result.levels.empty()) return {};
  return {busy(result),   slot_gap(result),    receive_delay(result),
          stalls(result), connections(result), chunks(result)};
}

}  // namespace llmsweep::report
