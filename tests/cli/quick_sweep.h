// Endpoints and specs that make a sweep of a second or less.
#pragma once

#include <filesystem>
#include <string>

#include "llmsweep/base/files.h"
#include "llmsweep/simulator/profile.h"

namespace llmsweep {

// A step of a millisecond, and the dialect's own habits.
inline SimulatorProfile quick_profile(Dialect dialect) {
  SimulatorProfile profile;
  profile.dialect = dialect;
  profile.wire = wire_defaults(dialect);
  profile.engine.step = {.base = std::chrono::milliseconds(1)};
  profile.tokens.natural_mean = 12;
  profile.tokens.natural_stddev = 1;  // no answer ends before a fault strikes in its midst
  return profile;
}

// spec.yaml in `folder`, which starts the simulator by itself: alone, a request takes about 3 ms a
// token. `load` is the value of that key; `rest` follows it.
inline std::filesystem::path write_quick_spec(const std::filesystem::path& folder,
                                              const std::string& load, int output_tokens,
                                              const std::string& rest = {}) {
  const std::filesystem::path profile = folder / "profile.yaml";
  write_file_atomically(profile,
                        "engine:\n"
                        "  step: {base_ms: 2, per_prefill_token_us: 1, per_sequence_us: 100}\n"
                        "  max_batch_size: 8\n");
  write_file_atomically(folder / "spec.yaml",
                        "name: test\nsystem: {gpus: 2}\nendpoint: {simulator: " + profile.string() +
                            "}\nworkload: {input_tokens: 50, output_tokens: " +
                            std::to_string(output_tokens) + "}\nload: " + load + "\n" + rest);
  return folder / "spec.yaml";
}

}  // namespace llmsweep
