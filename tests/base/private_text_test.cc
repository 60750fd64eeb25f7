#include "llmsweep/base/private_text.h"

#include <gtest/gtest.h>

namespace llmsweep {
namespace {

constexpr std::string_view kPrompt =
    "Dear Dr. Okonkwo,\n\nthe biopsy of patient 4471-B (\"Anna\") came back & it is benign.\n"
    "Please don't tell 日本語のテキスト anyone.";

std::string hidden(std::string text) {
  const std::string_view sent[] = {kPrompt};
  hide_sent_text(text, sent);
  return text;
}

TEST(PrivateText, HidesWhatWasSentHoweverItIsWritten) {
  EXPECT_EQ(hidden(std::string("cannot parse: ") + std::string(kPrompt)),
            "cannot parse: <prompt>.");
  for (const char* text :
       {"the biopsy of patient 4471-B", R"(Okonkwo,\n\nthe biopsy of patient)",
        R"(Okonkwo,\\n\\nthe biopsy of patient)", "the%20biopsy%20of%20patient%204471-B",
        "the+biopsy+of+patient", R"(patient 4471-B (\"Anna\") came back \u0026 it)",
        "patient 4471-B (&quot;Anna&quot;) came back &amp; it", "DEAR DR. OKONKWO THE BIOPSY",
        R"(["the", " biopsy", " of", " patient"])", R"(\u65e5\u672c\u8a9e\u306e\u30c6\u30ad)",
        "日本語のテキスト"}) {
    const std::string shown = hidden("cannot parse " + std::string(text) + " at all");
    EXPECT_NE(shown.find("<prompt>"), std::string::npos) << text;
    EXPECT_EQ(shown.find("biopsy"), std::string::npos) << shown;
    EXPECT_EQ(shown.find("\\u65e5"), std::string::npos) << shown;
    EXPECT_NE(shown.find("cannot parse"), std::string::npos) << shown;
  }
}

TEST(PrivateText, HidesAWordThatIsANumberOrAName) {
  const std::string_view sent[] = {"call mallory77 at once"};
  std::string text = "unknown user mallory77, unknown user mallory7.";
  hide_sent_text(text, sent);
  EXPECT_EQ(text, "unknown user <prompt>, unknown user <prompt>.");
  text = "unknown user at once";
  hide_sent_text(text, sent);
  EXPECT_EQ(text, "unknown user at once");
}

TEST(PrivateText, HidesAWordThatNoErrorIsMadeOf) {
  const std::string_view sent[] = {
      "The marker zebrafalcon, PRIVATE-MARK-7 of Dr. Zieglerova: maximum context length, "
      "tool_calls. "
      "患者は山田太郎です"};
  const auto hide = [&](std::string text) {
    hide_sent_text(text, sent);
    return text;
  };
  EXPECT_EQ(hide("no zebrafalcon here"), "no <prompt> here");
  EXPECT_EQ(hide("ZIEGLEROVA | zebrafalcon"), "<prompt> | <prompt>");
  EXPECT_EQ(hide("PRIVATE-MARK-7."), "<prompt>.");
  EXPECT_EQ(hide("Mark 7 is PRIVATE_MARK_7"), "Mark 7 is <prompt>");
  EXPECT_EQ(hide("chatcmpl-zebrafalcon"), "chatcmpl-<prompt>");
  EXPECT_EQ(hide("zebr\\u0061falcon"), "<prompt>");
  EXPECT_EQ(hide("名前は山田太郎。"), "名前<prompt>");
  for (const char* text : {"maximum length", "tool_calls", "zebrafly", "山田です", "The marker",
                           "chatcmpl-0f3a55c0b8d94c55a1fca53ce9dbaa31"}) {
    EXPECT_EQ(hide(text), text);
  }
}

TEST(PrivateText, HidesAPromptThatIsOneWord) {
  for (const char* prompt : {"badger", "MARKER-77", "KX-99-12", "秘密です"}) {
    const std::string_view sent[] = {prompt};
    std::string text = prompt;
    hide_sent_text(text, sent);
    EXPECT_EQ(text, "<prompt>");
  }
  const std::string_view sent[] = {"length"};
  std::string text = "length";
  hide_sent_text(text, sent);
  EXPECT_EQ(text, "length");
}

TEST(PrivateText, CutsNoCharacterInTwo) {
  const std::string_view sent[] = {
      "\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe3\x81\xae\xe3\x83\x86\xe3\x82"};
  std::string text = "a 日本語のテキスト b";
  hide_sent_text(text, sent);
  EXPECT_EQ(text, "a <prompt>スト b");
}

TEST(PrivateText, LeavesWhatTheServerSaysItself) {
  for (const char* text : {"", "no", "the model is overloaded, please try again",
                           "maximum context length is 4096 tokens", "tell anyone"}) {
    EXPECT_EQ(hidden(text), text);
  }
}

TEST(PrivateText, HidesAShortTextAsAWhole) {
  const std::string_view sent[] = {"", "Hi", "Quit it now!"};
  std::string text = R"(bad input: 'Quit it now!', Hi)";
  hide_sent_text(text, sent);
  EXPECT_EQ(text, "bad input: '<prompt>!', Hi");
}

TEST(PrivateText, KnowsATextThatHoldsEscapesItself) {
  const std::string_view sent[] = {R"(print("a\nb%20c&amp;d") or raise)"};
  for (const char* shown :
       {R"(print("a\nb%20c&amp;d") or raise)", R"(print(\"a\\nb%20c&amp;d\") or raise)"}) {
    std::string text = shown;
    hide_sent_text(text, sent);
    EXPECT_EQ(text, "<prompt>");
  }
}

TEST(DrawnId, IsOneInWhichNobodyCouldReadAWordOrANumber) {
  for (const char* drawn : {"chatcmpl-0f3a9c1d2b4e5f60718293a4b5c6d7e8", "cmpl-3f2a9b1c-77aa-4e0d",
                            "3b1f0c9a7d2e4856a1b2c3d4e5f60718", "msg_01XyZ9aB3cD4eF5g"}) {
    EXPECT_TRUE(is_drawn_id(drawn)) << drawn;
  }
  for (const char* other :
       {"MARKER-Geheimpatient-7731-Kreatinin-29", "chatcmpl-Mustermann-a1b2c3d4e5f6",
        "chatcmpl-1732819200123456", "4711081512345678", "stop", "", "chatcmpl-1",
        "日本語の秘密の文章です", "PRIVATE7731X9Q2ABCDE", "a b1 c2 d3 e4 f5 g6"}) {
    EXPECT_FALSE(is_drawn_id(other)) << other;
  }
}

}  // namespace
}  // namespace llmsweep
