// What a simulated endpoint is like: its engine's timing, its wire dialect, its faults.
//
// Read from YAML by read_profile(). Keys in files are these names; a number that carries a unit has
// it at the end of its key. Only `engine.step` has no useful default.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "llmsweep/base/clock.h"
#include "llmsweep/simulator/engine_drift.h"
#include "llmsweep/simulator/engine_freeze.h"

namespace llmsweep {

class ConfigNode;

// Cost coefficients are fractions of a nanosecond at times: not rounded until they are summed.
using Cost = std::chrono::duration<double, std::nano>;

// t_step = base + per_prefill_token·P + per_sequence·D + per_kv_token·K, where P is the prompt
// tokens computed in the step, D the sequences that decode in it, and K the tokens (prompt and
// output) that those sequences hold when it starts.
struct StepCost {
  Cost base{};               // base_ms
  Cost per_prefill_token{};  // per_prefill_token_us
  Cost per_sequence{};       // per_sequence_us
  Cost per_kv_token{};       // per_kv_token_ns
};

// Prefill on machines of its own: each worker computes one prompt at a time, the KV cache then
// crosses a link that all share, one transfer at a time; the first token leaves when it has
// crossed.
struct PrefillPool {
  int workers = 1;
  Cost base{};                    // base_ms
  Cost per_prefill_token{};       // per_prefill_token_us
  double kv_bytes_per_token = 0;  // kv_bytes_per_token
  double link_gbps = 400;         // link_gbps: 10^9 bits a second
  Cost link_latency{};            // link_latency_us
};

struct EngineProfile {
  StepCost step;
  int max_batch_size = 64;            // sequences in one step
  int64_t max_batched_tokens = 8192;  // prompt tokens + decoding sequences in one step
  int64_t max_model_len = 131072;     // prompt + output tokens of one request
  bool chunked_prefill = true;        // false: a step either computes whole prompts or decodes
  int64_t kv_capacity_tokens = 0;     // 0: without limit
  int64_t kv_block_tokens = 32;
  bool prefix_cache = false;
  // tokens_per_step[i] is the probability that a decoding sequence gains i + 1 tokens in a step:
  // what multi-token prediction accepts. Sums to 1.
  std::vector<double> tokens_per_step = {1.0};
  Cost request_overhead{};  // request_overhead_us: before the queue (parsing, tokenizing)
  double step_noise = 0;    // standard deviation of a step's time ÷ its mean
  // The same of all steps of a busy time, drawn anew after kIdle without any: noise between runs.
  double run_noise = 0;
  static constexpr Duration kIdle = std::chrono::milliseconds(20);
  EngineDrift drift;
  EngineFreeze freeze;
  std::optional<PrefillPool> prefill_pool;
};

// How the endpoint counts text. Simple on purpose, so that anyone can reproduce it:
//   kWords: maximal runs of bytes other than space, \t, \n, \v, \f, \r
//   kBytes: ⌈bytes ÷ 4⌉ of each text
// A chat prompt has request_overhead + Σ over messages (message_overhead + tokens of its content).
// A completions prompt has the tokens of its text, or as many as it lists ids.
enum class TokenRule { kWords, kBytes };
struct TokenProfile {
  TokenRule rule = TokenRule::kWords;
  int64_t request_overhead = 3;
  int64_t message_overhead = 4;
  int64_t image_tokens = 256;  // of each image, whatever its size
  // Where the answer would end by itself: tokens, normally distributed, at least 1. Not used where
  // the request says ignore_eos.
  double natural_mean = 400;
  double natural_stddev = 150;
};

enum class Dialect { kVllm, kSglang, kTrtllm, kLlamacpp, kTgi, kOpenai };

// Every field has the dialect's value unless the profile says otherwise: see wire_defaults().
struct WireProfile {
  enum class Headers { kEarly, kPrefill, kFirstToken };
  enum class RoleChunk { kNone, kEmpty, kNull };  // content "" or null; sent with the first token
  enum class Finish { kWithLastToken, kOwnChunk };
  // How a finish reason is said: OpenAI's way, as {"type": …}, as finishReason, beside the choices.
  enum class FinishForm { kOpenai, kObject, kCamel, kBeside };
  // What is wrong with a chunk's choice: nothing; it stands alone instead of in a list; its delta
  // is named `message`; its delta is the text alone.
  enum class ChoiceForm { kList, kObject, kMessage, kText };
  enum class Usage { kOwnChunk, kFinishChunk, kEveryChunk };
  enum class Text { kAscii, kHeldBack, kSplit };  // what happens to characters of several bytes
  enum class ErrorStyle { kObject, kString, kField };
  // Of the reasoning tokens: `reasoning_field`; a list of typed parts, in `reasoning_details` or in
  // `content`; or nothing, so that only usage counts them.
  enum class Thoughts { kField, kDetails, kParts, kHidden };
  // What usage looks like: OpenAI's; with input_tokens and output_tokens; inside `x_groq`; OpenAI's
  // with texts for numbers; without the reasoning tokens in completion_tokens.
  enum class UsageForm { kOpenai, kInputOutput, kXGroq, kTexts, kBesideReasoning };

