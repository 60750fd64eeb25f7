// One run of one level as another tool's file gives it, before runs become a result. Private to
// import/.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "import/import_json.h"
#include "llmsweep/model/level.h"
#include "llmsweep/model/record.h"
#include "llmsweep/model/spec.h"

namespace llmsweep::foreign {

// A request of a file that lists them.
struct Request {
  bool ok = true;
  std::string error;
  std::optional<double> start_s;  // on any clock, the same for all requests of a run
  std::optional<double> ttft_ms, ttfo_ms, e2e_ms;
  int64_t input_tokens = 0;
  int64_t output_tokens = 0;
  std::vector<double> gaps_ms;  // between chunks
};

// What a file says of its system and workload beyond `SystemSpec`, by the file's own keys. Runs
// that differ in one of them are runs of two systems, never repeats of one.
using Facts = std::map<std::string, std::string>;

struct Run {
  std::string tool;
  std::string where;
  int concurrency = 0;  // 0: the file does not say
  std::string model;
  SystemSpec system;  // what the file says of it
  Facts facts;
  std::optional<TokenCount> input_tokens, output_tokens;
  std::optional<int64_t> inputs_per_request;  // of an API that generates no tokens
  std::string dataset;
  std::string created_at;
  bool simulated = false;           // a file of ours says so
  bool interrupted = false;         // cancelled before its end
  bool marked_invalid = false;      // a file of ours says so, for the reasons in `stats` and others
  std::string sweep;                // an export of ours: runs of one sweep, whatever their lengths
  bool lengths_requested = false;   // `input_tokens`, `output_tokens` are what was asked for
  bool wall_is_of_requests = true;  // whether wall_seconds is the time that the requests took
  // Of requests in flight: the time's average with ramp and drain in it, and the most at once.
  std::optional<double> mean_in_flight, most_in_flight;
  RunStats stats;                 // not judged
  std::vector<Request> requests;  // empty: the file holds only aggregates
  bool tokens_known = true;       // of each request; else output_tokens are chunks
  std::vector<std::string> notes;
};

struct Format {
  const char* name;  // for --help and errors
  bool (*matches)(const Document&);
  std::vector<Run> (*read)(const Document&);
  bool whole_file = false;  // `read` is called once, with the first line's document
};

// The formats of one source file each; a document is read by the first that matches.
const std::vector<Format>&
vllm_formats();  // vLLM, vllm-bench, InferenceX raw, TensorRT LLM, SGLang
const std::vector<Format>& inferencex_formats();
const std::vector<Format>& aiperf_formats();  // AIPerf, GenAI-Perf
const std::vector<Format>& guidellm_formats();
const std::vector<Format>& inference_perf_formats();
const std::vector<Format>& genai_bench_formats();
const std::vector<Format>& llmperf_formats();
const std::vector<Format>& llm_d_formats();   // Benchmark Reports
const std::vector<Format>& mlperf_formats();  // MLPerf Endpoints
const std::vector<Format>& other_formats();   // trtllm-bench, inference-benchmarker, evalscope

// ---- Helpers of the readers.

constexpr double kSecond = 1000;  // ms

// Figures of one distribution, each in `unit_ms` milliseconds; what is absent stays absent.
struct Figures {
  std::optional<double> mean, min, max, p50, p90, p95, p99, p999;
  std::optional<int64_t> count;  // absent: the file does not say
  double unit_ms = 1;
};
// Of an object such as {"mean": …, "p50": …, "p99": …}, by whichever of the names that tools use.
// No object: none.
Figures figures_of(const Json* metric, std::optional<int64_t> count, double unit_ms);
// p99 and p99.9 only where there are samples enough for them (300, 3,000). Without any figure: of
// an unknown number of samples, unless none was completed.
Distribution distribution(const Figures& figures);

// The mean and, where known, the deviation: never one that the file does not say. Absent where
// there is no mean above 0.
std::optional<TokenCount> token_count(std::optional<double> mean, std::optional<double> deviation);

// Fills what follows from other figures: mean tokens, request throughput, decode speed.
void fill_derived(Run& run);

// Of a list of every request's.
std::optional<TokenCount> token_count(const std::vector<double>& lengths);

// The mean of a total over the requests; absent: no requests, or no total.
std::optional<double> per_request(std::optional<double> total, std::optional<int64_t> requests);

// Replaces the figures that `requests` give by our definitions of them. With start times for every
// completed request: all of them, throughputs included; without: the latency distributions.
void recompute(Run& run);
// The records of a run whose requests all have start times; else empty.
std::vector<RequestRecord> records_of(const Run& run);

[[noreturn]] void fail(const Document& document, std::string what, std::string next = {});
// The number at `path`, else an Error that names the key.
double required(const Document& document, std::string_view path);

}  // namespace llmsweep::foreign
