// POST /chat/completions
#include "protocol/api_dialect.h"

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "protocol/openai_body.h"
#include "protocol/openai_chunk.h"

namespace llmsweep {
namespace {

// A text, or the parts of one with images.
nlohmann::ordered_json content_of(const std::string& text, const std::vector<ImageUrl>& images) {
  if (images.empty()) return text;
  auto parts = nlohmann::ordered_json::array();
  parts.push_back({{"type", "text"}, {"text", text}});
  for (const ImageUrl& image : images) {
    parts.push_back({{"type", "image_url"}, {"image_url", {{"url", *image}}}});
  }
  return parts;
}

void write_chat_body(const RequestParts& parts, nlohmann::ordered_json& body) {
  const Prompt& prompt = parts.prompt;
  auto& messages = body["messages"] = nlohmann::ordered_json::array();
  static const std::vector<ImageUrl> kNone;
  size_t last = prompt.messages.size();  // of the user
  while (last > 0 && prompt.messages[last - 1].first != "user") --last;
  for (size_t i = 0; i < prompt.messages.size(); ++i) {
    const auto& [role, content] = prompt.messages[i];
    const bool with_images = i + 1 == last;
    messages.push_back(
        {{"role", role}, {"content", content_of(content, with_images ? prompt.images : kNone)}});
  }
  if (messages.empty()) {
    messages.push_back({{"role", "user"}, {"content", content_of(prompt.text, prompt.images)}});
  }
  write_openai_options(parts, body);
}

}  // namespace

const ApiDialect kChatApi = {
    .traits = {.path = "/chat/completions", .takes_messages = true, .takes_images = true},
    .words = kOpenaiWords,
    .write_body = write_chat_body,
    .take_end = take_done,
    .read_chunk = read_openai_chunk,
    .keys = kOpenaiKeys,
};

}  // namespace llmsweep
