#include <fmt/format.h>
#include <gmock/gmock.h>

#include <bit>
#include <filesystem>

#include "llmsweep/base/error.h"
#include "llmsweep/base/files.h"
#include "llmsweep/tokenizer/tokenizer.h"
#include "tokenizer/character_map.h"
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
  EXPECT_THAT(refusal_of(small_model({.training = number_field(3, 3)})), refused("kind Word"));
  EXPECT_THAT(refusal_of(small_model({.training = number_field(3, 4)})), refused("kind Char"));
  EXPECT_THAT(
      refusal_of(small_model({.normalization = bytes_field(1, "nmt_nfkc") + bytes_field(2, "xx")})),
      refused("normalization 'nmt_nfkc' is no table"));
  EXPECT_THAT(refusal_of(small_model({.training = number_field(3, 2) + number_field(24, 1)})),
              refused("the space after a word"));
  EXPECT_THAT(refusal_of(small_model({.more = piece_of("x", 0, 5)})), refused("unused pieces"));
}

std::string unigram_model(const std::string& more = "", const std::string& training = "") {
  return small_model({.training = training, .more = more});
}

TEST(Unigram, TakesTheBestScoreOfAll) {
  // Alone a scores -9, b -9, ab -2, ba -1, the mark -9, the mark with a -3.
  const auto tokenizer = parse_sentence_piece(unigram_model(), "tokenizer.model");
  EXPECT_EQ(tokenizer->encode("ab"), (Ids{6, 4})) << "-11, the other way -12";
  EXPECT_EQ(tokenizer->encode("aba"), (Ids{7, 5})) << "-4";
  EXPECT_EQ(tokenizer->encode("abab"), (Ids{6, 4, 4}))
      << "-13, as the other, whose last piece begins later";
  EXPECT_EQ(tokenizer->encode("axya"), (Ids{7, 0, 2})) << "unknown ones fuse";
  EXPECT_EQ(tokenizer->encode("a\na"), (Ids{7, 8, 2})) << "what is defined scores -0.1";
  EXPECT_EQ(tokenizer->encode("a<s>"), (Ids{7, 0})) << "a control token is never text";
  EXPECT_TRUE(tokenizer->holds_added_token("a <s>"));
  EXPECT_EQ(tokenizer->decode(Ids{7, 6, 4}), "a ab");
  EXPECT_EQ(tokenizer->info().kind, "SentencePiece Unigram");
  const auto unused = parse_sentence_piece(unigram_model(piece_of("bab", 0, 5)), "m");
  EXPECT_EQ(unused->encode("bab"), (Ids{6, 5, 3})) << "an unused piece is never taken";
}

TEST(Unigram, AnUnknownCharacterIsItsBytes) {
  std::string bytes;
  for (int b = 0; b < 256; ++b) bytes += piece_of(fmt::format("<0x{:02X}>", b), 0, 6);
  const auto tokenizer = parse_sentence_piece(unigram_model(bytes, number_field(35, 1)), "m");
  EXPECT_EQ(tokenizer->encode("a\xC3\xA9x"), (Ids{7, 9 + 0xC3, 9 + 0xA9, 9 + 'x'}));
  const auto boundaries = tokenizer->encoder()->boundaries("axb ab", 1 << 30);
  ASSERT_EQ(boundaries.size(), 4U) << "a|x|b| ab, for the mark goes with a";
  EXPECT_EQ(boundaries[1].end, 2U);
  EXPECT_EQ(boundaries[1].tokens, 2);
}

