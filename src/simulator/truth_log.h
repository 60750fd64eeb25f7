// Appends truth records to a file from a thread of its own, named `truth`, so that neither
// formatting nor the disk delays a token.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <thread>
#include <vector>

#include "llmsweep/base/files.h"
#include "llmsweep/simulator/truth.h"

namespace llmsweep::sim {

class TruthLog {
 public:
  explicit TruthLog(const std::filesystem::path& path);  // throws Error
  ~TruthLog();                                           // after the last record is written
  TruthLog(const TruthLog&) = delete;
  TruthLog& operator=(const TruthLog&) = delete;

  void push(TruthRecord record);

 private:
  void run();

  AppendFile file_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<TruthRecord> pending_;  // guarded by mutex_
  bool stopping_ = false;             // guarded by mutex_
  std::jthread thread_;
};

}  // namespace llmsweep::sim
