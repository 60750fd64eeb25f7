// Prompts of a stated length from a dataset: prompt `i` is a function of (workload, nonce, i), so
// neither the number of threads nor the order of building changes a byte.
//
// With a tokenizer every prompt has exactly the asked number of tokens, or an Error says why not.
// Without one it has about that many, and planned_input_tokens is 0 (unknown). Unless the workload
// says reuse: allow, every prompt begins with words that no other prompt of the run begins with;
// with a shared prefix, these words follow the prefix.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "llmsweep/base/interrupt.h"
#include "llmsweep/model/load_point.h"
#include "llmsweep/model/prompt.h"
#include "llmsweep/model/prompt_shape.h"
#include "llmsweep/model/record.h"
#include "llmsweep/model/session_plan.h"
#include "llmsweep/model/spec.h"
#include "llmsweep/tokenizer/tokenizer.h"

namespace llmsweep {

// How many prompts one part of a sweep needs. Prompts are numbered through the needs, in order.
struct PromptNeed {
  RunId run;
  Phase phase = Phase::kMeasured;
  int64_t count = 0;
};

struct PromptPlan {
  WorkloadSpec workload;
  // What decides, with the seed, the words that each prompt begins with; empty: the seed alone.
  // Lengths and the rest of the texts are the same whatever it is.
  std::string nonce;
  Api api = Api::kChat;
  std::vector<ModelShare> models;  // of which each prompt asks for one; empty: there is one
  std::vector<PromptNeed> needs;
  // Tokens that the chat template (or BOS) adds to content, as calibrated. input_scope: total
  // leaves them out of the content; planned_input_tokens has them in either scope. Not used for
  // prompt_as: ids, to which servers add nothing.
  int64_t overhead_tokens = 0;
  double bytes_per_token = 4.0;            // used without a tokenizer
  int threads = 0;                         // 0: one a core
  const Interrupts* interrupts = nullptr;  // above 0: making prompts throws InterruptedError
};

// What was read from the dataset, for the result's provenance.
struct DatasetSummary {
  std::string name;     // "sample", "random" or the path
  std::string format;   // "sharegpt", "jsonl", "random"
  int64_t records = 0;  // usable
  int64_t skipped = 0;
  std::vector<std::string> notes;         // "3 conversations with tool calls: …": read in part
  std::vector<std::string> skip_reasons;  // "3 records without a turn of the user (first: 17)"
};

// Numbers from here on are for prompts beyond every plan: their first words are counted from the
// other end, so that they meet those of planned prompts only where there are hardly enough.
inline constexpr int64_t kSparePrompts = int64_t{1} << 33;

class PromptSource {
 public:
  // Reads the dataset once (offsets are kept, not texts). Null tokenizer: estimate. Throws Error
  // for what cannot work: a missing or empty dataset, a prefix longer than the shortest prompt,
  // prompt_as: ids without a tokenizer or with an API that takes none, more prompts than can be
  // distinct.
  PromptSource(PromptPlan plan, std::shared_ptr<const Tokenizer> tokenizer);
  ~PromptSource();
  PromptSource(PromptSource&&) noexcept;
  PromptSource& operator=(PromptSource&&) noexcept;

  int64_t needed() const;  // the sum of the plan's needs
  // Prompts [first, first + count); may lie beyond needed(), for levels added later. Any thread,
  // one call at a time. Throws Error where the dataset cannot give a prompt of the asked length.
  // `threads` 0: as the plan says.
  PromptSet build(int64_t first, int64_t count, int threads = 0) const;
  // prompts[i] as build(first, wanted.size()) has it where wanted[i]; the others are empty.
  std::vector<Prompt> build_some(int64_t first, const std::vector<bool>& wanted,
                                 int threads = 0) const;
  // Of a workload with sessions: sessions[i] has the prompt of each turn of plans[i]. Its first
  // question is prompt number first + i (of another length, where the plan says so); the messages
  // of each prompt, with a reply of the workload's own behind them, begin the next one. Else as
  // build().
  std::vector<std::vector<Prompt>> build_sessions(int64_t first, std::span<const SessionPlan> plans,
                                                  int threads = 0) const;
  // shapes[i] as prompt number first + i. Without blocks it is a prompt like any other, of its
  // length; one that is too short to be told from others may be sent twice. With blocks it is their
  // texts one after the other. A shape that is shorter than what the template adds becomes the
  // shortest that there is.
  PromptSet build_shapes(int64_t first, std::span<const PromptShape> shapes, int threads = 0) const;
  // As of fingerprint(), of these as prompts 0, 1, ….
  std::string fingerprint(std::span<const PromptShape> shapes) const;
  // PromptSet::sha256 of the first `count` prompts as they are without the nonce: the same for all
  // runs of one workload.
  std::string fingerprint(int64_t count) const;
  // Those of plan.needs[need].
  PromptSet build_need(size_t need) const;

  const DatasetSummary& dataset() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// All that the plan needs, in order. Where that is too much for memory: PromptSource, in parts.
PromptSet build_prompts(const PromptPlan& plan, std::shared_ptr<const Tokenizer> tokenizer = {});

// SHA-256 of what a prompt sends: text, messages or ids, unambiguously joined.
std::string prompt_sha256(const Prompt& prompt);
// As in PromptSet: SHA-256 over the prompts' SHA-256s (as text), in order.
std::string prompt_set_sha256(const std::vector<Prompt>& prompts);

}  // namespace llmsweep
