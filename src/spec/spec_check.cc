#include "spec/spec_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llmsweep/base/text.h"
#include "llmsweep/model/spec_keys.h"
#include "llmsweep/protocol/api.h"
#include "spec/spec_values.h"

namespace llmsweep {
namespace {

// Fails at the first key that belongs to another kind of load.
class ForeignKeys {
 public:
  ForeignKeys(const ConfigNode& node, std::vector<LoopKind> foreign, std::string what)
      : node_(node), foreign_(std::move(foreign)), what_(std::move(what)) {}

  template <class... Ignored>
  void operator()(const Key& key, const Ignored&...) {
    if (std::find(foreign_.begin(), foreign_.end(), key.loop) == foreign_.end()) return;
    const ConfigNode found = node_[key.name];
    if (found.present()) found.fail("stands beside " + what_, "leave it out");
  }

 private:
  const ConfigNode& node_;
  std::vector<LoopKind> foreign_;
  std::string what_;
};

// Asks for every key, so that those that are left are unknown.
class KnownKeys {
 public:
  explicit KnownKeys(const ConfigNode& node) : node_(node) {}

  template <class... Ignored>
  void operator()(const Key& key, const Ignored&...) {
    (void)node_[key.name];
  }

 private:
  const ConfigNode& node_;
};

bool same_header(std::string_view one, std::string_view other) {
  return std::equal(
      one.begin(), one.end(), other.begin(), other.end(),
      [](unsigned char a, unsigned char b) { return std::tolower(a) == std::tolower(b); });
}

// How often a level is run is the search's to say.
void check_beside_search(const ConfigNode& node, LoadSpec& load) {
  if (!load.search.wanted()) return;
  for (const char* name : {"repeats", "repeats_max", "refine"}) {
    const ConfigNode key = node[name];
    const bool says_nothing = key.kind() == ConfigNode::Kind::kScalar &&
                              (key.as_string() == "0" || key.as_string() == "false" ||
                               (std::string_view(name) == "repeats" && key.as_string() == "1"));
    if (key.present() && !says_nothing) {
      key.fail("stands beside search, which says itself how often a level is run", "leave it out");
    }
  }
  load.repeats = 1;
}

constexpr double kFewest = 30;        // arrivals of a window
constexpr double kMost = 20'000'000;  // arrivals of a run

double fewest_arrivals(const LoadSpec& load) {
  return load.arrivals.count == ArrivalCount::kExact ? 1 : kFewest;
}

void check_profile(const ConfigNode& node, const LoadSpec& load) {
  if (load.profile.empty()) return;
  const double measured = arrivals_of(load.profile);
  if (measured < fewest_arrivals(load)) {
    node["profile"].fail(fmt::format("about {:.3g} requests arrive in it: too few", measured),
                         fmt::format("make it {:g} at least", fewest_arrivals(load)));
  }
  const double all = measured + load.profile.front().from * to_seconds(load.warmup) +
                     load.profile.back().to * to_seconds(load.drain);
  if (all > kMost) {
    node["profile"].fail(
        fmt::format("is {:.3g} arrivals with warmup and drain; {:.3g} at most", all, kMost),
        "shorten a step or the drain");
  }
}

void check_rates(const ConfigNode& node, const LoadSpec& load) {
  std::vector<double> rates = load.rate;
  if (load.search.over == SearchOver::kRate) rates = load.search.between;
  for (const double rate : rates) {
    const double measured = rate * to_seconds(load.measure);
    const double fewest = fewest_arrivals(load);
    if (measured < fewest) {
      node["measure"].fail(fmt::format("at {} requests/s about {:.3g} arrive in {}: too few", rate,
                                       measured, format_duration(load.measure)),
                           fmt::format("measure for {:.0f}s or longer", std::ceil(fewest / rate)));
    }
    const double all = rate * to_seconds(load.warmup + load.measure + load.drain);
    if (all > kMost) {
      node["rate"].fail(fmt::format("{} requests/s are {:.3g} arrivals with warmup, measure and "
                                    "drain; {:.3g} at most",
                                    rate, all, kMost),
                        "shorten measure or drain");
    }
  }
  if (load.is_open() && load.retry_after == RetryAfter::kHold) {
    node["retry_after"].fail("holds slots, and a rate has none", "use fail");
  }
  if (load.has_users() && load.retry_after == RetryAfter::kHold) {
    node["retry_after"].fail("holds slots, and users wait as long as they think", "use fail");
  }
}

void check_duration(const ConfigNode& node, const LoadSpec& load) {
  if (load.has_users() && load.stop_over_error_rate) {
    node["stop_over_error_rate"].fail("needs to know how many requests a level has",
                                      "leave it out; users send as many as are answered");
  }
  if (!load.duration) return;
  for (const char* name : {"requests_per_slot", "min_requests"}) {
    if (node[name].present()) {
      node[name].fail("stands beside duration", "keep one: so many requests, or so long");
    }
  }
  if (load.stop_over_error_rate) {
    node["stop_over_error_rate"].fail("needs to know how many requests a level has",
                                      "leave it out, or duration");
  }
}

}  // namespace

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

void check_presence(const ConfigNode& node, const LoadSpec& load) {
  const ConfigNode concurrency = node["concurrency"];
  const ConfigNode users = node["users"];
  const ConfigNode rate = node["rate"];
  const ConfigNode profile = node["profile"];
  const ConfigNode trace = node["trace"];
  const std::vector<LoopKind> not_closed = {LoopKind::kOpen, LoopKind::kTimed};
  const std::vector<LoopKind> not_open = {LoopKind::kClosed};
  if (load.search.wanted()) {
    for (const ConfigNode& levels : {concurrency, users, rate, profile, trace}) {
      if (levels.present())
        levels.fail("stands beside search", "keep one: the levels, or a search");
    }
    LoadSpec any;
    ForeignKeys foreign(node, load.is_open() ? not_open : not_closed,
                        fmt::format("search.over: {}", name_of(*load.search.over)));
    keys(foreign, any);
    return;
  }
  for (const char* other : {"concurrency", "rate", "profile"}) {
    if (users.present() && node[other].present()) {
      users.fail(std::string("stands beside ") + other,
                 "keep one: users with time to think, or the other load");
    }
  }
  if (concurrency.present() && rate.present()) {
    rate.fail("stands beside concurrency",
              "keep one: so many requests in flight, or so many a second whatever is in flight");
  }
  if (profile.present() && (concurrency.present() || rate.present())) {
    profile.fail(concurrency.present() ? "stands beside concurrency" : "stands beside rate",
                 "keep one: levels, or one level whose rate changes");
  }
  for (const char* other : {"concurrency", "users", "rate", "profile"}) {
    if (trace.present() && node[other].present()) {
      trace.fail(std::string("stands beside ") + other,
                 "keep one: recorded traffic, or the other load");
    }
  }
  if (trace.present() && node["arrivals"].present()) {
    node["arrivals"].fail("stands beside trace, whose requests have their instants",
                          "leave it out");
  }
  if (profile.present() && node["measure"].present()) {
    node["measure"].fail("stands beside profile, whose steps say how long", "leave it out");
  }
  if (!concurrency.present() && !users.present() && !rate.present() && !profile.present() &&
      !trace.present()) {
    LoadSpec walked;
    KnownKeys known(node);
    keys(known, walked);
    node.reject_unknown_keys();  // a key that is misspelt is the better news
    node.fail("needs a concurrency or a rate",
              "list the levels, as in concurrency: [1, 2, 4, 8], or rate: [1, 2, 4]; or add a "
              "search, as in search: {over: concurrency}");
  }
  LoadSpec any;
  if (users.present()) {
    ForeignKeys foreign(node, {LoopKind::kClosed, LoopKind::kOpen},
                        "users, to whom it means nothing");
    keys(foreign, any);
    return;
  }
  const char* const open = rate.present() ? "rate" : trace.present() ? "trace" : "profile";
  ForeignKeys foreign(node, concurrency.present() ? not_closed : not_open,
                      concurrency.present() ? std::string("concurrency; it is a rate's")
                                            : std::string(open) + ", to which it means nothing");
  keys(foreign, any);
}

// A figure of power is worth what is known of it.
void check(const ConfigNode& node, PowerSpec& power, const SweepSpec&) {
  const auto known = [&](const char* key, bool stated, const std::string& source,
                         const std::string& date) {
    if (stated && (trim(source).empty() || date.empty())) {
      node[key].fail("wants its source and its date",
                     "state who says it, and when, beside it: _source and _date");
    }
  };
  known("provisioned_kw_per_gpu", power.provisioned_kw_per_gpu.has_value(),
        power.provisioned_source, power.provisioned_date);
  known("node_kw", power.node_kw.has_value(), power.node_source, power.node_date);
}

// The price of electricity is one figure of two, and both are worth what is known of them.
void check(const ConfigNode& node, PriceSpec& prices, const SweepSpec&) {
  if (!prices.kwh) {
    if (prices.pue) node["pue"].fail("wants the price of electricity", "add kwh, or remove pue");
    return;
  }
  if (!prices.pue || trim(prices.kwh_source).empty() || prices.kwh_date.empty()) {
    node["kwh"].fail("wants pue, kwh_source and kwh_date",
                     "state them beside it; pue is 1 where the building's share is not paid for");
  }
}

void check(const ConfigNode& node, EndpointSpec& endpoint, const SweepSpec&) {
  if (!is_header_name(endpoint.api_key_header)) {
    node["api_key_header"].fail("must be a header's name, as in api-key",
                                "write the header's name, never the key");
  }
  for (const auto& [name, value] : endpoint.headers) {
    if (endpoint.traceparent && same_header(name, "traceparent")) {
      node["traceparent"].fail("stands beside such a header in headers, the same in each request",
                               "leave one of them out");
    }
    if (same_header(name, endpoint.session_header)) {
      node["session_header"].fail("stands beside such a header in headers",
                                  "leave one of them out");
    }
  }
  for (const std::string_view taken :
       {std::string_view("traceparent"), std::string_view(endpoint.api_key_header),
        std::string_view("Content-Type"), std::string_view("Content-Length"),
        std::string_view("Host")}) {
    if (same_header(endpoint.session_header, taken)) {
      node["session_header"].fail("is a header that carries something else", "as in X-Session-Id");
    }
  }
  if (!endpoint.urls.empty()) endpoint.url = endpoint.urls.front();
  if (endpoint.urls.size() == 1) endpoint.urls.clear();
}

// After so many turns a list of lengths ends; nothing: there is none.
std::optional<int64_t> turns_listed(const SessionSpec& sessions) {
  std::optional<int64_t> turns;
  const auto ends_after = [&turns](const std::optional<TokenCount>& count, int64_t before) {
    if (!count || !count->by_turn) return;
    const int64_t end = static_cast<int64_t>(count->weighted.size()) + before;
    turns = std::min(turns.value_or(end), end);
  };
  ends_after(sessions.input_tokens, 1);
  ends_after(sessions.output_tokens, 0);
  return turns;
}

void check(const ConfigNode& node, SessionSpec& sessions, const SweepSpec&) {
  const std::optional<int64_t> listed = turns_listed(sessions);
  if (listed && !node["turns"].present()) sessions.turns = {.fixed = *listed};
  if (largest(sessions.turns) > kMaxTurns) {
    node["turns"].fail(fmt::format("is more than {}", kMaxTurns));
  }
}

// What users do not have yet is refused rather than passed over.
void check_sessions(const ConfigNode& node, WorkloadSpec& workload, const EndpointSpec& endpoint) {
  if (!workload.sessions.wanted()) return;
  if (!traits_of(endpoint.api).generates) {
    node["sessions"].fail(
        fmt::format("are conversations, and endpoint.api is {}", name_of(endpoint.api)),
        "leave them out, or set endpoint.api: chat");
  }
  if (!endpoint.models.empty()) {
    node["sessions"].fail("do not go with several models", "name one as endpoint.model");
  }
  if (workload.images.wanted()) {
    node["images"].fail("stand beside sessions", "leave them out");
  }
  const ConfigNode input = node["input_tokens"];
  if (input.present()) {
    input.fail("stands beside sessions", "say it as sessions.first_input_tokens");
  }
  if (workload.sessions.output_tokens) {
    const ConfigNode output = node["output_tokens"];
    if (output.present()) {
      output.fail("stands beside sessions.output_tokens", "keep one: the tokens of each answer");
    }
    workload.output_tokens = *workload.sessions.output_tokens;
  }
  if (workload.prefix_tokens > 0) {
    node["prefix_tokens"].fail("stands beside sessions", "use sessions.system_tokens");
  }
  if (workload.prompt_as == PromptAs::kIds) {
    node["prompt_as"].fail("sessions are sent as messages", "use prompt_as: text");
  }
  if (workload.reuse == Reuse::kAllow) {
    node["reuse"].fail("each session is of its own", "leave it out");
  }
  workload.input_tokens = workload.sessions.first_input_tokens;
}

void check(const ConfigNode& node, ImagesSpec& images, const SweepSpec&) {
  if (!images.wanted()) {
    node.fail("needs files", "as in files: [a.png, b.jpg], or files: pictures/");
  }
}

void check(const ConfigNode& node, WorkloadSpec& workload, const SweepSpec& spec) {
  check_sessions(node, workload, spec.endpoint);
  if (workload.prefix_tokens > 0 && workload.input_tokens &&
      workload.prefix_tokens >= largest(*workload.input_tokens)) {
    node["prefix_tokens"].fail("must be below input_tokens: the rest of a prompt is its own");
  }
  if (workload.inputs_per_request && traits_of(spec.endpoint.api).inputs == 0) {
    node["inputs_per_request"].fail(
        fmt::format("is of embeddings and rerank, and endpoint.api is {}",
                    name_of(spec.endpoint.api)),
        "leave it out");
  }
  if (workload.images.wanted() && !traits_of(spec.endpoint.api).takes_images) {
    node["images"].fail(
        fmt::format("are of chat alone, and endpoint.api is {}", name_of(spec.endpoint.api)),
        "leave them out, or set endpoint.api: chat");
  }
  if (workload.images.wanted() && workload.prompt_as == PromptAs::kIds) {
    node["images"].fail("stand beside a text, and prompts are token ids", "leave prompt_as out");
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

void check(const ConfigNode& node, ArrivalSpec& arrivals, const SweepSpec&) {
  if (arrivals.process != ArrivalProcess::kGamma && arrivals.cv != 1) {
    node["cv"].fail("is of process: gamma alone", "leave it out, or set process: gamma");
  }
}

void check(const ConfigNode& node, TraceColumns& columns, const SweepSpec&) {
  for (const char* name : {"at", "input", "output"}) {
    if (!node[name].present()) {
      node.fail(std::string("names no column for ") + name,
                "as in columns: {at: TIME, input: PROMPT, output: ANSWER}");
    }
  }
  if (columns.at.empty() || columns.input.empty() || columns.output.empty()) {
    node.fail("names a column that is empty");
  }
}

void check(const ConfigNode& node, TraceSpec& trace, const SweepSpec&) {
  std::string first;
  for (const char* name : {"share", "copies", "speed", "rate"}) {
    if (!node[name].present()) continue;
    if (!first.empty()) {
      node[name].fail("stands beside " + first, "keep one: what a trace is scaled by");
    }
    first = name;
  }
  if (trace.columns.stated() && !trace.format) trace.format = TraceFormat::kCsv;
  if (trace.columns.stated() != (trace.format == TraceFormat::kCsv)) {
    node["columns"].fail(trace.columns.stated() ? "are of format: csv" : "are not stated",
                         "as in columns: {at: TIME, input: PROMPT, output: ANSWER}");
  }
  if (trace.think_cap && trace.sessions == TraceSessions::kOpen) {
    node["think_cap"].fail("is of sessions: closed; open ones think for nobody's answer",
                           "leave it out, or set sessions: closed");
  }
  if (node["unit"].present() && !trace.columns.stated()) {
    node["unit"].fail("is of a table whose columns are named", "leave it out");
  }
  if (trace.format == TraceFormat::kWeka) {
    node["format"].fail("has no instants: each of its sessions begins at 0",
                        "a replay needs a trace that says when requests came");
  }
}

void check(const ConfigNode& node, SearchSpec& search, const SweepSpec&) {
  const ConfigNode between = node["between"];
  if (search.over == SearchOver::kRate && !between.present()) {
    node.fail("needs between, the least and the most rate", "as in between: [1, 100]");
  }
  if (search.between.size() != 2 || search.low() >= search.high()) {
    between.fail("must be two loads, the lower one first", "as in between: [1, 512]");
  }
  const auto is_whole = [](double load) { return load == std::floor(load); };
  if (search.over == SearchOver::kConcurrency &&
      !(is_whole(search.low()) && is_whole(search.high()))) {
    between.fail("must be whole numbers of requests in flight", "as in between: [1, 512]");
  }
}

void check(const ConfigNode& node, LoadSpec& load, const SweepSpec&) {
  check_duration(node, load);
  check_beside_search(node, load);
  check_rates(node, load);
  check_profile(node, load);
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

void check(const ConfigNode& node, ClientSpec& client, const SweepSpec& spec) {
  if (client.transport == Transport::kSockets && spec.endpoint.use_proxy) {
    node["transport"].fail("our own sockets do not speak to a proxy (endpoint.use_proxy)",
                           "use auto or libcurl");
  }
}

}  // namespace llmsweep
