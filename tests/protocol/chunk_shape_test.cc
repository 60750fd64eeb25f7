#include "protocol/chunk_shape.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "llmsweep/base/random.h"
#include "protocol/recordings.h"

namespace llmsweep {
namespace {

using protocol_test::Recording;

constexpr std::string_view kChat =
    R"({"id":"chatcmpl-1","object":"chat.completion.chunk","created":1763780000,"model":"m",)"
    R"("choices":[{"index":0,"delta":{"content":" the"},"finish_reason":null}],)"
    R"("usage":{"prompt_tokens":2400,"completion_tokens":17,"total_tokens":2417}})";

const ChunkKeys& kKeys = dialect_of(Api::kChat).keys;

Chunk chat_chunk() {
  return {.id = "chatcmpl-1",
          .model = "m",
          .answer_text = " the",
          .has_choices = true,
          .answer = true,
          .prompt_tokens = 2400,
          .completion_tokens = 17,
          .total_tokens = 2417};
}

std::string with(std::string_view from, std::string_view to) {
  std::string text(kChat);
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

bool reads(ChunkShape& shape, std::string_view payload, Chunk& chunk) {
  const Chunk* const read = shape.read(payload);
  if (read != nullptr) chunk = *read;
  return read != nullptr;
}

class Learnt : public testing::Test {
 protected:
  Learnt() { shape_.learn(kChat, chat_chunk(), kKeys); }

  bool knows(const std::string& payload) {
    Chunk chunk;
    return reads(shape_, payload, chunk);
  }

  ChunkShape shape_;
};

TEST_F(Learnt, ReadsTextsAndNumbersThatDiffer) {
  std::string payload = with("chatcmpl-1", "chatcmpl-23");
  payload.replace(payload.find(" the"), 4, R"(\n\"caf\u00e9\" é)");
  payload.replace(payload.find("2400,"), 5, "9,");
  payload.replace(payload.find(":17,"), 4, ":1018,");
  Chunk chunk;
  ASSERT_TRUE(reads(shape_, payload, chunk));
  EXPECT_EQ(chunk.id, "chatcmpl-23");
  EXPECT_TRUE(chunk.has_choices && chunk.answer);
  EXPECT_FALSE(chunk.other_output || chunk.role || chunk.error);
  EXPECT_EQ(chunk.model, "m");
  EXPECT_EQ(chunk.answer_text, R"(\n\"caf\u00e9\" é)");
  EXPECT_TRUE(chunk.escaped);
  EXPECT_EQ(chunk.prompt_tokens, 9);
  EXPECT_EQ(chunk.completion_tokens, 1018);
  EXPECT_FALSE(chunk.cached_tokens);
  EXPECT_TRUE(chunk.finish_reason.empty());
}

TEST_F(Learnt, GivesTheIdOfAChunkThatIsTheSame) {
  const std::string payload(kChat);
  Chunk chunk;
  ASSERT_TRUE(reads(shape_, payload, chunk));
  EXPECT_EQ(chunk.id, "chatcmpl-1");
  EXPECT_EQ(chunk.completion_tokens, 17);
}

TEST_F(Learnt, LeavesToTheParserWhateverCouldMeanSomethingElse) {
  for (const auto& [from, to] : std::vector<std::pair<std::string_view, std::string_view>>{
           {" the", ""},     // no output
           {" the", "\\x"},  // no escape
           {" the", "\\u12g4"},
           {" the", "a\nb"},      // a control character
           {" the\"", " the"},    // no end
           {"null", "\"stop\""},  // the last chunk
           {"chat.completion.chunk", "error"},
           {":17,", ":-17,"},
           {":17,", ":17.5,"},
           {":17,", ":017,"},
           {":17,", ":1e3,"},
           {":17,", ":1234567890123,"},  // over 12 digits
           {":17,", ":\"17\","},
           {":17,", ":,"},
           {":17,", ":null,"},
           {"chatcmpl-1", "chatcmpl\\u002d1"},  // is unescaped before it is kept
           {"\"m\"", "\"n\""},                  // another model
           {"content", "reasoning"},
           {"}}", "}} "},
           {"}}", "}"},
           {"{\"id\"", " {\"id\""}}) {
    EXPECT_FALSE(knows(with(from, to))) << from << " -> " << to;
  }
  EXPECT_FALSE(knows(""));
  EXPECT_TRUE(knows(std::string(kChat)));
}

TEST(ChunkShape, LearnsNothingWhereAValueCouldBeAnothers) {
  for (const std::string& payload : {
           with("\"total_tokens\":2417", "\"completion_tokens\":17"),  // which of the two?
           with("\"index\":0", "\"id\":\"chatcmpl-1\""),
           with(":17,", ":17.0,"),
           with("completion_tokens", "completion\\u005ftokens"),
           with("\"model\"", "\"mode\\u006c\""),
       }) {
    ChunkShape shape;
    shape.learn(payload, chat_chunk(), kKeys);
    Chunk chunk;
    EXPECT_FALSE(reads(shape, payload, chunk)) << payload;
  }
}

// A gateway that escapes slashes: its model's name does not stand in the text as it reads.
TEST(ChunkShape, LearnsNothingOfAModelWithEscapes) {
  const std::string payload = with("\"m\"", "\"org\\/m\"");
  Chunk learned = chat_chunk();
  learned.model = "org/m";
  ChunkShape shape;
  shape.learn(payload, learned, kKeys);
  Chunk chunk;
  EXPECT_FALSE(reads(shape, payload, chunk));
}

TEST(ChunkShape, TellsTheValuesApartByTheKeysOfTheirApi) {
  constexpr std::array<std::string_view, 1> kMeaningful = {"type"};
  constexpr std::array<std::string_view, 1> kOutput = {"text"};
  constexpr std::array kCounts = {CountKey{"out", &Chunk::completion_tokens}};
  const ChunkKeys keys = {
      .meaningful = kMeaningful, .id = "i", .model = {}, .output = kOutput, .counts = kCounts};
  ChunkShape shape;
  shape.learn(R"({"type":"delta","i":"a","id":"x","out":3,"text":"t"})",
              {.id = "a", .answer_text = "t", .answer = true, .completion_tokens = 3}, keys);
  Chunk chunk;
  ASSERT_TRUE(reads(shape, R"({"type":"delta","i":"bc","id":"y","out":14,"text":"u"})", chunk));
  EXPECT_EQ(chunk.id, "bc");
  EXPECT_EQ(chunk.completion_tokens, 14);
  EXPECT_FALSE(reads(shape, R"({"type":"other","i":"bc","id":"y","out":14,"text":"u"})", chunk));
}

TEST(ChunkShape, LearnsOnlyTheChunksThatRepeat) {
  for (const auto& change : std::vector<void (*)(Chunk&)>{
           [](Chunk& chunk) { chunk.answer = false; },
           [](Chunk& chunk) { chunk.finish_reason = "stop"; },
           [](Chunk& chunk) { chunk.error = true; },
           [](Chunk& chunk) { chunk.server_decode_us = 5; },
       }) {
    Chunk chunk = chat_chunk();
    change(chunk);
    ChunkShape shape;
    shape.learn(kChat, chunk, kKeys);
    EXPECT_FALSE(reads(shape, kChat, chunk));
  }
}

TEST(ChunkShape, GivesUpWhereNoChunkResemblesTheOneBefore) {
  ChunkShape shape;
  Chunk chunk;
  for (int i = 0; i < 200; ++i) {
    const std::string payload = with("null", "null,\"k" + std::to_string(i) + "\":true");
    EXPECT_FALSE(reads(shape, payload, chunk));
    shape.learn(payload, chat_chunk(), kKeys);
  }
  EXPECT_FALSE(reads(shape, with("null", "null,\"k199\":true"), chunk));
}

// What one event is read as, alone and after another one whose shape it may have.
std::string read_event(std::string_view payload, ChunkParser& parser) {
  const Recording recording{.body = "data: " + std::string(payload) + "\n\ndata: [DONE]\n\n"};
  return protocol_test::shown(
      protocol_test::read(Api::kChat, recording, protocol_test::whole(recording.body), parser));
}

void expect_same_after(std::string_view learnt, std::string_view payload) {
  ChunkParser fresh;
  ChunkParser taught;
  read_event(learnt, taught);
  ASSERT_EQ(read_event(payload, taught), read_event(payload, fresh)) << "after " << learnt << "\n"
                                                                     << payload;
}

std::vector<std::string> payloads_of(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::vector<std::string> payloads;
  for (std::string line; std::getline(in, line) && payloads.size() < 40;) {
    if (line.starts_with("data: {")) payloads.push_back(line.substr(6));
  }
  return payloads;
}

std::vector<std::vector<std::string>> recorded_payloads() {
  std::vector<std::vector<std::string>> recordings;
  const std::filesystem::path root = std::filesystem::path(LLMSWEEP_SOURCE_DIR) / "tests/protocol";
  for (const char* folder : {"captures", "fixtures"}) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root / folder)) {
      if (entry.is_regular_file()) recordings.push_back(payloads_of(entry.path()));
    }
  }
  return recordings;
}

