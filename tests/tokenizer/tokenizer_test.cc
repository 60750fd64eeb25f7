#include "llmsweep/tokenizer/tokenizer.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <thread>

#include "llmsweep/base/error.h"
#include "llmsweep/base/files.h"
#include "llmsweep/base/sha256.h"
#include "tokenizer/small.h"

namespace llmsweep {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string split(const SmallParts& parts, const std::string& text,
                  SpecialTokens special = SpecialTokens::kParse) {
  auto tokenizer = small_tokenizer(parts);
  return pieces(*tokenizer, tokenizer->encode(text, special));
}

// No merges: every piece is a byte, so that the splits show only through boundaries.
std::string pre_tokens(const std::string& pre_tokenizer, const std::string& text) {
  SmallParts parts{.merges = {}, .pre_tokenizer = pre_tokenizer};
  auto tokenizer = small_tokenizer(parts);
  std::string out;
  size_t begin = 0;
  for (const Boundary& boundary : tokenizer->encoder()->boundaries(text, 1000)) {
    out += (out.empty() ? "" : "|") + text.substr(begin, boundary.end - begin);
    begin = boundary.end;
  }
  return out;
}

std::string sequence(const std::string& stage, const std::string& use_regex = "false") {
  return R"({"type":"Sequence","pretokenizers":[)" + stage +
         R"(,{"type":"ByteLevel","add_prefix_space":false,"use_regex":)" + use_regex + "}]}";
}

TEST(Bpe, MergesTheLowestRankFirst) {
  EXPECT_EQ(split({}, "hello"), "hello");
  EXPECT_EQ(split({}, "hell"), "he|ll");
  EXPECT_EQ(split({.merges = {"l l", "h e", "e l"}}, "hell"), "he|ll");
  EXPECT_EQ(split({.merges = {"e l", "h e", "l l"}}, "hell"), "h|el|l");
}

TEST(Bpe, OfEqualRanksTakesTheLeftmost) {
  EXPECT_EQ(split({.merges = {"a a"}}, "aaa"), "aa|a");
}

TEST(Bpe, LongPiecesMergeAsShortOnesDo) {
  SmallParts parts{.merges = {"a a", "aa aa", "b a", "aaaa aaaa", "aa b"}};
  auto tokenizer = small_tokenizer(parts);
  std::string unit = "aaaaabaab";
  std::string text;
  for (int i = 0; i < 9; ++i) text += unit;  // 81 bytes: scanned
  std::string longer = text + text;          // 162 bytes: by the heap
  // Without white space there is one piece, and b…a never merges over the seam of two units.
  std::string once = pieces(*tokenizer, tokenizer->encode(text));
  EXPECT_THAT(pieces(*tokenizer, tokenizer->encode(longer)),
              testing::StartsWith(once.substr(0, 60)));
  EXPECT_EQ(tokenizer->decode(tokenizer->encode(longer)), longer);
}

TEST(Bpe, ReadsMergesAsPairsToo) {
  EXPECT_EQ(split({.merges_as_pairs = true}, "hello wor"), split({}, "hello wor"));
}

TEST(Bpe, IgnoreMergesTakesAWholePieceThatIsAToken) {
  SmallParts parts{.merges = {"a b", "b c", "a bc"}};
  EXPECT_EQ(split(parts, "abc"), "ab|c");
  parts.model_extra = R"("ignore_merges":true,)";
  EXPECT_EQ(split(parts, "abc"), "abc");
}

TEST(PreTokenizer, SplitsWithEveryBehavior) {
  auto with = [](const std::string& behavior, const std::string& invert = "false") {
    return pre_tokens(sequence(R"({"type":"Split","pattern":{"String":"-"},"behavior":")" +
                               behavior + R"(","invert":)" + invert + "}"),
                      "the-final--countdown-");
  };
  EXPECT_EQ(with("MergedWithPrevious"), "the-|final-|-|countdown-");
  EXPECT_EQ(with("MergedWithNext"), "the|-final|-|-countdown|-");
  EXPECT_EQ(with("Contiguous"), "the|-|final|--|countdown|-");
  EXPECT_EQ(with("Isolated"), "the|-|final|-|-|countdown|-");
}

