// One record of a dataset: from its JSON to turns, or to the reason why it is of no use.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace llmsweep {

enum class SkipReason {
  kNotJson,  // includes lone surrogates and control characters
  kNotUtf8,
  kNotAnObject,
  kNoTurns,       // no turn that can be read
  kNotUserFirst,  // begins with the model's turn
  kEmptyPrompt,
  kBadMaxTokens,
  kTooLarge,
  kToolCallFirst,  // no question before a tool call
  kNotTextFirst,   // no question before a picture, a sound or another part that is no text
  kNotOneText,     // the prompt is a list of several texts, or of token ids
};
inline constexpr size_t kSkipReasons = 11;
// In the plural: "records that begin with the model's turn".
std::string_view describe(SkipReason reason);

// Why less of a conversation is sent than the record has. What is sent ends with the last question
// before that, but for ShareGPT's: these are a store of texts, and the other turns stay.
enum class Cut { kAnswer, kToolCall, kNotText, kEmptyMessage, kTurnsLeftOut, kTools };
inline constexpr size_t kCutKinds = 6;
// "conversations that end with the model's answer: the question before it is asked".
std::string_view describe(Cut cut);

inline constexpr size_t kMaxRecordBytes = size_t{64} << 20;

// Turns of a conversation, in order, trimmed and not empty. The first turn that is not the
// system's is the user's.
struct Record {
  std::vector<std::pair<std::string, std::string>> turns;  // "system"|"user"|"assistant"|…, text
  bool messages = false;   // came as a list of messages that may be sent as they are
  int64_t max_tokens = 0;  // 0: not stated
};

struct ParsedRecord {
  Record record;
  SkipReason skip{};
  std::array<bool, kCutKinds> cuts{};  // by Cut
  std::string keys;                    // of an object without a known one: "question, answer"
  bool ok = false;
};

// Reads a record with one of the known_keys(), or one that wraps it ("body" of OpenAI's batches).
// Reuses its memory; one thread an object.
class RecordParser {
 public:
  RecordParser();
  ~RecordParser();
  RecordParser(RecordParser&&) noexcept;
  RecordParser& operator=(RecordParser&&) noexcept;

  // `json` need not be followed by padding.
  ParsedRecord parse(std::string_view json);
  // As parse(json).ok and skip, without copying any text; at least kJsonPadding readable bytes
  // must follow `json`.
  static constexpr size_t kJsonPadding = 64;
  ParsedRecord check(std::string_view json);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace llmsweep
