#include <cstdlib>
#include <string>

#include "fuzz/targets.h"
#include "llmsweep/base/config.h"
#include "llmsweep/base/error.h"
#include "llmsweep/base/secrets.h"
#include "llmsweep/spec/spec_file.h"

namespace llmsweep {
namespace {

void read_config(std::string_view input) {
  try {
    ConfigNode root = ConfigNode::parse(input, "input");
    root.to_json();
    root.set("a.b[0]", std::string(input));
    root.to_json();
  } catch (const Error&) {
  }
}

}  // namespace

void fuzz_spec(std::string_view input) {
  read_config(input);
  SweepSpec spec;
  try {
    spec = parse_spec(input, "input", {});
  } catch (const Error&) {
    return;
  }
  // What was accepted reads back as the same, but for what was redacted.
  const std::string json = spec_to_json(spec);
  const SweepSpec again = parse_spec(json, "resolved.json", {});
  if (json.find(kRedacted) == std::string::npos && !(again == spec)) std::abort();
  if (spec_to_json(again) != json) std::abort();
}

}  // namespace llmsweep
