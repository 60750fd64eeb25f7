// Inputs that made other tokenizers take quadratic time or fail. What is asserted is that they end
// and come back; a quadratic step would take minutes and run into the test's time-out.
#include <gtest/gtest.h>

#include "llmsweep/tokenizer/tokenizer.h"
#include "tokenizer/small.h"

namespace llmsweep {
namespace {

std::string run_of(const std::string& unit, size_t bytes) {
  std::string text;
  while (text.size() < bytes) text += unit;
  return text;
}

class Hazard : public testing::TestWithParam<const char*> {};

TEST_P(Hazard, AMegabyteOfOneThingRoundTrips) {
  std::string unit = GetParam();
  std::string doubled = unit + unit;
  SmallParts parts{
      .merges = {"a a", "aa aa", "Ġ Ġ", "ĠĠ ĠĠ", "Ċ Ċ", "= =", "< <", "1 1"},
      .added =
          R"([{"id":300,"content":"<|a|>","special":true},{"id":301,"content":"<<<x","special":true}])"};
  auto tokenizer = small_tokenizer(parts);
  std::string text = run_of(unit, 1 << 20);
  EXPECT_EQ(tokenizer->decode(tokenizer->encode(text)), text);
}

TEST_P(Hazard, ALongRunEndsInVocabulariesOfCharactersToo) {
  const std::string text = run_of(GetParam(), 1 << 17);
  for (const char* file : {"gemma-2-3.json", "llama-2.json", "pieces-collapsed.model"}) {
    const auto tokenizer =
        load_tokenizer(std::string(LLMSWEEP_SOURCE_DIR) + "/tests/tokenizer/families/" + file);
    const auto tokens = tokenizer->count(text);
    EXPECT_LE(tokens, static_cast<int64_t>(text.size()) + 1);
    const std::string normal = tokenizer->normalize(text);
    if (normal.empty()) continue;
    const auto boundaries = tokenizer->encoder()->boundaries(normal, 1 << 30);
    ASSERT_FALSE(boundaries.empty());
    EXPECT_EQ(boundaries.back().tokens, tokens) << file;
  }
}

INSTANTIATE_TEST_SUITE_P(Runs, Hazard,
                         testing::Values("a", " ", "\n", "=", "<", "1", "😀", "ก", "中", "\r\n",
                                         " \n", "a ", "'s"));

TEST(Hazards, MixedCombiningMarksAreOrderedInTime) {
  auto tokenizer = small_tokenizer({.normalizer = R"({"type":"NFC"})"});
  std::string text = "a" + run_of("\xCC\x81\xCC\xA3", 1 << 20);
  EXPECT_GT(tokenizer->count(text), 0);
}

TEST(Hazards, EightMegabytesOfLettersDoNotOverflowTheStack) {
  auto tokenizer = small_tokenizer({.merges = {}});
  EXPECT_EQ(tokenizer->count(std::string(8 << 20, 'a')), 8 << 20);
}

}  // namespace
}  // namespace llmsweep
