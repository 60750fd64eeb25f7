#include "sweep/queued_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <thread>

#include "llmsweep/base/clock.h"
#include "llmsweep/base/files.h"

namespace llmsweep {
namespace {
namespace fs = std::filesystem;

TEST(QueuedFile, HasAllInOrderOnceFlushed) {
  const fs::path path = fs::path(testing::TempDir()) / ("queued-" + std::to_string(::getpid()));
  std::string expected;
  {
    QueuedFile file(path, "queued");
    for (int i = 0; i < 200; ++i) {
      const std::string line = std::to_string(i) + "\n";
      file.add(line);
      expected += line;
      if (i % 50 != 49) continue;
      EXPECT_EQ(file.flush(), "");
      EXPECT_EQ(read_file(path), expected);
    }
    file.add("last\n");
  }
  EXPECT_EQ(read_file(path), expected + "last\n") << "and when it goes";
  fs::remove(path);
}

// What comes within a millisecond is written at once, and nobody has to ask for it.
TEST(QueuedFile, GathersBeforeItWrites) {
  const fs::path path = fs::path(testing::TempDir()) / ("gathered-" + std::to_string(::getpid()));
  int together = 0;
  for (int i = 0; i < 20; ++i) {  // a busy machine may come between
    fs::remove(path);
    QueuedFile file(path, "queued");
    file.add("one\n");
    const Instant later = SteadyClock().now() + std::chrono::microseconds(300);
    while (SteadyClock().now() < later) continue;
    file.add("two\n");
    while (read_file(path).empty()) std::this_thread::yield();
    together += read_file(path) == "one\ntwo\n" ? 1 : 0;
  }
  EXPECT_GT(together, 10);
  fs::remove(path);
}

// What comes after a failed write is dropped, and who waits for it is told of the failure.
TEST(QueuedFile, FlushesToItsFailureWhateverCameAfterIt) {
  QueuedFile file("/dev/full", "queued");
  file.add("a");
  while (!file.failed()) std::this_thread::yield();
  for (int i = 0; i < 2000; ++i) {
    file.add("b");
    EXPECT_NE(file.flush(), "");
  }
}

}  // namespace
}  // namespace llmsweep
