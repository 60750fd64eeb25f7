#include "llmsweep/spec/spec_file.h"

#include "llmsweep/base/config.h"
#include "llmsweep/base/files.h"
#include "llmsweep/base/text.h"
#include "llmsweep/model/names.h"
#include "spec/spec_read.h"

namespace llmsweep {
namespace {

constexpr size_t kMaxSpecBytes = size_t{4} << 20;

SweepSpec resolve(ConfigNode root, const std::filesystem::path& path,
                  const std::vector<std::string>& sets) {
  for (const std::string& set : sets) {
    const size_t equals = set.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw Error({.what = "needs the form key.path=value",
                   .where = "--set " + printable(set.substr(0, equals), 100),
                   .next = "as in --set load.repeats=1"});
    }
    root.set(set.substr(0, equals), set.substr(equals + 1));
  }
  return read_spec(root, SpecPaths(path.parent_path()));
}

}  // namespace

SweepSpec load_spec(const std::filesystem::path& path, const std::vector<std::string>& sets) {
  if (path == "-")
    return parse_spec(read_file("/dev/stdin", kMaxSpecBytes), "standard input", sets);
  return resolve(ConfigNode::parse_file(path), path, sets);
}

SweepSpec parse_spec(std::string_view text, const std::string& name,
                     const std::vector<std::string>& sets) {
  return resolve(ConfigNode::parse(text, name), name, sets);
}

SweepSpec parse_recorded_spec(std::string_view json, const std::string& name) {
  return read_spec(ConfigNode::parse(json, name), SpecPaths());
}

SystemSpec load_system(const std::filesystem::path& path) {
  return read_system(ConfigNode::parse_file(path)["system"]);
}

PriceSpec load_prices(const std::filesystem::path& path) {
  return read_prices(ConfigNode::parse_file(path)["endpoint"]["prices"]);
}

}  // namespace llmsweep
