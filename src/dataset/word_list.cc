#include "dataset/word_list.h"

#include <algorithm>
#include <array>

#include "dataset/random_text.h"
#include "llmsweep/base/error.h"

namespace llmsweep {

namespace {

constexpr size_t kRemoteWords = 96;  // each costs a request

bool is_word(std::string_view text) {
  return text.size() >= 3 && text.size() <= 8 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= 'a' && c <= 'z'; });
}

}  // namespace

NonceWords single_token_words(const Tokenizer& tokenizer) {
  NonceWords words;
  auto encoder = tokenizer.encoder();
  int64_t listed = tokenizer.info().kind == "server" ? 0 : tokenizer.info().vocabulary;
  for (int64_t id = 0; id < listed; ++id) {
    auto one = static_cast<int32_t>(id);
    std::string text = tokenizer.decode(std::array{one});
    bool spaced = !text.empty() && text.front() == ' ';
    if (!is_word(std::string_view(text).substr(spaced ? 1 : 0)) || encoder->count(text) != 1)
      continue;
    (spaced ? words.spaced : words.first).push_back(std::move(text));
  }
  // A small vocabulary may hold a word in one of the two forms only.
  if (words.spaced.size() < kRemoteWords || words.first.size() < kRemoteWords) {
    for (std::string_view word : common_words()) {
      if (listed == 0 && words.spaced.size() >= kRemoteWords) break;
      std::string text(word);
      if (listed == 0 || words.first.size() < kRemoteWords) {
        if (encoder->count(text) == 1) words.first.push_back(text);
      }
      text.insert(0, " ");
      if (listed == 0 || words.spaced.size() < kRemoteWords) {
        if (encoder->count(text) == 1) words.spaced.push_back(text);
      }
    }
    for (auto* list : {&words.first, &words.spaced}) {
      std::sort(list->begin(), list->end());
      list->erase(std::unique(list->begin(), list->end()), list->end());
    }
  }
  if (words.first.empty() || words.spaced.empty()) {
    throw Error{{.what = "the tokenizer encodes no English word to one token",
                 .where = tokenizer.info().path,
                 .next = "leave workload.tokenizer out for approximate lengths"}};
  }
  return words;
}

}  // namespace llmsweep
