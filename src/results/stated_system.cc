#include "llmsweep/results/stated_system.h"

#include "results/result_fields.h"

namespace llmsweep {

SystemSpec stated_over(const SystemSpec& stated, SystemSpec system) {
  SystemSpec copy = stated;  // fields are visited as members to write
  SystemSpec nothing;
  const Json defaults = encode(nothing);
  const Json said = encode(copy);
  Json merged = encode(system);
  for (const auto& [key, value] : said.items()) {
    const auto usual = defaults.find(key);  // none of what is written only where it is stated
    if (usual == defaults.end() || value != *usual) merged[key] = value;
  }
  decode({.value = merged, .file = "the system", .path = {}}, system);
  return system;
}

}  // namespace llmsweep
