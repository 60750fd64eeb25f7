// Appends truth records to a file from a thread of its own, named `truth`, so that neither
// formatting nor the disk delays a token.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "llmsweep/base/files.h"
#include "llmsweep/simulator/truth.h"

namespace llmsweep::sim {

class TruthLog {
 public:
  // Throws Error. With `signs_of_life` kSignsOfLife of them follow the last line. A log that is a
  // stream or a device has no file of signs beside it.
  TruthLog(const std::filesystem::path& path, bool signs_of_life);
  ~TruthLog();  // after the last record is written
  TruthLog(const TruthLog&) = delete;
  TruthLog& operator=(const TruthLog&) = delete;

  void push(TruthRecord record);
  void push(TruthClosing closing);

 private:
  void run();
  void append(AppendFile& file, const std::string& lines);

  const bool signs_of_life_;
  AppendFile file_;
  std::optional<AppendFile> signs_;  // none: what would go there is dropped
  bool writable_ = true;             // the thread's
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<TruthRecord> pending_;    // guarded by mutex_
  std::vector<TruthClosing> closings_;  // guarded by mutex_
  bool stopping_ = false;               // guarded by mutex_
  std::jthread thread_;
};

}  // namespace llmsweep::sim
