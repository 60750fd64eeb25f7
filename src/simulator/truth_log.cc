#include "simulator/truth_log.h"

#include <fmt/format.h>
#include <cstdio>

#include "llmsweep/base/error.h"
#include "llmsweep/base/thread.h"
#include "simulator/thread_signals.h"

namespace llmsweep::sim {

TruthLog::TruthLog(const std::filesystem::path& path)
    : file_(path), thread_(start_thread("truth", [this] { run(); })) {}

TruthLog::~TruthLog() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void TruthLog::push(TruthRecord record) {
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    first = pending_.empty();
    pending_.push_back(std::move(record));
  }
  if (first) changed_.notify_one();
}

void TruthLog::run() {
  begin_quiet_thread("truth");
  bool writable = true;
  for (;;) {
    std::vector<TruthRecord> records;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stopping_ || !pending_.empty(); });
      if (pending_.empty()) return;
      records.swap(pending_);
    }
    std::string lines;
    for (const TruthRecord& record : records) lines += truth_line(record) + '\n';
    if (!writable) continue;
    try {
      file_.append(lines);
    } catch (const std::exception& error) {
      // A full disk must not end the endpoint; said once, on the only channel a thread has.
      writable = false;
      fmt::print(stderr, "warning: the truth log is incomplete from here on: {}\n", error.what());
    }
  }
}

}  // namespace llmsweep::sim
