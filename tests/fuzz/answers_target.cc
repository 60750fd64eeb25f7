#include "fuzz/targets.h"
#include "llmsweep/base/error.h"
#include "llmsweep/protocol/answers.h"
#include "llmsweep/protocol/request.h"

namespace llmsweep {
namespace {

// Foreign text may be refused with an Error, and with nothing else.
template <class Parse>
void allow_refusal(Parse parse) {
  try {
    parse();
  } catch (const Error&) {
  }
}

}  // namespace

void fuzz_answers(std::string_view input) {
  allow_refusal([&] { parse_plain_answer(input); });
  allow_refusal([&] { parse_models(input); });
  allow_refusal([&] { parse_token_ids(input); });
  error_message_of(input);
  refused_field(400, input);
  renamed_max_tokens_field(400, input, "max_tokens");
}

}  // namespace llmsweep
