// The answers of chat and completions: a list of one choice, in which the token's text stands, and
// beside it the usage.
#pragma once

#include <string>
#include <string_view>

#include "simulator/wire.h"

namespace llmsweep::sim {

// What of an answer is the API's own. JSON of a choice is what follows its index.
struct ChoiceForm {
  std::string_view chunk_object;  // the value of `object`
  std::string_view plain_object;
  std::string opening;             // of the chunk before the first token; empty: there is none
  std::string answer;              // up to a token's text
  std::string reasoning;           // likewise
  std::string reasoning_close;     // behind its closing quote; empty: after_text
  std::string after_text;          // from the closing quote on
  std::string finish;              // of a chunk that has no text
  bool null_finish_reason = true;  // `finish_reason` stands in the chunks before the last one too
  bool usage_with_finish = false;  // usage, where it is sent, is in the chunk of the finish reason
  // Of an unstreamed answer.
  std::string (*plain)(const WireProfile& wire, const TokenText& reasoning,
                       const TokenText& answer) = nullptr;
};

class ChoicesWriter final : public EventWriter {
 public:
  ChoicesWriter(const WireProfile& wire, Dialect dialect, Answer answer, ChoiceForm form);

  void opening(std::string& out) override;
  void tokens(const TokenText& text, const Progress& progress, std::string_view finish,
              std::string& out) override;
  void closing(std::string_view finish, const Progress& progress, std::string& out) override;
  void done(std::string& out) override;
  std::string plain(const TokenText& reasoning, const TokenText& answer, std::string_view finish,
                    const Progress& progress) const override;

 private:
  std::string_view choice_head() const;
  std::string choice_tail(std::string_view finish, const Progress* progress);
  std::string_view early_finish(std::string_view finish) const;
  std::string continuous_usage(const Progress& progress);
  std::string usage_member(const Progress& progress) const;
  std::string timings_json(const Progress& progress) const;
  bool usage_in_finish_chunk() const;

  ChoiceForm form_;
  bool listed_;             // the choice stands in a list
  std::string chunk_head_;  // of every chunk's JSON, up to the value of `choices`
  // A plain token chunk is head + text + tail: nothing else varies.
  std::string answer_head_, reasoning_head_, answer_close_, reasoning_close_, token_tail_;
  int64_t counted_ = 0;  // tokens in the usage of the chunks so far
};

}  // namespace llmsweep::sim