  Headers headers = Headers::kEarly;
  RoleChunk role_chunk = RoleChunk::kEmpty;
  Finish finish = Finish::kWithLastToken;
  FinishForm finish_form = FinishForm::kOpenai;
  ChoiceForm choice_form = ChoiceForm::kList;
  Usage usage = Usage::kOwnChunk;
  bool usage_always = false;     // without being asked
  int64_t reasoning_tokens = 0;  // the first of the answer come as reasoning
  std::string reasoning_field = "reasoning_content";
  Thoughts thoughts = Thoughts::kField;
  UsageForm usage_form = UsageForm::kOpenai;
  bool usage_alone = false;     // of every chunk: its own tokens, and no total at the end
  bool finish_early = false;    // every token chunk has a finish reason, "stop"
  bool one_line_end = false;    // between events, in place of a blank line
  bool not_json = false;        // chunks hold NaN
  bool buffered = false;        // a proxy hands everything over at the end
  Duration tail{};              // from [DONE] to the end of the response
  std::string answer_model;     // that chunks name; empty: the requested one
  int64_t silent_tokens = 0;    // the first of the answer are counted, but have no text
  Duration comment_interval{};  // comments until the first token; 0: none
  std::string comment;          // text after the colon
  bool crlf = false;
  bool data_space = true;          // "data: " or "data:"
  bool space_after_first = false;  // a space before the blank line of the first event
  bool extra_nulls = false;        // "usage":null and the like where a value is absent
  std::string event_name;          // an `event:` line before each `data:`
  bool done = true;                // [DONE] is sent
  bool done_blank_line = true;     // … followed by a blank line
  bool data_null = false;          // an event `data: null` before the first token
  bool close_after = false;        // the connection is closed after every streamed response
  int64_t tokens_per_chunk = 1;    // a chunk waits for so many tokens
  Text text = Text::kAscii;
  ErrorStyle error_style = ErrorStyle::kObject;
  int64_t vector_size = 256;                 // of embeddings, unless a request says `dimensions`
  bool tokenize = true;                      // there is a page /tokenize
  Duration metrics_block{};                  // for which a page of metrics stands the endpoint
  std::vector<std::string> rejected_fields;  // of the request: HTTP 400 naming the field
};
WireProfile wire_defaults(Dialect dialect);

enum class FaultKind {
  kRefuse,         // nothing listens for `duration` from this request on; it is reset
  kReset,          // TCP reset after `after_chunks` token-bearing chunks
  kStall,          // silence for `duration` after `after_chunks`
  kTruncate,       // the connection is closed after `after_chunks`, inside the chunked body
  kMalformedJson,  // the chunk after `after_chunks` is cut in the middle
  kErrorEvent,     // an error under HTTP 200 after `after_chunks`, in the dialect's style
  kMissingDone,    // no [DONE] and no finish_reason; the body ends as HTTP says it should
  kDoneOnly,       // [DONE] after `after_chunks`, without a finish reason or usage
  kMissingUsage,   // usage was asked for and does not come
  kWrongUsage,     // usage.completion_tokens is one too many
  kOddUsage,       // usage.prompt_tokens is one too many where it is odd
  kEarlyEnd,       // a clean end after `after_chunks`
  kStatus,         // HTTP `status`, with Retry-After where `retry_after` is given
  kSlowHeaders,    // the header block comes byte by byte over `duration`
  kByteWrites,     // one byte a write
  kFinishError,    // finish reason "network_error" after `after_chunks`, then [DONE]
  kSilentEnd,      // all but [DONE] and the end: the connection stays open for `duration`
  kSilentError,    // `event: error` without data after `after_chunks`, then [DONE]
  kMissingResult,  // of embeddings and rerank: the last vector or score is not in the answer
  kEmptyResult,    // likewise: the last has no numbers
};

struct Fault {
  FaultKind kind = FaultKind::kReset;
  double probability = 0;         // of a request, drawn by its seed
  std::vector<int64_t> requests;  // or: these, counted from 1 in order of arrival
  int64_t after_chunks = 0;
  Duration duration{};
  int status = 500;
  std::optional<int> retry_after_s;
};

struct SimulatorProfile {
  std::string name = "simulator";
  std::string model = "simulated";
  std::vector<std::string> adapters;  // served beside it, and alike
  uint64_t seed = 1;
  Dialect dialect = Dialect::kVllm;
  EngineProfile engine;
  TokenProfile tokens;
  WireProfile wire = wire_defaults(Dialect::kVllm);
  std::vector<Fault> faults;  // the first that applies to a request is injected
};

// Throw Error with file:line:key for anything unknown, ill-typed or out of range.
SimulatorProfile read_profile(const std::filesystem::path& path);
SimulatorProfile parse_profile(const ConfigNode& root);

// YAML that read_profile() reads back to an equal profile; `comment` lines come first.
std::string profile_yaml(const SimulatorProfile& profile,
                         const std::vector<std::string>& comment = {});

const char* name_of(Dialect dialect);
const char* name_of(FaultKind kind);

}  // namespace llmsweep
