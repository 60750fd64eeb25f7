// What the user asked for: the run spec, resolved. Plain data; spec/ reads it from YAML or JSON.
// Keys in files are these names, durations with a unit.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llmsweep/base/clock.h"
#include "llmsweep/model/load_point.h"
#include "llmsweep/model/rate_profile.h"
#include "llmsweep/model/recorded_trace.h"

namespace llmsweep {

// What the system draws, as the user states it: each of the two is a basis of its own
// (docs/cost.md) and stands with its source and its date.
struct PowerSpec {
  std::optional<double> provisioned_kw_per_gpu;  // all that is provided for one GPU
  std::string provisioned_source = {};
  std::string provisioned_date = {};  // YYYY-MM-DD
  std::optional<double> node_kw;      // measured under this load, of the whole system
  std::optional<double> node_error;   // at most, a share of it; absent: nobody knows
  std::string node_source = {};
  std::string node_date = {};

  bool stated() const { return provisioned_kw_per_gpu || node_kw; }
  bool operator==(const PowerSpec&) const = default;
};

// The system under test, as stated by the user; carried into the result unchanged.
struct SystemSpec {
  std::string accelerator;
  int gpus = 0;  // the denominator of everything "per GPU"; 0: not stated
  int nodes = 1;
  std::string precision;
  std::string engine;
  std::string engine_version;
  std::optional<int> tensor_parallel;
  std::optional<bool> mtp;  // multi-token prediction (speculative decoding)
  std::optional<int> max_batch_size;
  std::string checkpoint;
  std::optional<double> weights_gb;
  std::string command;  // that serves it
  PowerSpec power = {};

  bool operator==(const SystemSpec&) const = default;
};

// What the tokens and the machine cost, as the user states it.
struct PriceSpec {
  std::optional<double> million_input_tokens;
  std::optional<double> million_output_tokens;
  std::optional<double> gpu_hour;
  std::string currency = "USD";
  std::string source = {};            // of these prices
  std::string date = {};              // YYYY-MM-DD
  std::optional<double> utilisation;  // share of the hours paid for that are used so
  std::optional<double> kwh;          // of a kWh of electricity; an addend of its own
  std::optional<double> pue;          // what the building draws ÷ what its computers draw
  std::string kwh_source = {};        // of both
  std::string kwh_date = {};          // YYYY-MM-DD

  bool stated() const { return million_input_tokens || million_output_tokens || gpu_hour || kwh; }

  bool operator==(const PriceSpec&) const = default;
};

enum class Api { kChat, kCompletions, kResponses, kMessages, kEmbeddings, kRerank };

// Fields of the request that fix the output length or ask for usage. A server that rejects one
// with HTTP 400 gets it dropped, once, in the check before the run, and the result says so.
enum class RequestField { kIgnoreEos, kMinTokens, kIncludeUsage, kContinuousUsage };

// What a page of metrics speaks of. kGpu: an exporter of GPU readings.
enum class MetricsRole { kServer, kFrontend, kPrefill, kDecode, kGpu };

// In the place of a page's URL: the GPUs of this machine, by NVIDIA's library.
inline constexpr std::string_view kLocalGpus = "nvml";

struct MetricsPage {
  std::string url;
  MetricsRole role = MetricsRole::kServer;

  bool operator==(const MetricsPage&) const = default;
};

// Which pages of metrics are read beside a run. Automatic: /metrics of each URL, where there is
// one, and then `pages`. Neither automatic nor any page: none.
struct MetricsSpec {
  bool automatic = true;
  std::vector<MetricsPage> pages;

  bool off() const { return !automatic && pages.empty(); }
  bool operator==(const MetricsSpec&) const = default;
};

// One of several models, and how often requests ask for it beside the others.
struct ModelShare {
  std::string name;
  double weight = 1;

