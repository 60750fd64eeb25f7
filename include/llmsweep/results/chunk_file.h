// chunks.bin: the instants of all token-bearing chunks of a run, one block a request, appended when
// the request has ended. The format: docs/result-format.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "llmsweep/model/chunk_trace.h"
#include "llmsweep/model/load_point.h"
#include "llmsweep/model/record.h"

namespace llmsweep {

inline constexpr std::string_view kChunkFileHeader = "LLMSCHK1";  // what the file begins with

// The block of one request.
std::string chunk_block(const RequestRecord& record, const ChunkTrace& trace);

struct ChunkBlock {
  RunId run;  // with index: which line of requests.jsonl
  uint32_t index = 0;
  std::vector<Instant> instants;  // ascending
};

// Block after block; memory is one block. One thread an object.
class ChunkReader {
 public:
  explicit ChunkReader(const std::filesystem::path& path);  // throws Error
  ~ChunkReader();
  ChunkReader(const ChunkReader&) = delete;
  ChunkReader& operator=(const ChunkReader&) = delete;

  // Nothing at the end. Throws Error, with the byte, for what is no such block.
  std::optional<ChunkBlock> next();
  // At the end: a last block was cut short by a crash, and was left out.
  bool truncated() const;
  // How many bytes the header and the whole blocks until here take: where a run may go on.
  int64_t whole_bytes() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace llmsweep
