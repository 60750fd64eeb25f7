// What is known of a prompt whose text is not: its lengths, and which blocks of tokens it is made
// of. A row of a trace, ready to be made a prompt of.
#pragma once

#include <cstdint>
#include <vector>

namespace llmsweep {

struct PromptShape {
  int64_t input_tokens = 0;  // as workload.input_scope counts
  int64_t output_tokens = 0;
  // Numbers of its blocks of `block_tokens` tokens each, of which the last may be shorter: the same
  // number is the same text, in whatever prompt. Empty: it shares nothing.
  std::vector<uint64_t> blocks;
  int64_t block_tokens = 0;
};

}  // namespace llmsweep
