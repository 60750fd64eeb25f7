// POST /v1/completions
#include "simulator/served_api.h"

#include <simdjson.h>

#include "simulator/choices_writer.h"
#include "simulator/request_fields.h"

namespace llmsweep::sim {
namespace {

// It says how many tokens there were with the finish reason, whether requested or not.
constexpr Dialect kAlwaysCounts = Dialect::kLlamacpp;

void read_completions(const simdjson::dom::object& root, const SimulatorProfile& /*profile*/,
                      ApiRequest& request) {
  read_openai_options(root, request);
  add_prompt(required(root, "prompt"), request.prompt);
  refuse_empty(request.prompt, "prompt");
}

// A completion has no part for reasoning.
std::string text(const WireProfile& /*wire*/, const TokenText& /*reasoning*/,
                 const TokenText& answer) {
  return R"("text":)" + json_quoted(answer.text);
}

std::unique_ptr<EventWriter> make_completions_writer(const WireProfile& wire, Dialect dialect,
                                                     Answer answer) {
  return std::make_unique<ChoicesWriter>(wire, dialect, std::move(answer),
                                         ChoiceForm{.chunk_object = "text_completion",
                                                    .plain_object = "text_completion",
                                                    .opening = "",
                                                    .answer = R"("text":")",
                                                    .reasoning = R"("text":")",
                                                    .after_text = "",
                                                    .finish = R"("text":"")",
                                                    .usage_with_finish = dialect == kAlwaysCounts,
                                                    .plain = text});
}

}  // namespace

const Api kServedCompletions = {.name = "completions",
                                .path = "/v1/completions",
                                .id_prefix = "cmpl",
                                .default_tokens = 16,
                                .always_counts = kAlwaysCounts,
                                .read = read_completions,
                                .make_writer = make_completions_writer};

}  // namespace llmsweep::sim