TEST(ChunkShape, ChangesNothingInAnyRecording) {
  size_t pairs = 0;
  for (const std::vector<std::string>& payloads : recorded_payloads()) {
    for (const std::string& learnt : payloads) {
      for (const std::string& payload : payloads) {
        expect_same_after(learnt, payload);
        ++pairs;
      }
      if (HasFatalFailure()) return;
    }
  }
  EXPECT_GT(pairs, 500u);
}

// Bytes replaced, put in and left out at random.
std::string damaged(std::string text, Random& random) {
  constexpr std::string_view kBytes = "\"\\{}[]:,0123456789.-eu n\n\x01\x7f\xc3\xa9\xff\xf0\xed";
  for (uint64_t changes = 1 + random.below(3); changes > 0 && !text.empty(); --changes) {
    const size_t at = random.below(text.size());
    const char byte = kBytes[random.below(kBytes.size())];
    switch (random.below(3)) {
      case 0:
        text[at] = byte;
        break;
      case 1:
        text.insert(at, 1, byte);
        break;
      default:
        text.erase(at, 1 + random.below(4));
    }
  }
  return text;
}

TEST(ChunkShape, ChangesNothingInADamagedChunk) {
  Random random(7);
  std::vector<std::string> learnt = {std::string(kChat)};
  for (const std::vector<std::string>& payloads : recorded_payloads()) {
    if (payloads.size() > 1) learnt.push_back(payloads[1]);
  }
  for (int i = 0; i < 6'000 && !HasFatalFailure(); ++i) {
    const std::string& original = learnt[static_cast<size_t>(i) % learnt.size()];
    expect_same_after(original, damaged(original, random));
  }
}

}  // namespace
}  // namespace llmsweep
