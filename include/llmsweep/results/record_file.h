// requests.jsonl: one line a request, in the order in which they ended. Keys:
// docs/result-format.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "llmsweep/model/record.h"

namespace llmsweep {

// One line with its newline; text of the server that is not UTF-8 is repaired.
std::string record_to_jsonl(const RequestRecord& record);

// Throws Error with `where` for a line that is not a record.
RequestRecord parse_record(std::string_view line, const std::string& where);

// Part of a file, from the start of a line to the end of one.
struct ByteRange {
  int64_t begin = 0;
  int64_t end = std::numeric_limits<int64_t>::max();

  bool operator==(const ByteRange&) const = default;
};

enum class Superseded { kSkip, kInclude };

// Reads a file record by record in memory for one line (at most 16 MiB). One thread an object.
class RecordReader {
 public:
  struct Options {
    ByteRange range;
    Superseded superseded = Superseded::kSkip;
  };
  explicit RecordReader(const std::filesystem::path& path);  // throws Error
  RecordReader(const std::filesystem::path& path, Options options);
  ~RecordReader();
  RecordReader(const RecordReader&) = delete;
  RecordReader& operator=(const RecordReader&) = delete;

  // Nothing at the end. Throws Error with file:line for a broken line; the next call goes on after
  // it. A last line that is broken and has no newline was being written when the run was killed:
  // it is left out.
  std::optional<RequestRecord> next();
  bool truncated() const;  // after the end: whether the last line was left out
  int64_t line() const;    // of the record last returned, from 1 at the start of the range
  // From the start of the range to the end of the last good line that has its newline: appending
  // may go on there.
  int64_t whole_bytes() const;
  int64_t superseded() const;  // records of broken runs that were skipped so far

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Marks every record in `range` as superseded, in place: a line keeps its length. A kill in the
// middle leaves whole lines, some of them marked. Returns how many were not marked before. Throws
// Error for a file that cannot be read, MeasurementError for one that cannot be written.
int64_t mark_superseded(const std::filesystem::path& path, ByteRange range);

}  // namespace llmsweep
