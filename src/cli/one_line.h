// A URL in place of a run spec, and the options that say the rest: `run`, `check` and `init`.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/console.h"
#include "llmsweep/base/interrupt.h"
#include "llmsweep/model/spec.h"
#include "llmsweep/sweep/preflight.h"

namespace CLI {
class App;
}

namespace llmsweep {

struct OneLine {
  std::string concurrency;
  std::string rate;
  std::string input_tokens;
  std::string output_tokens;
  std::string requests;  // measured ones of a level, all slots together
  std::string repeats;
  std::string gpus;
  std::vector<std::string> targets;
  std::string model;
  std::string key_env;
  std::string name;
  std::string api;
};

void add_one_line(CLI::App& command, OneLine& options);

bool is_url(std::string_view spec);

// The spec that `options` and then `sets` ask for; what they do not say has its default here. A URL
// without a path gets /v1. Throws Error, also where `options` stand beside a spec that is a file.
SweepSpec one_line_spec(const std::string& url, const OneLine& options,
                        const std::vector<std::string>& sets);
// Of a spec that is no URL.
void require_none(const std::string& spec, const OneLine& options);

// The same, completed by what the check of the endpoint says, which holds what a user should know
// of that in its notes.
struct Completed {
  SweepSpec spec;
  Preflight preflight;
};
Completed complete_one_line(const std::string& url, const OneLine& options,
                            const std::vector<std::string>& sets, const Interrupts& interrupts,
                            const Patience& patience, Console& console);

}  // namespace llmsweep
