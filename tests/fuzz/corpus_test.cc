// Replays what the fuzzers once found, and the inputs that they start from.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "fuzz/targets.h"
#include "llmsweep/base/files.h"

namespace llmsweep {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> files_below(const std::string& folder) {
  std::vector<fs::path> files;
  const fs::path root = fs::path(LLMSWEEP_SOURCE_DIR) / "tests" / folder;
  if (!fs::exists(root)) return files;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

void replay(void (*target)(std::string_view), const std::vector<std::string>& folders,
            size_t at_least = 30) {
  size_t replayed = 0;
  for (const std::string& folder : folders) {
    for (const fs::path& file : files_below(folder)) {
      SCOPED_TRACE(file.string());
      target(read_file(file));
      ++replayed;
    }
  }
  EXPECT_GE(replayed, at_least);
}

TEST(FuzzCorpus, OfStreamsBreaksNothing) {
  replay(fuzz_stream, {"fuzz/corpus/stream", "protocol/captures", "protocol/fixtures"});
}

TEST(FuzzCorpus, OfStreamsOfTypedEventsBreaksNothing) {
  replay(fuzz_responses_stream, {"fuzz/corpus/responses_stream", "fuzz/corpus/stream"}, 6);
  replay(fuzz_messages_stream, {"fuzz/corpus/messages_stream", "fuzz/corpus/stream"}, 6);
}

TEST(FuzzCorpus, OfAnswersThatAreNoStreamsBreaksNothing) {
  replay(fuzz_embeddings_answer, {"fuzz/corpus/embeddings_answer", "fuzz/corpus/stream"}, 6);
  replay(fuzz_rerank_answer, {"fuzz/corpus/rerank_answer", "fuzz/corpus/stream"}, 6);
}

TEST(FuzzCorpus, OfTracesBreaksNothing) {
  replay(fuzz_trace, {"fuzz/corpus/trace", "fuzz/corpus/dataset"}, 7);
}

TEST(FuzzCorpus, OfAnswersBreaksNothing) {
  replay(fuzz_answers, {"fuzz/corpus/answers", "protocol/captures", "protocol/fixtures"});
}

TEST(FuzzCorpus, OfSpecsBreaksNothing) {
  replay(fuzz_spec, {"fuzz/corpus/spec", "../configs", "protocol/captures"});
}

TEST(FuzzCorpus, OfResultsBreaksNothing) {
  replay(fuzz_result, {"fuzz/corpus/result", "../datasets/published", "protocol/captures"});
}

TEST(FuzzCorpus, OfMetricsPagesBreaksNothing) {
  replay(fuzz_metrics, {"fuzz/corpus/metrics", "telemetry/pages"}, 10);
}

TEST(FuzzCorpus, OfTokenizerFilesBreaksNothing) {
  replay(fuzz_tokenizer_json, {"fuzz/corpus/tokenizer_json"}, 2);
}

TEST(FuzzCorpus, OfTextsToTokenizeBreaksNothing) {
  replay(fuzz_tokenization, {"fuzz/corpus/tokenization", "fuzz/corpus/spec", "protocol/captures"});
}

TEST(FuzzCorpus, OfDatasetsBreaksNothing) {
  replay(fuzz_dataset, {"fuzz/corpus/dataset", "protocol/captures"});
}

TEST(FuzzCorpus, OfOtherToolsResultsBreaksNothing) {
  for (const auto target : {fuzz_import_vllm, fuzz_import_inferencex, fuzz_import_aiperf,
                            fuzz_import_guidellm, fuzz_import_inference_perf,
                            fuzz_import_genai_bench, fuzz_import_llmperf, fuzz_import_other}) {
    replay(target, {"fuzz/corpus/import", "fuzz/corpus/result"}, 10);
  }
}

}  // namespace
}  // namespace llmsweep
