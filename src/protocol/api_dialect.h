// An API on the wire: how its requests are written, and how the events of its answers are read. One
// file each (chat_api.cc, messages_api.cc, …), a row each in dialect_of(); nothing else in
// protocol/ knows which API it has to do with. What APIs share is in openai_body.h,
// openai_chunk.h, typed_events.h and input_texts.h.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "llmsweep/model/prompt.h"
#include "llmsweep/model/spec.h"
#include "llmsweep/protocol/api.h"
#include "llmsweep/protocol/sse.h"

// Its header is large, and does not go into one file with that of fmt.
namespace simdjson::dom {
class object;
}

namespace llmsweep {

struct Chunk;

struct RequestParts {
  const EndpointSpec& endpoint;
  const std::vector<RequestField>& fields;  // to be sent
  const Prompt& prompt;                     // with ids only where the API takes them
};

// As error texts name them.
struct ApiWords {
  std::string_view standard;     // whose API it is
  std::string_view answer_key;   // of an answer's JSON, streamed or not
  std::string_view end;          // of a stream
  std::string_view result = {};  // of an answer that is none: "vector"
};

// A key of a count of tokens, and what the count is.
struct CountKey {
  std::string_view key;
  std::optional<int64_t> Chunk::*count;
};

// The JSON keys whose values ChunkShape has to tell apart; every other text and whole number of a
// chunk with output means nothing.
struct ChunkKeys {
  std::span<const std::string_view> meaningful;  // a text or number: another one is another chunk
  std::string_view id;
  std::string_view model;
  std::span<const std::string_view> output;  // of texts that may be output
  std::span<const CountKey> counts;
};

struct ApiDialect {
  ApiTraits traits;
  ApiWords words;
  // All members but `model`, which is in `body` where it is sent, and endpoint.extra_body.
  void (*write_body)(const RequestParts& parts, nlohmann::ordered_json& body);
  // True where `event` is the stream's last one by a mark. `payload` is its data without white
  // space around; what is left of it is read as a chunk, so a mark that is none is taken off its
  // end. Not called for a payload in which only texts and numbers differ from one that was not the
  // last. Where the last event is a chunk like others, read_chunk says so: Chunk::end.
  bool (*take_end)(const SseEvent& event, std::string_view& payload);
  // Fills `chunk`, which is empty. Texts are views into the parser's memory. Of an API that does
  // not generate it is the whole answer.
  void (*read_chunk)(const simdjson::dom::object& object, Chunk& chunk);
  ChunkKeys keys;
};

extern const ApiDialect kChatApi;         // chat_api.cc
extern const ApiDialect kCompletionsApi;  // completions_api.cc
extern const ApiDialect kResponsesApi;    // responses_api.cc
extern const ApiDialect kMessagesApi;     // messages_api.cc
extern const ApiDialect kEmbeddingsApi;   // embeddings_api.cc
extern const ApiDialect kRerankApi;       // rerank_api.cc

// Valid for ever, and the same object every time.
inline const ApiDialect& dialect_of(Api api) {
  switch (api) {
    case Api::kChat:
      return kChatApi;
    case Api::kResponses:
      return kResponsesApi;
    case Api::kMessages:
      return kMessagesApi;
    case Api::kEmbeddings:
      return kEmbeddingsApi;
    case Api::kRerank:
      return kRerankApi;
    case Api::kCompletions:
      break;
  }
  return kCompletionsApi;
}

}  // namespace llmsweep