TEST(PreTokenizer, RemovedDelimitersGiveNoToken) {
  SmallParts parts{
      .merges = {},
      .pre_tokenizer = sequence(
          R"({"type":"Split","pattern":{"String":"-"},"behavior":"Removed","invert":false})")};
  EXPECT_EQ(split(parts, "a-b--c"), "a|b|c");
  parts.pre_tokenizer =
      sequence(R"({"type":"Split","pattern":{"String":"-"},"behavior":"Removed","invert":true})");
  EXPECT_EQ(split(parts, "a-b--c"), "-|-|-");
}

TEST(PreTokenizer, StagesSeeOnlyTheirPiece) {
  // Were the second pattern to look back over the edge, "b" would be split off after "a".
  std::string stages =
      R"({"type":"Split","pattern":{"Regex":"a+"},"behavior":"Isolated","invert":false},)"
      R"({"type":"Split","pattern":{"Regex":"(?<=a)b"},"behavior":"Isolated","invert":false})";
  EXPECT_EQ(pre_tokens(sequence(stages), "aabbc"), "aa|bbc");
}

TEST(PreTokenizer, ReadsAPlusAfterCountsAsARepetition) {
  std::string stage =
      R"({"type":"Split","pattern":{"Regex":"\\p{N}{1,3}+"},"behavior":"Isolated","invert":false})";
  EXPECT_EQ(pre_tokens(sequence(stage), "x1234567y"), "x|1234567|y");
}

TEST(PreTokenizer, SplitsDigitsSinglyOrTogether) {
  EXPECT_EQ(pre_tokens(sequence(R"({"type":"Digits","individual_digits":true})"), "a12b"),
            "a|1|2|b");
  EXPECT_EQ(pre_tokens(sequence(R"({"type":"Digits","individual_digits":false})"), "a12b"),
            "a|12|b");
}

TEST(PreTokenizer, ByteLevelUsesItsPatternUnlessToldNotTo) {
  EXPECT_EQ(pre_tokens(R"({"type":"ByteLevel","add_prefix_space":false})", "it's 20 cm  high"),
            "it|'s| 20| cm| | high");
}

TEST(PreTokenizer, StagesAfterByteLevelSeeItsAlphabet) {
  std::string stages =
      R"({"type":"Sequence","pretokenizers":[{"type":"ByteLevel","add_prefix_space":false,
          "use_regex":true},{"type":"Split","pattern":{"String":"Ġ"},"behavior":"Isolated",
          "invert":false}]})";
  EXPECT_EQ(pre_tokens(stages, "a é b"), "a| |é| |b");
}

TEST(PreTokenizer, APrefixSpaceIsPutBeforeEachSegment) {
  SmallParts parts{.merges = {"Ġ a"},
                   .pre_tokenizer = R"({"type":"ByteLevel","add_prefix_space":true})",
                   .added = R"([{"id":257,"content":"<x>","special":true}])"};
  EXPECT_EQ(split(parts, "a<x>a"), " a|<x>| a");
  EXPECT_EQ(split(parts, " a"), " a");
}

TEST(AddedTokens, AreParsedOrTakenForText) {
  SmallParts parts{.added = R"([{"id":263,"content":"<|end|>","special":true}])"};
  EXPECT_EQ(split(parts, "he<|end|>he"), "he|<|end|>|he");
  EXPECT_EQ(split(parts, "<|end|>", SpecialTokens::kPlain), "<|||e|n|d|||>");
  auto tokenizer = small_tokenizer(parts);
  EXPECT_TRUE(tokenizer->holds_added_token("x <|end|>"));
  EXPECT_FALSE(tokenizer->holds_added_token("x <|end|"));
  EXPECT_EQ(tokenizer->info().vocabulary, 256 + 7 + 1);
}

