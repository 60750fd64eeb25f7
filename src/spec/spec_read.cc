#include "spec/spec_read.h"

#include <fmt/format.h>

#include <algorithm>
#include <type_traits>

#include "llmsweep/base/text.h"
#include "llmsweep/model/spec_keys.h"
#include "llmsweep/model/target.h"
#include "llmsweep/protocol/api.h"
#include "spec/spec_check.h"
#include "spec/spec_values.h"
#include "spec/without_output.h"

namespace llmsweep {
namespace {

template <class T>
void add_once(std::vector<T>& list, T item, const ConfigNode& node, const std::string& what) {
  if (std::find(list.begin(), list.end(), item) != list.end()) node.fail(what + " is listed twice");
  list.push_back(std::move(item));
}

template <class Enum>
Enum choice(const ConfigNode& node) {
  return *from_name<Enum>(node.as_choice(all_names<Enum>()));
}

// "e2e:p50:15s"; of goodput no statistic is used, and none can be left out.
Target read_target_text(const ConfigNode& node, const kind::Targets& kind) {
  Target target;
  try {
    target = parse_target(node.as_string());
  } catch (const Error& error) {
    node.fail(error.text().what, error.text().next);
  }
  if (kind.of_requests) {
    node.fail("goodput's limits are maps, as they have no statistic",
              "as in {metric: e2e, max: 15s}");
  }
  if (kind.of_a_tier && !target.all.empty()) node.fail("holds a + among limits that all hold");
  return target;
}

// One limit, or several: what a target's keys ask of each other.
void settle_target(const ConfigNode& node, Target& target) {
  const ConfigNode metric = node["metric"], max = node["max"], min = node["min"];
  if (node["all"].present()) {
    for (const char* one : {"metric", "statistic", "max", "min"}) {
      if (node[one].present()) node[one].fail("stands beside all, whose limits say it");
    }
    if (target.all.size() < 2) node["all"].fail("needs two limits or more", "else write the one");
    return;
  }
  const bool speed = metric.present() && metric.as_string() == kDecodeSpeed;
  if (node["name"].present()) node["name"].fail("is of limits under all", "leave it out");
  if (speed) {
    if (max.present()) max.fail("is no limit of a speed", "write min, in tokens a second");
    if (!min.present()) min.fail("is required", "as in min: 30");
    target = at_decode_speed(target.statistic, *target.min_tps);
    return;
  }
  if (min.present()) min.fail("is of decode_speed", "write max, as in max: 15s");
  if (!max.present()) max.fail("is required", "as in max: 15s");
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
  void operator()(const Key& key, T& section, const kind::Section& kind) {
    const ConfigNode node = node_[key.name];
    if (kind.optional && !node.present()) return;
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
  void read(const ConfigNode& node, const Key&, std::string& member, const kind::Date&) {
    member = read_date(node);
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
    if (word) {
      member = text;
    } else {
      member = path.with_part ? find_with_part(node, paths_) : paths_.find(node);
    }
  }
  void read(const ConfigNode& node, const Key&, std::vector<std::string>& member,
            const kind::Paths&) {
    member.clear();
    const bool one = node.kind() == ConfigNode::Kind::kScalar;
    for (const ConfigNode& item : one ? std::vector{node} : node.items()) {
      add_once(member, paths_.find(item), item, "the same path");
    }
    if (member.empty()) node.fail("must name at least one file");
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
  void read(const ConfigNode& node, const Key&, MetricsSpec& member, const kind::MetricsPages&) {
    if (node.kind() == ConfigNode::Kind::kScalar) {
      member = {.automatic = node.as_choice({"auto", "off"}) == "auto", .pages = {}};
      return;
    }
    member.automatic = false;
    for (const ConfigNode& item : node.items()) {
      const bool scalar = item.kind() == ConfigNode::Kind::kScalar;
      if (scalar && item.as_string() == "auto") {
        if (member.automatic) item.fail("the same page is listed twice");
        member.automatic = true;
        continue;
      }
      MetricsPage page = read_metrics_page(item);
      if (member.pages.size() == kMaxUrls) {
        item.fail("is more than " + std::to_string(kMaxUrls) + " pages");
      }
      const auto same_url = [&](const MetricsPage& other) { return other.url == page.url; };
      if (std::any_of(member.pages.begin(), member.pages.end(), same_url)) {
        item.fail("the same page is listed twice");
      }
      member.pages.push_back(std::move(page));
    }
    if (member.pages.empty() && !member.automatic) {
      node.fail("must be auto, off, or a list of at least one page",
                "as in [http://10.0.0.1:8000/metrics]");
    }
  }
  void read(const ConfigNode& node, const Key&, ModelNames& member, const kind::Models&) {
    member.several.clear();
    if (node.kind() == ConfigNode::Kind::kList) {
      member.several = read_models(node);
      member.one = member.several.front().name;
      if (member.several.size() == 1) member.several.clear();
    } else {
      member.one = read_text(node);
    }
  }
  void read(const ConfigNode& node, const Key&, std::string& member, const kind::VariableName&) {
    member = read_variable_name(node);
  }
  void read(const ConfigNode& node, const Key&, std::string& member, const kind::HeaderName&) {
    member = node.as_string();
    if (!is_header_name(member)) node.fail("must be a header's name, as in X-Session-Id");
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
  void read(const ConfigNode& node, const Key&, TokenCount& member, const kind::TurnTokens&) {
    member = read_turn_tokens(node);
  }
  void read(const ConfigNode& node, const Key&, DrawnTime& member, const kind::Drawn&) {
    member = read_drawn_time(node);
  }
  template <class Number>
  requires std::is_arithmetic_v<Number>
  void read(const ConfigNode& node, const Key&, std::vector<Number>& member,
            const kind::Levels& range) {
    member.clear();
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
  void read(const ConfigNode& node, const Key&, std::vector<RateStep>& member,
            const kind::Profile&) {
    member = read_profile(node);
  }
  void read(const ConfigNode& node, const Key&, std::vector<Target>& member,
            const kind::Targets& kind) {
    for (const ConfigNode& item : node.items()) {
      Target target;
      if (item.kind() == ConfigNode::Kind::kScalar) {
        target = read_target_text(item, kind);
      } else {
        SpecReader reader(item, paths_, spec_);
        keys(reader, target, kind);
        item.reject_unknown_keys();
        settle_target(item, target);
      }
      add_once(member, target, item, "the same target");
    }
  }
  void read(const ConfigNode& node, const Key&, Metric& member, const kind::TargetMetric& kind) {
    if (node.as_string() == kDecodeSpeed) {  // settle_target() has the rest
      member = Metric::kTpot;
      return;
    }
    std::vector<std::string> names = all_names<Metric>();
    names.emplace_back(kDecodeSpeed);
    member = *from_name<Metric>(node.as_choice(names));
    if (kind.of_requests && !is_of_requests(member)) {
      node.fail("goodput is judged per request: one of e2e, ttft, ttfo, tpot, decode_speed");
    }
  }

  // A URL, {url, role}, or nvml in the place of a URL: the GPUs of this machine.
  static MetricsPage read_metrics_page(const ConfigNode& item) {
    MetricsPage page;
    const bool map = item.kind() == ConfigNode::Kind::kMap;
    const ConfigNode url = map ? item["url"] : item;
    const bool local = url.kind() == ConfigNode::Kind::kScalar && url.as_string() == kLocalGpus;
    page.url = local ? std::string(kLocalGpus) : read_url(url);
    if (local) page.role = MetricsRole::kGpu;
    if (map && item["role"].present()) page.role = choice<MetricsRole>(item["role"]);
    if (local && page.role != MetricsRole::kGpu) {
      item["role"].fail("nvml speaks of GPUs", "leave it out, or write role: gpu");
    }
    if (map) item.reject_unknown_keys();
    return page;
  }

  ConfigNode node_;
  const SpecPaths& paths_;
  const SweepSpec& spec_;
};

// What the rows of a trace say, and what they cannot be.
void check_workload_of_trace(const ConfigNode& root, const SweepSpec& spec) {
  const ConfigNode workload = root["workload"];
  for (const char* said :
       {"input_tokens", "output_tokens", "prefix_tokens", "prefix_groups", "reuse"}) {
    if (workload[said].present()) {
      workload[said].fail("stands beside load.trace, whose requests say it", "leave it out");
    }
  }
  if (!traits_of(spec.endpoint.api).generates) {
    root["load"]["trace"].fail(
        fmt::format("has answers, and endpoint.api is {}", name_of(spec.endpoint.api)),
        "set endpoint.api: chat, or completions");
  }
}

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

PriceSpec read_prices(const ConfigNode& node) {
  PriceSpec prices;
  if (!node.present()) return prices;
  const SpecPaths paths;
  const SweepSpec none;
  SpecReader reader(node, paths, none);
  keys(reader, prices);
  check(node, prices, none);
  node.reject_unknown_keys();
  return prices;
}

SweepSpec read_spec(const ConfigNode& root, const SpecPaths& paths) {
  SweepSpec spec;
  SpecReader reader(root, paths, spec);
  keys(reader, spec);
  leave_out_output(spec);
  if (spec.load.refine && spec.targets.empty()) {
    root["load"]["refine"].fail("needs a target to refine around", "add one under targets");
  }
  if (spec.load.search.wanted() && spec.targets.empty()) {
    root["search"].fail("needs a target to keep",
                        "as in targets: [{metric: e2e, statistic: p50, max: 15s}]");
  }
  if (spec.workload.sessions.wanted() && !spec.load.has_users()) {
    root["workload"]["sessions"].fail("is what users do, and load has none",
                                      "as in load.users: [8, 16], in place of its other levels");
  }
  if (spec.load.has_users() && !spec.workload.sessions.wanted()) {
    root["load"]["users"].fail(
        "needs workload.sessions",
        "as in sessions: {turns: 4, first_input_tokens: 1000, input_tokens: 200, think: 20s}");
  }
  if (spec.load.trace.wanted()) check_workload_of_trace(root, spec);
  const bool has_sessions = spec.load.has_users() || spec.load.trace.wanted();
  if (!spec.endpoint.session_header.empty() && !has_sessions) {
    root["endpoint"]["session_header"].fail(
        "is of sessions, and load has neither users nor a trace", "leave it out");
  }
  const auto& pages = spec.endpoint.metrics.pages;
  const bool reads_gpus = std::any_of(pages.begin(), pages.end(), [](const MetricsPage& page) {
    return page.role == MetricsRole::kGpu;
  });
  if (!spec.require.empty() && !reads_gpus) {
    root["require"].fail(
        "asks for energy, and no page of endpoint.metrics speaks of GPUs",
        "as in endpoint.metrics: [{url: http://10.0.0.1:9400/metrics, role: gpu}]");
  }
  if (!spec.require.empty() && !spec.does_not_apply.empty()) {
    root["require"].fail(fmt::format("asks for energy per output token, and {} generates none",
                                     name_of(spec.endpoint.api)),
                         "leave it out");
  }
  root.reject_unknown_keys();
  return spec;
}

}  // namespace llmsweep
