#include "llmsweep/results/chunk_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "llmsweep/base/error.h"
#include "llmsweep/base/files.h"

namespace llmsweep {
namespace {
namespace fs = std::filesystem;
using testing::HasSubstr;

struct Written {
  RequestRecord record;
  std::vector<Instant> instants;
};

std::vector<Written> four_requests() {
  std::vector<Written> written(4);
  written[0] = {
      .record = {.run = {at_concurrency(1), 0}, .index = 0},
      .instants = {from_ns(7'000'000'000), from_ns(7'000'000'000), from_ns(9'000'000'001)}};
  written[1] = {.record = {.run = {at_concurrency(512), 2}, .index = 4'000'000'000},
                .instants = {}};
  written[2] = {.record = {.run = {at_concurrency(512), 2}, .index = 9}, .instants = {}};
  written[3] = {.record = {.run = {at_rate(2.5), 1}, .index = 3}, .instants = {from_ns(7)}};
  for (int i = 0; i < 500; ++i) {
    written[2].instants.push_back(from_ns(8'000'000'000 + int64_t{i} * i * 1000));
  }
  return written;
}

std::string block_of(const Written& request) {
  ChunkTrace trace;
  for (const Instant at : request.instants) trace.add(at);
  return chunk_block(request.record, trace);
}

class ChunkFile : public testing::Test {
 protected:
  ChunkFile()
      : path_(fs::path(testing::TempDir()) /
              ("chunks-" + std::to_string(::getpid()) + "-" +
               testing::UnitTest::GetInstance()->current_test_info()->name())) {}
  ~ChunkFile() override { fs::remove(path_); }

  void write(std::string_view bytes) const {
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << bytes;
  }
  std::string error_of_reading() const {
    try {
      ChunkReader reader(path_);
      while (reader.next()) {
      }
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }

  fs::path path_;
};

TEST_F(ChunkFile, GivesBackEveryInstantOfEveryRequest) {
  const std::vector<Written> written = four_requests();
  std::string bytes(kChunkFileHeader);
  for (const Written& request : written) bytes += block_of(request);
  write(bytes);
  ChunkReader reader(path_);
  for (const Written& request : written) {
    const std::optional<ChunkBlock> block = reader.next();
    ASSERT_TRUE(block);
    EXPECT_EQ(block->run, request.record.run);
    EXPECT_EQ(block->index, request.record.index);
    EXPECT_EQ(block->instants, request.instants);
  }
  EXPECT_FALSE(reader.next());
  EXPECT_FALSE(reader.truncated());
  EXPECT_EQ(reader.whole_bytes(), static_cast<int64_t>(bytes.size()));
}

TEST_F(ChunkFile, CutAtAnyByteKeepsTheWholeBlocksBeforeTheCut) {
  const std::vector<Written> written = four_requests();
  std::string bytes(kChunkFileHeader);
  std::vector<size_t> ends = {bytes.size()};
  for (const Written& request : written) {
    bytes += block_of(request);
    ends.push_back(bytes.size());
  }
  for (size_t cut = 0; cut < bytes.size(); ++cut) {
    write(bytes.substr(0, cut));
    ChunkReader reader(path_);
    size_t blocks = 0;
    while (reader.next()) ++blocks;
    size_t whole = 0;
    while (whole + 1 < ends.size() && ends[whole + 1] <= cut) ++whole;
    EXPECT_EQ(blocks, whole) << "cut at " << cut;
    const bool at_an_end = cut == 0 || cut == ends[whole];
    EXPECT_EQ(reader.truncated(), !at_an_end) << "cut at " << cut;
    EXPECT_EQ(reader.whole_bytes(), cut < ends[0] ? 0 : static_cast<int64_t>(ends[whole]));
  }
}

TEST_F(ChunkFile, RefusesWhatIsNoSuchFile) {
  EXPECT_THROW(ChunkReader("/nonexistent/chunks.bin"), Error);
  write("{\"level\": 1}\n");
  EXPECT_THAT(error_of_reading(), HasSubstr("does not begin with LLMSCHK1"));
  write(std::string(kChunkFileHeader) + std::string(4, '\xff'));
  EXPECT_THAT(error_of_reading(), HasSubstr("longer than 1 GiB"));
  // A block whose count promises more chunks than it holds, and one with bytes left over.
  std::string block = block_of(four_requests()[0]);
  block[4 + 3] = 9;
  write(std::string(kChunkFileHeader) + block);
  EXPECT_THAT(error_of_reading(), HasSubstr("byte 8: the block is broken"));
  block[4 + 3] = 1;
  write(std::string(kChunkFileHeader) + block);
  EXPECT_THAT(error_of_reading(), HasSubstr("the block is broken"));
}

}  // namespace
}  // namespace llmsweep
