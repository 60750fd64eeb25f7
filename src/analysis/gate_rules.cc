// Rules as people write them.
#include "llmsweep/analysis/gate.h"

#include <fmt/format.h>

#include <algorithm>

#include "llmsweep/base/error.h"
#include "llmsweep/base/text.h"
#include "llmsweep/model/names.h"
#include "llmsweep/model/target.h"

namespace llmsweep {
namespace {

constexpr size_t kMaxRuleBytes = 400;

// One rule while it is read; every error names the whole of it.
class RuleReader {
 public:
  RuleReader(std::string_view text, const char* example) : text_(trim(text)), example_(example) {
    if (text_.empty()) fail("a rule is empty");
    if (text_.size() > kMaxRuleBytes) fail("a rule is longer than 400 characters");
  }

  [[noreturn]] void fail(const std::string& what, const std::string& next = {}) const {
    throw Error({.what = what,
                 .where = fmt::format("rule '{}'", printable(text_)),
                 .next = next.empty() ? fmt::format("a rule looks like '{}'", example_) : next});
  }

  std::string_view text() const { return text_; }

  // A share: "3%" or "0.03".
  double share(std::string_view word) const {
    const bool percent = word.ends_with('%');
    if (percent) word.remove_suffix(1);
    const auto value = parse_double(trim(word));
    if (!value || !(*value >= 0) || *value > (percent ? 100 : 1)) {
      fail(fmt::format("'{}' is not a share", printable(word)), "write 3% or 0.03");
    }
    return percent ? *value / 100 : *value;
  }

  double value(std::string_view word, const GateRule& rule) const {
    const Quantity& quantity = *rule.measure.quantity;
    switch (quantity.unit) {
      case Unit::kMilliseconds: {
        const auto duration = parse_duration(word);
        if (!duration || duration->count() <= 0) {
          fail(fmt::format("'{}' is not a duration", printable(word)), "write 15s or 200ms");
        }
        return to_ms(*duration);
      }
      case Unit::kShare:
      case Unit::kScore:
        return share(word);
      case Unit::kTokensPerSecond:
      case Unit::kTokensPerSecondPerMs:
      case Unit::kRequestsPerSecond:
      case Unit::kInputsPerSecond:
      case Unit::kRequests:
      case Unit::kTokens:
      case Unit::kSeconds:
      case Unit::kUsers:
      case Unit::kMoney:
      case Unit::kJoulesPerToken:
      case Unit::kTokensPerSecondPerMw:
      case Unit::kUsersPerGpu:
        break;
    }
    const auto number = parse_double(word);
    if (!number || !(*number > 0) || *number > 1e15) {
      fail(fmt::format("'{}' is not a positive number", printable(word)),
           fmt::format("{} has no unit here: it is in {}", quantity.key, name_of(quantity.unit)));
    }
    return *number;
  }

