// POST /v1/responses
#include "simulator/served_api.h"

#include <fmt/format.h>

#include <simdjson.h>

#include <string>
#include <utility>

#include "simulator/request_fields.h"
#include "simulator/typed_event_writer.h"

namespace llmsweep::sim {
namespace {

void read_responses(const simdjson::dom::object& root, const SimulatorProfile& profile,
                    ApiRequest& request) {
  read_common_options(root, "max_output_tokens", request);
  request.include_usage = true;
  std::string_view text;
  if (const auto instructions = given(root, "instructions")) {
    if (instructions->get(text) != simdjson::SUCCESS) {
      refuse("'instructions' must be a string", "instructions");
    }
    add_message("system", text, profile.tokens, request.prompt);
  }
  const auto input = required(root, "input");
  if (input.get(text) == simdjson::SUCCESS) {
    add_message("user", text, profile.tokens, request.prompt);
    request.prompt.add_overhead(profile.tokens.request_overhead, "generation");
  } else {
    add_messages(input, "input", profile.tokens, request.prompt);
  }
  refuse_empty(request.prompt, "input");
}

// An item of the output: the thoughts, or the message.
struct ItemForm {
  std::string_view prefix;  // of its id
  std::string_view item;    // its JSON behind the id
  std::string_view part;    // the type of its only part
  std::string_view event;   // what its events begin with
};
constexpr ItemForm kThoughts = {"rs", R"("type":"reasoning","summary":[])", "reasoning_text",
                                "response.reasoning_text"};
constexpr ItemForm kMessage = {"msg", R"("type":"message","role":"assistant")", "output_text",
                               "response.output_text"};

class ResponsesWriter final : public TypedEventWriter {
 public:
  ResponsesWriter(const WireProfile& wire, Dialect dialect, Answer answer)
      : TypedEventWriter(wire, dialect, std::move(answer)) {}

  void opening(std::string& out) override {
    const std::string response = R"("response":)" + response_json("in_progress", {}, {}, nullptr);
    numbered("response.created", response, out);
    numbered("response.in_progress", response, out);
  }

  void tokens(const TokenText& text, const Progress& progress, std::string_view finish,
              std::string& out) override {
    if (is_failure(finish)) return last_event(finish, progress, out);
    if (text.text.empty()) return;
    const ItemForm& form = text.reasoning ? kThoughts : kMessage;
    if (open_ != &form) open(form, out);
    text_ += text.text;
    numbered(fmt::format("{}.delta", form.event),
             fmt::format(R"({},"content_index":0,"delta":"{}")", place(), text.text), out);
  }

  void closing(std::string_view finish, const Progress& progress, std::string& out) override {
    close(out);
    last_event(finish, progress, out);
  }

  // The last event is the mark; [DONE] stands alone where a fault has it so.
  void done(std::string& out) override {
    if (!ended_) out += "data: [DONE]" + event_end_;
  }

  std::string_view spelt(std::string_view finish) const override {
    if (finish == "stop") return "completed";
    return finish == "length" ? "max_output_tokens" : finish;
  }

  std::string plain(const TokenText& reasoning, const TokenText& answer, std::string_view finish,
                    const Progress& progress) const override {
    std::string output;
    if (!reasoning.text.empty()) {
      output += item_json(kThoughts, item_id(kThoughts), reasoning.text) + ',';
    }
    output += item_json(kMessage, item_id(kMessage), answer.text);
    return response_json(finish == "stop" ? "completed" : "incomplete", finish, output, &progress);
  }

 private:
  void numbered(std::string_view type, std::string_view members, std::string& out) {
    typed(type, fmt::format(R"("sequence_number":{},{})", sequence_++, members), out);
  }

  std::string item_id(const ItemForm& form) const {
    return fmt::format("{}_{}", form.prefix, answer_.id);
  }

  std::string place() const {
    return fmt::format(R"("item_id":{},"output_index":{})", json_quoted(item_id(*open_)), items_);
  }

  static std::string part_json(const ItemForm& form, std::string_view text) {
    const bool message = &form == &kMessage;
    return fmt::format(R"({{"type":"{}","text":"{}"{}}})", form.part, text,
                       message ? R"(,"annotations":[])" : "");
  }

