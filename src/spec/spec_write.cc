#include "spec/spec_write.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "llmsweep/base/secrets.h"
#include "llmsweep/base/text.h"
#include "llmsweep/model/spec_keys.h"
#include "llmsweep/model/target.h"
#include "llmsweep/spec/spec_file.h"

namespace llmsweep {
namespace {

SpecJson text_or_null(const std::string& text) {
  return text.empty() ? SpecJson() : SpecJson(text);
}

// Writes one map of keys. Null: a value that is absent, whose key is left out.
class SpecWriter {
 public:
  SpecJson take() { return std::move(object_); }

  template <class T, class... Kind>
  void operator()(const Key& key, T& member, const Kind&... kind) {
    if (std::find(foreign_.begin(), foreign_.end(), key.loop) != foreign_.end()) return;
    SpecJson json = write(member, kind...);
    if (!json.is_null()) object_[key.name] = std::move(json);
  }

 private:
  static SpecJson write(bool member) { return member; }
  template <class Enum>
  requires std::is_enum_v<Enum>
  static SpecJson write(Enum member) { return name_of(member); }
  template <class Enum>
  requires std::is_enum_v<Enum>
  static SpecJson write(const std::vector<Enum>& member) {
    SpecJson list = SpecJson::array();
    for (const Enum item : member) list.push_back(name_of(item));
    return list;
  }
  template <class T, class... Kind>
  static SpecJson write(const std::optional<T>& member, const Kind&... kind) {
    return member ? write(*member, kind...) : SpecJson();
  }
  template <class T>
  static SpecJson write(T& section, const kind::Section&) {
    SpecWriter writer;
    keys(writer, section);
    return writer.take();
  }
  static SpecJson write(EndpointSpec& endpoint, const kind::Section&) {
    SpecWriter writer;
    keys(writer, endpoint);
    if (!endpoint.urls.empty()) writer.object_.erase("url");  // the first of them
    return writer.take();
  }
  static SpecJson write(SearchSpec& search, const kind::Section&) {
    if (!search.wanted()) return {};
    SpecWriter writer;
    keys(writer, search);
    return writer.take();
  }
  static SpecJson write(SessionSpec& sessions, const kind::Section&) {
    if (!sessions.wanted()) return {};
    SpecWriter writer;
    keys(writer, sessions);
    if (!sessions.output_tokens) writer.object_.erase("output_tokens");  // the workload's say it
    return writer.take();
  }
  static SpecJson write(WorkloadSpec& workload, const kind::Section&) {
    SpecWriter writer;
    keys(writer, workload);
    if (workload.sessions.wanted()) writer.object_.erase("input_tokens");  // of the first question
    if (workload.sessions.output_tokens) writer.object_.erase("output_tokens");
    return writer.take();
  }
  static SpecJson write(ImagesSpec& images, const kind::Section&) {
    if (!images.wanted()) return {};
    SpecWriter writer;
    keys(writer, images);
    return writer.take();
  }
  static SpecJson write(TraceSpec& trace, const kind::Section&) {
    if (!trace.wanted()) return {};
    SpecWriter writer;
    keys(writer, trace);
    if (!trace.columns.stated()) writer.object_.erase("unit");
    return writer.take();
  }
  static SpecJson write(TraceColumns& columns, const kind::Section&) {
    if (!columns.stated()) return {};
    SpecWriter writer;
    keys(writer, columns);
    if (columns.session.empty()) writer.object_.erase("session");
    return writer.take();
  }
  static SpecJson write(PowerSpec& power, const kind::Section&) {
    if (!power.stated()) return {};
    SpecWriter writer;
    keys(writer, power);
    return writer.take();
  }
  static SpecJson write(LoadSpec& load, const kind::Section&) {
    SpecWriter writer;
    const bool closed = !load.concurrency.empty() || load.search.over == SearchOver::kConcurrency;
    if (load.is_open()) writer.foreign_ = {LoopKind::kClosed};
    if (closed) writer.foreign_ = {LoopKind::kOpen, LoopKind::kTimed};
    if (load.has_users()) writer.foreign_ = {LoopKind::kOpen, LoopKind::kClosed};
    keys(writer, load);
    if (load.duration) {
      writer.object_.erase("requests_per_slot");
      writer.object_.erase("min_requests");
    }
    if (!load.profile.empty()) writer.object_.erase("measure");  // the sum of its steps
    if (load.trace.wanted()) writer.object_.erase("arrivals");   // are the trace's
    return writer.take();
  }
  static SpecJson write(const std::string& member, const kind::Text&) { return member; }
  static SpecJson write(const std::string& member, const kind::Date&) {
    return text_or_null(member);
  }
  template <class Int>
  requires std::is_integral_v<Int>
  static SpecJson write(Int member, const kind::Whole&) { return member; }
  static SpecJson write(int member, const kind::WholeOrAbsent&) {
    return member == 0 ? SpecJson() : SpecJson(member);
  }
  static SpecJson write(int member, const kind::WholeOrAuto&) {
    return member == 0 ? SpecJson("auto") : SpecJson(member);
  }
  static SpecJson write(double member, const kind::Number&) { return member; }
  static SpecJson write(Duration member, const kind::DurationFrom&) {
    return format_duration(member);
  }
  static SpecJson write(const std::string& member, const kind::Path&) {
    return text_or_null(member);
  }
  static SpecJson write(const std::vector<std::string>& member, const kind::Paths&) {
    return member;
  }
  static SpecJson write(const std::string& member, const kind::TokenizerPath&) {
    return text_or_null(member);
  }
  static SpecJson write(const std::string& member, const kind::Url&) {
    return text_or_null(member);
  }
  static SpecJson write(const std::vector<std::string>& member, const kind::Urls&) {
    return member.empty() ? SpecJson() : SpecJson(member);
  }
  static SpecJson write(const MetricsSpec& member, const kind::MetricsPages&) {
    if (member.automatic && member.pages.empty()) return "auto";
    if (member.off()) return "off";
    SpecJson list = SpecJson::array();
    if (member.automatic) list.push_back("auto");
    for (const MetricsPage& page : member.pages) {
      list.push_back({{"url", page.url}, {"role", name_of(page.role)}});
    }
    return list;
  }
  static SpecJson write(const ModelNames& member, const kind::Models&) {
    if (member.several.empty()) return member.one;
    SpecJson list = SpecJson::array();
    for (const ModelShare& model : member.several) {
      list.push_back({{"name", model.name}, {"weight", model.weight}});
    }
    return list;
  }
  static SpecJson write(const std::string& member, const kind::VariableName&) {
    return text_or_null(member);
  }
  static SpecJson write(const std::string& member, const kind::HeaderName&) {
    return text_or_null(member);
  }
  static SpecJson write(const std::vector<std::pair<std::string, std::string>>& member,
                        const kind::Headers&) {
    SpecJson headers = SpecJson::object();
    for (const auto& [name, value] : member) {
      headers[name] = names_a_secret(name) ? std::string(kRedacted) : value;
    }
    return headers;
  }
  static SpecJson write(const std::string& member, const kind::BodyFields&) {
    return SpecJson::parse(redact_json(member), nullptr, false);
  }
  static SpecJson write(const TokenCount& member, const kind::Tokens&) {
    const bool none = member.kind == TokenCount::Kind::kFixed && member.fixed == 0;
    if (none) return {};  // of an API that generates none
    return tokens_json<SpecJson>(member);
  }
  static SpecJson write(const TokenCount& member, const kind::TurnTokens&) {
    if (!member.by_turn) return write(member, kind::Tokens{});
    SpecJson list = SpecJson::array();
    for (const auto& [tokens, weight] : member.weighted) list.push_back(tokens);
    return list;
  }
  static SpecJson write(const DrawnTime& member, const kind::Drawn&) {
    switch (member.kind) {
      case DrawnTime::Kind::kFixed:
        break;
      case DrawnTime::Kind::kUniform:
        return {{"min", format_duration(member.min)}, {"max", format_duration(member.max)}};
      case DrawnTime::Kind::kLogNormal:
        return {{"mean", format_duration(member.mean)}, {"cv", member.cv}};
    }
    return format_duration(member.fixed);
  }
  template <class Number>
  static SpecJson write(const std::vector<Number>& member, const kind::Levels&) {
    return member.empty() ? SpecJson() : SpecJson(member);
  }
  static SpecJson write(const std::vector<RateStep>& member, const kind::Profile&) {
    SpecJson list;
    for (const RateStep& step : member) {
      SpecJson json = {{"for", format_duration(step.length)}};
      if (step.from == step.to) {
        json["rate"] = step.from;
      } else {
        json["from"] = step.from;
        json["to"] = step.to;
      }
      list.push_back(std::move(json));
    }
    return list;
  }
  static SpecJson write(std::vector<Target>& member, const kind::Targets& kind) {
    SpecJson list = SpecJson::array();
    for (Target& target : member) {
      SpecWriter writer;
      keys(writer, target, kind);
      SpecJson json = writer.take();
      if (!target.all.empty()) {
        for (const char* one : {"metric", "statistic", "max"}) json.erase(one);
      } else {
        json.erase("all");
      }
      if (target.name.empty()) json.erase("name");
      if (target.max == Duration(0)) json.erase("max");
      if (target.min_tps) {
        json["metric"] = kDecodeSpeed;
        json.erase("max");
      }
      list.push_back(std::move(json));
    }
    return list;
  }
  static SpecJson write(Metric member, const kind::TargetMetric&) { return name_of(member); }

  SpecJson object_ = SpecJson::object();
  std::vector<LoopKind> foreign_;  // whose keys are left out
};

}  // namespace

SpecJson spec_json(SweepSpec spec) {
  SpecWriter writer;
  keys(writer, spec);
  SpecJson json = writer.take();
  if (spec.load.trace.wanted()) {  // which says them
    for (const char* said :
         {"input_tokens", "output_tokens", "prefix_tokens", "prefix_groups", "reuse"}) {
      json["workload"].erase(said);
    }
  }
  return json;
}

std::string spec_to_json(const SweepSpec& spec) {
  return spec_json(spec).dump(2);
}

}  // namespace llmsweep
