// What is written of the spec's keys for people and editors, from the list
// include/llmsweep/model/spec_keys.h.
#pragma once

#include <map>
#include <string>

namespace llmsweep {

// configs/llmsweep-spec.schema.json.
std::string spec_schema();

// The rows of docs/spec.md by the section that they stand in ("": the top level), headings of the
// table included.
std::map<std::string, std::string> spec_tables();

// The keys that a resume may change, as docs/spec.md lists them.
std::string resumable_keys();

}  // namespace llmsweep
