#include "llmsweep/trace/describe_trace.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "llmsweep/base/text.h"
#include "llmsweep/model/names.h"

namespace llmsweep {
namespace {

LengthSummary lengths_of(const Trace& trace, uint32_t TraceRequest::*tokens) {
  std::vector<uint32_t> values;
  values.reserve(trace.requests.size());
  double sum = 0;
  for (const TraceRequest& request : trace.requests) {
    values.push_back(request.*tokens);
    sum += request.*tokens;
  }
  std::sort(values.begin(), values.end());
  const auto n = static_cast<double>(values.size());
  const auto at = [&](double share) {
    const auto rank = static_cast<size_t>(std::max(std::ceil(share * n), 1.0));
    return static_cast<int64_t>(values[rank - 1]);
  };
  return {.mean = sum / n,
          .p10 = at(0.1),
          .p50 = at(0.5),
          .p90 = at(0.9),
          .p99 = at(0.99),
          .max = values.back()};
}

int64_t sessions_of(const Trace& trace) {
  if (!trace.has_sessions) return static_cast<int64_t>(trace.requests.size());
  std::vector<uint64_t> sessions;
  sessions.reserve(trace.requests.size());
  for (const TraceRequest& request : trace.requests) sessions.push_back(request.session);
  std::sort(sessions.begin(), sessions.end());
  return std::unique(sessions.begin(), sessions.end()) - sessions.begin();
}

std::optional<double> cv_of_gaps(const std::deque<TraceRequest>& requests) {
  if (requests.size() < 3) return std::nullopt;
  const auto n = static_cast<double>(requests.size() - 1);
  const double mean = to_seconds(requests.back().at) / n;
  if (mean <= 0) return std::nullopt;
  double squares = 0;
  for (size_t i = 1; i < requests.size(); ++i) {
    const double off = to_seconds(requests[i].at - requests[i - 1].at) - mean;
    squares += off * off;
  }
  return std::sqrt(squares / (n - 1)) / mean;
}

std::optional<double> dispersion_of(const std::deque<TraceRequest>& requests, int64_t window_s) {
  const Duration window = std::chrono::seconds(window_s);
  const int64_t windows = requests.back().at / window;  // whole ones
  if (windows < 2) return std::nullopt;
  double sum = 0;
  double squares = 0;
  const auto add = [&](double count) {
    sum += count;
    squares += count * count;
  };
  int64_t current = 0;
  double count = 0;
  for (const TraceRequest& request : requests) {
    const int64_t in = request.at / window;
    if (in != current) add(count);
    if (in != current) count = 0;
    current = in;
    if (in >= windows) break;
    ++count;
  }
  const auto n = static_cast<double>(windows);
  const double mean = sum / n;
  return (squares / n - mean * mean) * n / (n - 1) / mean;
}

std::optional<Tick> tick_of(const std::deque<TraceRequest>& requests) {
  constexpr double kShared = 2;      // requests an instant
  constexpr double kEven = 0.01;     // of the distance
  constexpr double kMostEven = 0.9;  // of the gaps
  std::vector<double> gaps;
  for (size_t i = 1; i < requests.size(); ++i) {
    if (requests[i].at != requests[i - 1].at) {
      gaps.push_back(to_seconds(requests[i].at - requests[i - 1].at));
    }
  }
  if (gaps.size() < 2) return std::nullopt;
  const auto instants = static_cast<int64_t>(gaps.size() + 1);
  if (static_cast<double>(requests.size()) < kShared * static_cast<double>(instants)) {
    return std::nullopt;
  }
  const auto middle = gaps.begin() + static_cast<std::ptrdiff_t>(gaps.size() / 2);
  std::nth_element(gaps.begin(), middle, gaps.end());
  const double apart = *middle;
  const auto even = std::count_if(gaps.begin(), gaps.end(), [apart](double gap) {
    return std::abs(gap / apart - std::round(gap / apart)) <= kEven * std::round(gap / apart);
  });
  if (static_cast<double>(even) < kMostEven * static_cast<double>(gaps.size())) {
    return std::nullopt;
  }
  return Tick{.instants = instants, .apart_s = apart};
}

std::string line_of(std::string_view heading, const std::string& text) {
  return fmt::format("{:<10} {}\n", heading, text);
}

std::string number(double value) {
  return format_significant(value);
}

std::string count(int64_t value) {
  return format_number(static_cast<double>(value));
}

std::string text_of(const LengthSummary& lengths) {
  return fmt::format("mean {}, p10 {}, p50 {}, p90 {}, p99 {}, at most {} tokens",
                     number(lengths.mean), count(lengths.p10), count(lengths.p50),
                     count(lengths.p90), count(lengths.p99), count(lengths.max));
}

std::string arrivals_text(const TraceSummary& summary) {
  std::string text = fmt::format("{} requests/s on average", number(summary.rate_rps.value_or(0)));
  if (summary.gap_cv) text += fmt::format("; gaps' cv {}", number(*summary.gap_cv));
  std::vector<std::string> indexes;
  for (const Dispersion& each : summary.dispersion) {
    if (each.index) {
      indexes.push_back(fmt::format("{} at {} s", number(*each.index), each.window_s));
    }
  }
  if (!indexes.empty()) {
    text += fmt::format("; dispersion {} (Poisson: 1)", join(indexes, ", "));
  }
  return text;
}

std::string prefixes_text(const Trace& trace, const TraceSummary& summary) {
  std::vector<std::string> shares;
  for (const PrefixShare& each : summary.prefixes) {
    shares.push_back(fmt::format("{:.1f} % in blocks of {}", 100 * each.share, each.engine_block));
  }
  return fmt::format("{} blocks of {} tokens; an endless cache would hold of the input {}",
                     count(trace.block_ids), trace.block_tokens, join(shares, ", "));
}

nlohmann::ordered_json json_of(const LengthSummary& lengths) {
  return {{"mean", lengths.mean}, {"p10", lengths.p10}, {"p50", lengths.p50},
          {"p90", lengths.p90},   {"p99", lengths.p99}, {"max", lengths.max}};
}

nlohmann::ordered_json json_or_null(const std::optional<double>& value) {
  return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json();
}

}  // namespace

std::vector<PrefixShare> prefix_shares(const Trace& trace) {
  std::vector<PrefixShare> shares;
  if (trace.first_block.empty()) return shares;
  for (const int64_t engine : {16, 32, 64, 512}) shares.push_back({engine, 0});
  std::unordered_set<uint64_t> seen;  // of chains of blocks from a request's begin
  double input = 0;
  for (size_t i = 0; i < trace.requests.size(); ++i) {
    const int64_t tokens = trace.requests[i].input_tokens;
    input += static_cast<double>(tokens);
    uint64_t chain = 0;
    int64_t held = 0;
    bool all = true;
    for (const uint32_t block : trace.blocks_of(i)) {
      chain = (chain ^ (block + 1)) * 0x9E3779B97F4A7C15;
      chain ^= chain >> 29;
      all = !seen.insert(chain).second && all;
      if (all) held += trace.block_tokens;
    }
    for (PrefixShare& share : shares) {
      const int64_t most = std::min(held, tokens - 1);
      share.share += static_cast<double>(most / share.engine_block * share.engine_block);
    }
  }
  for (PrefixShare& share : shares) share.share /= std::max(input, 1.0);
  return shares;
}

std::optional<ThinkSource> think_source_of(const Trace& trace) {
  std::optional<ThinkSource> source;
  if (!trace.has_sessions) return source;
  std::unordered_set<uint64_t> seen;
  for (const TraceRequest& request : trace.requests) {
    if (seen.insert(request.session).second) continue;
    if (request.think < Duration(0)) return ThinkSource::kInstants;
    source = ThinkSource::kTold;
  }
  return source;
}

double busiest_rate(const Trace& trace, Duration window) {
  const std::deque<TraceRequest>& requests = trace.requests;
  size_t most = 0;
  size_t first = 0;
  for (size_t i = 0; i < requests.size(); ++i) {
    while (requests[i].at - requests[first].at >= window) ++first;
    most = std::max(most, i - first + 1);
  }
  return static_cast<double>(most) / to_seconds(window);
}

TraceSummary summarise_trace(const Trace& trace) {
  TraceSummary summary{.requests = static_cast<int64_t>(trace.requests.size()),
                       .sessions = sessions_of(trace),
                       .input = lengths_of(trace, &TraceRequest::input_tokens),
                       .output = lengths_of(trace, &TraceRequest::output_tokens),
                       .prefixes = prefix_shares(trace)};
  summary.span_s = to_seconds(trace.requests.back().at);
  if (!trace.has_instants || summary.span_s <= 0) return summary;
  summary.think_source = think_source_of(trace);
  summary.rate_rps = static_cast<double>(summary.requests - 1) / summary.span_s;
  summary.gap_cv = cv_of_gaps(trace.requests);
  for (const int64_t window_s : {1, 10, 60}) {
    summary.dispersion.push_back({window_s, dispersion_of(trace.requests, window_s)});
  }
  summary.tick = tick_of(trace.requests);
  return summary;
}

std::string trace_text(const Trace& trace, const TraceSummary& summary, const std::string& name) {
  std::string text = fmt::format("{}: {}, {} requests", printable(name), title_of(trace.format),
                                 count(summary.requests));
  if (trace.has_sessions) text += fmt::format(" of {} sessions", count(summary.sessions));
  if (summary.rate_rps) {
    text +=
        fmt::format(", {}", format_duration(std::chrono::seconds(std::llround(summary.span_s))));
  }
  text += '\n';
  if (summary.rate_rps) text += line_of("arrivals", arrivals_text(summary));
  if (!trace.has_instants) {
    text += line_of("arrivals", "not told: instants begin anew with each session");
  }
  if (summary.tick) {
    text +=
        line_of("tick", fmt::format("all at {} instants {} s apart: the clock of who recorded "
                                    "it, not of who asked",
                                    count(summary.tick->instants), number(summary.tick->apart_s)));
  }
  if (summary.think_source) {
    text += line_of("think", summary.think_source == ThinkSource::kTold
                                 ? "told, from the end of an answer to the next turn"
                                 : "not told: between instants of turns lies the recorded "
                                   "server's answer too");
  }
  text += line_of("input", text_of(summary.input));
  text += line_of("output", text_of(summary.output));
  text += line_of("prefixes", summary.prefixes.empty() ? "not told: what prompts share is not known"
                                                       : prefixes_text(trace, summary));
  if (trace.sorted) text += line_of("sorted", "its rows were not in order of time");
  if (trace.without_output.count > 0) {
    text += line_of("left out", fmt::format("{} rows without output, the first in line {}",
                                            count(trace.without_output.count),
                                            trace.without_output.first_line));
  }
  return text;
}

std::string trace_json(const Trace& trace, const TraceSummary& summary) {
  nlohmann::ordered_json json = {
      {"format", name_of(trace.format)},
      {"requests", summary.requests},
      {"sessions",
       trace.has_sessions ? nlohmann::ordered_json(summary.sessions) : nlohmann::ordered_json()},
      {"span_s", summary.span_s},
      {"rate_rps", json_or_null(summary.rate_rps)},
      {"gap_cv", json_or_null(summary.gap_cv)},
      {"dispersion", nlohmann::ordered_json::array()},
      {"tick", nullptr},
      {"think", summary.think_source ? nlohmann::ordered_json(name_of(*summary.think_source))
                                     : nlohmann::ordered_json()},
      {"input_tokens", json_of(summary.input)},
      {"output_tokens", json_of(summary.output)},
      {"block_tokens", trace.block_tokens > 0 ? nlohmann::ordered_json(trace.block_tokens)
                                              : nlohmann::ordered_json()},
      {"block_ids", trace.block_ids},
      {"prefixes", nlohmann::ordered_json::array()},
      {"sorted", trace.sorted},
      {"left_out", {{"without_output", trace.without_output.count}}}};
  for (const Dispersion& each : summary.dispersion) {
    json["dispersion"].push_back(
        {{"window_s", each.window_s}, {"index", json_or_null(each.index)}});
  }
  if (summary.tick) {
    json["tick"] = {{"instants", summary.tick->instants}, {"apart_s", summary.tick->apart_s}};
  }
  for (const PrefixShare& each : summary.prefixes) {
    json["prefixes"].push_back({{"engine_block", each.engine_block}, {"share", each.share}});
  }
  return json.dump(1) + "\n";
}

}  // namespace llmsweep
