#include "load/sent_prompt.h"

#include <string>
#include <string_view>
#include <vector>

#include "llmsweep/base/private_text.h"

namespace llmsweep {
namespace {

// Token ids are figures, so that most ids of answers can be spared the search for them.
bool may_repeat_ids(std::string_view text) {
  constexpr size_t kFewestDigits = 8;
  size_t digits = 0;
  for (const char c : text) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    digits = letter ? 0 : digits + (c >= '0' && c <= '9' ? 1 : 0);
    if (digits >= kFewestDigits) return true;
  }
  return false;
}

void hide_prompt_in(std::string& text, const Prompt& prompt, bool look_for_ids) {
  if (text.empty()) return;
  std::vector<std::string_view> sent = {prompt.text};
  for (const auto& [role, content] : prompt.messages) sent.push_back(content);
  for (const ImageUrl& image : prompt.images) {
    const auto ends = ends_of(image);
    sent.insert(sent.end(), ends.begin(), ends.end());
  }
  std::string ids;
  if (look_for_ids) {
    for (const int32_t id : prompt.ids) ids += std::to_string(id) + ' ';
  }
  sent.push_back(ids);
  hide_sent_text(text, sent);
}

}  // namespace

void hide_sent_prompt(RequestRecord& record, const Prompt& prompt) {
  for (std::string* text :
       {&record.error, &record.finish_reason, &record.response_id, &record.other_model}) {
    if (is_drawn_id(*text)) continue;
    hide_prompt_in(*text, prompt, text == &record.error || may_repeat_ids(*text));
  }
}

}  // namespace llmsweep
