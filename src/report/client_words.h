// What the client knows about itself, in sentences that need no glossary. Private to report/.
#pragma once

#include <string>
#include <vector>

#include "llmsweep/model/result.h"

namespace llmsweep::report {

enum class Mood { kGood, kNote, kBad };

struct ClientSentence {
  Mood mood = Mood::kGood;
  std::string text;
};
std::vector<ClientSentence> client_sentences(const SweepResult& result);

}  // namespace llmsweep::report
