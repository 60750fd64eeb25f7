#include <cstdlib>
#include <string>

#include "fuzz/targets.h"
#include "llmsweep/base/error.h"
#include "llmsweep/results/journal.h"
#include "llmsweep/results/record_file.h"
#include "llmsweep/results/result_file.h"

namespace llmsweep {
namespace {

// What was accepted is written and read to the same text.
void read_result_text(std::string_view input) {
  SweepResult result;
  try {
    result = parse_result(input, "input");
  } catch (const Error&) {
    return;
  }
  const std::string text = result_to_json(result);
  if (result_to_json(parse_result(text, "written")) != text) std::abort();
}

void read_record_text(std::string_view input) {
  RequestRecord record;
  try {
    record = parse_record(input, "input");
  } catch (const Error&) {
    return;
  }
  if (!(parse_record(record_to_jsonl(record), "written") == record)) std::abort();
}

// A journal is read by lines; what it says twice or out of turn is refused.
void read_journal_text(std::string_view input) {
  try {
    const Journal journal = parse_journal(input, "input");
    if (journal.whole_bytes > static_cast<int64_t>(input.size())) std::abort();
    if (journal.prompts_used < 0) std::abort();
  } catch (const Error&) {
  }
}

}  // namespace

void fuzz_result(std::string_view input) {
  read_result_text(input);
  read_record_text(input);
  read_journal_text(input);
}

}  // namespace llmsweep
