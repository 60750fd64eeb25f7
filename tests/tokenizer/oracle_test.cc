// Every line of the oracle files, made with Hugging Face's Rust library 0.23.2, for the tokenizers
// that the machine has in LLMSWEEP_TOKENIZER_DIR. scripts/fetch-tokenizer puts them there; without
// them these tests are skipped.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "llmsweep/base/sha256.h"
#include "llmsweep/base/text.h"
#include "llmsweep/tokenizer/tokenizer.h"

namespace llmsweep {
namespace {

using nlohmann::json;

struct Case {
  const char* oracle;
  const char* file;
  const char* pattern;
  const char* sha256;
};

class Oracle : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    const char* folder = std::getenv("LLMSWEEP_TOKENIZER_DIR");
    if (!folder) GTEST_SKIP() << "LLMSWEEP_TOKENIZER_DIR is not set";
    auto file = std::filesystem::path(folder) / GetParam().file;
    if (!std::filesystem::exists(file)) GTEST_SKIP() << file << " is not there";
    tokenizer_ = load_tokenizer(file.string() + GetParam().pattern);
    ASSERT_EQ(tokenizer_->info().sha256, GetParam().sha256) << file << " is another version";
    std::ifstream lines(std::string(LLMSWEEP_SOURCE_DIR) + "/tests/tokenizer/oracles/" +
                        GetParam().oracle + ".jsonl");
    for (std::string line; std::getline(lines, line);) lines_.push_back(json::parse(line));
    ASSERT_EQ(lines_.size(), 400U);
  }

  static std::string input_of(const json& line) {
    if (!line.contains("raw_hex")) return line["text"];
    std::string hex = line["raw_hex"];
    std::string bytes;
    for (size_t i = 0; i + 1 < hex.size(); i += 2) {
      bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
    }
    return bytes;
  }

  std::shared_ptr<const Tokenizer> tokenizer_;
  std::vector<json> lines_;
};

TEST_P(Oracle, GivesTheSameIds) {
  auto encoder = tokenizer_->encoder();
  for (const auto& line : lines_) {
    std::string text = input_of(line);
    EXPECT_EQ(encoder->encode(text), line["ids"].get<std::vector<int32_t>>()) << line["text"];
    EXPECT_EQ(encoder->encode(text, SpecialTokens::kPlain),
              line["ids_plain"].get<std::vector<int32_t>>())
        << line["text"];
  }
}

TEST_P(Oracle, DecodesToTheSameText) {
  for (const auto& line : lines_) {
    auto ids = line["ids"].get<std::vector<int32_t>>();
    std::string expected = line["decoded_equals_text"].get<bool>() ? line["text"] : line["decoded"];
    EXPECT_EQ(tokenizer_->decode(ids), expected);
  }
}

TEST_P(Oracle, BoundariesAgreeWithEncodingThePrefix) {
  auto encoder = tokenizer_->encoder();
  auto other = tokenizer_->encoder();
  for (const auto& line : lines_) {
    std::string text = tokenizer_->normalize(input_of(line));
    if (text.empty() || tokenizer_->holds_added_token(text)) continue;
    auto boundaries = encoder->boundaries(text, 1 << 30);
    ASSERT_FALSE(boundaries.empty());
    EXPECT_EQ(boundaries.back().end, text.size());
    EXPECT_EQ(boundaries.back().tokens, other->count(text));
  }
}

INSTANTIATE_TEST_SUITE_P(
    , Oracle,
    testing::Values(Case{"deepseek_v3", "deepseek_v3.json", "",
                         "621ac2e32d0dba658404412318818aaa8ce8cda492e59830109d8da6b517fb41"},
                    Case{"llama3", "llama3.json", "",
                         "c05a3c2174e9edd5be19dc5a0748c42a9037bec2811ce062728bfd71f8702d78"},
                    Case{"gpt_oss_o200k", "o200k_base.tiktoken", "#o200k_harmony",
                         "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"}),
    [](const auto& chosen) { return std::string(chosen.param.oracle); });

}  // namespace
}  // namespace llmsweep