  static std::string item_json(const ItemForm& form, std::string_view id, std::string_view text) {
    return fmt::format(R"({{"id":{},{},"status":"{}","content":[{}]}})", json_quoted(id), form.item,
                       text.empty() ? "in_progress" : "completed",
                       text.empty() ? "" : part_json(form, text));
  }

  void open(const ItemForm& form, std::string& out) {
    close(out);
    open_ = &form;
    numbered(
        "response.output_item.added",
        fmt::format(R"("output_index":{},"item":{})", items_, item_json(form, item_id(form), {})),
        out);
    numbered("response.content_part.added",
             fmt::format(R"({},"content_index":0,"part":{})", place(), part_json(form, {})), out);
  }

  void close(std::string& out) {
    if (open_ == nullptr) return;
    const ItemForm& form = *open_;
    numbered(fmt::format("{}.done", form.event),
             fmt::format(R"({},"content_index":0,"text":"{}")", place(), text_), out);
    numbered("response.content_part.done",
             fmt::format(R"({},"content_index":0,"part":{})", place(), part_json(form, text_)),
             out);
    const std::string item = item_json(form, item_id(form), text_);
    numbered("response.output_item.done",
             fmt::format(R"("output_index":{},"item":{})", items_, item), out);
    output_ += (output_.empty() ? "" : ",") + item;
    text_.clear();
    open_ = nullptr;
    ++items_;
  }

  void last_event(std::string_view finish, const Progress& progress, std::string& out) {
    const std::string_view status = finish == "stop" ? "completed" : "incomplete";
    numbered(fmt::format("response.{}", status),
             R"("response":)" + response_json(status, finish, output_, &progress), out);
    ended_ = true;
  }

  // `progress`: null for one that goes on.
  std::string response_json(std::string_view status, std::string_view finish,
                            std::string_view output, const Progress* progress) const {
    const std::string details = status == "incomplete"
                                    ? fmt::format(R"({{"reason":"{}"}})", spelt(finish))
                                    : std::string("null");
    const bool counted = progress != nullptr && answer_.usage;
    return fmt::format(
        R"({{"id":{},"object":"response","created_at":{},"model":{},"status":"{}","error":null,)"
        R"("incomplete_details":{},"output":[{}],"usage":{}}})",
        json_quoted(answer_.id), answer_.created, json_quoted(answer_.model), status, details,
        output, counted ? usage_json(*progress) : "null");
  }

  std::string usage_json(const Progress& progress) const {
    return fmt::format(
        R"({{"input_tokens":{},"input_tokens_details":{{"cached_tokens":{}}},"output_tokens":{},)"
        R"("output_tokens_details":{{"reasoning_tokens":{}}},"total_tokens":{}}})",
        answer_.prompt_tokens, progress.cached_tokens, progress.output_tokens,
        progress.reasoning_tokens, answer_.prompt_tokens + progress.output_tokens);
  }

  std::string error_members(const ApiFailure& failure) override {
    return fmt::format(R"("sequence_number":{},"code":{},"message":{},"param":null)", sequence_++,
                       json_quoted(failure.type), json_quoted(failure.message));
  }

  int64_t sequence_ = 0;
  int64_t items_ = 0;  // that are complete
  const ItemForm* open_ = nullptr;
  std::string text_;    // of the open item
  std::string output_;  // the JSON of the complete ones
  bool ended_ = false;
};

std::unique_ptr<EventWriter> make_responses_writer(const WireProfile& wire, Dialect dialect,
                                                   Answer answer) {
  return std::make_unique<ResponsesWriter>(wire, dialect, std::move(answer));
}

}  // namespace

const Api kServedResponses = {.name = "responses",
                              .path = "/v1/responses",
                              .id_prefix = "resp",
                              .reasons = true,
                              .default_tokens = {},
                              .always_counts = {},
                              .counts_in_chunks = false,
                              .read = read_responses,
                              .make_writer = make_responses_writer};

}  // namespace llmsweep::sim