TEST(AddedTokens, TheLongestAtAPlaceWins) {
  SmallParts parts{.added = R"([{"id":263,"content":"<a>","special":true},
      {"id":264,"content":"<a><b>","special":true},{"id":265,"content":"<b>","special":true}])"};
  EXPECT_EQ(split(parts, "<a><b><a><c><b>"), "<a><b>|<a>|<|c|>|<b>");
}

TEST(AddedTokens, GetTheIdsThatTheLibraryGives) {
  SmallParts parts{.added = R"([{"id":300,"content":"<x>","special":true},
      {"id":301,"content":"hello","special":false,"normalized":false}])"};
  auto tokenizer = small_tokenizer(parts);
  EXPECT_THAT(tokenizer->encode("<x>hello"), ElementsAre(263, 259));
  ASSERT_EQ(tokenizer->info().notes.size(), 1U);
  EXPECT_THAT(tokenizer->info().notes[0], HasSubstr("2 added tokens have other ids"));
}

TEST(AddedTokens, SwallowSpaceAndKeepOffWordsWhereAsked) {
  SmallParts parts{.added = R"([
      {"id":263,"content":"<l>","special":true,"lstrip":true},
      {"id":264,"content":"<r>","special":true,"rstrip":true},
      {"id":265,"content":"cat","special":false,"normalized":false,"single_word":true}])"};
  EXPECT_EQ(split(parts, "a  <l> a"), "a|<l>| |a");
  EXPECT_EQ(split(parts, "a <r>  a"), "a| |<r>|a");
  EXPECT_EQ(split(parts, "cat"), "cat");
  EXPECT_EQ(split(parts, "cats"), "c|a|t|s");
}

TEST(AddedTokens, NormalizedOnesAreFoundAfterNormalization) {
  SmallParts parts{.normalizer = R"({"type":"NFC"})",
                   .added = R"([{"id":263,"content":"é!","special":false,"normalized":true}])"};
  auto tokenizer = small_tokenizer(parts);
  EXPECT_THAT(tokenizer->encode("e\xCC\x81!"), ElementsAre(263));
  parts.added = R"([{"id":263,"content":"é!","special":false,"normalized":false}])";
  EXPECT_EQ(small_tokenizer(parts)->encode("e\xCC\x81!").size(), 3U);
}

TEST(Normalizer, ComposesInSequences) {
  SmallParts parts{.normalizer = R"({"type":"Sequence","normalizers":[{"type":"NFC"}]})"};
  auto tokenizer = small_tokenizer(parts);
  EXPECT_EQ(tokenizer->normalize("e\xCC\x81"), "é");
  EXPECT_EQ(tokenizer->encode("e\xCC\x81"), tokenizer->encode("é"));
  // Marks of two classes in the wrong order are put right before they are composed.
  EXPECT_EQ(tokenizer->normalize("a\xCC\x81\xCC\xA3"), "\xE1\xBA\xA1\xCC\x81");
}

TEST(Normalizer, HasTheFormsOfUnicode9) {
  const auto nfkc = small_tokenizer({.normalizer = R"({"type":"NFKC"})"});
  EXPECT_EQ(nfkc->normalize("\u32FF \u210C"), "\u32FF H") << "the era Reiwa came in Unicode 12";
  // A mark of Unicode 10 keeps what stands around it apart; one of Unicode 1 does not.
  EXPECT_EQ(nfkc->normalize("a\u1DF6\u0301"), "a\u1DF6\u0301");
  EXPECT_EQ(nfkc->normalize("a\u0316\u0301"), "\u00E1\u0316");
  EXPECT_EQ(nfkc->normalize("\U00011935\U00011930"), "\U00011935\U00011930");
  const auto nfd = small_tokenizer({.normalizer = R"({"type":"NFD"})"});
  EXPECT_EQ(nfd->normalize("\U00011938"), "\U00011938");
  EXPECT_EQ(nfd->normalize("\u00E1\u0327"), "a\u0327\u0301");
}

