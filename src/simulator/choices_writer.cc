#include "simulator/choices_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace llmsweep::sim {
namespace {

constexpr std::string_view kChoice = R"([{"index":0,)";
constexpr std::string_view kDelta = R"("delta":)";

// A finish reason as JSON: null where there is none.
std::string finish_json(std::string_view finish) {
  return finish.empty() ? "null" : fmt::format("\"{}\"", finish);
}

std::string finish_member(std::string_view finish, WireProfile::FinishForm form) {
  using Form = WireProfile::FinishForm;
  const std::string value = form == Form::kObject && !finish.empty()
                                ? fmt::format(R"({{"type":"{}"}})", finish)
                                : finish_json(finish);
  return fmt::format(R"(,"{}":{})", form == Form::kCamel ? "finishReason" : "finish_reason", value);
}

// Of the deltas that servers get wrong.
ChoiceForm misshapen(ChoiceForm form, WireProfile::ChoiceForm shape) {
  if (shape == WireProfile::ChoiceForm::kText && form.answer.starts_with(kDelta)) {
    form.opening.clear();
    form.answer = R"("delta":")";
    form.after_text.clear();
    form.finish = R"("delta":"")";
  } else if (shape == WireProfile::ChoiceForm::kMessage) {
    for (std::string* part : {&form.opening, &form.answer, &form.reasoning, &form.finish}) {
      if (part->starts_with(kDelta)) part->replace(0, kDelta.size(), R"("message":)");
    }
  }
  return form;
}

}  // namespace

ChoicesWriter::ChoicesWriter(const WireProfile& wire, Dialect dialect, Answer answer,
                             ChoiceForm form)
    : EventWriter(wire, dialect, std::move(answer)),
      form_(misshapen(std::move(form), wire.choice_form)),
      listed_(wire.choice_form != WireProfile::ChoiceForm::kObject) {
  chunk_head_ =
      fmt::format(R"({{"id":{},"object":"{}","created":{},"model":{},)", json_quoted(answer_.id),
                  form_.chunk_object, answer_.created, json_quoted(answer_.model));
  if (dialect_ == Dialect::kLlamacpp || dialect_ == Dialect::kOpenai || dialect_ == Dialect::kTgi) {
    chunk_head_ += R"("system_fingerprint":"simulated",)";
  }
  chunk_head_ += R"("choices":)";
  const std::string head = fmt::format("{}{}{}", event_head_, chunk_head_, choice_head());
  answer_head_ = head + form_.answer;
  reasoning_head_ = head + form_.reasoning;
  reasoning_close_ =
      '"' + (form_.reasoning_close.empty() ? form_.after_text : form_.reasoning_close);
  answer_close_ = '"' + form_.after_text;
  token_tail_ = choice_tail(early_finish({}), nullptr) + event_end_;
}

std::string_view ChoicesWriter::choice_head() const {
  return kChoice.substr(listed_ ? 0 : 1);
}

std::string ChoicesWriter::choice_tail(std::string_view finish, const Progress* progress) {
  std::string tail;
  if (wire_.not_json) tail += R"(,"logprob":NaN)";
  if (dialect_ != Dialect::kLlamacpp && dialect_ != Dialect::kTrtllm) tail += R"(,"logprobs":null)";
  const bool says_finish = !finish.empty() || form_.null_finish_reason;
  const bool beside = wire_.finish_form == WireProfile::FinishForm::kBeside;
  if (says_finish && !beside) tail += finish_member(finish, wire_.finish_form);
  if (dialect_ == Dialect::kSglang) tail += R"(,"matched_stop":null)";
  if (dialect_ == Dialect::kTrtllm && progress != nullptr && progress->steps > 0) {
    const double mean =
        static_cast<double>(progress->output_tokens) / static_cast<double>(progress->steps);
    tail += fmt::format(R"(,"avg_decoded_tokens_per_iter":{:.4f})", mean);
  }
  tail += listed_ ? "}]" : "}";
  if (says_finish && beside) tail += finish_member(finish, wire_.finish_form);
  if (progress != nullptr && answer_.continuous_usage) {
    tail += continuous_usage(*progress);
  } else if (wire_.extra_nulls && !(progress != nullptr && usage_in_finish_chunk())) {
    tail += R"(,"usage":null)";
  }
  return tail + "}";
}

std::string_view ChoicesWriter::early_finish(std::string_view finish) const {
  return finish.empty() && wire_.finish_early ? std::string_view("stop") : finish;
}

std::string ChoicesWriter::continuous_usage(const Progress& progress) {
  if (!wire_.usage_alone) return usage_member(progress);
  Progress alone = progress;
  alone.output_tokens -= counted_;
  alone.reasoning_tokens = 0;
  counted_ = progress.output_tokens;
  return usage_member(alone);
}

