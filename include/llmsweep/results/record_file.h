// requests.jsonl: one line a request, in the order in which they ended. Keys:
// docs/result-format.md.
#pragma once

#include <cstdint>
#include <filesystem>
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

// Reads a file record by record in memory for one line (at most 16 MiB). One thread an object.
class RecordReader {
 public:
  explicit RecordReader(const std::filesystem::path& path);  // throws Error
  ~RecordReader();
  RecordReader(const RecordReader&) = delete;
  RecordReader& operator=(const RecordReader&) = delete;

  // Nothing at the end. Throws Error with file:line for a broken line; the next call goes on after
  // it. A last line that is broken and has no newline was being written when the run was killed:
  // it is left out.
  std::optional<RequestRecord> next();
  bool truncated() const;  // after the end: whether the last line was left out
  int64_t line() const;    // of the record last returned, from 1
  // From the start to the end of the last good line that has its newline: appending may go on
  // there.
  int64_t whole_bytes() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace llmsweep
