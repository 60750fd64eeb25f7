// A server may repeat the prompt in its answer: in an error, and where it has a mind to, elsewhere.
// No record may hold it. Private to load/.
#pragma once

#include "llmsweep/model/prompt.h"
#include "llmsweep/model/record.h"

namespace llmsweep {

// From every text that the server has filled.
void hide_sent_prompt(RequestRecord& record, const Prompt& prompt);

}  // namespace llmsweep
