#include "cli/sharing.h"

#include <pwd.h>
#include <unistd.h>

#include <cstdlib>

namespace llmsweep {

void add_share(CLI::App& command, bool& share) {
  command.add_flag("--share", share,
                   "Leave out hosts, addresses, URLs, paths, headers and users' names");
}

Sharing sharing_of(const SweepResult& result) {
  std::vector<std::string> names;
  for (const char* variable : {"USER", "LOGNAME", "HOME"}) {
    if (const char* value = std::getenv(variable)) names.emplace_back(value);
  }
  if (const passwd* user = getpwuid(geteuid())) {
    names.emplace_back(user->pw_name);
    names.emplace_back(user->pw_dir);
  }
  return Sharing(result, names);
}

}  // namespace llmsweep
