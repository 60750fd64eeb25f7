#include "protocol/finish_reason.h"

#include <algorithm>
#include <array>
#include <string>

namespace llmsweep {
namespace {

constexpr size_t kLongestReason = 80;

constexpr std::array<std::string_view, 4> kNoReason = {"", "null", "none", "unspecified"};
// Not "completed": in a response's status it says only that the answer is whole (llama.cpp has it
// at the limit too).
constexpr std::array<std::string_view, 18> kStops = {
    "stop",     "eos",        "eos_token",  "eos_found",   "stop_sequence", "stop_string",
    "stop_str", "stop_token", "end_turn",   "end_of_text", "complete",      "finish",
    "finished", "done",       "tool_calls", "tool_use",    "function_call", "end_of_turn"};
constexpr std::array<std::string_view, 8> kLimits = {
    "length",      "max_tokens",     "max_length", "max_output_tokens",
    "token_limit", "max_new_tokens", "limit",      "max_completion_tokens"};
// Parts of words, for servers and gateways coin new ones: "upstream_timeout", "worker_lost".
constexpr std::array<std::string_view, 39> kFailures = {
    "error",      "abort",         "cancel",     "timeout",  "timed_out",   "time_out",
    "fail",       "insufficient",  "interrupt",  "overload", "unavailable", "disconnect",
    "preempt",    "exception",     "kill",       "crash",    "reset",       "evict",
    "exhaust",    "out_of_memory", "rate_limit", "quota",    "expire",      "shutdown",
    "internal",   "broken",        "drop",       "closed",   "deadline",    "malformed",
    "unexpected", "lost",          "stall",      "throttle", "panic",       "rejected",
    "capacity",   "dead",          "truncated"};

// "MAX_TOKENS", "maxTokens", "max-tokens" and "Max tokens" are one word.
std::string spelt_alike(std::string_view reason) {
  std::string word;
  bool after_small = false;
  for (const char c : reason.substr(0, kLongestReason)) {
    const bool capital = c >= 'A' && c <= 'Z';
    if (capital && after_small) word += '_';
    after_small = c >= 'a' && c <= 'z';
    if (c == '-' || c == ' ' || c == '.') {
      word += '_';
    } else {
      word += capital ? static_cast<char>(c - 'A' + 'a') : c;
    }
  }
  constexpr std::string_view kPrefix = "finish_reason_";
  return word.starts_with(kPrefix) ? word.substr(kPrefix.size()) : word;
}

template <class Words>
bool is_one_of(std::string_view word, const Words& words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace

FinishKind finish_kind(std::string_view reason) {
  if (reason == "stop") return FinishKind::kStop;  // nearly always one of these two
  if (reason == "length") return FinishKind::kLimit;
  const std::string word = spelt_alike(reason);
  if (is_one_of(word, kNoReason)) return FinishKind::kNone;
  if (is_one_of(word, kStops)) return FinishKind::kStop;
  if (is_one_of(word, kLimits)) return FinishKind::kLimit;
  const bool failed =
      word == "oom" || std::any_of(kFailures.begin(), kFailures.end(), [&](std::string_view part) {
        return word.find(part) != std::string::npos;
      });
  return failed ? FinishKind::kFailure : FinishKind::kOther;
}

}  // namespace llmsweep
