#include "llmsweep/spec/spec_file.h"

#include <algorithm>
#include <filesystem>
#include <type_traits>

#include "llmsweep/base/sha256.h"
#include "llmsweep/base/text.h"
#include "llmsweep/model/names.h"
#include "llmsweep/model/spec_keys.h"
#include "spec/spec_write.h"

namespace llmsweep {
namespace {

// A key with its section ("": at the top) and, of paths, the words that are none.
struct PlacedKey {
  std::string section;
  Key key;
  std::vector<std::string> words = {};
  std::string inside = {};  // of paths: the section inside that one; empty: none
};

// The keys that a resume may change, and those that hold a path.
class KeysOfHash {
 public:
  template <class T, class... Kind>
  void operator()(const Key& key, T&, const Kind&...) {
    if (key.resume == Resume::kAllowed) resumable.push_back({section_, key});
  }
  void operator()(const Key& key, std::string& member, const kind::Path& path) {
    add_path(key, member, path.words);
  }
  void operator()(const Key& key, std::string& member, const kind::TokenizerPath&) {
    add_path(key, member, {"server"});
  }
  // A section inside one is resumable as a whole, or not at all.
  template <class T>
  void operator()(const Key& key, T& section, const kind::Section&) {
    if (!section_.empty()) {
      if (key.resume == Resume::kAllowed) resumable.push_back({section_, key});
      if constexpr (std::is_same_v<T, TraceSpec>) add_path_inside(key, {"file", ""});
      if constexpr (std::is_same_v<T, ImagesSpec>) add_path_inside(key, {"files", ""});
      return;
    }
    section_ = key.name;
    keys(*this, section);
    section_.clear();
  }

  std::vector<PlacedKey> resumable;
  std::vector<PlacedKey> paths;

 private:
  void add_path(const Key& key, std::string& member, const std::vector<std::string>& words) {
    (*this)(key, member);
    paths.push_back({section_, key, words});
  }
  void add_path_inside(const Key& inside, const Key& key) {
    paths.push_back({section_, key, {}, inside.name});
  }

  std::string section_;
};

KeysOfHash keys_of_hash() {
  KeysOfHash found;
  SweepSpec any;
  keys(found, any);
  return found;
}

// Leaves out what does not change a measurement.
void keep_what_is_measured(SpecJson& spec) {
  for (const auto& [name, key, words, inside] : keys_of_hash().resumable) {
    if (!name.empty() && !spec.contains(name)) continue;
    SpecJson& section = name.empty() ? spec : spec[name];
    if (!section.is_object()) continue;
    const auto& [other, value] = key.resume_unless;
    if (!other.empty() && section.value(other, SpecJson()) == value) continue;
    section.erase(key.name);
  }
}

std::string absolute_path(const std::string& path) {
  return std::filesystem::absolute(path).lexically_normal().string();
}

// The same file from another folder.
void make_paths_absolute(SpecJson& spec) {
  for (const auto& [section, key, words, inside] : keys_of_hash().paths) {
    if (!inside.empty() && !spec[section].contains(inside)) continue;
    SpecJson& place = inside.empty() ? spec[section] : spec[section][inside];
    if (!place.contains(key.name)) continue;
    SpecJson& written = place[key.name];
    if (written.is_array()) {
      for (SpecJson& path : written) path = absolute_path(path.get<std::string>());
      continue;
    }
    const auto path = written.get<std::string>();
    if (std::find(words.begin(), words.end(), path) == words.end()) written = absolute_path(path);
  }
}

// Keys of `spec` that `recorded`, of an earlier version, does not have ask for nothing new where
// they have their default.
void leave_out_later_keys(SpecJson& spec, const SpecJson& recorded) {
  if (!recorded.is_object()) return;
  const SpecJson defaults = spec_json(SweepSpec{});
  for (auto& [section, keys] : spec.items()) {
    const auto known = recorded.find(section);
    if (!keys.is_object() || known == recorded.end() || !known->is_object()) continue;
    if (!defaults.contains(section)) continue;
    for (const auto& [key, value] : defaults[section].items()) {
      if (!known->contains(key) && keys.contains(key) && keys[key] == value) keys.erase(key);
    }
  }
}

// Before sessions of a trace could be closed they were open.
void leave_out_open_sessions(SpecJson& spec, const SpecJson& recorded) {
  const SpecJson::json_pointer place("/load/trace");
  const bool both = recorded.is_object() && recorded.contains(place) && spec.contains(place) &&
                    recorded[place].is_object() && spec[place].is_object();
  if (!both || recorded[place].contains("sessions")) return;
  SpecJson& trace = spec[place];
  const SpecJson open = std::string(name_of(TraceSessions::kOpen));
  if (trace.value("sessions", SpecJson()) != open) return;
  trace.erase("sessions");
  trace.erase("think_cap");
}

// "/load/concurrency/0" as "load.concurrency[0]".
std::string key_of(const std::string& pointer) {
  std::string key;
  for (const std::string& part : split(pointer.substr(1), '/')) {
    if (parse_int(part)) {
      key += "[" + part + "]";
    } else {
      key += key.empty() ? part : "." + part;
    }
  }
  return printable(key);
}

}  // namespace

std::string spec_hash(const SweepSpec& spec, std::string_view recorded) {
  SpecJson json = spec_json(spec);
  const SpecJson before = SpecJson::parse(recorded, nullptr, false);
  leave_out_later_keys(json, before);
  leave_out_open_sessions(json, before);
  keep_what_is_measured(json);
  make_paths_absolute(json);
  return sha256_hex(json.dump());
}

std::vector<std::string> spec_differences(std::string_view recorded, std::string_view asked) {
  SpecJson sides[2] = {SpecJson::parse(recorded, nullptr, false),
                       SpecJson::parse(asked, nullptr, false)};
  for (SpecJson& side : sides) {
    if (!side.is_object()) return {"the recorded spec cannot be read"};
  }
  leave_out_later_keys(sides[1], sides[0]);
  leave_out_open_sessions(sides[1], sides[0]);
  for (SpecJson& side : sides) {
    keep_what_is_measured(side);
    side = side.flatten();
  }
  std::vector<std::string> differences;
  const auto compare = [&](const std::string& pointer, const SpecJson& first,
                           const SpecJson& second) {
    if (first == second) return;
    differences.push_back(key_of(pointer) + ": " + printable(first.dump(), 80) + " → " +
                          printable(second.dump(), 80));
  };
  for (const auto& [pointer, value] : sides[0].items()) {
    compare(pointer, value, sides[1].value(pointer, SpecJson()));
  }
  for (const auto& [pointer, value] : sides[1].items()) {
    if (!sides[0].contains(pointer)) compare(pointer, SpecJson(), value);
  }
  return differences;
}

}  // namespace llmsweep
