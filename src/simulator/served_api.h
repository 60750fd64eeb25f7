// An API as the endpoint serves it: where, how its requests are read, and how its answers are
// written. One file each (served_chat.cc, served_messages.cc, …), a row each in kServedApis;
// nothing else in simulator/ knows which API it has to do with. What some share is in
// request_fields.h, choices_writer.h, typed_event_writer.h and results_writer.h.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "simulator/api_request.h"
#include "simulator/wire.h"

// Its header is large, and does not go into one file with that of fmt.
namespace simdjson::dom {
class object;
}

namespace llmsweep::sim {

struct Api {
  std::string_view name;  // in the truth log
  std::string_view path;
  std::string_view id_prefix;             // of its response ids
  bool generates = true;                  // false: a prefill is all that the engine does
  bool reasons = false;                   // an answer begins with the profile's reasoning tokens
  std::optional<int64_t> default_tokens;  // of a request without a limit; absent: all that fit
  std::optional<Dialect> always_counts;   // the one that sends usage whether requested or not
  bool counts_in_chunks = true;           // where the client asks for it, or the wire has it so

  // Fills in what `root` asks for; throws ApiFailure.
  void (*read)(const simdjson::dom::object& root, const SimulatorProfile& profile,
               ApiRequest& request);
  std::unique_ptr<EventWriter> (*make_writer)(const WireProfile& wire, Dialect dialect,
                                              Answer answer);
};

extern const Api kServedChat;         // served_chat.cc
extern const Api kServedCompletions;  // served_completions.cc
extern const Api kServedResponses;    // served_responses.cc
extern const Api kServedMessages;     // served_messages.cc
extern const Api kServedEmbeddings;   // served_embeddings.cc
extern const Api kServedRerank;       // served_rerank.cc

inline constexpr std::array<const Api*, 6> kServedApis = {&kServedChat,       &kServedCompletions,
                                                          &kServedResponses,  &kServedMessages,
                                                          &kServedEmbeddings, &kServedRerank};

// Null where no API is served there.
const Api* served_at(std::string_view path);

}  // namespace llmsweep::sim
