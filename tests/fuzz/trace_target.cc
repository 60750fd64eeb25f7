#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>

#include "fuzz/targets.h"
#include "llmsweep/base/error.h"
#include "trace/trace_rows.h"

namespace llmsweep {
namespace {

void confirm(bool belief) {
  if (!belief) std::abort();
}

void require_sound_trace(const Trace& trace) {
  confirm(!trace.requests.empty() && trace.requests.front().at == Duration(0));
  for (size_t i = 1; i < trace.requests.size(); ++i) {
    confirm(trace.requests[i - 1].at <= trace.requests[i].at);
  }
  for (const TraceRequest& request : trace.requests) confirm(request.output_tokens > 0);
  confirm(trace.first_block.empty() || trace.first_block.size() == trace.requests.size() + 1);
  confirm(std::is_sorted(trace.first_block.begin(), trace.first_block.end()));
  confirm(trace.first_block.empty() || trace.first_block.back() == trace.blocks.size());
  for (const uint32_t block : trace.blocks) confirm(block < trace.block_ids);
}

}  // namespace

void fuzz_trace(std::string_view input) {
  for (const bool table : {false, true}) {
    std::string_view left = input;
    LineReader lines(
        [&left](char* into, size_t size) {
          const size_t given = std::min(size, left.size());
          std::memcpy(into, left.data(), given);
          left.remove_prefix(given);
          return given;
        },
        "input");
    TraceOptions options;
    if (table) {
      options = {.format = TraceFormat::kCsv,
                 .columns = {{"at", "t"}, {"input", "in"}, {"output", "out"}, {"session", "s"}}};
    }
    try {
      require_sound_trace(read_trace_lines(lines, "input", options));
    } catch (const Error&) {
    }
  }
}

}  // namespace llmsweep
