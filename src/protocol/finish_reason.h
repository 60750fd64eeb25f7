// What a finish reason means, in whatever words a server gives it.
#pragma once

#include <string_view>

namespace llmsweep {

enum class FinishKind {
  kNone,     // empty, "null": the choice goes on
  kStop,     // the model ended the answer: "stop", "eos", "end_turn", "tool_calls", …
  kLimit,    // the request's limit of output tokens was reached: "length", "max_tokens", …
  kFailure,  // the server could not go on: "error", "abort", "timeout", "network_error", …
  kOther,    // it is an end, for a reason that is not known here: "content_filter", …
};

FinishKind finish_kind(std::string_view reason);

}  // namespace llmsweep
