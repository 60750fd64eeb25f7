// Vocabularies of characters in the pipelines of model families, SentencePiece's own files and a
// tekken.json, against what the families' own libraries make of the same texts (families/make.py).
#include <gmock/gmock.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "llmsweep/tokenizer/tokenizer.h"

namespace llmsweep {
namespace {

std::string families_folder() {
  return std::string(LLMSWEEP_SOURCE_DIR) + "/tests/tokenizer/families/";
}

class Family : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    tokenizer_ = load_tokenizer(families_folder() + GetParam());
    std::ifstream stream(families_folder() + "oracle.jsonl");
    for (std::string line; std::getline(stream, line);) {
      lines_.push_back(nlohmann::json::parse(line));
    }
    ASSERT_GE(lines_.size(), 150U);
  }

  std::shared_ptr<const Tokenizer> tokenizer_;
  std::vector<nlohmann::json> lines_;
};

TEST_P(Family, GivesTheSameIds) {
  auto encoder = tokenizer_->encoder();
  for (const nlohmann::json& line : lines_) {
    const std::string text = line["text"];
    const std::vector<int32_t> ids = line["ids"][GetParam()];
    const std::vector<int32_t> plain =
        line.value("ids_plain", nlohmann::json::object()).value(GetParam(), ids);
    EXPECT_EQ(encoder->encode(text), ids) << text;
    EXPECT_EQ(encoder->encode(text, SpecialTokens::kPlain), plain) << text;
  }
}

TEST_P(Family, TextUpToABoundaryEncodesToItsTokens) {
  // Patterns of bytes look ahead, and collapsed spaces are gone at the end of a text.
  const bool each = GetParam() != "tekken.json" && GetParam() != "pieces-collapsed.model" &&
                    GetParam() != "pieces-unigram.model";
  auto encoder = tokenizer_->encoder();
  auto other = tokenizer_->encoder();
  for (const nlohmann::json& line : lines_) {
    const std::string text = tokenizer_->normalize(line["text"].get<std::string>());
    if (text.empty() || tokenizer_->holds_added_token(text)) continue;
    if (!each && (text.ends_with("▁") || text.ends_with(" "))) continue;
    const std::vector<Boundary> boundaries = encoder->boundaries(text, 1 << 30);
    ASSERT_FALSE(boundaries.empty()) << text;
    EXPECT_EQ(boundaries.back().end, text.size()) << text;
    EXPECT_EQ(boundaries.back().tokens, other->count(text)) << text;
    // Behind a mark that stands for no text the count is of what follows too.
    for (size_t i = 1; each && i < boundaries.size(); ++i) {
      EXPECT_EQ(boundaries[i].tokens, other->count(text.substr(0, boundaries[i].end))) << text;
    }
  }
}

TEST_P(Family, DecodesToTheText) {
  if (GetParam() == "unknown-apart.json") return;  // it has no bytes
  for (const std::string text : {"the sea and the sky", "a  b\n\n\tc", "naïve: 12.5 %"}) {
    // Without a decoder that strips it, the mark before the text is a space.
    const bool prefixed = GetParam() == "metaspace-first.json";
    EXPECT_EQ(tokenizer_->decode(tokenizer_->encode(text)),
              (prefixed ? " " : "") + tokenizer_->normalize(text));
  }
}

INSTANTIATE_TEST_SUITE_P(Trained, Family,
                         testing::Values("gemma-2-3.json", "llama-2.json", "mistral-v3.json",
                                         "metaspace-first.json", "unknown-apart.json",
                                         "pieces-gemma.model", "pieces-collapsed.model",
                                         "pieces-unigram.model", "pieces-unigram-defined.model",
                                         "tekken.json"),
                         [](const auto& chosen) {
                           std::string name = chosen.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           std::replace(name.begin(), name.end(), '.', '_');
                           return name;
                         });

// A vocabulary of a few characters, the bytes of "é", and what a test asks for.
std::shared_ptr<const Tokenizer> few_characters(const std::string& model) {
  return parse_tokenizer_json(
      R"({"pre_tokenizer":null,"normalizer":null,"model":{"type":"BPE",)" + model +
          R"("vocab":{"<unk>":0,"a":1,"b":2,"ab":3,"<0xC3>":4,"<0xA9>":5,"bc":6,"c":7,"abc":8},)"
          R"("merges":["b c","a bc","a b"]}})",
      "few.json");
}

TEST(Characters, AnUnknownOneIsBytesElseUnknownElseNothing) {
  using Ids = std::vector<int32_t>;
  const auto unknown = few_characters(R"("unk_token":"<unk>",)");
  EXPECT_EQ(unknown->encode("aéxb"), (Ids{1, 0, 0, 2}));
  const auto fused = few_characters(R"("unk_token":"<unk>","fuse_unk":true,)");
  EXPECT_EQ(fused->encode("aéxb"), (Ids{1, 0, 2}));
  const auto bytes = few_characters(R"("unk_token":"<unk>","byte_fallback":true,)");
  EXPECT_EQ(bytes->encode("aéb"), (Ids{1, 4, 5, 2}));
  EXPECT_EQ(bytes->encode("xé"), (Ids{4, 5, 0})) << "the unknown one waits";
  const auto dropped = few_characters("");
  EXPECT_EQ(dropped->encode("axb"), (Ids{3})) << "its neighbours meet";
}

TEST(Characters, MergeByRankAndCutOnlyWhereNothingMerges) {
  const auto tokenizer = few_characters("");
  EXPECT_EQ(tokenizer->encode("abcab"), (std::vector<int32_t>{8, 3}));
  std::string text;
  for (int i = 0; i < 3000; ++i) text += "abcab";
  EXPECT_EQ(tokenizer->count(text), 6000);
  const auto boundaries = tokenizer->encoder()->boundaries("abcab", 1 << 30);
  ASSERT_EQ(boundaries.size(), 2U);
  EXPECT_EQ(boundaries[0].end, 3U);
  EXPECT_EQ(boundaries[0].tokens, 1);
}

}  // namespace
}  // namespace llmsweep
