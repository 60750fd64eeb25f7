#include "cli/commands.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <iterator>
#include <memory>
#include <optional>
#include <ostream>

#include "cli/spec_option.h"
#include "llmsweep/base/error.h"
#include "llmsweep/base/sha256.h"
#include "llmsweep/base/text.h"
#include "llmsweep/cli/cli.h"
#include "llmsweep/dataset/prompts.h"
#include "llmsweep/protocol/api.h"
#include "llmsweep/spec/spec_file.h"
#include "llmsweep/tokenizer/tokenizer.h"

namespace llmsweep {
namespace {

struct PromptsOptions {
  std::string spec;
  std::vector<std::string> sets;
  int64_t count = 10;
  std::optional<int64_t> overhead;  // absent: 0, and a note
};

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

// In what a run's prompts differ from those that can be made without its endpoint.
std::vector<std::string> differences_from_a_run(const SweepSpec& spec, bool overhead_given) {
  std::vector<std::string> notes;
  const std::string& tokenizer = spec.workload.tokenizer;
  if (spec.workload.nonce == kAutoNonce) {
    notes.emplace_back("a run's begin with words that it draws (workload.nonce: auto)");
  }
  if (spec.workload.sessions.wanted()) {
    notes.emplace_back(
        "these are sessions' first questions; a run draws their lengths with those of the turns "
        "behind them, which are not shown");
  }
  if (spec.workload.images.wanted()) {
    notes.emplace_back("a run's carry images besides (workload.images)");
  }
  if (tokenizer == "server") {
    notes.emplace_back(
        "a run's are cut to length by the server's tokenizer, which is not asked here; give "
        "workload.tokenizer a file for the same texts");
  } else if (tokenizer.empty() && spec.workload.input_tokens) {
    notes.emplace_back("a run estimates their length by the bytes a token that it calibrates");
  } else if (!tokenizer.empty() && !overhead_given && traits_of(spec.endpoint.api).takes_messages &&
             spec.workload.input_tokens) {
    notes.emplace_back(
        "a run's are shorter by the tokens of the chat template, which it calibrates: --overhead");
  }
  return notes;
}

int prompts_command(const PromptsOptions& options, Console& console) {
  const SweepSpec spec = load_run_spec(options.spec, options.sets);
  if (spec.load.trace.wanted()) {
    throw Error({.what = "writes no prompts of recorded traffic, which depend on what came before",
                 .where = "load.trace",
                 .next = "llmsweep trace FILE says what it is like"});
  }
  const bool drawn = spec.workload.nonce == kAutoNonce;
  PromptPlan plan{.workload = spec.workload,
                  .nonce = drawn ? std::string() : spec.workload.nonce,
                  .api = spec.endpoint.api,
                  .needs = {},
                  .overhead_tokens = options.overhead.value_or(0)};
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
  for (const std::string& line : dataset.notes) console.err << "dataset: " << line << '\n';
  for (const std::string& line : differences_from_a_run(spec, options.overhead.has_value())) {
    console.err << "note: " << line << '\n';
  }
  return kExitOk;
}

}  // namespace

void add_prompts(CLI::App& app, Command& chosen) {
  auto options = std::make_shared<PromptsOptions>();
  CLI::App* command =
      app.add_subcommand("prompts", "Write the prompts that SPEC would send, as JSON lines");
  add_spec(*command, options->spec, options->sets);
  command->add_option("--count", options->count, "How many")->capture_default_str();
  command->add_option("--overhead", options->overhead,
                      "Tokens of the chat template, which a run calibrates; else 0");
  command->footer(
      "Examples:\n"
      "  llmsweep prompts spec.yaml --count 3 --overhead 3 > prompts.jsonl\n"
      "  llmsweep prompts spec.yaml --set workload.nonce=TEXT\n\n"
      "With workload.nonce: auto each sweep draws the words that its prompts begin with; here "
      "they\n"
      "are those without a nonce. Those of a sweep: the nonce in its result.json.\n");
  command->callback([options, &chosen] {
    chosen = [options](Console& console) { return prompts_command(*options, console); };
  });
}

}  // namespace llmsweep
