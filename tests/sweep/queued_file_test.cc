#include "sweep/queued_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <thread>

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

// What has just come is held back for what follows, and nobody has to ask for it to be written.
TEST(QueuedFile, GathersBeforeItWrites) {
  const fs::path path = fs::path(testing::TempDir()) / ("gathered-" + std::to_string(::getpid()));
  int held_back = 0;
  for (int i = 0; i < 20; ++i) {  // a busy machine may come between
    fs::remove(path);
    QueuedFile file(path, "queued");
    file.add("one\n");
    std::this_thread::sleep_for(std::chrono::microseconds(300));  // the writer has its core
    held_back += read_file(path).empty() ? 1 : 0;
    file.add("two\n");
    while (read_file(path).empty()) std::this_thread::yield();
  }
  EXPECT_GE(held_back, 5);
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
