// Recorded traffic: when requests came, how long they were, and which blocks of tokens they share.
// A trace holds lengths and hashes, never texts.
//
// Formats, as their publishers' files have them: Mooncake (FAST'25), Bailian (Qwen), Azure LLM
// inference 2023 to 2025, BurstGPT, Weka's kv-cache-tester, TraceLab's table, or a table whose
// columns are named. Plain, or compressed by gzip or Zstandard.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "llmsweep/base/clock.h"

namespace llmsweep {

enum class TraceFormat { kMooncake, kBailian, kAzure, kBurstgpt, kWeka, kTracelab, kCsv };

std::string_view name_of(TraceFormat format);   // "mooncake"
std::string_view title_of(TraceFormat format);  // "Mooncake"
std::optional<TraceFormat> trace_format_of(std::string_view name);
std::vector<std::string> trace_format_names();

struct TraceRequest {
  Duration at{};         // since the trace's first request; of one without instants 0
  uint64_t session = 0;  // equal for the requests of one session
  uint32_t input_tokens = 0;
  uint32_t output_tokens = 0;
};

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

struct TraceOptions {
  std::optional<TraceFormat> format;  // absent: by the file's first line
  // kCsv: the columns of the instant ("at"), "input", "output" and, where there is one, "session".
  std::map<std::string, std::string> columns = {};
  Duration unit = std::chrono::seconds(1);  // kCsv: of the instants
};

// Throws Error with file and line: no such file, no format that is known, a row that is not one.
Trace read_trace(const std::filesystem::path& path, const TraceOptions& options = {});

}  // namespace llmsweep
