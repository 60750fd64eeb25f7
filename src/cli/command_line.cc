#include "cli/command_line.h"

#include <algorithm>
#include <string_view>

#include "llmsweep/base/secrets.h"
#include "llmsweep/base/text.h"

namespace llmsweep {
namespace {

constexpr size_t kWordBytes = 1000;

bool may_hold_a_secret(std::string_view key_path) {
  const std::vector<std::string> keys = split(key_path, '.');
  return std::any_of(keys.begin(), keys.end(), [](const std::string& key) {
    return key == "headers" || key == "extra_body" || names_a_secret(key);
  });
}

// KEY.PATH=VALUE of --set. A value may be a whole section.
std::string redacted_setting(const std::string& setting) {
  const size_t equals = setting.find('=');
  if (equals == std::string::npos) return setting;
  const bool section = setting.find('{', equals) != std::string::npos;
  if (!section && !may_hold_a_secret(setting.substr(0, equals))) return setting;
  return setting.substr(0, equals + 1) + "<redacted>";
}

std::string quoted_word(const std::string& word) {
  constexpr std::string_view kPlain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./:=,@%+-";
  const std::string shown = printable(word, kWordBytes);
  if (!shown.empty() && shown.find_first_not_of(kPlain) == std::string::npos) return shown;
  std::string text = "'";
  for (const char c : shown) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

}  // namespace

std::string command_line(const std::vector<std::string>& args) {
  constexpr std::string_view kSet = "--set=";
  std::string text = "llmsweep";
  bool set = false;
  for (const std::string& word : args) {
    std::string shown = word;
    if (set) shown = redacted_setting(word);
    if (word.starts_with(kSet)) {
      shown = std::string(kSet) + redacted_setting(word.substr(kSet.size()));
    }
    set = word == "--set";
    text += " " + quoted_word(shown);
  }
  return text;
}

}  // namespace llmsweep
