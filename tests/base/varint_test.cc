#include "llmsweep/base/varint.h"

#include <gtest/gtest.h>

#include <limits>

namespace llmsweep {
namespace {

TEST(Varint, ComesBackWhateverItsSize) {
  std::string bytes;
  const uint64_t values[] = {0,      1,      127,       128,
                             16'383, 16'384, 5'000'000, std::numeric_limits<uint64_t>::max()};
  for (const uint64_t value : values) append_varint(bytes, value);
  EXPECT_EQ(bytes.size(), 1u + 1 + 1 + 2 + 2 + 3 + 4 + 10);
  std::string_view rest = bytes;
  for (const uint64_t value : values) EXPECT_EQ(take_varint(rest), value);
  EXPECT_TRUE(rest.empty());
  EXPECT_EQ(take_varint(rest), std::nullopt);
}

TEST(Varint, CutShortOrTooLongIsNoNumberAndStaysWhereItIs) {
  const std::string eleven(10, '\xff');
  const std::string over = std::string(9, '\x80') + '\x02';
  for (const std::string& bytes : {std::string("\x80"), std::string("\xff\xff"), eleven, over}) {
    std::string_view rest = bytes;
    EXPECT_EQ(take_varint(rest), std::nullopt);
    EXPECT_EQ(rest.size(), bytes.size());
  }
}

}  // namespace
}  // namespace llmsweep
