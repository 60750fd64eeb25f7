// The command line as it is kept with what it made.
#pragma once

#include <string>
#include <vector>

namespace llmsweep {

// "llmsweep run spec.yaml --set 'load.concurrency=[1, 8]'": `args` as a shell takes them again.
// What may hold a credential (a header, a field of extra_body, a key that is called so) is
// "<redacted>".
std::string command_line(const std::vector<std::string>& args);

}  // namespace llmsweep
