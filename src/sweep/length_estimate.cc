#include "sweep/length_estimate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

#include "llmsweep/base/private_text.h"
#include "llmsweep/dataset/prompts.h"
#include "llmsweep/model/describe.h"

namespace llmsweep {

LengthEstimate::LengthEstimate(const SweepSpec& spec, const Interrupts* interrupts,
                               int64_t probe_tokens, Preflight& found, Ask ask)
    : spec_(spec),
      interrupts_(interrupts),
      probe_tokens_(probe_tokens),
      found_(found),
      ask_(std::move(ask)) {}

void LengthEstimate::find_bytes_per_token(double of_probes) {
  found_.bytes_per_token = of_probes;
  found_.bytes_per_token_of_probes = of_probes;
  if (!spec_.workload.input_tokens) return;
  const auto mean = static_cast<int64_t>(mean_tokens(*spec_.workload.input_tokens));
  if (found_.context_tokens && mean >= *found_.context_tokens) return;
  int64_t asked = mean;
  std::optional<Count> first = count_prompt(asked, 0);
  if (!first && mean > 1) {  // cut far too long by the probes, maybe
    asked = mean / 2;
    first = count_prompt(asked, 0);
  }
  if (!first || first->tokens == 0) return;
  take({*first});
  const std::optional<Count> second = count_prompt(mean, 1);
  if (!second || second->tokens == 0) return;
  const double off = std::abs(static_cast<double>(first->tokens) / static_cast<double>(asked) - 1);
  // Where the first was cut far off the mark, what the template adds weighs otherwise in it.
  take(off < 0.1 ? std::vector{*first, *second} : std::vector{*second});
}

void LengthEstimate::time_a_prompt() {
  if (!spec_.workload.input_tokens) return;
  const auto mean = static_cast<int64_t>(mean_tokens(*spec_.workload.input_tokens));
  const int64_t room = found_.context_tokens.value_or(mean + probe_tokens_);
  if (mean + probe_tokens_ <= room) count_prompt(mean, 0);
}

std::optional<LengthEstimate::Count> LengthEstimate::count_prompt(int64_t tokens, int64_t number) {
  const Probe probe{.text = prompt_of(tokens, number)};
  const Probed probed = ask_(probe);
  if (!probed.ok()) {
    std::string words = probed.record.error;
    const std::string_view sent = probe.text;
    hide_sent_text(words, {&sent, 1});
    found_.provenance.notes.push_back(
        fmt::format("a prompt of about {} tokens was not answered: {}", tokens, words));
    return std::nullopt;
  }
  take_time(probed.record);
  return Count{probe.text.size(), probed.record.input_tokens.value_or(0)};
}

std::string LengthEstimate::prompt_of(int64_t tokens, int64_t number) const {
  PromptPlan plan{.workload = spec_.workload,
                  .nonce = "calibration",
                  .api = spec_.endpoint.api,
                  .needs = {{.count = number + 1}},
                  .bytes_per_token = found_.bytes_per_token,
                  .threads = 1,
                  .interrupts = interrupts_};
  plan.workload.input_tokens = TokenCount{.fixed = tokens};
  plan.workload.seed = spec_.workload.seed + 1;  // none of the run's: a cache would know them
  plan.workload.prefix_tokens = 0;
  plan.overhead_tokens = found_.overhead_tokens.value_or(0);
  return PromptSource(std::move(plan), found_.tokenizer).build(number, 1).prompts.front().text;
}

void LengthEstimate::take_time(const RequestRecord& answer) {
  const int64_t more = std::max<int64_t>(0, tokens_in(answer, probe_tokens_) - 1);
  const Duration of_a_probe = found_.first_token_time + found_.time_per_token * more;
  found_.prompt_time = std::max(Duration(0), (*answer.end - *answer.sent) - of_a_probe);
}

void LengthEstimate::take(const std::vector<Count>& counts) {
  double bytes = 0;
  double tokens = 0;
  for (const Count& count : counts) {
    bytes += static_cast<double>(count.bytes);
    tokens += static_cast<double>(count.tokens);
  }
  constexpr double kFewest = 1;
  constexpr double kMost = 16;
  const double ratio = bytes / tokens;
  if (ratio >= kFewest && ratio <= kMost) found_.bytes_per_token = ratio;
}

}  // namespace llmsweep
