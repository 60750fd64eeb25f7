// The keys of a run spec: one list, which the reader (src/spec/spec_read.cc), the writer
// (spec_write.cc), the hash (spec_hash.cc), the schema and the tables of docs/spec.md
// (tests/spec/spec_documents.cc) walk. A key of a known kind is its row here and its member in
// spec.h. result.json has the system's keys from here too.
//
// keys(archive, section) calls archive(key, member, kind...) for each key, in the order in which
// they are written. A bool, an enumeration of model/names.h and a list of one need no kind.
#pragma once

#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "llmsweep/model/names.h"
#include "llmsweep/model/spec.h"

namespace llmsweep {

// Whether `run --resume` goes on where a spec with another value stopped.
enum class Resume { kRefused, kAllowed };

// The value of another key of the section with which alone a key changes what is measured.
struct OnlyWith {
  std::string_view key;
  std::string_view value;
};

// Which kind of load a key of `load` belongs to: it may not stand beside another kind. kTimed: one
// that measures a window, an open loop's or users'.
enum class LoopKind { kEither, kClosed, kOpen, kTimed };

struct Key {
  const char* name;
  const char* sentence;  // of the schema and of docs/spec.md
  Resume resume = Resume::kRefused;
  const char* required = nullptr;  // what to do where it is missing; null: it may be
  OnlyWith resume_unless = {};     // with kAllowed: refused where that stands
  LoopKind loop = LoopKind::kEither;
};

// How a value is written, and what it may be.
namespace kind {

struct Section {
  std::vector<std::string> exactly_one = {};  // of these keys
  std::vector<std::string> at_most_one = {};  // of these
  bool optional = false;                      // absent as a whole, with its members' defaults
};
struct Text {  // one line that people read
  bool filled = false;
};
struct Date {};  // YYYY-MM-DD; empty: absent
struct Whole {
  int64_t min;
  int64_t max;
  const char* unit = "";
};
struct WholeOrAbsent {  // absent: 0
  int64_t min;
  int64_t max;
  const char* unit = "";
};
struct WholeOrAuto {  // auto: 0
  int64_t min;
  int64_t max;
};
struct Number {
  double min;
  double max;
  const char* unit = "";
};
struct DurationFrom {
  Duration min;
};
struct Path {                           // of a file that is there; empty: absent
  std::vector<std::string> words = {};  // which are no paths
  bool with_part = false;               // a path may end with "#PART"
};
struct Paths {};          // of files or folders that are there; one, or a list
struct TokenizerPath {};  // "server", or a path that may end with "#PATTERN"; empty: absent
struct Url {};            // empty: absent
struct Urls {};           // empty: absent
struct MetricsPages {};
struct Models {};        // a name, or a list of names and of {name, weight}
struct VariableName {};  // empty: absent
struct HeaderName {};    // empty: absent
struct Headers {};
struct BodyFields {};
struct Tokens {};
struct TurnTokens {};  // or a list of numbers, one for each turn
struct Drawn {};       // a duration, {min, max} or {mean, cv}
struct Levels {        // whole numbers or not, as the member is
  double min;
  double max;
  const char* example;
};
struct Profile {};           // a list of {for, rate} and {for, from, to}
struct Targets {             // each a map, or the text of parse_target() (model/target.h)
  bool of_requests = false;  // without a statistic, of metrics that a single request has
  bool of_a_tier = false;    // limits by themselves
};
struct TargetMetric {
  bool of_requests = false;
};

}  // namespace kind

// As a spec and a result write it: 2400, {min, max}, {mean, stddev} or [{tokens, weight}, …].
template <class Json>
Json tokens_json(const TokenCount& count) {
  switch (count.kind) {
    case TokenCount::Kind::kFixed:
      return count.fixed;
    case TokenCount::Kind::kUniform:
      return {{"min", count.min}, {"max", count.max}};
    case TokenCount::Kind::kNormal:
      return {{"mean", count.mean}, {"stddev", count.stddev ? Json(*count.stddev) : Json()}};
    case TokenCount::Kind::kWeighted:
      break;
  }
  Json list = Json::array();
  for (const auto& [tokens, weight] : count.weighted) {
    list.push_back({{"tokens", tokens}, {"weight", weight}});
  }
  return list;
}

inline constexpr int64_t kMaxTokens = 100'000'000;
inline constexpr Duration kLongestThink = std::chrono::hours(24);
inline constexpr int64_t kMaxTurns = 10'000;  // of a session
inline constexpr double kMaxConcurrency = 100'000;
inline constexpr double kMinRate = 0.001;  // requests a second
inline constexpr double kMaxRate = 100'000;
inline constexpr double kLeastScale = 0.0001;  // of a trace
inline constexpr double kMostScale = 1000;
inline constexpr size_t kMaxSteps = 1000;  // of a profile
inline constexpr Duration kShortestStep = std::chrono::milliseconds(100);
inline constexpr size_t kMaxUrls = 256;
inline constexpr size_t kMaxModels = 1000;
inline constexpr double kMaxWeight = 1e9;
inline constexpr size_t kMaxTextBytes = 1000;  // of kind::Text

// Of kind::Models: what its one key has of two members.
struct ModelNames {
  std::string& one;
  std::vector<ModelShare>& several;
};

// Whether a single request has it, so that goodput can be judged by it.
inline bool is_of_requests(Metric metric) {
  return metric != Metric::kItl && metric != Metric::kIcl;
}

template <class Archive>
void keys(Archive& archive, PowerSpec& power) {
  archive({"provisioned_kw_per_gpu",
           "Power that is provided for one GPU, with its share of hosts, network, losses and "
           "cooling, as its source counts them. Never taken for a measurement."},
          power.provisioned_kw_per_gpu, kind::Number{0.001, 1000, "kW"});
  archive({"provisioned_source", "Who says so."}, power.provisioned_source, kind::Text{});
  archive({"provisioned_date", "When, as 2026-11-28."}, power.provisioned_date, kind::Date{});
  archive({"node_kw",
           "Mean power of the whole system under this load, as an analyzer at its nodes or at the "
           "wall read it."},
          power.node_kw, kind::Number{0.001, 1e6, "kW"});
  archive({"node_error", "What it is off by at most, a share of it; absent: not known."},
          power.node_error, kind::Number{0, 1});
  archive({"node_source", "What measured it, and where."}, power.node_source, kind::Text{});
  archive({"node_date", "When, as 2026-11-28."}, power.node_date, kind::Date{});
}

template <class Archive>
void keys(Archive& archive, SystemSpec& system) {
  archive({"accelerator", "The accelerator, as in GB200 or H200."}, system.accelerator,
          kind::Text{});
  archive({"gpus",
           "GPUs of the system: what every figure 'per GPU' divides by; absent: figures are of the "
           "endpoint, and nothing is said per GPU."},
          system.gpus, kind::WholeOrAbsent{1, 1'000'000});
  archive({"nodes", "Machines that the GPUs are in."}, system.nodes, kind::Whole{1, 100'000});
  archive({"precision", "Precision of the weights, as in NVFP4 or FP8."}, system.precision,
          kind::Text{});
  archive({"engine", "The inference engine, as in TensorRT LLM."}, system.engine, kind::Text{});
  archive({"engine_version", "Its version; quote it where YAML would read a number."},
          system.engine_version, kind::Text{});
  archive({"tensor_parallel", "Tensor-parallel size."}, system.tensor_parallel,
          kind::Whole{1, 1'000'000});
  archive({"mtp", "Whether multi-token prediction (speculative decoding) is on."}, system.mtp);
  archive({"max_batch_size", "The engine's largest batch."}, system.max_batch_size,
          kind::Whole{1, 1'000'000});
  archive({"checkpoint", "The weights, as in nvidia/DeepSeek-V3.2-NVFP4."}, system.checkpoint,
          kind::Text{});
  archive({"weights_gb", "Size of the weights in GB."}, system.weights_gb,
          kind::Number{0.001, 1e6, "GB"});
  archive({"command",
           "The command that serves it, for whoever has to do it again; `compare` says where two "
           "differ. No key belongs in it."},
          system.command, kind::Text{});
  archive({"power",
           "What it draws, each figure with its source and date: the energy per output token by "
           "that basis (docs/cost.md).",
           Resume::kAllowed},
          system.power, kind::Section{.optional = true});
}

template <class Archive>
void keys(Archive& archive, PriceSpec& prices) {
  archive({"million_input_tokens", "Price of a million prompt tokens."},
          prices.million_input_tokens, kind::Number{0, 1e9});
  archive({"million_output_tokens", "Price of a million output tokens."},
          prices.million_output_tokens, kind::Number{0, 1e9});
  archive({"gpu_hour",
           "Price of an hour of one GPU; wants `system.gpus`. With `source` and `date` levels have "
           "a cost per million tokens (docs/cost.md)."},
          prices.gpu_hour, kind::Number{0, 1e9});
  archive({"currency", "Of these prices."}, prices.currency, kind::Text{.filled = true});
  archive({"source", "Who says so."}, prices.source, kind::Text{});
  archive({"date", "When, as 2026-11-28."}, prices.date, kind::Date{});
  archive({"utilisation",
           "Share of the hours paid for in which the system carries such a load: the cost is also "
           "given for it. 1 is what is measured."},
          prices.utilisation, kind::Number{0.001, 1});
  archive(
      {"kwh",
       "Price of a kWh of electricity; wants `pue`, `kwh_source` and `kwh_date`. What the energy "
       "of the tokens costs by it stands beside each energy, and is in no other cost."},
      prices.kwh, kind::Number{0, 1e6});
  archive({"pue",
           "Power usage effectiveness: what the building draws ÷ what its computers draw. 1 where "
           "whoever pays pays for the computers' alone."},
          prices.pue, kind::Number{1, 10});
  archive({"kwh_source", "Who says both."}, prices.kwh_source, kind::Text{});
  archive({"kwh_date", "When, as 2026-11-28."}, prices.kwh_date, kind::Date{});
}

template <class Archive>
void keys(Archive& archive, EndpointSpec& endpoint) {
  using std::chrono::milliseconds;
  archive({"url",
           "Base URL up to and including /v1. A query behind it (?api-version=…) stays behind the "
           "path of each request."},
          endpoint.url, kind::Url{});
  archive({"urls",
           "Several base URLs that serve the same model, instead of a url; slots take them round "
           "robin."},
          endpoint.urls, kind::Urls{});
  archive({"simulator", "Profile of the embedded simulated endpoint, instead of a url."},
          endpoint.simulator, kind::Path{});
  archive({"api",
           "Which API the requests use: OpenAI's chat, completions, responses or embeddings, "
           "Anthropic's messages, or rerank as Cohere, Jina and vLLM have it."},
          endpoint.api);
  ModelNames models{endpoint.model, endpoint.models};
  archive({"model",
           "Model to ask for; empty: the first that /v1/models names. Or several, LoRA adapters "
           "say, as [{name: a, weight: 3}, {name: b, weight: 1}]: each request asks for one, drawn "
           "by workload.seed, and figures are of each too."},
          models, kind::Models{});
  archive({"api_key_env",
           "Environment variable that holds the API key; absent: no Authorization header. Never "
           "the key itself.",
           Resume::kAllowed},
          endpoint.api_key_env, kind::VariableName{});
  archive({"api_key_file",
           "File that holds the API key and nothing else, instead of `api_key_env`; one that "
           "others may read is noted. White space around a key is dropped, here and there.",
           Resume::kAllowed},
          endpoint.api_key_file, kind::Path{});
  archive({"api_key_header",
           "Header that carries the key: in Authorization as 'Bearer KEY', in one of another name "
           "(api-key, x-api-key) as it is. Redacted in what is written, whatever its name."},
          endpoint.api_key_header, kind::Text{.filled = true});
  archive({"request_timeout", "A request that takes longer has failed."}, endpoint.request_timeout,
          kind::DurationFrom{milliseconds(1)});
  archive({"connect_timeout", "Limit for looking a host name up, and for opening a connection.",
           Resume::kAllowed},
          endpoint.connect_timeout, kind::DurationFrom{milliseconds(1)});
  archive({"headers",
           "HTTP headers of every request. Values of names that look like credentials (key, "
           "token, secret, auth, session, sig and their like) are redacted in what is written."},
          endpoint.headers, kind::Headers{});
  archive({"extra_body",
           "Fields merged into every request's body, last. Names that look like credentials: as in "
           "`headers`."},
          endpoint.extra_body, kind::BodyFields{});
  archive({"max_tokens_field",
           "Name of the field that limits the output, as in max_completion_tokens."},
          endpoint.max_tokens_field, kind::Text{.filled = true});
  archive({"request_fields",
           "Fields that fix the output length or ask for usage. One that the server refuses is "
           "dropped before the run, and the result says so."},
          endpoint.request_fields);
  archive(
      {"session_header",
       "Of `load.users`, and of a trace that has sessions: header that carries the name of a "
       "request's session (`u8.0.12`: level, repeat, `session` of its record), for routers that "
       "keep a session at one server."},
      endpoint.session_header, kind::HeaderName{});
  archive({"traceparent",
           "Send each request with a W3C `traceparent` header of its own, whose id its record has "
           "(`trace_id`): it finds the request in the server's traces."},
          endpoint.traceparent);
  archive({"use_proxy", "Take http_proxy and https_proxy from the environment."},
          endpoint.use_proxy);
  archive({"ca_file", "PEM file of certificate authorities to trust; absent: the system's.",
           Resume::kAllowed},
          endpoint.ca_file, kind::Path{});
  archive(
      {"metrics",
       "Pages of metrics that are read at the edges of each run's window: `auto`, /metrics of "
       "each URL where there is one; `off`; or a list of `auto`, URLs, {url, role}, where a role "
       "is server, frontend, prefill, decode or gpu (an exporter of GPU readings), and `nvml`, "
       "the GPUs of this machine. Credentials go to the endpoint's own hosts alone.",
       Resume::kAllowed},
      endpoint.metrics, kind::MetricsPages{});
  archive({"metrics_every",
           "Time between two more readings inside the window, for gauges; 0: none. A page costs "
           "the server time: see what `run` prints of it.",
           Resume::kAllowed},
          endpoint.metrics_every, kind::DurationFrom{Duration(0)});
  archive({"prices",
           "What it costs: `check` says what the sweep will cost at least, and levels what a "
           "million tokens cost.",
           Resume::kAllowed},
          endpoint.prices, kind::Section{});
}

template <class Archive>
void keys(Archive& archive, SessionSpec& sessions) {
  archive({"turns",
           "Questions of a session, each with the whole conversation before it; absent: 1, or as "
           "many as a list of lengths has."},
          sessions.turns, kind::Tokens{});
  archive({.name = "first_input_tokens",
           .sentence = "Tokens of a session's first question, as `workload.input_tokens` of other "
                       "loads.",
           .required = "tokens of a session's first question, as in first_input_tokens: 2400"},
          sessions.first_input_tokens, kind::Tokens{});
  archive(
      {"input_tokens",
       "Tokens of each later question, its content alone; absent: as of the first. A list is of "
       "the second question, the third and so on, and a session ends with its last."},
      sessions.input_tokens, kind::TurnTokens{});
  archive({"output_tokens",
           "Tokens of each answer, in place of workload.output_tokens. A list is of the first "
           "answer, the second and so on, and a session ends with its last."},
          sessions.output_tokens, kind::TurnTokens{});
  archive({"think",
           "From the end of an answer to the user's next question, in the same session or the "
           "next: a duration, {min, max}, or {mean, cv} (log-normal)."},
          sessions.think, kind::Drawn{});
  archive({"system_tokens", "Tokens of a first message that all sessions share; 0: none."},
          sessions.system_tokens, kind::Whole{0, kMaxTokens});
}

template <class Archive>
void keys(Archive& archive, ImagesSpec& images) {
  archive({"files",
           "Image files (PNG, JPEG, WebP, GIF, BMP), or folders of them; one path or a list. Sent "
           "byte for byte."},
          images.files, kind::Paths{});
  archive({"per_request", "Images of each request, taken in turn from a place that is drawn."},
          images.per_request, kind::Whole{1, 1000});
}

template <class Archive>
void keys(Archive& archive, WorkloadSpec& workload) {
  archive(
      {"dataset",
       "A file of records (a JSON list, JSON lines or a CSV table, also of gzip or Zstandard), "
       "with #COLUMN behind it to name a table's column of prompts, or #lines to make each line "
       "of a text one; 'sample', the conversations that ship; or 'random', synthetic words."},
      workload.dataset, kind::Path{{"sample", "random"}, true});
  archive({"input_tokens", "Tokens of each prompt; absent: prompts keep their own length."},
          workload.input_tokens, kind::Tokens{});
  archive({"sessions",
           "Of `load.users`: conversations of several turns, with time to think between them. "
           "Replies in a later prompt are the workload's own texts of output_tokens, so that all "
           "systems are sent the same."},
          workload.sessions, kind::Section{.optional = true});
  archive({"input_scope",
           "What input_tokens counts: total as usage.prompt_tokens does, or the content alone."},
          workload.input_scope);
  archive({"input_lengths",
           "Without a tokenizer, what a mean input is that the server counts more than 1 % off "
           "input_tokens: said (about), or a reason to call the level INVALID (exact).",
           Resume::kAllowed},
          workload.input_lengths);
  archive({"output_tokens", "Tokens of each answer."}, workload.output_tokens, kind::Tokens{});
  archive({"output_lengths",
           "What answers are that the server counts more than 1 % off output_tokens, because it "
           "cannot be told to go on or stops earlier: a reason to call the level INVALID (exact), "
           "or said (about).",
           Resume::kAllowed},
          workload.output_lengths);
  archive({"seed", "Decides which prompts are taken, and their order."}, workload.seed,
          kind::Whole{0, std::numeric_limits<int64_t>::max()});
  archive({"nonce",
           "What the words come from that each prompt begins with, so that no run hits the prefix "
           "cache of another: auto draws it for each sweep (kept in the result, used again by a "
           "resume), a text makes prompts that others can repeat."},
          workload.nonce, kind::Text{});
  archive(
      {"tokenizer",
       "A tokenizer.json, tekken.json, tokenizer.model or .tiktoken file, a folder with one, or "
       "'server' for the server's /tokenize; absent: lengths are estimated."},
      workload.tokenizer, kind::TokenizerPath{});
  archive({"prefix_tokens", "Tokens that the prompts of one group share at their start."},
          workload.prefix_tokens, kind::Whole{0, kMaxTokens});
  archive({"prefix_groups", "How many such groups."}, workload.prefix_groups,
          kind::Whole{1, kMaxTokens});
  archive({"prompt_as", "Send prompts as text, or as token ids (completions only)."},
          workload.prompt_as);
  archive({"inputs_per_request",
           "Texts of each request of embeddings (1 where it is not stated), documents of each of "
           "rerank (10). A prompt of input_tokens is cut into them; the first words of one for "
           "rerank, 32 at most, are the query."},
          workload.inputs_per_request, kind::Whole{1, 10'000});
  archive({"images",
           "Images that each prompt carries beside its text (chat only). What they are in tokens "
           "the server's usage alone says: input_tokens is of the text."},
          workload.images, kind::Section{.optional = true});
  archive({"reuse", "Whether a prompt may be sent twice."}, workload.reuse);
}

template <class Archive>
void keys(Archive& archive, BudgetSpec& budget) {
  archive({"tokens", "Prompt and output tokens of all requests."}, budget.tokens,
          kind::Whole{1, int64_t{1} << 40});
  archive({"time", "From the first run on."}, budget.time,
          kind::DurationFrom{std::chrono::milliseconds(1)});
}

template <class Archive>
void keys(Archive& archive, ArrivalSpec& arrivals) {
  archive({"process", "Law of the gaps between arrivals."}, arrivals.process);
  archive({"cv", "Standard deviation ÷ mean of a gap; of gamma alone."}, arrivals.cv,
          kind::Number{0.05, 20});
  archive(
      {"count",
       "Arrivals in the window: as many as the law gives (drawn), or rate × measure, their gaps "
       "scaled to fit (exact)."},
      arrivals.count);
}

template <class Archive>
void keys(Archive& archive, SearchSpec& search) {
  archive({.name = "over",
           .sentence = "What is varied.",
           .required = "as in over: concurrency, or over: rate"},
          search.over);
  archive({"between", "The least and the most load (1 and 512); of a rate to be stated."},
          search.between, kind::Levels{kMinRate, kMaxConcurrency, "as in between: [1, 512]"});
  archive({"width", "Of the bracket that is confirmed: its high end ÷ its low end (1.1)."},
          search.width, kind::Number{1.02, 2});
  archive({"confidence", "That the bracket holds the truth (0.95)."}, search.confidence,
          kind::Number{0.8, 0.999});
  archive({"budget",
           "What one start of it may take. It ends in order with what it knows (`end: budget`) and "
           "exit code 13, and a resume goes on.",
           Resume::kAllowed},
          search.budget, kind::DurationFrom{std::chrono::milliseconds(1)});
}

template <class Archive>
void keys(Archive& archive, TraceColumns& columns) {
  archive({"at", "Of the instants."}, columns.at, kind::Text{});
  archive({"input", "Of the prompts' tokens."}, columns.input, kind::Text{});
  archive({"output", "Of the answers' tokens."}, columns.output, kind::Text{});
  archive({"session", "Of the session's name; absent: each row is one."}, columns.session,
          kind::Text{});
}

template <class Archive>
void keys(Archive& archive, TraceSpec& trace) {
  archive({.name = "file",
           .sentence = "The trace, which may be compressed by gzip or Zstandard.",
           .required = "as in file: conversation_trace.jsonl"},
          trace.file, kind::Path{});
  archive({"format", "Whose format it is; absent: its first line says it."}, trace.format);
  archive({"columns", "Of a table of `format: csv`: the names of its columns."}, trace.columns,
          kind::Section{.optional = true});
  archive({"unit", "Of such a table's instants, unless they are dates (1s)."}, trace.unit,
          kind::DurationFrom{Duration(1)});
  archive({"block_tokens",
           "Tokens of a block of hash ids; absent: the format's (512 of Mooncake, 16 of Bailian), "
           "or as its rows say."},
          trace.block_tokens, kind::Whole{1, kMaxTokens});
  archive({"from", "Leaves out the sessions that begin before this instant of the trace."},
          trace.from, kind::DurationFrom{Duration(0)});
  archive({"for",
           "Takes those that begin within so long after `from`, whole ones; absent: to the end."},
          trace.length, kind::DurationFrom{std::chrono::milliseconds(100)});
  archive({"spread",
           "Each request comes so much later at most, drawn evenly: of a trace whose instants are "
           "ticks (`llmsweep trace` finds them) the length of one."},
          trace.spread, kind::DurationFrom{Duration(0)});
  archive({"sessions",
           "Later turns of a session come once the turn before has ended and the time to think is "
           "over (closed), or at instants of their own (open); of a trace without sessions the two "
           "are one."},
          trace.sessions);
  archive({"think_cap",
           "The longest time to think before a turn; of `sessions: closed`. Absent: none is cut."},
          trace.think_cap, kind::DurationFrom{Duration(0)});
  archive({"share", "Of its sessions, whole ones, one level each; the best way to less load."},
          trace.share, kind::Levels{kLeastScale, 1, "as in share: [0.25, 0.5, 1]"});
  archive(
      {"copies",
       "So many of it at a time, each with prompts of its own and shifted by a time of its own, "
       "drawn; one level each. The best way to more load."},
      trace.copies, kind::Levels{1, kMostScale, "as in copies: [1, 2, 4]"});
  archive({"speed",
           "Sessions come so much faster, one level each; the time between the requests of one "
           "stays, as caches forget by the second."},
          trace.speed, kind::Levels{kLeastScale, kMostScale, "as in speed: [1, 2]"});
  archive(
      {"rate", "Requests a second on average, one level each: a share of it, or of copies of it."},
      trace.rate, kind::Levels{kMinRate, kMaxRate, "as in rate: [1, 2, 4]"});
}

template <class Archive>
void keys(Archive& archive, LoadSpec& load) {
  using std::chrono::milliseconds;
  archive({"concurrency", "Requests in flight, one level each, in this order."}, load.concurrency,
          kind::Levels{1, kMaxConcurrency, "as in concurrency: [1, 2, 4, 8]"});
  archive({"users",
           "Users at once, each of whom runs sessions of `workload.sessions` one after the other; "
           "one level each, in this order. Instead of concurrency."},
          load.users, kind::Levels{1, kMaxConcurrency, "as in users: [8, 16, 32]"});
  archive({"rate",
           "Requests a second, whatever is in flight; one level each, in this order. Instead of "
           "concurrency."},
          load.rate, kind::Levels{kMinRate, kMaxRate, "as in rate: [1, 2, 4]"});
  archive({"profile",
           "A rate that changes with time: one level, of steps {for, rate} or {for, from, to}, in "
           "requests a second. Instead of rate and measure; figures are of each step and of the "
           "whole."},
          load.profile, kind::Profile{});
  archive({"trace",
           "Recorded traffic, replayed: requests of its lengths at its instants, with prompts that "
           "share what its hash ids share (docs/traces.md). Instead of a rate; of `share`, "
           "`copies`, `speed` and `rate` one at most."},
          load.trace, kind::Section{.optional = true});
  archive({.name = "arrivals",
           .sentence = "When the requests of a rate are due.",
           .loop = LoopKind::kOpen},
          load.arrivals, kind::Section{});
  archive({.name = "warmup",
           .sentence = "Of a rate or users: before the window. About three E2E latencies with the "
                       "time to think, or more.",
           .loop = LoopKind::kTimed},
          load.warmup, kind::DurationFrom{Duration(0)});
  archive({.name = "measure",
           .sentence = "Of a rate or users: the window. What is scheduled inside it is measured.",
           .loop = LoopKind::kTimed},
          load.measure, kind::DurationFrom{milliseconds(100)});
  archive(
      {.name = "drain",
       .sentence = "Of a rate: after the window, the longest wait for its requests, while others "
                   "go on arriving. Where it is not enough the level is overloaded.",
       .loop = LoopKind::kOpen},
      load.drain, kind::DurationFrom{milliseconds(1)});
  archive(
      {.name = "max_in_flight",
       .sentence = "Of a rate: a guard, no limit of the load. Reaching it ends the run, and the "
                   "level is overloaded.",
       .loop = LoopKind::kOpen},
      load.max_in_flight, kind::Whole{1, 1'000'000});
  archive({.name = "requests_per_slot",
           .sentence = "Measured requests of each slot in one repeat of a level.",
           .loop = LoopKind::kClosed},
          load.requests_per_slot, kind::Whole{1, 1'000'000});
  archive({.name = "min_requests",
           .sentence = "Raises requests_per_slot until a level has so many measured requests.",
           .loop = LoopKind::kClosed},
          load.min_requests, kind::Whole{0, 100'000'000});
  archive({.name = "duration",
           .sentence = "Instead of requests_per_slot: measured is what slots start in this time, "
                       "from the first request after a warm-up on, and of each slot one request "
                       "at least.",
           .loop = LoopKind::kClosed},
          load.duration, kind::DurationFrom{milliseconds(1)});
  archive({.name = "warmup_per_slot",
           .sentence = "Requests of each slot before the measured ones.",
           .loop = LoopKind::kClosed},
          load.warmup_per_slot, kind::Whole{0, 1000});
  archive({"repeats", "Runs of each level: what intervals between runs come from."}, load.repeats,
          kind::Whole{1, 1000});
  archive({"repeats_max",
           "Upper limit on a level's repeats, including those that `run --gate` adds while a rule "
           "is inconclusive; 0: none are added.",
           Resume::kAllowed},
          load.repeats_max, kind::Whole{0, 1000});
  archive({.name = "fillers",
           .sentence = "Keep every slot busy until the last measured request has ended.",
           .loop = LoopKind::kClosed},
          load.fillers);
  archive({.name = "spread_starts",
           .sentence =
               "Time over which the slots' first requests are spread, at instants drawn from "
               "workload.seed; 0: all at once. About one E2E latency takes slots of equal lengths "
               "out of step. Wants a warm-up, and makes each run as much longer.",
           .loop = LoopKind::kClosed},
          load.spread_starts, kind::DurationFrom{Duration(0)});
  archive({"grace",
           "What an interrupt (Ctrl-C) leaves to requests in flight; SIGTERM and SIGHUP leave 8 s "
           "at most.",
           Resume::kAllowed},
          load.grace, kind::DurationFrom{Duration(0)});
  archive(
      {"max_error_rate", "Share of a level's measured requests that may fail before it is invalid.",
       Resume::kAllowed},
      load.max_error_rate, kind::Number{0, 1});
  archive({"stop_over_error_rate",
           "End a level early once so many of its requests have failed that it cannot keep "
           "max_error_rate any more; what was measured is kept.",
           Resume::kAllowed},
          load.stop_over_error_rate);
  archive(
      {"max_consecutive_errors", "So many failures in a row end a level early.", Resume::kAllowed},
      load.max_consecutive_errors, kind::Whole{1, 1'000'000});
  archive({"retry_after",
           "After an answer 429 or 503 that names a time to wait: send on at once, or hold the "
           "slot until it has passed. The request is a failure either way, with the time in its "
           "record."},
          load.retry_after);
  archive({.name = "retry_after_max",
           .sentence = "The longest that `hold` holds a slot. Where a server asks for more (a date "
                       "in a year, 9999999999 s) the slot sends on after this time, the record "
                       "keeps what was asked, and the level has the warning `retry_after_cut`.",
           .resume = Resume::kAllowed,
           .resume_unless = {"retry_after", name_of(RetryAfter::kHold)}},
          load.retry_after_max, kind::DurationFrom{Duration(0)});
  archive(
      {.name = "refine",
       .sentence = "Bisect between the levels around the users at the first target, and confirm "
                   "both ends.",
       .loop = LoopKind::kClosed},
      load.refine);
  archive(
      {"budget",
       "What one start of the sweep may take. No run of a level is begun that would exceed it; "
       "the sweep ends with exit code 13, and a resume, which has a budget of its own, goes on.",
       Resume::kAllowed},
      load.budget, kind::Section{});
}

template <class Archive>
void keys(Archive& archive, ClientSpec& client) {
  archive({"threads", "Event loops; auto: as many as the load needs."}, client.threads,
          kind::WholeOrAuto{1, 256});
  archive({"transport",
           "What carries the requests; auto: sockets for http:// without a proxy, else libcurl."},
          client.transport);
  archive(
      {"record_chunks", "Keep the instant of every chunk, in chunks.bin beside requests.jsonl."},
      client.record_chunks);
  archive({"receive_stamps",
           "Sample the kernel's receive time stamps, which measure the client's own delay."},
          client.receive_stamps);
  archive({"max_response_bytes", "A response that grows larger has failed."},
          client.max_response_bytes, kind::Whole{1024, int64_t{1} << 40, "bytes"});
}

template <class Archive>
void keys(Archive& archive, Target& target, const kind::Targets& targets) {
  archive({"metric", "The metric that is limited."}, target.metric,
          kind::TargetMetric{targets.of_requests});
  if (!targets.of_requests) {
    archive({"statistic",
             "The statistic of a level that has to keep the limit; of a decode speed, how many "
             "requests decode so fast: p95 means 95 of 100."},
            target.statistic);
  }
  archive({"max", "The limit, of a latency."}, target.max,
          kind::DurationFrom{std::chrono::microseconds(1)});
  archive({"min", "The limit, of a decode speed: 30 is a TPOT of 33.3 ms."}, target.min_tps,
          kind::Number{kMinSpeed, kMaxSpeed, "tokens/s"});
  if (targets.of_requests || targets.of_a_tier) return;
  archive({"all",
           "Limits that a level has to keep together, in place of one: a tier of service, as in "
           "[ttft:p95:2s, decode_speed:p95:30]."},
          target.all, kind::Targets{.of_a_tier = true});
  archive({"name", "Of the tier, for the report."}, target.name, kind::Text{});
}

template <class Archive>
void keys(Archive& archive, SweepSpec& spec) {
  archive({.name = "name",
           .sentence = "Name of the results folder and of the curve in figures.",
           .resume = Resume::kAllowed,
           .required = "the name of the results' folder and of the curve in figures"},
          spec.name, kind::Text{.filled = true});
  archive({"system", "The system under test, carried into the result as stated here."}, spec.system,
          kind::Section{});
  archive({"endpoint", "Where requests go: a url, several, or a simulator profile."}, spec.endpoint,
          kind::Section{.exactly_one = {"url", "urls", "simulator"}});
  archive({"workload", "What is asked."}, spec.workload, kind::Section{});
  archive({"search",
           "Looks for the most load that keeps the first target, in place of load.concurrency and "
           "load.rate: doubles the load until it misses, closes in, and confirms both ends by "
           "fresh runs."},
          spec.load.search, kind::Section{.optional = true});
  archive({"load", "How hard and how long."}, spec.load,
          kind::Section{.at_most_one = {"concurrency", "users", "rate", "profile", "trace"}});
  archive({"client", "The measuring client itself."}, spec.client, kind::Section{});
  archive({"targets",
           "Latency limits (SLOs); for each, the report states how many users still meet it.",
           Resume::kAllowed},
          spec.targets, kind::Targets{});
  archive({"goodput", "Limits that a single request has to keep, all of them, to count as goodput.",
           Resume::kAllowed},
          spec.goodput, kind::Targets{.of_requests = true});
  archive(
      {"require",
       "What a level has to have, or it is INVALID. energy: J per output token by the GPUs' own "
       "readings (docs/telemetry.md), from a page of role gpu.",
       Resume::kAllowed},
      spec.require);
}

}  // namespace llmsweep
