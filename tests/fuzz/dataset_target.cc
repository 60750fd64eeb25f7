#include <cstdlib>
#include <string>

#include "dataset/dataset.h"
#include "dataset/record_parser.h"
#include "fuzz/targets.h"
#include "llmsweep/base/error.h"
#include "llmsweep/base/text.h"

namespace llmsweep {
namespace {

void uphold(bool belief) {
  if (!belief) std::abort();
}

void require_sound(const Record& record) {
  uphold(!record.turns.empty());
  bool user_seen = false;
  for (const auto& [role, text] : record.turns) {
    uphold(is_valid_utf8(role) && is_valid_utf8(text) && !text.empty());
    if (role == "system" || role == "developer" || user_seen) continue;
    uphold(role == "user");
    user_seen = true;
  }
  uphold(user_seen && record.max_tokens >= 0);
}

// Looking at a record and reading it must agree on whether it is of use.
void read_record(std::string_view input) {
  std::string padded(input);
  padded.resize(input.size() + RecordParser::kJsonPadding);
  RecordParser parser;
  const ParsedRecord seen = parser.check(std::string_view(padded).substr(0, input.size()));
  const ParsedRecord read = parser.parse(input);
  uphold(seen.ok == read.ok && (read.ok || seen.skip == read.skip));
  if (read.ok) require_sound(read.record);
}

void read_file(std::string_view input) {
  try {
    const Dataset dataset = Dataset::from_bytes(input, "input");
    Dataset::Reader reader(dataset);
    for (int64_t i = 0; i < dataset.size(); ++i) {
      require_sound(reader.read(static_cast<uint64_t>(i)));
    }
  } catch (const Error&) {
  }
}

}  // namespace

void fuzz_dataset(std::string_view input) {
  read_record(input);
  read_file(input);
}

}  // namespace llmsweep
