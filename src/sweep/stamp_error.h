// How late our stamps are, chunk by chunk, against the simulator's log of what it sent when.
#pragma once

#include <cstdint>
#include <filesystem>

namespace llmsweep {

struct StampErrors {
  int64_t chunks = 0;       // of measured requests, on both sides
  int64_t unaccounted = 0;  // on one side only
  double p50_us = 0;        // our stamp − the instant of the send
  double p99_us = 0;
};

// `folder` holds requests.jsonl and chunks.bin of a run; `truth_log` is the endpoint's. Throws
// Error for a file that cannot be read.
StampErrors stamp_errors(const std::filesystem::path& folder,
                         const std::filesystem::path& truth_log);

}  // namespace llmsweep
