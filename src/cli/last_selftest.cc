#include "cli/last_selftest.h"

#include <unistd.h>

#include <cstdlib>
#include <ostream>

#include "llmsweep/base/error.h"
#include "llmsweep/base/files.h"
#include "llmsweep/results/selftest_file.h"

namespace llmsweep {
namespace {
namespace fs = std::filesystem;

fs::path state_file() {
  return selftest_path([](const char* name) { return std::getenv(name); });
}

std::string this_host() {
  std::string name(256, '\0');
  if (gethostname(name.data(), name.size() - 1) != 0) return {};
  name.resize(name.find('\0'));
  return name;
}

// Made here: a home folder may be shared by machines. A file that cannot be read is none.
std::optional<Selftest> read_last() {
  const fs::path path = state_file();
  std::error_code ignored;
  if (path.empty() || !fs::is_regular_file(path, ignored)) return std::nullopt;
  try {
    Selftest selftest = parse_selftest(read_file(path), path.string());
    if (selftest.host == this_host()) return selftest;
  } catch (const Error&) {
    return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

void keep_selftest(const Selftest& selftest, Console& console) {
  const fs::path path = state_file();
  if (path.empty()) {
    console.err << "note: neither XDG_STATE_HOME nor HOME is set: the verdict is not kept\n";
    return;
  }
  try {
    std::error_code reported_by_the_write;
    fs::create_directories(path.parent_path(), reported_by_the_write);
    write_file_atomically(path, selftest_to_json(selftest));
  } catch (const Error& error) {
    console.err << "note: the verdict is not kept: " << error.what() << '\n';
  }
}

std::string last_selftest_says(const PlannedLoad& planned) {
  return selftest_sentence(read_last(), planned);
}

}  // namespace llmsweep
