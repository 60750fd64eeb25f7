#include <gmock/gmock.h>

#include <bit>
#include <filesystem>

#include "llmsweep/base/error.h"
#include "llmsweep/base/files.h"
#include "llmsweep/tokenizer/tokenizer.h"
#include "tokenizer/sentence_piece.h"
#include "tokenizer/test_vocabulary.h"

namespace llmsweep {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using Ids = std::vector<int32_t>;

std::string varint(uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
  return bytes + static_cast<char>(value);
}

std::string number_field(uint64_t field, uint64_t value) {
  return varint(field << 3) + varint(value);
}

std::string bytes_field(uint64_t field, const std::string& bytes) {
  return varint(field << 3 | 2) + varint(bytes.size()) + bytes;
}

std::string piece_of(const std::string& text, float score, uint64_t kind = 1) {
  const auto bits = std::bit_cast<uint32_t>(score);
  std::string fixed;
  for (int i = 0; i < 4; ++i) fixed += static_cast<char>(bits >> (8 * i) & 0xFF);
  return bytes_field(1, bytes_field(1, text) + varint(2 << 3 | 5) + fixed + number_field(3, kind));
}

struct SmallModel {
  std::string training = number_field(3, 2);       // BPE
  std::string normalization = number_field(4, 0);  // spaces stay as they are
  std::string more;
};

std::string small_model(const SmallModel& parts = {}) {
  return piece_of("<unk>", 0, 2) + piece_of("<s>", 0, 3) + piece_of("a", -9) + piece_of("b", -9) +
         piece_of("ab", -2) + piece_of("ba", -1) + piece_of("▁", -9) + piece_of("▁a", -3) +
         piece_of("\n", -9, 4) + parts.more + bytes_field(2, parts.training) +
         bytes_field(3, parts.normalization);
}

std::string refusal_of(const std::string& bytes) {
  try {
    parse_sentence_piece(bytes, "tokenizer.model");
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(SentencePiece, MergesTheBestScoreFirst) {
  const auto tokenizer = parse_sentence_piece(small_model(), "tokenizer.model");
  EXPECT_EQ(tokenizer->encode("a"), (Ids{7}));
  EXPECT_EQ(tokenizer->encode("ab"), (Ids{6, 4})) << "'ab' scores above '▁a'";
  EXPECT_EQ(tokenizer->encode("bab"), (Ids{6, 5, 3})) << "'ba' scores above 'ab'";
  EXPECT_EQ(tokenizer->encode("a\na"), (Ids{7, 8, 2}));
  EXPECT_EQ(tokenizer->encode("axya"), (Ids{7, 0, 2})) << "unknown ones fuse";
  EXPECT_EQ(tokenizer->decode(Ids{7, 6, 4}), "a ab");
  EXPECT_TRUE(tokenizer->holds_added_token("a <s>"));
  EXPECT_EQ(tokenizer->info().kind, "SentencePiece BPE");
}

TEST(SentencePiece, SpacesAreTreatedAsTheFileSays) {
  const auto collapsed = parse_sentence_piece(small_model({.normalization = ""}), "m");
  EXPECT_EQ(collapsed->encode("  a   a "), (Ids{7, 7}));
  EXPECT_EQ(collapsed->normalize("  a   a "), "a a");
  EXPECT_EQ(collapsed->encode("   "), (Ids{}));
  const auto bare = parse_sentence_piece(
      small_model({.normalization = number_field(3, 0) + number_field(4, 0)}), "m");
  EXPECT_EQ(bare->encode("a  a"), (Ids{2, 6, 7}));
}

TEST(SentencePiece, WhatIsNotReadIsRefusedByItsName) {
  const auto refused = [](const char* what) {
    return AllOf(HasSubstr("SentencePiece"), HasSubstr(what), HasSubstr("server"),
                 Not(HasSubstr("JSON:")));
  };
  EXPECT_THAT(refusal_of(small_model({.training = ""})), refused("of the kind Unigram"));
  EXPECT_THAT(refusal_of(small_model({.training = number_field(3, 4)})), refused("kind Char"));
  EXPECT_THAT(
      refusal_of(small_model({.normalization = bytes_field(1, "nmt_nfkc") + bytes_field(2, "xx")})),
      refused("the normalization 'nmt_nfkc'"));
  EXPECT_THAT(refusal_of(small_model({.training = number_field(3, 2) + number_field(24, 1)})),
              refused("the space after a word"));
  EXPECT_THAT(refusal_of(small_model({.more = piece_of("x", 0, 5)})), refused("unused pieces"));
}

TEST(SentencePiece, ADamagedFileIsOneError) {
  const std::string whole = small_model();
  for (size_t size = 1; size < whole.size(); ++size) {
    const std::string said = refusal_of(whole.substr(0, size));
    EXPECT_TRUE(said.find("damaged") != std::string::npos ||
                said.find("not supported") != std::string::npos || said == "no error")
        << size << ": " << said;
  }
  EXPECT_THAT(refusal_of(whole.substr(0, 9)), HasSubstr("damaged"));
}

TEST(LoadTokenizer, TellsAFileByWhatItHolds) {
  const auto folder = std::filesystem::path(testing::TempDir()) / "model_files";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  const auto file = folder / "tokenizer.model";
  write_file_atomically(file, small_model());
  EXPECT_EQ(load_tokenizer(file.string())->encode("a"), (Ids{7}));
  EXPECT_EQ(load_tokenizer(folder.string())->encode("a"), (Ids{7}));
  std::string ranks;
  for (int b = 0; b < 256; ++b) {
    ranks += base64_of(std::string(1, static_cast<char>(b))) + " " + std::to_string(b) + "\n";
  }
  write_file_atomically(file, ranks);
  EXPECT_EQ(load_tokenizer(file.string() + "#llama4")->encode("a"), (Ids{97}));
  EXPECT_THAT(
      [&] { load_tokenizer(folder.string()); },
      testing::ThrowsMessage<Error>(AllOf(HasSubstr("FILE#PATTERN"), HasSubstr("llama3, llama4"))));
  for (int i = 256; i < 128000; ++i) {
    ranks += base64_of("token " + std::to_string(i)) + " " + std::to_string(i) + "\n";
  }
  write_file_atomically(file, ranks);
  EXPECT_EQ(load_tokenizer(folder.string())->encode("a<|eot_id|>"), (Ids{97, 128009}));
}

TEST(Tiktoken, MarksGoWithLettersInQwen35) {
  std::string ranks;
  for (int b = 0; b < 256; ++b) {
    ranks += base64_of(std::string(1, static_cast<char>(b))) + " " + std::to_string(b) + "\n";
  }
  ranks += base64_of("\xCC\x81") + " 256\n" + base64_of("a\xCC\x81") + " 257\n";
  EXPECT_EQ(parse_tiktoken(ranks, "qwen3_5", "r")->encode("a\xCC\x81"), (Ids{257}));
  EXPECT_EQ(parse_tiktoken(ranks, "qwen", "r")->encode("a\xCC\x81"), (Ids{97, 256}));
}

std::string tekken_of(const std::string& config, const std::string& vocabulary) {
  return R"({"config":{"pattern":"\\S+|\\s+",)" + config + R"(},"vocab":[)" + vocabulary + "]}";
}

TEST(Tekken, CountsRanksBehindTheSpecialTokens) {
  const std::string config = R"("default_vocab_size":5,"default_num_special_tokens":2)";
  const std::string entries = R"({"rank":0,"token_bytes":"YQ=="},{"rank":1,"token_bytes":"Yg=="},
                                 {"rank":2,"token_bytes":"YWI="})";
  const auto tokenizer = parse_tokenizer_json(tekken_of(config, entries), "tekken.json");
  EXPECT_EQ(tokenizer->encode("aba"), (Ids{4, 2}));
  EXPECT_EQ(tokenizer->decode(Ids{4, 2}), "aba");
  EXPECT_EQ(tokenizer->info().kind, "tekken");
  EXPECT_EQ(tokenizer->info().vocabulary, 5);
  EXPECT_TRUE(tokenizer->holds_added_token("[INST]"));
  const auto said = [](const std::string& json) {
    try {
      parse_tokenizer_json(json, "tekken.json");
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  EXPECT_THAT(said(tekken_of(R"("default_vocab_size":9,"default_num_special_tokens":2)", entries)),
              HasSubstr("expected 7 tokens, there are 3"));
  EXPECT_THAT(said(tekken_of(config, R"({"rank":1,"token_bytes":"YQ=="})")),
              HasSubstr("in the order of their ranks"));
  EXPECT_THAT(said(tekken_of(config, R"({"rank":0,"token_bytes":"?"})")), HasSubstr("base64"));
}

}  // namespace
}  // namespace llmsweep