  bool operator==(const ModelShare&) const = default;
};

struct EndpointSpec {
  // Base URL up to and including /v1, maybe with a query; empty: `simulator` is used.
  std::string url;
  // Several addresses that serve the same model, taken round robin by the slots; urls[0] is `url`.
  // Empty: `url` alone.
  std::vector<std::string> urls;
  std::string simulator;  // path of a simulator profile; empty: `url` is used
  Api api = Api::kChat;
  std::string model;  // empty: the first of /v1/models
  // Several, of which each request asks for one (model/model_mix.h); models[0] has the name
  // `model`. Empty: that alone.
  std::vector<ModelShare> models;
  std::string api_key_env;   // the variable that holds the key; empty: no Authorization header
  std::string api_key_file;  // or the file that holds it, and nothing else
  std::string api_key_header = "Authorization";  // its value: "Bearer KEY"; of another name: KEY
  Duration request_timeout = std::chrono::seconds(600);
  Duration connect_timeout = std::chrono::seconds(10);
  std::vector<std::pair<std::string, std::string>> headers;
  std::string extra_body = "{}";                // JSON object merged into every request's body
  std::string max_tokens_field = "max_tokens";  // or "max_completion_tokens", …
  std::vector<RequestField> request_fields = {RequestField::kIgnoreEos, RequestField::kMinTokens,
                                              RequestField::kIncludeUsage};
  std::string session_header;  // of users: the name of the header that carries the session; or none
  bool traceparent = false;    // each request carries one (model/trace_id.h)
  bool use_proxy = false;      // take http(s)_proxy from the environment
  std::string ca_file;         // PEM; empty: the system's
  MetricsSpec metrics;
  Duration metrics_every = std::chrono::seconds(5);  // inside the window; 0: at its edges alone
  PriceSpec prices;

  bool operator==(const EndpointSpec&) const = default;
};

// How many tokens: `2400`, `{min, max}`, `{mean, stddev}` or `[{tokens, weight}, …]`.
struct TokenCount {
  enum class Kind { kFixed, kUniform, kNormal, kWeighted };
  Kind kind = Kind::kFixed;
  int64_t fixed = 0;
  int64_t min = 0;  // kUniform; kNormal is clamped below to 1
  int64_t max = 0;
  double mean = 0;
  std::optional<double> stddev;                      // absent: another tool's file does not say
  std::vector<std::pair<int64_t, double>> weighted;  // tokens, weight
  bool by_turn = false;  // of kWeighted: one for each turn of a session, in this order

  bool operator==(const TokenCount&) const = default;
};

// A time that is drawn: `20s`, `{min, max}` or `{mean, cv}` (log-normal).
struct DrawnTime {
  enum class Kind { kFixed, kUniform, kLogNormal };
  Kind kind = Kind::kFixed;
  Duration fixed{};
  Duration min{};
  Duration max{};
  Duration mean{};
  double cv = 1;  // standard deviation ÷ mean

  bool operator==(const DrawnTime&) const = default;
};

// What a user's sessions are made of. A reply that is in a later prompt is the workload's own text:
// what the endpoint answered is measured, and sent back never.
struct SessionSpec {
  TokenCount turns{.fixed = 1};
  TokenCount first_input_tokens;  // of the first question: workload.input_tokens says it too
  std::optional<TokenCount> input_tokens;   // of each later question; absent: as of the first
  std::optional<TokenCount> output_tokens;  // workload.output_tokens then says it too
  DrawnTime think;                          // from the end of an answer to the user's next question
  int64_t system_tokens = 0;                // of a first message that all sessions share; 0: none

  bool wanted() const { return first_input_tokens != TokenCount{}; }
  const TokenCount& later_input_tokens() const {
    return input_tokens ? *input_tokens : first_input_tokens;
  }
  bool operator==(const SessionSpec&) const = default;
};

enum class InputScope { kTotal, kContent };  // total: as usage.prompt_tokens counts it
enum class PromptAs { kText, kIds };
// Whether input that no tokenizer counted, or output, has to be as long as was asked for.
enum class Lengths { kAbout, kExact };
enum class Reuse { kForbid, kAllow };

inline constexpr std::string_view kAutoNonce = "auto";

// Images that each prompt carries.
struct ImagesSpec {
  std::vector<std::string> files;  // folders among them; empty: prompts carry none
  int64_t per_request = 1;

