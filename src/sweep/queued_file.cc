#include "sweep/queued_file.h"

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "llmsweep/base/error.h"
#include "llmsweep/base/files.h"
#include "llmsweep/base/thread.h"
#include "llmsweep/load/load_loop.h"

namespace llmsweep {

struct QueuedFile::State {
  AppendFile file;
  mutable std::mutex mutex;
  std::condition_variable changed;
  // Guarded by mutex:
  std::string queued;
  bool writing = false;
  int flushing = 0;  // callers of flush() that wait
  bool stop = false;
  std::string failure;  // why a write failed; empty: none did
  std::jthread thread;

  explicit State(const std::filesystem::path& path) : file(path) {}

  // Holds `lock` before and after, not while it writes.
  void write(std::unique_lock<std::mutex>& lock, const std::string& bytes) {
    writing = true;
    lock.unlock();
    std::string failed_now;
    try {
      file.append(bytes);
    } catch (const std::exception& error) {
      failed_now = error.what();
    }
    lock.lock();
    writing = false;
    failure = failed_now;
  }

  void write_until_stopped() {
    std::unique_lock lock(mutex);
    while (true) {
      changed.wait(lock, [this] { return stop || !queued.empty(); });
      if (queued.empty()) return;
      // One wake and one write for what comes close together.
      changed.wait_for(lock, kLongestGathered, [this] { return stop || flushing > 0; });
      const std::string bytes = std::exchange(queued, {});
      if (failure.empty()) write(lock, bytes);
      changed.notify_all();  // also of what a failed file no longer takes: flush() may wait for it
    }
  }
};

QueuedFile::QueuedFile(const std::filesystem::path& path, const char* thread_name)
    : state_(std::make_unique<State>(path)) {
  state_->thread = start_thread(thread_name, [this] { state_->write_until_stopped(); });
}

QueuedFile::~QueuedFile() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stop = true;
  }
  state_->changed.notify_all();
  state_->thread.join();
}

void QueuedFile::add(std::string_view bytes) {
  bool asleep = false;
  {
    const std::lock_guard lock(state_->mutex);
    asleep = state_->queued.empty() && !state_->writing;
    state_->queued += bytes;
  }
  if (asleep) state_->changed.notify_all();
}

bool QueuedFile::failed() const {
  const std::lock_guard lock(state_->mutex);
  return !state_->failure.empty();
}

std::string QueuedFile::flush() {
  std::unique_lock lock(state_->mutex);
  ++state_->flushing;
  state_->changed.notify_all();
  state_->changed.wait(lock, [this] { return state_->queued.empty() && !state_->writing; });
  --state_->flushing;
  if (!state_->failure.empty()) return state_->failure;
  try {
    state_->file.sync();
  } catch (const MeasurementError& error) {
    return error.what();
  }
  return {};
}

}  // namespace llmsweep
