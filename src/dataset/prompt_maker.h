// Makes prompt number i. What is shared by the threads is in PromptKit; a PromptMaker is one
// thread's.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dataset/block_text.h"
#include "dataset/dataset.h"
#include "dataset/excerpt.h"
#include "dataset/nonce.h"
#include "llmsweep/base/random.h"
#include "llmsweep/dataset/prompts.h"
#include "llmsweep/model/prompt.h"
#include "llmsweep/model/prompt_shape.h"
#include "llmsweep/model/session_plan.h"
#include "llmsweep/tokenizer/tokenizer.h"

namespace llmsweep {

// What prompts begin with, for one nonce. Immutable once made.
struct Heads {
  uint64_t seed = 0;                  // of the workload and the nonce
  Nonces nonces;                      // of single-token words; empty without a tokenizer
  std::vector<std::string> prefixes;  // one a group; empty: none
  std::string system;                 // of sessions: the first message of all; empty: none
};

// Immutable once made.
struct PromptKit {
  PromptPlan plan;
  std::shared_ptr<const Tokenizer> tokenizer;  // null: estimate
  Dataset dataset;
  NonceWords words;
  NonceWords block_words;        // of blocks: the same, and without a tokenizer common words
  std::vector<ImageUrl> images;  // empty: prompts carry none

  bool distinct() const { return plan.workload.reuse == Reuse::kForbid; }
};

class PromptMaker {
 public:
  PromptMaker(const PromptKit& kit, const Heads& heads);

  Prompt make(uint64_t index);
  Prompt make_shape(uint64_t index, const PromptShape& shape);
  // The prompt of each turn: the messages of one are the beginning of those of the next.
  std::vector<Prompt> make_session(uint64_t index, const SessionPlan& plan);
  // Exactly (without a tokenizer: about) `tokens` tokens that all prompts of `group` begin with.
  std::string make_prefix(uint64_t group, int64_t tokens);

 private:
  // What a prompt's text is made of, and how long it must be.
  struct Request {
    std::string head;     // goes first, as it is
    int64_t tokens = 0;   // of the whole text
    uint64_t prompt = 0;  // chooses the records
    uint64_t seed = 0;
  };

  Prompt make_own_length(uint64_t index, Random& random);
  // Of a prompt that has `asked` tokens, as workload.input_scope counts, the content's.
  int64_t content_tokens(int64_t asked) const;
  std::string make_text(uint64_t index, int64_t content_tokens, bool may_repeat = false);
  std::string make_blocks(const PromptShape& shape, int64_t content_tokens) const;
  void complete(uint64_t index, Prompt& prompt) const;  // with all that is no text of its own
  // Message `part` of a session, which is not its first question.
  std::string make_part(uint64_t index, uint64_t part, int64_t tokens);
  void add_images(uint64_t index, Prompt& prompt) const;
  // `may_repeat`: where there are too few, one that another has.
  std::string head_of(uint64_t index, int64_t tokens, bool may_repeat = false) const;
  std::string fit(const Request& request);
  std::string fit_estimate(const Request& request);
  std::string fit_exact(const Request& request);
  bool refuse(const std::string& text) const;
  [[noreturn]] void fail_short(const Request& request, int64_t available) const;

  const PromptKit& kit_;
  const Heads& heads_;
  Dataset::Reader reader_;
  std::unique_ptr<Encoder> encoder_;
};

}  // namespace llmsweep
