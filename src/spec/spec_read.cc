#include "spec/spec_read.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "llmsweep/base/text.h"
#include "llmsweep/model/spec_keys.h"
#include "llmsweep/protocol/api.h"
#include "spec/spec_values.h"

namespace llmsweep {
namespace {

// Which keys of a section may stand together, before any is read.

template <class T>
void check_presence(const ConfigNode&, const T&) {}

void check_presence(const ConfigNode& node, const EndpointSpec&) {
  const ConfigNode url = node["url"];
  const ConfigNode simulator = node["simulator"];
  const ConfigNode urls = node["urls"];
  const bool has_url = url.present() || urls.present();
  if (url.present() && urls.present()) {
    urls.fail("stands beside url", "keep one: a url, or a list of urls");
  }
  if (has_url && simulator.present()) {
    simulator.fail(std::string("stands beside ") + (url.present() ? "url" : "urls"),
                   "keep one: a url, or a simulator profile");
  }
  if (!has_url && !simulator.present()) {
    node.fail("needs a url or a simulator",
              "as in url: http://127.0.0.1:8000/v1, or simulator: profile.yaml");
  }
  const ConfigNode key_file = node["api_key_file"];
  if (key_file.present() && node["api_key_env"].present()) {
    key_file.fail("stands beside api_key_env", "keep one: the variable, or the file");
  }
}

// What the values of a section ask of each other and of the sections before it.

void check(const ConfigNode&, const SystemSpec&, const SweepSpec&) {}
void check(const ConfigNode&, const PriceSpec&, const SweepSpec&) {}
void check(const ConfigNode&, const BudgetSpec&, const SweepSpec&) {}

void check(const ConfigNode& node, EndpointSpec& endpoint, const SweepSpec&) {
  if (!is_header_name(endpoint.api_key_header)) {
    node["api_key_header"].fail("must be a header's name, as in api-key",
                                "write the header's name, never the key");
  }
  if (!endpoint.urls.empty()) endpoint.url = endpoint.urls.front();
  if (endpoint.urls.size() == 1) endpoint.urls.clear();
}

void check(const ConfigNode& node, const WorkloadSpec& workload, const SweepSpec& spec) {
  if (workload.prefix_tokens > 0 && workload.input_tokens &&
      workload.prefix_tokens >= largest(*workload.input_tokens)) {
    node["prefix_tokens"].fail("must be below input_tokens: the rest of a prompt is its own");
  }
  if (workload.prompt_as != PromptAs::kIds) return;
  const ConfigNode prompt_as = node["prompt_as"];
  if (!traits_of(spec.endpoint.api).takes_token_ids) {
    prompt_as.fail("token ids can only be sent to completions", "set endpoint.api: completions");
  }
  if (workload.tokenizer.empty()) {
    prompt_as.fail("token ids need a tokenizer", "set workload.tokenizer");
  }
}

void check(const ConfigNode& node, const LoadSpec& load, const SweepSpec&) {
  if (load.spread_starts > Duration(0) && load.warmup_per_slot == 0) {
    node["spread_starts"].fail(
        "needs a warm-up: requests that start while others have not begun "
        "are not measured",
        "set load.warmup_per_slot to 1 or more");
  }
  if (load.repeats_max != 0 && load.repeats_max < load.repeats) {
    node["repeats_max"].fail("must be 0 or at least repeats, which is " +
                             std::to_string(load.repeats));
  }
}

void check(const ConfigNode& node, const ClientSpec& client, const SweepSpec& spec) {
  const EndpointSpec& endpoint = spec.endpoint;
  bool beyond_sockets = endpoint.use_proxy || endpoint.url.starts_with("https://");
  for (const std::string& url : endpoint.urls) beyond_sockets |= url.starts_with("https://");
  if (client.transport == Transport::kSockets && beyond_sockets) {
    node["transport"].fail("plain sockets speak neither TLS nor to a proxy", "use auto or libcurl");
  }
}

template <class T>
void add_once(std::vector<T>& list, T item, const ConfigNode& node, const std::string& what) {
  if (std::find(list.begin(), list.end(), item) != list.end()) node.fail(what + " is listed twice");
  list.push_back(std::move(item));
}

template <class Enum>
Enum choice(const ConfigNode& node) {
  return *from_name<Enum>(node.as_choice(all_names<Enum>()));
}

// Reads one map of keys. Absent or null: the member keeps its default.
class SpecReader {
 public:
  // `spec` holds the sections before this one.
  SpecReader(const ConfigNode& node, const SpecPaths& paths, const SweepSpec& spec)
      : node_(node), paths_(paths), spec_(spec) {}

  template <class T, class... Kind>
  void operator()(const Key& key, T& member, const Kind&... kind) {
    const ConfigNode node = node_[key.name];
    if (node.present()) {
      read(node, key, member, kind...);
    } else if (key.required != nullptr) {
      node.fail("is required", key.required);
    }
  }

  template <class T>
  void operator()(const Key& key, T& section, const kind::Section&) {
    const ConfigNode node = node_[key.name];
    check_presence(node, section);
    SpecReader reader(node, paths_, spec_);
    keys(reader, section);
    node.reject_unknown_keys();
    check(node, section, spec_);
  }

