// Appends finished records to requests.jsonl, and where asked for the instants of their chunks to
// chunks.bin, each from a thread of its own, named `records` and `chunks`.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "llmsweep/model/chunk_trace.h"
#include "llmsweep/model/record.h"
#include "sweep/queued_file.h"

namespace llmsweep {

class RecordWriter {
 public:
  // Goes on after what a sweep that was killed left in `folder`. Throws Error.
  RecordWriter(const std::filesystem::path& folder, bool chunks);

  // Any thread; never block on the disk.
  void add(const RequestRecord& record);
  void add_chunks(const RequestRecord& record, const ChunkTrace& trace);  // where `chunks`
  // A write failed; the sweep should stop. Nothing more is written to that file.
  bool failed() const;
  // Waits until everything is on disk, synced. Why it is not; empty where it is.
  std::string flush();

 private:
  QueuedFile records_;
  std::unique_ptr<QueuedFile> chunks_;  // null: not asked for
};

}  // namespace llmsweep
