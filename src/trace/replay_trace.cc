#include "llmsweep/trace/replay_trace.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <unordered_map>
#include <utility>

#include "llmsweep/base/error.h"
#include "llmsweep/base/regular_file.h"
#include "llmsweep/base/sha256.h"
#include "llmsweep/base/text.h"
#include "llmsweep/schedule/schedule.h"
#include "llmsweep/trace/describe_trace.h"
#include "llmsweep/trace/trace.h"

namespace llmsweep {
namespace {

constexpr double kMostArrivals = 20'000'000;  // of a run
constexpr int64_t kEngineBlock = 16;

TraceOptions trace_options(const TraceSpec& spec) {
  TraceOptions options{.format = spec.format, .unit = spec.unit, .block_tokens = spec.block_tokens};
  if (!spec.columns.stated()) return options;
  options.columns = {
      {"at", spec.columns.at}, {"input", spec.columns.input}, {"output", spec.columns.output}};
  if (!spec.columns.session.empty()) options.columns["session"] = spec.columns.session;
  return options;
}

std::string sha256_of_file(const std::string& path) {
  RegularFile file(path);
  Sha256 hash;
  std::string buffer(size_t{1} << 20, '\0');
  for (size_t got = buffer.size(); got == buffer.size();) {
    got = file.read(buffer.data(), buffer.size());
    hash.update(std::string_view(buffer).substr(0, got));
  }
  return hash.hex();
}

std::unordered_map<uint64_t, Duration> session_begins(const Trace& trace) {
  std::unordered_map<uint64_t, Duration> begins;
  for (const TraceRequest& request : trace.requests) {
    begins.try_emplace(request.session, request.at);
  }
  return begins;
}

// Whole sessions that begin in [from, to), with instants that count from `from`.
void cut_to(Trace& trace, Duration from, Duration to) {
  const std::unordered_map<uint64_t, Duration> begins = session_begins(trace);
  Trace cut = trace;
  cut.requests.clear();
  cut.blocks.clear();
  cut.first_block.clear();
  const bool has_blocks = !trace.first_block.empty();
  for (size_t i = 0; i < trace.requests.size(); ++i) {
    TraceRequest request = trace.requests[i];
    const Duration begin = begins.at(request.session);
    if (begin < from || begin >= to) continue;
    request.at -= from;
    cut.requests.push_back(request);
    if (!has_blocks) continue;
    cut.first_block.push_back(cut.blocks.size());
    const std::span<const uint32_t> blocks = trace.blocks_of(i);
    cut.blocks.insert(cut.blocks.end(), blocks.begin(), blocks.end());
  }
  if (has_blocks) cut.first_block.push_back(cut.blocks.size());
  trace = std::move(cut);
}

[[noreturn]] void refuse(const TraceSpec& spec, const std::string& what, const std::string& next) {
  throw Error{{.what = what, .where = spec.file, .next = next}};
}

uint32_t most_blocks_of(const Trace& trace) {
  size_t most = 0;
  for (size_t i = 0; i < trace.requests.size(); ++i) {
    most = std::max(most, trace.blocks_of(i).size());
  }
  return static_cast<uint32_t>(most);
}

int64_t count_sessions(const Trace& trace) {
  return trace.has_sessions ? static_cast<int64_t>(session_begins(trace).size())
                            : static_cast<int64_t>(trace.requests.size());
}

// What comes before later turns where the trace does not tell it: what lies between their instants.
void fill_think(ReplayTrace& replay) {
  replay.think_source = think_source_of(replay.trace);
  if (!replay.think_source) return;
  std::unordered_map<uint64_t, Duration> last;
  for (TraceRequest& request : replay.trace.requests) {
    const auto [before, first] = last.try_emplace(request.session, request.at);
    if (first) {
      request.think = Duration(0);
    } else if (request.think < Duration(0)) {
      request.think = request.at - before->second;
    }
    before->second = request.at;
  }
}

ReplayTrace read_replay(const TraceSpec& spec, uint64_t seed) {
  Trace trace = read_trace(spec.file, trace_options(spec));
  if (!trace.has_instants) {
    refuse(spec, "the trace does not say when requests came: each of its sessions begins at 0",
           "a replay needs one that says it");
  }
  const Duration end = trace.requests.back().at;
  if (end == Duration(0)) {
    refuse(spec, "all requests of the trace come at one instant", "a replay needs a time");
  }
  const Duration to = spec.length ? spec.from + *spec.length : Duration::max();
  if (spec.from > Duration(0) || to <= end) cut_to(trace, spec.from, to);
  if (trace.requests.empty()) {
    refuse(spec,
           fmt::format("no session of the trace, which lasts {}, begins in what load.trace.from "
                       "and load.trace.for take",
                       format_duration(end)),
           "take another part of it");
  }
  ReplayTrace replay{.trace = std::move(trace),
                     .sha256 = sha256_of_file(spec.file),
                     .span = std::min(end, to) - spec.from,
                     .seed = seed};
  replay.span = std::max(replay.span, Duration(std::chrono::milliseconds(1)));
  replay.sessions = count_sessions(replay.trace);
  fill_think(replay);
  replay.most_blocks = most_blocks_of(replay.trace);
  for (const PrefixShare& each : prefix_shares(replay.trace)) {
    if (each.engine_block == kEngineBlock) replay.ideal_cached_share = each.share;
  }
  return replay;
}

// Each length as often as it comes.
TokenCount lengths_in(const Trace& trace, uint32_t TraceRequest::*tokens) {
  std::map<int64_t, double> counts;
  for (const TraceRequest& request : trace.requests) counts[request.*tokens] += 1;
  return {.kind = TokenCount::Kind::kWeighted, .weighted = {counts.begin(), counts.end()}};
}

// Sessions come so much faster than they did; their last turns may come later.
double fastest(const LoadSpec& load) {
  const std::vector<double>& speeds = load.trace.speed;
  return speeds.empty() ? 1 : *std::max_element(speeds.begin(), speeds.end());
}

void require_window(const LoadSpec& load) {
  const Duration asked = load.warmup + load.measure;
  const Duration there = from_seconds(to_seconds(load.trace.replay->span) / fastest(load));
  if (asked > there) {
    throw Error{{.what = fmt::format("warmup and measure ask for {}, and what is replayed of the "
                                     "trace lasts {}",
                                     format_duration(asked), format_duration(there)),
                 .where = "load.measure",
                 .next = "measure for less, or take more of the trace (load.trace.from, .for)"}};
  }
  for (const LoadPoint point : load_points(load)) {
    const double copies = load.trace.copies.empty() ? 1 : point.value;
    if (copies * static_cast<double>(load.trace.replay->trace.requests.size()) > kMostArrivals) {
      throw Error{
          {.what = fmt::format("{} has more than {:.3g} requests", text_of(point), kMostArrivals),
           .where = "load.trace",
           .next = "take less of the trace (load.trace.for), or fewer copies"}};
    }
    if (prompt_demand(load, point).measured > 0) continue;
    throw Error{{.what = fmt::format("no request of {} comes in the window", text_of(point)),
                 .where = "load.measure",
                 .next = "measure for longer, or take another part of the trace"}};
  }
}

// What is of sessions, where what is replayed has none.
void require_sessions(const SweepSpec& spec) {
  const TraceSpec& trace = spec.load.trace;
  const auto refuse_key = [](const char* key, const std::string& what) {
    throw Error{{.what = what, .where = key, .next = "leave it out"}};
  };
  if (!trace.replay->trace.has_sessions && !spec.endpoint.session_header.empty()) {
    refuse_key("endpoint.session_header", "the trace tells no sessions");
  }
  if (trace.turns_wait() && spec.load.stop_over_error_rate) {
    refuse_key("load.stop_over_error_rate",
               "needs to know how many requests a level has, and later turns of closed sessions "
               "are known once they are due");
  }
  if (!trace.replay->think_source && trace.think_cap) {
    refuse_key("load.trace.think_cap", "no session of what is replayed has a later turn");
  }
}

}  // namespace

void load_trace(SweepSpec& spec) {
  TraceSpec& trace = spec.load.trace;
  if (!trace.wanted()) return;
  trace.replay = std::make_shared<const ReplayTrace>(read_replay(trace, spec.workload.seed));
  require_sessions(spec);
  spec.workload.input_tokens = lengths_in(trace.replay->trace, &TraceRequest::input_tokens);
  spec.workload.output_tokens = lengths_in(trace.replay->trace, &TraceRequest::output_tokens);
  require_window(spec.load);
}

}  // namespace llmsweep
