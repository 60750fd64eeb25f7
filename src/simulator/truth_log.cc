#include "simulator/truth_log.h"

#include <fmt/format.h>
#include <cstdio>

#include "llmsweep/base/error.h"
#include "llmsweep/base/thread.h"
#include "simulator/thread_signals.h"

namespace llmsweep::sim {

namespace {

std::optional<AppendFile> open_signs(const std::filesystem::path& log) {
  std::error_code ignored;  // a link, /dev/stdout, is no file either
  const std::filesystem::file_status status = std::filesystem::symlink_status(log, ignored);
  if (status.type() != std::filesystem::file_type::regular) return std::nullopt;
  return AppendFile(signs_beside(log));
}

}  // namespace

TruthLog::TruthLog(const std::filesystem::path& path, bool signs_of_life)
    : signs_of_life_(signs_of_life),
      file_(path),
      signs_(open_signs(path)),
      thread_(start_thread("truth", [this] { run(); })) {}

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

void TruthLog::push(TruthClosing closing) {
  {
    const std::lock_guard lock(mutex_);
    closings_.push_back(std::move(closing));
  }
  changed_.notify_one();
}

void TruthLog::run() {
  begin_quiet_thread("truth");
  const SteadyClock clock;
  int signs_left = 0;
  for (;;) {
    std::vector<TruthRecord> records;
    std::vector<TruthClosing> closings;
    bool something = true;
    {
      std::unique_lock lock(mutex_);
      const auto awaited = [this] { return stopping_ || !pending_.empty() || !closings_.empty(); };
      if (signs_left > 0) {
        something = changed_.wait_for(lock, kSignOfLife, awaited);
      } else {
        changed_.wait(lock, awaited);
      }
      if (something && pending_.empty() && closings_.empty()) return;
      records.swap(pending_);
      closings.swap(closings_);
    }
    std::string lines;
    for (const TruthRecord& record : records) lines += truth_line(record) + '\n';
    if (!lines.empty()) append(file_, lines);
    std::string signs;
    for (const TruthClosing& closing : closings) signs += truth_line(closing) + '\n';
    if (!something) signs += alive_line(clock.now()) + '\n';
    if (signs_ && !signs.empty()) append(*signs_, signs);
    signs_left = something ? (signs_of_life_ ? kSignsOfLife : 0) : signs_left - 1;
  }
}

void TruthLog::append(AppendFile& file, const std::string& lines) {
  if (!writable_) return;
  try {
    file.append(lines);
  } catch (const std::exception& error) {
    // A full disk must not end the endpoint; said once, on the only channel a thread has.
    writable_ = false;
    fmt::print(stderr, "warning: the truth log is incomplete from here on: {}\n", error.what());
  }
}

}  // namespace llmsweep::sim
