// What the programs that write datasets call the parts of a record.
#pragma once

#include <array>
#include <string>
#include <string_view>

namespace llmsweep {

// In the order in which they are looked for. Those of kQuestionKeys come after conversations, as
// some conversations carry them beside; kDetailKeys add to them ("input" of Alpaca).
inline constexpr std::array kPromptKeys = {"prompt", "text", "text_input", "inputs", "texts"};
inline constexpr std::array kMessagesKeys = {"messages", "input"};
inline constexpr std::array kConversationKeys = {"conversations", "conversation", "items", "turns",
                                                 "dialog"};
inline constexpr std::array kQuestionKeys = {"instruction", "question", "query", "input",
                                             "content"};
inline constexpr std::array kDetailKeys = {"input", "context"};
inline constexpr std::array kSystemKeys = {"system_prompt", "system"};
// Objects that hold the record itself: OpenAI's batches, rows of the Hub's viewer.
inline constexpr std::array kEnvelopeKeys = {"body", "row"};
inline constexpr std::array kLengthKeys = {
    "max_tokens",          "max_completion_tokens", "max_new_tokens", "max_output_tokens",
    "output_tokens",       "output_tokens_count",   "output_length",  "output_len",
    "expected_output_len", "completion_tokens",     "max_gen_tokens", "num_output_tokens",
    "output_token_count",  "response_tokens",       "n_predict",      "num_predict"};
// Objects that may hold a length: SGLang, TGI, Ollama.
inline constexpr std::array kLengthHolders = {"sampling_params", "parameters", "options"};
inline constexpr std::array kMediaKeys = {"image",     "images", "image_url",       "image_urls",
                                          "audio",     "audios", "audio_url",       "video",
                                          "video_url", "videos", "multi_modal_data"};
inline constexpr std::array kToolsKeys = {"tools", "functions"};

// "system", "developer", "user", "tool" or "assistant", whatever the case and spelling. What has
// another name is the assistant: gpt, chatgpt, bing, bard, model, …
std::string_view role_of(std::string_view name);

// Whether a record's text may be called so.
bool is_text_key(std::string_view key);
// Of these, those whose value is the text itself.
bool is_question_key(std::string_view key);
bool is_length_key(std::string_view key);
bool is_system_key(std::string_view key);
// Whether it is any of a question, what stands beside one, and a length.
bool is_record_key(std::string_view key);
// What a record's text and its output length may be called, for a message.
std::string known_keys();

}  // namespace llmsweep
