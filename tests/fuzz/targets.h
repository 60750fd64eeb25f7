// What is fuzzed. A target takes any bytes and aborts where a belief about them is broken. Each is
// run by a libFuzzer program (libfuzzer/entry.cc) and, over its corpus, by corpus_test.cc.
#pragma once

#include <string_view>

namespace llmsweep {

// A response: status line and headers where it begins with "HTTP/1.1 ", then the body. Cut in
// pieces or not, it must give the same record.
void fuzz_stream(std::string_view input);

// JSON that answers the check before a run, or refuses it.
void fuzz_answers(std::string_view input);

// YAML or JSON that people write: read, changed by --set, resolved, written and read again.
void fuzz_spec(std::string_view input);

// result.json or a line of requests.jsonl: what is accepted survives being written and read.
void fuzz_result(std::string_view input);

}  // namespace llmsweep