 private:
  std::string_view text_;
  const char* example_;
};

template <class Enum>
Enum enum_of(const RuleReader& reader, std::string_view word, const char* what) {
  const auto value = from_name<Enum>(word);
  if (!value) {
    reader.fail(fmt::format("no {} '{}'", what, printable(word)),
                suggestion(word, all_names<Enum>()));
  }
  return *value;
}

void read_levels(const RuleReader& reader, std::string_view text, GateRule& rule) {
  if (text == "all") {
    rule.all_levels = true;
    return;
  }
  for (const std::string& word : split(text, ',')) {
    const auto point = parse_load_point(trim(word));
    if (!point) {
      reader.fail(
          fmt::format("'@{}' names no level", printable(text)),
          "write @c8 for concurrency 8, @r2.5 for 2.5 requests/s, @c1,c8 for two levels, or "
          "@all");
    }
    rule.levels.push_back(*point);
  }
}

// "gold", which a spec's targets may be called; nothing that begins a target or names a level.
bool may_be_tier(std::string_view text) {
  return !text.empty() && text.find_first_of(":+") == text.npos && text != "all" &&
         text != kDecodeSpeed && !parse_load_point(text) && !parse_duration(text) &&
         !from_name<Metric>(text);
}

void read_users_target(const RuleReader& reader, std::string_view text, GateRule& rule) {
  if (may_be_tier(text)) {
    rule.tier = std::string(text);
    return;
  }
  try {
    rule.users_target = parse_target(text);
  } catch (const Error& error) {
    const ErrorText& said = error.text();
    reader.fail(fmt::format("{} in '@{}'", said.what, printable(text)),
                said.next.empty() ? "write users_per_gpu@e2e:p50:15s" : said.next);
  }
}

// Null: nothing is called so, or it needs more than its name.
const Quantity* gated_quantity(std::string_view word) {
  if (word == "steady_output_throughput") word = "steady_throughput";
  const Quantity* quantity = find_quantity(word);
  return quantity != nullptr && quantity->better && quantity->unit != Unit::kScore ? quantity
                                                                                   : nullptr;
}

// "e2e:p50@c8", "throughput@all", "users@e2e:p50:15s", "quality:NAME".
void read_quantity(const RuleReader& reader, std::string_view text, GateRule& rule) {
  if (text.starts_with("quality:")) {
    rule.measure = measure_of("quality");
    rule.benchmark = std::string(trim(text.substr(8)));
    if (rule.benchmark.empty()) reader.fail("'quality:' names no benchmark");
    return;
  }
  const size_t at = text.find('@');
  const std::string_view name = trim(text.substr(0, at));
  const std::string_view place = at == text.npos ? "" : trim(text.substr(at + 1));
  const size_t colon = name.find(':');
  const std::string_view word = name.substr(0, colon);
  const Quantity* quantity = gated_quantity(word);
  const bool is_latency = quantity != nullptr && quantity->distribution != nullptr;
  if (quantity == nullptr || (!is_latency && colon != name.npos)) {
    reader.fail(fmt::format("nothing is called '{}'", printable(name)),
                suggestion(word, gate_quantities()));
  }
  rule.measure = {quantity};
  if (is_latency && colon != name.npos) {
    rule.measure.statistic = enum_of<Statistic>(reader, name.substr(colon + 1), "statistic");
  }
  if (quantity->of_target()) {
    read_users_target(reader, place, rule);
    return;
  }
  if (place.empty()) {
    reader.fail(fmt::format("'{}' names no level", printable(text)),
                fmt::format("write {0}@c8 for concurrency 8, or {0}@all", printable(name)));
  }
  read_levels(reader, place, rule);
}

bool less_is_better(const GateRule& rule) {
  return rule.measure.quantity->better == Direction::kLowerIsBetter;
}

Comparator sensible_comparator(const GateRule& rule) {
  return less_is_better(rule) ? Comparator::kAtMost : Comparator::kAtLeast;
}

}  // namespace

std::vector<std::string> gate_quantities() {
  std::vector<std::string> names;
  for (const Quantity& quantity : quantities()) {
    if (quantity.better) names.emplace_back(quantity.key);
  }
  return names;
}

GateRule parse_require(std::string_view text) {
  const RuleReader reader(text, "e2e:p50@c8 <= 15s");
  GateRule rule{.text = std::string(reader.text())};
  std::string_view rest = reader.text();
  const size_t op = rest.find_first_of("<>");
  if (op == rest.npos || op + 1 >= rest.size() || rest[op + 1] != '=') {
    reader.fail("a requirement needs <= or >=");
  }
  rule.comparator = rest[op] == '<' ? Comparator::kAtMost : Comparator::kAtLeast;
  read_quantity(reader, trim(rest.substr(0, op)), rule);
  if (rule.comparator != sensible_comparator(rule)) {
    const bool lower = less_is_better(rule);
    reader.fail(fmt::format("a {} {} is better: only the other side can be required",
                            lower ? "lower" : "higher", rule.measure.quantity->key),
                lower ? "write <=" : "write >=");
  }
  rest = trim(rest.substr(op + 2));
  if (const size_t at = rest.find(" tolerance "); at != rest.npos) {
    rule.tolerance = reader.share(trim(rest.substr(at + 11)));
    rest = trim(rest.substr(0, at));
  }
  rule.target = reader.value(rest, rule);
  return rule;
}

GateRule parse_no_worse(std::string_view text) {
  const RuleReader reader(text, "e2e:p50@c8 by 3%");
  GateRule rule{.text = std::string(reader.text()), .no_worse = true};
  const size_t by = reader.text().rfind(" by ");
  if (by == std::string_view::npos) reader.fail("'by' and how much worse is still fine is missing");
  read_quantity(reader, trim(reader.text().substr(0, by)), rule);
  rule.comparator = sensible_comparator(rule);
  rule.tolerance = reader.share(trim(reader.text().substr(by + 4)));
  return rule;
}

}  // namespace llmsweep
