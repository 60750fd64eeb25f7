// What is fuzzed. A target takes any bytes and aborts where a belief about them is broken. Each is
// run by a libFuzzer program (libfuzzer/entry.cc) and, over its corpus, by corpus_test.cc.
#pragma once

#include <string_view>

namespace llmsweep {

// A response: status line and headers where it begins with "HTTP/1.1 ", then the body. Cut in
// pieces or not, it must give the same record.
void fuzz_stream(std::string_view input);
void fuzz_responses_stream(std::string_view input);
void fuzz_messages_stream(std::string_view input);
// The same of an answer that is no stream.
void fuzz_embeddings_answer(std::string_view input);
void fuzz_rerank_answer(std::string_view input);

// JSON that answers the check before a run, or refuses it.
void fuzz_answers(std::string_view input);

// YAML or JSON that people write: read, changed by --set, resolved, written and read again.
void fuzz_spec(std::string_view input);

// result.json, a line of requests.jsonl or a sweep.jsonl: what is accepted survives being written
// and read.
void fuzz_result(std::string_view input);

// tokenizer.json: what is accepted encodes and decodes any text to what it was.
void fuzz_tokenizer_json(std::string_view input);

// Text for small tokenizers of every kind of pre-tokenizer, chosen by the first byte: counts, ids,
// boundaries and the decoded text agree.
void fuzz_tokenization(std::string_view input);

// A ShareGPT file, a JSONL file, or one record of either.
void fuzz_dataset(std::string_view input);

// Recorded traffic, in whatever format its first line says, and as a table whose columns are named.
void fuzz_trace(std::string_view input);

// A page of metrics: whole or cut in pieces, it has the same samples; its kept lines have its
// figures.
void fuzz_metrics(std::string_view input);

// Other tools' results, one target an importer: what is accepted is a result that can be written
// and read.
void fuzz_import_vllm(std::string_view input);
void fuzz_import_inferencex(std::string_view input);
void fuzz_import_aiperf(std::string_view input);
void fuzz_import_guidellm(std::string_view input);
void fuzz_import_inference_perf(std::string_view input);
void fuzz_import_genai_bench(std::string_view input);
void fuzz_import_llmperf(std::string_view input);
void fuzz_import_other(std::string_view input);

}  // namespace llmsweep
