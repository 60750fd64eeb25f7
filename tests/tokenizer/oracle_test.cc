// The oracles' 400 texts as other libraries encode and decode them: with the vocabulary made for
// the tests everywhere (vocabulary/oracle.py), and with real ones, as Hugging Face's Rust library
// 0.23.2 does, where LLMSWEEP_TOKENIZER_DIR holds them (scripts/fetch-tokenizer).
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "llmsweep/base/sha256.h"
#include "llmsweep/base/text.h"
#include "llmsweep/tokenizer/tokenizer.h"
#include "tokenizer/test_vocabulary.h"

namespace llmsweep {
namespace {

struct RealVocabulary {
  std::string oracle;
  const char* file;
  const char* pattern;
  const char* sha256;
};
const RealVocabulary kReal[] = {
    {"deepseek_v3", "deepseek_v3.json", "",
     "621ac2e32d0dba658404412318818aaa8ce8cda492e59830109d8da6b517fb41"},
    {"llama3", "llama3.json", "",
     "c05a3c2174e9edd5be19dc5a0748c42a9037bec2811ce062728bfd71f8702d78"},
    {"gpt_oss_o200k", "o200k_base.tiktoken", "#o200k_harmony",
     "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"}};

struct Line {
  std::string input;
  std::vector<int32_t> ids;
  std::vector<int32_t> ids_plain;
  std::string decoded;
};

std::string input_of(const nlohmann::json& line) {
  if (!line.contains("raw_hex")) return line["text"];
  const std::string hex = line["raw_hex"];
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  }
  return bytes;
}

// A line of vocabulary/oracle.jsonl for one of its pipelines.
Line line_of(const nlohmann::json& line, const std::string& pipeline) {
  const nlohmann::json ids = line["ids"][pipeline];
  return {.input = input_of(line),
          .ids = ids,
          .ids_plain = line.value("ids_plain", nlohmann::json::object()).value(pipeline, ids),
          .decoded = line.value("decoded", nlohmann::json::object()).value(pipeline, line["text"])};
}

Line line_of(const nlohmann::json& line) {
  return {.input = input_of(line),
          .ids = line["ids"],
          .ids_plain = line["ids_plain"],
          .decoded = line["decoded_equals_text"].get<bool>() ? line["text"] : line["decoded"]};
}

std::vector<nlohmann::json> json_lines(const std::string& file) {
  std::ifstream stream(std::string(LLMSWEEP_SOURCE_DIR) + "/tests/tokenizer/" + file);
  std::vector<nlohmann::json> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(nlohmann::json::parse(line));
  return lines;
}

// The parameter is a pipeline of the tests' vocabulary, or the oracle of a real one.
class Oracle : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    const auto* real = std::find_if(
        std::begin(kReal), std::end(kReal),
        [](const RealVocabulary& each) { return "real_" + each.oracle == GetParam(); });
    if (real == std::end(kReal)) {
      tokenizer_ = test_vocabulary(GetParam());
      for (const nlohmann::json& line : json_lines("vocabulary/oracle.jsonl")) {
        lines_.push_back(line_of(line, GetParam()));
      }
    } else {
      const char* folder = std::getenv("LLMSWEEP_TOKENIZER_DIR");
      if (!folder) GTEST_SKIP() << "vocabularies: LLMSWEEP_TOKENIZER_DIR is not set";
      const auto file = std::filesystem::path(folder) / real->file;
      if (!std::filesystem::exists(file)) GTEST_SKIP() << "vocabularies: no " << file.string();
      tokenizer_ = load_tokenizer(file.string() + real->pattern);
      ASSERT_EQ(tokenizer_->info().sha256, real->sha256) << file << " is another version";
      for (const nlohmann::json& line : json_lines("oracles/" + real->oracle + ".jsonl")) {
        lines_.push_back(line_of(line));
      }
    }
    ASSERT_EQ(lines_.size(), 400U);
  }

  std::shared_ptr<const Tokenizer> tokenizer_;
  std::vector<Line> lines_;
};

TEST_P(Oracle, GivesTheSameIds) {
  auto encoder = tokenizer_->encoder();
  for (const Line& line : lines_) {
    EXPECT_EQ(encoder->encode(line.input), line.ids) << line.input;
    EXPECT_EQ(encoder->encode(line.input, SpecialTokens::kPlain), line.ids_plain) << line.input;
  }
}

TEST_P(Oracle, DecodesToTheSameText) {
  for (const Line& line : lines_) EXPECT_EQ(tokenizer_->decode(line.ids), line.decoded);
}

TEST_P(Oracle, BoundariesAgreeWithEncodingThePrefix) {
  auto encoder = tokenizer_->encoder();
  auto other = tokenizer_->encoder();
  for (const Line& line : lines_) {
    const std::string text = tokenizer_->normalize(line.input);
    if (text.empty() || tokenizer_->holds_added_token(text)) continue;
    auto boundaries = encoder->boundaries(text, 1 << 30);
    ASSERT_FALSE(boundaries.empty());
    EXPECT_EQ(boundaries.back().end, text.size());
    EXPECT_EQ(boundaries.back().tokens, other->count(text));
  }
}

INSTANTIATE_TEST_SUITE_P(TestVocabulary, Oracle, testing::ValuesIn(kTestPipelines),
                         [](const auto& chosen) { return chosen.param; });
// Only with a real vocabulary: tests/CMakeLists.txt labels them by this name.
INSTANTIATE_TEST_SUITE_P(Vocabularies, Oracle,
                         testing::Values("real_deepseek_v3", "real_llama3", "real_gpt_oss_o200k"),
                         [](const auto& chosen) { return chosen.param; });

}  // namespace
}  // namespace llmsweep