  bool wanted() const { return !files.empty(); }
  bool operator==(const ImagesSpec&) const = default;
};

struct WorkloadSpec {
  // A path; "sample" (the shipped conversations); or "random" (synthetic words).
  std::string dataset = "sample";
  std::optional<TokenCount> input_tokens;  // absent: prompts keep their own length
  SessionSpec sessions;                    // of load.users
  InputScope input_scope = InputScope::kTotal;
  Lengths input_lengths = Lengths::kAbout;
  TokenCount output_tokens{.fixed = 256};
  Lengths output_lengths = Lengths::kExact;
  uint64_t seed = 1;
  // Decides the words that each prompt begins with; kAutoNonce: drawn for the sweep. Empty: those
  // of the seed alone.
  std::string nonce{kAutoNonce};
  std::string tokenizer;      // a tokenizer.json, .tiktoken or folder; "server"; empty: estimate
  int64_t prefix_tokens = 0;  // of a prefix that the prompts of one group share
  int64_t prefix_groups = 1;
  PromptAs prompt_as = PromptAs::kText;
  // Texts that a prompt is cut into, of the APIs that take several; absent: the API's own number
  // (protocol/api.h).
  std::optional<int64_t> inputs_per_request;
  ImagesSpec images;
  Reuse reuse = Reuse::kForbid;  // whether a prompt may be sent twice

  bool operator==(const WorkloadSpec&) const = default;
};

// What a slot does after an answer 429 or 503 that names a time to wait.
enum class RetryAfter {
  kFail,  // a failure like any other: the next request follows at once
  kHold,  // a failure, and the slot sends nothing until that time has passed
};

// What one start of a sweep may take; absent: as much as it needs.
struct BudgetSpec {
  std::optional<int64_t> tokens;
  std::optional<Duration> time;

  bool operator==(const BudgetSpec&) const = default;
};

// The law of the gaps between arrivals of an open loop.
enum class ArrivalProcess { kPoisson, kGamma, kConstant };
// How many arrivals a window has: as many as the law gives, or rate × measure.
enum class ArrivalCount { kDrawn, kExact };

struct ArrivalSpec {
  ArrivalProcess process = ArrivalProcess::kPoisson;
  double cv = 1;  // standard deviation ÷ mean of a gap; of kGamma
  ArrivalCount count = ArrivalCount::kDrawn;

  bool operator==(const ArrivalSpec&) const = default;
};

// What a search varies.
enum class SearchOver { kConcurrency, kRate };

// Looks for the most load that keeps the first target, instead of running the levels that `load`
// lists. Absent `over`: no search.
struct SearchSpec {
  std::optional<SearchOver> over;
  std::vector<double> between = {1, 512};  // the loads between which it looks, ascending
  double width = 1.1;                      // of the bracket that is confirmed: high ÷ low
  double confidence = 0.95;                // that the bracket holds the truth
  std::optional<Duration> budget;          // what one start of the sweep may take

  bool wanted() const { return over.has_value(); }
  LoadKind kind() const {
    return over == SearchOver::kRate ? LoadKind::kRate : LoadKind::kConcurrency;
  }
  double low() const { return between.front(); }
  double high() const { return between.back(); }
  bool operator==(const SearchSpec&) const = default;
};

// Of a table: the names of the columns that a request is made of. Empty: it has none.
struct TraceColumns {
  std::string at;
  std::string input;
  std::string output;
  std::string session;

  bool stated() const { return !at.empty(); }
  bool operator==(const TraceColumns&) const = default;
};

// Of a trace, one level for each number; one of the four at most, and none: all of it.
struct TraceSpec {
  std::string file;                         // empty: no trace
  std::optional<TraceFormat> format;        // absent: its first line says it
  TraceColumns columns;                     // of kCsv
  Duration unit = std::chrono::seconds(1);  // of the instants of kCsv
  std::optional<int64_t> block_tokens;      // of a block of hash ids; absent: the format's
  Duration from{};                          // sessions that begin from here on
  std::optional<Duration> length;           // and for so long; absent: to the end
  Duration spread{};                        // each instant comes so much later at most, drawn
  TraceSessions sessions = TraceSessions::kClosed;
  std::optional<Duration> think_cap;  // the longest time to think before a turn; of kClosed
  std::vector<double> share;          // of the sessions
  std::vector<int> copies;            // laid over each other
  std::vector<double> speed;          // at which sessions come
  std::vector<double> rate;           // requests a second, by a share or by copies

  // What is replayed, once it was read (trace/replay_trace.h); not of the spec itself.
  std::shared_ptr<const ReplayTrace> replay;

