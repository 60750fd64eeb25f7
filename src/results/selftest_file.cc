#include "llmsweep/results/selftest_file.h"

#include "results/json_archive.h"

namespace llmsweep {
namespace {

constexpr size_t kMaxSelftestBytes = size_t{1} << 20;

}  // namespace

template <class Archive>
void fields(Archive& archive, SelftestStep& value) {
  archive("streams", value.load.streams);
  archive("chunks_per_stream_s", value.load.chunks_per_stream_s);
  archive("chunks_per_s", value.chunks_per_s);
  archive("chunks", value.chunks);
  archive("unaccounted", value.unaccounted);
  archive("stamp_error_p50_us", value.stamp_error_p50_us);
  archive("stamp_error_p99_us", value.stamp_error_p99_us);
  archive("receive_stamps", value.receive_stamps);
  archive("receive_delay_p50_us", value.receive_delay_p50_us);
  archive("receive_delay_p99_us", value.receive_delay_p99_us);
  archive("receive_sampling_share", value.receive_sampling_share);
  archive("slot_gap_p50_us", value.slot_gap_p50_us);
  archive("slot_gap_p99_us", value.slot_gap_p99_us);
  archive("busy_fraction", value.busy_fraction);
  archive("cpu_us_per_chunk", value.cpu_us_per_chunk);
  archive("limits", value.limits);
  archive("trusted", value.trusted);
}

template <class Archive>
void fields(Archive& archive, Selftest& value) {
  archive("tool", value.tool);
  archive("created_at", value.created_at);
  archive("host", value.host);
  archive("cores", value.cores);
  archive("kernel", value.kernel);
  archive("tls", value.tls);
  archive("in_step", value.in_step);
  archive("steps", value.steps);
}

std::string selftest_to_json(const Selftest& selftest) {
  Selftest copy = selftest;
  Json json = encode(copy);
  const SelftestStep* highest = highest_trusted(selftest);
  const SelftestCeiling ceiling = ceiling_of(selftest);
  json["trusted_streams"] = highest != nullptr ? Json(highest->load.streams) : Json();
  json["trusted_chunks_per_s"] = highest != nullptr ? Json(highest->chunks_per_s) : Json();
  json["ceiling_chunks_per_s"] = ceiling.chunks_per_s;
  json["ceiling_at_least"] = ceiling.at_least;
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Selftest parse_selftest(std::string_view text, const std::string& name) {
  const Json json = text.size() > kMaxSelftestBytes
                        ? Json()
                        : Json::parse(text, nullptr, /*allow_exceptions=*/false);
  const FilePlace root{json, name, {}};
  if (!json.is_object() || !json.contains("steps")) {
    root.fail("holds no self-test", "make one with llmsweep selftest");
  }
  Selftest selftest;
  decode(root, selftest);
  return selftest;
}

std::filesystem::path selftest_path(const std::function<const char*(const char*)>& get_env) {
  const auto folder = [&](const char* name) -> std::filesystem::path {
    const char* value = get_env(name);
    // The XDG rules: a relative path is to be ignored.
    return value != nullptr && *value == '/' ? value : "";
  };
  if (const auto state = folder("XDG_STATE_HOME"); !state.empty()) {
    return state / "llmsweep" / "selftest.json";
  }
  const auto home = folder("HOME");
  return home.empty() ? home : home / ".local" / "state" / "llmsweep" / "selftest.json";
}

}  // namespace llmsweep
