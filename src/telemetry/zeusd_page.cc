#include "llmsweep/telemetry/zeusd_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace llmsweep {
namespace {

using ZeusdJson = nlohmann::ordered_json;

// A GPU's index: what may stand in a label as it is.
bool is_index(std::string_view text) {
  return !text.empty() && text.size() <= 9 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

void add(std::string& page, const char* name, const std::string& gpu, const ZeusdJson& value) {
  if (is_index(gpu) && value.is_number()) {
    page += fmt::format("zeusd_{}{{gpu=\"{}\"}} {}\n", name, gpu, value.dump());
  }
}

}  // namespace

std::string zeusd_page(std::string_view answer) {
  std::string page;
  if (!answer.starts_with('{')) return page;
  const ZeusdJson json = ZeusdJson::parse(answer, nullptr, false);
  if (!json.is_object()) return page;
  if (const auto power = json.find("power_mw"); power != json.end() && power->is_object()) {
    for (const auto& [gpu, value] : power->items()) add(page, "power_mw", gpu, value);
    return page;
  }
  for (const auto& [gpu, reading] : json.items()) {
    if (reading.is_object() && reading.contains("energy_mj")) {
      add(page, "energy_mj", gpu, reading["energy_mj"]);
    }
  }
  return page;
}

}  // namespace llmsweep
