#include "llmsweep/results/versus_file.h"

#include "llmsweep/base/files.h"
#include "results/json_archive.h"

namespace llmsweep {

namespace {

constexpr size_t kMaxVersusBytes = size_t{64} << 20;  // with its comparison

}  // namespace

template <class Archive>
void fields(Archive& archive, VersusPlan& value) {
  archive("tool", value.tool);
  archive("created_at", value.created_at);
  archive("id", value.id);
  archive("rounds", value.rounds);
  archive("order", value.order);
  archive("seed", value.seed);
  archive("nonce", value.nonce);
}

std::string versus_to_json(const VersusPlan& plan, std::string_view comparison) {
  VersusPlan copy = plan;
  Json json = encode(copy);
  Json compared = Json::parse(comparison);
  json["comparison"] = compared.is_array() && compared.size() == 1 ? compared[0] : compared;
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

VersusPlan parse_versus(std::string_view text, const std::string& name) {
  const Json json = text.size() > kMaxVersusBytes
                        ? Json()
                        : Json::parse(text, nullptr, /*allow_exceptions=*/false);
  const FilePlace place{json, name, ""};
  if (!json.is_object() || !json.contains("id") || !json.contains("rounds")) {
    place.fail("is no versus.json", "give the folder that 'llmsweep versus' wrote");
  }
  VersusPlan plan;
  decode(place, plan);
  if (plan.rounds < 1 || plan.rounds > 1'000) place.fail("rounds must be from 1 to 1000");
  return plan;
}

VersusPlan read_versus(const std::filesystem::path& path) {
  return parse_versus(read_file(path, kMaxVersusBytes), path.string());
}

}  // namespace llmsweep