 private:
  template <class T, class... Kind>
  void read(const ConfigNode& node, const Key& key, std::optional<T>& member, const Kind&... kind) {
    read(node, key, member.emplace(), kind...);
  }
  void read(const ConfigNode& node, const Key&, bool& member) { member = node.as_bool(); }
  template <class Enum>
  requires std::is_enum_v<Enum>
  void read(const ConfigNode& node, const Key&, Enum& member) { member = choice<Enum>(node); }
  template <class Enum>
  requires std::is_enum_v<Enum>
  void read(const ConfigNode& node, const Key&, std::vector<Enum>& member) {
    member.clear();
    for (const ConfigNode& item : node.items()) {
      add_once(member, choice<Enum>(item), item, "the same field");
    }
  }
  void read(const ConfigNode& node, const Key& key, std::string& member, const kind::Text& text) {
    member = read_text(node);
    if (text.filled && trim(member).empty()) {
      node.fail("must not be empty", key.required != nullptr ? key.required : "");
    }
  }
  template <class Int>
  requires std::is_integral_v<Int>
  void read(const ConfigNode& node, const Key&, Int& member, const kind::Whole& range) {
    member = static_cast<Int>(node.as_int(range.min, range.max));
  }
  void read(const ConfigNode& node, const Key&, int& member, const kind::WholeOrAbsent& range) {
    member = static_cast<int>(node.as_int(range.min, range.max));
  }
  void read(const ConfigNode& node, const Key&, int& member, const kind::WholeOrAuto& range) {
    const bool is_auto = node.as_string() == "auto";
    member = is_auto ? 0 : static_cast<int>(node.as_int(range.min, range.max));
  }
  void read(const ConfigNode& node, const Key&, double& member, const kind::Number& range) {
    member = node.as_number({range.min, range.max});
  }
  void read(const ConfigNode& node, const Key&, Duration& member, const kind::DurationFrom& from) {
    member = node.as_duration(from.min);
  }
  void read(const ConfigNode& node, const Key&, std::string& member, const kind::Path& path) {
    const std::string text = node.as_string();
    const bool word = std::find(path.words.begin(), path.words.end(), text) != path.words.end();
    member = word ? text : paths_.find(node);
  }
  void read(const ConfigNode& node, const Key&, std::string& member, const kind::TokenizerPath&) {
    member = read_tokenizer(node, paths_);
  }
  void read(const ConfigNode& node, const Key&, std::string& member, const kind::Url&) {
    member = read_url(node);
  }
  void read(const ConfigNode& node, const Key&, std::vector<std::string>& member,
            const kind::Urls&) {
    member = read_urls(node);
  }
  void read(const ConfigNode& node, const Key&, std::string& member, const kind::VariableName&) {
    member = read_variable_name(node);
  }
  void read(const ConfigNode& node, const Key&,
            std::vector<std::pair<std::string, std::string>>& member, const kind::Headers&) {
    member = read_headers(node);
  }
  void read(const ConfigNode& node, const Key&, std::string& member, const kind::BodyFields&) {
    member = read_extra_body(node);
  }
  void read(const ConfigNode& node, const Key&, TokenCount& member, const kind::Tokens&) {
    member = read_tokens(node);
  }
  template <class Number>
  requires std::is_arithmetic_v<Number>
  void read(const ConfigNode& node, const Key&, std::vector<Number>& member,
            const kind::Levels& range) {
    const bool one = node.kind() == ConfigNode::Kind::kScalar;
    for (const ConfigNode& item : one ? std::vector{node} : node.items()) {
      const auto level = static_cast<Number>(
          std::is_integral_v<Number>
              ? static_cast<double>(item.as_int(std::llround(range.min), std::llround(range.max)))
              : item.as_number({range.min, range.max}));
      add_once(member, level, item, fmt::format("level {}", level));
    }
    if (member.empty()) node.fail("must hold at least one level", range.example);
  }
  void read(const ConfigNode& node, const Key&, std::vector<Target>& member,
            const kind::Targets& kind) {
    for (const ConfigNode& item : node.items()) {
      Target target;
      SpecReader reader(item, paths_, spec_);
      keys(reader, target, kind);
      item.reject_unknown_keys();
      add_once(member, target, item, "the same target");
    }
  }
  void read(const ConfigNode& node, const Key&, Metric& member, const kind::TargetMetric& kind) {
    member = choice<Metric>(node);
    if (kind.of_requests && !is_of_requests(member)) {
      node.fail("goodput is judged per request: one of e2e, ttft, ttfo, tpot");
    }
  }

  ConfigNode node_;
  const SpecPaths& paths_;
  const SweepSpec& spec_;
};

}  // namespace

SystemSpec read_system(const ConfigNode& node) {
  const SpecPaths paths;
  const SweepSpec none;
  SystemSpec system;
  SpecReader reader(node, paths, none);
  keys(reader, system);
  node.reject_unknown_keys();
  return system;
}

SweepSpec read_spec(const ConfigNode& root, const SpecPaths& paths) {
  SweepSpec spec;
  SpecReader reader(root, paths, spec);
  keys(reader, spec);
  if (spec.load.refine && spec.targets.empty()) {
    root["load"]["refine"].fail("needs a target to refine around", "add one under targets");
  }
  root.reject_unknown_keys();
  return spec;
}

}  // namespace llmsweep
