#include <gmock/gmock.h>

#include <filesystem>

#include "llmsweep/base/error.h"
#include "llmsweep/base/files.h"
#include "llmsweep/tokenizer/tokenizer.h"
#include "tokenizer/small.h"
#include "tokenizer/test_vocabulary.h"

namespace llmsweep {
namespace {

using testing::HasSubstr;

// The bytes, then `tokens`, ranked in order.
std::string ranks_of(const std::vector<std::string>& tokens) {
  std::string text;
  int rank = 0;
  for (int b = 0; b < 256; ++b) {
    text += base64_of(std::string(1, static_cast<char>(b))) + " " + std::to_string(rank++) + "\n";
  }
  for (const auto& token : tokens) text += base64_of(token) + " " + std::to_string(rank++) + "\n";
  return text;
}

std::string split(const std::vector<std::string>& tokens, const std::string& pattern,
                  const std::string& text) {
  auto tokenizer = parse_tiktoken(ranks_of(tokens), pattern, "ranks");
  return pieces(*tokenizer, tokenizer->encode(text));
}

TEST(Tiktoken, MergesThePairWhoseTokenRanksLowest) {
  EXPECT_EQ(split({"bc", "ab", "abc"}, "cl100k_base", "abcd"), "abc|d");
  EXPECT_EQ(split({"bc", "ab"}, "cl100k_base", "abc"), "a|bc");
}

TEST(Tiktoken, AWholePieceThatRanksNeedsNoMerges) {
  EXPECT_EQ(split({"xyz"}, "cl100k_base", "xyz"), "xyz") << "no pair leads to it";
}

TEST(Tiktoken, EveryNamedPatternCompilesAndCoversText) {
  for (const auto& pattern : tiktoken_patterns()) {
    auto tokenizer = parse_tiktoken(ranks_of({}), pattern, "ranks");
    std::string text = "It's 12345 o'clock,\r\n\n  東京タワー  Ünïcode 😀 x=1;\t";
    EXPECT_EQ(tokenizer->decode(tokenizer->encode(text)), text) << pattern;
    EXPECT_EQ(tokenizer->count(text), static_cast<int64_t>(text.size())) << pattern;
  }
}

TEST(Tiktoken, KimisPatternKeepsHanApart) {
  // The class intersection &&[^\p{Han}]: without it 中a would be one piece.
  auto tokenizer = parse_tiktoken(ranks_of({}), "kimi_k2", "ranks");
  auto ends = tokenizer->encoder()->boundaries("中文abc", 100);
  ASSERT_EQ(ends.size(), 2U);
  EXPECT_EQ(ends[0].end, 6U);
}

TEST(Tiktoken, SpecialTokensHaveTheirPublishedIds) {
  auto tokenizer = parse_tiktoken(ranks_of({}), "o200k_harmony", "ranks");
  EXPECT_THAT(tokenizer->encode("<|channel|>"), testing::ElementsAre(200005));
}

TEST(Tiktoken, AModelFolderStatesItsControlTokensAndItsPattern) {
  auto folder = std::filesystem::path(testing::TempDir()) / "kimi";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  write_file_atomically(folder / "tiktoken.model", ranks_of({}));
  EXPECT_THROW(load_tokenizer(folder.string()), Error) << "the pattern is not known";
  write_file_atomically(folder / "tokenizer_config.json",
                        R"({"added_tokens_decoder":{"300":{"content":"<|im_end|>"}},
                            "auto_map":{"AutoTokenizer":["tokenization_kimi.Kimi",null]}})");
  EXPECT_THAT(load_tokenizer(folder.string())->encode("a<|im_end|>"),
              testing::ElementsAre('a', 300));
}

std::string error_of(const std::string& ranks, const std::string& pattern) {
  try {
    parse_tiktoken(ranks, pattern, "ranks");
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(TiktokenErrors, ThePatternMustBeNamed) {
  EXPECT_THAT(error_of(ranks_of({}), ""), HasSubstr("FILE#PATTERN"));
  EXPECT_THAT(error_of(ranks_of({}), "o200k_bass"), HasSubstr("did you mean 'o200k_base'?"));
}

TEST(TiktokenErrors, ABadLineIsNamed) {
  EXPECT_THAT(error_of("IQ== 0\nnot base64! 1\n", "cl100k_base"), HasSubstr("ranks:2"));
  EXPECT_THAT(error_of("IQ== x\n", "cl100k_base"), HasSubstr("ranks:1"));
  EXPECT_THAT(error_of("", "cl100k_base"), HasSubstr("empty"));
}

}  // namespace
}  // namespace llmsweep