// ,"usage":{…}
std::string ChoicesWriter::usage_member(const Progress& progress) const {
  using Form = WireProfile::UsageForm;
  const Form form = wire_.usage_form;
  const bool openai = form != Form::kInputOutput;
  const char* const quote = form == Form::kTexts ? "\"" : "";
  const bool beside = form == Form::kBesideReasoning;
  std::string json =
      fmt::format(R"({{"{}":{}{}{},"{}":{}{}{},"total_tokens":{}{}{})",
                  openai ? "prompt_tokens" : "input_tokens", quote, answer_.prompt_tokens, quote,
                  openai ? "completion_tokens" : "output_tokens", quote,
                  progress.output_tokens - (beside ? progress.reasoning_tokens : 0), quote, quote,
                  answer_.prompt_tokens + progress.output_tokens, quote);
  json += fmt::format(R"(,"{}_tokens_details":{{"cached_tokens":{}}})", openai ? "prompt" : "input",
                      progress.cached_tokens);
  if (progress.reasoning_tokens > 0) {
    json += fmt::format(R"(,"{}_tokens_details":{{"reasoning_tokens":{}}})",
                        openai ? "completion" : "output", progress.reasoning_tokens);
  }
  json += "}";
  return form == Form::kXGroq ? R"(,"x_groq":{"id":"r","usage":)" + json + "}"
                              : R"(,"usage":)" + json;
}

std::string ChoicesWriter::timings_json(const Progress& progress) const {
  if (dialect_ != Dialect::kLlamacpp) return {};
  const auto rest = static_cast<double>(std::max<int64_t>(1, progress.output_tokens - 1));
  return fmt::format(
      R"(,"timings":{{"cache_n":{},"prompt_n":{},"prompt_ms":{:.3f},"predicted_n":{},)"
      R"("predicted_ms":{:.3f},"predicted_per_token_ms":{:.6f}}})",
      progress.cached_tokens, answer_.prompt_tokens - progress.cached_tokens, progress.prompt_ms,
      progress.output_tokens, progress.predicted_ms, progress.predicted_ms / rest);
}

bool ChoicesWriter::usage_in_finish_chunk() const {
  if (!answer_.usage) return false;
  return wire_.usage == WireProfile::Usage::kFinishChunk || form_.usage_with_finish;
}

void ChoicesWriter::opening(std::string& out) {
  if (wire_.data_null) event("null", out);
  if (form_.opening.empty()) return;
  const Progress none;
  event(fmt::format("{}{}{}{}", chunk_head_, choice_head(), form_.opening,
                    choice_tail({}, answer_.continuous_usage ? &none : nullptr)),
        out);
}

void ChoicesWriter::tokens(const TokenText& text, const Progress& progress, std::string_view finish,
                           std::string& out) {
  const std::string& head = text.reasoning ? reasoning_head_ : answer_head_;
  const size_t begin = out.size();
  out += head;
  out += text.text;
  out += text.reasoning ? reasoning_close_ : answer_close_;
  finish = early_finish(finish);
  const bool plain = finish.empty() && !answer_.continuous_usage &&
                     !(first_event_ && wire_.space_after_first) && dialect_ != Dialect::kTrtllm;
  if (plain) {
    first_event_ = false;
    out += token_tail_;
    return;
  }
  out += choice_tail(finish, &progress);
  if (!finish.empty() && usage_in_finish_chunk() && !answer_.continuous_usage) {
    out.pop_back();
    out += usage_member(progress) + timings_json(progress) + "}";
  }
  const std::string json = out.substr(begin + event_head_.size());
  out.resize(begin);
  event(json, out);
}

void ChoicesWriter::closing(std::string_view finish, const Progress& progress, std::string& out) {
  const bool in_finish = usage_in_finish_chunk();
  if (wire_.finish == WireProfile::Finish::kOwnChunk) {
    std::string json = fmt::format("{}{}{}{}", chunk_head_, choice_head(), form_.finish,
                                   choice_tail(finish, &progress));
    json.pop_back();
    if (in_finish && !answer_.continuous_usage) json += usage_member(progress);
    const bool timings_here = in_finish || !answer_.usage;
    event(json + (timings_here ? timings_json(progress) : "") + "}", out);
  }
  if (answer_.usage && !in_finish && !(answer_.continuous_usage && wire_.usage_alone)) {
    event(chunk_head_ + "[]" + usage_member(progress) + timings_json(progress) + "}", out);
  }
}

void ChoicesWriter::done(std::string& out) {
  if (!wire_.done) return;
  out += wire_.data_space ? "data: [DONE]" : "data:[DONE]";
  out += newline_;
  if (wire_.done_blank_line) out += newline_;
}

std::string ChoicesWriter::plain(const TokenText& reasoning, const TokenText& answer,
                                 std::string_view finish, const Progress& progress) const {
  std::string json = fmt::format(
      R"({{"id":{},"object":"{}","created":{},"model":{},"choices":[{{"index":0,)",
      json_quoted(answer_.id), form_.plain_object, answer_.created, json_quoted(answer_.model));
  json += form_.plain(wire_, reasoning, answer);
  json += R"(,"logprobs":null,"finish_reason":)" + finish_json(finish) + "}]";
  if (answer_.usage) json += usage_member(progress);
  return json + timings_json(progress) + "}";
}

}  // namespace llmsweep::sim
