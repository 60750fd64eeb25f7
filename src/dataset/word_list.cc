#include "dataset/word_list.h"

#include <algorithm>
#include <memory>

#include "dataset/random_text.h"
#include "llmsweep/base/error.h"

namespace llmsweep {

namespace {

constexpr size_t kRemoteWords = 96;  // each costs a request

bool is_word(std::string_view text) {
  return text.size() >= 3 && text.size() <= 8 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= 'a' && c <= 'z'; });
}

// Counts a word at the start of a text, or, with its space, inside one: they may differ.
class WordCounter {
 public:
  explicit WordCounter(const Tokenizer& tokenizer) : encoder_(tokenizer.encoder()) {}
  bool is_one_token(const std::string& word) {
    if (word.front() != ' ') return encoder_->count(word) == 1;
    if (before_ == 0) before_ = encoder_->count(kBefore);
    return encoder_->count(std::string(kBefore) + word) == before_ + 1;
  }

 private:
  static constexpr std::string_view kBefore = "a";
  std::unique_ptr<Encoder> encoder_;
  int64_t before_ = 0;
};

}  // namespace

NonceWords single_token_words(const Tokenizer& tokenizer) {
  NonceWords words;
  WordCounter counter(tokenizer);
  int64_t listed = tokenizer.info().kind == "server" ? 0 : tokenizer.info().vocabulary;
  for (int64_t id = 0; id < listed; ++id) {
    auto one = static_cast<int32_t>(id);
    std::string text = tokenizer.text_of(one);
    bool spaced = !text.empty() && text.front() == ' ';
    if (!is_word(std::string_view(text).substr(spaced ? 1 : 0)) || !counter.is_one_token(text))
      continue;
    (spaced ? words.spaced : words.first).push_back(std::move(text));
  }
  // A small vocabulary may hold a word in one of the two forms only.
  if (words.spaced.size() < kRemoteWords || words.first.size() < kRemoteWords) {
    for (std::string_view word : common_words()) {
      if (listed == 0 && words.spaced.size() >= kRemoteWords) break;
      std::string text(word);
      if (listed == 0 || words.first.size() < kRemoteWords) {
        if (counter.is_one_token(text)) words.first.push_back(text);
      }
      text.insert(0, " ");
      if (listed == 0 || words.spaced.size() < kRemoteWords) {
        if (counter.is_one_token(text)) words.spaced.push_back(text);
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
