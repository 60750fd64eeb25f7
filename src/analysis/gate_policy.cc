#include "llmsweep/analysis/gate.h"

#include <fmt/format.h>

#include "llmsweep/analysis/compare.h"
#include "llmsweep/base/error.h"
#include "llmsweep/base/text.h"

namespace llmsweep {
namespace {

// "3%" or 0.03.
double share_of(const ConfigNode& node) {
  const std::string text = node.as_string();
  const bool percent = text.ends_with('%');
  const auto value = parse_double(trim(percent ? text.substr(0, text.size() - 1) : text));
  if (!value || !(*value >= 0) || *value > (percent ? 100 : 1)) {
    node.fail(fmt::format("'{}' is not a share", printable(text)), "write 3% or 0.03");
  }
  return percent ? *value / 100 : *value;
}

GateRule rule_of(const ConfigNode& node) {
  const ConfigNode require = node["require"], no_worse = node["no_worse"];
  const ConfigNode name = node["name"], tolerance = node["tolerance"];
  if (require.present() == no_worse.present()) {
    node.fail("a rule has either 'require' or 'no_worse'",
              "write - require: \"e2e:p50@c8 <= 15s\" or - no_worse: \"e2e:p50@c8 by 3%\"");
  }
  const ConfigNode& text = require.present() ? require : no_worse;
  GateRule rule;
  try {
    rule = require.present() ? parse_require(text.as_string()) : parse_no_worse(text.as_string());
  } catch (const Error& error) {
    text.fail(error.text().what, error.text().next);
  }
  if (name.present()) rule.name = name.as_string();
  if (tolerance.present()) {
    if (rule.no_worse || rule.tolerance > 0) {
      tolerance.fail("the rule states its tolerance already", "keep one of the two");
    }
    rule.tolerance = share_of(tolerance);
    rule.text += fmt::format(" tolerance {:g}%", rule.tolerance * 100);
  }
  node.reject_unknown_keys();
  return rule;
}

InconclusiveIs inconclusive_of(const ConfigNode& node) {
  const std::string choice = node.as_choice({"inconclusive", "pass", "fail"});
  if (choice == "pass") return InconclusiveIs::kPass;
  return choice == "fail" ? InconclusiveIs::kFail : InconclusiveIs::kInconclusive;
}

}  // namespace

GatePolicy read_policy(const ConfigNode& node) {
  GatePolicy policy;
  const ConfigNode rules = node["rules"];
  if (!rules.present()) rules.fail("a policy needs rules", "write rules: and one rule a line");
  for (const ConfigNode& rule : rules.items()) policy.rules.push_back(rule_of(rule));
  if (policy.rules.empty()) rules.fail("a policy needs at least one rule");
  if (const auto value = node["inconclusive_is"]; value.present()) {
    policy.inconclusive_is = inconclusive_of(value);
  }
  if (const auto fields = node["allow_different"]; fields.present()) {
    for (const ConfigNode& field : fields.items()) {
      policy.allow_different.push_back(field.as_choice(comparable_fields()));
    }
  }
  if (const auto noise = node["assumed_noise"]; noise.present()) {
    policy.assumed_noise = share_of(noise);
    if (policy.assumed_noise <= 0) noise.fail("no machine is without noise", "write 2%");
  }
  if (const auto noise = node["session_noise"]; noise.present()) {
    policy.session_noise = share_of(noise);
  }
  node.reject_unknown_keys();
  return policy;
}

GatePolicy read_policy_file(const std::filesystem::path& path) {
  return read_policy(ConfigNode::parse_file(path));
}

}  // namespace llmsweep
