#include "llmsweep/base/base64.h"

#include <gtest/gtest.h>

namespace llmsweep {
namespace {

TEST(Base64, IsThatOfItsStandard) {
  for (const auto& [bytes, text] : {std::pair{"", ""},
                                    {"f", "Zg=="},
                                    {"fo", "Zm8="},
                                    {"foo", "Zm9v"},
                                    {"foob", "Zm9vYg=="},
                                    {"fooba", "Zm9vYmE="},
                                    {"foobar", "Zm9vYmFy"}}) {
    EXPECT_EQ(base64_encoded(bytes), text);
    EXPECT_EQ(base64_decoded(text), bytes);
  }
}

TEST(Base64, GivesBackEveryByte) {
  std::string bytes;
  for (int i = 0; i < 700; ++i) bytes += static_cast<char>(i * i + i / 256);
  EXPECT_EQ(base64_decoded(base64_encoded(bytes)), bytes);
}

TEST(Base64, OfOtherTextIsNothing) {
  for (const char* text : {"Z", "Zg=", "Zg", "Zm9v!m9v", "Zm9v\n", "====", "Z===", "Zg==Zg=="}) {
    EXPECT_FALSE(base64_decoded(text)) << text;
  }
}

}  // namespace
}  // namespace llmsweep
