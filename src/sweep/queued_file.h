// A file that is appended to from a thread of its own, so that a slow disk delays nobody.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace llmsweep {

class QueuedFile {
 public:
  QueuedFile(const std::filesystem::path& path, const char* thread_name);  // throws Error
  ~QueuedFile();                                                           // writes what is queued
  QueuedFile(const QueuedFile&) = delete;
  QueuedFile& operator=(const QueuedFile&) = delete;

  // Any thread; never blocks on the disk. What is added at once is written in one piece, within
  // kLongestGathered and with what comes meanwhile.
  void add(std::string_view bytes);
  // A write failed. Nothing more is written.
  bool failed() const;
  // Waits until everything is on disk, synced. Why it is not; empty where it is.
  std::string flush();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace llmsweep
