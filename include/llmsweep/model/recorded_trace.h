// Recorded traffic as data: when requests came, how long they were, and which blocks of tokens they
// share. A trace holds lengths and hashes, never texts.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "llmsweep/base/clock.h"

namespace llmsweep {

enum class TraceFormat { kMooncake, kBailian, kAzure, kBurstgpt, kWeka, kTracelab, kCsv };

struct TraceRequest {
  Duration at{};         // since the trace's first request; of one without instants 0
  uint64_t session = 0;  // equal for the requests of one session
  uint32_t input_tokens = 0;
  uint32_t output_tokens = 0;
  // Of a later turn of a session: between the end of the turn before and it. Below 0: not told.
  Duration think{-1};
};

// Whether a session's later turns come at their own instants, or once the turn before has ended.
enum class TraceSessions { kOpen, kClosed };
// Where the time to think before later turns is from: the trace tells it, or it is what lies
// between the instants of two turns, in which the answer of the server that was recorded is too.
enum class ThinkSource { kTold, kInstants };

// A row that no request can be made of, and so is none of `requests`.
struct LeftOut {
  int64_t count = 0;
  int64_t first_line = 0;
};

struct Trace {
  TraceFormat format = TraceFormat::kMooncake;
  bool has_instants = true;   // Weka's begin with each session
  bool has_sessions = false;  // false: each request is one
  // Tokens of a block; 0: blocks are not told. Its last block may be shorter.
  int64_t block_tokens = 0;
  bool blocks_are_local = false;  // an id is one session's

  std::deque<TraceRequest> requests;  // in order of `at`, rows of one instant in the file's
  // The ids of requests[i]'s blocks: from first_block[i] to first_block[i + 1] of `blocks`. Empty
  // where they are not told. Ids are numbered anew, from 0.
  std::vector<uint32_t> blocks;
  std::vector<uint64_t> first_block;
  int64_t block_ids = 0;  // distinct ones

  bool sorted = false;  // the file's rows were not in order of time
  LeftOut without_output;

  std::span<const uint32_t> blocks_of(size_t request) const {
    if (first_block.empty()) return {};
    return std::span(blocks).subspan(first_block[request],
                                     first_block[request + 1] - first_block[request]);
  }
};

// What a run replays of a trace: whole sessions, by their begin.
struct ReplayTrace {
  Trace trace;           // cut to what is replayed; its first request is at 0 or later
  std::string sha256;    // of the file, as it is stored
  Duration span{};       // of what is replayed; above 0
  int64_t sessions = 0;  // that it has
  // Of requests[i].think, which every later turn has; absent: no session has a later turn.
  std::optional<ThinkSource> think_source;
  uint64_t seed = 0;  // of the workload: which sessions a share keeps, how copies are shifted
  uint32_t most_blocks = 0;  // of a request
  // Of all input tokens, those that an endless prefix cache with blocks of 16 would have had; below
  // 0: blocks are not told.
  double ideal_cached_share = -1;

  double rate_rps() const { return static_cast<double>(trace.requests.size()) / to_seconds(span); }
};

}  // namespace llmsweep
