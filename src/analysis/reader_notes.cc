#include "analysis/reader_notes.h"

#include <fmt/format.h>

#include <map>
#include <string_view>
#include <utility>

#include "llmsweep/base/text.h"
#include "llmsweep/stats/validity.h"

namespace llmsweep {
namespace {

using Places = std::vector<std::string>;

// Said elsewhere: by the repeats, the throughput's label, and the figures that are not valid.
bool said_elsewhere(Warning warning) {
  switch (warning) {
    case Warning::kOneRepeat:
    case Warning::kWithDrain:
    case Warning::kClientDelayE2e:
    case Warning::kClientDelayTtft:
    case Warning::kClientDelayTtfo:
    case Warning::kClientDelayTpot:
    case Warning::kClientDelayItl:
    case Warning::kClientDelayIcl:
    case Warning::kHostStall:
      return true;
    case Warning::kClientBusy:
    case Warning::kReconnects:
    case Warning::kTokenCountEstimated:
    case Warning::kInputUnverified:
    case Warning::kOutputOff:
    case Warning::kInputEstimated:
    case Warning::kCachedTokens:
    case Warning::kBuffered:
    case Warning::kCoalesced:
    case Warning::kOtherModel:
    case Warning::kRepairedChunks:
    case Warning::kPromptsReused:
    case Warning::kLittlesLaw:
    case Warning::kNoReceiveStamps:
    case Warning::kRetryAfterCut:
    case Warning::kSlotsHeld:
    case Warning::kResponseTail:
    case Warning::kForeignTraffic:
      return false;
  }
  return false;
}

void add_notes(const SweepResult& result, const std::string& what,
               const std::map<std::string, Places>& sentences, std::vector<std::string>& notes) {
  for (const auto& [sentence, places] : sentences) {
    notes.push_back(fmt::format("'{}' at {}{}: {}", printable(result.name), join(places, ", "),
                                what, sentence));
  }
}

// A reason and a figure of it. One a quantity: a client that is late is late for all its
// percentiles.
using Doubt = std::pair<std::string_view, std::string>;
std::vector<Doubt> doubts_of(const Validity& validity) {
  std::map<std::pair<std::string, std::string_view>, std::vector<std::string>> keys;
  for (const auto& [key, reasons] : validity) {
    if (reasons.empty()) continue;
    keys[{key.substr(0, key.find(':')), sentence(reasons.front())}].push_back(key);
  }
  std::vector<Doubt> doubts;
  for (const auto& [figure, of_it] : keys) {
    const std::string what =
        of_it.size() == 1 ? of_it.front() : figure.first + " by several statistics";
    doubts.emplace_back(figure.second, printable(what, 80));
  }
  return doubts;
}

// Those of the same reason and levels as one sentence.
std::map<std::string, Places> sentences_of(const std::map<Doubt, Places>& doubts) {
  std::map<std::pair<std::string_view, Places>, std::vector<std::string>> figures;
  for (const auto& [doubt, places] : doubts) figures[{doubt.first, places}].push_back(doubt.second);
  std::map<std::string, Places> sentences;
  for (const auto& [where, of_it] : figures) {
    sentences[fmt::format("{} {} not valid. {}", join(of_it, ", "),
                          of_it.size() == 1 ? "is" : "are", where.first)] = where.second;
  }
  return sentences;
}

}  // namespace

std::vector<std::string> unlike_notes(const std::vector<FieldReport>& fields,
                                      const std::string& between) {
  std::vector<std::string> notes;
  for (const FieldReport& field : fields) {
    if (!field.of_requests || field.state != FieldState::kDiffers) continue;
    const std::string here = printable(field.baseline, 200),
                      there = printable(field.candidate, 200);
    if (field.field == "model") {
      notes.push_back(fmt::format("The models differ: {} and {}.", here, there));
    } else if (field.field == "version") {
      notes.push_back(fmt::format("The programs that measured differ: {} and {}.", here, there));
    } else {
      notes.push_back(fmt::format("The requests of {} are unlike in {}: {} against {}.", between,
                                  field.field, here, there));
    }
  }
  return notes;
}

std::vector<std::string> source_notes(const SweepResult& result) {
  std::vector<std::string> notes;
  const std::string name = printable(result.name);
  if (result.simulated) notes.push_back(fmt::format("'{}' is SIMULATED.", name));
  if (result.source == Source::kPublished) {
    notes.push_back(fmt::format("'{}' holds published figures, not measured here.", name));
  }
  if (result.source == Source::kImported) {
    notes.push_back(fmt::format("'{}' was imported from {}.", name, printable(result.tool)));
  }
  if (result.preliminary) notes.push_back(fmt::format("'{}' is preliminary.", name));
  if (result.interrupted) {
    notes.push_back(
        fmt::format("'{}' was {}.", name,
                    result.stopped_for.empty() ? "interrupted" : "stopped for its budget"));
  }
  return notes;
}

std::vector<std::string> level_notes(const SweepResult& result) {
  std::map<std::string, Places> invalid, warned;
  std::map<Doubt, Places> doubts;
  for (const LevelStats& level : result.levels) {
    const std::string place = name_of(level.point);
    if (!level.pooled.valid) {
      const auto& reasons = level.pooled.invalid_reasons;
      if (reasons.empty()) invalid["the file marks it invalid"].push_back(place);
      for (const InvalidReason reason : reasons) {
        invalid[std::string(sentence(reason))].push_back(place);
      }
    }
    for (const Doubt& doubt : doubts_of(level.pooled.validity)) doubts[doubt].push_back(place);
    for (const Warning warning : level.pooled.warnings) {
      if (!said_elsewhere(warning)) warned[std::string(sentence(warning))].push_back(place);
    }
  }
  std::vector<std::string> notes;
  add_notes(result, " is INVALID", invalid, notes);
  add_notes(result, "", sentences_of(doubts), notes);
  add_notes(result, "", warned, notes);
  return notes;
}

}  // namespace llmsweep
