// What a trace is like: its rate and how uneven it is, its lengths, its sessions, and how much of
// its input an endless prefix cache would hold.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "llmsweep/trace/trace.h"

namespace llmsweep {

struct LengthSummary {
  double mean = 0;
  int64_t p10 = 0, p50 = 0, p90 = 0, p99 = 0, max = 0;  // by nearest rank
};

// Variance ÷ mean of the requests in windows of that length, whole ones of the span; 1 for Poisson.
// Absent: fewer than two windows.
struct Dispersion {
  int64_t window_s = 0;
  std::optional<double> index;
};

// Requests that share their instants with many others, evenly far apart: the clock of who recorded.
struct Tick {
  int64_t instants = 0;
  double apart_s = 0;  // median
};

// Of all input tokens, those at the begin of a request that some request before it had, in whole
// blocks of an engine of that size, never all of a prompt.
struct PrefixShare {
  int64_t engine_block = 0;
  double share = 0;
};

struct TraceSummary {
  int64_t requests = 0;
  int64_t sessions = 0;
  double span_s = 0;               // first to last instant
  std::optional<double> rate_rps;  // (requests − 1) ÷ span; absent: no span
  std::optional<double> gap_cv;    // of the gaps between requests
  std::vector<Dispersion> dispersion;
  std::optional<Tick> tick;
  LengthSummary input;
  LengthSummary output;
  std::vector<PrefixShare> prefixes;  // empty: blocks are not told
  // Of the time to think before later turns; absent: there are none, or instants are not told.
  std::optional<ThinkSource> think_source;
};

// kTold where the trace tells it of every later turn; absent: no session has one.
std::optional<ThinkSource> think_source_of(const Trace& trace);

// For engine blocks of 16, 32, 64 and 512; empty: blocks are not told.
std::vector<PrefixShare> prefix_shares(const Trace& trace);

// The most requests in any `window` that begins with one, ÷ its length. window above 0.
double busiest_rate(const Trace& trace, Duration window);

// trace.requests is not empty.
TraceSummary summarise_trace(const Trace& trace);

// Lines of text, with a newline at the end; what is not known is left out.
std::string trace_text(const Trace& trace, const TraceSummary& summary, const std::string& name);
std::string trace_json(const Trace& trace, const TraceSummary& summary);

}  // namespace llmsweep
