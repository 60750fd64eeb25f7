// Whether each request of a run asked for the model that its schedule says.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "llmsweep/model/record.h"
#include "llmsweep/results/journal.h"

namespace llmsweep {

struct ModelShares {
  std::vector<std::pair<std::string, int64_t>> requests;  // measured ones; empty: one model
  std::vector<std::string> problems;                      // each names its request
};

// Of a sweep whose spec lists several models. Requests that were made while a run went on, because
// what was planned was used up, have only to ask for one of them. Throws Error where the journal's
// spec cannot be read.
ModelShares verify_models(const std::vector<RequestRecord>& records, const Journal& journal);

}  // namespace llmsweep
