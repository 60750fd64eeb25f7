#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "fuzz/targets.h"
#include "import/import_merge.h"
#include "import/import_run.h"
#include "llmsweep/base/error.h"
#include "llmsweep/results/result_file.h"

namespace llmsweep {
namespace {

using foreign::Format;

// Every format of the family is tried on what it would be given, and on what it would not: a file
// may say one thing and hold another.
void read_as(const Format& format, const foreign::Document& document) {
  std::vector<foreign::Run> runs;
  try {
    if (!format.matches(document)) return;
    runs = format.read(document);
    if (runs.empty()) return;
    const SweepResult result =
        foreign::merge(std::move(runs), {.name = "x", .system = {.gpus = 1}, .concurrency = 1});
    const std::string text = result_to_json(result);
    if (result_to_json(parse_result(text, "written")) != text) std::abort();
  } catch (const Error&) {
  }
}

void import_all(std::string_view input, const std::vector<Format>& formats) {
  std::vector<foreign::Document> documents;
  try {
    documents = foreign::parse_documents(std::string(input), "input.json");
  } catch (const Error&) {
    return;
  }
  for (const foreign::Document& document : documents) {
    for (const Format& format : formats) read_as(format, document);
  }
}

}  // namespace

void fuzz_import_vllm(std::string_view input) {
  import_all(input, foreign::vllm_formats());
}
void fuzz_import_inferencex(std::string_view input) {
  import_all(input, foreign::inferencex_formats());
}
void fuzz_import_aiperf(std::string_view input) {
  import_all(input, foreign::aiperf_formats());
}
void fuzz_import_guidellm(std::string_view input) {
  import_all(input, foreign::guidellm_formats());
}
void fuzz_import_inference_perf(std::string_view input) {
  import_all(input, foreign::inference_perf_formats());
}
void fuzz_import_genai_bench(std::string_view input) {
  import_all(input, foreign::genai_bench_formats());
}
void fuzz_import_llmperf(std::string_view input) {
  import_all(input, foreign::llmperf_formats());
}
void fuzz_import_other(std::string_view input) {
  import_all(input, foreign::other_formats());
  import_all(input, foreign::llm_d_formats());
  import_all(input, foreign::mlperf_formats());
}

}  // namespace llmsweep
