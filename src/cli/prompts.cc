#include <fmt/format.h>

#include <iterator>
#include <ostream>

#include "cli/commands.h"
#include "llmsweep/base/sha256.h"
#include "llmsweep/base/text.h"
#include "llmsweep/cli/cli.h"
#include "llmsweep/dataset/prompts.h"
#include "llmsweep/spec/spec.h"
#include "llmsweep/tokenizer/tokenizer.h"

namespace llmsweep {

namespace {

constexpr int64_t kAtOnce = 256;

std::string json_text(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", byte);
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string line_of(const Prompt& prompt) {
  std::string body;
  if (!prompt.ids.empty()) {
    body = "\"ids\": [" + fmt::format("{}", fmt::join(prompt.ids, ", ")) + "]";
  } else if (!prompt.messages.empty()) {
    for (const auto& [role, content] : prompt.messages) {
      body += fmt::format("{}{{\"role\": {}, \"content\": {}}}", body.empty() ? "" : ", ",
                          json_text(role), json_text(content));
    }
    body = "\"messages\": [" + body + "]";
  } else {
    body = "\"text\": " + json_text(prompt.text);
  }
  return fmt::format("{{{}, \"input_tokens\": {}, \"output_tokens\": {}}}\n", body,
                     prompt.planned_input_tokens, prompt.planned_output_tokens);
}

}  // namespace

int prompts_command(const PromptsOptions& options, Console& console) {
  const SweepSpec spec = load_spec(options.spec, options.sets);
  PromptPlan plan{.workload = spec.workload,
                  .api = spec.endpoint.api,
                  .needs = {},
                  .overhead_tokens = options.overhead};
  std::shared_ptr<const Tokenizer> tokenizer;
  if (!spec.workload.tokenizer.empty() && spec.workload.tokenizer != "server") {
    tokenizer = load_tokenizer(spec.workload.tokenizer);
  }
  PromptSource source(plan, tokenizer);
  for (int64_t first = 0; first < options.count; first += kAtOnce) {
    int64_t count = std::min(kAtOnce, options.count - first);
    for (const Prompt& prompt : source.build(first, count).prompts) console.out << line_of(prompt);
  }
  const DatasetSummary& dataset = source.dataset();
  if (dataset.skipped > 0) {
    console.err << fmt::format("dataset: {} records used, {} skipped: {}\n", dataset.records,
                               dataset.skipped, join(dataset.skip_reasons, "; "));
  }
  return kExitOk;
}

}  // namespace llmsweep
