// Several models of one endpoint (LoRA adapters, say), of which each request asks for one.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "llmsweep/model/spec.h"

namespace llmsweep {

// The model that the prompt of this number asks for: drawn by the seed, with the shares as chances,
// and the same for the same number wherever it is sent. `models` is not empty.
const std::string& drawn_model(const std::vector<ModelShare>& models, uint64_t seed,
                               uint64_t prompt);

// "a 3, b 1"; empty: there is one.
std::string mix_text(const std::vector<ModelShare>& models);

}  // namespace llmsweep
