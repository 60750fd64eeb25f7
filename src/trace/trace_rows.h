// What the readers of the formats share. Private to trace/.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "llmsweep/base/regular_file.h"
#include "llmsweep/trace/trace.h"

namespace llmsweep {

// A decimal number × `scale`, exactly (to nine decimals); nothing where it is none or too large.
std::optional<int64_t> scaled(std::string_view decimal, int64_t scale);

// Puts rows into a trace, which must outlive it.
class TraceRows {
 public:
  TraceRows(Trace& trace, const LineReader& lines) : trace_(trace), lines_(lines) {}

  struct Row {
    int64_t at_ns = 0;
    std::optional<std::string_view> session = {};  // absent: of its own
    std::optional<int64_t> input = {};
    std::optional<int64_t> output = {};
    std::optional<int64_t> think_ns = {};  // after the end of the session's row before
  };
  // Throws for lengths that are none. A row without output is left out. Returns whether it is in.
  bool add(const Row& row);
  // Of the row added last: an id of the file, "" or the session's name as scope.
  void add_block(uint64_t id, std::string_view scope);
  void end_blocks() { trace_.first_block.push_back(trace_.blocks.size()); }

  [[noreturn]] void fail(const std::string& what, const std::string& next = {}) const;

 private:
  Trace& trace_;
  const LineReader& lines_;
  uint64_t unnamed_ = 0;
  std::unordered_map<uint64_t, uint32_t> numbers_;
};

// All of a trace: read_trace() of a file that is open.
Trace read_trace_lines(LineReader& lines, const std::string& name, const TraceOptions& options);

// `first` is the first line, which `lines` has returned; the others are still to be read.
void read_json_rows(Trace& trace, LineReader& lines, std::string_view first,
                    const TraceOptions& options);
void read_table(Trace& trace, LineReader& lines, std::string_view header,
                const TraceOptions& options);

// By the first line; nothing where none fits.
std::optional<TraceFormat> format_of_json(std::string_view line);
std::optional<TraceFormat> format_of_table(std::string_view header);

}  // namespace llmsweep
