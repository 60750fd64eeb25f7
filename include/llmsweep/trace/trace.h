// Recorded traffic: when requests came, how long they were, and which blocks of tokens they share.
// A trace holds lengths and hashes, never texts.
//
// Formats, as their publishers' files have them: Mooncake (FAST'25), Bailian (Qwen), Azure LLM
// inference 2023 to 2025, BurstGPT, Weka's kv-cache-tester, TraceLab's table, or a table whose
// columns are named. Plain, or compressed by gzip or Zstandard.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "llmsweep/base/clock.h"
#include "llmsweep/model/recorded_trace.h"

namespace llmsweep {

std::string_view title_of(TraceFormat format);  // "Mooncake"

struct TraceOptions {
  std::optional<TraceFormat> format;  // absent: by the file's first line
  // kCsv: the columns of the instant ("at"), "input", "output" and, where there is one, "session".
  std::map<std::string, std::string> columns = {};
  Duration unit = std::chrono::seconds(1);   // kCsv: of the instants
  std::optional<int64_t> block_tokens = {};  // absent: the format's, or as the rows say
};

// Throws Error with file and line: no such file, no format that is known, a row that is not one.
Trace read_trace(const std::filesystem::path& path, const TraceOptions& options = {});

}  // namespace llmsweep
