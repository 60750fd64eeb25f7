// Appends finished records to requests.jsonl from a thread of its own, named `records`, so that a
// slow disk does not delay the load loop.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "llmsweep/model/record.h"

namespace llmsweep {

class RecordWriter {
 public:
  explicit RecordWriter(const std::filesystem::path& path);  // throws Error
  ~RecordWriter();                                           // writes what is queued
  RecordWriter(const RecordWriter&) = delete;
  RecordWriter& operator=(const RecordWriter&) = delete;

  void add(const RequestRecord& record);  // any thread; never blocks on the disk
  // A write failed; the sweep should stop. Nothing more is written.
  bool failed() const;
  // Waits until everything is on disk, synced. Why it is not; empty where it is.
  std::string flush();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace llmsweep
