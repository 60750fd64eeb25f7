// Words that a tokenizer encodes to one token each: what prompts are topped up and told apart with.
#pragma once

#include "dataset/nonce.h"
#include "llmsweep/tokenizer/tokenizer.h"

namespace llmsweep {

// Of 3 to 8 letters a-z, in the order of their ids; of a tokenizer that cannot be listed (the
// server's own), those of the common words. Throws Error where there are none.
NonceWords single_token_words(const Tokenizer& tokenizer);

}  // namespace llmsweep
