#include "sweep/record_writer.h"

#include <pthread.h>

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "llmsweep/base/error.h"
#include "llmsweep/base/files.h"
#include "llmsweep/results/record_file.h"

namespace llmsweep {

struct RecordWriter::State {
  AppendFile file;
  mutable std::mutex mutex;
  std::condition_variable changed;
  // Guarded by mutex:
  std::string queued;  // whole lines
  bool writing = false;
  bool stop = false;
  std::string failure;  // why a write failed; empty: none did
  std::thread thread;

  explicit State(const std::filesystem::path& path) : file(path) {}

  void write_until_stopped() {
    std::unique_lock lock(mutex);
    while (true) {
      changed.wait(lock, [this] { return stop || !queued.empty(); });
      if (queued.empty()) return;
      const std::string lines = std::exchange(queued, {});
      if (!failure.empty()) continue;
      writing = true;
      lock.unlock();
      std::string failed_now;
      try {
        file.append(lines);
      } catch (const MeasurementError& error) {
        failed_now = error.what();
      }
      lock.lock();
      writing = false;
      failure = failed_now;
      changed.notify_all();
    }
  }
};

RecordWriter::RecordWriter(const std::filesystem::path& path)
    : state_(std::make_unique<State>(path)) {
  state_->thread = std::thread([this] { state_->write_until_stopped(); });
  pthread_setname_np(state_->thread.native_handle(), "records");
}

RecordWriter::~RecordWriter() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stop = true;
  }
  state_->changed.notify_all();
  state_->thread.join();
}

void RecordWriter::add(const RequestRecord& record) {
  const std::string line = record_to_jsonl(record);
  const std::lock_guard lock(state_->mutex);
  state_->queued += line;
  state_->changed.notify_all();
}

bool RecordWriter::failed() const {
  const std::lock_guard lock(state_->mutex);
  return !state_->failure.empty();
}

std::string RecordWriter::flush() {
  std::unique_lock lock(state_->mutex);
  state_->changed.wait(lock, [this] { return state_->queued.empty() && !state_->writing; });
  if (!state_->failure.empty()) return state_->failure;
  try {
    state_->file.sync();
  } catch (const MeasurementError& error) {
    return error.what();
  }
  return {};
}

}  // namespace llmsweep