// Sums in floats: of a long text its later half may be cut otherwise than alone.
TEST(Unigram, ALongTextTakesNoQuadraticTime) {
  const auto tokenizer = parse_sentence_piece(unigram_model(), "tokenizer.model");
  std::string text;
  for (int i = 0; i < 200'000; ++i) text += "aba";
  EXPECT_EQ(tokenizer->count(text), 400'000);
}

// A table in which "é" becomes "e", as SentencePiece writes it. The unit of a byte is at its
// parent's offset XOR the byte, that of the replacement at the last byte's offset.
std::string small_character_map() {
  std::vector<uint32_t> units(1024, 0xFF);  // a label that no byte before has led to
  const auto offset = [](uint32_t to) { return to << 10; };
  units[0] = offset(256);  // the root's children are at 256 ^ byte
  units[256 ^ 0xC3] = offset((256 ^ 0xC3) ^ 512) | 0xC3;
  units[512 ^ 0xA9] = offset((512 ^ 0xA9) ^ 768) | 1U << 8 | 0xA9;
  units[768] = 1U << 31 | 0;  // the place of "e"
  std::string bytes;
  const auto append = [&bytes](uint32_t value) {
    for (int i = 0; i < 4; ++i) bytes += static_cast<char>(value >> (8 * i) & 0xFF);
  };
  append(4 * 1024);
  for (const uint32_t unit : units) append(unit);
  return bytes + std::string("e\0", 2);
}

TEST(CharacterMap, ReplacesTheLongestTextOfItsTable) {
  const auto map = CharacterMap::parse(small_character_map());
  ASSERT_TRUE(map);
  EXPECT_EQ((*map)("x\xC3\xA9y"), "xey");
  EXPECT_EQ((*map)("\xC3\xA9\xC3\xA9"), "ee");
  EXPECT_EQ((*map)("\xC3\xA8"), "\xC3\xA8") << "its first byte is in the table";
  CharacterMap kept = *map;
  EXPECT_EQ((*map)(std::string("ab\0\xC3\xA9 c\xC3\xA9", 9)), std::string("ab\0e ce", 7));
  kept.keep("\xC3\xA9!");
  EXPECT_EQ(kept("\xC3\xA9!\xC3\xA9"), "\xC3\xA9!e");
  kept.keep("b\xC3\xA9");
  EXPECT_EQ(kept("aab\xC3\xA9\xC3\xA9"),
            "aab\xC3\xA9"
            "e");
  EXPECT_FALSE(CharacterMap::parse(""));
  EXPECT_FALSE(CharacterMap::parse(small_character_map().substr(0, 300)));
}

TEST(CharacterMap, OfAShortClusterItsShortestTextTakesThePlace) {
  const auto map = CharacterMap::parse(small_character_map());
  ASSERT_TRUE(map);
  EXPECT_EQ(map->by_grapheme("x\xC3\xA9y"), "xey");
  EXPECT_EQ(map->by_grapheme("\xC3\xA9\xCC\x81-"), "e-") << "the mark is of the cluster";
  EXPECT_EQ(map->by_grapheme("\xC3\xA9\xCC\x81\xCC\x81-"), "e\xCC\x81\xCC\x81-")
      << "six bytes: by character";
  EXPECT_EQ(map->by_grapheme("a\xC3\xA9"), "ae") << "two clusters";
  EXPECT_EQ(map->by_grapheme("a\r\nb"), "a\r\nb");
  EXPECT_EQ(map->by_grapheme(""), "");
}

TEST(TokenizerJson, ReadsSentencePiecesTableOfNormalization) {
  const auto json = [](const std::string& table) {
    return R"({"normalizer": {"type": "Sequence", "normalizers": [{"type": "Precompiled",
"precompiled_charsmap": ")" +
           table + R"("}]}, "model": {"type": "Unigram", "unk_id": 0,
"vocab": [["<unk>", 0], ["e", -1], ["x", -2]]}})";
  };
  const auto tokenizer = parse_tokenizer_json(json(base64_of(small_character_map())), "t.json");
  EXPECT_EQ(tokenizer->encode("x\xC3\xA9"), (Ids{2, 1}));
  for (const std::string& table : {std::string("!"), base64_of("no table")}) {
    try {
      parse_tokenizer_json(json(table), "t.json");
      FAIL() << table;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), AllOf(HasSubstr("'Precompiled'"), HasSubstr("server")));
    }
  }
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

TEST(LoadTokenizer, FindsTheOneModelOfAFolderWhateverItIsCalled) {
  const auto folder = std::filesystem::path(testing::TempDir()) / "piece_folder";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  write_file_atomically(folder / "config.json", "{}");
  write_file_atomically(folder / "weights.model.bin", "weights");
  const auto said = [&] {
    try {
      load_tokenizer(folder.string());
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  EXPECT_THAT(said(), HasSubstr("holds no tokenizer.json"));
  for (const char* name : {"spiece.model", "sentencepiece.bpe.model", "tokenizer.model.v3"}) {
    write_file_atomically(folder / name, small_model());
    EXPECT_EQ(load_tokenizer(folder.string())->encode("a"), (Ids{7})) << name;
    std::filesystem::remove(folder / name);
  }
  write_file_atomically(folder / "a.model", small_model());
  write_file_atomically(folder / "b.model", small_model());
  EXPECT_THAT(said(), HasSubstr("several tokenizers: a.model, b.model"));
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
