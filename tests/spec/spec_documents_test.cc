// The schema and docs/spec.md are what the list of keys says; LLMSWEEP_WRITE_DOCS=1 writes them.
#include "spec/spec_documents.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "llmsweep/base/files.h"

namespace llmsweep {
namespace {

const std::string kSources = std::string(LLMSWEEP_SOURCE_DIR) + "/";

void expect_written(const std::string& path, const std::string& text) {
  if (std::getenv("LLMSWEEP_WRITE_DOCS") != nullptr) write_file_atomically(kSources + path, text);
  EXPECT_EQ(read_file(kSources + path), text)
      << "run this test with LLMSWEEP_WRITE_DOCS=1 to write " << path << " again";
}

// `document` with what stands between `begin` (after `from`) and `end` replaced.
void replace_between(std::string& document, const std::string& from, const std::string& begin,
                     const std::string& end, const std::string& text) {
  const size_t section = document.find(from);
  ASSERT_NE(section, std::string::npos) << from;
  const size_t at = document.find(begin, section);
  ASSERT_NE(at, std::string::npos) << begin << " after " << from;
  const size_t stop = document.find(end, at);
  ASSERT_NE(stop, std::string::npos) << end << " after " << from;
  document.replace(at, stop - at, text);
}

TEST(SpecSchema, IsWhatTheListOfKeysSays) {
  expect_written("configs/llmsweep-spec.schema.json", spec_schema());
}

TEST(SpecDocs, TablesAreWhatTheListOfKeysSays) {
  std::string document = read_file(kSources + "docs/spec.md");
  for (const auto& [section, table] : spec_tables()) {
    const std::string heading = section.empty() ? "## Top level" : "## " + section;
    replace_between(document, heading + "\n", "| key |", "\n\n", table.substr(0, table.size() - 1));
  }
  replace_between(document, "## What a resumed run may change\n", "Two specs that differ only in ",
                  " ask for the same measurements",
                  "Two specs that differ only in " + resumable_keys());
  expect_written("docs/spec.md", document);
}

}  // namespace
}  // namespace llmsweep
