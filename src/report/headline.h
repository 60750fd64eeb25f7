// What a reader wants first: what was found, in a line a target, and whether it can be believed.
// Private to report/.
#pragma once

#include <string>
#include <vector>

#include "llmsweep/model/result.h"
#include "report/client_words.h"

namespace llmsweep::report {

// "8 users on 4 GPUs within 15,000 ms p50 E2E; 16 do not fit", one a target; without a target the
// most output and the lowest latency of valid levels. Never quotes a level that is INVALID; where
// all are it says so. Empty: nothing was measured.
std::vector<std::string> headlines_of(const SweepResult& result);
// The same of the first target, for a card: "8 users on 4 GPUs" in large letters, below it "E2E p50
// ≤ 15,000 ms; 16 do not fit" and "2.00 users per GPU".
struct CardHeadline {
  std::string large;
  std::vector<std::string> below;
};
CardHeadline card_headline_of(const SweepResult& result);
bool nothing_is_valid(const SweepResult& result);  // and there is a level

// "valid 7 of 7 levels, client at most 0.2 ms late (p99), 1 warning"; of other people's figures,
// whose they are. Good: all is valid and nothing to note; bad: a level is not.
ClientSentence trust_of(const SweepResult& result);

// What the terms of both mean: "E2E: from a request's start to its last token", ….
std::vector<std::string> headline_terms(const SweepResult& result);

}  // namespace llmsweep::report
