#include "import/import_facts.h"

#include <algorithm>
#include <initializer_list>

#include "llmsweep/base/text.h"

namespace llmsweep::foreign {
namespace {

bool is_one_of(std::string_view key, std::initializer_list<std::string_view> keys) {
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

bool holds_one_of(std::string_view key, std::initializer_list<std::string_view> parts) {
  return std::any_of(parts.begin(), parts.end(), [key](std::string_view part) {
    return key.find(part) != std::string_view::npos;
  });
}

// "prefill_tp" is "tp" of a role.
std::string_view without_role(std::string_view key) {
  for (const std::string_view role : {"prefill_", "decode_", "num_prefill_", "num_decode_"}) {
    if (key.starts_with(role)) return key.substr(role.size());
  }
  return key;
}

// Sizes of a system or of a workload; other whole numbers are figures.
bool is_size(std::string_view key) {
  const std::string_view part = without_role(key);
  return is_one_of(part, {"tp",        "pp",          "ep",      "dp",       "cp",        "dcp",
                          "pcp",       "gpu",         "gpus",    "num_gpus", "num_gpu",   "n_gpus",
                          "gpu_count", "num_workers", "workers", "replicas", "num_nodes", "nodes",
                          "isl",       "osl",         "tp_size", "pp_size",  "ep_size",   "dp_size",
                          "cp_size",   "dcp_size",    "pcp_size"}) ||
         holds_one_of(part, {"parallel", "batch_size", "max_num_", "max_batch", "num_speculative"});
}

bool names_the_run(std::string_view key) {
  return is_one_of(key, {"conc", "users", "id"}) || key.ends_with("_id") ||
         holds_one_of(key, {"date", "time", "url", "path", "file", "conclusion", "status", "title",
                            "sha", "reason", "label", "run_"});
}

bool names_a_part(std::string_view key) {
  if (key.starts_with("spec_decode_")) return false;  // figures of speculative decoding
  return is_size(key) ||
         is_one_of(key, {"hw", "gpu_type", "device", "accelerator", "framework", "engine", "role",
                         "mtp", "image", "router", "precision", "backend", "dp_attention"}) ||
         holds_one_of(key,
                      {"offload", "spec_", "specul", "disagg", "quant", "dtype", "dp_attention",
                       "prefix_cach", "chunked_prefill", "kv_cache_", "moe", "eagle"});
}

bool is_word(const Json& value) {
  return value.is_string() || value.is_boolean();
}

bool is_whole(const Json& value) {
  return value.is_number_integer() || value.is_number_unsigned();
}

bool is_named(const Json& value) {  // {"name": "mooncake", "version": "0.3"}
  return value.is_object() && !value.empty() &&
         std::all_of(value.begin(), value.end(),
                     [](const Json& item) { return item.is_string() || item.is_null(); });
}

std::string text_of(const Json& value) {
  if (value.is_string()) return std::string(trim(value.get_ref<const std::string&>()));
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

Facts facts_of_row(const Json& row) {
  Facts facts;
  if (!row.is_object()) return facts;
  for (const auto& [key, value] : row.items()) {
    if (names_the_run(key)) continue;
    if (is_word(value) || (is_size(key) && is_whole(value)) || is_named(value)) {
      facts[key] = text_of(value);
    }
  }
  return facts;
}

Facts facts_of_metadata(const Json& file) {
  Facts facts;
  if (!file.is_object()) return facts;
  for (const auto& [key, value] : file.items()) {
    if (!names_a_part(key)) continue;
    if (is_word(value) || is_whole(value) || is_named(value)) facts[key] = text_of(value);
  }
  return facts;
}

bool says_none(std::string_view value) {
  std::string small(value);
  for (char& c : small) c = 'A' <= c && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return is_one_of(small,
                   {"", "none", "off", "false", "no", "null", "0", "disabled", "n/a", "na", "-"});
}

}  // namespace llmsweep::foreign
