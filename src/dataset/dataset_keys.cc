#include "dataset/dataset_keys.h"

#include <fmt/format.h>

#include <algorithm>

namespace llmsweep {

namespace {

struct NamedRole {
  std::string_view role;
  std::array<std::string_view, 8> names;
};
constexpr std::array kNamedRoles = {
    NamedRole{"user",
              {"user", "human", "prompter", "usr", "person", "customer", "questioner", "asker"}},
    NamedRole{"system", {"system", "sys", "systemprompt", "systemmessage"}},
    NamedRole{"developer", {"developer"}},
    NamedRole{"tool",
              {"tool", "function", "toolresponse", "functionresponse", "observation", "ipython",
               "toolresult", "functionresult"}}};

// "### Human:" and "human_1" are human.
std::string letters_of(std::string_view name) {
  std::string letters;
  for (const char c : name) {
    if (c >= 'a' && c <= 'z') letters += c;
    if (c >= 'A' && c <= 'Z') letters += static_cast<char>(c - 'A' + 'a');
  }
  return letters;
}

}  // namespace

std::string_view role_of(std::string_view name) {
  const std::string letters = letters_of(name);
  for (const NamedRole& named : kNamedRoles) {
    const auto& names = named.names;
    const bool known = std::find(names.begin(), names.end(), letters) != names.end();
    if (known && !letters.empty()) return named.role;
  }
  return "assistant";
}

namespace {

template <size_t kCount>
bool is_one_of(std::string_view key, const std::array<const char*, kCount>& keys) {
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

}  // namespace

bool is_question_key(std::string_view key) {
  return is_one_of(key, kPromptKeys) || is_one_of(key, kQuestionKeys);
}

bool is_text_key(std::string_view key) {
  return is_question_key(key) || is_one_of(key, kMessagesKeys) || is_one_of(key, kConversationKeys);
}

bool is_length_key(std::string_view key) {
  return is_one_of(key, kLengthKeys);
}

bool is_system_key(std::string_view key) {
  return is_one_of(key, kSystemKeys);
}

bool is_record_key(std::string_view key) {
  return is_question_key(key) || is_length_key(key) || is_one_of(key, kDetailKeys) ||
         is_system_key(key);
}

std::string known_keys() {
  return fmt::format("{}, messages, {}, {}, and for the length of the answer {}",
                     fmt::join(kPromptKeys, ", "), fmt::join(kConversationKeys, ", "),
                     fmt::join(kQuestionKeys, ", "), fmt::join(kLengthKeys, ", "));
}

}  // namespace llmsweep
