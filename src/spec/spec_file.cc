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

[[noreturn]] void bad_target(std::string_view text, std::string what, std::string next) {
  throw Error({.what = std::move(what),
               .where = "target '" + printable(text, 60) + "'",
               .next = std::move(next)});
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

Target parse_target(std::string_view text) {
  const std::vector<std::string> parts = split(text, ':');
  if (parts.size() != 3) {
    bad_target(text, "needs three parts, metric:statistic:limit", "as in e2e:p50:15s");
  }
  const auto metric = from_name<Metric>(trim(parts[0]));
  if (!metric) {
    bad_target(text, "'" + printable(parts[0], 60) + "' is no metric",
               suggestion(parts[0], all_names<Metric>()));
  }
  const auto statistic = from_name<Statistic>(trim(parts[1]));
  if (!statistic) {
    bad_target(text, "'" + printable(parts[1], 60) + "' is no statistic",
               suggestion(parts[1], all_names<Statistic>()));
  }
  const std::optional<Duration> max = parse_duration(trim(parts[2]));
  if (!max || max->count() <= 0) {
    bad_target(text, "the limit must be a duration with a unit", "as in 15s or 200ms");
  }
  return {.metric = *metric, .statistic = *statistic, .max = *max};
}

std::string format_target(const Target& target) {
  return std::string(name_of(target.metric)) + ":" + std::string(name_of(target.statistic)) + ":" +
         format_duration(target.max);
}

}  // namespace llmsweep
