// Enumerators as they are spelled in a profile, for its reader and its writer.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "llmsweep/simulator/profile.h"

namespace llmsweep::sim {

template <class T>
using Spellings = std::vector<std::pair<std::string, T>>;

Spellings<Dialect> dialect_names();
Spellings<FaultKind> fault_names();

inline Spellings<DriftKind> drift_names() {
  return {{"none", DriftKind::kNone},
          {"ramp", DriftKind::kRamp},
          {"sine", DriftKind::kSine},
          {"walk", DriftKind::kWalk}};
}
inline Spellings<TokenRule> token_rule_names() {
  return {{"words", TokenRule::kWords}, {"bytes", TokenRule::kBytes}};
}
inline Spellings<WireProfile::Headers> headers_names() {
  using E = WireProfile::Headers;
  return {{"early", E::kEarly}, {"prefill", E::kPrefill}, {"first_token", E::kFirstToken}};
}
inline Spellings<WireProfile::RoleChunk> role_chunk_names() {
  using E = WireProfile::RoleChunk;
  return {{"none", E::kNone}, {"empty", E::kEmpty}, {"null", E::kNull}};
}
inline Spellings<WireProfile::Finish> finish_names() {
  using E = WireProfile::Finish;
  return {{"with_last_token", E::kWithLastToken}, {"own_chunk", E::kOwnChunk}};
}
inline Spellings<WireProfile::FinishForm> finish_form_names() {
  using E = WireProfile::FinishForm;
  return {
      {"openai", E::kOpenai}, {"object", E::kObject}, {"camel", E::kCamel}, {"beside", E::kBeside}};
}
inline Spellings<WireProfile::ChoiceForm> choice_form_names() {
  using E = WireProfile::ChoiceForm;
  return {{"list", E::kList}, {"object", E::kObject}, {"message", E::kMessage}, {"text", E::kText}};
}
inline Spellings<WireProfile::Usage> usage_names() {
  using E = WireProfile::Usage;
  return {{"own_chunk", E::kOwnChunk},
          {"finish_chunk", E::kFinishChunk},
          {"every_chunk", E::kEveryChunk}};
}
inline Spellings<WireProfile::Text> text_names() {
  using E = WireProfile::Text;
  return {{"ascii", E::kAscii}, {"held_back", E::kHeldBack}, {"split", E::kSplit}};
}
inline Spellings<WireProfile::Thoughts> thoughts_names() {
  using E = WireProfile::Thoughts;
  return {
      {"field", E::kField}, {"details", E::kDetails}, {"parts", E::kParts}, {"hidden", E::kHidden}};
}
inline Spellings<WireProfile::UsageForm> usage_form_names() {
  using E = WireProfile::UsageForm;
  return {{"openai", E::kOpenai},
          {"input_output", E::kInputOutput},
          {"x_groq", E::kXGroq},
          {"texts", E::kTexts},
          {"beside_reasoning", E::kBesideReasoning}};
}
inline Spellings<WireProfile::ErrorStyle> error_style_names() {
  using E = WireProfile::ErrorStyle;
  return {{"object", E::kObject}, {"string", E::kString}, {"field", E::kField}};
}

template <class T>
const std::string& spelled(const Spellings<T>& names, T value) {
  for (const auto& [name, candidate] : names) {
    if (candidate == value) return name;
  }
  return names.front().first;
}

}  // namespace llmsweep::sim
