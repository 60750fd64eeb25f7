#include "llmsweep/model/trace_id.h"

#include <gtest/gtest.h>

namespace llmsweep {
namespace {

// The example of the standard, section 3.2.
constexpr std::string_view kExample = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
constexpr TraceId kId{0x4bf92f3577b34da6, 0xa3ce929d0e0e4736};

TEST(TraceId, IsWrittenAsTheStandardHasIt) {
  EXPECT_EQ(to_hex(kId), "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(traceparent(kId, 0x00f067aa0ba902b7), kExample);
  EXPECT_EQ(to_hex({0, 1}), "00000000000000000000000000000001");
}

TEST(TraceId, IsReadFromItsDigits) {
  EXPECT_EQ(parse_trace_id(to_hex(kId)), kId);
  EXPECT_EQ(parse_trace_id(to_hex({0, 7})), (TraceId{0, 7}));
  EXPECT_EQ(parse_trace_id("4bf9"), std::nullopt);
  EXPECT_EQ(parse_trace_id(std::string(32, '0')), std::nullopt);
  EXPECT_EQ(parse_trace_id(std::string(32, 'g')), std::nullopt);
}

}  // namespace
}  // namespace llmsweep
