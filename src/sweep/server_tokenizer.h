// The server's own tokenizer behind the Tokenizer interface: POST /tokenize, as vLLM, SGLang and
// llama.cpp serve it beside /v1.
#pragma once

#include <memory>
#include <string>

#include "llmsweep/sweep/contact.h"
#include "llmsweep/tokenizer/tokenizer.h"

namespace llmsweep {

// `exchange` addresses the base URL, with credentials and time-outs; its body is not used. Throws
// MeasurementError where the endpoint has no such route.
std::shared_ptr<const Tokenizer> make_server_tokenizer(const std::shared_ptr<Contact>& contact,
                                                       HttpExchange exchange,
                                                       const std::string& model);

}  // namespace llmsweep
