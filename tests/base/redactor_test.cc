#include "llmsweep/base/redactor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace llmsweep {
namespace {

using ::testing::HasSubstr;

const std::string kKey = "sk-pl4nt/ed+\"9f3=&7c'<x>";

std::string redacted(std::string text, const std::vector<std::string>& secrets = {kKey}) {
  Redactor(secrets).redact(text);
  return text;
}

TEST(Redactor, FindsEverySpellingOfAKey) {
  for (const char* spelling :
       {R"(sk-pl4nt/ed+"9f3=&7c'<x>)",                                // as it stands
        R"(sk-pl4nt/ed+\"9f3=&7c'<x>)",                               // JSON
        R"(sk-pl4nt\/ed+\"9f3=&7c'<x>)",                              // PHP
        R"(sk-pl4nt/ed\u002B\u00229f3=\u00267c\u0027\u003Cx\u003E)",  // .NET
        R"(sk-pl4nt/ed\u002b\"9f3=\u00267c\u0027\u003cx\u003e)",      // Go
        R"(\u0073\u006b\u002d\u0070\u006c\u0034\u006e\u0074\u002f\u0065\u0064\u002b\u0022\u0039)"
        R"(\u0066\u0033\u003d\u0026\u0037\u0063\u0027\u003c\u0078\u003e)",
        R"(sk-pl4nt/ed+\\\"9f3=&7c'<x>)",  // JSON in JSON
        R"(sk-pl4nt\\/ed\\u002B\\u00229f3=\\u00267c\\u0027\\u003Cx\\u003E)",
        "sk-pl4nt%2Fed%2B%229f3%3D%267c%27%3Cx%3E",  // a URL
        "sk-pl4nt%2fed%2b%229f3%3d%267c%27%3cx%3e",
        "sk%2Dpl4nt/ed%2B%229f3%3D%267c'%3Cx%3E",
        "sk-pl4nt%252Fed%252B%25229f3%253D%25267c%2527%253Cx%253E",  // twice
        "sk-pl4nt%u002Fed%u002B%u00229f3=%u00267c'<x>",
        "sk-pl4nt/ed+&quot;9f3=&amp;7c&#39;&lt;x&gt;",  // HTML
        "sk-pl4nt&#x2F;ed&#x2B;&quot;9f3&#x3D;&amp;7c&#x27;&lt;x&gt;",
        "sk-pl4nt&#047;ed&#43;&#34;9f3&#61;&#38;7c&#39;&#60;x&#62;",
        "sk-pl4nt&sol;ed&plus;&quot;9f3&equals;&amp;7c&apos;&lt;x&gt;",
        "sk-pl4nt/ed+&amp;quot;9f3=&amp;amp;7c&amp;#39;&amp;lt;x&amp;gt;",
        R"(sk-pl4nt/ed+"9f3=&7c\'<x>)",  // Python, PHP
        R"(sk-pl4nt/ed\x2b\x229f3\x3d\x267c\x27\x3cx\x3e)",
        R"(sk-pl4nt/ed\u{2b}\u{22}9f3=\u{26}7c\u{27}<x>)",  // JavaScript, Rust
        R"(sk-pl4nt/ed\U0000002b\U000000229f3=&7c'<x>)",
        R"(sk\055pl4nt\057ed\053\0429f3\075\0467c\047\074x\076)",  // octal
        R"(sk\-pl4nt\/ed\+\"9f3\=\&7c\'\<x\>)",                    // a shell
        "c2stcGw0bnQvZWQrIjlmMz0mN2MnPHg+",                        // base64
        "QmFzaWMgdXNlcjpzay1wbDRudC9lZCsiOWYzPSY3Yyc8eD4=",        // of "Basic user:KEY"
        "dXNlcjpzay1wbDRudC9lZCsiOWYzPSY3Yyc8eD4",
        "eHNrLXBsNG50L2VkKyI5ZjM9JjdjJzx4Pg==",
        "c2stcGw0bnQvZWQrIjlmMz0mN2MnPHg-",
        "736b2d706c346e742f65642b22396633 3d2637633c27"}) {
    const std::string text = redacted("before " + std::string(spelling) + " after");
    EXPECT_THAT(text, HasSubstr("<redacted>")) << spelling;
    EXPECT_EQ(text.find("pl4nt"), std::string::npos) << text;
    EXPECT_EQ(text.find("9f3"), std::string::npos) << text;
    EXPECT_THAT(text, testing::StartsWith("before ")) << text;
  }
}

TEST(Redactor, FindsAKeyInListsOfNumbersAndInOtherLetters) {
  const std::string key = "sk-Zm9v+YmFyL/2Jhei";
  for (const char* spelling :
       {R"(\x{73}\x{6b}\x{2d}\x{5a}\x{6d}\x{39}\x{76}\x{2b}YmFyL\x{2f}2Jhei)",
        R"(\163\153\55\132\155\71\166\53\131\155\106\171\114\57\62\112\150\145\151)",
        "=73=6B=2D=5A=6D=39=76=2B=59=6D=46=79=4C=2F=32=4A=68=65=69",
        "73:6b:2d:5a:6d:39:76:2b:59:6d:46:79:4c:2f:32:4a:68:65:69",
        "73 6B 2D 5A 6D 39 76 2B 59 6D 46 79 4C 2F 32 4A 68 65 69",
        "0x73, 0x6b, 0x2d, 0x5a, 0x6d, 0x39, 0x76, 0x2b, 0x59, 0x6d, 0x46, 0x79, 0x4c, 0x2f, 0x32, "
        "0x4a, 0x68, 0x65, 0x69",
        "115, 107, 45, 90, 109, 57, 118, 43, 89, 109, 70, 121, 76, 47, 50, 74, 104, 101, 105",
        "736b2D5a6D39762b596D46794C2f324A686569",
        "SK-ZM9V+YMFYL/2JHEI",
        "sk-zm9v+ymfyl/2jhei",
        "s k - Z m 9 v + Y m F y L / 2 J h e i",
        "sk-Zm9v\xc2\xad+YmFy\u200bL/2Jhei",
        "sk-Zm\n9v+Ym\nFyL/2\nJhei",
        "'sk-Zm' '9v+Ym' 'FyL/2' 'Jhei'",
        "sk&hyphen;Zm9v&plus;YmFyL&sol;2Jhei",
        "sk-Zm9v&plusYmFyL&sol2Jhei",
        "sk-Zm9v&#0000000043;YmFyL&#x00000002f;2Jhei",
        R"(sk-Zm9v\00002b YmFyL\00002f 2Jhei)",
        "U+0073 U+006B U+002D U+005A U+006D U+0039 U+0076 U+002B U+0059 U+006D U+0046 U+0079",
        "c2stWm\n05ditZb\nUZ5TC8\nySmhlaQ=="}) {
    const std::string text = redacted("before <" + std::string(spelling) + "> after", {key});
    EXPECT_THAT(text, HasSubstr("<redacted>")) << spelling;
    EXPECT_THAT(text, testing::StartsWith("before <")) << text;
    EXPECT_LE(text.size(), std::string("before <sk-Zm'<redacted>'Jhei=9> after").size()) << text;
  }
  for (const char* text :
       {"sk 1, 2, 3, 4, 5, 6, 7, 8, 9", "10:32:05 0xdeadbeefdeadbeef", "SK-ZM9V"}) {
    EXPECT_EQ(redacted(text, {key}), text);
  }
}

TEST(Redactor, TakesTheWholeOfAKeyAndNothingElse) {
  EXPECT_EQ(redacted("a " + kKey + " b " + kKey), "a <redacted> b <redacted>");
  EXPECT_EQ(redacted("sk-pl4n is no piece, 100% &c. \\ %"), "sk-pl4n is no piece, 100% &c. \\ %");
  EXPECT_EQ(redacted(""), "");
  std::string text = kKey;
  Redactor().redact(text);
  EXPECT_EQ(text, kKey);
}

TEST(Redactor, FindsAnyEightCharactersOfAKey) {
  EXPECT_EQ(redacted("cut: " + kKey.substr(0, 8)), "cut: <redacted>");
  EXPECT_EQ(redacted("cut: " + kKey.substr(5)), "cut: <redacted>");
  EXPECT_EQ(redacted(kKey.substr(0, 12) + "****" + kKey.substr(14)), "<redacted>****<redacted>");
}

TEST(Redactor, FindsWholeKeysOnlyWhereTheTextIsStillToBeRead) {
  std::string text = "model sk-pl4nt/ed and " + kKey;
  Redactor({kKey}).redact(text, Redactor::Part::kWhole);
  EXPECT_EQ(text, "model sk-pl4nt/ed and <redacted>");
}

TEST(Redactor, LeavesAModelItsNameWhereTheKeyIsAWordOfIt) {
  std::string text = R"({"id":"my-local-model","owned_by":"local"})";
  Redactor({"local"}).redact(text, Redactor::Part::kWhole);
  EXPECT_EQ(text, R"({"id":"my-local-model","owned_by":"<redacted>"})");
}

TEST(Redactor, LeavesNoBeginningOfAKeyAtACut) {
  for (size_t length = 4; length < kKey.size(); ++length) {
    std::string text = "at the end " + kKey.substr(0, length);
    Redactor({kKey}).redact(text, Redactor::Part::kPieces, Redactor::End::kCut);
    EXPECT_EQ(text, "at the end <redacted>") << length;
  }
  std::string text = R"(at the end sk-pl\u0034\u00)";
  Redactor({kKey}).redact(text, Redactor::Part::kPieces, Redactor::End::kCut);
  EXPECT_EQ(text, R"(at the end <redacted>\u00)");
}

TEST(Redactor, CutsAnExcerptAfterItIsRedacted) {
  for (const size_t limit : {20, 40, 120, 200, 300}) {
    for (size_t before = 0; before < 13'000; before += before < limit + 40 ? 1 : 97) {
      const std::string shown =
          Redactor({kKey}).excerpt(std::string(before, 'x') + kKey + kKey, limit);
      EXPECT_EQ(shown.find("sk-p"), std::string::npos) << shown;
      EXPECT_LE(shown.size(), limit + std::string_view("…").size()) << shown;
    }
  }
  EXPECT_EQ(Redactor({kKey}).excerpt("a\x1b", 20), "a\\u001b");
  EXPECT_EQ(Redactor({kKey}).excerpt(std::string(8, 'y'), 4), "yyyy…");
}

TEST(Redactor, ReadsALongTextInWindows) {
  const size_t window = size_t{256} << 10;
  for (const size_t before : {window - 100, window - 10, window, 2 * window - 3}) {
    std::string text = std::string(before, 'x') + "%" + kKey + std::string(1000, 'y');
    Redactor({kKey}).redact(text, Redactor::Part::kWhole);
    EXPECT_EQ(text, std::string(before, 'x') + "%<redacted>" + std::string(1000, 'y'));
  }
}

TEST(Redactor, LeavesWhatIsTooShort) {
  EXPECT_EQ(redacted("abcabc and abc", {"abc", "cabc", ""}), "ab<redacted> and abc");
}

}  // namespace
}  // namespace llmsweep
