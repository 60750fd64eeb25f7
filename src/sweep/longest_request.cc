#include "llmsweep/sweep/longest_request.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "llmsweep/base/error.h"
#include "llmsweep/base/private_text.h"
#include "llmsweep/dataset/prompts.h"
#include "llmsweep/protocol/api.h"
#include "llmsweep/protocol/request.h"
#include "sweep/lengths_likely.h"
#include "sweep/level_runner.h"
#include "sweep/prober.h"

namespace llmsweep {
namespace {

// Of prompts that keep their own length, so many are looked at.
constexpr int64_t kSome = 64;
// Not one of a run's prompts, which must not find it in a prefix cache.
constexpr const char* kNonce = "check";

size_t size_of(const Prompt& prompt) {
  size_t size = prompt.text.size() + prompt.ids.size();
  for (const auto& [role, content] : prompt.messages) size += content.size();
  return size;
}

Prompt longest_prompt(const SweepSpec& spec, const Preflight& preflight,
                      const Interrupts* interrupts) {
  PromptPlan plan = prompt_plan(spec, preflight, kNonce);
  plan.interrupts = interrupts;
  const std::optional<TokenCount>& input = spec.workload.input_tokens;
  if (input) {
    plan.workload.input_tokens =
        TokenCount{.fixed = largest_likely_prompt(spec.workload, spec.load.max_error_rate)};
  }
  const PromptSource source(plan, preflight.tokenizer);
  PromptSet prompts = source.build(0, input ? 1 : std::min(kSome, source.needed()));
  const auto longest =
      std::max_element(prompts.prompts.begin(), prompts.prompts.end(),
                       [](const Prompt& a, const Prompt& b) { return size_of(a) < size_of(b); });
  const int64_t planned = longest->planned_output_tokens;
  if (traits_of(spec.endpoint.api).generates) {
    longest->planned_output_tokens =
        std::max(planned, largest_likely(spec.workload.output_tokens, spec.load.max_error_rate));
  }
  return std::move(*longest);
}

// What a server says of a prompt may have the prompt in it.
std::string words_of(const RequestRecord& record, const Prompt& prompt) {
  std::vector<std::string_view> sent = {prompt.text};
  for (const auto& [role, content] : prompt.messages) sent.push_back(content);
  for (const ImageUrl& image : prompt.images) {
    const auto ends = ends_of(image);
    sent.insert(sent.end(), ends.begin(), ends.end());
  }
  std::string words = record.error;
  hide_sent_text(words, sent);
  return words;
}

bool is_refusal_of_the_request(int status) {
  return status == 400 || status == 413 || status == 414 || status == 422;
}

}  // namespace

LongestRequest try_longest_request(const SweepSpec& spec, const Connection& connection,
                                   const Preflight& preflight, PreflightOptions options) {
  if (options.contact == nullptr) options.contact = make_network_contact();
  const Redactor secrets = secrets_of(spec, connection);
  Prober prober(spec, connection, options, secrets);
  const Prompt prompt = longest_prompt(spec, preflight, options.interrupts);
  EndpointSpec endpoint = spec.endpoint;
  endpoint.max_tokens_field = preflight.max_tokens_field;
  const Probed probed = prober.post({.base_url = connection.urls.front(),
                                     .endpoint = endpoint,
                                     .model = preflight.model,
                                     .fields = preflight.fields,
                                     .prompt = prompt},
                                    AnswerUntil::kFirstToken);
  const RequestRecord& record = probed.record;
  if (!probed.ok()) {
    const std::string what = fmt::format(
        "the endpoint does not answer the longest request of the spec ({} bytes of "
        "prompt, {} tokens out): {}",
        size_of(prompt), prompt.planned_output_tokens, words_of(record, prompt));
    if (is_refusal_of_the_request(probed.answer.status)) {
      throw Error({.what = what,
                   .where = "workload.input_tokens",
                   .next = "ask for less (workload.input_tokens, workload.output_tokens), or let "
                           "the server take more (vLLM: --max-model-len)"});
    }
    throw MeasurementError({.what = what, .where = probed.url, .next = "look at the server's log"});
  }
  return {.input_tokens = record.input_tokens,
          .output_tokens = prompt.planned_output_tokens,
          .first_token = record.first_token.value_or(*record.end) - *record.sent};
}

}  // namespace llmsweep
