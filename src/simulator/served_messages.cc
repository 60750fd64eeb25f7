// POST /v1/messages
#include "simulator/served_api.h"

#include <fmt/format.h>

#include <simdjson.h>

#include <string>
#include <utility>

#include "simulator/request_fields.h"
#include "simulator/typed_event_writer.h"

namespace llmsweep::sim {
namespace {

void read_messages(const simdjson::dom::object& root, const SimulatorProfile& profile,
                   ApiRequest& request) {
  required(root, "max_tokens");
  read_common_options(root, "max_tokens", request);
  request.include_usage = true;
  if (const auto system = given(root, "system")) {
    request.prompt.add_overhead(profile.tokens.message_overhead, "system");
    add_content(*system, "system", request.prompt);
  }
  add_messages(required(root, "messages"), "messages", profile.tokens, request.prompt);
  refuse_empty(request.prompt, "messages");
}

class MessagesWriter final : public TypedEventWriter {
 public:
  MessagesWriter(const WireProfile& wire, Dialect dialect, Answer answer)
      : TypedEventWriter(wire, dialect, std::move(answer)) {}

  void opening(std::string& out) override {
    // SGLang knows the count only at the end.
    const int64_t input = dialect_ == Dialect::kSglang ? 0 : answer_.prompt_tokens;
    std::string usage;
    if (answer_.usage) {
      usage = fmt::format(R"(,"usage":{{"input_tokens":{},"output_tokens":0}})", input);
    }
    typed("message_start", R"("message":)" + message_json("", "null", usage), out);
    typed("ping", "", out);
  }

  void tokens(const TokenText& text, const Progress& progress, std::string_view finish,
              std::string& out) override {
    if (is_failure(finish)) return message_delta(finish, progress, out);
    if (text.text.empty()) return;
    const Block block = text.reasoning ? Block::kThinking : Block::kText;
    if (block_ != block) open(block, out);
    const bool thinking = block == Block::kThinking;
    typed("content_block_delta",
          fmt::format(R"("index":{},"delta":{{"type":"{}","{}":"{}"}})", index_,
                      thinking ? "thinking_delta" : "text_delta", thinking ? "thinking" : "text",
                      text.text),
          out);
  }

  void closing(std::string_view finish, const Progress& progress, std::string& out) override {
    close(out);
    message_delta(finish, progress, out);
  }

  void done(std::string& out) override { typed("message_stop", "", out); }

  std::string_view spelt(std::string_view finish) const override {
    if (finish == "stop") return "end_turn";
    return finish == "length" ? "max_tokens" : finish;
  }

  std::string plain(const TokenText& reasoning, const TokenText& answer, std::string_view finish,
                    const Progress& progress) const override {
    std::string content;
    if (!reasoning.text.empty()) {
      content =
          fmt::format(R"({{"type":"thinking","thinking":"{}","signature":""}},)", reasoning.text);
    }
    content += fmt::format(R"({{"type":"text","text":"{}"}})", answer.text);
    return message_json(content, fmt::format("\"{}\"", spelt(finish)), usage_member(progress));
  }

 private:
  enum class Block { kNone, kThinking, kText };

  void open(Block block, std::string& out) {
    close(out);
    block_ = block;
    typed("content_block_start",
          fmt::format(R"("index":{},"content_block":{})", index_,
                      block == Block::kThinking
                          ? R"({"type":"thinking","thinking":"","signature":""})"
                          : R"({"type":"text","text":""})"),
          out);
  }

  void close(std::string& out) {
    if (block_ == Block::kNone) return;
    if (block_ == Block::kThinking) {
      typed("content_block_delta",
            fmt::format(R"("index":{},"delta":{{"type":"signature_delta","signature":"c2ln"}})",
                        index_),
            out);
    }
    typed("content_block_stop", fmt::format(R"("index":{})", index_), out);
    block_ = Block::kNone;
    ++index_;
  }

  void message_delta(std::string_view finish, const Progress& progress, std::string& out) const {
    typed("message_delta",
          fmt::format(R"("delta":{{"stop_reason":"{}","stop_sequence":null}}{})", spelt(finish),
                      usage_member(progress)),
          out);
  }

  std::string message_json(std::string_view content, std::string_view stop_reason,
                           std::string_view usage) const {
    return fmt::format(R"({{"id":{},"type":"message","role":"assistant","model":{},"content":[{}],)"
                       R"("stop_reason":{},"stop_sequence":null{}}})",
                       json_quoted(answer_.id), json_quoted(answer_.model), content, stop_reason,
                       usage);
  }

  // ,"usage":{…}, or nothing. What came from the cache is no part of input_tokens.
  std::string usage_member(const Progress& progress) const {
    if (!answer_.usage) return {};
    return fmt::format(R"(,"usage":{{"input_tokens":{},"cache_creation_input_tokens":0,)"
                       R"("cache_read_input_tokens":{},"output_tokens":{}}})",
                       answer_.prompt_tokens - progress.cached_tokens, progress.cached_tokens,
                       progress.output_tokens);
  }

  std::string error_members(const ApiFailure& failure) override {
    return fmt::format(R"("error":{{"type":{},"message":{}}})", json_quoted(failure.type),
                       json_quoted(failure.message));
  }

  int64_t index_ = 0;  // of the block that is open, or comes next
  Block block_ = Block::kNone;
};

std::unique_ptr<EventWriter> make_messages_writer(const WireProfile& wire, Dialect dialect,
                                                  Answer answer) {
  return std::make_unique<MessagesWriter>(wire, dialect, std::move(answer));
}

}  // namespace

const Api kServedMessages = {.name = "messages",
                             .path = "/v1/messages",
                             .id_prefix = "msg",
                             .reasons = true,
                             .default_tokens = {},
                             .always_counts = {},
                             .counts_in_chunks = false,
                             .read = read_messages,
                             .make_writer = make_messages_writer};

}  // namespace llmsweep::sim
