// The probes that are sent before a run, and what their answers say: how many tokens the chat
// template adds, or that client and server do not count alike. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "llmsweep/tokenizer/tokenizer.h"

namespace llmsweep {

struct Probe {
  std::string text;            // words, digits, code, newlines and CJK: what breaks tokenizers
  int64_t content_tokens = 0;  // by the local tokenizer; 0 without one
};

// Two probes of different text; their token counts differ by more than a factor 1.5 and in parity.
std::vector<Probe> calibration_probes(const Tokenizer* tokenizer);

// usage[i] is the server's usage.prompt_tokens for probes[i]. Returns usage − content, the same for
// all probes. Throws MeasurementError with both counts and the likely cause where it is not, or is
// negative. `by_the_server`: its own /tokenize counted the content.
int64_t template_overhead(const std::vector<Probe>& probes, const std::vector<int64_t>& usage,
                          bool by_the_server = false);

// Without a local tokenizer: what two usages say of bytes per token, template excluded (the slope).
// Falls back to 4 where they say nothing sensible.
double bytes_per_token(const std::vector<Probe>& probes, const std::vector<int64_t>& usage);

}  // namespace llmsweep
