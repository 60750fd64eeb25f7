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
