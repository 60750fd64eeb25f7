#include "sweep/record_writer.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "llmsweep/base/files.h"
#include "llmsweep/results/chunk_file.h"

namespace llmsweep {
namespace {
namespace fs = std::filesystem;

ChunkTrace trace_of(int chunks) {
  ChunkTrace trace;
  for (int i = 0; i < chunks; ++i) trace.add(from_ns(1'000'000'000 + int64_t{i} * 5'000'000));
  return trace;
}

void write_one(const fs::path& folder, uint32_t index, int chunks) {
  RecordWriter writer(folder, true);
  const RequestRecord record{.run = {at_concurrency(4), 0}, .index = index};
  writer.add(record);
  writer.add_chunks(record, trace_of(chunks));
  ASSERT_EQ(writer.flush(), "");
}

TEST(RecordWriter, GoesOnAfterTheLastWholeBlockOfAKilledSweep) {
  const fs::path folder = fs::path(testing::TempDir()) / ("writer-" + std::to_string(::getpid()));
  fs::create_directories(folder);
  write_one(folder, 0, 3);
  AppendFile(folder / "chunks.bin").append(std::string_view("\x40\0\0\0 cut short", 14));
  write_one(folder, 1, 2);

  ChunkReader reader(folder / "chunks.bin");
  const auto first = reader.next();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->index, 0U);
  EXPECT_EQ(first->instants.size(), 3U);
  const auto second = reader.next();
  ASSERT_TRUE(second);
  EXPECT_EQ(second->index, 1U);
  EXPECT_EQ(second->instants.size(), 2U);
  EXPECT_FALSE(reader.next());
  EXPECT_FALSE(reader.truncated());
  fs::remove_all(folder);
}

}  // namespace
}  // namespace llmsweep