TEST(PreTokenizer, WhitespaceKnowsWordsAsTheLibraryDoes) {
  const auto tokenizer = parse_tokenizer_json(
      R"({"pre_tokenizer":{"type":"Whitespace"},"model":{"type":"BPE","unk_token":"<u>",
          "fuse_unk":true,"vocab":{"<u>":0},"merges":[]}})",
      "words.json");
  // \w has joiners and letters in circles, but no fractions: one unknown token a piece.
  EXPECT_EQ(tokenizer->count("\u00BD\u2153"), 1);
  EXPECT_EQ(tokenizer->count("a\u00BD"), 2);
  EXPECT_EQ(tokenizer->count("a\u200Db\u24B6_9"), 1);
  EXPECT_EQ(tokenizer->count("a,b !?"), 4);
}

TEST(Tokenizer, RepairsInvalidUtf8BothWays) {
  auto tokenizer = small_tokenizer();
  EXPECT_EQ(tokenizer->encode("a\xff"), tokenizer->encode("a\xEF\xBF\xBD"));
  EXPECT_EQ(tokenizer->decode(std::vector<int32_t>{'a', 0xF0, 0x9F, 'b'}),
            "a\xEF\xBF\xBD"
            "b");
  EXPECT_EQ(tokenizer->decode(std::vector<int32_t>{-1, 'a', 100'000}), "a");
}

TEST(Tokenizer, GivesTheSameIdsOnEveryThread) {
  auto tokenizer = small_tokenizer();
  std::string text;
  for (int i = 0; i < 2000; ++i) text += "hello wor" + std::to_string(i) + " ";
  auto expected = tokenizer->encode(text);
  std::vector<std::vector<int32_t>> got(4);
  std::vector<std::thread> threads;
  for (auto& ids : got) {
    threads.emplace_back([&] {
      auto encoder = tokenizer->encoder();
      for (int i = 0; i < 3; ++i) ids = encoder->encode(text);
    });
  }
  for (auto& thread : threads) thread.join();
  for (const auto& ids : got) EXPECT_EQ(ids, expected);
}

std::string error_of(const std::string& json) {
  try {
    parse_tokenizer_json(json, "t.json");
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

// GPT-2's pattern cuts the space that was put in front off the tab.
TEST(Boundaries, LieBehindATextNeverBeforeIt) {
  const SmallParts parts{.merges = {}, .pre_tokenizer = R"({"type":"ByteLevel"})"};
  const auto tokenizer = small_tokenizer(parts);
  const auto boundaries = tokenizer->encoder()->boundaries("\thi", 1000);
  ASSERT_EQ(boundaries.size(), 2u);
  EXPECT_EQ(boundaries[0].end, 1u);
  EXPECT_EQ(boundaries[0].tokens, tokenizer->count("\t"));
  EXPECT_EQ(boundaries[1].end, 3u);
  EXPECT_EQ(boundaries[1].tokens, tokenizer->count("\thi"));
}

TEST(TokenizerErrors, UnknownConstructsAreRefusedByNameWithTheFallback) {
  EXPECT_THAT(error_of(R"({"model":{"type":"WordPiece","vocab":[]}})"),
              testing::AllOf(HasSubstr("'WordPiece' is not supported"), HasSubstr("server")));
  EXPECT_THAT(error_of(R"({"model":{"type":"Unigram","vocab":[]}})"), HasSubstr("unk_id"));
  EXPECT_THAT(error_of(R"({"model":{"type":"Unigram","unk_id":0,"vocab":[["a"]]}})"),
              HasSubstr("model.vocab[0]: expected a piece and its score"));
  EXPECT_THAT(error_of(small_json({.normalizer = R"({"type":"StripAccents"})"})),
              HasSubstr("the normalizer 'StripAccents'"));
  EXPECT_THAT(error_of(small_json({.normalizer = R"({"type":"Precompiled"})"})),
              HasSubstr("precompiled_charsmap"));
  EXPECT_THAT(error_of(small_json({.pre_tokenizer = R"({"type":"BertPreTokenizer"})"})),
              HasSubstr("the pre-tokenizer 'BertPreTokenizer'"));
  EXPECT_THAT(error_of(small_json({.pre_tokenizer = sequence(R"({"type":"ByteLevel"})")})),
              HasSubstr("a second ByteLevel"));
  EXPECT_THAT(error_of(small_json({.model_extra = R"("end_of_word_suffix":"</w>",)"})),
              HasSubstr("end_of_word_suffix"));
  EXPECT_THAT(error_of(R"({"pre_tokenizer":{"type":"ByteLevel"},"model":{"type":"BPE",
                           "byte_fallback":true,"vocab":{"a":0},"merges":[]}})"),
              HasSubstr("byte_fallback"));
  EXPECT_EQ(error_of(small_json({.model_extra = R"("byte_fallback":true,)"})), "no error");
  EXPECT_THAT(
      error_of(small_json({.pre_tokenizer = R"({"type":"Metaspace","prepend_scheme":"last"})"})),
      HasSubstr("the prepend_scheme 'last'"));
  EXPECT_THAT(error_of(small_json({.model_extra = R"("dropout":0.1,)"})), HasSubstr("dropout"));
  EXPECT_THAT(error_of(small_json(
                  {.pre_tokenizer = sequence(
                       R"({"type":"Split","pattern":{"Regex":"("},"behavior":"Isolated"})")})),
              HasSubstr("pretokenizers[0].pattern.Regex"));
}

TEST(TokenizerErrors, BrokenFilesAreOneError) {
  EXPECT_THAT(error_of(""), HasSubstr("not valid JSON"));
  EXPECT_THAT(error_of(small_json({}).substr(0, 900)), HasSubstr("not valid JSON"));
  EXPECT_THAT(error_of("[1]"), HasSubstr("expected an object"));
  EXPECT_THAT(error_of("{}"), HasSubstr("'model' is missing"));
  const std::pair<const char*, const char*> others[] = {
      {R"({"tokenizer_class": "LlamaTokenizer"})", "tokenizer_config.json"},
      {R"({"architectures": ["X"]})", "config.json"},
      {R"({"a": 0, "b": 1})", "vocab.json"},
      {"#version: 0.2\na b\n", "merges.txt"},
      {"[PAD]\n[UNK]\n", "vocab.txt"},
      {"\x1f\x8b\x08", "gzip"},
      {"GGUF\x03", "GGUF"},
      {"version https://git-lfs.github.com/spec/v1\n", "Git LFS"},
      {"<!doctype html>", "HTML"}};
  for (const auto& [text, named] : others) {
    EXPECT_THAT(error_of(text), testing::AllOf(HasSubstr("no tokenizer, but"), HasSubstr(named),
                                               HasSubstr("server")));
  }
  EXPECT_THAT(error_of(R"({"model":{"type":"BPE","vocab":{"a":-1},"merges":[]}})"),
              HasSubstr("the id of 'a'"));
  EXPECT_THAT(error_of(R"({"model":{"type":"BPE","vocab":{"a":0},"merges":["a b"]}})"),
              HasSubstr("outside the vocabulary"));
  EXPECT_THROW(load_tokenizer("/nowhere/tokenizer.json"), Error);
  EXPECT_THROW(load_tokenizer(testing::TempDir() + "/nothing"), Error);
}

TEST(LoadTokenizer, TakesAFileOrItsFolder) {
  auto folder = std::filesystem::path(testing::TempDir()) / "small_tokenizer";
  std::filesystem::create_directories(folder);
  write_file_atomically(folder / "tokenizer.json", small_json({}));
  auto tokenizer = load_tokenizer(folder.string());
  EXPECT_EQ(tokenizer->count("hello"), 1);
  EXPECT_EQ(tokenizer->info().sha256, sha256_hex(small_json({})));
  EXPECT_EQ(load_tokenizer((folder / "tokenizer.json").string())->count("hello"), 1);
}

}  // namespace
}  // namespace llmsweep
