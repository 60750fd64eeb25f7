// One prompt, ready to be put into a request.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace llmsweep {

// "data:image/png;base64,…", shared by the prompts that carry it.
using ImageUrl = std::shared_ptr<const std::string>;

// Its two ends, of which an answer that repeats it repeats one.
inline std::vector<std::string_view> ends_of(const ImageUrl& image) {
  constexpr size_t kEnd = size_t{16} << 10;
  const std::string_view url = *image;
  if (url.size() <= 2 * kEnd) return {url};
  return {url.substr(0, kEnd), url.substr(url.size() - kEnd)};
}

struct Prompt {
  std::string text;  // one user message; empty where `messages` or `ids` is used
  std::vector<std::pair<std::string, std::string>> messages;  // role, content
  std::vector<int32_t> ids;                                   // token ids, for prompt_as: ids
  // What the server's usage.prompt_tokens should say: content plus calibrated overhead. 0: unknown.
  int64_t planned_input_tokens = 0;
  int64_t planned_output_tokens = 0;
  // Texts that it is cut into, or documents beside the query; 0: of an API that generates.
  int64_t inputs = 0;
  std::vector<ImageUrl> images;  // sent behind the text, or with the last message of the user
  std::string model;             // that it asks for, of several; empty: there is one
};

// A level's prompts, with the set's fingerprint: SHA-256 over the SHA-256 of every prompt in order.
struct PromptSet {
  std::vector<Prompt> prompts;
  std::string sha256;
};

}  // namespace llmsweep
