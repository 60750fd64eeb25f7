#include "llmsweep/results/result_file.h"

#include "llmsweep/base/files.h"
#include "llmsweep/base/json_error.h"
#include "llmsweep/base/secrets.h"
#include "llmsweep/base/text.h"
#include "results/result_fields.h"

namespace llmsweep {
namespace {

constexpr size_t kMaxBytes = size_t{64} << 20;
constexpr int kMaxDepth = 64;

// What lies beside a result and is taken for it, by its first line; empty: none of that.
std::string other_kind(std::string_view text) {
  const std::string_view line = trim(text.substr(0, text.find('\n')));
  if (line.starts_with('<')) return "is a page or a figure";
  if (line.starts_with('{') && line.ends_with('}')) return "holds records, one JSON object a line";
  const bool is_yaml = line.ends_with(':') || line.find(": ") != std::string_view::npos;
  if (is_yaml && !line.starts_with('{')) return "is YAML, as specs are";
  return {};
}

Json parse_limited(std::string_view text, const std::string& name) {
  bool too_deep = false;
  const auto limit_depth = [&](int depth, Json::parse_event_t, Json&) {
    too_deep = too_deep || depth > kMaxDepth;
    return !too_deep;
  };
  const auto refuse = [&](std::string what, std::string next) {
    throw Error({.what = std::move(what), .where = name, .next = std::move(next)});
  };
  if (text.size() > kMaxBytes) refuse("larger than 64 MiB", "is it the right file?");
  try {
    Json json = Json::parse(text, limit_depth);
    if (too_deep) refuse("nested deeper than " + std::to_string(kMaxDepth) + " levels", "");
    return json;
  } catch (const Json::exception& error) {
    const std::string kind = other_kind(text);
    if (!kind.empty()) {
      refuse(kind + ", and is no result", "name the result.json beside it, or its folder");
    }
    refuse("not valid JSON" + json_error_place(error.what()),
           "was it cut short? llmsweep writes result.json whole or not at all");
  }
  return {};
}

void check_version(const FilePlace& root) {
  const auto version = root.value.find("schema_version");
  if (version == root.value.end()) {
    root.fail("has no schema_version: not a result of llmsweep",
              "bring other tools' files in with llmsweep import");
  }
  int number = 0;
  decode(root.member(*version, "schema_version"), number);
  if (number > kResultSchemaVersion) {
    root.fail("has schema_version " + std::to_string(number) + ", this program reads up to " +
                  std::to_string(kResultSchemaVersion),
              "update llmsweep");
  }
  if (number < 1) root.fail("schema_version must be at least 1");
}

// Concurrency 0 stands for one that is not known, which only published data may have.
void check_levels(const FilePlace& root, const SweepResult& result) {
  const int least = result.source == Source::kPublished ? 0 : 1;
  for (size_t i = 0; i < result.levels.size(); ++i) {
    const LoadPoint point = result.levels[i].point;
    const std::string where = "levels[" + std::to_string(i) + "].concurrency";
    if (point.value < least && point.kind == LoadKind::kConcurrency) {
      root.member(root.value, where).fail("must be at least " + std::to_string(least));
    }
    if (i > 0 && point <= result.levels[i - 1].point) {
      root.member(root.value, where).fail("levels must have ascending, different concurrencies");
    }
  }
}

// Where nobody stated the GPUs there is no figure per GPU, not one of 0.
void leave_out_figures_per_gpu(Json& body) {
  for (Json& users : body["users_at_target"]) users["users_per_gpu"] = nullptr;
  for (Json& rate : body["rates_at_target"]) rate["rate_per_gpu_rps"] = nullptr;
}

}  // namespace

std::string result_to_json(const SweepResult& result) {
  SweepResult copy = result;
  for (auto& [name, value] : copy.provenance.server_headers) {
    if (names_a_secret(name)) value = kRedacted;
  }
  Json body = encode(copy);
  if (copy.system.gpus == 0) leave_out_figures_per_gpu(body);
  Json json = {{"schema_version", kResultSchemaVersion}};
  for (auto& [key, value] : body.items()) {
    json[key] = std::move(value);
    if (key == "model") {
      Json spec = Json::parse(result.spec_json, nullptr, false);
      json["spec"] = spec.is_discarded() ? Json() : std::move(spec);
    }
  }
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

SweepResult parse_result(std::string_view text, const std::string& name) {
  const Json json = parse_limited(text, name);
  const FilePlace root{json, name, {}};
  if (!json.is_object()) root.fail("must hold one JSON object");
  check_version(root);
  SweepResult result;
  decode(root, result);
  check_levels(root, result);
  if (const auto spec = json.find("spec"); spec != json.end()) result.spec_json = spec->dump(2);
  return result;
}

SweepResult read_result(const std::filesystem::path& path) {
  return parse_result(read_file(path, kMaxBytes), path.string());
}

void write_result(const std::filesystem::path& path, const SweepResult& result) {
  write_file_atomically(path, result_to_json(result));
}

}  // namespace llmsweep
