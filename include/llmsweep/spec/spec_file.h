// Reads run specs (YAML or JSON) into SweepSpec, checks every value, and writes them back resolved.
//
// Keys, types, defaults and units: docs/spec.md. configs/llmsweep-spec.schema.json describes the
// same keys for editors. Every error names file:line:key, or the `--set` that set the value.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "llmsweep/model/spec.h"

namespace llmsweep {

// `sets` are "key.path=value" texts that override the file, in order.
//
// Relative paths inside (dataset, tokenizer, simulator, ca_file) are looked for in the current
// directory, in the spec's folder and up to three folders above it, then among the installed data;
// the SweepSpec holds the path that was found. Throws Error where the spec or a file it names is
// missing or wrong. "-" is standard input.
SweepSpec load_spec(const std::filesystem::path& path, const std::vector<std::string>& sets);

// The same for a text; `name` is what errors call it, its folder is where paths are looked for.
SweepSpec parse_spec(std::string_view text, const std::string& name,
                     const std::vector<std::string>& sets);

// What spec_to_json() wrote, maybe on another machine: files that it names need not be there.
SweepSpec parse_recorded_spec(std::string_view json, const std::string& name);

// Every key that --set takes, as "load.repeats", in the order of docs/spec.md.
std::vector<std::string> spec_key_paths();

// Which keys that spec_hash(asked, recorded) reads differ, one "key: recorded → asked" each; both
// as spec_to_json() writes them.
std::vector<std::string> spec_differences(std::string_view recorded, std::string_view asked);

// Only the `system` part of a spec, which need hold no other. Throws Error.
SystemSpec load_system(const std::filesystem::path& path);
// Only its `endpoint.prices`; none where it states none. Throws Error.
PriceSpec load_prices(const std::filesystem::path& path);

// The spec as JSON, every default written out; parse_spec() reads it back. Values of headers and
// body fields that look like credentials are replaced by "<redacted>".
std::string spec_to_json(const SweepSpec& spec);

// The spec as YAML that people go on with: what is not its default, each key below a comment that
// says what it means. parse_spec() reads it back, but for values that are redacted as above.
std::string spec_to_yaml(const SweepSpec& spec);

// SHA-256 over what decides the measurements: two specs with the same hash ask for the same
// requests of the same system, so one may go on where the other stopped. Name, targets, goodput,
// error limits, grace and the name of the key's variable are not part of it (docs/spec.md lists
// all). As the version computed it that wrote `recorded` with spec_to_json(): keys that this has
// not got are no part of it where they have their default. Empty: this version.
std::string spec_hash(const SweepSpec& spec, std::string_view recorded = {});

}  // namespace llmsweep
