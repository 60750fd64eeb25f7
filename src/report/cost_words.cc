#include "report/cost_words.h"

#include <fmt/format.h>

#include <optional>

#include "llmsweep/base/text.h"
#include "llmsweep/model/describe.h"
#include "llmsweep/model/names.h"

namespace llmsweep::report {
namespace {

constexpr size_t kLongestSource = 120;

std::string who_says(const std::string& source, const std::string& date) {
  return fmt::format("{}, {}", printable(source, kLongestSource), printable(date, 10));
}

std::string cost_sentence(const OperatingPoint& point, const SweepResult& result) {
  const std::string begin = fmt::format("at {}: ", text_of(point.point));
  if (!point.cost_per_million_output_tokens) {
    if (point.cost_missing == "price_not_stated") return {};
    std::string reason = point.cost_missing;
    for (char& c : reason) c = c == '_' ? ' ' : c;
    return begin + "no cost of tokens: " + reason;
  }
  const PriceSpec& prices = *result.prices;
  const std::string currency = printable(prices.currency, 20);
  std::string text =
      begin + fmt::format("{} {} for 1M output tokens",
                          format_significant(*point.cost_per_million_output_tokens), currency);
  if (const auto& interval = point.cost_per_million_output_tokens_ci95) {
    text += fmt::format(" [{}, {}]", format_significant(interval->low),
                        format_significant(interval->high));
  }
  if (point.cost_per_million_tokens) {
    text += fmt::format(", {} for 1M input and output tokens",
                        format_significant(*point.cost_per_million_tokens));
  }
  if (point.cost_at_utilisation) {
    text += fmt::format("; {} for 1M output tokens at a utilisation of {} %",
                        format_significant(*point.cost_at_utilisation),
                        format_significant(prices.utilisation.value_or(1) * 100));
  }
  return text + fmt::format(" ({} {} a GPU-hour: {})", format_significant(*prices.gpu_hour),
                            currency, who_says(prices.source, prices.date));
}

std::string error_text(const EnergyAt& energy) {
  if (energy.error) return fmt::format("± {} %", format_significant(*energy.error * 100, 2));
  return energy.error_missing == "not_stated" ? "error not stated" : "no measurement";
}

// "4.02 by the GPUs' counters (± 0.6 %, 249,000 tokens/s/MW)"; empty: of this basis nothing is
// known or asked.
std::string energy_text(const EnergyAt& energy, const PowerSpec& power,
                        const std::string& currency) {
  std::string by;
  std::string source;
  switch (energy.basis) {
    case EnergyBasis::kGpuCounter:
      by = "by the GPUs' counters";
      break;
    case EnergyBasis::kGpuPowerIntegral:
      by = "by the GPUs' power";
      break;
    case EnergyBasis::kNode:
      by = energy.metered ? "by the nodes' meter" : "by the nodes' power as stated";
      source = "; " + (energy.metered ? printable(power.node_source, kLongestSource)
                                      : who_says(power.node_source, power.node_date));
      break;
    case EnergyBasis::kProvisioned:
      by = "provisioned";
      source = "; " + who_says(power.provisioned_source, power.provisioned_date);
      break;
  }
  if (!energy.j_per_output_token) {
    if (energy.missing == "not_read" || energy.missing == "not_stated") return {};
    return fmt::format("none {} ({})", by, energy.missing);
  }
  std::string cost;
  if (energy.cost_per_million_output_tokens) {
    cost = fmt::format(", {} {} of electricity for 1M",
                       format_significant(*energy.cost_per_million_output_tokens), currency);
  }
  return fmt::format("{} {} ({}, {} tokens/s/MW{}{})",
                     format_significant(*energy.j_per_output_token), by, error_text(energy),
                     format_significant(energy.tps_per_mw.value_or(0)), cost, source);
}

std::string energy_sentence(const OperatingPoint& point, const SweepResult& result) {
  const PriceSpec prices = result.prices.value_or(PriceSpec{});
  const std::string currency = printable(prices.currency, 20);
  std::vector<std::string> parts;
  for (const EnergyAt& energy : point.energy) {
    std::string part = energy_text(energy, result.system.power, currency);
    if (!part.empty()) parts.push_back(std::move(part));
  }
  if (parts.empty()) return {};
  std::string text =
      fmt::format("at {}, J per output token: {}", text_of(point.point), join(parts, "; "));
  if (prices.kwh) {
    text += fmt::format(
        " (electricity at {} {} a kWh, PUE {}: {})", format_significant(*prices.kwh), currency,
        format_significant(prices.pue.value_or(1)), who_says(prices.kwh_source, prices.kwh_date));
  }
  return text;
}

}  // namespace

std::vector<std::string> cost_sentences(const SweepResult& result) {
  std::vector<std::string> sentences;
  std::vector<LoadPoint> told;
  const auto tell = [&](const std::optional<OperatingPoint>& point) {
    if (!point) return;
    for (const LoadPoint other : told) {
      if (other == point->point) return;
    }
    told.push_back(point->point);
    for (std::string sentence : {cost_sentence(*point, result), energy_sentence(*point, result)}) {
      if (!sentence.empty()) sentences.push_back(std::move(sentence));
    }
  };
  for (const UsersAtTarget& users : result.users_at_target) tell(users.operating_point);
  for (const RateAtTarget& rate : result.rates_at_target) tell(rate.operating_point);
  return sentences;
}

}  // namespace llmsweep::report