  bool wanted() const { return !file.empty(); }
  // Of what is replayed some turns come once the one before has ended.
  bool turns_wait() const {
    return replay != nullptr && replay->think_source && sessions == TraceSessions::kClosed;
  }
  bool operator==(const TraceSpec& other) const {
    return file == other.file && format == other.format && columns == other.columns &&
           unit == other.unit && block_tokens == other.block_tokens && from == other.from &&
           length == other.length && spread == other.spread && sessions == other.sessions &&
           think_cap == other.think_cap && share == other.share && copies == other.copies &&
           speed == other.speed && rate == other.rate;
  }
};

// A closed loop (`concurrency`), one of users with sessions (`users`), or an open one (`rate`,
// `profile`, `trace`): one of the five. What another kind alone uses keeps its default.
struct LoadSpec {
  std::vector<int> concurrency;   // one level each, in this order
  std::vector<int> users;         // likewise
  std::vector<double> rate;       // requests a second, one level each, in this order
  std::vector<RateStep> profile;  // one level: the steps of its window, in place of `measure`
  TraceSpec trace;                // recorded traffic, in place of a rate
  ArrivalSpec arrivals;
  Duration warmup = std::chrono::seconds(30);  // before the window
  Duration measure = std::chrono::minutes(5);  // the window: what is scheduled in it is measured
  Duration drain = std::chrono::minutes(10);   // after it, the longest wait for its requests
  int max_in_flight = 8192;                    // reaching it ends a run as overloaded
  int requests_per_slot = 10;  // measured requests of each slot in one repeat of a level
  int min_requests = 0;        // raises requests_per_slot where concurrency is low
  // In place of both: measured is what a slot starts in this time, after its warm-up.
  std::optional<Duration> duration;
  int warmup_per_slot = 1;
  int repeats = 3;
  int repeats_max = 0;  // of `run --gate` while a rule is inconclusive; 0: no repeats added
  bool fillers = true;
  Duration spread_starts{};  // over which the slots' first requests are spread; 0: all at once
  Duration grace = std::chrono::seconds(30);  // what an interrupt leaves to requests in flight
  double max_error_rate = 0.01;               // of a level's measured requests
  int max_consecutive_errors = 20;            // ends the level early, with what was measured kept
  bool stop_over_error_rate = false;          // ends a level that can no longer keep max_error_rate
  RetryAfter retry_after = RetryAfter::kFail;
  Duration retry_after_max = std::chrono::seconds(60);  // of kHold: what asks for more gets this
  bool refine = false;  // bisect the bracket of users at the first target
  BudgetSpec budget;
  SearchSpec search;  // `search` of the spec, beside `load`: in place of concurrency and rate

  bool is_open() const {
    return !rate.empty() || !profile.empty() || trace.wanted() || search.over == SearchOver::kRate;
  }
  bool has_users() const { return !users.empty(); }
  bool operator==(const LoadSpec&) const = default;
};

// What carries the requests. Auto: sockets for http:// without a proxy, libcurl for the rest.
enum class Transport { kAuto, kSockets, kLibcurl };

struct ClientSpec {
  int threads = 0;  // event loops; 0: as many as the load needs
  Transport transport = Transport::kAuto;
  bool record_chunks = false;
  bool receive_stamps = true;  // sample the kernel's receive time stamps
  int64_t max_response_bytes = int64_t{256} << 20;

  bool operator==(const ClientSpec&) const = default;
};

enum class Metric { kE2e, kTtft, kTtfo, kTpot, kItl, kIcl };
enum class Statistic { kP50, kP90, kP95, kP99, kMean };

inline constexpr double kMinSpeed = 0.001;  // tokens a second
inline constexpr double kMaxSpeed = 1e6;

// model/target.h says more of it.
struct Target {
  Metric metric = Metric::kE2e;
  Statistic statistic = Statistic::kP50;
  Duration max{};
  std::optional<double> min_tps;  // of a limit on TPOT that was said as a decode speed
  // Limits that have to hold together, themselves without `all`; what is above then says nothing.
  std::vector<Target> all;
  std::string name;  // of those limits, as of a tier of service; may be empty

  bool operator==(const Target&) const = default;
};

// What a level has to have, or it is INVALID.
enum class Requirement { kEnergy };

struct SweepSpec {
  std::string name;
  SystemSpec system;
  EndpointSpec endpoint;
  WorkloadSpec workload;
  LoadSpec load;
  ClientSpec client;
  std::vector<Target> targets;
  std::vector<Target> goodput;  // per-request targets (their statistic is not used)
  std::vector<Requirement> require = {};
  // Of a spec whose API does not generate: what was stated and is not used, a sentence each.
  std::vector<std::string> does_not_apply = {};

  bool operator==(const SweepSpec&) const = default;
};

}  // namespace llmsweep
