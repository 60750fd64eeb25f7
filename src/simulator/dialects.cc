// The dialects' habits and everything's names.
#include "llmsweep/simulator/profile.h"

namespace llmsweep {

WireProfile wire_defaults(Dialect dialect) {
  WireProfile wire;
  switch (dialect) {
    case Dialect::kVllm:
      wire.reasoning_field = "reasoning";
      break;
    case Dialect::kSglang:
      wire.finish = WireProfile::Finish::kOwnChunk;
      wire.extra_nulls = true;
      break;
    case Dialect::kTrtllm:
      wire.headers = WireProfile::Headers::kFirstToken;
      wire.space_after_first = true;
      break;
    case Dialect::kLlamacpp:
      wire.headers = WireProfile::Headers::kPrefill;
      wire.role_chunk = WireProfile::RoleChunk::kNull;
      wire.finish = WireProfile::Finish::kOwnChunk;
      wire.close_after = true;
      wire.text = WireProfile::Text::kHeldBack;
      break;
    case Dialect::kTgi:
      wire.role_chunk = WireProfile::RoleChunk::kNone;
      wire.data_space = false;
      wire.error_style = WireProfile::ErrorStyle::kString;
      break;
    case Dialect::kOpenai:
      wire.finish = WireProfile::Finish::kOwnChunk;
      wire.tokenize = false;
      wire.rejected_fields = {"ignore_eos", "min_tokens", "stream_options.continuous_usage_stats"};
      break;
  }
  return wire;
}

const char* name_of(Dialect dialect) {
  switch (dialect) {
    case Dialect::kVllm:
      return "vllm";
    case Dialect::kSglang:
      return "sglang";
    case Dialect::kTrtllm:
      return "trtllm";
    case Dialect::kLlamacpp:
      return "llamacpp";
    case Dialect::kTgi:
      return "tgi";
    case Dialect::kOpenai:
      return "openai";
  }
  return "";
}

const char* name_of(FaultKind kind) {
  switch (kind) {
    case FaultKind::kRefuse:
      return "refuse";
    case FaultKind::kReset:
      return "reset";
    case FaultKind::kStall:
      return "stall";
    case FaultKind::kTruncate:
      return "truncate";
    case FaultKind::kMalformedJson:
      return "malformed_json";
    case FaultKind::kErrorEvent:
      return "error_event";
    case FaultKind::kMissingDone:
      return "missing_done";
    case FaultKind::kDoneOnly:
      return "done_only";
    case FaultKind::kMissingUsage:
      return "missing_usage";
    case FaultKind::kWrongUsage:
      return "wrong_usage";
    case FaultKind::kOddUsage:
      return "odd_usage";
    case FaultKind::kEarlyEnd:
      return "early_end";
    case FaultKind::kStatus:
      return "status";
    case FaultKind::kSlowHeaders:
      return "slow_headers";
    case FaultKind::kByteWrites:
      return "byte_writes";
    case FaultKind::kFinishError:
      return "finish_error";
    case FaultKind::kSilentEnd:
      return "silent_end";
    case FaultKind::kSilentError:
      return "silent_error";
    case FaultKind::kMissingResult:
      return "missing_result";
    case FaultKind::kEmptyResult:
      return "empty_result";
  }
  return "";
}

}  // namespace llmsweep
